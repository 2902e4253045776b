/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_version_races.c - lib/version when writes, batches, conditions and snapshots meet.
 *
 * One operation is interrupted at each of its accesses by up to four others, on two keys and batches
 * over both of them.  Whatever they answered must be what they would have answered one after another,
 * with the interrupted one in one place among the others; and a snapshot read again must answer what it
 * did before.  Then threads.
 */
#include "versions.h"

#define KEYS 2

static fsk_ref entry[KEYS];

#ifdef FSK_TEST_HOOK

/* Reads both keys at a snapshot, as single reads do. */
static void read_both(uint64_t limit, unsigned *values)
{
    for (int k = 0; k < KEYS; k++)
        values[k] = read_at(entry[k], limit);
}

static void write_batch(unsigned number, uint32_t kind)
{
    fsk_ref record = record_make(), version[KEYS];
    uint64_t stamp;
    for (int k = 0; k < KEYS; k++)
        version[k] = push_batch(entry[k], kind, record, number);
    stamp = fsk_record_commit(&now, record);
    for (int k = 0; k < KEYS; k++)
        fsk_version_settle(&now, version[k], stamp);
}

/* ---- operations, and what they mean ---- */

/* OPEN leaves a batch pending for ever. */
typedef enum {
    PUT,
    DELETE,
    INSERT,
    BATCH,
    OPEN,
    COMMIT,
    ABORT,
    READ,
    SNAPSHOT,
    KINDS
} kind_of_operation;

#define OTHERS_MOST 4

typedef struct {
    kind_of_operation kind;
    int key;
    unsigned number; /* what it writes; which of the pending batches */
    /* Its answer. */
    int done, exists, owned;
    unsigned read[KEYS];
    uint64_t snapshot;
} operation;

static struct {
    fsk_ref record, version[KEYS];
    unsigned number;
} pending[2];

typedef struct {
    unsigned value[KEYS];
} model;

static void perform(void *context)
{
    operation *x = context;
    fsk_ref ref;
    switch (x->kind) {
    case PUT:
        push(entry[x->key], x->number);
        break;
    case DELETE:
        push_as(entry[x->key], FASTSKIP_DELETE, 0, 0, 0, &ref);
        break;
    case INSERT:
        x->exists = push_as(entry[x->key], FASTSKIP_PUT, 0, 1, x->number, &ref) != PUSHED;
        break;
    case BATCH:
        write_batch(x->number, x->number % 3 ? FASTSKIP_PUT : FASTSKIP_DELETE);
        break;
    case OPEN:
        ref = record_make();
        for (int k = 0; k < KEYS; k++)
            push_batch(entry[k], FASTSKIP_PUT, ref, x->number);
        break;
    case COMMIT:
    case ABORT:
        if (pending[x->number].record != 0) {
            fsk_ref record = pending[x->number].record;
            uint64_t stamp = FSK_NEVER;
            pending[x->number].record = 0; /* it has one owner, and this is it now */
            x->owned = 1;
            if (x->kind == ABORT)
                fsk_record_abort(&now, record);
            else
                stamp = fsk_record_commit(&now, record);
            for (int k = 0; k < KEYS; k++)
                fsk_version_settle(&now, pending[x->number].version[k], stamp);
        }
        break;
    case READ:
        x->read[0] = read_now(entry[x->key]);
        break;
    default:
        x->snapshot = fsk_clock_snapshot(&now);
        read_both(x->snapshot, x->read);
        break;
    }
    x->done = 1;
}

/* Applies the operation to the model; 0: it would not have answered as it did. */
static int apply(model *m, const operation *x)
{
    unsigned *value = &m->value[x->key];
    switch (x->kind) {
    case PUT:
        *value = x->number;
        return 1;
    case DELETE:
        *value = DELETED;
        return 1;
    case INSERT:
        if (*value != DELETED && *value != NOTHING)
            return !x->done || x->exists;
        *value = x->number;
        return !x->done || !x->exists;
    case BATCH:
        m->value[0] = m->value[1] = x->number % 3 ? x->number : DELETED;
        return 1;
    case OPEN: /* seen by nobody */
        return 1;
    case COMMIT:
    case ABORT:
        if (x->owned && x->kind == COMMIT)
            m->value[0] = m->value[1] = pending[x->number].number;
        return 1;
    case READ:
        return !x->done || x->read[0] == *value;
    default:
        return !x->done || memcmp(x->read, m->value, sizeof x->read) == 0;
    }
}

/* ---- histories ---- */

static struct {
    model before;
    operation first, other[OTHERS_MOST];
    unsigned others;
} history;

static void draw_operation(operation *x, uint64_t *state, unsigned number)
{
    memset(x, 0, sizeof *x);
    x->kind = (kind_of_operation)draw_below(state, KINDS);
    x->key = (int)draw_below(state, KEYS);
    x->number = x->kind == COMMIT || x->kind == ABORT ? draw_below(state, 2) : number;
}

/* Some versions, with two batches pending somewhere among them. */
static void prepare(unsigned seed)
{
    uint64_t state = seed;
    unsigned above = draw_below(&state, 4);
    versions_make(1 << 20);
    memset(&history, 0, sizeof history);
    for (int i = 0; i < 2; i++) {
        pending[i].record = record_make();
        pending[i].number = 100 + (unsigned)i;
    }
    for (int k = 0; k < KEYS; k++) {
        /* The first key may have been made by the first of them. */
        int made = k == 0 && seed % 2;
        entry[k] = entry_make(
            made ? fsk_word_of_batch(FASTSKIP_PUT, pending[0].record)
                 : fsk_word_single(draw_below(&state, 2) ? FASTSKIP_DELETE : FASTSKIP_PUT),
            100);
        read_now(entry[k]);
        pending[0].version[k] =
            made ? entry[k] : push_batch(entry[k], FASTSKIP_PUT, pending[0].record, 100);
        if (above & 1)
            push(entry[k], 50);
        pending[1].version[k] = push_batch(entry[k], FASTSKIP_PUT, pending[1].record, 101);
        if (above & 2)
            push(entry[k], 51);
        history.before.value[k] = read_now(entry[k]);
    }
    draw_operation(&history.first, &state, 60);
    history.others = 1 + draw_below(&state, OTHERS_MOST);
    for (unsigned i = 0; i < history.others; i++)
        draw_operation(&history.other[i], &state, 61 + i);
}

static void perform_others(void *context)
{
    (void)context;
    for (unsigned i = 0; i < history.others; i++)
        perform(&history.other[i]);
}

/* Is there a place for the first among the others?  `absent`: or none at all. */
static int has_order(const unsigned *after, int absent)
{
    for (unsigned place = 0; place <= history.others + (unsigned)absent; place++) {
        model m = history.before;
        int good = 1;
        for (unsigned i = 0; i <= history.others && good; i++) {
            if (i == place)
                good = apply(&m, &history.first);
            if (i < history.others && good)
                good = apply(&m, &history.other[i]);
        }
        if (good && memcmp(m.value, after, sizeof m.value) == 0)
            return 1;
    }
    return 0;
}

/* What every version there is says must be what reads say. */
static void chains_verify(const unsigned *after)
{
    for (int k = 0; k < KEYS; k++) {
        fsk_seen seen[32];
        size_t n = fsk_version_all(&now, entry[k], FSK_LATEST, 0, seen, 32);
        REQUIRE(n <= 32 && (n == 0) == (after[k] == NOTHING));
        if (n > 0)
            REQUIRE_EQ(number_in(entry[k], &seen[0]), after[k]);
        for (size_t i = 1; i < n; i++)
            REQUIRE(seen[i - 1].stamp >= seen[i].stamp);
    }
}

/* Beside what the test took there is memory for the lists that versions have, and for nothing else. */
static void memory_verify(void)
{
    fsk_ref lists[64];
    unsigned n = 0;
    uint64_t bytes = fsk_load64_relaxed(&allocated) + fsk_arena_total(&arena, FSK_COUNT_WASTED);
    for (int k = 0; k < KEYS; k++) {
        for (fsk_ref ref = fsk_version_head(&now, entry[k], newest_of(entry[k])); ref != entry[k];
             ref = fsk_load32_seq(&fsk_version_at(&now.space, ref)->older)) {
            fsk_ref list = fsk_version_at(&now.space, ref)->list;
            unsigned i = 0;
            while (i < n && lists[i] != list)
                i++;
            if (list != 0 && i == n) {
                const fsk_list_below *l =
                    (const void *)(now.space.base + (uint64_t)list * FSK_UNIT);
                REQUIRE(n < 64);
                lists[n++] = list;
                bytes += sizeof *l + l->room * sizeof l->member[0];
            }
        }
    }
    REQUIRE_EQ(fsk_arena_total(&arena, FSK_COUNT_USED), bytes);
}

static void verify(int abandoned)
{
    unsigned after[KEYS], again[KEYS];
    read_both(FSK_LATEST, after);
    REQUIRE(has_order(after, abandoned));
    chains_verify(after);
    if (!abandoned)
        memory_verify();
    for (int k = 0; k < KEYS; k++)
        push(entry[k], 70);
    write_batch(71, FASTSKIP_PUT);
    for (unsigned i = 0; i <= history.others; i++) {
        const operation *x = i < history.others ? &history.other[i] : &history.first;
        if (x->kind != SNAPSHOT || !x->done)
            continue;
        read_both(x->snapshot, again); /* a snapshot is the same for ever */
        REQUIRE(memcmp(again, x->read, sizeof again) == 0);
    }
    REQUIRE(read_now(entry[0]) == 71 && read_now(entry[1]) == 71);
}

START_TEST(interrupted_anywhere)
{
    for (unsigned seed = 0; seed < scaled_alone(4000); seed++)
        for (long point = 0, going = 1; going; point++) {
            prepare(seed);
            going = interrupted(point, perform, &history.first, perform_others, NULL);
            if (!going)
                perform_others(NULL);
            verify(0);
        }
    versions_drop();
}
END_TEST

START_TEST(abandoned_anywhere)
{
    for (unsigned seed = 0; seed < scaled_alone(2000); seed++)
        for (long point = 0, going = 1; going; point++) {
            prepare(seed);
            going = abandoned(point, perform, &history.first);
            perform_others(NULL);
            verify((int)going);
        }
    versions_drop();
}
END_TEST

/* ---- the caller's numbers ---- */

static struct {
    uint64_t number;
    int done;
} numbered[2];

static void insert_number(void *context)
{
    int i = *(int *)context;
    fsk_ref v = version_make(fsk_word_numbered(0, numbered[i].number), 0, 0);
    fsk_writer w;
    fsk_arena_enter(&arena, &w);
    numbered[i].done = fsk_version_insert(&now.space, &w, entry[0], v, numbered[i].number);
    fsk_arena_leave(&w);
}

START_TEST(numbers_meet)
{
    static int which[] = {0, 1};
    for (unsigned a = 1; a <= 9; a++)
        for (unsigned b = 1; b <= 9; b++)
            for (int leaves = 0; leaves < 2; leaves++)
                for (long point = 0, going = 1; going; point++) {
                    fsk_seen seen[9];
                    size_t n;
                    versions_make(1 << 20);
                    entry[0] = entry_make(fsk_word_numbered(0, 4), 0);
                    numbered[0].number = 2;
                    insert_number(&which[0]);
                    numbered[0].number = 7;
                    insert_number(&which[0]);
                    numbered[0].number = a;
                    numbered[1].number = b;
                    going = leaves ? abandoned(point, insert_number, &which[0])
                                   : interrupted(point, insert_number, &which[0], insert_number,
                                                 &which[1]);
                    if (!going || leaves)
                        insert_number(&which[1]);
                    n = fsk_version_all(&now, entry[0], UINT64_MAX, 1, seen, 9);
                    for (size_t i = 1; i < n; i++)
                        REQUIRE(seen[i - 1].stamp > seen[i].stamp);
                    REQUIRE_EQ(fsk_version_at_sequence(&now.space, entry[0], b, seen), 1);
                    REQUIRE_EQ(seen->stamp, b);
                    if (leaves)
                        continue;
                    REQUIRE_EQ(fsk_version_at_sequence(&now.space, entry[0], a, seen), 1);
                    REQUIRE_EQ(seen->stamp, a);
                    REQUIRE_EQ(n, 3 + numbered[0].done + numbered[1].done);
                    if (a == b)
                        REQUIRE_EQ(numbered[0].done + numbered[1].done, a != 2 && a != 4 && a != 7);
                }
    versions_drop();
}
END_TEST

#endif /* FSK_TEST_HOOK */

/* ---- threads ---- */

typedef struct {
    unsigned number, rounds;
    int reader;
    unsigned inserted;
} worker;

/* The first key is written by all; the second and third are always written together. */
static fsk_ref together[2];

static void write_together(unsigned number, int abort)
{
    fsk_ref record = record_make(), version[2];
    uint64_t stamp = FSK_NEVER;
    for (int k = 0; k < 2; k++)
        version[k] = push_batch(together[k], FASTSKIP_PUT, record, number);
    if (abort)
        fsk_record_abort(&now, record);
    else
        stamp = fsk_record_commit(&now, record);
    for (int k = 0; k < 2; k++)
        fsk_version_settle(&now, version[k], stamp);
}

static void read_twice(uint64_t *state)
{
    uint64_t s = fsk_clock_snapshot(&now);
    unsigned once = read_at(entry[0], s), x = read_at(together[0], s);
    REQUIRE_EQ(read_at(together[1], s), x);
    REQUIRE(x < 1u << 30 && x % 8 != 7); /* never an aborted one */
    for (unsigned i = draw_below(state, 4); i > 0; i--)
        read_now(entry[0]);
    REQUIRE_EQ(read_at(entry[0], s), once);
    REQUIRE_EQ(read_at(together[0], s), x);
    REQUIRE_EQ(read_at(together[1], s), x);
}

static void *work(void *context)
{
    worker *x = context;
    uint64_t state = x->number;
    fsk_ref ref;
    for (unsigned i = 0; i < x->rounds; i++) {
        unsigned number = (x->number * x->rounds + i) * 8;
        switch (x->reader ? 9u : draw_below(&state, 8)) {
        case 0:
        case 1:
            push(entry[0], number);
            break;
        case 2:
            push_as(entry[0], FASTSKIP_DELETE, 0, 0, 0, &ref);
            break;
        case 3:
            x->inserted += push_as(entry[1], FASTSKIP_PUT, 0, 1, number, &ref) == PUSHED;
            break;
        case 4:
            write_together(number + 7, 1);
            break;
        case 9:
            read_twice(&state);
            break;
        default:
            write_together(number + draw_below(&state, 7), 0);
            break;
        }
    }
    return NULL;
}

START_TEST(threads_write_and_read)
{
    for (unsigned round = 0; round < scaled(5); round++) {
        worker workers[6];
        unsigned inserted = 0;
        versions_make(64 << 20);
        for (int k = 0; k < 2; k++)
            together[k] = entry_make(fsk_word_single(FASTSKIP_PUT), 0);
        for (int k = 0; k < KEYS; k++)
            entry[k] = entry_make(fsk_word_single(FASTSKIP_DELETE), 0);
        write_together(1, 0);
        for (unsigned i = 0; i < 6; i++)
            workers[i] = (worker){i + 1, 800, i >= 4, 0};
        run_threads(6, work, workers, sizeof *workers);
        for (int i = 0; i < 6; i++)
            inserted += workers[i].inserted;
        ck_assert_uint_eq(inserted, 1); /* of all that put it in if it was not there */
    }
    versions_drop();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
#ifdef FSK_TEST_HOOK
        interrupted_anywhere,
        abandoned_anywhere,
        numbers_meet,
#endif
        threads_write_and_read,
    };
    return RUN_SUITE("version races", tests);
}
