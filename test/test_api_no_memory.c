/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * No memory for the region of a table: what was refused is not there, nothing is lost, and a later try finds
 * memory.
 */
#include <pthread.h>

#include "api.h"
#include "remember.h"
#include "supply.h"

static fastskip_table *starved_table(struct supply *supply, uint32_t mode, fastskip_status *status)
{
    fastskip_options *options = supplied_options(supply, 64 << 20);
    fastskip_table *table = NULL;
    OK(fastskip_options_set_block_size(options, 4096));
    OK(fastskip_options_set_sequence_mode(options, mode));
    OK(fastskip_options_set_shards(options, 2));
    *status = fastskip_table_new(options, &table);
    fastskip_options_free(options);
    return table;
}

/* The same workload each time; whatever is refused is tried again. Returns how often it was. */
static unsigned run_script(struct supply *supply, uint32_t mode, unsigned writes, unsigned patience)
{
    static struct writer w;
    const char *failure = NULL;
    unsigned refused = 0;
    fastskip_status status;
    fastskip_table *table = starved_table(supply, mode, &status);
    if (status != FASTSKIP_OK) {
        ck_assert_int_eq(status, FASTSKIP_NO_MEMORY);
        ck_assert_ptr_null(table);
        ck_assert_uint_eq(supply->reserved, 0);
        supply->fail_to = 0;
        refused++;
        table = starved_table(supply, mode, &status);
        OK(status);
    }
    start_writer(&w, table, mode, 1);
    for (unsigned i = 0, waited = 0; i < writes; i++) {
        uint64_t before = w.random;
        status = write_randomly(&w, &failure);
        REQUIRE_NONE(failure);
        REQUIRE_AT(status == FASTSKIP_OK || status == FASTSKIP_NO_MEMORY, status);
        refused += status == FASTSKIP_NO_MEMORY;
        REQUIRE(status == FASTSKIP_OK || supply->calls >= supply->fail_from);
        /* The very same write is tried again. */
        if (status != FASTSKIP_OK && patience == 1)
            w.random = before;
        /* After a while there is memory again. */
        if (status == FASTSKIP_NO_MEMORY && ++waited >= patience)
            supply->fail_to = 0;
    }
    REQUIRE(remembers_everything(&w));
    expect_figures(table, &w, 1);
    OK(fastskip_table_check(table));
    OK(fastskip_table_seal(table));
    fastskip_batch_free(w.batch);
    fastskip_table_unref(table);
    ck_assert_uint_eq(supply->reserved, 0);
    ck_assert(!supply->broken);
    return refused;
}

START_TEST(each_allocation_fails_once)
{
    uint32_t mode = (uint32_t)_i;
    struct supply supply = new_supply();
    unsigned refused = run_script(&supply, mode, 2000, 1), calls = supply.calls;
    ck_assert_uint_eq(refused, 0);
    ck_assert_uint_ge(calls, 2);
    for (unsigned n = 1; n <= calls; n++) {
        supply = new_supply();
        supply.fail_from = supply.fail_to = n;
        unsigned now = run_script(&supply, mode, 2000, 1);
        /* One failure is met by one call at most: the next try finds memory. */
        REQUIRE_AT(now <= 1, n);
        refused += now;
    }
    ck_assert_uint_gt(refused, 0);
}
END_TEST

START_TEST(allocations_fail_for_a_while)
{
    uint32_t mode = (uint32_t)_i;
    struct supply supply = new_supply();
    run_script(&supply, mode, 2000, 1);
    for (unsigned n = 2, calls = supply.calls; n <= calls; n += 1 + calls / 40) {
        supply = new_supply();
        supply.fail_from = n;
        supply.fail_to = UINT32_MAX;
        ck_assert_uint_ge(run_script(&supply, mode, 2000, 60), 1);
    }
}
END_TEST

START_TEST(rotate_without_memory_changes_nothing)
{
    struct supply supply = new_supply();
    fastskip_status status;
    fastskip_table *table = starved_table(&supply, FASTSKIP_SEQUENCE_AUTO, &status), *fresh = NULL;
    unsigned refused = 0;
    OK(status);
    OK(fastskip_put(table, STR("k"), STR("v")));
    for (unsigned n = 0; !fresh; n++) {
        supply.fail_from = supply.fail_to = supply.calls + 1 + n;
        status = fastskip_table_rotate(table, &fresh);
        supply.fail_from = UINT32_MAX;
        if (status == FASTSKIP_OK)
            break;
        ck_assert_int_eq(status, FASTSKIP_NO_MEMORY);
        ck_assert_ptr_null(fresh);
        ck_assert_uint_eq(supply.reserved, 1);
        ck_assert_int_eq(fastskip_table_is_sealed(table), 0);
        OK(fastskip_put(table, STR("k"), STR("v")));
        refused++;
    }
    ck_assert_uint_ge(refused, 1);
    OK(fastskip_put(fresh, STR("k"), STR("v")));
    fastskip_table_unref(fresh);
    fastskip_table_unref(table);
    ck_assert_uint_eq(supply.reserved, 0);
}
END_TEST

static void *insist(void *arg)
{
    struct member *member = arg;
    struct crowd *crowd = member->crowd;
    struct writer *w = &crowd->writers[member->index];
    for (unsigned i = 0; i < 1500 && !crowd->failures[member->index]; i++) {
        fastskip_status status = write_randomly(w, &crowd->failures[member->index]);
        if (status != FASTSKIP_OK && status != FASTSKIP_NO_MEMORY)
            crowd->failures[member->index] = "an unexpected status";
    }
    return NULL;
}

/* Six threads meet in the same blocks while two of three commits fail: batches break off half way
 * and leave nothing, not in the figures either. */
START_TEST(commits_fail_under_many_threads)
{
    static struct crowd crowd;
    struct member members[6];
    for (unsigned round = 0; round < scaled(10); round++) {
        struct supply supply = new_supply();
        pthread_t threads[6];
        fastskip_status status;
        memset(&crowd, 0, sizeof crowd);
        crowd.table = starved_table(&supply, FASTSKIP_SEQUENCE_AUTO, &status);
        OK(status);
        supply.fail_of_3 = 2;
        for (int i = 0; i < 6; i++) {
            start_writer(&crowd.writers[i], crowd.table, FASTSKIP_SEQUENCE_AUTO, (uint32_t)i);
            crowd.writers[i].random += round * 100;
            members[i] = (struct member){&crowd, i};
            pthread_create(&threads[i], NULL, insist, &members[i]);
        }
        for (int i = 0; i < 6; i++) {
            pthread_join(threads[i], NULL);
            REQUIRE_NONE(crowd.failures[i]);
        }
        for (int i = 0; i < 6; i++) {
            REQUIRE(remembers_everything(&crowd.writers[i]));
            fastskip_batch_free(crowd.writers[i].batch);
        }
        expect_figures(crowd.table, crowd.writers, 6);
        OK(fastskip_table_check(crowd.table));
        fastskip_table_unref(crowd.table);
        ck_assert(!supply.broken);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_no_memory");
    suite_add(suite, each_allocation_fails_once, 2);
    suite_add(suite, allocations_fail_for_a_while, 2);
    suite_add(suite, rotate_without_memory_changes_nothing, 1);
    suite_add(suite, commits_fail_under_many_threads, 1);
    return suite_run(suite);
}
