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
    ensures \result % 8 == 0;
    ensures unit == 64 ==> \result % 64 == 0;
*/
static inline uint64_t fsk_round_up(uint64_t n, uint64_t unit);

/*@ requires page == 4096 || page == 65536 || page == 2097152;
    requires size <= SIZE_MAX / 2;
    assigns \nothing;
    ensures size <= \result < size + page;
    ensures page == 4096 ==> \result % 4096 == 0;
    ensures page == 65536 ==> \result % 65536 == 0;
    ensures page == 2097152 ==> \result % 2097152 == 0;
*/
static size_t whole_pages(size_t size, size_t page);

/*@ assigns \nothing;
    ensures \result == 1 || 1 < \result <= n;
    ensures n < 2 * \result;
*/
static uint64_t power_below(uint64_t n);

/* Taken for granted: it asks whoever made the region, and sets `committed`. */
/*@ requires \valid(a) && end <= a->limit;
    assigns a->committed;
*/
static fastskip_status region_commit(fsk_arena *a, uint64_t end);

/* What is taken lies inside the region and is aligned. */
/*@ requires \valid(a) && \valid(start) && \separated(a, start);
    requires a->limit <= REGION_MOST && a->taken.value <= a->limit;
    requires align == 8 || align == 64;
    assigns *start, a->taken, a->committed;
    ensures a->taken.value <= a->limit;
    ensures \result == FASTSKIP_OK ==> size <= a->limit && *start <= a->limit - size;
    ensures \result == FASTSKIP_OK && align == 8 ==> *start % 8 == 0;
    ensures \result == FASTSKIP_OK && align == 64 ==> *start % 64 == 0;
*/
static fastskip_status region_take(fsk_arena *a, uint64_t size, uint64_t align, uint64_t *start);

/* `taken` may be any number that other threads have made of it. */
/*@ requires \valid_read(a) && a->chunk_size <= 67108864 && a->chunk_most <= 2097152;
    assigns \nothing;
    ensures \result <= 67108864;
    ensures a->chunk_size == 0 ==> \result >= 16384;
*/
static uint64_t chunk_want(const fsk_arena *a, fsk_kind kind);

/* What Frama-C's own headers lack. */
#include <pthread.h>
#include <sys/mman.h>
#define MAP_NORESERVE 0x4000
#define pthread_self() 0u
int sched_getcpu(void);

#include "../../lib/arena.c"
