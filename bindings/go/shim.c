/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * shim.c - see shim.h.
 */
#include "shim.h"

#include "_cgo_export.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(fsgo_view) == sizeof(fastskip_entry) &&
                   offsetof(fsgo_view, key) == offsetof(fastskip_entry, key) &&
                   offsetof(fsgo_view, key_size) == offsetof(fastskip_entry, key_size) &&
                   offsetof(fsgo_view, value) == offsetof(fastskip_entry, value) &&
                   offsetof(fsgo_view, value_size) == offsetof(fastskip_entry, value_size) &&
                   offsetof(fsgo_view, sequence) == offsetof(fastskip_entry, sequence) &&
                   offsetof(fsgo_view, kind) == offsetof(fastskip_entry, kind) &&
                   offsetof(fsgo_view, status) == offsetof(fastskip_entry, reserved),
               "fsgo_view lies in memory as fastskip_entry does");

/* ---- handles ---- */

static fastskip_table *table_of(fsgo_table t)
{
    return (fastskip_table *)t;
}

static fastskip_snapshot *snapshot_of(fsgo_snapshot s)
{
    return (fastskip_snapshot *)s;
}

static fastskip_batch *batch_of(fsgo_batch b)
{
    return (fastskip_batch *)b;
}

static fastskip_iterator *iterator_of(fsgo_iterator it)
{
    return (fastskip_iterator *)it;
}

/* ---- callbacks: Go's own functions, which take no const ---- */

static int32_t compare(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    return fsgoCompare((uintptr_t)ctx, (void *)a, a_size, (void *)b, b_size);
}

static uint64_t abbreviate(void *ctx, const void *key, size_t size)
{
    return fsgoAbbreviate((uintptr_t)ctx, (void *)key, size);
}

static void *reserve(void *ctx, size_t size, size_t alignment)
{
    return fsgoReserve((uintptr_t)ctx, size, alignment);
}

static int32_t commit(void *ctx, void *address, size_t size)
{
    return fsgoCommit((uintptr_t)ctx, address, size);
}

static void release(void *ctx, void *address, size_t size)
{
    fsgoRelease((uintptr_t)ctx, address, size);
}

fastskip_status fsgo_set_comparator(fastskip_options *o, int abbreviates, uintptr_t ctx,
                                    const char *name)
{
    return fastskip_options_set_comparator(o, compare, abbreviates ? abbreviate : NULL, (void *)ctx,
                                           name);
}

fastskip_status fsgo_set_allocator(fastskip_options *o, uintptr_t ctx)
{
    return fastskip_options_set_allocator(o, reserve, commit, release, (void *)ctx);
}

/* ---- writing ---- */

static fsgo_view view_of(fastskip_status status, const fastskip_entry *entry)
{
    fsgo_view view;
    memset(&view, 0, sizeof view);
    if (status == FASTSKIP_OK)
        memcpy(&view, entry, sizeof view);
    view.status = status;
    return view;
}

fastskip_status fsgo_put(fsgo_table t, const uint8_t *key, size_t key_size, const uint8_t *value,
                         size_t value_size)
{
    return fastskip_put(table_of(t), key, key_size, value, value_size);
}

fastskip_status fsgo_delete(fsgo_table t, const uint8_t *key, size_t key_size)
{
    return fastskip_delete(table_of(t), key, key_size);
}

fastskip_status fsgo_insert(fsgo_table t, const uint8_t *key, size_t key_size, const uint8_t *value,
                            size_t value_size)
{
    return fastskip_insert(table_of(t), key, key_size, value, value_size);
}

fsgo_insertion fsgo_get_or_insert(fsgo_table t, const uint8_t *key, size_t key_size,
                                  const uint8_t *value, size_t value_size)
{
    fsgo_insertion result = {.inserted = 0};
    fastskip_entry entry;
    fastskip_status status = fastskip_get_or_insert(table_of(t), key, key_size, value, value_size,
                                                    &entry, &result.inserted);
    result.view = view_of(status, &entry);
    return result;
}

fastskip_status fsgo_put_at(fsgo_table t, uint64_t sequence, uint32_t kind, const uint8_t *key,
                            size_t key_size, const uint8_t *value, size_t value_size)
{
    return fastskip_put_at(table_of(t), sequence, kind, key, key_size, value, value_size);
}

fastskip_status fsgo_put_kind(fsgo_table t, uint32_t kind, const uint8_t *key, size_t key_size,
                              const uint8_t *value, size_t value_size)
{
    return fastskip_put_kind(table_of(t), kind, key, key_size, value, value_size);
}

fastskip_status fsgo_write(fsgo_table t, fsgo_batch b)
{
    return fastskip_write(table_of(t), batch_of(b));
}

fastskip_status fsgo_batch_put(fsgo_batch b, const uint8_t *key, size_t key_size,
                               const uint8_t *value, size_t value_size)
{
    return fastskip_batch_put(batch_of(b), key, key_size, value, value_size);
}

fastskip_status fsgo_batch_delete(fsgo_batch b, const uint8_t *key, size_t key_size)
{
    return fastskip_batch_delete(batch_of(b), key, key_size);
}

fastskip_status fsgo_batch_put_kind(fsgo_batch b, uint32_t kind, const uint8_t *key,
                                    size_t key_size, const uint8_t *value, size_t value_size)
{
    return fastskip_batch_put_kind(batch_of(b), kind, key, key_size, value, value_size);
}

fastskip_status fsgo_batch_put_at(fsgo_batch b, uint64_t sequence, uint32_t kind,
                                  const uint8_t *key, size_t key_size, const uint8_t *value,
                                  size_t value_size)
{
    return fastskip_batch_put_at(batch_of(b), sequence, kind, key, key_size, value, value_size);
}

size_t fsgo_batch_count(fsgo_batch b)
{
    return fastskip_batch_count(batch_of(b));
}

fastskip_status fsgo_batch_clear(fsgo_batch b)
{
    return fastskip_batch_clear(batch_of(b));
}

/* ---- reading ---- */

fsgo_view fsgo_get(fsgo_table t, fsgo_snapshot s, const uint8_t *key, size_t key_size)
{
    fastskip_entry entry;
    fastskip_status status = fastskip_get(table_of(t), snapshot_of(s), key, key_size, &entry);
    return view_of(status, &entry);
}

fsgo_view fsgo_get_raw(fsgo_table t, fsgo_snapshot s, const uint8_t *key, size_t key_size)
{
    fastskip_entry entry;
    fastskip_status status = fastskip_get_raw(table_of(t), snapshot_of(s), key, key_size, &entry);
    return view_of(status, &entry);
}

fsgo_view fsgo_get_at(fsgo_table t, uint64_t sequence, const uint8_t *key, size_t key_size)
{
    fastskip_entry entry;
    fastskip_status status = fastskip_get_at(table_of(t), sequence, key, key_size, &entry);
    return view_of(status, &entry);
}

fastskip_status fsgo_contains(fsgo_table t, fsgo_snapshot s, const uint8_t *key, size_t key_size)
{
    return fastskip_contains(table_of(t), snapshot_of(s), key, key_size);
}

fastskip_status fsgo_get_many(fsgo_table t, fsgo_snapshot s, size_t n, const uint8_t *packed,
                              const size_t *sizes, fsgo_view *views)
{
    /* Pointers to Go's memory may stand in C's memory only, and only during the call. */
    size_t each = sizeof(fastskip_entry) + sizeof(const void *) + sizeof(fastskip_status);
    fastskip_entry *entries = calloc(n, each);
    const void **keys;
    fastskip_status *statuses, status;
    size_t i;
    if (entries == NULL)
        return FASTSKIP_NO_MEMORY;
    keys = (const void **)(entries + n);
    statuses = (fastskip_status *)(keys + n);
    for (i = 0; i < n; packed += sizes[i++])
        keys[i] = sizes[i] > 0 ? packed : NULL;
    status = fastskip_get_many(table_of(t), snapshot_of(s), n, keys, sizes, entries, statuses);
    for (i = 0; i < n && status == FASTSKIP_OK; i++)
        views[i] = view_of(statuses[i], &entries[i]);
    free(entries);
    return status;
}

/* ---- iterating ---- */

fastskip_status fsgo_set_bounds(fsgo_iterator it, const uint8_t *lower, size_t lower_size,
                                const uint8_t *upper, size_t upper_size)
{
    return fastskip_iterator_set_bounds(iterator_of(it), lower, lower_size, upper, upper_size);
}

static int same_key(const fsgo_view *a, const fastskip_entry *b)
{
    return a->key_size == b->key_size && (a->key_size == 0 || a->key == (uintptr_t)b->key);
}

static int same_version(const fsgo_view *a, const fastskip_entry *b)
{
    return a->sequence == b->sequence && a->kind == b->kind && a->value_size == b->value_size &&
           a->value == (uintptr_t)b->value;
}

/* Goes beyond the entry `mark`: to its key, then past its versions up to that one. Where the key is not
 * shown any more (an iterator over every number may lose one to a tombstone) the seek has gone beyond. */
static fastskip_status go_beyond(fastskip_iterator *it, int backward, const uint8_t *key,
                                 size_t key_size, const fsgo_view *mark)
{
    fastskip_status (*step)(fastskip_iterator *) =
        backward ? fastskip_iterator_prev : fastskip_iterator_next;
    fastskip_entry entry;
    fastskip_status status = backward ? fastskip_iterator_seek_for_prev(it, key, key_size)
                                      : fastskip_iterator_seek(it, key, key_size);
    while (status == FASTSKIP_OK) {
        status = fastskip_iterator_entry(it, &entry);
        if (status != FASTSKIP_OK || !same_key(mark, &entry))
            return status;
        status = step(it);
        if (same_version(mark, &entry))
            return status;
    }
    return status;
}

static fastskip_status start(fastskip_iterator *it, int from, int backward, const uint8_t *key,
                             size_t key_size, const fsgo_view *mark)
{
    switch (from) {
    case FSGO_HERE:
        return fastskip_iterator_valid(it) ? FASTSKIP_OK : FASTSKIP_NOT_FOUND;
    case FSGO_FIRST:
        return fastskip_iterator_seek_first(it);
    case FSGO_LAST:
        return fastskip_iterator_seek_last(it);
    case FSGO_GE:
        return fastskip_iterator_seek(it, key, key_size);
    case FSGO_LE:
        return fastskip_iterator_seek_for_prev(it, key, key_size);
    default:
        return go_beyond(it, backward, key, key_size, mark);
    }
}

fsgo_count fsgo_fill(fsgo_iterator iterator, int from, int backward, const uint8_t *key,
                     size_t key_size, const fsgo_view *mark, fsgo_view *views, size_t capacity)
{
    fastskip_iterator *it = iterator_of(iterator);
    fsgo_count result = {.count = 0};
    fastskip_entry entry;
    result.status = start(it, from, backward, key, key_size, mark);
    if (result.status != FASTSKIP_OK)
        return result;
    if (!backward) {
        result.status = fastskip_iterator_next_many(it, (fastskip_entry *)(void *)views, capacity,
                                                    &result.count);
        return result;
    }
    while (result.count < capacity && result.status == FASTSKIP_OK) {
        result.status = fastskip_iterator_entry(it, &entry);
        views[result.count++] = view_of(result.status, &entry);
        result.status = fastskip_iterator_prev(it);
    }
    if (result.status == FASTSKIP_NOT_FOUND)
        result.status = FASTSKIP_OK;
    if (result.status != FASTSKIP_OK)
        result.count = 0;
    return result;
}

/* ---- asking ---- */

int32_t fsgo_is_sealed(fsgo_table t)
{
    return fastskip_table_is_sealed(table_of(t));
}

int32_t fsgo_under_backpressure(fsgo_table t)
{
    return fastskip_table_under_backpressure(table_of(t));
}

uint64_t fsgo_snapshot_sequence(fsgo_snapshot s)
{
    return fastskip_snapshot_sequence(snapshot_of(s));
}

fsgo_number fsgo_stat(fsgo_table t, uint32_t id)
{
    fsgo_number result = {.number = 0};
    result.status = fastskip_table_stat(table_of(t), id, &result.number);
    return result;
}

fsgo_number fsgo_approximate_count(fsgo_table t, const uint8_t *lower, size_t lower_size,
                                   const uint8_t *upper, size_t upper_size)
{
    fsgo_number result = {.number = 0};
    result.status = fastskip_table_approximate_count(table_of(t), lower, lower_size, upper,
                                                     upper_size, &result.number);
    return result;
}
