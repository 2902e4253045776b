/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * atomics.h - what the suites of lib/atomic.h share: the hook. Each suite is built once for every back end and
 * once with the hook (FSK_ATOMIC_HOOK).
 */
#ifndef FSK_TEST_ATOMICS_H
#define FSK_TEST_ATOMICS_H

#ifndef _GNU_SOURCE /* comes before every other header */
#define _GNU_SOURCE
#endif
#include <sched.h>

#include "atomic.h"
#include "suite.h"

/*
 * The hook: counts, so that the tests can see which operations call it, and now and then yields in
 * the middle of the races. Without it these are the same tests with nothing to count.
 */
#ifdef FSK_ATOMIC_HOOK

static __thread struct {
    long calls[4];
    const volatile void *address;
} seen;

void fsk_atomic_hook(int op, const volatile void *address)
{
    seen.calls[op]++;
    seen.address = address;
    if (seen.calls[op] % 64 == 0)
        sched_yield();
}

static inline void hook_reset(void)
{
    int op;

    for (op = 0; op < 4; op++)
        seen.calls[op] = 0;
    seen.address = NULL;
}

static inline void hook_expect(int op, const volatile void *address)
{
    int rmw = op == FSK_POINT_CAS;

    ck_assert_int_eq(seen.calls[FSK_POINT_LOAD], op == FSK_POINT_LOAD);
    ck_assert_int_eq(seen.calls[FSK_POINT_STORE], op == FSK_POINT_STORE);
    ck_assert_int_eq(seen.calls[FSK_POINT_CAS], rmw);
    ck_assert_int_eq(seen.calls[FSK_POINT_DONE], rmw);
    ck_assert_ptr_eq((const void *)seen.address, (const void *)address);
    hook_reset();
}

#else

static inline void hook_reset(void)
{
}

static inline void hook_expect(int op, const volatile void *address)
{
    (void)op;
    (void)address;
}

#endif

#endif
