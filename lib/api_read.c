/* api_read.c - exported functions: lookups, snapshots, iterators; see api.h. */
#include "api.h"

#include <stdlib.h>

static fastskip_status read_valid(const fastskip_table *table, const fastskip_snapshot *snapshot)
{
    if (table == NULL || (snapshot != NULL && snapshot->table != table))
        return FASTSKIP_INVALID;
    return FASTSKIP_OK;
}

static uint64_t limit_of(const fastskip_table *table, const fastskip_snapshot *snapshot)
{
    return snapshot != NULL ? snapshot->sequence : fsk_table_latest(table);
}

/* ---- reading ---- */

static fastskip_status get(const fastskip_table *table, uint64_t limit, const void *key,
                           size_t key_size, int raw, fastskip_entry *entry)
{
    fastskip_status status = fsk_api_key(key, key_size);
    if (status != FASTSKIP_OK)
        return status;
    return fsk_table_get(fsk_api_mutable(table), limit, key, key_size, raw, entry);
}

fastskip_status fastskip_get(const fastskip_table *table, const fastskip_snapshot *snapshot,
                             const void *key, size_t key_size, fastskip_entry *entry)
{
    if (read_valid(table, snapshot) != FASTSKIP_OK || entry == NULL)
        return FASTSKIP_INVALID;
    return get(table, limit_of(table, snapshot), key, key_size, 0, entry);
}

fastskip_status fastskip_get_raw(const fastskip_table *table, const fastskip_snapshot *snapshot,
                                 const void *key, size_t key_size, fastskip_entry *entry)
{
    if (read_valid(table, snapshot) != FASTSKIP_OK || entry == NULL)
        return FASTSKIP_INVALID;
    return get(table, limit_of(table, snapshot), key, key_size, 1, entry);
}

fastskip_status fastskip_get_at(const fastskip_table *table, uint64_t sequence, const void *key,
                                size_t key_size, fastskip_entry *entry)
{
    if (table == NULL || entry == NULL)
        return FASTSKIP_INVALID;
    if (sequence > fsk_table_latest(table))
        sequence = fsk_table_latest(table);
    return get(table, sequence, key, key_size, 1, entry);
}

fastskip_status fastskip_contains(const fastskip_table *table, const fastskip_snapshot *snapshot,
                                  const void *key, size_t key_size)
{
    fastskip_entry entry;
    if (read_valid(table, snapshot) != FASTSKIP_OK)
        return FASTSKIP_INVALID;
    return get(table, limit_of(table, snapshot), key, key_size, 0, &entry);
}

fastskip_status fastskip_get_many(const fastskip_table *table, const fastskip_snapshot *snapshot,
                                  size_t n, const void *const *keys, const size_t *key_sizes,
                                  fastskip_entry *entries, fastskip_status *statuses)
{
    fastskip_table *t = fsk_api_mutable(table);
    uint64_t limit;
    if (read_valid(table, snapshot) != FASTSKIP_OK)
        return FASTSKIP_INVALID;
    if (n == 0)
        return FASTSKIP_OK;
    if (keys == NULL || key_sizes == NULL || entries == NULL || statuses == NULL)
        return FASTSKIP_INVALID;
    limit = limit_of(table, snapshot);
    if (snapshot == NULL && !t->caller && n > 1)
        limit = fsk_clock_snapshot(&t->clock);
    fsk_table_get_many(t, limit, n, keys, key_sizes, entries, statuses);
    return FASTSKIP_OK;
}

fastskip_status fastskip_snapshot_new(fastskip_table *table, fastskip_snapshot **snapshot)
{
    fastskip_snapshot *s;
    if (table == NULL || snapshot == NULL || table->caller)
        return FASTSKIP_INVALID;
    s = malloc(sizeof *s);
    if (s == NULL)
        return FASTSKIP_NO_MEMORY;
    fsk_table_ref(table);
    s->table = table;
    s->sequence = fsk_clock_snapshot(&table->clock);
    fsk_add64_relaxed(&table->snapshots, 1);
    *snapshot = s;
    return FASTSKIP_OK;
}

uint64_t fastskip_snapshot_sequence(const fastskip_snapshot *snapshot)
{
    return snapshot != NULL ? snapshot->sequence : 0;
}

void fastskip_snapshot_free(fastskip_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    fsk_table_unref(snapshot->table);
    free(snapshot);
}

/* ---- iterating ---- */

static int flags_valid(uint32_t flags)
{
    return (flags & ~(uint32_t)(FASTSKIP_TOMBSTONES | FASTSKIP_ALL_VERSIONS)) == 0;
}

fastskip_status fastskip_iterator_new(fastskip_table *table, const fastskip_snapshot *snapshot,
                                      uint32_t flags, fastskip_iterator **iterator)
{
    fastskip_status status;
    if (read_valid(table, snapshot) != FASTSKIP_OK || iterator == NULL || !flags_valid(flags))
        return FASTSKIP_INVALID;
    status = fsk_iterator_new(table, limit_of(table, snapshot), flags, iterator);
    if (status == FASTSKIP_OK && snapshot == NULL && !table->caller)
        (*iterator)->limit = fsk_clock_snapshot(&table->clock);
    return status;
}

fastskip_status fastskip_iterator_new_at(fastskip_table *table, uint64_t sequence, uint32_t flags,
                                         fastskip_iterator **iterator)
{
    if (table == NULL || iterator == NULL || !table->caller || !flags_valid(flags))
        return FASTSKIP_INVALID;
    return fsk_iterator_new(table, sequence, flags, iterator);
}

fastskip_status fastskip_iterator_set_bounds(fastskip_iterator *iterator, const void *lower,
                                             size_t lower_size, const void *upper,
                                             size_t upper_size)
{
    if (iterator == NULL || !fsk_api_bytes(lower, lower_size) || !fsk_api_bytes(upper, upper_size))
        return FASTSKIP_INVALID;
    if (lower_size > FSK_KEY_MOST || upper_size > FSK_KEY_MOST)
        return FASTSKIP_TOO_LARGE;
    return fsk_iterator_set_bounds(iterator, lower, lower_size, upper, upper_size);
}

fastskip_status fastskip_iterator_seek_first(fastskip_iterator *iterator)
{
    return iterator == NULL ? FASTSKIP_INVALID : fsk_iterator_first(iterator);
}

fastskip_status fastskip_iterator_seek_last(fastskip_iterator *iterator)
{
    return iterator == NULL ? FASTSKIP_INVALID : fsk_iterator_last(iterator);
}

fastskip_status fastskip_iterator_seek(fastskip_iterator *iterator, const void *key,
                                       size_t key_size)
{
    fastskip_status status = fsk_api_key(key, key_size);
    if (iterator == NULL)
        return FASTSKIP_INVALID;
    return status != FASTSKIP_OK ? status : fsk_iterator_seek(iterator, key, key_size);
}

fastskip_status fastskip_iterator_seek_for_prev(fastskip_iterator *iterator, const void *key,
                                                size_t key_size)
{
    fastskip_status status = fsk_api_key(key, key_size);
    if (iterator == NULL)
        return FASTSKIP_INVALID;
    return status != FASTSKIP_OK ? status : fsk_iterator_seek_for_prev(iterator, key, key_size);
}

fastskip_status fastskip_iterator_next(fastskip_iterator *iterator)
{
    return iterator == NULL ? FASTSKIP_INVALID : fsk_iterator_next(iterator);
}

fastskip_status fastskip_iterator_prev(fastskip_iterator *iterator)
{
    return iterator == NULL ? FASTSKIP_INVALID : fsk_iterator_prev(iterator);
}

int32_t fastskip_iterator_valid(const fastskip_iterator *iterator)
{
    return iterator != NULL && iterator->valid;
}

fastskip_status fastskip_iterator_entry(const fastskip_iterator *iterator, fastskip_entry *entry)
{
    if (iterator == NULL || entry == NULL)
        return FASTSKIP_INVALID;
    if (!iterator->valid)
        return FASTSKIP_NOT_FOUND;
    fsk_iterator_show(iterator, entry);
    return FASTSKIP_OK;
}

fastskip_status fastskip_iterator_next_many(fastskip_iterator *iterator, fastskip_entry *entries,
                                            size_t capacity, size_t *count)
{
    fastskip_status status;
    size_t n;
    if (iterator == NULL || entries == NULL || capacity == 0 || count == NULL)
        return FASTSKIP_INVALID;
    status = fsk_iterator_next_many(iterator, entries, capacity, &n);
    if (n == 0)
        status = FASTSKIP_NOT_FOUND;
    else if (status == FASTSKIP_NOT_FOUND)
        status = FASTSKIP_OK;
    *count = status == FASTSKIP_OK ? n : 0;
    return status;
}

void fastskip_iterator_free(fastskip_iterator *iterator)
{
    if (iterator != NULL)
        fsk_iterator_free(iterator);
}
