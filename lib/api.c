/*
 * api.c - the exported functions: they check their arguments and call the layers below.  Their contracts
 * stand in fastskip.h; the options' setters are in options.c.
 */
#include "iterator.h"
#include "memtable.h"

#include <stdlib.h>

#define VALUE_MOST (UINT32_MAX - UINT64_C(65536))

/* ---- arguments ---- */

static int bytes_valid(const void *data, size_t size)
{
    return data != NULL || size == 0;
}

static fastskip_status key_valid(const void *key, size_t size)
{
    if (!bytes_valid(key, size))
        return FASTSKIP_INVALID;
    return size <= FSK_KEY_MOST ? FASTSKIP_OK : FASTSKIP_TOO_LARGE;
}

static fastskip_status record_valid(const void *key, size_t key_size, const void *value,
                                    size_t value_size)
{
    fastskip_status status = key_valid(key, key_size);
    if (!bytes_valid(value, value_size))
        return FASTSKIP_INVALID;
    if (status == FASTSKIP_OK && value_size > VALUE_MOST)
        return FASTSKIP_TOO_LARGE;
    return status;
}

static int sequence_valid(uint64_t sequence, uint32_t kind)
{
    return sequence >= 1 && sequence <= FASTSKIP_SEQUENCE_MAX && kind <= FASTSKIP_KIND_MAX;
}

static int own_kind(uint32_t kind)
{
    return kind >= FASTSKIP_KIND_OWN_MIN && kind <= FASTSKIP_KIND_MAX;
}

/* Readers take const handles; they mend the index as they go, which nobody can tell from outside. */
static fastskip_table *mutable_table(const fastskip_table *table)
{
    return (fastskip_table *)(uintptr_t)table;
}

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

/* ---- tables ---- */

fastskip_status fastskip_table_new(const fastskip_options *options, fastskip_table **table)
{
    return table == NULL ? FASTSKIP_INVALID : fsk_table_new(options, table);
}

fastskip_status fastskip_table_ref(fastskip_table *table)
{
    if (table == NULL)
        return FASTSKIP_INVALID;
    fsk_table_ref(table);
    return FASTSKIP_OK;
}

void fastskip_table_unref(fastskip_table *table)
{
    if (table != NULL)
        fsk_table_unref(table);
}

fastskip_status fastskip_table_seal(fastskip_table *table)
{
    if (table == NULL)
        return FASTSKIP_INVALID;
    fsk_table_seal(table);
    return FASTSKIP_OK;
}

int32_t fastskip_table_is_sealed(const fastskip_table *table)
{
    return table != NULL && fsk_load32_seq(&table->sealed) != 0;
}

fastskip_status fastskip_table_rotate(fastskip_table *table, fastskip_table **fresh)
{
    return table == NULL || fresh == NULL ? FASTSKIP_INVALID : fsk_table_rotate(table, fresh);
}

fastskip_status fastskip_table_reset(fastskip_table *table)
{
    return table == NULL ? FASTSKIP_INVALID : fsk_table_reset(table);
}

/* ---- writing ---- */

static fastskip_status write_auto(fastskip_table *table, uint32_t kind, const void *key,
                                  size_t key_size, const void *value, size_t value_size,
                                  int condition, fastskip_entry *found)
{
    fastskip_status status = record_valid(key, key_size, value, value_size);
    if (table == NULL || table->caller)
        return FASTSKIP_INVALID;
    if (status == FASTSKIP_OK && value_size > table->arena.limit)
        status = FASTSKIP_TOO_LARGE;
    if (status != FASTSKIP_OK)
        return status;
    return fsk_table_write(table, 0, kind, key, key_size, value, value_size, condition, found);
}

fastskip_status fastskip_put(fastskip_table *table, const void *key, size_t key_size,
                             const void *value, size_t value_size)
{
    return write_auto(table, FASTSKIP_PUT, key, key_size, value, value_size, FSK_ANYWAY, NULL);
}

fastskip_status fastskip_delete(fastskip_table *table, const void *key, size_t key_size)
{
    return write_auto(table, FASTSKIP_DELETE, key, key_size, NULL, 0, FSK_ANYWAY, NULL);
}

fastskip_status fastskip_insert(fastskip_table *table, const void *key, size_t key_size,
                                const void *value, size_t value_size)
{
    return write_auto(table, FASTSKIP_PUT, key, key_size, value, value_size, FSK_IF_ABSENT, NULL);
}

fastskip_status fastskip_get_or_insert(fastskip_table *table, const void *key, size_t key_size,
                                       const void *value, size_t value_size, fastskip_entry *entry,
                                       int32_t *inserted)
{
    fastskip_status status;
    if (entry == NULL || inserted == NULL)
        return FASTSKIP_INVALID;
    status =
        write_auto(table, FASTSKIP_PUT, key, key_size, value, value_size, FSK_IF_ABSENT, entry);
    if (status != FASTSKIP_OK && status != FASTSKIP_EXISTS)
        return status;
    *inserted = status == FASTSKIP_OK;
    return FASTSKIP_OK;
}

fastskip_status fastskip_put_kind(fastskip_table *table, uint32_t kind, const void *key,
                                  size_t key_size, const void *value, size_t value_size)
{
    if (!own_kind(kind))
        return FASTSKIP_INVALID;
    return write_auto(table, kind, key, key_size, value, value_size, FSK_ANYWAY, NULL);
}

fastskip_status fastskip_put_at(fastskip_table *table, uint64_t sequence, uint32_t kind,
                                const void *key, size_t key_size, const void *value,
                                size_t value_size)
{
    fastskip_status status = record_valid(key, key_size, value, value_size);
    if (table == NULL || !table->caller || !sequence_valid(sequence, kind))
        return FASTSKIP_INVALID;
    if (status == FASTSKIP_OK && value_size > table->arena.limit)
        status = FASTSKIP_TOO_LARGE;
    if (status != FASTSKIP_OK)
        return status;
    return fsk_table_write(table, sequence, kind, key, key_size, value, value_size, FSK_ANYWAY,
                           NULL);
}

/* ---- batches ---- */

fastskip_status fastskip_batch_new(fastskip_batch **batch)
{
    fastskip_batch *b;
    if (batch == NULL)
        return FASTSKIP_INVALID;
    b = calloc(1, sizeof *b);
    if (b == NULL)
        return FASTSKIP_NO_MEMORY;
    *batch = b;
    return FASTSKIP_OK;
}

void fastskip_batch_free(fastskip_batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->buffer);
    free(batch->records);
    free(batch->work);
    free(batch->order);
    free(batch);
}

static fastskip_status batch_add(fastskip_batch *batch, int numbered, uint64_t sequence,
                                 uint32_t kind, const void *key, size_t key_size, const void *value,
                                 size_t value_size)
{
    fastskip_status status = record_valid(key, key_size, value, value_size);
    if (batch == NULL)
        return FASTSKIP_INVALID;
    if (status != FASTSKIP_OK)
        return status;
    return fsk_batch_add(batch, numbered, sequence, kind, key, key_size, value, value_size);
}

fastskip_status fastskip_batch_put(fastskip_batch *batch, const void *key, size_t key_size,
                                   const void *value, size_t value_size)
{
    return batch_add(batch, 0, 0, FASTSKIP_PUT, key, key_size, value, value_size);
}

fastskip_status fastskip_batch_delete(fastskip_batch *batch, const void *key, size_t key_size)
{
    return batch_add(batch, 0, 0, FASTSKIP_DELETE, key, key_size, NULL, 0);
}

fastskip_status fastskip_batch_put_kind(fastskip_batch *batch, uint32_t kind, const void *key,
                                        size_t key_size, const void *value, size_t value_size)
{
    if (!own_kind(kind))
        return FASTSKIP_INVALID;
    return batch_add(batch, 0, 0, kind, key, key_size, value, value_size);
}

fastskip_status fastskip_batch_put_at(fastskip_batch *batch, uint64_t sequence, uint32_t kind,
                                      const void *key, size_t key_size, const void *value,
                                      size_t value_size)
{
    if (!sequence_valid(sequence, kind))
        return FASTSKIP_INVALID;
    return batch_add(batch, 1, sequence, kind, key, key_size, value, value_size);
}

size_t fastskip_batch_count(const fastskip_batch *batch)
{
    return batch != NULL ? batch->count : 0;
}

fastskip_status fastskip_batch_clear(fastskip_batch *batch)
{
    if (batch == NULL)
        return FASTSKIP_INVALID;
    batch->used = 0;
    batch->count = 0;
    batch->numbered = 0;
    return FASTSKIP_OK;
}

fastskip_status fastskip_write(fastskip_table *table, fastskip_batch *batch)
{
    if (table == NULL || batch == NULL)
        return FASTSKIP_INVALID;
    if (batch->numbered != (table->caller ? batch->count : 0))
        return FASTSKIP_INVALID;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->records[i].value_size > table->arena.limit)
            return FASTSKIP_TOO_LARGE;
    return fsk_table_write_batch(table, batch);
}

/* ---- reading ---- */

static fastskip_status get(const fastskip_table *table, uint64_t limit, const void *key,
                           size_t key_size, int raw, fastskip_entry *entry)
{
    fastskip_status status = key_valid(key, key_size);
    if (status != FASTSKIP_OK)
        return status;
    return fsk_table_get(mutable_table(table), limit, key, key_size, raw, entry);
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
    fastskip_table *t = mutable_table(table);
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
    if (iterator == NULL || !bytes_valid(lower, lower_size) || !bytes_valid(upper, upper_size))
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
    fastskip_status status = key_valid(key, key_size);
    if (iterator == NULL)
        return FASTSKIP_INVALID;
    return status != FASTSKIP_OK ? status : fsk_iterator_seek(iterator, key, key_size);
}

fastskip_status fastskip_iterator_seek_for_prev(fastskip_iterator *iterator, const void *key,
                                                size_t key_size)
{
    fastskip_status status = key_valid(key, key_size);
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
    fastskip_status status = FASTSKIP_OK;
    size_t n = 0;
    if (iterator == NULL || entries == NULL || capacity == 0 || count == NULL)
        return FASTSKIP_INVALID;
    while (n < capacity && iterator->valid) {
        fsk_iterator_show(iterator, &entries[n++]);
        status = fsk_iterator_next(iterator);
    }
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

/* ---- asking ---- */

fastskip_status fastskip_table_stat(const fastskip_table *table, uint32_t id, uint64_t *number)
{
    if (table == NULL || number == NULL)
        return FASTSKIP_INVALID;
    return fsk_table_stat(mutable_table(table), id, number);
}

int32_t fastskip_table_under_backpressure(const fastskip_table *table)
{
    return table != NULL && fsk_table_under_backpressure(table);
}

fastskip_status fastskip_table_approximate_count(const fastskip_table *table, const void *lower,
                                                 size_t lower_size, const void *upper,
                                                 size_t upper_size, uint64_t *number)
{
    fsk_key l, u;
    const fsk_order *o;
    if (table == NULL || number == NULL || !bytes_valid(lower, lower_size) ||
        !bytes_valid(upper, upper_size))
        return FASTSKIP_INVALID;
    if (lower_size > FSK_KEY_MOST || upper_size > FSK_KEY_MOST)
        return FASTSKIP_TOO_LARGE;
    o = &table->list.space.order;
    if (lower != NULL)
        fsk_key_init(&l, o, lower, lower_size);
    if (upper != NULL)
        fsk_key_init(&u, o, upper, upper_size);
    if (lower != NULL && upper != NULL && fsk_compare(o, lower, lower_size, upper, upper_size) >= 0)
        *number = 0;
    else
        *number = fsk_table_approximate(mutable_table(table), lower != NULL ? &l : NULL,
                                        upper != NULL ? &u : NULL);
    return FASTSKIP_OK;
}

fastskip_status fastskip_table_check(const fastskip_table *table)
{
    return table == NULL ? FASTSKIP_INVALID : fsk_table_check(mutable_table(table));
}

const char *fastskip_version(void)
{
    return FASTSKIP_VERSION;
}

const char *fastskip_build(void)
{
#if defined(__clang__)
    return "clang " __clang_version__ ", atomics " FSK_ATOMICS_NAME;
#elif defined(__TINYC__)
    return "tcc, atomics " FSK_ATOMICS_NAME;
#elif defined(__PCC__)
    return "pcc, atomics " FSK_ATOMICS_NAME;
#elif defined(__GNUC__)
    return "gcc " __VERSION__ ", atomics " FSK_ATOMICS_NAME;
#else
    return "C compiler, atomics " FSK_ATOMICS_NAME;
#endif
}

const char *fastskip_strerror(fastskip_status status)
{
    switch (status) {
    case FASTSKIP_OK:
        return "success";
    case FASTSKIP_INVALID:
        return "an argument breaks the contract";
    case FASTSKIP_NO_MEMORY:
        return "out of memory";
    case FASTSKIP_NOT_FOUND:
        return "not found";
    case FASTSKIP_EXISTS:
        return "exists already";
    case FASTSKIP_SEALED:
        return "the table is sealed";
    case FASTSKIP_FULL:
        return "the memory or entry limit is reached";
    case FASTSKIP_TOO_LARGE:
        return "a key or value is over its limit";
    case FASTSKIP_BUSY:
        return "another reference is held";
    case FASTSKIP_UNSUPPORTED:
        return "not supported by this build or these options";
    case FASTSKIP_CORRUPT:
        return "memory damaged, or the comparator contradicts itself";
    default:
        return "unknown status";
    }
}
