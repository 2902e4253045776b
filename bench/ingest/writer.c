/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Writers: from the parcels of a queue into the active table of the store, rotating it when it is
 * full, or nearly so after a parcel; see workers.h.
 */
#include <stdlib.h>

#include "scratch.h"
#include "workers.h"

void writer_init(struct writer *writer, struct control *control, const struct options *options,
                 struct store *store, struct ledger *ledger, atomic_ullong *written)
{
    *writer = (struct writer){
        .store = store,
        .ledger = ledger,
        .control = control,
        .is_numbered = options->is_numbered,
        .batch_size = options->batch_size,
        .written = written,
    };
    queue_init(&writer->queue, control);
}

void writer_destroy(struct writer *writer)
{
    queue_destroy(&writer->queue);
}

/* Goes on with the table that is active now. */
static void take_table(struct writer *writer)
{
    fastskip_table_unref(writer->table);
    writer->table = store_table(writer->store);
}

static fastskip_status write_to_table(const struct writer *writer,
                                      const struct packed_record *packed)
{
    fastskip_table *table = writer->table;
    const struct record *record = &packed->record;
    if (writer->is_numbered)
        return fastskip_put_at(table, packed->number,
                               record->is_delete ? FASTSKIP_DELETE : FASTSKIP_PUT, record->key,
                               record->key_size, record->is_delete ? NULL : record->value,
                               record->is_delete ? 0 : record->value_size);
    if (record->is_delete)
        return fastskip_delete(table, record->key, record->key_size);
    return fastskip_put(table, record->key, record->key_size, record->value, record->value_size);
}

static bool is_empty(const fastskip_table *table)
{
    uint64_t versions = 0;
    return fastskip_table_stat(table, FASTSKIP_STAT_VERSIONS, &versions) == FASTSKIP_OK &&
           versions == 0;
}

static bool refuse(const struct writer *writer, const struct packed_record *packed, const char *why)
{
    control_fail(writer->control, "record %llu (key of %zu bytes, value of %zu): %s",
                 (unsigned long long)packed->number, packed->record.key_size,
                 packed->record.value_size, why);
    return false;
}

/* Goes on to a fresh table, after a write was answered FULL or SEALED. *was_empty: the table that
 * is left has no record at all. */
static bool leave_table(struct writer *writer, bool *was_empty)
{
    if (!store_rotate(writer->store, writer->table, true, &writer->stalls))
        return false;
    *was_empty = is_empty(writer->table);
    take_table(writer);
    return true;
}

/* Writes one record, into a fresh table if need be. One for which so many tables were full that
 * ended up empty fits into none; it takes more than one since large records of several writers may
 * have been in each other's way. */
static bool write_record(struct writer *writer, const struct packed_record *packed)
{
    enum { EMPTY_TABLES_MAX = 8 };
    for (int empty_tables = 0; empty_tables < EMPTY_TABLES_MAX;) {
        fastskip_status status = write_to_table(writer, packed);
        if (status == FASTSKIP_OK)
            return true;
        if (status == FASTSKIP_TOO_LARGE)
            break;
        if (status != FASTSKIP_FULL && status != FASTSKIP_SEALED)
            return refuse(writer, packed, fastskip_strerror(status));
        bool was_empty;
        if (!leave_table(writer, &was_empty))
            return false;
        empty_tables += status == FASTSKIP_FULL && was_empty;
    }
    return refuse(writer, packed, "it does not fit into a table of that --memory");
}

static bool fill_batch(struct writer *writer, size_t count)
{
    fastskip_status status = fastskip_batch_clear(writer->batch);
    for (size_t i = 0; i < count && status == FASTSKIP_OK; i++) {
        const struct packed_record *packed = &writer->batch_records[i];
        const struct record *record = &packed->record;
        if (writer->is_numbered)
            status = fastskip_batch_put_at(
                writer->batch, packed->number, record->is_delete ? FASTSKIP_DELETE : FASTSKIP_PUT,
                record->key, record->key_size, record->is_delete ? NULL : record->value,
                record->is_delete ? 0 : record->value_size);
        else if (record->is_delete)
            status = fastskip_batch_delete(writer->batch, record->key, record->key_size);
        else
            status = fastskip_batch_put(writer->batch, record->key, record->key_size, record->value,
                                        record->value_size);
    }
    if (status != FASTSKIP_OK)
        control_fail(writer->control, "cannot fill a batch: %s", fastskip_strerror(status));
    return status == FASTSKIP_OK;
}

/* Writes so many records as one batch, or, if that is too much for any table, one by one. */
static bool write_batch(struct writer *writer, size_t count)
{
    if (!fill_batch(writer, count))
        return false;
    bool is_too_much = false;
    while (!is_too_much) {
        fastskip_status status = fastskip_write(writer->table, writer->batch);
        if (status == FASTSKIP_OK) {
            writer->batches++;
            return true;
        }
        if (status != FASTSKIP_FULL && status != FASTSKIP_SEALED)
            break;
        bool was_empty;
        if (!leave_table(writer, &was_empty))
            return false;
        is_too_much = status == FASTSKIP_FULL && was_empty;
    }
    bool written = true;
    for (size_t i = 0; i < count && written; i++)
        written = write_record(writer, &writer->batch_records[i]);
    return written;
}

/* Writes the records that were collected, and acknowledges them. */
static bool write_group(struct writer *writer, size_t count)
{
    uint64_t begin = nanoseconds_now();
    for (size_t i = 0; i < count && writer->ledger != NULL; i++)
        ledger_begin(writer->ledger, &writer->batch_records[i]);
    bool written =
        count > 1 ? write_batch(writer, count) : write_record(writer, &writer->batch_records[0]);
    if (!written)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct packed_record *packed = &writer->batch_records[i];
        if (writer->ledger != NULL)
            ledger_commit(writer->ledger, packed);
        writer->deletes += packed->record.is_delete;
        writer->puts += !packed->record.is_delete;
    }
    atomic_fetch_add_explicit(writer->written, count, memory_order_relaxed);
    uint64_t pause = nanoseconds_now() - begin;
    if (pause > writer->longest_pause)
        writer->longest_pause = pause;
    return true;
}

static bool write_parcel(struct writer *writer, const struct parcel *parcel)
{
    size_t at = 0;
    bool written = true;
    take_table(writer);
    while (written) {
        size_t count = 0;
        while (count < writer->batch_size &&
               parcel_next(parcel, &at, &writer->batch_records[count]))
            count++;
        if (count == 0)
            break;
        written = write_group(writer, count);
    }
    if (written && fastskip_table_under_backpressure(writer->table))
        written = store_rotate(writer->store, writer->table, false, &writer->stalls);
    fastskip_table_unref(writer->table);
    writer->table = NULL;
    return written;
}

void *writer_main(void *context)
{
    struct writer *writer = context;
    struct parcel *parcel;
    writer->batch_records = allocate(writer->batch_size * sizeof *writer->batch_records);
    bool written = true;
    if (fastskip_batch_new(&writer->batch) != FASTSKIP_OK) {
        control_fail(writer->control, "cannot make a batch: out of memory");
        written = false;
    }
    while (written && (parcel = queue_pop(&writer->queue)) != NULL) {
        written = write_parcel(writer, parcel);
        parcel_free(parcel);
    }
    fastskip_batch_free(writer->batch);
    free(writer->batch_records);
    writer->ended_at = nanoseconds_now();
    return NULL;
}
