/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * untouched.h - tables, and all that hangs on them, that bad input must leave as they are: content, figures and
 * out-parameters.
 */
#ifndef FSK_TEST_UNTOUCHED_H
#define FSK_TEST_UNTOUCHED_H

#include <sys/mman.h>

#include "api.h"

/* Two tables with something in them, one of each mode, and everything that hangs on them. */
static fastskip_table *table, *caller;
static fastskip_snapshot *snapshot;
static fastskip_iterator *it;
static fastskip_batch *batch;
static unsigned char *no_access; /* a page that crashes who touches it */

/* What fastskip_table_stat and a full walk say of a table. */
struct picture {
    uint64_t stats[18];
    uint64_t content;
};

static struct picture pictures[2];

static inline uint64_t mix(uint64_t sum, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ ((const unsigned char *)data)[i]) * 1099511628211u;
    return (sum ^ size) * 1099511628211u;
}

static inline struct picture look_at(fastskip_table *which)
{
    struct picture picture;
    fastskip_iterator *walk = NULL;
    fastskip_entry entry;
    memset(&picture, 0, sizeof picture);
    for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_SNAPSHOTS; id++)
        /* Whether a refused call is an attempt is left open. */
        if (id != FASTSKIP_STAT_WRITES)
            OK(fastskip_table_stat(which, id, &picture.stats[id]));
    OK(fastskip_iterator_new(which, NULL, FASTSKIP_ALL_VERSIONS, &walk));
    for (fastskip_status s = fastskip_iterator_seek_first(walk); s == FASTSKIP_OK;
         s = fastskip_iterator_next(walk)) {
        OK(fastskip_iterator_entry(walk, &entry));
        picture.content = mix(picture.content, entry.key, entry.key_size);
        picture.content = mix(picture.content, entry.value, entry.value_size);
        picture.content = mix(picture.content, &entry.sequence, sizeof entry.sequence);
        picture.content = mix(picture.content, &entry.kind, sizeof entry.kind);
    }
    fastskip_iterator_free(walk);
    return picture;
}

static inline void expect_nothing_changed(void)
{
    struct picture now[2] = {look_at(table), look_at(caller)};
    for (int t = 0; t < 2; t++) {
        for (uint32_t id = 0; id < 18; id++)
            ck_assert_msg(now[t].stats[id] == pictures[t].stats[id],
                          "statistic %u of table %d was %llu, is %llu", id, t,
                          (unsigned long long)pictures[t].stats[id],
                          (unsigned long long)now[t].stats[id]);
        ck_assert_uint_eq(now[t].content, pictures[t].content);
    }
    ck_assert_uint_eq(fastskip_batch_count(batch), 2);
    OK(fastskip_table_check(table));
    OK(fastskip_table_check(caller));
}

static inline void set_up(void)
{
    struct settings settings = {.memory = 4 << 20};
    char key[16];
    table = new_table(settings);
    settings.mode = FASTSKIP_SEQUENCE_CALLER;
    caller = new_table(settings);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "key%u", i);
        OK(fastskip_put(table, key, strlen(key), key, strlen(key)));
        OK(fastskip_put_at(caller, i + 1, i % 3, key, strlen(key), key, strlen(key)));
    }
    OK(fastskip_delete(table, STR("key7")));
    OK(fastskip_snapshot_new(table, &snapshot));
    OK(fastskip_iterator_new(table, NULL, 0, &it));
    OK(fastskip_iterator_seek(it, STR("key50")));
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_put(batch, STR("key1"), STR("batched")));
    OK(fastskip_batch_delete(batch, STR("key2")));
    no_access = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(no_access != MAP_FAILED);
    pictures[0] = look_at(table);
    pictures[1] = look_at(caller);
}

static inline void tear_down(void)
{
    fastskip_batch_free(batch);
    fastskip_iterator_free(it);
    fastskip_snapshot_free(snapshot);
    fastskip_table_unref(caller);
    fastskip_table_unref(table);
    munmap(no_access, 4096);
}

/* Out-parameters are filled with a pattern before a call and compared after it. */
static const char pattern_source[sizeof(fastskip_entry)] = "\x5a\xa5pattern";

static inline fastskip_entry pattern(void)
{
    fastskip_entry entry;
    memcpy(&entry, pattern_source, sizeof entry);
    return entry;
}

static inline void expect_untouched(const fastskip_entry *entry)
{
    ck_assert_mem_eq(entry, pattern_source, sizeof *entry);
}

static inline void expect_at_key50(void)
{
    fastskip_entry entry;
    ck_assert_int_eq(fastskip_iterator_valid(it), 1);
    OK(fastskip_iterator_entry(it, &entry));
    ck_assert_uint_eq(entry.key_size, 5);
    ck_assert_mem_eq(entry.key, "key50", 5);
}

/* Each test has tables of its own. */
static inline int run_untouched(const char *name, const TTest *const *tests, size_t n)
{
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < n; i++)
        tcase_add_checked_fixture(suite_add(suite, tests[i], 1), set_up, tear_down);
    return suite_run(suite);
}

#endif
