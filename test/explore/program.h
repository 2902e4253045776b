/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * program.h - what the explored threads do to a table, and whether that could have happened.
 *
 * A scenario is a table as it is at first, and a program for each thread. Keys are letters: C, F and I
 * are those whose values are judged, all others stand beside them so that blocks are full, split and have
 * levels above them. A program is operations with a space between them:
 *
 *     pC dC iC oC gC   put, delete, insert, get or insert, get
 *     bCF, bCf         a batch that puts keys, and deletes those in small letters
 *     +X               put a key that is not judged
 *     v                a snapshot, in which all are read; again when all threads have ended
 *     m w r            all of them by get_many, by walking forwards, by walking backwards
 *     s                seal; whoever it returned to sees all that there will ever be
 *     u                drop the thread's own reference; not to be followed by anything
 *     nC5              put_at with this number, 1 to 9; aC5 get_at it; in a table of the caller's numbers
 */
#ifndef EXPLORE_PROGRAM_H
#define EXPLORE_PROGRAM_H

#include <stdint.h>

#include "schedule.h"

typedef struct {
    const char *name, *about;
    const char *keys; /* put at first, one after the other; a small letter is deleted */
    const char *program[SCHEDULE_THREADS];
    uint32_t shards;      /* 0: one for each thread */
    uint64_t entry_limit; /* versions beyond those at first; 0: none */
    int tight;            /* next to no memory is left */
    int numbered;         /* the caller's numbers */
    int checked;          /* with checksums, and paranoid */
} scenario;

extern const scenario scenarios[];
extern const unsigned scenarios_count;

/* Fills in the task for a scenario. One scenario at a time. */
void program_load(const scenario *scenario, schedule_task *task);
void program_unload(void);
/* Prints what the last schedule did, and what is wrong with it. */
void program_print(void);

#endif
