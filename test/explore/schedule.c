/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * schedule.c - see schedule.h.
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE /* its longjmp takes a jump to another stack for a mistake */
#include "schedule.h"

#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "atomic.h"

#define STACK (128 * 1024)
#define NOBODY 8
#define POINTS_MOST 100000u /* of one schedule: by then something goes on without end */

/* A place where somebody else could have gone on. */
typedef struct {
    uint32_t point;       /* how many accesses came before */
    uint8_t chosen;       /* who went on, or what was read */
    uint8_t tried;        /* bit t: t has been chosen here, by this schedule or an earlier one */
    uint8_t able;         /* bit t: t could be chosen */
    uint8_t present;      /* what costs nothing: who had the turn; NOBODY: he could not keep it */
    uint16_t preemptions; /* before this place */
} choice;

typedef struct {
    jmp_buf at;
    int finished;
    int yielded; /* waits for others, until any of them has had a turn */
    char *stack;
} fiber;

static struct {
    const schedule_task *task;
    fiber fiber[SCHEDULE_THREADS];
    jmp_buf home;
    unsigned current;
    int inside; /* a fiber has the turn */
    uint32_t point;
    uint64_t now;
    unsigned preemptions, budget;
    choice *choices;
    size_t made, room; /* choices of this schedule; those before `fixed` are given */
    size_t fixed;
    uint64_t random;   /* 0: depth first */
    uint64_t expected; /* accesses of a schedule, about, for random ones */
    const char *trail; /* what is replayed, or NULL */
    const char *wrong; /* why the schedule was broken off, or NULL */
} g;

uint64_t schedule_now(void)
{
    return g.now++;
}

static uint64_t next_random(void)
{
    g.random ^= g.random << 13;
    g.random ^= g.random >> 7;
    g.random ^= g.random << 17;
    return g.random;
}

/* ---- choosing ---- */

static unsigned able_now(void)
{
    unsigned able = 0, waiting = 0;
    for (unsigned i = 0; i < g.task->threads; i++)
        if (!g.fiber[i].finished) {
            waiting |= 1u << i;
            if (!g.fiber[i].yielded)
                able |= 1u << i;
        }
    return able != 0 ? able : waiting;
}

static unsigned lowest(unsigned bits)
{
    unsigned i = 0;
    while ((bits >> i & 1) == 0)
        i++;
    return i;
}

static choice *choice_new(void)
{
    if (g.made == g.room) {
        g.room = g.room != 0 ? 2 * g.room : 1024;
        g.choices = realloc(g.choices, g.room * sizeof *g.choices);
        if (g.choices == NULL)
            abort();
    }
    return &g.choices[g.made];
}

static unsigned random_of(unsigned bits)
{
    unsigned n = 0, skip;
    for (unsigned rest = bits; rest != 0; rest &= rest - 1)
        n++;
    for (skip = (unsigned)(next_random() % n); skip > 0; skip--)
        bits &= bits - 1;
    return lowest(bits);
}

/* What the trail that is replayed says of this point. */
static unsigned choose_by_trail(unsigned otherwise)
{
    for (const char *p = g.trail; p != NULL && *p != 0; p = strchr(p, ',')) {
        unsigned long point, to;
        p += *p == ',';
        if (sscanf(p, "%lu:%lu", &point, &to) == 2 && point == g.point && to < NOBODY)
            return (unsigned)to;
    }
    return otherwise;
}

/* Where no earlier schedule says it. */
static unsigned choose_freely(unsigned able, unsigned present)
{
    int keeps = present < NOBODY;
    if (g.trail != NULL)
        return choose_by_trail(keeps ? present : lowest(able));
    if (g.random == 0)
        return keeps ? present : lowest(able);
    if (!keeps)
        return random_of(able);
    return next_random() % g.expected < g.budget ? random_of(able & ~(1u << present)) : present;
}

/* One of those that are able, of which there are several. */
static unsigned choose(unsigned able, unsigned present)
{
    choice *c = choice_new();
    if (g.made < g.fixed) {
        if (c->point != g.point || c->able != able)
            abort(); /* the same schedule went another way: nothing can be trusted */
    } else {
        c->point = g.point;
        c->able = (uint8_t)able;
        c->present = (uint8_t)present;
        c->preemptions = (uint16_t)g.preemptions;
        c->chosen = (uint8_t)choose_freely(able, present);
        c->tried = (uint8_t)(1u << c->chosen);
    }
    g.made++;
    g.preemptions += present != NOBODY && c->chosen != present;
    return c->chosen;
}

/* Who goes on? `keeps`: the present one could. */
static unsigned choose_thread(int keeps)
{
    unsigned able = able_now();
    if ((able & (able - 1)) == 0 || (keeps && g.preemptions == g.budget))
        return keeps ? g.current : lowest(able); /* no choice, or none that is allowed */
    return choose(able, keeps ? g.current : NOBODY);
}

/* ---- turns ---- */

static void turn(unsigned to)
{
    fiber *f = &g.fiber[g.current];
    if (to == g.current)
        return;
    for (unsigned i = 0; i < g.task->threads; i++)
        if (i != g.current)
            g.fiber[i].yielded = 0;
    g.current = to;
    if (_setjmp(f->at) == 0)
        _longjmp(g.fiber[to].at, 1);
}

void schedule_break(const char *why)
{
    g.wrong = why;
    _longjmp(g.home, 1);
}

int schedule_thread(void)
{
    return g.inside ? (int)g.current : -1;
}

static void count_point(void)
{
    g.now++;
    if (++g.point > POINTS_MOST)
        schedule_break("it goes on without end");
}

unsigned schedule_choose(unsigned n)
{
    if (n < 2 || g.preemptions == g.budget)
        return 0;
    count_point(); /* so that each choice has a point of its own */
    return choose((1u << (n < NOBODY ? n : NOBODY)) - 1, 0);
}

void fsk_atomic_hook(int op, const volatile void *address)
{
    (void)address;
    if (!g.inside || op == FSK_POINT_DONE)
        return;
    count_point();
    turn(choose_thread(1));
}

/* The library waits for others, and asks for their turn. */
int sched_yield(void)
{
    if (!g.inside)
        return 0;
    count_point();
    g.fiber[g.current].yielded = 1;
    turn(choose_thread(0));
    return 0;
}

/* The library spreads its writers by processor. */
int sched_getcpu(void)
{
    return g.inside ? (int)g.current : 0;
}

/* ---- fibers ---- */

static void fiber_main(void)
{
    unsigned me = g.current;
    if (_setjmp(g.fiber[me].at) == 0)
        _longjmp(g.home, 1);
    for (;;) {
        g.task->body(g.task->context, me);
        g.fiber[me].finished = 1;
        for (unsigned i = 0; i < g.task->threads; i++)
            g.fiber[i].yielded = 0;
        if (_setjmp(g.fiber[me].at) != 0)
            continue; /* the next schedule */
        if (able_now() == 0)
            _longjmp(g.home, 1);
        count_point(); /* so that each choice has a point of its own */
        g.current = choose_thread(0);
        _longjmp(g.fiber[g.current].at, 1);
    }
}

/* Runs a new fiber up to where it waits for its first schedule. */
static void fiber_start(unsigned i)
{
    ucontext_t first;
    if (g.fiber[i].stack == NULL && (g.fiber[i].stack = malloc(STACK)) == NULL)
        abort();
    getcontext(&first);
    first.uc_stack.ss_sp = g.fiber[i].stack;
    first.uc_stack.ss_size = STACK;
    first.uc_link = NULL;
    makecontext(&first, fiber_main, 0);
    g.current = i;
    if (_setjmp(g.home) == 0)
        setcontext(&first);
}

/* ---- schedules ---- */

/* Runs the schedule of which g.choices[0 .. fixed) are given; 1 if all is well. */
static int run_one(schedule_outcome *o)
{
    for (unsigned i = 0; i < g.task->threads; i++)
        g.fiber[i].finished = g.fiber[i].yielded = 0;
    g.task->prepare(g.task->context);
    g.point = 0;
    g.now = 1;
    g.preemptions = 0;
    g.made = 0;
    g.current = 0;
    g.inside = 1;
    if (_setjmp(g.home) == 0) {
        g.current = choose_thread(0);
        _longjmp(g.fiber[g.current].at, 1);
    }
    g.inside = 0;
    o->schedules++;
    o->points += g.point;
    if (g.point > o->longest)
        o->longest = g.point;
    return g.wrong == NULL && g.task->judge(g.task->context);
}

/* Another thread for the last choice that has one within the budget; 0: all were tried. */
static int go_back(void)
{
    for (; g.made > 0; g.made--) {
        choice *c = &g.choices[g.made - 1];
        unsigned left = c->able & ~(unsigned)c->tried;
        if (left == 0 || (c->present != NOBODY && c->preemptions == g.budget))
            continue;
        c->chosen = (uint8_t)lowest(left);
        c->tried |= (uint8_t)(1u << c->chosen);
        g.fixed = g.made;
        return 1;
    }
    return 0;
}

static void write_trail(schedule_outcome *o)
{
    size_t used = 0;
    o->failed = 1;
    o->wrong = g.wrong;
    o->trail[0] = 0;
    for (size_t i = 0; i < g.made; i++) {
        const choice *c = &g.choices[i];
        if (c->chosen == c->present)
            continue;
        if (used + 24 < sizeof o->trail)
            used += (size_t)snprintf(o->trail + used, sizeof o->trail - used, "%s%u:%u",
                                     used != 0 ? "," : "", c->point, c->chosen);
    }
}

/* All schedules of exactly these many preemptions or fewer; 0 when something failed or the limit came. */
static int run_all(schedule_outcome *o)
{
    g.fixed = 0;
    o->schedules = o->points = 0; /* those of fewer preemptions are among these */
    do {
        if (g.task->limit != 0 && o->schedules >= g.task->limit)
            return 0;
        if (!run_one(o)) {
            write_trail(o);
            return 0;
        }
    } while (go_back());
    return 1;
}

static void run_random(schedule_outcome *o)
{
    g.random = g.task->seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    g.fixed = 0;
    while (o->schedules < g.task->limit) {
        g.expected = o->points / o->schedules + 1;
        if (!run_one(o)) {
            write_trail(o);
            break;
        }
    }
    g.random = 0;
}

static void begin(const schedule_task *task, schedule_outcome *o)
{
    memset(o, 0, sizeof *o);
    g.task = task;
    g.random = 0;
    g.wrong = NULL;
    g.trail = NULL;
    g.budget = task->preemptions;
    for (unsigned i = 0; i < task->threads; i++)
        fiber_start(i);
}

/* About how many schedules there are with g.budget preemptions, from how many there were with fewer. */
static double forecast(const schedule_outcome *o)
{
    double points = (double)o->points / (double)o->schedules;
    return (double)o->schedules * points * (g.task->threads - 1) / g.budget;
}

void schedule_explore(const schedule_task *task, schedule_outcome *o)
{
    begin(task, o);
    for (g.budget = 0; g.budget <= task->preemptions; g.budget++) {
        if (task->limit != 0 && g.budget > 0 && forecast(o) > (double)task->limit) {
            g.budget = task->preemptions;
            run_random(o);
            return;
        }
        if (!run_all(o))
            return;
        o->complete = g.budget + 1;
    }
}

void schedule_replay(const schedule_task *task, const char *trail, schedule_outcome *o)
{
    begin(task, o);
    g.trail = trail;
    g.fixed = 0;
    if (!run_one(o))
        write_trail(o);
    g.trail = NULL;
}
