/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * The physical limits as a peer, so that they are measured in the same turns, on the same keys:
 *
 *   fill...      appending key and value to one stretch of memory, and nothing else: floor of an insert
 *   read...      a hash lookup that ends at the record: floor of a get
 *   readseq      an array of references in order, records prefetched ahead: floor of a scan
 *
 * The cost of a cache miss is the driver's workload `walk`. The hash index and the sorted array are made after filling, outside what is timed.
 */
#define _GNU_SOURCE
#include "no_snapshots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define AHEAD 16u
#define HUGE_PAGE ((size_t)2 << 20)

const peer_description peer_about = {"limits", "1",
                                     "no memtable: append, hash lookup, sorted array of references",
                                     PEER_REVERSE | PEER_THREADS | PEER_EMPTY_VALUES | PEER_LIMITS};

typedef struct {
    uint32_t key_size, value_size;
    char data[];
} record;

/* A slot of the index: some bits of the hash, to tell most other keys, and where the record lies. */
typedef struct {
    uint32_t hash, reference; /* in units of 8 bytes; 0 is none */
} slot;

struct peer_table {
    char *base;
    size_t capacity, used, count;
    size_t appended; /* bytes, by workers that are done */
    uint32_t *sorted;
    slot *slots;
    size_t mask;
};

static void *map_memory(size_t bytes)
{
    char *p = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        perror("limits");
        exit(EXIT_FAILURE);
    }
    madvise(p, bytes + HUGE_PAGE, MADV_HUGEPAGE);
    return p;
}

peer_table *peer_new(size_t bytes, unsigned writers)
{
    peer_table *t = calloc(1, sizeof *t);
    if (t == NULL)
        exit(EXIT_FAILURE);
    (void)writers;
    t->capacity = (bytes * 4 + ((size_t)64 << 20)) / 8 * 8;
    t->base = map_memory(t->capacity);
    t->used = 8;
    return t;
}

void peer_free(peer_table *t)
{
    munmap(t->base, t->capacity + HUGE_PAGE);
    if (t->slots != NULL)
        munmap(t->slots, (t->mask + 1) * sizeof *t->slots + HUGE_PAGE);
    if (t->sorted != NULL)
        munmap(t->sorted, t->count * sizeof *t->sorted + HUGE_PAGE);
    free(t);
}

/* Threads append to stretches of their own. */
struct peer_worker {
    peer_table *table;
    char *begin, *at, *end;
    size_t count;
    int alone;
};

peer_worker *peer_worker_new(peer_table *t, unsigned index, unsigned count, uint64_t first)
{
    peer_worker *w = calloc(1, sizeof *w);
    size_t share = (t->capacity - t->used) / count / 8 * 8;
    (void)first;
    if (w == NULL)
        exit(EXIT_FAILURE);
    w->table = t;
    w->at = t->base + t->used + share * index;
    w->begin = w->at;
    w->end = w->at + share;
    w->alone = count == 1;
    return w;
}

/* What one worker alone has appended becomes the table's. */
void peer_worker_free(peer_worker *w)
{
    peer_table *t = w->table;
    __atomic_fetch_add(&t->appended, (size_t)(w->at - w->begin), __ATOMIC_RELAXED);
    if (w->alone && w->count != 0 && t->slots == NULL) {
        t->used = (size_t)(w->at - t->base);
        t->count += w->count;
    }
    free(w);
}

void peer_put(peer_worker *w, peer_bytes key, peer_bytes value)
{
    record *r = (record *)(void *)w->at;
    w->at += (sizeof *r + key.size + value.size + 7) / 8 * 8;
    if (w->at > w->end) {
        fprintf(stderr, "limits: no room\n");
        exit(EXIT_FAILURE);
    }
    r->key_size = (uint32_t)key.size;
    r->value_size = (uint32_t)value.size;
    memcpy(r->data, key.data, key.size);
    memcpy(r->data + key.size, value.data, value.size);
    w->count++;
}

void peer_batch(peer_worker *w, size_t n, const peer_bytes *keys, const peer_bytes *values)
{
    for (size_t i = 0; i < n; i++)
        peer_put(w, keys[i], values[i]);
}

/* ---------------------------------------------------------------------------------------------- */

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A hash as fast as the good ones: a multiplication for 16 bytes. */
static inline uint64_t hash_of(const char *key, size_t size)
{
    uint64_t h = size * UINT64_C(0x9e3779b97f4a7c15), x = 0, y = 0;
    const char *end = key + size;
    for (; end - key > 16; key += 16) {
        memcpy(&x, key, 8);
        memcpy(&y, key + 8, 8);
        h = mix(x ^ h, y ^ UINT64_C(0xe7037ed1a0b428db));
    }
    /* The last 16 bytes, or all. A copy of fewer than 8 would be read back before it has reached the cache,
     * which makes a processor finish all that it has begun. */
    if (size >= 16) {
        memcpy(&x, end - 16, 8);
        memcpy(&y, end - 8, 8);
    } else if (size >= 8) {
        memcpy(&x, key, 8);
        memcpy(&y, end - 8, 8);
    } else {
        for (; key != end; key++)
            x = x << 8 | (unsigned char)*key;
    }
    return mix(x ^ h, y ^ UINT64_C(0x8ebc6af09c88c6e3));
}

static inline record *record_at(const peer_table *t, uint32_t reference)
{
    return (record *)(void *)(t->base + ((size_t)reference << 3));
}

static int by_key(const void *a, const void *b, void *table)
{
    const record *x = record_at(table, *(const uint32_t *)a);
    const record *y = record_at(table, *(const uint32_t *)b);
    size_t n = x->key_size < y->key_size ? x->key_size : y->key_size;
    int order = memcmp(x->data, y->data, n);
    return order != 0 ? order : (x->key_size > y->key_size) - (x->key_size < y->key_size);
}

static void index_record(peer_table *t, uint32_t reference)
{
    record *r = record_at(t, reference);
    uint64_t hash = hash_of(r->data, r->key_size);
    size_t at = (size_t)hash & t->mask;
    while (t->slots[at].reference != 0)
        at = (at + 1) & t->mask;
    t->slots[at] = (slot){(uint32_t)(hash >> 32), reference};
}

void peer_settle(peer_table *t)
{
    size_t at = 8, n = 0;
    t->mask = 1;
    while (t->mask < t->count * 2)
        t->mask = t->mask * 2 + 1;
    t->slots = map_memory((t->mask + 1) * sizeof *t->slots);
    t->sorted = map_memory(t->count * sizeof *t->sorted);
    for (; n < t->count; n++) {
        record *r = (record *)(void *)(t->base + at);
        t->sorted[n] = (uint32_t)(at >> 3);
        index_record(t, (uint32_t)(at >> 3));
        at += (sizeof *r + r->key_size + r->value_size + 7) / 8 * 8;
    }
    qsort_r(t->sorted, t->count, sizeof *t->sorted, by_key, t);
}

/* ---------------------------------------------------------------------------------------------- */

static inline int find(const peer_table *t, peer_bytes key, uint64_t hash, peer_bytes *value)
{
    for (size_t at = (size_t)hash & t->mask; t->slots[at].reference != 0; at = (at + 1) & t->mask) {
        record *r;
        if (t->slots[at].hash != (uint32_t)(hash >> 32))
            continue;
        r = record_at(t, t->slots[at].reference);
        if (r->key_size == key.size && memcmp(r->data, key.data, key.size) == 0) {
            value->data = r->data + r->key_size;
            value->size = r->value_size;
            return 1;
        }
    }
    return 0;
}

int peer_get(peer_worker *w, peer_bytes key, peer_bytes *value)
{
    return find(w->table, key, hash_of(key.data, key.size), value);
}

/* Slots are fetched for the whole group, then records, then compared. */
size_t peer_get_many(peer_worker *w, size_t n, const peer_bytes *keys, peer_bytes *values)
{
    const peer_table *t = w->table;
    uint64_t hashes[64];
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        hashes[i] = hash_of(keys[i].data, keys[i].size);
        __builtin_prefetch(&t->slots[hashes[i] & t->mask]);
    }
    for (size_t i = 0; i < n; i++) {
        const char *r = (const char *)record_at(t, t->slots[hashes[i] & t->mask].reference);
        __builtin_prefetch(r);
        __builtin_prefetch(r + 63);
    }
    for (size_t i = 0; i < n; i++) {
        values[i].data = NULL;
        found += (size_t)find(t, keys[i], hashes[i], &values[i]);
    }
    return found;
}

static inline uint64_t touch(const record *r)
{
    return peer_first_byte(r->data, r->key_size) +
           peer_first_byte(r->data + r->key_size, r->value_size);
}

size_t peer_scan(peer_worker *w, const peer_bytes *start, size_t limit, int backwards,
                 uint64_t *sum)
{
    const peer_table *t = w->table;
    size_t n = t->count < limit ? t->count : limit;
    uint64_t total = 0;
    (void)start;
    for (size_t i = 0; i < n; i++) {
        size_t at = backwards ? t->count - 1 - i : i, next = i + AHEAD;
        if (next < t->count) {
            const record *r = record_at(t, t->sorted[backwards ? t->count - 1 - next : next]);
            __builtin_prefetch(r);
            __builtin_prefetch(r->data + 24);
        }
        total += touch(record_at(t, t->sorted[at]));
    }
    *sum += total;
    return n;
}

void peer_delete(peer_worker *w, peer_bytes key)
{
    (void)w;
    (void)key;
    abort();
}

void peer_refresh(peer_worker *w)
{
    (void)w;
}

size_t peer_flush(peer_worker *w, uint64_t *sum)
{
    return peer_scan(w, NULL, SIZE_MAX, 0, sum);
}

size_t peer_memory(peer_table *t)
{
    return t->appended;
}
