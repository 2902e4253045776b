/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_block.c - lib/block: one block at a time, made by hand in every state that a reader may find it
 * in, and held against a plain model.  The keys are such that parts tie, prefixes end in the middle of a
 * window, and keys lie outside of the prefix on both sides.
 */
#include "inside.h"

#include "block.h"

#define W FSK_BLOCK_WORDS

static fsk_space space;
static size_t used;
static uint64_t state = 1;

static void *take(size_t size)
{
    void *p;
    used = (used + FSK_LINE - 1) / FSK_LINE * FSK_LINE;
    p = space.base + used;
    used += size;
    REQUIRE(used < 4 << 20);
    return p;
}

static void space_clear(const fsk_order *order)
{
    static const fsk_order bytewise;
    if (space.base == NULL)
        REQUIRE(posix_memalign((void **)&space.base, FSK_LINE, 4 << 20) == 0);
    used = FSK_LINE;
    space.order = order != NULL ? *order : bytewise;
}

static fsk_ref entry_new(const uint8_t *key, size_t size)
{
    fsk_entry *e = take(sizeof *e + size);
    memset(e, 0, sizeof *e);
    e->key_size = (uint16_t)size;
    if (size != 0)
        memcpy(fsk_entry_key(e), key, size);
    return fsk_ref_of(&space, e);
}

static int entry_order(const void *x, const void *y)
{
    const fsk_entry *a = fsk_entry_at(&space, *(const fsk_ref *)x);
    const fsk_entry *b = fsk_entry_at(&space, *(const fsk_ref *)y);
    return fsk_compare(&space.order, fsk_entry_key(a), a->key_size, fsk_entry_key(b), b->key_size);
}

static void key_of(fsk_key *k, fsk_ref entry)
{
    const fsk_entry *e = fsk_entry_at(&space, entry);
    fsk_key_init(k, &space.order, fsk_entry_key(e), e->key_size);
}

/* n different keys in order, entries all, most of which share `common` bytes. */
#define MANY (3 * W)
static fsk_ref sorted[MANY + 2];

static void make_keys(unsigned n, size_t common)
{
    uint8_t key[700];
    for (unsigned i = 0; i < n;) {
        size_t rest = draw_below(&state, 7), before = used;
        unsigned j = 0;
        memset(key, 'q', common);
        for (size_t k = 0; k < rest; k++) /* few letters, and zero bytes among them */
            key[common + k] = (uint8_t)(draw_below(&state, 3) * 0x7f);
        if (common > 0 && draw_below(&state, 8) == 0) /* it leaves the prefix, either way */
            key[draw_below(&state, (unsigned)common)] += (uint8_t)(1 - 2 * (int)(i % 2));
        sorted[i] = entry_new(key, common + rest);
        while (j < i && entry_order(&sorted[i], &sorted[j]) != 0)
            j++;
        if (j == i)
            i++;
        else
            used = before;
    }
    qsort(sorted, n, sizeof *sorted, entry_order);
}

/* Has a block with this prefix room for the key at birth?  What comes later may be any key. */
static int has_prefix(fsk_ref ref, fsk_ref sample, size_t skip)
{
    const fsk_entry *a = fsk_entry_at(&space, ref), *b = fsk_entry_at(&space, sample);
    return fsk_shared_prefix(fsk_entry_key(a), a->key_size, fsk_entry_key(b), b->key_size,
                             FSK_KEY_MOST) >= skip ||
           entry_order(&ref, &sample) == 0;
}

/* As a writer would: a word in the first empty slot; its part is not there yet in the middle of it. */
static void add_late(fsk_block *b, unsigned slot, fsk_ref ref, fsk_ref key, int with_part)
{
    fsk_init32(&b->ref[slot], ref);
    if (with_part)
        fsk_init32(&b->part[slot], fsk_block_part_of(&space, b, fsk_entry_at(&space, key)));
    if (draw_below(&state, 2))
        fsk_init32(&b->fill, slot + 1); /* a hint, which may lag */
}

static const size_t commons[] = {0, 1, 3, 7, 20, 23, 24, 25, 40, 100, 125, 150, 600};
#define COMMONS (sizeof commons / sizeof *commons)

/* ---- tests ---- */

START_TEST(a_new_block)
{
    static const size_t skips[] = {0, 1, 5, 23, 24, 25, 33};
    uint8_t key[30];
    fsk_ref sample, high;
    fsk_block *b = NULL;
    space_clear(NULL);
    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i + 1);
    sample = entry_new(key, sizeof key);
    key[29]++;
    high = entry_new(key, sizeof key);
    for (size_t i = 0; i < sizeof skips / sizeof *skips; i++) {
        size_t skip = skips[i];
        b = take(sizeof *b);
        memset(b, 0xa5, sizeof *b); /* memory is never assumed to be zero */
        fsk_block_init(&space, b, 3, sample, high, sample, skip);
        ck_assert(b->level == 3 && b->sorted == 0 && b->low == sample && b->high == high);
        ck_assert_uint_eq(b->skip, skip);
        ck_assert_uint_eq(b->shared, 29);
        ck_assert_uint_eq(
            fsk_load32_seq(&b->forward) | fsk_load32_seq(&b->next) | fsk_load32_seq(&b->fill), 0);
        for (unsigned w = 0; w < W; w++)
            REQUIRE(fsk_load32_seq(&b->ref[w]) == 0 && fsk_load32_seq(&b->part[w]) == FSK_UNKNOWN);
        for (size_t w = 0; w < FSK_WINDOW; w++) { /* the end of the prefix, padded on both sides */
            size_t at = skip + w - FSK_WINDOW;
            REQUIRE_EQ(b->window[w], skip + w < FSK_WINDOW || at >= 30 ? 0 : at + 1);
        }
        ck_assert_uint_eq(b->sample, skip != 0 ? sample : 0);
    }
    ck_assert_int_eq(sizeof *b % 8, 0);
    fsk_block_init(&space, b, 0, 0, 0, 0, 9); /* no sample, no prefix */
    ck_assert(b->skip == 0 && b->shared == 0 && b->high_part == FSK_UNKNOWN);
    ck_assert_uint_eq(fsk_block_gather(&space, b, (fsk_word[W]){{0, 0, 0}}, FSK_LINE), 0);
}
END_TEST

START_TEST(masks)
{
    static const uint32_t edges[] = {0, 1, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, ~0u};
    fsk_block *b;
    space_clear(NULL);
    b = take(sizeof *b);
    fsk_block_init(&space, b, 0, 0, 0, 0, 0);
    for (unsigned round = 0; round < 2000; round++) {
        for (unsigned i = 0; i < W; i++)
            fsk_init32(&b->part[i], edges[draw_below(&state, 7)]);
        for (unsigned e = 0; e < 7; e++) {
            uint64_t less = 0, tie = 0, below = 0;
            uint32_t best = 0;
            fsk_order_masks m = fsk_mask_order(b->part, edges[e]);
            fsk_child_masks c = fsk_mask_child(b->part, edges[e]);
            for (unsigned i = 0; i < W; i++) {
                uint32_t p = fsk_load32_relaxed(&b->part[i]);
                less |= (uint64_t)(p < edges[e]) << i;
                tie |= (uint64_t)(p == edges[e] || p == FSK_UNKNOWN) << i;
                if (p < edges[e] && p > best)
                    best = p;
            }
            for (unsigned i = 0; i < W; i++)
                below |= (less >> i & (fsk_load32_relaxed(&b->part[i]) == best)) << i;
            REQUIRE(c.below == below && c.tie == tie);
            REQUIRE(fsk_mask_tie(b->part, edges[e]) == tie);
            REQUIRE(m.less == less && m.tie == tie && fsk_mask_less(b->part, edges[e]) == less);
        }
    }
}
END_TEST

/* The part of any key in any block: 0 below the prefix, unknown above it, else the bytes after it. */
START_TEST(parts)
{
    for (unsigned round = 0; round < scaled_alone(300); round++) {
        size_t common = commons[round % COMMONS], skip;
        fsk_block *b;
        space_clear(NULL);
        make_keys(2, common);
        b = take(sizeof *b);
        skip = draw_below(&state, (unsigned)common + 1);
        fsk_block_init(&space, b, 0, 0, 0, sorted[0], skip);
        for (unsigned i = 0; i < 200; i++) {
            uint8_t key[700];
            const fsk_entry *sample = fsk_entry_at(&space, sorted[0]);
            size_t size = draw_below(&state, (unsigned)common + 8), shared;
            uint32_t should, known;
            fsk_key k, bare;
            int c = 0;
            memset(key, 'q', sizeof key);
            for (size_t j = common; j < size; j++)
                key[j] = (uint8_t)draw(&state);
            if (draw_below(&state, 2) && size > 0) /* leaves the prefix somewhere */
                key[draw_below(&state, (unsigned)size)] +=
                    (uint8_t)(1 - 2 * (int)draw_below(&state, 2));
            shared = fsk_shared_prefix(key, size, fsk_entry_key(sample), sample->key_size, skip);
            if (shared < skip)
                c = (shared < size ? key[shared] : 0) - fsk_entry_key(sample)[shared];
            should = c == 0 ? fsk_part_bytes(key, size, skip) : c < 0 ? 0 : FSK_UNKNOWN;
            fsk_key_init(&k, &space.order, key, size);
            REQUIRE(fsk_block_part_of(&space, b, fsk_entry_at(&space, entry_new(key, size))) ==
                    should);
            fsk_key_set(&bare, &space.order, key, size); /* without the padded view */
            REQUIRE(fsk_block_part(&space, b, &bare, 0) == should);
            for (known = 0; known <= shared;
                 known += 1 + known / 3) /* what a search has compared */
                REQUIRE(fsk_block_part(&space, b, &k, known) == should);
        }
    }
}
END_TEST

START_TEST(words_in_order)
{
    static const fsk_word least = {.ref = 1, .key = 0, .part = 0};
    fsk_word a = {.ref = 2, .part = 0}, b = {.ref = 3, .part = 7};
    space_clear(NULL);
    a.key = entry_new((const uint8_t *)"", 0);
    b.key = entry_new((const uint8_t *)"b", 1);
    /* By parts, whatever the keys. */
    ck_assert_int_lt(fsk_word_compare(&space, &a, &b), 0);
    ck_assert_int_gt(fsk_word_compare(&space, &b, &a), 0);
    /* Minus infinity is below the empty key. */
    ck_assert_int_lt(fsk_word_compare(&space, &least, &a), 0);
    ck_assert_int_gt(fsk_word_compare(&space, &a, &least), 0);
    ck_assert_int_eq(fsk_word_compare(&space, &least, &least), 0);
    /* By keys. */
    a.part = b.part;
    ck_assert_int_lt(fsk_word_compare(&space, &a, &b), 0);
    ck_assert_int_gt(fsk_word_compare(&space, &b, &a), 0);
    ck_assert_int_eq(fsk_word_compare(&space, &b, &b), 0);
}
END_TEST

/* A leaf in some state: n of the keys are in, the first ones from birth. */
static fsk_block *make_leaf(unsigned n, unsigned total, size_t common, char *in)
{
    fsk_block *b = take(sizeof *b);
    unsigned count = 0;
    fsk_ref late[W], sample;
    size_t skip = draw_below(&state, (unsigned)common + 2);
    make_keys(total, common);
    sample = sorted[draw_below(&state, total)];
    memset(in, 0, total);
    for (unsigned i = 0; i < n;) {
        unsigned j = draw_below(&state, total);
        i += !in[j];
        in[j] = 1;
    }
    fsk_block_init(&space, b, 0, 0, 0, sample, skip);
    for (unsigned i = 0; i < total; i++) {
        if (!in[i])
            continue;
        if (has_prefix(sorted[i], sample, b->skip) && draw_below(&state, 2))
            fsk_block_push(&space, b, sorted[i], sorted[i]);
        else
            late[count++] = sorted[i];
    }
    for (unsigned slot = b->sorted; count > 0; slot++) {
        unsigned j = draw_below(&state, count);
        add_late(b, slot, late[j], late[j], draw_below(&state, 4) != 0);
        late[j] = late[--count];
    }
    return b;
}

START_TEST(leaves_are_searched_and_gathered)
{
    for (unsigned round = 0; round < scaled_alone(2000); round++) {
        char in[MANY];
        unsigned n = draw_below(&state, W + 1), total = n + draw_below(&state, W + 1) + 1, got = 0;
        fsk_word words[W];
        fsk_block *b;
        space_clear(NULL);
        b = make_leaf(n, total, commons[round % COMMONS], in);
        for (unsigned i = 0; i < total; i++) {
            fsk_key k;
            key_of(&k, sorted[i]);
            REQUIRE_EQ(fsk_block_find(&space, b, &k, fsk_block_part(&space, b, &k, 0)),
                       in[i] ? sorted[i] : 0);
        }
        REQUIRE_EQ(fsk_block_gather(&space, b, words, round % 200), n);
        for (unsigned i = 0; i < total; i++) {
            if (!in[i])
                continue;
            REQUIRE(words[got].ref == sorted[i] && words[got].key == sorted[i]);
            /* What was unknown is computed anew. */
            REQUIRE(words[got].part ==
                    fsk_block_part_of(&space, b, fsk_entry_at(&space, sorted[i])));
            REQUIRE(got == 0 || fsk_word_compare(&space, &words[got - 1], &words[got]) < 0);
            got++;
        }
    }
}
END_TEST

/* A slot without a reference ends the block, whatever its part says: it may be seen first. */
START_TEST(an_empty_slot_ends_the_search)
{
    fsk_block *b;
    fsk_key k;
    space_clear(NULL);
    make_keys(2, 3);
    b = take(sizeof *b);
    fsk_block_init(&space, b, 0, 0, 0, 0, 0);
    add_late(b, 0, sorted[0], sorted[0], 1);
    fsk_init32(&b->part[1], fsk_block_part_of(&space, b, fsk_entry_at(&space, sorted[1])));
    key_of(&k, sorted[1]);
    ck_assert_uint_eq(fsk_block_find(&space, b, &k, fsk_block_part(&space, b, &k, 0)), 0);
}
END_TEST

#ifdef FSK_TEST_HOOK

/* A word whose part its writer stores while a search is under way: it was there before, so it is found. */
static struct {
    fsk_block *block;
    fsk_key key;
    fsk_ref found;
    uint32_t part;
} search;

static void store_part(void *context)
{
    fsk_store32_relaxed(&search.block->part[*(unsigned *)context], search.part);
}

static void find_key(void *context)
{
    (void)context;
    search.found = fsk_block_find(&space, search.block, &search.key, search.part);
}

START_TEST(a_part_is_stored_in_the_middle_of_a_search)
{
    for (unsigned slot = 0; slot < 2; slot++)
        for (long point = 0, going = 1; going; point++) {
            space_clear(NULL);
            make_keys(2, 3);
            search.block = take(sizeof *search.block);
            fsk_block_init(&space, search.block, 0, 0, 0, 0, 0);
            add_late(search.block, 0, sorted[0], sorted[0], slot != 0);
            add_late(search.block, 1, sorted[1], sorted[1], 0);
            key_of(&search.key, sorted[slot]);
            search.part = fsk_block_part(&space, search.block, &search.key, 0);
            going = interrupted(point, find_key, NULL, store_part, &slot);
            REQUIRE_EQ(search.found, sorted[slot]);
        }
}
END_TEST

#endif

START_TEST(the_high_end)
{
    for (unsigned round = 0; round < scaled_alone(1000); round++) {
        fsk_block *b;
        space_clear(NULL);
        make_keys(9, commons[round % COMMONS]);
        b = take(sizeof *b);
        /* As a split makes them: the prefix comes from the keys, the high end may lie outside it. */
        fsk_block_init(&space, b, 0, sorted[0], sorted[6], sorted[0],
                       draw_below(&state, (unsigned)commons[round % COMMONS] + 1));
        for (unsigned i = 0; i < 9; i++) {
            fsk_key k;
            key_of(&k, sorted[i]);
            REQUIRE_EQ(fsk_block_beyond(&space, b, &k, fsk_block_part(&space, b, &k, 0)), i >= 6);
            REQUIRE_EQ(fsk_block_high_below(&space, b, &k), i > 6);
        }
        REQUIRE_EQ(fsk_block_high_below(&space, b, NULL), 1);
        fsk_block_init(&space, b, 0, sorted[0], 0, sorted[0], 0); /* plus infinity */
        fsk_key k;
        key_of(&k, sorted[8]);
        REQUIRE_EQ(fsk_block_beyond(&space, b, &k, fsk_block_part(&space, b, &k, 0)), 0);
        REQUIRE_EQ(fsk_block_beyond(&space, b, &k, FSK_UNKNOWN), 0);
        REQUIRE_EQ(fsk_block_high_below(&space, b, NULL), 0);
    }
}
END_TEST

/* An index block over children with these lows; low 0 is minus infinity.  Which child is where. */
static fsk_block *make_index(unsigned n, size_t common, int from_infinity, unsigned *slot_of,
                             fsk_ref *lows)
{
    unsigned late[W], count = 0, slot;
    size_t skip = draw_below(&state, (unsigned)common + 2);
    fsk_block *b = take(sizeof *b);
    fsk_ref child[W] = {0}, sample;
    for (unsigned i = 0; i < n; i++) {
        fsk_block *c = take(sizeof *c);
        lows[i] = i == 0 && from_infinity ? 0 : sorted[3 * i];
        fsk_block_init(&space, c, 0, lows[i], 0, 0, 0);
        child[i] = fsk_ref_of(&space, c);
    }
    sample = lows[0] != 0 ? lows[0] : sorted[draw_below(&state, 3 * n)];
    fsk_block_init(&space, b, 1, lows[0], 0, sample, skip);
    fsk_block_push(&space, b, child[0], lows[0]);
    slot_of[0] = 0;
    for (unsigned i = 1; i < n; i++)
        if (has_prefix(lows[i], sample, b->skip) && draw_below(&state, 2)) {
            slot_of[i] = b->sorted;
            fsk_block_push(&space, b, child[i], lows[i]);
        } else {
            late[count++] = i;
        }
    for (slot = b->sorted; count > 0; slot++) {
        unsigned j = draw_below(&state, count);
        slot_of[late[j]] = slot;
        add_late(b, slot, child[late[j]], lows[late[j]], draw_below(&state, 4) != 0);
        late[j] = late[--count];
    }
    if (slot < W && draw_below(&state, 2)) /* a part may be seen before its reference */
        fsk_init32(&b->part[slot], fsk_block_part_of(&space, b, fsk_entry_at(&space, sorted[1])));
    return b;
}

typedef unsigned child_fn(const fsk_space *, const fsk_block *, const fsk_key *, uint32_t, int,
                          unsigned *);

/* The word that is wanted is the one that was found, or the one beside it, and that right after.  Whether it is
 * the latter. */
static unsigned require_child(child_fn *child, const fsk_block *b, const fsk_key *k, int strict,
                              const unsigned *slot_of, unsigned wanted)
{
    unsigned beside = ~0u,
             slot = child(&space, b, k, fsk_block_part(&space, b, k, 0), strict, &beside);
    if (slot == slot_of[wanted])
        return 0;
    REQUIRE_EQ(beside, slot_of[wanted]);
    REQUIRE(wanted > 0 && slot == slot_of[wanted - 1]);
    return 1;
}

static unsigned child_steady(const fsk_space *s, const fsk_block *b, const fsk_key *k,
                             uint32_t part, int strict, unsigned *beside)
{
    (void)strict;
    return fsk_block_child_steady(s, b, k, part, beside);
}

static unsigned child_below(const fsk_space *s, const fsk_block *b, const fsk_key *k, uint32_t part,
                            int strict, unsigned *beside)
{
    (void)part;
    (void)strict;
    return fsk_block_child_below(s, b, k, beside);
}

START_TEST(the_child_on_the_way_down)
{
    unsigned found_beside = 0;
    for (unsigned round = 0; round < scaled_alone(2000); round++) {
        unsigned n = 1 + draw_below(&state, W), slot_of[W], total = 3 * n, last;
        size_t common = commons[round % COMMONS];
        int from_infinity = round % 2 != 0;
        fsk_ref lows[W];
        unsigned beside;
        fsk_block *b;
        fsk_word words[W];
        space_clear(NULL);
        make_keys(total, common);
        b = make_index(n, common, from_infinity, slot_of, lows);
        for (unsigned i = 0; i < total; i++) {
            fsk_key k;
            key_of(&k, sorted[i]);
            found_beside += require_child(fsk_block_child, b, &k, 0, slot_of, i / 3);
            require_child(child_steady, b, &k, 0, slot_of, i / 3);
            REQUIRE_EQ(require_child(fsk_block_child_slow, b, &k, 0, slot_of, i / 3), 0);
            /* Strictly below: a key that is a low belongs to the child before. */
            last = i % 3 == 0 && i > 0 ? i / 3 - 1 : i / 3;
            if (i > 0 || from_infinity)
                require_child(child_below, b, &k, 1, slot_of, last);
        }
        REQUIRE_EQ(fsk_block_child_below(&space, b, NULL, &beside), slot_of[n - 1]);
        REQUIRE_EQ(beside, FSK_NO_SLOT);
        REQUIRE_EQ(fsk_block_gather(&space, b, words, 0), n);
        for (unsigned i = 0; i < n; i++)
            REQUIRE_EQ(words[i].key, lows[i]);
        if (from_infinity) { /* the empty key is not below minus infinity */
            fsk_key k;
            fsk_key_init(&k, &space.order, NULL, 0);
            REQUIRE_EQ(fsk_block_child_below(&space, b, &k, &beside), 0);
        }
    }
    REQUIRE(found_beside > 0);
}
END_TEST

/* An order of the caller's own: no prefix, and parts that may all be alike. */
static int32_t backwards(void *context, const void *a, size_t an, const void *b, size_t bn)
{
    (void)context;
    return fsk_compare_bytes(b, bn, a, an);
}

static uint64_t abbreviate(void *context, const void *key, size_t size)
{
    (void)context;
    return (uint64_t)~fsk_part_bytes(key, size, 0) << 32;
}

START_TEST(own_order)
{
    static const fsk_order orders[] = {{backwards, NULL, NULL}, {backwards, abbreviate, NULL}};
    for (unsigned round = 0; round < scaled_alone(600); round++) {
        unsigned n = 1 + draw_below(&state, W), slot_of[W], got = 0;
        fsk_ref lows[W];
        fsk_word words[W];
        char in[MANY];
        fsk_block *b;
        space_clear(&orders[round % 2]);
        b = make_leaf(n, 2 * n, commons[round % 3], in);
        REQUIRE(b->skip == 0 && b->shared == 0);
        REQUIRE_EQ(fsk_block_gather(&space, b, words, 0), n);
        for (unsigned i = 0; i < 2 * n; i++) {
            fsk_key k;
            key_of(&k, sorted[i]);
            REQUIRE_EQ(fsk_block_find(&space, b, &k, fsk_block_part(&space, b, &k, 0)),
                       in[i] ? sorted[i] : 0);
            if (in[i])
                REQUIRE_EQ(words[got++].ref, sorted[i]);
        }
        make_keys(3 * n, commons[round % 3]);
        b = make_index(n, 0, round % 3 == 0, slot_of, lows);
        for (unsigned i = 0; i < 3 * n; i++) {
            fsk_key k;
            key_of(&k, sorted[i]);
            require_child(fsk_block_child, b, &k, 0, slot_of, i / 3);
            require_child(child_steady, b, &k, 0, slot_of, i / 3);
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_new_block,
        masks,
        parts,
        words_in_order,
        leaves_are_searched_and_gathered,
        an_empty_slot_ends_the_search,
#ifdef FSK_TEST_HOOK
        a_part_is_stored_in_the_middle_of_a_search,
#endif
        the_high_end,
        the_child_on_the_way_down,
        own_order,
    };
    return RUN_SUITE("block", tests);
}
