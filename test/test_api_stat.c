/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * What a table says of itself: statistics, estimates, backpressure; and the library, of itself.
 */
#include "api.h"

START_TEST(statistics_are_exact)
{
    fastskip_table *table = auto_table();
    fastskip_snapshot *snapshot = NULL;
    fastskip_entry entry;
    int32_t inserted;
    for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_VALUE_BYTES; id++)
        ck_assert_uint_eq(stat_of(table, id), 0);
    put(table, "alfa", "12345");
    put(table, "alfa", "123");
    put(table, "", "1");
    OK(fastskip_delete(table, STR("bravo")));
    OK(fastskip_put_kind(table, 3, STR("charlie"), STR("1234567")));
    OK(fastskip_insert(table, STR("delta"), STR("12")));
    ck_assert_int_eq(fastskip_insert(table, STR("delta"), STR("1")), FASTSKIP_EXISTS);
    OK(fastskip_get_or_insert(table, STR("bravo"), STR("1234"), &entry, &inserted));
    OK(fastskip_delete(table, STR("delta")));
    OK(fastskip_snapshot_new(table, &snapshot));
    fastskip_snapshot_free(snapshot);
    OK(fastskip_snapshot_new(table, &snapshot));
    fastskip_snapshot_free(snapshot);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 5);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_LIVE), 4);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_TOMBSTONES), 1);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), 8);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEY_BYTES), 4 + 0 + 5 + 7 + 5);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VALUE_BYTES), 5 + 3 + 1 + 7 + 2 + 4);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_WRITES), 9);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_SNAPSHOTS), 2);
    drop(table);
}
END_TEST

START_TEST(statistics_of_batches_and_numbers)
{
    fastskip_table *table = caller_table(), *automatic = auto_table();
    fastskip_batch *batch = NULL;
    OK(fastskip_batch_new(&batch));
    OK(put_at(table, 5, "a", "55555"));
    OK(put_at(table, 3, "a", "333"));
    OK(fastskip_put_at(table, 4, FASTSKIP_DELETE, STR("b"), STR("value of a tombstone")));
    OK(fastskip_batch_put_at(batch, 9, FASTSKIP_DELETE, STR("a"), NULL, 0));
    OK(fastskip_batch_put_at(batch, 9, FASTSKIP_PUT, STR("cc"), STR("1")));
    OK(fastskip_write(table, batch));
    OK(fastskip_batch_clear(batch));
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 3);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_LIVE), 1);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_TOMBSTONES), 2);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), 5);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEY_BYTES), 4);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VALUE_BYTES), 5 + 3 + 20 + 1);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_WRITES), 5);
    OK(fastskip_batch_put(batch, STR("a"), STR("1")));
    OK(fastskip_batch_put(batch, STR("b"), STR("22")));
    OK(fastskip_batch_delete(batch, STR("c")));
    OK(fastskip_write(automatic, batch));
    OK(fastskip_write(automatic, batch));
    ck_assert_uint_eq(stat_of(automatic, FASTSKIP_STAT_KEYS), 3);
    ck_assert_uint_eq(stat_of(automatic, FASTSKIP_STAT_LIVE), 2);
    ck_assert_uint_eq(stat_of(automatic, FASTSKIP_STAT_VERSIONS), 6);
    ck_assert_uint_eq(stat_of(automatic, FASTSKIP_STAT_VALUE_BYTES), 6);
    ck_assert_uint_eq(stat_of(automatic, FASTSKIP_STAT_WRITES), 6);
    fastskip_batch_free(batch);
    drop(table);
    drop(automatic);
}
END_TEST

START_TEST(statistics_of_memory)
{
    fastskip_table *table = new_table((struct settings){.shards = 5, .memory = (8 << 20) + 13});
    char key[16];
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_HEIGHT), 1);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_MEMORY_LIMIT), (8 << 20) + 13);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_SHARDS), 5);
    /* An empty table costs at most 64 KiB. */
    ck_assert_uint_le(stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED), 65536);
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(table, key, "a value");
        uint64_t used = stat_of(table, FASTSKIP_STAT_MEMORY_USED);
        uint64_t reserved = stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED);
        if (used > reserved || reserved > (8 << 20) + 13)
            ck_abort_msg("used %llu reserved %llu", (unsigned long long)used,
                         (unsigned long long)reserved);
    }
    ck_assert_uint_ge(stat_of(table, FASTSKIP_STAT_MEMORY_USED),
                      stat_of(table, FASTSKIP_STAT_KEY_BYTES) +
                          stat_of(table, FASTSKIP_STAT_VALUE_BYTES));
    ck_assert_uint_le(stat_of(table, FASTSKIP_STAT_MEMORY_WASTED),
                      stat_of(table, FASTSKIP_STAT_MEMORY_USED));
    ck_assert_uint_ge(stat_of(table, FASTSKIP_STAT_HEIGHT), 2);
    ck_assert_uint_ge(stat_of(table, FASTSKIP_STAT_BLOCKS), 100);
    ck_assert_uint_ge(stat_of(table, FASTSKIP_STAT_CHUNKS), 1);
    drop(table);
}
END_TEST

/* One writer, and values that are small: what is wasted is the blocks that splits have replaced, and what is
 * in use is one block for each leaf and some above. */
START_TEST(statistics_of_blocks)
{
    fastskip_table *table = new_table((struct settings){.shards = 1});
    uint64_t wasted = stat_of(table, FASTSKIP_STAT_MEMORY_WASTED);
    ck_assert_uint_eq(wasted, 0);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_BLOCKS), 1);
    uint64_t blocks = 1, height = 1;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t key = i * 2654435761u;
        OK(fastskip_put(table, &key, sizeof key, NULL, 0));
        uint64_t now = stat_of(table, FASTSKIP_STAT_BLOCKS);
        uint64_t lost = stat_of(table, FASTSKIP_STAT_MEMORY_WASTED);
        REQUIRE_AT(now >= blocks && lost >= wasted, i);
        /* A split takes one block away and leaves two. */
        REQUIRE_AT(now == blocks || lost > wasted, i);
        blocks = now;
        wasted = lost;
        REQUIRE_AT(stat_of(table, FASTSKIP_STAT_HEIGHT) >= height, i);
        height = stat_of(table, FASTSKIP_STAT_HEIGHT);
    }
    ck_assert_uint_gt(wasted, 0);
    ck_assert_uint_ge(blocks, 20000 / 40);
    ck_assert_uint_le(blocks, 20000 / 10);
    ck_assert_uint_ge(height, 2);
    ck_assert_uint_le(height, 5);
    /* Nobody got in the way of the one writer. */
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_RETRIES), 0);
    drop(table);
}
END_TEST

START_TEST(unknown_statistics)
{
    fastskip_table *table = auto_table();
    static const uint32_t ids[] = {0, 18, 1000, UINT32_MAX};
    uint64_t number = 42;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(fastskip_table_stat(table, ids[i], &number), FASTSKIP_UNSUPPORTED);
    ck_assert_uint_eq(number, 42);
    for (uint32_t id = 1; id <= 17; id++)
        OK(fastskip_table_stat(table, id, &number));
    drop(table);
}
END_TEST

static uint64_t estimate(fastskip_table *table, const char *lower_key, const char *upper_key)
{
    uint64_t number = UINT64_MAX;
    OK(fastskip_table_approximate_count(table, lower_key, lower_key ? strlen(lower_key) : 0,
                                        upper_key, upper_key ? strlen(upper_key) : 0, &number));
    return number;
}

static void expect_about(uint64_t number, uint64_t truth)
{
    ck_assert_uint_ge(number, truth / 3);
    ck_assert_uint_le(number, truth * 3);
}

START_TEST(approximate_count_is_near)
{
    fastskip_table *table = auto_table();
    char key[16];
    ck_assert_uint_eq(estimate(table, NULL, NULL), 0);
    for (int i = 0; i < 8; i++) {
        snprintf(key, sizeof key, "%05d", i * 5000);
        put(table, key, "v");
    }
    ck_assert_uint_ge(estimate(table, NULL, NULL), 5);
    ck_assert_uint_le(estimate(table, NULL, NULL), 12);
    for (int i = 0; i < 40000; i++) {
        snprintf(key, sizeof key, "%05d", i * 7919 % 40000);
        put(table, key, "v");
        if (i % 3 == 0)
            OK(fastskip_delete(table, key, 5));
    }
    expect_about(estimate(table, NULL, NULL), 40000);
    expect_about(estimate(table, "10000", NULL), 30000);
    expect_about(estimate(table, NULL, "10000"), 10000);
    expect_about(estimate(table, "20000", "22000"), 2000);
    ck_assert_uint_le(estimate(table, "20000", "20003"), 100);
    ck_assert_uint_eq(estimate(table, "20000", "20000"), 0);
    ck_assert_uint_eq(estimate(table, "20001", "20000"), 0);
    ck_assert_uint_eq(estimate(table, NULL, ""), 0);
    drop(table);
}
END_TEST

START_TEST(words_of_the_library)
{
    ck_assert_str_eq(fastskip_version(), FASTSKIP_VERSION);
    ck_assert_ptr_nonnull(fastskip_build());
    ck_assert_uint_gt(strlen(fastskip_build()), 0);
    for (fastskip_status status = -20; status <= 20; status++) {
        const char *text = fastskip_strerror(status);
        ck_assert_ptr_nonnull(text);
        ck_assert_uint_gt(strlen(text), 0);
        for (fastskip_status other = status + 1; status >= -10 && other <= 0; other++)
            ck_assert_str_ne(text, fastskip_strerror(other));
    }
    ck_assert_ptr_nonnull(fastskip_strerror(INT32_MIN));
    ck_assert_ptr_nonnull(fastskip_strerror(INT32_MAX));
}
END_TEST

START_TEST(backpressure_by_entries_and_by_memory)
{
    fastskip_options *options = NULL;
    fastskip_table *entries = NULL, *memory = NULL;
    char key[16], value[100] = {0};
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_entry_limit(options, 100));
    OK(fastskip_options_set_backpressure(options, 50));
    OK(fastskip_table_new(options, &entries));
    OK(fastskip_options_set_entry_limit(options, 0));
    OK(fastskip_options_set_memory_limit(options, 1 << 20));
    OK(fastskip_table_new(options, &memory));
    fastskip_options_free(options);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(fastskip_table_under_backpressure(entries), i >= 50);
        put(entries, "k", "v");
    }
    ck_assert_int_eq(fastskip_table_under_backpressure(memory), 0);
    put(memory, "k", "v");
    ck_assert_int_eq(fastskip_table_under_backpressure(memory), 0);
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "%d", i);
        if (fastskip_put(memory, key, strlen(key), value, sizeof value) == FASTSKIP_FULL)
            break;
        /* Half of the limit in values alone is surely half of the limit. */
        if ((i + 1) * (int)sizeof value >= 1 << 19)
            ck_assert_int_eq(fastskip_table_under_backpressure(memory), 1);
    }
    ck_assert_int_eq(fastskip_table_under_backpressure(memory), 1);
    drop(entries);
    drop(memory);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        statistics_are_exact, statistics_of_batches_and_numbers,
        statistics_of_memory, statistics_of_blocks,
        unknown_statistics,   approximate_count_is_near,
        words_of_the_library, backpressure_by_entries_and_by_memory,
    };
    return RUN_SUITE("api_stat", tests);
}
