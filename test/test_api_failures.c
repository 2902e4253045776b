/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Every failure once. A program that makes every kind of call is run again and again; each time another
 * of its allocations fails, whether from malloc, mmap or mprotect; or another byte of memory or another
 * version is the last that is allowed; or the system has no more address space. Whatever is refused
 * changes nothing, the same call made again succeeds once it can, the result is that of a run without a
 * failure, and nothing is left.
 */
#undef _FILE_OFFSET_BITS /* mmap and mmap64 are two: the library may have been built to call either */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define STARVE_SYSTEM
#include <sys/resource.h>
#include <unistd.h>

#include "api.h"
#include "starve.h"

#define KEYS 700u
#define LONG 5000u /* bytes of the longest value */

static const unsigned char filler[LONG];

/* ---- failing ---- */

static struct {
    unsigned long fail_at; /* which allocation, from 1; 0: none */
    unsigned long made;    /* so far */
    unsigned long refused; /* calls */
    int is_limited;        /* FULL is an answer, and stays one */
} run;

static void arm(void)
{
    malloc_calls = 0;
    malloc_fails_once = 1;
    malloc_budget = run.fail_at > run.made ? (long)(run.fail_at - run.made - 1) : -1;
}

static fastskip_status disarm(fastskip_status status)
{
    malloc_budget = -1;
    run.made += malloc_calls;
    return status;
}

#define ATTEMPT(call) (arm(), disarm(call))

/* What libcheck says of a good call it allocates, beside what is counted here. */
#define MUST(call) REQUIRE((call) == FASTSKIP_OK)

/* ---- what the table must hold ---- */

static struct {
    uint32_t mode;
    fastskip_table *table;
    uint64_t sequence;
    uint32_t value[KEYS]; /* 0: not there */
    uint64_t versions;
} model;

static size_t key_of(uint32_t number, char *key)
{
    return (size_t)snprintf(key, 16, "key%06u", number);
}

static size_t size_of(uint32_t value)
{
    return value % 97 == 0 ? LONG - 8 : sizeof value + value % 60;
}

static int is_as_it_should_be(uint32_t number)
{
    char key[16];
    fastskip_entry e;
    uint32_t value = model.value[number], found = 0;
    fastskip_status status = fastskip_get(model.table, NULL, key, key_of(number, key), &e);
    if (status != FASTSKIP_OK)
        return status == FASTSKIP_NOT_FOUND && value == 0;
    memcpy(&found, e.value, sizeof found);
    return found == value && e.value_size == size_of(value);
}

static void expect_model(unsigned step)
{
    for (uint32_t n = 0; n < KEYS; n += step)
        REQUIRE_AT(is_as_it_should_be(n), n);
    REQUIRE(stat_of(model.table, FASTSKIP_STAT_VERSIONS) == model.versions);
}

/* The call must succeed: at once, or once more after an allocation of it failed. Limits may refuse it. */
#define TRY(call) settle(ATTEMPT(call), 0) || settle(ATTEMPT(call), 1)

/* 1: it is settled, and run.refused tells whether it was done; 0: to be tried again. */
static int done;

static int settle(fastskip_status status, int again)
{
    done = status == FASTSKIP_OK;
    if (status == FASTSKIP_OK)
        return 1;
    run.refused++;
    if (model.table != NULL)
        expect_model(run.refused < 4 ? 1 : 53);
    if (run.is_limited) {
        REQUIRE_AT(status == FASTSKIP_FULL, status);
        return 1;
    }
    REQUIRE_AT(status == FASTSKIP_NO_MEMORY && run.fail_at != 0 && !again, status);
    return 0;
}

/* ---- the program ---- */

/* Value 0 deletes. */
static void write_one(uint32_t number, uint32_t value, int how)
{
    char key[16];
    size_t key_size = key_of(number, key), size = value != 0 ? size_of(value) : 0;
    unsigned char bytes[LONG];
    fastskip_table *t = model.table;
    fastskip_entry e;
    int32_t inserted;
    memcpy(bytes, filler, size);
    memcpy(bytes, &value, sizeof value);
    if (model.mode == FASTSKIP_SEQUENCE_CALLER) {
        uint64_t at = ++model.sequence;
        uint32_t kind = value != 0 ? FASTSKIP_PUT : FASTSKIP_DELETE;
        (void)(TRY(fastskip_put_at(t, at, kind, key, key_size, bytes, size)));
    } else if (value == 0) {
        (void)(TRY(fastskip_delete(t, key, key_size)));
    } else if (how == 1 && model.value[number] == 0) {
        (void)(TRY(fastskip_insert(t, key, key_size, bytes, size)));
    } else if (how == 2 && model.value[number] == 0) {
        (void)(TRY(fastskip_get_or_insert(t, key, key_size, bytes, size, &e, &inserted)));
    } else if (how == 3) {
        (void)(TRY(fastskip_put_kind(t, 9, key, key_size, bytes, size)));
    } else {
        (void)(TRY(fastskip_put(t, key, key_size, bytes, size)));
    }
    if (!done)
        return;
    model.value[number] = value;
    model.versions++;
}

static void write_batch(uint32_t first, uint32_t n, uint32_t value)
{
    fastskip_batch *b = NULL;
    (void)(TRY(fastskip_batch_new(&b)));
    for (uint32_t i = first; i < first + n; i++) {
        char key[16];
        size_t key_size = key_of(i, key);
        unsigned char bytes[LONG] = {0};
        uint32_t v = value + i;
        memcpy(bytes, &v, sizeof v);
        if (model.mode == FASTSKIP_SEQUENCE_CALLER) {
            uint64_t at = ++model.sequence;
            (void)(TRY(
                fastskip_batch_put_at(b, at, FASTSKIP_PUT, key, key_size, bytes, size_of(v))));
        } else {
            (void)(TRY(fastskip_batch_put(b, key, key_size, bytes, size_of(v))));
        }
    }
    REQUIRE(fastskip_batch_count(b) == n);
    (void)(TRY(fastskip_write(model.table, b)));
    for (uint32_t i = first; i < first + n && done; i++) {
        model.value[i] = value + i;
        model.versions++;
    }
    fastskip_batch_free(b);
}

/* Walks over every version, both ways, from a snapshot, within bounds. */
static void walk(void)
{
    static const char upper[600] = "l";
    fastskip_snapshot *s = NULL;
    fastskip_iterator *it = NULL;
    uint64_t n = 0;
    if (model.mode == FASTSKIP_SEQUENCE_AUTO) {
        (void)(TRY(fastskip_snapshot_new(model.table, &s)));
        (void)(TRY(fastskip_iterator_new(model.table, s, FASTSKIP_ALL_VERSIONS, &it)));
    } else {
        (void)(TRY(
            fastskip_iterator_new_at(model.table, model.sequence, FASTSKIP_ALL_VERSIONS, &it)));
    }
    (void)(TRY(fastskip_iterator_set_bounds(it, "k", 1, upper, sizeof upper)));
    for (int backwards = 0; backwards < 2; backwards++) {
        fastskip_status status = FASTSKIP_NO_MEMORY;
        uint64_t seen = 0;
        while (status == FASTSKIP_NO_MEMORY) { /* it is not valid then, and begins again */
            seen = 0;
            status = ATTEMPT(backwards ? fastskip_iterator_seek_last(it)
                                       : fastskip_iterator_seek_first(it));
            for (; status == FASTSKIP_OK; seen++)
                status =
                    ATTEMPT(backwards ? fastskip_iterator_prev(it) : fastskip_iterator_next(it));
            run.refused += status == FASTSKIP_NO_MEMORY;
        }
        REQUIRE_AT(status == FASTSKIP_NOT_FOUND, status);
        REQUIRE_AT(seen == model.versions, seen);
        n += seen;
    }
    REQUIRE(n == 2 * model.versions);
    fastskip_iterator_free(it);
    fastskip_snapshot_free(s);
}

/* Reads that must not need any memory. */
static void read_all(void)
{
    const void *keys[KEYS];
    size_t sizes[KEYS];
    char text[KEYS][16];
    fastskip_entry entries[KEYS];
    fastskip_status statuses[KEYS];
    unsigned long before = run.made;
    for (uint32_t n = 0; n < KEYS; n++) {
        sizes[n] = key_of(n, text[n]);
        keys[n] = text[n];
    }
    MUST(ATTEMPT(fastskip_get_many(model.table, NULL, KEYS, keys, sizes, entries, statuses)));
    MUST(ATTEMPT(fastskip_table_check(model.table)));
    REQUIRE(run.made == before);
}

static void write_all(void)
{
    uint32_t random = 1;
    for (unsigned i = 0; i < 500; i++) {
        random = random * 1664525u + 1013904223u;
        write_one((random >> 8) % KEYS, i % 9 == 0 ? 0 : 1 + i, (int)(random >> 28) % 5);
    }
    for (unsigned i = 0; i < 600; i++) /* so many that to put them in order takes memory */
        write_one(7, 1000 + i, 0);
    write_batch(100, 40, 3000);
    write_batch(0, 300, 5000);
    for (unsigned i = 0; i < KEYS; i++)
        write_one(i * 37 % KEYS, 7000 + i, 0);
}

/* Everything from the options to the last reference; limits 0 are the defaults for this. */
static void run_program(uint32_t mode, uint64_t memory, uint64_t entries)
{
    fastskip_options *o = NULL;
    fastskip_table *fresh = NULL;
    long live = malloc_live;
    long long mapped = system_live;
    memset(&model, 0, sizeof model);
    model.mode = mode;
    (void)(TRY(fastskip_options_new(&o)));
    MUST(fastskip_options_set_memory_limit(o, memory != 0 ? memory : 1 << 20));
    MUST(fastskip_options_set_entry_limit(o, entries));
    MUST(fastskip_options_set_block_size(o, 4096));
    MUST(fastskip_options_set_huge_pages(o, FASTSKIP_HUGE_PAGES_NEVER));
    MUST(fastskip_options_set_shards(o, 2));
    MUST(fastskip_options_set_sequence_mode(o, mode));
    (void)(TRY(fastskip_table_new(o, &fresh)));
    model.table = fresh;
    fastskip_options_free(o);
    write_all();
    expect_model(1);
    walk();
    read_all();
    fresh = NULL;
    (void)(TRY(fastskip_table_rotate(model.table, &fresh)));
    REQUIRE(fastskip_table_is_sealed(model.table) == 1);
    expect_model(7);
    fastskip_table_unref(model.table);
    model.table = fresh;
    model.versions = 0;
    memset(model.value, 0, sizeof model.value);
    for (unsigned i = 0; i < 60; i++) /* what was refused finds room in the next table */
        write_one(i, 1 + i % 30, 0);
    REQUIRE(memory == 0 || model.versions == 60 || entries != 0);
    expect_model(1);
    MUST(ATTEMPT(fastskip_table_reset(model.table)));
    model.versions = 0;
    memset(model.value, 0, sizeof model.value);
    write_one(1, 1, 0);
    expect_model(1);
    fastskip_table_unref(model.table);
    REQUIRE_AT(malloc_live == live, malloc_live - live);
    REQUIRE_AT(system_live == mapped, system_live - mapped);
}

static void report(const char *what, unsigned long runs, unsigned long refused)
{
    if (getenv("FASTSKIP_TEST_VERBOSE") != NULL)
        fprintf(stderr, "%s: %lu runs, %lu calls refused\n", what, runs, refused);
}

START_TEST(each_allocation_fails_once)
{
    unsigned long allocations, refused = 0;
    memset(&run, 0, sizeof run);
    run_program((uint32_t)_i, 0, 0);
    allocations = run.made;
    ck_assert_uint_eq(run.refused, 0);
    for (unsigned long n = 1; n <= allocations; n++) {
        memset(&run, 0, sizeof run);
        run.fail_at = n;
        run_program((uint32_t)_i, 0, 0);
        /* One call at most meets it: some do with less. */
        REQUIRE_AT(run.refused <= 1, n);
        refused += run.refused;
    }
    ck_assert_uint_gt(refused, allocations / 4);
    report("allocations", allocations, refused);
}
END_TEST

/* Each point in a long run, some of them else. */
static unsigned apart(unsigned step)
{
    return scaled(1) > 1 ? 1 : step;
}

/* From the least limit on, until nothing is refused any more. Sizes that are no multiples of 8, too. */
START_TEST(memory_ends_at_each_point)
{
    unsigned long runs = 0, refused = 0;
    uint64_t limit = 65536;
    do {
        memset(&run, 0, sizeof run);
        run.is_limited = 1;
        run_program((uint32_t)_i, limit, 0);
        limit += 9 * apart(167);
        refused += run.refused;
        runs++;
    } while (run.refused != 0);
    ck_assert_uint_gt(runs, 100);
    report("memory limits", runs, refused);
}
END_TEST

START_TEST(versions_end_at_each_point)
{
    unsigned long runs = 0, refused = 0;
    uint64_t limit = 1;
    do {
        memset(&run, 0, sizeof run);
        run.is_limited = 1;
        run_program((uint32_t)_i, 0, limit);
        limit += apart(11);
        runs++;
        refused += run.refused;
    } while (run.refused != 0);
    ck_assert_uint_gt(runs, 100);
    report("entry limits", runs, refused);
}
END_TEST

/* ---- the system's own limits ---- */

#ifndef __SANITIZE_ADDRESS__
#ifndef __SANITIZE_THREAD__
static uint64_t used_now(const char *field)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[128];
    unsigned long kib = 0;
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtoul(line + strlen(field), NULL, 10);
    if (f != NULL)
        fclose(f);
    return (uint64_t)kib * 1024;
}

static void limit_to(int resource, uint64_t bytes)
{
    struct rlimit l;
    getrlimit(resource, &l);
    l.rlim_cur = bytes != 0 ? bytes : l.rlim_max;
    ck_assert_int_eq(setrlimit(resource, &l), 0);
}

/* Not under an emulator. */
static int are_limits_kept(void)
{
    size_t size = 64 << 20;
    limit_to(RLIMIT_AS, used_now("VmSize:") + size / 2);
    void *memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    limit_to(RLIMIT_AS, 0);
    if (memory == MAP_FAILED)
        return 1;
    munmap(memory, size);
    puts("skipped: the system's limits are not kept here");
    return 0;
}

START_TEST(no_address_space)
{
    fastskip_table *table = NULL;
    unsigned refused = 0;
    if (!are_limits_kept())
        return;
    for (uint64_t more = 1 << 20; table == NULL; more += more / 4) {
        limit_to(RLIMIT_AS, used_now("VmSize:") + more);
        fastskip_status status = fastskip_table_new(NULL, &table);
        limit_to(RLIMIT_AS, 0);
        ck_assert(status == FASTSKIP_OK || status == FASTSKIP_NO_MEMORY);
        ck_assert((status == FASTSKIP_OK) == (table != NULL));
        refused += status != FASTSKIP_OK;
    }
    ck_assert_uint_gt(refused, 0);
    OK(fastskip_put(table, STR("k"), STR("v")));
    fastskip_table_unref(table);
}
END_TEST

/* The system refuses to make more of the region usable. */
START_TEST(no_memory_of_the_system)
{
    static unsigned char value[LONG];
    unsigned refused = 0;
    if (!are_limits_kept())
        return;
    fastskip_options *o = new_options((struct settings){.memory = 8 << 20});
    OK(fastskip_options_set_block_size(o, 4096));
    OK(fastskip_options_set_huge_pages(o, FASTSKIP_HUGE_PAGES_NEVER));
    fastskip_table *table = table_of(o);
    for (uint32_t i = 0; i < 1200; i++) {
        fastskip_entry e;
        limit_to(RLIMIT_DATA, used_now("VmData:"));
        fastskip_status status = fastskip_put(table, &i, sizeof i, value, sizeof value);
        limit_to(RLIMIT_DATA, 0);
        if (status != FASTSKIP_OK) {
            ck_assert_int_eq(status, FASTSKIP_NO_MEMORY);
            refused++;
            OK(fastskip_put(table, &i, sizeof i, value, sizeof value));
        }
        OK(fastskip_get(table, NULL, &i, sizeof i, &e));
        REQUIRE(stat_of(table, FASTSKIP_STAT_VERSIONS) == i + 1);
    }
    ck_assert_uint_gt(refused, 10);
    report("system", 1200, refused);
    drop(table);
}
END_TEST
#define HAS_SYSTEM_LIMITS 1
#endif
#endif

int main(void)
{
    Suite *suite;
    if (!can_starve()) {
        puts("skipped: malloc can not be replaced here");
        return 77;
    }
    suite = suite_create("api_failures");
    suite_add(suite, each_allocation_fails_once, 2);
    suite_add(suite, memory_ends_at_each_point, 2);
    suite_add(suite, versions_end_at_each_point, 2);
#ifdef HAS_SYSTEM_LIMITS
    suite_add(suite, no_address_space, 1);
    suite_add(suite, no_memory_of_the_system, 1);
#endif
    return suite_run(suite);
}
