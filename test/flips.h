/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * flips.h - a sealed table of which it is known what was written, for suites that turn bits in it.
 *
 * Keys have even numbers; odd ones were never written.  Every write has a number of its own, which its
 * value begins with; values have odd sizes, so that the sum does not follow at once.  The region lies
 * between pages that can not be touched.
 */
#ifndef FSK_TEST_FLIPS_H
#define FSK_TEST_FLIPS_H

#include "tables.h"

#define FLIP_KEYS 32
#define FLIP_VERSIONS 4
#define FLIP_WRITES 512
#define FLIP_LONG 70001

typedef struct {
    const char *name;
    int caller, family;
    int descending;  /* by an order of its own, without abbreviations */
    int abbreviated; /* with them */
    unsigned keys;
    int ascending; /* that is how they are written */
    uint32_t checksum, paranoid;
    int long_value; /* key 2 has one */
} flip_scene;

static fastskip_table *t;
static region_source source;
static const flip_scene *scene;

/* What each key holds, newest first, and by which number a read sees no newer one. */
static struct {
    unsigned count, number[FLIP_VERSIONS];
    uint64_t limit[FLIP_VERSIONS];
} held[FLIP_KEYS];
static unsigned writes, written_to[FLIP_WRITES];

static int32_t compare_descending(void *context, const void *a, size_t a_size, const void *b,
                                  size_t b_size)
{
    (void)context;
    return fsk_compare_bytes(b, b_size, a, a_size);
}

static uint64_t abbreviate_descending(void *context, const void *key, size_t size)
{
    (void)context;
    return ~((uint64_t)fsk_part_bytes(key, size, 0) << 32);
}

static inline size_t flip_key(uint8_t *bytes, unsigned key)
{
    return key_make(bytes, scene->family, key);
}

static inline fsk_ref flip_entry(unsigned key)
{
    uint8_t bytes[KEY_ROOM];
    fsk_block *leaf;
    uint32_t part;
    fsk_key k;
    fsk_key_init(&k, &t->list.space.order, bytes, flip_key(bytes, key));
    leaf = fsk_list_leaf(&t->list, NULL, &k, &part);
    return fsk_block_find(&t->list.space, leaf, &k, part);
}

/* ---- writing ---- */

/* sequence 0: the table numbers it. */
static inline void flip_hold(unsigned key, unsigned number, uint64_t sequence)
{
    unsigned at = 0, n = key / 2;
    while (sequence != 0 && at < held[n].count && held[n].limit[at] > sequence)
        at++;
    REQUIRE(held[n].count < FLIP_VERSIONS && writes < FLIP_WRITES);
    for (unsigned i = held[n].count++; i > at; i--) {
        held[n].number[i] = held[n].number[i - 1];
        held[n].limit[i] = held[n].limit[i - 1];
    }
    held[n].number[at] = number;
    held[n].limit[at] = sequence != 0 ? sequence : snapshot(t);
}

static inline size_t flip_value(uint8_t *value, unsigned key)
{
    size_t size = scene->long_value && key == 4 ? FLIP_LONG : sizeof writes + 1 + writes % 3;
    memset(value, 0x5a, size);
    memcpy(value, &writes, sizeof writes);
    return size;
}

static inline void flip_write(unsigned key, uint32_t kind, int condition, uint64_t sequence)
{
    static uint8_t value[FLIP_LONG];
    uint8_t bytes[KEY_ROOM];
    size_t n = flip_key(bytes, key), size = flip_value(value, key);
    REQUIRE_EQ(fsk_table_write(t, sequence, kind, bytes, n, value,
                               kind == FASTSKIP_DELETE ? 0 : size, condition, NULL),
               FASTSKIP_OK);
    written_to[writes] = key;
    flip_hold(key, kind == FASTSKIP_DELETE ? DELETED : writes, sequence);
    writes++;
}

static inline void flip_batch(unsigned from, unsigned to, unsigned step)
{
    static uint8_t value[FLIP_LONG];
    uint8_t bytes[KEY_ROOM];
    fastskip_batch b;
    unsigned first = writes;
    memset(&b, 0, sizeof b);
    for (unsigned key = from; key < to; key += step) {
        size_t n = flip_key(bytes, key), size = flip_value(value, key);
        written_to[writes++] = key;
        REQUIRE_EQ(fsk_batch_add(&b, 0, 0, FASTSKIP_PUT, bytes, n, value, size), FASTSKIP_OK);
    }
    REQUIRE_EQ(fsk_table_write_batch(t, &b), FASTSKIP_OK);
    for (unsigned key = from; key < to; key += step)
        flip_hold(key, first++, 0);
    batch_free(&b);
}

static inline void flip_fill_auto(void)
{
    unsigned n = 2 * scene->keys;
    for (unsigned i = 0; i < scene->keys; i++) {
        unsigned key = 2 * (scene->ascending ? i : i * 7 % scene->keys);
        if (key % 16 != 6)
            flip_write(key, key % 10 == 8 ? FASTSKIP_DELETE : FASTSKIP_PUT, FSK_ANYWAY, 0);
    }
    for (unsigned key = 0; key < n; key += 6)
        if (key % 16 != 6)
            flip_write(key, key % 4 == 0 ? 5 : FASTSKIP_PUT, FSK_ANYWAY, 0);
    flip_batch(6, n, 16); /* new keys */
    flip_batch(0, n, 12);
    for (unsigned key = 0; key < n; key += 2)
        if (held[key / 2].number[0] == DELETED && key % 4 == 0)
            flip_write(key, FASTSKIP_PUT, FSK_IF_ABSENT, 0);
    flip_write(2, FASTSKIP_PUT, FSK_ANYWAY, 0);
    flip_write(2, FASTSKIP_DELETE, FSK_ANYWAY, 0);
}

static inline void flip_fill_numbered(void)
{
    for (unsigned i = 0; i < scene->keys; i++) {
        unsigned key = 2 * (i * 7 % scene->keys);
        flip_write(key, FASTSKIP_PUT, FSK_ANYWAY, 100 * i + 50);
        if (i % 3 == 0)
            flip_write(key, FASTSKIP_DELETE, FSK_ANYWAY, 100 * i + 80);
        if (i % 4 == 0)
            flip_write(key, 7, FSK_ANYWAY, 100 * i + 20);
        if (i % 6 == 0)
            flip_write(key, FASTSKIP_PUT, FSK_ANYWAY, 100 * i + 60);
    }
}

static inline void flip_build(const flip_scene *s)
{
    struct fastskip_options o = options_of(MIB, 1);
    memset(&source, 0, sizeof source);
    memset(held, 0, sizeof held);
    writes = 0;
    scene = s;
    options_source(&o, &source);
    o.sequence_mode = (uint32_t)s->caller;
    o.checksum = s->checksum;
    o.paranoid = s->paranoid;
    o.compare = s->descending ? compare_descending : NULL;
    o.abbreviate = s->abbreviated ? abbreviate_descending : NULL;
    t = table_of(&o);
    if (s->caller)
        flip_fill_numbered();
    else
        flip_fill_auto();
    fsk_table_seal(t);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
}

/* ---- reading ---- */

/* The place in a walk of key number n. */
static inline unsigned flip_place(unsigned n)
{
    return scene->descending ? scene->keys - 1 - n : n;
}

/* Was this value once written to the key, and what is its number? */
static inline unsigned flip_number(const fastskip_entry *e, unsigned *key)
{
    unsigned number = UINT32_MAX;
    uint8_t bytes[KEY_ROOM];
    if (e->kind != FASTSKIP_DELETE) {
        REQUIRE(e->value_size > sizeof number);
        memcpy(&number, e->value, sizeof number);
        REQUIRE(number < writes);
        *key = written_to[number];
    } else { /* whose it is says its key alone */
        number = DELETED;
        for (*key = 0; *key < 2 * scene->keys; *key += 2)
            if (flip_key(bytes, *key) == e->key_size && memcmp(bytes, e->key, e->key_size) == 0)
                break;
        REQUIRE(*key < 2 * scene->keys);
    }
    REQUIRE(flip_key(bytes, *key) == e->key_size && memcmp(bytes, e->key, e->key_size) == 0);
    return number;
}

static inline int flip_was_held(unsigned key, unsigned number)
{
    for (unsigned i = 0; i < held[key / 2].count; i++)
        if (held[key / 2].number[i] == number)
            return 1;
    return 0;
}

/* ---- a table that is not at rest ---- */

static inline void flip_open(const flip_scene *s)
{
    flip_build(s);
    fsk_init32(&t->sealed, 0);
}

static inline fastskip_status flip_read(unsigned key, fastskip_entry *e)
{
    uint8_t bytes[KEY_ROOM];
    return fsk_table_get(t, fsk_table_latest(t), bytes, flip_key(bytes, key), 1, e);
}

static inline fastskip_status flip_put(unsigned key, int condition)
{
    uint8_t bytes[KEY_ROOM];
    return fsk_table_write(t, 0, FASTSKIP_PUT, bytes, flip_key(bytes, key), "12345", 5, condition,
                           NULL);
}

/* Publishes a version of a key for a batch that does not end. */
static inline fsk_ref flip_pending(unsigned key, fsk_ref *record)
{
    uint8_t bytes[KEY_ROOM];
    fsk_writer w;
    fsk_write x;
    REQUIRE_EQ(fsk_table_enter(t, &w), FASTSKIP_OK);
    *record = fsk_arena_alloc(&w, FSK_ENTRIES, sizeof(fsk_record), FSK_UNIT);
    fsk_init64(fsk_word_at(&t->list.space, *record), FSK_RECORD_PENDING);
    memset(&x, 0, sizeof x);
    fsk_key_init(&x.key, &t->list.space.order, bytes, flip_key(bytes, key));
    x.table = t;
    x.writer = &w;
    x.owner = *record;
    x.word = fsk_word_of_batch(FASTSKIP_PUT, *record) | FSK_WORD_UNCOUNTED;
    REQUIRE_EQ(fsk_write_publish(&x, NULL, 0), FASTSKIP_OK);
    fsk_table_leave(&w);
    return x.version;
}

#endif
