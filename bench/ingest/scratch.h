/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * What must not stay behind: the directory of temporary files and an unfinished output. There is
 * one of each in the process, so that the second interrupt and a failed allocation, which end the
 * program from wherever they happen, find them.
 */
#ifndef INGEST_SCRATCH_H
#define INGEST_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Statuses that the program exits with. */
enum exit_status {
    EXIT_FINE = 0,
    EXIT_WRONG_RESULT = 1,
    EXIT_USAGE = 2,
    EXIT_TROUBLE = 3,
    EXIT_INTERRUPTED = 130
};

/* Makes an empty directory inside parent. False, with a message on stderr, if that fails. */
bool scratch_open(const char *parent);

/* The path of a file in the directory; the caller frees it. */
char *scratch_path(const char *name);

/* The directory itself; good until scratch_remove(). */
const char *scratch_directory(void);

/* Names a file outside the directory that is removed with it; NULL: none any more. Copied. */
void scratch_set_partial(const char *path);

/* Removes all of it. May be called again, and by several threads. */
void scratch_remove(void);

/* Removes all of it and ends the process at once, whatever other threads do. */
void scratch_abandon(int status) __attribute__((noreturn));

/* malloc and realloc that do not return without memory: they say so and abandon everything. */
void *allocate(size_t size);
void *reallocate(void *memory, size_t size);
char *duplicate(const char *text);

/* A formatted string; the caller frees it. */
char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
