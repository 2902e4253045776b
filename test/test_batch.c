/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_batch.c - lib/batch: collecting, the last write of a key, memory taken ahead, all or nothing at
 * every limit, and batches that end half way.
 */
#include "tables.h"

/* ---- collecting ---- */

START_TEST(records_are_kept_as_they_were_given)
{
    fastskip_batch b;
    size_t used = 0;
    memset(&b, 0, sizeof b);
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t key[100], value[300];
        memset(key, (int)i, sizeof key);
        memset(value, (int)~i, sizeof value);
        ck_assert_int_eq(fsk_batch_add(&b, i % 3 == 0, i, i % 128, i % 5 ? key : NULL,
                                       i % 5 ? i % 100 : 0, i % 7 ? value : NULL,
                                       i % 7 ? i % 300 : 0),
                         FASTSKIP_OK);
        used += (i % 5 ? i % 100 : 0) + (i % 7 ? i % 300 : 0);
        ck_assert_uint_eq(b.count, i + 1);
        ck_assert_uint_eq(b.used, used);
    }
    ck_assert_uint_eq(b.numbered, 667);
    ck_assert_uint_eq(b.largest, 299);
    for (unsigned i = 0; i < 2000; i++) {
        const fsk_batch_record *r = &b.records[i];
        REQUIRE(r->sequence == i && r->kind == i % 128 && r->numbered == (i % 3 == 0));
        for (uint32_t j = 0; j < r->key_size; j++)
            REQUIRE_EQ(b.buffer[r->at + j], (uint8_t)i);
        for (uint32_t j = 0; j < r->value_size; j++)
            REQUIRE_EQ(b.buffer[r->at + r->key_size + j], (uint8_t)~i);
    }
    batch_free(&b);
}
END_TEST

/* More than can be counted or addressed is refused before anything is multiplied. */
START_TEST(sizes_that_do_not_fit)
{
    fastskip_batch b, before;
    memset(&b, 0, sizeof b);
    batch_add(&b, 1, FASTSKIP_PUT, 1);
    before = b;
    b.count = b.records_room = (size_t)UINT32_MAX / 4 + 1;
    ck_assert_int_eq(fsk_batch_add(&b, 0, 0, FASTSKIP_PUT, "k", 1, "v", 1), FASTSKIP_NO_MEMORY);
    ck_assert_uint_eq(b.count, (size_t)UINT32_MAX / 4 + 1);
    ck_assert_ptr_eq(b.records, before.records);
    b = before;
    b.room = SIZE_MAX / 2 + 1;
    b.used = b.room - 1;
    ck_assert_int_eq(fsk_batch_add(&b, 0, 0, FASTSKIP_PUT, "k", 1, "v", 1), FASTSKIP_NO_MEMORY);
    ck_assert_uint_eq(b.used, SIZE_MAX / 2);
    ck_assert_ptr_eq(b.buffer, before.buffer);
    b = before;
    ck_assert_uint_eq(b.count, 1);
    batch_free(&b);
}
END_TEST

START_TEST(the_last_write_of_a_key_wins)
{
    uint64_t state = 3;
    for (unsigned round = 0; round < scaled_alone(400); round++) {
        unsigned range = 1 + draw_below(&state, 40), count = draw_below(&state, 120);
        unsigned should[40], distinct = 0;
        uint64_t before;
        fastskip_table *t = table_make(MIB, 1);
        fastskip_batch b;
        keys_of_table = (int)(round % KEY_FAMILIES);
        memset(&b, 0, sizeof b);
        for (unsigned i = 0; i < range; i++)
            should[i] = NOTHING;
        for (unsigned i = 0; i < count; i++) {
            unsigned key = draw_below(&state, range), deletes = draw_below(&state, 4) == 0;
            batch_add(&b, key, deletes ? FASTSKIP_DELETE : FASTSKIP_PUT, i);
            distinct += should[key] == NOTHING;
            should[key] = deletes ? DELETED : i;
        }
        before = snapshot(t);
        REQUIRE_EQ(fsk_table_write_batch(t, &b), FASTSKIP_OK);
        REQUIRE_EQ(b.count, count); /* it can be written again */
        for (unsigned i = 0; i < range; i++) {
            REQUIRE_EQ(get(t, i), should[i]);
            REQUIRE_EQ(get_at(t, i, before), NOTHING);
        }
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), distinct);
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_KEYS), distinct);
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_WRITES), count);
        REQUIRE_EQ(fsk_table_write_batch(t, &b), FASTSKIP_OK);
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), 2 * distinct);
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_KEYS), distinct);
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
        batch_free(&b);
        fsk_table_unref(t);
    }
}
END_TEST

START_TEST(one_stamp_for_all)
{
    fastskip_table *t = table_make(16 * MIB, 1);
    uint64_t stamp = 0;
    fastskip_batch b;
    memset(&b, 0, sizeof b);
    for (unsigned i = 0; i < 500; i += 2)
        put(t, i, 9999);
    for (unsigned i = 0; i < 500; i++)
        batch_add(&b, i, FASTSKIP_PUT, i);
    ck_assert_int_eq(fsk_table_write_batch(t, &b), FASTSKIP_OK);
    for (unsigned i = 0; i < 500; i++) {
        uint8_t bytes[KEY_ROOM];
        fastskip_entry e;
        fsk_table_get(t, FSK_LATEST, bytes, key_make(bytes, 0, i), 0, &e);
        if (i == 0)
            stamp = e.sequence;
        REQUIRE(e.sequence == stamp && number_of(&e) == i);
        REQUIRE_EQ(get_at(t, i, stamp - 1), i % 2 ? NOTHING : 9999);
    }
    ck_assert_uint_eq(fsk_load64_seq(&t->clock.clock), stamp);
    batch_free(&b);
    fsk_table_unref(t);
}
END_TEST

/* An order that contradicts itself: it must end, and touch nothing outside. */
static int32_t nonsense(void *context, const void *a, size_t an, const void *b, size_t bn)
{
    uint64_t *state = context;
    (void)a, (void)an, (void)b, (void)bn;
    return (int32_t)draw_below(state, 3) - 1;
}

START_TEST(an_order_that_contradicts_itself)
{
    uint64_t state = 8;
    for (unsigned round = 0; round < 50; round++) {
        struct fastskip_options o = options_of(MIB, 1);
        fastskip_table *t;
        fastskip_batch b;
        o.compare = nonsense;
        o.compare_context = &state;
        t = table_of(&o);
        memset(&b, 0, sizeof b);
        for (unsigned i = 0; i < 3 * round; i++)
            batch_add(&b, i, FASTSKIP_PUT, i);
        for (int i = 0; i < 5; i++)
            fsk_table_write_batch(t, &b);
        batch_free(&b);
        fsk_table_unref(t);
    }
}
END_TEST

/* ---- all or nothing ---- */

enum { OLD = 3 * FSK_BLOCK_WORDS, NEW = 2 * FSK_BLOCK_WORDS };

/* Alone, a batch that does not fit is refused before anything is published. */
static void nothing_happened(fastskip_table *t, uint64_t kept, uint64_t clock, unsigned keys)
{
    for (unsigned i = 0; i < keys; i++) {
        uint8_t bytes[KEY_ROOM];
        uint32_t part;
        fsk_block *leaf;
        fsk_key k;
        REQUIRE_EQ(get(t, i), i % 2 ? NOTHING : i);
        fsk_key_init(&k, &t->list.space.order, bytes, key_make(bytes, keys_of_table, i));
        leaf = fsk_list_leaf(&t->list, NULL, &k, &part);
        REQUIRE_EQ(fsk_block_find(&t->list.space, leaf, &k, part) != 0, i % 2 == 0);
    }
    REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_KEYS), keys / 2);
    REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), keys / 2);
    REQUIRE_EQ(fsk_load64_seq(&t->clock.clock), clock);
    /* What was taken for it went back, or is counted as lost. */
    REQUIRE_EQ(fsk_arena_total(&t->arena, FSK_COUNT_USED) -
                   fsk_arena_total(&t->arena, FSK_COUNT_WASTED),
               kept);
    REQUIRE_EQ(fsk_load64_relaxed(&t->admitted), 0);
}

START_TEST(the_memory_limit_refuses_all)
{
    unsigned refused = 0, written = 0;
    for (uint64_t limit = 64 * KIB, order = 0; written < 20; limit += 40, order++) {
        fastskip_table *t = table_make(limit, 1);
        fastskip_status status;
        uint64_t kept, clock;
        fastskip_batch b;
        keys_of_table = order % 2 ? KEYS_DECIMAL : KEYS_BINARY;
        memset(&b, 0, sizeof b);
        for (unsigned i = 0; i < 2 * OLD; i += 2)
            REQUIRE_EQ(put(t, i, i), FASTSKIP_OK);
        exhaust(t, limit - 64 * KIB);
        for (unsigned i = 0; i < NEW; i++) /* new keys side by side and apart, and old ones */
            batch_add(&b, order % 3 ? 2 * i + 1 : i, FASTSKIP_PUT, 5000 + i);
        kept = fsk_arena_total(&t->arena, FSK_COUNT_USED) -
               fsk_arena_total(&t->arena, FSK_COUNT_WASTED);
        clock = fsk_load64_seq(&t->clock.clock);
        status = fsk_table_write_batch(t, &b);
        if (status == FASTSKIP_FULL) {
            refused++;
            nothing_happened(t, kept, clock, 2 * OLD);
        } else {
            REQUIRE_EQ(status, FASTSKIP_OK);
            written++;
            for (unsigned i = 0; i < NEW; i++)
                REQUIRE_EQ(get(t, order % 3 ? 2 * i + 1 : i), 5000 + i);
        }
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
        batch_free(&b);
        fsk_table_unref(t);
    }
    ck_assert_uint_gt(refused, 10);
}
END_TEST

START_TEST(the_entry_limit_refuses_all)
{
    struct fastskip_options o = options_of(MIB, 1);
    for (unsigned limit = 1; limit < 20; limit++) {
        fastskip_table *t;
        fastskip_batch b;
        o.entry_limit = limit;
        t = table_of(&o);
        memset(&b, 0, sizeof b);
        for (unsigned i = 0; i < 10; i++) {
            batch_add(&b, i, FASTSKIP_PUT, i);
            batch_add(&b, i, FASTSKIP_PUT, i); /* it counts once */
        }
        REQUIRE_EQ(fsk_table_write_batch(t, &b), limit < 10 ? FASTSKIP_FULL : FASTSKIP_OK);
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), limit < 10 ? 0 : 10);
        REQUIRE_EQ(fsk_load64_relaxed(&t->admitted), limit < 10 ? 0 : 10);
        REQUIRE_EQ(get(t, 0), limit < 10 ? NOTHING : 0);
        batch_free(&b);
        fsk_table_unref(t);
    }
}
END_TEST

START_TEST(the_system_refuses_all)
{
    uint32_t calls = 1;
    for (uint32_t n = 2; n <= calls || n == 2; n++) {
        region_source s = {.fail_at = n};
        struct fastskip_options o = options_of(4 * MIB, 1);
        fastskip_table *t;
        fastskip_batch b;
        unsigned failed = 0;
        options_source(&o, &s);
        t = table_of(&o);
        memset(&b, 0, sizeof b);
        for (unsigned i = 0; i < 12000; i++)
            batch_add(&b, i, FASTSKIP_PUT, i);
        while (fsk_table_write_batch(t, &b) != FASTSKIP_OK) {
            failed++;
            REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_KEYS), 0);
            REQUIRE_EQ(get(t, 0), NOTHING);
            REQUIRE_EQ(get(t, 11999), NOTHING);
        }
        REQUIRE(failed <= 1);
        for (unsigned i = 0; i < 12000; i++)
            REQUIRE_EQ(get(t, i), i);
        calls = fsk_load32_relaxed(&s.commits);
        batch_free(&b);
        fsk_table_unref(t);
    }
    ck_assert_uint_gt(calls, 3);
}
END_TEST

/* Blocks taken ahead and not needed are there for the next one. */
START_TEST(what_was_reserved_is_enough)
{
    for (unsigned n = 1; n < 6 * FSK_BLOCK_WORDS; n += 1 + n / 8)
        for (int how = 0; how < 4; how++) {
            fastskip_table *t = table_make(16 * MIB, 1);
            uint64_t leaves;
            fastskip_batch b;
            memset(&b, 0, sizeof b);
            for (unsigned i = 0; i < 200; i++)
                put(t, 1000 * i, i);
            for (unsigned i = 0; i < n; i++) /* into one leaf, at its ends, beyond all, spread */
                batch_add(&b,
                          how == 0   ? 1001 + i
                          : how == 1 ? 100999 - i
                          : how == 2 ? 500000 + i
                                     : 1 + 997 * i,
                          FASTSKIP_PUT, i);
            ck_assert_int_eq(fsk_table_write_batch(t, &b), FASTSKIP_OK);
            leaves = fsk_arena_total(&t->arena, FSK_COUNT_LEAVES);
            /* Used by blocks and entries, and by nothing else: no block that was not needed. */
            ck_assert_uint_eq(fsk_arena_total(&t->arena, FSK_COUNT_WASTED), 0);
            ck_assert_uint_le(leaves * sizeof(fsk_block), stat_of(t, FASTSKIP_STAT_MEMORY_USED));
            ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_MEMORY_USED),
                              (200 + n) * fsk_round_up(fsk_entry_bytes(12, 4), 8) +
                                  sizeof(fsk_record) +
                                  (stat_of(t, FASTSKIP_STAT_BLOCKS) +
                                   fsk_arena_total(&t->arena, FSK_COUNT_REPLACED)) *
                                      sizeof(fsk_block));
            batch_free(&b);
            fsk_table_unref(t);
        }
}
END_TEST

/* ---- half way ---- */

/* Another batch is pending on a key in the middle, so that a list is needed there, for which no memory
 * was taken ahead.  At some fill of the table the batch is written up to there. */
static int half_way(uint64_t left, unsigned *aborted)
{
    struct fastskip_options o = options_of(64 * KIB, 1);
    fastskip_status status;
    fastskip_table *t;
    fastskip_batch b;
    fsk_ref record, version;
    uint64_t wasted;
    o.entry_limit = 1000;
    t = table_of(&o);
    memset(&b, 0, sizeof b);
    record = leave_pending(t, 2, &version);
    put(t, 0, 100);
    exhaust(t, left);
    for (unsigned i = 0; i < 4; i++)
        batch_add(&b, i, FASTSKIP_PUT, i);
    wasted = fsk_arena_total(&t->arena, FSK_COUNT_WASTED);
    status = fsk_table_write_batch(t, &b);
    if (status != FASTSKIP_OK) {
        REQUIRE_EQ(status, FASTSKIP_FULL);
        *aborted += fsk_arena_total(&t->arena, FSK_COUNT_WASTED) > wasted;
        REQUIRE_EQ(get(t, 0), 100);
        for (unsigned i = 1; i < 4; i++)
            REQUIRE_EQ(get(t, i), NOTHING);
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_KEYS), 1);
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), 1);
        REQUIRE_EQ(fsk_load64_relaxed(&t->admitted), 1); /* its places were given back */
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
        fsk_version_settle(&t->clock, version, fsk_record_commit(&t->clock, record));
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_LIVE), 2);
    }
    batch_free(&b);
    fsk_table_unref(t);
    return status == FASTSKIP_OK;
}

START_TEST(a_batch_that_ends_half_way_is_not_seen)
{
    unsigned aborted = 0;
    uint64_t left = 8;
    while (!half_way(left, &aborted))
        left += 8;
    ck_assert_uint_gt(aborted, 0);
}
END_TEST

START_TEST(after_an_abort_the_key_can_be_written)
{
    fastskip_table *t = table_make(MIB, 1);
    fastskip_batch b;
    memset(&b, 0, sizeof b);
    batch_add(&b, 1, FASTSKIP_PUT, 1);
    batch_add(&b, 2, FASTSKIP_PUT, 2);
    ck_assert_int_eq(fsk_table_write_batch(t, &b), FASTSKIP_OK);
    /* As an abort leaves it: entries whose only version is never to be seen. */
    for (unsigned i = 1; i <= 2; i++) {
        fsk_block *leaf;
        uint32_t part;
        uint8_t bytes[KEY_ROOM];
        fsk_key k;
        fsk_key_init(&k, &t->list.space.order, bytes, key_make(bytes, 0, i));
        leaf = fsk_list_leaf(&t->list, NULL, &k, &part);
        fsk_init64(fsk_word_at(&t->list.space, fsk_block_find(&t->list.space, leaf, &k, part)),
                   FSK_NEVER << FSK_WORD_SHIFT | FSK_WORD_BATCH | FSK_WORD_UNCOUNTED);
        ck_assert_uint_eq(get(t, i), NOTHING);
    }
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
    ck_assert_int_eq(insert(t, 1, 7), FASTSKIP_OK);
    ck_assert_int_eq(insert(t, 1, 8), FASTSKIP_EXISTS);
    ck_assert_int_eq(fsk_table_write_batch(t, &b), FASTSKIP_OK);
    ck_assert_uint_eq(get(t, 1), 1);
    ck_assert_uint_eq(get(t, 2), 2);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_KEYS), 2 + 2); /* each was owed, and paid once */
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
    batch_free(&b);
    fsk_table_unref(t);
}
END_TEST

/* ---- the caller's numbers ---- */

START_TEST(numbered_records_in_their_own_order)
{
    struct fastskip_options o = options_of(MIB, 1);
    fastskip_table *t;
    fastskip_batch b;
    unsigned value = 0;
    o.sequence_mode = FASTSKIP_SEQUENCE_CALLER;
    o.entry_limit = 100;
    t = table_of(&o);
    memset(&b, 0, sizeof b);
    ck_assert_int_eq(put_at(t, 7, 3, 70), FASTSKIP_OK);
    for (unsigned i = 9; i > 0; i--, value++) { /* keys fall, numbers rise; 3 with 7 is there */
        uint8_t bytes[KEY_ROOM];
        ck_assert_int_eq(fsk_batch_add(&b, 1, 10 - i, FASTSKIP_PUT, bytes, key_make(bytes, 0, i),
                                       &value, sizeof value),
                         FASTSKIP_OK);
    }
    ck_assert_int_eq(fsk_table_write_batch(t, &b), FASTSKIP_EXISTS);
    for (unsigned i = 9; i > 3; i--) /* what came before it stays */
        ck_assert_uint_eq(get(t, i), 9 - i);
    ck_assert_uint_eq(get(t, 3), 70);
    ck_assert_uint_eq(get(t, 2), NOTHING); /* and what came after it was not written */
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_VERSIONS), 7);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_KEYS), 7);
    ck_assert_uint_eq(fsk_load64_relaxed(&t->admitted), 7);
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
    batch_free(&b);
    fsk_table_unref(t);
}
END_TEST

/* ---- threads ---- */

typedef struct {
    fastskip_table *t;
    unsigned number;
    int reader;
} worker;

/* Batches write one number under eight keys; no reader sees two of them at one instant. */
static void *work(void *context)
{
    worker *x = context;
    uint64_t state = x->number;
    fastskip_batch b;
    memset(&b, 0, sizeof b);
    for (unsigned i = 0; i < 150; i++) {
        if (x->reader) {
            uint64_t s = snapshot(x->t);
            unsigned first = get_at(x->t, 0, s);
            for (unsigned key = 1; key < 8; key++)
                REQUIRE_EQ(get_at(x->t, 100 * key, s), first);
            REQUIRE_EQ(get_at(x->t, 0, s), first);
            continue;
        }
        b.count = b.used = b.numbered = b.largest = 0;
        for (unsigned key = 0; key < 8; key++)
            batch_add(&b, 100 * key, FASTSKIP_PUT, x->number * 1000 + i);
        for (unsigned j = 0; j < 4; j++) /* and something that makes blocks split */
            batch_add(&b, draw_below(&state, 800) * 5 + 1, FASTSKIP_PUT, i);
        REQUIRE_EQ(fsk_table_write_batch(x->t, &b), FASTSKIP_OK);
        REQUIRE(get(x->t, 300) != NOTHING);
    }
    batch_free(&b);
    return NULL;
}

START_TEST(threads_write_batches)
{
    for (unsigned round = 0; round < scaled(6); round++) {
        worker x[6];
        fastskip_table *t = table_make(64 * MIB, 2);
        for (unsigned i = 0; i < 6; i++)
            x[i] = (worker){t, i, i >= 4};
        run_threads(6, work, x, sizeof *x);
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_KEYS), stat_of(t, FASTSKIP_STAT_LIVE));
        fsk_table_unref(t);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        records_are_kept_as_they_were_given,
        sizes_that_do_not_fit,
        the_last_write_of_a_key_wins,
        one_stamp_for_all,
        an_order_that_contradicts_itself,
        the_memory_limit_refuses_all,
        the_entry_limit_refuses_all,
        the_system_refuses_all,
        what_was_reserved_is_enough,
        a_batch_that_ends_half_way_is_not_seen,
        after_an_abort_the_key_can_be_written,
        numbered_records_in_their_own_order,
        threads_write_batches,
    };
    return RUN_SUITE("batch", tests);
}
