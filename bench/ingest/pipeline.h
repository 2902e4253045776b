/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * From the input to sorted runs: the calling thread reads records and gives each to the writer that
 * its key's hash chooses, so that the records of one key are written in the order of the input;
 * readers look up what was acknowledged meanwhile.
 */
#ifndef INGEST_PIPELINE_H
#define INGEST_PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "control.h"
#include "ledger.h"
#include "options.h"
#include "parcel.h"
#include "record.h"
#include "report.h"
#include "store.h"
#include "workers.h"

struct pipeline {
    const struct options *options;
    struct control *control;
    struct report *report;
    struct source *source;
    struct store store;
    struct ledger *ledger;
    struct writer *writers;
    struct reader *readers;
    /* How many of them have a thread. */
    size_t writers_started;
    size_t readers_started;
    /* For each writer, what is not yet in its queue. */
    struct parcel **parcels;
    atomic_bool is_last_round;
    /* For whoever shows progress. */
    atomic_ullong bytes_read;
    atomic_ullong records_written;
};

/* What comes from standard input is copied to copy_fd unless that is -1. Failures are told to
 * control; pipeline_close() is due in any case. */
void pipeline_open(struct pipeline *pipeline, const struct options *options, int copy_fd,
                   struct report *report, struct control *control);

/* Reads all of the input; it then lies in the runs of the store's view. False on failure. */
bool pipeline_run(struct pipeline *pipeline);
void pipeline_close(struct pipeline *pipeline);

#endif
