/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Signals that end the program: the first one asks it to finish, the second one ends it at once.
 */
#ifndef INGEST_INTERRUPT_H
#define INGEST_INTERRUPT_H

#include <stdbool.h>
#include <sys/types.h>

#include "control.h"

/* Blocks SIGINT, SIGTERM and SIGHUP in this thread and those it will start, but for one that waits
 * for them; those that are ignored stay so. A closed pipe or a file limit is an error of write() from now on. */
bool interrupt_open(struct control *control);

/* The group of processes that ends with an interrupt, 0 for none. */
void interrupt_set_children(pid_t group);

#endif
