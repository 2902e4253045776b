/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Limits of memory and of versions: never passed, by one thread or by many, and used to the last one.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "api.h"
#include "remember.h"
#include "supply.h"

static const uint64_t limits[] = {65536, 65537, 65543, 69631, 100003, 262147, 1 << 20, 1050625};
#define LIMITS ((int)(sizeof limits / sizeof limits[0]))

static int within_limit(const fastskip_table *table, uint64_t limit)
{
    uint64_t used = stat_of(table, FASTSKIP_STAT_MEMORY_USED);
    uint64_t reserved = stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED);
    return reserved <= limit && used <= limit;
}

/* Each limit with one shard and with many, chunks that grow and chunks larger than the region. */
START_TEST(limit_is_never_passed)
{
    static struct writer w;
    struct supply supply = new_supply();
    uint64_t limit = limits[_i / 4];
    uint32_t mode = (uint32_t)_i % 2;
    fastskip_options *options = supplied_options(&supply, limit);
    fastskip_table *table = NULL;
    const char *failure = NULL;
    OK(fastskip_options_set_shards(options, _i % 4 < 2 ? 1 : 16));
    OK(fastskip_options_set_sequence_mode(options, mode));
    if (_i % 4 == 3)
        OK(fastskip_options_set_block_size(options, 4 << 20));
    table = table_of(options);
    start_writer(&w, table, mode, 1);
    for (int refused = 0; refused < 300;) {
        fastskip_status status = write_randomly(&w, &failure);
        REQUIRE_NONE(failure);
        REQUIRE_AT(status == FASTSKIP_OK || status == FASTSKIP_FULL, status);
        refused += status == FASTSKIP_FULL;
        REQUIRE(within_limit(table, limit));
        REQUIRE(supply.extent <= limit && !supply.broken);
        REQUIRE(stat_of(table, FASTSKIP_STAT_MEMORY_USED) <=
                stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED));
    }
    REQUIRE(remembers_everything(&w));
    expect_figures(table, &w, 1);
    /* A limit that refuses is a limit that was used. */
    ck_assert_uint_ge(w.bytes, limit / 4);
    OK(fastskip_table_check(table));
    fastskip_batch_free(w.batch);
    fastskip_table_unref(table);
}
END_TEST

static void *fill_up(void *arg)
{
    struct member *member = arg;
    struct crowd *crowd = member->crowd;
    for (int refused = 0; refused < 200 && !crowd->failures[member->index];) {
        fastskip_status status =
            write_randomly(&crowd->writers[member->index], &crowd->failures[member->index]);
        refused += status == FASTSKIP_FULL;
        if (status != FASTSKIP_OK && status != FASTSKIP_FULL)
            crowd->failures[member->index] = "an unexpected status";
    }
    atomic_fetch_add(&crowd->over, 1);
    return NULL;
}

static void *watch_limit(void *arg)
{
    struct member *member = arg;
    struct crowd *crowd = member->crowd;
    while (atomic_load(&crowd->over) < 6)
        if (!within_limit(crowd->table, crowd->limit))
            crowd->failures[6] = "the limit was passed";
    return NULL;
}

START_TEST(limit_is_never_passed_by_many_threads)
{
    static struct crowd crowd;
    struct member members[7];
    pthread_t threads[7];
    struct supply supply = new_supply();
    memset(&crowd, 0, sizeof crowd);
    crowd.limit = limits[_i];
    fastskip_options *options = supplied_options(&supply, crowd.limit);
    OK(fastskip_options_set_shards(options, 3));
    OK(fastskip_table_new(options, &crowd.table));
    fastskip_options_free(options);
    for (int i = 0; i < 6; i++)
        start_writer(&crowd.writers[i], crowd.table, FASTSKIP_SEQUENCE_AUTO, (uint32_t)i);
    for (int i = 0; i < 7; i++) {
        members[i] = (struct member){&crowd, i};
        pthread_create(&threads[i], NULL, i < 6 ? fill_up : watch_limit, &members[i]);
    }
    for (int i = 0; i < 7; i++) {
        pthread_join(threads[i], NULL);
        REQUIRE_NONE(crowd.failures[i]);
    }
    uint64_t bytes = 0;
    for (int i = 0; i < 6; i++) {
        REQUIRE(remembers_everything(&crowd.writers[i]));
        bytes += crowd.writers[i].bytes;
        fastskip_batch_free(crowd.writers[i].batch);
    }
    expect_figures(crowd.table, crowd.writers, 6);
    ck_assert_uint_ge(bytes, crowd.limit / 5);
    ck_assert_uint_le(supply.extent, crowd.limit);
    ck_assert(!supply.broken);
    OK(fastskip_table_check(crowd.table));
    fastskip_table_unref(crowd.table);
}
END_TEST

/* What writes nothing takes nothing: neither of the entries nor, over time, of the memory. */
START_TEST(refused_inserts_take_no_room)
{
    static const unsigned char value[1000];
    struct settings settings = {.memory = 1 << 20, .entries = 2};
    fastskip_table *table = new_table(settings), *caller;
    fastskip_entry entry;
    int32_t inserted;
    settings.mode = FASTSKIP_SEQUENCE_CALLER;
    caller = new_table(settings);
    OK(fastskip_put(table, STR("k"), STR("v")));
    OK(fastskip_put_at(caller, 5, FASTSKIP_PUT, STR("k"), STR("v")));
    for (int i = 0; i < 5000; i++) {
        REQUIRE(fastskip_insert(table, STR("k"), value, sizeof value) == FASTSKIP_EXISTS);
        REQUIRE(fastskip_get_or_insert(table, STR("k"), value, sizeof value, &entry, &inserted) ==
                FASTSKIP_OK);
        REQUIRE(!inserted);
        REQUIRE(fastskip_put_at(caller, 5, 0, STR("k"), value, sizeof value) == FASTSKIP_EXISTS);
    }
    OK(fastskip_put(table, STR("l"), value, sizeof value));
    OK(fastskip_put_at(caller, 6, 0, STR("l"), value, sizeof value));
    ck_assert_int_eq(fastskip_put(table, STR("m"), STR("v")), FASTSKIP_FULL);
    /* What is there is an answer at the limit, too. */
    OK(fastskip_get_or_insert(table, STR("k"), value, sizeof value, &entry, &inserted));
    ck_assert_int_eq(inserted, 0);
    ck_assert(entry.value_size == 1 && memcmp(entry.value, "v", 1) == 0);
    ck_assert_int_eq(fastskip_get_or_insert(table, STR("m"), STR("v"), &entry, &inserted),
                     FASTSKIP_FULL);
    fastskip_table_unref(table);
    fastskip_table_unref(caller);
}
END_TEST

#define ENTRY_LIMIT 5000

struct entry_race {
    fastskip_table *table;
    int batches;
    atomic_uint seeds, acknowledged;
    atomic_int unexpected;
};

static void *write_to_the_limit(void *arg)
{
    struct entry_race *race = arg;
    fastskip_batch *batch = NULL;
    uint64_t random = atomic_fetch_add(&race->seeds, 1);
    fastskip_batch_new(&batch);
    for (int i = 0; i < 2000; i++) {
        unsigned n = race->batches && i % 3 == 0 ? 1 + (unsigned)(draw(&random) % 9) : 0;
        uint64_t key = draw(&random) % 3000;
        fastskip_status status;
        fastskip_batch_clear(batch);
        for (unsigned b = 0; b < n; b++, key++)
            fastskip_batch_put(batch, &key, sizeof key, STR("v"));
        if (n > 0)
            status = fastskip_write(race->table, batch);
        else if (i % 5 == 0)
            status = fastskip_delete(race->table, &key, sizeof key);
        else
            status = fastskip_put(race->table, &key, sizeof key, STR("v"));
        if (status == FASTSKIP_OK)
            atomic_fetch_add(&race->acknowledged, n > 0 ? n : 1);
        else if (status != FASTSKIP_FULL)
            atomic_store(&race->unexpected, 1);
    }
    fastskip_batch_free(batch);
    return NULL;
}

/* 8 threads try thrice as much: singly, or a third of it in batches. */
START_TEST(entry_limit_is_exact)
{
    struct entry_race race = {.batches = _i};
    pthread_t threads[8];
    race.table = new_table((struct settings){.entries = ENTRY_LIMIT});
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, write_to_the_limit, &race);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    ck_assert(!atomic_load(&race.unexpected));
    unsigned count = atomic_load(&race.acknowledged);
    ck_assert_uint_le(count, ENTRY_LIMIT);
    /* What is left, if batches left anything, can be taken to the last one. */
    while (fastskip_put(race.table, STR("last"), STR("v")) == FASTSKIP_OK)
        count++;
    ck_assert_uint_eq(count, ENTRY_LIMIT);
    ck_assert_uint_eq(stat_of(race.table, FASTSKIP_STAT_VERSIONS), ENTRY_LIMIT);
    ck_assert_int_eq(fastskip_table_under_backpressure(race.table), 1);
    OK(fastskip_table_check(race.table));
    fastskip_table_unref(race.table);
}
END_TEST

START_TEST(entry_limit_in_the_middle_of_a_batch)
{
    uint32_t mode = (uint32_t)_i;
    fastskip_table *table = new_table((struct settings){.mode = mode, .entries = 10});
    static struct writer w;
    start_writer(&w, table, mode, 1);
    OK(write_some(&w, 0, 2, 7));
    ck_assert_int_eq(write_some(&w, 3, 20, 4), FASTSKIP_FULL);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), 7);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 7);
    for (unsigned k = 0; k < 7; k++)
        w.state[k] = 2 + k;
    ck_assert(remembers_everything(&w));
    OK(write_some(&w, 3, 20, 3));
    ck_assert_int_eq(write_key(&w, 0, 2), FASTSKIP_FULL);
    fastskip_batch_free(w.batch);
    fastskip_table_unref(table);
}
END_TEST

/* A record that a later one of its batch replaces is not written. */
START_TEST(entry_limit_counts_what_is_written)
{
    fastskip_table *table = new_table((struct settings){.entries = 3});
    fastskip_batch *batch = NULL;
    OK(fastskip_batch_new(&batch));
    for (int i = 0; i < 4; i++)
        OK(fastskip_batch_put(batch, "a", 1, "1", 1));
    OK(fastskip_write(table, batch));
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), 1);
    OK(fastskip_batch_clear(batch));
    OK(fastskip_batch_put(batch, "a", 1, "2", 1)); /* what an earlier batch wrote counts */
    OK(fastskip_batch_delete(batch, "b", 1));
    OK(fastskip_batch_put(batch, "c", 1, "2", 1));
    ck_assert_int_eq(fastskip_write(table, batch), FASTSKIP_FULL);
    OK(fastskip_delete(table, "a", 1));
    OK(fastskip_put(table, "a", 1, "3", 1));
    ck_assert_int_eq(fastskip_put(table, "a", 1, "4", 1), FASTSKIP_FULL);
    OK(fastskip_batch_clear(batch));
    OK(fastskip_table_seal(table));
    ck_assert_int_eq(fastskip_write(table, batch), FASTSKIP_SEALED); /* empty as it is */
    fastskip_batch_free(batch);
    fastskip_table_unref(table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_limit");
    suite_add(suite, limit_is_never_passed, 4 * LIMITS);
    suite_add(suite, limit_is_never_passed_by_many_threads, LIMITS);
    suite_add(suite, refused_inserts_take_no_room, 1);
    suite_add(suite, entry_limit_is_exact, 2);
    suite_add(suite, entry_limit_in_the_middle_of_a_batch, 2);
    suite_add(suite, entry_limit_counts_what_is_written, 1);
    return suite_run(suite);
}
