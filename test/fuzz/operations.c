/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * operations.c - fuzz target: sequences of all calls, in the mode where the table numbers its versions.
 */
#include "fuzz.h"

/* As often as it stands here. */
static step *const steps[] = {
    write_step, write_step,  write_step,      write_step, write_step,    write_step, run_step,
    run_step,   batch_step,  batch_step,      view_step,  view_step,     read_step,  read_step,
    many_step,  walk_step,   walk_step,       walk_step,  check_step,    count_step, bad_step,
    seal_step,  rotate_step, statistics_step, reset_step, pressure_step,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *w = begin_world(data, size, FASTSKIP_SEQUENCE_AUTO);
    WALK_STEPS(w, steps);
    end_world(w);
    return 0;
}
