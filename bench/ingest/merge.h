/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Merges sorted runs: each key once, as the newest run that has it knows it.
 */
#ifndef INGEST_MERGE_H
#define INGEST_MERGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "control.h"
#include "record.h"
#include "run_file.h"

/* Takes a record, good until it returns. False ends the merge; it has called control_fail(). */
typedef bool (*merge_sink)(void *context, const struct record *record);

struct merge_options {
    /* The newest first. */
    struct run *const *runs;
    size_t run_count;
    /* Nothing older lies below these runs: what is deleted is gone. */
    bool drop_tombstones;
    /* Records read so far are added here, unless NULL. */
    atomic_ullong *progress;
    struct control *control;
};

/* False if anything failed, or the run was interrupted by a failure elsewhere. */
bool merge_runs(const struct merge_options *options, merge_sink sink, void *context);

#endif
