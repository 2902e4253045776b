/*
 * memtable.h - a table: a skip list of entries, their versions, the clock, limits, sealing, references.
 *
 * Sealing.  A writer looks at `sealed` first and gives up if it is set; then it takes a shard, or adds
 * one to the overflow counter (arena.h); then it looks again, and leaves by giving the shard back or
 * subtracting one.  Seal sets the flag, waits until every shard has been seen free once, then until the
 * counter has been seen zero once.  All of these are seq_cst but the leaving, which is a release.  So
 * after seal no write is under way and none can start.  A batch goes through this door for its whole
 * write, commit included.  (Looking at the flag only once, before, loses writes; so does the same
 * protocol with acquire and release only.)
 *
 * References.  add relaxed, subtract acq_rel; the last one frees the region in one go.  Only who holds
 * one takes another.  Reset loads the count with acquire, so that it sees what readers did before they
 * let go.
 *
 * Limits.  The memory limit is the region's size.  The entry limit, if there is one, is a counter from
 * which a writer takes its versions before it allocates, by a CAS that does not pass the limit, and to
 * which it gives back what it did not write.
 *
 * Figures are counted in the shards by their owners.  A key is counted when a write to it is completed
 * for the first time: its maker does, unless that is a batch, which may still fail; then the entry's
 * word says that the count is owed, and whoever completes a write first clears that and counts.
 *
 * Lookups and single writes ask first whether the key is a hot one (hot.h), whose entry takes no search.
 *
 * Relies on: all layers below.  Used by: api, iterator, check.
 */
#ifndef FSK_MEMTABLE_H
#define FSK_MEMTABLE_H

#include "arena.h"
#include "atomic.h"
#include "checksum.h"
#include "hot.h"
#include "options.h"
#include "skiplist.h"
#include "version.h"

struct fastskip_table {
    /* Read by every operation, hardly ever written. */
    fsk_list list;
    int caller; /* caller's sequence mode */
    int plain;  /* neither that, nor an entry limit, nor checks: ascending keys have a short way */
    uint64_t entry_limit; /* UINT64_MAX: none */
    fsk_atomic32 sealed;
    struct fastskip_options options;
    char pad0[FSK_LINE];
    fsk_clock clock; /* written by snapshots and batches */
    char pad1[FSK_LINE];
    fsk_atomic64 references;
    fsk_atomic64 snapshots;
    fsk_atomic64 admitted; /* versions written or about to be; only with an entry limit */
    char pad2[FSK_LINE];
    fsk_hot hot;
    char pad3[FSK_LINE];
    fsk_arena arena;
    fsk_checks *checks; /* freed with the table; all look at list.space.checks */
};

struct fastskip_snapshot {
    fastskip_table *table;
    uint64_t sequence;
};

/* One record of a batch: these, then key, then value, in the batch's buffer. */
typedef struct {
    size_t at; /* of the key in the buffer */
    uint64_t sequence;
    uint32_t key_size, value_size;
    uint32_t kind;
    int numbered;
} fsk_batch_record;

/* What a batch's write notes of each record that it writes. */
typedef struct {
    uint32_t record; /* its index */
    uint32_t part;
    fsk_block *leaf; /* where its key belonged when it was looked for */
    fsk_ref piece;   /* memory taken and not published */
    int is_version;
    uint64_t size;
    fsk_ref entry; /* the key's, if it was there; later where the version went */
    fsk_ref version;
} fsk_batch_work;

/* Its place among the others. */
typedef struct {
    uint64_t leading; /* while records are sorted: some bytes of the key, or its abbreviation */
    uint32_t index;   /* of the record, when they are sorted; then of what is noted of it */
} fsk_batch_place;

struct fastskip_batch {
    unsigned char *buffer;
    size_t used, room;
    fsk_batch_record *records;
    fsk_batch_work *work; /* this and order: room for a write's notes, taken when records are added */
    fsk_batch_place *order; /* twice records_room */
    size_t count, records_room;
    size_t numbered; /* how many carry the caller's numbers */
    size_t largest;  /* bytes of the largest value */
};

/* ---- memtable.c ---- */

fastskip_status fsk_table_new(const struct fastskip_options *options, fastskip_table **table);
void fsk_table_ref(fastskip_table *table);
void fsk_table_unref(fastskip_table *table);
void fsk_table_seal(fastskip_table *table);
fastskip_status fsk_table_rotate(fastskip_table *table, fastskip_table **fresh);
fastskip_status fsk_table_reset(fastskip_table *table);
fastskip_status fsk_table_stat(fastskip_table *table, uint32_t id, uint64_t *number);
int fsk_table_under_backpressure(const fastskip_table *table);

/* Through the door and out of it; OK or SEALED. */
fastskip_status fsk_table_enter(fastskip_table *table, fsk_writer *writer);
static inline void fsk_table_leave(fsk_writer *writer)
{
    fsk_arena_leave(writer);
}

/* Takes n versions from the entry limit: 1, or 0 when there are not so many. */
int fsk_table_admit(fastskip_table *table, uint64_t n);
void fsk_table_dismiss(fastskip_table *table, uint64_t n);

/* ---- write.c ---- */

enum { FSK_ANYWAY, FSK_IF_ABSENT };

/* One write.  condition FSK_IF_ABSENT: EXISTS, with *found filled in when found is not NULL, if the key
 * is live.  On OK *found is the version written. */
fastskip_status fsk_table_write(fastskip_table *table, uint64_t sequence, uint32_t kind,
                                const void *key, size_t key_size, const void *value,
                                size_t value_size, int condition, fastskip_entry *found);

/* What is being written, and the memory for it. */
typedef struct {
    fastskip_table *table;
    fsk_writer *writer;
    fsk_key key;
    const void *value;
    uint32_t value_size;
    uint32_t owner; /* of the version: a batch record, FSK_CONDITIONAL, 0 */
    uint64_t word;  /* of the version */
    uint64_t sequence;
    fsk_ref piece;          /* memory taken, 0 = none yet */
    uint64_t size;          /* of it */
    int is_version;         /* it was taken for a version, not an entry */
    fsk_ref entry, version; /* where it went; version == entry for an inline one */
    int created;            /* the entry is new */
    fsk_seen met;           /* what a conditional write met */
} fsk_write;

/* Takes the memory: an entry, or a version when the key is there.  0: writer->status. */
int fsk_write_prepare(fsk_write *write, fsk_ref there);
/*
 * Publishes it, taking memory where it has none yet.  OK, EXISTS, or what the writer's status says; then
 * the piece is still there to be dropped, unless it is 0.  leaf and its part: where the key belonged at
 * some time during the operation, or NULL.
 */
fastskip_status fsk_write_publish(fsk_write *write, fsk_block *leaf, uint32_t part);
void fsk_write_drop(fsk_write *write);
/* Counts a completed write, by whoever completed it. */
void fsk_write_count(fsk_write *write, int new_key);

/* ---- batch.c ---- */

fastskip_status fsk_batch_add(fastskip_batch *batch, int numbered, uint64_t sequence, uint32_t kind,
                              const void *key, size_t key_size, const void *value,
                              size_t value_size);
fastskip_status fsk_table_write_batch(fastskip_table *table, fastskip_batch *batch);

/* ---- read.c ---- */

/* The key's entry, if it is known without a search; else 0. */
static inline fsk_ref fsk_table_hot(const fastskip_table *t, const void *key, size_t size)
{
    return fsk_hot_find(&t->list.space, &t->hot, key, size);
}

/* The newest version that limit allows; 0 if there is none.  Looks at no sums. */
static inline int fsk_table_seen(fastskip_table *t, fsk_ref entry, uint64_t limit, fsk_seen *seen)
{
    if (FSK_UNLIKELY(t->caller))
        return fsk_version_at_sequence(&t->list.space, entry, limit, seen);
    return fsk_version_newest(&t->clock, entry, limit, seen);
}

/* The same; where the table has checks, after the entry and what is passed on the way were found sound.
 * FSK_DAMAGED. */
int fsk_table_seen_sound(fastskip_table *t, fsk_ref entry, uint64_t limit, fsk_seen *seen);

/* OK, or NOT_FOUND; tombstones are an answer with `raw`. */
fastskip_status fsk_table_get(fastskip_table *table, uint64_t limit, const void *key,
                              size_t key_size, int raw, fastskip_entry *entry);
void fsk_table_get_many(fastskip_table *table, uint64_t limit, size_t n, const void *const *keys,
                        const size_t *key_sizes, fastskip_entry *entries,
                        fastskip_status *statuses);
/* FSK_APPROXIMATE_DAMAGED: where the table has checks. */
#define FSK_APPROXIMATE_DAMAGED UINT64_MAX
uint64_t fsk_table_approximate(fastskip_table *table, const fsk_key *lower, const fsk_key *upper);

/* The limit of a read of now. */
static inline uint64_t fsk_table_latest(const fastskip_table *table)
{
    return table->caller ? UINT64_MAX : FSK_LATEST;
}

/* ---- check.c ---- */

fastskip_status fsk_table_check(fastskip_table *table);

#endif
