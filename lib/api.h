/*
 * api.h - what the exported functions share: checks of their arguments.
 *
 * api_table.c, api_write.c and api_read.c hold the exported functions, options.c the setters of options.
 * They check arguments and call the layers below; their contracts stand in fastskip.h.
 */
#ifndef FSK_API_H
#define FSK_API_H

#include "iterator.h"
#include "memtable.h"

#define FSK_VALUE_MOST (UINT32_MAX - UINT64_C(65536))

static inline int fsk_api_bytes(const void *data, size_t size)
{
    return data != NULL || size == 0;
}

static inline fastskip_status fsk_api_key(const void *key, size_t size)
{
    if (!fsk_api_bytes(key, size))
        return FASTSKIP_INVALID;
    return size <= FSK_KEY_MOST ? FASTSKIP_OK : FASTSKIP_TOO_LARGE;
}

static inline fastskip_status fsk_api_record(const void *key, size_t key_size, const void *value,
                                             size_t value_size)
{
    fastskip_status status = fsk_api_key(key, key_size);
    if (!fsk_api_bytes(value, value_size))
        return FASTSKIP_INVALID;
    if (status == FASTSKIP_OK && value_size > FSK_VALUE_MOST)
        return FASTSKIP_TOO_LARGE;
    return status;
}

/* Readers take const handles; they mend the index as they go, which nobody can tell from outside. */
static inline fastskip_table *fsk_api_mutable(const fastskip_table *table)
{
    return (fastskip_table *)(uintptr_t)table;
}

#endif
