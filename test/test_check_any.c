/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_check_any.c - lib/check ends whatever bytes are damaged, and does not leave the memory in use; and it
 * finds nothing in a sound table, also while others write.
 */
#include "checks.h"

#if defined(__SANITIZE_ADDRESS__)
#define POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON 1
#endif
#endif
#ifdef POISON
#include <sanitizer/asan_interface.h>
#endif

/* ---- any damage ---- */

/* Nothing but what is in use can be touched while the check runs. */
static void fence(int on)
{
    uint64_t taken = fsk_arena_taken(&t->arena), page = 65536;
    uint64_t from = (taken + page - 1) / page * page, end = fsk_arena_committed(&t->arena);
#ifdef POISON
    if (on)
        __asan_poison_memory_region(t->arena.base + taken, (size_t)(end - taken));
    else
        __asan_unpoison_memory_region(t->arena.base + taken, (size_t)(end - taken));
#endif
    if (end > from)
        mprotect(t->arena.base + from, (size_t)(end - from),
                 on ? PROT_NONE : PROT_READ | PROT_WRITE);
}

/* Some bytes anywhere; or words put where other words were, which are more likely to look sound. */
static void damage(uint64_t *state, uint64_t size)
{
    unsigned n = 1 + draw_below(state, 4);
    char *base = t->arena.base;
    for (; n > 0; n--) {
        uint64_t to = 64 + draw(state) % (size - 64), from = 64 + draw(state) % (size - 64);
        if (draw_below(state, 3) == 0)
            base[to] = (char)draw(state);
        else
            memcpy(base + to / 4 * 4, base + from / 4 * 4, 4);
    }
}

START_TEST(any_damage)
{
    static const unsigned keys[] = {3, 30, 300};
    for (int round = 0; round < 6; round++) {
        uint64_t state = (uint64_t)round, size;
        unsigned found = 0, times = scaled_alone(2500);
        char *copy;
        build(round % 2, keys[round / 2]);
        size = fsk_arena_taken(&t->arena);
        copy = malloc((size_t)size);
        memcpy(copy, t->arena.base, (size_t)size);
        /* Most of a chunk is empty: the end of what is in use is drawn in. */
        for (int kind = 0; kind < FSK_KINDS && round < 2; kind++)
            if (t->arena.shard[0].chunk[kind].end == size)
                size = t->arena.shard[0].chunk[kind].cursor;
        fsk_init64(&t->arena.taken, size);
        ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
        fence(1);
        for (unsigned i = 0; i < times; i++) {
            fastskip_status status;
            damage(&state, size);
            status = fsk_table_check(t);
            REQUIRE(status == FASTSKIP_OK || status == FASTSKIP_CORRUPT);
            found += status == FASTSKIP_CORRUPT;
            memcpy(t->arena.base, copy, (size_t)size);
        }
        fence(0);
        ck_assert_uint_gt(found, times / 100);
        free(copy);
        drop();
    }
}
END_TEST

/* ---- beside writers: what holds at every instant ---- */

static void *write_and_check(void *context)
{
    unsigned number = *(unsigned *)context;
    for (unsigned i = 0; i < 1500; i++)
        if (number == 0 && i < 20)
            REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
        else if (number != 0)
            REQUIRE_EQ(put(t, i * number * 13 % 1000, i), FASTSKIP_OK);
    return NULL;
}

START_TEST(beside_writers)
{
    unsigned numbers[] = {0, 1, 2, 3};
    build(0, 10);
    run_threads(4, write_and_check, numbers, sizeof *numbers);
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
    drop();
}
END_TEST

#ifdef FSK_TEST_HOOK

/* A check, or a read that is checked, stops anywhere while another writes much: where it goes on, ways are longer than all that was
 * there when it began. */
enum { KEYS = 4, MANY = 600 };

static void check_now(void *context)
{
    *(fastskip_status *)context = fsk_table_check(t);
}

/* The first key, through checks; in caller's mode below all its numbers. */
static void read_now(void *context)
{
    fastskip_entry e;
    uint8_t key[KEY_ROOM];
    size_t size = key_make(key, KEYS_DECIMAL, 1000 * KEYS);
    fastskip_status status = fsk_table_get(t, t->caller ? 1 : FSK_LATEST, key, size, 1, &e);
    *(fastskip_status *)context = status == FASTSKIP_NOT_FOUND ? FASTSKIP_OK : status;
}

/* Each key goes into the first leaf, which is split again and again: the way from what it was is long. */
static void write_downwards(void *context)
{
    (void)context;
    for (unsigned i = 0; i < MANY; i++)
        REQUIRE_EQ(put(t, 1000 * KEYS - 1 - i, i), FASTSKIP_OK);
}

/* Below what there is of a key, so that the chain is longer than it was. */
static void number_downwards(void *context)
{
    (void)context;
    for (unsigned i = 0; i < MANY; i++)
        REQUIRE_EQ(put_at(t, 5000 - i, 1000 * KEYS, i), FASTSKIP_OK);
}

START_TEST(stopped_while_much_is_written)
{
    for (int which = 0; which < 4; which++) {
        int interrupts = 1, caller = which % 2, reads = which / 2;
        for (long point = 0; interrupts; point++) {
            struct fastskip_options o = options_of(MIB, 1);
            fastskip_status status = FASTSKIP_BUSY;
            o.block_size = 4 * KIB;
            o.sequence_mode = (uint32_t)caller;
            o.checksum = reads ? 4 : 0;
            o.paranoid = (uint32_t)reads;
            t = table_of(&o);
            keys_of_table = KEYS_DECIMAL;
            for (unsigned i = 0; i < KEYS; i++)
                put_at(t, 9000 - i, 1000 * (KEYS + i), i);
            interrupts = interrupted(point, reads ? read_now : check_now, &status,
                                     caller ? number_downwards : write_downwards, NULL);
            REQUIRE_EQ(status, FASTSKIP_OK);
            drop();
        }
    }
}
END_TEST

#endif

int main(void)
{
    const TTest *const tests[] = {
        any_damage,
        beside_writers,
#ifdef FSK_TEST_HOOK
        stopped_while_much_is_written,
#endif
    };
    return RUN_SUITE("check any", tests);
}
