/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * What ends a run of ingest early: the first failure of any thread, or an interrupt from outside.
 * Every thread looks here, and every condition variable on which one may sleep is watched, so that
 * a failure anywhere wakes everybody.
 */
#ifndef INGEST_CONTROL_H
#define INGEST_CONTROL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum control_state {
    CONTROL_RUNNING,
    /* Read no further; finish what was read. */
    CONTROL_INTERRUPTED,
    /* Leave everything; control.message says why. */
    CONTROL_FAILED
};

struct control_watch {
    pthread_mutex_t *lock;
    pthread_cond_t *condition;
};

struct control {
    pthread_mutex_t lock;
    atomic_int state;
    /* wake[0] is readable from the moment the state is not CONTROL_RUNNING, for poll(). */
    int wake[2];
    char message[2048];
    struct control_watch *watches;
    size_t watch_count;
};

/* False, with a message on stderr, if the system gives no pipe. There is no end of it before that of
 * the process: an interrupt may come until then. */
bool control_open(struct control *control);

/* From now on control_fail() broadcasts the condition, holding the lock for a moment. Only before
 * threads start. */
void control_watch(struct control *control, pthread_mutex_t *lock, pthread_cond_t *condition);

bool control_stopped(const struct control *control);
bool control_failed(const struct control *control);

/* Keeps the first message. The caller must hold no watched lock. */
void control_fail(struct control *control, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void control_interrupt(struct control *control);

#endif
