/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_skiplist_races.c - lib/skiplist and lib/split: inserts and searches that are interrupted at every
 * access by others, or never go on; and threads.
 */
#include "inside.h"

#include "lists.h"

static char in[100000];

#ifdef FSK_TEST_HOOK

/* ---- interrupted and abandoned ---- */

typedef struct {
    unsigned key;
    int done;
} insert;

static void do_insert(void *context)
{
    insert *x = context;
    x->done = list_insert(x->key);
}

/* A list of even keys; where the two go depends on the seed: one leaf, one slot, one key, or apart. */
static unsigned prepare(unsigned seed, insert *a, insert *b)
{
    uint64_t state = seed;
    unsigned n = 1 + draw_below(&state, seed % 3 ? 3 * FSK_BLOCK_WORDS : 150), order[200];
    list_make(16 * MIB, 0, 2, (int)(seed % KEY_FAMILIES));
    memset(in, 0, sizeof in);
    shuffled(order, n, &state);
    for (unsigned i = 0; i < n; i++) {
        list_insert(2 * order[i] + 2);
        in[2 * order[i] + 2] = 1;
    }
    a->key = 2 * draw_below(&state, n + 1) + 1;
    b->key = seed % 4 == 0 ? a->key : 2 * draw_below(&state, n + 1) + 1;
    if (seed % 4 == 1)
        b->key = a->key + 2;
    a->done = b->done = -2;
    return 2 * n + 8;
}

/* After this everything that lagged behind has been mended. */
static void mend_all(unsigned n)
{
    for (int round = 0; round < 4; round++)
        for (unsigned i = 0; i < n; i++)
            if (in[i])
                search(BY_WRITER, entry_of(i));
    REQUIRE_EQ(words_missing(), 0);
}

START_TEST(interrupted_anywhere)
{
    for (unsigned seed = 0; seed < scaled_alone(100); seed++) {
        int going = 1;
        for (long point = 0; going; point++) {
            insert a, b;
            unsigned n = prepare(seed, &a, &b);
            going = interrupted(point, do_insert, &a, do_insert, &b);
            if (!going)
                do_insert(&b);
            REQUIRE_EQ(a.done + b.done, a.key == b.key ? 1 : 2);
            in[a.key] = in[b.key] = 1;
            list_verify(in, n);
            list_accounts(in, n);
            if (seed % 8 == 0) {
                mend_all(n);
                list_verify(in, n);
            }
        }
    }
    list_drop();
}
END_TEST

START_TEST(abandoned_anywhere)
{
    for (unsigned seed = 0; seed < scaled_alone(80); seed++) {
        int left = 1;
        for (long point = 0; left; point++) {
            insert a, b;
            unsigned n = prepare(seed, &a, &b);
            left = abandoned(point, do_insert, &a);
            in[a.key] = list_find(a.key) != 0;
            REQUIRE(left || in[a.key]);
            list_verify(in, n); /* all that was there is there, and is found */
            do_insert(&b);
            REQUIRE_EQ(b.done, !in[b.key]);
            in[b.key] = 1;
            for (unsigned i = 0; i < n; i++) { /* the others go on */
                list_insert(i);
                in[i] = 1;
            }
            list_verify(in, n);
            if (seed % 4 == 0) {
                mend_all(n);
                list_verify(in, n);
            }
        }
    }
    list_drop();
}
END_TEST

/* A reader is interrupted: what was there before is found, what never was is not, and the leaf below a
 * boundary ends there, whatever has been split meanwhile. */
static unsigned looked_for, inserted_meanwhile;

static void do_search(void *context)
{
    uint8_t bytes[KEY_ROOM];
    fsk_key k;
    (void)context;
    if (in[looked_for]) {
        REQUIRE(entry_is(list_find(looked_for), looked_for));
        numbered_key(&k, bytes, looked_for);
        REQUIRE(looked_for != 0);
        fsk_list_leaf_below(&list, &k);
    } else {
        REQUIRE_EQ(list_find(looked_for), 0);
    }
}

static void insert_some(void *context)
{
    (void)context;
    for (unsigned i = 0; i < inserted_meanwhile; i++) {
        list_insert(looked_for + 3 + 2 * i - (looked_for & 1));
        list_insert(looked_for + 1 - (looked_for & 1) - 2 * (i < looked_for / 2 ? i : 0));
    }
}

static fsk_ref boundary;

static void search_below(void *context)
{
    const fsk_entry *e = fsk_entry_at(&list.space, boundary);
    fsk_key k;
    (void)context;
    fsk_key_init(&k, &list.space.order, fsk_entry_key(e), e->key_size);
    REQUIRE(fsk_list_leaf_below(&list, &k)->high == boundary);
}

START_TEST(readers_are_interrupted)
{
    for (unsigned seed = 0; seed < scaled_alone(80); seed++)
        for (int way = 0; way < 3; way++)
            for (long point = 0, going = 1; going; point++) {
                insert a, b;
                fsk_block *leaf;
                unsigned n = prepare(seed, &a, &b);
                looked_for = way == 0 ? a.key + 1 : 1u; /* an even key is there, 1 never will be */
                if (!in[looked_for] && way == 0)
                    looked_for = 2;
                inserted_meanwhile = 1 + seed % 6;
                leaf = fsk_list_first(&list);
                boundary = leaf->high;
                if (way == 1) {
                    looked_for = n + 101;
                    inserted_meanwhile = 0;
                    do_insert(&b);
                }
                if (way == 2 && boundary == 0)
                    break;
                going = interrupted(point, way < 2 ? do_search : search_below, NULL,
                                    way == 1 ? do_insert : insert_some, &a);
            }
    list_drop();
}
END_TEST

#endif /* FSK_TEST_HOOK */

/* ---- threads ---- */

typedef struct {
    unsigned number, first, step, count, range; /* keys first, first + step, ...; step 0: random */
    unsigned made;
} inserter;

static void *insert_body(void *context)
{
    inserter *x = context;
    uint64_t state = x->number;
    for (unsigned i = 0; i < x->count; i++) {
        unsigned key = x->step != 0 ? x->first + i * x->step : draw_below(&state, x->range);
        int done = list_insert(key);
        REQUIRE(done >= 0 && list_find(key) != 0);
        x->made += done == 1;
        if (i % 16 == 0) /* what one has seen is never gone again */
            REQUIRE(list_find(x->step != 0 ? x->first : key) != 0);
    }
    return NULL;
}

static void race(unsigned threads, uint32_t shards, int family, unsigned step, unsigned count)
{
    inserter x[THREADS_MOST];
    unsigned made = 0, n = 0, range = step != 0 ? threads * count + 1 : 2 * count;
    REQUIRE(range < sizeof in);
    list_make(64 * MIB, 0, shards, family);
    for (unsigned i = 0; i < threads; i++)
        x[i] = (inserter){i, i, step, count, range, 0};
    run_threads(threads, insert_body, x, sizeof *x);
    memset(in, 0, sizeof in);
    for (unsigned i = 0; i < threads; i++)
        made += x[i].made;
    for (unsigned i = 0; i < range; i++)
        n += (unsigned)(in[i] = list_find(i) != 0);
    ck_assert_uint_eq(made, n); /* nobody's twice */
    if (step != 0)
        ck_assert_uint_eq(n, threads * count);
    list_verify(in, range);
    list_accounts(in, range);
    ck_assert_uint_eq(fsk_arena_total(&arena, FSK_COUNT_LEAVES), blocks_on(0));
    list_drop();
}

START_TEST(threads_insert_the_same_keys)
{
    for (int family = 0; family < KEY_FAMILIES; family++)
        race(8, 2, family, 0, scaled(1500) < 40000 ? scaled(1500) : 40000);
}
END_TEST

START_TEST(threads_insert_ascending_keys)
{
    race(8, 3, KEYS_DECIMAL, 8, 1000);
    race(2, 2, KEYS_BINARY, 2, 5000);
    race(64, 2, KEYS_ZEROS, 64, 50);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        threads_insert_the_same_keys, threads_insert_ascending_keys,
#ifdef FSK_TEST_HOOK
        interrupted_anywhere,         abandoned_anywhere,
        readers_are_interrupted,
#endif
    };
    return RUN_SUITE("skiplist races", tests);
}
