/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * The command line of ingest.
 */
#ifndef INGEST_OPTIONS_H
#define INGEST_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

struct options {
    enum record_format format;
    const char *delete_marker;
    /* NULL: the result is made and counted, and not kept. "-": standard output. */
    const char *output;
    /* NULL: no figures as JSON. "-": standard output. */
    const char *json;
    const char *temporary;
    uint64_t memory;
    /* 0: all records. */
    uint64_t limit;
    uint32_t shards;
    uint32_t backpressure;
    size_t writers;
    size_t readers;
    size_t batch_size;
    size_t pending_max;
    size_t fan_in;
    bool is_numbered;
    bool is_verified;
    bool is_only_verified;
    bool is_quiet;
    bool shows_progress;
    char *const *paths;
    size_t path_count;
};

/* Ends the program for --help and --version, and with EXIT_USAGE for what makes no sense. */
void options_parse(struct options *options, int argc, char **argv);

#endif
