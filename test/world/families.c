/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * families.c - universes of keys, in the orders in which they are compared.
 */
#include "draw.h"
#include "orders.h"
#include "world.h"

/* Keys are drawn from the seed, whatever the calls are drawn from. */
static size_t pick(struct world *w, size_t n)
{
    return (size_t)(draw(&w->random) % n);
}

unsigned char *add_key(struct world *w, const void *data, size_t size)
{
    if (w->count == w->room) {
        w->room = w->room ? 2 * w->room : 1024;
        w->keys = realloc(w->keys, w->room * sizeof *w->keys);
        EXPECT(w, w->keys);
    }
    struct key *key = &w->keys[w->count++];
    memset(key, 0, sizeof *key);
    key->data = malloc(size + 1);
    EXPECT(w, key->data);
    if (size > 0)
        memcpy(key->data, data, size);
    key->size = size;
    return key->data;
}

/* All strings over three bytes, the zero byte among them: each is a prefix of others. */
static void make_short(struct world *w, size_t n)
{
    static const unsigned char alphabet[] = {0, 'a', 0xff};
    unsigned char text[16];
    for (size_t size = 0, of_size = 1; w->count < n; size++, of_size *= 3) {
        for (size_t i = 0; i < of_size && w->count < n; i++) {
            for (size_t at = 0, rest = i; at < size; at++, rest /= 3)
                text[at] = alphabet[rest % 3];
            add_key(w, text, size);
        }
    }
}

/* Keys that begin with the same 40, 130, 300 or 5,000 bytes, which begin alike themselves. */
static void make_prefixed(struct world *w, size_t n)
{
    static const size_t sizes[] = {40, 130, 300, 5000};
    /* A few do in a small universe: runs of it are short, and comparing these takes most of them. */
    size_t long_each = n < 1000 ? 64 : 16;
    unsigned char *text = malloc(5000 + 8);
    EXPECT(w, text);
    for (size_t i = 0; i < n; i++) {
        size_t size = sizes[i % long_each == 0 ? 3 : i % 3], tail = pick(w, 7);
        for (size_t at = 0; at < 5000; at++)
            text[at] = (unsigned char)(at * 7);
        for (size_t at = 0; at < tail; at++)
            text[size + at] = (unsigned char)(pick(w, 4) * 85);
        /* Some end inside the common prefix. */
        add_key(w, text, i % 20 == 0 ? pick(w, size) : size + tail);
    }
    free(text);
}

static void make_integers(struct world *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t number = i % 2 ? draw(&w->random) : 0x100000000u * pick(w, 9) + pick(w, n);
        unsigned char text[8];
        for (int at = 0; at < 8; at++)
            text[at] = (unsigned char)(number >> (56 - 8 * at));
        add_key(w, text, 8);
    }
}

static void make_users(struct world *w, size_t n)
{
    char text[32];
    for (size_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, "user%016zu", i * 3);
        add_key(w, text, 20);
    }
}

static void make_longest(struct world *w, size_t n)
{
    unsigned char *text = malloc(FASTSKIP_KEY_MAX);
    EXPECT(w, text);
    for (size_t i = 0; i < n; i++) {
        memset(text, 'k', FASTSKIP_KEY_MAX);
        size_t at = i % 3 == 0   ? FASTSKIP_KEY_MAX - 1 - pick(w, 4)
                    : i % 3 == 1 ? pick(w, 8)
                                 : pick(w, FASTSKIP_KEY_MAX);
        text[at] = (unsigned char)draw(&w->random);
        add_key(w, text, FASTSKIP_KEY_MAX - (i % 4 == 0 ? pick(w, 3) : 0));
    }
    free(text);
}

static void make_words(struct world *w, size_t n)
{
    char text[16];
    for (size_t i = 0; i < n; i++) {
        size_t size = pick(w, 12);
        for (size_t at = 0; at < size; at++)
            text[at] = (char)(pick(w, 5) == 0 ? '0' + pick(w, 50)
                                                        : 'a' + pick(w, 26));
        /* Upper case is how they are spelled, not how they are named. */
        for (size_t at = 0; at < size; at++)
            text[at] = (char)(text[at] >= 'A' && text[at] <= 'Z' ? text[at] + 32 : text[at]);
        add_key(w, text, size);
    }
}

/* ---- orders ---------------------------------------------------------------------------------- */

static int32_t backwards(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    return bytewise(ctx, b, b_size, a, a_size);
}

static uint64_t backwards_bytes(void *ctx, const void *key, size_t size)
{
    return ~leading_bytes(ctx, key, size);
}

/* Shorter keys first, then by letters of any case: an order that shares nothing with that of bytes. */
static int32_t caseless(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    (void)ctx;
    if (a_size != b_size)
        return a_size < b_size ? -1 : 1;
    for (size_t i = 0; i < a_size; i++)
        if (folded(a, i) != folded(b, i))
            return folded(a, i) - folded(b, i);
    return 0;
}

static uint64_t caseless_size(void *ctx, const void *key, size_t size)
{
    (void)ctx;
    return (uint64_t)size << 40 | (uint64_t)(size ? folded(key, 0) : 0) << 32;
}

/* Few values only, so that nearly every comparison has to look at the keys. */
static uint64_t first_byte(void *ctx, const void *key, size_t size)
{
    (void)ctx;
    return size ? (uint64_t) * (const unsigned char *)key << 56 : 0;
}

const struct family families[] = {
    {"short", make_short, 9000, RANDOM, {bytewise, NULL, 0, 0}},
    {"short, descending", make_short, 9000, DESCENDING, {bytewise, NULL, 0, 0}},
    {"prefixed", make_prefixed, 6000, RANDOM, {bytewise, NULL, 0, 0}},
    {"prefixed, ascending", make_prefixed, 6000, ASCENDING, {bytewise, NULL, 0, 0}},
    {"integers", make_integers, 30000, RANDOM, {bytewise, NULL, 0, 0}},
    {"users", make_users, 30000, RANDOM, {bytewise, NULL, 0, 0}},
    {"users, ascending", make_users, 40000, ASCENDING, {bytewise, NULL, 0, 0}},
    {"users, descending", make_users, 40000, DESCENDING, {bytewise, NULL, 0, 0}},
    {"few users", make_users, 40, RANDOM, {bytewise, NULL, 0, 0}},
    {"longest", make_longest, 150, RANDOM, {bytewise, NULL, 0, 0}},
    {"backwards", make_short, 8000, RANDOM, {backwards, NULL, 1, 0}},
    {"backwards, abbreviated", make_users, 15000, ASCENDING, {backwards, backwards_bytes, 1, 0}},
    {"own bytes, abbreviated", make_prefixed, 4000, RANDOM, {bytewise, leading_bytes, 1, 0}},
    {"own bytes, one byte", make_integers, 10000, DESCENDING, {bytewise, first_byte, 1, 0}},
    {"caseless", make_words, 8000, RANDOM, {caseless, NULL, 1, 1}},
    {"caseless, abbreviated", make_words, 12000, RANDOM, {caseless, caseless_size, 1, 1}},
};

const size_t family_count = sizeof families / sizeof families[0];

/* ---- the universe of a run ---- */

static fastskip_compare_fn sort_order;

static int compare_keys(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    return sort_order(NULL, x->data, x->size, y->data, y->size);
}

void sort_universe(struct world *w)
{
    size_t kept = 0;
    sort_order = w->family->order.compare;
    qsort(w->keys, w->count, sizeof *w->keys, compare_keys);
    for (size_t i = 0; i < w->count; i++) {
        if (kept > 0 && compare_keys(&w->keys[kept - 1], &w->keys[i]) == 0)
            free(w->keys[i].data);
        else
            w->keys[kept++] = w->keys[i];
    }
    w->count = kept;
}

void make_universe(struct world *w, size_t keys)
{
    w->family->make(w, keys);
    sort_universe(w);
}
