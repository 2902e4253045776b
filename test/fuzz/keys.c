/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * keys.c - fuzz target: keys of any shape, made by the input: common prefixes, zero bytes, any length, runs
 * up and down, ties in the few bytes by which blocks tell keys apart; in the order of bytes and in others.
 */
#include "fuzz.h"

#include "../orders.h"

#define KEYS_MOST 200
#define LONG_MOST 12 /* keys of up to 64 KiB */
#define ROOM ((size_t)1 << 20)

/* ---- orders beside those of the families ---- */

static int32_t by_length(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    return a_size != b_size ? (a_size > b_size) - (a_size < b_size)
                            : bytewise(ctx, a, a_size, b, b_size);
}

static uint64_t length(void *ctx, const void *key, size_t size)
{
    (void)ctx;
    (void)key;
    return (uint64_t)size << 32;
}

static int32_t folding(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    size_t common = a_size < b_size ? a_size : b_size;
    (void)ctx;
    for (size_t i = 0; i < common; i++)
        if (folded(a, i) != folded(b, i))
            return folded(a, i) - folded(b, i);
    return (a_size > b_size) - (a_size < b_size);
}

static uint64_t folded_bytes(void *ctx, const void *key, size_t size)
{
    uint64_t number = 0;
    (void)ctx;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | (uint64_t)(i < size ? folded(key, i) : 0);
    return number;
}

/* caseless is left at 0: what is read is spelled as it was written first. */
static const struct family orders[] = {
    {"bytes", NULL, 0, RANDOM, {bytewise, NULL, 0, 0}},
    {"bytes", NULL, 0, RANDOM, {bytewise, NULL, 0, 0}},
    {"bytes", NULL, 0, RANDOM, {bytewise, NULL, 0, 0}},
    {"bytes, abbreviated", NULL, 0, RANDOM, {bytewise, leading_bytes, 1, 0}},
    {"length", NULL, 0, RANDOM, {by_length, NULL, 1, 0}},
    {"length, abbreviated", NULL, 0, RANDOM, {by_length, length, 1, 0}},
    {"folding", NULL, 0, RANDOM, {folding, NULL, 1, 0}},
    {"folding, abbreviated", NULL, 0, RANDOM, {folding, folded_bytes, 1, 0}},
};

#define OWN_ORDERS (sizeof orders / sizeof *orders)

/* ---- making keys ---- */

static struct key keys[KEYS_MOST];
static struct version *versions[KEYS_MOST]; /* of the keys by place, whatever order they come to */
static size_t rooms[KEYS_MOST];
static unsigned char bytes[ROOM];
static size_t used, longs;

static unsigned char *new_key(struct world *w, size_t size)
{
    struct key *key = &keys[w->count++];
    key->data = bytes + used;
    key->size = size;
    key->count = 0;
    used += size;
    return key->data;
}

static void literal_key(struct world *w)
{
    size_t size = below(w, 32);
    unsigned char *to = new_key(w, size);
    for (size_t i = 0; i < size; i++)
        to[i] = (unsigned char)input_number(1);
}

/* One byte again and again, up to a few others at the end or anywhere. */
static void repeated_key(struct world *w)
{
    int is_long = longs < LONG_MOST && below(w, 16) == 1;
    size_t size = is_long ? FASTSKIP_KEY_MAX - below(w, 4) : below(w, 301);
    unsigned char *to = new_key(w, size);
    longs += (size_t)is_long;
    if (size == 0)
        return;
    memset(to, (int)input_number(1), size);
    for (size_t n = below(w, 4); n > 0; n--) {
        size_t back = below(w, 4) ? below(w, size) : below(w, size < 8 ? size : 8);
        to[size - 1 - back] = (unsigned char)input_number(1);
    }
}

/* The beginning of an earlier key, and something of its own. */
static void extended_key(struct world *w)
{
    const struct key *old = &keys[below(w, w->count)];
    size_t kept, tail = below(w, 8);
    unsigned char *to;
    int is_long = old->size > 400;
    if (is_long && longs >= LONG_MOST)
        return;
    kept = below(w, 2) ? old->size : below(w, old->size + 1);
    if (kept + tail > FASTSKIP_KEY_MAX)
        tail = FASTSKIP_KEY_MAX - kept;
    longs += (size_t)is_long;
    to = new_key(w, kept + tail);
    memcpy(to, old->data, kept);
    for (size_t i = 0; i < tail; i++)
        to[kept + i] = (unsigned char)input_number(1);
}

/* The last key's successors or predecessors, as numbers of its last bytes. */
static void run_of_keys(struct world *w)
{
    size_t n = 1 + few(w, 60);
    int by = below(w, 2) ? 1 : -1;
    for (; n > 0 && w->count < KEYS_MOST; n--) {
        const struct key *old = &keys[w->count - 1];
        int carry = by;
        unsigned char *to;
        if (old->size > 400)
            return;
        to = new_key(w, old->size);
        memcpy(to, old->data, old->size);
        for (size_t i = old->size; i > 0 && carry != 0; i--) {
            int sum = to[i - 1] + carry;
            to[i - 1] = (unsigned char)sum;
            carry = sum > 255 ? 1 : sum < 0 ? -1 : 0;
        }
    }
}

static void make_keys(struct world *w)
{
    size_t shapes = 1 + below(w, 40);
    used = longs = 0;
    literal_key(w);
    while (shapes-- > 0 && w->count < KEYS_MOST && input_left() > 0) {
        switch (below(w, 8)) {
        case 0:
        case 1:
            literal_key(w);
            break;
        case 2:
            repeated_key(w);
            break;
        case 3:
        case 4:
            run_of_keys(w);
            break;
        default:
            extended_key(w);
        }
    }
}

/* ---- a table of them ---- */

static struct key *arrival[KEYS_MOST]; /* the keys in the order of the input */
static struct key *by_place[KEYS_MOST];

static fastskip_compare_fn order;

static int compare_arrivals(const void *a, const void *b)
{
    const struct key *x = *(struct key *const *)a, *y = *(struct key *const *)b;
    return order(NULL, x->data, x->size, y->data, y->size);
}

/* The universe, sorted and each key once; arrival[] keeps the order in which they came. */
static void sort_keys(struct world *w)
{
    static struct key sorted[KEYS_MOST];
    size_t n = w->count, kept = 0;
    order = w->family->order.compare;
    for (size_t i = 0; i < n; i++)
        by_place[i] = &keys[i];
    qsort(by_place, n, sizeof *by_place, compare_arrivals);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || compare_arrivals(&by_place[i - 1], &by_place[i]) != 0) {
            sorted[kept] = *by_place[i];
            sorted[kept].versions = versions[kept];
            sorted[kept].room = rooms[kept];
            kept++;
        }
        arrival[by_place[i] - keys] = &sorted[kept - 1];
    }
    w->keys = sorted;
    w->count = kept;
}

/* What has grown stays for the next input. */
static void keep_versions(const struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        versions[i] = w->keys[i].versions;
        rooms[i] = w->keys[i].room;
    }
}

static void put_key(struct world *w, struct key *key)
{
    struct version v = {++w->clock, FASTSKIP_PUT, (uint32_t)(w->clock % 5),
                        ++w->values * 2654435761u};
    fastskip_status status =
        fastskip_put(w->table, key->data, key->size, fill_value(w, &v), v.size);
    w->writes++;
    if (!refused(w, status, 1)) {
        EXPECT(w, status == FASTSKIP_OK);
        add_version(w, key, v);
    }
}

static void load_keys(struct world *w, size_t n)
{
    size_t way = below(w, 4);
    if (way < 2)
        for (size_t i = 0; i < n; i++)
            put_key(w, arrival[i]);
    for (size_t i = 0; way >= 2 && i < w->count; i++)
        put_key(w, &w->keys[way == 2 ? i : w->count - 1 - i]);
}

static step *const steps[] = {
    write_step, write_step, write_step, batch_step, read_step,  read_step,  many_step,
    walk_step,  walk_step,  walk_step,  view_step,  count_step, check_step,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    struct world *w = memset(&world, 0, sizeof world);
    size_t which, n;
    input_begin(data, size);
    which = input_below(OWN_ORDERS + family_count);
    w->family = which < OWN_ORDERS ? &orders[which] : &families[which - OWN_ORDERS];
    w->mode = FASTSKIP_SEQUENCE_AUTO;
    make_keys(w);
    n = w->count;
    sort_keys(w);
    w->tight = 1;
    begin_table(w, POOL_REGION >> 2 * input_below(3));
    load_keys(w, n);
    WALK_STEPS(w, steps);
    end_world(w);
    keep_versions(w);
    return 0;
}
