/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Keys and values of any content, at any alignment, and from anywhere: also out of a table itself.
 */
#include "api.h"

/* Each write and each read, with key and value at a given place. */
static void use_everywhere(fastskip_table *table, fastskip_table *caller, fastskip_batch *batch,
                           const void *key, const void *value, size_t size, uint64_t number)
{
    fastskip_entry entry;
    fastskip_iterator *it = NULL;
    int32_t inserted;
    OK(fastskip_put(table, key, size, value, size));
    OK(fastskip_delete(table, key, size));
    OK(fastskip_insert(table, key, size, value, size));
    OK(fastskip_get_or_insert(table, key, size, value, size, &entry, &inserted));
    ck_assert_int_eq(inserted, 0);
    OK(fastskip_put_kind(table, 5, key, size, value, size));
    OK(fastskip_batch_clear(batch));
    OK(fastskip_batch_put(batch, key, size, value, size));
    OK(fastskip_write(table, batch));
    OK(fastskip_put_at(caller, number, FASTSKIP_PUT, key, size, value, size));
    OK(fastskip_get(table, NULL, key, size, &entry));
    ck_assert_uint_eq(entry.key_size, size);
    ck_assert_mem_eq(entry.key, key, size);
    ck_assert_uint_eq(entry.value_size, size);
    ck_assert_mem_eq(entry.value, value, size);
    OK(fastskip_get_at(caller, number, key, size, &entry));
    ck_assert_mem_eq(entry.value, value, size);
    OK(fastskip_iterator_new(table, NULL, 0, &it));
    OK(fastskip_iterator_set_bounds(it, key, size, NULL, 0));
    OK(fastskip_iterator_seek(it, key, size));
    OK(fastskip_iterator_entry(it, &entry));
    ck_assert_mem_eq(entry.key, key, size);
    fastskip_iterator_free(it);
}

START_TEST(any_alignment)
{
    fastskip_table *table = auto_table(), *caller = caller_table();
    fastskip_batch *batch = NULL;
    /* Just as large as needed, so that a read beside them is seen. */
    for (size_t size = 1; size < 40; size += 1 + size / 3) {
        for (size_t at = 0; at < 16; at++) {
            unsigned char *keys = malloc(at + size), *values = malloc((at + 7) % 16 + size);
            ck_assert(keys && values);
            memset(keys, (int)(at + 1), at + size);
            memset(values, (int)(at + 101), (at + 7) % 16 + size);
            OK(fastskip_batch_new(&batch));
            use_everywhere(table, caller, batch, keys + at, values + (at + 7) % 16, size,
                           size * 16 + at);
            fastskip_batch_free(batch);
            free(keys);
            free(values);
        }
    }
    drop(table);
    drop(caller);
}
END_TEST

/* All keys of one and two bytes: found, apart, and in the order of unsigned bytes. */
START_TEST(any_content)
{
    enum { N = 256 + 65536 };
    fastskip_table *table = auto_table();
    fastskip_iterator *it = NULL;
    fastskip_entry entry;
    unsigned char last[2] = {0};
    size_t last_size = 0, count = 0;
    for (unsigned i = 0; i < N; i++) {
        unsigned n = i * 40503u % N; /* all of them, scattered */
        unsigned char key[2] = {(unsigned char)(n < 256 ? n : (n - 256) >> 8),
                                (unsigned char)(n - 256)};
        REQUIRE(fastskip_put(table, key, n < 256 ? 1 : 2, key, 2) == FASTSKIP_OK);
    }
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), N);
    OK(fastskip_iterator_new(table, NULL, 0, &it));
    for (fastskip_status s = fastskip_iterator_seek_first(it); s == FASTSKIP_OK;
         s = fastskip_iterator_next(it), count++) {
        REQUIRE(fastskip_iterator_entry(it, &entry) == FASTSKIP_OK);
        REQUIRE(memcmp(entry.key, entry.value, entry.key_size) == 0);
        int order =
            memcmp(last, entry.key, last_size < entry.key_size ? last_size : entry.key_size);
        REQUIRE(count == 0 || order < 0 || (order == 0 && last_size < entry.key_size));
        memcpy(last, entry.key, last_size = entry.key_size);
    }
    ck_assert_uint_eq(count, N);
    fastskip_iterator_free(it);
    drop(table);
}
END_TEST

/* What a read handed out may be what is written next: as key, as value, into the same table. */
START_TEST(entries_of_a_table_as_input)
{
    fastskip_table *table = auto_table(), *copy = auto_table();
    fastskip_batch *batch = NULL;
    fastskip_entry entry, again;
    put(table, "key", "a value that is longer than its key");
    OK(fastskip_get(table, NULL, STR("key"), &entry));
    OK(fastskip_put(table, entry.value, entry.value_size, entry.key, entry.key_size));
    expect(table, NULL, "a value that is longer than its key", "key");
    for (int i = 0; i < 1000; i++) {
        OK(fastskip_get(table, NULL, STR("key"), &again));
        OK(fastskip_put(table, again.key, again.key_size, again.value, again.value_size));
    }
    expect(table, NULL, "key", "a value that is longer than its key");
    OK(fastskip_put(copy, entry.key, entry.key_size, entry.value, entry.value_size));
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_put(batch, entry.value, 7, entry.value, entry.value_size));
    drop(table);
    /* The copies stay when the table they came from is gone. */
    OK(fastskip_write(copy, batch));
    fastskip_batch_free(batch);
    expect(copy, NULL, "key", "a value that is longer than its key");
    expect(copy, NULL, "a value", "a value that is longer than its key");
    drop(copy);
}
END_TEST

/* A batch and the bounds of an iterator hold copies: of each record, of both bounds. */
START_TEST(batches_and_bounds_hold_copies)
{
    fastskip_table *table = auto_table(), *caller = caller_table();
    fastskip_batch *batch = NULL, *numbered = NULL;
    fastskip_iterator *it = NULL;
    char key[] = "b", value[] = "1";
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_new(&numbered));
    OK(fastskip_batch_put(batch, key, 1, value, 1));
    OK(fastskip_batch_put_at(numbered, 7, FASTSKIP_PUT, key, 1, value, 1));
    key[0] = 'c';
    value[0] = '2';
    OK(fastskip_batch_put_kind(batch, 9, key, 1, value, 1));
    key[0] = 'd';
    OK(fastskip_batch_delete(batch, key, 1));
    key[0] = value[0] = 'x';
    OK(fastskip_write(table, batch));
    OK(fastskip_write(caller, numbered));
    ck_assert_str_eq(content(table, NULL, FASTSKIP_TOMBSTONES), "b=1 c#9=2 d- ");
    ck_assert_str_eq(content(caller, NULL, 0), "b=1 ");
    char low[] = "c", high[] = "d";
    it = iterate(table, FASTSKIP_TOMBSTONES);
    OK(fastskip_iterator_set_bounds(it, low, 1, high, 1));
    low[0] = high[0] = 'a';
    ck_assert_str_eq(ascending(it), "c#9=2 ");
    fastskip_iterator_free(it);
    fastskip_batch_free(batch);
    fastskip_batch_free(numbered);
    drop(table);
    drop(caller);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        any_alignment,
        any_content,
        entries_of_a_table_as_input,
        batches_and_bounds_hold_copies,
    };
    return RUN_SUITE("api_bytes", tests);
}
