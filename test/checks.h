/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * checks.h - a table that is to be damaged, as the suites of lib/check use it.
 */
#ifndef FSK_TEST_CHECKS_H
#define FSK_TEST_CHECKS_H

#include "tables.h"

static fastskip_table *t;
static region_source source;

static inline fsk_block *block_at(fsk_ref ref)
{
    return fsk_block_at(&t->list.space, ref);
}

static inline fsk_ref ref_of(const void *p)
{
    return fsk_ref_of(&t->list.space, p);
}

/* Enough for two levels of index with small blocks; chains, tombstones, long values, a batch. */
static inline void build(int caller, unsigned keys)
{
    struct fastskip_options o = options_of(4 * MIB, 1);
    uint64_t state = 2;
    fastskip_batch b;
    memset(&source, 0, sizeof source);
    options_source(&o, &source);
    o.sequence_mode = (uint32_t)caller;
    t = table_of(&o);
    keys_of_table = KEYS_DECIMAL;
    for (unsigned i = 0; i < keys; i++) {
        unsigned key = i * 7919 % keys;
        if (caller) {
            for (unsigned n = 3; n > 0; n--)
                put_at(t, 10 * i + draw_below(&state, 10) + 1, key, i);
            continue;
        }
        put(t, key, i);
        for (unsigned n = draw_below(&state, 3); n > 0; n--) {
            snapshot(t);
            put(t, key, n);
        }
        if (i % 10 == 0)
            delete (t, key);
    }
    memset(&b, 0, sizeof b);
    for (unsigned i = 0; i < 10 && !caller; i++)
        batch_add(&b, 3 * i, FASTSKIP_PUT, i);
    fsk_table_write_batch(t, &b);
    batch_free(&b);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
}

static inline void drop(void)
{
    fsk_table_unref(t);
}

static inline fsk_ref entry_with(unsigned key)
{
    uint8_t bytes[KEY_ROOM];
    fsk_block *leaf;
    uint32_t part;
    fsk_key k;
    fsk_key_init(&k, &t->list.space.order, bytes, key_make(bytes, keys_of_table, key));
    leaf = fsk_list_leaf(&t->list, NULL, &k, &part);
    return fsk_block_find(&t->list.space, leaf, &k, part);
}

/* ---- one field at a time ---- */

#define FAR_AWAY 0x7fffff00u /* a reference to what is outside of any region here */

/* Where the low bytes of a number are. */
static inline const char *low_bytes(const uint64_t *number, size_t size)
{
    const uint16_t one = 1;
    const char *bytes = (const char *)number;
    return *(const uint8_t *)&one == 1 ? bytes : bytes + sizeof *number - size;
}

/* The check finds that these bytes were changed; they are put back. */
#define FINDS(field, value)                                                                        \
    do {                                                                                           \
        unsigned char before_[sizeof(field)];                                                      \
        uint64_t value_ = (uint64_t)(value);                                                       \
        memcpy(before_, &(field), sizeof(field));                                                  \
        memcpy(&(field), low_bytes(&value_, sizeof(field)), sizeof(field));                        \
        if (memcmp(before_, &(field), sizeof(field)) == 0)                                         \
            ck_abort_msg("%s is %s", #field, #value);                                              \
        if (fsk_table_check(t) != FASTSKIP_CORRUPT)                                                \
            ck_abort_msg("nothing found where %s is %s", #field, #value);                          \
        memcpy(&(field), before_, sizeof(field));                                                  \
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);                                               \
    } while (0)

#endif
