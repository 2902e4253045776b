/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_paranoid.c - with `paranoid` a block that was damaged leads nobody astray: bits of the index, of
 * leaves and of the table's own references are turned, and whatever reads or walks then answers rightly,
 * or CORRUPT, and ends.  What is known to show must.  With sums, too: then keys may be damaged as well.
 */
#include "flips.h"

static const flip_scene scenes[] = {
    {"decimal", .keys = 30, .paranoid = 1},
    {"zeros", .keys = 30, .paranoid = 1, .family = KEYS_ZEROS},
    {"long", .keys = 20, .paranoid = 1, .family = KEYS_LONG, .ascending = 1},
    {"descending", .keys = 30, .paranoid = 1, .descending = 1},
    {"abbreviated", .keys = 30, .paranoid = 1, .descending = 1, .abbreviated = 1},
    {"numbered", .keys = 30, .paranoid = 1, .caller = 1},
    {"sums", .keys = 30, .paranoid = 1, .checksum = 4},
};

static const fsk_space *space(void)
{
    return &t->list.space;
}

static unsigned corrupt; /* how many calls found the damage */

static void note(fastskip_status status)
{
    REQUIRE(status == FASTSKIP_OK || status == FASTSKIP_NOT_FOUND || status == FASTSKIP_CORRUPT);
    corrupt += status == FASTSKIP_CORRUPT;
}

/* ---- reads ---- */

/*
 * The word of an entry that is gone, or whose part says otherwise, is like that of a key which was never
 * written: without sums of blocks nobody can tell.  With sums of entries all else that is answered is
 * right; without, a word may name what looks like an entry.
 */
static void gets(void)
{
    uint8_t bytes[KEY_ROOM];
    fastskip_entry e;
    unsigned met;
    for (unsigned key = 0; key < 2 * scene->keys; key++) {
        size_t size = flip_key(bytes, key);
        fastskip_status status = fsk_table_get(t, fsk_table_latest(t), bytes, size, 1, &e);
        note(status);
        if (status == FASTSKIP_OK && scene->checksum)
            REQUIRE(key % 2 == 0 && flip_number(&e, &met) == held[key / 2].number[0] && met == key);
    }
}

static int after(const fastskip_entry *x, const fastskip_entry *y)
{
    return fsk_compare(&space()->order, x->key, x->key_size, y->key, y->key_size) > 0;
}

/* Keys in strict order, each with what it has. */
static void walk(uint32_t flags, int backwards)
{
    fastskip_iterator *it;
    fastskip_status status;
    fastskip_entry e, last = {0};
    unsigned rows = 0, key;
    REQUIRE_EQ(fsk_iterator_new(t, fsk_table_latest(t), flags, &it), FASTSKIP_OK);
    status = backwards ? fsk_iterator_last(it) : fsk_iterator_first(it);
    for (; status == FASTSKIP_OK; rows++) {
        fsk_iterator_show(it, &e);
        if (scene->checksum) /* else a word may name what looks like an entry whose turn it is */
            flip_number(&e, &key);
        REQUIRE(flags == FASTSKIP_ALL_VERSIONS || rows == 0 ||
                (backwards ? after(&last, &e) : after(&e, &last)));
        last = e;
        status = backwards ? fsk_iterator_prev(it) : fsk_iterator_next(it);
    }
    REQUIRE(rows <= FLIP_VERSIONS * scene->keys);
    note(status);
    if (status == FASTSKIP_CORRUPT)
        REQUIRE_EQ(fsk_iterator_next(it), FASTSKIP_NOT_FOUND);
    fsk_iterator_free(it);
}

static void seeks(void)
{
    fastskip_iterator *it;
    uint8_t bytes[KEY_ROOM];
    REQUIRE_EQ(fsk_iterator_new(t, fsk_table_latest(t), FASTSKIP_TOMBSTONES, &it), FASTSKIP_OK);
    for (unsigned key = 0; key < 2 * scene->keys; key += 5) {
        size_t size = flip_key(bytes, key);
        note(fsk_iterator_seek(it, bytes, size));
        note(fsk_iterator_next(it));
        note(fsk_iterator_seek_for_prev(it, bytes, size));
        note(fsk_iterator_prev(it));
    }
    fsk_iterator_free(it);
}

static void figures(void)
{
    uint8_t bytes[KEY_ROOM];
    fsk_key lower;
    uint64_t n;
    note(fsk_table_stat(t, FASTSKIP_STAT_LIVE, &n));
    fsk_key_init(&lower, &space()->order, bytes, flip_key(bytes, 2 * flip_place(2)));
    corrupt += fsk_table_approximate(t, &lower, NULL) == FSK_APPROXIMATE_DAMAGED;
}

static void read_all(void)
{
    corrupt = 0;
    gets();
    for (int backwards = 0; backwards < 2; backwards++) {
        walk(FASTSKIP_TOMBSTONES, backwards);
        walk(FASTSKIP_ALL_VERSIONS, backwards);
    }
    seeks();
    figures();
}

/* ---- damage ---- */

static unsigned char *saved;
static size_t saved_size;
static fsk_ref saved_root, saved_first;

static void save(void)
{
    saved_size = (size_t)fsk_arena_taken(&t->arena);
    saved = malloc(saved_size);
    REQUIRE(saved != NULL);
    memcpy(saved, t->arena.base, saved_size);
    saved_root = fsk_load32_seq(&t->list.root);
    saved_first = fsk_load32_seq(&t->list.first);
}

/* Searches mend what they find lagging, so all is put back. */
static void restore(void)
{
    memcpy(t->arena.base, saved, saved_size);
    fsk_init32(&t->list.root, saved_root);
    fsk_init32(&t->list.first, saved_first);
}

/* Of each 32 bits all but 8 must be found: some lead to another block that does as well. */
static void turn_bits(void *field, size_t size, int must)
{
    uint8_t *bytes = field;
    size_t missed = 0;
    for (size_t i = 0; i < size * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        read_all();
        missed += corrupt == 0;
        if (must && missed > size * 2)
            ck_abort_msg("%s: bit %zu of the field at %ld is not found", scene->name, i,
                         (long)((char *)field - t->arena.base) % (long)FSK_LINE);
        restore();
    }
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
}

static void damage_block(fsk_block *b)
{
    unsigned n = 0;
    /* The way to the right is gone on index levels only where something lags. */
    turn_bits(&b->next, sizeof b->next, b->level == 0);
    /* Memory that was never used looks like a leaf without words and without ends. */
    turn_bits(&b->forward, sizeof b->forward, b->low != 0);
    turn_bits(&b->low, sizeof b->low, b->level == 0);
    turn_bits(&b->high, sizeof b->high, b->level == 0);
    turn_bits(&b->level, sizeof b->level, 1);
    turn_bits(&b->high_part, sizeof b->high_part, 0);
    turn_bits(&b->fill, sizeof b->fill, 0);
    turn_bits(&b->sample, sizeof b->sample, 0);
    turn_bits(&b->skip, sizeof b->skip, 0);
    turn_bits(&b->shared, sizeof b->shared, 0);
    turn_bits(&b->sorted, sizeof b->sorted, 0);
    turn_bits(b->window, sizeof b->window, 0);
    while (n < FSK_BLOCK_WORDS && fsk_load32_seq(&b->ref[n]) != 0)
        n++;
    turn_bits(b->ref, (n < 6 ? n : 6) * sizeof b->ref[0], b->level == 0 && scene->checksum);
    turn_bits(b->part, (n < 6 ? n : 6) * sizeof b->part[0], 0);
}

static void damage_levels(void)
{
    unsigned level = fsk_block_at(space(), fsk_load32_seq(&t->list.root))->level;
    for (unsigned at = 0; at <= level; at++) {
        fsk_block *b = fsk_list_block(&t->list, at, NULL);
        for (unsigned n = 0; n < 2 && b != NULL; n++) {
            damage_block(b);
            b = fsk_list_right(&t->list, b);
        }
    }
}

/* Those of the table itself are not in the region. */
static void damage_ends(fsk_atomic32 *end)
{
    fsk_ref before = fsk_load32_seq(end);
    unsigned found = 0; /* but not where there is a block from which all can be reached, too */
    for (unsigned i = 0; i < 32; i++) {
        fsk_init32(end, before ^ UINT32_C(1) << i);
        read_all();
        found += corrupt != 0;
        fsk_init32(end, before);
        restore();
    }
    REQUIRE(found >= 24);
}

START_TEST(blocks)
{
    for (unsigned i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        flip_build(&scenes[i]);
        gets(); /* nothing lags from here on */
        walk(0, 0);
        walk(0, 1);
        save();
        damage_levels();
        damage_ends(&t->list.root);
        damage_ends(&t->list.first);
        free(saved);
        fsk_table_unref(t);
    }
}
END_TEST

/* The keys of two words change places: the walk is out of order, and says so. */
START_TEST(order_as_it_goes)
{
    for (unsigned i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        fsk_ref entry, other;
        fsk_block *leaf;
        int told_apart; /* else keys decide, not places */
        flip_build(&scenes[i]);
        leaf = fsk_list_first(&t->list);
        entry = fsk_load32_seq(&leaf->ref[0]);
        other = fsk_load32_seq(&leaf->ref[1]);
        told_apart = fsk_load32_seq(&leaf->part[0]) != fsk_load32_seq(&leaf->part[1]);
        REQUIRE(entry != 0 && other != 0);
        fsk_init32(&leaf->ref[0], other);
        fsk_init32(&leaf->ref[1], entry);
        for (int backwards = 0; backwards < 2; backwards++) {
            corrupt = 0;
            walk(FASTSKIP_TOMBSTONES, backwards);
            REQUIRE_EQ(corrupt, told_apart);
        }
        fsk_init32(&leaf->ref[0], entry);
        fsk_init32(&leaf->ref[1], other);
        fsk_table_unref(t);
    }
}
END_TEST

/* A write ends, too. */
START_TEST(a_write_ends)
{
    static const flip_scene open = {"open", .keys = 30, .paranoid = 1};
    uint8_t bytes[KEY_ROOM];
    fsk_block *leaf;
    uint32_t part;
    fsk_key k;
    size_t size;
    flip_build(&open);
    fsk_init32(&t->sealed, 0);
    corrupt = 0;
    size = flip_key(bytes, 31);
    fsk_key_init(&k, &space()->order, bytes, size);
    leaf = fsk_list_leaf(&t->list, NULL, &k, &part);
    for (unsigned bit = 0; bit < 32; bit++) {
        fsk_ref low = leaf->low;
        leaf->low = low ^ UINT32_C(1) << bit;
        note(fsk_table_write(t, 0, 0, bytes, size, NULL, 0, FSK_ANYWAY, NULL));
        leaf->low = low;
    }
    REQUIRE(corrupt > 8); /* most of them lead out of what is in use */
    REQUIRE_EQ(fsk_table_write(t, 0, 0, bytes, size, NULL, 0, FSK_ANYWAY, NULL), FASTSKIP_OK);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    fsk_table_unref(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {blocks, order_as_it_goes, a_write_ends};
    return RUN_SUITE("paranoid", tests);
}
