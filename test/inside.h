/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * inside.h - what the suites of the library's inside share: keys, memory that can be refused, threads,
 * and interruptions.
 *
 * The suites are built twice: with the library's own objects, and, where FSK_TEST_HOOK is defined, with
 * objects that have blocks of 4 words, so that a few keys make many splits and levels, and the atomic
 * hook, which is here.  With it a test interrupts an operation at every one of its atomic accesses, and
 * lets another run there from beginning to end: nothing waits, so that is what a second thread would do
 * while the first is stopped.  Or it leaves the operation there for good, as a thread that never goes on.
 */
#ifndef FSK_TEST_INSIDE_H
#define FSK_TEST_INSIDE_H

#ifndef _GNU_SOURCE /* comes before every other header */
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/mman.h>

#include "atomic.h"
#include "compiler.h"
#include "fastskip.h"
#include "suite.h"

/* For what one thread does alone: ThreadSanitizer makes it slow and has nothing to see there. */
static inline unsigned scaled_alone(unsigned rounds)
{
    return FSK_THREAD_SANITIZER ? rounds / 8 + 1 : scaled(rounds);
}

/* The numbers below n in some order. */
static inline void shuffled(unsigned *numbers, unsigned n, uint64_t *state)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned j = draw_below(state, i + 1);
        numbers[i] = numbers[j];
        numbers[j] = i;
    }
}

/* ---- keys: in every family key i stands before key i + 1 ---- */

#define KEY_ROOM 320
enum { KEYS_DECIMAL, KEYS_BINARY, KEYS_LONG, KEYS_ZEROS, KEY_FAMILIES };

static inline size_t key_make(uint8_t *key, int family, unsigned i)
{
    size_t n = 0;
    switch (family) {
    case KEYS_DECIMAL:
        return (size_t)snprintf((char *)key, KEY_ROOM, "user%08u", i);
    case KEYS_LONG: /* longer than what is copied of a key, and differing at the end alone */
        memset(key, 'p', n = 300);
        break;
    case KEYS_ZEROS: /* each is a prefix of the next; the empty key is the first */
        if (i >= 8) {
            key[n++] = (uint8_t)(i >> 11);
            key[n++] = (uint8_t)(i >> 3);
        }
        memset(key + n, 0, i % 8);
        return n + i % 8;
    default:
        break;
    }
    for (int shift = 24; shift >= 0; shift -= 8)
        key[n++] = (uint8_t)(i >> shift);
    return n;
}

/* ---- regions whose memory can be refused, and that nobody leaves unnoticed ---- */

#define GUARD 65536u /* bytes around a region that can not be touched */

typedef struct {
    uint32_t fail_at; /* which commit fails, from 1; 0: none */
    int fail_on;      /* and all after it */
    int fail_reserve;
    size_t shift; /* bytes by which the region is not aligned */
    /* What came of it. */
    fsk_atomic32 commits;
    int reserves, releases;
} region_source;

static inline void *source_reserve(void *context, size_t size, size_t alignment)
{
    region_source *s = context;
    size_t inner = (size + GUARD - 1) / GUARD * GUARD, whole = inner + alignment + 2 * GUARD, head;
    char *p;
    s->reserves++;
    if (s->fail_reserve)
        return NULL;
    p = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    head = (alignment - (uintptr_t)(p + GUARD) % alignment) % alignment;
    if (head != 0)
        munmap(p, head);
    p += head;
    munmap(p + inner + 2 * GUARD, alignment - head);
    return p + GUARD + s->shift;
}

static inline int32_t source_commit(void *context, void *address, size_t size)
{
    region_source *s = context;
    uint32_t n = fsk_add32_relaxed(&s->commits, 1) + 1;
    if (s->fail_at != 0 && (n == s->fail_at || (n > s->fail_at && s->fail_on)))
        return -1;
    REQUIRE(size != 0);
    return mprotect(address, size, PROT_READ | PROT_WRITE);
}

static inline void source_release(void *context, void *address, size_t size)
{
    region_source *s = context;
    s->releases++;
    size = (size + GUARD - 1) / GUARD * GUARD;
    munmap((char *)address - s->shift - GUARD, size + 2 * GUARD);
}

/* ---- interruptions ---- */

#ifdef FSK_TEST_HOOK

static __thread struct {
    long left; /* accesses until it comes */
    void (*run)(void *);
    void *context;
    long accesses; /* since the thread began */
} interruption;

static __thread int yielding; /* it gives the processor away now and then */
static __thread uint32_t yield_state;

void fsk_atomic_hook(int op, const volatile void *address)
{
    void (*run)(void *) = interruption.run;
    (void)address;
    interruption.accesses++;
    if (run != NULL && interruption.left-- == 0) {
        interruption.run = NULL; /* what runs here is not interrupted again */
        run(interruption.context);
    }
    if (yielding) {
        if (yield_state == 0)
            yield_state = (uint32_t)((uintptr_t)&yield_state >> 4) * 2654435761u | 1u;
        yield_state ^= yield_state << 13;
        yield_state ^= yield_state >> 17;
        yield_state ^= yield_state << 5;
        if (yield_state % (op == FSK_POINT_LOAD ? 512 : 16) == 0)
            sched_yield();
    }
}

/* Runs op, and `other` at its access number `point`.  0: op made fewer accesses. */
static inline int interrupted(long point, void (*op)(void *), void *op_context,
                              void (*other)(void *), void *context)
{
    interruption.left = point;
    interruption.context = context;
    interruption.run = other;
    op(op_context);
    other = interruption.run;
    interruption.run = NULL;
    return other == NULL;
}

static inline void jump_out(void *context)
{
    longjmp(*(jmp_buf *)context, 1);
}

/* Runs op up to its access number `point`, and leaves it there for good.  0: it came to its end. */
static inline int abandoned(long point, void (*op)(void *), void *op_context)
{
    jmp_buf out;
    interruption.left = point;
    interruption.context = &out;
    interruption.run = jump_out;
    if (setjmp(out) != 0)
        return 1;
    op(op_context);
    interruption.run = NULL;
    return 0;
}

#endif /* FSK_TEST_HOOK */

/* ---- threads ---- */

#define THREADS_MOST 64

typedef struct {
    void *(*body)(void *);
    void *context;
} thread_start;

static inline void *thread_body(void *context)
{
    thread_start *start = context;
#ifdef FSK_TEST_HOOK
    yielding = 1;
#endif
    return start->body(start->context);
}

/* Runs n threads, each with its own context of `size` bytes, and waits for them. */
static inline void run_threads(unsigned n, void *(*body)(void *), void *contexts, size_t size)
{
    pthread_t threads[THREADS_MOST];
    thread_start starts[THREADS_MOST];
    for (unsigned i = 0; i < n; i++) {
        starts[i] = (thread_start){body, (char *)contexts + i * size};
        REQUIRE(pthread_create(&threads[i], NULL, thread_body, &starts[i]) == 0);
    }
    for (unsigned i = 0; i < n; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
}

#endif
