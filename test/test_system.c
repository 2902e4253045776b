/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_system.c - answers of the system that the tests' machine may never give: huge pages, address space
 * that can not be had, processors that can not be counted or told.  The program's own functions of these
 * names stand before those of the C library.
 */
#include "tables.h"

#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#ifndef MAP_HUGETLB
#define MAP_HUGETLB 0
#endif

#define HUGE_PAGE ((size_t)2 * MIB)

/* Sanitizers put functions of their own before these. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED

int main(void)
{
    return 77; /* skipped */
}

#else

static struct {
    int no_mapping;   /* mmap fails */
    int no_huge;      /* mmap fails for huge pages */
    int no_memalign;  /* posix_memalign fails after so many calls, counted from 1; 0: never */
    int no_processor; /* sched_getcpu fails */
    long processors;  /* of sysconf; 0: the true number */
    unsigned huge;    /* mappings of huge pages asked for */
    size_t huge_size; /* of the last */
    void *unmapped;   /* what munmap was asked for last */
    size_t unmapped_size;
} machine;

/* The C library's own. */
#define REAL(function, name)                                                                       \
    do {                                                                                           \
        void *symbol_ = dlsym(RTLD_NEXT, (name));                                                  \
        REQUIRE(symbol_ != NULL);                                                                  \
        memcpy(&(function), &symbol_, sizeof(function));                                           \
    } while (0)

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    void *(*real)(void *, size_t, int, int, int, off_t);
    int is_huge = MAP_HUGETLB != 0 && (flags & MAP_HUGETLB) != 0;
    if (machine.no_mapping || (is_huge && machine.no_huge)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    if (is_huge) { /* ordinary memory serves for it */
        machine.huge++;
        machine.huge_size = size;
        REQUIRE(size % HUGE_PAGE == 0);
        flags &= ~MAP_HUGETLB;
    }
    REAL(real, sizeof offset > sizeof(long) ? "mmap64" : "mmap");
    return real(address, size, protection, flags, file, offset);
}

int munmap(void *address, size_t size)
{
    int (*real)(void *, size_t);
    machine.unmapped = address;
    machine.unmapped_size = size;
    REAL(real, "munmap");
    return real(address, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    if (machine.no_memalign != 0 && --machine.no_memalign == 0)
        return ENOMEM;
    *memory = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    return *memory != NULL ? 0 : ENOMEM;
}

int sched_getcpu(void)
{
    return machine.no_processor ? -1 : 0;
}

long sysconf(int name)
{
    long (*real)(int);
    if (name == _SC_NPROCESSORS_ONLN)
        return machine.processors != 0 ? machine.processors : 2;
    REAL(real, "sysconf");
    return real(name);
}

static void fill(fastskip_table *t)
{
    unsigned n = 0;
    while (put(t, n, n) == FASTSKIP_OK)
        n++;
    REQUIRE(n > 100);
    for (unsigned i = 0; i < n; i++)
        REQUIRE_EQ(get(t, i), i);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
}

/* ---- memory ---- */

START_TEST(huge_pages)
{
    static const uint64_t limits[] = {64 * KIB, 2 * MIB, 2 * MIB + 4096, 5 * MIB};
    for (size_t i = 0; i < sizeof limits / sizeof *limits && MAP_HUGETLB != 0; i++) {
        struct fastskip_options o = options_of(limits[i], 1);
        fastskip_table *t;
        void *base;
        o.huge_pages = FASTSKIP_HUGE_PAGES_INSIST;
        machine.huge = 0;
        t = table_of(&o);
        base = t->arena.base;
        ck_assert_uint_eq(machine.huge, 1);
        ck_assert_uint_eq(machine.huge_size, (limits[i] + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
        fill(t); /* nothing need be made usable */
        ck_assert_uint_le(stat_of(t, FASTSKIP_STAT_MEMORY_USED), limits[i]);
        fsk_table_unref(t);
        ck_assert_ptr_eq(machine.unmapped, base); /* and all of it goes back */
        ck_assert_uint_eq(machine.unmapped_size, machine.huge_size);
    }
}
END_TEST

START_TEST(no_huge_pages)
{
    struct fastskip_options o = options_of(MIB, 1);
    fastskip_table *t;
    o.huge_pages = FASTSKIP_HUGE_PAGES_INSIST;
    machine.no_huge = 1;
    ck_assert_int_eq(fsk_table_new(&o, &t), FASTSKIP_NO_MEMORY);
    /* Who only asks for them does without. */
    o.huge_pages = FASTSKIP_HUGE_PAGES_ASK;
    t = table_of(&o);
    fill(t);
    fsk_table_unref(t);
    machine.no_huge = 0;
}
END_TEST

START_TEST(no_address_space)
{
    struct fastskip_options o = options_of(MIB, 1);
    fastskip_table *t;
    fsk_arena arena;
    fsk_arena_options most = {UINT64_MAX, 0, 1, 0, {NULL, NULL, NULL, NULL}, 0};
    machine.no_mapping = 1;
    ck_assert_int_eq(fsk_table_new(&o, &t), FASTSKIP_NO_MEMORY);
    machine.no_mapping = 0;
    /* More than half of what can be addressed is not even asked for. */
    ck_assert_int_eq(fsk_arena_init(&arena, &most), FASTSKIP_NO_MEMORY);
    most.limit = (uint64_t)SIZE_MAX / 2 + 1;
    ck_assert_int_eq(fsk_arena_init(&arena, &most), FASTSKIP_NO_MEMORY);
}
END_TEST

START_TEST(no_memory_for_the_table)
{
    struct fastskip_options o = options_of(MIB, 1);
    fastskip_table *t;
    for (int call = 1; call <= 2; call++) { /* the table, its shards */
        machine.no_memalign = call;
        ck_assert_int_eq(fsk_table_new(&o, &t), FASTSKIP_NO_MEMORY);
        ck_assert_int_eq(machine.no_memalign, 0);
    }
    t = table_of(&o);
    fill(t);
    fsk_table_unref(t);
}
END_TEST

/* ---- processors ---- */

START_TEST(as_many_shards_as_processors)
{
    static const struct {
        long processors;
        unsigned shards;
    } cases[] = {{-1, 1}, {1, 1}, {7, 7}, {1024, 1024}, {1025, 1024}, {100000, 1024}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fastskip_table *t;
        machine.processors = cases[i].processors;
        t = table_make(MIB, 0);
        ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_SHARDS), cases[i].shards);
        fsk_table_unref(t);
    }
    machine.processors = 0;
}
END_TEST

static void *enter(void *context)
{
    fsk_writer *w = context;
    fsk_arena_enter(w->arena, w);
    return NULL;
}

/* Then a thread begins to look for a shard at some other place, and finds one all the same. */
START_TEST(no_processor)
{
    enum { SHARDS = 8 };
    fsk_arena_options o = {MIB, 0, SHARDS, 0, {NULL, NULL, NULL, NULL}, 0};
    fsk_writer writers[SHARDS + 1];
    fsk_arena arena;
    REQUIRE_EQ(fsk_arena_init(&arena, &o), FASTSKIP_OK);
    machine.no_processor = 1;
    for (int i = 0; i <= SHARDS; i++)
        writers[i].arena = &arena;
    run_threads(SHARDS + 1, enter, writers, sizeof *writers);
    for (int i = 0; i <= SHARDS; i++)
        for (int j = 0; j < i; j++)
            REQUIRE(writers[i].shard != writers[j].shard);
    ck_assert_uint_eq(fsk_load32_seq(&arena.overflow), 1);
    for (int i = 0; i <= SHARDS; i++)
        fsk_arena_leave(&writers[i]);
    ck_assert_uint_eq(fsk_load32_seq(&arena.overflow), 0);
    machine.no_processor = 0;
    fsk_arena_destroy(&arena);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        huge_pages,
        no_huge_pages,
        no_address_space,
        no_memory_for_the_table,
        as_many_shards_as_processors,
        no_processor,
    };
    return RUN_SUITE("system", tests);
}

#endif
