/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * explorer.h - runs a few threads in every order that their shared accesses can have.
 *
 * Threads are fibers. One gives up control before each access that it names with LOAD, STORE, CAS or
 * EXCHANGE, and then makes the access and goes on to the next. A state is the shared memory and the live
 * part of every stack; it is hashed to 128 bits, and one that was seen before is not explored again.
 * Memory is sequentially consistent. x86-64 only, for the switch of stacks.
 *
 * An access to something that can not change any more may be made without LOAD: it commutes with
 * everything, so no order is lost.
 */
#ifndef FSK_EXPLORER_H
#define FSK_EXPLORER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPLORER_SKIPPED 77 /* exit status: not on this machine */

#ifndef __x86_64__
int main(void)
{
    printf("skipped: the explorer is for x86-64\n");
    return EXPLORER_SKIPPED;
}
#define main explorer_unused_main
#endif

#define THREADS_MOST 4
#define STACK_BYTES 8192
#define STATE_MOST (1 << 17)
#define CLEARED_BYTES 1024 /* of the dead part of a stack, so that equal states look equal */

enum { EXHAUSTED, VIOLATION, UNFINISHED };

static char stack[THREADS_MOST][STACK_BYTES] __attribute__((aligned(64)));
static void *stack_at[THREADS_MOST], *main_stack_at;
static int line_at[THREADS_MOST];
static char finished[THREADS_MOST];
static int threads, current = -1; /* -1: no fiber runs, accesses do not switch */
static int joined;                /* the next access belongs to the step under way */

static const char *failure;
static int failure_line;

static void *shared_memory;
static size_t shared_size;
static void (*thread_body)(int thread);

/* ---- fibers ---- */

#ifdef __x86_64__
__attribute__((naked, noinline)) static void switch_stack(void **from, void *to)
{
    (void)from;
    (void)to;
    __asm__ volatile("push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n"
                     "mov %rsp,(%rdi)\n"
                     "mov %rsi,%rsp\n"
                     "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n"
                     "ret\n");
}
#else
static void switch_stack(void **from, void *to)
{
    *from = to;
}
#endif

static void fiber(void)
{
    void *unused;
    thread_body(current);
    finished[current] = 1;
    switch_stack(&unused, main_stack_at);
    abort();
}

/* Before an access. */
static __attribute__((noinline)) void step(int line)
{
    int self = current;
    if (self < 0)
        return;
    if (joined) {
        joined = 0;
        return;
    }
    line_at[self] = line;
    switch_stack(&stack_at[self], main_stack_at);
}

static __attribute__((noinline, unused)) void fail(const char *what, int line)
{
    void *unused;
    if (failure == NULL) {
        failure = what;
        failure_line = line;
    }
    if (current >= 0)
        switch_stack(&unused, main_stack_at);
}

#define FAIL(what) fail(what, __LINE__)
#define ASSERT(c)                                                                                  \
    do {                                                                                           \
        if (!(c))                                                                                  \
            fail(#c, __LINE__);                                                                    \
    } while (0)

/* ---- accesses ---- */

#define LOAD(x) (step(__LINE__), (x))
#define STORE(x, v) (step(__LINE__), (void)((x) = (v)))

/* 1, or 0 with *expected what is there. */
#define CAS(x, expected, desired)                                                                  \
    ({                                                                                             \
        int done_;                                                                                 \
        step(__LINE__);                                                                            \
        done_ = (x) == *(expected);                                                                \
        if (done_)                                                                                 \
            (x) = (desired);                                                                       \
        else                                                                                       \
            *(expected) = (x);                                                                     \
        done_;                                                                                     \
    })

/* ---- operations, for a check of linearizability ---- */

/* An operation begins with its first access and ends with its last, so that it is as short as can be. */
#define BEGIN(before)                                                                              \
    do {                                                                                           \
        step(__LINE__);                                                                            \
        before;                                                                                    \
        joined = 1;                                                                                \
    } while (0)
#define END(after)                                                                                 \
    do {                                                                                           \
        joined = 0;                                                                                \
        after;                                                                                     \
    } while (0)

/* ---- states ---- */

typedef struct {
    uint64_t a, b;
} state_hash;

static state_hash hash_of(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint64_t a = UINT64_C(0x9e3779b97f4a7c15) ^ n, b = UINT64_C(0xc2b2ae3d27d4eb4f), v;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&v, p, 8);
        a = (a ^ v) * UINT64_C(0xff51afd7ed558ccd);
        a ^= a >> 32;
        b = (b + v) * UINT64_C(0x9fb21c651e98df25);
        b ^= b >> 29;
        b = b << 27 | b >> 37;
    }
    v = 0;
    memcpy(&v, p, n);
    a = (a ^ v) * UINT64_C(0xff51afd7ed558ccd);
    a ^= a >> 32;
    b = (b + v + 1) * UINT64_C(0x9fb21c651e98df25);
    b ^= b >> 31;
    return (state_hash){a != 0 ? a : 1, b};
}

static state_hash *seen_table;
static size_t seen_room, seen_count;

static void *allocate(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (p == NULL) {
        printf("no memory after %zu states\n", seen_count);
        exit(UNFINISHED);
    }
    return p;
}

static state_hash *seen_place(state_hash h)
{
    size_t i = h.a & (seen_room - 1);
    while (seen_table[i].a != 0 && (seen_table[i].a != h.a || seen_table[i].b != h.b))
        i = (i + 1) & (seen_room - 1);
    return &seen_table[i];
}

/* Was it seen before? It is from now on. */
static int seen_before(state_hash h)
{
    state_hash *at;
    if (2 * seen_count >= seen_room) {
        state_hash *old = seen_table;
        size_t old_room = seen_room;
        seen_room = old_room != 0 ? 2 * old_room : 1 << 16;
        seen_table = allocate(seen_room, sizeof *seen_table);
        for (size_t i = 0; i < old_room; i++)
            if (old[i].a != 0)
                *seen_place(old[i]) = old[i];
        free(old);
    }
    at = seen_place(h);
    if (at->a != 0)
        return 1;
    *at = h;
    seen_count++;
    return 0;
}

static size_t live_bytes(int thread)
{
    return (size_t)(stack[thread] + STACK_BYTES - (char *)stack_at[thread]);
}

static size_t state_save(unsigned char *to)
{
    unsigned char *p = to;
    memcpy(p, shared_memory, shared_size);
    p += shared_size;
    for (int i = 0; i < threads; i++) {
        *p++ = (unsigned char)finished[i];
        if (finished[i])
            continue;
        memcpy(p, &stack_at[i], sizeof stack_at[i]);
        p += sizeof stack_at[i];
        memcpy(p, &line_at[i], sizeof line_at[i]);
        p += sizeof line_at[i];
        memcpy(p, stack_at[i], live_bytes(i));
        p += live_bytes(i);
    }
    return (size_t)(p - to);
}

static void state_restore(const unsigned char *p)
{
    memcpy(shared_memory, p, shared_size);
    p += shared_size;
    for (int i = 0; i < threads; i++) {
        size_t dead;
        finished[i] = (char)*p++;
        if (finished[i])
            continue;
        memcpy(&stack_at[i], p, sizeof stack_at[i]);
        p += sizeof stack_at[i];
        memcpy(&line_at[i], p, sizeof line_at[i]);
        p += sizeof line_at[i];
        dead = STACK_BYTES - live_bytes(i);
        if (dead > CLEARED_BYTES)
            dead = CLEARED_BYTES;
        memset((char *)stack_at[i] - dead, 0, dead);
        memcpy(stack_at[i], p, live_bytes(i));
        p += live_bytes(i);
    }
}

/* ---- exploring ---- */

typedef struct {
    unsigned char *state;
    int next;         /* thread to try next */
    int thread, line; /* the step under way from here */
} frame;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run_thread(int i)
{
    current = i;
    joined = 0;
    switch_stack(&main_stack_at, stack_at[i]);
    current = -1;
}

static void start_threads(void)
{
    for (int i = 0; i < threads; i++) {
        void **at = (void **)(void *)(stack[i] + STACK_BYTES - 64);
        *--at = NULL;
        *--at = (void *)fiber;
        for (int k = 0; k < 6; k++)
            *--at = NULL;
        stack_at[i] = at;
    }
    for (int i = 0; i < threads; i++)
        run_thread(i);
}

static frame *frames;
static size_t frame_count, frame_room;

static void push_state(void)
{
    static unsigned char packed[STATE_MOST];
    size_t size = state_save(packed);
    frame *f;
    if (seen_before(hash_of(packed, size)))
        return;
    if (frame_count == frame_room) {
        frame *more;
        frame_room = frame_room != 0 ? 2 * frame_room : 256;
        more = allocate(frame_room, sizeof *frames);
        if (frame_count != 0)
            memcpy(more, frames, frame_count * sizeof *frames);
        free(frames);
        frames = more;
    }
    f = &frames[frame_count++];
    f->state = memcpy(allocate(1, size), packed, size);
    f->next = 0;
    f->thread = -1;
}

static void print_schedule(void)
{
    printf("  thread:line");
    for (size_t i = 0; i < frame_count; i++)
        if (frames[i].thread >= 0)
            printf(" %d:%d", frames[i].thread, frames[i].line);
    printf("\n");
}

/*
 * Explores n threads over a shared memory, which has been filled in; `at_end` looks at each end state.
 * Prints one line, and for a violation a second one with the steps that led to it.  Gives up after
 * MODELS_LIMIT seconds (300).
 */
static int explore(int n, void *shared, size_t size, void (*body)(int), void (*at_end)(void))
{
    const char *limit_text = getenv("MODELS_LIMIT");
    double begin = seconds(), limit = limit_text != NULL ? atof(limit_text) : 300;
    unsigned long iterations = 0, ends = 0;
    threads = n;
    shared_memory = shared;
    shared_size = size;
    thread_body = body;
    start_threads();
    push_state();
    while (frame_count > 0 && failure == NULL) {
        frame *f = &frames[frame_count - 1];
        int i = f->next;
        if (++iterations % 4096 == 0 && seconds() - begin > limit)
            break;
        state_restore(f->state);
        while (i < n && finished[i])
            i++;
        if (i < n) {
            f->next = i + 1;
            f->thread = i;
            f->line = line_at[i];
            run_thread(i);
            if (failure == NULL)
                push_state();
            continue;
        }
        if (f->next == 0) { /* all have finished */
            ends++;
            at_end();
            if (failure != NULL)
                break;
        }
        free(f->state);
        frame_count--;
    }
    printf("%s%s: %zu states, %lu ends, %.1f s\n",
           failure != NULL    ? "violation: "
           : frame_count != 0 ? "unfinished"
                              : "exhausted",
           failure != NULL ? failure : "", seen_count, ends, seconds() - begin);
    if (failure != NULL)
        print_schedule();
    return failure != NULL ? VIOLATION : frame_count != 0 ? UNFINISHED : EXHAUSTED;
}

#endif
