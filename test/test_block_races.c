/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_block_races.c - lib/block, as it is compiled into reads and writes: words are compared while their parts
 * are stored. A part that was unknown and comes while it is looked at fits the key either way, as unknown or as
 * itself; it must not fall between two loads of one look. A compiler that makes two loads of one is what this
 * is about: no other test sees that, and none but at full speed, on two processors.
 *
 * Here parts are made unknown again, too, which changes nothing that a search may rely on.
 */
#include "inside.h"

#include <pthread.h>

#include "fastskip.h"
#include "memtable.h"

#define KEYS (FSK_BLOCK_WORDS / 2) /* of one leaf, none of them there from its birth */
#define LOOKS 1000000u

static fastskip_table *table;
static fsk_block *leaf;
static fsk_atomic32 begun, ended;

static void key_of(char *key, unsigned i)
{
    snprintf(key, 9, "key%05u", i * 7919 % 65536);
}

static void make_table(void)
{
    char key[9];
    REQUIRE(fastskip_table_new(NULL, &table) == FASTSKIP_OK);
    for (unsigned i = 0; i < KEYS; i++) {
        key_of(key, i);
        REQUIRE(fastskip_put(table, key, 8, &i, sizeof i) == FASTSKIP_OK);
    }
    leaf = fsk_list_first(&table->list);
    REQUIRE_EQ(leaf->high, 0);
    REQUIRE_EQ(leaf->sorted, 0);
}

static void *store_parts(void *context)
{
    uint32_t part[KEYS];
    (void)context;
    for (unsigned i = 0; i < KEYS; i++)
        part[i] = fsk_load32_relaxed(&leaf->part[i]);
    fsk_store32_relaxed(&begun, 1);
    while (fsk_load32_relaxed(&ended) == 0) {
        for (unsigned i = 0; i < KEYS; i++)
            fsk_store32_relaxed(&leaf->part[i], FSK_UNKNOWN);
        for (unsigned i = 0; i < KEYS; i++)
            fsk_store32_relaxed(&leaf->part[i], part[i]);
    }
    return NULL;
}

/* Reads or writes key i; how many of its keys it missed. */
typedef unsigned look_fn(unsigned i);

static void watch(look_fn *look, unsigned looks)
{
    pthread_t storer;
    uint64_t missed = 0, keys;
    make_table();
    fsk_init32(&begun, 0);
    fsk_init32(&ended, 0);
    REQUIRE(pthread_create(&storer, NULL, store_parts, NULL) == 0);
    while (fsk_load32_relaxed(&begun) == 0)
        sched_yield();
    for (unsigned n = 0; n < scaled_alone(looks); n++)
        missed += look(n % KEYS);
    fsk_store32_relaxed(&ended, 1);
    REQUIRE(pthread_join(storer, NULL) == 0);
    REQUIRE_EQ(missed, 0);
    REQUIRE(fastskip_table_stat(table, FASTSKIP_STAT_KEYS, &keys) == FASTSKIP_OK);
    REQUIRE_EQ(keys, KEYS);
    REQUIRE(fastskip_table_check(table) == FASTSKIP_OK);
    fastskip_table_unref(table);
}

static unsigned by_get(unsigned i)
{
    fastskip_entry e;
    char key[9];
    key_of(key, i);
    return fastskip_get(table, NULL, key, 8, &e) != FASTSKIP_OK;
}

START_TEST(gets_find_their_key)
{
    watch(by_get, LOOKS);
}
END_TEST

static unsigned by_get_many(unsigned i)
{
    fastskip_entry e[4];
    fastskip_status status[4];
    char key[4][9];
    const void *keys[4];
    size_t sizes[4];
    unsigned missed = 0;
    for (unsigned n = 0; n < 4; n++) {
        key_of(key[n], (i + n) % KEYS);
        keys[n] = key[n];
        sizes[n] = 8;
    }
    REQUIRE(fastskip_get_many(table, NULL, 4, keys, sizes, e, status) == FASTSKIP_OK);
    for (unsigned n = 0; n < 4; n++)
        missed += status[n] != FASTSKIP_OK;
    return missed;
}

START_TEST(gets_of_many_find_their_keys)
{
    watch(by_get_many, LOOKS / 4);
}
END_TEST

/* A write that missed its key would put it in twice. */
static unsigned by_insert(unsigned i)
{
    char key[9];
    key_of(key, i);
    return fastskip_insert(table, key, 8, &i, sizeof i) != FASTSKIP_EXISTS;
}

START_TEST(writes_find_their_key)
{
    watch(by_insert, LOOKS);
}
END_TEST

static unsigned by_batch(unsigned i)
{
    fastskip_batch *batch = NULL;
    char key[9];
    REQUIRE(fastskip_batch_new(&batch) == FASTSKIP_OK);
    for (unsigned n = 0; n < 4; n++) {
        key_of(key, (i + n) % KEYS);
        REQUIRE(fastskip_batch_put(batch, key, 8, NULL, 0) == FASTSKIP_OK);
    }
    REQUIRE(fastskip_write(table, batch) == FASTSKIP_OK);
    fastskip_batch_free(batch);
    return 0;
}

START_TEST(batches_find_their_keys)
{
    watch(by_batch, LOOKS / 16);
}
END_TEST

static unsigned by_walk(unsigned i)
{
    fastskip_iterator *it = NULL;
    fastskip_status status;
    unsigned seen = 0;
    (void)i;
    REQUIRE(fastskip_iterator_new(table, NULL, 0, &it) == FASTSKIP_OK);
    for (status = fastskip_iterator_seek_first(it); status == FASTSKIP_OK;
         status = fastskip_iterator_next(it))
        seen++;
    REQUIRE(status == FASTSKIP_NOT_FOUND);
    fastskip_iterator_free(it);
    return KEYS - seen;
}

START_TEST(walks_see_all_keys)
{
    watch(by_walk, LOOKS / 32);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        gets_find_their_key,     gets_of_many_find_their_keys, writes_find_their_key,
        batches_find_their_keys, walks_see_all_keys,
    };
    return RUN_SUITE("block_races", tests);
}
