/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_skiplist.c - lib/skiplist and lib/split, one thread at a time: locating, inserting, splitting,
 * promoting, growing, mending.  After everything the whole list is walked, level by level, and held
 * against the keys that it should hold.  What threads do to each other is in test_skiplist_races.c.
 */
#include "inside.h"

#include "lists.h"

/* ---- whole lists ---- */

START_TEST(an_empty_list)
{
    static const fsk_order bytewise;
    fsk_arena_options o = {
        64 * 1024, 0, 1, 0, {source_reserve, source_commit, source_release, NULL}, 0};
    region_source source = {.fail_at = 1};
    uint32_t part;
    fsk_key k;
    list_make(MIB, 4096, 1, 0);
    fsk_key_init(&k, &list.space.order, NULL, 0);
    ck_assert_ptr_eq(fsk_list_leaf(&list, NULL, &k, &part), fsk_list_first(&list));
    ck_assert_ptr_eq(fsk_list_leaf_below(&list, NULL), fsk_list_first(&list));
    ck_assert_ptr_eq(fsk_list_block(&list, 0, NULL), fsk_list_first(&list));
    ck_assert_ptr_null(fsk_list_right(&list, fsk_list_first(&list)));
    ck_assert_uint_eq(fsk_arena_total(&arena, FSK_COUNT_LEAVES), 1);
    list_verify(NULL, 0);
    list_drop();

    o.source.context = &source; /* nothing for its first block */
    ck_assert_int_eq(fsk_arena_init(&arena, &o), FASTSKIP_OK);
    ck_assert_int_eq(fsk_list_init(&list, &arena, &bytewise), FASTSKIP_NO_MEMORY);
    list_drop();
    o.limit = 300;
    source.fail_at = 0;
    ck_assert_int_eq(fsk_arena_init(&arena, &o), FASTSKIP_OK);
    ck_assert_int_eq(fsk_list_init(&list, &arena, &bytewise),
                     sizeof(fsk_block) + FSK_LINE <= 300 ? FASTSKIP_OK : FASTSKIP_FULL);
    list_drop();
}
END_TEST

/* Every order of arrival, every family of keys. */
enum { ASCENDING, DESCENDING, INWARDS, OUTWARDS, RANDOM, ARRIVALS };

static unsigned arrival(int how, unsigned i, unsigned n, const unsigned *random)
{
    switch (how) {
    case ASCENDING:
        return i;
    case DESCENDING:
        return n - 1 - i;
    case INWARDS:
        return i % 2 ? n - 1 - i / 2 : i / 2;
    case OUTWARDS:
        return i % 2 ? n / 2 + i / 2 : n / 2 - 1 - i / 2;
    default:
        return random[i];
    }
}

START_TEST(keys_arrive_in_every_order)
{
    enum { N = 3000 };
    static char in[N];
    static unsigned random[N];
    uint64_t state = 3;
    for (int family = 0; family < KEY_FAMILIES; family++)
        for (int how = 0; how < ARRIVALS; how++) {
            shuffled(random, N, &state);
            memset(in, 0, sizeof in);
            list_make(64 * MIB, 0, 1, family);
            for (unsigned i = 0; i < N; i++) {
                unsigned key = arrival(how, i, N, random);
                REQUIRE_EQ(list_insert(key), 1);
                in[key] = 1;
                if (i % 1000 == 7)
                    list_verify(in, N);
            }
            list_verify(in, N);
            for (unsigned i = 0; i < N; i += 7)
                REQUIRE_EQ(list_insert(i), 0); /* it is there */
            list_verify(in, N);
            list_accounts(in, N);
            ck_assert_uint_ge(list_level(), FSK_BLOCK_WORDS > 8 ? 1 : 4);
            if (how == ASCENDING) { /* bulk loads pack their blocks */
                uint64_t leaves = fsk_arena_total(&arena, FSK_COUNT_LEAVES);
                ck_assert_uint_le(leaves, N / (FSK_BLOCK_WORDS - 1) + 2);
            }
            list_drop();
        }
}
END_TEST

static int32_t backwards(void *context, const void *a, size_t an, const void *b, size_t bn)
{
    (void)context;
    return fsk_compare_bytes(b, bn, a, an);
}

static uint64_t upside_down(void *context, const void *key, size_t size)
{
    (void)context;
    return ~((uint64_t)fsk_part_bytes(key, size, 4) << 32);
}

START_TEST(own_orders)
{
    static const fsk_order orders[] = {{backwards, NULL, NULL}, {backwards, upside_down, NULL}};
    enum { N = 1500 };
    uint64_t state = 4;
    unsigned random[N];
    for (int o = 0; o < 2; o++) {
        unsigned found = 0;
        shuffled(random, N, &state);
        list_make_ordered(64 * MIB, 0, 1, KEYS_DECIMAL, &orders[o]);
        for (unsigned i = 0; i < N; i++)
            REQUIRE_EQ(list_insert(random[i]), 1);
        for (fsk_block *b = fsk_list_first(&list); b != NULL; b = fsk_list_right(&list, b)) {
            fsk_word words[FSK_BLOCK_WORDS];
            unsigned n = fsk_block_gather(&list.space, b, words, 0);
            for (unsigned i = 0; i < n; i++, found++)
                REQUIRE(entry_is(words[i].ref, N - 1 - found));
        }
        ck_assert_uint_eq(found, N);
        for (unsigned i = 0; i < N; i++)
            REQUIRE(list_find(i) != 0);
        list_drop();
    }
}
END_TEST

/* Chains of replaced blocks are cut short as they are walked: else keys that arrive in descending order
 * make a walk to the first leaf, or to any, as long as there were splits. */
static unsigned forwards_from(const fsk_block *b)
{
    unsigned n = 0;
    for (fsk_ref f; (f = fsk_load32_seq(&b->forward)) != 0; n++)
        b = fsk_block_at(&list.space, f);
    return n;
}

START_TEST(replaced_blocks_do_not_pile_up)
{
    enum { N = 20000 };
    unsigned longest = 0;
    list_make(64 * MIB, 0, 1, KEYS_BINARY);
    for (unsigned i = N; i > 0; i--)
        list_insert(i);
    for (unsigned level = 0; level <= list_level(); level++)
        for (fsk_block *b = fsk_list_block(&list, level, NULL); b != NULL;
             b = fsk_list_right(&list, b)) {
            fsk_ref next = fsk_load32_seq(&b->next);
            unsigned n = next != 0 ? forwards_from(fsk_block_at(&list.space, next)) : 0;
            for (unsigned i = 0; level > 0 && i < FSK_BLOCK_WORDS; i++) {
                fsk_ref word = fsk_load32_seq(&b->ref[i]);
                unsigned m = word != 0 ? forwards_from(fsk_block_at(&list.space, word)) : 0;
                n = m > n ? m : n;
            }
            longest = n > longest ? n : longest;
        }
    ck_assert_uint_le(longest, 2);
    list_drop();
}
END_TEST

/* ---- one step at a time ---- */

START_TEST(taking_a_slot)
{
    fsk_ref refs[FSK_BLOCK_WORDS + 1], present = 0;
    fsk_block *leaf;
    fsk_writer w;
    fsk_key k;
    uint8_t bytes[KEY_ROOM];
    list_make(MIB, 4096, 1, 0);
    leaf = fsk_list_first(&list);
    fsk_arena_enter(&arena, &w);
    for (unsigned i = 0; i <= FSK_BLOCK_WORDS; i++) {
        refs[i] = entry_new(&w, i);
        fsk_key_init(&k, &list.space.order, bytes, key_make(bytes, 0, i));
        ck_assert_int_eq(fsk_list_take(&list, &w, leaf, i / 2, 1000 + i, refs[i], &k, &present),
                         i < FSK_BLOCK_WORDS ? FSK_TAKEN : FSK_NO_ROOM);
    }
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++) {
        ck_assert_uint_eq(fsk_load32_seq(&leaf->ref[i]), refs[i]);
        ck_assert_uint_eq(fsk_load32_seq(&leaf->part[i]), 1000 + i);
    }
    ck_assert_uint_eq(fsk_load32_seq(&leaf->fill), FSK_BLOCK_WORDS);
    /* Another put the key there after the search: it is met on the way. */
    fsk_key_init(&k, &list.space.order, bytes, key_make(bytes, 0, 2));
    ck_assert_int_eq(fsk_list_take(&list, &w, leaf, 1, 7, refs[FSK_BLOCK_WORDS], &k, &present),
                     FSK_PRESENT);
    ck_assert_uint_eq(present, refs[2]);
    fsk_arena_leave(&w);
    list_drop();
}
END_TEST

START_TEST(a_split)
{
    for (int ascending = 0; ascending < 2; ascending++) {
        fsk_block *old, *left, *right;
        fsk_writer w;
        unsigned mid;
        list_make(MIB, 4096, 1, 0);
        old = fsk_list_first(&list);
        for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++)
            list_insert(ascending ? i : FSK_BLOCK_WORDS - i);
        fsk_arena_enter(&arena, &w);
        ck_assert_int_eq(fsk_list_split(&list, &w, old), 1);
        ck_assert_int_eq(fsk_list_split(&list, &w, old), 1); /* it is split: nothing more happens */
        fsk_arena_leave(&w);
        left = fsk_list_first(&list);
        right = fsk_list_right(&list, left);
        mid = ascending ? FSK_BLOCK_WORDS - 1 : FSK_BLOCK_WORDS / 2;
        ck_assert(left != old && right != NULL && fsk_load32_seq(&right->next) == 0);
        ck_assert(left->low == 0 && right->high == 0 && left->high == right->low);
        ck_assert(left->sorted == mid && right->sorted == FSK_BLOCK_WORDS - mid);
        ck_assert(entry_is(right->low, mid + !ascending));
        ck_assert_uint_eq(fsk_arena_total(&arena, FSK_COUNT_LEAVES), 2);
        ck_assert_uint_eq(fsk_arena_total(&arena, FSK_COUNT_REPLACED), 1);
        ck_assert_uint_eq(fsk_arena_total(&arena, FSK_COUNT_INDEX), 1);
        ck_assert_uint_eq(list_level(), 1);
        ck_assert_uint_eq(fsk_arena_total(&arena, FSK_COUNT_WASTED), 0);
        list_drop();
    }
}
END_TEST

/* The word of a block that was split names its left half at once, and the halves of an index block name
 * what their children's forwards lead to. */
START_TEST(a_split_brings_words_up_to_date)
{
    fsk_block *parent, *leaf;
    fsk_writer w;
    fsk_ref first;
    list_make(16 * MIB, 0, 1, KEYS_BINARY);
    first = fsk_load32_seq(&list.first);
    for (unsigned i = 5000; i > 4000 || list_level() < 1; i--)
        list_insert(i);
    parent = fsk_list_block(&list, 1, NULL);
    for (unsigned i = 2000; (leaf = fsk_list_first(&list))->sorted == FSK_BLOCK_WORDS ||
                            fsk_load32_seq(&leaf->ref[FSK_BLOCK_WORDS - 1]) == 0;
         i--)
        list_insert(i);
    fsk_arena_enter(&arena, &w);
    ck_assert_int_eq(fsk_list_split(&list, &w, leaf), 1);
    parent = fsk_list_fresh(&list, parent);
    ck_assert_uint_eq(fsk_load32_seq(&parent->ref[0]), fsk_load32_seq(&leaf->forward));
    fsk_arena_leave(&w);
    for (unsigned i = 1900; fsk_load32_seq(&parent->ref[FSK_BLOCK_WORDS - 1]) == 0; i--) {
        list_insert(i);
        parent = fsk_list_block(&list, 1, NULL);
    }
    fsk_init32(&parent->ref[0], first); /* replaced long ago */
    fsk_arena_enter(&arena, &w);
    ck_assert_int_eq(fsk_list_split(&list, &w, parent), 1);
    fsk_arena_leave(&w);
    parent = fsk_list_block(&list, 1, NULL);
    ck_assert_uint_eq(fsk_load32_seq(&parent->ref[0]),
                      fsk_ref_of(&list.space, fsk_list_first(&list)));
    list_drop();
}
END_TEST

/* Keys to come leave the prefix of the right-most leaf: it is chosen so that few do. */
START_TEST(ascending_keys_have_parts)
{
    enum { N = 20000 };
    unsigned unknown = 0;
    list_make(16 * MIB, 0, 1, KEYS_DECIMAL);
    for (unsigned i = 0; i < N; i++) {
        fsk_block *last;
        unsigned slot = 0;
        list_insert(i);
        last = fsk_list_leaf_below(&list, NULL);
        while (slot + 1 < FSK_BLOCK_WORDS && fsk_load32_seq(&last->ref[slot + 1]) != 0)
            slot++;
        unknown += fsk_load32_seq(&last->part[slot]) == FSK_UNKNOWN;
    }
    ck_assert_uint_lt(unknown, N / 20);
    list_drop();
}
END_TEST

START_TEST(a_split_without_memory)
{
    for (uint64_t blocks = 0; blocks < 4; blocks++) {
        fsk_block *old;
        fsk_writer w;
        char in[FSK_BLOCK_WORDS];
        uint64_t used, wasted;
        int done;
        list_make(64 * 1024, 4096, 1, 0);
        old = fsk_list_first(&list);
        for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++)
            list_insert(i);
        memset(in, 1, sizeof in);
        fsk_arena_enter(&arena, &w);
        leave_blocks(&w, blocks);
        used = fsk_arena_total(&arena, FSK_COUNT_USED) + w.used;
        wasted = fsk_arena_total(&arena, FSK_COUNT_WASTED);
        done = fsk_list_split(&list, &w, old);
        /* Two blocks are needed; without a third the promotion is left out. */
        ck_assert_int_eq(done, blocks >= 2);
        ck_assert_int_eq(fsk_load32_seq(&old->forward) != 0, blocks >= 2);
        ck_assert_uint_eq(list_level(), blocks >= 3);
        if (!done) {
            ck_assert_int_eq(w.status, FASTSKIP_FULL);
            ck_assert_uint_eq(fsk_arena_total(&arena, FSK_COUNT_USED) + w.used - used,
                              fsk_arena_total(&arena, FSK_COUNT_WASTED) - wasted);
        }
        fsk_arena_leave(&w);
        list_verify(in, FSK_BLOCK_WORDS);
        list_drop();
    }
}
END_TEST

START_TEST(blocks_taken_ahead)
{
    fsk_writer w;
    uint64_t used;
    list_make(64 * 1024, 4096, 1, 0);
    fsk_arena_enter(&arena, &w);
    for (uint64_t n = 0; n < 12; n++) {
        used = w.used;
        ck_assert_int_eq(fsk_list_reserve(&list, &w, n), 1);
        ck_assert_uint_eq(w.used - used, n * sizeof(fsk_block));
        fsk_list_unreserve(&list, &w);
        ck_assert(w.used == used && w.reserved == 0);
    }
    used = w.used;
    ck_assert_int_eq(fsk_list_reserve(&list, &w, 64 * 1024 / sizeof(fsk_block)), 0);
    ck_assert(w.used == used && w.reserved == 0 && w.status == FASTSKIP_FULL);
    /* Splits take them where there is nothing else. */
    ck_assert_int_eq(fsk_list_reserve(&list, &w, 2), 1);
    fsk_arena_leave(&w);
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++)
        list_insert(i);
    fsk_arena_enter(&arena, &w);
    ck_assert_int_eq(fsk_list_reserve(&list, &w, 2), 1);
    leave_blocks(&w, 0);
    ck_assert_int_eq(fsk_list_split(&list, &w, fsk_list_first(&list)), 1);
    ck_assert_uint_eq(w.reserved, 0);
    fsk_arena_leave(&w);
    list_drop();
}
END_TEST

START_TEST(the_root_grows_once)
{
    fsk_block *right;
    fsk_writer w;
    fsk_ref old, root;
    list_make(MIB, 4096, 1, 0);
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++)
        list_insert(i);
    old = fsk_load32_seq(&list.root);
    fsk_arena_enter(&arena, &w);
    fsk_list_split(&list, &w, fsk_block_at(&list.space, old));
    right = fsk_list_right(&list, fsk_list_first(&list));
    root = fsk_load32_seq(&list.root);
    /* Its first word is the very reference that was the root. */
    ck_assert_uint_eq(fsk_load32_seq(&fsk_block_at(&list.space, root)->ref[0]), old);
    ck_assert_uint_eq(fsk_load32_seq(&fsk_block_at(&list.space, root)->ref[1]),
                      fsk_ref_of(&list.space, right));
    /* One who read the root before that loses, and his block is the next one's. */
    ck_assert_int_eq(fsk_list_grow(&list, &w, old, right), 0);
    ck_assert_uint_eq(fsk_load32_seq(&list.root), root);
    ck_assert_uint_eq(fsk_arena_total(&arena, FSK_COUNT_INDEX), 1);
    ck_assert_uint_eq(fsk_arena_total(&arena, FSK_COUNT_RETRIES), 1);
    fsk_arena_leave(&w);
    list_drop();
}
END_TEST

START_TEST(a_word_for_a_block)
{
    fsk_block *root, *b;
    char in[40 * FSK_BLOCK_WORDS];
    unsigned n = 0;
    fsk_writer w;
    list_make(MIB, 4096, 1, 0);
    while (list_level() < 1 || n % FSK_BLOCK_WORDS < FSK_BLOCK_WORDS / 2)
        list_insert(n++);
    memset(in, 1, n);
    root = fsk_block_at(&list.space, fsk_load32_seq(&list.root));
    b = fsk_list_right(&list, fsk_list_first(&list));
    ck_assert_int_eq(fsk_list_append(&list, root, b), FSK_PRESENT); /* it has one: none is added */
    list_verify(in, n);
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++) /* a full one has no room, and stays */
        if (fsk_load32_seq(&root->ref[i]) == 0)
            fsk_init32(&root->ref[i], fsk_load32_seq(&root->ref[0]));
    fsk_arena_enter(&arena, &w);
    b = fsk_block_at(&list.space, fsk_arena_alloc(&w, FSK_LEAVES, sizeof(fsk_block), FSK_LINE));
    fsk_arena_leave(&w);
    fsk_block_init(&list.space, b, 0, entry_of(1), 0, 0, 0);
    ck_assert_int_eq(fsk_list_append(&list, root, b), FSK_NO_ROOM);
    list_drop();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_empty_list,
        keys_arrive_in_every_order,
        own_orders,
        replaced_blocks_do_not_pile_up,
        taking_a_slot,
        a_split,
        a_split_brings_words_up_to_date,
        ascending_keys_have_parts,
        a_split_without_memory,
        blocks_taken_ahead,
        the_root_grows_once,
        a_word_for_a_block,
    };
    return RUN_SUITE("skiplist", tests);
}
