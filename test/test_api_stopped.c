/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * A thread stopped anywhere inside a call: it holds up nobody but who seals, and what it had begun is as if it
 * had not.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "api.h"
#include "orders.h"
#include "supply.h"

/* An order of bytes that holds up the thread whose stop this is at its n-th comparison. */
struct stop {
    unsigned at, calls;
    atomic_int stopped, go, done;
};

static _Thread_local struct stop *stop_here;

static int32_t stoppable_order(void *ctx, const void *a, size_t a_size, const void *b,
                               size_t b_size)
{
    struct stop *stop = stop_here;
    if (stop && ++stop->calls == stop->at) {
        atomic_store(&stop->stopped, 1);
        while (!atomic_load(&stop->go))
            usleep(50);
    }
    return bytewise(ctx, a, a_size, b, b_size);
}

/* The stoppable thread writes keys that end in S, the others are the test's: 3-digit numbers, and
 * those with an x behind them. */
#define PLACES 600
#define STOPPABLE 40
#define APART (PLACES / STOPPABLE)

enum stoppable_call { STOP_PUT, STOP_OVERWRITE, STOP_INSERT, STOP_BATCH, STOP_READ, STOP_CALLS };

struct stoppable {
    fastskip_table *table;
    enum stoppable_call call;
    struct stop stop;
    fastskip_status status;
};

static size_t place(char *key, unsigned i, const char *end)
{
    return (size_t)snprintf(key, 16, "%03u%s", i % PLACES, end);
}

static fastskip_status batch_of_places(fastskip_table *table, const char *end)
{
    fastskip_batch *batch = NULL;
    char key[16];
    fastskip_status status = fastskip_batch_new(&batch);
    for (unsigned i = 0; i < STOPPABLE && status == FASTSKIP_OK; i++)
        status = fastskip_batch_put(batch, key, place(key, i * APART, end), STR("batch"));
    if (status == FASTSKIP_OK)
        status = fastskip_write(table, batch);
    fastskip_batch_free(batch);
    return status;
}

static fastskip_status read_over_places(fastskip_table *table)
{
    fastskip_iterator *it = NULL;
    fastskip_status status = fastskip_iterator_new(table, NULL, 0, &it);
    if (status == FASTSKIP_OK)
        status = fastskip_iterator_seek(it, STR("100"));
    /* Across several blocks, both ways. */
    for (int i = 0; i < 80 && status == FASTSKIP_OK; i++)
        status = fastskip_iterator_next(it);
    for (int i = 0; i < 150 && status == FASTSKIP_OK; i++)
        status = fastskip_iterator_prev(it);
    fastskip_iterator_free(it);
    return status;
}

static void *call_stoppably(void *arg)
{
    struct stoppable *s = arg;
    stop_here = &s->stop;
    switch (s->call) {
    case STOP_PUT:
        s->status = fastskip_put(s->table, STR("300S"), STR("new"));
        break;
    case STOP_OVERWRITE:
        s->status = fastskip_put(s->table, STR("300"), STR("new"));
        break;
    case STOP_INSERT:
        s->status = fastskip_insert(s->table, STR("300S"), STR("new"));
        break;
    case STOP_BATCH:
        s->status = batch_of_places(s->table, "S");
        break;
    default:
        s->status = read_over_places(s->table);
        break;
    }
    stop_here = NULL;
    atomic_store(&s->stop.done, 1);
    return NULL;
}

static fastskip_table *stoppable_table(struct supply *supply)
{
    fastskip_options *options = supplied_options(supply, 64 << 20);
    fastskip_table *table = NULL;
    char key[16];
    OK(fastskip_options_set_shards(options, 2));
    OK(fastskip_options_set_block_size(options, 4096));
    OK(fastskip_options_set_comparator(options, stoppable_order, NULL, NULL, "stoppable"));
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    for (unsigned i = 0; i < PLACES; i++)
        OK(fastskip_put(table, key, place(key, i * 7, ""), STR("old")));
    return table;
}

static void start_stoppable(struct stoppable *s, pthread_t *thread)
{
    ck_assert_int_eq(pthread_create(thread, NULL, call_stoppably, s), 0);
    while (!atomic_load(&s->stop.stopped) && !atomic_load(&s->stop.done))
        usleep(10);
}

static unsigned count_seen(fastskip_table *table, const fastskip_snapshot *snapshot,
                           const char *end)
{
    unsigned seen = 0;
    char key[16];
    for (unsigned i = 0; i < STOPPABLE; i++)
        seen += fastskip_contains(table, snapshot, key, place(key, i * APART, end)) == FASTSKIP_OK;
    return seen;
}

/* Everything that another thread may want to do, and enough of it to split every block. */
static void use_beside(fastskip_table *table)
{
    fastskip_entry entry;
    char key[16];
    for (unsigned i = 0; i < PLACES; i++) {
        OK(fastskip_put(table, key, place(key, i, "x"), STR("x")));
        OK(fastskip_delete(table, key, place(key, i, "xx")));
        OK(fastskip_get(table, NULL, key, place(key, i, ""), &entry));
    }
    OK(batch_of_places(table, "xxx"));
    ck_assert_uint_eq(count_seen(table, NULL, "xxx"), STOPPABLE);
    OK(read_over_places(table));
    ck_assert_uint_ge(count_entries(table), 3 * PLACES + STOPPABLE);
    ck_assert_uint_ge(stat_of(table, FASTSKIP_STAT_LIVE), 2 * PLACES + STOPPABLE);
    OK(fastskip_table_check(table));
}

/* Stopped at any of its comparisons a call holds up nobody, a batch is seen as a whole or not at
 * all, and a snapshot taken meanwhile stays what it was. */
START_TEST(a_stopped_thread_stops_nobody)
{
    for (unsigned at = 1; at < 2000; at += at < 30 ? 1 : at / 6) {
        struct supply supply = new_supply();
        struct stoppable s = {stoppable_table(&supply), (enum stoppable_call)_i, {.at = at}, 0};
        fastskip_snapshot *snapshot = NULL;
        pthread_t thread;
        start_stoppable(&s, &thread);
        int was_stopped = atomic_load(&s.stop.stopped);
        use_beside(s.table);
        OK(fastskip_snapshot_new(s.table, &snapshot));
        unsigned before = count_seen(s.table, snapshot, "S");
        atomic_store(&s.stop.go, 1);
        pthread_join(thread, NULL);
        OK(s.status);
        ck_assert_uint_eq(count_seen(s.table, snapshot, "S"), before);
        if (s.call == STOP_BATCH) {
            ck_assert(before == 0 || before == STOPPABLE);
            ck_assert_uint_eq(count_seen(s.table, NULL, "S"), STOPPABLE);
        }
        OK(fastskip_table_check(s.table));
        fastskip_snapshot_free(snapshot);
        fastskip_table_unref(s.table);
        if (!was_stopped)
            break;
        ck_assert_uint_lt(at, 1990);
    }
}
END_TEST

/* How often a batch on a fresh table compares. */
static unsigned comparisons_of_a_batch(void)
{
    struct supply supply = new_supply();
    struct stoppable s = {stoppable_table(&supply), STOP_BATCH, {.at = 0}, 0};
    call_stoppably(&s);
    OK(s.status);
    fastskip_table_unref(s.table);
    return s.stop.calls;
}

/* Writes what the stopped batch is about to write: singly, or in a batch of its own. */
static void write_the_same(fastskip_table *table, int how)
{
    char key[16];
    if (how == 3) {
        OK(batch_of_places(table, "S"));
        return;
    }
    for (unsigned i = 0; i < STOPPABLE; i++) {
        size_t size = place(key, i * APART, "S");
        if (how == 0)
            OK(fastskip_put(table, key, size, STR("other")));
        else if (how == 1)
            OK(fastskip_insert(table, key, size, STR("other")));
        else
            OK(fastskip_delete(table, key, size));
    }
}

static void expect_of_places(fastskip_table *table, const fastskip_snapshot *snapshot,
                             const char *value)
{
    char key[16];
    fastskip_entry entry;
    for (unsigned i = 0; i < STOPPABLE; i++) {
        fastskip_status status =
            fastskip_get(table, snapshot, key, place(key, i * APART, "S"), &entry);
        ck_assert_int_eq(status, value ? FASTSKIP_OK : FASTSKIP_NOT_FOUND);
        if (value)
            ck_assert(entry.value_size == strlen(value) &&
                      memcmp(entry.value, value, entry.value_size) == 0);
    }
}

/* A batch is stopped half way, before anybody sees it. Whoever writes its keys now comes before it:
 * it overwrites them all, in what is read now and in the order of versions; not in a snapshot. */
START_TEST(a_stopped_batch_comes_later)
{
    static const char *const values[] = {"other", "other", NULL, "batch"};
    unsigned calls = comparisons_of_a_batch(), met = 0;
    for (unsigned at = calls / 3; at <= calls; at += 1 + calls / 60) {
        struct supply supply = new_supply();
        struct stoppable s = {stoppable_table(&supply), STOP_BATCH, {.at = at}, 0};
        fastskip_snapshot *snapshot = NULL;
        pthread_t thread;
        start_stoppable(&s, &thread);
        int early = atomic_load(&s.stop.stopped) && count_seen(s.table, NULL, "S") == 0;
        if (early) {
            write_the_same(s.table, _i);
            expect_of_places(s.table, NULL, values[_i]);
            OK(fastskip_snapshot_new(s.table, &snapshot));
            met++;
        }
        atomic_store(&s.stop.go, 1);
        pthread_join(thread, NULL);
        OK(s.status);
        expect_of_places(s.table, NULL, "batch");
        if (early)
            expect_of_places(s.table, snapshot, values[_i]);
        ck_assert_uint_eq(count_entries(s.table), PLACES + STOPPABLE * (early ? 2 : 1));
        OK(fastskip_table_check(s.table));
        fastskip_snapshot_free(snapshot);
        fastskip_table_unref(s.table);
    }
    ck_assert_uint_gt(met, 0);
}
END_TEST

static void *seal_meanwhile(void *arg)
{
    struct stoppable *s = arg;
    s->status = fastskip_table_seal(s->table);
    atomic_store(&s->stop.done, 1);
    return NULL;
}

/* Seal waits for the write that is under way, and for nothing else; that write is then there. */
START_TEST(seal_waits_for_a_stopped_write)
{
    struct supply supply = new_supply();
    struct stoppable s = {stoppable_table(&supply), (enum stoppable_call)_i, {.at = 2}, 0};
    struct stoppable sealer = {.table = s.table};
    fastskip_table *fresh = NULL;
    pthread_t thread, other;
    start_stoppable(&s, &thread);
    ck_assert_int_eq(atomic_load(&s.stop.stopped), 1);
    pthread_create(&other, NULL, seal_meanwhile, &sealer);
    while (!fastskip_table_is_sealed(s.table))
        usleep(10);
    usleep(20000);
    ck_assert_int_eq(atomic_load(&sealer.stop.done), s.call == STOP_READ);
    ck_assert_int_eq(fastskip_put(s.table, STR("x"), STR("x")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_table_rotate(s.table, &fresh), FASTSKIP_SEALED);
    OK(read_over_places(s.table));
    atomic_store(&s.stop.go, 1);
    pthread_join(thread, NULL);
    pthread_join(other, NULL);
    OK(s.status);
    OK(sealer.status);
    if (s.call != STOP_READ && s.call != STOP_OVERWRITE)
        ck_assert_uint_eq(count_seen(s.table, NULL, "S"), s.call == STOP_BATCH ? STOPPABLE : 1);
    OK(fastskip_table_check(s.table));
    fastskip_table_unref(s.table);
}
END_TEST

/* A batch that was stopped goes on without memory; others have put so many keys beside its own. */
static fastskip_status go_on_without_memory(struct stoppable *s, struct supply *supply,
                                            unsigned beside)
{
    pthread_t thread;
    char key[16];
    start_stoppable(s, &thread);
    for (unsigned i = 0; i < beside; i++)
        OK(fastskip_put(s->table, key,
                        (size_t)snprintf(key, 16, "%03ux%u", i * 7 % PLACES, i / PLACES),
                        STR("x")));
    pthread_mutex_lock(&supply->lock);
    supply->fail_from = 0;
    supply->fail_to = UINT32_MAX;
    pthread_mutex_unlock(&supply->lock);
    /* What has been committed is used up, by keys that lie apart. */
    for (uint32_t i = 0; fastskip_put(s->table, &i, sizeof i, NULL, 0) == FASTSKIP_OK;)
        i++;
    atomic_store(&s->stop.go, 1);
    pthread_join(thread, NULL);
    supply->fail_to = 0;
    return s->status;
}

/* A batch is stopped; meanwhile others fill the blocks that it is about to write, and then there is
 * no more memory. It breaks off half way: nothing of it is ever seen or counted, and its keys can be
 * written afterwards, each counted once. */
START_TEST(batch_breaks_off_half_way)
{
    unsigned refused = 0, calls = comparisons_of_a_batch();
    char key[16];
    for (unsigned beside = 0; beside < 2 * PLACES; beside += 11) {
        struct supply supply = new_supply();
        struct stoppable s = {stoppable_table(&supply), STOP_BATCH, {0}, 0};
        s.stop.at = calls * (50 + beside * 3 % 48) / 100;
        fastskip_status status = go_on_without_memory(&s, &supply, beside);
        ck_assert(status == FASTSKIP_NO_MEMORY || status == FASTSKIP_OK);
        refused += status == FASTSKIP_NO_MEMORY;
        ck_assert_uint_eq(count_seen(s.table, NULL, "S"), status == FASTSKIP_OK ? STOPPABLE : 0);
        uint64_t keys = stat_of(s.table, FASTSKIP_STAT_KEYS);
        uint64_t versions = stat_of(s.table, FASTSKIP_STAT_VERSIONS);
        ck_assert_uint_eq(count_entries(s.table), versions);
        ck_assert_uint_eq(stat_of(s.table, FASTSKIP_STAT_LIVE), keys);
        for (unsigned i = 0; i < 2 * STOPPABLE; i++)
            OK(fastskip_put(s.table, key, place(key, i * APART, "S"), STR("v")));
        ck_assert_uint_eq(stat_of(s.table, FASTSKIP_STAT_KEYS),
                          keys + (status == FASTSKIP_OK ? 0 : STOPPABLE));
        ck_assert_uint_eq(stat_of(s.table, FASTSKIP_STAT_VERSIONS), versions + 2 * STOPPABLE);
        ck_assert_uint_eq(count_entries(s.table), versions + 2 * STOPPABLE);
        OK(fastskip_table_check(s.table));
        fastskip_table_unref(s.table);
    }
    ck_assert_uint_gt(refused, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_stopped");
    suite_add(suite, a_stopped_thread_stops_nobody, STOP_CALLS);
    suite_add(suite, a_stopped_batch_comes_later, 4);
    suite_add(suite, seal_waits_for_a_stopped_write, STOP_CALLS);
    suite_add(suite, batch_breaks_off_half_way, 1);
    return suite_run(suite);
}
