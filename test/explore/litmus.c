/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * litmus - is the memory of memory.h as weak as C11 makes it, and no weaker? Each program is the
 * textbook's: message passing, store buffering and so on (Maranget, Sarkar, Sewell, "A tutorial
 * introduction to the ARM and POWER relaxed memory models", 2012). All its schedules are run: an outcome
 * that C11 allows must show, one that it forbids must not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "memory.h"
#include "schedule.h"

static fsk_atomic32 x, y, z;
static uint32_t r[4]; /* what was read */

/* ---- programs: one function a thread ---- */

typedef void thread(void);

static void x_then_y(void)
{
    fsk_store32_relaxed(&x, 1);
    fsk_store32_relaxed(&y, 1);
}
static void x_then_release_y(void)
{
    fsk_store32_relaxed(&x, 1);
    fsk_store32_release(&y, 1);
}
static void y_then_x(void)
{
    r[0] = fsk_load32_relaxed(&y);
    r[1] = fsk_load32_relaxed(&x);
}
static void acquire_y_then_x(void)
{
    r[0] = fsk_load32_acquire(&y);
    r[1] = fsk_load32_relaxed(&x);
}
static void add_to_y(void)
{
    fsk_add32_relaxed(&y, 1);
}
static void release_y_further(void)
{
    fsk_sub32_release(&y, UINT32_MAX); /* adds 1 */
}
static void store_over_y(void)
{
    fsk_store32_relaxed(&y, 2);
}
static void failing_cas_then_x(void)
{
    uint32_t seen = 7;
    fsk_cas32_acq_rel(&y, &seen, 9);
    r[0] = seen;
    r[1] = fsk_load32_relaxed(&x);
}
static void release_x_load_y(void)
{
    fsk_store32_release(&x, 1);
    r[0] = fsk_load32_acquire(&y);
}
static void release_y_load_x(void)
{
    fsk_store32_release(&y, 1);
    r[1] = fsk_load32_acquire(&x);
}
static void seq_x_load_y(void)
{
    fsk_exchange32_seq(&x, 1);
    r[0] = fsk_load32_seq(&y);
}
static void seq_y_load_x(void)
{
    fsk_exchange32_seq(&y, 1);
    r[1] = fsk_load32_seq(&x);
}
static void x_twice(void)
{
    r[0] = fsk_load32_relaxed(&x);
    r[1] = fsk_load32_relaxed(&x);
}
static void x_is_1(void)
{
    fsk_store32_relaxed(&x, 1);
}
static void release_x(void)
{
    fsk_store32_release(&x, 1);
}
static void release_y(void)
{
    fsk_store32_release(&y, 1);
}
static void seq_x(void)
{
    fsk_exchange32_seq(&x, 1);
}
static void seq_y(void)
{
    fsk_exchange32_seq(&y, 1);
}
static void acquire_x_acquire_y(void)
{
    r[0] = fsk_load32_acquire(&x);
    r[1] = fsk_load32_acquire(&y);
}
static void acquire_y_acquire_x(void)
{
    r[2] = fsk_load32_acquire(&y);
    r[3] = fsk_load32_acquire(&x);
}
static void seq_load_x_y(void)
{
    r[0] = fsk_load32_seq(&x);
    r[1] = fsk_load32_seq(&y);
}
static void seq_load_y_x(void)
{
    r[2] = fsk_load32_seq(&y);
    r[3] = fsk_load32_seq(&x);
}
static void pass_x_on_to_y(void)
{
    r[2] = fsk_load32_relaxed(&x);
    fsk_store32_release(&y, 1);
}
static void add_x_keep(void)
{
    r[0] = fsk_add32_relaxed(&x, 1);
}
static void add_x_keep_too(void)
{
    r[1] = fsk_add32_relaxed(&x, 1);
}
static void cas_x(void)
{
    uint32_t seen = 0;
    r[0] = (uint32_t)fsk_cas32_seq(&x, &seen, 5);
}
static void cas_x_too(void)
{
    uint32_t seen = 0;
    r[1] = (uint32_t)fsk_cas32_seq(&x, &seen, 6);
}
static void first_value_then_y(void)
{
    fsk_init32(&z, 4);
    fsk_store32_relaxed(&y, 1);
}
static void first_value_then_release_y(void)
{
    fsk_init32(&z, 4);
    fsk_store32_release(&y, 1);
}
static void z_after_y(void)
{
    r[0] = fsk_load32_acquire(&y);
    if (r[0] == 1)
        r[1] = fsk_load32_relaxed(&z);
}

/* ---- what may come out ---- */

enum { SHOWS, NEVER, BREAKS, WHOLE };

typedef struct {
    const char *name;
    thread *threads[SCHEDULE_THREADS];
    uint32_t registers; /* how many are looked at */
    uint32_t outcome[4];
    int expected; /* the outcome shows, or never does; or some schedule is broken off, or none is */
} litmus;

static const litmus tests[] = {
    {"message, relaxed", {x_then_y, y_then_x}, 2, {1, 0}, SHOWS},
    {"message, no acquire", {x_then_release_y, y_then_x}, 2, {1, 0}, SHOWS},
    {"message, no release", {x_then_y, acquire_y_then_x}, 2, {1, 0}, SHOWS},
    {"message", {x_then_release_y, acquire_y_then_x}, 2, {1, 0}, NEVER},
    {"message, not yet", {x_then_release_y, acquire_y_then_x}, 2, {0, 0}, SHOWS},
    {"message, handed on by an addition",
     {x_then_release_y, add_to_y, acquire_y_then_x},
     2,
     {2, 0},
     NEVER},
    {"message, handed on by a release",
     {x_then_release_y, release_y_further, acquire_y_then_x},
     2,
     {2, 0},
     NEVER},
    {"message, ended by a store",
     {x_then_release_y, store_over_y, acquire_y_then_x},
     2,
     {2, 0},
     SHOWS},
    {"message, by a failed CAS", {x_then_release_y, failing_cas_then_x}, 2, {1, 0}, NEVER},
    {"buffers, release and acquire", {release_x_load_y, release_y_load_x}, 2, {0, 0}, SHOWS},
    {"buffers, sequential", {seq_x_load_y, seq_y_load_x}, 2, {0, 0}, NEVER},
    {"one word backwards", {x_is_1, x_twice}, 2, {1, 0}, NEVER},
    {"one word forwards", {x_is_1, x_twice}, 2, {0, 1}, SHOWS},
    {"two readers, acquire",
     {release_x, release_y, acquire_x_acquire_y, acquire_y_acquire_x},
     4,
     {1, 0, 1, 0},
     SHOWS},
    {"two readers, sequential", {seq_x, seq_y, seq_load_x_y, seq_load_y_x}, 4, {1, 0, 1, 0}, NEVER},
    {"three in a row", {x_is_1, pass_x_on_to_y, acquire_y_then_x}, 3, {1, 0, 1}, NEVER},
    {"additions", {add_x_keep, add_x_keep_too}, 2, {0, 0}, NEVER},
    {"two CAS win", {cas_x, cas_x_too}, 2, {1, 1}, NEVER},
    {"no CAS wins", {cas_x, cas_x_too}, 2, {0, 0}, NEVER},
    {"first value, no release", {first_value_then_y, z_after_y}, 0, {0}, BREAKS},
    {"first value", {first_value_then_release_y, z_after_y}, 0, {0}, WHOLE},
    {"first value is read", {first_value_then_release_y, z_after_y}, 2, {1, 4}, SHOWS},
};

static const litmus *now;
static int shown;

static void prepare(void *context)
{
    (void)context;
    memory_forget();
    fsk_init32(&x, 0);
    fsk_init32(&y, 0);
    memset(r, 0, sizeof r);
}

static void body(void *context, unsigned me)
{
    (void)context;
    now->threads[me]();
}

static int judge(void *context)
{
    (void)context;
    shown |= memcmp(r, now->outcome, now->registers * sizeof *r) == 0;
    return 1;
}

static int run(const litmus *test)
{
    schedule_task task = {.preemptions = 6, .prepare = prepare, .body = body, .judge = judge};
    schedule_outcome o;
    int good;
    now = test;
    shown = 0;
    while (task.threads < SCHEDULE_THREADS && test->threads[task.threads] != NULL)
        task.threads++;
    schedule_explore(&task, &o);
    if (test->expected >= BREAKS)
        good = (o.wrong != NULL) == (test->expected == BREAKS);
    else
        good = o.wrong == NULL && shown == (test->expected == SHOWS);
    printf("%-34s %8llu schedules, %s\n", test->name, (unsigned long long)o.schedules,
           good ? "ok" : "FAILED");
    return good;
}

int main(void)
{
    unsigned passed = 0, failed = 0;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (run(&tests[i]))
            passed++;
        else
            failed++;
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
