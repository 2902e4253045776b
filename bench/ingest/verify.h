/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Compares a result with what tools that share nothing with this program make of the same input:
 * sort(1), tac(1), sed(1), for stanzas awk(1) too, and cmp(1).
 */
#ifndef INGEST_VERIFY_H
#define INGEST_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "record.h"

struct verify_options {
    enum record_format format;
    const char *delete_marker;
    /* How many records of the input count, from the first; UINT64_MAX: all. */
    uint64_t limit;
    char *const *paths;
    size_t path_count;
    const char *result;
};

enum verify_outcome {
    VERIFY_SAME,
    VERIFY_DIFFERENT,
    /* The tools failed, and have said why, or could not be started. */
    VERIFY_FAILED
};

/* Works in the directory of temporary files. Differences are told on stderr. */
enum verify_outcome verify(const struct verify_options *options);

#endif
