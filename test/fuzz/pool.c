/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * pool.c - regions for tables; see fuzz.h.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "fuzz.h"

#if defined(__SANITIZE_ADDRESS__)
#define POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ASAN 1
#elif __has_feature(memory_sanitizer)
#define POOL_MSAN 1
#endif
#endif
#ifdef POOL_ASAN
#include <sanitizer/asan_interface.h>
#define NOT_CHECKED __attribute__((no_sanitize_address))
#elif defined(POOL_MSAN)
#include <sanitizer/msan_interface.h>
#endif

#ifndef NOT_CHECKED
#define NOT_CHECKED
#endif

#define REGIONS 4
#define GUARD 4096 /* behind each region, never committed */

/* `committed` is a high-water mark: the library commits from the low end on. */
static struct {
    char *base;
    size_t size, committed;
} regions[REGIONS];

static char *pool;

/* False if the system has not so much address space. */
static int map_pool(void)
{
    const size_t stride = POOL_REGION + GUARD;
    if (pool != NULL)
        return 1;
    char *p = mmap(NULL, REGIONS * stride, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return 0;
#ifdef POOL_ASAN
    ASAN_POISON_MEMORY_REGION(p, REGIONS * stride);
#endif
    for (size_t i = 0; i < REGIONS; i++)
        regions[i].base = p + i * stride;
    pool = p;
    return 1;
}

int pool_holds(const void *p)
{
    return (uintptr_t)p - (uintptr_t)pool < REGIONS * (POOL_REGION + GUARD);
}

static void *pool_reserve(void *ctx, size_t size, size_t alignment)
{
    (void)ctx;
    (void)alignment; /* more than the library needs where pages are small */
    for (int i = 0; i < REGIONS && size <= POOL_REGION; i++) {
        if (regions[i].size > 0)
            continue;
        if (!map_pool())
            return NULL;
        regions[i].size = size;
        regions[i].committed = 0;
        return regions[i].base;
    }
    return NULL;
}

/* Fresh memory holds what is no sensible reference, size or word. Of words, and not of one byte again and
 * again: of that compilers make a memset, and the sanitizer's looks at all of the range first. */
NOT_CHECKED static void make_dirty(char *p, size_t size)
{
    const uint64_t dirt = UINT64_C(0xa5a5a5b5a5a5a5a5);
#ifdef POOL_ASAN
    ASAN_UNPOISON_MEMORY_REGION(p, size);
#endif
    for (size_t i = 0; i + sizeof dirt <= size; i += sizeof dirt)
        memcpy(p + i, &dirt, sizeof dirt);
#ifdef POOL_MSAN
    __msan_allocated_memory(p, size);
#endif
}

static int32_t pool_commit(void *ctx, void *address, size_t size)
{
    struct world *w = ctx;
    char *from = address;
    for (int i = 0; i < REGIONS; i++) {
        char *done = regions[i].base + regions[i].committed;
        if (regions[i].size == 0 || from < regions[i].base ||
            from >= regions[i].base + regions[i].size)
            continue;
        EXPECT(w, from <= done && from + size <= regions[i].base + regions[i].size);
        if (from + size > done) {
            make_dirty(done, (size_t)(from + size - done));
            regions[i].committed = (size_t)(from + size - regions[i].base);
        }
        return 0;
    }
    abort_run(w, "a range inside a region", __FILE__, __LINE__);
    return 1;
}

static void pool_release(void *ctx, void *address, size_t size)
{
    struct world *w = ctx;
    int i = 0;
    while (i < REGIONS && (regions[i].base != address || regions[i].size == 0))
        i++;
    EXPECT(w, i < REGIONS && regions[i].size == size);
#ifdef POOL_ASAN
    ASAN_POISON_MEMORY_REGION(regions[i].base, regions[i].committed);
#endif
    regions[i].size = 0;
}

void pool_use(struct world *w, fastskip_options *options)
{
    EXPECT(w, fastskip_options_set_allocator(options, pool_reserve, pool_commit, pool_release, w) ==
                  FASTSKIP_OK);
}

int pool_is_whole(void)
{
    for (int i = 0; i < REGIONS; i++)
        if (regions[i].size > 0)
            return 0;
    return 1;
}
