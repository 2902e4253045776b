/*
 * compiler.h - what compilers offer beyond the language, with a plain twin for those that do not.
 *
 * Relies on: nothing.  Used by: everything.
 */
#ifndef FSK_COMPILER_H
#define FSK_COMPILER_H

#include <stdint.h>
#include <string.h>

/* tcc and pcc may claim to be some GCC, and lack these. */
#if defined(__GNUC__) && !defined(__TINYC__) && !defined(__PCC__)
#define FSK_GNU 1
#else
#define FSK_GNU 0
#endif

#if defined(__SANITIZE_THREAD__)
#define FSK_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FSK_THREAD_SANITIZER 1
#endif
#endif
#ifndef FSK_THREAD_SANITIZER
#define FSK_THREAD_SANITIZER 0
#endif

#if FSK_GNU
#define FSK_LIKELY(c) __builtin_expect(!!(c), 1)
#define FSK_UNLIKELY(c) __builtin_expect(!!(c), 0)
#define FSK_PREFETCH(p) __builtin_prefetch(p)
#define FSK_PREFETCH_WRITE(p) __builtin_prefetch((p), 1)
#else
#define FSK_LIKELY(c) (c)
#define FSK_UNLIKELY(c) (c)
#define FSK_PREFETCH(p) ((void)(p))
#define FSK_PREFETCH_WRITE(p) ((void)(p))
#endif

/* A function for the rare case, kept out of those that call it. */
#if FSK_GNU
#define FSK_COLD __attribute__((noinline, cold))
#else
#define FSK_COLD
#endif

/* For what only fetches ahead: called instead, GCC takes it for a function without an effect, and drops it. */
#if FSK_GNU
#define FSK_FETCHER static inline __attribute__((always_inline))
#else
#define FSK_FETCHER static inline
#endif

/* A loop over the vectors of a block: in registers only when it is unrolled, which GCC does not do below
 * -O3 of its own accord. */
#if FSK_GNU && !defined(__clang__)
#define FSK_UNROLL _Pragma("GCC unroll 16")
#else
#define FSK_UNROLL
#endif

/* The place of the lowest bit that is set; bits is not 0. */
static inline unsigned fsk_lowest_bit(uint64_t bits)
{
#if FSK_GNU
    return (unsigned)__builtin_ctzll(bits);
#else
    unsigned place = 0;
    for (; (bits & 1) == 0; bits >>= 1)
        place++;
    return place;
#endif
}

/* The place of the highest bit that is set; bits is not 0. */
static inline unsigned fsk_highest_bit(uint64_t bits)
{
#if FSK_GNU
    return 63 - (unsigned)__builtin_clzll(bits);
#else
    unsigned place = 0;
    while ((bits >>= 1) != 0)
        place++;
    return place;
#endif
}

/* Of 8 bytes read from memory, not all 0: which of them is the first that is not. */
static inline unsigned fsk_first_byte(uint64_t bytes)
{
#if FSK_GNU && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (unsigned)__builtin_ctzll(bytes) / 8;
#else
    uint8_t byte[8];
    unsigned i = 0;
    memcpy(byte, &bytes, sizeof byte);
    while (byte[i] == 0)
        i++;
    return i;
#endif
}

static inline uint64_t fsk_load_raw64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

#if FSK_GNU
typedef uint64_t __attribute__((may_alias, aligned(1))) fsk_raw64;
#endif

/* Zeros, n bytes, a multiple of 8 that is known here.  Where a compiler is to check the sizes of objects and does
 * not know this one's, memset would be a call. */
static inline void fsk_zero_raw64(uint8_t *p, size_t n)
{
#if FSK_GNU
    FSK_UNROLL
    for (size_t i = 0; i < n; i += 8)
        *(fsk_raw64 *)(void *)(p + i) = 0;
#else
    memset(p, 0, n);
#endif
}

/* 4 bytes as a number that orders as they do. */
static inline uint32_t fsk_big_endian32(const uint8_t *p)
{
#if FSK_GNU && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap32(v);
#else
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
#endif
}

#endif
