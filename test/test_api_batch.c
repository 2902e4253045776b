/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Batches: what they write, that they are used again, and that they take effect at one instant.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "api.h"

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

int main(void)
{
    const TTest *const tests[] = {
        batch_writes_all_of_it,
        last_write_of_a_key_in_a_batch_wins,
        batch_is_reused_and_cleared,
        batch_of_thousands,
        batch_takes_effect_at_one_instant,
        insert_and_batch_of_one_key_agree,
    };
    return RUN_SUITE("api_batch", tests);
}
