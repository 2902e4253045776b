/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * growth.c - as sizes.c, of what grows: a batch's records and bytes, room for versions in an iterator,
 * limits and their percentages.
 */
#include "memtable.h"

#include "iterator.h"

/* Is n at least `percent` of limit?  Exactly so, also where 100 times a limit would not fit. */
/*@ requires 1 <= percent <= 100;
    assigns \nothing;
    ensures \result == 1 || \result == 0;
    ensures \result == 1 <==> n * 100 >= limit * percent;
*/
static int reaches(uint64_t n, uint64_t limit, uint32_t percent);

/* What a batch reserves: no more than two blocks a key and four. */
/*@ requires \valid_read(leaf) && leaf->fill.value <= FSK_BLOCK_WORDS && new_keys <= UINT32_MAX;
    assigns \nothing;
    ensures \result <= new_keys + 1;
*/
static uint64_t splits_of(const fsk_block *leaf, uint64_t new_keys);

/*@ requires \valid(b) && b->used <= b->room && b->count <= b->records_room <= UINT32_MAX / 2; */
static int make_room(fastskip_batch *b, size_t bytes);

/* What Frama-C's own headers lack. */
#include <unistd.h>
#ifndef _SC_NPROCESSORS_ONLN
#define _SC_NPROCESSORS_ONLN 84
#endif

#include "../../lib/batch.c"
#include "../../lib/iterator.c"
#include "../../lib/memtable.c"
