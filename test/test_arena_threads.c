/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_arena_threads.c - lib/arena with many threads: more of them than shards, threads that come and go
 * by the thousand, arenas that do.  Every writer fills what it was given with a number of its own, so
 * that two owners of one byte are seen.
 */
#include "arenas.h"

#include <time.h>

#define BLOCK 384u

static region_source source;

static void make(uint64_t limit, uint64_t chunk, uint32_t shards)
{
    arena_make(limit, chunk, shards, &source);
}

/* ---- pieces and their owners ---- */

typedef struct {
    fsk_ref ref;
    uint32_t size;
    uint64_t tag;
} piece;

static void piece_fill(const piece *p)
{
    uint64_t *words = fsk_arena_at(&arena, p->ref);
    for (uint32_t i = 0; i < p->size / 8; i++)
        words[i] = p->tag;
}

static int piece_intact(const piece *p)
{
    const uint64_t *words = fsk_arena_at(&arena, p->ref);
    for (uint32_t i = 0; i < p->size / 8; i++)
        if (words[i] != p->tag)
            return 0;
    return 1;
}

typedef struct {
    unsigned number, operations;
    piece *kept;
    unsigned kept_count, refused;
    uint64_t bytes;
} owner;

static void keep(owner *o, const piece *p)
{
    o->kept[o->kept_count++] = *p;
    o->bytes += p->size;
}

/* What writes do with the arena: some pieces that stay, some that go back, blocks that are left over. */
static void operate(owner *o, uint64_t *state)
{
    piece made[6];
    unsigned n = 0, count = 1 + draw_below(state, 6), stay;
    fsk_writer w;
    fsk_arena_enter(&arena, &w);
    for (; n < count; n++) {
        piece *p = &made[n];
        int block = draw_below(state, 4) == 0;
        p->size = block ? BLOCK : 8 + 8 * draw_below(state, draw_below(state, 16) ? 30 : 600);
        p->tag = (uint64_t)o->number << 40 | (uint64_t)o->kept_count << 8 | n;
        p->ref = block ? fsk_arena_spare_take(&w, BLOCK) : 0;
        if (p->ref == 0)
            p->ref = fsk_arena_alloc(&w, block ? FSK_LEAVES : FSK_ENTRIES, p->size,
                                     block ? FSK_LINE : FSK_UNIT);
        if (p->ref == 0) {
            REQUIRE(w.status == FASTSKIP_FULL || w.status == FASTSKIP_NO_MEMORY);
            o->refused++;
            break;
        }
        REQUIRE((uint64_t)p->ref * FSK_UNIT + p->size <= arena.limit);
        piece_fill(p);
    }
    stay = draw_below(state, n + 1);
    for (unsigned i = 0; i < n; i++)
        REQUIRE(piece_intact(&made[i]));
    while (n > stay) {
        piece *p = &made[--n];
        if (p->size == BLOCK)
            fsk_arena_spare_leave(&w, p->ref, BLOCK);
        else
            fsk_arena_give_back(&w, p->ref, p->size);
    }
    while (n > 0)
        keep(o, &made[--n]);
    fsk_arena_count(&w, FSK_COUNT_VERSIONS, 1);
    fsk_arena_leave(&w);
}

static void *owner_body(void *context)
{
    owner *o = context;
    uint64_t state = o->number * 77 + 5;
    for (unsigned i = 0; i < o->operations; i++)
        operate(o, &state);
    return NULL;
}

/* Every piece is still its owner's, and the figures are the sums. */
static void verify(const owner *owners, unsigned n)
{
    uint64_t bytes = 0, operations = 0;
    for (unsigned i = 0; i < n; i++) {
        for (unsigned j = 0; j < owners[i].kept_count; j++)
            REQUIRE(piece_intact(&owners[i].kept[j]));
        bytes += owners[i].bytes;
        operations += owners[i].operations;
    }
    REQUIRE_EQ(fsk_arena_total(&arena, FSK_COUNT_VERSIONS), operations);
    /* To the byte: what was given back is not used, or is known to be wasted. */
    REQUIRE_EQ(fsk_arena_total(&arena, FSK_COUNT_USED) - fsk_arena_total(&arena, FSK_COUNT_WASTED),
               bytes);
    REQUIRE(fsk_arena_taken(&arena) <= arena.limit);
    REQUIRE(fsk_arena_total(&arena, FSK_COUNT_USED) <= arena.limit);
    REQUIRE_EQ(fsk_load32_seq(&arena.overflow), 0);
    for (uint32_t i = 0; i < arena.shards; i++)
        REQUIRE_EQ(fsk_load32_seq(&arena.shard[i].busy), 0);
}

static owner *owners_new(unsigned n, unsigned operations)
{
    owner *owners = calloc(n, sizeof *owners);
    for (unsigned i = 0; i < n; i++) {
        owners[i].number = i + 1;
        owners[i].operations = operations;
        owners[i].kept = calloc(operations * 6 + 1, sizeof(piece));
    }
    return owners;
}

static void owners_free(owner *owners, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        free(owners[i].kept);
    free(owners);
}

static unsigned race(unsigned threads, uint32_t shards, uint64_t limit, uint64_t chunk,
                     unsigned operations)
{
    owner *owners = owners_new(threads, operations);
    unsigned refused = 0;
    make(limit, chunk, shards);
    run_threads(threads, owner_body, owners, sizeof *owners);
    verify(owners, threads);
    for (unsigned i = 0; i < threads; i++)
        refused += owners[i].refused;
    fsk_arena_destroy(&arena);
    owners_free(owners, threads);
    return refused;
}

/* ---- tests ---- */

START_TEST(threads_outnumber_shards)
{
    for (uint32_t shards = 1; shards <= 3; shards++)
        ck_assert_uint_eq(race(64, shards, 256 * MIB, 0, scaled(100)), 0);
    ck_assert_uint_eq(race(8, 64, 256 * MIB, 4 * KIB, scaled(300)), 0);
}
END_TEST

/* Threads race for the end of the region: nobody passes it, nobody's bytes are another's. */
START_TEST(threads_race_for_the_last_bytes)
{
    for (unsigned i = 0; i < scaled(6); i++) {
        uint64_t limit = 256 * KIB + 13 * i;
        ck_assert_uint_gt(race(8, 1 + i % 3, limit, i % 2 ? 4 * KIB : 0, 400), 0);
    }
}
END_TEST

static void *take_eights(void *context)
{
    owner *o = context;
    fsk_writer w;
    fsk_ref ref;
    do {
        fsk_arena_enter(&arena, &w);
        ref = fsk_arena_alloc(&w, FSK_ENTRIES, 8, FSK_UNIT);
        if (ref != 0) {
            piece p = {ref, 8, o->number};
            REQUIRE((uint64_t)ref * FSK_UNIT + 8 <= arena.limit);
            piece_fill(&p);
            o->bytes += 8;
        }
        fsk_arena_leave(&w);
    } while (ref != 0);
    return NULL;
}

START_TEST(the_last_byte_can_be_had)
{
    owner owners[9];
    uint64_t bytes = 0;
    memset(owners, 0, sizeof owners);
    make(100003, 4 * KIB, 3);
    run_threads(8, take_eights, owners, sizeof *owners);
    take_eights(&owners[8]); /* what one missed while another had the shard */
    for (int i = 0; i < 9; i++)
        bytes += owners[i].bytes;
    /* A chunk after a piece taken straight from the region begins on the next line. */
    ck_assert_uint_le(bytes, 100003 / 8 * 8 - FSK_LINE);
    ck_assert_uint_ge(bytes, 100003 / 8 * 8 - FSK_LINE - 25 * (FSK_LINE - 8));
    ck_assert_uint_eq(fsk_arena_total(&arena, FSK_COUNT_USED), bytes);
    fsk_arena_destroy(&arena);
}
END_TEST

START_TEST(the_system_refuses_racing_threads)
{
    for (uint32_t n = 1; n < 40; n += 3) {
        memset(&source, 0, sizeof source);
        source.fail_at = n;
        source.fail_on = n % 2;
        race(4, 2, 4 * MIB, 16 * KIB, 200);
    }
}
END_TEST

/* Ten thousand threads that each write once: none leaves anything behind. */
START_TEST(threads_come_and_go)
{
    unsigned rounds = scaled(1250);
    owner *owners = owners_new(8, rounds);
    make(128 * MIB, 4 * KIB, 3);
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < 8; i++)
            owners[i].operations = 1;
        run_threads(8, owner_body, owners, sizeof *owners);
    }
    for (unsigned i = 0; i < 8; i++)
        owners[i].operations = rounds;
    verify(owners, 8);
    fsk_arena_destroy(&arena);
    owners_free(owners, 8);
}
END_TEST

/* Two threads that stay, while arenas of ever other sizes come and go at one address: a shard that was
 * remembered for the last one would now have two owners, or not exist. */
static pthread_barrier_t barrier;

static void *stay(void *context)
{
    owner *o = context;
    for (unsigned round = 0; round < o->operations; round++) {
        piece p = {0, 512, (uint64_t)round << 8 | o->number};
        fsk_writer w;
        pthread_barrier_wait(&barrier); /* the arena is there */
        fsk_arena_enter(&arena, &w);
        p.ref = fsk_arena_alloc(&w, FSK_ENTRIES, p.size, FSK_UNIT);
        REQUIRE(p.ref != 0);
        piece_fill(&p);
        pthread_barrier_wait(&barrier); /* both are inside */
        REQUIRE(piece_intact(&p));
        o->kept[0].ref = w.shard != NULL ? (fsk_ref)(w.shard - arena.shard) + 1 : 0;
        pthread_barrier_wait(&barrier);
        fsk_arena_leave(&w);
        pthread_barrier_wait(&barrier); /* both are out */
    }
    return NULL;
}

START_TEST(arenas_come_and_go_under_threads)
{
    unsigned rounds = scaled(500);
    owner *owners = owners_new(2, rounds);
    pthread_t threads[2];
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 3), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, stay, &owners[i]), 0);
    for (unsigned round = 0; round < rounds; round++) {
        static const uint32_t shards[] = {8, 1, 3, 2};
        make(128 * KIB, 4 * KIB, shards[round % 4]);
        for (int step = 0; step < 3; step++)
            pthread_barrier_wait(&barrier);
        REQUIRE(owners[0].kept[0].ref <= arena.shards && owners[1].kept[0].ref <= arena.shards);
        REQUIRE(owners[0].kept[0].ref != owners[1].kept[0].ref);
        pthread_barrier_wait(&barrier);
        REQUIRE_EQ(fsk_arena_total(&arena, FSK_COUNT_USED), 1024);
        fsk_arena_destroy(&arena);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
    owners_free(owners, 2);
}
END_TEST

/* The figures are read while others write: they never go back, and never pass the limit. */
static fsk_atomic32 finished;

static void *watch(void *context)
{
    uint64_t last[FSK_COUNTERS] = {0};
    (void)context;
    while (fsk_load32_seq(&finished) == 0) {
        for (int c = 0; c < FSK_COUNTERS; c++) {
            uint64_t now = fsk_arena_total(&arena, (fsk_counter)c);
            REQUIRE(now >= last[c]);
            last[c] = now;
        }
        REQUIRE(last[FSK_COUNT_USED] <= arena.limit);
        REQUIRE(fsk_arena_taken(&arena) <= arena.limit);
        REQUIRE(fsk_arena_committed(&arena) <= arena.limit);
    }
    return NULL;
}

START_TEST(figures_are_read_beside_writers)
{
    owner *owners = owners_new(6, scaled(1000));
    pthread_t watcher;
    make(3 * MIB, 0, 2);
    fsk_init32(&finished, 0);
    ck_assert_int_eq(pthread_create(&watcher, NULL, watch, NULL), 0);
    run_threads(6, owner_body, owners, sizeof *owners);
    fsk_exchange32_seq(&finished, 1);
    pthread_join(watcher, NULL);
    verify(owners, 6);
    fsk_arena_destroy(&arena);
    owners_free(owners, 6);
}
END_TEST

static void *drain(void *context)
{
    (void)context;
    fsk_arena_drain(&arena);
    fsk_exchange32_seq(&finished, 1);
    return NULL;
}

/* Draining waits for those with a shard and for those without one. */
START_TEST(drain_waits_for_every_writer)
{
    const struct timespec moment = {0, 10 * 1000 * 1000};
    for (int last = 0; last < 3; last++) {
        fsk_writer w[3];
        pthread_t waiting;
        make(MIB, 4 * KIB, 2);
        fsk_init32(&finished, 0);
        for (int i = 0; i < 3; i++)
            fsk_arena_enter(&arena, &w[i]);
        ck_assert_int_eq(pthread_create(&waiting, NULL, drain, NULL), 0);
        for (int i = 0; i < 3; i++)
            if (i != last)
                fsk_arena_leave(&w[i]);
        nanosleep(&moment, NULL);
        ck_assert_uint_eq(fsk_load32_seq(&finished), 0);
        fsk_arena_leave(&w[last]);
        pthread_join(waiting, NULL);
        ck_assert_uint_eq(fsk_load32_seq(&finished), 1);
        fsk_arena_destroy(&arena);
    }
}
END_TEST

#ifdef FSK_TEST_HOOK

static owner *first, *second;
static uint64_t first_state, second_state;

static void first_operates(void *context)
{
    uint64_t state = first_state;
    (void)context;
    for (int i = 0; i < 3; i++)
        operate(first, &state);
}

static void second_operates(void *context)
{
    uint64_t state = second_state;
    (void)context;
    for (int i = 0; i < 3; i++)
        operate(second, &state);
}

static void prepare(unsigned seed, int tight)
{
    uint64_t state = seed;
    make(tight ? 64 * KIB : MIB, 4 * KIB, 1 + seed % 2);
    if (tight) { /* a few kilobytes are left */
        fsk_writer w;
        fsk_arena_enter(&arena, &w);
        fsk_arena_alloc_exact(&w, 56 * KIB, FSK_UNIT);
        fsk_arena_count(&w, FSK_COUNT_WASTED, 56 * KIB);
        fsk_arena_leave(&w);
    }
    first->kept_count = second->kept_count = 0;
    first->bytes = second->bytes = 0;
    first_state = draw(&state);
    second_state = draw(&state);
}

/* One writer is interrupted at each of its accesses by another that runs to its end. */
START_TEST(interrupted_anywhere)
{
    owner *owners = owners_new(2, 3);
    first = &owners[0];
    second = &owners[1];
    for (unsigned seed = 0; seed < scaled_alone(60); seed++) {
        int going = 1;
        for (long point = 0; going; point++) {
            prepare(seed, seed % 3 == 0);
            going = interrupted(point, first_operates, NULL, second_operates, NULL);
            first->operations = 3;
            second->operations = going ? 3 : 0;
            verify(owners, 2);
            fsk_arena_destroy(&arena);
        }
    }
    owners_free(owners, 2);
}
END_TEST

/* A writer that never goes on keeps its shard; what it had is nobody else's, and the others go on. */
START_TEST(abandoned_anywhere)
{
    owner *owners = owners_new(2, 3);
    first = &owners[0];
    second = &owners[1];
    for (unsigned seed = 0; seed < scaled_alone(40); seed++)
        for (long point = 0, left = 1; left; point++) {
            prepare(seed, 0);
            left = abandoned(point, first_operates, NULL);
            for (unsigned i = 0; i < 10; i++) {
                second->kept_count = 0;
                second_state++;
                second_operates(NULL);
                for (unsigned j = 0; j < second->kept_count; j++)
                    REQUIRE(piece_intact(&second->kept[j]));
            }
            for (unsigned j = 0; j < first->kept_count; j++)
                REQUIRE(piece_intact(&first->kept[j]));
            fsk_arena_destroy(&arena);
        }
    ck_assert_uint_eq(first->refused + second->refused, 0);
    owners_free(owners, 2);
}
END_TEST

#endif

int main(void)
{
    const TTest *const tests[] = {
        threads_outnumber_shards,
        threads_race_for_the_last_bytes,
        the_last_byte_can_be_had,
        the_system_refuses_racing_threads,
        threads_come_and_go,
        arenas_come_and_go_under_threads,
        figures_are_read_beside_writers,
        drain_waits_for_every_writer,
#ifdef FSK_TEST_HOOK
        interrupted_anywhere,
        abandoned_anywhere,
#endif
    };
    return RUN_SUITE("arena threads", tests);
}
