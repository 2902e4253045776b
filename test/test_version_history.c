/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_version_history.c - lib/version: long histories of one key against a model, every snapshot of them
 * read again after every step; and chains that are kept in the order of the caller's numbers.
 */
#include "versions.h"

/* The C library's asks about elements in the order in which they lie, and of two others never. Another may
 * ask either way; where the hook is it does. */
#ifdef FSK_TEST_HOOK
void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *))
{
    char *first = base, element[64];
    REQUIRE(size <= sizeof element);
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0; j--) {
            char *x = first + (j - 1) * size, *y = first + j * size;
            int after = compare(y, x);
            REQUIRE_EQ(compare(x, y), -after);
            if (after > 0)
                break;
            memcpy(element, x, size);
            memcpy(x, y, size);
            memcpy(y, element, size);
        }
}
#endif

/* ---- everything against a model ---- */

#define BATCHES 6
#define STEPS 60

/* One thread, so each write takes effect when it is pushed, each batch when it is committed. */
START_TEST(a_history_is_read_for_ever)
{
    uint64_t state = 9;
    for (unsigned round = 0; round < scaled_alone(1500); round++) {
        struct {
            fsk_ref record, version;
            unsigned number;
        } batch[BATCHES] = {{0, 0, 0}};
        unsigned effects[2 * STEPS], count = 1, steps = 5 + draw_below(&state, STEPS);
        struct {
            uint64_t limit;
            unsigned sees;
        } snapshot[STEPS];
        unsigned snapshots = 0;
        fsk_seen seen[2 * STEPS];
        fsk_ref entry, ref;
        versions_make(1 << 20);
        entry = entry_make(fsk_word_single(FASTSKIP_DELETE), 0);
        fsk_version_stamp(&now, fsk_word_at(&now.space, entry));
        effects[0] = DELETED;
        for (unsigned step = 1; step < steps; step++) {
            unsigned i = draw_below(&state, BATCHES), what = draw_below(&state, 10);
            unsigned deletes = draw_below(&state, 3) == 0;
            uint32_t kind = deletes ? FASTSKIP_DELETE : FASTSKIP_PUT;
            if (what < 3) {
                push_as(entry, kind, 0, 0, step, &ref);
                effects[count++] = deletes ? DELETED : step;
            } else if (what == 3) {
                int outcome = push_as(entry, FASTSKIP_PUT, 0, 1, step, &ref);
                REQUIRE_EQ(outcome, effects[count - 1] == DELETED ? PUSHED : EXISTS);
                if (outcome == PUSHED)
                    effects[count++] = step;
            } else if (what < 5) {
                snapshot[snapshots].limit = fsk_clock_snapshot(&now);
                snapshot[snapshots++].sees = count;
            } else if (batch[i].record == 0) {
                batch[i].record = record_make();
                batch[i].version = push_batch(entry, kind, batch[i].record, step);
                batch[i].number = deletes ? DELETED : step;
            } else if (what < 9) {
                uint64_t stamp = fsk_record_commit(&now, batch[i].record);
                if (draw_below(&state, 2))
                    fsk_version_settle(&now, batch[i].version, stamp);
                effects[count++] = batch[i].number;
                batch[i].record = 0;
            } else {
                fsk_record_abort(&now, batch[i].record);
                if (draw_below(&state, 2))
                    fsk_version_settle(&now, batch[i].version, FSK_NEVER);
                batch[i].record = 0;
            }
            REQUIRE_EQ(read_now(entry), effects[count - 1]);
            for (unsigned s = 0; s < snapshots; s++)
                REQUIRE_EQ(read_at(entry, snapshot[s].limit), effects[snapshot[s].sees - 1]);
        }
        REQUIRE_EQ(fsk_version_all(&now, entry, FSK_LATEST, 0, seen, 2 * STEPS), count);
        for (unsigned i = 0; i < count; i++)
            REQUIRE_EQ(number_in(entry, &seen[i]), effects[count - 1 - i]);
        for (unsigned s = 0; s < snapshots; s++) { /* and when there is too little room, how much */
            unsigned n = snapshot[s].sees;
            seen[0].ref = 12345;
            REQUIRE_EQ(fsk_version_all(&now, entry, snapshot[s].limit, 0, seen, 0), n);
            REQUIRE_EQ(seen[0].ref, 12345);
            REQUIRE_EQ(fsk_version_all(&now, entry, snapshot[s].limit, 0, seen, n), n);
            REQUIRE_EQ(number_in(entry, &seen[0]), effects[n - 1]);
        }
    }
    versions_drop();
}
END_TEST

/* ---- the caller's numbers ---- */

static int insert_numbered(fsk_ref entry, uint64_t number)
{
    fsk_ref v =
        version_make(fsk_word_numbered((uint32_t)number % 128, number), 0, (unsigned)number);
    fsk_writer w;
    int done;
    fsk_arena_enter(&arena, &w);
    done = fsk_version_insert(&now.space, &w, entry, v, number);
    fsk_arena_leave(&w);
    return done;
}

/* The versions as the chain has them, newest first. */
static void numbers_verify(fsk_ref entry, const uint64_t *numbers, unsigned n)
{
    fsk_seen seen[16];
    for (uint64_t limit = 0; limit < 40; limit++) {
        uint64_t best = 0;
        unsigned visible = 0;
        for (unsigned i = 0; i < n; i++) {
            visible += numbers[i] <= limit;
            best = numbers[i] <= limit && numbers[i] > best ? numbers[i] : best;
        }
        REQUIRE_EQ(fsk_version_at_sequence(&now.space, entry, limit, seen), best != 0);
        if (best != 0)
            REQUIRE(seen[0].stamp == best && seen[0].kind == best % 128);
        REQUIRE_EQ(fsk_version_all(&now, entry, limit, 1, seen, 16), visible);
        for (unsigned i = 1; i < visible; i++)
            REQUIRE(seen[i - 1].stamp > seen[i].stamp);
        for (unsigned i = 0; i < visible; i++)
            REQUIRE(seen[i].kind == 1 || number_in(entry, &seen[i]) == seen[i].stamp);
    }
}

START_TEST(numbers_in_every_order)
{
    uint64_t numbers[6];
    for (unsigned code = 0; code < 720; code++) { /* all orders of six */
        unsigned left = 6, rest = code;
        uint64_t pool[] = {3, 5, 8, 21, 22, 34};
        fsk_ref entry = 0;
        versions_make(1 << 20);
        for (unsigned i = 0; i < 6; i++) {
            unsigned pick = rest % left;
            rest /= left;
            numbers[i] = pool[pick];
            pool[pick] = pool[--left];
            if (i == 0)
                entry = entry_make(fsk_word_numbered((uint32_t)numbers[0], numbers[0]),
                                   (unsigned)numbers[0]);
            else
                REQUIRE_EQ(insert_numbered(entry, numbers[i]), 1);
            for (unsigned j = 0; j <= i; j++)
                REQUIRE_EQ(insert_numbered(entry, numbers[j]), 0); /* it is there */
            numbers_verify(entry, numbers, i + 1);
        }
    }
    versions_drop();
}
END_TEST

START_TEST(the_greatest_number)
{
    const uint64_t most = (UINT64_C(1) << 56) - 1;
    fsk_ref entry;
    fsk_seen seen;
    versions_make(1 << 20);
    entry = entry_make(fsk_word_numbered(127, most), 1);
    ck_assert_int_eq(insert_numbered(entry, 1), 1);
    ck_assert_int_eq(insert_numbered(entry, most), 0);
    ck_assert_int_eq(insert_numbered(entry, most - 1), 1);
    ck_assert_int_eq(fsk_version_at_sequence(&now.space, entry, UINT64_MAX, &seen), 1);
    ck_assert(seen.ref == entry && seen.stamp == most && seen.kind == 127);
    ck_assert_int_eq(fsk_version_at_sequence(&now.space, entry, most - 1, &seen), 1);
    ck_assert_uint_eq(seen.stamp, most - 1);
    versions_drop();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_history_is_read_for_ever,
        numbers_in_every_order,
        the_greatest_number,
    };
    return RUN_SUITE("version history", tests);
}
