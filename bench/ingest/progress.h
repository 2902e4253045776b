/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * One line on the terminal that shows how far the work is, drawn by a thread of its own ten times a
 * second.
 */
#ifndef INGEST_PROGRESS_H
#define INGEST_PROGRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum progress_phase { PROGRESS_INGEST, PROGRESS_MERGE, PROGRESS_VERIFY };

struct progress {
    bool is_shown;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_ended;
    /* Guarded by the lock. */
    enum progress_phase phase;
    uint64_t phase_began_at;
    /* Of the phase: bytes of input, or records to merge; 0 if nobody knows. */
    uint64_t total;
    /* How much of that is done. */
    const atomic_ullong *done;
    /* Shown beside it. */
    const atomic_ullong *records;
    const atomic_ullong *tables;
};

/* Starts the thread if is_shown, and if it can be. */
void progress_open(struct progress *progress, bool is_shown, const atomic_ullong *records,
                   const atomic_ullong *tables);
void progress_begin(struct progress *progress, enum progress_phase phase, uint64_t total,
                    const atomic_ullong *done);

/* Ends the thread and clears the line. May be called again. */
void progress_close(struct progress *progress);

#endif
