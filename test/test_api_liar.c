/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Orders of keys that contradict themselves: every call ends and stays within the table.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "api.h"
#include "supply.h"

struct liar {
    int kind;
    atomic_ullong calls;
};

static int32_t lie(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    struct liar *liar = ctx;
    uint64_t n = atomic_fetch_add(&liar->calls, 1);
    /* Both keys are read to the end: that they are keys is what the sanitizers see. */
    uint64_t sum = 0;
    for (size_t i = 0; i < a_size; i++)
        sum += ((const unsigned char *)a)[i];
    for (size_t i = 0; i < b_size; i++)
        sum += ((const unsigned char *)b)[i];
    switch (liar->kind % 7) {
    case 0:
        return (int32_t)(draw(&n) % 3) - 1;
    case 1:
        return 1;
    case 2:
        return -1;
    case 3:
        return 0;
    case 4: /* paper, scissors, stone */
        return (int32_t)((a_size % 3 + 4 - b_size % 3) % 3) - 1;
    case 5:
        return n % 2 ? INT32_MIN : INT32_MAX;
    default: /* right, but for one in fifty */
        if (draw(&n) % 50 == 0)
            return sum % 2 ? 1 : -1;
        return a_size < b_size ? -1 : a_size > b_size ? 1 : a_size ? memcmp(a, b, a_size) : 0;
    }
}

static uint64_t lie_shortly(void *ctx, const void *key, size_t size)
{
    struct liar *liar = ctx;
    uint64_t n = atomic_fetch_add(&liar->calls, 1);
    (void)key;
    return liar->kind >= 14 ? (uint64_t)size << 60 : draw(&n);
}

struct lied_to {
    fastskip_table *table;
    struct supply *supply;
    uint64_t random;
    int failed;
};

static void expect_inside(struct lied_to *job, const fastskip_entry *entry)
{
    const char *key = entry->key, *value = entry->value, *base = job->supply->base;
    const char *end = base + job->supply->size;
    if (entry->key_size > 64 || entry->value_size > 64 ||
        (entry->key_size && (key < base || key + entry->key_size > end)) ||
        (entry->value_size && (value < base || value + entry->value_size > end)))
        job->failed = 1;
}

/* Of the statuses that fastskip.h names for such a call. */
static void expect_documented(struct lied_to *job, fastskip_status status, fastskip_status other)
{
    if (status != FASTSKIP_OK && status != other)
        job->failed = 1;
}

/* One random step or seek. Where it does not lead to an entry it leads nowhere, CORRUPT included. */
static void step(struct lied_to *job, fastskip_iterator *it, const char *key)
{
    uint64_t choice = draw(&job->random) % 11;
    size_t size = draw(&job->random) % 64;
    fastskip_entry entry;
    fastskip_status status = choice == 0   ? fastskip_iterator_seek_first(it)
                             : choice == 1 ? fastskip_iterator_seek_last(it)
                             : choice == 2 ? fastskip_iterator_seek(it, key, size)
                             : choice == 3 ? fastskip_iterator_seek_for_prev(it, key, size)
                             : choice < 8  ? fastskip_iterator_next(it)
                                           : fastskip_iterator_prev(it);
    fastskip_status there = fastskip_iterator_entry(it, &entry);
    if (there == FASTSKIP_OK)
        expect_inside(job, &entry);
    if (fastskip_iterator_valid(it) != (status == FASTSKIP_OK) ||
        there != (status == FASTSKIP_OK ? FASTSKIP_OK : FASTSKIP_NOT_FOUND))
        job->failed = 1;
    if (status != FASTSKIP_NOT_FOUND)
        expect_documented(job, status, FASTSKIP_CORRUPT);
    if (status == FASTSKIP_CORRUPT)
        job->failed |= fastskip_iterator_next(it) != FASTSKIP_NOT_FOUND;
}

static void take_lies(struct lied_to *job, fastskip_iterator *it)
{
    fastskip_entry entries[8];
    size_t count = 77;
    int32_t was_valid = fastskip_iterator_valid(it);
    fastskip_status status = fastskip_iterator_next_many(it, entries, 8, &count);
    if (status == FASTSKIP_OK) {
        if (!was_valid || count < 1 || count > 8)
            job->failed = 1;
        else
            for (size_t i = 0; i < count; i++)
                expect_inside(job, &entries[i]);
    } else if (count != 0 || fastskip_iterator_valid(it) ||
               (status == FASTSKIP_NOT_FOUND) != !was_valid) {
        job->failed = 1;
    }
}

static void walk_lies(struct lied_to *job)
{
    fastskip_iterator *it = NULL;
    char key[64] = {0};
    if (fastskip_iterator_new(job->table, NULL, (uint32_t)(draw(&job->random) % 4), &it))
        return;
    if (draw(&job->random) % 2)
        fastskip_iterator_set_bounds(it, key, draw(&job->random) % 64, key,
                                     draw(&job->random) % 64);
    /* A walk need not end, a step must. */
    for (int i = 0; i < 60; i++) {
        if (draw(&job->random) % 12 == 0)
            take_lies(job, it);
        else
            step(job, it, key);
    }
    fastskip_iterator_free(it);
}

static void batch_of_lies(struct lied_to *job)
{
    fastskip_batch *batch = NULL;
    char key[64] = {0};
    if (fastskip_batch_new(&batch))
        return;
    for (uint64_t n = draw(&job->random) % 40; n > 0; n--)
        fastskip_batch_put(batch, key, draw(&job->random) % 64, key, draw(&job->random) % 64);
    fastskip_write(job->table, batch);
    fastskip_batch_free(batch);
}

static void *believe(void *arg)
{
    struct lied_to *job = arg;
    fastskip_entry entry, entries[16];
    fastskip_status statuses[16];
    char key[64] = {0};
    const void *keys[16];
    size_t sizes[16];
    int32_t inserted;
    uint64_t number;
    for (int i = 0; i < 3000; i++) {
        uint64_t choice = draw(&job->random) % 100;
        size_t size = draw(&job->random) % 64;
        memset(key, (int)(draw(&job->random) % 4), sizeof key);
        for (int k = 0; k < 16; k++) {
            keys[k] = key;
            sizes[k] = draw(&job->random) % 64;
        }
        if (choice < 50)
            expect_documented(job, fastskip_put(job->table, key, size, key, size), FASTSKIP_FULL);
        else if (choice < 60)
            expect_documented(job, fastskip_delete(job->table, key, size), FASTSKIP_FULL);
        else if (choice < 66)
            fastskip_insert(job->table, key, size, key, size);
        else if (choice < 70 && fastskip_get_or_insert(job->table, key, size, key, size, &entry,
                                                       &inserted) == FASTSKIP_OK)
            expect_inside(job, &entry);
        else if (choice < 74)
            batch_of_lies(job);
        else if (choice < 84 &&
                 fastskip_get_raw(job->table, NULL, key, size, &entry) == FASTSKIP_OK)
            expect_inside(job, &entry);
        else if (choice < 94)
            fastskip_get_many(job->table, NULL, 16, keys, sizes, entries, statuses);
        else if (choice < 98)
            walk_lies(job);
        else
            fastskip_table_approximate_count(job->table, key, size, NULL, 0, &number);
    }
    return NULL;
}

static void contradict(int kind, int n, uint64_t seed)
{
    struct liar liar = {.kind = kind};
    struct supply supply = new_supply();
    fastskip_options *options = supplied_options(&supply, 16 << 20);
    struct lied_to jobs[3];
    pthread_t threads[3];
    OK(fastskip_options_set_comparator(options, lie, kind >= 7 ? lie_shortly : NULL, &liar,
                                       "a liar"));
    fastskip_table *table = NULL;
    OK(fastskip_table_new(options, &table));
    fastskip_options_free(options);
    for (int i = 0; i < n; i++) {
        jobs[i] = (struct lied_to){table, &supply, seed * 10 + (uint64_t)i, 0};
        pthread_create(&threads[i], NULL, believe, &jobs[i]);
    }
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(!jobs[i].failed);
    }
    fastskip_status status = fastskip_table_check(table);
    ck_assert(status == FASTSKIP_OK || status == FASTSKIP_CORRUPT);
    ck_assert_uint_ne(stat_of(table, FASTSKIP_STAT_LIVE), UINT64_MAX);
    OK(fastskip_table_seal(table));
    fastskip_table_unref(table);
    ck_assert(!supply.broken);
    ck_assert_uint_gt(atomic_load(&liar.calls), 0);
}

/* Each lie without abbreviation, with a random one, and with one that is constant; by one thread
 * and by three. What they find is undefined; that every call ends and stays inside is not. */
START_TEST(contradictions_end)
{
    for (unsigned round = 0; round < scaled(1); round++)
        contradict(_i / 2, _i % 2 ? 3 : 1, (uint64_t)_i + 1000 * round);
}
END_TEST

/* Says one thing so often, then another. */
struct turncoat {
    int32_t before, after;
    unsigned calls, turn;
};

static int32_t turn_over(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    struct turncoat *turncoat = ctx;
    (void)a, (void)a_size, (void)b, (void)b_size;
    return turncoat->calls++ < turncoat->turn ? turncoat->before : turncoat->after;
}

/* A write looks for its key more than once. If it was there and then is not, what was planned as a
 * small version of it must not become a large entry in the same place: the region has no room. */
START_TEST(order_turns_within_one_write)
{
    static const char key[FASTSKIP_KEY_MAX];
    static const int32_t before[] = {0, 1, -1}, after[] = {1, 0, 0};
    uint32_t mode = (uint32_t)_i;
    for (unsigned n = 0; n < 30; n++) {
        struct turncoat turncoat = {before[n % 3], after[n % 3], 0, n / 3};
        struct supply supply = new_supply();
        fastskip_options *options = supplied_options(&supply, 65536);
        fastskip_table *table = NULL;
        fastskip_batch *batch = NULL;
        OK(fastskip_options_set_comparator(options, turn_over, NULL, &turncoat, NULL));
        OK(fastskip_options_set_sequence_mode(options, mode));
        OK(fastskip_table_new(options, &table));
        fastskip_options_free(options);
        OK(fastskip_batch_new(&batch));
        if (mode == FASTSKIP_SEQUENCE_CALLER) {
            OK(fastskip_put_at(table, 1, 0, STR("k"), STR("v")));
            OK(fastskip_batch_put_at(batch, 2, 0, key, sizeof key, STR("v")));
        } else {
            OK(fastskip_put(table, STR("k"), STR("v")));
            OK(fastskip_batch_put(batch, key, sizeof key, STR("v")));
        }
        turncoat.calls = 0;
        fastskip_write(table, batch);
        fastskip_batch_free(batch);
        fastskip_table_check(table);
        ck_assert(!supply.broken);
        ck_assert_uint_le(stat_of(table, FASTSKIP_STAT_MEMORY_USED), 65536);
        fastskip_table_unref(table);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_liar");
    suite_add(suite, contradictions_end, 2 * 21);
    suite_add(suite, order_turns_within_one_write, 2);
    return suite_run(suite);
}
