/*
 * arena.h - the memory of one table: a region, chunks, shards.
 *
 * Region.  One contiguous reservation of address space, as large as the table's memory limit.  It is
 * made usable (committed) piece by piece from its low end.  Everything inside is named by a 32-bit
 * reference in units of 8 bytes from the region's base; reference 0 names nothing.  Behind it `slack` bytes
 * can be read, for tables that read what may be damaged; they are committed with what lies before them.
 *
 * Chunks.  A shard takes chunks from the region by one CAS on `taken`, which never passes the limit.
 * Within a chunk it bumps a cursor.  Entries, leaf blocks and index blocks come from different chunks,
 * so that the index stays dense in cache.
 *
 * Shards.  A writer owns a shard while `busy` is set, which it sets by one exchange.  It starts at a
 * home slot given by the processor it runs on and walks on where a shard is taken; when all are taken it
 * adds one to `overflow` and allocates straight from the region.  So any number of threads works with
 * any number of shards, nobody waits, a thread that ends leaves nothing behind, and nothing is
 * remembered by address or by thread.
 *
 * Who may call what at once: everything here that takes a writer is called by that writer only, and many
 * writers run at once.  Reading the totals may run beside everything.  arena_reset needs the arena alone.
 *
 * Memory order:
 *   busy exchange, overflow add, their loads by seal   seq_cst   (the door of memtable.c relies on it)
 *   busy store 0, overflow subtract                    release, pair with the exchange and with the loads
 *                                                      by seal: the next owner sees this one's cursors
 *   taken, committed CAS                               acq_rel, they order nothing but themselves
 *   counters                                           relaxed: a sum over shards, true at rest
 *
 * Progress: the region CAS fails only when another thread took memory; walks over shards are one pass.
 *
 * Relies on: atomic.h.  Used by: block and above.
 */
#ifndef FSK_ARENA_H
#define FSK_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "fastskip.h"

/* A place in the region, in units of FSK_UNIT bytes from its base; 0 names nothing. */
typedef uint32_t fsk_ref;
#define FSK_UNIT 8u
#define FSK_LINE 64u /* bytes of a cache line: what blocks and shards are aligned to */

/* What an allocation is for: each has a chunk of its own.  FSK_TAIL keeps the largest remainder of a
 * chunk that was left, and is used only when the region has no more. */
typedef enum { FSK_ENTRIES, FSK_LEAVES, FSK_INDEX, FSK_TAIL, FSK_KINDS } fsk_kind;

/* What is counted, per shard; summed up when asked. */
typedef enum {
    FSK_COUNT_USED,   /* bytes handed out and kept */
    FSK_COUNT_WASTED, /* of these, reachable by nothing: lost races; not replaced blocks */
    FSK_COUNT_CHUNKS, /* pieces taken from the region */
    FSK_COUNT_LEAVES, /* blocks in use */
    FSK_COUNT_INDEX,
    FSK_COUNT_REPLACED, /* blocks that a split replaced */
    FSK_COUNT_KEYS,
    FSK_COUNT_KEY_BYTES,
    FSK_COUNT_VERSIONS,
    FSK_COUNT_VALUE_BYTES,
    FSK_COUNT_REFUSED, /* writes attempted that made no version */
    FSK_COUNT_RETRIES,
    FSK_COUNTERS
} fsk_counter;

typedef struct {
    uint64_t cursor, end; /* bytes from the region's base */
} fsk_chunk;

typedef struct {
    /* 1 while a writer owns all that follows but the counters, which all may read. */
    fsk_atomic32 busy;
    fsk_ref spare; /* blocks that were made and lost their race: a list through their first word */
    fsk_ref edge;  /* the right-most leaf, if the last key went into it; else 0 */
    /* 0, or an entry in the edge, in the slot before `above`: no key in a slot before that is greater. */
    fsk_ref greatest;
    uint32_t above;
    uint32_t unused; /* what follows is aligned to 8 */
    fsk_chunk chunk[FSK_KINDS];
    fsk_atomic64 count[FSK_COUNTERS];
    /* A multiple of two lines: keeps neighbours apart, for the adjacent-line prefetcher too. */
    char pad[256 - 24 - 16 * FSK_KINDS - 8 * FSK_COUNTERS];
} fsk_shard;

/* Where the region comes from; see the typedefs in fastskip.h. */
typedef struct {
    fastskip_reserve_fn reserve;
    fastskip_commit_fn commit;
    fastskip_release_fn release;
    void *context;
} fsk_source;

typedef struct {
    uint64_t limit;      /* bytes of the region */
    uint64_t chunk_size; /* 0: grows with the table */
    uint32_t shards;
    uint32_t huge_pages; /* as in fastskip_options_set_huge_pages */
    fsk_source source;   /* reserve NULL: mmap */
    uint64_t slack;      /* bytes behind whatever is given out that can be read */
} fsk_arena_options;

typedef struct {
    /* Fixed for the arena's life. */
    char *base;
    uint64_t limit, chunk_size, chunk_most;
    uint64_t slack; /* reserved behind the region, and never given out */
    uint32_t shards;
    fsk_shard *shard;
    fsk_source source;
    char pad0[FSK_LINE];
    /* Written when a chunk is taken. */
    fsk_atomic64 taken;     /* bytes of the region given out */
    fsk_atomic64 committed; /* bytes that may be touched; >= taken + slack */
    char pad1[FSK_LINE];
    /* Written by writers that found every shard taken. */
    fsk_atomic32 overflow; /* such writers now */
    fsk_atomic32 spare;    /* one block that such a writer had left over */
    fsk_atomic64 count[FSK_COUNTERS];
    char pad2[FSK_LINE];
} fsk_arena;

/* One write operation's hold on the arena; lives on its stack. */
typedef struct {
    fsk_arena *arena;
    fsk_shard *shard;       /* NULL: an overflow writer */
    int overflow;           /* counted in arena->overflow */
    fastskip_status status; /* why the last allocation failed */
    fsk_ref reserved;       /* blocks taken ahead: a list through their first word */
    uint64_t used;          /* bytes allocated and kept so far, added to the counters at the end */
} fsk_writer;

fastskip_status fsk_arena_init(fsk_arena *arena, const fsk_arena_options *options);
void fsk_arena_destroy(fsk_arena *arena);

/* Empties the arena and all shards, and keeps the memory.  Nobody else may use the arena meanwhile. */
void fsk_arena_reset(fsk_arena *arena);

/* Take a shard, or become an overflow writer; and give it back.  Never waits. */
void fsk_arena_enter(fsk_arena *arena, fsk_writer *writer);
static inline void fsk_arena_leave(fsk_writer *writer);

/* Waits until every write that was under way has left.  Only for seal. */
void fsk_arena_drain(const fsk_arena *arena);

/* No write that began before this call was still under way at its end; 0: perhaps one was. */
int fsk_arena_quiet(const fsk_arena *arena);

/*
 * size bytes, aligned to `align` (8 or FSK_LINE); their content is arbitrary.  0 when there are none:
 * writer->status is then FASTSKIP_FULL (the limit) or FASTSKIP_NO_MEMORY (the system).
 */
static inline fsk_ref fsk_arena_alloc(fsk_writer *writer, fsk_kind kind, uint64_t size,
                                      uint64_t align);
fsk_ref fsk_arena_alloc_slow(fsk_writer *writer, fsk_kind kind, uint64_t size, uint64_t align);

/* The same, straight from the region and not from a chunk. */
fsk_ref fsk_arena_alloc_exact(fsk_writer *writer, uint64_t size, uint64_t align);

/* Gives back what this operation allocated and did not publish; counts it as wasted where it can not. */
void fsk_arena_give_back(fsk_writer *writer, fsk_ref ref, uint64_t size);

/* A block left over by an earlier operation, or 0; and leaving one.  All blocks have one size. */
fsk_ref fsk_arena_spare_take(fsk_writer *writer, uint64_t size);
void fsk_arena_spare_leave(fsk_writer *writer, fsk_ref ref, uint64_t size);

/* The sum of a counter over all shards: exact while no write is under way. */
uint64_t fsk_arena_total(const fsk_arena *arena, fsk_counter counter);
uint64_t fsk_arena_committed(const fsk_arena *arena);

/* The running total, in O(1): bytes of the region that were given out, to shards or directly.  What is
 * counted as used is never more. */
static inline uint64_t fsk_arena_taken(const fsk_arena *arena)
{
    return fsk_load64_acquire(&arena->taken);
}

/* For who reads memory that may be damaged.  Does this lie in what was given out by now? */
static inline int fsk_arena_inside(const fsk_arena *arena, fsk_ref ref, uint64_t size)
{
    uint64_t start = (uint64_t)ref * FSK_UNIT, end = fsk_arena_taken(arena);
    return ref != 0 && size <= end && start <= end - size;
}

/* May a walk have gone so many steps over things of this size without going in circles?  As many as there
 * is room for by now: what it walks over may grow meanwhile. */
static inline int fsk_arena_going(const fsk_arena *arena, uint64_t steps, uint64_t size)
{
    return steps <= fsk_arena_taken(arena) / size;
}

static inline void *fsk_arena_at(const fsk_arena *arena, fsk_ref ref)
{
    return arena->base + (uint64_t)ref * FSK_UNIT;
}

static inline fsk_ref fsk_arena_ref(const fsk_arena *arena, const void *address)
{
    return (fsk_ref)((uint64_t)((const char *)address - arena->base) / FSK_UNIT);
}

static inline uint64_t fsk_round_up(uint64_t n, uint64_t unit)
{
    return (n + unit - 1) & ~(unit - 1);
}

/* ---- bumping ---- */

static inline uint64_t fsk_arena_left(const fsk_chunk *c, uint64_t align)
{
    uint64_t from = fsk_round_up(c->cursor, align);
    return from < c->end ? c->end - from : 0;
}

static inline fsk_ref fsk_arena_bump(fsk_writer *w, fsk_chunk *c, uint64_t size, uint64_t align)
{
    uint64_t from = fsk_round_up(c->cursor, align);
    c->cursor = from + size;
    w->used += size;
    /* The next allocation's lines: a store to one that is not in cache would stall the CAS behind it. */
    for (unsigned line = 1; line <= 3; line++)
        FSK_PREFETCH_WRITE(w->arena->base + c->cursor + line * FSK_LINE);
    return (fsk_ref)(from / FSK_UNIT);
}

static inline fsk_ref fsk_arena_alloc(fsk_writer *w, fsk_kind kind, uint64_t size, uint64_t align)
{
    size = fsk_round_up(size, FSK_UNIT);
    if (FSK_LIKELY(w->shard != NULL && fsk_arena_left(&w->shard->chunk[kind], align) >= size))
        return fsk_arena_bump(w, &w->shard->chunk[kind], size, align);
    return fsk_arena_alloc_slow(w, kind, size, align);
}

/* ---- counting ---- */

/* The owner of a shard alone writes its counters, so a load and a store do; others may be reading. */
static inline void fsk_arena_count_own(fsk_shard *shard, fsk_counter counter, uint64_t n)
{
    fsk_atomic64 *c = &shard->count[counter];
    fsk_store64_relaxed(c, fsk_load64_relaxed(c) + n);
}

static inline void fsk_arena_count(fsk_writer *writer, fsk_counter counter, uint64_t n)
{
    if (writer->shard != NULL)
        fsk_arena_count_own(writer->shard, counter, n);
    else
        fsk_add64_relaxed(&writer->arena->count[counter], n);
}

/* A completed write. */
static inline void fsk_arena_count_write(fsk_writer *w, int new_key, uint64_t key_size,
                                         uint64_t value_size)
{
    fsk_shard *shard = w->shard;
    if (FSK_LIKELY(shard != NULL && new_key)) { /* one look at the shard for all of them */
        fsk_arena_count_own(shard, FSK_COUNT_KEYS, 1);
        fsk_arena_count_own(shard, FSK_COUNT_KEY_BYTES, key_size);
        fsk_arena_count_own(shard, FSK_COUNT_VERSIONS, 1);
        fsk_arena_count_own(shard, FSK_COUNT_VALUE_BYTES, value_size);
        return;
    }
    if (new_key) {
        fsk_arena_count(w, FSK_COUNT_KEYS, 1);
        fsk_arena_count(w, FSK_COUNT_KEY_BYTES, key_size);
    }
    fsk_arena_count(w, FSK_COUNT_VERSIONS, 1);
    fsk_arena_count(w, FSK_COUNT_VALUE_BYTES, value_size);
}

static inline void fsk_arena_leave(fsk_writer *w)
{
    if (w->used != 0)
        fsk_arena_count(w, FSK_COUNT_USED, w->used);
    if (FSK_LIKELY(w->shard != NULL))
        fsk_store32_release(&w->shard->busy, 0);
    if (FSK_UNLIKELY(w->overflow))
        fsk_sub32_release(&w->arena->overflow, 1);
}

#endif
