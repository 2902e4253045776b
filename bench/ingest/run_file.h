/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Sorted run files: what a table becomes when it is flushed. A run holds the newest version of each
 * of its keys, tombstones included, in ascending order of bytes:
 *
 *   magic | record ... | count of records, size of all before the footer, CRC-32 of it, magic
 *   record: size of key, size of value, kind | key | value
 *
 * Numbers are of the machine's byte order, 64 bits each: runs do not outlive the process. So does
 * the index, which stays in memory: the first key of every 4 KiB or so.
 *
 * Functions that answer false, or -1, have said why with control_fail().
 */
#ifndef INGEST_RUN_FILE_H
#define INGEST_RUN_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control.h"
#include "record.h"

/* The key at which a stretch of the file begins. */
struct run_stretch {
    uint64_t offset;
    size_t key_at;
    size_t key_size;
};

struct run {
    atomic_uint references;
    struct control *control;
    char *path;
    int fd;
    /* How many times what it holds was merged: 0 for a flushed table. */
    unsigned level;
    uint64_t count;
    uint64_t tombstones;
    /* Bytes before the footer, and in all. */
    uint64_t size;
    uint64_t file_size;
    uint32_t checksum;
    struct run_stretch *index;
    size_t index_size;
    /* The keys of the index, one after the other. */
    char *index_keys;
};

/* Takes one more reference; the last one that is dropped removes the file. */
struct run *run_ref(struct run *run);
void run_unref(struct run *run);

struct run_writer;

/* NULL on failure. Records are added in ascending order of different keys. */
struct run_writer *run_writer_new(unsigned level, struct control *control);
bool run_writer_add(struct run_writer *writer, const struct record *record);

/* Ends the file; the writer is gone afterwards. NULL on failure; else the caller's reference. */
struct run *run_writer_finish(struct run_writer *writer);
void run_writer_abandon(struct run_writer *writer);

/* Reads a run from its first record to its last, and checks its footer, order and checksum. */
struct run_cursor {
    struct run *run;
    /* Of the present record; good until the next move. */
    struct record record;
    char *buffer;
    size_t capacity;
    size_t begin;
    size_t end;
    /* Where the file goes on after the buffer, and how many records were read. */
    uint64_t offset;
    uint64_t count;
    uint32_t checksum;
    /* The key before the present one. */
    char *last_key;
    size_t last_key_size;
    size_t last_key_capacity;
};

enum cursor_result { CURSOR_RECORD, CURSOR_END, CURSOR_FAILED };

void run_cursor_open(struct run_cursor *cursor, struct run *run);
enum cursor_result run_cursor_next(struct run_cursor *cursor);
void run_cursor_close(struct run_cursor *cursor);

/* Reads all of it back, and checks that so many records, and tombstones among them, are there. */
bool run_check(struct run *run, uint64_t count, uint64_t tombstones);

/* Memory that lookups read into, used again by the next one. */
struct run_buffer {
    char *data;
    size_t capacity;
};

/* Looks one key up: 1 found, its record good until the buffer is used again; 0 not there; -1. */
int run_find(const struct run *run, const char *key, size_t key_size, struct run_buffer *buffer,
             struct record *record);

/* Order of keys: bytes, and what ends earlier first. */
int compare_keys(const char *a, size_t a_size, const char *b, size_t b_size);

/* Writes all of it; false with errno set. */
bool write_all(int fd, const void *data, size_t size);

#endif
