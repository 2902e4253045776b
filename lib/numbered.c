/* numbered.c - caller's sequence mode: versions in falling order of their numbers; see version.h. */
#include "version.h"

#include "checksum.h"

static uint64_t number_of(const fsk_space *s, fsk_ref version)
{
    return fsk_load64_relaxed(fsk_word_at(s, version)) >>
           FSK_WORD_SHIFT; /* fixed before publication */
}

FSK_COLD static int walk_checked(const fsk_space *s, uint64_t *last, fsk_ref entry, fsk_ref version)
{
    uint64_t above = *last;
    if (!fsk_checked_version(s, entry, version))
        return 0;
    *last = number_of(s, version);
    return *last < above;
}

/* Is the version that the walk has come to sound, and its number below the one above?  So a walk ends.
 * Where there are no checks, yes. */
static inline int walk_sound(const fsk_space *s, uint64_t *last, fsk_ref entry, fsk_ref version)
{
    return !fsk_checked(s) || walk_checked(s, last, entry, version);
}

/* The version that a link of the chain names: `newest` 0 is the inline one, any other 0 the end. */
static fsk_ref follow(const fsk_entry *e, fsk_ref entry, const fsk_atomic32 *link, fsk_ref *raw)
{
    *raw = fsk_load32_seq(link);
    return *raw == 0 && link == &e->newest ? entry : *raw;
}

static fsk_atomic32 *link_below(const fsk_space *s, const fsk_entry *e, fsk_ref entry,
                                fsk_ref version)
{
    return version == entry ? fsk_entry_older(e) : &fsk_version_at(s, version)->older;
}

int fsk_version_at_sequence(const fsk_space *s, fsk_ref entry, uint64_t limit, fsk_seen *seen)
{
    const fsk_entry *e = fsk_entry_at(s, entry);
    fsk_ref raw, ref = follow(e, entry, &e->newest, &raw);
    uint64_t last = UINT64_MAX;
    for (; ref != 0; ref = follow(e, entry, link_below(s, e, entry, ref), &raw)) {
        if (!walk_sound(s, &last, entry, ref))
            return FSK_DAMAGED;
        if (number_of(s, ref) <= limit)
            break;
    }
    if (ref == 0)
        return 0;
    seen->ref = ref;
    seen->kind = (uint32_t)(fsk_load64_relaxed(fsk_word_at(s, ref)) & FSK_WORD_KIND);
    seen->stamp = number_of(s, ref);
    return 1;
}

int fsk_version_insert(const fsk_space *s, fsk_writer *w, fsk_ref entry, fsk_ref version,
                       uint64_t sequence)
{
    fsk_entry *e = fsk_entry_at(s, entry);
    fsk_atomic32 *link = &e->newest;
    uint64_t below = UINT64_MAX;
    for (;;) {
        fsk_ref raw, ref = follow(e, entry, link, &raw);
        uint64_t here = below; /* after a failed CAS another stands here */
        if (ref != 0 && !walk_sound(s, &here, entry, ref))
            return FSK_DAMAGED;
        if (ref != 0 && number_of(s, ref) > sequence) {
            link = link_below(s, e, entry, ref);
            below = here;
            continue;
        }
        if (ref != 0 && number_of(s, ref) == sequence)
            return 0;
        fsk_init32(&fsk_version_at(s, version)->older, ref);
        /* Nothing is taken out, so after a failure the place is here or further down. */
        if (fsk_cas32_seq(link, &raw, version))
            return 1;
        fsk_arena_count(w, FSK_COUNT_RETRIES, 1);
    }
}

size_t fsk_version_all_numbered(const fsk_space *s, fsk_ref entry, uint64_t limit, fsk_seen *seen,
                                size_t room)
{
    const fsk_entry *e = fsk_entry_at(s, entry);
    size_t n = 0;
    fsk_seen next;
    fsk_ref ref, raw;
    uint64_t last = UINT64_MAX;
    int found = fsk_version_at_sequence(s, entry, limit, &next);
    if (found <= 0)
        return found < 0 ? FSK_ALL_DAMAGED : 0;
    for (ref = next.ref; ref != 0; ref = follow(e, entry, link_below(s, e, entry, ref), &raw)) {
        if (!walk_sound(s, &last, entry, ref))
            return FSK_ALL_DAMAGED;
        if (n < room) {
            seen[n].ref = ref;
            seen[n].kind = (uint32_t)(fsk_load64_relaxed(fsk_word_at(s, ref)) & FSK_WORD_KIND);
            seen[n].stamp = number_of(s, ref);
        }
        n++;
    }
    return n;
}
