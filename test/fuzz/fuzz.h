/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * fuzz.h - what the fuzz targets share.
 *
 * A target is one file with LLVMFuzzerTestOneInput: it reads an input as a sequence of choices (input.c),
 * makes calls of the public interface, and compares each answer with the model of a table (../world/world.h).
 * A difference ends the process with a word on it. An input that is used up goes on as zeros.
 */
#ifndef FSK_TEST_FUZZ_H
#define FSK_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "../world/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the input (input.c); below() of the model reads it, too ---- */

void input_begin(const uint8_t *data, size_t size);
size_t input_left(void);
uint64_t input_number(size_t bytes);
size_t input_below(size_t n);

/* ---- memory of tables (pool.c) ---- */

#define POOL_REGION ((size_t)8 << 20) /* the largest that has a place */

/* Gives a table memory that is used again and again, at no cost of a system call, and whose content is
 * arbitrary. Sanitizers are told what is committed, and that it is not initialized. */
void pool_use(struct world *w, fastskip_options *options);
/* Is it in a region? What is committed there is in one piece. */
int pool_holds(const void *p);
/* All that was given out has come back. */
int pool_is_whole(void);

/* ---- a table with its model (table.c) ---- */

#define UNIVERSE_MOST 300 /* keys */

/* A world of the input's choice: its keys, order, limits, shards. The same object each time. */
struct world *begin_world(const uint8_t *data, size_t size, uint32_t mode);
/* The same with keys of the caller's own, sorted, of one of the families' orders. */
void begin_table(struct world *w, uint64_t memory);
void end_world(struct world *w);
struct key *some_key(struct world *w);

/* ---- calls, each with choices of the input (steps.c) ---- */

typedef void step(struct world *w);

/* Takes steps from a table of them as long as there is input. */
void walk_steps(struct world *w, step *const *steps, size_t n);
#define WALK_STEPS(w, steps) walk_steps((w), (steps), sizeof(steps) / sizeof *(steps))

step write_step, run_step, batch_step, view_step, read_step, many_step, walk_step, check_step;
step statistics_step, count_step, pressure_step, seal_step, rotate_step, reset_step, bad_step;

#endif
