/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * api.h - what the suites of the public interface share: tables, keys and values that are strings, and what
 * a table holds as one line of text.
 */
#ifndef FSK_TEST_API_H
#define FSK_TEST_API_H

#include "fastskip.h"
#include "suite.h"

/* A literal as pointer and size, zero bytes inside it included. */
#define STR(s) (s), sizeof(s) - 1

#define OK(call) ck_assert_int_eq((call), FASTSKIP_OK)
#define INVALID(call) ck_assert_int_eq((call), FASTSKIP_INVALID)
#define TOO_LARGE(call) ck_assert_int_eq((call), FASTSKIP_TOO_LARGE)

/* A REQUIRE that says with which number it failed, and one for what a thread found wrong. */
#define REQUIRE_AT(condition, place)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s (%s, %lld)", #condition, #place, (long long)(place));                 \
    } while (0)
#define REQUIRE_NONE(failure)                                                                      \
    do {                                                                                           \
        if (failure)                                                                               \
            ck_abort_msg("%s", failure);                                                           \
    } while (0)

/* ---- tables ---- */

/* 0: the default. */
struct settings {
    uint32_t mode, shards;
    uint64_t memory, entries;
};

static inline fastskip_options *new_options(struct settings settings)
{
    fastskip_options *options = NULL;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_sequence_mode(options, settings.mode));
    if (settings.shards)
        OK(fastskip_options_set_shards(options, settings.shards));
    if (settings.memory)
        OK(fastskip_options_set_memory_limit(options, settings.memory));
    OK(fastskip_options_set_entry_limit(options, settings.entries));
    return options;
}

/* Makes a table of options that are then no longer needed. */
static inline fastskip_table *table_of(fastskip_options *options)
{
    fastskip_table *table = NULL;
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    ck_assert_ptr_nonnull(table);
    return table;
}

static inline fastskip_table *new_table(struct settings settings)
{
    return table_of(new_options(settings));
}

static inline fastskip_table *auto_table(void)
{
    return new_table((struct settings){.mode = FASTSKIP_SEQUENCE_AUTO});
}

static inline fastskip_table *caller_table(void)
{
    return new_table((struct settings){.mode = FASTSKIP_SEQUENCE_CALLER});
}

/* The end of each test: whatever it did, the structure is sound. */
static inline void drop(fastskip_table *table)
{
    OK(fastskip_table_check(table));
    fastskip_table_unref(table);
}

static inline uint64_t stat_of(const fastskip_table *table, uint32_t id)
{
    uint64_t number = UINT64_MAX;
    REQUIRE(fastskip_table_stat(table, id, &number) == FASTSKIP_OK);
    return number;
}

/* ---- keys and values ---- */

static inline int is_entry(const fastskip_entry *entry, const char *key, const char *value)
{
    return entry->key_size == strlen(key) && entry->value_size == strlen(value) &&
           memcmp(entry->key_size ? entry->key : "", key, entry->key_size) == 0 &&
           memcmp(entry->value_size ? entry->value : "", value, entry->value_size) == 0;
}

/* value NULL: the key is not live. */
static inline void expect(fastskip_table *table, const fastskip_snapshot *snapshot, const char *key,
                          const char *value)
{
    fastskip_entry entry;
    fastskip_status found = fastskip_get(table, snapshot, key, strlen(key), &entry);
    ck_assert_int_eq(found, value ? FASTSKIP_OK : FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_contains(table, snapshot, key, strlen(key)), found);
    if (value)
        ck_assert_msg(is_entry(&entry, key, value), "%s is not %s", key, value);
}

static inline void put(fastskip_table *table, const char *key, const char *value)
{
    OK(fastskip_put(table, key, strlen(key), value, strlen(value)));
}
static inline fastskip_status put_at(fastskip_table *table, uint64_t sequence, const char *key,
                                     const char *value)
{
    return fastskip_put_at(table, sequence, FASTSKIP_PUT, key, strlen(key), value, strlen(value));
}

/* ---- content as text ---- */

/* "key=value ", "key#kind=value " for a kind of the caller's own, "key- " for a tombstone. */
static inline void append_entry(char *text, size_t room, const fastskip_entry *entry)
{
    size_t used = strlen(text);
    int key_size = (int)entry->key_size, value_size = (int)entry->value_size;
    const char *key = key_size ? entry->key : "", *value = value_size ? entry->value : "";
    if (entry->kind == FASTSKIP_DELETE)
        snprintf(text + used, room - used, "%.*s- ", key_size, key);
    else if (entry->kind == FASTSKIP_PUT)
        snprintf(text + used, room - used, "%.*s=%.*s ", key_size, key, value_size, value);
    else
        snprintf(text + used, room - used, "%.*s#%u=%.*s ", key_size, key, (unsigned)entry->kind,
                 value_size, value);
}

/* Everything from where a seek led on, forwards or backwards. */
static inline const char *rest(fastskip_iterator *it, fastskip_status found, int32_t forward)
{
    static char text[8192];
    fastskip_entry entry;
    text[0] = 0;
    while (found == FASTSKIP_OK) {
        ck_assert_int_eq(fastskip_iterator_valid(it), 1);
        OK(fastskip_iterator_entry(it, &entry));
        append_entry(text, sizeof text, &entry);
        found = forward ? fastskip_iterator_next(it) : fastskip_iterator_prev(it);
    }
    ck_assert_int_eq(found, FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_iterator_valid(it), 0);
    return text;
}

static inline const char *ascending(fastskip_iterator *it)
{
    return rest(it, fastskip_iterator_seek_first(it), 1);
}

static inline const char *descending(fastskip_iterator *it)
{
    return rest(it, fastskip_iterator_seek_last(it), 0);
}

static inline const char *content(fastskip_table *table, const fastskip_snapshot *snapshot,
                                  uint32_t flags)
{
    fastskip_iterator *it = NULL;
    OK(fastskip_iterator_new(table, snapshot, flags, &it));
    const char *text = ascending(it);
    fastskip_iterator_free(it);
    return text;
}

static inline const char *content_at(fastskip_table *table, uint64_t sequence, uint32_t flags)
{
    fastskip_iterator *it = NULL;
    OK(fastskip_iterator_new_at(table, sequence, flags, &it));
    const char *text = ascending(it);
    fastskip_iterator_free(it);
    return text;
}

/* ---- iterators ---- */

/* b, d, f, h live; c deleted; "bb" never there. */
static inline fastskip_table *letters(void)
{
    fastskip_table *table = auto_table();
    put(table, "h", "8");
    put(table, "b", "2");
    put(table, "f", "6");
    put(table, "c", "3");
    put(table, "d", "4");
    OK(fastskip_delete(table, STR("c")));
    return table;
}

static inline fastskip_iterator *iterate(fastskip_table *table, uint32_t flags)
{
    fastskip_iterator *it = NULL;
    OK(fastskip_iterator_new(table, NULL, flags, &it));
    ck_assert_int_eq(fastskip_iterator_valid(it), 0);
    return it;
}

/* The key under the iterator, or "" after a status that is not OK. */
static inline const char *at(fastskip_iterator *it, fastskip_status moved)
{
    static char text[64];
    fastskip_entry entry;
    text[0] = 0;
    ck_assert_int_eq(fastskip_iterator_valid(it), moved == FASTSKIP_OK);
    ck_assert_int_eq(fastskip_iterator_entry(it, &entry), moved);
    if (moved == FASTSKIP_OK)
        append_entry(text, sizeof text, &entry);
    return text;
}

static inline uint64_t count_entries(fastskip_table *table)
{
    fastskip_iterator *it = NULL;
    fastskip_entry entries[64];
    uint64_t total = 0;
    size_t count = 0;
    REQUIRE(fastskip_iterator_new(table, NULL, FASTSKIP_ALL_VERSIONS, &it) == FASTSKIP_OK);
    fastskip_iterator_seek_first(it);
    while (fastskip_iterator_next_many(it, entries, 64, &count) == FASTSKIP_OK)
        total += count;
    fastskip_iterator_free(it);
    return total;
}

#endif
