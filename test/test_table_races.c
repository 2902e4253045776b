/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_table_races.c - whole operations on a table, each interrupted at every one of its accesses by up to
 * four others, or left there for good.  Leaves have four words, so that nearly every write of a new key
 * splits something; in some histories there is next to no memory left, in some the table is being sealed.
 * Whatever they answered must be what they would have answered one after another, the interrupted one in
 * one place among the others; what was refused changed nothing; figures are exact; the check finds nothing.
 */
#include "tables.h"

#ifdef FSK_TEST_HOOK

enum { KEYS = 6, OTHERS_MOST = 4, SPREAD = 10 };

typedef enum { PUT, DELETE, INSERT, BATCH, GET, SCAN, MANY, SEAL, CHECK, KINDS } kind_of_operation;

typedef struct {
    kind_of_operation kind;
    unsigned key, number;
    unsigned mask; /* keys of a batch */
    /* Its answer. */
    int done;
    fastskip_status status;
    unsigned read[KEYS];
} operation;

typedef struct {
    unsigned value[KEYS];
    int sealed;
} model;

static fastskip_table *t;
static fastskip_batch batches[OTHERS_MOST + 1];
static struct {
    model before;
    int tight;
    operation first, other[OTHERS_MOST];
    unsigned others;
    uint64_t keys, versions;
} history;

static int is_there(unsigned value)
{
    return value != NOTHING && value != DELETED;
}

/* ---- operations ---- */

/* Everything at one instant, forwards and backwards. */
static void read_by_scan(unsigned *read)
{
    uint64_t s = snapshot(t);
    for (unsigned k = 0; k < KEYS; k++)
        read[k] = NOTHING;
    for (int backwards = 0; backwards < 2; backwards++) {
        fastskip_iterator *it;
        fastskip_status status;
        unsigned rows = 0;
        REQUIRE_EQ(fsk_iterator_new(t, s, FASTSKIP_TOMBSTONES, &it), FASTSKIP_OK);
        status = backwards ? fsk_iterator_last(it) : fsk_iterator_first(it);
        for (; status == FASTSKIP_OK; rows++) {
            uint8_t bytes[KEY_ROOM];
            fastskip_entry e;
            fsk_iterator_show(it, &e);
            for (unsigned k = 0; k < KEYS; k++)
                if (e.key_size == key_make(bytes, keys_of_table, k * SPREAD) &&
                    memcmp(e.key, bytes, e.key_size) == 0) {
                    REQUIRE(!backwards || read[k] == number_of(&e));
                    read[k] = number_of(&e);
                }
            status = backwards ? fsk_iterator_prev(it) : fsk_iterator_next(it);
        }
        REQUIRE_EQ(status, FASTSKIP_NOT_FOUND);
        fsk_iterator_free(it);
    }
}

static void read_many(unsigned *read)
{
    uint8_t bytes[KEYS][KEY_ROOM];
    const void *keys[KEYS];
    size_t sizes[KEYS];
    fastskip_entry entries[KEYS];
    fastskip_status statuses[KEYS];
    for (unsigned k = 0; k < KEYS; k++) {
        sizes[k] = key_make(bytes[k], keys_of_table, k * SPREAD);
        keys[k] = bytes[k];
    }
    fsk_table_get_many(t, snapshot(t), KEYS, keys, sizes, entries, statuses);
    for (unsigned k = 0; k < KEYS; k++)
        read[k] = statuses[k] == FASTSKIP_OK ? number_of(&entries[k]) : NOTHING;
}

static void perform(void *context)
{
    operation *x = context;
    switch (x->kind) {
    case PUT:
        x->status = put(t, x->key * SPREAD, x->number);
        break;
    case DELETE:
        x->status = delete (t, x->key * SPREAD);
        break;
    case INSERT:
        x->status = insert(t, x->key * SPREAD, x->number);
        break;
    case BATCH:
        x->status = fsk_table_write_batch(t, &batches[x->number % (OTHERS_MOST + 1)]);
        break;
    case GET:
        x->read[0] = get(t, x->key * SPREAD);
        break;
    case SCAN:
        read_by_scan(x->read);
        break;
    case MANY:
        read_many(x->read);
        break;
    case SEAL: /* its first half: the second would wait for who is interrupted */
        x->status = fsk_exchange32_seq(&t->sealed, 1) != 0;
        break;
    default:
        x->status = fsk_table_check(t);
        REQUIRE_EQ(x->status, FASTSKIP_OK);
        break;
    }
    x->done = 1;
}

/* ---- what they mean ---- */

static void write_model(model *m, const operation *x)
{
    if (x->kind == BATCH) {
        for (unsigned k = 0; k < KEYS; k++)
            if (x->mask >> k & 1)
                m->value[k] = k % 3 ? x->number : DELETED;
    } else {
        m->value[x->key] = x->kind == DELETE ? DELETED : x->number;
    }
}

/* Applies the operation to the model; 0: it would not have answered as it did. */
static int apply(model *m, const operation *x, int inside)
{
    unsigned visible[KEYS];
    switch (x->kind) {
    case PUT:
    case DELETE:
    case INSERT:
    case BATCH:
        /* One that was inside when sealing began may be written still. */
        if (x->done && x->status == FASTSKIP_SEALED)
            return m->sealed || inside;
        if (m->sealed && !inside)
            return !x->done;
        if (x->done && x->status == FASTSKIP_FULL)
            return history.tight;
        if (x->kind == INSERT && is_there(m->value[x->key]))
            return !x->done || x->status == FASTSKIP_EXISTS;
        write_model(m, x);
        return !x->done || x->status == FASTSKIP_OK;
    case GET:
        return !x->done || x->read[0] == m->value[x->key];
    case MANY:
        for (unsigned k = 0; k < KEYS; k++)
            visible[k] = is_there(m->value[k]) ? m->value[k] : NOTHING;
        return !x->done || memcmp(visible, x->read, sizeof visible) == 0;
    case SCAN:
        return !x->done || memcmp(m->value, x->read, sizeof m->value) == 0;
    case SEAL:
        m->sealed = 1;
        return 1;
    default:
        return 1;
    }
}

static int has_order(const unsigned *after, int absent)
{
    int seals = history.first.kind == SEAL;
    for (unsigned i = 0; i < history.others; i++)
        seals |= history.other[i].kind == SEAL;
    for (unsigned place = 0; place <= history.others + (unsigned)absent; place++) {
        model m = history.before;
        int good = 1;
        for (unsigned i = 0; i <= history.others && good; i++) {
            if (i == place)
                good = apply(&m, &history.first, seals);
            if (i < history.others && good)
                good = apply(&m, &history.other[i], history.first.kind == SEAL);
        }
        if (good && memcmp(m.value, after, sizeof m.value) == 0)
            return 1;
    }
    return 0;
}

/* ---- histories ---- */

static void draw_operation(operation *x, uint64_t *state, unsigned which)
{
    memset(x, 0, sizeof *x);
    x->kind = (kind_of_operation)draw_below(state, KINDS);
    if (x->kind == SEAL && draw_below(state, 3) != 0)
        x->kind = BATCH;
    x->key = draw_below(state, KEYS);
    x->mask = 1 + draw_below(state, (1 << KEYS) - 1);
    x->number = 100 * (OTHERS_MOST + 1) + which;
    if (x->kind != BATCH)
        return;
    batches[which].count = batches[which].used = 0;
    for (unsigned k = 0; k < KEYS; k++)
        if (x->mask >> k & 1)
            batch_add(&batches[which], k * SPREAD, k % 3 ? FASTSKIP_PUT : FASTSKIP_DELETE,
                      x->number);
}

/* Some of the keys are there, among others that fill the leaves. */
static void prepare(unsigned seed)
{
    uint64_t state = seed, limit = 64 * KIB;
    unsigned fillers = draw_below(&state, 30);
    if (t == NULL)
        t = table_make(limit, 1 + seed % 2);
    REQUIRE_EQ(fsk_table_reset(t), FASTSKIP_OK);
    keys_of_table = (int)(seed % KEY_FAMILIES);
    memset(&history, 0, sizeof history);
    for (unsigned k = 0; k < KEYS; k++)
        history.before.value[k] = NOTHING;
    for (unsigned i = 0; i < fillers; i++) {
        unsigned key = draw_below(&state, KEYS * SPREAD);
        if (key % SPREAD == 0 && draw_below(&state, 2)) {
            delete (t, key);
            history.before.value[key / SPREAD] = DELETED;
        } else {
            put(t, key, i);
            if (key % SPREAD == 0)
                history.before.value[key / SPREAD] = i;
        }
    }
    if (t->arena.shards == 1 && seed % 3 == 0) {
        history.tight = 1;
        exhaust(t, 8 * draw_below(&state, 150));
    }
    history.keys = stat_of(t, FASTSKIP_STAT_KEYS);
    history.versions = stat_of(t, FASTSKIP_STAT_VERSIONS);
    draw_operation(&history.first, &state, 0);
    history.others = 1 + draw_below(&state, OTHERS_MOST);
    for (unsigned i = 0; i < history.others; i++)
        draw_operation(&history.other[i], &state, 1 + i);
}

static void perform_others(void *context)
{
    (void)context;
    for (unsigned i = 0; i < history.others; i++)
        perform(&history.other[i]);
}

/* Versions that were written, and keys written for the first time. */
static void figures_verify(const unsigned *after)
{
    uint64_t keys = history.keys, versions = history.versions;
    for (unsigned i = 0; i <= history.others; i++) {
        const operation *x = i < history.others ? &history.other[i] : &history.first;
        if (x->status != FASTSKIP_OK || x->kind > BATCH)
            continue;
        for (unsigned k = 0; k < KEYS; k++)
            versions += x->kind == BATCH ? x->mask >> k & 1 : x->key == k;
    }
    for (unsigned k = 0; k < KEYS; k++)
        keys += history.before.value[k] == NOTHING && after[k] != NOTHING;
    REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), versions);
    REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_KEYS), keys);
    REQUIRE(stat_of(t, FASTSKIP_STAT_MEMORY_USED) <= t->arena.limit);
}

static void verify(int is_abandoned)
{
    unsigned after[KEYS], scanned[KEYS];
    for (unsigned k = 0; k < KEYS; k++)
        after[k] = get(t, k * SPREAD);
    REQUIRE(has_order(after, is_abandoned));
    read_by_scan(scanned);
    REQUIRE(memcmp(after, scanned, sizeof after) == 0);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    if (is_abandoned)
        return;
    figures_verify(after);
    fsk_table_seal(t); /* nobody is inside */
    for (unsigned k = 0; k < KEYS; k++)
        REQUIRE_EQ(put(t, k * SPREAD, 1), FASTSKIP_SEALED);
}

static void drop_all(void)
{
    fsk_table_unref(t);
    t = NULL;
    for (int i = 0; i <= OTHERS_MOST; i++)
        batch_free(&batches[i]);
}

START_TEST(interrupted_anywhere)
{
    for (int shards = 0; shards < 2; shards++) {
        for (unsigned seed = (unsigned)shards; seed < scaled_alone(700); seed += 2)
            for (long point = 0, going = 1; going; point++) {
                prepare(seed);
                going = interrupted(point, perform, &history.first, perform_others, NULL);
                if (!going)
                    perform_others(NULL);
                verify(0);
            }
        drop_all();
    }
}
END_TEST

START_TEST(abandoned_anywhere)
{
    for (int shards = 0; shards < 2; shards++) {
        for (unsigned seed = (unsigned)shards; seed < scaled_alone(500); seed += 2)
            for (long point = 0, going = 1; going; point++) {
                prepare(seed);
                if (history.first.kind == SCAN) /* what it holds would be lost */
                    history.first.kind = MANY;
                going = abandoned(point, perform, &history.first);
                perform_others(NULL);
                verify((int)going);
            }
        drop_all();
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {interrupted_anywhere, abandoned_anywhere};
    return RUN_SUITE("table races", tests);
}

#else

/* Nothing can be interrupted in this build; the one with small blocks does it. */
int main(void)
{
    return EXIT_SUCCESS;
}

#endif
