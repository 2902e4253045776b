/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * What every public function does when it is used as it is meant to be. Written against fastskip.h
 * alone and linked with the shared object only.
 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastskip.h"

/* A literal as pointer and size, zero bytes inside it included. */
#define STR(s) (s), sizeof(s) - 1

#define OK(call) ck_assert_int_eq((call), FASTSKIP_OK)

/* ---- helpers --------------------------------------------------------------------------------- */

static fastskip_table *new_table(uint32_t mode)
{
    fastskip_options *options = NULL;
    fastskip_table *table = NULL;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_sequence_mode(options, mode));
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    ck_assert_ptr_nonnull(table);
    return table;
}

static fastskip_table *auto_table(void)
{
    return new_table(FASTSKIP_SEQUENCE_AUTO);
}

static fastskip_table *caller_table(void)
{
    return new_table(FASTSKIP_SEQUENCE_CALLER);
}

/* The end of each test: whatever it did, the structure is sound. */
static void drop(fastskip_table *table)
{
    OK(fastskip_table_check(table));
    fastskip_table_unref(table);
}

static uint64_t stat_of(const fastskip_table *table, uint32_t id)
{
    uint64_t number = UINT64_MAX;
    OK(fastskip_table_stat(table, id, &number));
    return number;
}

/* "key=value ", "key#kind=value " for a kind of the caller's own, "key- " for a tombstone. */
static void append_entry(char *text, size_t room, const fastskip_entry *entry)
{
    size_t used = strlen(text);
    int key_size = (int)entry->key_size, value_size = (int)entry->value_size;
    const char *key = key_size ? entry->key : "", *value = value_size ? entry->value : "";
    if (entry->kind == FASTSKIP_DELETE)
        snprintf(text + used, room - used, "%.*s- ", key_size, key);
    else if (entry->kind == FASTSKIP_PUT)
        snprintf(text + used, room - used, "%.*s=%.*s ", key_size, key, value_size, value);
    else
        snprintf(text + used, room - used, "%.*s#%u=%.*s ", key_size, key, (unsigned)entry->kind,
                 value_size, value);
}

/* Everything from where a seek led on, forwards or backwards. */
static const char *rest(fastskip_iterator *it, fastskip_status found, int32_t forward)
{
    static char text[8192];
    fastskip_entry entry;
    text[0] = 0;
    while (found == FASTSKIP_OK) {
        ck_assert_int_eq(fastskip_iterator_valid(it), 1);
        OK(fastskip_iterator_entry(it, &entry));
        append_entry(text, sizeof text, &entry);
        found = forward ? fastskip_iterator_next(it) : fastskip_iterator_prev(it);
    }
    ck_assert_int_eq(found, FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_iterator_valid(it), 0);
    return text;
}

static const char *ascending(fastskip_iterator *it)
{
    return rest(it, fastskip_iterator_seek_first(it), 1);
}

static const char *descending(fastskip_iterator *it)
{
    return rest(it, fastskip_iterator_seek_last(it), 0);
}

static const char *content(fastskip_table *table, const fastskip_snapshot *snapshot, uint32_t flags)
{
    fastskip_iterator *it = NULL;
    OK(fastskip_iterator_new(table, snapshot, flags, &it));
    const char *text = ascending(it);
    fastskip_iterator_free(it);
    return text;
}

static int is_entry(const fastskip_entry *entry, const char *key, const char *value)
{
    return entry->key_size == strlen(key) && entry->value_size == strlen(value) &&
           memcmp(entry->key_size ? entry->key : "", key, entry->key_size) == 0 &&
           memcmp(entry->value_size ? entry->value : "", value, entry->value_size) == 0;
}

/* value NULL: the key is not live. */
static void expect(fastskip_table *table, const fastskip_snapshot *snapshot, const char *key,
                   const char *value)
{
    fastskip_entry entry;
    fastskip_status found = fastskip_get(table, snapshot, key, strlen(key), &entry);
    ck_assert_int_eq(found, value ? FASTSKIP_OK : FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_contains(table, snapshot, key, strlen(key)), found);
    if (value)
        ck_assert_msg(is_entry(&entry, key, value), "%s is not %s", key, value);
}

static void put(fastskip_table *table, const char *key, const char *value)
{
    OK(fastskip_put(table, key, strlen(key), value, strlen(value)));
}

/* ---- writing --------------------------------------------------------------------------------- */

START_TEST(get_returns_every_field)
{
    fastskip_table *table = auto_table();
    fastskip_entry entry;
    memset(&entry, 0xee, sizeof entry);
    OK(fastskip_put(table, STR("k\0ey"), STR("val\0ue")));
    OK(fastskip_get(table, NULL, STR("k\0ey"), &entry));
    ck_assert_uint_eq(entry.key_size, 4);
    ck_assert_mem_eq(entry.key, "k\0ey", 4);
    ck_assert_uint_eq(entry.value_size, 6);
    ck_assert_mem_eq(entry.value, "val\0ue", 6);
    ck_assert_uint_eq(entry.kind, FASTSKIP_PUT);
    ck_assert_uint_eq(entry.reserved, 0);
    ck_assert_int_eq(fastskip_get(table, NULL, STR("k"), &entry), FASTSKIP_NOT_FOUND);
    drop(table);
}
END_TEST

START_TEST(memory_of_the_caller_is_copied)
{
    fastskip_table *table = auto_table();
    char key[] = "key", value[] = "value";
    put(table, key, value);
    memset(key, 'x', 3);
    memset(value, 'x', 5);
    expect(table, NULL, "key", "value");
    expect(table, NULL, "xxx", NULL);
    drop(table);
}
END_TEST

START_TEST(put_overwrites)
{
    fastskip_table *table = auto_table();
    char value[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(value, sizeof value, "%d", i);
        put(table, "k", value);
        expect(table, NULL, "k", value);
    }
    ck_assert_str_eq(content(table, NULL, 0), "k=999 ");
    drop(table);
}
END_TEST

START_TEST(empty_keys_and_values)
{
    fastskip_table *table = auto_table();
    OK(fastskip_put(table, NULL, 0, NULL, 0));
    expect(table, NULL, "", "");
    OK(fastskip_put(table, "", 0, STR("v")));
    expect(table, NULL, "", "v");
    OK(fastskip_put(table, STR("\0"), "", 0));
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 2);
    OK(fastskip_delete(table, NULL, 0));
    expect(table, NULL, "", NULL);
    drop(table);
}
END_TEST

/* Sizes beside each other and far apart, both as the first version of a key and as a later one: the
 * last byte of a value that got too little memory is the first of its neighbour. */
START_TEST(values_of_every_size)
{
    enum { N = 90 };
    fastskip_table *table = auto_table();
    size_t sizes[N];
    unsigned char *value = malloc(1 << 20), key[20] = {0};
    fastskip_entry entry;
    ck_assert_ptr_nonnull(value);
    for (unsigned i = 0; i < N; i++)
        sizes[i] = i < 40 ? i : i < 70 ? 65520 + i - 40 : (size_t)1 << (i - 70);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned char i = 0; i < N; i++) {
            key[0] = i;
            memset(value, (int)(i + round + 100), sizes[i]);
            OK(fastskip_put(table, key, sizeof key, value, sizes[i]));
        }
        for (unsigned char i = 0; i < N; i++) {
            key[0] = i;
            memset(value, (int)(i + round + 100), sizes[i]);
            OK(fastskip_get(table, NULL, key, sizeof key, &entry));
            ck_assert_uint_eq(entry.value_size, sizes[i]);
            ck_assert(sizes[i] == 0 || memcmp(entry.value, value, sizes[i]) == 0);
        }
    }
    free(value);
    drop(table);
}
END_TEST

START_TEST(delete_hides_and_is_recorded)
{
    fastskip_table *table = auto_table();
    fastskip_entry entry;
    put(table, "a", "1");
    OK(fastskip_delete(table, STR("a")));
    OK(fastskip_delete(table, STR("never written")));
    expect(table, NULL, "a", NULL);
    expect(table, NULL, "never written", NULL);
    OK(fastskip_get_raw(table, NULL, STR("never written"), &entry));
    ck_assert_uint_eq(entry.kind, FASTSKIP_DELETE);
    ck_assert_uint_eq(entry.value_size, 0);
    ck_assert(is_entry(&entry, "never written", ""));
    OK(fastskip_get_raw(table, NULL, STR("a"), &entry));
    ck_assert_uint_eq(entry.kind, FASTSKIP_DELETE);
    ck_assert_int_eq(fastskip_get_raw(table, NULL, STR("b"), &entry), FASTSKIP_NOT_FOUND);
    ck_assert_str_eq(content(table, NULL, 0), "");
    ck_assert_str_eq(content(table, NULL, FASTSKIP_TOMBSTONES), "a- never written- ");
    drop(table);
}
END_TEST

START_TEST(keys_live_again_after_their_delete)
{
    fastskip_table *table = auto_table();
    for (int i = 0; i < 200; i++) {
        put(table, "k", "v");
        expect(table, NULL, "k", "v");
        OK(fastskip_delete(table, STR("k")));
        expect(table, NULL, "k", NULL);
    }
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 1);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), 400);
    drop(table);
}
END_TEST

START_TEST(insert_writes_only_where_nothing_lives)
{
    fastskip_table *table = auto_table();
    OK(fastskip_insert(table, STR("k"), STR("1")));
    ck_assert_int_eq(fastskip_insert(table, STR("k"), STR("2")), FASTSKIP_EXISTS);
    expect(table, NULL, "k", "1");
    OK(fastskip_delete(table, STR("k")));
    OK(fastskip_insert(table, STR("k"), STR("3")));
    expect(table, NULL, "k", "3");
    OK(fastskip_delete(table, STR("absent")));
    OK(fastskip_insert(table, STR("absent"), STR("4")));
    OK(fastskip_put_kind(table, 9, STR("own"), STR("m")));
    ck_assert_int_eq(fastskip_insert(table, STR("own"), STR("5")), FASTSKIP_EXISTS);
    ck_assert_str_eq(content(table, NULL, 0), "absent=4 k=3 own#9=m ");
    drop(table);
}
END_TEST

START_TEST(get_or_insert_tells_what_it_did)
{
    fastskip_table *table = auto_table();
    fastskip_entry entry;
    int32_t inserted = 7;
    OK(fastskip_get_or_insert(table, STR("k"), STR("1"), &entry, &inserted));
    ck_assert_int_eq(inserted, 1);
    ck_assert(is_entry(&entry, "k", "1"));
    OK(fastskip_get_or_insert(table, STR("k"), STR("2"), &entry, &inserted));
    ck_assert_int_eq(inserted, 0);
    ck_assert(is_entry(&entry, "k", "1"));
    OK(fastskip_delete(table, STR("k")));
    OK(fastskip_get_or_insert(table, STR("k"), STR("3"), &entry, &inserted));
    ck_assert_int_eq(inserted, 1);
    ck_assert(is_entry(&entry, "k", "3"));
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), 3);
    drop(table);
}
END_TEST

START_TEST(own_kinds_are_live)
{
    fastskip_table *table = auto_table();
    fastskip_entry entry;
    OK(fastskip_put_kind(table, FASTSKIP_KIND_OWN_MIN, STR("low"), STR("1")));
    OK(fastskip_put_kind(table, FASTSKIP_KIND_MAX, STR("high"), STR("2")));
    OK(fastskip_get(table, NULL, STR("high"), &entry));
    ck_assert_uint_eq(entry.kind, FASTSKIP_KIND_MAX);
    ck_assert_str_eq(content(table, NULL, 0), "high#127=2 low#2=1 ");
    put(table, "low", "3");
    ck_assert_str_eq(content(table, NULL, 0), "high#127=2 low=3 ");
    drop(table);
}
END_TEST

/* ---- snapshots ------------------------------------------------------------------------------- */

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

/* ---- batches --------------------------------------------------------------------------------- */

START_TEST(batch_writes_all_of_it)
{
    fastskip_table *table = auto_table();
    fastskip_batch *batch = NULL;
    put(table, "b", "old");
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_put(batch, STR("a"), STR("1")));
    OK(fastskip_batch_delete(batch, STR("b")));
    OK(fastskip_batch_delete(batch, STR("absent")));
    OK(fastskip_batch_put_kind(batch, 5, STR("c"), STR("3")));
    OK(fastskip_batch_put(batch, NULL, 0, NULL, 0));
    ck_assert_uint_eq(fastskip_batch_count(batch), 5);
    ck_assert_str_eq(content(table, NULL, 0), "b=old ");
    OK(fastskip_write(table, batch));
    fastskip_batch_free(batch);
    ck_assert_str_eq(content(table, NULL, FASTSKIP_TOMBSTONES), "= a=1 absent- b- c#5=3 ");
    drop(table);
}
END_TEST

START_TEST(last_write_of_a_key_in_a_batch_wins)
{
    fastskip_table *table = auto_table();
    fastskip_batch *batch = NULL;
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_put(batch, STR("a"), STR("1")));
    OK(fastskip_batch_put(batch, STR("b"), STR("1")));
    OK(fastskip_batch_delete(batch, STR("a")));
    OK(fastskip_batch_put(batch, STR("a"), STR("2")));
    OK(fastskip_batch_put(batch, STR("b"), STR("2")));
    OK(fastskip_batch_delete(batch, STR("b")));
    ck_assert_uint_eq(fastskip_batch_count(batch), 6);
    OK(fastskip_write(table, batch));
    fastskip_batch_free(batch);
    expect(table, NULL, "a", "2");
    expect(table, NULL, "b", NULL);
    ck_assert_str_eq(content(table, NULL, FASTSKIP_ALL_VERSIONS), "a=2 b- ");
    drop(table);
}
END_TEST

START_TEST(batch_is_reused_and_cleared)
{
    fastskip_table *one = auto_table(), *two = auto_table();
    fastskip_batch *batch = NULL;
    OK(fastskip_batch_new(&batch));
    OK(fastskip_write(one, batch));
    OK(fastskip_batch_put(batch, STR("a"), STR("1")));
    OK(fastskip_write(one, batch));
    OK(fastskip_write(two, batch));
    OK(fastskip_delete(one, STR("a")));
    OK(fastskip_write(one, batch));
    ck_assert_uint_eq(fastskip_batch_count(batch), 1);
    OK(fastskip_batch_clear(batch));
    ck_assert_uint_eq(fastskip_batch_count(batch), 0);
    OK(fastskip_batch_put(batch, STR("b"), STR("2")));
    OK(fastskip_write(two, batch));
    fastskip_batch_free(batch);
    ck_assert_str_eq(content(one, NULL, FASTSKIP_ALL_VERSIONS), "a=1 a- a=1 ");
    ck_assert_str_eq(content(two, NULL, 0), "a=1 b=2 ");
    drop(one);
    drop(two);
}
END_TEST

/* A large batch, so that it splits blocks while it is written. */
START_TEST(batch_of_thousands)
{
    fastskip_table *table = auto_table();
    fastskip_batch *batch = NULL;
    fastskip_snapshot *before = NULL;
    char key[16];
    OK(fastskip_batch_new(&batch));
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "%05d", i * 7919 % 5000);
        OK(fastskip_batch_put(batch, key, 5, key, 5));
    }
    OK(fastskip_snapshot_new(table, &before));
    OK(fastskip_write(table, batch));
    fastskip_batch_free(batch);
    ck_assert_str_eq(content(table, before, 0), "");
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "%05d", i);
        expect(table, NULL, key, key);
    }
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_LIVE), 5000);
    fastskip_snapshot_free(before);
    drop(table);
}
END_TEST

#define BATCH_KEYS 20

struct batch_race {
    fastskip_table *table;
    atomic_int stop;
    atomic_int failed;
};

static void *write_batches(void *arg)
{
    struct batch_race *race = arg;
    fastskip_batch *batch = NULL;
    if (fastskip_batch_new(&batch) != FASTSKIP_OK)
        atomic_store(&race->failed, 1);
    for (uint32_t round = 1; round <= 20000 && batch && !atomic_load(&race->stop); round++) {
        fastskip_batch_clear(batch);
        for (unsigned char k = 0; k < BATCH_KEYS; k++)
            fastskip_batch_put(batch, &k, 1, &round, sizeof round);
        if (fastskip_write(race->table, batch) != FASTSKIP_OK)
            atomic_store(&race->failed, 1);
    }
    fastskip_batch_free(batch);
    return NULL;
}

static uint32_t round_of(const fastskip_entry *entry)
{
    uint32_t round;
    ck_assert_uint_eq(entry->value_size, sizeof round);
    memcpy(&round, entry->value, sizeof round);
    return round;
}

/* Every batch writes one number to all keys: whoever sees two numbers at once saw a part of one. */
START_TEST(batch_takes_effect_at_one_instant)
{
    struct batch_race race = {.table = auto_table()};
    unsigned char names[BATCH_KEYS];
    const void *keys[BATCH_KEYS];
    size_t sizes[BATCH_KEYS], count;
    fastskip_entry entries[BATCH_KEYS];
    fastskip_status statuses[BATCH_KEYS];
    pthread_t writer;
    for (unsigned char k = 0; k < BATCH_KEYS; k++) {
        names[k] = k;
        keys[k] = &names[k];
        sizes[k] = 1;
    }
    ck_assert_int_eq(pthread_create(&writer, NULL, write_batches, &race), 0);
    for (int i = 0; i < 2000; i++) {
        fastskip_iterator *it = NULL;
        OK(fastskip_get_many(race.table, NULL, BATCH_KEYS, keys, sizes, entries, statuses));
        for (int k = 1; k < BATCH_KEYS; k++) {
            ck_assert_int_eq(statuses[k], statuses[0]);
            if (statuses[0] == FASTSKIP_OK)
                ck_assert_uint_eq(round_of(&entries[k]), round_of(&entries[0]));
        }
        OK(fastskip_iterator_new(race.table, NULL, 0, &it));
        if (fastskip_iterator_seek_first(it) == FASTSKIP_OK) {
            OK(fastskip_iterator_next_many(it, entries, BATCH_KEYS, &count));
            ck_assert_uint_eq(count, BATCH_KEYS);
            for (int k = 1; k < BATCH_KEYS; k++)
                ck_assert_uint_eq(round_of(&entries[k]), round_of(&entries[0]));
        }
        fastskip_iterator_free(it);
    }
    atomic_store(&race.stop, 1);
    pthread_join(writer, NULL);
    ck_assert_int_eq(atomic_load(&race.failed), 0);
    drop(race.table);
}
END_TEST

struct insert_race {
    fastskip_table *table;
    atomic_uint round[2]; /* which key each of the two threads has come to */
    atomic_int failed;
};

#define INSERT_ROUNDS 4000

static void meet(struct insert_race *race, int me, uint32_t round)
{
    atomic_store(&race->round[me], round);
    while (atomic_load(&race->round[!me]) < round)
        sched_yield();
}

/* The key first, so that it waits for the others of its batch. */
static void *batch_each_key(void *arg)
{
    struct insert_race *race = arg;
    fastskip_batch *batch = NULL;
    if (fastskip_batch_new(&batch) != FASTSKIP_OK)
        atomic_store(&race->failed, 1);
    for (uint32_t round = 1; batch && round <= INSERT_ROUNDS; round++) {
        char other[] = "x0";
        fastskip_batch_clear(batch);
        fastskip_batch_put(batch, &round, sizeof round, STR("batch"));
        for (other[1] = 'a'; other[1] < 'a' + BATCH_KEYS; other[1]++)
            fastskip_batch_put(batch, other, 2, STR("v"));
        meet(race, 0, round);
        if (fastskip_write(race->table, batch) != FASTSKIP_OK)
            atomic_store(&race->failed, 1);
    }
    fastskip_batch_free(batch);
    return NULL;
}

/* Either the insert came first, and the batch overwrote it, or it came second, and found the key
 * live: the value is the batch's, and the insert is among the versions if it said so. */
START_TEST(insert_and_batch_of_one_key_agree)
{
    struct insert_race race = {.table = auto_table()};
    static fastskip_status inserted[INSERT_ROUNDS + 1];
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, batch_each_key, &race), 0);
    for (uint32_t round = 1; round <= INSERT_ROUNDS; round++) {
        meet(&race, 1, round);
        inserted[round] = fastskip_insert(race.table, &round, sizeof round, STR("insert"));
    }
    pthread_join(thread, NULL);
    ck_assert_int_eq(atomic_load(&race.failed), 0);
    fastskip_iterator *it = NULL;
    OK(fastskip_iterator_new(race.table, NULL, FASTSKIP_ALL_VERSIONS, &it));
    for (uint32_t round = 1; round <= INSERT_ROUNDS; round++) {
        fastskip_entry entry;
        int came_first = inserted[round] == FASTSKIP_OK;
        ck_assert(came_first || inserted[round] == FASTSKIP_EXISTS);
        OK(fastskip_iterator_seek(it, &round, sizeof round));
        OK(fastskip_iterator_entry(it, &entry));
        ck_assert_uint_eq(entry.value_size, strlen("batch"));
        fastskip_status more = fastskip_iterator_next(it);
        int same = more == FASTSKIP_OK && fastskip_iterator_entry(it, &entry) == FASTSKIP_OK &&
                   entry.key_size == sizeof round && !memcmp(entry.key, &round, sizeof round);
        ck_assert_int_eq(same, came_first);
    }
    fastskip_iterator_free(it);
    drop(race.table);
}
END_TEST

/* ---- iterators ------------------------------------------------------------------------------- */

/* b, d, f, h live; c deleted; "bb" never there. */
static fastskip_table *letters(void)
{
    fastskip_table *table = auto_table();
    put(table, "h", "8");
    put(table, "b", "2");
    put(table, "f", "6");
    put(table, "c", "3");
    put(table, "d", "4");
    OK(fastskip_delete(table, STR("c")));
    return table;
}

static fastskip_iterator *iterate(fastskip_table *table, uint32_t flags)
{
    fastskip_iterator *it = NULL;
    OK(fastskip_iterator_new(table, NULL, flags, &it));
    ck_assert_int_eq(fastskip_iterator_valid(it), 0);
    return it;
}

/* The key under the iterator, or "" after a status that is not OK. */
static const char *at(fastskip_iterator *it, fastskip_status moved)
{
    static char text[64];
    fastskip_entry entry;
    text[0] = 0;
    ck_assert_int_eq(fastskip_iterator_valid(it), moved == FASTSKIP_OK);
    ck_assert_int_eq(fastskip_iterator_entry(it, &entry), moved);
    if (moved == FASTSKIP_OK)
        append_entry(text, sizeof text, &entry);
    return text;
}

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

/* ---- the caller's numbers -------------------------------------------------------------------- */

static fastskip_status put_at(fastskip_table *table, uint64_t sequence, const char *key,
                              const char *value)
{
    return fastskip_put_at(table, sequence, FASTSKIP_PUT, key, strlen(key), value, strlen(value));
}

static const char *content_at(fastskip_table *table, uint64_t sequence, uint32_t flags)
{
    fastskip_iterator *it = NULL;
    OK(fastskip_iterator_new_at(table, sequence, flags, &it));
    const char *text = ascending(it);
    fastskip_iterator_free(it);
    return text;
}

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

/* ---- orders of the caller's own -------------------------------------------------------------- */

static int32_t compare_bytes(const void *a, size_t a_size, const void *b, size_t b_size)
{
    size_t common = a_size < b_size ? a_size : b_size;
    int order = common ? memcmp(a, b, common) : 0;
    if (order == 0)
        order = (a_size > b_size) - (a_size < b_size);
    return order;
}

static int32_t compare_reverse(void *ctx, const void *a, size_t a_size, const void *b,
                               size_t b_size)
{
    ++*(atomic_uint *)ctx;
    return compare_bytes(b, b_size, a, a_size);
}

static uint64_t abbreviate_reverse(void *ctx, const void *key, size_t size)
{
    uint64_t number = 0;
    (void)ctx;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | (i < size ? ((const unsigned char *)key)[i] : 0);
    return ~number;
}

static int lower(const void *key, size_t i)
{
    unsigned char c = ((const unsigned char *)key)[i];
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static int32_t compare_caseless(void *ctx, const void *a, size_t a_size, const void *b,
                                size_t b_size)
{
    (void)ctx;
    for (size_t i = 0; i < a_size && i < b_size; i++)
        if (lower(a, i) != lower(b, i))
            return lower(a, i) - lower(b, i);
    return (a_size > b_size) - (a_size < b_size);
}

static uint64_t abbreviate_caseless(void *ctx, const void *key, size_t size)
{
    uint64_t number = 0;
    (void)ctx;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | (i < size ? (uint64_t)lower(key, i) : 0);
    return number;
}

/* Keys are integers in the machine's own byte order, at any alignment. */
static uint64_t abbreviate_integer(void *ctx, const void *key, size_t size)
{
    uint64_t number = 0;
    (void)ctx;
    memcpy(&number, key, size < sizeof number ? size : sizeof number);
    return number;
}

static int32_t compare_integers(void *ctx, const void *a, size_t a_size, const void *b,
                                size_t b_size)
{
    uint64_t x = abbreviate_integer(ctx, a, a_size), y = abbreviate_integer(ctx, b, b_size);
    return (x > y) - (x < y);
}

static fastskip_table *ordered_table(fastskip_compare_fn compare, fastskip_abbreviate_fn abbreviate,
                                     void *ctx)
{
    fastskip_options *options = NULL;
    fastskip_table *table = NULL;
    char name[] = "an order";
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_comparator(options, compare, abbreviate, ctx, name));
    name[0] = 'A';
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    return table;
}

START_TEST(reverse_order)
{
    atomic_uint calls = 0;
    char key[16], previous[32];
    for (int with = 0; with < 2; with++) {
        fastskip_table *table =
            ordered_table(compare_reverse, with ? abbreviate_reverse : NULL, &calls);
        put(table, "a", "1");
        put(table, "c", "3");
        put(table, "", "0");
        put(table, "ab", "2");
        ck_assert_str_eq(content(table, NULL, 0), "c=3 ab=2 a=1 =0 ");
        fastskip_iterator *it = iterate(table, 0);
        ck_assert_str_eq(at(it, fastskip_iterator_seek(it, STR("b"))), "ab=2 ");
        ck_assert_str_eq(at(it, fastskip_iterator_seek_for_prev(it, STR("b"))), "c=3 ");
        OK(fastskip_iterator_set_bounds(it, STR("b"), STR("a")));
        ck_assert_str_eq(ascending(it), "ab=2 ");
        fastskip_iterator_free(it);
        for (int i = 0; i < 3000; i++) {
            snprintf(key, sizeof key, "%04d", i * 7 % 3000);
            put(table, key, key);
        }
        it = iterate(table, 0);
        OK(fastskip_iterator_seek(it, STR("2999")));
        for (int i = 2999; i >= 0; i--) {
            snprintf(previous, sizeof previous, "%04d=%04d ", i, i);
            ck_assert_str_eq(at(it, FASTSKIP_OK), previous);
            OK(fastskip_iterator_next(it));
        }
        ck_assert_str_eq(at(it, FASTSKIP_OK), "=0 ");
        fastskip_iterator_free(it);
        drop(table);
        /* Its ctx was handed to it. */
        ck_assert_uint_gt(atomic_exchange(&calls, 0), 0);
    }
}
END_TEST

START_TEST(caseless_order)
{
    for (int with = 0; with < 2; with++) {
        fastskip_table *table =
            ordered_table(compare_caseless, with ? abbreviate_caseless : NULL, NULL);
        fastskip_entry entry;
        put(table, "Bravo", "1");
        put(table, "alfa", "2");
        put(table, "BRAVO", "3");
        put(table, "charlie", "4");
        ck_assert_int_eq(fastskip_insert(table, STR("ALFA"), STR("5")), FASTSKIP_EXISTS);
        OK(fastskip_get(table, NULL, STR("bravo"), &entry));
        /* The key is handed out as it was first written. */
        ck_assert(is_entry(&entry, "Bravo", "3"));
        OK(fastskip_delete(table, STR("CHARLIE")));
        ck_assert_str_eq(content(table, NULL, FASTSKIP_TOMBSTONES), "alfa=2 Bravo=3 charlie- ");
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 3);
        drop(table);
    }
}
END_TEST

START_TEST(integer_order)
{
    for (int with = 0; with < 2; with++) {
        fastskip_table *table =
            ordered_table(compare_integers, with ? abbreviate_integer : NULL, NULL);
        fastskip_iterator *it = NULL;
        fastskip_entry entry;
        uint64_t number = 1, previous = 0;
        for (int i = 0; i < 4000; i++) {
            /* Small and large ones: many share the upper half of the abbreviation. */
            number = number * 6364136223846793005u + 1442695040888963407u;
            uint64_t key = i % 2 ? number : number >> 40;
            OK(fastskip_put(table, &key, sizeof key, &key, sizeof key));
        }
        it = iterate(table, 0);
        uint64_t seen = 0;
        for (fastskip_status s = fastskip_iterator_seek_first(it); s == FASTSKIP_OK;
             s = fastskip_iterator_next(it), seen++) {
            OK(fastskip_iterator_entry(it, &entry));
            number = abbreviate_integer(NULL, entry.key, entry.key_size);
            ck_assert(seen == 0 || number > previous);
            ck_assert_mem_eq(entry.key, entry.value, sizeof number);
            previous = number;
        }
        ck_assert_uint_eq(seen, stat_of(table, FASTSKIP_STAT_KEYS));
        fastskip_iterator_free(it);
        drop(table);
    }
}
END_TEST

START_TEST(null_restores_the_default_order)
{
    fastskip_options *options = NULL;
    fastskip_table *table = NULL;
    atomic_uint calls = 0;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_comparator(options, compare_reverse, NULL, &calls, NULL));
    OK(fastskip_options_set_comparator(options, NULL, NULL, NULL, NULL));
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    put(table, "b", "2");
    put(table, "a", "1");
    ck_assert_str_eq(content(table, NULL, 0), "a=1 b=2 ");
    ck_assert_uint_eq(calls, 0);
    drop(table);
}
END_TEST

/* ---- many at once ---------------------------------------------------------------------------- */

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

/* ---- asking ---------------------------------------------------------------------------------- */

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
    fastskip_options *options = NULL;
    fastskip_table *table = NULL;
    char key[16];
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_shards(options, 5));
    OK(fastskip_options_set_memory_limit(options, (8 << 20) + 13));
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
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

/* ---- life of a table ------------------------------------------------------------------------- */

START_TEST(sealed_tables_are_only_read)
{
    fastskip_table *table = letters();
    fastskip_batch *batch = NULL;
    fastskip_entry entry;
    int32_t inserted = 7;
    uint64_t versions = stat_of(table, FASTSKIP_STAT_VERSIONS);
    uint64_t writes = stat_of(table, FASTSKIP_STAT_WRITES);
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_put(batch, STR("x"), STR("1")));
    ck_assert_int_eq(fastskip_table_is_sealed(table), 0);
    OK(fastskip_table_seal(table));
    OK(fastskip_table_seal(table));
    ck_assert_int_eq(fastskip_table_is_sealed(table), 1);
    ck_assert_int_eq(fastskip_put(table, STR("x"), STR("1")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_put_kind(table, 2, STR("x"), STR("1")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_delete(table, STR("b")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_insert(table, STR("x"), STR("1")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_insert(table, STR("b"), STR("1")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_get_or_insert(table, STR("b"), STR("1"), &entry, &inserted),
                     FASTSKIP_SEALED);
    ck_assert_int_eq(inserted, 7);
    ck_assert_int_eq(fastskip_write(table, batch), FASTSKIP_SEALED);
    fastskip_batch_free(batch);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), versions);
    /* They were attempted. */
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_WRITES), writes + 7);
    ck_assert_str_eq(content(table, NULL, 0), "b=2 d=4 f=6 h=8 ");
    drop(table);
}
END_TEST

START_TEST(rotate_gives_a_fresh_table_like_the_old)
{
    fastskip_options *options = NULL;
    fastskip_table *old = NULL, *fresh = NULL, *none = NULL;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_shards(options, 3));
    OK(fastskip_options_set_memory_limit(options, 1 << 20));
    OK(fastskip_options_set_entry_limit(options, 3));
    OK(fastskip_options_set_sequence_mode(options, FASTSKIP_SEQUENCE_CALLER));
    OK(fastskip_options_set_comparator(options, compare_integers, NULL, NULL, "integers"));
    OK(fastskip_table_new(options, &old));
    fastskip_options_free(options);
    OK(fastskip_put_at(old, 1, FASTSKIP_PUT, STR("aaaaaaaa"), STR("v")));
    OK(fastskip_table_rotate(old, &fresh));
    ck_assert_ptr_ne(old, fresh);
    ck_assert_int_eq(fastskip_table_is_sealed(old), 1);
    ck_assert_int_eq(fastskip_table_is_sealed(fresh), 0);
    ck_assert_int_eq(fastskip_table_rotate(old, &none), FASTSKIP_SEALED);
    ck_assert_ptr_null(none);
    ck_assert_uint_eq(stat_of(old, FASTSKIP_STAT_KEYS), 1);
    fastskip_table_unref(old);
    ck_assert_uint_eq(stat_of(fresh, FASTSKIP_STAT_KEYS), 0);
    ck_assert_uint_eq(stat_of(fresh, FASTSKIP_STAT_SHARDS), 3);
    ck_assert_uint_eq(stat_of(fresh, FASTSKIP_STAT_MEMORY_LIMIT), 1 << 20);
    uint64_t small = 1, large = 256;
    OK(fastskip_put_at(fresh, 7, FASTSKIP_PUT, &large, 8, STR("256")));
    OK(fastskip_put_at(fresh, 7, FASTSKIP_PUT, &small, 8, STR("1")));
    OK(fastskip_put_at(fresh, 8, FASTSKIP_PUT, &small, 8, STR("1")));
    ck_assert_int_eq(put_at(fresh, 9, "bbbbbbbb", "v"), FASTSKIP_FULL);
    fastskip_iterator *it = iterate(fresh, 0);
    fastskip_entry entry;
    OK(fastskip_iterator_seek_first(it));
    OK(fastskip_iterator_entry(it, &entry));
    ck_assert_mem_eq(entry.key, &small, 8);
    fastskip_iterator_free(it);
    drop(fresh);
}
END_TEST

START_TEST(reset_empties_and_keeps_memory)
{
    fastskip_options *options = NULL;
    fastskip_table *table = NULL;
    char key[16];
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_shards(options, 1));
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    uint64_t empty_used = stat_of(table, FASTSKIP_STAT_MEMORY_USED), reserved = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 5000; i++) {
            snprintf(key, sizeof key, "%05d", i * 3 + round);
            put(table, key, key);
        }
        if (round == 1)
            reserved = stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED);
        /* The same work needs no more memory than the time before. */
        if (round > 1)
            ck_assert_uint_le(stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED), reserved);
        OK(fastskip_table_check(table));
        OK(fastskip_table_seal(table));
        uint64_t before = stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED);
        OK(fastskip_table_reset(table));
        ck_assert_int_eq(fastskip_table_is_sealed(table), 0);
        for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_VALUE_BYTES; id++)
            ck_assert_uint_eq(stat_of(table, id), 0);
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_WRITES), 0);
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_HEIGHT), 1);
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_MEMORY_USED), empty_used);
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED), before);
        ck_assert_str_eq(content(table, NULL, FASTSKIP_ALL_VERSIONS), "");
        expect(table, NULL, "00003", NULL);
    }
    drop(table);
}
END_TEST

START_TEST(reset_is_busy_while_others_hold)
{
    fastskip_table *table = letters();
    fastskip_snapshot *snapshot = NULL;
    OK(fastskip_table_ref(table));
    ck_assert_int_eq(fastskip_table_reset(table), FASTSKIP_BUSY);
    fastskip_table_unref(table);
    OK(fastskip_snapshot_new(table, &snapshot));
    ck_assert_int_eq(fastskip_table_reset(table), FASTSKIP_BUSY);
    fastskip_snapshot_free(snapshot);
    fastskip_iterator *it = iterate(table, 0);
    ck_assert_int_eq(fastskip_table_reset(table), FASTSKIP_BUSY);
    fastskip_iterator_free(it);
    ck_assert_str_eq(content(table, NULL, 0), "b=2 d=4 f=6 h=8 ");
    OK(fastskip_table_reset(table));
    ck_assert_str_eq(content(table, NULL, 0), "");
    drop(table);
}
END_TEST

START_TEST(options_are_copied)
{
    fastskip_options *options = NULL;
    fastskip_table *table = NULL, *by_default = NULL;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_shards(options, 7));
    OK(fastskip_options_set_block_size(options, 1 << 14));
    OK(fastskip_options_set_huge_pages(options, FASTSKIP_HUGE_PAGES_NEVER));
    OK(fastskip_options_set_seed(options, 12345));
    OK(fastskip_table_new(options, &table));
    OK(fastskip_options_set_shards(options, 9));
    fastskip_options_free(options);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_SHARDS), 7);
    OK(fastskip_table_new(NULL, &by_default));
    ck_assert_uint_eq(stat_of(by_default, FASTSKIP_STAT_MEMORY_LIMIT), 1 << 30);
    put(by_default, "a", "1");
    put(table, "a", "1");
    drop(table);
    drop(by_default);
}
END_TEST

/* ---- the suite ------------------------------------------------------------------------------- */

static void group(Suite *suite, const char *name, const TTest *const *tests, size_t count)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 300);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

int main(void)
{
    const TTest *const writing[] = {
        get_returns_every_field,
        memory_of_the_caller_is_copied,
        put_overwrites,
        empty_keys_and_values,
        values_of_every_size,
        delete_hides_and_is_recorded,
        keys_live_again_after_their_delete,
        insert_writes_only_where_nothing_lives,
        get_or_insert_tells_what_it_did,
        own_kinds_are_live,
    };
    const TTest *const snapshots[] = {
        snapshots_keep_what_they_saw,
        snapshot_of_an_empty_table,
        snapshot_numbers,
        snapshots_outlive_the_handle,
    };
    const TTest *const batches[] = {
        batch_writes_all_of_it,
        last_write_of_a_key_in_a_batch_wins,
        batch_is_reused_and_cleared,
        batch_of_thousands,
        batch_takes_effect_at_one_instant,
        insert_and_batch_of_one_key_agree,
    };
    const TTest *const iterators[] = {
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
    const TTest *const numbers[] = {
        numbers_come_in_any_order,
        a_number_is_taken_once_for_each_key,
        numbers_are_the_snapshots,
        calls_of_the_other_mode_are_invalid,
        numbered_batch_ends_at_the_first_that_exists,
        batches_of_the_other_mode_change_nothing,
    };
    const TTest *const orders[] = {
        reverse_order,
        caseless_order,
        integer_order,
        null_restores_the_default_order,
    };
    const TTest *const asking[] = {
        get_many_answers_like_get,
        get_many_of_nothing,
        get_many_finds_single_bad_keys,
        statistics_are_exact,
        statistics_of_batches_and_numbers,
        statistics_of_memory,
        unknown_statistics,
        approximate_count_is_near,
        words_of_the_library,
        backpressure_by_entries_and_by_memory,
    };
    const TTest *const life[] = {
        sealed_tables_are_only_read,
        rotate_gives_a_fresh_table_like_the_old,
        reset_empties_and_keeps_memory,
        reset_is_busy_while_others_hold,
        options_are_copied,
    };
    Suite *suite = suite_create("api_basic");
    group(suite, "writing", writing, COUNT(writing));
    group(suite, "snapshots", snapshots, COUNT(snapshots));
    group(suite, "batches", batches, COUNT(batches));
    group(suite, "iterators", iterators, COUNT(iterators));
    group(suite, "numbers", numbers, COUNT(numbers));
    group(suite, "orders", orders, COUNT(orders));
    group(suite, "asking", asking, COUNT(asking));
    group(suite, "life", life, COUNT(life));
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner), run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
