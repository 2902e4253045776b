/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * What the driver asks of a memtable that is measured.  Each peer is one program: the driver and one file
 * that defines these functions.  They are called directly, so that nothing but the peer's own calls stands
 * between the clock and its code, and loops over many entries are the peer's own, so that it may write
 * them as well as it can.
 */
#ifndef FSB_PEER_H
#define FSB_PEER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const void *data;
    size_t size;
} peer_bytes;

/* What a peer can do; a workload that needs more is not run and named as such. */
enum {
    PEER_OVERWRITE = 1, /* a key can be written again; deletes leave a tombstone */
    PEER_SEEK = 2,      /* first key >= */
    PEER_REVERSE = 4,
    PEER_SNAPSHOT = 8,
    PEER_VERSIONS = 16, /* keeps what was overwritten, and shows it when it is flushed */
    PEER_THREADS = 32,  /* writes from several threads at once, of itself or behind a lock */
    PEER_EMPTY_VALUES = 64,
    PEER_LIMITS = 128 /* no memtable: the physical limits */
};

typedef struct {
    const char *name;
    const char *version;
    const char *note; /* what a reader of the figures should know, or "" */
    unsigned features;
} peer_description;

extern const peer_description peer_about;

typedef struct peer_table peer_table;
typedef struct peer_worker peer_worker;

/*
 * A table for about that many bytes of keys and values.  writers is how many threads will write at once.
 * Peers answer failure by ending the program with a message.
 */
peer_table *peer_new(size_t bytes, unsigned writers);
void peer_free(peer_table *table);

/*
 * What a thread needs to use the table.  Made and freed in that thread.  index is below count, the number
 * of workers that are in use at once; first is how many writes the table has seen before.
 */
peer_worker *peer_worker_new(peer_table *table, unsigned index, unsigned count, uint64_t first);
void peer_worker_free(peer_worker *worker);

void peer_put(peer_worker *worker, peer_bytes key, peer_bytes value);
void peer_delete(peer_worker *worker, peer_bytes key);
void peer_batch(peer_worker *worker, size_t n, const peer_bytes *keys, const peer_bytes *values);

/* Whether the key is there; if so value is where it lies in the table. */
int peer_get(peer_worker *worker, peer_bytes key, peer_bytes *value);
/* How many of them are there; the value of one that is not has NULL for data. */
size_t peer_get_many(peer_worker *worker, size_t n, const peer_bytes *keys, peer_bytes *values);

/*
 * Reads up to limit entries, forwards from the first key >= start or backwards from the last key <= start;
 * start NULL is the end.  Adds the first byte of each key and of each value to sum.  Returns how many.
 */
size_t peer_scan(peer_worker *worker, const peer_bytes *start, size_t limit, int backwards,
                 uint64_t *sum);
/* The next scan must see every write that has returned. */
void peer_refresh(peer_worker *worker);

void *peer_snapshot_new(peer_worker *worker);
int peer_snapshot_get(peer_worker *worker, void *snapshot, peer_bytes key, peer_bytes *value);
void peer_snapshot_free(peer_worker *worker, void *snapshot);

/* Ends writing and reads every version of every key, adding up as peer_scan does. */
size_t peer_flush(peer_worker *worker, uint64_t *sum);

/* Called after a table was loaded, outside what is timed. */
void peer_settle(peer_table *table);

/* Bytes that the table takes, or 0 if it does not know: the growth of resident memory is used then. */
size_t peer_memory(peer_table *table);

#ifdef __cplusplus
}
#endif

/* Keeps the first byte of a value alive; empty values have none. */
static inline uint64_t peer_first_byte(const void *data, size_t size)
{
    return size != 0 ? *(const unsigned char *)data : 0;
}

#endif
