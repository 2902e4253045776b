/*
 * version.h - what a key holds: a chain of versions, newest first, and the clock that orders them.
 *
 * The clock is a counter that only snapshots and batches advance; a writer reads it and shares no other
 * counter (Wei, Ben-David, Blelloch, Fatourou, Ruppert, Sun, "Constant-time snapshots with applications
 * to concurrent data structures", PPoPP 2021).
 *
 * Write.     Help the head to its stamp; point `older` at it; CAS `newest`; then stamp: read the clock
 *            and CAS the stamp from 0 to it.  Whoever meets an unstamped version stamps it before using
 *            it, so that no later snapshot contradicts a read.
 * Mark.      The head of a key written once before is a cache miss, and all that a writer wants of it is
 *            that it has its stamp and that nothing below is unresolved.  So a writer whose version is
 *            still the head once it is stamped says that in `newest` itself, by a CAS that sets FSK_PLAIN:
 *            this version is a single write, stamped, and has no list.  Whoever pushes above it need not
 *            look: its list is empty, and the clock it reads afterwards is not below that stamp.
 * Snapshot.  s = clock; CAS the clock from s to s + 1 (if that fails another moved it: as good).  It sees
 *            the versions stamped <= s.  A version stamped <= s was published before the clock left s.
 * Batch.     Its versions name one record instead of a stamp.  Pending: invisible.  Commit: the owner
 *            exchanges the record to committing; t = clock; CAS the clock to t + 1; CAS the record to
 *            stamp t + 1.  Whoever meets a committing record helps.  Only the owner moves a record out of
 *            pending, or aborts it.  Afterwards the owner writes the stamp into its versions' own words:
 *            the same answer with one cache miss less.  Nobody else writes those words, save for clearing
 *            FSK_WORD_UNCOUNTED.
 * Above a pending batch.  Each version carries a list, fixed when it is pushed, of the batch versions
 *            below it that were unresolved then: the head, if it is one, and the head's own list, less
 *            the resolved.  A read takes the first version from the head that its snapshot sees and
 *            compares it with those members of that version's list that it sees too.  The newest is the
 *            one with the greater stamp; at equal stamps a single write is newer than a batch; of two
 *            batches the one with the greater record reference; of two single writes the upper.  A member
 *            keeps its record's reference in the list, since its word will lose it.
 * Insert if absent.  Read the head, build the list, then decide, then CAS.  Once it is stamped v, take
 *            the newest list member with a stamp <= v: if that is live, the insert is void, and everyone
 *            who meets it decides the same.
 *
 * In caller's sequence mode (numbered.c) the stamp is the caller's number, versions stand in falling order
 * of it, and a new one is put in by a CAS on the link before it.  There are no batch records, lists or
 * conditions.
 *
 * Memory order.  `newest`, `older`, the clock and a record's state: CAS and load seq_cst (weaker, and a
 * snapshot read twice differs).  Stamp and record CAS: acq_rel, pairs with the acquire load of the word.
 *
 * Progress: a failed CAS of a link means that another write completed, or was marked, once; helping and
 * stamping do not loop.
 * A read of an old snapshot walks over the versions written since.
 *
 * Relies on: entry, block (references), arena, checksum.  Used by: memtable, iterator, check.
 */
#ifndef FSK_VERSION_H
#define FSK_VERSION_H

#include "arena.h"
#include "block.h"
#include "entry.h"

typedef struct {
    fsk_space space;
    fsk_ref plain;      /* FSK_PLAIN, or 0: nothing is marked; never changes */
    fsk_atomic64 clock; /* from 1 */
} fsk_clock;

/* The bit of `newest` that marks the head; where the region is small enough, no reference has it. */
#define FSK_PLAIN 0x80000000u
#define FSK_PLAIN_REGION ((uint64_t)FSK_PLAIN * FSK_UNIT)

/* A version that a read sees. */
typedef struct {
    fsk_ref ref; /* the entry itself for its inline version */
    uint32_t kind;
    uint64_t stamp;
    fsk_ref record; /* this and place: only by fsk_version_all, to order by */
    uint32_t place; /* how far down the chain */
} fsk_seen;

/* The stamp of the version whose word this is, given one now if it has none: FSK_PENDING and FSK_NEVER
 * are above every real one.  AUTO mode. */
uint64_t fsk_version_stamp(fsk_clock *c, fsk_atomic64 *word);

/* The newest version of an entry stamped <= limit, whatever its kind; 0 if there is none; FSK_DAMAGED
 * (checksum.h), as from all that follow, if a version on the way is.  AUTO mode. */
int fsk_version_newest_slow(fsk_clock *c, fsk_ref entry, fsk_ref head, uint64_t limit,
                            fsk_seen *seen);

/* All versions stamped <= limit.  Returns how many there are; writes at most `room`, and when all of them
 * fit they are in order, newest first.  FSK_ALL_DAMAGED. */
#define FSK_ALL_DAMAGED SIZE_MAX
size_t fsk_version_all(fsk_clock *c, fsk_ref entry, uint64_t limit, int caller, fsk_seen *seen,
                       size_t room);

/*
 * Pushes an unpublished version (word, owner, value filled in) on an entry.
 * FSK_PUSHED; FSK_LIVE: the version is conditional and *live is what exists; it was not published, or
 * is void (*is_void); FSK_NO_MEMORY: for the list, writer->status says which; FSK_DAMAGED.  AUTO mode.
 */
enum { FSK_PUSHED, FSK_LIVE, FSK_NO_MEMORY };
int fsk_version_push(fsk_clock *c, fsk_writer *w, fsk_ref entry, fsk_ref version, fsk_seen *live,
                     int *is_void);

/* Marks a version that was pushed, if it is still the head and as FSK_PLAIN says.  AUTO mode. */
void fsk_version_mark(fsk_clock *c, fsk_ref entry, fsk_ref version);

/* CALLER mode: the newest numbered <= limit; 0 if none. */
int fsk_version_at_sequence(const fsk_space *s, fsk_ref entry, uint64_t limit, fsk_seen *seen);

/* CALLER mode: as fsk_version_all. */
size_t fsk_version_all_numbered(const fsk_space *s, fsk_ref entry, uint64_t limit, fsk_seen *seen,
                                size_t room);

/* CALLER mode: puts an unpublished version in its place.  0: the number is there. */
int fsk_version_insert(const fsk_space *s, fsk_writer *w, fsk_ref entry, fsk_ref version,
                       uint64_t sequence);

/* The number of a snapshot of now; advances the clock. */
uint64_t fsk_clock_snapshot(fsk_clock *c);

/* By the owner of a batch: its stamp, or its end. */
uint64_t fsk_record_commit(fsk_clock *c, fsk_ref record);
void fsk_record_abort(fsk_clock *c, fsk_ref record);

/* The owner writes the stamp (or FSK_NEVER) into one of its versions.  Returns 1 if the entry's count was
 * still owed: the caller counts the key. */
int fsk_version_settle(fsk_clock *c, fsk_ref version, uint64_t stamp);

/* A write to this entry was completed: 1 to the first who says so. */
int fsk_entry_claim_count(fsk_entry *e);

static inline fsk_atomic64 *fsk_word_at(const fsk_space *s, fsk_ref version)
{
    return (fsk_atomic64 *)(void *)(s->base + (uint64_t)version * FSK_UNIT);
}

static inline uint64_t fsk_word_single(uint32_t kind)
{
    return kind;
}

static inline uint64_t fsk_word_of_batch(uint32_t kind, fsk_ref record)
{
    return FSK_WORD_RECORD | (uint64_t)record << FSK_WORD_SHIFT | FSK_WORD_BATCH | kind;
}

static inline uint64_t fsk_word_numbered(uint32_t kind, uint64_t sequence)
{
    return sequence << FSK_WORD_SHIFT | kind;
}

/* Fills the public struct. */
static inline void fsk_version_show(const fsk_space *s, fsk_ref entry, const fsk_seen *seen,
                                    fastskip_entry *out)
{
    const fsk_entry *e = fsk_entry_at(s, entry);
    out->key = fsk_entry_key(e);
    out->key_size = e->key_size;
    if (seen->ref == entry) {
        out->value = fsk_entry_value(e);
        out->value_size = fsk_entry_value_size(e);
    } else {
        const fsk_version *v = fsk_version_at(s, seen->ref);
        out->value = fsk_version_value(v);
        out->value_size = v->value_size;
    }
    out->sequence = seen->stamp;
    out->kind = seen->kind;
    out->reserved = 0;
}

/* The version that an entry's `newest` names: the entry itself for its inline one. */
static inline fsk_ref fsk_version_head(const fsk_clock *c, fsk_ref entry, fsk_ref newest)
{
    return newest != 0 ? newest & ~c->plain : entry;
}

/* An entry's own version, if it is stamped, and <= limit.  0: it is not, or look closer. */
static inline int fsk_version_own(const fsk_space *s, fsk_ref entry, uint64_t limit, fsk_seen *seen)
{
    uint64_t word = fsk_load64_acquire(&fsk_entry_at(s, entry)->word);
    seen->ref = entry;
    seen->kind = (uint32_t)(word & FSK_WORD_KIND);
    seen->stamp = word >> FSK_WORD_SHIFT;
    /* One comparison: no stamp, which is 0, becomes more than any limit, and so are the bits above a stamp. */
    return seen->stamp - 1 < limit;
}

/* The same if it is the only one. */
static inline int fsk_version_only(const fsk_space *s, fsk_ref entry, uint64_t limit,
                                   fsk_seen *seen)
{
    return FSK_LIKELY(fsk_load32_seq(&fsk_entry_at(s, entry)->newest) == 0) &&
           fsk_version_own(s, entry, limit, seen);
}

/* The common case: one version, stamped.  Looks at no sums. */
static inline int fsk_version_newest(fsk_clock *c, fsk_ref entry, uint64_t limit, fsk_seen *seen)
{
    fsk_ref newest = fsk_load32_seq(&fsk_entry_at(&c->space, entry)->newest);
    if (FSK_LIKELY(newest == 0) && FSK_LIKELY(fsk_version_own(&c->space, entry, limit, seen)))
        return 1;
    return fsk_version_newest_slow(c, entry, fsk_version_head(c, entry, newest), limit, seen);
}

#endif
