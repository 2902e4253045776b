/* options.c - defaults and setters of fastskip_options; their contracts stand in fastskip.h. */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

void fsk_options_default(struct fastskip_options *o)
{
    memset(o, 0, sizeof *o);
    o->backpressure = 90;
    o->huge_pages = FASTSKIP_HUGE_PAGES_ASK;
    o->sequence_mode = FASTSKIP_SEQUENCE_AUTO;
    o->memory_limit = GIB;
}

fastskip_status fastskip_options_new(fastskip_options **options)
{
    fastskip_options *o;
    if (options == NULL)
        return FASTSKIP_INVALID;
    o = malloc(sizeof *o);
    if (o == NULL)
        return FASTSKIP_NO_MEMORY;
    fsk_options_default(o);
    *options = o;
    return FASTSKIP_OK;
}

void fastskip_options_free(fastskip_options *options)
{
    free(options);
}

fastskip_status fastskip_options_set_shards(fastskip_options *options, uint32_t shards)
{
    if (options == NULL || shards < 1 || shards > 1024)
        return FASTSKIP_INVALID;
    options->shards = shards;
    return FASTSKIP_OK;
}

fastskip_status fastskip_options_set_block_size(fastskip_options *options, size_t bytes)
{
    if (options == NULL || bytes < 4 * KIB || bytes > 64 * MIB || (bytes & (bytes - 1)) != 0)
        return FASTSKIP_INVALID;
    options->block_size = bytes;
    return FASTSKIP_OK;
}

fastskip_status fastskip_options_set_memory_limit(fastskip_options *options, uint64_t bytes)
{
    if (options == NULL || bytes < 64 * KIB || bytes > 32 * GIB)
        return FASTSKIP_INVALID;
    options->memory_limit = bytes;
    return FASTSKIP_OK;
}

fastskip_status fastskip_options_set_entry_limit(fastskip_options *options, uint64_t versions)
{
    if (options == NULL)
        return FASTSKIP_INVALID;
    options->entry_limit = versions;
    return FASTSKIP_OK;
}

fastskip_status fastskip_options_set_backpressure(fastskip_options *options, uint32_t percent)
{
    if (options == NULL || percent < 1 || percent > 100)
        return FASTSKIP_INVALID;
    options->backpressure = percent;
    return FASTSKIP_OK;
}

fastskip_status fastskip_options_set_huge_pages(fastskip_options *options, uint32_t mode)
{
    if (options == NULL || mode > FASTSKIP_HUGE_PAGES_INSIST)
        return FASTSKIP_INVALID;
    options->huge_pages = mode;
    return FASTSKIP_OK;
}

fastskip_status fastskip_options_set_sequence_mode(fastskip_options *options, uint32_t mode)
{
    if (options == NULL || mode > FASTSKIP_SEQUENCE_CALLER)
        return FASTSKIP_INVALID;
    options->sequence_mode = mode;
    return FASTSKIP_OK;
}

fastskip_status fastskip_options_set_comparator(fastskip_options *options,
                                                fastskip_compare_fn compare,
                                                fastskip_abbreviate_fn abbreviate, void *ctx,
                                                const char *name)
{
    size_t length = name != NULL ? strlen(name) : 0;
    if (options == NULL || length >= FSK_NAME_ROOM)
        return FASTSKIP_INVALID;
    if (compare == NULL && (abbreviate != NULL || ctx != NULL || name != NULL))
        return FASTSKIP_INVALID;
    options->compare = compare;
    options->abbreviate = abbreviate;
    options->compare_context = ctx;
    memset(options->compare_name, 0, sizeof options->compare_name);
    if (length != 0)
        memcpy(options->compare_name, name, length);
    return FASTSKIP_OK;
}

fastskip_status fastskip_options_set_allocator(fastskip_options *options,
                                               fastskip_reserve_fn reserve,
                                               fastskip_commit_fn commit,
                                               fastskip_release_fn release, void *ctx)
{
    int given = (reserve != NULL) + (commit != NULL) + (release != NULL);
    if (options == NULL || (given != 0 && given != 3) || (given == 0 && ctx != NULL))
        return FASTSKIP_INVALID;
    options->reserve = reserve;
    options->commit = commit;
    options->release = release;
    options->allocator_context = ctx;
    return FASTSKIP_OK;
}

fastskip_status fastskip_options_set_seed(fastskip_options *options, uint64_t seed)
{
    if (options == NULL)
        return FASTSKIP_INVALID;
    options->seed = seed;
    return FASTSKIP_OK;
}

fastskip_status fastskip_options_set_checksum(fastskip_options *options, uint32_t bytes)
{
    if (options == NULL || (bytes != 0 && bytes != 4))
        return FASTSKIP_INVALID;
    options->checksum = bytes;
    return FASTSKIP_OK;
}

fastskip_status fastskip_options_set_paranoid(fastskip_options *options, uint32_t on)
{
    if (options == NULL || on > 1)
        return FASTSKIP_INVALID;
    options->paranoid = on;
    return FASTSKIP_OK;
}
