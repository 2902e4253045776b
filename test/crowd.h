/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * crowd.h - many threads that write one table at once, and what it must hold afterwards.
 */
#ifndef FSK_TEST_CROWD_H
#define FSK_TEST_CROWD_H

#include <pthread.h>
#include <stdatomic.h>

#include "api.h"

/* A key of the crowd below: thread and number, big-endian, the number first where the threads are
 * to meet. */
static inline void make_key(unsigned char *key, uint32_t major, uint32_t minor)
{
    for (int i = 0; i < 4; i++) {
        key[i] = (unsigned char)(major >> (24 - 8 * i));
        key[4 + i] = (unsigned char)(minor >> (24 - 8 * i));
    }
}

enum pattern { OWN_KEYS, INTERLEAVED, SAME_KEYS };

struct crowd {
    fastskip_table *table, *second;
    uint32_t threads, keys;
    enum pattern pattern;
    pthread_barrier_t barrier;
    atomic_uint names, written, failed;
};

static inline void *write_in_crowd(void *arg)
{
    struct crowd *crowd = arg;
    uint32_t name = atomic_fetch_add(&crowd->names, 1);
    unsigned char key[8];
    pthread_barrier_wait(&crowd->barrier);
    for (uint32_t i = 0; i < crowd->keys; i++) {
        make_key(key, crowd->pattern == OWN_KEYS ? name : i,
                 crowd->pattern == OWN_KEYS      ? i
                 : crowd->pattern == INTERLEAVED ? name
                                                 : 0);
        fastskip_status status = fastskip_insert(crowd->table, key, 8, key, 8);
        if (status == FASTSKIP_OK)
            atomic_fetch_add(&crowd->written, 1);
        else if (status != FASTSKIP_EXISTS || crowd->pattern != SAME_KEYS)
            atomic_fetch_add(&crowd->failed, 1);
        if (crowd->second && fastskip_put(crowd->second, key, 8, key, 8) != FASTSKIP_OK)
            atomic_fetch_add(&crowd->failed, 1);
    }
    return NULL;
}

/* All threads are alive before the first writes, and until the last has written. */
static inline void run_crowd(struct crowd *crowd)
{
    pthread_t *threads = calloc(crowd->threads, sizeof *threads);
    ck_assert_ptr_nonnull(threads);
    atomic_store(&crowd->names, 0);
    atomic_store(&crowd->written, 0);
    pthread_barrier_init(&crowd->barrier, NULL, crowd->threads);
    for (uint32_t i = 0; i < crowd->threads; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_in_crowd, crowd), 0);
    for (uint32_t i = 0; i < crowd->threads; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&crowd->barrier);
    free(threads);
    ck_assert_uint_eq(atomic_load(&crowd->failed), 0);
}

/* Every key is found, once, in ascending order, with its own value. */
static inline void expect_crowd(const struct crowd *crowd, fastskip_table *table)
{
    fastskip_iterator *it = NULL;
    fastskip_entry entry;
    unsigned char last[8] = {0};
    uint64_t count = 0;
    OK(fastskip_table_check(table));
    OK(fastskip_iterator_new(table, NULL, 0, &it));
    for (fastskip_status s = fastskip_iterator_seek_first(it); s == FASTSKIP_OK;
         s = fastskip_iterator_next(it), count++) {
        REQUIRE(fastskip_iterator_entry(it, &entry) == FASTSKIP_OK);
        REQUIRE(entry.key_size == 8 && entry.value_size == 8);
        REQUIRE(memcmp(entry.key, entry.value, 8) == 0);
        REQUIRE(count == 0 || memcmp(last, entry.key, 8) < 0);
        memcpy(last, entry.key, 8);
        REQUIRE(fastskip_contains(table, NULL, last, 8) == FASTSKIP_OK);
    }
    fastskip_iterator_free(it);
    ck_assert_uint_eq(count,
                      crowd->pattern == SAME_KEYS ? crowd->keys : crowd->threads * crowd->keys);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), count);
}

#endif
