/* arena.c - see arena.h. */
#define _GNU_SOURCE
#include "arena.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define HUGE_PAGE ((size_t)(2 * MIB))
#define SMALL_PAGE (64 * KIB) /* a multiple of every base page size in use */
#define STEP_MOST (16 * MIB)
#define CHUNK_LEAST (16 * KIB)
#define CHUNK_MOST (2 * MIB)

/* ---- region ---- */

static size_t whole_pages(size_t size, size_t page)
{
    return (size + page - 1) / page * page;
}

static void *map_reserve(void *context, size_t size, size_t alignment)
{
    /* Over-reserve and cut: mmap knows no alignment beyond the page. */
    size_t wanted = whole_pages(size, (size_t)sysconf(_SC_PAGESIZE)), whole = wanted + alignment;
    size_t head;
    char *p;
    (void)context;
    p = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    head = (alignment - (uintptr_t)p % alignment) % alignment;
    if (head != 0)
        munmap(p, head);
    munmap(p + head + wanted, alignment - head); /* head is smaller */
    return p + head;
}

static int32_t map_commit(void *context, void *address, size_t size)
{
    (void)context;
    return mprotect(address, size, PROT_READ | PROT_WRITE); /* to the end of the last page */
}

static void map_release(void *context, void *address, size_t size)
{
    (void)context;
    munmap(address, size);
}

/* Explicit huge pages, all of them taken now: a page missing later would end the process. */
static void *huge_reserve(void *context, size_t size, size_t alignment)
{
    (void)context;
    (void)alignment;
#ifdef MAP_HUGETLB
    void *p = mmap(NULL, whole_pages(size, HUGE_PAGE), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    return p == MAP_FAILED ? NULL : p;
#else
    (void)size;
    return NULL;
#endif
}

static int32_t huge_commit(void *context, void *address, size_t size)
{
    (void)context;
    (void)address;
    (void)size;
    return 0;
}

static void huge_release(void *context, void *address, size_t size)
{
    (void)context;
    munmap(address, whole_pages(size, HUGE_PAGE));
}

static const fsk_source map_source = {map_reserve, map_commit, map_release, NULL};
static const fsk_source huge_source = {huge_reserve, huge_commit, huge_release, NULL};

/* Makes the region usable up to `end` and the slack behind that.  Committing twice is harmless, so nobody
 * has to win before. */
static fastskip_status region_commit(fsk_arena *a, uint64_t end)
{
    uint64_t done = fsk_load64_acquire(&a->committed), most = a->limit + a->slack;
    end += a->slack;
    while (done < end) {
        /* Ever larger steps, for fewer system calls; memory is only taken when it is touched. */
        uint64_t ahead = end / 16 < STEP_MOST ? end / 16 : STEP_MOST;
        uint64_t upto = fsk_round_up(end + ahead, end > HUGE_PAGE ? HUGE_PAGE : SMALL_PAGE);
        if (upto > most)
            upto = most;
        if (a->source.commit(a->source.context, a->base + done, (size_t)(upto - done)) != 0)
            return FASTSKIP_NO_MEMORY;
        if (fsk_cas64_acq_rel(&a->committed, &done, upto))
            break;
    }
    return FASTSKIP_OK;
}

/* Takes size bytes from the region; *start says where.  Never passes the limit. */
static fastskip_status region_take(fsk_arena *a, uint64_t size, uint64_t align, uint64_t *start)
{
    uint64_t taken = fsk_load64_acquire(&a->taken);
    /*@ loop invariant taken <= a->limit && a->taken.value <= a->limit;
        loop assigns taken, *start, a->taken, a->committed; */
    for (;;) {
        uint64_t from = fsk_round_up(taken, align);
        if (size > a->limit || from > a->limit - size)
            return FASTSKIP_FULL;
        fastskip_status status = region_commit(a, from + size);
        if (status != FASTSKIP_OK)
            return status;
        if (fsk_cas64_acq_rel(&a->taken, &taken, from + size)) {
            *start = from;
            return FASTSKIP_OK;
        }
    }
}

/* ---- making and dropping ---- */

static uint64_t power_below(uint64_t n)
{
    uint64_t p = 1;
    /*@ loop invariant p == 1 || 1 < p <= n;
        loop assigns p; */
    while (p <= n / 2)
        p *= 2;
    return p;
}

static void shards_clear(fsk_arena *a)
{
    memset(a->shard, 0, a->shards * sizeof *a->shard);
    for (uint32_t i = 0; i < a->shards; i++) {
        fsk_init32(&a->shard[i].busy, 0);
        for (int c = 0; c < FSK_COUNTERS; c++)
            fsk_init64(&a->shard[i].count[c], 0);
    }
    for (int c = 0; c < FSK_COUNTERS; c++)
        fsk_init64(&a->count[c], 0);
    fsk_init64(&a->taken, FSK_LINE); /* reference 0 names nothing */
    fsk_init32(&a->overflow, 0);
    fsk_init32(&a->spare, 0);
}

fastskip_status fsk_arena_init(fsk_arena *a, const fsk_arena_options *o)
{
    void *shards = NULL;
    memset(a, 0, sizeof *a);
    a->limit = o->limit;
    a->slack = o->slack;
    a->chunk_size = o->chunk_size;
    a->shards = o->shards;
    a->source = o->source;
    if (a->source.reserve == NULL)
        a->source = o->huge_pages == 2 ? huge_source : map_source;
    /* Small enough that the shards together do not tie up a small region. */
    a->chunk_most = power_below(o->limit / (32 * (uint64_t)o->shards) + 1);
    if (a->chunk_most > CHUNK_MOST)
        a->chunk_most = CHUNK_MOST;
    if (o->limit > SIZE_MAX / 2)
        return FASTSKIP_NO_MEMORY;
    if (posix_memalign(&shards, 2 * FSK_LINE, o->shards * sizeof(fsk_shard)) != 0)
        return FASTSKIP_NO_MEMORY;
    a->shard = shards;
    a->base = a->source.reserve(a->source.context, (size_t)(a->limit + a->slack), (size_t)HUGE_PAGE);
    if (a->base == NULL || (uintptr_t)a->base % FSK_LINE != 0) {
        if (a->base != NULL)
            a->source.release(a->source.context, a->base, (size_t)(a->limit + a->slack));
        free(shards);
        return FASTSKIP_NO_MEMORY;
    }
#ifdef MADV_HUGEPAGE
    /* Not the first huge page: a small table must stay small.  Advice; a refusal changes nothing. */
    if (o->huge_pages == 1 && o->source.reserve == NULL && a->limit > HUGE_PAGE)
        madvise(a->base + HUGE_PAGE, (size_t)(a->limit - HUGE_PAGE), MADV_HUGEPAGE);
#endif
    fsk_init64(&a->committed, 0);
    shards_clear(a);
    return FASTSKIP_OK;
}

void fsk_arena_destroy(fsk_arena *a)
{
    a->source.release(a->source.context, a->base, (size_t)(a->limit + a->slack));
    free(a->shard);
}

void fsk_arena_reset(fsk_arena *a)
{
    shards_clear(a);
}

/* ---- entering and leaving ---- */

/* Any number will do.  The processor's own spreads best: its writers share a shard that is in its cache. */
static uint32_t home_of_thread(void)
{
#ifdef __linux__
    int cpu = sched_getcpu();
    if (cpu >= 0)
        return (uint32_t)cpu;
#endif
    return (uint32_t)(((uintptr_t)pthread_self() * (uint64_t)0x9E3779B97F4A7C15) >> 32);
}

static int shard_try(fsk_shard *s)
{
    /* Looking first keeps a taken shard's line from bouncing. */
    return fsk_load32_relaxed(&s->busy) == 0 && fsk_exchange32_seq(&s->busy, 1) == 0;
}

void fsk_arena_enter(fsk_arena *a, fsk_writer *w)
{
    uint32_t i = home_of_thread();
    if (i >= a->shards)
        i %= a->shards;
    w->arena = a;
    w->shard = NULL;
    w->overflow = 0;
    w->status = FASTSKIP_OK;
    w->reserved = 0;
    w->used = 0;
    for (uint32_t n = 0; n < a->shards; n++) {
        if (shard_try(&a->shard[i])) {
            w->shard = &a->shard[i];
            return;
        }
        if (++i == a->shards)
            i = 0;
    }
    fsk_add32_seq(&a->overflow, 1);
    w->overflow = 1;
}

void fsk_arena_drain(const fsk_arena *a)
{
    for (uint32_t i = 0; i < a->shards; i++)
        while (fsk_load32_seq(&a->shard[i].busy) != 0)
            sched_yield();
    while (fsk_load32_seq(&a->overflow) != 0)
        sched_yield();
}

int fsk_arena_quiet(const fsk_arena *a)
{
    for (uint32_t i = 0; i < a->shards; i++)
        if (fsk_load32_seq(&a->shard[i].busy) != 0)
            return 0;
    return fsk_load32_seq(&a->overflow) == 0;
}

/* ---- allocating ---- */

static uint64_t chunk_want(const fsk_arena *a, fsk_kind kind)
{
    uint64_t size = a->chunk_size;
    if (size == 0) {
        size = power_below(fsk_load64_relaxed(&a->taken) / 16);
        if (size > a->chunk_most)
            size = a->chunk_most;
        if (size < CHUNK_LEAST)
            size = CHUNK_LEAST;
    }
    /* One index block stands above some twenty-five leaves: a small chunk keeps the index together. */
    return kind == FSK_INDEX && size > 8 * CHUNK_LEAST ? size / 8 : size;
}

/* A piece of exactly the size: for an overflow writer, for what is large beside a chunk, and at the end. */
fsk_ref fsk_arena_alloc_exact(fsk_writer *w, uint64_t size, uint64_t align)
{
    uint64_t start;
    w->status = region_take(w->arena, size, align, &start);
    if (w->status != FASTSKIP_OK)
        return 0;
    fsk_arena_count(w, FSK_COUNT_CHUNKS, 1);
    w->used += size;
    return (fsk_ref)(start / FSK_UNIT);
}

/* A fresh chunk for `kind`; what is left of the old one becomes the tail if it is the larger. */
static int refill(fsk_writer *w, fsk_kind kind, uint64_t size)
{
    fsk_chunk *c = &w->shard->chunk[kind], *tail = &w->shard->chunk[FSK_TAIL];
    uint64_t start;
    w->status = region_take(w->arena, size, FSK_LINE, &start);
    if (w->status != FASTSKIP_OK)
        return 0;
    fsk_arena_count(w, FSK_COUNT_CHUNKS, 1);
    if (start == c->end) { /* it continues the old one */
        c->end = start + size;
        return 1;
    }
    if (fsk_arena_left(c, FSK_UNIT) > fsk_arena_left(tail, FSK_UNIT))
        *tail = *c;
    c->cursor = start;
    c->end = start + size;
    return 1;
}

/* The region has no more: any chunk of this shard will do. */
static fsk_ref take_any(fsk_writer *w, uint64_t size, uint64_t align)
{
    for (int kind = 0; kind < FSK_KINDS; kind++)
        if (fsk_arena_left(&w->shard->chunk[kind], align) >= size)
            return fsk_arena_bump(w, &w->shard->chunk[kind], size, align);
    return 0;
}

/* ... or one of another shard, each tried once.  A writer without a shard keeps the one that it gets. */
static fsk_ref take_from_others(fsk_writer *w, uint64_t size, uint64_t align)
{
    fsk_arena *a = w->arena;
    for (uint32_t i = 0; i < a->shards; i++) {
        fsk_shard *s = &a->shard[i];
        if (s == w->shard || !shard_try(s))
            continue;
        if (w->shard == NULL) {
            w->shard = s;
            fsk_ref ref = take_any(w, size, align);
            if (ref != 0)
                return ref;
            w->shard = NULL;
        } else {
            for (int kind = 0; kind < FSK_KINDS; kind++) {
                if (fsk_arena_left(&s->chunk[kind], align) < size)
                    continue;
                fsk_chunk mine = w->shard->chunk[FSK_TAIL];
                w->shard->chunk[FSK_TAIL] = s->chunk[kind];
                s->chunk[kind] = mine;
                fsk_store32_release(&s->busy, 0);
                return fsk_arena_bump(w, &w->shard->chunk[FSK_TAIL], size, align);
            }
        }
        fsk_store32_release(&s->busy, 0);
    }
    return 0;
}

fsk_ref fsk_arena_alloc_slow(fsk_writer *w, fsk_kind kind, uint64_t size, uint64_t align)
{
    fsk_ref ref;
    if (w->shard != NULL) {
        uint64_t want = chunk_want(w->arena, kind);
        if (size <= want / 4) {
            if (refill(w, kind, want))
                return fsk_arena_bump(w, &w->shard->chunk[kind], size, align);
            if (w->status == FASTSKIP_NO_MEMORY)
                return 0;
        }
    }
    ref = fsk_arena_alloc_exact(w, size, align);
    if (ref != 0 || w->status == FASTSKIP_NO_MEMORY)
        return ref;
    /* At the limit, what the shards have left is used up. */
    if (w->shard != NULL)
        ref = take_any(w, size, align);
    return ref != 0 ? ref : take_from_others(w, size, align);
}

/* Takes back the last allocation of one of the shard's chunks. */
static int chunk_unbump(fsk_writer *w, fsk_ref ref, uint64_t size)
{
    uint64_t start = (uint64_t)ref * FSK_UNIT;
    for (int kind = 0; kind < FSK_KINDS; kind++)
        if (w->shard->chunk[kind].cursor == start + size) {
            w->shard->chunk[kind].cursor = start;
            w->used -= size;
            return 1;
        }
    return 0;
}

void fsk_arena_give_back(fsk_writer *w, fsk_ref ref, uint64_t size)
{
    uint64_t start = (uint64_t)ref * FSK_UNIT, end;
    size = fsk_round_up(size, FSK_UNIT);
    end = start + size;
    if (w->shard != NULL && chunk_unbump(w, ref, size))
        return;
    if (fsk_cas64_acq_rel(&w->arena->taken, &end, start))
        w->used -= size;
    else
        fsk_arena_count(w, FSK_COUNT_WASTED, size);
}

/* ---- blocks left over ---- */

fsk_ref fsk_arena_spare_take(fsk_writer *w, uint64_t size)
{
    fsk_ref ref;
    if (w->shard != NULL) {
        ref = w->shard->spare;
        if (ref != 0)
            memcpy(&w->shard->spare, fsk_arena_at(w->arena, ref), sizeof ref);
    } else {
        ref =
            fsk_load32_relaxed(&w->arena->spare) != 0 ? fsk_exchange32_seq(&w->arena->spare, 0) : 0;
    }
    if (ref != 0)
        w->used += size;
    return ref;
}

void fsk_arena_spare_leave(fsk_writer *w, fsk_ref ref, uint64_t size)
{
    if (w->shard != NULL) {
        if (chunk_unbump(w, ref, size))
            return;
        w->used -= size;
        memcpy(fsk_arena_at(w->arena, ref), &w->shard->spare, sizeof ref);
        w->shard->spare = ref;
        return;
    }
    w->used -= size;
    ref = fsk_exchange32_seq(&w->arena->spare, ref);
    if (ref != 0) { /* only one fits */
        w->used += size;
        fsk_arena_count(w, FSK_COUNT_WASTED, size);
    }
}

/* ---- asking ---- */

uint64_t fsk_arena_total(const fsk_arena *a, fsk_counter counter)
{
    uint64_t sum = fsk_load64_relaxed(&a->count[counter]);
    for (uint32_t i = 0; i < a->shards; i++)
        sum += fsk_load64_relaxed(&a->shard[i].count[counter]);
    return sum;
}

uint64_t fsk_arena_committed(const fsk_arena *a)
{
    uint64_t committed = fsk_load64_acquire(&a->committed);
    return committed > a->slack ? committed - a->slack : 0;
}
