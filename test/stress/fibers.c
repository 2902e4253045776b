/*
 * fibers.c - the threads of a stress test take turns in one thread of the system; see stress.h.
 *
 * The library is built into the test with FSK_ATOMIC_HOOK, and the hook decides before every atomic
 * operation, and after those that change something, who goes on.  So a few thousand short rounds go
 * through more different interleavings than hours of threads, and a seed that fails fails again: that is
 * what makes seeded faults sure to be found.  What it can not show is a memory order that is too weak,
 * as all is sequentially consistent here, and what lies between two atomic operations.
 *
 * How to choose is drawn anew every few thousand points:
 *   EVEN      at every point somebody else with a fixed chance, all alike
 *   STALLED   the same, but again and again one is left out for a while
 *   PRIORITY  the one of the highest priority goes on; now and then he becomes the last (Burckhardt,
 *             Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic guarantees
 *             of finding bugs", ASPLOS 2010)
 * In each, who is about to access what another waits to access, one of them to write it, lets the other
 * go first as often as not (Sen, "Race directed random testing of concurrent programs", PLDI 2008).
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE /* its longjmp takes a jump to another stack for a mistake */
#include "stress.h"

#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "atomic.h"

#define STACK (256 * 1024)
#define POINTS_MOST 50000000u /* of a run: by then something goes on without end */

typedef enum { EVEN, STALLED, PRIORITY, POLICIES } policy;

typedef struct {
    jmp_buf at;
    ucontext_t first; /* where it begins; setjmp and longjmp, which call no system, do the rest */
    int begun, finished;
    char *stack;
    unsigned priority;
    int op; /* what it waits to do, and to which word; NULL: nothing */
    const volatile void *address;
} fiber;

#define ADDRESSES 512

static struct {
    fiber fiber[STRESS_THREADS];
    jmp_buf home;
    unsigned n, running, current;
    int inside; /* a fiber is running */
    policy policy;
    unsigned change;              /* one in so many points */
    unsigned stalled;             /* who */
    uint32_t stall_in, stall_for; /* points until he is, and from then on */
    unsigned lowest;              /* priority so far */
    uint32_t redraw;              /* points until the policy changes */
    uint64_t points;
    unsigned char waiting[ADDRESSES]; /* how many for words of this hash */
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

/* Leaves the present stack for that of the fiber whose turn it is. */
static void go_on(void)
{
    fiber *f = &g.fiber[g.current];
    if (f->begun)
        _longjmp(f->at, 1);
    f->begun = 1;
    setcontext(&f->first);
}

static unsigned hash_of(const volatile void *address)
{
    return (unsigned)((uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15) >> 32) % ADDRESSES;
}

/* Gives the turn to another, who may be the same; the present one waits to access a word. */
static void turn(unsigned to, int op, const volatile void *address)
{
    fiber *f = &g.fiber[g.current];
    if (f == &g.fiber[to])
        return;
    f->op = op;
    f->address = address;
    if (address != NULL)
        g.waiting[hash_of(address)]++;
    g.current = to;
    if (_setjmp(f->at) == 0)
        go_on();
    f = &g.fiber[g.current]; /* it is this one's turn again */
    if (f->address != NULL)
        g.waiting[hash_of(f->address)]--;
    f->address = NULL;
}

/* One that waits to access the word, where one of the two writes it; or the present one. */
static unsigned rival(int op, const volatile void *address)
{
    unsigned i = g.current;
    if (g.waiting[hash_of(address)] == 0 || op == FSK_POINT_DONE)
        return i;
    for (unsigned n = 1; n < g.n; n++) {
        i = i + 1 < g.n ? i + 1 : 0;
        if (g.fiber[i].address == address && !is_stalled(i) &&
            (op != FSK_POINT_LOAD || g.fiber[i].op != FSK_POINT_LOAD))
            return i;
    }
    return g.current;
}

static void draw_stall(void)
{
    static const uint32_t longest[] = {100, 1000, 10000};
    g.stall_in = 1 + stress_below(&g.random, 300);
    g.stall_for = 1 + stress_below(&g.random, longest[stress_below(&g.random, 3)]);
}

static void draw_policy(void)
{
    static const unsigned even[] = {2, 3, 6, 20}, rare[] = {10, 25, 60, 200};
    unsigned which = stress_below(&g.random, 4);
    g.policy = (policy)stress_below(&g.random, POLICIES);
    g.change = g.policy == PRIORITY ? rare[which] : even[which];
    g.redraw = 500 + stress_below(&g.random, 8000);
    g.lowest = 1000000000u;
    for (unsigned i = 0; i < g.n; i++)
        g.fiber[i].priority = g.lowest + stress_below(&g.random, 1000);
    draw_stall();
}

static void count_point(void)
{
    if (++g.points > POINTS_MOST) {
        fprintf(stderr, "fibers: no end after %u operations\n", POINTS_MOST);
        abort();
    }
    if (--g.redraw == 0)
        draw_policy();
    if (g.stall_in != 0) {
        g.stall_in--;
        if (g.stall_in == 0)
            g.stalled = g.current;
    } else if (g.stall_for != 0) {
        g.stall_for--;
    } else {
        draw_stall();
    }
}

void fsk_atomic_hook(int op, const volatile void *address)
{
    unsigned change = g.change, other;
    if (!g.inside)
        return;
    count_point();
    other = rival(op, address);
    if (other != g.current && stress_below(&g.random, 2) == 0) {
        turn(other, op, address);
        return;
    }
    if (op == FSK_POINT_LOAD) /* there are many, and most of them are of no interest */
        change *= 3;
    if (!is_stalled(g.current) && stress_below(&g.random, change) != 0)
        return;
    if (g.policy == PRIORITY)
        g.fiber[g.current].priority = --g.lowest;
    turn(choose(), op, op == FSK_POINT_DONE ? NULL : address);
}

void stress_pause(void)
{
    count_point();
    g.stall_for -= g.stall_for / 4; /* those that wait may be all that is left */
    if (g.policy == PRIORITY)
        g.fiber[g.current].priority = --g.lowest;
    turn(choose(), FSK_POINT_DONE, NULL);
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
        _longjmp(g.home, 1);
    g.current = choose();
    go_on();
}

static void fiber_new(unsigned i)
{
    fiber *f = &g.fiber[i];
    if (f->stack == NULL && (f->stack = malloc(STACK)) == NULL)
        abort();
    getcontext(&f->first);
    f->first.uc_stack.ss_sp = f->stack;
    f->first.uc_stack.ss_size = STACK;
    f->first.uc_link = NULL;
    f->begun = f->finished = 0;
    f->address = NULL;
    makecontext(&f->first, fiber_main, 0);
}

void stress_run(unsigned n, stress_body body, void *context, stress_random *random)
{
    g.random.state = stress_next(random);
    g.n = g.running = n;
    g.points = 0;
    memset(g.waiting, 0, sizeof g.waiting);
    draw_policy();
    g.body = body;
    g.of_body = context;
    for (unsigned i = 0; i < n; i++) {
        g.of_fiber[i].state = stress_next(random);
        fiber_new(i);
    }
    g.current = stress_below(random, n);
    g.inside = 1;
    if (_setjmp(g.home) == 0)
        go_on();
    g.inside = 0;
}
