/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Faults that the library before this one had, each as a test that fails with its way of doing it.
 * Every test names its fault. Here those of its arena: memory, and threads that share it.
 *
 * What can not be seen through the public interface needs access to the inside: who holds which shard is seen
 * here as writes that work; pointers masked to 48 bits only where the system has addresses above 48 bits.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "api.h"
#include "crowd.h"
#include "supply.h"

struct settled {
    fastskip_table *tables[2];
    pthread_barrier_t barrier;
    atomic_int failed;
    uint32_t rounds;
};

#define SETTLED_KEYS 100

static void *write_each_round(void *arg)
{
    struct settled *settled = arg;
    static atomic_uint names;
    uint32_t name = atomic_fetch_add(&names, 1);
    unsigned char key[8];
    for (uint32_t round = 0; round < settled->rounds; round++) {
        pthread_barrier_wait(&settled->barrier);
        for (uint32_t i = 0; i < SETTLED_KEYS; i++) {
            make_key(key, i, name);
            for (int t = 0; t < 2; t++)
                if (fastskip_put(settled->tables[t], key, 8, key, 8) != FASTSKIP_OK)
                    atomic_store(&settled->failed, 1);
        }
        pthread_barrier_wait(&settled->barrier);
    }
    return NULL;
}

/* The seed remembered a thread's shard by the arena's address: a new arena at an old address gave
 * two threads one shard, and one with fewer shards a number that it did not have. */
START_TEST(fault_shard_remembered_by_address)
{
    enum { THREADS = 4 };
    static const uint32_t shards[] = {64, 1, 8, 2, 3};
    struct settled settled = {.rounds = 150};
    pthread_t threads[THREADS];
    struct recycled recycled;
    make_recycled(&recycled);
    fastskip_options *options = recycled_options(&recycled);
    pthread_barrier_init(&settled.barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, write_each_round, &settled);
    for (uint32_t round = 0; round < settled.rounds; round++) {
        for (uint32_t t = 0; t < 2; t++) {
            OK(fastskip_options_set_shards(options, shards[(round + t) % 5]));
            OK(fastskip_table_new(options, &settled.tables[t]));
        }
        pthread_barrier_wait(&settled.barrier);
        pthread_barrier_wait(&settled.barrier);
        struct crowd shape = {.threads = THREADS, .keys = SETTLED_KEYS, .pattern = INTERLEAVED};
        for (int t = 0; t < 2; t++) {
            expect_crowd(&shape, settled.tables[t]);
            fastskip_table_unref(settled.tables[t]);
        }
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert(!atomic_load(&settled.failed));
    pthread_barrier_destroy(&settled.barrier);
    fastskip_options_free(options);
    free_recycled(&recycled);
}
END_TEST

/* A key of 4 GiB and three bytes was one of three bytes. */
START_TEST(fault_lengths_cut_to_32_bits)
{
#if SIZE_MAX > UINT32_MAX
    fastskip_table *table = new_table((struct settings){0});
    size_t huge = (size_t)UINT32_MAX + 1 + 3;
    ck_assert_int_eq(fastskip_put(table, "key", huge, STR("v")), FASTSKIP_TOO_LARGE);
    ck_assert_int_eq(fastskip_put(table, STR("key"), "val", huge), FASTSKIP_TOO_LARGE);
    ck_assert_int_eq(fastskip_delete(table, "key", huge), FASTSKIP_TOO_LARGE);
    ck_assert_int_eq(fastskip_contains(table, NULL, "key", huge), FASTSKIP_TOO_LARGE);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 0);
    fastskip_table_unref(table);
#endif
}
END_TEST

static void *read_statistics(void *arg)
{
    struct crowd *crowd = arg;
    uint64_t keys = 0, now = 0;
    pthread_barrier_wait(&crowd->barrier);
    while (keys < (uint64_t)(crowd->threads - 1) * crowd->keys) {
        for (uint32_t id = 1; id <= FASTSKIP_STAT_SNAPSHOTS; id++)
            if (fastskip_table_stat(crowd->table, id, &now) != FASTSKIP_OK)
                atomic_fetch_add(&crowd->failed, 1);
        fastskip_table_stat(crowd->table, FASTSKIP_STAT_KEYS, &now);
        if (now < keys)
            atomic_fetch_add(&crowd->failed, 1);
        keys = now;
    }
    return NULL;
}

/* Seen by the thread sanitizer, and here as a sum that falls or is not reached. */
START_TEST(fault_statistics_race_with_writers)
{
    struct crowd crowd = {.threads = 4, .keys = 1500, .table = new_table((struct settings){0})};
    pthread_t threads[4];
    pthread_barrier_init(&crowd.barrier, NULL, 4);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, i ? write_in_crowd : read_statistics, &crowd);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&crowd.barrier);
    ck_assert_uint_eq(atomic_load(&crowd.failed), 0);
    ck_assert_uint_eq(stat_of(crowd.table, FASTSKIP_STAT_KEYS), 4500);
    ck_assert_uint_eq(stat_of(crowd.table, FASTSKIP_STAT_KEY_BYTES), 4500 * 8);
    fastskip_table_unref(crowd.table);
}
END_TEST

/* As high as the system goes: above 48 bits where the processor has five levels of page tables. */
static void *take_high(void *ctx, size_t size, size_t alignment)
{
    size_t *mapped = ctx;
    for (unsigned bits = sizeof(void *) == 8 ? 56 : 31; bits > 24; bits--) {
        void *wanted = (void *)(uintptr_t)(((uint64_t)1 << bits) - 2 * alignment);
        size_t room = (size + alignment - 1) / alignment * alignment;
        void *address = mmap(wanted, room, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        *mapped = room;
        if (address == wanted)
            return address;
        if (address != MAP_FAILED)
            munmap(address, room);
    }
    return NULL;
}

static void leave_high(void *ctx, void *address, size_t size)
{
    (void)size;
    munmap(address, *(size_t *)ctx);
}

START_TEST(fault_pointers_masked_to_48_bits)
{
    fastskip_options *options = new_options((struct settings){.memory = 1 << 20});
    fastskip_entry entry;
    size_t mapped = 0;
    char key[16];
    OK(fastskip_options_set_allocator(options, take_high, commit_nothing, leave_high, &mapped));
    fastskip_table *table = table_of(options);
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(table, key, key);
    }
    OK(fastskip_get(table, NULL, STR("77"), &entry));
    ck_assert_mem_eq(entry.value, "77", 2);
    OK(fastskip_table_check(table));
    fastskip_table_unref(table);
}
END_TEST

/* ---- threads --------------------------------------------------------------------------------- */

/* The thread that made the list already had the only shard. */
START_TEST(fault_panic_when_threads_outnumber_shards)
{
    for (uint32_t shards = 1; shards <= 4; shards += 3) {
        struct crowd crowd = {.threads = 16, .keys = 200};
        crowd.table = new_table((struct settings){.shards = shards});
        put(crowd.table, "", "");
        OK(fastskip_table_reset(crowd.table));
        run_crowd(&crowd);
        expect_crowd(&crowd, crowd.table);
        fastskip_table_unref(crowd.table);
    }
}
END_TEST

/* 20 short threads on 8 shards: 12 of them panicked. */
START_TEST(fault_shards_never_given_back)
{
    struct crowd crowd = {.threads = 1, .keys = 1, .pattern = INTERLEAVED};
    crowd.table = new_table((struct settings){.shards = 8});
    for (uint32_t i = 0; i < 400; i++) {
        unsigned char key[8];
        run_crowd(&crowd);
        make_key(key, 0, 0);
        OK(fastskip_delete(crowd.table, key, 8));
    }
    ck_assert_uint_eq(stat_of(crowd.table, FASTSKIP_STAT_VERSIONS), 800);
    OK(fastskip_table_check(crowd.table));
    fastskip_table_unref(crowd.table);
}
END_TEST

START_TEST(fault_thread_remembers_eight_arenas)
{
    fastskip_table *tables[40];
    char key[16];
    for (int i = 0; i < 40; i++)
        tables[i] = new_table((struct settings){.shards = 2, .memory = 1 << 20});
    for (int round = 0; round < 50; round++) {
        snprintf(key, sizeof key, "%d", round);
        for (int i = 0; i < 40; i++)
            put(tables[i], key, key);
    }
    for (int i = 0; i < 40; i++) {
        ck_assert_uint_eq(stat_of(tables[i], FASTSKIP_STAT_KEYS), 50);
        OK(fastskip_table_check(tables[i]));
        fastskip_table_unref(tables[i]);
    }
}
END_TEST

START_TEST(fault_reset_keeps_the_shard_counter)
{
    struct crowd crowd = {.threads = 4, .keys = 50};
    crowd.table = new_table((struct settings){.shards = 4});
    for (int round = 0; round < 40; round++) {
        run_crowd(&crowd);
        expect_crowd(&crowd, crowd.table);
        OK(fastskip_table_reset(crowd.table));
        ck_assert_uint_eq(stat_of(crowd.table, FASTSKIP_STAT_SHARDS), 4);
    }
    fastskip_table_unref(crowd.table);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        fault_shard_remembered_by_address,         fault_lengths_cut_to_32_bits,
        fault_statistics_race_with_writers,        fault_pointers_masked_to_48_bits,
        fault_panic_when_threads_outnumber_shards, fault_shards_never_given_back,
        fault_thread_remembers_eight_arenas,       fault_reset_keeps_the_shard_counter,
    };
    return RUN_SUITE("api_seed_arena", tests);
}
