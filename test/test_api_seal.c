/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Tables sealed and rotated by two threads at once while others write: what was acknowledged is there, and
 * nothing comes after.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "api.h"

#define SEAL_WRITERS 4

struct seal_race {
    fastskip_table *table;
    atomic_int started, sealed, failed;
    atomic_ullong acknowledged[SEAL_WRITERS]; /* writes; writer i has keys i << 32 | 0 and up */
    atomic_uint fresh_tables, losers;
};

struct seal_member {
    struct seal_race *race;
    uint64_t index;
};

static void *write_until_sealed(void *arg)
{
    struct seal_member *member = arg;
    struct seal_race *race = member->race;
    fastskip_batch *batch = NULL;
    fastskip_status status = fastskip_batch_new(&batch);
    uint64_t next = 0;
    atomic_fetch_add(&race->started, 1);
    while (status == FASTSKIP_OK) {
        /* Whoever sees that seal has returned starts a write that must fail. */
        int late = atomic_load(&race->sealed);
        uint64_t key = member->index << 32 | next, n = next % 5 == 0 ? 4 : 1;
        fastskip_batch_clear(batch);
        for (uint64_t i = 0; n > 1 && i < n; i++, key++)
            fastskip_batch_put(batch, &key, sizeof key, &key, sizeof key);
        status = n > 1 ? fastskip_write(race->table, batch)
                       : fastskip_put(race->table, &key, sizeof key, &key, sizeof key);
        if (status == FASTSKIP_OK)
            next += n;
        if (status == FASTSKIP_OK && late)
            atomic_store(&race->failed, 1);
    }
    if (status != FASTSKIP_SEALED)
        atomic_store(&race->failed, 1);
    atomic_store(&race->acknowledged[member->index], next);
    fastskip_batch_free(batch);
    return NULL;
}

static void *seal_it(void *arg)
{
    struct seal_member *member = arg;
    if (fastskip_table_seal(member->race->table) != FASTSKIP_OK)
        atomic_store(&member->race->failed, 1);
    atomic_store(&member->race->sealed, 1);
    return NULL;
}

static void *rotate_it(void *arg)
{
    struct seal_member *member = arg;
    fastskip_table *fresh = NULL;
    fastskip_status status = fastskip_table_rotate(member->race->table, &fresh);
    if (status == FASTSKIP_OK) {
        atomic_store(&member->race->sealed, 1);
        atomic_fetch_add(&member->race->fresh_tables, 1);
        if (fastskip_put(fresh, STR("k"), STR("v")) != FASTSKIP_OK)
            atomic_store(&member->race->failed, 1);
    } else if (status == FASTSKIP_SEALED && !fresh) {
        atomic_fetch_add(&member->race->losers, 1);
    } else {
        atomic_store(&member->race->failed, 1);
    }
    fastskip_table_unref(fresh);
    return NULL;
}

static void expect_acknowledged(struct seal_race *race, uint64_t at_once)
{
    uint64_t total = 0;
    fastskip_entry entry;
    for (uint64_t i = 0; i < SEAL_WRITERS; i++) {
        uint64_t count = atomic_load(&race->acknowledged[i]);
        total += count;
        for (uint64_t key = i << 32; key < (i << 32 | count); key++)
            REQUIRE(fastskip_get(race->table, NULL, &key, sizeof key, &entry) == FASTSKIP_OK);
    }
    ck_assert_uint_eq(total, at_once);
    ck_assert_uint_eq(count_entries(race->table), at_once);
    ck_assert_uint_eq(stat_of(race->table, FASTSKIP_STAT_VERSIONS), at_once);
    OK(fastskip_table_check(race->table));
}

/* Two threads end the table while four write it. When one of them has returned, what an iterator
 * shows is already all there will ever be. */
static void race_against_writers(void *(*end)(void *), struct seal_race *race)
{
    fastskip_options *options = NULL;
    struct seal_member members[SEAL_WRITERS];
    pthread_t writers[SEAL_WRITERS], enders[2];
    memset(race, 0, sizeof *race);
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_memory_limit(options, 64 << 20)); /* three at once fit into 32 bits */
    OK(fastskip_table_new(options, &race->table));
    fastskip_options_free(options);
    for (uint64_t i = 0; i < SEAL_WRITERS; i++) {
        members[i] = (struct seal_member){race, i};
        pthread_create(&writers[i], NULL, write_until_sealed, &members[i]);
    }
    while (atomic_load(&race->started) < SEAL_WRITERS)
        usleep(100);
    usleep(500);
    for (int i = 0; i < 2; i++)
        pthread_create(&enders[i], NULL, end, &members[i]);
    while (!atomic_load(&race->sealed))
        usleep(10);
    uint64_t at_once = count_entries(race->table);
    for (int i = 0; i < 2; i++)
        pthread_join(enders[i], NULL);
    for (int i = 0; i < SEAL_WRITERS; i++)
        pthread_join(writers[i], NULL);
    ck_assert(!atomic_load(&race->failed));
    ck_assert_int_eq(fastskip_table_is_sealed(race->table), 1);
    expect_acknowledged(race, at_once);
    fastskip_table_unref(race->table);
}

START_TEST(seal_from_two_threads_under_writers)
{
    struct seal_race race;
    for (unsigned round = 0; round < scaled(60); round++)
        race_against_writers(seal_it, &race);
}
END_TEST

START_TEST(rotate_from_two_threads_under_writers)
{
    struct seal_race race;
    for (unsigned round = 0; round < scaled(60); round++) {
        race_against_writers(rotate_it, &race);
        ck_assert_uint_eq(atomic_load(&race.fresh_tables), 1);
        ck_assert_uint_eq(atomic_load(&race.losers), 1);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        seal_from_two_threads_under_writers,
        rotate_from_two_threads_under_writers,
    };
    return RUN_SUITE("api_seal", tests);
}
