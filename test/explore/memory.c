/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * memory.c - see memory.h.
 */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include "schedule.h"

#define WORDS_MOST 4096u /* in one schedule */
#define SLOTS 16384u     /* to find them by */
#define VIEWS_ROOM (4u << 20)

/* Of each word, by its number, the oldest value that is seen. */
typedef struct {
    uint32_t at, words; /* in g.views; words 0: nothing is handed on */
} kept_view;

typedef struct {
    uint64_t value;
    kept_view kept;
} stored;

typedef struct {
    const void *address;
    unsigned bytes;
    stored *values; /* oldest first */
    uint32_t count, room;
    uint32_t seq;   /* the last that was stored in sequentially consistent order */
    uint32_t first; /* the one that it was given by init; what is before is not its own */
} word;

static struct {
    word word[WORDS_MOST];
    uint32_t words;
    uint16_t slot[SLOTS]; /* number of a word, plus 1 */
    uint16_t used[WORDS_MOST];
    uint16_t view[SCHEDULE_THREADS][WORDS_MOST];
    uint16_t *views;
    uint32_t views_used;
} g;

void memory_forget(void)
{
    for (uint32_t i = 0; i < g.words; i++)
        g.slot[g.used[i]] = 0;
    for (unsigned t = 0; t < SCHEDULE_THREADS; t++)
        memset(g.view[t], 0, g.words * sizeof g.view[t][0]);
    g.words = 0;
    g.views_used = 0;
}

static int acquires(int order)
{
    return order == MEMORY_ACQUIRE || order >= MEMORY_ACQ_REL;
}

static int releases(int order)
{
    return order >= MEMORY_RELEASE;
}

/* ---- the words themselves ---- */

static uint64_t raw_load(const void *p, unsigned bytes)
{
    uint32_t narrow;
    uint64_t wide;
    if (bytes == sizeof wide) {
        memcpy(&wide, p, sizeof wide);
        return wide;
    }
    memcpy(&narrow, p, sizeof narrow);
    return narrow;
}

static void raw_store(void *p, unsigned bytes, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    if (bytes == sizeof value)
        memcpy(p, &value, sizeof value);
    else
        memcpy(p, &narrow, sizeof narrow);
}

/* ---- views ---- */

static uint16_t *my_view(void)
{
    return g.view[schedule_thread()];
}

static uint32_t number_of(const word *w)
{
    return (uint32_t)(w - g.word);
}

/* Adds what was kept to a view that has room for as many words. */
static void join(uint16_t *view, kept_view kept)
{
    const uint16_t *other = g.views + kept.at;
    for (uint32_t i = 0; i < kept.words; i++)
        if (other[i] > view[i])
            view[i] = other[i];
}

static kept_view keep(const uint16_t *view)
{
    kept_view kept = {g.views_used, g.words};
    if (g.views == NULL)
        g.views = malloc(VIEWS_ROOM * sizeof *g.views);
    if (g.views == NULL || g.views_used + WORDS_MOST > VIEWS_ROOM)
        abort();
    memcpy(g.views + kept.at, view, kept.words * sizeof *view);
    g.views_used += kept.words;
    return kept;
}

/* ---- what was stored ---- */

static uint32_t push(word *w, uint64_t value)
{
    if (w->count == w->room) {
        w->room = w->room != 0 ? 2 * w->room : 8;
        w->values = realloc(w->values, w->room * sizeof *w->values);
        if (w->values == NULL)
            abort();
    }
    if (w->count > UINT16_MAX)
        abort();
    w->values[w->count].value = value;
    w->values[w->count].kept.words = 0;
    return w->count++;
}

static word *new_word(uint16_t *slot, const void *p, unsigned bytes)
{
    word *w = &g.word[g.words];
    if (g.words == WORDS_MOST)
        abort();
    g.used[g.words++] = (uint16_t)(slot - g.slot);
    *slot = (uint16_t)g.words;
    w->address = p;
    w->bytes = bytes;
    w->count = w->seq = w->first = 0;
    push(w, raw_load(p, bytes));
    return w;
}

/* Memory that is used for something else may have been written meanwhile by plain stores; whoever sees
 * it sees those. */
static void take_plain_stores(word *w, uint64_t value)
{
    w->first = push(w, value);
    for (unsigned t = 0; t < SCHEDULE_THREADS; t++)
        g.view[t][number_of(w)] = (uint16_t)w->first;
}

static word *word_at(const void *p, unsigned bytes)
{
    uint32_t hash = (uint32_t)((uintptr_t)p >> 2) * 0x9e3779b1u >> 18;
    for (;; hash = (hash + 1) % SLOTS) {
        word *w;
        uint64_t value;
        if (g.slot[hash] == 0)
            return new_word(&g.slot[hash], p, bytes);
        w = &g.word[g.slot[hash] - 1u];
        if (w->address != p || w->bytes != bytes)
            continue;
        value = raw_load(p, bytes);
        if (w->values[w->count - 1].value != value)
            take_plain_stores(w, value);
        return w;
    }
}

/* The oldest value that the thread may take. */
static uint32_t oldest(const word *w, int order)
{
    uint32_t least = my_view()[number_of(w)];
    if (least < w->first)
        schedule_break("a word is reached by a thread that does not know of its first value");
    return order == MEMORY_SEQ && least < w->seq ? w->seq : least;
}

static uint64_t take(const word *w, uint32_t i, int order)
{
    my_view()[number_of(w)] = (uint16_t)i;
    if (acquires(order))
        join(my_view(), w->values[i].kept);
    return w->values[i].value;
}

/* `handed`: the view of the value that a read-modify-write replaces. */
static void put(word *w, int order, uint64_t value, kept_view handed)
{
    uint32_t i = push(w, value);
    my_view()[number_of(w)] = (uint16_t)i;
    if (releases(order)) {
        kept_view kept = keep(my_view());
        join(g.views + kept.at, handed);
        handed = kept;
    }
    w->values[i].kept = handed;
    if (order == MEMORY_SEQ)
        w->seq = i;
    raw_store((void *)(uintptr_t)w->address, w->bytes, value);
}

static const kept_view nothing = {0, 0};

/* ---- operations ---- */

void memory_init(void *p, unsigned bytes, uint64_t value)
{
    word *w;
    if (schedule_thread() < 0) {
        raw_store(p, bytes, value);
        return;
    }
    w = word_at(p, bytes);
    put(w, MEMORY_RELAXED, value, nothing);
    w->first = w->count - 1;
}

uint64_t memory_load(const void *p, unsigned bytes, int order)
{
    const word *w;
    uint32_t least, newest;
    if (schedule_thread() < 0)
        return raw_load(p, bytes);
    w = word_at(p, bytes);
    least = oldest(w, order);
    newest = w->count - 1;
    return take(w, newest - schedule_choose(newest - least + 1), order);
}

void memory_store(void *p, unsigned bytes, int order, uint64_t value)
{
    word *w;
    if (schedule_thread() < 0) {
        raw_store(p, bytes, value);
        return;
    }
    w = word_at(p, bytes);
    oldest(w, order);
    put(w, order, value, nothing);
}

/* Stores what a value adds to the newest one times `keeps`: 1 to add, 0 to exchange. */
static uint64_t replace(void *p, unsigned bytes, int order, uint64_t value, unsigned keeps)
{
    uint64_t old = raw_load(p, bytes);
    word *w;
    value += keeps * old;
    if (schedule_thread() < 0) {
        raw_store(p, bytes, value);
        return old;
    }
    w = word_at(p, bytes); /* whose newest value is what memory holds */
    oldest(w, order);
    take(w, w->count - 1, order);
    put(w, order, bytes == 4 ? (uint32_t)value : value, w->values[w->count - 1].kept);
    return old;
}

uint64_t memory_add(void *p, unsigned bytes, int order, uint64_t value)
{
    return replace(p, bytes, order, value, 1);
}

uint64_t memory_exchange(void *p, unsigned bytes, int order, uint64_t value)
{
    return replace(p, bytes, order, value, 0);
}

/* Which value a compare-and-swap meets: the newest, or one that fails it and is older. */
static uint32_t met(const word *w, int failed, uint64_t expected)
{
    uint32_t least = oldest(w, failed), newest = w->count - 1, others = 0, chosen;
    for (uint32_t i = least; i < newest; i++)
        others += w->values[i].value != expected;
    chosen = schedule_choose(others + 1);
    for (uint32_t i = newest; chosen > 0; chosen -= w->values[i].value != expected)
        newest = --i;
    return newest;
}

static int cas(void *p, unsigned bytes, int order, int failed, uint64_t *expected, uint64_t desired)
{
    uint64_t old = raw_load(p, bytes);
    word *w;
    uint32_t i;
    if (schedule_thread() < 0) {
        if (old == *expected) {
            raw_store(p, bytes, desired);
            return 1;
        }
        *expected = old;
        return 0;
    }
    w = word_at(p, bytes);
    i = met(w, failed, *expected);
    if (w->values[i].value != *expected) {
        *expected = take(w, i, failed);
        return 0;
    }
    take(w, i, order);
    put(w, order, desired, w->values[i].kept);
    return 1;
}

int memory_cas32(void *p, int order, int failed, uint32_t *expected, uint32_t desired)
{
    uint64_t wide = *expected;
    int won = cas(p, sizeof *expected, order, failed, &wide, desired);
    *expected = (uint32_t)wide;
    return won;
}

int memory_cas64(void *p, int order, int failed, uint64_t *expected, uint64_t desired)
{
    return cas(p, sizeof *expected, order, failed, expected, desired);
}
