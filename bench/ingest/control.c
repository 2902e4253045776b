/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See control.h.
 */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"

bool control_open(struct control *control)
{
    *control = (struct control){.wake = {-1, -1}};
    pthread_mutex_init(&control->lock, NULL);
    atomic_init(&control->state, CONTROL_RUNNING);
    if (pipe2(control->wake, O_CLOEXEC | O_NONBLOCK) != 0) {
        fprintf(stderr, "ingest: cannot make a pipe: %s\n", strerror(errno));
        return false;
    }
    return true;
}

void control_watch(struct control *control, pthread_mutex_t *lock, pthread_cond_t *condition)
{
    control->watches =
        reallocate(control->watches, (control->watch_count + 1) * sizeof *control->watches);
    control->watches[control->watch_count].lock = lock;
    control->watches[control->watch_count].condition = condition;
    control->watch_count++;
}

/* Relaxed is enough for both: whoever acts on the answer takes a lock before it touches anything
 * that the other thread wrote. */
bool control_stopped(const struct control *control)
{
    return atomic_load_explicit(&control->state, memory_order_relaxed) != CONTROL_RUNNING;
}

bool control_failed(const struct control *control)
{
    return atomic_load_explicit(&control->state, memory_order_relaxed) == CONTROL_FAILED;
}

/* A full pipe is readable too, which is all that matters. */
static void wake_poll(const struct control *control)
{
    ssize_t written = write(control->wake[1], "", 1);
    (void)written;
}

void control_fail(struct control *control, const char *format, ...)
{
    pthread_mutex_lock(&control->lock);
    bool first = !control_failed(control);
    if (first) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(control->message, sizeof control->message, format, arguments);
        va_end(arguments);
        atomic_store_explicit(&control->state, CONTROL_FAILED, memory_order_relaxed);
    }
    pthread_mutex_unlock(&control->lock);
    if (!first)
        return;
    wake_poll(control);
    for (size_t i = 0; i < control->watch_count; i++) {
        pthread_mutex_lock(control->watches[i].lock);
        pthread_cond_broadcast(control->watches[i].condition);
        pthread_mutex_unlock(control->watches[i].lock);
    }
}

void control_interrupt(struct control *control)
{
    int running = CONTROL_RUNNING;
    atomic_compare_exchange_strong_explicit(&control->state, &running, CONTROL_INTERRUPTED,
                                            memory_order_relaxed, memory_order_relaxed);
    wake_poll(control);
}
