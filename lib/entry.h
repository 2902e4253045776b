/*
 * entry.h - how an entry and its versions lie in memory.
 *
 * An entry is one key.  It holds the key, its first version inline, and `newest`, the head of the chain
 * of the versions written after it (0: the inline one is the head).  A version names the next older one;
 * the chain ends at the inline one, which is named by the entry's own reference.  In caller's sequence
 * mode versions may be older than the inline one: its `older` then stands in the 8 bytes before it.
 *
 *   entry     word 8 | newest 4 | key size 2 | value size 2 | key | [value size 4] | value
 *   version   word 8 | older 4 | list 4 | value size 4 | owner 4 | value
 *
 * With the option `checksum` each of them ends with its sum, 4 bytes aligned to 4; see checksum.h.
 *
 * A value size of 0xffff in the entry says that the true one follows the key, in 4 bytes.  An entry is
 * never smaller than a version with the same value, so that the memory of an entry whose key was put by
 * another thread meanwhile serves as a version.
 *
 * `word` is everything that decides whether a read sees the version:
 *
 *   bits   0..6   kind
 *   AUTO   7      part of a batch
 *          8..61  stamp: 0 not stamped yet, FSK_NEVER never to be seen; or the record's reference
 *          62     no write to this entry has been counted yet (inline word of a batch's new entry)
 *          63     bits 8..39 name the batch record that holds the stamp
 *   CALLER 8..63  the caller's sequence number
 *
 * Bit 31 of `newest` may be a mark on the head; see version.h.
 *
 * Who writes what: all but `word`, `newest` and `older` is fixed before the entry or version is
 * published (by a seq_cst CAS on a block's slot, on `newest` or on `older`) and never changes after.
 *
 * Relies on: arena.h (references), atomic.h.  Used by: block, skiplist, version and above.
 */
#ifndef FSK_ENTRY_H
#define FSK_ENTRY_H

#include <string.h>

#include "arena.h"
#include "atomic.h"
#include "key.h"

typedef struct {
    fsk_atomic64 word;
    fsk_atomic32 newest;
    uint16_t key_size;
    uint16_t short_value_size;
} fsk_entry;

typedef struct {
    fsk_atomic64 word;
    fsk_atomic32 older;
    fsk_ref list; /* unresolved batch versions below this one when it was pushed; version.h */
    uint32_t value_size;
    uint32_t owner; /* a batch record, FSK_CONDITIONAL, or 0 */
} fsk_version;

/* What a batch's versions wait for. */
typedef struct {
    fsk_atomic64 state; /* stamp * 4 + one of these */
} fsk_record;
enum { FSK_RECORD_PENDING, FSK_RECORD_COMMITTING, FSK_RECORD_ABORTED, FSK_RECORD_COMMITTED };

/* The unresolved batch versions below a version when it was pushed. */
typedef struct {
    uint32_t count;
    uint32_t room; /* members that fit */
    struct {
        fsk_ref version; /* or the entry, for its inline one */
        fsk_ref record;
    } member[];
} fsk_list_below;

#define FSK_CONDITIONAL 0xffffffffu /* owner of an insert-if-absent */
#define FSK_LONG_VALUE 0xffffu
#define FSK_OLDER_BYTES 8u /* before an entry in caller's sequence mode */

#define FSK_WORD_KIND UINT64_C(0x7f)
#define FSK_WORD_BATCH UINT64_C(0x80)
#define FSK_WORD_SHIFT 8
#define FSK_WORD_UNCOUNTED (UINT64_C(1) << 62)
#define FSK_WORD_RECORD (UINT64_C(1) << 63)
#define FSK_WORD_STAMP (((UINT64_C(1) << 54) - 1) << FSK_WORD_SHIFT)

/* Stamps above every real one. */
#define FSK_NEVER ((UINT64_C(1) << 54) - 1) /* aborted */
#define FSK_PENDING (FSK_NEVER - 1)         /* its batch is not committed yet */
#define FSK_LATEST (FSK_NEVER - 2)          /* a read of the newest sees every stamp up to this */

static inline uint8_t *fsk_entry_key(const fsk_entry *e)
{
    return (uint8_t *)(uintptr_t)(e + 1);
}

static inline uint32_t fsk_entry_value_size(const fsk_entry *e)
{
    uint32_t size = e->short_value_size;
    if (size == FSK_LONG_VALUE)
        memcpy(&size, fsk_entry_key(e) + e->key_size, sizeof size);
    return size;
}

static inline uint8_t *fsk_entry_value(const fsk_entry *e)
{
    uint8_t *p = fsk_entry_key(e) + e->key_size;
    return e->short_value_size == FSK_LONG_VALUE ? p + sizeof(uint32_t) : p;
}

static inline uint8_t *fsk_version_value(const fsk_version *v)
{
    return (uint8_t *)(uintptr_t)(v + 1);
}

/* Caller's sequence mode: the versions older than the inline one. */
static inline fsk_atomic32 *fsk_entry_older(const fsk_entry *e)
{
    return (fsk_atomic32 *)(uintptr_t)((const char *)e - FSK_OLDER_BYTES);
}

static inline uint64_t fsk_version_bytes(uint64_t value_size)
{
    return sizeof(fsk_version) + value_size;
}

/* Up to the end of the value, without the FSK_OLDER_BYTES before it. */
static inline uint64_t fsk_entry_extent(uint64_t key_size, uint64_t value_size)
{
    uint64_t n = sizeof(fsk_entry) + key_size + value_size;
    return value_size >= FSK_LONG_VALUE ? n + sizeof(uint32_t) : n;
}

static inline uint64_t fsk_entry_bytes(uint64_t key_size, uint64_t value_size)
{
    uint64_t n = fsk_entry_extent(key_size, value_size);
    return n < fsk_version_bytes(value_size) ? fsk_version_bytes(value_size) : n;
}

/* Byte by byte, whatever the order. */
static inline int fsk_entry_has_key(const fsk_entry *e, const uint8_t *key, size_t size)
{
    return e->key_size == size && (size == 0 || memcmp(fsk_entry_key(e), key, size) == 0);
}

static inline int fsk_entry_compare(const fsk_order *o, const fsk_entry *e, const fsk_key *k)
{
    return fsk_compare(o, fsk_entry_key(e), e->key_size, k->data, k->size);
}

#endif
