/*
 * test_atomic.c - lib/atomic.h: one body, built once for every back end and once with the hook.
 *
 * The first suite looks at what each operation does in one thread. The second lets threads race: a
 * read-modify-write that is not atomic loses counts, an order that is too weak lets an outcome
 * through that the contract forbids. What the processor orders by itself can not fail here: on x86
 * that is everything but a store before a load, which is what store_buffering is for.
 *
 * A race runs for a time, not for a number of rounds: where there is one processor for all threads,
 * only a switch at a bad moment shows a fault. FASTSKIP_TEST_MS sets how many milliseconds.
 */
#define _GNU_SOURCE
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "atomic.h"

#define WIDE UINT64_C(0x0123456789abcdef) /* does not fit half a word */

static double duration(void)
{
    const char *text = getenv("FASTSKIP_TEST_MS");
    int milliseconds = text != NULL ? atoi(text) : 0;

    return (milliseconds > 0 ? milliseconds : 25) / 1e3;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

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

static void hook_reset(void)
{
    int op;

    for (op = 0; op < 4; op++)
        seen.calls[op] = 0;
    seen.address = NULL;
}

static void hook_expect(int op, const volatile void *address)
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

static void hook_reset(void)
{
}

static void hook_expect(int op, const volatile void *address)
{
    (void)op;
    (void)address;
}

#endif

/* ---- one thread -------------------------------------------------------------------------- */

START_TEST(layout)
{
    struct {
        char offset;
        fsk_atomic32 word;
    } narrow;
    struct {
        char offset;
        fsk_atomic64 word;
    } wide;

    ck_assert_uint_eq(sizeof(fsk_atomic32), 4);
    ck_assert_uint_eq(sizeof(fsk_atomic64), 8);
    ck_assert_uint_eq((uintptr_t)&narrow.word % 4, 0);
    ck_assert_uint_eq((uintptr_t)&wide.word % 8, 0);
    ck_assert_uint_eq(sizeof(narrow), 8);
    ck_assert_uint_eq(sizeof(wide), 16);
    ck_assert_str_ne(FSK_ATOMICS_NAME, "");
}
END_TEST

/* An operation that answers what was there: on a word that holds big, with what it leaves behind. */
#define EXPECT_OLD(N, operation, argument, result)                                                 \
    do {                                                                                           \
        fsk_init##N(p, big);                                                                       \
        ck_assert_uint_eq(fsk_##operation(p, (argument)), big);                                    \
        hook_expect(FSK_POINT_CAS, p);                                                             \
        ck_assert_uint_eq(fsk_load##N##_relaxed(p), (result));                                     \
        hook_reset();                                                                              \
    } while (0)

/* Every operation of one width: its result, what it leaves behind, and what the hook is told. */
#define DEFINE_SINGLE(N, BIG)                                                                      \
    START_TEST(single##N)                                                                          \
    {                                                                                              \
        const uint##N##_t big = (BIG);                                                             \
        const uint##N##_t top = (uint##N##_t)0 - 1;                                                \
        uint##N##_t expected;                                                                      \
        fsk_atomic##N around[3];                                                                   \
        fsk_atomic##N *p = &around[1];                                                             \
                                                                                                   \
        fsk_init##N(&around[0], 0);                                                                \
        fsk_init##N(&around[2], 0);                                                                \
        fsk_init##N(p, big);                                                                       \
        hook_reset();                                                                              \
                                                                                                   \
        ck_assert_uint_eq(fsk_load##N##_relaxed(p), big);                                          \
        hook_expect(FSK_POINT_LOAD, p);                                                            \
        ck_assert_uint_eq(fsk_load##N##_acquire(p), big);                                          \
        hook_expect(FSK_POINT_LOAD, p);                                                            \
        ck_assert_uint_eq(fsk_load##N##_seq(p), big);                                              \
        hook_expect(FSK_POINT_LOAD, p);                                                            \
        fsk_store##N##_relaxed(p, top);                                                            \
        hook_expect(FSK_POINT_STORE, p);                                                           \
        ck_assert_uint_eq(fsk_load##N##_relaxed(p), top);                                          \
        hook_reset();                                                                              \
        fsk_store##N##_release(p, big);                                                            \
        hook_expect(FSK_POINT_STORE, p);                                                           \
        ck_assert_uint_eq(fsk_load##N##_relaxed(p), big);                                          \
        hook_reset();                                                                              \
                                                                                                   \
        expected = big - 1;                                                                        \
        ck_assert_int_eq(fsk_cas##N##_acq_rel(p, &expected, 7), 0);                                \
        hook_expect(FSK_POINT_CAS, p);                                                             \
        ck_assert_uint_eq(expected, big);                                                          \
        ck_assert_int_eq(fsk_cas##N##_acq_rel(p, &expected, 7), 1);                                \
        hook_expect(FSK_POINT_CAS, p);                                                             \
        ck_assert_uint_eq(expected, big);                                                          \
        ck_assert_uint_eq(fsk_load##N##_relaxed(p), 7);                                            \
        expected = big;                                                                            \
        hook_reset();                                                                              \
        ck_assert_int_eq(fsk_cas##N##_seq(p, &expected, 8), 0);                                    \
        hook_expect(FSK_POINT_CAS, p);                                                             \
        ck_assert_uint_eq(expected, 7);                                                            \
        ck_assert_int_eq(fsk_cas##N##_seq(p, &expected, big), 1);                                  \
        hook_expect(FSK_POINT_CAS, p);                                                             \
        ck_assert_uint_eq(expected, 7);                                                            \
                                                                                                   \
        EXPECT_OLD(N, exchange##N##_seq, 5, 5);                                                    \
        EXPECT_OLD(N, add##N##_relaxed, 5, big + 5);                                               \
        EXPECT_OLD(N, add##N##_relaxed, top, big - 1);                                             \
        EXPECT_OLD(N, add##N##_seq, 5, big + 5);                                                   \
        EXPECT_OLD(N, add##N##_seq, top, big - 1);                                                 \
        EXPECT_OLD(N, sub##N##_acq_rel, 5, big - 5);                                               \
        EXPECT_OLD(N, sub##N##_acq_rel, top, big + 1);                                             \
        EXPECT_OLD(N, sub##N##_release, 5, big - 5);                                               \
        EXPECT_OLD(N, sub##N##_release, top, big + 1);                                             \
                                                                                                   \
        ck_assert_uint_eq(fsk_load##N##_relaxed(&around[0]), 0);                                   \
        ck_assert_uint_eq(fsk_load##N##_relaxed(&around[2]), 0);                                   \
    }                                                                                              \
    END_TEST

DEFINE_SINGLE(32, UINT32_C(0x89abcdef))
DEFINE_SINGLE(64, WIDE)

/* ---- races ------------------------------------------------------------------------------- */

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

static void fault(race *r)
{
    fsk_add32_relaxed(&r->faults.word, 1);
}

/* Spins while that is likely to help, then lets others run: there may be fewer processors. */
static void relax(int *spins)
{
    if (++*spins % 256 == 0)
        sched_yield();
}

/* All threads of the race leave the nth gate together, n counting from 1. */
static void gate_pass(race *r, uint32_t n)
{
    uint32_t full = n * (uint32_t)r->threads;
    int spins = 0;

    fsk_add32_seq(&r->gate.word, 1);
    while ((int32_t)(fsk_load32_acquire(&r->gate.word) - full) < 0)
        relax(&spins);
}

static void race_init(race *r, int threads)
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

static void race_run(race *r, void *(*body)(void *))
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

/*
 * For races in rounds: thread 0 calls it within each, between two gates, and says when there have
 * been enough; all look at stop before they come to the next gate, and so end after the same round.
 */
static void stop_when_late(race *r, double start, uint32_t n)
{
    if (n >= MIN_ROUNDS && now() - start > r->duration)
        fsk_store32_relaxed(&r->stop.word, 1);
}

/*
 * All threads do one operation for a while, together; adds step to sum for each time. Not several
 * operations in turn: one that is not atomic would rarely be disturbed between others that are.
 */
#define REPEAT(sum, step, operation)                                                               \
    do {                                                                                           \
        double end;                                                                                \
        gate_pass(r, ++gate);                                                                      \
        end = now() + r->duration;                                                                 \
        do {                                                                                       \
            for (i = 0; i < 256; i++) {                                                            \
                operation;                                                                         \
            }                                                                                      \
            sum += 256 * (uint64_t)(step);                                                         \
        } while (now() < end);                                                                     \
    } while (0)

/*
 * Counting: no operation of any kind is lost. A step of 2^32 + 1 makes both halves of a 64-bit word
 * count, and a carry between them.
 */
#define STEP UINT64_C(0x100000001)

static void *count_by_adding(void *argument)
{
    racer *self = argument;
    race *r = self->race;
    fsk_atomic32 *narrow = &r->x32[0].word;
    fsk_atomic64 *wide = &r->x64[0].word;
    uint64_t sum32 = 0;
    uint64_t sum64 = 0;
    uint32_t gate = 0;
    int i;

    REPEAT(sum32, 1, fsk_add32_relaxed(narrow, 1));
    REPEAT(sum32, 1, fsk_add32_seq(narrow, 1));
    REPEAT(sum32, -1, fsk_sub32_acq_rel(narrow, 1));
    REPEAT(sum32, -1, fsk_sub32_release(narrow, 1));
    REPEAT(sum64, STEP, fsk_add64_relaxed(wide, STEP));
    REPEAT(sum64, STEP, fsk_add64_seq(wide, STEP));
    REPEAT(sum64, 0 - STEP, fsk_sub64_acq_rel(wide, STEP));
    REPEAT(sum64, 0 - STEP, fsk_sub64_release(wide, STEP));
    r->got32[self->number] = sum32;
    r->got64[self->number] = sum64;
    return NULL;
}

static void increase32_acq_rel(fsk_atomic32 *p)
{
    uint32_t old = fsk_load32_relaxed(p);

    while (!fsk_cas32_acq_rel(p, &old, old + 1)) {
    }
}

static void increase32_seq(fsk_atomic32 *p)
{
    uint32_t old = fsk_load32_relaxed(p);

    while (!fsk_cas32_seq(p, &old, old + 1)) {
    }
}

static void increase64_acq_rel(fsk_atomic64 *p)
{
    uint64_t old = fsk_load64_relaxed(p);

    while (!fsk_cas64_acq_rel(p, &old, old + STEP)) {
    }
}

static void increase64_seq(fsk_atomic64 *p)
{
    uint64_t old = fsk_load64_relaxed(p);

    while (!fsk_cas64_seq(p, &old, old + STEP)) {
    }
}

static void *count_by_cas(void *argument)
{
    racer *self = argument;
    race *r = self->race;
    fsk_atomic32 *narrow = &r->x32[0].word;
    fsk_atomic64 *wide = &r->x64[0].word;
    uint64_t sum32 = 0;
    uint64_t sum64 = 0;
    uint32_t gate = 0;
    int i;

    REPEAT(sum32, 1, increase32_acq_rel(narrow));
    REPEAT(sum32, 1, increase32_seq(narrow));
    REPEAT(sum64, STEP, increase64_acq_rel(wide));
    REPEAT(sum64, STEP, increase64_seq(wide));
    r->got32[self->number] = sum32;
    r->got64[self->number] = sum64;
    return NULL;
}

static void expect_counts(void *(*body)(void *))
{
    race r;
    uint64_t sum32 = 0;
    uint64_t sum64 = 0;
    int i;

    race_init(&r, MAX_THREADS);
    race_run(&r, body);
    for (i = 0; i < MAX_THREADS; i++) {
        sum32 += r.got32[i];
        sum64 += r.got64[i];
    }
    ck_assert_uint_eq(fsk_load32_relaxed(&r.x32[0].word), (uint32_t)sum32);
    ck_assert_uint_eq(fsk_load64_relaxed(&r.x64[0].word), sum64);
}

START_TEST(adds_all_count)
{
    expect_counts(count_by_adding);
}
END_TEST

START_TEST(cas_loops_all_count)
{
    expect_counts(count_by_cas);
}
END_TEST

/*
 * Exchange: numbers go round. Each thread puts its next number in and takes what was there; at the
 * end what was taken and what is left is what was put in. A number taken twice, or never, shows in
 * the sum.
 */
static uint64_t turn32(race *r, uint64_t *number)
{
    *number += MAX_THREADS;
    return fsk_exchange32_seq(&r->x32[0].word, (uint32_t)*number) - (uint64_t)(uint32_t)*number;
}

static uint64_t turn64(race *r, uint64_t *number)
{
    *number += MAX_THREADS;
    return fsk_exchange64_seq(&r->x64[0].word, *number * STEP) - *number * STEP;
}

static void *exchange_numbers(void *argument)
{
    racer *self = argument;
    race *r = self->race;
    uint64_t number = (uint64_t)self->number;
    uint64_t balance = 0;
    uint64_t times = 0;
    uint32_t gate = 0;
    int i;

    REPEAT(times, 1, balance += turn32(r, &number));
    REPEAT(times, 1, balance += turn64(r, &number));
    r->got64[self->number] = balance;
    r->got32[self->number] = times;
    return NULL;
}

START_TEST(exchange_hands_over)
{
    race r;
    uint64_t sum;
    int i;

    race_init(&r, MAX_THREADS);
    race_run(&r, exchange_numbers);
    sum = fsk_load32_relaxed(&r.x32[0].word) + fsk_load64_relaxed(&r.x64[0].word);
    for (i = 0; i < MAX_THREADS; i++) {
        ck_assert_uint_ne(r.got32[i], 0);
        sum += r.got64[i];
    }
    ck_assert_uint_eq(sum, 0);
}
END_TEST

/* Exchange as a try-lock around a plain counter, left by a release store: as the arena's shards. */
static void increase_locked(race *r)
{
    int spins = 0;

    while (fsk_exchange32_seq(&r->x32[0].word, 1) != 0)
        relax(&spins);
    r->plain++;
    fsk_store32_release(&r->x32[0].word, 0);
}

static void *lock_by_exchange(void *argument)
{
    racer *self = argument;
    race *r = self->race;
    uint64_t sum = 0;
    uint32_t gate = 0;
    int i;

    REPEAT(sum, 1, increase_locked(r));
    r->got64[self->number] = sum;
    return NULL;
}

START_TEST(exchange_excludes)
{
    race r;
    uint64_t sum = 0;
    int i;

    race_init(&r, MAX_THREADS);
    race_run(&r, lock_by_exchange);
    for (i = 0; i < MAX_THREADS; i++)
        sum += r.got64[i];
    ck_assert_uint_eq(r.plain, (uint32_t)sum);
}
END_TEST

/* No torn value: a word that only ever holds 0 or all ones is never seen as anything else. */
static void expect_whole(race *r)
{
    uint64_t value = fsk_load64_relaxed(&r->x64[0].word);

    if (value != 0 && value != UINT64_MAX)
        fault(r);
}

static void *tear(void *argument)
{
    racer *self = argument;
    race *r = self->race;
    uint64_t times = 0;
    uint32_t gate = 0;
    int i;

    if (self->number == 0)
        REPEAT(times, 1, fsk_store64_relaxed(&r->x64[0].word, (uint64_t)0 - (uint64_t)(i & 1)));
    else
        REPEAT(times, 1, expect_whole(r));
    r->got64[self->number] = times;
    return NULL;
}

START_TEST(no_torn_value)
{
    race r;

    race_init(&r, 2);
    race_run(&r, tear);
    ck_assert_uint_ne(r.got64[0], 0);
    ck_assert_uint_ne(r.got64[1], 0);
}
END_TEST

/*
 * Message passing: what was written before a release is there after the acquire that saw it. Plain
 * data, so that ThreadSanitizer sees whether the two synchronise; every releasing and every
 * acquiring operation gets its turn.
 */
static void publish(race *r, uint32_t n)
{
    fsk_atomic32 *narrow = &r->x32[0].word;
    fsk_atomic64 *wide = &r->x64[0].word;
    uint32_t old32 = n - 1;
    uint64_t old64 = n - 1;

    switch (n % 8) {
    case 0:
        fsk_store32_release(narrow, n);
        break;
    case 1:
        fsk_cas32_acq_rel(narrow, &old32, n);
        break;
    case 2:
        fsk_sub32_release(narrow, (uint32_t)0 - 1);
        break;
    case 3:
        fsk_add32_seq(narrow, 1);
        break;
    case 4:
        fsk_store64_release(wide, n);
        break;
    case 5:
        fsk_cas64_seq(wide, &old64, n);
        break;
    case 6:
        fsk_sub64_acq_rel(wide, (uint64_t)0 - 1);
        break;
    default:
        fsk_exchange64_seq(wide, n);
        break;
    }
}

static uint32_t receive(race *r, uint32_t n)
{
    fsk_atomic32 *narrow = &r->x32[0].word;
    fsk_atomic64 *wide = &r->x64[0].word;
    uint32_t old32 = UINT32_MAX;
    uint64_t old64 = UINT64_MAX;

    switch (n % 8) {
    case 0:
        return fsk_load32_acquire(narrow);
    case 1:
        return fsk_load32_seq(narrow);
    case 2: /* fails, and so acquires */
        fsk_cas32_acq_rel(narrow, &old32, 0);
        return old32;
    case 3:
        fsk_cas32_seq(narrow, &old32, 0);
        return old32;
    case 4:
        return (uint32_t)fsk_load64_acquire(wide);
    case 5:
        return (uint32_t)fsk_load64_seq(wide);
    case 6:
        fsk_cas64_acq_rel(wide, &old64, 0);
        return (uint32_t)old64;
    default:
        return (uint32_t)fsk_add64_seq(wide, 0);
    }
}

/* The word that a message does not use is brought up to its number, so that the next may use it. */
static void catch_up(race *r, uint32_t n)
{
    if (n % 8 < 4)
        fsk_store64_relaxed(&r->x64[0].word, n);
    else
        fsk_store32_relaxed(&r->x32[0].word, n);
}

/*
 * Thread 0 writes message n and publishes it; thread 1 answers through a word of its own. That
 * there is an end is part of the message.
 */
static void send_messages(race *r)
{
    double end = now() + r->duration;
    uint32_t n = 0;
    uint32_t last;
    int spins = 0;

    do {
        n++;
        last = n >= MIN_ROUNDS && now() > end;
        r->plain = n * 3 + last;
        publish(r, n);
        catch_up(r, n);
        while (fsk_load32_acquire(&r->x32[1].word) != n)
            relax(&spins);
    } while (!last);
}

static void receive_messages(race *r)
{
    uint32_t n = 0;
    uint32_t last;
    int spins = 0;

    do {
        n++;
        while (receive(r, n) != n)
            relax(&spins);
        last = r->plain - n * 3;
        if (last > 1)
            fault(r);
        fsk_store32_release(&r->x32[1].word, n);
    } while (last != 1);
}

static void *pass_messages(void *argument)
{
    racer *self = argument;

    if (self->number == 0)
        send_messages(self->race);
    else
        receive_messages(self->race);
    return NULL;
}

START_TEST(message_passing)
{
    race r;

    race_init(&r, 2);
    race_run(&r, pass_messages);
}
END_TEST

/*
 * Store buffering (Dekker): each thread writes its word and reads the other's. If both writes and
 * both reads are sequentially consistent, at least one thread sees the other's write. Acquire and
 * release do not promise that, and no processor does without a fence or a locked instruction.
 */
static void dekker_write(race *r, int mine, uint32_t n)
{
    fsk_atomic32 *narrow = &r->x32[mine].word;
    fsk_atomic64 *wide = &r->x64[mine].word;
    uint32_t old32 = n - 1;
    uint64_t old64 = n - 1;

    switch (n % 6) {
    case 0:
        fsk_exchange32_seq(narrow, n);
        break;
    case 1:
        fsk_exchange64_seq(wide, n);
        break;
    case 2:
        fsk_cas32_seq(narrow, &old32, n);
        break;
    case 3:
        fsk_cas64_seq(wide, &old64, n);
        break;
    case 4:
        fsk_add32_seq(narrow, 1);
        break;
    default:
        fsk_add64_seq(wide, 1);
        break;
    }
}

static uint32_t dekker_read(race *r, int other, uint32_t n)
{
    return n % 2 == 0 ? fsk_load32_seq(&r->x32[other].word)
                      : (uint32_t)fsk_load64_seq(&r->x64[other].word);
}

static void *store_buffering_body(void *argument)
{
    racer *self = argument;
    race *r = self->race;
    double start = now();
    int mine = self->number;
    uint32_t n;

    for (n = 1; fsk_load32_relaxed(&r->stop.word) == 0; n++) {
        gate_pass(r, 2 * n - 1);
        dekker_write(r, mine, n);
        r->got64[mine] = dekker_read(r, 1 - mine, n);
        /* The word that was not used catches up. */
        if (n % 2 == 0)
            fsk_store64_relaxed(&r->x64[mine].word, n);
        else
            fsk_store32_relaxed(&r->x32[mine].word, n);
        if (mine == 0)
            stop_when_late(r, start, n);
        gate_pass(r, 2 * n);
        if (mine == 0 && r->got64[0] != n && r->got64[1] != n)
            fault(r);
    }
    return NULL;
}

START_TEST(store_buffering)
{
    race r;

    race_init(&r, 2);
    r.duration *= 4;
    race_run(&r, store_buffering_body);
}
END_TEST

/*
 * Independent reads of independent writes: two threads write a word each, two read both in opposite
 * order. If all is sequentially consistent they agree on which write came first.
 */
static void *readers_agree_body(void *argument)
{
    racer *self = argument;
    race *r = self->race;
    double start = now();
    int which = self->number % 2;
    uint32_t n;

    for (n = 1; fsk_load32_relaxed(&r->stop.word) == 0; n++) {
        gate_pass(r, 2 * n - 1);
        if (self->number < 2) {
            fsk_exchange64_seq(&r->x64[which].word, n);
        } else {
            uint64_t first = fsk_load64_seq(&r->x64[which].word);
            uint64_t second = fsk_load64_seq(&r->x64[1 - which].word);

            r->got64[self->number] = first == n && second != n;
        }
        if (self->number == 0)
            stop_when_late(r, start, n);
        gate_pass(r, 2 * n);
        if (self->number == 0 && r->got64[2] != 0 && r->got64[3] != 0)
            fault(r);
    }
    return NULL;
}

START_TEST(readers_agree)
{
    race r;

    race_init(&r, 4);
    race_run(&r, readers_agree_body);
}
END_TEST

static int run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int good;

    srunner_run_all(runner, CK_NORMAL);
    good = srunner_ntests_failed(runner) == 0 && srunner_ntests_run(runner) > 0;
    srunner_free(runner);
    return good;
}

int main(void)
{
    Suite *single = suite_create("atomic " FSK_ATOMICS_NAME);
    Suite *races = suite_create("atomic races " FSK_ATOMICS_NAME);
    TCase *single_case = tcase_create("single");
    TCase *races_case = tcase_create("races");

    tcase_add_test(single_case, layout);
    tcase_add_test(single_case, single32);
    tcase_add_test(single_case, single64);
    suite_add_tcase(single, single_case);

    tcase_set_timeout(races_case, 30);
    tcase_add_test(races_case, adds_all_count);
    tcase_add_test(races_case, cas_loops_all_count);
    tcase_add_test(races_case, exchange_hands_over);
    tcase_add_test(races_case, exchange_excludes);
    tcase_add_test(races_case, no_torn_value);
    tcase_add_test(races_case, message_passing);
    tcase_add_test(races_case, store_buffering);
    tcase_add_test(races_case, readers_agree);
    suite_add_tcase(races, races_case);

    /* Operations that are wrong even alone could make a race wait for ever. */
    return run(single) && run(races) ? EXIT_SUCCESS : EXIT_FAILURE;
}
