/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * caller.c - fuzz target: versions numbered by the caller, in any order and of any size, reads and
 * iterators at any number, numbers that are there.
 */
#include "fuzz.h"

/* A number from anywhere, then reads around it: the model's own draws stay near the clock. */
static void far_step(struct world *w)
{
    struct key *key = some_key(w);
    size_t bytes = 1 + below(w, 7);
    uint64_t at = input_number(bytes);
    struct version v = {at > 0 ? at : 1, FASTSKIP_PUT, 5, ++w->values * 2654435761u};
    fastskip_status status;
    w->clock++; /* for iterators that show every number */
    w->writes++;
    v.kind = (uint32_t)below(w, FASTSKIP_KIND_MAX + 1);
    status =
        fastskip_put_at(w->table, v.at, v.kind, key->data, key->size, fill_value(w, &v), v.size);
    if (!refused(w, status, 1))
        EXPECT(w, status == (add_version(w, key, v) ? FASTSKIP_OK : FASTSKIP_EXISTS));
    for (uint64_t n = v.at - 1; n <= v.at + 1; n++) {
        size_t found = newest(key, n);
        fastskip_entry entry;
        status = fastskip_get_at(w->table, n, key->data, key->size, &entry);
        EXPECT(w, status == (found == NEVER ? FASTSKIP_NOT_FOUND : FASTSKIP_OK));
        if (status == FASTSKIP_OK)
            require_entry(w, &entry, key, found);
    }
}

static step *const steps[] = {
    write_step, write_step, write_step,  write_step,      write_step, far_step,      far_step,
    run_step,   run_step,   batch_step,  batch_step,      read_step,  read_step,     read_step,
    many_step,  walk_step,  walk_step,   walk_step,       walk_step,  check_step,    count_step,
    bad_step,   seal_step,  rotate_step, statistics_step, reset_step, pressure_step,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *w = begin_world(data, size, FASTSKIP_SEQUENCE_CALLER);
    WALK_STEPS(w, steps);
    end_world(w);
    return 0;
}
