/*
 * parts.h - a part compared with all parts of a block at once.
 *
 * A part is 4 bytes of a key, and FSK_UNKNOWN where a word has none or it is not stored yet, and where there is no
 * word; see block.h.  Each function looks at each part once: one that was FSK_UNKNOWN when it was compared with the
 * key's and no longer when it was compared with FSK_UNKNOWN would be missed by both.
 *
 * Memory order: relaxed.  Between the parts there is none.
 *
 * Relies on: atomic, vector.  Used by: block, and whoever searches one.
 */
#ifndef FSK_PARTS_H
#define FSK_PARTS_H

#include "atomic.h"
#include "vector.h"

#define FSK_UNKNOWN 0xffffffffu

/* Bit i of `less`: part[i] is below a part.  Of `tie`: it is equal or FSK_UNKNOWN, so the key decides. */
typedef struct {
    uint64_t less, tie;
} fsk_order_masks;

/* Bit i of `below`: part[i] is the greatest of those below a part; none: there are none.  Of `tie`: it is equal
 * or FSK_UNKNOWN, so the key decides. */
typedef struct {
    uint64_t below, tie;
} fsk_child_masks;

#if FSK_VECTORS
static inline uint64_t fsk_mask_tie(const fsk_atomic32 *parts, uint32_t part)
{
    const fsk_quad want = fsk_quad_of(part), unknown = fsk_quad_of(FSK_UNKNOWN);
    fsk_lanes l;
    FSK_UNROLL
    for (unsigned i = 0; i < FSK_QUADS; i++) {
        fsk_quad v = fsk_quad_load(parts, i);
        l.quad[i] = fsk_quad_or(fsk_quad_equal(v, want), fsk_quad_equal(v, unknown));
    }
    return fsk_lane_bits(&l);
}

static inline uint64_t fsk_mask_less(const fsk_atomic32 *parts, uint32_t part)
{
    const fsk_quad want = fsk_quad_of(FSK_ORDERED_WORD(part));
    fsk_lanes l;
    FSK_UNROLL
    for (unsigned i = 0; i < FSK_QUADS; i++)
        l.quad[i] = fsk_quad_less(fsk_quad_ordered(fsk_quad_load(parts, i)), want);
    return fsk_lane_bits(&l);
}

static inline fsk_order_masks fsk_mask_order(const fsk_atomic32 *parts, uint32_t part)
{
    const fsk_quad want = fsk_quad_of(FSK_ORDERED_WORD(part));
    const fsk_quad unknown = fsk_quad_of(FSK_ORDERED_WORD(FSK_UNKNOWN));
    fsk_order_masks m;
    fsk_lanes less, tie;
    FSK_UNROLL
    for (unsigned i = 0; i < FSK_QUADS; i++) {
        fsk_quad v = fsk_quad_ordered(fsk_quad_load(parts, i));
        less.quad[i] = fsk_quad_less(v, want);
        tie.quad[i] = fsk_quad_or(fsk_quad_equal(v, want), fsk_quad_equal(v, unknown));
    }
    m.less = fsk_lane_bits(&less);
    m.tie = fsk_lane_bits(&tie);
    return m;
}

/* Modulo 2^32, what is below the part is above it by more than all others are. */
static inline fsk_child_masks fsk_mask_child(const fsk_atomic32 *parts, uint32_t part)
{
    const fsk_quad same = fsk_quad_of(FSK_ORDERED_WORD(0));
    const fsk_quad unknown = fsk_quad_of(FSK_ORDERED_WORD(FSK_UNKNOWN - part));
    fsk_quad above[FSK_QUADS], best[2];
    fsk_child_masks m;
    fsk_lanes below, tie;
    FSK_UNROLL
    for (unsigned i = 0; i < FSK_QUADS; i++) {
        above[i] = fsk_quad_above(fsk_quad_load(parts, i), part);
        tie.quad[i] =
            fsk_quad_or(fsk_quad_equal(above[i], same), fsk_quad_equal(above[i], unknown));
        best[i % 2] = i > 1 ? fsk_quad_greater(best[i % 2], above[i]) : above[i];
    }
    best[0] = fsk_quad_greatest(FSK_QUADS > 1 ? fsk_quad_greater(best[0], best[1]) : best[0]);
    FSK_UNROLL
    for (unsigned i = 0; i < FSK_QUADS; i++)
        below.quad[i] = fsk_quad_equal(above[i], best[0]);
    m.tie = fsk_lane_bits(&tie);
    m.below =
        FSK_ORDERED_WORD(fsk_quad_first(best[0])) > FSK_UNKNOWN - part ? fsk_lane_bits(&below) : 0;
    return m;
}
#else
static inline uint64_t fsk_mask_tie(const fsk_atomic32 *parts, uint32_t part)
{
    uint64_t m = 0;
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++) {
        uint32_t p = fsk_load32_relaxed(&parts[i]);
        m |= (uint64_t)(p == part || p == FSK_UNKNOWN) << i;
    }
    return m;
}

static inline uint64_t fsk_mask_less(const fsk_atomic32 *parts, uint32_t part)
{
    uint64_t m = 0;
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++)
        m |= (uint64_t)(fsk_load32_relaxed(&parts[i]) < part) << i;
    return m;
}

static inline fsk_order_masks fsk_mask_order(const fsk_atomic32 *parts, uint32_t part)
{
    fsk_order_masks m = {0, 0};
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++) {
        uint32_t p = fsk_load32_relaxed(&parts[i]);
        m.less |= (uint64_t)(p < part) << i;
        m.tie |= (uint64_t)(p == part || p == FSK_UNKNOWN) << i;
    }
    return m;
}

static inline fsk_child_masks fsk_mask_child(const fsk_atomic32 *parts, uint32_t part)
{
    fsk_child_masks m = {0, 0};
    uint32_t best = 0;
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++) {
        uint32_t p = fsk_load32_relaxed(&parts[i]);
        m.tie |= (uint64_t)(p == part || p == FSK_UNKNOWN) << i;
        if (p >= part || p < best)
            continue;
        m.below = (p == best ? m.below : 0) | (uint64_t)1 << i;
        best = p;
    }
    return m;
}
#endif

#endif
