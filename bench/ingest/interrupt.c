/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See interrupt.h. The signals are waited for by a thread, not handled: what they cause needs
 * locks.
 */
#include "interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "scratch.h"

static sigset_t signals;
static atomic_int children;

static void end_children(void)
{
    pid_t group = atomic_load_explicit(&children, memory_order_relaxed);
    if (group > 0)
        kill(-group, SIGTERM);
}

static void *interrupt_main(void *context)
{
    struct control *control = context;
    int number;
    sigwait(&signals, &number);
    control_interrupt(control);
    fprintf(stderr, "\ningest: interrupted; writing what was read so far (once more to stop at "
                    "once)\n");
    end_children();
    sigwait(&signals, &number);
    end_children();
    scratch_abandon(EXIT_INTERRUPTED);
}

/* Adds a signal to those that are waited for, unless who started the program had it ignored, as
 * nohup does. */
static void add_signal(int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset(&signals, number);
}

bool interrupt_open(struct control *control)
{
    sigemptyset(&signals);
    add_signal(SIGINT);
    add_signal(SIGTERM);
    add_signal(SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    pthread_t thread;
    int error = pthread_create(&thread, NULL, interrupt_main, control);
    if (error != 0) {
        fprintf(stderr, "ingest: cannot start a thread: %s\n", strerror(error));
        return false;
    }
    pthread_detach(thread);
    return true;
}

void interrupt_set_children(pid_t group)
{
    atomic_store_explicit(&children, group, memory_order_relaxed);
}
