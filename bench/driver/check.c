/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * Whether a peer's answers are right, before any of it is timed: on a table of the first keys of the key
 * file, by the peer's functions that are timed later.  The order of entries is checked by short scans from
 * every key: sums of one, two and three entries.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECKED ((size_t)20000)
#define FAR 300u /* entries of a longer scan */

typedef struct {
    bench *b;
    size_t n;
    const key_record **sorted;
    peer_worker *worker;
} checker;

static peer_bytes key_of(const key_record *r)
{
    return (peer_bytes){r + 1, r->size};
}

static int by_key(const void *a, const void *b)
{
    const key_record *x = *(const key_record *const *)a, *y = *(const key_record *const *)b;
    size_t n = x->size < y->size ? x->size : y->size;
    int order = memcmp(x + 1, y + 1, n);
    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

static void expect(int truth, const char *what, size_t i)
{
    if (!truth)
        fail("check: wrong answer: %s, key %zu in order", what, i);
}

static int same(peer_bytes a, peer_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void check_gets(checker *c, unsigned shift)
{
    key_section missing = keyfile_section_of(c->b->file, SECTION_MISSING);
    peer_bytes value;
    for (size_t i = 0; i < c->n; i++) {
        const key_record *r = c->sorted[i];
        expect(peer_get(c->worker, key_of(r), &value), "get finds nothing", i);
        expect(same(value, c->b->values[(r->tag + shift) % TAGS]), "get: value", i);
    }
    for (size_t i = 0; i < missing.count && i < c->n; i++)
        expect(!peer_get(c->worker, key_of(key_at(&missing, i)), &value),
               "get of what is not there", i);
}

/* Groups in which every third key is absent. */
static void check_get_many(checker *c)
{
    key_section missing = keyfile_section_of(c->b->file, SECTION_MISSING);
    peer_bytes keys[64], values[64];
    for (size_t n = 1; n <= 64; n++) {
        size_t found = 0;
        for (size_t k = 0; k < n; k++) {
            size_t at = (n * 7919 + k * 104729) % c->n;
            found += k % 3 != 2;
            keys[k] = key_of(k % 3 != 2 ? c->sorted[at] : key_at(&missing, at % missing.count));
        }
        expect(peer_get_many(c->worker, n, keys, values) == found, "get_many: count", n);
        for (size_t k = 0; k < n; k++) {
            size_t at = (n * 7919 + k * 104729) % c->n;
            expect((values[k].data != NULL) == (k % 3 != 2), "get_many: which", k);
            expect(k % 3 == 2 || same(values[k], c->b->values[c->sorted[at]->tag]),
                   "get_many: value", at);
        }
    }
}

static uint64_t sum_of(const checker *c, size_t i)
{
    const key_record *r = c->sorted[i];
    return *(const unsigned char *)(r + 1) +
           peer_first_byte(c->b->values[r->tag].data, c->b->values[r->tag].size);
}

static void check_scan(checker *c, size_t from, size_t limit, int backwards)
{
    peer_bytes key = key_of(c->sorted[from]);
    size_t there = backwards ? from + 1 : c->n - from, count = there < limit ? there : limit;
    uint64_t expected = 0, sum = 0;
    for (size_t k = 0; k < count; k++)
        expected += sum_of(c, backwards ? from - k : from + k);
    expect(peer_scan(c->worker, &key, limit, backwards, &sum) == count, "scan: count", from);
    expect(sum == expected, backwards ? "scan backwards" : "scan", from);
}

static void check_scans(checker *c)
{
    unsigned features = peer_about.features;
    for (size_t i = 0; i < c->n; i++)
        for (size_t limit = 1; limit <= 3; limit++) {
            if (features & PEER_SEEK)
                check_scan(c, i, limit, 0);
            if ((features & PEER_SEEK) && (features & PEER_REVERSE))
                check_scan(c, i, limit, 1);
        }
    for (size_t i = 0; i < c->n; i += 97) {
        if (features & PEER_SEEK)
            check_scan(c, i, FAR, 0);
        if ((features & PEER_SEEK) && (features & PEER_REVERSE))
            check_scan(c, i, FAR, 1);
    }
}

static void check_whole(checker *c)
{
    for (int backwards = 0; backwards <= !!(peer_about.features & PEER_REVERSE); backwards++) {
        uint64_t expected = 0, sum = 0;
        for (size_t i = 0; i < c->n; i++)
            expected += sum_of(c, i);
        expect(peer_scan(c->worker, NULL, SIZE_MAX, backwards, &sum) == c->n, "scan of all: count",
               c->n);
        expect(sum == expected, "scan of all", c->n);
    }
}

static void check_snapshot(checker *c, void *snapshot, unsigned shift)
{
    peer_bytes value;
    for (size_t i = 0; i < c->n; i++) {
        const key_record *r = c->sorted[i];
        expect(peer_snapshot_get(c->worker, snapshot, key_of(r), &value), "snapshot finds nothing",
               i);
        expect(same(value, c->b->values[(r->tag + shift) % TAGS]), "snapshot: value", i);
    }
}

/* All keys are overwritten, then each third is deleted; a snapshot of before sees neither. */
static void check_changes(checker *c)
{
    int snapshots = peer_about.features & PEER_SNAPSHOT;
    void *snapshot = snapshots ? peer_snapshot_new(c->worker) : NULL;
    size_t versions = c->n * 2;
    peer_bytes value;
    uint64_t sum = 0;
    for (size_t i = 0; i < c->n; i++)
        peer_put(c->worker, key_of(c->sorted[i]), c->b->values[(c->sorted[i]->tag + 1u) % TAGS]);
    check_gets(c, 1);
    for (size_t i = 0; i < c->n; i += 3, versions++)
        peer_delete(c->worker, key_of(c->sorted[i]));
    for (size_t i = 0; i < c->n; i++)
        expect(peer_get(c->worker, key_of(c->sorted[i]), &value) == (i % 3 != 0), "deleted", i);
    if (snapshots) {
        check_snapshot(c, snapshot, 0);
        peer_snapshot_free(c->worker, snapshot);
    }
    versions = peer_about.features & PEER_VERSIONS ? versions : c->n;
    expect(peer_flush(c->worker, &sum) == versions, "flush: count", c->n);
}

static void fill(checker *c, int batches)
{
    key_section all = keyfile_section_of(c->b->file, SECTION_WRITTEN);
    peer_bytes keys[7], values[7];
    for (size_t i = 0; i < c->n;) {
        size_t n = 0;
        for (; n < 7 && i < c->n; n++, i++) {
            keys[n] = key_of(key_at(&all, i));
            values[n] = c->b->values[key_at(&all, i)->tag];
            if (!batches)
                peer_put(c->worker, keys[n], values[n]);
        }
        if (batches)
            peer_batch(c->worker, n, keys, values);
    }
}

static void check_table(checker *c, int batches)
{
    new_table(c->b, 1);
    c->worker = peer_worker_new(c->b->table, 0, 1, 0);
    fill(c, batches);
    peer_worker_free(c->worker);
    peer_settle(c->b->table);
    c->worker = peer_worker_new(c->b->table, 0, 1, c->n);
    check_gets(c, 0);
    check_get_many(c);
    check_scans(c);
    check_whole(c);
    if (!batches && (peer_about.features & PEER_OVERWRITE))
        check_changes(c);
    peer_worker_free(c->worker);
    drop_table(c->b);
}

void check_peer(bench *b)
{
    key_section all = keyfile_section_of(b->file, SECTION_WRITTEN);
    checker c = {.b = b, .n = all.count < CHECKED ? all.count : CHECKED};
    if (b->value_size == 0 && !(peer_about.features & PEER_EMPTY_VALUES)) {
        printf("{\"checked\": 0}\n");
        return;
    }
    c.sorted = malloc(c.n * sizeof *c.sorted);
    if (c.sorted == NULL)
        fail("no memory");
    for (size_t i = 0; i < c.n; i++)
        c.sorted[i] = key_at(&all, i);
    qsort(c.sorted, c.n, sizeof *c.sorted, by_key);
    check_table(&c, 0);
    check_table(&c, 1);
    free(c.sorted);
    printf("{\"checked\": %zu}\n", c.n);
}
