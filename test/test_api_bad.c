/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Bad input: every argument that breaks the contract has the status that fastskip.h names, leaves
 * the out-parameters alone, and changes neither the content nor the figures of a table.
 */
#include "untouched.h"

/* What every function that takes a key says of one; value and outs are good. */
static void expect_of_key(fastskip_status wanted, const void *key, size_t size)
{
    fastskip_entry entry = pattern();
    int32_t inserted = 77;
    uint64_t number = 42;
    struct {
        const char *name;
        fastskip_status got;
    } calls[] = {
        {"put", fastskip_put(table, key, size, STR("v"))},
        {"delete", fastskip_delete(table, key, size)},
        {"insert", fastskip_insert(table, key, size, STR("v"))},
        {"get_or_insert", fastskip_get_or_insert(table, key, size, STR("v"), &entry, &inserted)},
        {"put_kind", fastskip_put_kind(table, 2, key, size, STR("v"))},
        {"put_at", fastskip_put_at(caller, 1, 0, key, size, STR("v"))},
        {"batch_put", fastskip_batch_put(batch, key, size, STR("v"))},
        {"batch_delete", fastskip_batch_delete(batch, key, size)},
        {"batch_put_kind", fastskip_batch_put_kind(batch, 2, key, size, STR("v"))},
        {"batch_put_at", fastskip_batch_put_at(batch, 1, 0, key, size, STR("v"))},
        {"get", fastskip_get(table, NULL, key, size, &entry)},
        {"get at a snapshot", fastskip_get(table, snapshot, key, size, &entry)},
        {"get_raw", fastskip_get_raw(table, NULL, key, size, &entry)},
        {"get_at", fastskip_get_at(table, 1, key, size, &entry)},
        {"contains", fastskip_contains(table, NULL, key, size)},
        {"seek", fastskip_iterator_seek(it, key, size)},
        {"seek_for_prev", fastskip_iterator_seek_for_prev(it, key, size)},
        {"lower bound", fastskip_iterator_set_bounds(it, key, size, NULL, 0)},
        {"upper bound", fastskip_iterator_set_bounds(it, NULL, 0, key, size)},
        {"count lower", fastskip_table_approximate_count(table, key, size, NULL, 0, &number)},
        {"count upper", fastskip_table_approximate_count(table, NULL, 0, key, size, &number)},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        ck_assert_msg(calls[i].got == wanted, "%s: %d instead of %d for a key of %zu bytes",
                      calls[i].name, (int)calls[i].got, (int)wanted, size);
    expect_untouched(&entry);
    ck_assert_int_eq(inserted, 77);
    ck_assert_uint_eq(number, 42);
    expect_at_key50();
    expect_nothing_changed();
}

/* What every function that takes a value says of one; the key is good. */
static void expect_of_value(fastskip_status wanted, const void *value, size_t size)
{
    fastskip_entry entry = pattern();
    int32_t inserted = 77;
    struct {
        const char *name;
        fastskip_status got;
    } calls[] = {
        {"put", fastskip_put(table, STR("k"), value, size)},
        {"put over a live key", fastskip_put(table, STR("key1"), value, size)},
        {"insert", fastskip_insert(table, STR("k"), value, size)},
        {"get_or_insert", fastskip_get_or_insert(table, STR("k"), value, size, &entry, &inserted)},
        {"put_kind", fastskip_put_kind(table, 2, STR("k"), value, size)},
        {"put_at", fastskip_put_at(caller, 1, 0, STR("k"), value, size)},
        {"tombstone with a value", fastskip_put_at(caller, 1, 1, STR("k"), value, size)},
        {"batch_put", fastskip_batch_put(batch, STR("k"), value, size)},
        {"batch_put_kind", fastskip_batch_put_kind(batch, 2, STR("k"), value, size)},
        {"batch_put_at", fastskip_batch_put_at(batch, 1, 0, STR("k"), value, size)},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        ck_assert_msg(calls[i].got == wanted, "%s: %d instead of %d for a value of %zu bytes",
                      calls[i].name, (int)calls[i].got, (int)wanted, size);
    expect_untouched(&entry);
    ck_assert_int_eq(inserted, 77);
    expect_nothing_changed();
}

START_TEST(null_data_with_a_size)
{
    expect_of_key(FASTSKIP_INVALID, NULL, 1);
    expect_of_key(FASTSKIP_INVALID, NULL, FASTSKIP_KEY_MAX);
    expect_of_value(FASTSKIP_INVALID, NULL, 1);
    expect_of_value(FASTSKIP_INVALID, NULL, 4096);
}
END_TEST

/* Sizes are looked at before data: the page would crash. Beyond 2^32 a size cut to 32 bits would be
 * small and pass. */
START_TEST(keys_over_the_limit)
{
    expect_of_key(FASTSKIP_TOO_LARGE, no_access, FASTSKIP_KEY_MAX + 1);
    expect_of_key(FASTSKIP_TOO_LARGE, no_access, 131072 + 3);
    expect_of_key(FASTSKIP_TOO_LARGE, no_access, UINT32_MAX);
    expect_of_key(FASTSKIP_TOO_LARGE, no_access, SIZE_MAX);
#if SIZE_MAX > UINT32_MAX
    expect_of_key(FASTSKIP_TOO_LARGE, no_access, (size_t)UINT32_MAX + 1);
    expect_of_key(FASTSKIP_TOO_LARGE, no_access, (size_t)UINT32_MAX + 4);
#endif
}
END_TEST

START_TEST(values_over_the_limit)
{
    expect_of_value(FASTSKIP_TOO_LARGE, no_access, (size_t)FASTSKIP_VALUE_MAX + 1);
    expect_of_value(FASTSKIP_TOO_LARGE, no_access, UINT32_MAX);
    expect_of_value(FASTSKIP_TOO_LARGE, no_access, SIZE_MAX);
    expect_of_value(FASTSKIP_TOO_LARGE, no_access, SIZE_MAX - 7);
#if SIZE_MAX > UINT32_MAX
    expect_of_value(FASTSKIP_TOO_LARGE, no_access, (size_t)UINT32_MAX + 1);
    expect_of_value(FASTSKIP_TOO_LARGE, no_access, (size_t)UINT32_MAX + 4);
#endif
}
END_TEST

/* Both at once: an argument that is INVALID and one that is TOO_LARGE are still refused. */
START_TEST(key_and_value_both_bad)
{
    fastskip_status status = fastskip_put(table, NULL, 1, no_access, SIZE_MAX);
    ck_assert(status == FASTSKIP_INVALID || status == FASTSKIP_TOO_LARGE);
    status = fastskip_put(table, no_access, SIZE_MAX, no_access, SIZE_MAX);
    ck_assert_int_eq(status, FASTSKIP_TOO_LARGE);
    expect_nothing_changed();
}
END_TEST

START_TEST(longest_keys_are_good_everywhere)
{
    static unsigned char key[FASTSKIP_KEY_MAX];
    fastskip_entry entry;
    int32_t inserted;
    uint64_t number;
    memset(key, 0xff, sizeof key);
    OK(fastskip_put(table, key, sizeof key, STR("1")));
    OK(fastskip_delete(table, key, sizeof key));
    OK(fastskip_insert(table, key, sizeof key, STR("2")));
    OK(fastskip_get_or_insert(table, key, sizeof key, STR("3"), &entry, &inserted));
    ck_assert_int_eq(inserted, 0);
    OK(fastskip_put_kind(table, 2, key, sizeof key, STR("4")));
    OK(fastskip_put_at(caller, 1, 0, key, sizeof key, STR("5")));
    OK(fastskip_batch_put(batch, key, sizeof key, STR("6")));
    OK(fastskip_write(table, batch));
    /* One byte less is another key. */
    OK(fastskip_put(table, key, sizeof key - 1, STR("7")));
    OK(fastskip_get(table, NULL, key, sizeof key, &entry));
    ck_assert_uint_eq(entry.key_size, sizeof key);
    ck_assert_mem_eq(entry.key, key, sizeof key);
    ck_assert_mem_eq(entry.value, "6", 1);
    OK(fastskip_iterator_set_bounds(it, key, sizeof key - 1, NULL, 0));
    ck_assert_int_eq(fastskip_iterator_seek(it, key, sizeof key), FASTSKIP_NOT_FOUND);
    OK(fastskip_table_approximate_count(table, key, sizeof key - 1, key, sizeof key, &number));
    OK(fastskip_table_check(table));
}
END_TEST

/* The region has 4 MiB: one byte more can never fit, exactly that many could if nothing else were
 * there. */
START_TEST(values_that_the_region_can_not_hold)
{
    size_t limit = 4 << 20;
    unsigned char *value = calloc(limit + 1, 1);
    fastskip_entry entry = pattern();
    int32_t inserted = 77;
    fastskip_batch *large = NULL;
    ck_assert_ptr_nonnull(value);
    TOO_LARGE(fastskip_put(table, STR("k"), value, limit + 1));
    TOO_LARGE(fastskip_insert(table, STR("k"), value, limit + 1));
    TOO_LARGE(fastskip_put_kind(table, 2, STR("k"), value, limit + 1));
    TOO_LARGE(fastskip_put_at(caller, 1, 0, STR("k"), value, limit + 1));
    TOO_LARGE(fastskip_get_or_insert(table, STR("k"), value, limit + 1, &entry, &inserted));
    TOO_LARGE(fastskip_put(table, STR("k"), no_access, FASTSKIP_VALUE_MAX));
    ck_assert_int_eq(fastskip_put(table, STR("k"), value, limit), FASTSKIP_FULL);
    ck_assert_int_eq(fastskip_put_at(caller, 1, 0, STR("k"), value, limit), FASTSKIP_FULL);
    OK(fastskip_batch_new(&large));
    OK(fastskip_batch_put(large, STR("k1"), STR("v")));
    OK(fastskip_batch_put(large, STR("k2"), value, limit + 1));
    TOO_LARGE(fastskip_write(table, large));
    fastskip_batch_free(large);
    free(value);
    expect_untouched(&entry);
    ck_assert_int_eq(inserted, 77);
    ck_assert_int_eq(fastskip_contains(table, NULL, STR("k")), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_contains(table, NULL, STR("k1")), FASTSKIP_NOT_FOUND);
    ck_assert_uint_eq(look_at(table).content, pictures[0].content);
    OK(fastskip_put(table, STR("k"), STR("still small enough")));
}
END_TEST

START_TEST(numbers_and_kinds_out_of_range)
{
    static const uint64_t bad_numbers[] = {0, FASTSKIP_SEQUENCE_MAX + 1, UINT64_MAX};
    static const uint32_t bad_kinds[] = {128, 255, 256, 257, UINT32_MAX};
    for (int i = 0; i < 3; i++) {
        INVALID(fastskip_put_at(caller, bad_numbers[i], 0, STR("k"), STR("v")));
        INVALID(fastskip_batch_put_at(batch, bad_numbers[i], 0, STR("k"), STR("v")));
    }
    for (int i = 0; i < 5; i++) {
        INVALID(fastskip_put_at(caller, 1, bad_kinds[i], STR("k"), STR("v")));
        INVALID(fastskip_batch_put_at(batch, 1, bad_kinds[i], STR("k"), STR("v")));
        INVALID(fastskip_put_kind(table, bad_kinds[i], STR("k"), STR("v")));
        INVALID(fastskip_batch_put_kind(batch, bad_kinds[i], STR("k"), STR("v")));
    }
    for (uint32_t kind = 0; kind < 2; kind++) {
        INVALID(fastskip_put_kind(table, kind, STR("k"), STR("v")));
        INVALID(fastskip_batch_put_kind(batch, kind, STR("k"), STR("v")));
    }
    expect_nothing_changed();
}
END_TEST

/* ---- handles that do not go together --------------------------------------------------------- */

START_TEST(snapshots_of_another_table)
{
    fastskip_table *other = NULL;
    fastskip_iterator *made = it;
    OK(fastskip_table_new(NULL, &other));
    OK(fastskip_put(other, STR("key1"), STR("v")));
    fastskip_table *tables[] = {other, caller};
    for (int i = 0; i < 2; i++) {
        fastskip_entry entry = pattern();
        fastskip_status status = 99;
        const void *key = "key1";
        size_t size = 4;
        INVALID(fastskip_get(tables[i], snapshot, STR("key1"), &entry));
        INVALID(fastskip_get_raw(tables[i], snapshot, STR("key1"), &entry));
        INVALID(fastskip_contains(tables[i], snapshot, STR("key1")));
        INVALID(fastskip_get_many(tables[i], snapshot, 1, &key, &size, &entry, &status));
        INVALID(fastskip_get_many(tables[i], snapshot, 0, NULL, NULL, NULL, NULL));
        INVALID(fastskip_iterator_new(tables[i], snapshot, 0, &made));
        expect_untouched(&entry);
        ck_assert_int_eq(status, 99);
        ck_assert_ptr_eq(made, it);
    }
    fastskip_table_unref(other);
    expect_nothing_changed();
}
END_TEST

START_TEST(unknown_iterator_flags)
{
    static const uint32_t bad[] = {4, 5, 8, 0x80000000u, UINT32_MAX};
    fastskip_iterator *made = it;
    for (int i = 0; i < 5; i++) {
        INVALID(fastskip_iterator_new(table, NULL, bad[i], &made));
        INVALID(fastskip_iterator_new(table, snapshot, bad[i], &made));
        INVALID(fastskip_iterator_new_at(caller, 1, bad[i], &made));
    }
    ck_assert_ptr_eq(made, it);
    expect_nothing_changed();
}
END_TEST

/* Arguments are checked before the state of the table. */
START_TEST(bad_input_to_a_sealed_table)
{
    OK(fastskip_table_seal(table));
    INVALID(fastskip_put(table, NULL, 1, STR("v")));
    INVALID(fastskip_put(table, STR("k"), NULL, 1));
    INVALID(fastskip_put_at(table, 1, 0, STR("k"), STR("v")));
    INVALID(fastskip_put_kind(table, 1, STR("k"), STR("v")));
    TOO_LARGE(fastskip_put(table, no_access, 65536, STR("v")));
    TOO_LARGE(fastskip_put(table, STR("k"), no_access, SIZE_MAX));
    ck_assert_int_eq(fastskip_put(table, STR("k"), STR("v")), FASTSKIP_SEALED);
    expect_nothing_changed();
}
END_TEST

/* The state of a table is looked at last; what it refuses leaves the out-parameters alone, too. */
START_TEST(bad_input_to_a_full_table)
{
    fastskip_table *full = new_table((struct settings){.memory = 4 << 20, .entries = 1});
    fastskip_entry entry = pattern();
    int32_t inserted = 77;
    put(full, "k", "v");
    INVALID(fastskip_put(full, NULL, 1, STR("v")));
    INVALID(fastskip_put(full, STR("k"), NULL, 1));
    INVALID(fastskip_put_at(full, 1, 0, STR("k"), STR("v")));
    INVALID(fastskip_put_kind(full, 128, STR("k"), STR("v")));
    TOO_LARGE(fastskip_put(full, no_access, 65536, STR("v")));
    TOO_LARGE(fastskip_put(full, STR("k"), no_access, (4 << 20) + 1));
    TOO_LARGE(fastskip_delete(full, no_access, 65536));
    ck_assert_int_eq(fastskip_put(full, STR("k"), STR("v")), FASTSKIP_FULL);
    ck_assert_int_eq(fastskip_get_or_insert(full, STR("l"), STR("v"), &entry, &inserted),
                     FASTSKIP_FULL);
    /* A table that is both sealed and full is sealed. */
    OK(fastskip_table_seal(full));
    ck_assert_int_eq(fastskip_put(full, STR("k"), STR("v")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_get_or_insert(full, STR("k"), STR("v"), &entry, &inserted),
                     FASTSKIP_SEALED);
    expect_untouched(&entry);
    ck_assert_int_eq(inserted, 77);
    drop(full);
}
END_TEST

START_TEST(outs_stay_as_they_are_when_nothing_is_found)
{
    fastskip_entry entry = pattern();
    ck_assert_int_eq(fastskip_get(table, NULL, STR("absent"), &entry), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_get(table, NULL, STR("key7"), &entry), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_get_raw(table, snapshot, STR("absent"), &entry), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_get_at(caller, 1, STR("key9"), &entry), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_get_at(caller, 0, STR("key0"), &entry), FASTSKIP_NOT_FOUND);
    while (fastskip_iterator_next(it) == FASTSKIP_OK)
        continue;
    ck_assert_int_eq(fastskip_iterator_entry(it, &entry), FASTSKIP_NOT_FOUND);
    expect_untouched(&entry);
    expect_nothing_changed();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        null_data_with_a_size,
        keys_over_the_limit,
        values_over_the_limit,
        key_and_value_both_bad,
        longest_keys_are_good_everywhere,
        values_that_the_region_can_not_hold,
        numbers_and_kinds_out_of_range,
        snapshots_of_another_table,
        unknown_iterator_flags,
        bad_input_to_a_sealed_table,
        bad_input_to_a_full_table,
        outs_stay_as_they_are_when_nothing_is_found,
    };
    return run_untouched("api_bad", tests, sizeof tests / sizeof *tests);
}
