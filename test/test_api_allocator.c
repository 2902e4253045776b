/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * How a table calls the allocator that it was given: what it asks for, how often, when, and that it gives
 * back what it got.
 */
#include <sys/mman.h>

#include "api.h"

#define PAGE 4096
#define PAGES_MOST 20000

/* Of the last reservation: nothing in it may be touched before it is committed. */
struct ledger {
    char *base;
    size_t size, alignment;
    unsigned reserved, committed, released;
    int outside; /* a range that was not reserved, or a release of something else */
    unsigned char usable[PAGES_MOST];
};

static void *reserve(void *ctx, size_t size, size_t alignment)
{
    struct ledger *ledger = ctx;
    char *start = mmap(NULL, size + alignment + PAGE, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert(start != MAP_FAILED);
    ledger->reserved++;
    ledger->size = size;
    ledger->alignment = alignment;
    ledger->base = start + (alignment - (uintptr_t)start % alignment) % alignment;
    memset(ledger->usable, 0, sizeof ledger->usable);
    return ledger->base;
}

/* What becomes usable is of any content, and not that of before. */
static int32_t commit(void *ctx, void *address, size_t size)
{
    struct ledger *ledger = ctx;
    char *start = address;
    ledger->committed++;
    if (start < ledger->base || size > (size_t)(ledger->base + ledger->size - start)) {
        ledger->outside = 1;
        return -1;
    }
    size_t first = (size_t)(start - ledger->base) / PAGE;
    size_t last = ((size_t)(start - ledger->base) + size - 1) / PAGE;
    for (size_t page = first; page <= last && page < PAGES_MOST; page++) {
        char *p = ledger->base + page * PAGE;
        if (ledger->usable[page]++)
            continue;
        if (mprotect(p, PAGE, PROT_READ | PROT_WRITE) != 0)
            return -1;
        memset(p, 0xaa, PAGE);
    }
    return 0;
}

/* The addresses stay taken, so that a use after it is seen as one. */
static void release(void *ctx, void *address, size_t size)
{
    struct ledger *ledger = ctx;
    ledger->released++;
    if (address != ledger->base || size != ledger->size)
        ledger->outside = 1;
    mprotect(address, size, PROT_NONE);
}

/* One shard: with more, how much fits depends on which processors the thread ran on. */
static fastskip_table *table_from(struct ledger *ledger, uint64_t limit)
{
    fastskip_options *options = new_options((struct settings){.memory = limit, .shards = 1});
    memset(ledger, 0, sizeof *ledger);
    OK(fastskip_options_set_allocator(options, reserve, commit, release, ledger));
    return table_of(options);
}

/* Of so many keys, with a value for each; how many there was room for. */
static uint32_t fill(fastskip_table *table, uint32_t keys)
{
    static const char value[100];
    uint32_t key = 0;
    while (key < keys && fastskip_put(table, &key, sizeof key, value, sizeof value) == FASTSKIP_OK)
        key++;
    return key;
}

START_TEST(region_is_reserved_as_promised)
{
    static const uint64_t limits[] = {65536, 65537, 1 << 20, (1 << 22) + 4097};
    for (int i = 0; i < 4; i++) {
        struct ledger ledger;
        fastskip_table *table = table_from(&ledger, limits[i]);
        ck_assert_uint_eq(ledger.reserved, 1);
        ck_assert_uint_ge(ledger.alignment, 1);
        ck_assert_uint_eq(ledger.alignment & (ledger.alignment - 1), 0);
        ck_assert_uint_ge(ledger.size, limits[i]);
        fill(table, UINT32_MAX);
        ck_assert_uint_eq(ledger.reserved, 1);
        ck_assert_uint_ge(ledger.committed, 1);
        OK(fastskip_table_check(table));
        fastskip_table_unref(table);
        ck_assert_uint_eq(ledger.released, 1);
        ck_assert(!ledger.outside);
    }
}
END_TEST

/* Memory is taken as it is used: a small table of a large limit commits little. */
START_TEST(region_is_committed_as_it_is_used)
{
    struct ledger ledger;
    fastskip_table *table = table_from(&ledger, 64 << 20);
    uint64_t before = stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED);
    ck_assert_uint_le(before, 65536);
    fill(table, 20000);
    uint64_t after = stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED);
    ck_assert_uint_gt(after, before);
    ck_assert_uint_le(after, 16 << 20);
    drop(table);
    ck_assert(!ledger.outside);
}
END_TEST

/* Not before: whoever holds a snapshot or an iterator reads on. */
START_TEST(region_goes_with_the_last_reference)
{
    struct ledger ledger;
    fastskip_table *table = table_from(&ledger, 1 << 20);
    fastskip_snapshot *snapshot = NULL;
    fastskip_iterator *it = NULL;
    fastskip_entry entry;
    put(table, "k", "v");
    OK(fastskip_table_ref(table));
    OK(fastskip_snapshot_new(table, &snapshot));
    OK(fastskip_iterator_new(table, snapshot, 0, &it));
    OK(fastskip_iterator_seek_first(it));
    OK(fastskip_iterator_entry(it, &entry));
    fastskip_table_unref(table);
    fastskip_table_unref(table);
    fastskip_snapshot_free(snapshot);
    ck_assert_uint_eq(ledger.released, 0);
    ck_assert(is_entry(&entry, "k", "v"));
    fastskip_iterator_free(it);
    ck_assert_uint_eq(ledger.released, 1);
    ck_assert(!ledger.outside);
}
END_TEST

/* The memory of a table that is emptied is kept, and is enough for the same again. */
START_TEST(reset_keeps_the_region)
{
    struct ledger ledger;
    fastskip_table *table = table_from(&ledger, 1 << 20);
    uint32_t first = fill(table, UINT32_MAX);
    unsigned committed = ledger.committed;
    for (int i = 0; i < 3; i++) {
        OK(fastskip_table_reset(table));
        ck_assert_uint_eq(fill(table, UINT32_MAX), first);
    }
    ck_assert_uint_eq(ledger.reserved, 1);
    ck_assert_uint_eq(ledger.released, 0);
    ck_assert_uint_eq(ledger.committed, committed);
    drop(table);
    ck_assert_uint_eq(ledger.released, 1);
}
END_TEST

START_TEST(rotate_asks_the_same_allocator)
{
    struct ledger ledger;
    fastskip_table *table = table_from(&ledger, 1 << 20), *fresh = NULL;
    put(table, "k", "v");
    OK(fastskip_table_rotate(table, &fresh));
    ck_assert_uint_eq(ledger.reserved, 2);
    put(fresh, "k", "v");
    fastskip_table_unref(fresh);
    ck_assert_uint_eq(ledger.released, 1);
    ck_assert(!ledger.outside);
    fastskip_table_unref(table);
    ck_assert_uint_eq(ledger.released, 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        region_is_reserved_as_promised,      region_is_committed_as_it_is_used,
        region_goes_with_the_last_reference, reset_keeps_the_region,
        rotate_asks_the_same_allocator,
    };
    return RUN_SUITE("api_allocator", tests);
}
