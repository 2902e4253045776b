/*
 * atomic_yield.c - the hook of a build with -Dyield=true, for tests only.
 *
 * Threads give their processor away in the middle of operations, so that a few threads on few
 * processors meet in states that would otherwise take a badly timed preemption. Relies on atomic.h
 * alone.
 */
#define _POSIX_C_SOURCE 200809L
#include <sched.h>

#include "atomic.h"

#ifndef FSK_ATOMIC_HOOK
#error "atomic_yield.c is for builds with FSK_ATOMIC_HOOK"
#endif

/* One yield in so many points, on average: the more where another thread can make a difference. */
enum { YIELD_READ_MODIFY_WRITE = 16, YIELD_STORE = 64, YIELD_LOAD = 1024 };

/*
 * A number that differs between threads and between points of one thread. It need not be good, only
 * cheap: xorshift32 (Marsaglia, "Xorshift RNGs", 2003).
 */
static uint32_t next_random(void)
{
    static __thread uint32_t state;

    if (state == 0)
        state = (uint32_t)((uintptr_t)&state >> 4) * 2654435761u | 1u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

void fsk_atomic_hook(int op, const volatile void *address)
{
    uint32_t one_in = YIELD_READ_MODIFY_WRITE;

    (void)address;
    if (op == FSK_POINT_LOAD)
        one_in = YIELD_LOAD;
    else if (op == FSK_POINT_STORE)
        one_in = YIELD_STORE;
    if (next_random() % one_in == 0)
        sched_yield();
}
