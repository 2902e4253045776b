/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Reads are reads: whatever is asked of a table, it takes none of its memory and changes none of its figures,
 * works in a full and in a sealed one, and one snapshot serves many threads at once.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "api.h"

enum { KEYS = 300 };

/* Versions, tombstones and a snapshot between them, up to the limit of memory. */
static fastskip_table *full_table(fastskip_snapshot **snapshot)
{
    fastskip_table *table = new_table((struct settings){.shards = 1, .memory = 65536});
    fastskip_status status = FASTSKIP_OK;
    for (uint32_t i = 0; status == FASTSKIP_OK; i++) {
        uint32_t key = i % KEYS;
        status = i % 11 == 3 ? fastskip_delete(table, &key, sizeof key)
                             : fastskip_put(table, &key, sizeof key, &i, sizeof i);
        if (i == KEYS + 100)
            OK(fastskip_snapshot_new(table, snapshot));
    }
    ck_assert_int_eq(status, FASTSKIP_FULL);
    ck_assert_ptr_nonnull(*snapshot);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), KEYS);
    return table;
}

static void look_up(fastskip_table *table, const fastskip_snapshot *snapshot)
{
    static uint32_t numbers[KEYS + 1];
    static const void *keys[KEYS + 1];
    static size_t sizes[KEYS + 1];
    static fastskip_entry entries[KEYS + 1];
    static fastskip_status statuses[KEYS + 1];
    uint64_t live = 0, found = 0;
    for (uint32_t key = 0; key <= KEYS; key++) {
        fastskip_status known = key < KEYS ? FASTSKIP_OK : FASTSKIP_NOT_FOUND;
        numbers[key] = key;
        keys[key] = &numbers[key];
        sizes[key] = sizeof key;
        found += fastskip_get(table, snapshot, &key, sizeof key, &entries[0]) == FASTSKIP_OK;
        live += fastskip_contains(table, snapshot, &key, sizeof key) == FASTSKIP_OK;
        ck_assert_int_eq(fastskip_get_raw(table, snapshot, &key, sizeof key, &entries[0]), known);
        ck_assert_int_eq(fastskip_get_at(table, UINT64_MAX, &key, sizeof key, &entries[0]), known);
    }
    ck_assert_uint_gt(live, KEYS / 2);
    ck_assert_uint_eq(found, live);
    OK(fastskip_get_many(table, snapshot, KEYS + 1, keys, sizes, entries, statuses));
    for (uint32_t key = 0; key <= KEYS; key++)
        found -= statuses[key] == FASTSKIP_OK;
    ck_assert_uint_eq(found, 0);
}

/* Every entry forwards and backwards, by each set of flags, and within bounds. */
static void walk(fastskip_table *table, const fastskip_snapshot *snapshot)
{
    static const uint32_t low = 10, high = 200;
    fastskip_entry entries[16];
    for (uint32_t flags = 0; flags < 4; flags++) {
        fastskip_iterator *it = NULL;
        size_t count = 0, forwards = 1, backwards = 1;
        OK(fastskip_iterator_new(table, snapshot, flags, &it));
        OK(fastskip_iterator_seek_first(it));
        while (fastskip_iterator_next(it) == FASTSKIP_OK)
            forwards++;
        OK(fastskip_iterator_seek_last(it));
        while (fastskip_iterator_prev(it) == FASTSKIP_OK)
            backwards++;
        ck_assert_uint_eq(forwards, backwards);
        OK(fastskip_iterator_set_bounds(it, &low, sizeof low, &high, sizeof high));
        OK(fastskip_iterator_seek(it, &low, sizeof low));
        OK(fastskip_iterator_next_many(it, entries, 16, &count));
        OK(fastskip_iterator_seek_for_prev(it, &high, sizeof high));
        fastskip_iterator_free(it);
    }
}

static void ask(fastskip_table *table)
{
    uint64_t number;
    for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_SNAPSHOTS; id++)
        stat_of(table, id);
    OK(fastskip_table_approximate_count(table, STR("\1"), NULL, 0, &number));
    ck_assert_int_eq(fastskip_table_under_backpressure(table), 1);
    OK(fastskip_table_check(table));
}

/* All of it leaves every figure as it was: those of memory, of attempts, of snapshots. */
static void expect_quiet(fastskip_table *table, const fastskip_snapshot *snapshot)
{
    uint64_t before[FASTSKIP_STAT_SNAPSHOTS + 1];
    for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_SNAPSHOTS; id++)
        before[id] = stat_of(table, id);
    for (int twice = 0; twice < 2; twice++) {
        look_up(table, twice ? snapshot : NULL);
        walk(table, twice ? snapshot : NULL);
        ask(table);
    }
    for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_SNAPSHOTS; id++)
        REQUIRE_AT(stat_of(table, id) == before[id], id);
}

START_TEST(full_and_sealed_tables_are_read_like_any_other)
{
    fastskip_snapshot *snapshot = NULL;
    fastskip_table *table = full_table(&snapshot);
    expect_quiet(table, snapshot);
    OK(fastskip_table_seal(table));
    expect_quiet(table, snapshot);
    fastskip_snapshot_free(snapshot);
    drop(table);
}
END_TEST

/* They cost no memory of the table, and an old one stays readable beside thousands of others. */
START_TEST(snapshots_cost_no_memory_of_the_table)
{
    enum { MANY = 5000 };
    static fastskip_snapshot *snapshots[MANY];
    fastskip_table *table = auto_table();
    put(table, "k", "old");
    uint64_t used = stat_of(table, FASTSKIP_STAT_MEMORY_USED);
    uint64_t taken = stat_of(table, FASTSKIP_STAT_SNAPSHOTS);
    for (int i = 0; i < MANY; i++)
        OK(fastskip_snapshot_new(table, &snapshots[i]));
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_MEMORY_USED), used);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_SNAPSHOTS), taken + MANY);
    put(table, "k", "new");
    for (int i = 0; i < MANY; i++) {
        expect(table, snapshots[i], "k", "old");
        fastskip_snapshot_free(snapshots[i]);
    }
    expect(table, NULL, "k", "new");
    drop(table);
}
END_TEST

struct reader {
    fastskip_table *table;
    const fastskip_snapshot *snapshot;
    atomic_int *stop;
    int failed;
};

/* What is seen at the snapshot: every key with its own number. */
static void *read_snapshot(void *arg)
{
    struct reader *reader = arg;
    fastskip_entry entry;
    for (int round = 0; round < 30 && !reader->failed; round++) {
        fastskip_iterator *it = NULL;
        size_t shown = 0;
        for (uint32_t key = 0; key < KEYS; key++)
            if (fastskip_get(reader->table, reader->snapshot, &key, sizeof key, &entry) ||
                entry.value_size != sizeof key || memcmp(entry.value, &key, sizeof key) != 0)
                reader->failed = 1;
        if (fastskip_iterator_new(reader->table, reader->snapshot, 0, &it) != FASTSKIP_OK)
            reader->failed = 1;
        for (fastskip_status s = fastskip_iterator_seek_first(it); s == FASTSKIP_OK;
             s = fastskip_iterator_next(it))
            shown++;
        if (shown != KEYS)
            reader->failed = 1;
        fastskip_iterator_free(it);
    }
    return NULL;
}

static void *overwrite(void *arg)
{
    struct reader *writer = arg;
    for (uint32_t i = 0; !atomic_load(writer->stop) && i < 1000000; i++) {
        uint32_t key = i % (2 * KEYS);
        if (i % 3 == 0)
            fastskip_delete(writer->table, &key, sizeof key);
        else
            fastskip_put(writer->table, &key, sizeof key, &i, sizeof i);
    }
    return NULL;
}

START_TEST(one_snapshot_serves_many_threads)
{
    enum { READERS = 4 };
    fastskip_table *table = auto_table();
    fastskip_snapshot *snapshot = NULL;
    atomic_int stop = 0;
    struct reader readers[READERS + 1];
    pthread_t threads[READERS + 1];
    for (uint32_t key = 0; key < KEYS; key++)
        OK(fastskip_put(table, &key, sizeof key, &key, sizeof key));
    OK(fastskip_snapshot_new(table, &snapshot));
    for (int i = 0; i <= READERS; i++) {
        readers[i] = (struct reader){table, snapshot, &stop, 0};
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, i < READERS ? read_snapshot : overwrite, &readers[i]),
            0);
    }
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(!readers[i].failed);
    }
    atomic_store(&stop, 1);
    pthread_join(threads[READERS], NULL);
    fastskip_snapshot_free(snapshot);
    drop(table);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        full_and_sealed_tables_are_read_like_any_other,
        snapshots_cost_no_memory_of_the_table,
        one_snapshot_serves_many_threads,
    };
    return RUN_SUITE("api_quiet", tests);
}
