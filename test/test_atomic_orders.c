/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * lib/atomic.h, in races: the orders of memory that the contract promises. store_buffering is what shows on
 * x86.
 */
#include "atomic_races.h"

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

int main(void)
{
    const TTest *const tests[] = {
        message_passing,
        store_buffering,
        readers_agree,
    };
    return RUN_SUITE("atomic_orders " FSK_ATOMICS_NAME, tests);
}
