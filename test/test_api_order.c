/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Orders of keys that are the caller's own, with and without abbreviation.
 */
#include <stdatomic.h>

#include "api.h"
#include "orders.h"

static int32_t compare_reverse(void *ctx, const void *a, size_t a_size, const void *b,
                               size_t b_size)
{
    ++*(atomic_uint *)ctx;
    return bytewise(NULL, b, b_size, a, a_size);
}

static uint64_t abbreviate_reverse(void *ctx, const void *key, size_t size)
{
    return ~leading_bytes(ctx, key, size);
}

static int32_t compare_caseless(void *ctx, const void *a, size_t a_size, const void *b,
                                size_t b_size)
{
    (void)ctx;
    for (size_t i = 0; i < a_size && i < b_size; i++)
        if (folded(a, i) != folded(b, i))
            return folded(a, i) - folded(b, i);
    return (a_size > b_size) - (a_size < b_size);
}

static uint64_t abbreviate_caseless(void *ctx, const void *key, size_t size)
{
    uint64_t number = 0;
    (void)ctx;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | (i < size ? (uint64_t)folded(key, i) : 0);
    return number;
}

static fastskip_table *ordered_table(fastskip_compare_fn compare, fastskip_abbreviate_fn abbreviate,
                                     void *ctx)
{
    fastskip_options *options = new_options((struct settings){0});
    char name[] = "an order";
    OK(fastskip_options_set_comparator(options, compare, abbreviate, ctx, name));
    name[0] = 'A';
    return table_of(options);
}

START_TEST(reverse_order)
{
    atomic_uint calls = 0;
    char key[16], previous[32];
    for (int with = 0; with < 2; with++) {
        fastskip_table *table =
            ordered_table(compare_reverse, with ? abbreviate_reverse : NULL, &calls);
        put(table, "a", "1");
        put(table, "c", "3");
        put(table, "", "0");
        put(table, "ab", "2");
        ck_assert_str_eq(content(table, NULL, 0), "c=3 ab=2 a=1 =0 ");
        fastskip_iterator *it = iterate(table, 0);
        ck_assert_str_eq(at(it, fastskip_iterator_seek(it, STR("b"))), "ab=2 ");
        ck_assert_str_eq(at(it, fastskip_iterator_seek_for_prev(it, STR("b"))), "c=3 ");
        OK(fastskip_iterator_set_bounds(it, STR("b"), STR("a")));
        ck_assert_str_eq(ascending(it), "ab=2 ");
        fastskip_iterator_free(it);
        for (int i = 0; i < 3000; i++) {
            snprintf(key, sizeof key, "%04d", i * 7 % 3000);
            put(table, key, key);
        }
        it = iterate(table, 0);
        OK(fastskip_iterator_seek(it, STR("2999")));
        for (int i = 2999; i >= 0; i--) {
            snprintf(previous, sizeof previous, "%04d=%04d ", i, i);
            ck_assert_str_eq(at(it, FASTSKIP_OK), previous);
            OK(fastskip_iterator_next(it));
        }
        ck_assert_str_eq(at(it, FASTSKIP_OK), "=0 ");
        fastskip_iterator_free(it);
        drop(table);
        /* Its ctx was handed to it. */
        ck_assert_uint_gt(atomic_exchange(&calls, 0), 0);
    }
}
END_TEST

START_TEST(caseless_order)
{
    for (int with = 0; with < 2; with++) {
        fastskip_table *table =
            ordered_table(compare_caseless, with ? abbreviate_caseless : NULL, NULL);
        fastskip_entry entry;
        put(table, "Bravo", "1");
        put(table, "alfa", "2");
        put(table, "BRAVO", "3");
        put(table, "charlie", "4");
        ck_assert_int_eq(fastskip_insert(table, STR("ALFA"), STR("5")), FASTSKIP_EXISTS);
        OK(fastskip_get(table, NULL, STR("bravo"), &entry));
        /* The key is handed out as it was first written. */
        ck_assert(is_entry(&entry, "Bravo", "3"));
        OK(fastskip_delete(table, STR("CHARLIE")));
        ck_assert_str_eq(content(table, NULL, FASTSKIP_TOMBSTONES), "alfa=2 Bravo=3 charlie- ");
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 3);
        drop(table);
    }
}
END_TEST

START_TEST(integer_order)
{
    for (int with = 0; with < 2; with++) {
        fastskip_table *table =
            ordered_table(compare_integers, with ? abbreviate_integer : NULL, NULL);
        fastskip_iterator *it = NULL;
        fastskip_entry entry;
        uint64_t number = 1, previous = 0;
        for (int i = 0; i < 4000; i++) {
            /* Small and large ones: many share the upper half of the abbreviation. */
            number = number * 6364136223846793005u + 1442695040888963407u;
            uint64_t key = i % 2 ? number : number >> 40;
            OK(fastskip_put(table, &key, sizeof key, &key, sizeof key));
        }
        it = iterate(table, 0);
        uint64_t seen = 0;
        for (fastskip_status s = fastskip_iterator_seek_first(it); s == FASTSKIP_OK;
             s = fastskip_iterator_next(it), seen++) {
            OK(fastskip_iterator_entry(it, &entry));
            number = abbreviate_integer(NULL, entry.key, entry.key_size);
            ck_assert(seen == 0 || number > previous);
            ck_assert_mem_eq(entry.key, entry.value, sizeof number);
            previous = number;
        }
        ck_assert_uint_eq(seen, stat_of(table, FASTSKIP_STAT_KEYS));
        fastskip_iterator_free(it);
        drop(table);
    }
}
END_TEST

/* A caller's comparator may be dear: an operation calls it about as often as a binary search would.  The
 * order is in the caller's sense, so "ascending" are falling numbers. */
START_TEST(few_comparisons)
{
    enum { N = 20000 };
    static const struct {
        unsigned factor, most; /* of the keys, and comparisons of a put */
    } cases[] = {{7919, 30}, {1, 80}, {N - 1, 5}}; /* no order, descending, ascending */
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        atomic_uint calls = 0;
        fastskip_table *table = ordered_table(compare_reverse, NULL, &calls);
        fastskip_iterator *it;
        unsigned walked = 0;
        char key[16];
        for (unsigned pass = 0; pass < 2; pass++) {
            atomic_store(&calls, 0);
            for (unsigned i = 0; i < N; i++) {
                size_t size = (size_t)snprintf(key, sizeof key, "%08u",
                                               (unsigned)((i + UINT64_C(1)) * cases[c].factor % N));
                fastskip_entry e;
                if (pass == 0)
                    OK(fastskip_put(table, key, size, "", 0));
                else
                    OK(fastskip_get(table, NULL, key, size, &e));
            }
            ck_assert_uint_lt(atomic_load(&calls), (pass == 0 ? cases[c].most : 40) * N);
        }
        atomic_store(&calls, 0);
        it = iterate(table, 0);
        for (fastskip_status s = fastskip_iterator_seek_first(it); s == FASTSKIP_OK; walked++)
            s = fastskip_iterator_next(it);
        ck_assert_uint_eq(walked, N);
        ck_assert_uint_lt(atomic_load(&calls), 2 * N);
        fastskip_iterator_free(it);
        drop(table);
    }
}
END_TEST

START_TEST(null_restores_the_default_order)
{
    fastskip_options *options = NULL;
    fastskip_table *table = NULL;
    atomic_uint calls = 0;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_comparator(options, compare_reverse, NULL, &calls, NULL));
    OK(fastskip_options_set_comparator(options, NULL, NULL, NULL, NULL));
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    put(table, "b", "2");
    put(table, "a", "1");
    ck_assert_str_eq(content(table, NULL, 0), "a=1 b=2 ");
    ck_assert_uint_eq(calls, 0);
    drop(table);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        reverse_order,
        caseless_order,
        integer_order,
        few_comparisons,
        null_restores_the_default_order,
    };
    return RUN_SUITE("api_order", tests);
}
