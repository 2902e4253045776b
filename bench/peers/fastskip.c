/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/* libfastskip as a peer, through its public interface and its shared library, as programs use it. */
#include "../driver/peer.h"

#include <fastskip.h>

#include <stdio.h>
#include <stdlib.h>

#define GROUP 64

const peer_description peer_about = {"fastskip", FASTSKIP_VERSION, "",
                                     PEER_OVERWRITE | PEER_SEEK | PEER_REVERSE | PEER_SNAPSHOT |
                                         PEER_VERSIONS | PEER_THREADS | PEER_EMPTY_VALUES};

struct peer_worker {
    fastskip_table *table;
    fastskip_batch *batch;
    fastskip_iterator *iterator;
};

static void require(fastskip_status status, const char *what)
{
    if (status == FASTSKIP_OK)
        return;
    fprintf(stderr, "fastskip: %s: %s\n", what, fastskip_strerror(status));
    exit(EXIT_FAILURE);
}

static fastskip_table *table_of(peer_table *table)
{
    return (fastskip_table *)(void *)table;
}

/* The limit is address space only; workloads that overwrite need several times the data. */
peer_table *peer_new(size_t bytes, unsigned writers)
{
    const uint64_t most = UINT64_C(32) << 30;
    uint64_t limit = (uint64_t)bytes * 8 + (UINT64_C(4) << 30);
    fastskip_options *options;
    fastskip_table *table;
    (void)writers;
    require(fastskip_options_new(&options), "options");
    require(fastskip_options_set_memory_limit(options, limit < most ? limit : most), "limit");
    require(fastskip_table_new(options, &table), "table");
    fastskip_options_free(options);
    return (peer_table *)(void *)table;
}

void peer_free(peer_table *table)
{
    fastskip_table_unref(table_of(table));
}

peer_worker *peer_worker_new(peer_table *table, unsigned index, unsigned count, uint64_t first)
{
    peer_worker *w = malloc(sizeof *w);
    (void)index;
    (void)count;
    (void)first;
    if (w == NULL)
        require(FASTSKIP_NO_MEMORY, "worker");
    w->table = table_of(table);
    w->iterator = NULL;
    require(fastskip_batch_new(&w->batch), "batch");
    return w;
}

void peer_worker_free(peer_worker *w)
{
    fastskip_batch_free(w->batch);
    fastskip_iterator_free(w->iterator);
    free(w);
}

void peer_put(peer_worker *w, peer_bytes key, peer_bytes value)
{
    require(fastskip_put(w->table, key.data, key.size, value.data, value.size), "put");
}

void peer_delete(peer_worker *w, peer_bytes key)
{
    require(fastskip_delete(w->table, key.data, key.size), "delete");
}

void peer_batch(peer_worker *w, size_t n, const peer_bytes *keys, const peer_bytes *values)
{
    for (size_t i = 0; i < n; i++)
        require(fastskip_batch_put(w->batch, keys[i].data, keys[i].size, values[i].data,
                                   values[i].size),
                "batch");
    require(fastskip_write(w->table, w->batch), "write");
    fastskip_batch_clear(w->batch);
}

static int get(peer_worker *w, const fastskip_snapshot *s, peer_bytes key, peer_bytes *value)
{
    fastskip_entry e;
    fastskip_status status = fastskip_get(w->table, s, key.data, key.size, &e);
    if (status == FASTSKIP_NOT_FOUND)
        return 0;
    require(status, "get");
    value->data = e.value;
    value->size = e.value_size;
    return 1;
}

int peer_get(peer_worker *w, peer_bytes key, peer_bytes *value)
{
    return get(w, NULL, key, value);
}

size_t peer_get_many(peer_worker *w, size_t n, const peer_bytes *keys, peer_bytes *values)
{
    const void *data[GROUP];
    size_t sizes[GROUP], found = 0;
    fastskip_entry e[GROUP];
    fastskip_status s[GROUP];
    if (n == 0 || n > GROUP)
        require(FASTSKIP_INVALID, "get_many");
    for (size_t i = 0; i < n; i++) {
        data[i] = keys[i].data;
        sizes[i] = keys[i].size;
    }
    require(fastskip_get_many(w->table, NULL, n, data, sizes, e, s), "get_many");
    for (size_t i = 0; i < n; i++) {
        int there = s[i] == FASTSKIP_OK;
        values[i].data = there ? e[i].value_size != 0 ? e[i].value : e[i].key : NULL;
        values[i].size = there ? e[i].value_size : 0;
        found += (size_t)there;
    }
    return found;
}

static inline uint64_t touch(const fastskip_entry *e)
{
    return peer_first_byte(e->key, e->key_size) + peer_first_byte(e->value, e->value_size);
}

/* By next_many in groups of 64 for long scans, by single steps for short ones and backwards. */
static size_t scan_far(fastskip_iterator *it, size_t limit, uint64_t *sum)
{
    fastskip_entry e[GROUP];
    size_t count, n = 0;
    uint64_t total = 0;
    while (n < limit && fastskip_iterator_next_many(it, e, limit - n < GROUP ? limit - n : GROUP,
                                                    &count) == FASTSKIP_OK) {
        for (size_t i = 0; i < count; i++)
            total += touch(&e[i]);
        n += count;
    }
    *sum += total;
    return n;
}

static size_t scan_back(fastskip_iterator *it, size_t limit, uint64_t *sum)
{
    fastskip_entry e;
    size_t n = 0;
    uint64_t total = 0;
    while (fastskip_iterator_entry(it, &e) == FASTSKIP_OK) {
        total += touch(&e);
        if (++n == limit || fastskip_iterator_prev(it) != FASTSKIP_OK)
            break;
    }
    *sum += total;
    return n;
}

size_t peer_scan(peer_worker *w, const peer_bytes *start, size_t limit, int backwards,
                 uint64_t *sum)
{
    fastskip_status s;
    if (w->iterator == NULL)
        require(fastskip_iterator_new(w->table, NULL, 0, &w->iterator), "iterator");
    if (backwards)
        s = start == NULL ? fastskip_iterator_seek_last(w->iterator)
                          : fastskip_iterator_seek_for_prev(w->iterator, start->data, start->size);
    else
        s = start == NULL ? fastskip_iterator_seek_first(w->iterator)
                          : fastskip_iterator_seek(w->iterator, start->data, start->size);
    if (s != FASTSKIP_OK)
        return 0;
    return backwards ? scan_back(w->iterator, limit, sum) : scan_far(w->iterator, limit, sum);
}

void peer_refresh(peer_worker *w)
{
    fastskip_iterator_free(w->iterator);
    w->iterator = NULL;
}

void *peer_snapshot_new(peer_worker *w)
{
    fastskip_snapshot *s;
    require(fastskip_snapshot_new(w->table, &s), "snapshot");
    return s;
}

int peer_snapshot_get(peer_worker *w, void *snapshot, peer_bytes key, peer_bytes *value)
{
    return get(w, snapshot, key, value);
}

void peer_snapshot_free(peer_worker *w, void *snapshot)
{
    (void)w;
    fastskip_snapshot_free(snapshot);
}

size_t peer_flush(peer_worker *w, uint64_t *sum)
{
    fastskip_iterator *it;
    size_t n;
    require(fastskip_table_seal(w->table), "seal");
    require(fastskip_iterator_new(w->table, NULL, FASTSKIP_ALL_VERSIONS, &it), "iterator");
    fastskip_iterator_seek_first(it);
    n = scan_far(it, SIZE_MAX, sum);
    fastskip_iterator_free(it);
    return n;
}

void peer_settle(peer_table *table)
{
    (void)table;
}

size_t peer_memory(peer_table *table)
{
    uint64_t used;
    require(fastskip_table_stat(table_of(table), FASTSKIP_STAT_MEMORY_USED, &used), "stat");
    return (size_t)used;
}
