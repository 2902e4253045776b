/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_check.c - lib/check finds every kind of damage to blocks and entries, one at a time, made by hand in
 * a table that was sound.  Chains of versions, and any damage, are in test_check_versions.c and
 * test_check_any.c.
 */
#include "checks.h"

static unsigned words_of(const fsk_block *b)
{
    unsigned n = 0;
    while (n < FSK_BLOCK_WORDS && fsk_load32_seq(&b->ref[n]) != 0)
        n++;
    return n;
}

/* A block in the middle of a level, with at least this many words. */
static fsk_block *block_of(unsigned level, unsigned words)
{
    fsk_block *b = fsk_list_right(&t->list, fsk_list_block(&t->list, level, NULL));
    while (words_of(b) < words)
        b = fsk_list_right(&t->list, b);
    REQUIRE(b->low != 0 && b->high != 0);
    return b;
}

static void damage_links(fsk_block *b)
{
    fsk_block *right = fsk_list_right(&t->list, b);
    FINDS(b->next, 0);
    FINDS(b->next, FAR_AWAY);
    FINDS(b->next, ref_of(b));
    FINDS(b->next, fsk_load32_seq(&b->next) + 1); /* not on a line */
    FINDS(b->next, fsk_load32_seq(&right->next)); /* one is left out */
    FINDS(b->forward, ref_of(right));
    FINDS(b->forward, ref_of(b));
    FINDS(b->forward, FAR_AWAY);
    FINDS(right->forward, ref_of(b));
    FINDS(b->low, 0);
    FINDS(b->low, FAR_AWAY);
    FINDS(b->low, right->low);
    FINDS(b->high, 0);
    FINDS(b->high, FAR_AWAY);
    FINDS(b->high, b->low);
    FINDS(b->high, right->high);
    FINDS(b->level, b->level + 1);
    FINDS(b->level, 255);
}

static void damage_words(fsk_block *b)
{
    unsigned n = words_of(b);
    fsk_ref first = fsk_load32_seq(&b->ref[0]), second = fsk_load32_seq(&b->ref[1]);
    fsk_block *right = fsk_list_right(&t->list, b);
    REQUIRE(n >= 2);
    FINDS(b->ref[1], FAR_AWAY);
    FINDS(b->ref[1], first); /* twice */
    FINDS(b->ref[0], second);
    FINDS(b->ref[1], fsk_load32_seq(&right->ref[0])); /* out of the range */
    FINDS(b->ref[n - 1], fsk_load32_seq(&right->ref[1]));
    FINDS(b->part[0], fsk_load32_seq(&b->part[0]) + 1);
    FINDS(b->part[1], 0);
    FINDS(b->part[1], 0xfffffffe);
    FINDS(b->sorted, n + 1);
    FINDS(b->sorted, 255);
    FINDS(b->fill, n + 1);
    FINDS(b->fill, FAR_AWAY);
}

static void damage_prefix(fsk_block *b)
{
    if (b->skip != 0) {
        FINDS(b->sample, FAR_AWAY);
        FINDS(b->sample, 0);
        FINDS(b->window[FSK_WINDOW - 1], b->window[FSK_WINDOW - 1] + 1);
    }
    FINDS(b->skip, b->skip + 1);
    FINDS(b->skip, 65535);
    FINDS(b->high_part, b->high_part + 1);
    FINDS(b->shared, b->shared + 1);
    FINDS(b->shared, 65535);
}

START_TEST(links)
{
    build(0, 60 * FSK_BLOCK_WORDS);
    damage_links(block_of(0, 2));
    damage_links(block_of(1, 2));
    drop();
}
END_TEST

START_TEST(words)
{
    build(0, 60 * FSK_BLOCK_WORDS);
    damage_words(block_of(0, 2));
    damage_words(block_of(1, 2));
    FINDS(block_of(1, 2)->ref[0], ref_of(block_of(1, 2))); /* of the wrong level */
    drop();
}
END_TEST

START_TEST(prefixes)
{
    build(0, 60 * FSK_BLOCK_WORDS);
    damage_prefix(block_of(0, 2));
    damage_prefix(block_of(1, 2));
    drop();
}
END_TEST

START_TEST(two_words_change_places)
{
    fsk_block *b;
    fsk_ref first, second;
    build(0, 60 * FSK_BLOCK_WORDS);
    for (unsigned level = 0; level < 2; level++) {
        b = block_of(level, 2);
        while (b->sorted < 2)
            b = fsk_list_right(&t->list, b);
        first = fsk_load32_seq(&b->ref[0]);
        second = fsk_load32_seq(&b->ref[1]);
        fsk_init32(&b->ref[0], second);
        fsk_init32(&b->ref[1], first);
        ck_assert_int_eq(fsk_table_check(t), FASTSKIP_CORRUPT);
        fsk_init32(&b->part[0], FSK_UNKNOWN); /* the parts are right, the order is not */
        fsk_init32(&b->part[1], FSK_UNKNOWN);
        ck_assert_int_eq(fsk_table_check(t), FASTSKIP_CORRUPT);
        fsk_init32(&b->ref[0], first);
        fsk_init32(&b->ref[1], second);
        ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
    }
    drop();
}
END_TEST

/* The left-most word of the index is that of minus infinity, and the only one. */
START_TEST(minus_infinity)
{
    fsk_block *b;
    fsk_ref first, second;
    build(0, 60 * FSK_BLOCK_WORDS);
    b = fsk_list_block(&t->list, 1, NULL);
    first = fsk_load32_seq(&b->ref[0]);
    second = fsk_load32_seq(&b->ref[1]);
    REQUIRE(b->low == 0 && block_at(first)->low == 0 && b->sorted >= 2);
    FINDS(b->ref[0], 0);
    fsk_init32(&b->part[1], 0);
    fsk_init32(&b->ref[1], first);
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_CORRUPT);
    /* It stands behind another, where words are in no order. */
    fsk_init32(&b->ref[0], second);
    fsk_init32(&b->ref[1], first);
    fsk_init32(&b->part[0], FSK_UNKNOWN);
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_CORRUPT);
    b->sorted = 0;
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_CORRUPT);
    /* There is no word at all. */
    fsk_init32(&b->ref[0], 0);
    fsk_init32(&b->fill, 0);
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_CORRUPT);
    drop();
}
END_TEST

START_TEST(ends)
{
    fsk_block *first;
    fsk_ref root;
    build(0, 60 * FSK_BLOCK_WORDS);
    root = fsk_load32_seq(&t->list.root);
    FINDS(t->list.root, 0);
    FINDS(t->list.root, FAR_AWAY);
    FINDS(t->list.root, root + 1);
    FINDS(t->list.root, ref_of(block_of(0, 1))); /* what lies left of it is missing */
    FINDS(t->list.first, FAR_AWAY);
    FINDS(t->list.first, 0);
    FINDS(t->list.first, ref_of(block_of(0, 1)));
    FINDS(t->list.first, root); /* of the wrong level */
    first = fsk_list_first(&t->list);
    FINDS(first->forward, ref_of(first));
    FINDS(first->forward, FAR_AWAY);
    drop();
    /* Nobody has been to the first leaf since it was split: the way there is not on any level. */
    build(0, 0);
    for (unsigned i = 10 * FSK_BLOCK_WORDS; i > 0; i--)
        put(t, i, i);
    root = fsk_load32_seq(&t->list.first);
    first = block_at(root);
    REQUIRE(fsk_load32_seq(&first->forward) != 0);
    FINDS(first->forward, FAR_AWAY);
    FINDS(first->forward, root);
    FINDS(first->low, entry_with(3));
    drop();
}
END_TEST

/* A ring of leaves without words, each beginning where the last one ends: no key is out of place. */
START_TEST(a_ring)
{
    fsk_block *a, *b;
    build(0, 60 * FSK_BLOCK_WORDS);
    a = block_of(0, 1);
    b = fsk_list_right(&t->list, a);
    REQUIRE(b != NULL);
    fsk_init32(&b->next, ref_of(a));
    b->high = a->low;
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++) {
        fsk_init32(&b->ref[i], 0);
        fsk_init32(&b->part[i], FSK_UNKNOWN);
    }
    b->sorted = 0;
    fsk_init32(&b->fill, 0);
    b->high_part = fsk_block_part_of(&t->list.space, b, fsk_entry_at(&t->list.space, b->high));
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_CORRUPT);
    drop();
}
END_TEST

/* Orders nothing: whatever is asked is before the other, once it is to lie. */
static int32_t lie(void *context, const void *a, size_t an, const void *b, size_t bn)
{
    return *(const int *)context ? -1 : fsk_compare_bytes(a, an, b, bn);
}

static uint64_t no_abbreviation(void *context, const void *key, size_t size)
{
    (void)context;
    (void)key;
    (void)size;
    return 0;
}

/* A comparator may hide that the ring is out of order; the walk ends all the same. */
START_TEST(a_ring_that_no_key_shows)
{
    struct fastskip_options o = options_of(MIB, 1);
    int lying = 0;
    fsk_block *a, *b;
    o.compare = lie;
    o.abbreviate = no_abbreviation;
    o.compare_context = &lying;
    t = table_of(&o);
    keys_of_table = KEYS_DECIMAL;
    for (unsigned i = 0; i < 10 * FSK_BLOCK_WORDS; i++)
        put(t, i * 7919 % (10 * FSK_BLOCK_WORDS), i);
    a = block_of(0, 1);
    b = fsk_list_right(&t->list, a);
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
    fsk_init32(&b->next, ref_of(a));
    b->high = a->low;
    b->high_part = fsk_block_part_of(&t->list.space, b, fsk_entry_at(&t->list.space, b->high));
    lying = 1;
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_CORRUPT);
    drop();
}
END_TEST

START_TEST(entries)
{
    fsk_entry *e;
    uint8_t *byte;
    build(0, 60 * FSK_BLOCK_WORDS);
    /* The last entry of all lies near the end of what is in use. */
    put(t, 5000, 1);
    e = fsk_entry_at(&t->list.space, entry_with(5000));
    fsk_init64(&t->arena.taken, (uint64_t)ref_of(e) * FSK_UNIT + 32);
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
    FINDS(e->key_size, 65535);
    FINDS(e->key_size, 30);
    FINDS(e->short_value_size, 30);
    FINDS(e->short_value_size, 65534);
    e = fsk_entry_at(&t->list.space, fsk_load32_seq(&block_of(0, 2)->ref[1]));
    byte = fsk_entry_key(e);
    FINDS(*byte, *byte + 1);
    byte += e->key_size - 1;
    FINDS(*byte, *byte ^ 0x40);
    drop();
}
END_TEST

/* With a size so great that a sum with it is small again where a size_t has 32 bits. */
START_TEST(long_values)
{
    struct unaligned {
        uint8_t bytes[4];
    } * value_size;
    uint8_t bytes[KEY_ROOM];
    char *value = calloc(1, FSK_LONG_VALUE);
    fsk_entry *e;
    build(0, 10);
    ck_assert_int_eq(fsk_table_write(t, 0, FASTSKIP_PUT, bytes,
                                     key_make(bytes, keys_of_table, 5000), value, FSK_LONG_VALUE,
                                     FSK_ANYWAY, NULL),
                     FASTSKIP_OK);
    free(value);
    e = fsk_entry_at(&t->list.space, entry_with(5000));
    ck_assert_uint_eq(fsk_entry_value_size(e), FSK_LONG_VALUE);
    value_size = (struct unaligned *)(fsk_entry_key(e) + e->key_size);
    FINDS(*value_size, 0xffffffff);
    FINDS(*value_size, 0xfffffff0);
    FINDS(*value_size, 4 * MIB);
    drop();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        links,          words,       prefixes, two_words_change_places,
        minus_infinity, ends,        a_ring,   a_ring_that_no_key_shows,
        entries,        long_values,
    };
    return RUN_SUITE("check", tests);
}
