/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * times.h - how long calls take: counts by time, so that any number of them takes the same room.
 */
#ifndef FSK_TEST_TIMES_H
#define FSK_TEST_TIMES_H

#include <stdint.h>
#include <time.h>

/* Counts by time: 16 steps to each power of two, in nanoseconds. */
typedef struct {
    uint64_t count[64 * 16], most, n;
} times;

static inline uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void times_note(times *t, uint64_t ns)
{
    unsigned power = 63 - (unsigned)__builtin_clzll(ns | 16);
    t->count[power * 16 + (ns >> (power - 4)) % 16]++;
    t->n++;
    if (ns > t->most)
        t->most = ns;
}

static inline void times_add(times *to, const times *from)
{
    for (unsigned i = 0; i < sizeof to->count / sizeof *to->count; i++)
        to->count[i] += from->count[i];
    to->n += from->n;
    if (from->most > to->most)
        to->most = from->most;
}

/* In microseconds, the upper end of the step. */
static inline double times_quantile(const times *t, double quantile)
{
    uint64_t wanted = (uint64_t)((double)t->n * quantile), seen = 0;
    for (unsigned i = 4 * 16; i < sizeof t->count / sizeof *t->count; i++) {
        seen += t->count[i];
        if (seen > wanted)
            return (double)((UINT64_C(17) + i % 16) << (i / 16 - 4)) / 1000;
    }
    return (double)t->most / 1000;
}

#endif
