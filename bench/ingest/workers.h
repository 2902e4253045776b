/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * The threads that write to the store, and those that look up what was written.
 */
#ifndef INGEST_WORKERS_H
#define INGEST_WORKERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ledger.h"
#include "options.h"
#include "parcel.h"
#include "store.h"

/* Each key belongs to one writer, whose queue brings its records in the order of the input. */
struct writer {
    pthread_t thread;
    struct queue queue;
    struct store *store;
    /* NULL if there are no readers. */
    struct ledger *ledger;
    struct control *control;
    bool is_numbered;
    /* Records of one fastskip_write(); below 2 each is written by a call of its own. */
    size_t batch_size;
    fastskip_batch *batch;
    struct packed_record *batch_records;
    /* What is written to, and a reference to it; no longer than for a parcel. */
    fastskip_table *table;
    /* Records acknowledged, for all writers. */
    atomic_ullong *written;
    /* Figures, to be read when the thread has ended. */
    uint64_t puts;
    uint64_t deletes;
    uint64_t batches;
    struct stalls stalls;
    uint64_t longest_pause;
    uint64_t ended_at;
};

/* Before the threads start: its queue is watched. */
void writer_init(struct writer *writer, struct control *control, const struct options *options,
                 struct store *store, struct ledger *ledger, atomic_ullong *written);
void writer_destroy(struct writer *writer);
/* Of type struct writer; ends when its queue is closed and empty, or the run has failed. */
void *writer_main(void *writer);

struct reader {
    pthread_t thread;
    struct store *store;
    struct ledger *ledger;
    struct control *control;
    /* Set when no more is written: a last look at every slot follows. */
    const atomic_bool *is_last_round;
    uint64_t random;
    /* Figures, to be read when the thread has ended. */
    uint64_t lookups;
    uint64_t hits;
    uint64_t tombstones;
    /* A later write of the key began before the answer was there. */
    uint64_t overtaken;
    /* Acknowledged keys that were not found, and answers that were not what was acknowledged. */
    uint64_t misses;
    uint64_t wrong;
};

void *reader_main(void *reader);

#endif
