/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * The prototype from which libfastskip grew, as a peer: a blocked skip list with unique keys, without
 * versions, limits or errors. Its source is not part of this repository; PROTOTYPE names the file.
 */
#define _GNU_SOURCE
#include "no_snapshots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define peer_new prototype_new
#define peer_free prototype_free
#define peer_put prototype_put
#define peer_get prototype_get
#define peer_scan prototype_scan
#define peer_mget prototype_mget
#define peer_memory prototype_memory
#define peer_name prototype_name
#include PROTOTYPE
#undef peer_new
#undef peer_free
#undef peer_put
#undef peer_get
#undef peer_scan
#undef peer_mget
#undef peer_memory
#undef peer_name

const peer_description peer_about = {"prototype", "-",
                                     "unique keys: no overwriting, no versions, no way backwards",
                                     PEER_SEEK | PEER_THREADS};

/* A table is the prototype's list, and a worker is a table: it keeps what a thread needs itself. */
peer_table *peer_new(size_t bytes, unsigned writers)
{
    return prototype_new(bytes * 2, (int)writers);
}

void peer_free(peer_table *table)
{
    prototype_free(table);
}

peer_worker *peer_worker_new(peer_table *table, unsigned index, unsigned count, uint64_t first)
{
    (void)index;
    (void)count;
    (void)first;
    return (peer_worker *)(void *)table;
}

void peer_worker_free(peer_worker *worker)
{
    (void)worker;
}

void peer_put(peer_worker *w, peer_bytes key, peer_bytes value)
{
    if (prototype_put(w, key.data, key.size, value.data, value.size) == 1)
        return;
    fprintf(stderr, "prototype: put\n");
    exit(EXIT_FAILURE);
}

void peer_batch(peer_worker *w, size_t n, const peer_bytes *keys, const peer_bytes *values)
{
    for (size_t i = 0; i < n; i++)
        peer_put(w, keys[i], values[i]);
}

int peer_get(peer_worker *w, peer_bytes key, peer_bytes *value)
{
    return prototype_get(w, key.data, key.size, &value->data, &value->size);
}

size_t peer_get_many(peer_worker *w, size_t n, const peer_bytes *keys, peer_bytes *values)
{
    const void *data[64], *found[64];
    size_t sizes[64], found_sizes[64], count;
    for (size_t i = 0; i < n; i++) {
        data[i] = keys[i].data;
        sizes[i] = keys[i].size;
    }
    count = prototype_mget(w, data, sizes, n, found, found_sizes);
    for (size_t i = 0; i < n; i++) {
        values[i].data = found[i];
        values[i].size = found[i] != NULL ? found_sizes[i] : 0;
    }
    return count;
}

size_t peer_scan(peer_worker *w, const peer_bytes *start, size_t limit, int backwards,
                 uint64_t *sum)
{
    (void)backwards;
    return prototype_scan(w, start != NULL ? start->data : NULL, start != NULL ? start->size : 0,
                          limit, sum);
}

size_t peer_flush(peer_worker *w, uint64_t *sum)
{
    return prototype_scan(w, NULL, 0, SIZE_MAX, sum);
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

void peer_settle(peer_table *table)
{
    (void)table;
}

size_t peer_memory(peer_table *table)
{
    return prototype_memory(table);
}
