/* version.c - see version.h. */
#include "version.h"

#include "checksum.h"

#include <stdlib.h>

static fsk_record *record_at(const fsk_space *s, fsk_ref ref)
{
    return (fsk_record *)(void *)(s->base + (uint64_t)ref * FSK_UNIT);
}

/* ---- stamps ---- */

uint64_t fsk_clock_snapshot(fsk_clock *c)
{
    uint64_t s = fsk_load64_seq(&c->clock), expected = s;
    fsk_cas64_seq(&c->clock, &expected, s + 1);
    return s;
}

/* The stamp of a batch; helps one that is committing. */
static uint64_t record_stamp(fsk_clock *c, fsk_ref ref)
{
    fsk_record *r = record_at(&c->space, ref);
    uint64_t state = fsk_load64_seq(&r->state);
    if (state == FSK_RECORD_COMMITTING) {
        uint64_t stamp = fsk_clock_snapshot(c) + 1;
        uint64_t done = stamp * 4 + FSK_RECORD_COMMITTED;
        if (fsk_cas64_seq(&r->state, &state, done))
            return stamp;
    }
    if (state == FSK_RECORD_PENDING)
        return FSK_PENDING;
    return state == FSK_RECORD_ABORTED ? FSK_NEVER : state / 4;
}

/* The stamp, and the word that it was read from. */
static uint64_t stamp_and_word(fsk_clock *c, fsk_atomic64 *at, uint64_t *word)
{
    uint64_t w = fsk_load64_acquire(at), stamp;
    *word = w;
    if ((w & FSK_WORD_RECORD) != 0)
        return record_stamp(c, (fsk_ref)(w >> FSK_WORD_SHIFT));
    stamp = (w & FSK_WORD_STAMP) >> FSK_WORD_SHIFT;
    if (stamp != 0)
        return stamp;
    stamp = fsk_load64_seq(&c->clock);
    if (!fsk_cas64_acq_rel(at, &w, w | stamp << FSK_WORD_SHIFT))
        stamp = (w & FSK_WORD_STAMP) >> FSK_WORD_SHIFT; /* another's stamp */
    return stamp;
}

uint64_t fsk_version_stamp(fsk_clock *c, fsk_atomic64 *word)
{
    uint64_t seen;
    return stamp_and_word(c, word, &seen);
}

uint64_t fsk_record_commit(fsk_clock *c, fsk_ref record)
{
    fsk_exchange64_seq(&record_at(&c->space, record)->state, FSK_RECORD_COMMITTING);
    return record_stamp(c, record);
}

void fsk_record_abort(fsk_clock *c, fsk_ref record)
{
    fsk_exchange64_seq(&record_at(&c->space, record)->state, FSK_RECORD_ABORTED);
}

int fsk_version_settle(fsk_clock *c, fsk_ref version, uint64_t stamp)
{
    fsk_atomic64 *at = fsk_word_at(&c->space, version);
    uint64_t w = fsk_load64_acquire(at), settled;
    do {
        settled = stamp << FSK_WORD_SHIFT | (w & (FSK_WORD_BATCH | FSK_WORD_KIND));
        if (stamp == FSK_NEVER) /* the count is still owed to whoever writes the key next */
            settled |= w & FSK_WORD_UNCOUNTED;
    } while (!fsk_cas64_acq_rel(at, &w, settled));
    return stamp != FSK_NEVER && (w & FSK_WORD_UNCOUNTED) != 0;
}

int fsk_entry_claim_count(fsk_entry *e)
{
    uint64_t w = fsk_load64_acquire(&e->word);
    while ((w & FSK_WORD_UNCOUNTED) != 0)
        if (fsk_cas64_acq_rel(&e->word, &w, w & ~FSK_WORD_UNCOUNTED))
            return 1;
    return 0;
}

/* ---- walking down a chain ---- */

FSK_COLD static int walk_checked(const fsk_space *s, uint64_t *steps, fsk_ref entry,
                                 fsk_ref version)
{
    return fsk_checked_version(s, entry, version) &&
           fsk_checked_going(s, (*steps)++, sizeof(fsk_version));
}

/* Is the version that the walk has come to sound, after so many steps?  Where there are no checks, yes. */
static inline int walk_sound(const fsk_space *s, uint64_t *steps, fsk_ref entry, fsk_ref version)
{
    return !fsk_checked(s) || walk_checked(s, steps, entry, version);
}

/* ---- which one is newer ---- */

/* Is the batch version (stamp, record), which lies below, newer than the version (s, r)?  r is 0 for a
 * single write. */
static int below_is_newer(uint64_t stamp, fsk_ref record, uint64_t s, fsk_ref r)
{
    if (stamp != s)
        return stamp > s;
    return r != 0 && record > r;
}

/* The newest list member stamped <= limit that is newer than what *seen holds; `record` is that of *seen.
 * seen->ref 0: anything is newer. */
static void newest_below(fsk_clock *c, fsk_ref list, uint64_t limit, fsk_seen *seen, fsk_ref record)
{
    const fsk_list_below *l = fsk_list_below_at(&c->space, list);
    for (uint32_t i = 0; i < l->count; i++) {
        uint64_t word, stamp;
        fsk_atomic64 *at = fsk_word_at(&c->space, l->member[i].version);
        stamp = stamp_and_word(c, at, &word);
        if (stamp > limit ||
            (seen->ref != 0 && !below_is_newer(stamp, l->member[i].record, seen->stamp, record)))
            continue;
        seen->ref = l->member[i].version;
        seen->kind = (uint32_t)(word & FSK_WORD_KIND);
        seen->stamp = stamp;
        record = l->member[i].record;
    }
}

/* Is a conditional version void?  *live is then what it met. */
static int is_void_at(fsk_clock *c, const fsk_version *v, uint64_t stamp, fsk_seen *live)
{
    if (v->owner != FSK_CONDITIONAL || v->list == 0)
        return 0;
    live->ref = 0;
    newest_below(c, v->list, stamp, live, 0);
    return live->ref != 0 && live->kind != FASTSKIP_DELETE;
}

int fsk_version_newest_slow(fsk_clock *c, fsk_ref entry, fsk_ref head, uint64_t limit,
                            fsk_seen *seen)
{
    fsk_ref ref = head;
    uint64_t steps = 0;
    for (;;) {
        uint64_t word, stamp;
        const fsk_version *v = ref != entry ? fsk_version_at(&c->space, ref) : NULL;
        if (!walk_sound(&c->space, &steps, entry, ref))
            return FSK_DAMAGED;
        stamp = stamp_and_word(c, fsk_word_at(&c->space, ref), &word);
        if (stamp <= limit && (v == NULL || !is_void_at(c, v, stamp, seen))) {
            seen->ref = ref;
            seen->kind = (uint32_t)(word & FSK_WORD_KIND);
            seen->stamp = stamp;
            if (v != NULL && v->list != 0)
                newest_below(c, v->list, limit, seen, v->owner == FSK_CONDITIONAL ? 0 : v->owner);
            return 1;
        }
        if (v == NULL)
            return 0;
        ref = fsk_load32_seq(&v->older);
    }
}

/* ---- pushing ---- */

/* Memory for a list, kept from attempt to attempt. */
typedef struct {
    fsk_ref ref;
    uint64_t size;
} below_memory;

static int below_room(fsk_clock *c, fsk_writer *w, below_memory *m, uint32_t count)
{
    uint64_t size = sizeof(fsk_list_below) + (uint64_t)count * 8;
    if (m->ref != 0 && fsk_list_below_at(&c->space, m->ref)->room >= count)
        return 1;
    if (m->ref != 0)
        fsk_arena_give_back(w, m->ref, m->size);
    m->ref = fsk_arena_alloc(w, FSK_ENTRIES, size, FSK_UNIT);
    m->size = size;
    if (m->ref == 0)
        return 0;
    fsk_list_below_at(&c->space, m->ref)->room = count;
    return 1;
}

/* The list of a version that is to be pushed on `head`.  0: no memory. */
static int below_build(fsk_clock *c, fsk_writer *w, fsk_ref entry, fsk_ref head, below_memory *m,
                       fsk_ref *list)
{
    uint64_t word, stamp = stamp_and_word(c, fsk_word_at(&c->space, head), &word);
    const fsk_list_below *old = NULL;
    fsk_list_below *l;
    uint32_t count = 0, pending = stamp == FSK_PENDING;
    *list = head != entry ? fsk_version_at(&c->space, head)->list : 0;
    if (*list != 0)
        old = fsk_list_below_at(&c->space, *list);
    if (old != NULL)
        for (uint32_t i = 0; i < old->count; i++)
            count +=
                fsk_version_stamp(c, fsk_word_at(&c->space, old->member[i].version)) == FSK_PENDING;
    if (!pending && (old == NULL || count == old->count))
        return 1; /* the head's own, or none */
    *list = 0;
    if (count + pending == 0)
        return 1;
    if (!below_room(c, w, m, count + pending))
        return 0;
    l = fsk_list_below_at(&c->space, m->ref);
    l->count = 0;
    if (pending) {
        l->member[l->count].version = head;
        l->member[l->count++].record = (fsk_ref)(word >> FSK_WORD_SHIFT);
    }
    /* One that was resolved meanwhile may be left out; none can have become pending. */
    for (uint32_t i = 0; old != NULL && i < old->count; i++)
        if (fsk_version_stamp(c, fsk_word_at(&c->space, old->member[i].version)) == FSK_PENDING)
            l->member[l->count++] = old->member[i];
    *list = m->ref;
    return 1;
}

int fsk_version_push(fsk_clock *c, fsk_writer *w, fsk_ref entry, fsk_ref version, fsk_seen *live,
                     int *is_void)
{
    fsk_entry *e = fsk_entry_at(&c->space, entry);
    fsk_version *v = fsk_version_at(&c->space, version);
    below_memory memory = {0, 0};
    fsk_ref newest = fsk_load32_seq(&e->newest), head;
    uint64_t extent = 0;
    uint32_t sum = 0;
    int outcome = FSK_PUSHED, seen;
    if (fsk_summed(&c->space)) {
        sum = fsk_checksum_version_begin(&c->space, entry, version);
        extent = fsk_version_bytes(v->value_size);
    }
    *is_void = 0;
    for (;;) {
        head = fsk_version_head(c, entry, newest);
        if (fsk_checked(&c->space) && !fsk_checked_version(&c->space, entry, head)) {
            outcome = FSK_DAMAGED;
            break;
        }
        if ((newest & c->plain) != 0) {
            v->list = 0;
        } else if (!below_build(c, w, entry, head, &memory, &v->list)) {
            outcome = FSK_NO_MEMORY;
            break;
        }
        fsk_init32(&v->older, head);
        if (v->owner == FSK_CONDITIONAL &&
            (seen = fsk_version_newest_slow(c, entry, head, FSK_LATEST, live)) != 0 &&
            (seen < 0 || live->kind != FASTSKIP_DELETE)) {
            outcome = seen < 0 ? FSK_DAMAGED : FSK_LIVE;
            break;
        }
        if (fsk_summed(&c->space))
            fsk_checksum_version_end(&c->space, version, sum);
        if (fsk_cas32_seq(&e->newest, &newest, version))
            break;
        fsk_arena_count(w, FSK_COUNT_RETRIES, 1);
    }
    if (memory.ref != 0 && (outcome != FSK_PUSHED || v->list != memory.ref))
        fsk_arena_give_back(w, memory.ref, memory.size);
    if (outcome == FSK_PUSHED && (v->owner == 0 || v->owner == FSK_CONDITIONAL)) {
        uint64_t stamp = fsk_version_stamp(c, &v->word);
        if (fsk_summed(&c->space))
            fsk_checksum_stamped(&c->space, version, extent, stamp);
        *is_void = is_void_at(c, v, stamp, live);
        if (*is_void)
            outcome = FSK_LIVE;
    }
    return outcome;
}

void fsk_version_mark(fsk_clock *c, fsk_ref entry, fsk_ref version)
{
    const fsk_version *v = fsk_version_at(&c->space, version);
    fsk_ref newest = version;
    if (c->plain != 0 && v->owner == 0 && v->list == 0)
        fsk_cas32_seq(&fsk_entry_at(&c->space, entry)->newest, &newest, version | c->plain);
}

/* ---- every version ---- */

static int newest_first(const void *x, const void *y)
{
    const fsk_seen *a = x, *b = y;
    if (a->stamp != b->stamp)
        return a->stamp > b->stamp ? -1 : 1;
    if ((a->record == 0) != (b->record == 0)) /* a single write is newer than a batch */
        return a->record == 0 ? -1 : 1;
    if (a->record != b->record)
        return a->record > b->record ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* The record of an inline version stands only in the lists of those that met it pending. */
static fsk_ref inline_record_in(const fsk_space *s, fsk_ref list, fsk_ref entry)
{
    const fsk_list_below *l = fsk_list_below_at(s, list);
    for (uint32_t i = 0; i < l->count; i++)
        if (l->member[i].version == entry)
            return l->member[i].record;
    return 0;
}

size_t fsk_version_all(fsk_clock *c, fsk_ref entry, uint64_t limit, int caller, fsk_seen *seen,
                       size_t room)
{
    fsk_ref ref, inline_record = 0;
    size_t n = 0;
    uint32_t place = 0;
    uint64_t steps = 0;
    if (caller)
        return fsk_version_all_numbered(&c->space, entry, limit, seen, room);
    ref = fsk_load32_seq(&fsk_entry_at(&c->space, entry)->newest);
    for (ref = fsk_version_head(c, entry, ref);; place++) {
        uint64_t word, stamp;
        const fsk_version *v = ref != entry ? fsk_version_at(&c->space, ref) : NULL;
        fsk_seen met;
        if (!walk_sound(&c->space, &steps, entry, ref))
            return FSK_ALL_DAMAGED;
        stamp = stamp_and_word(c, fsk_word_at(&c->space, ref), &word);
        if (v != NULL && v->list != 0 && inline_record == 0)
            inline_record = inline_record_in(&c->space, v->list, entry);
        if (stamp <= limit && (v == NULL || !is_void_at(c, v, stamp, &met))) {
            if (n < room) {
                seen[n].ref = ref;
                seen[n].kind = (uint32_t)(word & FSK_WORD_KIND);
                seen[n].stamp = stamp;
                seen[n].place = place;
                seen[n].record = v == NULL                     ? inline_record
                                 : v->owner == FSK_CONDITIONAL ? 0
                                                               : v->owner;
            }
            n++;
        }
        if (v == NULL)
            break;
        ref = fsk_load32_seq(&v->older);
    }
    if (n <= room)
        for (size_t i = 1; i < n; i++)
            if (newest_first(&seen[i - 1], &seen[i]) > 0) {
                qsort(seen, n, sizeof *seen, newest_first);
                break;
            }
    return n;
}
