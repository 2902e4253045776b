/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * sizes.c - contracts of the library's arithmetic on sizes and offsets, for Frama-C WP (test/prove/run).
 *
 * The functions are those of lib/, read as they are; here is only what is claimed of them.  For every
 * one it is proved besides that no sum, product or difference of unsigned numbers wraps around, and
 * that no conversion loses bits.  Limits are those of fastskip.h: keys of 65535 bytes, values of
 * 2^32 - 1, regions of 32 GiB, which are 2^32 units.
 */
#include "checksum.h"
#include "memtable.h"

#include "iterator.h"

#define REGION_MOST 0x800000000

/* On bits, where WP is weak: proved by round_up.smt2, and taken for granted here. */
/*@ requires unit == 4 || unit == 8 || unit == 64 || unit == 65536 || unit == 2097152;
    requires n <= 0x8000000000000000;
    assigns \nothing;
    ensures n <= \result < n + unit;
    ensures \result % 4 == 0;
    ensures unit != 4 ==> \result % 8 == 0;
    ensures unit == 64 ==> \result % 64 == 0;
*/
static inline uint64_t fsk_round_up(uint64_t n, uint64_t unit);

/* ---- entries and versions ---- */

/*@ requires value_size <= UINT32_MAX;
    assigns \nothing;
    ensures \result == sizeof(fsk_version) + value_size;
*/
static inline uint64_t fsk_version_bytes(uint64_t value_size);

/*@ requires key_size <= 65535 && value_size <= UINT32_MAX;
    assigns \nothing;
    ensures \result == sizeof(fsk_entry) + key_size + value_size + (value_size >= 65535 ? 4 : 0);
*/
static inline uint64_t fsk_entry_extent(uint64_t key_size, uint64_t value_size);

/*@ requires key_size <= 65535 && value_size <= UINT32_MAX;
    assigns \nothing;
    ensures \result >= sizeof(fsk_entry) + key_size + value_size + (value_size >= 65535 ? 4 : 0);
    ensures \result >= sizeof(fsk_version) + value_size; // the memory of an entry serves as a version
    ensures \result <= sizeof(fsk_version) + key_size + value_size + 4;
*/
static inline uint64_t fsk_entry_bytes(uint64_t key_size, uint64_t value_size);

/*@ assigns \nothing; */
static inline int fsk_checked(const fsk_space *s);

/*@ assigns \nothing; */
static inline int fsk_summed(const fsk_space *s);

/* With room for a sum, aligned, at its end; or without. */
/*@ requires \valid_read(s) && size <= 0x200000000;
    assigns \nothing;
    ensures \result == size || (size + 4 <= \result <= size + 7 && \result % 4 == 0);
*/
static inline uint64_t fsk_summed_bytes(const fsk_space *s, uint64_t size);

/* ---- references ---- */

/*@ requires \valid_read(arena) && arena->limit <= REGION_MOST && arena->limit <= SIZE_MAX / 2;
    requires (uint64_t)ref * 8 < arena->limit;
    assigns \nothing;
    ensures \result == (void *)(arena->base + ref * 8);
*/
static inline void *fsk_arena_at(const fsk_arena *arena, fsk_ref ref);

/*@ requires \valid_read(arena) && arena->limit <= REGION_MOST && arena->limit <= SIZE_MAX / 2;
    requires \base_addr((char *)address) == \base_addr(arena->base);
    requires 0 <= (char *)address - arena->base < arena->limit;
    requires ((char *)address - arena->base) % 8 == 0;
    assigns \nothing;
    ensures \result * 8 == (char *)address - arena->base;
*/
static inline fsk_ref fsk_arena_ref(const fsk_arena *arena, const void *address);

/* ---- bumping ---- */

/*@ requires \valid_read(c) && c->cursor <= c->end <= REGION_MOST;
    requires align == 8 || align == 64;
    assigns \nothing;
    ensures \result <= c->end - c->cursor;
*/
static inline uint64_t fsk_arena_left(const fsk_chunk *c, uint64_t align);

/*@ requires \valid(w) && \valid(c) && \separated(w, c) && \valid(w->arena);
    requires c->cursor <= c->end <= REGION_MOST && w->used <= REGION_MOST;
    requires align == 8 || align == 64;
    requires 0 < size && size % 8 == 0 && c->cursor + align - 1 + size <= c->end;
    assigns c->cursor, w->used;
    ensures c->cursor <= c->end;
    ensures \old(c->cursor) <= \result * 8;
    ensures \result * 8 + size == c->cursor;
    ensures align == 64 ==> \result % 8 == 0;
    ensures w->used == \old(w->used) + size;
*/
static inline fsk_ref fsk_arena_bump(fsk_writer *w, fsk_chunk *c, uint64_t size, uint64_t align);
