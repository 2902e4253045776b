/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * The result as text, and how it gets to where it is wanted: a file appears under its name only
 * when it is complete.
 */
#ifndef INGEST_OUTPUT_H
#define INGEST_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control.h"
#include "record.h"

struct output {
    enum record_format format;
    struct control *control;
    /* Where it shall appear: a path, "-", or NULL for nowhere. */
    const char *target;
    /* Where it is written: beside the target, or in the directory of temporary files. */
    char *path;
    bool is_beside_target;
    int fd;
    char *buffer;
    size_t used;
    uint64_t lines;
    uint64_t bytes;
};

/* Functions that answer false have said why with control_fail(). */
bool output_open(struct output *output, const char *target, enum record_format format,
                 struct control *control);

/* A merge_sink; the context is the output. */
bool output_put(void *output, const struct record *record);

/* No more comes; the file can be read under output.path. */
bool output_finish(struct output *output);

/* Brings the finished file to its target. */
bool output_publish(struct output *output);

/* Leaves a finished file at output.path for somebody to look at; true if that lasts. */
bool output_keep(struct output *output);

/* Frees what output_open() took, also if it failed. */
void output_close(struct output *output);

#endif
