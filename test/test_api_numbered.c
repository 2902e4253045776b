/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Tables whose versions the caller numbers, and calls of the wrong mode.
 */
#include "api.h"

START_TEST(numbers_come_in_any_order)
{
    fastskip_table *table = caller_table();
    fastskip_entry entry;
    OK(put_at(table, 50, "k", "50"));
    OK(put_at(table, FASTSKIP_SEQUENCE_MAX, "k", "max"));
    OK(put_at(table, 1, "k", "1"));
    OK(put_at(table, 30, "k", "30"));
    OK(fastskip_put_at(table, 40, FASTSKIP_DELETE, STR("k"), NULL, 0));
    OK(fastskip_put_at(table, 60, 77, STR("k"), STR("own")));
    expect(table, NULL, "k", "max");
    OK(fastskip_get_at(table, 35, STR("k"), &entry));
    ck_assert(is_entry(&entry, "k", "30"));
    ck_assert_uint_eq(entry.sequence, 30);
    OK(fastskip_get_at(table, 40, STR("k"), &entry));
    ck_assert_uint_eq(entry.kind, FASTSKIP_DELETE);
    OK(fastskip_get_at(table, 60, STR("k"), &entry));
    ck_assert_uint_eq(entry.kind, 77);
    OK(fastskip_get_at(table, UINT64_MAX, STR("k"), &entry));
    ck_assert_uint_eq(entry.sequence, FASTSKIP_SEQUENCE_MAX);
    ck_assert_int_eq(fastskip_get_at(table, 0, STR("k"), &entry), FASTSKIP_NOT_FOUND);
    ck_assert_str_eq(content(table, NULL, FASTSKIP_ALL_VERSIONS),
                     "k=max k#77=own k=50 k- k=30 k=1 ");
    drop(table);
}
END_TEST

START_TEST(a_number_is_taken_once_for_each_key)
{
    fastskip_table *table = caller_table();
    fastskip_entry entry;
    for (uint64_t i = 1; i <= 5; i++)
        OK(put_at(table, i * 10, "k", "first"));
    for (uint64_t i = 1; i <= 5; i++) {
        ck_assert_int_eq(put_at(table, i * 10, "k", "second"), FASTSKIP_EXISTS);
        ck_assert_int_eq(fastskip_put_at(table, i * 10, FASTSKIP_DELETE, STR("k"), NULL, 0),
                         FASTSKIP_EXISTS);
        OK(fastskip_get_at(table, i * 10, STR("k"), &entry));
        ck_assert(is_entry(&entry, "k", "first"));
    }
    OK(put_at(table, 10, "other", "v"));
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), 6);
    drop(table);
}
END_TEST

START_TEST(numbers_are_the_snapshots)
{
    fastskip_table *table = caller_table();
    fastskip_iterator *it = NULL;
    OK(put_at(table, 10, "a", "10"));
    OK(put_at(table, 20, "b", "20"));
    OK(fastskip_put_at(table, 30, FASTSKIP_DELETE, STR("a"), NULL, 0));
    OK(put_at(table, 40, "a", "40"));
    ck_assert_str_eq(content_at(table, 0, 3), "");
    ck_assert_str_eq(content_at(table, 10, 0), "a=10 ");
    ck_assert_str_eq(content_at(table, 29, 0), "a=10 b=20 ");
    ck_assert_str_eq(content_at(table, 30, 0), "b=20 ");
    ck_assert_str_eq(content_at(table, 30, FASTSKIP_TOMBSTONES), "a- b=20 ");
    ck_assert_str_eq(content_at(table, 30, FASTSKIP_ALL_VERSIONS), "a- a=10 b=20 ");
    ck_assert_str_eq(content_at(table, UINT64_MAX, 0), "a=40 b=20 ");
    ck_assert_str_eq(content(table, NULL, 0), "a=40 b=20 ");
    OK(fastskip_iterator_new_at(table, 30, FASTSKIP_ALL_VERSIONS, &it));
    ck_assert_str_eq(descending(it), "b=20 a=10 a- ");
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

START_TEST(calls_of_the_other_mode_are_invalid)
{
    fastskip_table *caller = caller_table(), *automatic = auto_table();
    fastskip_snapshot *snapshot = NULL;
    fastskip_iterator *it = NULL;
    fastskip_entry entry;
    int32_t inserted;
    ck_assert_int_eq(fastskip_put(caller, STR("k"), STR("v")), FASTSKIP_INVALID);
    ck_assert_int_eq(fastskip_delete(caller, STR("k")), FASTSKIP_INVALID);
    ck_assert_int_eq(fastskip_insert(caller, STR("k"), STR("v")), FASTSKIP_INVALID);
    ck_assert_int_eq(fastskip_put_kind(caller, 2, STR("k"), STR("v")), FASTSKIP_INVALID);
    ck_assert_int_eq(fastskip_get_or_insert(caller, STR("k"), STR("v"), &entry, &inserted),
                     FASTSKIP_INVALID);
    ck_assert_int_eq(fastskip_snapshot_new(caller, &snapshot), FASTSKIP_INVALID);
    ck_assert_int_eq(put_at(automatic, 1, "k", "v"), FASTSKIP_INVALID);
    ck_assert_int_eq(fastskip_iterator_new_at(automatic, 1, 0, &it), FASTSKIP_INVALID);
    ck_assert_uint_eq(stat_of(caller, FASTSKIP_STAT_KEYS), 0);
    ck_assert_uint_eq(stat_of(automatic, FASTSKIP_STAT_KEYS), 0);
    drop(caller);
    drop(automatic);
}
END_TEST

START_TEST(numbered_batch_ends_at_the_first_that_exists)
{
    fastskip_table *table = caller_table();
    fastskip_batch *batch = NULL;
    OK(put_at(table, 2, "b", "there"));
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_put_at(batch, 1, FASTSKIP_PUT, STR("a"), STR("1")));
    OK(fastskip_batch_put_at(batch, 2, 6, STR("a"), STR("2")));
    OK(fastskip_batch_put_at(batch, 2, FASTSKIP_PUT, STR("b"), STR("2")));
    OK(fastskip_batch_put_at(batch, 3, FASTSKIP_PUT, STR("c"), STR("3")));
    ck_assert_int_eq(fastskip_write(table, batch), FASTSKIP_EXISTS);
    ck_assert_str_eq(content(table, NULL, FASTSKIP_ALL_VERSIONS), "a#6=2 a=1 b=there ");
    OK(fastskip_batch_clear(batch));
    OK(fastskip_batch_put_at(batch, 9, FASTSKIP_DELETE, STR("a"), NULL, 0));
    OK(fastskip_batch_put_at(batch, 8, FASTSKIP_PUT, STR("d"), STR("8")));
    OK(fastskip_write(table, batch));
    ck_assert_str_eq(content(table, NULL, FASTSKIP_TOMBSTONES), "a- b=there d=8 ");
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), 5);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 3);
    fastskip_batch_free(batch);
    drop(table);
}
END_TEST

START_TEST(batches_of_the_other_mode_change_nothing)
{
    fastskip_table *caller = caller_table(), *automatic = auto_table();
    fastskip_batch *batch = NULL;
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_put_at(batch, 1, FASTSKIP_PUT, STR("a"), STR("1")));
    ck_assert_int_eq(fastskip_write(automatic, batch), FASTSKIP_INVALID);
    /* One record of the other kind, the last, spoils it for both modes. */
    OK(fastskip_batch_put(batch, STR("b"), STR("1")));
    ck_assert_int_eq(fastskip_write(automatic, batch), FASTSKIP_INVALID);
    ck_assert_int_eq(fastskip_write(caller, batch), FASTSKIP_INVALID);
    ck_assert_str_eq(content(caller, NULL, 3), "");
    ck_assert_str_eq(content(automatic, NULL, 3), "");
    fastskip_batch_free(batch);
    drop(caller);
    drop(automatic);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        numbers_come_in_any_order,
        a_number_is_taken_once_for_each_key,
        numbers_are_the_snapshots,
        calls_of_the_other_mode_are_invalid,
        numbered_batch_ends_at_the_first_that_exists,
        batches_of_the_other_mode_change_nothing,
    };
    return RUN_SUITE("api_numbered", tests);
}
