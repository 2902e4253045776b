/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Faults that the library before this one had, each as a test that fails with its way of doing it.
 * Every test names its fault. Here those of a table's life: sealing,
 * limits, figures.
 *
 * What is none of the library's is tested elsewhere or by how the project is built: model checks that never
 * touch the list, README examples that do not compile.
 */
#include "api.h"

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

int main(void)
{
    const TTest *const tests[] = {
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
    return RUN_SUITE("api_seed_life", tests);
}
