/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * lib/atomic.h, in races: nothing is lost and nothing is torn, whichever operation it is.
 */
#include "atomic_races.h"

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

int main(void)
{
    const TTest *const tests[] = {
        adds_all_count, cas_loops_all_count, exchange_hands_over, exchange_excludes, no_torn_value,
    };
    return RUN_SUITE("atomic_counts " FSK_ATOMICS_NAME, tests);
}
