/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * versions.c - a model of lib/version.c: chains, clock, snapshots, batches that settle, conditions, and
 * the counting of keys.
 *
 *   versions SCENARIO      explores it (scenarios.h); exit 0 all orders are right, 1 one is not, 2 gave up
 *   -DFAULT=...            puts one of the faults below into the protocol
 *
 * What the operations answered must be what they would have answered one after another; a snapshot read
 * twice must answer the same; all versions of a key in order must agree with every single read; and each
 * key must be counted once, if a write to it has been completed that was neither aborted nor void.
 *
 * An access that step() does not see is one to something that is fixed by then.
 */
#include "explorer.h"

enum {
    NONE,
    NO_TICK,        /* a commit does not advance the clock */
    NO_HELP,        /* a committing batch is passed over, not helped */
    SETTLE_FIRST,   /* the words are settled before the record is */
    SETTLE_STORE,   /* settling is a load and a store */
    LIST_NO_RECORD, /* a list member's record is looked up in its word */
    NO_LIST,        /* versions carry no lists */
    HEAD_ONLY,      /* a list holds the head, and not what the head's list holds */
    TIE_TO_BATCH,   /* of a single write and a batch of one stamp the batch is newer */
    TIE_TO_UPPER,   /* of two batches of one stamp the upper in the chain is newer */
    NO_STAMP_HEAD,  /* the head is not stamped before a push */
    NO_VOID,        /* an insert-if-absent never becomes void */
    DECIDE_FIRST,   /* it decides before it builds its list */
    INLINE_UNKNOWN, /* in a listing of all versions an inline version has no record */
    ABORT_COUNTS,   /* an aborted batch no longer owes its entry's count */
    COUNT_ALWAYS,   /* a batch counts each entry that it created */
    MARK_FIRST,     /* a version is marked as plain before it is stamped */
    MARK_LIST,      /* also one that has a list */
    MARK_BATCH,     /* also a batch's */
    MARK_STORE      /* by a store */
};
#ifndef FAULT
#define FAULT NONE
#endif

#define KEYS 2
#define OPERATIONS 9                       /* with the two reads at the end */
#define VERSIONS (KEYS * (OPERATIONS + 1)) /* and those from the beginning */
#define RECORDS 4
#define MEMBERS (RECORDS - 1)

/* A version's word. */
#define RECORD 0x8000    /* the low byte is a record's number, else a stamp */
#define UNCOUNTED 0x4000 /* of an inline version: its key has not been counted */
#define LOW 0xff
enum { LATEST = 0xf0, PENDING, NEVER };

/* A record: a stamp, or one of these. */
enum { WAITING, COMMITTING = -1, ABORTED = -2 };

#define CONDITIONAL (-1) /* owner of an insert-if-absent */
#define PLAIN 0x40       /* in `newest`: that version is stamped, a single write, and has no list */

typedef struct {
    int8_t version, record;
} member;

typedef struct {
    uint16_t word;
    int8_t older, value, owner, count; /* value 0: deleted; count: of the list */
    member list[MEMBERS];
} version;

static struct {
    version versions[1 + VERSIONS]; /* 0 is none */
    int8_t inlined[KEYS];           /* the inline version, 0 as long as there is no entry */
    int8_t newest[KEYS];            /* 0: the inline one; PLAIN: see publish() */
    int8_t record[RECORDS];
    uint8_t clock;
    /* What the check needs to know. */
    uint16_t before[OPERATIONS], done;
    int8_t result[OPERATIONS][KEYS];
    int8_t counted[KEYS];
} g;

/* ---- stamps ---- */

static unsigned clock_snapshot(void)
{
    uint8_t s = LOAD(g.clock), expected = s;
    CAS(g.clock, &expected, s + 1);
    return s;
}

static unsigned record_stamp(int record)
{
    int8_t state = g.record[record];
    if (state == WAITING || state == COMMITTING)
        state = LOAD(g.record[record]);
    if (state == COMMITTING && FAULT == NO_HELP && current >= 0)
        return PENDING;
    if (state == COMMITTING) {
        unsigned stamp = (FAULT == NO_TICK ? LOAD(g.clock) : clock_snapshot()) + 1;
        if (CAS(g.record[record], &state, (int8_t)stamp))
            return stamp;
    }
    if (state == WAITING)
        return PENDING;
    return state == ABORTED ? NEVER : (unsigned)state;
}

static unsigned stamp_and_word(int v, unsigned *word)
{
    uint16_t *at = &g.versions[v].word, w = *at;
    if ((w & RECORD) != 0 || (w & LOW) == 0)
        w = LOAD(*at);
    *word = w;
    if ((w & RECORD) != 0)
        return record_stamp(w & LOW);
    if ((w & LOW) == 0) {
        uint16_t stamp = LOAD(g.clock);
        if (CAS(*at, &w, (uint16_t)(w | stamp)))
            return stamp;
    }
    return w & LOW;
}

static unsigned stamp_of(int v)
{
    unsigned word;
    return stamp_and_word(v, &word);
}

static int settle(int v, unsigned stamp)
{
    uint16_t *at = &g.versions[v].word, w = *at, settled;
    if ((w & UNCOUNTED) != 0)
        w = LOAD(*at);
    do {
        settled = (uint16_t)stamp;
        if (stamp == NEVER && FAULT != ABORT_COUNTS)
            settled |= w & UNCOUNTED;
        if (FAULT == SETTLE_STORE) {
            STORE(*at, settled);
            break;
        }
    } while (!CAS(*at, &w, settled));
    return stamp != NEVER && (w & UNCOUNTED) != 0;
}

static int claim_count(int key)
{
    uint16_t *at = &g.versions[g.inlined[key]].word, w = *at;
    if ((w & UNCOUNTED) != 0)
        w = LOAD(*at);
    while ((w & UNCOUNTED) != 0)
        if (CAS(*at, &w, (uint16_t)(w & ~UNCOUNTED)))
            return 1;
    return 0;
}

/* ---- which one is newer ---- */

typedef struct {
    int version; /* 0: none */
    unsigned stamp;
    int record; /* 0 for a single write */
    int place;
} seen;

static int below_is_newer(unsigned stamp, int record, const seen *s)
{
    if (stamp != s->stamp)
        return stamp > s->stamp;
    if (FAULT == TIE_TO_BATCH && s->record == 0)
        return 1;
    if (FAULT == TIE_TO_UPPER)
        return 0;
    return s->record != 0 && record > s->record;
}

static void newest_below(const version *v, unsigned limit, seen *s)
{
    for (int i = 0; i < v->count; i++) {
        unsigned word, stamp = stamp_and_word(v->list[i].version, &word);
        int record = v->list[i].record;
        if (FAULT == LIST_NO_RECORD)
            record = (word & RECORD) != 0 ? (int)(word & LOW) : 0;
        if (stamp <= limit && (s->version == 0 || below_is_newer(stamp, record, s)))
            *s = (seen){v->list[i].version, stamp, record, 0};
    }
}

static int is_void_at(const version *v, unsigned stamp, seen *live)
{
    live->version = 0;
    if (v->owner != CONDITIONAL || FAULT == NO_VOID)
        return 0;
    newest_below(v, stamp, live);
    return live->version != 0 && g.versions[live->version].value != 0;
}

static int newest_from(int head, unsigned limit, seen *s)
{
    for (int i = head; i != 0; i = g.versions[i].older) {
        const version *v = &g.versions[i];
        unsigned stamp = stamp_of(i);
        if (stamp > limit || is_void_at(v, stamp, s))
            continue;
        *s = (seen){i, stamp, v->owner == CONDITIONAL ? 0 : v->owner, 0};
        newest_below(v, limit, s);
        return g.versions[s->version].value;
    }
    return 0;
}

static int head_of(int key)
{
    int head;
    if (g.inlined[key] == 0 && LOAD(g.inlined[key]) == 0)
        return 0;
    head = LOAD(g.newest[key]) & ~PLAIN;
    return head != 0 ? head : g.inlined[key];
}

static int read_at(int key, unsigned limit)
{
    seen s;
    return newest_from(head_of(key), limit, &s);
}

/* ---- every version, newest first ---- */

static int is_newer(const seen *a, const seen *b)
{
    if (a->stamp != b->stamp)
        return a->stamp > b->stamp;
    if ((a->record == 0) != (b->record == 0))
        return a->record == 0;
    return a->record != b->record ? a->record > b->record : a->place < b->place;
}

static int all_versions(int key, unsigned limit, seen *all)
{
    int n = 0, inline_record = 0, place = 0;
    for (int i = head_of(key); i != 0; i = g.versions[i].older) {
        const version *v = &g.versions[i];
        unsigned stamp = stamp_of(i);
        seen met;
        int j;
        for (j = 0; j < v->count && FAULT != INLINE_UNKNOWN; j++)
            if (v->list[j].version == g.inlined[key])
                inline_record = v->list[j].record;
        if (stamp > limit || is_void_at(v, stamp, &met))
            continue;
        met = (seen){i, stamp, v->owner == CONDITIONAL ? 0 : v->owner, place++};
        if (i == g.inlined[key])
            met.record = inline_record; /* it has no field for its owner */
        for (j = n++; j > 0 && is_newer(&met, &all[j - 1]); j--)
            all[j] = all[j - 1];
        all[j] = met;
    }
    return n;
}

/* ---- writing ---- */

static void no_list(version *v)
{
    v->count = 0;
    memset(v->list, 0, sizeof v->list);
}

static void build_list(int head, version *v)
{
    const version *h = &g.versions[head];
    unsigned word = h->word, stamp = LATEST;
    if (FAULT != NO_STAMP_HEAD || (word & RECORD) != 0)
        stamp = stamp_and_word(head, &word);
    no_list(v);
    if (FAULT == NO_LIST)
        return;
    if (stamp == PENDING)
        v->list[v->count++] = (member){(int8_t)head, (int8_t)(word & LOW)};
    for (int i = 0; i < h->count && FAULT != HEAD_ONLY; i++)
        if (stamp_of(h->list[i].version) == PENDING)
            v->list[v->count++] = h->list[i];
}

enum { CREATED, PUSHED, LIVE };

/* Who pushes above it next need not look at it. */
static void mark(int key, int i)
{
    const version *v = &g.versions[i];
    int8_t newest = (int8_t)i;
    if ((v->owner > 0 && FAULT != MARK_BATCH) || v->owner < 0 ||
        (v->count != 0 && FAULT != MARK_LIST))
        return;
    if (FAULT == MARK_STORE)
        STORE(g.newest[key], (int8_t)(i | PLAIN));
    else
        CAS(g.newest[key], &newest, (int8_t)(i | PLAIN));
}

/* *live: what a conditional write met. */
static int publish(int key, int i, int *live)
{
    version *v = &g.versions[i];
    int8_t head, newest = 0;
    seen s;
    if (g.inlined[key] == 0 && LOAD(g.inlined[key]) == 0) {
        int8_t none = 0, owner = v->owner;
        if (owner > 0)
            v->word |= UNCOUNTED;
        v->owner = 0;
        if (CAS(g.inlined[key], &none, (int8_t)i)) {
            if (owner <= 0)
                stamp_of(i);
            return CREATED;
        }
        v->owner = owner;
        v->word &= (uint16_t)~UNCOUNTED;
    }
    newest = LOAD(g.newest[key]);
    do {
        head = newest != 0 ? newest & ~PLAIN : g.inlined[key];
        if (FAULT == DECIDE_FIRST && v->owner == CONDITIONAL &&
            (*live = newest_from(head, LATEST, &s)) != 0)
            return LIVE;
        if ((newest & PLAIN) != 0)
            no_list(v);
        else
            build_list(head, v);
        v->older = head;
        if (FAULT != DECIDE_FIRST && v->owner == CONDITIONAL &&
            (*live = newest_from(head, LATEST, &s)) != 0)
            return LIVE;
    } while (!CAS(g.newest[key], &newest, (int8_t)i));
    if (FAULT == MARK_FIRST)
        mark(key, i);
    if (v->owner <= 0 && is_void_at(v, stamp_of(i), &s)) {
        *live = g.versions[s.version].value;
        return LIVE;
    }
    mark(key, i);
    return PUSHED;
}

#include "scenarios.h"
