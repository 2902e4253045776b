/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * What store.c, view.c and flush.c share beyond store.h.
 */
#ifndef INGEST_STORE_PRIVATE_H
#define INGEST_STORE_PRIVATE_H

#include "store.h"

/* A view with one reference to it; it takes one to each table and run. The arrays are copied. */
struct view *view_new(fastskip_table *active, fastskip_table *const *sealed, size_t sealed_count,
                      struct run *const *runs, size_t run_count);

/* Replaces the present view and wakes whoever waits for that. The caller holds the lock; what it
 * gets back, the view before, it drops when it no longer does. */
struct view *store_publish(struct store *store, struct view *view);

void *flush_main(void *store);

#endif
