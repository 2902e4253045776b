/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_hot.c - lib/hot: what is noted, when it is found, and that nobody gets another key's answer.
 */
#include "tables.h"

#define ENOUGH (40 * FSK_HOT_ONE_IN) /* writes of a key, for one of them to be noted */
#define LONG_KEY 33

static fsk_ref hot_of(fastskip_table *t, unsigned key)
{
    uint8_t bytes[KEY_ROOM];
    size_t n = key_make(bytes, keys_of_table, key);
    return fsk_table_hot(t, bytes, n);
}

static void put_often(fastskip_table *t, unsigned key)
{
    for (unsigned i = 0; i < ENOUGH; i++)
        REQUIRE_EQ(put(t, key, i), FASTSKIP_OK);
}

START_TEST(first_versions_are_not_noted)
{
    fastskip_table *t = table_make(64 * MIB, 1);
    keys_of_table = KEYS_DECIMAL;
    for (unsigned version = 0; version < 2; version++)
        for (unsigned key = 0; key < 500; key++)
            REQUIRE_EQ(put(t, key, version), FASTSKIP_OK);
    REQUIRE_EQ(fsk_load32_relaxed(&t->hot.used), 0);
    for (unsigned key = 0; key < 500; key++)
        REQUIRE_EQ(hot_of(t, key), 0);
    fsk_table_unref(t);
}
END_TEST

START_TEST(a_key_written_often_is_found)
{
    for (keys_of_table = 0; keys_of_table < KEY_FAMILIES; keys_of_table++) {
        fastskip_table *t = table_make(64 * MIB, 1);
        for (unsigned key = 0; key < 100; key++)
            REQUIRE_EQ(put(t, key, 7), FASTSKIP_OK);
        put_often(t, 50);
        REQUIRE(hot_of(t, 50) != 0);
        REQUIRE_EQ(hot_of(t, 51), 0);
        REQUIRE_EQ(get(t, 50), ENOUGH - 1);
        REQUIRE_EQ(get(t, 51), 7);
        fsk_table_unref(t);
    }
}
END_TEST

/* Every kind of call meets a key that is found without a search. */
START_TEST(all_calls_of_a_hot_key)
{
    fastskip_table *t = table_make(64 * MIB, 1);
    uint64_t before, after;
    keys_of_table = KEYS_DECIMAL;
    put_often(t, 3);
    before = snapshot(t);
    REQUIRE_EQ(insert(t, 3, 1), FASTSKIP_EXISTS);
    REQUIRE_EQ(delete (t, 3), FASTSKIP_OK);
    REQUIRE_EQ(get(t, 3), DELETED);
    after = snapshot(t);
    REQUIRE_EQ(insert(t, 3, 77), FASTSKIP_OK);
    REQUIRE_EQ(insert(t, 3, 78), FASTSKIP_EXISTS);
    REQUIRE_EQ(get(t, 3), 77);
    REQUIRE_EQ(get_at(t, 3, before), ENOUGH - 1);
    REQUIRE_EQ(get_at(t, 3, after), DELETED);
    REQUIRE(hot_of(t, 3) != 0);
    REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_KEYS), 1);
    REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), ENOUGH + 2);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    fsk_table_unref(t);
}
END_TEST

/* A group of lookups, of which some need no search. */
START_TEST(hot_keys_among_many)
{
    enum { MANY = 50 };
    static uint8_t bytes[MANY][KEY_ROOM];
    fastskip_table *t = table_make(64 * MIB, 1);
    const void *keys[MANY];
    size_t sizes[MANY];
    fastskip_entry entries[MANY];
    fastskip_status statuses[MANY];
    keys_of_table = KEYS_DECIMAL;
    for (unsigned i = 0; i < MANY; i++) {
        sizes[i] = key_make(bytes[i], keys_of_table, i);
        keys[i] = bytes[i];
        if (i % 5 != 0)
            REQUIRE_EQ(put(t, i, i), FASTSKIP_OK);
        if (i % 7 == 1)
            put_often(t, i);
        if (i % 7 == 2) {
            put_often(t, i);
            REQUIRE_EQ(delete (t, i), FASTSKIP_OK);
        }
    }
    fsk_table_get_many(t, FSK_LATEST, MANY, keys, sizes, entries, statuses);
    for (unsigned i = 0; i < MANY; i++) {
        int there = i % 7 == 1 || (i % 7 != 2 && i % 5 != 0);
        REQUIRE_EQ(statuses[i], there ? FASTSKIP_OK : FASTSKIP_NOT_FOUND);
        if (there)
            REQUIRE_EQ(number_of(&entries[i]), i % 7 == 1 ? ENOUGH - 1 : i);
    }
    fsk_table_unref(t);
}
END_TEST

/* Keys of one hash, which the key itself must tell apart; and their like of other sizes. */
START_TEST(keys_of_one_hash)
{
    fastskip_table *t = table_make(64 * MIB, 1);
    uint8_t key[10][LONG_KEY];
    for (unsigned k = 0; k < 10; k++) {
        memset(key[k], 'x', LONG_KEY);
        key[k][12] = (uint8_t)('0' + k);
        REQUIRE_EQ(fsk_hot_hash(key[k], LONG_KEY), fsk_hot_hash(key[0], LONG_KEY));
    }
    for (unsigned turn = 0; turn < ENOUGH; turn++)
        for (unsigned k = 0; k < 9; k++) { /* the tenth is never written */
            unsigned value = turn * 10 + k;
            fastskip_entry e;
            REQUIRE_EQ(fsk_table_write(t, 0, FASTSKIP_PUT, key[k], LONG_KEY, &value, sizeof value,
                                       FSK_ANYWAY, NULL),
                       FASTSKIP_OK);
            REQUIRE_EQ(fsk_table_get(t, FSK_LATEST, key[k], LONG_KEY, 0, &e), FASTSKIP_OK);
            REQUIRE_EQ(number_of(&e), value);
            REQUIRE_EQ(fsk_table_get(t, FSK_LATEST, key[9], LONG_KEY, 1, &e), FASTSKIP_NOT_FOUND);
        }
    REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_KEYS), 9);
    fsk_table_unref(t);
}
END_TEST

/* The same tag, and another key of another size, or of the same: put there by hand. */
START_TEST(a_slot_of_two_keys)
{
    static const char hot[] = "counter", longer[] = "counters", other[] = "country";
    fastskip_table *t = table_make(64 * MIB, 1);
    const char *const asked[] = {longer, other, ""};
    fastskip_entry e;
    fsk_ref ref;
    for (unsigned i = 0; i < ENOUGH; i++)
        REQUIRE_EQ(fsk_table_write(t, 0, FASTSKIP_PUT, hot, strlen(hot), NULL, 0, FSK_ANYWAY, &e),
                   FASTSKIP_OK);
    ref = fsk_table_hot(t, hot, strlen(hot));
    REQUIRE(ref != 0);
    for (unsigned i = 0; i < 3; i++) {
        size_t size = strlen(asked[i]);
        uint32_t hash = fsk_hot_hash((const uint8_t *)asked[i], size);
        fsk_hot_slot *slot = &t->hot.slot[hash % FSK_HOT_SLOTS];
        fsk_store32_relaxed(&slot->tag, hash);
        fsk_store32_release(&slot->entry, ref);
        REQUIRE_EQ(fsk_table_hot(t, asked[i], size), 0);
        REQUIRE_EQ(fsk_table_get(t, FSK_LATEST, asked[i], size, 1, &e), FASTSKIP_NOT_FOUND);
        REQUIRE_EQ(fsk_table_write(t, 0, FASTSKIP_PUT, asked[i], size, "1", 1, FSK_IF_ABSENT, NULL),
                   FASTSKIP_OK);
    }
    /* What was mixed up is mended by the next writes. */
    for (unsigned i = 0; i < ENOUGH; i++)
        REQUIRE_EQ(fsk_table_write(t, 0, FASTSKIP_PUT, hot, strlen(hot), NULL, 0, FSK_ANYWAY, &e),
                   FASTSKIP_OK);
    REQUIRE_EQ(fsk_table_hot(t, hot, strlen(hot)), ref);
    fsk_table_unref(t);
}
END_TEST

/* Between the two stores of a note there is a tag without an entry. */
START_TEST(half_a_note)
{
    fastskip_table *t = table_make(64 * MIB, 1);
    uint8_t bytes[KEY_ROOM];
    size_t n = key_make(bytes, KEYS_DECIMAL, 1);
    uint32_t hash = fsk_hot_hash(bytes, n);
    keys_of_table = KEYS_DECIMAL;
    REQUIRE_EQ(put(t, 1, 5), FASTSKIP_OK);
    fsk_store32_relaxed(&t->hot.used, 1);
    fsk_store32_relaxed(&t->hot.slot[hash % FSK_HOT_SLOTS].tag, hash);
    REQUIRE_EQ(hot_of(t, 1), 0);
    REQUIRE_EQ(get(t, 1), 5);
    fsk_table_unref(t);
}
END_TEST

/* A batch searches for all its keys together, also for those that are noted. */
START_TEST(batches_of_a_hot_key)
{
    fastskip_table *t = table_make(64 * MIB, 1);
    fastskip_batch *b = NULL;
    uint8_t bytes[KEY_ROOM];
    size_t n = key_make(bytes, KEYS_DECIMAL, 1);
    keys_of_table = KEYS_DECIMAL;
    put_often(t, 1);
    REQUIRE_EQ(fastskip_batch_new(&b), FASTSKIP_OK);
    for (unsigned i = 0; i < ENOUGH; i++) {
        REQUIRE_EQ(fastskip_batch_clear(b), FASTSKIP_OK);
        REQUIRE_EQ(fsk_batch_add(b, 0, 0, FASTSKIP_PUT, bytes, n, &i, sizeof i), FASTSKIP_OK);
        REQUIRE_EQ(fsk_table_write_batch(t, b), FASTSKIP_OK);
        REQUIRE_EQ(get(t, 1), i);
    }
    REQUIRE(hot_of(t, 1) != 0);
    REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), 2 * ENOUGH);
    fastskip_batch_free(b);
    fsk_table_unref(t);
}
END_TEST

START_TEST(the_empty_key)
{
    fastskip_table *t = table_make(64 * MIB, 1);
    fastskip_entry e;
    for (unsigned i = 0; i < ENOUGH; i++)
        REQUIRE_EQ(fsk_table_write(t, 0, FASTSKIP_PUT, NULL, 0, &i, sizeof i, FSK_ANYWAY, NULL),
                   FASTSKIP_OK);
    REQUIRE(fsk_table_hot(t, NULL, 0) != 0);
    REQUIRE_EQ(fsk_table_get(t, FSK_LATEST, NULL, 0, 0, &e), FASTSKIP_OK);
    REQUIRE_EQ(number_of(&e), ENOUGH - 1);
    fsk_table_unref(t);
}
END_TEST

START_TEST(a_reset_forgets)
{
    fastskip_table *t = table_make(64 * MIB, 1);
    keys_of_table = KEYS_DECIMAL;
    put_often(t, 1);
    REQUIRE(hot_of(t, 1) != 0);
    REQUIRE_EQ(fsk_table_reset(t), FASTSKIP_OK);
    REQUIRE_EQ(hot_of(t, 1), 0);
    REQUIRE_EQ(get(t, 1), NOTHING);
    REQUIRE_EQ(put(t, 2, 5), FASTSKIP_OK); /* where key 1 was */
    REQUIRE_EQ(get(t, 1), NOTHING);
    fsk_table_unref(t);
}
END_TEST

/* The caller's numbers, in and out of order. */
START_TEST(numbered)
{
    struct fastskip_options o = options_of(64 * MIB, 1);
    fastskip_table *t;
    o.sequence_mode = FASTSKIP_SEQUENCE_CALLER;
    t = table_of(&o);
    keys_of_table = KEYS_DECIMAL;
    for (unsigned i = 1; i <= ENOUGH; i++) {
        unsigned number = i % 2 ? 2 * ENOUGH + i : i;
        REQUIRE_EQ(put_at(t, number, 1, number), FASTSKIP_OK);
        REQUIRE_EQ(put_at(t, number, 1, number), FASTSKIP_EXISTS);
    }
    REQUIRE(hot_of(t, 1) != 0);
    for (unsigned i = 1; i <= ENOUGH; i++) {
        unsigned number = i % 2 ? 2 * ENOUGH + i : i;
        REQUIRE_EQ(get_at(t, 1, number), number);
    }
    REQUIRE_EQ(get_at(t, 1, 1), NOTHING);
    fsk_table_unref(t);
}
END_TEST

/* Whose searches look at what they pass, searches. */
START_TEST(tables_with_checks_note_nothing)
{
    struct fastskip_options o = options_of(64 * MIB, 1);
    for (unsigned option = 0; option < 2; option++) {
        fastskip_table *t;
        o.checksum = option == 0;
        o.paranoid = option == 1;
        t = table_of(&o);
        keys_of_table = KEYS_DECIMAL;
        put_often(t, 1);
        REQUIRE_EQ(hot_of(t, 1), 0);
        REQUIRE_EQ(get(t, 1), ENOUGH - 1);
        fsk_table_unref(t);
    }
}
END_TEST

/* Threads that write and read the same few keys: each sees its own counter grow, whoever noted whose. */
enum { WRITERS = 3, ROUNDS = 6000 };
static fastskip_table *shared;

static void *count_up(void *argument)
{
    unsigned own = (unsigned)(uintptr_t)argument, other = (own + 1) % WRITERS, seen = 0;
    for (unsigned i = 1; i <= scaled(ROUNDS); i++) {
        unsigned now;
        REQUIRE_EQ(put(shared, own, i), FASTSKIP_OK);
        REQUIRE_EQ(get(shared, own), i);
        now = get(shared, other);
        REQUIRE(now == NOTHING ? seen == 0 : now >= seen);
        seen = now == NOTHING ? 0 : now;
    }
    return NULL;
}

START_TEST(counters_of_threads)
{
    pthread_t threads[WRITERS];
    shared = table_make(256 * MIB, 2);
    keys_of_table = KEYS_DECIMAL;
    for (uintptr_t i = 0; i < WRITERS; i++)
        REQUIRE_EQ(pthread_create(&threads[i], NULL, count_up, (void *)i), 0);
    for (unsigned i = 0; i < WRITERS; i++)
        REQUIRE_EQ(pthread_join(threads[i], NULL), 0);
    for (unsigned i = 0; i < WRITERS; i++)
        REQUIRE_EQ(get(shared, i), scaled(ROUNDS));
    REQUIRE_EQ(stat_of(shared, FASTSKIP_STAT_KEYS), WRITERS);
    fsk_table_unref(shared);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        first_versions_are_not_noted,
        a_key_written_often_is_found,
        all_calls_of_a_hot_key,
        hot_keys_among_many,
        keys_of_one_hash,
        a_slot_of_two_keys,
        half_a_note,
        batches_of_a_hot_key,
        the_empty_key,
        a_reset_forgets,
        numbered,
        tables_with_checks_note_nothing,
        counters_of_threads,
    };
    return RUN_SUITE("hot", tests);
}
