/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * What goes wrong outside: no memory at any allocation, limits reached, tables sealed and rotated
 * under their writers, orders of keys that contradict themselves, threads and tables that come and
 * go. What was acknowledged is there afterwards, what was refused is not.
 *
 * FASTSKIP_TEST_SCALE multiplies the rounds of what is random.
 */
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fastskip.h"

#define STR(s) (s), sizeof(s) - 1
#define OK(call) ck_assert_int_eq((call), FASTSKIP_OK)

/* ck_assert writes a record for each call: too slow for millions, and not for threads. */
#define REQUIRE_AT(condition, place)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s (%s, %lld)", #condition, #place, (long long)(place));                 \
    } while (0)
#define REQUIRE(condition) REQUIRE_AT(condition, 0)
#define REQUIRE_NONE(failure)                                                                      \
    do {                                                                                           \
        if (failure)                                                                               \
            ck_abort_msg("%s", failure);                                                           \
    } while (0)

static unsigned scale(void)
{
    const char *text = getenv("FASTSKIP_TEST_SCALE");
    unsigned long factor = text ? strtoul(text, NULL, 10) : 1;
    return factor > 0 ? (unsigned)factor : 1;
}

static uint64_t stat_of(const fastskip_table *table, uint32_t id)
{
    uint64_t number = UINT64_MAX;
    if (fastskip_table_stat(table, id, &number) != FASTSKIP_OK)
        return UINT64_MAX;
    return number;
}

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ---- an allocator that can be told to fail --------------------------------------------------- */

/* Counts its calls, fails those from fail_from to fail_to, and sees to it that nothing is used
 * before it was committed, nor more than was asked for. Of every three it fails some at random. */
struct supply {
    pthread_mutex_t lock;
    unsigned calls, fail_from, fail_to, fail_of_3, reserved;
    char *base;          /* of the last reservation */
    size_t size, extent; /* its size; bytes from base to the end of what was committed */
    int broken;          /* a range outside, a release that does not fit */
};

static size_t to_pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

static int refuse(struct supply *supply)
{
    uint64_t n = ++supply->calls;
    if (supply->fail_of_3 > 0 && draw(&n) % 3 < supply->fail_of_3)
        return 1;
    return supply->calls >= supply->fail_from && supply->calls <= supply->fail_to;
}

static void *reserve(void *ctx, size_t size, size_t alignment)
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
static int32_t commit(void *ctx, void *address, size_t size)
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

static void release(void *ctx, void *address, size_t size)
{
    struct supply *supply = ctx;
    pthread_mutex_lock(&supply->lock);
    if (supply->reserved == 0 || munmap(address, to_pages(size)) != 0)
        supply->broken = 1;
    supply->reserved--;
    pthread_mutex_unlock(&supply->lock);
}

static struct supply new_supply(void)
{
    return (struct supply){.lock = PTHREAD_MUTEX_INITIALIZER, .fail_from = UINT32_MAX};
}

static fastskip_options *supplied_options(struct supply *supply, uint64_t limit)
{
    fastskip_options *options = NULL;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_memory_limit(options, limit));
    OK(fastskip_options_set_allocator(options, reserve, commit, release, supply));
    return options;
}

/* ---- a writer that remembers what was acknowledged ------------------------------------------- */

#define KEYS 600
#define ABSENT 0
#define BATCH 12

struct writer {
    fastskip_table *table;
    uint32_t mode, name; /* name: keeps the keys of several writers apart */
    uint64_t random, number;
    uint32_t state[KEYS]; /* stamp of the newest version; odd stamps are tombstones */
    uint64_t versions, bytes;
    fastskip_batch *batch;
};

#define LARGEST 9000
static const unsigned char filler[LARGEST + 8];

static size_t size_of_value(uint32_t stamp)
{
    uint32_t x = stamp * 2654435761u;
    return stamp % 2     ? 0
           : x % 50 == 0 ? 4 + (x >> 8) % (LARGEST - 4)
           : x % 5 == 0  ? 4 + (x >> 8) % 400
                         : 4 + (x >> 8) % 40;
}

static const void *value_of(unsigned char *value, uint32_t stamp)
{
    memcpy(value, filler, sizeof filler);
    memcpy(value, &stamp, sizeof stamp);
    return value;
}

/* Keys of several writers lie beside each other, so that they meet in the same blocks. */
static size_t name_key(const struct writer *w, unsigned k, char *text)
{
    return (size_t)snprintf(text, 32, "%0*u/%u", k % 7 == 0 ? 20 : 4, k, w->name);
}

/* What the table says of a key is what the writer remembers. */
static int is_as_remembered(const struct writer *w, unsigned k)
{
    char key[32];
    fastskip_entry entry;
    uint32_t stamp = w->state[k], found;
    fastskip_status status = fastskip_get_raw(w->table, NULL, key, name_key(w, k, key), &entry);
    if (stamp == ABSENT)
        return status == FASTSKIP_NOT_FOUND;
    if (status != FASTSKIP_OK || entry.value_size != size_of_value(stamp))
        return 0;
    if (stamp % 2)
        return entry.kind == FASTSKIP_DELETE;
    memcpy(&found, entry.value, sizeof found);
    return entry.kind == FASTSKIP_PUT && found == stamp &&
           memcmp((const char *)entry.value + 4, filler, entry.value_size - 4) == 0;
}

static void remember(struct writer *w, unsigned k, uint32_t stamp)
{
    char key[32];
    w->state[k] = stamp;
    w->versions++;
    w->bytes += name_key(w, k, key) + size_of_value(stamp);
}

static fastskip_status write_key(struct writer *w, unsigned k, uint32_t stamp)
{
    unsigned char value[LARGEST + 8];
    char key[32];
    size_t size = name_key(w, k, key);
    if (w->mode == FASTSKIP_SEQUENCE_CALLER)
        return fastskip_put_at(w->table, ++w->number, stamp % 2, key, size, value_of(value, stamp),
                               size_of_value(stamp));
    if (stamp % 2)
        return fastskip_delete(w->table, key, size);
    return fastskip_put(w->table, key, size, value_of(value, stamp), size_of_value(stamp));
}

static fastskip_status write_some(struct writer *w, unsigned k, uint32_t stamp, unsigned n)
{
    unsigned char value[LARGEST + 8];
    char key[32];
    fastskip_batch_clear(w->batch);
    for (unsigned i = 0; i < n; i++, stamp++) {
        size_t size = name_key(w, (k + i) % KEYS, key);
        if (w->mode == FASTSKIP_SEQUENCE_CALLER)
            fastskip_batch_put_at(w->batch, ++w->number, stamp % 2, key, size,
                                  value_of(value, stamp), size_of_value(stamp));
        else if (stamp % 2)
            fastskip_batch_delete(w->batch, key, size);
        else
            fastskip_batch_put(w->batch, key, size, value_of(value, stamp), size_of_value(stamp));
    }
    return fastskip_write(w->table, w->batch);
}

/* One random write. Unless it is OK the keys that it named are as before. */
static fastskip_status write_randomly(struct writer *w, const char **failure)
{
    unsigned k = (unsigned)(draw(&w->random) % KEYS);
    unsigned n = draw(&w->random) % 8 == 0 ? 2 + (unsigned)(draw(&w->random) % (BATCH - 2)) : 1;
    uint32_t stamp = (uint32_t)(draw(&w->random) >> 33) | 2;
    fastskip_status status = n > 1 ? write_some(w, k, stamp, n) : write_key(w, k, stamp);
    for (unsigned i = 0; i < n; i++) {
        if (status == FASTSKIP_OK)
            remember(w, (k + i) % KEYS, stamp + i);
        if (!is_as_remembered(w, (k + i) % KEYS))
            *failure = status == FASTSKIP_OK ? "a write is not to be read" : "a refused write is";
    }
    return status;
}

/* The figures of a table that only these writers have written. */
static void expect_figures(const fastskip_table *table, const struct writer *writers, int n)
{
    uint64_t keys = 0, key_bytes = 0, live = 0, versions = 0;
    for (int i = 0; i < n; i++) {
        versions += writers[i].versions;
        for (unsigned k = 0; k < KEYS; k++) {
            char key[32];
            keys += writers[i].state[k] != ABSENT;
            live += writers[i].state[k] != ABSENT && writers[i].state[k] % 2 == 0;
            key_bytes += writers[i].state[k] != ABSENT ? name_key(&writers[i], k, key) : 0;
        }
    }
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), keys);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEY_BYTES), key_bytes);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_LIVE), live);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_TOMBSTONES), keys - live);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), versions);
}

static int remembers_everything(const struct writer *w)
{
    for (unsigned k = 0; k < KEYS; k++)
        if (!is_as_remembered(w, k))
            return 0;
    return 1;
}

static void start_writer(struct writer *w, fastskip_table *table, uint32_t mode, uint32_t name)
{
    memset(w, 0, sizeof *w);
    w->table = table;
    w->mode = mode;
    w->name = name;
    w->random = name + 1;
    OK(fastskip_batch_new(&w->batch));
}

/* ---- no memory for the region ---------------------------------------------------------------- */

static fastskip_table *starved_table(struct supply *supply, uint32_t mode, fastskip_status *status)
{
    fastskip_options *options = supplied_options(supply, 64 << 20);
    fastskip_table *table = NULL;
    OK(fastskip_options_set_block_size(options, 4096));
    OK(fastskip_options_set_sequence_mode(options, mode));
    OK(fastskip_options_set_shards(options, 2));
    *status = fastskip_table_new(options, &table);
    fastskip_options_free(options);
    return table;
}

/* The same workload each time; whatever is refused is tried again. Returns how often it was. */
static unsigned run_script(struct supply *supply, uint32_t mode, unsigned writes, unsigned patience)
{
    static struct writer w;
    const char *failure = NULL;
    unsigned refused = 0;
    fastskip_status status;
    fastskip_table *table = starved_table(supply, mode, &status);
    if (status != FASTSKIP_OK) {
        ck_assert_int_eq(status, FASTSKIP_NO_MEMORY);
        ck_assert_ptr_null(table);
        ck_assert_uint_eq(supply->reserved, 0);
        supply->fail_to = 0;
        refused++;
        table = starved_table(supply, mode, &status);
        OK(status);
    }
    start_writer(&w, table, mode, 1);
    for (unsigned i = 0, waited = 0; i < writes; i++) {
        uint64_t before = w.random;
        status = write_randomly(&w, &failure);
        REQUIRE_NONE(failure);
        REQUIRE_AT(status == FASTSKIP_OK || status == FASTSKIP_NO_MEMORY, status);
        refused += status == FASTSKIP_NO_MEMORY;
        REQUIRE(status == FASTSKIP_OK || supply->calls >= supply->fail_from);
        /* The very same write is tried again. */
        if (status != FASTSKIP_OK && patience == 1)
            w.random = before;
        /* After a while there is memory again. */
        if (status == FASTSKIP_NO_MEMORY && ++waited >= patience)
            supply->fail_to = 0;
    }
    REQUIRE(remembers_everything(&w));
    expect_figures(table, &w, 1);
    OK(fastskip_table_check(table));
    OK(fastskip_table_seal(table));
    fastskip_batch_free(w.batch);
    fastskip_table_unref(table);
    ck_assert_uint_eq(supply->reserved, 0);
    ck_assert(!supply->broken);
    return refused;
}

START_TEST(each_allocation_fails_once)
{
    uint32_t mode = (uint32_t)_i;
    struct supply supply = new_supply();
    unsigned refused = run_script(&supply, mode, 2000, 1), calls = supply.calls;
    ck_assert_uint_eq(refused, 0);
    ck_assert_uint_ge(calls, 2);
    for (unsigned n = 1; n <= calls; n++) {
        supply = new_supply();
        supply.fail_from = supply.fail_to = n;
        unsigned now = run_script(&supply, mode, 2000, 1);
        /* One failure is met by one call at most: the next try finds memory. */
        REQUIRE_AT(now <= 1, n);
        refused += now;
    }
    ck_assert_uint_gt(refused, 0);
}
END_TEST

START_TEST(allocations_fail_for_a_while)
{
    uint32_t mode = (uint32_t)_i;
    struct supply supply = new_supply();
    run_script(&supply, mode, 2000, 1);
    for (unsigned n = 2, calls = supply.calls; n <= calls; n += 1 + calls / 40) {
        supply = new_supply();
        supply.fail_from = n;
        supply.fail_to = UINT32_MAX;
        ck_assert_uint_ge(run_script(&supply, mode, 2000, 60), 1);
    }
}
END_TEST

START_TEST(rotate_without_memory_changes_nothing)
{
    struct supply supply = new_supply();
    fastskip_status status;
    fastskip_table *table = starved_table(&supply, FASTSKIP_SEQUENCE_AUTO, &status), *fresh = NULL;
    unsigned refused = 0;
    OK(status);
    OK(fastskip_put(table, STR("k"), STR("v")));
    for (unsigned n = 0; !fresh; n++) {
        supply.fail_from = supply.fail_to = supply.calls + 1 + n;
        status = fastskip_table_rotate(table, &fresh);
        supply.fail_from = UINT32_MAX;
        if (status == FASTSKIP_OK)
            break;
        ck_assert_int_eq(status, FASTSKIP_NO_MEMORY);
        ck_assert_ptr_null(fresh);
        ck_assert_uint_eq(supply.reserved, 1);
        ck_assert_int_eq(fastskip_table_is_sealed(table), 0);
        OK(fastskip_put(table, STR("k"), STR("v")));
        refused++;
    }
    ck_assert_uint_ge(refused, 1);
    OK(fastskip_put(fresh, STR("k"), STR("v")));
    fastskip_table_unref(fresh);
    fastskip_table_unref(table);
    ck_assert_uint_eq(supply.reserved, 0);
}
END_TEST

/* ---- the memory limit ------------------------------------------------------------------------ */

static const uint64_t limits[] = {65536, 65537, 65543, 69631, 100003, 262147, 1 << 20, 1050625};
#define LIMITS ((int)(sizeof limits / sizeof limits[0]))

static int within_limit(const fastskip_table *table, uint64_t limit)
{
    uint64_t used = stat_of(table, FASTSKIP_STAT_MEMORY_USED);
    uint64_t reserved = stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED);
    return reserved <= limit && used <= limit;
}

/* Each limit with one shard and with many, chunks that grow and chunks larger than the region. */
START_TEST(limit_is_never_passed)
{
    static struct writer w;
    struct supply supply = new_supply();
    uint64_t limit = limits[_i / 4];
    uint32_t mode = (uint32_t)_i % 2;
    fastskip_options *options = supplied_options(&supply, limit);
    fastskip_table *table = NULL;
    const char *failure = NULL;
    OK(fastskip_options_set_shards(options, _i % 4 < 2 ? 1 : 16));
    OK(fastskip_options_set_sequence_mode(options, mode));
    if (_i % 4 == 3)
        OK(fastskip_options_set_block_size(options, 4 << 20));
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    start_writer(&w, table, mode, 1);
    for (int refused = 0; refused < 300;) {
        fastskip_status status = write_randomly(&w, &failure);
        REQUIRE_NONE(failure);
        REQUIRE_AT(status == FASTSKIP_OK || status == FASTSKIP_FULL, status);
        refused += status == FASTSKIP_FULL;
        REQUIRE(within_limit(table, limit));
        REQUIRE(supply.extent <= limit && !supply.broken);
        REQUIRE(stat_of(table, FASTSKIP_STAT_MEMORY_USED) <=
                stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED));
    }
    REQUIRE(remembers_everything(&w));
    expect_figures(table, &w, 1);
    /* A limit that refuses is a limit that was used. */
    ck_assert_uint_ge(w.bytes, limit / 4);
    OK(fastskip_table_check(table));
    fastskip_batch_free(w.batch);
    fastskip_table_unref(table);
}
END_TEST

struct crowd {
    fastskip_table *table;
    uint64_t limit;
    atomic_int over; /* writers that have ended */
    struct writer writers[6];
    const char *failures[7];
};

struct member {
    struct crowd *crowd;
    int index;
};

static void *fill_up(void *arg)
{
    struct member *member = arg;
    struct crowd *crowd = member->crowd;
    for (int refused = 0; refused < 200 && !crowd->failures[member->index];) {
        fastskip_status status =
            write_randomly(&crowd->writers[member->index], &crowd->failures[member->index]);
        refused += status == FASTSKIP_FULL;
        if (status != FASTSKIP_OK && status != FASTSKIP_FULL)
            crowd->failures[member->index] = "an unexpected status";
    }
    atomic_fetch_add(&crowd->over, 1);
    return NULL;
}

static void *watch_limit(void *arg)
{
    struct member *member = arg;
    struct crowd *crowd = member->crowd;
    while (atomic_load(&crowd->over) < 6)
        if (!within_limit(crowd->table, crowd->limit))
            crowd->failures[6] = "the limit was passed";
    return NULL;
}

START_TEST(limit_is_never_passed_by_many_threads)
{
    static struct crowd crowd;
    struct member members[7];
    pthread_t threads[7];
    struct supply supply = new_supply();
    memset(&crowd, 0, sizeof crowd);
    crowd.limit = limits[_i];
    fastskip_options *options = supplied_options(&supply, crowd.limit);
    OK(fastskip_options_set_shards(options, 3));
    OK(fastskip_table_new(options, &crowd.table));
    fastskip_options_free(options);
    for (int i = 0; i < 6; i++)
        start_writer(&crowd.writers[i], crowd.table, FASTSKIP_SEQUENCE_AUTO, (uint32_t)i);
    for (int i = 0; i < 7; i++) {
        members[i] = (struct member){&crowd, i};
        pthread_create(&threads[i], NULL, i < 6 ? fill_up : watch_limit, &members[i]);
    }
    for (int i = 0; i < 7; i++) {
        pthread_join(threads[i], NULL);
        REQUIRE_NONE(crowd.failures[i]);
    }
    uint64_t bytes = 0;
    for (int i = 0; i < 6; i++) {
        REQUIRE(remembers_everything(&crowd.writers[i]));
        bytes += crowd.writers[i].bytes;
        fastskip_batch_free(crowd.writers[i].batch);
    }
    expect_figures(crowd.table, crowd.writers, 6);
    ck_assert_uint_ge(bytes, crowd.limit / 5);
    ck_assert_uint_le(supply.extent, crowd.limit);
    ck_assert(!supply.broken);
    OK(fastskip_table_check(crowd.table));
    fastskip_table_unref(crowd.table);
}
END_TEST

static void *insist(void *arg)
{
    struct member *member = arg;
    struct crowd *crowd = member->crowd;
    struct writer *w = &crowd->writers[member->index];
    for (unsigned i = 0; i < 1500 && !crowd->failures[member->index]; i++) {
        fastskip_status status = write_randomly(w, &crowd->failures[member->index]);
        if (status != FASTSKIP_OK && status != FASTSKIP_NO_MEMORY)
            crowd->failures[member->index] = "an unexpected status";
    }
    return NULL;
}

/* Six threads meet in the same blocks while two of three commits fail: batches break off half way
 * and leave nothing, not in the figures either. */
START_TEST(commits_fail_under_many_threads)
{
    static struct crowd crowd;
    struct member members[6];
    for (unsigned round = 0; round < 10 * scale(); round++) {
        struct supply supply = new_supply();
        pthread_t threads[6];
        fastskip_status status;
        memset(&crowd, 0, sizeof crowd);
        crowd.table = starved_table(&supply, FASTSKIP_SEQUENCE_AUTO, &status);
        OK(status);
        supply.fail_of_3 = 2;
        for (int i = 0; i < 6; i++) {
            start_writer(&crowd.writers[i], crowd.table, FASTSKIP_SEQUENCE_AUTO, (uint32_t)i);
            crowd.writers[i].random += round * 100;
            members[i] = (struct member){&crowd, i};
            pthread_create(&threads[i], NULL, insist, &members[i]);
        }
        for (int i = 0; i < 6; i++) {
            pthread_join(threads[i], NULL);
            REQUIRE_NONE(crowd.failures[i]);
        }
        for (int i = 0; i < 6; i++) {
            REQUIRE(remembers_everything(&crowd.writers[i]));
            fastskip_batch_free(crowd.writers[i].batch);
        }
        expect_figures(crowd.table, crowd.writers, 6);
        OK(fastskip_table_check(crowd.table));
        fastskip_table_unref(crowd.table);
        ck_assert(!supply.broken);
    }
}
END_TEST

/* What writes nothing takes nothing: neither of the entries nor, over time, of the memory. */
START_TEST(refused_inserts_take_no_room)
{
    static const unsigned char value[1000];
    fastskip_options *options = NULL;
    fastskip_table *table = NULL, *caller = NULL;
    fastskip_entry entry;
    int32_t inserted;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_memory_limit(options, 1 << 20));
    OK(fastskip_options_set_entry_limit(options, 2));
    OK(fastskip_table_new(options, &table));
    OK(fastskip_options_set_sequence_mode(options, FASTSKIP_SEQUENCE_CALLER));
    OK(fastskip_table_new(options, &caller));
    fastskip_options_free(options);
    OK(fastskip_put(table, STR("k"), STR("v")));
    OK(fastskip_put_at(caller, 5, FASTSKIP_PUT, STR("k"), STR("v")));
    for (int i = 0; i < 5000; i++) {
        REQUIRE(fastskip_insert(table, STR("k"), value, sizeof value) == FASTSKIP_EXISTS);
        REQUIRE(fastskip_get_or_insert(table, STR("k"), value, sizeof value, &entry, &inserted) ==
                FASTSKIP_OK);
        REQUIRE(!inserted);
        REQUIRE(fastskip_put_at(caller, 5, 0, STR("k"), value, sizeof value) == FASTSKIP_EXISTS);
    }
    OK(fastskip_put(table, STR("l"), value, sizeof value));
    OK(fastskip_put_at(caller, 6, 0, STR("l"), value, sizeof value));
    ck_assert_int_eq(fastskip_put(table, STR("m"), STR("v")), FASTSKIP_FULL);
    fastskip_table_unref(table);
    fastskip_table_unref(caller);
}
END_TEST

/* ---- the entry limit ------------------------------------------------------------------------- */

#define ENTRY_LIMIT 5000

struct entry_race {
    fastskip_table *table;
    int batches;
    atomic_uint seeds, acknowledged;
    atomic_int unexpected;
};

static void *write_to_the_limit(void *arg)
{
    struct entry_race *race = arg;
    fastskip_batch *batch = NULL;
    uint64_t random = atomic_fetch_add(&race->seeds, 1);
    fastskip_batch_new(&batch);
    for (int i = 0; i < 2000; i++) {
        unsigned n = race->batches && i % 3 == 0 ? 1 + (unsigned)(draw(&random) % 9) : 0;
        uint64_t key = draw(&random) % 3000;
        fastskip_status status;
        fastskip_batch_clear(batch);
        for (unsigned b = 0; b < n; b++, key++)
            fastskip_batch_put(batch, &key, sizeof key, STR("v"));
        if (n > 0)
            status = fastskip_write(race->table, batch);
        else if (i % 5 == 0)
            status = fastskip_delete(race->table, &key, sizeof key);
        else
            status = fastskip_put(race->table, &key, sizeof key, STR("v"));
        if (status == FASTSKIP_OK)
            atomic_fetch_add(&race->acknowledged, n > 0 ? n : 1);
        else if (status != FASTSKIP_FULL)
            atomic_store(&race->unexpected, 1);
    }
    fastskip_batch_free(batch);
    return NULL;
}

/* 8 threads try thrice as much: singly, or a third of it in batches. */
START_TEST(entry_limit_is_exact)
{
    struct entry_race race = {.batches = _i};
    fastskip_options *options = NULL;
    pthread_t threads[8];
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_entry_limit(options, ENTRY_LIMIT));
    OK(fastskip_table_new(options, &race.table));
    fastskip_options_free(options);
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, write_to_the_limit, &race);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    ck_assert(!atomic_load(&race.unexpected));
    unsigned count = atomic_load(&race.acknowledged);
    ck_assert_uint_le(count, ENTRY_LIMIT);
    /* What is left, if batches left anything, can be taken to the last one. */
    while (fastskip_put(race.table, STR("last"), STR("v")) == FASTSKIP_OK)
        count++;
    ck_assert_uint_eq(count, ENTRY_LIMIT);
    ck_assert_uint_eq(stat_of(race.table, FASTSKIP_STAT_VERSIONS), ENTRY_LIMIT);
    ck_assert_int_eq(fastskip_table_under_backpressure(race.table), 1);
    OK(fastskip_table_check(race.table));
    fastskip_table_unref(race.table);
}
END_TEST

START_TEST(entry_limit_in_the_middle_of_a_batch)
{
    uint32_t mode = (uint32_t)_i;
    fastskip_options *options = NULL;
    fastskip_table *table = NULL;
    static struct writer w;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_entry_limit(options, 10));
    OK(fastskip_options_set_sequence_mode(options, mode));
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    start_writer(&w, table, mode, 1);
    OK(write_some(&w, 0, 2, 7));
    ck_assert_int_eq(write_some(&w, 3, 20, 4), FASTSKIP_FULL);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), 7);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 7);
    for (unsigned k = 0; k < 7; k++)
        w.state[k] = 2 + k;
    ck_assert(remembers_everything(&w));
    OK(write_some(&w, 3, 20, 3));
    ck_assert_int_eq(write_key(&w, 0, 2), FASTSKIP_FULL);
    fastskip_batch_free(w.batch);
    fastskip_table_unref(table);
}
END_TEST

/* ---- no memory from malloc ------------------------------------------------------------------- */

/* The program's own malloc stands before that of the system for the library, too. Within a starved
 * call of this thread it gives nothing after so many calls. */
#if defined(__GNUC__)
#define UNINSTRUMENTED __attribute__((no_sanitize("thread", "address")))
#else
#define UNINSTRUMENTED
#endif

/* volatile: compilers know that malloc changes no variable. */
static _Thread_local volatile long malloc_budget = -1;
static _Thread_local volatile unsigned long malloc_calls;

/* Sanitizers that are linked into the program bring a malloc that must not be replaced. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define OWN_MALLOC 0
#endif
#endif
#ifndef OWN_MALLOC
#define OWN_MALLOC 1
#endif

#if OWN_MALLOC
UNINSTRUMENTED static int starved(void)
{
    malloc_calls++;
    if (malloc_budget < 0 || malloc_budget-- > 0)
        return 0;
    malloc_budget = 0;
    errno = ENOMEM;
    return 1;
}

/* Looking the real one up may itself allocate, before there is one. */
static char first_memory[4096];
static size_t first_used;

UNINSTRUMENTED static void *memory_before(size_t size)
{
    void *memory = first_memory + first_used;
    first_used += (size + 15) / 16 * 16;
    return first_used <= sizeof first_memory ? memory : NULL;
}

#define REAL(name, type)                                                                           \
    static type real;                                                                              \
    static int looking;                                                                            \
    if (!real && !looking) {                                                                       \
        looking = 1;                                                                               \
        void *symbol = dlsym(RTLD_NEXT, name);                                                     \
        memcpy(&real, &symbol, sizeof real);                                                       \
    }

typedef void *(*malloc_type)(size_t);
typedef void *(*calloc_type)(size_t, size_t);
typedef void *(*realloc_type)(void *, size_t);
typedef int (*memalign_type)(void **, size_t, size_t);

UNINSTRUMENTED void *malloc(size_t size)
{
    REAL("malloc", malloc_type)
    return starved() ? NULL : real ? real(size) : memory_before(size);
}

UNINSTRUMENTED void *calloc(size_t count, size_t size)
{
    REAL("calloc", calloc_type)
    return starved() ? NULL : real ? real(count, size) : memory_before(count * size);
}

UNINSTRUMENTED void *realloc(void *old, size_t size)
{
    REAL("realloc", realloc_type)
    return starved() ? NULL : real ? real(old, size) : NULL;
}

UNINSTRUMENTED void *aligned_alloc(size_t alignment, size_t size)
{
    REAL("aligned_alloc", calloc_type)
    return starved() ? NULL : real ? real(alignment, size) : NULL;
}

UNINSTRUMENTED int posix_memalign(void **memory, size_t alignment, size_t size)
{
    REAL("posix_memalign", memalign_type)
    return starved() ? ENOMEM : real ? real(memory, alignment, size) : ENOMEM;
}
#endif

/* Whether the calls come here: not where the checker that runs the program has put its own malloc
 * in the way. Looks all of them up while there is one thread. */
static int can_starve(void)
{
    unsigned long before = malloc_calls;
    void *volatile memory = malloc(1);
    memory = realloc(memory, 2);
    free(memory);
    memory = calloc(1, 1);
    free(memory);
    memory = aligned_alloc(64, 64);
    free(memory);
    void *aligned = NULL;
    if (posix_memalign(&aligned, 64, 64) == 0)
        free(aligned);
    return malloc_calls == before + 5;
}

static fastskip_status fed(fastskip_status status)
{
    malloc_budget = -1;
    return status;
}

/* The call with room for so many allocations. */
#define STARVED(budget, call) (malloc_budget = (budget), fed(call))

/* Fails each allocation of a call in turn, until it has all it needs. */
#define EXPECT_NO_MEMORY(handle, call)                                                             \
    do {                                                                                           \
        long budget = 0;                                                                           \
        fastskip_status answer;                                                                    \
        while ((answer = STARVED(budget, call)) != FASTSKIP_OK) {                                  \
            ck_assert_int_eq(answer, FASTSKIP_NO_MEMORY);                                          \
            ck_assert_ptr_null(handle);                                                            \
            ck_assert_int_lt(budget++, 100);                                                       \
        }                                                                                          \
        ck_assert_int_gt(budget, 0);                                                               \
        ck_assert_ptr_nonnull(handle);                                                             \
    } while (0)

START_TEST(handles_without_memory)
{
    fastskip_options *options = NULL;
    fastskip_table *table = NULL, *by_default = NULL, *caller = NULL, *fresh = NULL;
    fastskip_snapshot *snapshot = NULL;
    fastskip_iterator *it = NULL, *it_at = NULL;
    fastskip_batch *batch = NULL;
    struct supply supply = new_supply();
    EXPECT_NO_MEMORY(options, fastskip_options_new(&options));
    EXPECT_NO_MEMORY(by_default, fastskip_table_new(NULL, &by_default));
    OK(fastskip_options_set_memory_limit(options, 1 << 20));
    OK(fastskip_options_set_allocator(options, reserve, commit, release, &supply));
    EXPECT_NO_MEMORY(table, fastskip_table_new(options, &table));
    /* What was reserved by the calls that failed has been given back. */
    ck_assert_uint_eq(supply.reserved, 1);
    OK(fastskip_options_set_sequence_mode(options, FASTSKIP_SEQUENCE_CALLER));
    EXPECT_NO_MEMORY(caller, fastskip_table_new(options, &caller));
    OK(fastskip_put(table, STR("k"), STR("v")));
    EXPECT_NO_MEMORY(snapshot, fastskip_snapshot_new(table, &snapshot));
    EXPECT_NO_MEMORY(it, fastskip_iterator_new(table, snapshot, 0, &it));
    EXPECT_NO_MEMORY(it_at, fastskip_iterator_new_at(caller, 1, 0, &it_at));
    EXPECT_NO_MEMORY(batch, fastskip_batch_new(&batch));
    EXPECT_NO_MEMORY(fresh, fastskip_table_rotate(table, &fresh));
    ck_assert_uint_eq(supply.reserved, 3);
    fastskip_batch_free(batch);
    fastskip_iterator_free(it);
    fastskip_iterator_free(it_at);
    fastskip_snapshot_free(snapshot);
    fastskip_options_free(options);
    /* References taken by the calls that failed have been given back. */
    fastskip_table_unref(caller);
    fastskip_table_unref(fresh);
    fastskip_table_unref(table);
    ck_assert_uint_eq(supply.reserved, 0);
    fastskip_table_unref(by_default);
}
END_TEST

START_TEST(batch_without_memory_is_as_it_was)
{
    fastskip_table *table = NULL;
    fastskip_batch *batch = NULL;
    fastskip_entry entry;
    int refused = 0;
    uint32_t added = 0;
    OK(fastskip_table_new(NULL, &table));
    OK(fastskip_batch_new(&batch));
    for (int i = 0; i < 3000; i++) {
        fastskip_status status =
            STARVED(i % 2 ? -1 : 0, fastskip_batch_put(batch, &added, sizeof added, filler, 99));
        if (status == FASTSKIP_OK)
            added++;
        else
            refused++;
        REQUIRE(status == FASTSKIP_OK || status == FASTSKIP_NO_MEMORY);
        REQUIRE(fastskip_batch_count(batch) == added);
    }
    ck_assert_int_gt(refused, 0);
    fastskip_status status = STARVED(0, fastskip_write(table, batch));
    if (status != FASTSKIP_OK) {
        ck_assert_int_eq(status, FASTSKIP_NO_MEMORY);
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 0);
        OK(fastskip_write(table, batch));
    }
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), added);
    for (uint32_t key = 0; key < added; key++)
        REQUIRE(fastskip_get(table, NULL, &key, sizeof key, &entry) == FASTSKIP_OK);
    fastskip_batch_free(batch);
    fastskip_table_unref(table);
}
END_TEST

START_TEST(bounds_without_memory_stay)
{
    static const char long_key[3000];
    fastskip_table *table = NULL;
    fastskip_iterator *it = NULL;
    fastskip_status status = FASTSKIP_NO_MEMORY;
    OK(fastskip_table_new(NULL, &table));
    OK(fastskip_put(table, STR("b"), STR("v")));
    OK(fastskip_iterator_new(table, NULL, 0, &it));
    OK(fastskip_iterator_set_bounds(it, STR("a"), STR("c")));
    for (long budget = 0; status != FASTSKIP_OK; budget++) {
        OK(fastskip_iterator_seek_first(it));
        status = STARVED(budget, fastskip_iterator_set_bounds(it, long_key, sizeof long_key,
                                                              long_key, sizeof long_key - 1));
        if (status == FASTSKIP_OK)
            break;
        ck_assert_int_eq(status, FASTSKIP_NO_MEMORY);
        ck_assert_int_eq(fastskip_iterator_valid(it), 1);
        OK(fastskip_iterator_seek(it, STR("a")));
        ck_assert_int_eq(fastskip_iterator_next(it), FASTSKIP_NOT_FOUND);
    }
    ck_assert_int_eq(fastskip_iterator_seek_first(it), FASTSKIP_NOT_FOUND);
    fastskip_iterator_free(it);
    fastskip_table_unref(table);
}
END_TEST

/* Calls whose statuses do not name NO_MEMORY need none, whatever the size of the table. */
START_TEST(reading_and_sealing_need_no_memory)
{
    enum { N = 3000 };
    static uint32_t numbers[N];
    static const void *keys[N];
    static size_t sizes[N];
    static fastskip_entry entries[N];
    static fastskip_status statuses[N];
    fastskip_table *table = NULL;
    fastskip_iterator *it = NULL;
    fastskip_entry entry;
    uint64_t number;
    size_t count;
    OK(fastskip_table_new(NULL, &table));
    for (uint32_t i = 0; i < N; i++) {
        numbers[i] = i;
        keys[i] = &numbers[i];
        sizes[i] = sizeof i;
        OK(fastskip_put(table, &i, sizeof i, STR("1")));
        OK(fastskip_put(table, &i, sizeof i, STR("2")));
    }
    OK(fastskip_iterator_new(table, NULL, FASTSKIP_ALL_VERSIONS, &it));
    for (uint32_t i = 0; i < N; i += 7) {
        REQUIRE(STARVED(0, fastskip_get(table, NULL, &i, sizeof i, &entry)) == FASTSKIP_OK);
        REQUIRE(STARVED(0, fastskip_contains(table, NULL, &i, sizeof i)) == FASTSKIP_OK);
        REQUIRE(STARVED(0, fastskip_iterator_seek(it, &i, sizeof i)) == FASTSKIP_OK);
        REQUIRE(STARVED(0, fastskip_iterator_seek_for_prev(it, &i, sizeof i)) == FASTSKIP_OK);
    }
    OK(STARVED(0, fastskip_get_many(table, NULL, N, keys, sizes, entries, statuses)));
    OK(STARVED(0, fastskip_iterator_seek_first(it)));
    OK(STARVED(0, fastskip_iterator_next_many(it, entries, N, &count)));
    ck_assert_uint_eq(count, N);
    while (STARVED(0, fastskip_iterator_prev(it)) == FASTSKIP_OK)
        count--;
    ck_assert_uint_eq(count, 0);
    for (uint32_t id = 1; id <= 17; id++)
        OK(STARVED(0, fastskip_table_stat(table, id, &number)));
    OK(STARVED(0, fastskip_table_approximate_count(table, STR("\1"), NULL, 0, &number)));
    OK(STARVED(0, fastskip_table_check(table)));
    OK(STARVED(0, fastskip_table_seal(table)));
    fastskip_iterator_free(it);
    OK(STARVED(0, fastskip_table_reset(table)));
    fastskip_table_unref(table);
}
END_TEST

static void expect_refused_or_ok(fastskip_iterator *it, fastskip_status status)
{
    fastskip_entry entry;
    ck_assert(status == FASTSKIP_OK || status == FASTSKIP_NO_MEMORY);
    ck_assert_int_eq(fastskip_iterator_valid(it), status == FASTSKIP_OK);
    ck_assert_int_eq(fastskip_iterator_entry(it, &entry),
                     status == FASTSKIP_OK ? FASTSKIP_OK : FASTSKIP_NOT_FOUND);
}

/* To put thousands of versions of a key in order may take memory: what an iterator is refused it
 * says, and gets later. */
START_TEST(every_version_without_memory)
{
    uint32_t mode = (uint32_t)_i;
    fastskip_options *options = NULL;
    fastskip_table *table = NULL;
    fastskip_iterator *it = NULL;
    fastskip_entry entries[3];
    size_t count = 7;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_sequence_mode(options, mode));
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    for (uint32_t i = 1; i <= 5000; i++)
        REQUIRE((mode == FASTSKIP_SEQUENCE_CALLER
                     ? fastskip_put_at(table, i, 0, i < 2 ? "a" : "k", 1, &i, sizeof i)
                     : fastskip_put(table, i < 2 ? "a" : "k", 1, &i, sizeof i)) == FASTSKIP_OK);
    OK(fastskip_iterator_new(table, NULL, FASTSKIP_ALL_VERSIONS, &it));
    expect_refused_or_ok(it, STARVED(0, fastskip_iterator_seek(it, STR("k"))));
    expect_refused_or_ok(it, STARVED(0, fastskip_iterator_seek_last(it)));
    OK(fastskip_iterator_seek_first(it));
    expect_refused_or_ok(it, STARVED(0, fastskip_iterator_next(it)));
    OK(fastskip_iterator_seek_first(it));
    fastskip_status status = STARVED(0, fastskip_iterator_next_many(it, entries, 3, &count));
    expect_refused_or_ok(it, status);
    ck_assert_uint_eq(count, status == FASTSKIP_OK ? 3 : 0);
    OK(fastskip_iterator_seek_first(it));
    for (count = 1; fastskip_iterator_next(it) == FASTSKIP_OK;)
        count++;
    ck_assert_uint_eq(count, 5000);
    OK(fastskip_iterator_seek_last(it));
    for (count = 1; fastskip_iterator_prev(it) == FASTSKIP_OK;)
        count++;
    ck_assert_uint_eq(count, 5000);
    fastskip_iterator_free(it);
    fastskip_table_unref(table);
}
END_TEST

/* Nor does reading ask for any when there is plenty. */
START_TEST(get_never_allocates)
{
    fastskip_table *table = NULL, *fresh = NULL;
    fastskip_entry entry;
    OK(fastskip_table_new(NULL, &table));
    for (uint32_t i = 0; i < 5000; i++)
        REQUIRE(fastskip_put(table, &i, sizeof i, STR("v")) == FASTSKIP_OK);
    uint64_t used = stat_of(table, FASTSKIP_STAT_MEMORY_USED);
    unsigned long before = malloc_calls;
    for (uint32_t i = 0; i < 10000; i++)
        REQUIRE(fastskip_get(table, NULL, &i, sizeof i, &entry) ==
                (i < 5000 ? FASTSKIP_OK : FASTSKIP_NOT_FOUND));
    ck_assert_uint_eq(malloc_calls, before);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_MEMORY_USED), used);
    /* The count counts. */
    OK(fastskip_table_rotate(table, &fresh));
    ck_assert_uint_gt(malloc_calls, before);
    fastskip_table_unref(fresh);
    fastskip_table_unref(table);
}
END_TEST

/* ---- sealing under writers ------------------------------------------------------------------- */

#define SEAL_WRITERS 4

struct seal_race {
    fastskip_table *table;
    atomic_int started, sealed, failed;
    atomic_ullong acknowledged[SEAL_WRITERS]; /* writes; writer i has keys i << 32 | 0 and up */
    atomic_uint fresh_tables, losers;
};

struct seal_member {
    struct seal_race *race;
    uint64_t index;
};

static void *write_until_sealed(void *arg)
{
    struct seal_member *member = arg;
    struct seal_race *race = member->race;
    fastskip_batch *batch = NULL;
    fastskip_status status = fastskip_batch_new(&batch);
    uint64_t next = 0;
    atomic_fetch_add(&race->started, 1);
    while (status == FASTSKIP_OK) {
        /* Whoever sees that seal has returned starts a write that must fail. */
        int late = atomic_load(&race->sealed);
        uint64_t key = member->index << 32 | next, n = next % 5 == 0 ? 4 : 1;
        fastskip_batch_clear(batch);
        for (uint64_t i = 0; n > 1 && i < n; i++, key++)
            fastskip_batch_put(batch, &key, sizeof key, &key, sizeof key);
        status = n > 1 ? fastskip_write(race->table, batch)
                       : fastskip_put(race->table, &key, sizeof key, &key, sizeof key);
        if (status == FASTSKIP_OK)
            next += n;
        if (status == FASTSKIP_OK && late)
            atomic_store(&race->failed, 1);
    }
    if (status != FASTSKIP_SEALED)
        atomic_store(&race->failed, 1);
    atomic_store(&race->acknowledged[member->index], next);
    fastskip_batch_free(batch);
    return NULL;
}

static void *seal_it(void *arg)
{
    struct seal_member *member = arg;
    if (fastskip_table_seal(member->race->table) != FASTSKIP_OK)
        atomic_store(&member->race->failed, 1);
    atomic_store(&member->race->sealed, 1);
    return NULL;
}

static void *rotate_it(void *arg)
{
    struct seal_member *member = arg;
    fastskip_table *fresh = NULL;
    fastskip_status status = fastskip_table_rotate(member->race->table, &fresh);
    if (status == FASTSKIP_OK) {
        atomic_store(&member->race->sealed, 1);
        atomic_fetch_add(&member->race->fresh_tables, 1);
        if (fastskip_put(fresh, STR("k"), STR("v")) != FASTSKIP_OK)
            atomic_store(&member->race->failed, 1);
    } else if (status == FASTSKIP_SEALED && !fresh) {
        atomic_fetch_add(&member->race->losers, 1);
    } else {
        atomic_store(&member->race->failed, 1);
    }
    fastskip_table_unref(fresh);
    return NULL;
}

static uint64_t count_entries(fastskip_table *table)
{
    fastskip_iterator *it = NULL;
    fastskip_entry entries[64];
    uint64_t total = 0;
    size_t count = 0;
    REQUIRE(fastskip_iterator_new(table, NULL, FASTSKIP_ALL_VERSIONS, &it) == FASTSKIP_OK);
    fastskip_iterator_seek_first(it);
    while (fastskip_iterator_next_many(it, entries, 64, &count) == FASTSKIP_OK)
        total += count;
    fastskip_iterator_free(it);
    return total;
}

static void expect_acknowledged(struct seal_race *race, uint64_t at_once)
{
    uint64_t total = 0;
    fastskip_entry entry;
    for (uint64_t i = 0; i < SEAL_WRITERS; i++) {
        uint64_t count = atomic_load(&race->acknowledged[i]);
        total += count;
        for (uint64_t key = i << 32; key < (i << 32 | count); key++)
            REQUIRE(fastskip_get(race->table, NULL, &key, sizeof key, &entry) == FASTSKIP_OK);
    }
    ck_assert_uint_eq(total, at_once);
    ck_assert_uint_eq(count_entries(race->table), at_once);
    ck_assert_uint_eq(stat_of(race->table, FASTSKIP_STAT_VERSIONS), at_once);
    OK(fastskip_table_check(race->table));
}

/* Two threads end the table while four write it. When one of them has returned, what an iterator
 * shows is already all there will ever be. */
static void race_against_writers(void *(*end)(void *), struct seal_race *race)
{
    fastskip_options *options = NULL;
    struct seal_member members[SEAL_WRITERS];
    pthread_t writers[SEAL_WRITERS], enders[2];
    memset(race, 0, sizeof *race);
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_memory_limit(options, 64 << 20)); /* three at once fit into 32 bits */
    OK(fastskip_table_new(options, &race->table));
    fastskip_options_free(options);
    for (uint64_t i = 0; i < SEAL_WRITERS; i++) {
        members[i] = (struct seal_member){race, i};
        pthread_create(&writers[i], NULL, write_until_sealed, &members[i]);
    }
    while (atomic_load(&race->started) < SEAL_WRITERS)
        usleep(100);
    usleep(500);
    for (int i = 0; i < 2; i++)
        pthread_create(&enders[i], NULL, end, &members[i]);
    while (!atomic_load(&race->sealed))
        usleep(10);
    uint64_t at_once = count_entries(race->table);
    for (int i = 0; i < 2; i++)
        pthread_join(enders[i], NULL);
    for (int i = 0; i < SEAL_WRITERS; i++)
        pthread_join(writers[i], NULL);
    ck_assert(!atomic_load(&race->failed));
    ck_assert_int_eq(fastskip_table_is_sealed(race->table), 1);
    expect_acknowledged(race, at_once);
    fastskip_table_unref(race->table);
}

START_TEST(seal_from_two_threads_under_writers)
{
    struct seal_race race;
    for (unsigned round = 0; round < 60 * scale(); round++)
        race_against_writers(seal_it, &race);
}
END_TEST

START_TEST(rotate_from_two_threads_under_writers)
{
    struct seal_race race;
    for (unsigned round = 0; round < 60 * scale(); round++) {
        race_against_writers(rotate_it, &race);
        ck_assert_uint_eq(atomic_load(&race.fresh_tables), 1);
        ck_assert_uint_eq(atomic_load(&race.losers), 1);
    }
}
END_TEST

/* ---- watching, forking ----------------------------------------------------------------------- */

static void *write_for_a_while(void *arg)
{
    struct writer *w = arg;
    const char *failure = NULL;
    for (unsigned i = 0; i < 4000 * scale() && !failure; i++)
        if (write_randomly(w, &failure) != FASTSKIP_OK)
            failure = "a write failed";
    return (void *)(uintptr_t)failure;
}

/* Sums only rise while nothing is refused, and come out exact. */
START_TEST(statistics_beside_writers)
{
    static const uint32_t rising[] = {
        FASTSKIP_STAT_KEYS,   FASTSKIP_STAT_VERSIONS,        FASTSKIP_STAT_KEY_BYTES,
        FASTSKIP_STAT_WRITES, FASTSKIP_STAT_MEMORY_RESERVED, FASTSKIP_STAT_VALUE_BYTES,
        FASTSKIP_STAT_CHUNKS, FASTSKIP_STAT_HEIGHT,          FASTSKIP_STAT_RETRIES};
    enum { RISING = sizeof rising / sizeof rising[0], N = 3 };
    static struct writer writers[N];
    uint64_t last[RISING] = {0};
    pthread_t threads[N];
    fastskip_table *table = NULL;
    OK(fastskip_table_new(NULL, &table));
    for (uint32_t i = 0; i < N; i++) {
        start_writer(&writers[i], table, FASTSKIP_SEQUENCE_AUTO, i);
        pthread_create(&threads[i], NULL, write_for_a_while, &writers[i]);
    }
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < RISING; i++) {
            uint64_t now = stat_of(table, rising[i]);
            REQUIRE_AT(now >= last[i], rising[i]);
            last[i] = now;
        }
        REQUIRE(stat_of(table, FASTSKIP_STAT_LIVE) <= N * KEYS);
        REQUIRE(stat_of(table, FASTSKIP_STAT_TOMBSTONES) <= N * KEYS);
        REQUIRE(stat_of(table, FASTSKIP_STAT_MEMORY_USED) <= 1 << 30);
        REQUIRE(round % 100 != 0 || fastskip_table_check(table) == FASTSKIP_OK);
    }
    for (int i = 0; i < N; i++) {
        void *failure = NULL;
        pthread_join(threads[i], &failure);
        REQUIRE_NONE((const char *)failure);
        REQUIRE(remembers_everything(&writers[i]));
        fastskip_batch_free(writers[i].batch);
    }
    expect_figures(table, writers, N);
    fastskip_table_unref(table);
}
END_TEST

/* The child has a copy of the table and of the snapshot, which it reads while the parent writes. */
START_TEST(child_reads_after_fork)
{
    static struct writer w;
    fastskip_table *table = NULL;
    fastskip_snapshot *snapshot = NULL;
    const char *failure = NULL;
    int status = 0;
    OK(fastskip_table_new(NULL, &table));
    start_writer(&w, table, FASTSKIP_SEQUENCE_AUTO, 1);
    for (int i = 0; i < 3000; i++)
        OK(write_randomly(&w, &failure));
    OK(fastskip_snapshot_new(table, &snapshot));
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        fastskip_entry entry;
        int good = remembers_everything(&w) && count_entries(table) == w.versions &&
                   fastskip_table_check(table) == FASTSKIP_OK &&
                   fastskip_get(table, snapshot, STR("absent"), &entry) == FASTSKIP_NOT_FOUND;
        _exit(good ? 0 : 1);
    }
    for (int i = 0; i < 3000; i++)
        OK(write_randomly(&w, &failure));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    REQUIRE_NONE(failure);
    REQUIRE(remembers_everything(&w));
    fastskip_batch_free(w.batch);
    fastskip_snapshot_free(snapshot);
    fastskip_table_unref(table);
}
END_TEST

/* ---- a thread stopped inside a call ---------------------------------------------------------- */

/* An order of bytes that holds up the thread whose stop this is at its n-th comparison. */
struct stop {
    unsigned at, calls;
    atomic_int stopped, go, done;
};

static _Thread_local struct stop *stop_here;

static int32_t stoppable_order(void *ctx, const void *a, size_t a_size, const void *b,
                               size_t b_size)
{
    struct stop *stop = stop_here;
    size_t common = a_size < b_size ? a_size : b_size;
    int order = common ? memcmp(a, b, common) : 0;
    (void)ctx;
    if (stop && ++stop->calls == stop->at) {
        atomic_store(&stop->stopped, 1);
        while (!atomic_load(&stop->go))
            usleep(50);
    }
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

/* The stoppable thread writes keys that end in S, the others are the test's: 3-digit numbers, and
 * those with an x behind them. */
#define PLACES 600
#define STOPPABLE 40
#define APART (PLACES / STOPPABLE)

enum stoppable_call { STOP_PUT, STOP_OVERWRITE, STOP_INSERT, STOP_BATCH, STOP_READ, STOP_CALLS };

struct stoppable {
    fastskip_table *table;
    enum stoppable_call call;
    struct stop stop;
    fastskip_status status;
};

static size_t place(char *key, unsigned i, const char *end)
{
    return (size_t)snprintf(key, 16, "%03u%s", i % PLACES, end);
}

static fastskip_status batch_of_places(fastskip_table *table, const char *end)
{
    fastskip_batch *batch = NULL;
    char key[16];
    fastskip_status status = fastskip_batch_new(&batch);
    for (unsigned i = 0; i < STOPPABLE && status == FASTSKIP_OK; i++)
        status = fastskip_batch_put(batch, key, place(key, i * APART, end), STR("batch"));
    if (status == FASTSKIP_OK)
        status = fastskip_write(table, batch);
    fastskip_batch_free(batch);
    return status;
}

static fastskip_status read_over_places(fastskip_table *table)
{
    fastskip_iterator *it = NULL;
    fastskip_status status = fastskip_iterator_new(table, NULL, 0, &it);
    if (status == FASTSKIP_OK)
        status = fastskip_iterator_seek(it, STR("100"));
    /* Across several blocks, both ways. */
    for (int i = 0; i < 80 && status == FASTSKIP_OK; i++)
        status = fastskip_iterator_next(it);
    for (int i = 0; i < 150 && status == FASTSKIP_OK; i++)
        status = fastskip_iterator_prev(it);
    fastskip_iterator_free(it);
    return status;
}

static void *call_stoppably(void *arg)
{
    struct stoppable *s = arg;
    stop_here = &s->stop;
    switch (s->call) {
    case STOP_PUT:
        s->status = fastskip_put(s->table, STR("300S"), STR("new"));
        break;
    case STOP_OVERWRITE:
        s->status = fastskip_put(s->table, STR("300"), STR("new"));
        break;
    case STOP_INSERT:
        s->status = fastskip_insert(s->table, STR("300S"), STR("new"));
        break;
    case STOP_BATCH:
        s->status = batch_of_places(s->table, "S");
        break;
    default:
        s->status = read_over_places(s->table);
        break;
    }
    stop_here = NULL;
    atomic_store(&s->stop.done, 1);
    return NULL;
}

static fastskip_table *stoppable_table(struct supply *supply)
{
    fastskip_options *options = supplied_options(supply, 64 << 20);
    fastskip_table *table = NULL;
    char key[16];
    OK(fastskip_options_set_shards(options, 2));
    OK(fastskip_options_set_block_size(options, 4096));
    OK(fastskip_options_set_comparator(options, stoppable_order, NULL, NULL, "stoppable"));
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    for (unsigned i = 0; i < PLACES; i++)
        OK(fastskip_put(table, key, place(key, i * 7, ""), STR("old")));
    return table;
}

static void start_stoppable(struct stoppable *s, pthread_t *thread)
{
    ck_assert_int_eq(pthread_create(thread, NULL, call_stoppably, s), 0);
    while (!atomic_load(&s->stop.stopped) && !atomic_load(&s->stop.done))
        usleep(10);
}

static unsigned count_seen(fastskip_table *table, const fastskip_snapshot *snapshot,
                           const char *end)
{
    unsigned seen = 0;
    char key[16];
    for (unsigned i = 0; i < STOPPABLE; i++)
        seen += fastskip_contains(table, snapshot, key, place(key, i * APART, end)) == FASTSKIP_OK;
    return seen;
}

/* Everything that another thread may want to do, and enough of it to split every block. */
static void use_beside(fastskip_table *table)
{
    fastskip_entry entry;
    char key[16];
    for (unsigned i = 0; i < PLACES; i++) {
        OK(fastskip_put(table, key, place(key, i, "x"), STR("x")));
        OK(fastskip_delete(table, key, place(key, i, "xx")));
        OK(fastskip_get(table, NULL, key, place(key, i, ""), &entry));
    }
    OK(batch_of_places(table, "xxx"));
    ck_assert_uint_eq(count_seen(table, NULL, "xxx"), STOPPABLE);
    OK(read_over_places(table));
    ck_assert_uint_ge(count_entries(table), 3 * PLACES + STOPPABLE);
    ck_assert_uint_ge(stat_of(table, FASTSKIP_STAT_LIVE), 2 * PLACES + STOPPABLE);
    OK(fastskip_table_check(table));
}

/* Stopped at any of its comparisons a call holds up nobody, a batch is seen as a whole or not at
 * all, and a snapshot taken meanwhile stays what it was. */
START_TEST(a_stopped_thread_stops_nobody)
{
    for (unsigned at = 1; at < 2000; at += at < 30 ? 1 : at / 6) {
        struct supply supply = new_supply();
        struct stoppable s = {stoppable_table(&supply), (enum stoppable_call)_i, {.at = at}, 0};
        fastskip_snapshot *snapshot = NULL;
        pthread_t thread;
        start_stoppable(&s, &thread);
        int was_stopped = atomic_load(&s.stop.stopped);
        use_beside(s.table);
        OK(fastskip_snapshot_new(s.table, &snapshot));
        unsigned before = count_seen(s.table, snapshot, "S");
        atomic_store(&s.stop.go, 1);
        pthread_join(thread, NULL);
        OK(s.status);
        ck_assert_uint_eq(count_seen(s.table, snapshot, "S"), before);
        if (s.call == STOP_BATCH) {
            ck_assert(before == 0 || before == STOPPABLE);
            ck_assert_uint_eq(count_seen(s.table, NULL, "S"), STOPPABLE);
        }
        OK(fastskip_table_check(s.table));
        fastskip_snapshot_free(snapshot);
        fastskip_table_unref(s.table);
        if (!was_stopped)
            break;
        ck_assert_uint_lt(at, 1990);
    }
}
END_TEST

/* How often a batch on a fresh table compares. */
static unsigned comparisons_of_a_batch(void)
{
    struct supply supply = new_supply();
    struct stoppable s = {stoppable_table(&supply), STOP_BATCH, {.at = 0}, 0};
    call_stoppably(&s);
    OK(s.status);
    fastskip_table_unref(s.table);
    return s.stop.calls;
}

/* Writes what the stopped batch is about to write: singly, or in a batch of its own. */
static void write_the_same(fastskip_table *table, int how)
{
    char key[16];
    if (how == 3) {
        OK(batch_of_places(table, "S"));
        return;
    }
    for (unsigned i = 0; i < STOPPABLE; i++) {
        size_t size = place(key, i * APART, "S");
        if (how == 0)
            OK(fastskip_put(table, key, size, STR("other")));
        else if (how == 1)
            OK(fastskip_insert(table, key, size, STR("other")));
        else
            OK(fastskip_delete(table, key, size));
    }
}

static void expect_of_places(fastskip_table *table, const fastskip_snapshot *snapshot,
                             const char *value)
{
    char key[16];
    fastskip_entry entry;
    for (unsigned i = 0; i < STOPPABLE; i++) {
        fastskip_status status =
            fastskip_get(table, snapshot, key, place(key, i * APART, "S"), &entry);
        ck_assert_int_eq(status, value ? FASTSKIP_OK : FASTSKIP_NOT_FOUND);
        if (value)
            ck_assert(entry.value_size == strlen(value) &&
                      memcmp(entry.value, value, entry.value_size) == 0);
    }
}

/* A batch is stopped half way, before anybody sees it. Whoever writes its keys now comes before it:
 * it overwrites them all, in what is read now and in the order of versions; not in a snapshot. */
START_TEST(a_stopped_batch_comes_later)
{
    static const char *const values[] = {"other", "other", NULL, "batch"};
    unsigned calls = comparisons_of_a_batch(), met = 0;
    for (unsigned at = calls / 3; at <= calls; at += 1 + calls / 60) {
        struct supply supply = new_supply();
        struct stoppable s = {stoppable_table(&supply), STOP_BATCH, {.at = at}, 0};
        fastskip_snapshot *snapshot = NULL;
        pthread_t thread;
        start_stoppable(&s, &thread);
        int early = atomic_load(&s.stop.stopped) && count_seen(s.table, NULL, "S") == 0;
        if (early) {
            write_the_same(s.table, _i);
            expect_of_places(s.table, NULL, values[_i]);
            OK(fastskip_snapshot_new(s.table, &snapshot));
            met++;
        }
        atomic_store(&s.stop.go, 1);
        pthread_join(thread, NULL);
        OK(s.status);
        expect_of_places(s.table, NULL, "batch");
        if (early)
            expect_of_places(s.table, snapshot, values[_i]);
        ck_assert_uint_eq(count_entries(s.table), PLACES + STOPPABLE * (early ? 2 : 1));
        OK(fastskip_table_check(s.table));
        fastskip_snapshot_free(snapshot);
        fastskip_table_unref(s.table);
    }
    ck_assert_uint_gt(met, 0);
}
END_TEST

static void *seal_meanwhile(void *arg)
{
    struct stoppable *s = arg;
    s->status = fastskip_table_seal(s->table);
    atomic_store(&s->stop.done, 1);
    return NULL;
}

/* Seal waits for the write that is under way, and for nothing else; that write is then there. */
START_TEST(seal_waits_for_a_stopped_write)
{
    struct supply supply = new_supply();
    struct stoppable s = {stoppable_table(&supply), (enum stoppable_call)_i, {.at = 2}, 0};
    struct stoppable sealer = {.table = s.table};
    fastskip_table *fresh = NULL;
    pthread_t thread, other;
    start_stoppable(&s, &thread);
    ck_assert_int_eq(atomic_load(&s.stop.stopped), 1);
    pthread_create(&other, NULL, seal_meanwhile, &sealer);
    while (!fastskip_table_is_sealed(s.table))
        usleep(10);
    usleep(20000);
    ck_assert_int_eq(atomic_load(&sealer.stop.done), s.call == STOP_READ);
    ck_assert_int_eq(fastskip_put(s.table, STR("x"), STR("x")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_table_rotate(s.table, &fresh), FASTSKIP_SEALED);
    OK(read_over_places(s.table));
    atomic_store(&s.stop.go, 1);
    pthread_join(thread, NULL);
    pthread_join(other, NULL);
    OK(s.status);
    OK(sealer.status);
    if (s.call != STOP_READ && s.call != STOP_OVERWRITE)
        ck_assert_uint_eq(count_seen(s.table, NULL, "S"), s.call == STOP_BATCH ? STOPPABLE : 1);
    OK(fastskip_table_check(s.table));
    fastskip_table_unref(s.table);
}
END_TEST

/* A batch that was stopped goes on without memory; others have put so many keys beside its own. */
static fastskip_status go_on_without_memory(struct stoppable *s, struct supply *supply,
                                            unsigned beside)
{
    pthread_t thread;
    char key[16];
    start_stoppable(s, &thread);
    for (unsigned i = 0; i < beside; i++)
        OK(fastskip_put(s->table, key,
                        (size_t)snprintf(key, 16, "%03ux%u", i * 7 % PLACES, i / PLACES),
                        STR("x")));
    pthread_mutex_lock(&supply->lock);
    supply->fail_from = 0;
    supply->fail_to = UINT32_MAX;
    pthread_mutex_unlock(&supply->lock);
    /* What has been committed is used up, by keys that lie apart. */
    for (uint32_t i = 0; fastskip_put(s->table, &i, sizeof i, NULL, 0) == FASTSKIP_OK;)
        i++;
    atomic_store(&s->stop.go, 1);
    pthread_join(thread, NULL);
    supply->fail_to = 0;
    return s->status;
}

/* A batch is stopped; meanwhile others fill the blocks that it is about to write, and then there is
 * no more memory. It breaks off half way: nothing of it is ever seen or counted, and its keys can be
 * written afterwards, each counted once. */
START_TEST(batch_breaks_off_half_way)
{
    unsigned refused = 0, calls = comparisons_of_a_batch();
    char key[16];
    for (unsigned beside = 0; beside < 2 * PLACES; beside += 11) {
        struct supply supply = new_supply();
        struct stoppable s = {stoppable_table(&supply), STOP_BATCH, {0}, 0};
        s.stop.at = calls * (50 + beside * 3 % 48) / 100;
        fastskip_status status = go_on_without_memory(&s, &supply, beside);
        ck_assert(status == FASTSKIP_NO_MEMORY || status == FASTSKIP_OK);
        refused += status == FASTSKIP_NO_MEMORY;
        ck_assert_uint_eq(count_seen(s.table, NULL, "S"), status == FASTSKIP_OK ? STOPPABLE : 0);
        uint64_t keys = stat_of(s.table, FASTSKIP_STAT_KEYS);
        uint64_t versions = stat_of(s.table, FASTSKIP_STAT_VERSIONS);
        ck_assert_uint_eq(count_entries(s.table), versions);
        ck_assert_uint_eq(stat_of(s.table, FASTSKIP_STAT_LIVE), keys);
        for (unsigned i = 0; i < 2 * STOPPABLE; i++)
            OK(fastskip_put(s.table, key, place(key, i * APART, "S"), STR("v")));
        ck_assert_uint_eq(stat_of(s.table, FASTSKIP_STAT_KEYS),
                          keys + (status == FASTSKIP_OK ? 0 : STOPPABLE));
        ck_assert_uint_eq(stat_of(s.table, FASTSKIP_STAT_VERSIONS), versions + 2 * STOPPABLE);
        ck_assert_uint_eq(count_entries(s.table), versions + 2 * STOPPABLE);
        OK(fastskip_table_check(s.table));
        fastskip_table_unref(s.table);
    }
    ck_assert_uint_gt(refused, 0);
}
END_TEST

/* ---- orders that contradict themselves ------------------------------------------------------- */

struct liar {
    int kind;
    atomic_ullong calls;
};

static int32_t lie(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    struct liar *liar = ctx;
    uint64_t n = atomic_fetch_add(&liar->calls, 1);
    /* Both keys are read to the end: that they are keys is what the sanitizers see. */
    uint64_t sum = 0;
    for (size_t i = 0; i < a_size; i++)
        sum += ((const unsigned char *)a)[i];
    for (size_t i = 0; i < b_size; i++)
        sum += ((const unsigned char *)b)[i];
    switch (liar->kind % 7) {
    case 0:
        return (int32_t)(draw(&n) % 3) - 1;
    case 1:
        return 1;
    case 2:
        return -1;
    case 3:
        return 0;
    case 4: /* paper, scissors, stone */
        return (int32_t)((a_size % 3 + 4 - b_size % 3) % 3) - 1;
    case 5:
        return n % 2 ? INT32_MIN : INT32_MAX;
    default: /* right, but for one in fifty */
        if (draw(&n) % 50 == 0)
            return sum % 2 ? 1 : -1;
        return a_size < b_size ? -1 : a_size > b_size ? 1 : a_size ? memcmp(a, b, a_size) : 0;
    }
}

static uint64_t lie_shortly(void *ctx, const void *key, size_t size)
{
    struct liar *liar = ctx;
    uint64_t n = atomic_fetch_add(&liar->calls, 1);
    (void)key;
    return liar->kind >= 14 ? (uint64_t)size << 60 : draw(&n);
}

struct lied_to {
    fastskip_table *table;
    struct supply *supply;
    uint64_t random;
    int failed;
};

static void expect_inside(struct lied_to *job, const fastskip_entry *entry)
{
    const char *key = entry->key, *value = entry->value, *base = job->supply->base;
    const char *end = base + job->supply->size;
    if (entry->key_size > 64 || entry->value_size > 64 ||
        (entry->key_size && (key < base || key + entry->key_size > end)) ||
        (entry->value_size && (value < base || value + entry->value_size > end)))
        job->failed = 1;
}

static void walk_lies(struct lied_to *job)
{
    fastskip_iterator *it = NULL;
    fastskip_entry entries[8];
    size_t count = 0;
    char key[64] = {0};
    if (fastskip_iterator_new(job->table, NULL, (uint32_t)(draw(&job->random) % 4), &it))
        return;
    if (draw(&job->random) % 2)
        fastskip_iterator_set_bounds(it, key, draw(&job->random) % 64, key,
                                     draw(&job->random) % 64);
    /* A walk need not end, a step must. */
    for (int i = 0; i < 60; i++) {
        uint64_t choice = draw(&job->random) % 12;
        if (choice == 0)
            fastskip_iterator_seek_first(it);
        else if (choice == 1)
            fastskip_iterator_seek_last(it);
        else if (choice == 2)
            fastskip_iterator_seek(it, key, draw(&job->random) % 64);
        else if (choice == 3)
            fastskip_iterator_seek_for_prev(it, key, draw(&job->random) % 64);
        else if (choice < 8)
            fastskip_iterator_next(it);
        else if (choice < 11)
            fastskip_iterator_prev(it);
        else if (fastskip_iterator_next_many(it, entries, 8, &count) == FASTSKIP_OK)
            expect_inside(job, &entries[count - 1]);
        if (fastskip_iterator_entry(it, &entries[0]) == FASTSKIP_OK)
            expect_inside(job, &entries[0]);
    }
    fastskip_iterator_free(it);
}

static void batch_of_lies(struct lied_to *job)
{
    fastskip_batch *batch = NULL;
    char key[64] = {0};
    if (fastskip_batch_new(&batch))
        return;
    for (uint64_t n = draw(&job->random) % 40; n > 0; n--)
        fastskip_batch_put(batch, key, draw(&job->random) % 64, key, draw(&job->random) % 64);
    fastskip_write(job->table, batch);
    fastskip_batch_free(batch);
}

static void *believe(void *arg)
{
    struct lied_to *job = arg;
    fastskip_entry entry, entries[16];
    fastskip_status statuses[16];
    char key[64] = {0};
    const void *keys[16];
    size_t sizes[16];
    int32_t inserted;
    uint64_t number;
    for (int i = 0; i < 3000; i++) {
        uint64_t choice = draw(&job->random) % 100;
        size_t size = draw(&job->random) % 64;
        memset(key, (int)(draw(&job->random) % 4), sizeof key);
        for (int k = 0; k < 16; k++) {
            keys[k] = key;
            sizes[k] = draw(&job->random) % 64;
        }
        if (choice < 50)
            fastskip_put(job->table, key, size, key, size);
        else if (choice < 60)
            fastskip_delete(job->table, key, size);
        else if (choice < 66)
            fastskip_insert(job->table, key, size, key, size);
        else if (choice < 70 && fastskip_get_or_insert(job->table, key, size, key, size, &entry,
                                                       &inserted) == FASTSKIP_OK)
            expect_inside(job, &entry);
        else if (choice < 74)
            batch_of_lies(job);
        else if (choice < 84 &&
                 fastskip_get_raw(job->table, NULL, key, size, &entry) == FASTSKIP_OK)
            expect_inside(job, &entry);
        else if (choice < 94)
            fastskip_get_many(job->table, NULL, 16, keys, sizes, entries, statuses);
        else if (choice < 98)
            walk_lies(job);
        else
            fastskip_table_approximate_count(job->table, key, size, NULL, 0, &number);
    }
    return NULL;
}

static void contradict(int kind, int n, uint64_t seed)
{
    struct liar liar = {.kind = kind};
    struct supply supply = new_supply();
    fastskip_options *options = supplied_options(&supply, 16 << 20);
    struct lied_to jobs[3];
    pthread_t threads[3];
    OK(fastskip_options_set_comparator(options, lie, kind >= 7 ? lie_shortly : NULL, &liar,
                                       "a liar"));
    fastskip_table *table = NULL;
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    for (int i = 0; i < n; i++) {
        jobs[i] = (struct lied_to){table, &supply, seed * 10 + (uint64_t)i, 0};
        pthread_create(&threads[i], NULL, believe, &jobs[i]);
    }
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(!jobs[i].failed);
    }
    fastskip_status status = fastskip_table_check(table);
    ck_assert(status == FASTSKIP_OK || status == FASTSKIP_CORRUPT);
    ck_assert_uint_ne(stat_of(table, FASTSKIP_STAT_LIVE), UINT64_MAX);
    OK(fastskip_table_seal(table));
    fastskip_table_unref(table);
    ck_assert(!supply.broken);
    ck_assert_uint_gt(atomic_load(&liar.calls), 0);
}

/* Each lie without abbreviation, with a random one, and with one that is constant; by one thread
 * and by three. What they find is undefined; that every call ends and stays inside is not. */
START_TEST(contradictions_end)
{
    for (unsigned round = 0; round < scale(); round++)
        contradict(_i / 2, _i % 2 ? 3 : 1, (uint64_t)_i + 1000 * round);
}
END_TEST

/* Says one thing so often, then another. */
struct turncoat {
    int32_t before, after;
    unsigned calls, turn;
};

static int32_t turn_over(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    struct turncoat *turncoat = ctx;
    (void)a, (void)a_size, (void)b, (void)b_size;
    return turncoat->calls++ < turncoat->turn ? turncoat->before : turncoat->after;
}

/* A write looks for its key more than once. If it was there and then is not, what was planned as a
 * small version of it must not become a large entry in the same place: the region has no room. */
START_TEST(order_turns_within_one_write)
{
    static const char key[FASTSKIP_KEY_MAX];
    static const int32_t before[] = {0, 1, -1}, after[] = {1, 0, 0};
    uint32_t mode = (uint32_t)_i;
    for (unsigned n = 0; n < 30; n++) {
        struct turncoat turncoat = {before[n % 3], after[n % 3], 0, n / 3};
        struct supply supply = new_supply();
        fastskip_options *options = supplied_options(&supply, 65536);
        fastskip_table *table = NULL;
        fastskip_batch *batch = NULL;
        OK(fastskip_options_set_comparator(options, turn_over, NULL, &turncoat, NULL));
        OK(fastskip_options_set_sequence_mode(options, mode));
        OK(fastskip_table_new(options, &table));
        fastskip_options_free(options);
        OK(fastskip_batch_new(&batch));
        if (mode == FASTSKIP_SEQUENCE_CALLER) {
            OK(fastskip_put_at(table, 1, 0, STR("k"), STR("v")));
            OK(fastskip_batch_put_at(batch, 2, 0, key, sizeof key, STR("v")));
        } else {
            OK(fastskip_put(table, STR("k"), STR("v")));
            OK(fastskip_batch_put(batch, key, sizeof key, STR("v")));
        }
        turncoat.calls = 0;
        fastskip_write(table, batch);
        fastskip_batch_free(batch);
        fastskip_table_check(table);
        ck_assert(!supply.broken);
        ck_assert_uint_le(stat_of(table, FASTSKIP_STAT_MEMORY_USED), 65536);
        fastskip_table_unref(table);
    }
}
END_TEST

/* ---- threads and tables that come and go ----------------------------------------------------- */

struct hand {
    fastskip_table *tables[2];
    pthread_barrier_t *barrier;
    uint64_t name, keys;
    int failed;
};

static void *put_keys(void *arg)
{
    struct hand *hand = arg;
    if (hand->barrier)
        pthread_barrier_wait(hand->barrier);
    for (uint64_t i = 0; i < hand->keys; i++) {
        uint64_t key = hand->name << 32 | i;
        for (int t = 0; t < 2 && hand->tables[t]; t++)
            if (fastskip_put(hand->tables[t], &key, sizeof key, &key, sizeof key) != FASTSKIP_OK)
                hand->failed = 1;
    }
    return NULL;
}

static void expect_keys(fastskip_table *table, uint64_t names, uint64_t keys)
{
    fastskip_entry entry;
    for (uint64_t name = 0; name < names; name++) {
        for (uint64_t i = 0; i < keys; i++) {
            uint64_t key = name << 32 | i;
            REQUIRE(fastskip_get(table, NULL, &key, sizeof key, &entry) == FASTSKIP_OK);
            REQUIRE(entry.value_size == sizeof key && !memcmp(entry.value, &key, sizeof key));
        }
    }
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), names * keys);
    OK(fastskip_table_check(table));
}

static fastskip_table *table_of_shards(uint32_t shards)
{
    fastskip_options *options = NULL;
    fastskip_table *table = NULL;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_shards(options, shards));
    OK(fastskip_options_set_memory_limit(options, 64 << 20)); /* eight at once fit into 32 bits */
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    return table;
}

START_TEST(ten_thousand_short_threads_on_two_shards)
{
    enum { AT_ONCE = 5, ROUNDS = 2000 };
    fastskip_table *table = table_of_shards(2);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct hand hands[AT_ONCE];
        pthread_t threads[AT_ONCE];
        for (uint64_t i = 0; i < AT_ONCE; i++) {
            hands[i] = (struct hand){{table, NULL}, NULL, round * AT_ONCE + i, 2, 0};
            REQUIRE(pthread_create(&threads[i], NULL, put_keys, &hands[i]) == 0);
        }
        for (int i = 0; i < AT_ONCE; i++) {
            pthread_join(threads[i], NULL);
            REQUIRE(!hands[i].failed);
        }
    }
    expect_keys(table, ROUNDS * AT_ONCE, 2);
    fastskip_table_unref(table);
}
END_TEST

START_TEST(sixty_four_threads_on_one_shard)
{
    enum { N = 64 };
    fastskip_table *table = table_of_shards(1);
    struct hand hands[N];
    pthread_t threads[N];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, N);
    for (uint64_t i = 0; i < N; i++) {
        hands[i] = (struct hand){{table, NULL}, &barrier, i, 300, 0};
        REQUIRE(pthread_create(&threads[i], NULL, put_keys, &hands[i]) == 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        REQUIRE(!hands[i].failed);
    }
    expect_keys(table, N, 300);
    pthread_barrier_destroy(&barrier);
    fastskip_table_unref(table);
}
END_TEST

START_TEST(three_thousand_tables_in_one_thread)
{
    fastskip_table *kept[8] = {NULL};
    for (uint32_t i = 0; i < 3000; i++) {
        fastskip_table *table = table_of_shards(1 + i % 3);
        REQUIRE(fastskip_put(table, &i, sizeof i, STR("v")) == FASTSKIP_OK);
        fastskip_table_unref(kept[i % 8]);
        kept[i % 8] = table;
        for (uint32_t k = 0; k < 8 && kept[k]; k++) {
            REQUIRE(fastskip_put(kept[k], STR("again"), &k, sizeof k) == FASTSKIP_OK);
            REQUIRE(stat_of(kept[k], FASTSKIP_STAT_KEYS) == 2);
        }
    }
    for (int k = 0; k < 8; k++)
        fastskip_table_unref(kept[k]);
}
END_TEST

/* Two regions, given out again and again: the fresh table lies where a dropped one lay. */
struct recycled {
    void *free[2];
    int count;
};

static void *take_recycled(void *ctx, size_t size, size_t alignment)
{
    struct recycled *recycled = ctx;
    (void)size, (void)alignment;
    return recycled->count > 0 ? recycled->free[--recycled->count] : NULL;
}

static int32_t commit_recycled(void *ctx, void *address, size_t size)
{
    (void)ctx, (void)address, (void)size;
    return 0;
}

static void give_recycled(void *ctx, void *address, size_t size)
{
    struct recycled *recycled = ctx;
    /* Whatever is left of the last table is no content of the next. */
    memset(address, 0xaa, size);
    recycled->free[recycled->count++] = address;
}

START_TEST(tables_at_recycled_addresses)
{
    enum { REGION = 1 << 20, N = 3, EACH = 150 };
    struct recycled recycled = {{aligned_alloc(2 << 20, 2 << 20), aligned_alloc(2 << 20, 2 << 20)},
                                2};
    fastskip_options *options = NULL;
    fastskip_table *tables[2] = {NULL, NULL};
    ck_assert(recycled.free[0] && recycled.free[1]);
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_memory_limit(options, REGION));
    OK(fastskip_options_set_allocator(options, take_recycled, commit_recycled, give_recycled,
                                      &recycled));
    OK(fastskip_table_new(options, &tables[0]));
    for (uint32_t round = 0; round < 200; round++) {
        struct hand hands[N];
        pthread_t threads[N];
        fastskip_table **newer = &tables[(round + 1) % 2], **older = &tables[round % 2];
        OK(fastskip_options_set_shards(options, 1 + round % 5));
        OK(fastskip_table_new(options, newer));
        for (uint64_t i = 0; i < N; i++) {
            hands[i] = (struct hand){{*newer, *older}, NULL, i, EACH, 0};
            pthread_create(&threads[i], NULL, put_keys, &hands[i]);
        }
        for (int i = 0; i < N; i++) {
            pthread_join(threads[i], NULL);
            REQUIRE(!hands[i].failed);
        }
        expect_keys(*newer, N, EACH);
        expect_keys(*older, N, EACH);
        fastskip_table_unref(*older);
        *older = NULL;
    }
    fastskip_table_unref(tables[0]);
    fastskip_table_unref(tables[1]);
    fastskip_options_free(options);
    ck_assert_int_eq(recycled.count, 2);
    free(recycled.free[0]);
    free(recycled.free[1]);
}
END_TEST

/* ---- the suite ------------------------------------------------------------------------------- */

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 3600);
    suite_add_tcase(suite, tcase);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("api_faults");
    TCase *memory = add_case(suite, "memory");
    tcase_add_loop_test(memory, each_allocation_fails_once, 0, 2);
    tcase_add_loop_test(memory, allocations_fail_for_a_while, 0, 2);
    tcase_add_test(memory, rotate_without_memory_changes_nothing);
    if (can_starve()) {
        tcase_add_test(memory, handles_without_memory);
        tcase_add_test(memory, batch_without_memory_is_as_it_was);
        tcase_add_test(memory, bounds_without_memory_stay);
        tcase_add_test(memory, reading_and_sealing_need_no_memory);
        tcase_add_loop_test(memory, every_version_without_memory, 0, 2);
        tcase_add_test(memory, get_never_allocates);
    }
    TCase *limit = add_case(suite, "limits");
    tcase_add_loop_test(limit, limit_is_never_passed, 0, 4 * LIMITS);
    tcase_add_loop_test(limit, limit_is_never_passed_by_many_threads, 0, LIMITS);
    tcase_add_test(limit, commits_fail_under_many_threads);
    tcase_add_test(limit, refused_inserts_take_no_room);
    tcase_add_loop_test(limit, entry_limit_is_exact, 0, 2);
    tcase_add_loop_test(limit, entry_limit_in_the_middle_of_a_batch, 0, 2);
    TCase *ends = add_case(suite, "ends");
    tcase_add_test(ends, seal_from_two_threads_under_writers);
    tcase_add_test(ends, rotate_from_two_threads_under_writers);
    tcase_add_test(ends, statistics_beside_writers);
    tcase_add_test(ends, child_reads_after_fork);
    TCase *stopped = add_case(suite, "stopped");
    tcase_add_loop_test(stopped, a_stopped_thread_stops_nobody, 0, STOP_CALLS);
    tcase_add_loop_test(stopped, a_stopped_batch_comes_later, 0, 4);
    tcase_add_loop_test(stopped, seal_waits_for_a_stopped_write, 0, STOP_CALLS);
    tcase_add_test(stopped, batch_breaks_off_half_way);
    TCase *orders = add_case(suite, "orders");
    tcase_add_loop_test(orders, contradictions_end, 0, 2 * 21);
    tcase_add_loop_test(orders, order_turns_within_one_write, 0, 2);
    TCase *coming = add_case(suite, "coming and going");
    tcase_add_test(coming, ten_thousand_short_threads_on_two_shards);
    tcase_add_test(coming, sixty_four_threads_on_one_shard);
    tcase_add_test(coming, three_thousand_tables_in_one_thread);
    tcase_add_test(coming, tables_at_recycled_addresses);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner), run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
