/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_key.c - lib/key: the order of keys, the prefixes that they share, and the parts and windows that
 * blocks compare.  Each is held against a few lines that say the same plainly, over all short keys of a
 * small alphabet and over long random ones that share much.
 */
#include "inside.h"

#include "key.h"

/* ---- said plainly ---- */

static int plain_byte(const uint8_t *key, size_t size, size_t i)
{
    return i < size ? key[i] : 0;
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static int plain_compare(const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
    for (size_t i = 0; i < an && i < bn; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return an < bn ? -1 : an > bn;
}

static size_t plain_shared(const uint8_t *a, size_t an, const uint8_t *b, size_t bn, size_t most)
{
    size_t longer = an > bn ? an : bn, i = 0;
    if (longer > most)
        longer = most;
    while (i < longer && plain_byte(a, an, i) == plain_byte(b, bn, i))
        i++;
    return i;
}

static uint32_t plain_part(const uint8_t *key, size_t size, size_t skip)
{
    uint32_t part = 0;
    for (size_t i = skip; i < skip + 4; i++)
        part = part * 256 + (uint32_t)plain_byte(key, size, i);
    return part;
}

/* ---- keys to try ---- */

/* All keys of up to 4 bytes out of 0, 1, 0x80 and 0xff. */
#define SHORT_KEYS (1 + 4 + 16 + 64 + 256)
static struct {
    uint8_t data[4];
    size_t size;
} short_key[SHORT_KEYS];

static void make_short_keys(void)
{
    static const uint8_t letters[] = {0, 1, 0x80, 0xff};
    size_t n = 0;
    for (size_t size = 0; size <= 4; size++)
        for (unsigned word = 0; word < 1u << (2 * size); word++, n++) {
            short_key[n].size = size;
            for (size_t i = 0; i < size; i++)
                short_key[n].data[i] = letters[word >> (2 * i) & 3];
        }
    REQUIRE_EQ(n, SHORT_KEYS);
}

/* A copy of its own exact size, so that a sanitizer sees a read beyond it. */
static uint8_t *exact(const void *data, size_t size)
{
    uint8_t *copy = malloc(size != 0 ? size : 1);
    if (size != 0)
        memcpy(copy, data, size);
    return copy;
}

static uint8_t *random_key(uint64_t *state, size_t size, unsigned letters)
{
    uint8_t *key = malloc(size != 0 ? size : 1);
    for (size_t i = 0; i < size; i++)
        key[i] = (uint8_t)(draw_below(state, letters) * 0x55);
    return key;
}

/* Two keys with a common beginning. */
static void random_pair(uint64_t *state, uint8_t **a, size_t *an, uint8_t **b, size_t *bn)
{
    size_t common;
    *an = draw_below(state, 300);
    *bn = draw_below(state, 300);
    *a = random_key(state, *an, 4);
    *b = random_key(state, *bn, 4);
    common = draw_below(state, 300);
    if (common > *an)
        common = *an;
    if (common > *bn)
        common = *bn;
    memcpy(*b, *a, common);
}

/* ---- tests ---- */

static void check_pair(const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
    static const fsk_order bytewise;
    int c = plain_compare(a, an, b, bn);
    REQUIRE_EQ(sign(fsk_compare_bytes(a, an, b, bn)), c);
    REQUIRE_EQ(sign(fsk_compare(&bytewise, a, an, b, bn)), c);
    for (size_t most = 0; most <= 6; most++)
        REQUIRE_EQ(fsk_shared_prefix(a, an, b, bn, most), plain_shared(a, an, b, bn, most));
    REQUIRE_EQ(fsk_shared_prefix(a, an, b, bn, FSK_KEY_MOST),
               plain_shared(a, an, b, bn, FSK_KEY_MOST));
}

/* What the index relies on: in keys that share `skip` bytes, a smaller part is a smaller key. */
static void check_parts(const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
    size_t shared = plain_shared(a, an, b, bn, FSK_KEY_MOST);
    for (size_t skip = shared > 5 ? shared - 5 : 0; skip <= shared; skip++) {
        uint32_t x = fsk_part_bytes(a, an, skip), y = fsk_part_bytes(b, bn, skip);
        REQUIRE_EQ(x, plain_part(a, an, skip));
        REQUIRE_EQ(y, plain_part(b, bn, skip));
        if (x != y)
            REQUIRE_EQ(x < y, plain_compare(a, an, b, bn) < 0);
    }
}

START_TEST(short_keys)
{
    make_short_keys();
    for (int i = 0; i < SHORT_KEYS; i++)
        for (int j = 0; j < SHORT_KEYS; j++) {
            check_pair(short_key[i].data, short_key[i].size, short_key[j].data, short_key[j].size);
            check_parts(short_key[i].data, short_key[i].size, short_key[j].data, short_key[j].size);
        }
    ck_assert_int_eq(fsk_compare_bytes(NULL, 0, NULL, 0), 0);
    ck_assert_int_lt(fsk_compare_bytes(NULL, 0, short_key[1].data, 1), 0);
    ck_assert_uint_eq(fsk_shared_prefix(NULL, 0, NULL, 0, 9), 0);
}
END_TEST

START_TEST(long_keys)
{
    uint64_t state = 11;
    for (unsigned i = 0; i < scaled_alone(20000); i++) {
        uint8_t *a, *b;
        size_t an, bn;
        random_pair(&state, &a, &an, &b, &bn);
        check_pair(a, an, b, bn);
        check_parts(a, an, b, bn);
        check_pair(a, an, a, an);
        free(a);
        free(b);
    }
}
END_TEST

START_TEST(longest_keys)
{
    uint64_t state = 12;
    uint8_t *a = random_key(&state, FSK_KEY_MOST, 4), *b = exact(a, FSK_KEY_MOST);
    ck_assert_uint_eq(fsk_shared_prefix(a, FSK_KEY_MOST, b, FSK_KEY_MOST, FSK_KEY_MOST),
                      FSK_KEY_MOST);
    b[FSK_KEY_MOST - 1] ^= 1;
    check_pair(a, FSK_KEY_MOST, b, FSK_KEY_MOST);
    check_parts(a, FSK_KEY_MOST, b, FSK_KEY_MOST);
    memset(a, 0, FSK_KEY_MOST); /* equal when padded: the size of the longer */
    ck_assert_uint_eq(fsk_shared_prefix(a, 3, a, FSK_KEY_MOST, FSK_KEY_MOST), FSK_KEY_MOST);
    free(a);
    free(b);
}
END_TEST

START_TEST(big_endian)
{
    static const uint8_t bytes[9] = {0, 0x80, 1, 2, 3, 4, 5, 6, 0xff};
    ck_assert_uint_eq(fsk_big_endian32(bytes), 0x00800102u);
    ck_assert_uint_eq(fsk_big_endian32(bytes + 5), 0x040506ffu);
}
END_TEST

/* The window is what a block compares in one go: the bytes before `skip`, and the four from it on. */
static void check_window(const uint8_t *data, size_t size, fsk_key *k, uint32_t skip)
{
    const uint8_t *at = fsk_key_window(k, skip);
    if (at == NULL)
        return;
    for (uint32_t i = 0; i < 4; i++)
        REQUIRE_EQ(at[i], plain_byte(data, size, skip + i));
    for (uint32_t back = 1; back <= FSK_WINDOW; back++)
        REQUIRE_EQ(at[-(int)back], back <= skip ? plain_byte(data, size, skip - back) : 0);
}

START_TEST(prepared_keys)
{
    static const fsk_order bytewise;
    uint64_t state = 13;
    for (size_t size = 0; size <= 400; size++) {
        uint8_t *data = random_key(&state, size, 4);
        fsk_key k;
        memset(&k, 0xaa, sizeof k); /* nothing is relied on to be zero */
        fsk_key_init(&k, &bytewise, data, size);
        REQUIRE(k.data == data && k.size == size && k.abbreviation == 0);
        for (uint32_t skip = 0; skip < 500; skip++)
            check_window(data, size, &k, skip);
        /* It is there wherever the whole of it lies in the key. */
        for (uint32_t skip = 0; skip + 4 <= size; skip++)
            REQUIRE((skip < FSK_WINDOW || skip + 4 > FSK_PADDED) || fsk_key_window(&k, skip));
        REQUIRE(fsk_key_window(&k, 0) != NULL);
        if (size >= FSK_WINDOW + 4)
            REQUIRE(fsk_key_window(&k, (uint32_t)size - 4) != NULL);
        free(data);
    }
}
END_TEST

/* ---- an order of the caller's own ---- */

static int32_t backwards(void *context, const void *a, size_t an, const void *b, size_t bn)
{
    ++*(int *)context;
    return plain_compare(b, bn, a, an) * 1000;
}

static uint64_t upside_down(void *context, const void *key, size_t size)
{
    ++*(int *)context;
    return ~((uint64_t)plain_part(key, size, 0) << 32 | plain_part(key, size, 4));
}

START_TEST(own_order)
{
    int calls = 0;
    fsk_order o = {backwards, NULL, &calls};
    fsk_key k;
    ck_assert_int_gt(fsk_compare(&o, (const uint8_t *)"a", 1, (const uint8_t *)"b", 1), 0);
    ck_assert_int_eq(calls, 1);
    fsk_key_init(&k, &o, "abcde", 5);
    ck_assert_uint_eq(k.abbreviation, 0);
    ck_assert_int_eq(calls, 1);
    o.abbreviate = upside_down;
    fsk_key_init(&k, &o, "abcde", 5);
    ck_assert_int_eq(calls, 2);
    ck_assert_uint_eq(k.abbreviation, ~plain_part((const uint8_t *)"abcde", 5, 0));
    ck_assert_uint_eq(fsk_abbreviate(&o, (const uint8_t *)"abcde", 5), k.abbreviation);
    ck_assert(k.size == 5 && memcmp(k.data, "abcde", 5) == 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        short_keys, long_keys, longest_keys, big_endian, prepared_keys, own_order,
    };
    return RUN_SUITE("key", tests);
}
