/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_checksum_blocks.c - lib/checksum where blocks name what is damaged: index words, estimates, words that
 * lead out of the region or are gone; and damage that comes while a write is under way.
 */
#include "flips.h"

static const fsk_space *space(void)
{
    return &t->list.space;
}

static const flip_scene plain = {"plain", .keys = 6, .checksum = 4};

/* ---- what blocks name ---- */

#define FAR_AWAY 0x7fffff00u /* a reference to what is outside */

/* Enough keys for two levels, with blocks of any size. */
static void build_levels(void)
{
    flip_open(&plain);
    for (unsigned key = 12; key < 12 + 8 * FSK_BLOCK_WORDS; key++)
        REQUIRE_EQ(flip_put(key, FSK_ANYWAY), FASTSKIP_OK);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
}

/* The last byte of an entry's own value: nothing that a search looks at. */
static uint8_t *last_byte(fsk_ref entry)
{
    fsk_entry *e = fsk_entry_at(space(), entry);
    return (uint8_t *)(uintptr_t)fsk_entry_value(e) + fsk_entry_value_size(e) - 1;
}

/* Index words are made of the key of a block, and of the sample; neither may be damaged. */
START_TEST(no_word_of_a_damaged_key)
{
    fsk_list *l;
    fsk_block *parent, *leaf;
    fsk_writer w;
    fsk_ref root;
    build_levels();
    l = &t->list;
    root = fsk_load32_seq(&l->root);
    parent = fsk_list_block(l, 1, NULL);
    leaf = fsk_list_right(l, fsk_list_first(l));
    if (leaf->low == parent->sample)
        leaf = fsk_list_right(l, leaf);
    REQUIRE(parent->sample != 0 && leaf->low != parent->sample);
    REQUIRE_EQ(fsk_list_append(l, parent, leaf), FSK_PRESENT);
    *last_byte(parent->sample) ^= 1;
    REQUIRE_EQ(fsk_list_append(l, parent, leaf), FSK_DAMAGED);
    *last_byte(parent->sample) ^= 1;
    *last_byte(leaf->low) ^= 1;
    REQUIRE_EQ(fsk_list_append(l, parent, leaf), FSK_DAMAGED);
    REQUIRE_EQ(fsk_table_enter(t, &w), FASTSKIP_OK);
    REQUIRE_EQ(fsk_list_grow(l, &w, root, leaf), 0);
    REQUIRE_EQ(w.status, FASTSKIP_CORRUPT);
    REQUIRE_EQ(fsk_load32_seq(&l->root), root);
    fsk_table_leave(&w);
    *last_byte(leaf->low) ^= 1;
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    fsk_table_unref(t);
}
END_TEST

/* Estimates read blocks: what these name, and the keys where they end, must be sound. */
START_TEST(estimates)
{
    fsk_block *parent, *leaf;
    fsk_key key;
    const fsk_entry *e;
    fsk_ref word;
    unsigned n = 0;
    build_levels();
    parent = fsk_list_block(&t->list, 1, NULL);
    leaf = fsk_list_right(&t->list, fsk_list_first(&t->list));
    e = fsk_entry_at(space(), leaf->low);
    fsk_key_init(&key, &space()->order, fsk_entry_key(e), e->key_size);
    REQUIRE(fsk_table_approximate(t, &key, NULL) != FSK_APPROXIMATE_DAMAGED);
    *last_byte(leaf->high) ^= 1;
    REQUIRE_EQ(fsk_table_approximate(t, &key, NULL), FSK_APPROXIMATE_DAMAGED);
    REQUIRE_EQ(fsk_table_approximate(t, NULL, &key), FSK_APPROXIMATE_DAMAGED);
    *last_byte(leaf->high) ^= 1;
    REQUIRE(fsk_table_approximate(t, NULL, &key) != FSK_APPROXIMATE_DAMAGED);
    while (n < FSK_BLOCK_WORDS && fsk_load32_seq(&parent->ref[n]) != 0)
        n++;
    REQUIRE(n > 1 && fsk_checked_block(space(), parent));
    word = fsk_load32_seq(&parent->ref[n - 1]);
    fsk_init32(&parent->ref[n - 1], FAR_AWAY);
    REQUIRE(!fsk_checked_block(space(), parent));
    fsk_init32(&parent->ref[n - 1], word);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    fsk_table_unref(t);
}
END_TEST

/* A word of a leaf that names nothing is found when its turn comes, also without `paranoid`. */
START_TEST(a_word_that_leads_out)
{
    fastskip_iterator *it;
    fastskip_status status;
    fsk_block *leaf;
    fsk_ref entry;
    unsigned rows = 0;
    build_levels();
    leaf = fsk_list_first(&t->list);
    entry = fsk_load32_seq(&leaf->ref[1]);
    fsk_init32(&leaf->ref[1], FAR_AWAY);
    REQUIRE_EQ(fsk_iterator_new(t, fsk_table_latest(t), FASTSKIP_TOMBSTONES, &it), FASTSKIP_OK);
    for (status = fsk_iterator_first(it); status == FASTSKIP_OK; rows++)
        status = fsk_iterator_next(it);
    REQUIRE_EQ(status, FASTSKIP_CORRUPT);
    REQUIRE(rows < FSK_BLOCK_WORDS);
    fsk_init32(&leaf->ref[1], entry);
    for (rows = 0, status = fsk_iterator_first(it); status == FASTSKIP_OK; rows++)
        status = fsk_iterator_next(it);
    REQUIRE_EQ(status, FASTSKIP_NOT_FOUND);
    REQUIRE_EQ(rows, stat_of(t, FASTSKIP_STAT_KEYS));
    fsk_iterator_free(it);
    fsk_table_unref(t);
}
END_TEST

/* A key that is gone from its leaf leaves a sound table behind; the keys were counted. */
START_TEST(a_key_that_is_gone)
{
    fsk_block *leaf;
    unsigned n;
    build_levels();
    fsk_table_seal(t);
    for (leaf = fsk_list_first(&t->list); leaf != NULL; leaf = fsk_list_right(&t->list, leaf)) {
        fsk_ref entry;
        for (n = 0; n < FSK_BLOCK_WORDS && fsk_load32_seq(&leaf->ref[n]) != 0; n++)
            ;
        entry = fsk_load32_seq(&leaf->ref[n - 1]);
        fsk_init32(&leaf->ref[n - 1], 0);
        fsk_init32(&leaf->fill, n - 1);
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_CORRUPT);
        fsk_init32(&t->sealed, 0); /* then a write may be under way */
        if (n - 1 > leaf->sorted)
            REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
        fsk_init32(&t->sealed, 1);
        fsk_init32(&leaf->ref[n - 1], entry);
        fsk_init32(&leaf->fill, n);
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    }
    fsk_table_unref(t);
}
END_TEST

/* ---- damage that comes while a write is under way ---- */

#ifdef FSK_TEST_HOOK

static fastskip_status written;

static void insert_zero(void *context)
{
    (void)context;
    written = flip_put(0, FSK_IF_ABSENT);
}

static void turn_byte(void *context)
{
    *(uint8_t *)context ^= 1;
}

/* Below a version that waits for its batch lies a tombstone: the look whether the key is live, and the push,
 * each come to it. */
START_TEST(meanwhile)
{
    unsigned corrupt = 0;
    for (long point = 0;; point++) {
        uint8_t bytes[KEY_ROOM];
        uint64_t versions;
        fsk_ref record, tombstone;
        int is_over;
        flip_open(&plain);
        REQUIRE_EQ(fsk_table_write(t, 0, FASTSKIP_DELETE, bytes, flip_key(bytes, 0), NULL, 0,
                                   FSK_ANYWAY, NULL),
                   FASTSKIP_OK);
        tombstone = fsk_load32_seq(&fsk_entry_at(space(), flip_entry(0))->newest);
        flip_pending(0, &record);
        versions = stat_of(t, FASTSKIP_STAT_VERSIONS);
        is_over = !interrupted(point, insert_zero, NULL, turn_byte,
                               &fsk_version_at(space(), tombstone)->owner);
        if (is_over) {
            REQUIRE_EQ(written, FASTSKIP_OK);
            fsk_table_unref(t);
            break;
        }
        REQUIRE(written == FASTSKIP_OK || written == FASTSKIP_CORRUPT);
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), versions + (written == FASTSKIP_OK));
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_CORRUPT);
        turn_byte(&fsk_version_at(space(), tombstone)->owner);
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
        corrupt += written == FASTSKIP_CORRUPT;
        fsk_table_unref(t);
    }
    REQUIRE(corrupt > 10);
}
END_TEST

#endif

int main(void)
{
    const TTest *const tests[] = {
        no_word_of_a_damaged_key,
        estimates,
        a_word_that_leads_out,
        a_key_that_is_gone,
#ifdef FSK_TEST_HOOK
        meanwhile,
#endif
    };
    return RUN_SUITE("checksum blocks", tests);
}
