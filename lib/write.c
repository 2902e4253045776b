/*
 * write.c - one write; see memtable.h.
 *
 * If the key is a hot one (hot.h), its entry is known; else find its leaf.  If the key is there, push a
 * version on its entry; else put a new entry into the first empty slot.  Memory is taken once: an entry that
 * lost its slot to the same key is rebuilt as a version in place.  Whatever fails gives its memory back and
 * has published nothing.
 */
#include "careful.h"
#include "checksum.h"
#include "memtable.h"

/* ---- building ---- */

static void build_version(fsk_write *x)
{
    fsk_version *v;
    x->version = x->piece;
    v = fsk_version_at(&x->table->list.space, x->version);
    fsk_init64(&v->word, x->word & ~FSK_WORD_UNCOUNTED);
    if (x->table->caller)
        fsk_init64(&v->word, x->word);
    fsk_init32(&v->older, 0);
    v->list = 0;
    v->value_size = x->value_size;
    v->owner = x->owner;
    if (x->value_size != 0)
        memcpy(fsk_version_value(v), x->value, x->value_size);
    if (x->table->caller && fsk_summed(&x->table->list.space)) /* else when its place is known */
        fsk_checksum_version_end(
            &x->table->list.space, x->version,
            fsk_checksum_version_begin(&x->table->list.space, x->entry, x->version));
}

static inline void fill_entry(fsk_entry *e, uint64_t word, const uint8_t *key, uint32_t key_size,
                              const void *value, uint32_t value_size)
{
    fsk_init64(&e->word, word);
    fsk_init32(&e->newest, 0);
    e->key_size = (uint16_t)key_size;
    if (key_size != 0)
        memcpy(fsk_entry_key(e), key, key_size);
    if (value_size < FSK_LONG_VALUE) {
        e->short_value_size = (uint16_t)value_size;
    } else {
        e->short_value_size = (uint16_t)FSK_LONG_VALUE;
        memcpy(fsk_entry_key(e) + key_size, &value_size, sizeof value_size);
    }
    if (value_size != 0)
        memcpy(fsk_entry_value(e), value, value_size);
}

static void build_entry(fsk_write *x)
{
    const fsk_space *s = &x->table->list.space;
    x->entry = x->version = x->piece;
    if (x->table->caller) {
        x->entry = x->version = x->piece + FSK_OLDER_BYTES / FSK_UNIT;
        fsk_init32(fsk_entry_older(fsk_entry_at(s, x->entry)), 0);
    }
    fill_entry(fsk_entry_at(s, x->entry), x->word, x->key.data, x->key.size, x->value,
               x->value_size);
    if (fsk_summed(s))
        fsk_checksum_entry(s, x->entry);
}

static inline int prepare(fsk_write *x, fsk_ref there)
{
    const fsk_space *s = &x->table->list.space;
    x->entry = there;
    x->is_version = there != 0;
    if (x->is_version)
        x->size = fsk_summed_bytes(s, fsk_version_bytes(x->value_size));
    else
        x->size = fsk_summed_bytes(s, fsk_entry_bytes(x->key.size, x->value_size)) +
                  (x->table->caller ? FSK_OLDER_BYTES : 0);
    x->piece = fsk_arena_alloc(x->writer, FSK_ENTRIES, x->size, FSK_UNIT);
    return x->piece != 0;
}

int fsk_write_prepare(fsk_write *x, fsk_ref there)
{
    return prepare(x, there);
}

void fsk_write_drop(fsk_write *x)
{
    if (x->piece != 0)
        fsk_arena_give_back(x->writer, x->piece, x->size);
    x->piece = 0;
}

/* ---- publishing ---- */

/* An entry's memory that became a version's may be larger than that. */
static void count_leftover(fsk_write *x)
{
    uint64_t bytes = fsk_summed_bytes(&x->table->list.space, fsk_version_bytes(x->value_size));
    uint64_t needed = fsk_round_up(bytes, FSK_UNIT);
    uint64_t size = fsk_round_up(x->size, FSK_UNIT);
    if (size > needed)
        fsk_arena_count(x->writer, FSK_COUNT_WASTED, size - needed);
}

/* Is the key of x->entry live?  x->met says what as.  FSK_DAMAGED. */
static int is_live(fsk_write *x)
{
    int seen = fsk_table_seen_sound(x->table, x->entry, FSK_LATEST, &x->met);
    return seen > 0 ? x->met.kind != FASTSKIP_DELETE : seen;
}

static fastskip_status push(fsk_write *x)
{
    fastskip_table *t = x->table;
    int is_void, live;
    x->created = 0;
    /* A live key is an answer also where there is no memory. */
    if (x->owner == FSK_CONDITIONAL && (live = is_live(x)) != 0)
        return live < 0 ? FASTSKIP_CORRUPT : FASTSKIP_EXISTS;
    if (x->piece == 0 && !fsk_write_prepare(x, x->entry))
        return x->writer->status;
    build_version(x);
    if (t->caller) {
        int put = fsk_version_insert(&t->list.space, x->writer, x->entry, x->version, x->sequence);
        if (put <= 0)
            return put < 0 ? FASTSKIP_CORRUPT : FASTSKIP_EXISTS;
        if (!x->is_version)
            count_leftover(x);
        return FASTSKIP_OK;
    }
    switch (fsk_version_push(&t->clock, x->writer, x->entry, x->version, &x->met, &is_void)) {
    case FSK_PUSHED:
        if (!x->is_version)
            count_leftover(x);
        return FASTSKIP_OK;
    case FSK_LIVE:
        if (is_void) { /* published, and seen by nobody */
            fsk_arena_count(x->writer, FSK_COUNT_WASTED, fsk_round_up(x->size, FSK_UNIT));
            x->piece = 0;
        }
        return FASTSKIP_EXISTS;
    case FSK_DAMAGED:
        return FASTSKIP_CORRUPT;
    default:
        return x->writer->status;
    }
}

/* The same for an entry that a search has found: the next write may do without, or without a look at what
 * this one has put there. */
static fastskip_status push_found(fsk_write *x)
{
    fastskip_table *t = x->table;
    fastskip_status status = push(x);
    if (status == FASTSKIP_OK && !fsk_checked(&t->list.space)) {
        fsk_hot_note(&t->list.space, &t->hot, x->entry, x->version);
        fsk_version_mark(&t->clock, x->entry, x->version);
    }
    return status;
}

static void stamp_new_entry(fsk_write *x)
{
    const fsk_space *s = &x->table->list.space;
    uint64_t stamp;
    if (x->table->caller || (x->word & FSK_WORD_RECORD) != 0)
        return;
    stamp = fsk_version_stamp(&x->table->clock, fsk_word_at(s, x->entry));
    if (fsk_summed(s))
        fsk_checksum_stamped(s, x->entry, fsk_entry_extent(x->key.size, x->value_size), stamp);
}

/* As place() below, where the table has checks.  NULL: something on the way is damaged. */
FSK_COLD static fsk_block *place_checked(fsk_write *x, fsk_block *leaf, uint32_t *part,
                                         uint32_t *from)
{
    fsk_list *list = &x->table->list;
    fsk_key_pad(&x->key, &list->space.order);
    if (leaf == NULL)
        leaf = fsk_careful_leaf(list, x->writer, &x->key, part);
    if (leaf == NULL)
        return NULL;
    *from = fsk_load32_acquire(&leaf->fill);
    x->entry = fsk_careful_find(&list->space, leaf, &x->key, *part);
    if (x->entry == 0 && !fsk_checked_absent(&list->space, leaf, &x->key, *part))
        return NULL;
    return leaf;
}

/*
 * The leaf where the key belongs; *from: no slot before that holds it.  x->entry is its entry, if it is
 * there.  `leaf` and the part may be known already.
 */
static fsk_block *place(fsk_write *x, fsk_block *leaf, uint32_t *part, uint32_t *from)
{
    fsk_list *list = &x->table->list;
    x->entry = 0;
    if (fsk_checked(&list->space))
        return place_checked(x, leaf, part, from);
    if (leaf == NULL) {
        leaf = fsk_list_edge_above(list, x->writer, x->key.data, x->key.size, part, from);
        if (leaf != NULL)
            return leaf;
        fsk_key_pad(&x->key, &list->space.order);
        leaf = fsk_list_edge(list, x->writer, &x->key, part);
        if (leaf == NULL)
            leaf = fsk_list_leaf(list, x->writer, &x->key, part);
    }
    *from = fsk_load32_acquire(&leaf->fill); /* before the search: no slot may go uncompared */
    x->entry = fsk_block_find(&list->space, leaf, &x->key, *part);
    return leaf;
}

fastskip_status fsk_write_publish(fsk_write *x, fsk_block *leaf, uint32_t part)
{
    fsk_list *list = &x->table->list;
    /* Entries never go, and a second search may not find it if the comparator contradicts itself. */
    if (x->piece != 0 && x->is_version)
        return push(x);
    if (leaf == NULL && (x->entry = fsk_table_hot(x->table, x->key.data, x->key.size)) != 0)
        return push(x);
    for (;;) {
        uint32_t from;
        int taken;
        leaf = place(x, leaf, &part, &from);
        if (FSK_UNLIKELY(leaf == NULL))
            return FASTSKIP_CORRUPT;
        if (x->entry != 0)
            return push_found(x);
        if (x->piece == 0 && !prepare(x, 0))
            return x->writer->status;
        build_entry(x);
        taken = fsk_list_take(list, x->writer, leaf, from, part, x->entry, &x->key, &x->entry);
        if (taken == FSK_TAKEN) {
            x->created = 1;
            stamp_new_entry(x);
            return FASTSKIP_OK;
        }
        if (taken == FSK_PRESENT)
            return push(x);
        if (!fsk_list_split(list, x->writer, leaf))
            return x->writer->status;
        leaf = NULL;
    }
}

void fsk_write_count(fsk_write *x, int new_key)
{
    fsk_arena_count_write(x->writer, new_key, x->key.size, x->value_size);
}

/* ---- a single write ---- */

/* At the entry limit a live key is still an answer to a conditional write; anything else is FULL. */
FSK_COLD static fastskip_status at_limit(fsk_write *x, fastskip_entry *found)
{
    const fsk_space *s = &x->table->list.space;
    uint32_t part, from;
    int live;
    if (x->owner != FSK_CONDITIONAL)
        return FASTSKIP_FULL;
    fsk_key_pad(&x->key, &s->order);
    if (fsk_checked(s)) {
        if (place_checked(x, NULL, &part, &from) == NULL)
            return FASTSKIP_CORRUPT;
    } else {
        fsk_block *leaf = fsk_list_leaf(&x->table->list, NULL, &x->key, &part);
        x->entry = fsk_block_find(s, leaf, &x->key, part);
    }
    live = x->entry != 0 ? is_live(x) : 0;
    if (live <= 0)
        return live < 0 ? FASTSKIP_CORRUPT : FASTSKIP_FULL;
    if (found != NULL)
        fsk_version_show(s, x->entry, &x->met, found);
    return FASTSKIP_EXISTS;
}

static fastskip_status write_inside(fsk_write *x, fastskip_entry *found)
{
    fastskip_table *t = x->table;
    fastskip_status status;
    fsk_seen written;
    if (!fsk_table_admit(t, 1))
        return at_limit(x, found);
    status = fsk_write_publish(x, NULL, 0);
    if (status != FASTSKIP_OK) {
        fsk_write_drop(x);
        fsk_table_dismiss(t, 1);
        if (status == FASTSKIP_EXISTS && found != NULL)
            fsk_version_show(&t->list.space, x->entry, &x->met, found);
        return status;
    }
    fsk_write_count(x, x->created || (!t->caller && fsk_entry_claim_count(
                                                        fsk_entry_at(&t->list.space, x->entry))));
    if (found != NULL) {
        written.ref = x->version;
        written.kind = (uint32_t)(x->word & FSK_WORD_KIND);
        written.stamp = fsk_version_stamp(&t->clock, fsk_word_at(&t->list.space, x->version));
        fsk_version_show(&t->list.space, x->entry, &written, found);
    }
    return FASTSKIP_OK;
}

/*
 * A whole write of a key above all that the shard has seen, as write_inside would do it: no search, no
 * second version, nothing to answer.  0: not here, and nothing was done.
 */
static inline int write_at_edge(fastskip_table *t, fsk_writer *w, uint64_t word, const void *key,
                                uint32_t key_size, const void *value, uint32_t value_size)
{
    uint32_t part, slot;
    uint64_t size = fsk_entry_bytes(key_size, value_size), seen = word;
    fsk_entry *e;
    fsk_ref ref;
    fsk_block *edge = fsk_list_edge_above(&t->list, w, key, key_size, &part, &slot);
    if (edge == NULL)
        return 0;
    ref = fsk_arena_alloc(w, FSK_ENTRIES, size, FSK_UNIT);
    if (ref == 0)
        return 0;
    e = fsk_entry_at(&t->list.space, ref);
    fill_entry(e, word, key, key_size, value, value_size);
    if (FSK_UNLIKELY(!fsk_list_edge_take(w, edge, slot, part, ref))) {
        fsk_arena_give_back(w, ref, size);
        return 0;
    }
    /* The clock is read after the entry is published; if that fails another has stamped it. */
    fsk_cas64_acq_rel(&e->word, &seen, word | fsk_load64_seq(&t->clock.clock) << FSK_WORD_SHIFT);
    fsk_arena_count_write(w, 1, key_size, value_size);
    return 1;
}

fastskip_status fsk_table_write(fastskip_table *t, uint64_t sequence, uint32_t kind,
                                const void *key, size_t key_size, const void *value,
                                size_t value_size, int condition, fastskip_entry *found)
{
    fsk_writer writer;
    fsk_write x;
    fastskip_status status = fsk_table_enter(t, &writer);
    if (status != FASTSKIP_OK) {
        fsk_add64_relaxed(&t->arena.count[FSK_COUNT_REFUSED], 1);
        return status;
    }
    if (condition == FSK_ANYWAY && found == NULL && t->plain &&
        write_at_edge(t, &writer, fsk_word_single(kind), key, (uint32_t)key_size, value,
                      (uint32_t)value_size)) {
        fsk_table_leave(&writer);
        return FASTSKIP_OK;
    }
    fsk_key_set(&x.key, &t->list.space.order, key, key_size);
    x.table = t;
    x.writer = &writer;
    x.value = value;
    x.value_size = (uint32_t)value_size;
    x.owner = condition == FSK_IF_ABSENT ? FSK_CONDITIONAL : 0;
    x.word = t->caller ? fsk_word_numbered(kind, sequence) : fsk_word_single(kind);
    x.sequence = sequence;
    x.piece = 0;
    x.is_version = 0;
    status = write_inside(&x, found);
    if (status != FASTSKIP_OK)
        fsk_arena_count(&writer, FSK_COUNT_REFUSED, 1);
    fsk_table_leave(&writer);
    return status;
}
