/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * NULL: for every pointer argument of every function it has the status that fastskip.h names, and changes
 * nothing.
 */
#include "untouched.h"

START_TEST(null_where_it_is_accepted)
{
    fastskip_options_free(NULL);
    fastskip_table_unref(NULL);
    fastskip_batch_free(NULL);
    fastskip_snapshot_free(NULL);
    fastskip_iterator_free(NULL);
    ck_assert_int_eq(fastskip_table_is_sealed(NULL), 0);
    ck_assert_int_eq(fastskip_table_under_backpressure(NULL), 0);
    ck_assert_int_eq(fastskip_iterator_valid(NULL), 0);
    ck_assert_uint_eq(fastskip_batch_count(NULL), 0);
    ck_assert_uint_eq(fastskip_snapshot_sequence(NULL), 0);
    expect_nothing_changed();
}
END_TEST

START_TEST(null_options)
{
    INVALID(fastskip_options_new(NULL));
    INVALID(fastskip_options_set_shards(NULL, 1));
    INVALID(fastskip_options_set_block_size(NULL, 4096));
    INVALID(fastskip_options_set_memory_limit(NULL, 1 << 20));
    INVALID(fastskip_options_set_entry_limit(NULL, 1));
    INVALID(fastskip_options_set_backpressure(NULL, 50));
    INVALID(fastskip_options_set_checksum(NULL, 4));
    INVALID(fastskip_options_set_paranoid(NULL, 1));
    INVALID(fastskip_options_set_huge_pages(NULL, 0));
    INVALID(fastskip_options_set_sequence_mode(NULL, 0));
    INVALID(fastskip_options_set_comparator(NULL, NULL, NULL, NULL, NULL));
    INVALID(fastskip_options_set_allocator(NULL, NULL, NULL, NULL, NULL));
    INVALID(fastskip_options_set_seed(NULL, 1));
}
END_TEST

START_TEST(null_tables)
{
    fastskip_entry entry = pattern();
    fastskip_table *fresh = table;
    fastskip_snapshot *taken = snapshot;
    fastskip_iterator *made = it;
    fastskip_status status = 99;
    const void *key = "k";
    size_t one = 1;
    int32_t inserted = 77;
    uint64_t number = 42;
    INVALID(fastskip_table_ref(NULL));
    INVALID(fastskip_table_seal(NULL));
    INVALID(fastskip_table_rotate(NULL, &fresh));
    INVALID(fastskip_table_reset(NULL));
    INVALID(fastskip_put(NULL, STR("k"), STR("v")));
    INVALID(fastskip_delete(NULL, STR("k")));
    INVALID(fastskip_insert(NULL, STR("k"), STR("v")));
    INVALID(fastskip_get_or_insert(NULL, STR("k"), STR("v"), &entry, &inserted));
    INVALID(fastskip_put_at(NULL, 1, 0, STR("k"), STR("v")));
    INVALID(fastskip_put_kind(NULL, 2, STR("k"), STR("v")));
    INVALID(fastskip_write(NULL, batch));
    INVALID(fastskip_get(NULL, NULL, STR("k"), &entry));
    INVALID(fastskip_get(NULL, snapshot, STR("k"), &entry));
    INVALID(fastskip_get_raw(NULL, NULL, STR("k"), &entry));
    INVALID(fastskip_get_at(NULL, 1, STR("k"), &entry));
    INVALID(fastskip_contains(NULL, NULL, STR("k")));
    INVALID(fastskip_get_many(NULL, NULL, 1, &key, &one, &entry, &status));
    INVALID(fastskip_get_many(NULL, NULL, 0, NULL, NULL, NULL, NULL));
    INVALID(fastskip_snapshot_new(NULL, &taken));
    INVALID(fastskip_iterator_new(NULL, NULL, 0, &made));
    INVALID(fastskip_iterator_new_at(NULL, 1, 0, &made));
    INVALID(fastskip_table_stat(NULL, FASTSKIP_STAT_KEYS, &number));
    INVALID(fastskip_table_approximate_count(NULL, NULL, 0, NULL, 0, &number));
    INVALID(fastskip_table_check(NULL));
    expect_untouched(&entry);
    ck_assert_ptr_eq(fresh, table);
    ck_assert_ptr_eq(taken, snapshot);
    ck_assert_ptr_eq(made, it);
    ck_assert_int_eq(status, 99);
    ck_assert_int_eq(inserted, 77);
    ck_assert_uint_eq(number, 42);
    expect_nothing_changed();
}
END_TEST

START_TEST(null_batches_and_iterators)
{
    fastskip_entry entry = pattern();
    size_t count = 5;
    INVALID(fastskip_batch_put(NULL, STR("k"), STR("v")));
    INVALID(fastskip_batch_delete(NULL, STR("k")));
    INVALID(fastskip_batch_put_kind(NULL, 2, STR("k"), STR("v")));
    INVALID(fastskip_batch_put_at(NULL, 1, 0, STR("k"), STR("v")));
    INVALID(fastskip_batch_clear(NULL));
    INVALID(fastskip_write(table, NULL));
    INVALID(fastskip_write(caller, NULL));
    INVALID(fastskip_iterator_set_bounds(NULL, STR("a"), STR("b")));
    INVALID(fastskip_iterator_seek_first(NULL));
    INVALID(fastskip_iterator_seek_last(NULL));
    INVALID(fastskip_iterator_seek(NULL, STR("a")));
    INVALID(fastskip_iterator_seek_for_prev(NULL, STR("a")));
    INVALID(fastskip_iterator_next(NULL));
    INVALID(fastskip_iterator_prev(NULL));
    INVALID(fastskip_iterator_entry(NULL, &entry));
    INVALID(fastskip_iterator_next_many(NULL, &entry, 1, &count));
    expect_untouched(&entry);
    ck_assert_uint_eq(count, 5);
    expect_nothing_changed();
}
END_TEST

START_TEST(null_out_parameters)
{
    fastskip_entry entry = pattern();
    int32_t inserted = 77;
    size_t count = 5, size = 4;
    fastskip_status status = 99;
    const void *key = "key1";
    INVALID(fastskip_table_new(NULL, NULL));
    INVALID(fastskip_table_rotate(table, NULL));
    ck_assert_int_eq(fastskip_table_is_sealed(table), 0);
    INVALID(fastskip_batch_new(NULL));
    INVALID(fastskip_snapshot_new(table, NULL));
    INVALID(fastskip_iterator_new(table, NULL, 0, NULL));
    INVALID(fastskip_iterator_new_at(caller, 1, 0, NULL));
    INVALID(fastskip_get_or_insert(table, STR("new"), STR("v"), NULL, &inserted));
    INVALID(fastskip_get_or_insert(table, STR("new"), STR("v"), &entry, NULL));
    INVALID(fastskip_get_or_insert(table, STR("key1"), STR("v"), &entry, NULL));
    INVALID(fastskip_get(table, NULL, STR("key1"), NULL));
    INVALID(fastskip_get_raw(table, NULL, STR("key1"), NULL));
    INVALID(fastskip_get_at(table, 1, STR("key1"), NULL));
    INVALID(fastskip_get(table, NULL, STR("absent"), NULL));
    INVALID(fastskip_get_many(table, NULL, 1, NULL, &size, &entry, &status));
    INVALID(fastskip_get_many(table, NULL, 1, &key, NULL, &entry, &status));
    INVALID(fastskip_get_many(table, NULL, 1, &key, &size, NULL, &status));
    INVALID(fastskip_get_many(table, NULL, 1, &key, &size, &entry, NULL));
    INVALID(fastskip_table_stat(table, FASTSKIP_STAT_KEYS, NULL));
    INVALID(fastskip_table_approximate_count(table, NULL, 0, NULL, 0, NULL));
    INVALID(fastskip_iterator_entry(it, NULL));
    INVALID(fastskip_iterator_next_many(it, NULL, 1, &count));
    INVALID(fastskip_iterator_next_many(it, &entry, 1, NULL));
    INVALID(fastskip_iterator_next_many(it, &entry, 0, &count));
    expect_untouched(&entry);
    ck_assert_int_eq(inserted, 77);
    ck_assert_uint_eq(count, 5);
    ck_assert_int_eq(status, 99);
    expect_at_key50();
    expect_nothing_changed();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        null_where_it_is_accepted,  null_options,        null_tables,
        null_batches_and_iterators, null_out_parameters,
    };
    return run_untouched("api_null", tests, sizeof tests / sizeof *tests);
}
