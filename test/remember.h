/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * remember.h - writers that write at random and remember what was acknowledged, to compare it with what the
 * table then says.
 */
#ifndef FSK_TEST_REMEMBER_H
#define FSK_TEST_REMEMBER_H

#include <stdatomic.h>

#include "api.h"

#define KEYS 600
#define ABSENT 0
#define BATCH 12

struct writer {
    fastskip_table *table;
    uint32_t mode, name; /* name: keeps the keys of several writers apart */
    uint64_t random, number;
    uint32_t state[KEYS]; /* stamp of the newest version; odd stamps are tombstones */
    uint64_t versions, bytes;
    fastskip_batch *batch;
};

#define LARGEST 9000
static const unsigned char filler[LARGEST + 8];

static inline size_t size_of_value(uint32_t stamp)
{
    uint32_t x = stamp * 2654435761u;
    return stamp % 2     ? 0
           : x % 50 == 0 ? 4 + (x >> 8) % (LARGEST - 4)
           : x % 5 == 0  ? 4 + (x >> 8) % 400
                         : 4 + (x >> 8) % 40;
}

static inline const void *value_of(unsigned char *value, uint32_t stamp)
{
    memcpy(value, filler, sizeof filler);
    memcpy(value, &stamp, sizeof stamp);
    return value;
}

/* Keys of several writers lie beside each other, so that they meet in the same blocks. */
static inline size_t name_key(const struct writer *w, unsigned k, char *text)
{
    return (size_t)snprintf(text, 32, "%0*u/%u", k % 7 == 0 ? 20 : 4, k, w->name);
}

/* What the table says of a key is what the writer remembers. */
static inline int is_as_remembered(const struct writer *w, unsigned k)
{
    char key[32];
    fastskip_entry entry;
    uint32_t stamp = w->state[k], found;
    fastskip_status status = fastskip_get_raw(w->table, NULL, key, name_key(w, k, key), &entry);
    if (stamp == ABSENT)
        return status == FASTSKIP_NOT_FOUND;
    if (status != FASTSKIP_OK || entry.value_size != size_of_value(stamp))
        return 0;
    if (stamp % 2)
        return entry.kind == FASTSKIP_DELETE;
    memcpy(&found, entry.value, sizeof found);
    return entry.kind == FASTSKIP_PUT && found == stamp &&
           memcmp((const char *)entry.value + 4, filler, entry.value_size - 4) == 0;
}

static inline void remember(struct writer *w, unsigned k, uint32_t stamp)
{
    char key[32];
    w->state[k] = stamp;
    w->versions++;
    w->bytes += name_key(w, k, key) + size_of_value(stamp);
}

static inline fastskip_status write_key(struct writer *w, unsigned k, uint32_t stamp)
{
    unsigned char value[LARGEST + 8];
    char key[32];
    size_t size = name_key(w, k, key);
    if (w->mode == FASTSKIP_SEQUENCE_CALLER)
        return fastskip_put_at(w->table, ++w->number, stamp % 2, key, size, value_of(value, stamp),
                               size_of_value(stamp));
    if (stamp % 2)
        return fastskip_delete(w->table, key, size);
    return fastskip_put(w->table, key, size, value_of(value, stamp), size_of_value(stamp));
}

static inline fastskip_status write_some(struct writer *w, unsigned k, uint32_t stamp, unsigned n)
{
    unsigned char value[LARGEST + 8];
    char key[32];
    fastskip_batch_clear(w->batch);
    for (unsigned i = 0; i < n; i++, stamp++) {
        size_t size = name_key(w, (k + i) % KEYS, key);
        if (w->mode == FASTSKIP_SEQUENCE_CALLER)
            fastskip_batch_put_at(w->batch, ++w->number, stamp % 2, key, size,
                                  value_of(value, stamp), size_of_value(stamp));
        else if (stamp % 2)
            fastskip_batch_delete(w->batch, key, size);
        else
            fastskip_batch_put(w->batch, key, size, value_of(value, stamp), size_of_value(stamp));
    }
    return fastskip_write(w->table, w->batch);
}

/* One random write. Unless it is OK the keys that it named are as before. */
static inline fastskip_status write_randomly(struct writer *w, const char **failure)
{
    unsigned k = (unsigned)(draw(&w->random) % KEYS);
    unsigned n = draw(&w->random) % 8 == 0 ? 2 + (unsigned)(draw(&w->random) % (BATCH - 2)) : 1;
    uint32_t stamp = (uint32_t)(draw(&w->random) >> 33) | 2;
    fastskip_status status = n > 1 ? write_some(w, k, stamp, n) : write_key(w, k, stamp);
    for (unsigned i = 0; i < n; i++) {
        if (status == FASTSKIP_OK)
            remember(w, (k + i) % KEYS, stamp + i);
        if (!is_as_remembered(w, (k + i) % KEYS))
            *failure = status == FASTSKIP_OK ? "a write is not to be read" : "a refused write is";
    }
    return status;
}

/* The figures of a table that only these writers have written. */
static inline void expect_figures(const fastskip_table *table, const struct writer *writers, int n)
{
    uint64_t keys = 0, key_bytes = 0, live = 0, versions = 0;
    for (int i = 0; i < n; i++) {
        versions += writers[i].versions;
        for (unsigned k = 0; k < KEYS; k++) {
            char key[32];
            keys += writers[i].state[k] != ABSENT;
            live += writers[i].state[k] != ABSENT && writers[i].state[k] % 2 == 0;
            key_bytes += writers[i].state[k] != ABSENT ? name_key(&writers[i], k, key) : 0;
        }
    }
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), keys);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEY_BYTES), key_bytes);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_LIVE), live);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_TOMBSTONES), keys - live);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), versions);
}

static inline int remembers_everything(const struct writer *w)
{
    for (unsigned k = 0; k < KEYS; k++)
        if (!is_as_remembered(w, k))
            return 0;
    return 1;
}

static inline void start_writer(struct writer *w, fastskip_table *table, uint32_t mode,
                                uint32_t name)
{
    memset(w, 0, sizeof *w);
    w->table = table;
    w->mode = mode;
    w->name = name;
    w->random = name + 1;
    OK(fastskip_batch_new(&w->batch));
}

/* ---- several of them at once ---- */

struct crowd {
    fastskip_table *table;
    uint64_t limit;
    atomic_int over; /* writers that have ended */
    struct writer writers[6];
    const char *failures[7];
};

struct member {
    struct crowd *crowd;
    int index;
};

#endif
