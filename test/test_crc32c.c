/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_crc32c.c - lib/crc32c against the published values, by tables and by the processor's instruction,
 * and these against each other and against a loop over bits.
 */
#include "inside.h"

#include "crc32c.h"

static fsk_crc32c_table table;

static uint32_t crc_by_bits(const uint8_t *data, size_t size)
{
    uint32_t state = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        state ^= data[i];
        for (unsigned bit = 0; bit < 8; bit++)
            state = state >> 1 ^ (state & 1 ? 0x82f63b78u : 0);
    }
    return ~state;
}

/* By all means that there are. */
static uint32_t crc(const void *data, size_t size)
{
    uint32_t sum = ~fsk_crc32c_extend(&table, UINT32_MAX, data, size);
    if (fsk_crc32c_instruction())
        ck_assert_uint_eq(~fsk_crc32c_extend(NULL, UINT32_MAX, data, size), sum);
    return sum;
}

START_TEST(published_values)
{
    uint8_t data[32];
    /* The first command of RFC 3720, B.4, is an iSCSI Read (10). */
    static const uint8_t read[48] = {0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0,    0, 0, 0, 0,
                                     0x14, 0,    0, 0, 0, 0, 4, 0, 0,    0, 0, 0x14, 0, 0, 0, 0x18,
                                     0x28, 0,    0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0,    0, 0, 0, 0};
    fsk_crc32c_fill(&table);
    ck_assert_uint_eq(crc("123456789", 9), 0xe3069283);
    ck_assert_uint_eq(crc("", 0), 0);
    memset(data, 0, sizeof data);
    ck_assert_uint_eq(crc(data, sizeof data), 0x8a9136aa);
    memset(data, 0xff, sizeof data);
    ck_assert_uint_eq(crc(data, sizeof data), 0x62a8ab43);
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    ck_assert_uint_eq(crc(data, sizeof data), 0x46dd794e);
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(sizeof data - 1 - i);
    ck_assert_uint_eq(crc(data, sizeof data), 0x113fdb5c);
    ck_assert_uint_eq(crc(read, sizeof read), 0xd9963a56);
}
END_TEST

START_TEST(any_size_at_any_place)
{
    uint8_t data[300];
    uint64_t state = 1;
    fsk_crc32c_fill(&table);
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)draw_below(&state, 256);
    for (unsigned from = 0; from < 9; from++)
        for (unsigned size = 0; size <= 260; size++) {
            unsigned cut = draw_below(&state, size + 1);
            uint32_t head = fsk_crc32c_extend(&table, UINT32_MAX, data + from, cut);
            ck_assert_uint_eq(crc(data + from, size), crc_by_bits(data + from, size));
            ck_assert_uint_eq(~fsk_crc32c_extend(&table, head, data + from + cut, size - cut),
                              crc(data + from, size));
        }
}
END_TEST

/* What fsk_checksum_stamped relies on. */
START_TEST(is_linear)
{
    uint64_t state = 3;
    fsk_crc32c_fill(&table);
    for (unsigned round = 0; round < 1000; round++) {
        uint64_t x = draw(&state), y = draw(&state), differs = x ^ y;
        uint32_t from = (uint32_t)draw(&state);
        ck_assert_uint_eq(fsk_crc32c_extend(&table, from, &x, sizeof x) ^
                              fsk_crc32c_extend(&table, 0, &differs, sizeof differs),
                          fsk_crc32c_extend(&table, from, &y, sizeof y));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {published_values, any_size_at_any_place, is_linear};
    return RUN_SUITE("crc32c", tests);
}
