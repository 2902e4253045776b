/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Snapshots, and many lookups at once.
 */
#include "api.h"

START_TEST(snapshots_keep_what_they_saw)
{
    fastskip_table *table = auto_table();
    fastskip_snapshot *snapshot = NULL;
    put(table, "a", "1");
    put(table, "b", "1");
    OK(fastskip_delete(table, STR("c")));
    OK(fastskip_snapshot_new(table, &snapshot));
    put(table, "a", "2");
    OK(fastskip_delete(table, STR("b")));
    put(table, "c", "2");
    OK(fastskip_insert(table, STR("d"), STR("2")));
    for (int twice = 0; twice < 2; twice++) {
        expect(table, snapshot, "a", "1");
        expect(table, snapshot, "b", "1");
        expect(table, snapshot, "c", NULL);
        expect(table, snapshot, "d", NULL);
        ck_assert_str_eq(content(table, snapshot, FASTSKIP_TOMBSTONES), "a=1 b=1 c- ");
        ck_assert_str_eq(content(table, NULL, FASTSKIP_TOMBSTONES), "a=2 b- c=2 d=2 ");
    }
    fastskip_snapshot_free(snapshot);
    drop(table);
}
END_TEST

START_TEST(snapshot_of_an_empty_table)
{
    fastskip_table *table = auto_table();
    fastskip_snapshot *snapshot = NULL;
    OK(fastskip_snapshot_new(table, &snapshot));
    put(table, "a", "1");
    expect(table, snapshot, "a", NULL);
    ck_assert_str_eq(content(table, snapshot, FASTSKIP_ALL_VERSIONS), "");
    fastskip_snapshot_free(snapshot);
    drop(table);
}
END_TEST

/* Numbers rise, name the same states for get_at, and bound the sequence of what is visible. */
START_TEST(snapshot_numbers)
{
    fastskip_table *table = auto_table();
    fastskip_snapshot *snapshots[10];
    char value[16];
    fastskip_entry entry;
    for (int i = 0; i < 10; i++) {
        snprintf(value, sizeof value, "%d", i);
        put(table, "k", value);
        OK(fastskip_snapshot_new(table, &snapshots[i]));
    }
    OK(fastskip_delete(table, STR("k")));
    for (int i = 0; i < 10; i++) {
        uint64_t number = fastskip_snapshot_sequence(snapshots[i]);
        if (i > 0)
            ck_assert_uint_ge(number, fastskip_snapshot_sequence(snapshots[i - 1]));
        snprintf(value, sizeof value, "%d", i);
        expect(table, snapshots[i], "k", value);
        OK(fastskip_get_at(table, number, STR("k"), &entry));
        ck_assert(is_entry(&entry, "k", value));
        ck_assert_uint_le(entry.sequence, number);
        if (i > 0)
            ck_assert_uint_gt(entry.sequence, fastskip_snapshot_sequence(snapshots[i - 1]));
    }
    ck_assert_int_eq(fastskip_get_at(table, 0, STR("k"), &entry), FASTSKIP_NOT_FOUND);
    for (int i = 0; i < 10; i++)
        fastskip_snapshot_free(snapshots[i]);
    drop(table);
}
END_TEST

START_TEST(snapshots_outlive_the_handle)
{
    fastskip_table *table = auto_table();
    fastskip_snapshot *snapshot = NULL;
    fastskip_iterator *it = NULL;
    put(table, "a", "1");
    OK(fastskip_snapshot_new(table, &snapshot));
    fastskip_table_unref(table);
    /* The snapshot holds the table, so the pointer is still good for who holds the snapshot. */
    expect(table, snapshot, "a", "1");
    OK(fastskip_iterator_new(table, snapshot, 0, &it));
    fastskip_snapshot_free(snapshot);
    ck_assert_str_eq(ascending(it), "a=1 ");
    fastskip_iterator_free(it);
}
END_TEST

/* 1,500 keys, every third deleted; asked for with repetitions, absent ones and bad ones between. */
START_TEST(get_many_answers_like_get)
{
    static const size_t sizes_of[] = {0, 1, 2, 15, 16, 17, 33, 1000};
    static char text[1000][16];
    static const void *keys[1000];
    static size_t sizes[1000];
    static fastskip_entry entries[1000], one;
    static fastskip_status statuses[1000];
    fastskip_table *table = auto_table();
    fastskip_snapshot *snapshots[2] = {NULL, NULL};
    for (int i = 0; i < 1500; i++) {
        snprintf(text[0], sizeof text[0], "%d", i);
        put(table, text[0], text[0]);
    }
    OK(fastskip_snapshot_new(table, &snapshots[1]));
    for (int i = 0; i < 1500; i += 3) {
        snprintf(text[0], sizeof text[0], "%d", i);
        OK(fastskip_delete(table, text[0], strlen(text[0])));
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(text[i], sizeof text[i], "%d", i * 31 % 400 * 5);
        keys[i] = text[i];
        sizes[i] = strlen(text[i]);
    }
    for (int round = 0; round < 16; round++) {
        size_t n = sizes_of[round / 2];
        fastskip_snapshot *snapshot = snapshots[round % 2];
        memset(entries, 0xee, sizeof entries);
        OK(fastskip_get_many(table, snapshot, n, keys, sizes, entries, statuses));
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_eq(fastskip_get(table, snapshot, keys[i], sizes[i], &one), statuses[i]);
            if (statuses[i] != FASTSKIP_OK)
                memset(&one, 0, sizeof one);
            ck_assert_mem_eq(&one, &entries[i], sizeof one);
        }
    }
    fastskip_snapshot_free(snapshots[1]);
    drop(table);
}
END_TEST

START_TEST(get_many_of_nothing)
{
    fastskip_table *table = auto_table();
    OK(fastskip_get_many(table, NULL, 0, NULL, NULL, NULL, NULL));
    drop(table);
}
END_TEST

START_TEST(get_many_finds_single_bad_keys)
{
    fastskip_table *table = auto_table();
    static char large[FASTSKIP_KEY_MAX + 1];
    const void *keys[] = {"a", NULL, NULL, large, large, "b"};
    size_t sizes[] = {1, 3, 0, sizeof large, sizeof large - 1, 1};
    static const fastskip_status wanted[] = {FASTSKIP_OK,        FASTSKIP_INVALID,
                                             FASTSKIP_OK,        FASTSKIP_TOO_LARGE,
                                             FASTSKIP_NOT_FOUND, FASTSKIP_NOT_FOUND};
    fastskip_entry entries[6], zero;
    fastskip_status statuses[6];
    memset(&zero, 0, sizeof zero);
    put(table, "a", "1");
    put(table, "", "0");
    OK(fastskip_get_many(table, NULL, 6, keys, sizes, entries, statuses));
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(statuses[i], wanted[i]);
        if (wanted[i] != FASTSKIP_OK)
            ck_assert_mem_eq(&entries[i], &zero, sizeof zero);
    }
    drop(table);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        snapshots_keep_what_they_saw,   snapshot_of_an_empty_table, snapshot_numbers,
        snapshots_outlive_the_handle,   get_many_answers_like_get,  get_many_of_nothing,
        get_many_finds_single_bad_keys,
    };
    return RUN_SUITE("api_read", tests);
}
