/*
 * api_next.c - what a release 1.1 could bring: a function that 1.0 does not have, and a second version of
 * one that it has, with other arguments. Programs linked with 1.0 must go on getting the first version.
 */
#include "api.h"
#include "symver.h"

FASTSKIP_API size_t fsk_batch_count_1_0(const fastskip_batch *batch);
FSK_SYMVER(fsk_batch_count_1_0, "fastskip_batch_count@FASTSKIP_1.0")
FASTSKIP_API fastskip_status fsk_batch_count_1_1(const fastskip_batch *batch, uint64_t *number);
FSK_SYMVER(fsk_batch_count_1_1, "fastskip_batch_count@@FASTSKIP_1.1")

size_t fsk_batch_count_1_0(const fastskip_batch *batch)
{
    return batch != NULL ? batch->count : 0;
}

fastskip_status fsk_batch_count_1_1(const fastskip_batch *batch, uint64_t *number)
{
    if (batch == NULL || number == NULL)
        return FASTSKIP_INVALID;
    *number = batch->count;
    return FASTSKIP_OK;
}

fastskip_status fastskip_batch_bytes(const fastskip_batch *batch, uint64_t *number)
{
    if (batch == NULL || number == NULL)
        return FASTSKIP_INVALID;
    *number = batch->used;
    return FASTSKIP_OK;
}
