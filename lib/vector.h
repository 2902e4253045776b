/*
 * vector.h - the words of a block, four at a time, where the processor has such instructions: SSE2, NEON.
 *
 * FSK_VECTORS is 1 where they are used.  They are the base of x86-64 and of 64-bit ARM, so nothing is asked at
 * run time.  ThreadSanitizer does not understand that a vector load of atomic words is meant, so its builds
 * have none; neither have those with FSK_NO_VECTORS, for tests of what other processors do.
 *
 * A load of a quad is one load of each word, none torn: on x86-64 an aligned word is not, on ARM each aligned
 * half of a vector is one access (Arm Architecture Reference Manual, "Requirements for single-copy atomicity").
 * Between the words of a quad there is no order.
 *
 * Relies on: compiler.  Used by: block.
 */
#ifndef FSK_VECTOR_H
#define FSK_VECTOR_H

#include "compiler.h"

#ifndef FSK_BLOCK_WORDS
#define FSK_BLOCK_WORDS 40 /* a multiple of 4, at most 60; 40 make 6 cache lines */
#endif
#define FSK_QUADS (FSK_BLOCK_WORDS / 4)

#if FSK_GNU && defined(__SSE2__) && !FSK_THREAD_SANITIZER && !defined(FSK_NO_VECTORS)
#define FSK_VECTORS 1
#include <emmintrin.h>

typedef __m128i fsk_quad;
typedef __m128i_u fsk_quad_stored; /* as it lies in memory: of any type, of any alignment */

/* All words of a block, or what a comparison of each makes: all bits of it set, or none. */
typedef struct {
    fsk_quad quad[FSK_QUADS];
} fsk_lanes;

/* Words are ordered as signed ones; with its highest bit turned an unsigned one has its place among them. */
#define FSK_ORDERED_WORD(word) ((word) ^ 0x80000000u)

static inline fsk_quad fsk_quad_of(uint32_t word)
{
    return _mm_set1_epi32((int)word);
}

static inline fsk_quad fsk_quad_ordered(fsk_quad q)
{
    return _mm_xor_si128(q, fsk_quad_of(0x80000000u));
}

/* Both as fsk_quad_ordered makes them. */
static inline fsk_quad fsk_quad_less(fsk_quad a, fsk_quad b)
{
    return _mm_cmplt_epi32(a, b);
}

static inline fsk_quad fsk_quad_equal(fsk_quad a, fsk_quad b)
{
    return _mm_cmpeq_epi32(a, b);
}

static inline fsk_quad fsk_quad_or(fsk_quad a, fsk_quad b)
{
    return _mm_or_si128(a, b);
}

/* By how much each word is above another, modulo 2^32, ordered. */
static inline fsk_quad fsk_quad_above(fsk_quad q, uint32_t word)
{
    return _mm_sub_epi32(q, fsk_quad_of(word ^ 0x80000000u));
}

static inline fsk_quad fsk_quad_greater(fsk_quad a, fsk_quad b)
{
    const __m128i first = _mm_cmpgt_epi32(a, b);
    return _mm_or_si128(_mm_and_si128(first, a), _mm_andnot_si128(first, b));
}

/* The greatest of the four, four times. */
static inline fsk_quad fsk_quad_greatest(fsk_quad q)
{
    q = fsk_quad_greater(q, _mm_shuffle_epi32(q, 0x4e));
    return fsk_quad_greater(q, _mm_shuffle_epi32(q, 0xb1));
}

static inline uint32_t fsk_quad_first(fsk_quad q)
{
    return (uint32_t)_mm_cvtsi128_si32(q);
}

/* One bit a word, from the lowest.  Narrowing first takes one extraction for 16 words, not four. */
static inline uint64_t fsk_lane_bits(const fsk_lanes *l)
{
    const __m128i none = _mm_setzero_si128();
    uint64_t bits = 0;
    FSK_UNROLL
    for (unsigned i = 0; i < FSK_QUADS; i += 4) {
        __m128i low = _mm_packs_epi32(l->quad[i], i + 1 < FSK_QUADS ? l->quad[i + 1] : none);
        __m128i high =
            i + 2 >= FSK_QUADS
                ? none
                : _mm_packs_epi32(l->quad[i + 2], i + 3 < FSK_QUADS ? l->quad[i + 3] : none);
        bits |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_packs_epi16(low, high)) << (4 * i);
    }
    return bits;
}

#elif FSK_GNU && defined(__aarch64__) && defined(__AARCH64EL__) && defined(__ARM_NEON) &&          \
    !FSK_THREAD_SANITIZER && !defined(FSK_NO_VECTORS)
#define FSK_VECTORS 1
#include <arm_neon.h>

typedef uint32x4_t fsk_quad;
typedef uint32x4_t __attribute__((may_alias, aligned(4))) fsk_quad_stored;

typedef struct {
    fsk_quad quad[FSK_QUADS];
} fsk_lanes;

#define FSK_ORDERED_WORD(word) (word)

static inline fsk_quad fsk_quad_of(uint32_t word)
{
    return vdupq_n_u32(word);
}

static inline fsk_quad fsk_quad_ordered(fsk_quad q)
{
    return q;
}

static inline fsk_quad fsk_quad_less(fsk_quad a, fsk_quad b)
{
    return vcltq_u32(a, b);
}

static inline fsk_quad fsk_quad_equal(fsk_quad a, fsk_quad b)
{
    return vceqq_u32(a, b);
}

static inline fsk_quad fsk_quad_or(fsk_quad a, fsk_quad b)
{
    return vorrq_u32(a, b);
}

static inline fsk_quad fsk_quad_above(fsk_quad q, uint32_t word)
{
    return vsubq_u32(q, vdupq_n_u32(word));
}

static inline fsk_quad fsk_quad_greater(fsk_quad a, fsk_quad b)
{
    return vmaxq_u32(a, b);
}

static inline fsk_quad fsk_quad_greatest(fsk_quad q)
{
    return vdupq_n_u32(vmaxvq_u32(q));
}

static inline uint32_t fsk_quad_first(fsk_quad q)
{
    return vgetq_lane_u32(q, 0);
}

/* Of quad i and the three after it: each word narrowed to the one bit of a byte that is its own. */
static inline uint8x16_t fsk_own_bits(const fsk_lanes *l, unsigned i)
{
    static const uint8_t own[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const fsk_quad none = vdupq_n_u32(0);
    uint16x8_t q0 = vreinterpretq_u16_u32(i < FSK_QUADS ? l->quad[i] : none);
    uint16x8_t q1 = vreinterpretq_u16_u32(i + 1 < FSK_QUADS ? l->quad[i + 1] : none);
    uint16x8_t q2 = vreinterpretq_u16_u32(i + 2 < FSK_QUADS ? l->quad[i + 2] : none);
    uint16x8_t q3 = vreinterpretq_u16_u32(i + 3 < FSK_QUADS ? l->quad[i + 3] : none);
    uint8x16_t bytes = vuzp1q_u8(vreinterpretq_u8_u16(vuzp1q_u16(q0, q1)),
                                 vreinterpretq_u8_u16(vuzp1q_u16(q2, q3)));
    return vandq_u8(bytes, vld1q_u8(own));
}

/* One bit a word, from the lowest: the sum of 8 bytes is 8 of them. */
static inline uint64_t fsk_lane_bits(const fsk_lanes *l)
{
    uint8x16_t low = vpaddq_u8(fsk_own_bits(l, 0), fsk_own_bits(l, 4));
    uint8x16_t high = vpaddq_u8(fsk_own_bits(l, 8), fsk_own_bits(l, 12));
    uint8x16_t sums = vpaddq_u8(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)), 0);
}

#else
#define FSK_VECTORS 0
#endif

#if FSK_VECTORS
/*
 * Quad i of words in memory, loaded once.  From a plain load a compiler may make one for each use of the value,
 * and what is stored between them would be missed by all (GCC 12 did that).
 */
static inline fsk_quad fsk_quad_load(const volatile void *words, unsigned i)
{
    return *((const volatile fsk_quad_stored *)words + i);
}
#endif

#endif
