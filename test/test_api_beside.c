/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * What runs beside writers: figures and checks of a table, and a child that was forked.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api.h"
#include "remember.h"

static void *write_for_a_while(void *arg)
{
    struct writer *w = arg;
    const char *failure = NULL;
    for (unsigned i = 0; i < scaled(4000) && !failure; i++)
        if (write_randomly(w, &failure) != FASTSKIP_OK)
            failure = "a write failed";
    return (void *)(uintptr_t)failure;
}

/* Sums only rise while nothing is refused, and come out exact. */
START_TEST(statistics_beside_writers)
{
    static const uint32_t rising[] = {
        FASTSKIP_STAT_KEYS,   FASTSKIP_STAT_VERSIONS,        FASTSKIP_STAT_KEY_BYTES,
        FASTSKIP_STAT_WRITES, FASTSKIP_STAT_MEMORY_RESERVED, FASTSKIP_STAT_VALUE_BYTES,
        FASTSKIP_STAT_CHUNKS, FASTSKIP_STAT_HEIGHT,          FASTSKIP_STAT_RETRIES};
    enum { RISING = sizeof rising / sizeof rising[0], N = 3 };
    static struct writer writers[N];
    uint64_t last[RISING] = {0};
    pthread_t threads[N];
    fastskip_table *table = NULL;
    OK(fastskip_table_new(NULL, &table));
    for (uint32_t i = 0; i < N; i++) {
        start_writer(&writers[i], table, FASTSKIP_SEQUENCE_AUTO, i);
        pthread_create(&threads[i], NULL, write_for_a_while, &writers[i]);
    }
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < RISING; i++) {
            uint64_t now = stat_of(table, rising[i]);
            REQUIRE_AT(now >= last[i], rising[i]);
            last[i] = now;
        }
        REQUIRE(stat_of(table, FASTSKIP_STAT_LIVE) <= N * KEYS);
        REQUIRE(stat_of(table, FASTSKIP_STAT_TOMBSTONES) <= N * KEYS);
        REQUIRE(stat_of(table, FASTSKIP_STAT_MEMORY_USED) <= 1 << 30);
        REQUIRE(round % 100 != 0 || fastskip_table_check(table) == FASTSKIP_OK);
    }
    for (int i = 0; i < N; i++) {
        void *failure = NULL;
        pthread_join(threads[i], &failure);
        REQUIRE_NONE((const char *)failure);
        REQUIRE(remembers_everything(&writers[i]));
        fastskip_batch_free(writers[i].batch);
    }
    expect_figures(table, writers, N);
    fastskip_table_unref(table);
}
END_TEST

/* The child has a copy of the table and of the snapshot, which it reads while the parent writes. */
START_TEST(child_reads_after_fork)
{
    static struct writer w;
    fastskip_table *table = NULL;
    fastskip_snapshot *snapshot = NULL;
    const char *failure = NULL;
    int status = 0;
    OK(fastskip_table_new(NULL, &table));
    start_writer(&w, table, FASTSKIP_SEQUENCE_AUTO, 1);
    for (int i = 0; i < 3000; i++)
        OK(write_randomly(&w, &failure));
    OK(fastskip_snapshot_new(table, &snapshot));
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        fastskip_entry entry;
        int good = remembers_everything(&w) && count_entries(table) == w.versions &&
                   fastskip_table_check(table) == FASTSKIP_OK &&
                   fastskip_get(table, snapshot, STR("absent"), &entry) == FASTSKIP_NOT_FOUND;
        _exit(good ? 0 : 1);
    }
    for (int i = 0; i < 3000; i++)
        OK(write_randomly(&w, &failure));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    REQUIRE_NONE(failure);
    REQUIRE(remembers_everything(&w));
    fastskip_batch_free(w.batch);
    fastskip_snapshot_free(snapshot);
    fastskip_table_unref(table);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        statistics_beside_writers,
        child_reads_after_fork,
    };
    return RUN_SUITE("api_beside", tests);
}
