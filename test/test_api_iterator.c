/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Iterators: both ways, within bounds, with every version, beyond the life of the handle.
 */
#include "api.h"

START_TEST(iterator_goes_both_ways)
{
    fastskip_table *table = letters();
    fastskip_iterator *it = iterate(table, 0);
    ck_assert_str_eq(ascending(it), "b=2 d=4 f=6 h=8 ");
    ck_assert_str_eq(descending(it), "h=8 f=6 d=4 b=2 ");
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

START_TEST(new_iterator_stands_nowhere)
{
    fastskip_table *table = letters();
    fastskip_iterator *it = iterate(table, 0);
    ck_assert_str_eq(at(it, fastskip_iterator_next(it)), "");
    ck_assert_str_eq(at(it, fastskip_iterator_prev(it)), "");
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

START_TEST(iterator_seeks)
{
    fastskip_table *table = letters();
    fastskip_iterator *it = iterate(table, 0);
    ck_assert_str_eq(at(it, fastskip_iterator_seek(it, STR("d"))), "d=4 ");
    ck_assert_str_eq(at(it, fastskip_iterator_seek(it, STR("c"))), "d=4 ");
    ck_assert_str_eq(at(it, fastskip_iterator_seek(it, STR("d\0"))), "f=6 ");
    ck_assert_str_eq(at(it, fastskip_iterator_seek(it, NULL, 0)), "b=2 ");
    ck_assert_str_eq(at(it, fastskip_iterator_seek(it, STR("i"))), "");
    ck_assert_str_eq(at(it, fastskip_iterator_seek_for_prev(it, STR("d"))), "d=4 ");
    ck_assert_str_eq(at(it, fastskip_iterator_seek_for_prev(it, STR("c"))), "b=2 ");
    ck_assert_str_eq(at(it, fastskip_iterator_seek_for_prev(it, STR("z"))), "h=8 ");
    ck_assert_str_eq(at(it, fastskip_iterator_seek_for_prev(it, STR("a"))), "");
    ck_assert_str_eq(at(it, fastskip_iterator_seek_for_prev(it, NULL, 0)), "");
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

START_TEST(iterator_past_an_end_needs_a_seek)
{
    fastskip_table *table = letters();
    fastskip_iterator *it = iterate(table, 0);
    OK(fastskip_iterator_seek_last(it));
    ck_assert_str_eq(at(it, fastskip_iterator_next(it)), "");
    ck_assert_str_eq(at(it, fastskip_iterator_prev(it)), "");
    OK(fastskip_iterator_seek_first(it));
    ck_assert_str_eq(at(it, fastskip_iterator_prev(it)), "");
    ck_assert_str_eq(at(it, fastskip_iterator_next(it)), "");
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

START_TEST(iterator_turns_round_anywhere)
{
    fastskip_table *table = letters();
    fastskip_iterator *it = iterate(table, FASTSKIP_TOMBSTONES);
    ck_assert_str_eq(at(it, fastskip_iterator_seek(it, STR("c"))), "c- ");
    ck_assert_str_eq(at(it, fastskip_iterator_next(it)), "d=4 ");
    ck_assert_str_eq(at(it, fastskip_iterator_prev(it)), "c- ");
    ck_assert_str_eq(at(it, fastskip_iterator_prev(it)), "b=2 ");
    ck_assert_str_eq(at(it, fastskip_iterator_next(it)), "c- ");
    ck_assert_str_eq(at(it, fastskip_iterator_next(it)), "d=4 ");
    ck_assert_str_eq(at(it, fastskip_iterator_next(it)), "f=6 ");
    ck_assert_str_eq(at(it, fastskip_iterator_prev(it)), "d=4 ");
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

START_TEST(iterator_keeps_its_bounds)
{
    fastskip_table *table = letters();
    fastskip_iterator *it = iterate(table, 0);
    OK(fastskip_iterator_set_bounds(it, STR("c"), STR("h")));
    ck_assert_str_eq(ascending(it), "d=4 f=6 ");
    ck_assert_str_eq(descending(it), "f=6 d=4 ");
    ck_assert_str_eq(at(it, fastskip_iterator_seek(it, STR("a"))), "d=4 ");
    ck_assert_str_eq(at(it, fastskip_iterator_seek(it, STR("h"))), "");
    ck_assert_str_eq(at(it, fastskip_iterator_seek_for_prev(it, STR("z"))), "f=6 ");
    ck_assert_str_eq(at(it, fastskip_iterator_seek_for_prev(it, STR("b"))), "");
    OK(fastskip_iterator_set_bounds(it, STR("f"), NULL, 0));
    ck_assert_str_eq(ascending(it), "f=6 h=8 ");
    OK(fastskip_iterator_set_bounds(it, NULL, 0, STR("f")));
    ck_assert_str_eq(descending(it), "d=4 b=2 ");
    OK(fastskip_iterator_set_bounds(it, NULL, 0, NULL, 0));
    ck_assert_str_eq(ascending(it), "b=2 d=4 f=6 h=8 ");
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

START_TEST(bounds_that_leave_nothing)
{
    fastskip_table *table = letters();
    fastskip_iterator *it = iterate(table, 0);
    OK(fastskip_iterator_set_bounds(it, STR("d"), STR("d")));
    ck_assert_str_eq(ascending(it), "");
    ck_assert_str_eq(descending(it), "");
    OK(fastskip_iterator_set_bounds(it, STR("h"), STR("b")));
    ck_assert_str_eq(ascending(it), "");
    ck_assert_str_eq(descending(it), "");
    ck_assert_str_eq(at(it, fastskip_iterator_seek(it, STR("d"))), "");
    ck_assert_str_eq(at(it, fastskip_iterator_seek_for_prev(it, STR("d"))), "");
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

/* A pointer of size 0 is the empty key, NULL is no bound: the first shows nothing before it. */
START_TEST(empty_bound_is_not_no_bound)
{
    fastskip_table *table = letters();
    fastskip_iterator *it = iterate(table, 0);
    put(table, "", "0");
    OK(fastskip_iterator_set_bounds(it, NULL, 0, "", 0));
    ck_assert_str_eq(ascending(it), "");
    ck_assert_str_eq(descending(it), "");
    fastskip_iterator_free(it);
    it = iterate(table, 0);
    OK(fastskip_iterator_set_bounds(it, "", 0, STR("d")));
    ck_assert_str_eq(ascending(it), "=0 b=2 ");
    ck_assert_str_eq(descending(it), "b=2 =0 ");
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

START_TEST(setting_bounds_needs_a_seek_and_copies)
{
    fastskip_table *table = letters();
    fastskip_iterator *it = iterate(table, 0);
    char lower[] = "d";
    OK(fastskip_iterator_seek_first(it));
    OK(fastskip_iterator_set_bounds(it, lower, 1, NULL, 0));
    lower[0] = 'h';
    ck_assert_int_eq(fastskip_iterator_valid(it), 0);
    ck_assert_str_eq(at(it, fastskip_iterator_next(it)), "");
    ck_assert_str_eq(ascending(it), "d=4 f=6 h=8 ");
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

START_TEST(iterator_shows_every_version_on_request)
{
    fastskip_table *table = auto_table();
    fastskip_snapshot *snapshot = NULL;
    put(table, "a", "1");
    put(table, "b", "1");
    put(table, "a", "2");
    OK(fastskip_delete(table, STR("b")));
    OK(fastskip_snapshot_new(table, &snapshot));
    put(table, "a", "3");
    OK(fastskip_put_kind(table, 4, STR("b"), STR("m")));
    for (uint32_t flags = 2; flags <= 3; flags++) {
        ck_assert_str_eq(content(table, NULL, flags), "a=3 a=2 a=1 b#4=m b- b=1 ");
        ck_assert_str_eq(content(table, snapshot, flags), "a=2 a=1 b- b=1 ");
    }
    fastskip_iterator *it = iterate(table, FASTSKIP_ALL_VERSIONS);
    ck_assert_str_eq(descending(it), "b=1 b- b#4=m a=1 a=2 a=3 ");
    /* A seek goes to the newest of its key, a seek backwards to the oldest. */
    ck_assert_str_eq(at(it, fastskip_iterator_seek(it, STR("b"))), "b#4=m ");
    ck_assert_str_eq(at(it, fastskip_iterator_prev(it)), "a=1 ");
    ck_assert_str_eq(at(it, fastskip_iterator_prev(it)), "a=2 ");
    ck_assert_str_eq(at(it, fastskip_iterator_next(it)), "a=1 ");
    ck_assert_str_eq(at(it, fastskip_iterator_seek_for_prev(it, STR("a"))), "a=1 ");
    ck_assert_str_eq(at(it, fastskip_iterator_next(it)), "b#4=m ");
    fastskip_iterator_free(it);
    fastskip_snapshot_free(snapshot);
    drop(table);
}
END_TEST

START_TEST(next_many_reads_on_from_the_present_entry)
{
    fastskip_table *table = letters();
    fastskip_iterator *it = iterate(table, 0);
    fastskip_entry entries[4];
    size_t count = 99;
    ck_assert_int_eq(fastskip_iterator_next_many(it, entries, 4, &count), FASTSKIP_NOT_FOUND);
    ck_assert_uint_eq(count, 0);
    OK(fastskip_iterator_seek_first(it));
    OK(fastskip_iterator_next_many(it, entries, 3, &count));
    ck_assert_uint_eq(count, 3);
    ck_assert(is_entry(&entries[0], "b", "2"));
    ck_assert(is_entry(&entries[2], "f", "6"));
    ck_assert_int_eq(fastskip_iterator_valid(it), 1);
    OK(fastskip_iterator_next_many(it, entries, 3, &count));
    ck_assert_uint_eq(count, 1);
    ck_assert(is_entry(&entries[0], "h", "8"));
    ck_assert_int_eq(fastskip_iterator_valid(it), 0);
    ck_assert_int_eq(fastskip_iterator_next_many(it, entries, 3, &count), FASTSKIP_NOT_FOUND);
    ck_assert_uint_eq(count, 0);
    /* Exactly as many as there are: nothing is left to stand on. */
    OK(fastskip_iterator_set_bounds(it, NULL, 0, STR("f")));
    OK(fastskip_iterator_seek_first(it));
    OK(fastskip_iterator_next_many(it, entries, 2, &count));
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(fastskip_iterator_valid(it), 0);
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

START_TEST(iterator_shows_its_own_instant)
{
    fastskip_table *table = letters();
    fastskip_iterator *it = iterate(table, 0);
    put(table, "a", "new");
    put(table, "b", "new");
    OK(fastskip_delete(table, STR("h")));
    OK(fastskip_iterator_seek(it, STR("d")));
    put(table, "e", "new");
    ck_assert_str_eq(at(it, fastskip_iterator_next(it)), "f=6 ");
    ck_assert_str_eq(ascending(it), "b=2 d=4 f=6 h=8 ");
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

START_TEST(iterator_and_entries_outlive_the_handle)
{
    fastskip_table *table = letters();
    fastskip_iterator *it = iterate(table, 0), *other = iterate(table, 0);
    fastskip_entry first, found;
    OK(fastskip_get(table, NULL, STR("d"), &found));
    fastskip_table_unref(table);
    OK(fastskip_iterator_seek_first(it));
    OK(fastskip_iterator_entry(it, &first));
    fastskip_iterator_free(it);
    /* The other iterator holds the last reference, which keeps what was read through the first. */
    ck_assert(is_entry(&first, "b", "2"));
    ck_assert(is_entry(&found, "d", "4"));
    ck_assert_str_eq(ascending(other), "b=2 d=4 f=6 h=8 ");
    fastskip_iterator_free(other);
}
END_TEST

START_TEST(entries_never_change)
{
    fastskip_table *table = letters();
    fastskip_entry entry, now;
    char value[16];
    OK(fastskip_get(table, NULL, STR("d"), &entry));
    for (int i = 0; i < 3000; i++) {
        snprintf(value, sizeof value, "%d", i);
        put(table, "d", value);
        put(table, value, value);
    }
    OK(fastskip_delete(table, STR("d")));
    OK(fastskip_table_seal(table));
    ck_assert(is_entry(&entry, "d", "4"));
    OK(fastskip_get_raw(table, NULL, STR("d"), &now));
    ck_assert_uint_eq(now.kind, FASTSKIP_DELETE);
    drop(table);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        iterator_goes_both_ways,
        new_iterator_stands_nowhere,
        iterator_seeks,
        iterator_past_an_end_needs_a_seek,
        iterator_turns_round_anywhere,
        iterator_keeps_its_bounds,
        bounds_that_leave_nothing,
        empty_bound_is_not_no_bound,
        setting_bounds_needs_a_seek_and_copies,
        iterator_shows_every_version_on_request,
        next_many_reads_on_from_the_present_entry,
        iterator_shows_its_own_instant,
        iterator_and_entries_outlive_the_handle,
        entries_never_change,
    };
    return RUN_SUITE("api_iterator", tests);
}
