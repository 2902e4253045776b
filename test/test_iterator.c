/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_iterator.c - lib/iterator against a plain list of rows: every move, bounds and flags, while the
 * leaves under it are split and written; interrupted at every access; beside threads.
 */
#include "tables.h"

enum { RANGE = 400, ROWS = 4000, VERSIONS_MOST = 12 };

/* ---- the rows that an iterator should show ---- */

/* What each key holds, newest first. */
static struct {
    unsigned count, number[VERSIONS_MOST];
} held[RANGE];

typedef struct {
    unsigned key, number;
} row;

static row rows[ROWS];
static unsigned row_count;

static int is_all(uint32_t flags)
{
    return (flags & FASTSKIP_ALL_VERSIONS) != 0;
}

static void rows_make(uint32_t flags, unsigned lower, unsigned upper)
{
    row_count = 0;
    for (unsigned key = lower; key < RANGE && key < upper; key++)
        for (unsigned i = 0; i < held[key].count && (i == 0 || is_all(flags)); i++)
            if (held[key].number[i] != DELETED || flags != 0)
                rows[row_count++] = (row){key, held[key].number[i]};
    REQUIRE(row_count < ROWS);
}

static void hold(unsigned key, unsigned number)
{
    memmove(held[key].number + 1, held[key].number, sizeof held[key].number - sizeof(unsigned));
    held[key].number[0] = number;
    held[key].count += held[key].count < VERSIONS_MOST;
}

static void write_held(fastskip_table *t, uint64_t *state, unsigned number)
{
    unsigned key = draw_below(state, RANGE);
    if (held[key].count == VERSIONS_MOST)
        return;
    if (draw_below(state, 4) == 0) {
        REQUIRE_EQ(delete (t, key), FASTSKIP_OK);
        hold(key, DELETED);
    } else {
        REQUIRE_EQ(put(t, key, number), FASTSKIP_OK);
        hold(key, number);
    }
}

/* ---- the iterator, and where it should be ---- */

static fastskip_iterator *it;
static long at; /* the row; -1: nowhere */

static void stands(fastskip_status status, long should)
{
    fastskip_entry e;
    uint8_t bytes[KEY_ROOM];
    at = should >= 0 && should < (long)row_count ? should : -1;
    REQUIRE_EQ(status, at < 0 ? FASTSKIP_NOT_FOUND : FASTSKIP_OK);
    REQUIRE_EQ(it->valid, at >= 0);
    if (at < 0)
        return;
    fsk_iterator_show(it, &e);
    REQUIRE(e.key_size == key_make(bytes, keys_of_table, rows[at].key) &&
            memcmp(e.key, bytes, e.key_size) == 0);
    REQUIRE_EQ(number_of(&e), rows[at].number);
    REQUIRE(e.sequence <= it->limit);
}

static void seek(unsigned key, int backwards)
{
    uint8_t bytes[KEY_ROOM];
    size_t n = key_make(bytes, keys_of_table, key);
    long i = 0;
    if (backwards) {
        while (i < (long)row_count && rows[i].key <= key)
            i++;
        stands(fsk_iterator_seek_for_prev(it, bytes, n), i - 1);
    } else {
        while (i < (long)row_count && rows[i].key < key)
            i++;
        stands(fsk_iterator_seek(it, bytes, n), i);
    }
}

static void move(uint64_t *state)
{
    switch (draw_below(state, 16)) {
    case 0:
        stands(fsk_iterator_first(it), 0);
        break;
    case 1:
        stands(fsk_iterator_last(it), (long)row_count - 1);
        break;
    case 2:
    case 3:
        seek(draw_below(state, RANGE), 0);
        break;
    case 4:
    case 5:
        seek(draw_below(state, RANGE), 1);
        break;
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
        stands(fsk_iterator_next(it), at < 0 ? -1 : at + 1);
        break;
    default:
        stands(fsk_iterator_prev(it), at < 0 ? -1 : at - 1);
        break;
    }
}

static void set_bounds(uint64_t *state)
{
    uint8_t l[KEY_ROOM], u[KEY_ROOM];
    unsigned lower = draw_below(state, RANGE), upper = draw_below(state, RANGE);
    unsigned which =
        draw_below(state, 5); /* both twice as often; now and then the wrong way round */
    size_t ln = key_make(l, keys_of_table, lower), un = key_make(u, keys_of_table, upper);
    REQUIRE_EQ(fsk_iterator_set_bounds(it, which & 1 ? l : NULL, ln, which & 2 ? u : NULL, un),
               FASTSKIP_OK);
    REQUIRE_EQ(it->valid, 0);
    rows_make(it->flags, which & 1 ? lower : 0, which & 2 ? upper : RANGE);
    stands(fsk_iterator_next(it), -1); /* it stands nowhere now */
}

START_TEST(moves_against_rows)
{
    for (unsigned round = 0; round < scaled_alone(400); round++) {
        static const uint32_t flags[] = {0, FASTSKIP_TOMBSTONES, FASTSKIP_ALL_VERSIONS,
                                         FASTSKIP_TOMBSTONES | FASTSKIP_ALL_VERSIONS};
        uint64_t state = round;
        unsigned writes = draw_below(&state, 4 * RANGE);
        fastskip_table *t = table_make(16 * MIB, 1);
        keys_of_table = (int)(round % KEY_FAMILIES);
        memset(held, 0, sizeof held);
        for (unsigned i = 0; i < writes; i++)
            write_held(t, &state, i);
        REQUIRE_EQ(fsk_iterator_new(t, snapshot(t), flags[round / 4 % 4], &it), FASTSKIP_OK);
        fsk_table_unref(t); /* it holds the table */
        rows_make(it->flags, 0, RANGE);
        stands(fsk_iterator_next(it), -1);
        stands(fsk_iterator_prev(it), -1);
        for (unsigned i = 0; i < 300; i++) {
            if (draw_below(&state, 40) == 0)
                set_bounds(&state);
            move(&state);
            for (unsigned n = draw_below(&state, 4); n > 0; n--) /* nothing of this is seen */
                put(t, draw_below(&state, RANGE), 77777);
        }
        fsk_iterator_free(it);
    }
}
END_TEST

/* Straight through, both ways. */
static void scan(void *context)
{
    int backwards = *(int *)context;
    if (backwards)
        stands(fsk_iterator_last(it), (long)row_count - 1);
    else
        stands(fsk_iterator_first(it), 0);
    while (at >= 0) {
        long to = backwards ? at - 1 : at + 1;
        stands(backwards ? fsk_iterator_prev(it) : fsk_iterator_next(it), to);
    }
}

START_TEST(straight_through)
{
    static int ways[] = {0, 1};
    for (int family = 0; family < KEY_FAMILIES; family++)
        for (uint32_t flags = 0; flags < 4; flags++) {
            uint64_t state = 9;
            fastskip_table *t = table_make(16 * MIB, 1);
            keys_of_table = family;
            memset(held, 0, sizeof held);
            for (unsigned i = 0; i < 3000; i++)
                write_held(t, &state, i);
            REQUIRE_EQ(fsk_iterator_new(t, FSK_LATEST, flags, &it), FASTSKIP_OK);
            rows_make(flags, 0, RANGE);
            scan(&ways[0]);
            scan(&ways[1]);
            fsk_iterator_free(it);
            fsk_table_unref(t);
        }
}
END_TEST

START_TEST(the_callers_numbers)
{
    struct fastskip_options o = options_of(16 * MIB, 1);
    static int ways[] = {0, 1};
    uint64_t state = 10;
    fastskip_table *t;
    unsigned order[300];
    o.sequence_mode = FASTSKIP_SEQUENCE_CALLER;
    t = table_of(&o);
    keys_of_table = KEYS_DECIMAL;
    shuffled(order, 300, &state); /* number n + 1 goes to key n % 50, in any order */
    for (unsigned i = 0; i < 300; i++)
        REQUIRE_EQ(put_at(t, order[i] + 1, order[i] % 50, order[i] + 1), FASTSKIP_OK);
    for (unsigned limit = 0; limit <= 301; limit += 7)
        for (uint32_t flags = 0; flags < 4; flags++) {
            memset(held, 0, sizeof held);
            for (unsigned n = 0; n < limit && n < 300; n++)
                hold(n % 50, n + 1);
            REQUIRE_EQ(fsk_iterator_new(t, limit, flags, &it), FASTSKIP_OK);
            rows_make(flags, 0, RANGE);
            scan(&ways[0]);
            scan(&ways[1]);
            fsk_iterator_free(it);
        }
    fsk_table_unref(t);
}
END_TEST

START_TEST(more_versions_than_fit_inside)
{
    fastskip_table *t = table_make(16 * MIB, 1);
    fastskip_entry e;
    for (unsigned i = 0; i < 1000; i++)
        put(t, i % 2, i);
    ck_assert_int_eq(fsk_iterator_new(t, FSK_LATEST, FASTSKIP_ALL_VERSIONS, &it), FASTSKIP_OK);
    ck_assert_int_eq(fsk_iterator_first(it), FASTSKIP_OK);
    for (unsigned i = 0; i < 1000; i++) {
        fsk_iterator_show(it, &e);
        REQUIRE_EQ(number_of(&e), i < 500 ? 998 - 2 * i : 999 - 2 * (i - 500));
        REQUIRE_EQ(fsk_iterator_next(it), i < 999 ? FASTSKIP_OK : FASTSKIP_NOT_FOUND);
    }
    fsk_iterator_free(it);
    fsk_table_unref(t);
}
END_TEST

START_TEST(the_empty_key_is_a_bound_too)
{
    fastskip_table *t = table_make(MIB, 1);
    keys_of_table = KEYS_ZEROS; /* key 0 is the empty one */
    for (unsigned i = 0; i < 20; i++)
        put(t, i, i);
    memset(held, 0, sizeof held);
    for (unsigned i = 0; i < 20; i++)
        hold(i, i);
    ck_assert_int_eq(fsk_iterator_new(t, FSK_LATEST, 0, &it), FASTSKIP_OK);
    ck_assert_int_eq(fsk_iterator_set_bounds(it, "", 0, NULL, 0), FASTSKIP_OK);
    rows_make(0, 0, RANGE);
    scan(&(int){0});
    scan(&(int){1});
    ck_assert_int_eq(fsk_iterator_set_bounds(it, NULL, 0, "", 0), FASTSKIP_OK);
    rows_make(0, 0, 0);
    scan(&(int){0});
    scan(&(int){1});
    seek(3, 0);
    seek(3, 1);
    fsk_iterator_free(it);
    fsk_table_unref(t);
}
END_TEST

/* An order that contradicts itself may show anything, but every walk ends. */
static int32_t nonsense(void *context, const void *a, size_t an, const void *b, size_t bn)
{
    uint64_t *state = context;
    if (draw_below(state, 8) != 0)
        return fsk_compare_bytes(a, an, b, bn);
    return (int32_t)draw_below(state, 3) - 1;
}

START_TEST(an_order_that_contradicts_itself)
{
    uint64_t state = 11;
    for (unsigned round = 0; round < 60; round++) {
        struct fastskip_options o = options_of(16 * MIB, 1);
        fastskip_table *t;
        o.compare = nonsense;
        o.compare_context = &state;
        t = table_of(&o);
        keys_of_table = KEYS_DECIMAL;
        for (unsigned i = 0; i < 5 * round; i++)
            put(t, i * 7919 % 500, i);
        REQUIRE_EQ(fsk_iterator_new(t, FSK_LATEST, round % 4, &it), FASTSKIP_OK);
        for (int way = 0; way < 2; way++) {
            fastskip_status s = way ? fsk_iterator_last(it) : fsk_iterator_first(it);
            unsigned steps = 0;
            for (; s == FASTSKIP_OK; steps++)
                s = way ? fsk_iterator_prev(it) : fsk_iterator_next(it);
            REQUIRE(steps <= 5 * round && (s == FASTSKIP_NOT_FOUND || s == FASTSKIP_CORRUPT));
            REQUIRE_EQ(it->valid, 0);
        }
        fsk_iterator_free(it);
        fsk_table_unref(t);
    }
}
END_TEST

/* Where a walk goes is decided when it gets there: whatever was taken for the leaf to come. */
START_TEST(hints_that_mislead)
{
    fastskip_table *t = table_make(MIB, 1);
    fsk_block *ends[2];
    keys_of_table = KEYS_DECIMAL;
    for (unsigned i = 0; i < RANGE; i++)
        put(t, i, i);
    ends[0] = fsk_list_first(&t->list);
    ends[1] = fsk_list_leaf_below(&t->list, NULL);
    REQUIRE(ends[0]->low == 0 && ends[1]->high == 0 && ends[0] != ends[1]);
    REQUIRE_EQ(fsk_iterator_new(t, FSK_LATEST, 0, &it), FASTSKIP_OK);
    for (int way = 0; way < 2; way++)
        for (unsigned wrong = 0; wrong < 4; wrong++) {
            fastskip_status status = way ? fsk_iterator_last(it) : fsk_iterator_first(it);
            unsigned seen = 0;
            for (; status == FASTSKIP_OK; seen++) {
                fastskip_entry e;
                fsk_iterator_show(it, &e);
                REQUIRE_EQ(number_of(&e), way ? RANGE - 1 - seen : seen);
                if (seen % 50 == 49) {
                    it->ahead = ends[wrong % 2];
                    it->beyond = ends[wrong / 2];
                    it->ahead_slot = (int)(seen / 50 % 3) - 1;
                }
                status = way ? fsk_iterator_prev(it) : fsk_iterator_next(it);
            }
            ck_assert_int_eq(status, FASTSKIP_NOT_FOUND);
            ck_assert_uint_eq(seen, RANGE);
        }
    fsk_iterator_free(it);
    fsk_table_unref(t);
}
END_TEST

#ifdef FSK_TEST_HOOK

/* A scan is interrupted anywhere by writes that split leaves around where it stands, and beyond. */
static fastskip_table *table;

static void write_around(void *context)
{
    unsigned from = at < 0 ? RANGE / 2 : rows[at].key, number = *(unsigned *)context;
    for (unsigned i = 0; i < number; i++) {
        put(table, (from + i * 3) % RANGE, 88888);
        put(table, (from + RANGE - i * 2) % RANGE, 88888);
    }
}

START_TEST(scans_are_interrupted)
{
    for (unsigned round = 0; round < scaled_alone(24); round++) {
        int backwards = round % 2 != 0;
        for (long point = 0, going = 1; going; point += 1 + (long)(round % 3)) {
            uint64_t state = round;
            unsigned number = 1 + round % 9;
            if (table == NULL)
                table = table_make(MIB, 1);
            REQUIRE_EQ(fsk_table_reset(table), FASTSKIP_OK);
            keys_of_table = (int)(round / 2 % KEY_FAMILIES);
            memset(held, 0, sizeof held);
            for (unsigned i = 0; i < 60; i++)
                write_held(table, &state, i);
            REQUIRE_EQ(fsk_iterator_new(table, snapshot(table), round % 4, &it), FASTSKIP_OK);
            rows_make(it->flags, 0, RANGE);
            at = -1;
            going = interrupted(point, scan, &backwards, write_around, &number);
            fsk_iterator_free(it);
        }
    }
    fsk_table_unref(table);
    table = NULL;
}
END_TEST

#endif

/* ---- threads ---- */

typedef struct {
    fastskip_table *t;
    unsigned number;
    int reader;
} worker;

/* What a scan saw, as one number; the keys must rise or fall. */
static uint64_t scan_sum(fastskip_table *t, uint64_t limit, int backwards, unsigned *count)
{
    fastskip_iterator *own;
    fastskip_entry e, last = {0};
    fastskip_status status;
    uint64_t sum = 0;
    REQUIRE_EQ(fsk_iterator_new(t, limit, FASTSKIP_TOMBSTONES, &own), FASTSKIP_OK);
    *count = 0;
    status = backwards ? fsk_iterator_last(own) : fsk_iterator_first(own);
    while (status == FASTSKIP_OK) {
        fsk_iterator_show(own, &e);
        if (*count > 0) {
            int c = fsk_compare_bytes(last.key, last.key_size, e.key, e.key_size);
            REQUIRE(backwards ? c > 0 : c < 0);
        }
        sum += (e.sequence + 1) * (number_of(&e) + 1u) * (1 + *(const uint8_t *)e.key);
        ++*count;
        last = e;
        status = backwards ? fsk_iterator_prev(own) : fsk_iterator_next(own);
    }
    REQUIRE_EQ(status, FASTSKIP_NOT_FOUND);
    fsk_iterator_free(own);
    return sum;
}

static void *work(void *context)
{
    worker *x = context;
    uint64_t state = x->number;
    for (unsigned i = 0; i < (x->reader ? 12u : 2500u); i++) {
        if (x->reader) {
            uint64_t before = stat_of(x->t, FASTSKIP_STAT_KEYS), s = snapshot(x->t), sum;
            unsigned n, m;
            sum = scan_sum(x->t, s, 0, &n);
            REQUIRE(n >= before); /* what was counted then had returned */
            REQUIRE(scan_sum(x->t, s, 1, &m) == sum && m == n);
        } else if (draw_below(&state, 5) == 0) {
            delete (x->t, draw_below(&state, 4000));
        } else {
            put(x->t, draw_below(&state, 4000), i);
        }
    }
    return NULL;
}

START_TEST(threads_write_under_scans)
{
    for (unsigned round = 0; round < scaled(4); round++) {
        worker x[6];
        fastskip_table *t = table_make(64 * MIB, 2);
        keys_of_table = (int)(round % KEY_FAMILIES);
        for (unsigned i = 0; i < 6; i++)
            x[i] = (worker){t, i, i >= 4};
        run_threads(6, work, x, sizeof *x);
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
        fsk_table_unref(t);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        moves_against_rows,           straight_through,
        the_callers_numbers,          more_versions_than_fit_inside,
        the_empty_key_is_a_bound_too, an_order_that_contradicts_itself,
        hints_that_mislead,
#ifdef FSK_TEST_HOOK
        scans_are_interrupted,
#endif
        threads_write_under_scans,
    };
    return RUN_SUITE("iterator", tests);
}
