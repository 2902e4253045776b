/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_halted.c - a thread is halted for good at each of its atomic accesses in turn, and stops nobody.
 *
 * Each kind of call is halted at its first access, its second, and so on until it comes to its end, in
 * tables of one leaf, of full leaves, and of several levels, with one shard (which the halted writer
 * keeps) and with three. Then others do everything there is, over and beside the keys of the halted call,
 * and
 *
 *   they all come to their ends, each call within a bounded number of accesses;
 *   what they write is what is read, by lookups, snapshots and walks both ways, and so is all that was there;
 *   the halted call has happened or not, a batch whole or not at all, and snapshots do not change their minds;
 *   the table uses no more memory than it would without the halted call, but for a bounded number of bytes.
 *
 * Seal is left out: it waits for writers that are under way, which is its purpose;
 * test_api_stopped.c shows that it waits for these alone. A halted reader holds up nobody, seal included.
 */
#include "halted.h"

#include <limits.h>

#define LATE 9000u /* values of halted calls */
#define BATCH 12u  /* keys of a long one */

#define ENDLESS                                                                                    \
    20000000 /* accesses of all that the others do: some of it waits for the halted call */

/* Measured, and rounded up: what a call of the others takes at most, and what a halted one may cost. */
#define ACCESSES_MOST 2000
#define MEMORY_MOST 1024u
#define RESERVED_MOST (3 * CHUNK)

enum {
    PUT_NEW,
    PUT_OVER,
    DELETE_NEW,
    DELETE_OVER,
    INSERT_NEW,
    INSERT_DELETED,
    INSERT_LIVE,
    GET_OR_INSERT,
    APPEND,
    PREPEND,
    SMALL_BATCH,
    LONG_BATCH, /* the last that writes */
    GET,
    GET_MANY,
    SNAPSHOT,
    WALK,
    WALK_BACK,
    SEEK,
    STATISTICS,
    CHECK,
    CALLS
};

typedef struct {
    world *w;
    int call;
    unsigned nth; /* of several halted on one table: its keys are others */
    uint32_t key[BATCH];
    unsigned keys;
    fastskip_batch *batch;
    fastskip_status status;
} operation;

static int is_new(int call)
{
    return call == PUT_NEW || call == DELETE_NEW || call == INSERT_NEW || call == GET_OR_INSERT;
}

/* The keys it writes, if it does: in the middle, where there are others on both sides. */
static operation operation_make(world *w, int call, unsigned nth)
{
    uint32_t middle = 100 * (w->filled / 2 + 1);
    operation x = {w, call, nth, {0}, 1, NULL, FASTSKIP_OK};
    x.key[0] = is_new(call) ? middle + 5 + 10 * (nth % 9) : middle;
    if (call == APPEND)
        x.key[0] = NUMBERS - 100 + 5 * nth;
    if (call == PREPEND)
        x.key[0] = 95 - 5 * nth;
    if (call == INSERT_DELETED)
        put(w, x.key[0], 0);
    if (call == INSERT_LIVE)
        put(w, x.key[0], 7);
    if (call == SMALL_BATCH || call == LONG_BATCH) {
        x.keys = call == SMALL_BATCH ? 3 : BATCH;
        REQUIRE_EQ(fastskip_batch_new(&x.batch), FASTSKIP_OK);
        for (unsigned i = 0; i < x.keys; i++) {
            text_key k;
            uint32_t value = LATE + i;
            x.key[i] = middle + (i % 2 != 0 ? 15 * i + 5 * (nth % 3) : 100 * (i / 2));
            k = key_of(x.key[i]);
            fastskip_batch_put(x.batch, k.text, k.size, &value, sizeof value);
        }
    }
    return x;
}

static void walk(const world *w, int backwards)
{
    fastskip_iterator *it = NULL;
    fastskip_status status;
    REQUIRE_EQ(fastskip_iterator_new(w->table, NULL, 0, &it), FASTSKIP_OK);
    status = backwards ? fastskip_iterator_seek_last(it) : fastskip_iterator_seek_first(it);
    while (status == FASTSKIP_OK)
        status = backwards ? fastskip_iterator_prev(it) : fastskip_iterator_next(it);
    fastskip_iterator_free(it);
}

static void get_many(const world *w, uint32_t first)
{
    text_key k[BATCH];
    const void *data[BATCH];
    size_t size[BATCH];
    fastskip_entry entry[BATCH];
    fastskip_status status[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        k[i] = key_of(first + 50 * i);
        data[i] = k[i].text;
        size[i] = k[i].size;
    }
    REQUIRE_EQ(fastskip_get_many(w->table, NULL, BATCH, data, size, entry, status), FASTSKIP_OK);
}

static void read_somehow(const operation *x, const text_key *k)
{
    fastskip_snapshot *s = NULL;
    fastskip_iterator *it = NULL;
    switch (x->call) {
    case GET:
        get(x->w, NULL, x->key[0]);
        break;
    case GET_MANY:
        get_many(x->w, x->key[0]);
        break;
    case SNAPSHOT:
        fastskip_snapshot_new(x->w->table, &s);
        get(x->w, s, x->key[0]);
        fastskip_snapshot_free(s);
        break;
    case SEEK:
        fastskip_iterator_new(x->w->table, NULL, FASTSKIP_ALL_VERSIONS, &it);
        fastskip_iterator_seek_for_prev(it, k->text, k->size);
        fastskip_iterator_seek(it, k->text, k->size);
        fastskip_iterator_free(it);
        break;
    case STATISTICS:
        for (uint32_t id = 1; id <= 17; id++)
            stat_of(x->w, id);
        break;
    case CHECK:
        fastskip_table_check(x->w->table);
        break;
    default:
        walk(x->w, x->call == WALK_BACK);
    }
}

static void perform(void *context)
{
    operation *x = context;
    fastskip_table *t = x->w->table;
    text_key k = key_of(x->key[0]);
    uint32_t value = LATE;
    fastskip_entry e;
    int32_t inserted;
    switch (x->call) {
    case PUT_NEW:
    case PUT_OVER:
    case APPEND:
    case PREPEND:
        x->status = put_raw(x->w, x->key[0], LATE);
        break;
    case DELETE_NEW:
    case DELETE_OVER:
        x->status = put_raw(x->w, x->key[0], 0);
        break;
    case INSERT_NEW:
    case INSERT_DELETED:
    case INSERT_LIVE:
        x->status = fastskip_insert(t, k.text, k.size, &value, sizeof value);
        break;
    case GET_OR_INSERT:
        x->status = fastskip_get_or_insert(t, k.text, k.size, &value, sizeof value, &e, &inserted);
        break;
    case SMALL_BATCH:
    case LONG_BATCH:
        x->status = fastskip_write(t, x->batch);
        break;
    default:
        read_somehow(x, &k);
    }
}

/* ---- the others ---- */

static void insert(world *w, uint32_t number, uint32_t value)
{
    text_key k = key_of(number);
    fastskip_status status = fastskip_insert(w->table, k.text, k.size, &value, sizeof value);
    REQUIRE(status == (w->value[number] != 0 ? FASTSKIP_EXISTS : FASTSKIP_OK));
    if (status == FASTSKIP_OK)
        w->value[number] = value;
}

static void batch(world *w, uint32_t first, uint32_t value)
{
    fastskip_batch *b = NULL;
    REQUIRE_EQ(fastskip_batch_new(&b), FASTSKIP_OK);
    for (unsigned i = 0; i < 5; i++) {
        text_key k = key_of(first + 20 * i);
        fastskip_batch_put(b, k.text, k.size, &value, sizeof value);
    }
    COUNTED(w, fastskip_write(w->table, b));
    for (unsigned i = 0; i < 5; i++)
        w->value[first + 20 * i] = value;
    fastskip_batch_free(b);
}

/* Beside every key that was there, so that each leaf is split; none that a halted call writes:
 * those end in 0 or 5. */
static void others_beside(world *w)
{
    int is_caller = w->mode == FASTSKIP_SEQUENCE_CALLER;
    for (unsigned i = 0; i <= w->filled + 2; i++) {
        put(w, 100 * i + 21, 50 + i);
        put(w, 100 * i + 61, 60 + i);
        put(w, 100 * i + 61, 0);
        if (!is_caller)
            insert(w, 100 * i + 61 + 21 * (i % 2), 70 + i);
    }
    if (!is_caller)
        batch(w, 100 * w->filled + 503, 80);
}

/* Over what the halted call was to write: whatever became of it, these come later. */
static void others_over(world *w, const operation *x)
{
    for (unsigned i = 0; i < x->keys; i++)
        put(w, x->key[i], 30 + i);
    if (w->mode == FASTSKIP_SEQUENCE_AUTO)
        for (unsigned i = 0; i < x->keys; i += 2) {
            put(w, x->key[i], 0);
            insert(w, x->key[i], 40 + i);
        }
}

static void never_ends(void *context)
{
    (void)context;
    ck_abort_msg("the others do not come to their end");
}

static void expect_an_end(void)
{
    interruption.left = ENDLESS;
    interruption.run = never_ends;
}

/* ---- one halt ---- */

/* Has the call happened? 1, 0, or -1: nothing shows it. By half it must not. */
static int has_happened(const operation *x, const fastskip_snapshot *s, const uint32_t *before)
{
    int is_delete = x->call == DELETE_NEW || x->call == DELETE_OVER;
    unsigned happened = 0, can_tell = 0;
    for (unsigned i = 0; i < x->keys; i++) {
        uint32_t now = get(x->w, s, x->key[i]), after = is_delete ? 0 : LATE + i;
        if (x->call == INSERT_LIVE)
            after = before[i];
        REQUIRE(now == before[i] || now == after);
        can_tell += before[i] != after;
        happened += before[i] != after && now == after;
    }
    REQUIRE(happened == 0 || happened == can_tell);
    return can_tell == 0 ? -1 : happened != 0;
}

static struct {
    unsigned long halts, calls;
    long longest;
    uint64_t used, reserved; /* at most, beyond what it would be without */
} figures;

static void note(const world *w, uint64_t used, uint64_t reserved)
{
    uint64_t now = stat_of(w, FASTSKIP_STAT_MEMORY_USED);
    if (now > used && now - used > figures.used)
        figures.used = now - used;
    now = stat_of(w, FASTSKIP_STAT_MEMORY_RESERVED);
    if (now > reserved && now - reserved > figures.reserved)
        figures.reserved = now - reserved;
    if (w->longest > figures.longest)
        figures.longest = w->longest;
    REQUIRE(figures.longest <= ACCESSES_MOST);
}

static void go_on_without(operation *x, int halted)
{
    world *w = x->w;
    uint32_t before[BATCH];
    fastskip_snapshot *s = NULL;
    int happened = 0, writes = x->call <= LONG_BATCH;
    expect_an_end();
    for (unsigned i = 0; i < x->keys; i++) {
        before[i] = w->value[x->key[i]];
        w->unsure[x->key[i]] = writes != 0;
    }
    if (writes && w->mode == FASTSKIP_SEQUENCE_AUTO) {
        REQUIRE_EQ(fastskip_snapshot_new(w->table, &s), FASTSKIP_OK);
        happened = has_happened(x, s, before);
        REQUIRE(halted || happened != 0);
    }
    others_beside(w);
    world_verify(w, 0);
    if (writes)
        others_over(w, x);
    world_verify(w, 1);
    if (s != NULL)
        REQUIRE_EQ(has_happened(x, s, before), happened);
    fastskip_snapshot_free(s);
}

static void drop(operation *x, int halted)
{
    fastskip_table *t = x->w->table;
    if (x->call > LONG_BATCH) { /* a halted reader does not hold up seal either */
        REQUIRE_EQ(fastskip_table_seal(t), FASTSKIP_OK);
        REQUIRE_EQ(put_raw(x->w, 5, 1), FASTSKIP_SEALED);
    }
    fastskip_batch_free(x->batch);
    if (!halted)
        fastskip_table_unref(t);
}

static void halt_everywhere(int call, unsigned filled, uint32_t shards, uint32_t mode)
{
    uint64_t used = 0, reserved = 0;
    figures.calls++;
    /* Point -1 is beyond all: the call comes to its end, and says what memory that takes. */
    for (long point = -1, going = 1; going; point++) {
        world w = world_make(filled, shards, mode);
        operation x = operation_make(&w, call, 0);
        going = abandoned(point < 0 ? LONG_MAX : point, perform, &x);
        figures.halts += going != 0;
        go_on_without(&x, going != 0);
        if (point < 0) {
            used = stat_of(&w, FASTSKIP_STAT_MEMORY_USED);
            reserved = stat_of(&w, FASTSKIP_STAT_MEMORY_RESERVED);
            going = 1;
        } else {
            note(&w, used, reserved);
        }
        drop(&x, going != 0 && point >= 0);
    }
}

static void report(const char *what)
{
    if (getenv("FASTSKIP_TEST_VERBOSE") != NULL)
        fprintf(stderr,
                "%s: %lu halts in %lu calls, at most %ld accesses in a call of the others, %lu "
                "bytes more used, %lu more reserved\n",
                what, figures.halts, figures.calls, figures.longest, (unsigned long)figures.used,
                (unsigned long)figures.reserved);
    REQUIRE(figures.halts > 0);
    REQUIRE(figures.used <= MEMORY_MOST);
    REQUIRE(figures.reserved <= RESERVED_MOST);
}

static const unsigned fillings[] = {0, 1, 3, 4, 7, 12, 30};
#define FILLINGS (sizeof fillings / sizeof fillings[0])

START_TEST(halted_at_each_access)
{
    for (int call = 0; call < CALLS; call++)
        for (unsigned f = 0; f < FILLINGS; f++)
            for (uint32_t shards = 1; shards <= 3; shards += 2)
                halt_everywhere(call, fillings[f], shards, FASTSKIP_SEQUENCE_AUTO);
    report("halted");
}
END_TEST

START_TEST(halted_with_callers_numbers)
{
    static const int calls[] = {PUT_NEW, PUT_OVER, DELETE_OVER, APPEND, PREPEND,
                                GET,     WALK,     WALK_BACK,   SEEK,   CHECK};
    for (unsigned c = 0; c < sizeof calls / sizeof calls[0]; c++)
        for (unsigned f = 0; f < FILLINGS; f++)
            halt_everywhere(calls[c], fillings[f], 1 + f % 3, FASTSKIP_SEQUENCE_CALLER);
    report("halted, caller's numbers");
}
END_TEST

/* ---- many halts on one table ---- */

#define MANY 9u

/* Threads halted one after the other at the same access of the same call, each with keys beside
 * the others': what they cost grows with their number and no faster. */
START_TEST(many_halted_on_one_table)
{
    for (int call = 0; call <= LONG_BATCH; call++)
        for (long point = 0, going = 1; going; point += 1 + point / 40) {
            world w = world_make(12, 2, FASTSKIP_SEQUENCE_AUTO);
            operation x[MANY];
            uint64_t used;
            for (unsigned n = 0; n < MANY; n++)
                x[n] = operation_make(&w, call, n);
            used = stat_of(&w, FASTSKIP_STAT_MEMORY_USED);
            for (unsigned n = 0; n < MANY; n++) {
                going = abandoned(point, perform, &x[n]);
                figures.halts += going != 0;
                for (unsigned i = 0; i < x[n].keys; i++)
                    w.unsure[x[n].key[i]] = 1;
            }
            expect_an_end();
            used = stat_of(&w, FASTSKIP_STAT_MEMORY_USED) - used;
            if (used > figures.used)
                figures.used = used;
            others_beside(&w);
            for (unsigned n = 0; n < MANY; n++)
                others_over(&w, &x[n]);
            world_verify(&w, 0);
            world_verify(&w, 1);
            figures.calls += MANY;
            if (w.longest > figures.longest)
                figures.longest = w.longest;
            for (unsigned n = 0; n < MANY; n++)
                fastskip_batch_free(x[n].batch);
            if (!going)
                fastskip_table_unref(w.table);
        }
    figures.used /= MANY;
    report("many halted, bytes of each");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {halted_at_each_access, halted_with_callers_numbers,
                                  many_halted_on_one_table};
    return RUN_SUITE("halted", tests);
}
