/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_skiplist_mend.c - lib/skiplist and lib/split: what others have left lagging behind, and who mends
 * it; the remembered right edge.
 */
#include "inside.h"

#include "lists.h"

static char in[100000];

static void fill(unsigned n)
{
    memset(in, 0, sizeof in);
    for (unsigned i = 0; i < n; i++) {
        list_insert(i);
        in[i] = 1;
    }
}

/* The slot of an index block after which there is none. */
static unsigned last_slot(const fsk_block *b)
{
    unsigned i = FSK_BLOCK_WORDS;
    while (fsk_load32_seq(&b->ref[i - 1]) == 0)
        i--;
    return i - 1;
}

START_TEST(a_lost_word_is_put_back)
{
    for (int way = 0; way < WAYS; way++) {
        fsk_block *parent, *child;
        fsk_word words[FSK_BLOCK_WORDS];
        unsigned slot;
        list_make(16 * MIB, 0, 1, KEYS_DECIMAL);
        fill(60 * FSK_BLOCK_WORDS);
        parent = fsk_list_block(&list, 1, NULL);
        while (parent != NULL && last_slot(parent) < 1)
            parent = fsk_list_right(&list, parent);
        REQUIRE(parent != NULL);
        slot = last_slot(parent);
        child =
            fsk_list_fresh(&list, fsk_block_at(&list.space, fsk_load32_seq(&parent->ref[slot])));
        fsk_init32(&parent->ref[slot], 0);
        fsk_init32(&parent->part[slot], FSK_UNKNOWN);
        fsk_init32(&parent->fill, 0);
        parent->sorted = (uint8_t)(slot < parent->sorted ? slot : parent->sorted);
        ck_assert_uint_eq(words_missing(), 1);
        fsk_block_gather(&list.space, child, words, 0);
        search(way, words[1].ref); /* its second key: what lies below is in the same leaf */
        ck_assert_uint_eq(words_missing(), 0);
        ck_assert_uint_eq(fsk_load32_seq(&parent->ref[slot]), fsk_ref_of(&list.space, child));
        list_verify(in, 60 * FSK_BLOCK_WORDS);
        list_drop();
    }
}
END_TEST

START_TEST(a_word_for_a_replaced_block_is_brought_up_to_date)
{
    for (int way = 0; way < WAYS; way++) {
        fsk_block *parent;
        fsk_ref first;
        list_make(16 * MIB, 0, 1, KEYS_DECIMAL);
        first = fsk_load32_seq(&list.first); /* it will be replaced */
        fill(60 * FSK_BLOCK_WORDS);
        parent = fsk_list_block(&list, 1, NULL);
        fsk_init32(&parent->ref[0], first);
        search(way, entry_of(1));
        ck_assert_uint_eq(fsk_load32_seq(&parent->ref[0]),
                          fsk_ref_of(&list.space, fsk_list_first(&list)));
        list_drop();
    }
}
END_TEST

/* A slot whose word no other of an index block's has the part of, but the first; else FSK_NO_SLOT. */
static unsigned lone_slot(const fsk_block *b)
{
    for (unsigned slot = last_slot(b); slot > 0; slot--) {
        uint32_t part = fsk_load32_seq(&b->part[slot]);
        uint64_t tie = fsk_mask_tie(b->part, part);
        tie &= ((uint64_t)2 << last_slot(b)) - 1;
        if (part != FSK_UNKNOWN && tie == (uint64_t)1 << slot)
            return slot;
    }
    return FSK_NO_SLOT;
}

/* A search for a block's low, whose part is that of the block's word, begins at the word before. */
START_TEST(a_word_beside_is_brought_up_to_date)
{
    for (int many = 0; many < 2; many++) {
        fsk_block *parent, *child, *leaf;
        const fsk_entry *low;
        unsigned slot, beside, first = 0;
        uint32_t part;
        fsk_ref old;
        fsk_key k;
        list_make(16 * MIB, 0, 1, KEYS_DECIMAL);
        for (unsigned i = 0; i < 20 * FSK_BLOCK_WORDS; i++)
            list_insert(100 * i);
        parent = fsk_list_block(&list, 1, NULL);
        slot = lone_slot(parent);
        REQUIRE(slot != FSK_NO_SLOT && last_slot(parent) < FSK_BLOCK_WORDS - 1);
        old = fsk_load32_seq(&parent->ref[slot]);
        child = fsk_block_at(&list.space, old);
        low = fsk_entry_at(&list.space, child->low);
        while (entry_of(100 * first) != child->low)
            first++;
        for (unsigned i = 1; fsk_load32_seq(&child->forward) == 0; i++)
            list_insert(100 * first + i);
        REQUIRE_EQ(fsk_load32_seq(&parent->forward), 0);
        fsk_init32(&parent->ref[slot], old);
        fsk_key_init(&k, &list.space.order, fsk_entry_key(low), low->key_size);
        part = fsk_block_part(&list.space, parent, &k, 0);
        REQUIRE(fsk_block_child(&list.space, parent, &k, part, 0, &beside) != slot);
        REQUIRE_EQ(beside, slot);
        if (many)
            fsk_list_leaves(&list, 1, &k, &leaf, &part);
        else
            leaf = fsk_list_leaf(&list, NULL, &k, &part);
        ck_assert_ptr_eq(leaf, fsk_list_fresh(&list, child));
        REQUIRE_EQ(fsk_load32_seq(&parent->ref[slot]), fsk_ref_of(&list.space, leaf));
        list_drop();
    }
}
END_TEST

START_TEST(a_next_that_names_a_replaced_block_is_brought_up_to_date)
{
    fsk_block *before, *full;
    fsk_writer w;
    list_make(16 * MIB, 0, 1, KEYS_DECIMAL);
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++)
        list_insert(100 * i);
    list_insert(100 * FSK_BLOCK_WORDS);
    before = fsk_list_first(&list);
    full = fsk_list_right(&list, before);
    for (unsigned i = 1; last_slot(full) < FSK_BLOCK_WORDS - 1; i++)
        list_insert(100 * FSK_BLOCK_WORDS + i);
    fsk_arena_enter(&arena, &w);
    ck_assert_int_eq(fsk_list_split(&list, &w, full), 1);
    fsk_arena_leave(&w);
    ck_assert_uint_eq(fsk_load32_seq(&before->next), fsk_ref_of(&list.space, full));
    ck_assert_ptr_eq(fsk_list_right(&list, before), fsk_list_fresh(&list, full));
    ck_assert_uint_eq(fsk_load32_seq(&before->next),
                      fsk_ref_of(&list.space, fsk_list_fresh(&list, full)));
    list_drop();
}
END_TEST

START_TEST(a_root_that_is_too_low_is_left_to_writers)
{
    fsk_ref root, old;
    uint64_t used;
    list_make(16 * MIB, 0, 1, KEYS_DECIMAL);
    fill(2 * FSK_BLOCK_WORDS);
    root = fsk_load32_seq(&list.root);
    old = fsk_load32_seq(&fsk_block_at(&list.space, root)->ref[0]);
    fsk_init32(&list.root, old);
    used = fsk_arena_total(&arena, FSK_COUNT_USED);
    for (int way = BY_READER; way < BY_WRITER; way++)
        search(way, entry_of(2 * FSK_BLOCK_WORDS - 1));
    ck_assert_uint_eq(fsk_load32_seq(&list.root), old);
    ck_assert_uint_eq(fsk_arena_total(&arena, FSK_COUNT_USED), used); /* readers take no memory */
    search(BY_WRITER, entry_of(2 * FSK_BLOCK_WORDS - 1));
    ck_assert_uint_eq(list_level(), 1);
    for (unsigned i = 0; i < 2 * FSK_BLOCK_WORDS; i++)
        search(BY_WRITER, entry_of(i));
    ck_assert_uint_eq(words_missing(), 0);
    list_verify(in, 2 * FSK_BLOCK_WORDS);
    list_drop();
}
END_TEST

/* ---- the right edge ---- */

static int edge_is_right(fsk_writer *w, unsigned number)
{
    uint8_t bytes[KEY_ROOM];
    uint32_t part, expected;
    fsk_block *edge, *leaf;
    fsk_key k;
    numbered_key(&k, bytes, number);
    edge = fsk_list_edge(&list, w, &k, &part);
    leaf = fsk_list_leaf(&list, NULL, &k, &expected);
    if (edge != NULL)
        REQUIRE(edge == leaf && part == expected);
    return edge != NULL;
}

START_TEST(the_edge_is_remembered)
{
    fsk_writer w;
    list_make(16 * MIB, 0, 1, KEYS_DECIMAL);
    fsk_arena_enter(&arena, &w);
    ck_assert_int_eq(edge_is_right(&w, 5), 0); /* nothing is remembered */
    for (unsigned i = 0; i < 1000; i++) {
        unsigned key = 1000 + i;
        if (i > FSK_BLOCK_WORDS) {
            REQUIRE(edge_is_right(&w, key)); /* no descent for ascending keys */
            REQUIRE(!edge_is_right(&w, 500));
        }
        list_insert_by(&w, key);
    }
    list_insert_by(&w, 1); /* not at the edge: the next one is not looked for there */
    ck_assert_int_eq(edge_is_right(&w, 3000), 0);
    list_insert_by(&w, 2999);
    ck_assert_int_eq(edge_is_right(&w, 3000), 1);
    fsk_arena_leave(&w);
    fsk_arena_reset(&arena);
    fsk_arena_enter(&arena, &w);
    ck_assert_int_eq(edge_is_right(&w, 3000), 0);
    fsk_arena_leave(&w);
    list_drop();
}
END_TEST

START_TEST(others_move_the_edge)
{
    fsk_writer mine, other;
    list_make(16 * MIB, 0, 2, KEYS_DECIMAL);
    fsk_arena_enter(&arena, &mine);
    fsk_arena_enter(&arena, &other);
    for (unsigned i = 0; i < 200; i++)
        list_insert_by(&mine, 10 * i);
    for (unsigned i = 200; i < 4000; i++) {
        list_insert_by(&other, 10 * i);
        edge_is_right(&mine, 10 * i + 5);
        edge_is_right(&other, 10 * i + 5);
        edge_is_right(&mine, 10 * i - 5);
    }
    ck_assert_int_eq(edge_is_right(&mine, 50000), 0); /* far beyond: a search is shorter */
    fsk_arena_leave(&mine);
    fsk_arena_leave(&other);
    list_drop();
}
END_TEST

#ifdef FSK_TEST_HOOK

/* The first leaf and the remembered one have been replaced many times over: whoever followed the chain
 * once must not have to do it again. */
START_TEST(the_way_from_a_remembered_block_stays_short)
{
    uint8_t bytes[KEY_ROOM];
    fsk_writer mine, other;
    uint32_t part;
    long before;
    fsk_key k;
    list_make(64 * MIB, 0, 2, KEYS_BINARY);
    fsk_arena_enter(&arena, &mine);
    fsk_arena_enter(&arena, &other);
    for (unsigned i = 0; i < 100; i++)
        list_insert_by(&mine, i); /* remembers the right-most leaf */
    for (unsigned i = 20000; i > 200; i--)
        list_insert_by(&other, i);
    numbered_key(&k, bytes, 30000);
    fsk_list_edge(&list, &mine, &k, &part);
    before = interruption.accesses;
    fsk_list_edge(&list, &mine, &k, &part);
    ck_assert_int_le(interruption.accesses - before, 64);
    fsk_arena_leave(&mine);
    fsk_arena_leave(&other);
    list_drop();
    list_make(64 * MIB, 0, 2, KEYS_BINARY);
    for (unsigned i = 20000; i > 0; i--)
        list_insert(i);
    fsk_list_first(&list);
    before = interruption.accesses;
    fsk_list_first(&list);
    ck_assert_int_le(interruption.accesses - before, 64);
    list_drop();
}
END_TEST

#endif

int main(void)
{
    const TTest *const tests[] = {
        a_lost_word_is_put_back,
        a_word_for_a_replaced_block_is_brought_up_to_date,
        a_word_beside_is_brought_up_to_date,
        a_next_that_names_a_replaced_block_is_brought_up_to_date,
        a_root_that_is_too_low_is_left_to_writers,
        the_edge_is_remembered,
        others_move_the_edge,
#ifdef FSK_TEST_HOOK
        the_way_from_a_remembered_block_stays_short,
#endif
    };
    return RUN_SUITE("skiplist mend", tests);
}
