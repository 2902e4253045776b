/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Faults that the library before this one had, each as a test that fails with its way of doing it.
 * Every test names its fault. Here those of what its calls mean.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "api.h"

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

int main(void)
{
    const TTest *const tests[] = {
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
    return RUN_SUITE("api_seed_meaning", tests);
}
