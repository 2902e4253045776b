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

/*
 * One yield in so many points, on average: the more where another thread can make a difference. A point takes
 * its share from a budget, and the thread yields when that is used up.
 */
enum {
    BUDGET = 1024,
    SHARE_READ_MODIFY_WRITE = BUDGET / 16,
    SHARE_STORE = BUDGET / 64,
    SHARE_LOAD = BUDGET / 1024
};

/*
 * There are points in every loop over a block: so a point is a subtraction, and neither calls the runtime for
 * the thread's variables nor has them watched by ThreadSanitizer. With the first attribute alone Clang's still
 * notes that the hook was entered and left.
 */
#if defined(__GNUC__)
#define UNWATCHED __attribute__((no_sanitize_thread))
#define NEAR __attribute__((tls_model("initial-exec")))
#else
#define UNWATCHED
#define NEAR
#endif
#if defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
#undef UNWATCHED
#define UNWATCHED __attribute__((disable_sanitizer_instrumentation))
#endif
#endif

static __thread int32_t left NEAR;

/*
 * A number that differs between threads and between yields of one thread. It need not be good, only
 * cheap: xorshift32 (Marsaglia, "Xorshift RNGs", 2003).
 */
UNWATCHED static uint32_t next_random(void)
{
    static __thread uint32_t state NEAR;

    if (state == 0)
        state = (uint32_t)((uintptr_t)&state >> 4) * 2654435761u | 1u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

UNWATCHED void fsk_atomic_hook(int op, const volatile void *address)
{
    int32_t share = SHARE_READ_MODIFY_WRITE;

    (void)address;
    if (op == FSK_POINT_LOAD)
        share = SHARE_LOAD;
    else if (op == FSK_POINT_STORE)
        share = SHARE_STORE;
    left -= share;
    if (left > 0)
        return;
    left += (int32_t)(next_random() % (2 * BUDGET));
    sched_yield();
}
