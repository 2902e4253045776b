/*
 * key.h - keys: their order, and the few bytes of them that the index compares.
 *
 * Bytewise order is that of memcmp, a prefix before what it begins.  Blocks keep 4 bytes of each key,
 * its part: the bytes after the prefix that the block's keys share, keys padded with zero bytes without
 * end.  Padding keeps the order weakly: a < b implies padded(a) <= padded(b), so part(a) < part(b)
 * decides, and only equal parts need the keys.
 *
 * A caller's comparator replaces the order; then there are no prefixes, and the part is the upper half
 * of the caller's abbreviation.  Without one it is the key's rank in the block; see block.h.
 *
 * Relies on: compiler.h.  Used by: block, skiplist, iterator, memtable.
 */
#ifndef FSK_KEY_H
#define FSK_KEY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"
#include "fastskip.h"

#define FSK_KEY_MOST 65535u
#define FSK_WINDOW                                                                                 \
    24u /* bytes of a block's prefix that it keeps in itself: those just before the parts */
#define FSK_PADDED 128u /* bytes of a key that are copied into its padded view */

typedef struct {
    fastskip_compare_fn compare; /* NULL: bytewise */
    fastskip_abbreviate_fn abbreviate;
    void *context;
} fsk_order;

/* A key that is looked for, prepared once per operation. */
typedef struct {
    const uint8_t *data; /* as the caller gave it; never NULL, unless size is 0 */
    uint32_t size;
    uint32_t abbreviation; /* upper half, in a caller's order that has some */
    uint32_t reach;        /* view[0 .. reach) may be read; zero from size on */
    uint8_t buffer[FSK_WINDOW + FSK_PADDED + 64]; /* FSK_WINDOW zero bytes, the view, zero bytes */
} fsk_key;

static inline int fsk_compare_bytes(const uint8_t *a, size_t a_size, const uint8_t *b,
                                    size_t b_size)
{
    size_t n = a_size < b_size ? a_size : b_size;
    int c = n != 0 ? memcmp(a, b, n) : 0;
    return c != 0 ? c : (a_size > b_size) - (a_size < b_size);
}

static inline int fsk_compare(const fsk_order *o, const uint8_t *a, size_t a_size, const uint8_t *b,
                              size_t b_size)
{
    if (o->compare != NULL)
        return (int)o->compare(o->context, a, a_size, b, b_size);
    return fsk_compare_bytes(a, a_size, b, b_size);
}

/* Are parts ranks in this order? */
static inline int fsk_has_ranks(const fsk_order *o)
{
    return o->compare != NULL && o->abbreviate == NULL;
}

static inline uint32_t fsk_abbreviate(const fsk_order *o, const uint8_t *key, size_t size)
{
    return o->abbreviate != NULL ? (uint32_t)(o->abbreviate(o->context, key, size) >> 32) : 0;
}

/* Prepares a key, without the padded view: all works, but not fast.  The bytes stay the caller's and must
 * outlive the operation. */
static inline void fsk_key_set(fsk_key *k, const fsk_order *o, const void *data, size_t size)
{
    k->data = data;
    k->size = (uint32_t)size;
    k->reach = 0;
    k->abbreviation = o->compare != NULL ? fsk_abbreviate(o, data, size) : 0;
}

/* Adds the padded view. */
static inline void fsk_key_pad(fsk_key *k, const fsk_order *o)
{
    uint8_t *view = k->buffer + FSK_WINDOW;
    size_t copied = k->size < FSK_PADDED ? k->size : FSK_PADDED;
    size_t whole = copied & ~(size_t)15;
    if (o->compare != NULL || k->reach != 0)
        return;
    fsk_zero_raw64(k->buffer, FSK_WINDOW);
    fsk_zero_raw64(view + whole, 48);
    if (copied != 0)
        memcpy(view, k->data, copied);
    k->reach = (uint32_t)(k->size <= FSK_PADDED ? whole + 48 : FSK_PADDED);
}

static inline void fsk_key_init(fsk_key *k, const fsk_order *o, const void *data, size_t size)
{
    fsk_key_set(k, o, data, size);
    fsk_key_pad(k, o);
}

/*
 * Where the FSK_WINDOW bytes before byte `skip` of the padded key and the 4 bytes from it on can be read
 * in one go; NULL: not in one piece, take fsk_key_byte.  The result points at byte `skip`.
 */
static inline const uint8_t *fsk_key_window(const fsk_key *k, uint32_t skip)
{
    if (skip + 4 <= k->reach)
        return k->buffer + FSK_WINDOW + skip;
    if (skip >= FSK_WINDOW && skip + 4 <= k->size)
        return k->data + skip;
    return NULL;
}

/* How many of the first n bytes are equal. */
static inline size_t fsk_first_difference(const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t differs = fsk_load_raw64(a + i) ^ fsk_load_raw64(b + i);
        if (differs != 0)
            return i + fsk_first_byte(differs);
    }
    if (n >= 8 && i < n) { /* the last 8 bytes: some are looked at twice */
        uint64_t differs = fsk_load_raw64(a + n - 8) ^ fsk_load_raw64(b + n - 8);
        return differs != 0 ? n - 8 + fsk_first_byte(differs) : n;
    }
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

/* Byte i of a key padded with zero bytes without end. */
static inline uint8_t fsk_padded_byte(const uint8_t *key, size_t size, size_t i)
{
    return i < size ? key[i] : 0;
}

/* The 4 bytes from `skip` on of a padded key, as a number that orders as they do. */
static inline uint32_t fsk_part_bytes(const uint8_t *key, size_t size, size_t skip)
{
    uint32_t part = 0;
    if (skip + 4 <= size)
        return fsk_big_endian32(key + skip);
    if (size >= 4) /* the zero bytes of the padding come in from below */
        return skip < size ? fsk_big_endian32(key + size - 4) << 8 * (skip + 4 - size) : 0;
    for (size_t i = skip; i < skip + 4; i++)
        part = part << 8 | fsk_padded_byte(key, size, i);
    return part;
}

/* How many leading bytes two padded keys share, at most `most`; for keys that are equal when padded, the
 * size of the longer. */
size_t fsk_shared_prefix(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                         size_t most);

#endif
