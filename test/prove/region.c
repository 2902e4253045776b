/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * region.c - as sizes.c, of lib/arena.c: what is taken from the region and what is made usable.
 */
#include "arena.h"

#define REGION_MOST 0x800000000

/*@ requires unit == 8 || unit == 64 || unit == 65536 || unit == 2097152;
    requires n <= 0x8000000000000000;
    assigns \nothing;
    ensures n <= \result < n + unit;
    ensures \result % unit == 0;
*/
static inline uint64_t fsk_round_up(uint64_t n, uint64_t unit);

/*@ requires page == 4096 || page == 65536 || page == 2097152;
    requires size <= SIZE_MAX / 2;
    assigns \nothing;
    ensures size <= \result < size + page;
    ensures \result % page == 0;
*/
static size_t whole_pages(size_t size, size_t page);

/*@ requires 0 < n <= REGION_MOST;
    assigns \nothing;
    ensures 0 < \result <= n;
    ensures n < 2 * \result;
*/
static uint64_t power_below(uint64_t n);

/* Any number that other threads may have made of it. */
/*@ requires \valid_read(p); assigns \nothing; */
static inline uint64_t fsk_load64(const fsk_atomic64 *p);

/*@ requires \valid(a) && a->limit <= REGION_MOST && a->limit <= SIZE_MAX / 2;
    requires end <= a->limit;
*/
static fastskip_status region_commit(fsk_arena *a, uint64_t end);

#include "../../lib/arena.c"
