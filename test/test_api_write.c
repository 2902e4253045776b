/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Each write of its own: what it leaves for a read.
 */
#include "api.h"

START_TEST(get_returns_every_field)
{
    fastskip_table *table = auto_table();
    fastskip_entry entry;
    memset(&entry, 0xee, sizeof entry);
    OK(fastskip_put(table, STR("k\0ey"), STR("val\0ue")));
    OK(fastskip_get(table, NULL, STR("k\0ey"), &entry));
    ck_assert_uint_eq(entry.key_size, 4);
    ck_assert_mem_eq(entry.key, "k\0ey", 4);
    ck_assert_uint_eq(entry.value_size, 6);
    ck_assert_mem_eq(entry.value, "val\0ue", 6);
    ck_assert_uint_eq(entry.kind, FASTSKIP_PUT);
    ck_assert_uint_eq(entry.reserved, 0);
    ck_assert_int_eq(fastskip_get(table, NULL, STR("k"), &entry), FASTSKIP_NOT_FOUND);
    drop(table);
}
END_TEST

START_TEST(memory_of_the_caller_is_copied)
{
    fastskip_table *table = auto_table();
    char key[] = "key", value[] = "value";
    put(table, key, value);
    memset(key, 'x', 3);
    memset(value, 'x', 5);
    expect(table, NULL, "key", "value");
    expect(table, NULL, "xxx", NULL);
    drop(table);
}
END_TEST

START_TEST(put_overwrites)
{
    fastskip_table *table = auto_table();
    char value[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(value, sizeof value, "%d", i);
        put(table, "k", value);
        expect(table, NULL, "k", value);
    }
    ck_assert_str_eq(content(table, NULL, 0), "k=999 ");
    drop(table);
}
END_TEST

START_TEST(empty_keys_and_values)
{
    fastskip_table *table = auto_table();
    OK(fastskip_put(table, NULL, 0, NULL, 0));
    expect(table, NULL, "", "");
    OK(fastskip_put(table, "", 0, STR("v")));
    expect(table, NULL, "", "v");
    OK(fastskip_put(table, STR("\0"), "", 0));
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 2);
    OK(fastskip_delete(table, NULL, 0));
    expect(table, NULL, "", NULL);
    drop(table);
}
END_TEST

/* Sizes beside each other and far apart, both as the first version of a key and as a later one: the
 * last byte of a value that got too little memory is the first of its neighbour. */
START_TEST(values_of_every_size)
{
    enum { N = 90 };
    fastskip_table *table = auto_table();
    size_t sizes[N];
    unsigned char *value = malloc(1 << 20), key[20] = {0};
    fastskip_entry entry;
    ck_assert_ptr_nonnull(value);
    for (unsigned i = 0; i < N; i++)
        sizes[i] = i < 40 ? i : i < 70 ? 65520 + i - 40 : (size_t)1 << (i - 70);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned char i = 0; i < N; i++) {
            key[0] = i;
            memset(value, (int)(i + round + 100), sizes[i]);
            OK(fastskip_put(table, key, sizeof key, value, sizes[i]));
        }
        for (unsigned char i = 0; i < N; i++) {
            key[0] = i;
            memset(value, (int)(i + round + 100), sizes[i]);
            OK(fastskip_get(table, NULL, key, sizeof key, &entry));
            ck_assert_uint_eq(entry.value_size, sizes[i]);
            ck_assert(sizes[i] == 0 || memcmp(entry.value, value, sizes[i]) == 0);
        }
    }
    free(value);
    drop(table);
}
END_TEST

START_TEST(delete_hides_and_is_recorded)
{
    fastskip_table *table = auto_table();
    fastskip_entry entry;
    put(table, "a", "1");
    OK(fastskip_delete(table, STR("a")));
    OK(fastskip_delete(table, STR("never written")));
    expect(table, NULL, "a", NULL);
    expect(table, NULL, "never written", NULL);
    OK(fastskip_get_raw(table, NULL, STR("never written"), &entry));
    ck_assert_uint_eq(entry.kind, FASTSKIP_DELETE);
    ck_assert_uint_eq(entry.value_size, 0);
    ck_assert(is_entry(&entry, "never written", ""));
    OK(fastskip_get_raw(table, NULL, STR("a"), &entry));
    ck_assert_uint_eq(entry.kind, FASTSKIP_DELETE);
    ck_assert_int_eq(fastskip_get_raw(table, NULL, STR("b"), &entry), FASTSKIP_NOT_FOUND);
    ck_assert_str_eq(content(table, NULL, 0), "");
    ck_assert_str_eq(content(table, NULL, FASTSKIP_TOMBSTONES), "a- never written- ");
    drop(table);
}
END_TEST

START_TEST(keys_live_again_after_their_delete)
{
    fastskip_table *table = auto_table();
    for (int i = 0; i < 200; i++) {
        put(table, "k", "v");
        expect(table, NULL, "k", "v");
        OK(fastskip_delete(table, STR("k")));
        expect(table, NULL, "k", NULL);
    }
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 1);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), 400);
    drop(table);
}
END_TEST

START_TEST(insert_writes_only_where_nothing_lives)
{
    fastskip_table *table = auto_table();
    OK(fastskip_insert(table, STR("k"), STR("1")));
    ck_assert_int_eq(fastskip_insert(table, STR("k"), STR("2")), FASTSKIP_EXISTS);
    expect(table, NULL, "k", "1");
    OK(fastskip_delete(table, STR("k")));
    OK(fastskip_insert(table, STR("k"), STR("3")));
    expect(table, NULL, "k", "3");
    OK(fastskip_delete(table, STR("absent")));
    OK(fastskip_insert(table, STR("absent"), STR("4")));
    OK(fastskip_put_kind(table, 9, STR("own"), STR("m")));
    ck_assert_int_eq(fastskip_insert(table, STR("own"), STR("5")), FASTSKIP_EXISTS);
    ck_assert_str_eq(content(table, NULL, 0), "absent=4 k=3 own#9=m ");
    drop(table);
}
END_TEST

START_TEST(get_or_insert_tells_what_it_did)
{
    fastskip_table *table = auto_table();
    fastskip_entry entry;
    int32_t inserted = 7;
    OK(fastskip_get_or_insert(table, STR("k"), STR("1"), &entry, &inserted));
    ck_assert_int_eq(inserted, 1);
    ck_assert(is_entry(&entry, "k", "1"));
    OK(fastskip_get_or_insert(table, STR("k"), STR("2"), &entry, &inserted));
    ck_assert_int_eq(inserted, 0);
    ck_assert(is_entry(&entry, "k", "1"));
    OK(fastskip_delete(table, STR("k")));
    OK(fastskip_get_or_insert(table, STR("k"), STR("3"), &entry, &inserted));
    ck_assert_int_eq(inserted, 1);
    ck_assert(is_entry(&entry, "k", "3"));
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), 3);
    drop(table);
}
END_TEST

START_TEST(own_kinds_are_live)
{
    fastskip_table *table = auto_table();
    fastskip_entry entry;
    OK(fastskip_put_kind(table, FASTSKIP_KIND_OWN_MIN, STR("low"), STR("1")));
    OK(fastskip_put_kind(table, FASTSKIP_KIND_MAX, STR("high"), STR("2")));
    OK(fastskip_get(table, NULL, STR("high"), &entry));
    ck_assert_uint_eq(entry.kind, FASTSKIP_KIND_MAX);
    ck_assert_str_eq(content(table, NULL, 0), "high#127=2 low#2=1 ");
    put(table, "low", "3");
    ck_assert_str_eq(content(table, NULL, 0), "high#127=2 low=3 ");
    drop(table);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        get_returns_every_field,
        memory_of_the_caller_is_copied,
        put_overwrites,
        empty_keys_and_values,
        values_of_every_size,
        delete_hides_and_is_recorded,
        keys_live_again_after_their_delete,
        insert_writes_only_where_nothing_lives,
        get_or_insert_tells_what_it_did,
        own_kinds_are_live,
    };
    return RUN_SUITE("api_write", tests);
}
