/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Faults that the library before this one had, each as a test that fails with its way of doing it.
 * Every test names its fault. What can not be seen through the public interface needs access to the
 * inside, or is none of the library's:
 *
 * - A new node for every failed CAS: seen here as memory; the nodes themselves are not.
 * - Unchecked links of upper levels, and linking that is given up: seen here as keys out of order
 *   and as the number of comparisons; each single word of the index is not.
 * - Shards given back and shared: seen here as writes that work; who holds which shard is not.
 * - Pointers masked to 48 bits: seen only where the system has addresses above 48 bits.
 * - Model-checking tests that never touch the list, README examples that do not compile: a matter
 *   of how the project is tested.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fastskip.h"

#define STR(s) (s), sizeof(s) - 1
#define OK(call) ck_assert_int_eq((call), FASTSKIP_OK)

/* ck_assert writes a record for each call: too slow for many. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s", #condition);                                                        \
    } while (0)

/* ---- helpers --------------------------------------------------------------------------------- */

struct settings {
    uint32_t shards;
    uint64_t memory, entries;
};

static fastskip_table *new_table(struct settings settings)
{
    fastskip_options *options = NULL;
    fastskip_table *table = NULL;
    OK(fastskip_options_new(&options));
    if (settings.shards)
        OK(fastskip_options_set_shards(options, settings.shards));
    if (settings.memory)
        OK(fastskip_options_set_memory_limit(options, settings.memory));
    OK(fastskip_options_set_entry_limit(options, settings.entries));
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    return table;
}

static uint64_t stat_of(const fastskip_table *table, uint32_t id)
{
    uint64_t number = UINT64_MAX;
    OK(fastskip_table_stat(table, id, &number));
    return number;
}

static void put(fastskip_table *table, const char *key, const char *value)
{
    OK(fastskip_put(table, key, strlen(key), value, strlen(value)));
}

/* value NULL: not live. */
static void expect(fastskip_table *table, const fastskip_snapshot *snapshot, const char *key,
                   const char *value)
{
    fastskip_entry entry;
    fastskip_status status = fastskip_get(table, snapshot, key, strlen(key), &entry);
    ck_assert_int_eq(status, value ? FASTSKIP_OK : FASTSKIP_NOT_FOUND);
    if (value) {
        ck_assert_uint_eq(entry.value_size, strlen(value));
        ck_assert_mem_eq(entry.value, value, strlen(value));
    }
}

/* A key of the crowd below: thread and number, big-endian, the number first where the threads are
 * to meet. */
static void make_key(unsigned char *key, uint32_t major, uint32_t minor)
{
    for (int i = 0; i < 4; i++) {
        key[i] = (unsigned char)(major >> (24 - 8 * i));
        key[4 + i] = (unsigned char)(minor >> (24 - 8 * i));
    }
}

enum pattern { OWN_KEYS, INTERLEAVED, SAME_KEYS };

struct crowd {
    fastskip_table *table, *second;
    uint32_t threads, keys;
    enum pattern pattern;
    pthread_barrier_t barrier;
    atomic_uint names, written, failed;
};

static void *write_in_crowd(void *arg)
{
    struct crowd *crowd = arg;
    uint32_t name = atomic_fetch_add(&crowd->names, 1);
    unsigned char key[8];
    pthread_barrier_wait(&crowd->barrier);
    for (uint32_t i = 0; i < crowd->keys; i++) {
        make_key(key, crowd->pattern == OWN_KEYS ? name : i,
                 crowd->pattern == OWN_KEYS      ? i
                 : crowd->pattern == INTERLEAVED ? name
                                                 : 0);
        fastskip_status status = fastskip_insert(crowd->table, key, 8, key, 8);
        if (status == FASTSKIP_OK)
            atomic_fetch_add(&crowd->written, 1);
        else if (status != FASTSKIP_EXISTS || crowd->pattern != SAME_KEYS)
            atomic_fetch_add(&crowd->failed, 1);
        if (crowd->second && fastskip_put(crowd->second, key, 8, key, 8) != FASTSKIP_OK)
            atomic_fetch_add(&crowd->failed, 1);
    }
    return NULL;
}

/* All threads are alive before the first writes, and until the last has written. */
static void run_crowd(struct crowd *crowd)
{
    pthread_t *threads = calloc(crowd->threads, sizeof *threads);
    ck_assert_ptr_nonnull(threads);
    atomic_store(&crowd->names, 0);
    atomic_store(&crowd->written, 0);
    pthread_barrier_init(&crowd->barrier, NULL, crowd->threads);
    for (uint32_t i = 0; i < crowd->threads; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_in_crowd, crowd), 0);
    for (uint32_t i = 0; i < crowd->threads; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&crowd->barrier);
    free(threads);
    ck_assert_uint_eq(atomic_load(&crowd->failed), 0);
}

/* Every key is found, once, in ascending order, with its own value. */
static void expect_crowd(const struct crowd *crowd, fastskip_table *table)
{
    fastskip_iterator *it = NULL;
    fastskip_entry entry;
    unsigned char last[8] = {0};
    uint64_t count = 0;
    OK(fastskip_table_check(table));
    OK(fastskip_iterator_new(table, NULL, 0, &it));
    for (fastskip_status s = fastskip_iterator_seek_first(it); s == FASTSKIP_OK;
         s = fastskip_iterator_next(it), count++) {
        REQUIRE(fastskip_iterator_entry(it, &entry) == FASTSKIP_OK);
        REQUIRE(entry.key_size == 8 && entry.value_size == 8);
        REQUIRE(memcmp(entry.key, entry.value, 8) == 0);
        REQUIRE(count == 0 || memcmp(last, entry.key, 8) < 0);
        memcpy(last, entry.key, 8);
        REQUIRE(fastskip_contains(table, NULL, last, 8) == FASTSKIP_OK);
    }
    fastskip_iterator_free(it);
    ck_assert_uint_eq(count,
                      crowd->pattern == SAME_KEYS ? crowd->keys : crowd->threads * crowd->keys);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), count);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Two regions that are given out again and again. */
static void *regions[2];
static int region_count;

static void *take_region(void *ctx, size_t size, size_t alignment)
{
    (void)ctx, (void)size, (void)alignment;
    return region_count > 0 ? regions[--region_count] : NULL;
}

static int32_t commit_region(void *ctx, void *address, size_t size)
{
    (void)ctx, (void)address, (void)size;
    return 0;
}

static void give_region(void *ctx, void *address, size_t size)
{
    (void)ctx, (void)size;
    regions[region_count++] = address;
}

/* Threads that live on while tables come and go at the same addresses. */
struct settled {
    fastskip_table *tables[2];
    pthread_barrier_t barrier;
    atomic_int failed;
    uint32_t rounds;
};

#define SETTLED_KEYS 100

static void *write_each_round(void *arg)
{
    struct settled *settled = arg;
    static atomic_uint names;
    uint32_t name = atomic_fetch_add(&names, 1);
    unsigned char key[8];
    for (uint32_t round = 0; round < settled->rounds; round++) {
        pthread_barrier_wait(&settled->barrier);
        for (uint32_t i = 0; i < SETTLED_KEYS; i++) {
            make_key(key, i, name);
            for (int t = 0; t < 2; t++)
                if (fastskip_put(settled->tables[t], key, 8, key, 8) != FASTSKIP_OK)
                    atomic_store(&settled->failed, 1);
        }
        pthread_barrier_wait(&settled->barrier);
    }
    return NULL;
}

/* The seed remembered a thread's shard by the arena's address: a new arena at an old address gave
 * two threads one shard, and one with fewer shards a number that it did not have. */
START_TEST(fault_shard_remembered_by_address)
{
    enum { THREADS = 4 };
    static const uint32_t shards[] = {64, 1, 8, 2, 3};
    struct settled settled = {.rounds = 150};
    pthread_t threads[THREADS];
    fastskip_options *options = NULL;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_memory_limit(options, 1 << 20));
    OK(fastskip_options_set_allocator(options, take_region, commit_region, give_region, NULL));
    for (region_count = 0; region_count < 2; region_count++)
        ck_assert_ptr_nonnull(regions[region_count] = aligned_alloc(2 << 20, 2 << 20));
    pthread_barrier_init(&settled.barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, write_each_round, &settled);
    for (uint32_t round = 0; round < settled.rounds; round++) {
        for (uint32_t t = 0; t < 2; t++) {
            OK(fastskip_options_set_shards(options, shards[(round + t) % 5]));
            OK(fastskip_table_new(options, &settled.tables[t]));
        }
        pthread_barrier_wait(&settled.barrier);
        pthread_barrier_wait(&settled.barrier);
        struct crowd shape = {.threads = THREADS, .keys = SETTLED_KEYS, .pattern = INTERLEAVED};
        for (int t = 0; t < 2; t++) {
            expect_crowd(&shape, settled.tables[t]);
            fastskip_table_unref(settled.tables[t]);
        }
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert(!atomic_load(&settled.failed));
    pthread_barrier_destroy(&settled.barrier);
    fastskip_options_free(options);
    free(regions[0]);
    free(regions[1]);
}
END_TEST

/* A key of 4 GiB and three bytes was one of three bytes. */
START_TEST(fault_lengths_cut_to_32_bits)
{
#if SIZE_MAX > UINT32_MAX
    fastskip_table *table = new_table((struct settings){0});
    size_t huge = (size_t)UINT32_MAX + 1 + 3;
    ck_assert_int_eq(fastskip_put(table, "key", huge, STR("v")), FASTSKIP_TOO_LARGE);
    ck_assert_int_eq(fastskip_put(table, STR("key"), "val", huge), FASTSKIP_TOO_LARGE);
    ck_assert_int_eq(fastskip_delete(table, "key", huge), FASTSKIP_TOO_LARGE);
    ck_assert_int_eq(fastskip_contains(table, NULL, "key", huge), FASTSKIP_TOO_LARGE);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 0);
    fastskip_table_unref(table);
#endif
}
END_TEST

static void *read_statistics(void *arg)
{
    struct crowd *crowd = arg;
    uint64_t keys = 0, now = 0;
    pthread_barrier_wait(&crowd->barrier);
    while (keys < (uint64_t)(crowd->threads - 1) * crowd->keys) {
        for (uint32_t id = 1; id <= FASTSKIP_STAT_SNAPSHOTS; id++)
            if (fastskip_table_stat(crowd->table, id, &now) != FASTSKIP_OK)
                atomic_fetch_add(&crowd->failed, 1);
        fastskip_table_stat(crowd->table, FASTSKIP_STAT_KEYS, &now);
        if (now < keys)
            atomic_fetch_add(&crowd->failed, 1);
        keys = now;
    }
    return NULL;
}

/* Seen by the thread sanitizer, and here as a sum that falls or is not reached. */
START_TEST(fault_statistics_race_with_writers)
{
    struct crowd crowd = {.threads = 4, .keys = 1500, .table = new_table((struct settings){0})};
    pthread_t threads[4];
    pthread_barrier_init(&crowd.barrier, NULL, 4);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, i ? write_in_crowd : read_statistics, &crowd);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&crowd.barrier);
    ck_assert_uint_eq(atomic_load(&crowd.failed), 0);
    ck_assert_uint_eq(stat_of(crowd.table, FASTSKIP_STAT_KEYS), 4500);
    ck_assert_uint_eq(stat_of(crowd.table, FASTSKIP_STAT_KEY_BYTES), 4500 * 8);
    fastskip_table_unref(crowd.table);
}
END_TEST

/* As high as the system goes: above 48 bits where the processor has five levels of page tables. */
static void *take_high(void *ctx, size_t size, size_t alignment)
{
    size_t *mapped = ctx;
    for (unsigned bits = sizeof(void *) == 8 ? 56 : 31; bits > 24; bits--) {
        void *wanted = (void *)(uintptr_t)(((uint64_t)1 << bits) - 2 * alignment);
        size_t room = (size + alignment - 1) / alignment * alignment;
        void *address = mmap(wanted, room, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        *mapped = room;
        if (address == wanted)
            return address;
        if (address != MAP_FAILED)
            munmap(address, room);
    }
    return NULL;
}

static void leave_high(void *ctx, void *address, size_t size)
{
    (void)size;
    munmap(address, *(size_t *)ctx);
}

START_TEST(fault_pointers_masked_to_48_bits)
{
    fastskip_options *options = NULL;
    fastskip_table *table = NULL;
    fastskip_entry entry;
    size_t mapped = 0;
    char key[16];
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_memory_limit(options, 1 << 20));
    OK(fastskip_options_set_allocator(options, take_high, commit_region, leave_high, &mapped));
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(table, key, key);
    }
    OK(fastskip_get(table, NULL, STR("77"), &entry));
    ck_assert_mem_eq(entry.value, "77", 2);
    OK(fastskip_table_check(table));
    fastskip_table_unref(table);
}
END_TEST

/* ---- threads --------------------------------------------------------------------------------- */

/* The thread that made the list already had the only shard. */
START_TEST(fault_panic_when_threads_outnumber_shards)
{
    for (uint32_t shards = 1; shards <= 4; shards += 3) {
        struct crowd crowd = {.threads = 16, .keys = 200};
        crowd.table = new_table((struct settings){.shards = shards});
        put(crowd.table, "", "");
        OK(fastskip_table_reset(crowd.table));
        run_crowd(&crowd);
        expect_crowd(&crowd, crowd.table);
        fastskip_table_unref(crowd.table);
    }
}
END_TEST

/* 20 short threads on 8 shards: 12 of them panicked. */
START_TEST(fault_shards_never_given_back)
{
    struct crowd crowd = {.threads = 1, .keys = 1, .pattern = INTERLEAVED};
    crowd.table = new_table((struct settings){.shards = 8});
    for (uint32_t i = 0; i < 400; i++) {
        unsigned char key[8];
        run_crowd(&crowd);
        make_key(key, 0, 0);
        OK(fastskip_delete(crowd.table, key, 8));
    }
    ck_assert_uint_eq(stat_of(crowd.table, FASTSKIP_STAT_VERSIONS), 800);
    OK(fastskip_table_check(crowd.table));
    fastskip_table_unref(crowd.table);
}
END_TEST

START_TEST(fault_thread_remembers_eight_arenas)
{
    fastskip_table *tables[40];
    char key[16];
    for (int i = 0; i < 40; i++)
        tables[i] = new_table((struct settings){.shards = 2, .memory = 1 << 20});
    for (int round = 0; round < 50; round++) {
        snprintf(key, sizeof key, "%d", round);
        for (int i = 0; i < 40; i++)
            put(tables[i], key, key);
    }
    for (int i = 0; i < 40; i++) {
        ck_assert_uint_eq(stat_of(tables[i], FASTSKIP_STAT_KEYS), 50);
        OK(fastskip_table_check(tables[i]));
        fastskip_table_unref(tables[i]);
    }
}
END_TEST

START_TEST(fault_reset_keeps_the_shard_counter)
{
    struct crowd crowd = {.threads = 4, .keys = 50};
    crowd.table = new_table((struct settings){.shards = 4});
    for (int round = 0; round < 40; round++) {
        run_crowd(&crowd);
        expect_crowd(&crowd, crowd.table);
        OK(fastskip_table_reset(crowd.table));
        ck_assert_uint_eq(stat_of(crowd.table, FASTSKIP_STAT_SHARDS), 4);
    }
    fastskip_table_unref(crowd.table);
}
END_TEST

/* ---- list ------------------------------------------------------------------------------------ */

/* Links behind a successor that was not looked at: thousands of keys out of order. */
START_TEST(fault_inversions)
{
    for (int round = 0; round < 5; round++) {
        struct crowd crowd = {.threads = 8, .keys = 1500, .pattern = INTERLEAVED};
        crowd.table = new_table((struct settings){0});
        run_crowd(&crowd);
        expect_crowd(&crowd, crowd.table);
        fastskip_table_unref(crowd.table);
    }
}
END_TEST

static int32_t count_comparisons(void *ctx, const void *a, size_t a_size, const void *b,
                                 size_t b_size)
{
    atomic_fetch_add_explicit((atomic_ullong *)ctx, 1, memory_order_relaxed);
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static uint64_t leading_bytes(void *ctx, const void *key, size_t size)
{
    uint64_t number = 0;
    (void)ctx;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | (i < size ? ((const unsigned char *)key)[i] : 0);
    return number;
}

/* Comparisons a lookup takes, on average, after the crowd has written. */
static double comparisons_after(uint32_t threads, uint32_t keys)
{
    static atomic_ullong calls;
    struct crowd crowd = {.threads = threads, .keys = keys, .pattern = INTERLEAVED};
    fastskip_options *options = NULL;
    unsigned char key[8];
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_comparator(options, count_comparisons, leading_bytes, &calls, NULL));
    OK(fastskip_table_new(options, &crowd.table));
    fastskip_options_free(options);
    run_crowd(&crowd);
    ck_assert_uint_ge(stat_of(crowd.table, FASTSKIP_STAT_HEIGHT), 3);
    atomic_store(&calls, 0);
    for (uint32_t i = 0; i < 2000; i++) {
        make_key(key, i * 7919 % keys, i % threads);
        REQUIRE(fastskip_contains(crowd.table, NULL, key, 8) == FASTSKIP_OK);
    }
    fastskip_table_unref(crowd.table);
    return (double)atomic_load(&calls) / 2000;
}

/* Without its upper levels a list of 60,000 keys takes hundreds of steps or thousands. */
START_TEST(fault_top_levels_never_linked)
{
    ck_assert_double_lt(comparisons_after(1, 60000), 150);
}
END_TEST

START_TEST(fault_linking_given_up_after_two_failures)
{
    ck_assert_double_lt(comparisons_after(8, 7500), 150);
}
END_TEST

/* 8 threads insert the same keys: 7 of 8 lose, and the memory of the losers is used again. */
START_TEST(fault_new_node_for_every_failed_cas)
{
    struct crowd alone = {.threads = 1, .keys = 20000, .pattern = SAME_KEYS};
    struct crowd crowd = {.threads = 8, .keys = 20000, .pattern = SAME_KEYS};
    alone.table = new_table((struct settings){.shards = 8});
    crowd.table = new_table((struct settings){.shards = 8});
    run_crowd(&alone);
    run_crowd(&crowd);
    expect_crowd(&crowd, crowd.table);
    ck_assert_uint_eq(atomic_load(&crowd.written), crowd.keys);
    ck_assert_uint_eq(stat_of(crowd.table, FASTSKIP_STAT_VERSIONS), crowd.keys);
    /* Splits come out differently; seven further nodes for a key would be many times as much. */
    uint64_t used = stat_of(crowd.table, FASTSKIP_STAT_MEMORY_USED);
    ck_assert_uint_le(used, 2 * stat_of(alone.table, FASTSKIP_STAT_MEMORY_USED));
    fastskip_table_unref(alone.table);
    fastskip_table_unref(crowd.table);
}
END_TEST

/* ---- meaning --------------------------------------------------------------------------------- */

struct restless {
    fastskip_table *table;
    atomic_int stop;
};

static void *overwrite_without_end(void *arg)
{
    struct restless *restless = arg;
    for (uint32_t i = 1; i < 2000000 && !atomic_load(&restless->stop); i++) {
        uint32_t key = i % 16;
        if (i % 5 == 0)
            fastskip_delete(restless->table, &key, sizeof key);
        else
            fastskip_put(restless->table, &key, sizeof key, &i, sizeof i);
    }
    return NULL;
}

/* The number was taken before the write was published: a snapshot in between saw it later. */
START_TEST(fault_snapshot_changes_under_its_reader)
{
    struct restless restless = {.table = new_table((struct settings){.memory = 256 << 20})};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, overwrite_without_end, &restless);
    for (int round = 0; round < 3000; round++) {
        fastskip_snapshot *snapshot = NULL;
        fastskip_entry first[16], second;
        fastskip_status statuses[16];
        OK(fastskip_snapshot_new(restless.table, &snapshot));
        for (uint32_t key = 0; key < 16; key++)
            statuses[key] =
                fastskip_get_raw(restless.table, snapshot, &key, sizeof key, &first[key]);
        for (uint32_t key = 0; key < 16; key++) {
            REQUIRE(fastskip_get_raw(restless.table, snapshot, &key, sizeof key, &second) ==
                    statuses[key]);
            REQUIRE(statuses[key] != FASTSKIP_OK ||
                    (second.kind == first[key].kind && second.value == first[key].value));
        }
        fastskip_snapshot_free(snapshot);
    }
    atomic_store(&restless.stop, 1);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    OK(fastskip_table_check(restless.table));
    fastskip_table_unref(restless.table);
}
END_TEST

START_TEST(fault_tombstone_visible_to_earlier_snapshots)
{
    fastskip_table *table = new_table((struct settings){0});
    fastskip_snapshot *snapshot = NULL;
    put(table, "k", "v");
    OK(fastskip_snapshot_new(table, &snapshot));
    OK(fastskip_delete(table, STR("k")));
    expect(table, snapshot, "k", "v");
    expect(table, NULL, "k", NULL);
    fastskip_snapshot_free(snapshot);
    fastskip_table_unref(table);
}
END_TEST

START_TEST(fault_delete_of_an_absent_key_records_nothing)
{
    fastskip_table *table = new_table((struct settings){0});
    fastskip_entry entry;
    OK(fastskip_delete(table, STR("absent")));
    OK(fastskip_get_raw(table, NULL, STR("absent"), &entry));
    ck_assert_uint_eq(entry.kind, FASTSKIP_DELETE);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_TOMBSTONES), 1);
    fastskip_table_unref(table);
}
END_TEST

START_TEST(fault_no_write_after_delete)
{
    fastskip_table *table = new_table((struct settings){0});
    put(table, "k", "1");
    OK(fastskip_delete(table, STR("k")));
    put(table, "k", "2");
    expect(table, NULL, "k", "2");
    OK(fastskip_delete(table, STR("k")));
    OK(fastskip_insert(table, STR("k"), STR("3")));
    expect(table, NULL, "k", "3");
    fastskip_table_unref(table);
}
END_TEST

START_TEST(fault_no_overwrite)
{
    fastskip_table *table = new_table((struct settings){0});
    put(table, "k", "1");
    put(table, "k", "2");
    expect(table, NULL, "k", "2");
    fastskip_table_unref(table);
}
END_TEST

/* What get_or_insert says of a key that it can not insert. */
static void expect_not_inserted(fastskip_table *table, const char *key, fastskip_status wanted)
{
    fastskip_entry entry;
    int32_t inserted = 7;
    ck_assert_int_eq(fastskip_get_or_insert(table, key, strlen(key), STR("new"), &entry, &inserted),
                     wanted);
    ck_assert_int_eq(inserted, 7);
}

START_TEST(fault_get_or_insert_lies_when_full)
{
    fastskip_table *table = new_table((struct settings){.entries = 2});
    put(table, "live", "1");
    OK(fastskip_delete(table, STR("dead")));
    expect_not_inserted(table, "absent", FASTSKIP_FULL);
    expect_not_inserted(table, "dead", FASTSKIP_FULL);
    expect(table, NULL, "absent", NULL);
    expect(table, NULL, "dead", NULL);
    fastskip_table_unref(table);
}
END_TEST

START_TEST(fault_get_or_insert_lies_when_sealed)
{
    fastskip_table *table = new_table((struct settings){0});
    put(table, "live", "1");
    OK(fastskip_table_seal(table));
    expect_not_inserted(table, "absent", FASTSKIP_SEALED);
    expect_not_inserted(table, "live", FASTSKIP_SEALED);
    expect(table, NULL, "absent", NULL);
    fastskip_table_unref(table);
}
END_TEST

START_TEST(fault_get_or_insert_lies_when_deleted)
{
    fastskip_table *table = new_table((struct settings){0});
    fastskip_entry entry;
    int32_t inserted = 7;
    put(table, "k", "old");
    OK(fastskip_delete(table, STR("k")));
    OK(fastskip_get_or_insert(table, STR("k"), STR("new"), &entry, &inserted));
    ck_assert_int_eq(inserted, 1);
    ck_assert_mem_eq(entry.value, "new", 3);
    expect(table, NULL, "k", "new");
    fastskip_table_unref(table);
}
END_TEST

START_TEST(fault_sealed_answers_duplicate_key)
{
    fastskip_table *table = new_table((struct settings){0});
    put(table, "k", "v");
    ck_assert_int_eq(fastskip_insert(table, STR("k"), STR("v")), FASTSKIP_EXISTS);
    OK(fastskip_table_seal(table));
    ck_assert_int_eq(fastskip_insert(table, STR("k"), STR("v")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_insert(table, STR("l"), STR("v")), FASTSKIP_SEALED);
    fastskip_table_unref(table);
}
END_TEST

START_TEST(fault_entry_limit_answers_out_of_memory)
{
    fastskip_table *table = new_table((struct settings){.entries = 1});
    put(table, "k", "v");
    ck_assert_int_eq(fastskip_put(table, STR("l"), STR("v")), FASTSKIP_FULL);
    ck_assert_int_eq(fastskip_insert(table, STR("l"), STR("v")), FASTSKIP_FULL);
    ck_assert_int_eq(fastskip_delete(table, STR("l")), FASTSKIP_FULL);
    fastskip_table_unref(table);
}
END_TEST

/* The head of the list came out as a first entry with an empty key. */
START_TEST(fault_cursor_shows_the_sentinel)
{
    fastskip_table *table = new_table((struct settings){0});
    fastskip_iterator *it = NULL;
    fastskip_entry entry;
    OK(fastskip_iterator_new(table, NULL, FASTSKIP_ALL_VERSIONS, &it));
    ck_assert_int_eq(fastskip_iterator_entry(it, &entry), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_iterator_seek_first(it), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_iterator_seek_last(it), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_iterator_seek(it, NULL, 0), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_iterator_seek_for_prev(it, STR("z")), FASTSKIP_NOT_FOUND);
    fastskip_iterator_free(it);
    put(table, "only", "v");
    OK(fastskip_iterator_new(table, NULL, FASTSKIP_ALL_VERSIONS, &it));
    OK(fastskip_iterator_seek(it, NULL, 0));
    OK(fastskip_iterator_entry(it, &entry));
    ck_assert_uint_eq(entry.key_size, 4);
    ck_assert_int_eq(fastskip_iterator_prev(it), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_contains(table, NULL, NULL, 0), FASTSKIP_NOT_FOUND);
    fastskip_iterator_free(it);
    fastskip_table_unref(table);
}
END_TEST

/* A cursor took whatever list it was handed. Here a cursor knows its table; what can be mixed up is
 * the snapshot. */
START_TEST(fault_cursor_accepts_another_list)
{
    fastskip_table *one = new_table((struct settings){0}), *two = new_table((struct settings){0});
    fastskip_snapshot *snapshot = NULL;
    fastskip_iterator *it = NULL;
    fastskip_entry entry;
    put(two, "k", "v");
    OK(fastskip_snapshot_new(one, &snapshot));
    ck_assert_int_eq(fastskip_iterator_new(two, snapshot, 0, &it), FASTSKIP_INVALID);
    ck_assert_int_eq(fastskip_get(two, snapshot, STR("k"), &entry), FASTSKIP_INVALID);
    ck_assert_ptr_null(it);
    fastskip_snapshot_free(snapshot);
    fastskip_table_unref(one);
    fastskip_table_unref(two);
}
END_TEST

/* ---- life ------------------------------------------------------------------------------------ */

START_TEST(fault_seal_needs_sole_ownership)
{
    fastskip_table *table = new_table((struct settings){0}), *fresh = NULL;
    fastskip_snapshot *snapshot = NULL;
    fastskip_iterator *it = NULL;
    put(table, "k", "v");
    OK(fastskip_table_ref(table));
    OK(fastskip_snapshot_new(table, &snapshot));
    OK(fastskip_iterator_new(table, NULL, 0, &it));
    OK(fastskip_iterator_seek_first(it));
    OK(fastskip_table_rotate(table, &fresh));
    ck_assert_int_eq(fastskip_put(table, STR("l"), STR("v")), FASTSKIP_SEALED);
    expect(table, snapshot, "k", "v");
    ck_assert_int_eq(fastskip_iterator_valid(it), 1);
    put(fresh, "l", "v");
    fastskip_iterator_free(it);
    fastskip_snapshot_free(snapshot);
    fastskip_table_unref(table);
    fastskip_table_unref(table);
    fastskip_table_unref(fresh);
}
END_TEST

/* A full table refuses; that it is sealed, and that there is a fresh one, is one call away, and
 * that call works in a full table. */
START_TEST(fault_auto_seal_only_refuses)
{
    fastskip_table *table = new_table((struct settings){.memory = 65536}), *fresh = NULL;
    uint32_t key = 0;
    while (fastskip_put(table, &key, sizeof key, STR("value")) == FASTSKIP_OK)
        key++;
    ck_assert_int_eq(fastskip_put(table, &key, sizeof key, STR("value")), FASTSKIP_FULL);
    ck_assert_int_eq(fastskip_table_is_sealed(table), 0);
    ck_assert_int_eq(fastskip_table_under_backpressure(table), 1);
    OK(fastskip_table_rotate(table, &fresh));
    ck_assert_int_eq(fastskip_table_is_sealed(table), 1);
    ck_assert_int_eq(fastskip_put(table, &key, sizeof key, STR("value")), FASTSKIP_SEALED);
    OK(fastskip_put(fresh, &key, sizeof key, STR("value")));
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), key);
    fastskip_table_unref(table);
    fastskip_table_unref(fresh);
}
END_TEST

/* The limit was looked at before the write, without the size of what was written. */
START_TEST(fault_limit_looked_at_without_the_size)
{
    static const char value[60000];
    fastskip_table *table = new_table((struct settings){.memory = 65536 + 4096});
    put(table, "small", "v");
    while (fastskip_put(table, STR("large"), value, sizeof value) == FASTSKIP_OK)
        REQUIRE(stat_of(table, FASTSKIP_STAT_MEMORY_USED) <= 65536 + 4096);
    ck_assert_uint_le(stat_of(table, FASTSKIP_STAT_MEMORY_USED), 65536 + 4096);
    ck_assert_uint_le(stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED), 65536 + 4096);
    expect(table, NULL, "small", "v");
    fastskip_table_unref(table);
}
END_TEST

START_TEST(fault_limits_not_looked_at_by_deletes)
{
    fastskip_table *entries = new_table((struct settings){.entries = 3});
    fastskip_table *memory = new_table((struct settings){.memory = 65536});
    uint32_t key = 0;
    for (int i = 0; i < 3; i++)
        OK(fastskip_delete(entries, STR("k")));
    ck_assert_int_eq(fastskip_delete(entries, STR("k")), FASTSKIP_FULL);
    while (fastskip_delete(memory, &key, sizeof key) == FASTSKIP_OK)
        REQUIRE(key++ < 65536);
    ck_assert_int_eq(fastskip_delete(memory, &key, sizeof key), FASTSKIP_FULL);
    ck_assert_uint_le(stat_of(memory, FASTSKIP_STAT_MEMORY_RESERVED), 65536);
    ck_assert_uint_eq(stat_of(memory, FASTSKIP_STAT_TOMBSTONES), key);
    fastskip_table_unref(entries);
    fastskip_table_unref(memory);
}
END_TEST

START_TEST(fault_limits_not_looked_at_by_batches)
{
    static const char value[1000];
    fastskip_table *entries = new_table((struct settings){.entries = 50});
    fastskip_table *memory = new_table((struct settings){.memory = 65536});
    fastskip_batch *batch = NULL;
    OK(fastskip_batch_new(&batch));
    for (uint32_t key = 0; key < 100; key++)
        OK(fastskip_batch_put(batch, &key, sizeof key, value, sizeof value));
    ck_assert_int_eq(fastskip_write(entries, batch), FASTSKIP_FULL);
    ck_assert_int_eq(fastskip_write(memory, batch), FASTSKIP_FULL);
    ck_assert_uint_eq(stat_of(entries, FASTSKIP_STAT_LIVE), 0);
    ck_assert_uint_eq(stat_of(memory, FASTSKIP_STAT_LIVE), 0);
    ck_assert_uint_le(stat_of(memory, FASTSKIP_STAT_MEMORY_RESERVED), 65536);
    fastskip_batch_free(batch);
    put(entries, "k", "v");
    put(memory, "k", "v");
    fastskip_table_unref(entries);
    fastskip_table_unref(memory);
}
END_TEST

/* Only live entries counted: deletes made room, overwrites took none. */
START_TEST(fault_entries_counted_live_only)
{
    fastskip_table *table = new_table((struct settings){.entries = 4});
    put(table, "k", "1");
    put(table, "k", "2");
    OK(fastskip_delete(table, STR("k")));
    put(table, "k", "3");
    ck_assert_int_eq(fastskip_put(table, STR("k"), STR("4")), FASTSKIP_FULL);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_LIVE), 1);
    expect(table, NULL, "k", "3");
    fastskip_table_unref(table);
}
END_TEST

START_TEST(fault_live_count_wraps)
{
    fastskip_table *table = new_table((struct settings){0});
    for (int i = 0; i < 10; i++) {
        OK(fastskip_delete(table, STR("absent")));
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_LIVE), 0);
    }
    put(table, "k", "v");
    OK(fastskip_delete(table, STR("k")));
    OK(fastskip_delete(table, STR("k")));
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_LIVE), 0);
    fastskip_table_unref(table);
}
END_TEST

/* One writer at a time: nothing lost a race, so nothing is given back. */
START_TEST(fault_memory_figure_goes_backwards)
{
    fastskip_table *table = new_table((struct settings){0});
    uint64_t used = 0, reserved = 0, now;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t key = i * 2654435761u;
        REQUIRE((i % 7 ? fastskip_put(table, &key, sizeof key, STR("value"))
                       : fastskip_delete(table, &key, sizeof key)) == FASTSKIP_OK);
        REQUIRE(fastskip_table_stat(table, FASTSKIP_STAT_MEMORY_USED, &now) == FASTSKIP_OK);
        REQUIRE(now > used);
        used = now;
        REQUIRE(fastskip_table_stat(table, FASTSKIP_STAT_MEMORY_RESERVED, &now) == FASTSKIP_OK);
        REQUIRE(now >= reserved);
        reserved = now;
    }
    fastskip_table_unref(table);
}
END_TEST

/* Keys of 4 bytes with values of 996 were reported as 502 and 502. */
START_TEST(fault_averages_are_guesses)
{
    static const char value[996];
    fastskip_table *table = new_table((struct settings){0});
    for (uint32_t key = 0; key < 100; key++)
        OK(fastskip_put(table, &key, sizeof key, value, sizeof value));
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEY_BYTES) / stat_of(table, FASTSKIP_STAT_KEYS),
                      4);
    ck_assert_uint_eq(
        stat_of(table, FASTSKIP_STAT_VALUE_BYTES) / stat_of(table, FASTSKIP_STAT_VERSIONS), 996);
    fastskip_table_unref(table);
}
END_TEST

START_TEST(fault_each_seal_makes_larger_blocks)
{
    fastskip_table *table = new_table((struct settings){.shards = 1}), *fresh = NULL;
    put(table, "k", "v");
    uint64_t reserved = stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED);
    for (int i = 0; i < 30; i++) {
        OK(fastskip_table_rotate(table, &fresh));
        fastskip_table_unref(table);
        table = fresh;
        put(table, "k", "v");
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED), reserved);
    }
    fastskip_table_unref(table);
}
END_TEST

START_TEST(fault_memory_taken_at_once_for_every_shard)
{
    fastskip_table *table = new_table((struct settings){.shards = 1024});
    ck_assert_uint_le(stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED), 65536);
    put(table, "k", "v");
    ck_assert_uint_le(stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED), 4 * 65536);
    fastskip_table_unref(table);
}
END_TEST

/* ---- the suite ------------------------------------------------------------------------------- */

static void group(Suite *suite, const char *name, const TTest *const *tests, size_t count)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 1200);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

int main(void)
{
    const TTest *const memory[] = {
        fault_shard_remembered_by_address,
        fault_lengths_cut_to_32_bits,
        fault_statistics_race_with_writers,
        fault_pointers_masked_to_48_bits,
    };
    const TTest *const threads[] = {
        fault_panic_when_threads_outnumber_shards,
        fault_shards_never_given_back,
        fault_thread_remembers_eight_arenas,
        fault_reset_keeps_the_shard_counter,
    };
    const TTest *const list[] = {
        fault_inversions,
        fault_top_levels_never_linked,
        fault_linking_given_up_after_two_failures,
        fault_new_node_for_every_failed_cas,
    };
    const TTest *const meaning[] = {
        fault_snapshot_changes_under_its_reader,
        fault_tombstone_visible_to_earlier_snapshots,
        fault_delete_of_an_absent_key_records_nothing,
        fault_no_write_after_delete,
        fault_no_overwrite,
        fault_get_or_insert_lies_when_full,
        fault_get_or_insert_lies_when_sealed,
        fault_get_or_insert_lies_when_deleted,
        fault_sealed_answers_duplicate_key,
        fault_entry_limit_answers_out_of_memory,
        fault_cursor_shows_the_sentinel,
        fault_cursor_accepts_another_list,
    };
    const TTest *const life[] = {
        fault_seal_needs_sole_ownership,
        fault_auto_seal_only_refuses,
        fault_limit_looked_at_without_the_size,
        fault_limits_not_looked_at_by_deletes,
        fault_limits_not_looked_at_by_batches,
        fault_entries_counted_live_only,
        fault_live_count_wraps,
        fault_memory_figure_goes_backwards,
        fault_averages_are_guesses,
        fault_each_seal_makes_larger_blocks,
        fault_memory_taken_at_once_for_every_shard,
    };
    Suite *suite = suite_create("seed");
    group(suite, "memory", memory, COUNT(memory));
    group(suite, "threads", threads, COUNT(threads));
    group(suite, "list", list, COUNT(list));
    group(suite, "meaning", meaning, COUNT(meaning));
    group(suite, "life", life, COUNT(life));
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner), run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
