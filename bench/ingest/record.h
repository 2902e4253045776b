/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Reads records from files and standard input, one after the other, in three formats:
 *
 *   tsv      a line is key TAB value; the value may hold further TABs. With a delete marker, a
 *            line whose value is exactly the marker deletes its key.
 *   stanza   a paragraph as in the package indexes of Debian, ended by an empty line. The value is
 *            the paragraph, the key is made of three of its fields: Package_Version_Architecture.
 *   line     a line is a key; its value is empty.
 *
 * Lines end with a newline; the last one of each file may go without.
 */
#ifndef INGEST_RECORD_H
#define INGEST_RECORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control.h"

enum record_format { RECORD_TSV, RECORD_STANZA, RECORD_LINE };

struct record {
    const char *key;
    size_t key_size;
    const char *value;
    size_t value_size;
    bool is_delete;
};

struct source_options {
    enum record_format format;
    /* The value that means delete, or NULL. */
    const char *delete_marker;
    /* What to read; "-" is standard input. */
    char *const *paths;
    size_t path_count;
    /* A record above this many bytes is refused before memory for it is taken. */
    size_t record_max;
    /* Where what comes from standard input is copied to, or -1. */
    int copy_fd;
    /* Bytes read so far, for whoever shows progress. */
    atomic_ullong *bytes;
    struct control *control;
};

struct source;

enum source_result {
    SOURCE_RECORD,
    SOURCE_END,
    /* control_stopped(): by an interrupt, or by a failure, perhaps of this very call. */
    SOURCE_STOPPED
};

struct source *source_new(const struct source_options *options);
void source_free(struct source *source);

/* Bytes of the records handed out so far, and of what separates them. */
uint64_t source_consumed(const struct source *source);

/* The record is good until the next call. */
enum source_result source_next(struct source *source, struct record *record);

#endif
