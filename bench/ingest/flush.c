/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * The flush thread of the store: sealed tables become runs, many runs become one; see store.h.
 */
#include <stdlib.h>
#include <string.h>

#include "merge.h"
#include "scratch.h"
#include "store_private.h"

enum { ENTRIES_AT_ONCE = 256 };

/* Waits for a sealed table and takes a reference to the oldest. NULL when there will be none. */
static fastskip_table *next_sealed(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    while (store->view->sealed_count == 0 && !store->is_finishing &&
           !control_failed(store->options.control))
        pthread_cond_wait(&store->changed, &store->lock);
    fastskip_table *table = NULL;
    if (store->view->sealed_count > 0 && !control_failed(store->options.control)) {
        table = store->view->sealed[store->view->sealed_count - 1];
        fastskip_table_ref(table);
    }
    pthread_mutex_unlock(&store->lock);
    return table;
}

static bool write_entries(struct run_writer *writer, const fastskip_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct record record = {
            .key = entries[i].key,
            .key_size = entries[i].key_size,
            .value = entries[i].value,
            .value_size = entries[i].value_size,
            .is_delete = entries[i].kind == FASTSKIP_DELETE,
        };
        if (!run_writer_add(writer, &record))
            return false;
    }
    return true;
}

/* Writes what an iterator shows; false on failure. */
static bool write_table(const struct store *store, fastskip_table *table, struct run_writer *writer)
{
    fastskip_iterator *iterator = NULL;
    fastskip_entry entries[ENTRIES_AT_ONCE];
    size_t count = 0;
    fastskip_status status = fastskip_iterator_new(table, NULL, FASTSKIP_TOMBSTONES, &iterator);
    if (status == FASTSKIP_OK)
        status = fastskip_iterator_seek_first(iterator);
    bool written = true;
    while (status == FASTSKIP_OK && written) {
        status = fastskip_iterator_next_many(iterator, entries, ENTRIES_AT_ONCE, &count);
        if (status == FASTSKIP_OK)
            written = write_entries(writer, entries, count);
    }
    fastskip_iterator_free(iterator);
    if (written && status != FASTSKIP_NOT_FOUND) {
        control_fail(store->options.control, "cannot iterate a table: %s",
                     fastskip_strerror(status));
        return false;
    }
    return written;
}

static uint64_t stat_of(const struct store *store, const fastskip_table *table, uint32_t id)
{
    uint64_t number = 0;
    fastskip_status status = fastskip_table_stat(table, id, &number);
    if (status != FASTSKIP_OK)
        control_fail(store->options.control, "a table tells no figure %u: %s", id,
                     fastskip_strerror(status));
    return number;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Adds up the figures of a sealed table. */
static void count_table(struct store *store, const fastskip_table *table)
{
    struct store_figures *figures = &store->figures;
    uint64_t used = stat_of(store, table, FASTSKIP_STAT_MEMORY_USED);
    figures->tables++;
    figures->keys += stat_of(store, table, FASTSKIP_STAT_KEYS);
    figures->versions += stat_of(store, table, FASTSKIP_STAT_VERSIONS);
    figures->tombstones += stat_of(store, table, FASTSKIP_STAT_TOMBSTONES);
    figures->data_bytes += stat_of(store, table, FASTSKIP_STAT_KEY_BYTES);
    figures->data_bytes += stat_of(store, table, FASTSKIP_STAT_VALUE_BYTES);
    figures->memory_used += used;
    figures->memory_used_peak = greater(figures->memory_used_peak, used);
    figures->memory_reserved_peak = greater(figures->memory_reserved_peak,
                                            stat_of(store, table, FASTSKIP_STAT_MEMORY_RESERVED));
    figures->memory_wasted += stat_of(store, table, FASTSKIP_STAT_MEMORY_WASTED);
    figures->retries += stat_of(store, table, FASTSKIP_STAT_RETRIES);
}

/* Makes a run of a sealed table, and compares what is in the file with what the table counted.
 * NULL on failure. */
static struct run *flush_table(struct store *store, fastskip_table *table)
{
    struct run_writer *writer = run_writer_new(0, store->options.control);
    if (writer == NULL)
        return NULL;
    if (!write_table(store, table, writer)) {
        run_writer_abandon(writer);
        return NULL;
    }
    struct run *run = run_writer_finish(writer);
    if (run == NULL)
        return NULL;
    uint64_t keys = stat_of(store, table, FASTSKIP_STAT_KEYS);
    uint64_t tombstones = stat_of(store, table, FASTSKIP_STAT_TOMBSTONES);
    if (run_check(run, keys, tombstones))
        return run;
    run_unref(run);
    return NULL;
}

/* Publishes a view without the oldest sealed table, with this run as the newest; NULL: without. */
static void replace_oldest(struct store *store, struct run *run)
{
    pthread_mutex_lock(&store->lock);
    const struct view *now = store->view;
    struct run **runs = allocate((now->run_count + 1) * sizeof(struct run *));
    size_t count = 0;
    if (run != NULL)
        runs[count++] = run;
    for (size_t i = 0; i < now->run_count; i++)
        runs[count++] = now->runs[i];
    struct view *before = store_publish(
        store, view_new(now->active, now->sealed, now->sealed_count - 1, runs, count));
    pthread_mutex_unlock(&store->lock);
    free(runs);
    view_drop(before);
}

static bool flush_oldest(struct store *store, fastskip_table *table)
{
    uint64_t begin = nanoseconds_now();
    uint64_t versions = stat_of(store, table, FASTSKIP_STAT_VERSIONS);
    struct run *run = NULL;
    if (versions > 0) {
        run = flush_table(store, table);
        if (run == NULL)
            return false;
        count_table(store, table);
        store->figures.run_bytes += run->file_size;
    }
    replace_oldest(store, run);
    if (run != NULL)
        run_unref(run);
    store->figures.flush_nanoseconds += nanoseconds_now() - begin;
    return !control_failed(store->options.control);
}

static bool add_to_run(void *writer, const struct record *record)
{
    return run_writer_add(writer, record);
}

/* Merges the newest runs of a view into one; NULL on failure. */
static struct run *merge_newest(const struct store *store, const struct view *view, size_t count)
{
    struct run_writer *writer = run_writer_new(view->runs[0]->level + 1, store->options.control);
    if (writer == NULL)
        return NULL;
    const struct merge_options options = {
        .runs = view->runs,
        .run_count = count,
        .drop_tombstones = count == view->run_count,
        .control = store->options.control,
    };
    if (!merge_runs(&options, add_to_run, writer)) {
        run_writer_abandon(writer);
        return NULL;
    }
    struct run *run = run_writer_finish(writer);
    if (run != NULL && !run_check(run, run->count, run->tombstones)) {
        run_unref(run);
        return NULL;
    }
    return run;
}

/* Publishes a view with one run in place of the newest. Only this thread changes the runs. */
static void replace_newest(struct store *store, struct run *run, size_t count)
{
    pthread_mutex_lock(&store->lock);
    const struct view *now = store->view;
    size_t left = now->run_count - count;
    struct run **runs = allocate((left + 1) * sizeof(struct run *));
    runs[0] = run;
    for (size_t i = 0; i < left; i++)
        runs[i + 1] = now->runs[count + i];
    struct view *before =
        store_publish(store, view_new(now->active, now->sealed, now->sealed_count, runs, left + 1));
    pthread_mutex_unlock(&store->lock);
    free(runs);
    view_drop(before);
}

/* How many of the newest runs are of the level of the newest. */
static size_t newest_of_one_level(const struct view *view)
{
    size_t count = 0;
    while (count < view->run_count && view->runs[count]->level == view->runs[0]->level)
        count++;
    return count;
}

/* Keeps the number of runs in the order of its logarithm, and so open files and lookups few. */
static bool merge_if_many(struct store *store)
{
    struct view *view = store_view(store);
    bool merged = true;
    while (merged && newest_of_one_level(view) >= store->options.fan_in) {
        uint64_t begin = nanoseconds_now();
        size_t count = newest_of_one_level(view);
        struct run *run = merge_newest(store, view, count);
        merged = run != NULL;
        if (merged) {
            replace_newest(store, run, count);
            run_unref(run);
            store->figures.merges++;
            store->figures.merge_nanoseconds += nanoseconds_now() - begin;
        }
        view_drop(view);
        view = store_view(store);
    }
    view_drop(view);
    return merged;
}

void *flush_main(void *context)
{
    struct store *store = context;
    fastskip_table *table;
    bool flushed = true;
    while (flushed && (table = next_sealed(store)) != NULL) {
        flushed = flush_oldest(store, table);
        fastskip_table_unref(table);
        flushed = flushed && merge_if_many(store);
    }
    return NULL;
}
