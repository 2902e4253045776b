/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Threads and tables that come and go: far more of them than shards, by the ten thousand, at addresses used
 * before.
 */
#include <pthread.h>

#include "api.h"
#include "supply.h"

struct hand {
    fastskip_table *tables[2];
    pthread_barrier_t *barrier;
    uint64_t name, keys;
    int failed;
};

static void *put_keys(void *arg)
{
    struct hand *hand = arg;
    if (hand->barrier)
        pthread_barrier_wait(hand->barrier);
    for (uint64_t i = 0; i < hand->keys; i++) {
        uint64_t key = hand->name << 32 | i;
        for (int t = 0; t < 2 && hand->tables[t]; t++)
            if (fastskip_put(hand->tables[t], &key, sizeof key, &key, sizeof key) != FASTSKIP_OK)
                hand->failed = 1;
    }
    return NULL;
}

static void expect_keys(fastskip_table *table, uint64_t names, uint64_t keys)
{
    fastskip_entry entry;
    for (uint64_t name = 0; name < names; name++) {
        for (uint64_t i = 0; i < keys; i++) {
            uint64_t key = name << 32 | i;
            REQUIRE(fastskip_get(table, NULL, &key, sizeof key, &entry) == FASTSKIP_OK);
            REQUIRE(entry.value_size == sizeof key && !memcmp(entry.value, &key, sizeof key));
        }
    }
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), names * keys);
    OK(fastskip_table_check(table));
}

START_TEST(ten_thousand_short_threads_on_two_shards)
{
    enum { AT_ONCE = 5, ROUNDS = 2000 };
    fastskip_table *table = new_table((struct settings){.shards = 2});
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct hand hands[AT_ONCE];
        pthread_t threads[AT_ONCE];
        for (uint64_t i = 0; i < AT_ONCE; i++) {
            hands[i] = (struct hand){{table, NULL}, NULL, round * AT_ONCE + i, 2, 0};
            REQUIRE(pthread_create(&threads[i], NULL, put_keys, &hands[i]) == 0);
        }
        for (int i = 0; i < AT_ONCE; i++) {
            pthread_join(threads[i], NULL);
            REQUIRE(!hands[i].failed);
        }
    }
    expect_keys(table, ROUNDS * AT_ONCE, 2);
    fastskip_table_unref(table);
}
END_TEST

START_TEST(sixty_four_threads_on_one_shard)
{
    enum { N = 64 };
    fastskip_table *table = new_table((struct settings){.shards = 1});
    struct hand hands[N];
    pthread_t threads[N];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, N);
    for (uint64_t i = 0; i < N; i++) {
        hands[i] = (struct hand){{table, NULL}, &barrier, i, 300, 0};
        REQUIRE(pthread_create(&threads[i], NULL, put_keys, &hands[i]) == 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        REQUIRE(!hands[i].failed);
    }
    expect_keys(table, N, 300);
    pthread_barrier_destroy(&barrier);
    fastskip_table_unref(table);
}
END_TEST

START_TEST(three_thousand_tables_in_one_thread)
{
    fastskip_table *kept[8] = {NULL};
    for (uint32_t i = 0; i < 3000; i++) {
        fastskip_table *table = new_table((struct settings){.shards = 1 + i % 3, .memory = 64 << 20});
        REQUIRE(fastskip_put(table, &i, sizeof i, STR("v")) == FASTSKIP_OK);
        fastskip_table_unref(kept[i % 8]);
        kept[i % 8] = table;
        for (uint32_t k = 0; k < 8 && kept[k]; k++) {
            REQUIRE(fastskip_put(kept[k], STR("again"), &k, sizeof k) == FASTSKIP_OK);
            REQUIRE(stat_of(kept[k], FASTSKIP_STAT_KEYS) == 2);
        }
    }
    for (int k = 0; k < 8; k++)
        fastskip_table_unref(kept[k]);
}
END_TEST

START_TEST(tables_at_recycled_addresses)
{
    enum { N = 3, EACH = 150 };
    struct recycled recycled;
    fastskip_table *tables[2] = {NULL, NULL};
    make_recycled(&recycled);
    fastskip_options *options = recycled_options(&recycled);
    OK(fastskip_table_new(options, &tables[0]));
    for (uint32_t round = 0; round < 200; round++) {
        struct hand hands[N];
        pthread_t threads[N];
        fastskip_table **newer = &tables[(round + 1) % 2], **older = &tables[round % 2];
        OK(fastskip_options_set_shards(options, 1 + round % 5));
        OK(fastskip_table_new(options, newer));
        for (uint64_t i = 0; i < N; i++) {
            hands[i] = (struct hand){{*newer, *older}, NULL, i, EACH, 0};
            pthread_create(&threads[i], NULL, put_keys, &hands[i]);
        }
        for (int i = 0; i < N; i++) {
            pthread_join(threads[i], NULL);
            REQUIRE(!hands[i].failed);
        }
        expect_keys(*newer, N, EACH);
        expect_keys(*older, N, EACH);
        fastskip_table_unref(*older);
        *older = NULL;
    }
    fastskip_table_unref(tables[0]);
    fastskip_table_unref(tables[1]);
    fastskip_options_free(options);
    free_recycled(&recycled);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        ten_thousand_short_threads_on_two_shards,
        sixty_four_threads_on_one_shard,
        three_thousand_tables_in_one_thread,
        tables_at_recycled_addresses,
    };
    return RUN_SUITE("api_threads", tests);
}
