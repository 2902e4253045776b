/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * A small storage engine around fastskip tables: one active table that takes the writes, sealed
 * tables that wait for the flush thread, and the sorted runs that it has made of earlier ones.
 *
 * What there is at one moment is a view: immutable, counted by references, and a holder of one
 * reference to each of its tables and runs. The present view changes when a table is rotated,
 * flushed, or runs are merged; it is replaced, never changed, under the lock of the store. Who
 * wants to read takes a reference to the present view under the same lock, who wants to write one
 * to its active table, and drops it when done, so that no table or run can go away in use. The lock
 * is held for a few instructions, and taken for a parcel of records at a time.
 *
 *   rotate   make the fresh table and seal the full one (fastskip_table_rotate), then publish a
 *            view with both. Between the two, writers find the table SEALED and wait for the view.
 *   flush    oldest table first: iterate it into a run, read the run back, publish a view that has
 *            the run in place of the table.
 *   merge    when the newest runs are many and of one level: publish one run in place of them.
 *
 * So a view always holds every record acknowledged before it was taken, and what comes earlier in
 * it (active, sealed, runs, newest first) has the newer version of a key, as long as the records of
 * one key are written one after the other.
 */
#ifndef INGEST_STORE_H
#define INGEST_STORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control.h"
#include "fastskip.h"
#include "record.h"
#include "run_file.h"

struct view {
    atomic_uint references;
    fastskip_table *active;
    /* Newest first, both. */
    fastskip_table **sealed;
    size_t sealed_count;
    struct run **runs;
    size_t run_count;
};

struct store_options {
    uint64_t memory;
    /* 0: as the library chooses. */
    uint32_t shards;
    /* Share of the memory at which a table is rotated before it is full, in percent. */
    uint32_t backpressure;
    /* The records bring their sequence numbers (FASTSKIP_SEQUENCE_CALLER). */
    bool is_numbered;
    /* How many sealed tables may wait before writers must. */
    size_t pending_max;
    /* How many runs of one level are merged into one of the next. */
    size_t fan_in;
    struct control *control;
};

/* Sums over the flushed tables, unless they say otherwise; for one thread after store_finish(). */
struct store_figures {
    uint64_t tables;
    uint64_t merges;
    uint64_t keys;
    uint64_t versions;
    uint64_t tombstones;
    uint64_t data_bytes;
    uint64_t memory_used;
    uint64_t memory_wasted;
    uint64_t retries;
    uint64_t run_bytes;
    /* The greatest of any one table. */
    uint64_t memory_used_peak;
    uint64_t memory_reserved_peak;
    /* Time of the flush thread. */
    uint64_t flush_nanoseconds;
    uint64_t merge_nanoseconds;
};

struct store {
    struct store_options options;
    fastskip_options *table_options;
    pthread_mutex_t lock;
    /* Broadcast whenever the view changes, and when the last table was handed to the flush. */
    pthread_cond_t changed;
    struct view *view;
    bool is_rotating;
    bool is_finishing;
    bool has_flush_thread;
    pthread_t flush_thread;
    /* Of the flush thread, until it has ended. */
    struct store_figures figures;
    /* For whoever shows progress. */
    atomic_ullong tables_rotated;
};

/* What waiting for the flush cost a writer. */
struct stalls {
    uint64_t count;
    uint64_t nanoseconds;
};

/* False on failure; store_close() is due in either case. */
bool store_open(struct store *store, const struct store_options *options);

/* Ends the flush thread if it still runs, and drops everything. */
void store_close(struct store *store);

/* The present view; never NULL. */
struct view *store_view(struct store *store);
void view_drop(struct view *view);

/* The active table, with a reference that is the caller's. */
fastskip_table *store_table(struct store *store);

/*
 * Sees to it that the present view has another active table than this one, of which the caller
 * holds a reference. With may_wait this waits while too many sealed tables do; without, it leaves
 * everything as it is then. The same goes for a system that has no memory for a fresh table: the
 * flush will give some back. False on failure.
 */
bool store_rotate(struct store *store, fastskip_table *full, bool may_wait, struct stalls *stalls);

/* Flushes everything, when nobody writes any more, and ends the flush thread. False on failure. */
bool store_finish(struct store *store);

/* Looks a key up in all of a view: 1 found, tombstones too; 0 nothing known of it; -1 failure. The
 * record is good until the view is dropped or the buffer is used again. */
int view_find(const struct view *view, struct control *control, const char *key, size_t key_size,
              struct run_buffer *buffer, struct record *record);

uint64_t nanoseconds_now(void);

#endif
