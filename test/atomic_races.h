/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * atomic_races.h - threads that race over a few words of lib/atomic.h.
 *
 * A read-modify-write that is not atomic loses counts, an order that is too weak lets an outcome through that
 * the contract forbids. What the processor orders by itself can not fail here: on x86 that is everything but a
 * store before a load.
 *
 * A race runs for a time, not for a number of rounds: where there is one processor for all threads,
 * only a switch at a bad moment shows a fault. FASTSKIP_TEST_MS sets how many milliseconds. Operations that are
 * wrong even alone could make a race wait for ever: look at test_atomic first.
 */
#ifndef FSK_TEST_ATOMIC_RACES_H
#define FSK_TEST_ATOMIC_RACES_H

#include "atomics.h" /* first: it says what the system headers show */

#include <pthread.h>
#include <time.h>

static inline double duration(void)
{
    const char *text = getenv("FASTSKIP_TEST_MS");
    int milliseconds = text != NULL ? atoi(text) : 0;

    return (milliseconds > 0 ? milliseconds : 25) / 1e3;
}

static inline double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

enum { MAX_THREADS = 4, CACHE_LINE = 64, MIN_ROUNDS = 100 };

/* Words that must not share a cache line, or the processor would order what we want unordered. */
typedef struct {
    fsk_atomic32 word;
    char apart[2 * CACHE_LINE - sizeof(fsk_atomic32)];
} lone32;

typedef struct {
    fsk_atomic64 word;
    char apart[2 * CACHE_LINE - sizeof(fsk_atomic64)];
} lone64;

/* What the threads of one race share. Assertions are for the main thread: others count faults. */
typedef struct {
    lone32 x32[2];
    lone64 x64[2];
    lone32 gate;
    lone32 stop;
    lone32 faults;
    double duration;
    int threads;
    uint32_t plain;
    uint64_t got32[MAX_THREADS];
    uint64_t got64[MAX_THREADS];
} race;

typedef struct {
    race *race;
    int number;
} racer;

static inline void fault(race *r)
{
    fsk_add32_relaxed(&r->faults.word, 1);
}

/* Spins while that is likely to help, then lets others run: there may be fewer processors. */
static inline void relax(int *spins)
{
    if (++*spins % 256 == 0)
        sched_yield();
}

/* All threads of the race leave the nth gate together, n counting from 1. */
static inline void gate_pass(race *r, uint32_t n)
{
    uint32_t full = n * (uint32_t)r->threads;
    int spins = 0;

    fsk_add32_seq(&r->gate.word, 1);
    while ((int32_t)(fsk_load32_acquire(&r->gate.word) - full) < 0)
        relax(&spins);
}

static inline void race_init(race *r, int threads)
{
    int i;

    for (i = 0; i < 2; i++) {
        fsk_init32(&r->x32[i].word, 0);
        fsk_init64(&r->x64[i].word, 0);
    }
    fsk_init32(&r->gate.word, 0);
    fsk_init32(&r->stop.word, 0);
    fsk_init32(&r->faults.word, 0);
    r->duration = duration();
    r->threads = threads;
    r->plain = 0;
    for (i = 0; i < MAX_THREADS; i++)
        r->got32[i] = r->got64[i] = 0;
}

static inline void race_run(race *r, void *(*body)(void *))
{
    pthread_t thread[MAX_THREADS];
    racer runner[MAX_THREADS];
    int i;

    for (i = 0; i < r->threads; i++) {
        runner[i].race = r;
        runner[i].number = i;
        ck_assert_int_eq(pthread_create(&thread[i], NULL, body, &runner[i]), 0);
    }
    for (i = 0; i < r->threads; i++)
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
    ck_assert_uint_eq(fsk_load32_relaxed(&r->faults.word), 0);
}

#endif
