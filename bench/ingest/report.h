/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * The figures at the end, for people and as JSON.
 */
#ifndef INGEST_REPORT_H
#define INGEST_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "options.h"
#include "store.h"

enum verification { VERIFICATION_NONE, VERIFICATION_PASSED, VERIFICATION_FAILED };

struct report {
    /* In nanoseconds_now(). */
    uint64_t began_at;
    uint64_t input_bytes;
    uint64_t records;
    uint64_t puts;
    uint64_t deletes;
    uint64_t batches;
    /* From the start until: the last record was acknowledged, everything was flushed, the result
     * was there. */
    double ingest_seconds;
    double flushed_seconds;
    double merged_seconds;
    struct stalls stalls;
    uint64_t longest_pause;
    uint64_t lookups;
    uint64_t hits;
    uint64_t tombstones;
    uint64_t overtaken;
    uint64_t misses;
    uint64_t wrong;
    struct store_figures store;
    uint64_t runs;
    uint64_t output_lines;
    uint64_t output_bytes;
    bool is_interrupted;
    enum verification verification;
};

void report_print(const struct report *report, const struct options *options, FILE *to);
void report_json(const struct report *report, const struct options *options, FILE *to);

#endif
