/*
 * fibers.c - the threads of a stress test take turns in one thread of the system; see stress.h.
 *
 * The library is built into the test with FSK_ATOMIC_HOOK, and the hook decides before every atomic
 * operation, and after those that change something, who goes on.  So a few thousand short rounds go
 * through more different interleavings than hours of threads, and a seed that fails fails again: that is
 * what makes seeded faults sure to be found.  What it can not show is a memory order that is too weak,
 * as all is sequentially consistent here, and what lies between two atomic operations.
 *
 * How to choose is drawn for each run:
 *   EVEN      at every point somebody else with a fixed chance, all alike
 *   STALLED   the same, but one is left out for a long time, from a point of its own on
 *   PRIORITY  the one of the highest priority goes on; now and then he becomes the last (Burckhardt,
 *             Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic guarantees
 *             of finding bugs", ASPLOS 2010)
 */
#define _GNU_SOURCE
#include "stress.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "atomic.h"

#define STACK (256 * 1024)
#define POINTS_MOST 50000000u /* of a run: by then something goes on without end */

typedef enum { EVEN, STALLED, PRIORITY, POLICIES } policy;

typedef struct {
    ucontext_t context;
    char *stack;
    int finished;
    unsigned priority;
} fiber;

static struct {
    fiber fiber[STRESS_THREADS];
    ucontext_t home;
    unsigned n, running, current;
    int inside; /* a fiber is running */
    policy policy;
    unsigned change;  /* one in so many points */
    unsigned stalled; /* who */
    uint32_t stall_in, stall_for; /* points until he is, and from then on */
    unsigned lowest;
    uint64_t points;
    stress_random random;
    stress_body body;
    void *of_body;
    stress_random of_fiber[STRESS_THREADS];
} g;

static int is_stalled(unsigned i)
{
    return g.policy == STALLED && i == g.stalled && g.stall_in == 0 && g.stall_for != 0 &&
           g.running > 1;
}

static unsigned choose(void)
{
    unsigned best = g.current, i;
    if (g.policy != PRIORITY) {
        do {
            i = stress_below(&g.random, g.n);
        } while (g.fiber[i].finished || is_stalled(i));
        return i;
    }
    for (i = 0; i < g.n; i++)
        if (!g.fiber[i].finished &&
            (g.fiber[best].finished || g.fiber[i].priority > g.fiber[best].priority))
            best = i;
    return best;
}

/* Gives the turn to somebody, who may be the same. */
static void turn(void)
{
    unsigned from = g.current, to = choose();
    if (to == from)
        return;
    g.current = to;
    swapcontext(&g.fiber[from].context, &g.fiber[to].context);
}

/* Counts a point towards the stall, or towards its end. */
static void count_point(void)
{
    if (++g.points > POINTS_MOST) {
        fprintf(stderr, "fibers: no end after %u operations\n", POINTS_MOST);
        abort();
    }
    if (g.stall_in != 0) {
        g.stall_in--;
        if (g.stall_in == 0)
            g.stalled = g.current;
    } else if (g.stall_for != 0) {
        g.stall_for--;
    }
}

void fsk_atomic_hook(int op, const volatile void *address)
{
    unsigned change = g.change;
    (void)address;
    if (!g.inside)
        return;
    count_point();
    if (op == FSK_POINT_LOAD) /* there are many, and most of them are of no interest */
        change *= 3;
    if (!is_stalled(g.current) && stress_below(&g.random, change) != 0)
        return;
    if (g.policy == PRIORITY)
        g.fiber[g.current].priority = --g.lowest;
    turn();
}

void stress_pause(void)
{
    count_point(); /* those that wait may be all that is left */
    if (g.policy == PRIORITY)
        g.fiber[g.current].priority = --g.lowest;
    turn();
}

/* The library asks for the processor, to spread its writers. */
int sched_getcpu(void)
{
    return g.inside ? (int)g.current : 0;
}

static void fiber_main(void)
{
    unsigned me = g.current;
    g.body(g.of_body, me, &g.of_fiber[me]);
    g.fiber[me].finished = 1;
    g.running--;
    if (g.running == 0)
        setcontext(&g.home);
    g.current = choose();
    setcontext(&g.fiber[g.current].context);
}

static void fiber_new(unsigned i)
{
    fiber *f = &g.fiber[i];
    if (f->stack == NULL && (f->stack = malloc(STACK)) == NULL)
        abort();
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK;
    f->context.uc_link = NULL;
    f->finished = 0;
    f->priority = 1000000000u + stress_below(&g.random, 1000);
    makecontext(&f->context, fiber_main, 0);
}

void stress_run(unsigned n, stress_body body, void *context, stress_random *random)
{
    static const unsigned changes[] = {2, 4, 8, 32}, rare[] = {20, 60, 200, 600};
    unsigned which = stress_below(random, 4);
    g.random.state = stress_next(random);
    g.n = g.running = n;
    g.policy = (policy)stress_below(random, POLICIES);
    g.change = g.policy == PRIORITY ? rare[which] : changes[which];
    g.stall_in = 1 + stress_below(random, 5000);
    g.stall_for = 1 + stress_below(random, 20000);
    g.stalled = 0;
    g.lowest = 1000000000u;
    g.points = 0;
    g.body = body;
    g.of_body = context;
    for (unsigned i = 0; i < n; i++) {
        g.of_fiber[i].state = stress_next(random);
        fiber_new(i);
    }
    g.current = stress_below(random, n);
    g.inside = 1;
    swapcontext(&g.home, &g.fiber[g.current].context);
    g.inside = 0;
}
