/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_read.c - lib/read: lookups one by one and in groups, at instants and at numbers, and estimates.
 */
#include "tables.h"

enum { KEYS = 3000 };

/* Every third key is there, every ninth deleted again; at instant `early` nothing was. */
static fastskip_table *table_filled(int family, uint64_t *early)
{
    fastskip_table *t = table_make(64 * MIB, 1);
    unsigned order[KEYS];
    uint64_t state = 5;
    keys_of_table = family;
    *early = snapshot(t);
    shuffled(order, KEYS, &state);
    for (unsigned i = 0; i < KEYS; i++) {
        if (order[i] % 3 == 0)
            REQUIRE_EQ(put(t, order[i], order[i] + 1), FASTSKIP_OK);
        if (order[i] % 9 == 0)
            REQUIRE_EQ(delete (t, order[i]), FASTSKIP_OK);
    }
    return t;
}

START_TEST(one_by_one)
{
    for (int family = 0; family < KEY_FAMILIES; family++) {
        uint64_t early;
        fastskip_table *t = table_filled(family, &early);
        for (unsigned i = 0; i < KEYS; i++) {
            uint8_t bytes[KEY_ROOM];
            size_t n = key_make(bytes, family, i);
            fastskip_entry e;
            int raw = fsk_table_get(t, FSK_LATEST, bytes, n, 1, &e);
            REQUIRE_EQ(raw, i % 3 ? FASTSKIP_NOT_FOUND : FASTSKIP_OK);
            REQUIRE_EQ(fsk_table_get(t, FSK_LATEST, bytes, n, 0, &e),
                       i % 3 == 0 && i % 9 ? FASTSKIP_OK : FASTSKIP_NOT_FOUND);
            REQUIRE_EQ(get(t, i), i % 3 ? NOTHING : i % 9 ? i + 1 : DELETED);
            REQUIRE_EQ(get_at(t, i, early), NOTHING);
            /* Keys that are almost there. */
            bytes[n] = 0;
            if (family != KEYS_ZEROS)
                REQUIRE_EQ(fsk_table_get(t, FSK_LATEST, bytes, n + 1, 1, &e), FASTSKIP_NOT_FOUND);
            if (family != KEYS_ZEROS && n > 0)
                REQUIRE_EQ(fsk_table_get(t, FSK_LATEST, bytes, n - 1, 1, &e), FASTSKIP_NOT_FOUND);
        }
        fsk_table_unref(t);
    }
}
END_TEST

/* Groups of every size about that of one descent, with bad keys among them. */
START_TEST(many_at_once)
{
    uint64_t early, state = 6;
    fastskip_table *t = table_filled(KEYS_DECIMAL, &early);
    static uint8_t bytes[100][KEY_ROOM];
    const void *keys[100];
    size_t sizes[100];
    unsigned number[100];
    fastskip_entry entries[100];
    fastskip_status statuses[100];
    for (unsigned n = 0; n < 100; n++)
        for (int round = 0; round < 4; round++) {
            for (unsigned i = 0; i < n; i++) {
                number[i] = draw_below(&state, KEYS);
                sizes[i] = key_make(bytes[i], KEYS_DECIMAL, number[i]);
                keys[i] = bytes[i];
                if (draw_below(&state, 12) == 0) {
                    keys[i] = draw_below(&state, 2) ? NULL : bytes[i];
                    sizes[i] = draw_below(&state, 2) ? 65536 : keys[i] == NULL ? 1 : 3;
                }
            }
            memset(statuses, 0x55, sizeof statuses);
            memset(entries, 0x55, sizeof entries);
            fsk_table_get_many(t, round % 2 ? FSK_LATEST : early, n, keys, sizes, entries,
                               statuses);
            for (unsigned i = 0; i < n; i++) {
                fastskip_status should = FASTSKIP_NOT_FOUND;
                if (keys[i] == NULL)
                    should = FASTSKIP_INVALID;
                else if (sizes[i] > FSK_KEY_MOST)
                    should = FASTSKIP_TOO_LARGE;
                else if (round % 2 && sizes[i] == 12 && number[i] % 3 == 0 && number[i] % 9)
                    should = FASTSKIP_OK;
                REQUIRE_EQ(statuses[i], should);
                if (should == FASTSKIP_OK)
                    REQUIRE_EQ(number_of(&entries[i]), number[i] + 1);
                else
                    REQUIRE(entries[i].key == NULL && entries[i].value_size == 0);
            }
            REQUIRE(entries[n].key != NULL || n == 99); /* nothing beyond is written */
        }
    fsk_table_unref(t);
}
END_TEST

START_TEST(keys_and_values_of_every_size)
{
    static const size_t key_sizes[] = {0,  1,   3,   4,   5,    23,    24,
                                       25, 127, 128, 129, 4096, 65534, 65535};
    static const size_t value_sizes[] = {0, 1, 8, 65534, 65535, 65536, 300000};
    static uint8_t key[65535], value[300000];
    fastskip_table *t = table_make(64 * MIB, 1);
    for (int pass = 0; pass < 3; pass++)
        for (size_t i = 0; i < sizeof key_sizes / sizeof *key_sizes; i++) {
            size_t size = value_sizes[(i + (size_t)pass) % 7];
            fastskip_entry e;
            memset(key, 'k', sizeof key);
            memset(value, (int)(i + (size_t)pass), size);
            ck_assert_int_eq(
                fsk_table_write(t, 0, FASTSKIP_PUT, key, key_sizes[i], value, size, FSK_ANYWAY, &e),
                FASTSKIP_OK);
            ck_assert(e.value_size == size && memcmp(e.value, value, size) == 0);
            ck_assert_int_eq(fsk_table_get(t, FSK_LATEST, key, key_sizes[i], 0, &e), FASTSKIP_OK);
            ck_assert(e.key_size == key_sizes[i] && memcmp(e.key, key, e.key_size) == 0);
            ck_assert(e.value_size == size && memcmp(e.value, value, size) == 0);
        }
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
    fsk_table_unref(t);
}
END_TEST

/* ---- estimates ---- */

static uint64_t estimate(fastskip_table *t, unsigned lower, unsigned upper)
{
    uint8_t a[KEY_ROOM], b[KEY_ROOM];
    fsk_key l, u;
    fsk_key_init(&l, &t->list.space.order, a, key_make(a, keys_of_table, lower));
    fsk_key_init(&u, &t->list.space.order, b, key_make(b, keys_of_table, upper));
    return fsk_table_approximate(t, &l, &u);
}

START_TEST(estimates)
{
    enum { N = 40000 };
    for (int how = 0; how < 3; how++) {
        fastskip_table *t = table_make(64 * MIB, 1);
        static unsigned order[N];
        uint64_t state = 7;
        keys_of_table = KEYS_BINARY;
        ck_assert_uint_eq(fsk_table_approximate(t, NULL, NULL), 0);
        ck_assert_uint_eq(estimate(t, 0, N), 0);
        shuffled(order, N, &state);
        for (unsigned i = 0; i < N; i++)
            REQUIRE_EQ(put(t, how == 0 ? i : how == 1 ? N - 1 - i : order[i], i), FASTSKIP_OK);
        ck_assert_uint_eq(fsk_table_approximate(t, NULL, NULL), N); /* of all it is exact */
        for (unsigned size = 1; size < N; size *= 3)
            for (unsigned i = 0; i < 20; i++) {
                unsigned from = draw_below(&state, N - size);
                uint64_t is = estimate(t, from, from + size);
                if (size <= 16) /* a few are counted */
                    REQUIRE_EQ(is, size);
                /* 64 words that stand for blocks between half and wholly full. */
                REQUIRE(is >= size / 2 && is <= 2 * size + 16);
            }
        ck_assert_uint_eq(estimate(t, 500, 500), 0);
        ck_assert_uint_eq(estimate(t, 700, 500), 0); /* the wrong way round is empty */
        ck_assert_uint_eq(estimate(t, N, 2 * N), 0);
        fsk_table_unref(t);
    }
}
END_TEST

START_TEST(estimates_with_one_bound)
{
    fastskip_table *t = table_make(64 * MIB, 1);
    uint8_t a[KEY_ROOM];
    fsk_key k;
    uint64_t is;
    keys_of_table = KEYS_BINARY;
    for (unsigned i = 0; i < 10000; i++)
        REQUIRE_EQ(put(t, i * 7919 % 10000, i), FASTSKIP_OK);
    fsk_key_init(&k, &t->list.space.order, a, key_make(a, KEYS_BINARY, 3000));
    is = fsk_table_approximate(t, NULL, &k);
    ck_assert(is > 2000 && is < 4500);
    is = fsk_table_approximate(t, &k, NULL);
    ck_assert(is > 5000 && is < 9000);
    fsk_key_init(&k, &t->list.space.order, NULL, 0); /* the empty key is below all of them */
    ck_assert_uint_eq(fsk_table_approximate(t, NULL, &k), 0);
    is = fsk_table_approximate(t, &k, NULL);
    ck_assert(is > 8000 && is < 12500);
    fsk_table_unref(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_by_one,
        many_at_once,
        keys_and_values_of_every_size,
        estimates,
        estimates_with_one_bound,
    };
    return RUN_SUITE("read", tests);
}
