/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * schedule.h - every order of the atomic accesses of a few threads, up to a number of preemptions.
 *
 * The threads are fibers in one thread of the system. The library is built with FSK_ATOMIC_HOOK, and
 * before each of its atomic accesses the hook decides who goes on. A thread that goes on although another
 * could is the default; giving the turn away there is a preemption, and a schedule is the list of them.
 * Where a thread ends, or asks for others (sched_yield), whoever is next is free of charge, and each
 * choice is a schedule of its own. All schedules with at most so many preemptions are run, depth first:
 * a schedule is run again up to its last choice that has an alternative, and goes on from there (Musuvathi,
 * Qadeer, "Iterative context bounding for systematic testing of multithreaded programs", PLDI 2007).
 *
 * The same schedule runs the same way each time, so that a finding can be replayed.
 */
#ifndef EXPLORE_SCHEDULE_H
#define EXPLORE_SCHEDULE_H

#include <stdint.h>

#define SCHEDULE_THREADS 4

/* The body of one thread, in the state that `prepare` made. */
typedef void (*schedule_body)(void *context, unsigned me);

typedef struct {
    unsigned threads;
    unsigned preemptions; /* at most so many */
    uint64_t limit;       /* schedules at most; 0: no limit */
    uint64_t seed; /* with a limit: which schedules, once all those of fewer preemptions were run */
    void (*prepare)(void *context); /* before each schedule: brings back the same state */
    schedule_body body;
    int (*judge)(void *context); /* after each: 1 if all is well */
    void *context;
} schedule_task;

typedef struct {
    uint64_t schedules; /* run */
    unsigned complete;  /* all with fewer preemptions than this were */
    uint64_t points;    /* accesses in all */
    unsigned longest;   /* accesses in one schedule */
    int failed;
    const char *wrong; /* why it was broken off; NULL: the judge said no */
    char trail[1024];  /* the schedule that failed, for schedule_replay */
} schedule_outcome;

void schedule_explore(const schedule_task *task, schedule_outcome *outcome);

/* Runs one schedule: "point:thread" for each preemption or choice. */
void schedule_replay(const schedule_task *task, const char *trail, schedule_outcome *outcome);

/* Which thread has the turn; -1: none, it is before or after a schedule. */
int schedule_thread(void);

/* Within a schedule: a number below n, and below 8. 0 costs nothing, any other as much as a preemption, and it
 * stands in a trail as a thread does. */
unsigned schedule_choose(unsigned n);

/* Ends the schedule here, as one that failed. */
void schedule_break(const char *why);

/* A clock that goes on by one at each access and at each call: for what happened before what. */
uint64_t schedule_now(void);

#endif
