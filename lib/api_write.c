/* api_write.c - exported functions: writes and batches; see api.h. */
#include "api.h"

#include <stdlib.h>

static int sequence_valid(uint64_t sequence, uint32_t kind)
{
    return sequence >= 1 && sequence <= FASTSKIP_SEQUENCE_MAX && kind <= FASTSKIP_KIND_MAX;
}

static int own_kind(uint32_t kind)
{
    return kind >= FASTSKIP_KIND_OWN_MIN && kind <= FASTSKIP_KIND_MAX;
}

/* ---- writing ---- */

static fastskip_status write_auto(fastskip_table *table, uint32_t kind, const void *key,
                                  size_t key_size, const void *value, size_t value_size,
                                  int condition, fastskip_entry *found)
{
    fastskip_status status = fsk_api_record(key, key_size, value, value_size);
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
    fastskip_status status = fsk_api_record(key, key_size, value, value_size);
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
    fastskip_status status = fsk_api_record(key, key_size, value, value_size);
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
    batch->largest = 0;
    return FASTSKIP_OK;
}

fastskip_status fastskip_write(fastskip_table *table, fastskip_batch *batch)
{
    if (table == NULL || batch == NULL)
        return FASTSKIP_INVALID;
    if (batch->numbered != (table->caller ? batch->count : 0))
        return FASTSKIP_INVALID;
    if (batch->largest > table->arena.limit)
        return FASTSKIP_TOO_LARGE;
    return fsk_table_write_batch(table, batch);
}
