/* crc32c.c - see crc32c.h. */
#include "crc32c.h"

#if FSK_GNU && (defined(__x86_64__) || defined(__i386__)) && !defined(FSK_CRC32C_BY_TABLES)
#define X86 1
#include <cpuid.h>
#include <nmmintrin.h>
#else
#define X86 0
#endif

#if FSK_GNU && defined(__ARM_FEATURE_CRC32) && defined(__AARCH64EL__) &&                           \
    !defined(FSK_CRC32C_BY_TABLES)
#define ARM 1
#include <arm_acle.h>
#else
#define ARM 0
#endif

#define POLYNOMIAL 0x82f63b78u /* reflected */

/* ---- by tables ---- */

void fsk_crc32c_fill(fsk_crc32c_table *t)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t state = i;
        for (unsigned bit = 0; bit < 8; bit++)
            state = state >> 1 ^ (state & 1 ? POLYNOMIAL : 0);
        t->of[0][i] = state;
    }
    for (unsigned n = 1; n < 8; n++)
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t before = t->of[n - 1][i];
            t->of[n][i] = before >> 8 ^ t->of[0][before & 0xff];
        }
}

static uint32_t extend_by_table(const fsk_crc32c_table *t, uint32_t state, const uint8_t *p,
                                size_t n)
{
    for (; n >= 8; n -= 8, p += 8)
        state = t->of[7][(state ^ p[0]) & 0xff] ^ t->of[6][(state >> 8 ^ p[1]) & 0xff] ^
                t->of[5][(state >> 16 ^ p[2]) & 0xff] ^ t->of[4][state >> 24 ^ p[3]] ^
                t->of[3][p[4]] ^ t->of[2][p[5]] ^ t->of[1][p[6]] ^ t->of[0][p[7]];
    for (; n > 0; n--, p++)
        state = state >> 8 ^ t->of[0][(state ^ *p) & 0xff];
    return state;
}

/* ---- by the instruction ---- */

#if X86
int fsk_crc32c_instruction(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) != 0;
}

__attribute__((target("sse4.2"))) static uint32_t extend_by_instruction(uint32_t state,
                                                                        const uint8_t *p, size_t n)
{
    uint32_t four;
#if defined(__x86_64__)
    uint64_t wide = state, eight;
    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&eight, p, sizeof eight);
        wide = _mm_crc32_u64(wide, eight);
    }
    state = (uint32_t)wide;
#endif
    for (; n >= 4; n -= 4, p += 4) {
        memcpy(&four, p, sizeof four);
        state = _mm_crc32_u32(state, four);
    }
    for (; n > 0; n--, p++)
        state = _mm_crc32_u8(state, *p);
    return state;
}
#elif ARM
int fsk_crc32c_instruction(void)
{
    return 1;
}

static uint32_t extend_by_instruction(uint32_t state, const uint8_t *p, size_t n)
{
    for (; n >= 8; n -= 8, p += 8)
        state = __crc32cd(state, fsk_load_raw64(p));
    for (; n > 0; n--, p++)
        state = __crc32cb(state, *p);
    return state;
}
#else
int fsk_crc32c_instruction(void)
{
    return 0;
}
#endif

uint32_t fsk_crc32c_extend(const fsk_crc32c_table *table, uint32_t state, const void *data,
                           size_t size)
{
#if X86 || ARM
    if (table == NULL)
        return extend_by_instruction(state, data, size);
#endif
    return extend_by_table(table, state, data, size);
}
