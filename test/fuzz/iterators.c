/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * iterators.c - fuzz target: walks in any direction, seeks, bounds and many entries at once, with writes
 * between the steps, which an iterator must not show. In caller's mode numbers only grow here, so that an
 * iterator at a number goes on undisturbed, too.
 */
#include "fuzz.h"

static step *const steps[] = {
    write_step, write_step, write_step, run_step,  run_step,  batch_step, view_step,
    walk_step,  walk_step,  walk_step,  walk_step, walk_step, walk_step,  walk_step,
    walk_step,  walk_step,  walk_step,  walk_step, many_step, seal_step,  rotate_step,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t mode = size > 0 ? data[size - 1] & 1 : 0;
    struct world *w = begin_world(data, size, mode);
    w->in_order = 1;
    WALK_STEPS(w, steps);
    end_world(w);
    return 0;
}
