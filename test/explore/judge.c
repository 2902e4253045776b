/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * judge.c - could what the threads saw have happened? See program.h and ../stress/lin.h.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "memtable.h"

static int complain(const char *what)
{
    world.complaint = what;
    return 0;
}

static int is_write(const step *s)
{
    return strchr("pdiobn+", s->what) != NULL;
}

/* ---- the order of all operations ---- */

static lin_kind kind_of(const step *s)
{
    switch (s->what) {
    case 'p':
        return LIN_PUT;
    case 'd':
        return LIN_DELETE;
    case 'i':
        return LIN_INSERT;
    case 'o':
        return LIN_GET_OR_INSERT;
    case 'g':
        return LIN_GET;
    case 'b':
        return LIN_BATCH;
    default:
        return LIN_VIEW;
    }
}

static void fill_in(lin_op *op, const step *s)
{
    memset(op, 0, sizeof *op);
    op->kind = kind_of(s);
    op->key = s->key;
    op->keys = s->keys;
    op->written = value_of(s);
    op->seen = s->value[s->key];
    op->won = s->what == 'o' ? s->won : s->status == FASTSKIP_OK;
    memcpy(op->value, s->value, sizeof op->value);
    if (s->what == 'b')
        for (unsigned k = 0; k < LIN_KEYS; k++)
            op->value[k] = (s->keys & ~s->deletes) >> k & 1 ? value_of(s) : 0;
    if (s->status == FASTSKIP_SEALED || s->status == FASTSKIP_FULL)
        op->kind = LIN_REFUSED;
}

/* The operations that are judged, and a view of all when everything has ended. */
static unsigned history(lin_op *ops, const uint32_t *final)
{
    const step *of[STEPS_MOST];
    unsigned n = 0;
    for (unsigned i = 0; i < world.steps; i++) {
        const step *s = &world.step[i];
        if (strchr("pdiogbvmwrs", s->what) == NULL)
            continue;
        fill_in(&ops[n], s);
        for (unsigned j = 0; j < n; j++) {
            ops[n].after |= (uint32_t)(of[j]->end < s->begin) << j;
            ops[j].after |= (uint32_t)(s->end < of[j]->begin) << n;
        }
        of[n++] = s;
    }
    if (final != NULL) {
        memset(&ops[n], 0, sizeof ops[n]);
        ops[n].kind = LIN_VIEW;
        ops[n].after = (UINT32_C(1) << n) - 1;
        memcpy(ops[n].value, final, sizeof ops[n].value);
        n++;
    }
    return n;
}

/* ---- what each operation may answer ---- */

static int answers_are_allowed(void)
{
    for (unsigned i = 0; i < world.steps; i++) {
        const step *s = &world.step[i];
        int good = s->status == FASTSKIP_OK;
        good |= s->status == FASTSKIP_EXISTS && (s->what == 'i' || s->what == 'n');
        good |= s->status == FASTSKIP_NOT_FOUND && (s->what == 'g' || s->what == 'a');
        good |= s->status == FASTSKIP_FULL && is_write(s) &&
                (world.scene->tight || world.scene->entry_limit != 0);
        good |= s->status == FASTSKIP_SEALED && is_write(s);
        if (!good || s->wrong)
            return complain("an answer that none of this can give");
    }
    return 1;
}

static int sealed_rightly(const uint32_t *final)
{
    for (unsigned i = 0; i < world.steps; i++) {
        const step *w = &world.step[i];
        int may = 0, must = 0;
        for (unsigned j = 0; j < world.steps; j++) {
            const step *s = &world.step[j];
            if (s->what != 's')
                continue;
            may |= s->begin < w->end;
            must |= s->end < w->begin;
            if (final != NULL && memcmp(s->value, final, sizeof s->value) != 0)
                return complain("the table changed after it was sealed");
        }
        if (is_write(w) && (w->status == FASTSKIP_SEALED ? !may : must))
            return complain("sealed too early or too late");
    }
    return 1;
}

/* Walks show every key that was there all the time, and none that was not there at all. */
static int walks_are_complete(void)
{
    for (unsigned i = 0; i < world.steps; i++) {
        const step *s = &world.step[i];
        uint32_t least = world.letters, most = world.letters;
        uint32_t judged = 1u << ('C' - 'A') | 1u << ('F' - 'A') | 1u << ('I' - 'A');
        if (strchr("wrs", s->what) == NULL)
            continue;
        for (unsigned j = 0; j < world.steps; j++) {
            const step *w = &world.step[j];
            if (w->what != '+' || w->status != FASTSKIP_OK)
                continue;
            if (w->end < s->begin)
                least |= 1u << (w->letter - 'A');
            if (w->begin < s->end)
                most |= 1u << (w->letter - 'A');
        }
        if ((least & ~judged & ~s->seen) != 0 || (s->seen & ~judged & ~most) != 0)
            return complain("a walk missed a key, or showed one that is not there");
    }
    return 1;
}

/* ---- the table afterwards ---- */

static int limits_are_kept(uint64_t versions)
{
    const fsk_arena *arena = &world.table->arena;
    uint64_t limit = world.scene->entry_limit;
    if (fsk_arena_taken(arena) > arena->limit)
        return complain("over the memory limit");
    if (limit != 0 && versions > limit + strlen(world.scene->keys))
        return complain("over the entry limit");
    if (limit != 0 && fsk_load64_relaxed(&world.table->admitted) != versions)
        return complain("the entry limit counts what was not written");
    return 1;
}

static int figures_are_right(void)
{
    uint64_t keys = world.keys, versions = world.versions, now;
    uint32_t there = 0;
    for (const char *p = world.scene->keys; *p != 0; p++)
        there |= 1u << ((*p & ~32) - 'A');
    for (unsigned i = 0; i < world.steps; i++) {
        const step *s = &world.step[i];
        uint32_t letters = 0;
        if (!is_write(s) || s->status != FASTSKIP_OK || (s->what == 'o' && !s->won))
            continue;
        if (s->what == '+')
            letters = 1u << (s->letter - 'A');
        for (unsigned k = 0; k < LIN_KEYS; k++)
            if (s->what == 'b' ? s->keys >> k & 1 : s->what != '+' && k == s->key)
                letters |= 1u << (key_of_number(k).byte[7] - 'A');
        for (uint32_t rest = letters; rest != 0; rest &= rest - 1) {
            versions++;
            keys += (there & rest & (~rest + 1)) == 0;
        }
        there |= letters;
    }
    fastskip_table_stat(world.table, FASTSKIP_STAT_KEYS, &now);
    if (now != keys)
        return complain("the number of keys is wrong");
    fastskip_table_stat(world.table, FASTSKIP_STAT_VERSIONS, &now);
    if (now != versions)
        return complain("the number of versions is wrong");
    return limits_are_kept(versions);
}

static int snapshots_stay(void)
{
    for (unsigned i = 0; i < world.steps; i++) {
        step *s = &world.step[i];
        uint32_t again[LIN_KEYS];
        if (s->snapshot == NULL)
            continue;
        view_by_get(s, again);
        if (memcmp(again, s->value, sizeof again) != 0)
            return complain("a snapshot read twice differs");
    }
    return 1;
}

/* All versions are as many as were counted, and the first of each key is the one that reads find. */
static int versions_are_right(void)
{
    fastskip_iterator *it = NULL;
    fastskip_entry e, newest;
    const void *last = NULL;
    uint64_t n = 0, versions;
    int good = 1;
    if (fastskip_iterator_new(world.table, NULL, FASTSKIP_ALL_VERSIONS, &it) != FASTSKIP_OK)
        return complain("no iterator");
    for (fastskip_status s = fastskip_iterator_seek_first(it); s == FASTSKIP_OK;
         s = fastskip_iterator_next(it), n++) {
        fastskip_iterator_entry(it, &e);
        if (e.key != last)
            good &=
                fastskip_get_raw(world.table, NULL, e.key, e.key_size, &newest) == FASTSKIP_OK &&
                newest.value == e.value && newest.kind == e.kind;
        last = e.key;
    }
    fastskip_iterator_free(it);
    fastskip_table_stat(world.table, FASTSKIP_STAT_VERSIONS, &versions);
    return (good && n == versions) || complain("the list of all versions is wrong");
}

/* The caller's numbers: each key and number once; reads see the greatest that they must, or a later one. */
static int numbers_are_right(void)
{
    for (unsigned i = 0; i < world.steps; i++) {
        const step *r = &world.step[i];
        uint64_t must = 0, got = 0;
        if (r->what != 'a' && r->what != 'n')
            continue;
        for (unsigned j = 0; j < world.steps; j++) {
            const step *w = &world.step[j];
            if (w->what != 'n' || w->key != r->key || w->status != FASTSKIP_OK)
                continue;
            if (r->what == 'n' && w != r && w->number == r->number && r->status == FASTSKIP_OK)
                return complain("one number was written twice");
            if (w->number <= r->number && w->end < r->begin && w->number > must)
                must = w->number;
            if (r->what == 'a' && r->value[r->key] == value_of(w))
                got = w->number;
        }
        if (r->what == 'a' && (got < must || got > r->number))
            return complain("a read at a number missed a version, or saw a later one");
    }
    return 1;
}

int judge_world(void)
{
    lin_op ops[LIN_OPS];
    uint32_t final[LIN_KEYS];
    step last;
    int drops = 0;
    memset(&last, 0, sizeof last);
    world.complaint = NULL;
    for (unsigned i = 0; i < world.steps; i++)
        drops += world.step[i].what == 'u';
    if (world.gone != (drops != 0))
        return complain("the table was not freed with its last reference, or was before");
    if (!answers_are_allowed() || !walks_are_complete() || !numbers_are_right())
        return 0;
    if (world.gone)
        return lin_check(ops, history(ops, NULL), world.initial) || complain("not linearizable");
    view_by_get(&last, final);
    if (!sealed_rightly(final) || !figures_are_right() || !versions_are_right() ||
        !snapshots_stay())
        return 0;
    if (fastskip_table_check(world.table) != FASTSKIP_OK)
        return complain("the table's own check");
    if (!world.scene->numbered && !lin_check(ops, history(ops, final), world.initial))
        return complain("not linearizable");
    return 1;
}

void program_print(void)
{
    printf("  %s\n", world.complaint != NULL ? world.complaint : "nothing is wrong");
    for (unsigned i = 0; i < world.steps; i++) {
        const step *s = &world.step[i];
        printf("  thread %u  %c%c  from %llu to %llu  status %d, wrote %x, saw", s->thread, s->what,
               s->what == '+' ? s->letter : ' ', (unsigned long long)s->begin,
               (unsigned long long)s->end, (int)s->status, value_of(s));
        for (unsigned k = 0; k < LIN_KEYS; k++)
            printf(" %x", s->value[k]);
        printf("\n");
    }
}
