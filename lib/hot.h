/*
 * hot.h - keys that are written again and again, found without a search.
 *
 * Some keys take a good part of all writes and reads: counters, queues' heads, the top of a Zipf distribution.
 * A key's entry is made once and stays where it is until the table is dropped or reset, so whoever has once
 * found it may tell others.  A writer that puts a version above one that was not the key's first notes the
 * entry here, in the slot that a hash of the key chooses; one write in FSK_HOT_ONE_IN does, so that slots
 * change rarely where many keys are written seldom.  A get or a write looks here first.  Reads note nothing:
 * a get writes to no shared memory.
 *
 * Invariant: a slot holds 0 or an entry of this table that was published.  Whose entry it is says the
 * entry's own key, which is compared; the tag only saves most comparisons that would fail.  Tag and entry of a
 * slot may be of two keys, if two threads note at once: then nobody finds it until one of them notes again.
 *
 * Memory order.  The slot's entry: store release, pairs with the load acquire; the entry's bytes were
 * published to the noting thread by a block's slot, and so are to those who read it here.  `used` and the tag:
 * relaxed, they are hints.
 *
 * Progress: no loop.  Tables with checks note nothing: their searches look at what they pass.
 *
 * Relies on: block (references), entry.  Used by: memtable.
 */
#ifndef FSK_HOT_H
#define FSK_HOT_H

#include "block.h"
#include "entry.h"

/* Powers of 2.  Small blocks are for tests: there every such write is noted, and keys push each other out. */
#if FSK_BLOCK_WORDS < 40
#define FSK_HOT_SLOTS 2u
#define FSK_HOT_ONE_IN 1u
#else
#define FSK_HOT_SLOTS 256u
#define FSK_HOT_ONE_IN 16u
#endif

typedef struct {
    fsk_atomic32 tag;
    fsk_atomic32 entry;
} fsk_hot_slot;

typedef struct {
    fsk_atomic32 used; /* 0: nothing was noted since the table was empty */
    char pad[FSK_LINE];
    fsk_hot_slot slot[FSK_HOT_SLOTS];
} fsk_hot;

static inline void fsk_hot_clear(fsk_hot *h)
{
    fsk_init32(&h->used, 0);
    for (unsigned i = 0; i < FSK_HOT_SLOTS; i++) {
        fsk_init32(&h->slot[i].tag, 0);
        fsk_init32(&h->slot[i].entry, 0);
    }
}

/* Of the key's size, its first 8 bytes and its last 16: keys that differ elsewhere share a slot. */
static inline uint32_t fsk_hot_hash(const uint8_t *key, size_t size)
{
    uint64_t a = size, b = 0, h;
    if (size >= 8) {
        a ^= fsk_load_raw64(key) * UINT64_C(0x9e3779b97f4a7c15);
        b = fsk_load_raw64(key + size - 8);
        if (size >= 16)
            a += fsk_load_raw64(key + size - 16) * UINT64_C(0xc2b2ae3d27d4eb4f);
    } else {
        for (size_t i = 0; i < size; i++)
            b = b << 8 | key[i];
    }
    h = (a ^ b) * UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)((h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

/* The key's entry, or 0: it is not known here. */
static inline fsk_ref fsk_hot_find(const fsk_space *s, const fsk_hot *h, const uint8_t *key,
                                   size_t size)
{
    const fsk_hot_slot *slot;
    uint32_t hash;
    fsk_ref ref;
    if (FSK_LIKELY(fsk_load32_relaxed(&h->used) == 0))
        return 0;
    hash = fsk_hot_hash(key, size);
    slot = &h->slot[hash % FSK_HOT_SLOTS];
    if (fsk_load32_relaxed(&slot->tag) != hash || (ref = fsk_load32_acquire(&slot->entry)) == 0)
        return 0;
    return fsk_entry_has_key(fsk_entry_at(s, ref), key, size) ? ref : 0;
}

/* A version was put on a key's entry: notes it, if its turn has come. */
static inline void fsk_hot_note(const fsk_space *s, fsk_hot *h, fsk_ref entry, fsk_ref version)
{
    const fsk_entry *e = fsk_entry_at(s, entry);
    fsk_ref older = fsk_load32_relaxed(&fsk_version_at(s, version)->older);
    fsk_hot_slot *slot;
    uint32_t hash;
    /* References are evenly spaced where all values are of one size: their product's high bits are not. */
    if (older == 0 || older == entry || version * 0x9e3779b1u >> 16 & (FSK_HOT_ONE_IN - 1))
        return;
    hash = fsk_hot_hash(fsk_entry_key(e), e->key_size);
    slot = &h->slot[hash % FSK_HOT_SLOTS];
    if (fsk_load32_relaxed(&slot->tag) == hash && fsk_load32_relaxed(&slot->entry) == entry)
        return;
    fsk_store32_relaxed(&slot->tag, hash);
    fsk_store32_release(&slot->entry, entry);
    if (fsk_load32_relaxed(&h->used) == 0)
        fsk_store32_relaxed(&h->used, 1);
}

#endif
