/* api_table.c - exported functions: tables and their figures; see api.h. */
#include "api.h"

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

/* ---- asking ---- */

fastskip_status fastskip_table_stat(const fastskip_table *table, uint32_t id, uint64_t *number)
{
    if (table == NULL || number == NULL)
        return FASTSKIP_INVALID;
    return fsk_table_stat(fsk_api_mutable(table), id, number);
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
    uint64_t n;
    if (table == NULL || number == NULL || !fsk_api_bytes(lower, lower_size) ||
        !fsk_api_bytes(upper, upper_size))
        return FASTSKIP_INVALID;
    if (lower_size > FSK_KEY_MOST || upper_size > FSK_KEY_MOST)
        return FASTSKIP_TOO_LARGE;
    o = &table->list.space.order;
    if (lower != NULL)
        fsk_key_init(&l, o, lower, lower_size);
    if (upper != NULL)
        fsk_key_init(&u, o, upper, upper_size);
    if (lower != NULL && upper != NULL && fsk_compare(o, lower, lower_size, upper, upper_size) >= 0)
        n = 0;
    else
        n = fsk_table_approximate(fsk_api_mutable(table), lower != NULL ? &l : NULL,
                                  upper != NULL ? &u : NULL);
    if (n == FSK_APPROXIMATE_DAMAGED)
        return FASTSKIP_CORRUPT;
    *number = n;
    return FASTSKIP_OK;
}

fastskip_status fastskip_table_check(const fastskip_table *table)
{
    return table == NULL ? FASTSKIP_INVALID : fsk_table_check(fsk_api_mutable(table));
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
