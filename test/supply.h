/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * supply.h - allocators of regions: one that can be told to fail, and one that gives the same two regions again.
 */
#ifndef FSK_TEST_SUPPLY_H
#define FSK_TEST_SUPPLY_H

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api.h"

/* ---- a supply that can be told to fail ---- */

/* Counts its calls, fails those from fail_from to fail_to, and sees to it that nothing is used
 * before it was committed, nor more than was asked for. Of every three it fails some at random. */
struct supply {
    pthread_mutex_t lock;
    unsigned calls, fail_from, fail_to, fail_of_3, reserved;
    char *base;          /* of the last reservation */
    size_t size, extent; /* its size; bytes from base to the end of what was committed */
    int broken;          /* a range outside, a release that does not fit */
};

static inline size_t to_pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

static inline int refuse(struct supply *supply)
{
    uint64_t n = ++supply->calls;
    if (supply->fail_of_3 > 0 && draw(&n) % 3 < supply->fail_of_3)
        return 1;
    return supply->calls >= supply->fail_from && supply->calls <= supply->fail_to;
}

static inline void *reserve(void *ctx, size_t size, size_t alignment)
{
    struct supply *supply = ctx;
    char *address = NULL;
    pthread_mutex_lock(&supply->lock);
    if (!refuse(supply)) {
        size_t room = to_pages(size) + alignment;
        char *start =
            mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start != MAP_FAILED) {
            address = (char *)(((uintptr_t)start + alignment - 1) / alignment * alignment);
            char *end = address + to_pages(size);
            if (address > start)
                munmap(start, (size_t)(address - start));
            if (start + room > end)
                munmap(end, (size_t)(start + room - end));
            supply->base = address;
            supply->size = size;
            supply->extent = 0;
            supply->reserved++;
        }
    }
    pthread_mutex_unlock(&supply->lock);
    return address;
}

/* Knows the bounds of the last reservation only: tables that live beside it are not looked at. */
static inline int32_t commit(void *ctx, void *address, size_t size)
{
    struct supply *supply = ctx;
    char *start = address;
    pthread_mutex_lock(&supply->lock);
    int32_t failed = refuse(supply);
    if (!failed && supply->reserved == 1) {
        if (start < supply->base || start + size > supply->base + supply->size)
            supply->broken = 1;
        if ((size_t)(start + size - supply->base) > supply->extent)
            supply->extent = (size_t)(start + size - supply->base);
    }
    if (!failed) {
        uintptr_t page = (uintptr_t)start / to_pages(1) * to_pages(1);
        failed = mprotect((void *)page, to_pages((uintptr_t)start + size - page),
                          PROT_READ | PROT_WRITE);
    }
    pthread_mutex_unlock(&supply->lock);
    return failed;
}

static inline void release(void *ctx, void *address, size_t size)
{
    struct supply *supply = ctx;
    pthread_mutex_lock(&supply->lock);
    if (supply->reserved == 0 || munmap(address, to_pages(size)) != 0)
        supply->broken = 1;
    supply->reserved--;
    pthread_mutex_unlock(&supply->lock);
}

static inline struct supply new_supply(void)
{
    return (struct supply){.lock = PTHREAD_MUTEX_INITIALIZER, .fail_from = UINT32_MAX};
}

static inline fastskip_options *supplied_options(struct supply *supply, uint64_t limit)
{
    fastskip_options *options = new_options((struct settings){.memory = limit});
    OK(fastskip_options_set_allocator(options, reserve, commit, release, supply));
    return options;
}

/* ---- two regions, given out again and again: a fresh table lies where a dropped one lay ---- */

#define RECYCLED_LIMIT (1 << 20) /* of the tables that lie in them */

struct recycled {
    void *free[2];
    int count;
};

static inline void *take_recycled(void *ctx, size_t size, size_t alignment)
{
    struct recycled *recycled = ctx;
    (void)size, (void)alignment;
    return recycled->count > 0 ? recycled->free[--recycled->count] : NULL;
}

static inline int32_t commit_nothing(void *ctx, void *address, size_t size)
{
    (void)ctx, (void)address, (void)size;
    return 0;
}

static inline void give_recycled(void *ctx, void *address, size_t size)
{
    struct recycled *recycled = ctx;
    /* Whatever is left of the last table is no content of the next. */
    memset(address, 0xaa, size);
    recycled->free[recycled->count++] = address;
}

static inline void make_recycled(struct recycled *recycled)
{
    for (recycled->count = 0; recycled->count < 2; recycled->count++)
        ck_assert_ptr_nonnull(recycled->free[recycled->count] =
                                  aligned_alloc(2 * RECYCLED_LIMIT, 2 * RECYCLED_LIMIT));
}

/* Both have come back. */
static inline void free_recycled(struct recycled *recycled)
{
    ck_assert_int_eq(recycled->count, 2);
    free(recycled->free[0]);
    free(recycled->free[1]);
}

static inline fastskip_options *recycled_options(struct recycled *recycled)
{
    fastskip_options *options = new_options((struct settings){.memory = RECYCLED_LIMIT});
    OK(fastskip_options_set_allocator(options, take_recycled, commit_nothing, give_recycled,
                                      recycled));
    return options;
}

#endif
