/*
 * batch.c - collecting writes, and writing them at one instant; see memtable.h and version.h.
 *
 * A write sorts the records by key, so that the last of each key is known and neighbours share their
 * leaf; then takes all memory, that of the splits to come too, so that a limit refuses all before
 * anything is published; then publishes each, pending; then commits.  Where other writers interfere more
 * splits than were foreseen, or a list above another pending batch, can still find no memory: then the
 * batch is aborted, and what it published stays unseen for ever.
 *
 * In caller's sequence mode there is no instant to share: the records are written in their own order, as
 * fastskip_put_at does.
 */
#include "careful.h"
#include "memtable.h"

#include <stdlib.h>
#include <string.h>

/* ---- collecting ---- */

static int make_room(fastskip_batch *b, size_t bytes)
{
    if (b->count == b->records_room) {
        size_t room = b->records_room != 0 ? b->records_room * 2 : 16;
        fsk_batch_record *records;
        fsk_batch_work *work;
        fsk_batch_place *order;
        if (room > UINT32_MAX / 2 || room > SIZE_MAX / sizeof *work / 2)
            return 0;
        records = realloc(b->records, room * sizeof *records);
        if (records == NULL)
            return 0;
        b->records = records;
        /* Room for the write's own notes comes with the record, so that the write needs none. */
        work = realloc(b->work, room * sizeof *work);
        if (work == NULL)
            return 0;
        b->work = work;
        order = realloc(b->order, 2 * room * sizeof *order);
        if (order == NULL)
            return 0;
        b->order = order;
        b->records_room = room;
    }
    if (b->buffer == NULL || bytes > b->room - b->used) {
        size_t room = b->room != 0 ? b->room : 1024;
        unsigned char *buffer;
        /*@ loop invariant room >= b->used;
            loop assigns room; */
        while (room - b->used < bytes) {
            if (room > SIZE_MAX / 2)
                return 0;
            room *= 2;
        }
        buffer = realloc(b->buffer, room);
        if (buffer == NULL)
            return 0;
        b->buffer = buffer;
        b->room = room;
    }
    return 1;
}

fastskip_status fsk_batch_add(fastskip_batch *b, int numbered, uint64_t sequence, uint32_t kind,
                              const void *key, size_t key_size, const void *value,
                              size_t value_size)
{
    fsk_batch_record *r;
    if (!make_room(b, key_size + value_size))
        return FASTSKIP_NO_MEMORY;
    r = &b->records[b->count++];
    r->at = b->used;
    r->sequence = sequence;
    r->key_size = (uint32_t)key_size;
    r->value_size = (uint32_t)value_size;
    r->kind = kind;
    r->numbered = numbered;
    b->numbered += numbered != 0;
    if (value_size > b->largest)
        b->largest = value_size;
    if (key_size != 0)
        memcpy(b->buffer + b->used, key, key_size);
    if (value_size != 0)
        memcpy(b->buffer + b->used + key_size, value, value_size);
    b->used += key_size + value_size;
    return FASTSKIP_OK;
}

/* ---- sorting ---- */

static int compare_keys(const fsk_order *o, const fastskip_batch *b, const fsk_batch_record *x,
                        const fsk_batch_record *y)
{
    return fsk_compare(o, b->buffer + x->at, x->key_size, b->buffer + y->at, y->key_size);
}

/* Of two records beside each other in order. */
static int same_key(const fsk_order *o, const fastskip_batch *b, const fsk_batch_place *p)
{
    return p[0].leading == p[1].leading &&
           compare_keys(o, b, &b->records[p[0].index], &b->records[p[1].index]) == 0;
}

/* How many leading bytes all keys share. */
static size_t shared_by_all(const fastskip_batch *b)
{
    const fsk_batch_record *first = &b->records[0];
    size_t shared = first->key_size;
    for (size_t i = 1; i < b->count; i++) {
        const fsk_batch_record *r = &b->records[i];
        if (r->key_size < shared)
            shared = r->key_size;
        shared = fsk_first_difference(b->buffer + first->at, b->buffer + r->at, shared);
    }
    return shared;
}

/* What mostly tells keys apart without a look at them: it orders weakly as they do (key.h). */
static void take_leading(const fsk_order *o, const fastskip_batch *b, fsk_batch_place *places)
{
    size_t skip = o->compare == NULL ? shared_by_all(b) : 0;
    for (size_t i = 0; i < b->count; i++) {
        const fsk_batch_record *r = &b->records[i];
        const uint8_t *key = b->buffer + r->at;
        uint64_t leading = 0;
        if (o->compare == NULL)
            leading = (uint64_t)fsk_part_bytes(key, r->key_size, skip) << 32 |
                      fsk_part_bytes(key, r->key_size, skip + 4);
        else if (o->abbreviate != NULL)
            leading = o->abbreviate(o->context, key, r->key_size);
        places[i].leading = leading;
        places[i].index = (uint32_t)i;
    }
}

/*
 * Two sorted runs, one behind the other, [x, mid) and [mid, end), into one.  Which of the two is next can not be
 * foreseen, so nothing branches on it: `second` is 0 or 1 by arithmetic, which compilers leave as it is.
 */
static void merge(const fsk_order *o, const fastskip_batch *b, const fsk_batch_place *x,
                  const fsk_batch_place *mid, const fsk_batch_place *end, fsk_batch_place *to)
{
    const fsk_batch_place *y = mid;
    while (x < mid && y < end) {
        size_t second = y->leading < x->leading;
        if (FSK_UNLIKELY(x->leading == y->leading))
            second = compare_keys(o, b, &b->records[x->index], &b->records[y->index]) > 0;
        *to++ = x[(size_t)(y - x) & (0 - second)];
        x += 1 - second;
        y += second;
    }
    while (x < mid)
        *to++ = *x++;
    while (y < end)
        *to++ = *y++;
}

/* Bottom-up merge sort of the records' places: stable, so that of equal keys the later record stays
 * behind; ends whatever the comparator says.  Leaves them in the first half of b->order. */
static void sort_records(const fsk_order *o, fastskip_batch *b)
{
    size_t n = b->count;
    fsk_batch_place *from = b->order, *to = b->order + b->records_room;
    take_leading(o, b, from);
    for (size_t width = 1; width < n; width *= 2) {
        fsk_batch_place *swap = from;
        for (size_t start = 0; start < n; start += 2 * width) {
            size_t mid = start + width < n ? start + width : n;
            size_t end = mid + width < n ? mid + width : n;
            merge(o, b, from + start, from + mid, from + end, to + start);
        }
        from = to;
        to = swap;
    }
    if (from != b->order)
        memcpy(b->order, from, n * sizeof *from);
}

/*
 * What is to be written, in the order of keys, in b->work; how many.  Then b->order says in which order
 * to publish it: as it lies there, or, for numbered records, as they were collected.
 */
static size_t plan(const fsk_order *o, fastskip_batch *b, int numbered)
{
    size_t n = 0;
    if (b->count == 0) /* it may never have had memory */
        return 0;
    sort_records(o, b);
    for (size_t i = 0; i < b->count; i++) {
        const fsk_batch_work unwritten = {.record = b->order[i].index};
        if (!numbered && i + 1 < b->count && same_key(o, b, &b->order[i]))
            continue; /* a later one of the same key wins */
        b->work[n++] = unwritten;
    }
    for (size_t i = 0; i < n; i++)
        b->order[numbered ? b->work[i].record : i].index = (uint32_t)i;
    return n;
}

/* ---- writing ---- */

/* A batch while it is written. */
typedef struct {
    fastskip_table *table;
    fsk_writer *writer;
    fastskip_batch *batch;
    size_t n;        /* of batch->work */
    fsk_ref record;  /* what the versions wait for; 0 in caller's mode */
    fsk_write write; /* the one under way; its table and writer stay */
} writing;

static const fsk_batch_record *record_of(const writing *g, const fsk_batch_work *work)
{
    return &g->batch->records[work->record];
}

static void begin(writing *g, const fsk_batch_work *work)
{
    const fsk_batch_record *r = record_of(g, work);
    fsk_write *x = &g->write;
    fsk_key_set(&x->key, &g->table->list.space.order, g->batch->buffer + r->at, r->key_size);
    x->value = g->batch->buffer + r->at + r->key_size;
    x->value_size = r->value_size;
    x->owner = g->record;
    x->sequence = r->sequence;
    x->word = g->table->caller ? fsk_word_numbered(r->kind, r->sequence)
                               : fsk_word_of_batch(r->kind, g->record) | FSK_WORD_UNCOUNTED;
    x->piece = work->piece;
    x->size = work->size;
    x->is_version = work->is_version;
    x->entry = work->entry;
}

/* What was not published goes back, last first, so that the cursors go back with it. */
static void drop_rest(writing *g)
{
    for (size_t i = g->n; i > 0; i--) {
        fsk_batch_work *work = &g->batch->work[i - 1];
        if (work->piece != 0)
            fsk_arena_give_back(g->writer, work->piece, work->size);
        work->piece = 0;
    }
}

/* How many splits `new_keys` more keys can ask of a leaf when nobody interferes. */
static uint64_t splits_of(const fsk_block *leaf, uint64_t new_keys)
{
    uint64_t room = FSK_BLOCK_WORDS - fsk_load32_acquire(&leaf->fill), half = FSK_BLOCK_WORDS / 2;
    if (new_keys <= room)
        return 0;
    /* A right-most leaf may be split with all but one word on the left. */
    return (new_keys - room + half - 1) / half + (leaf->high == 0);
}

/* The blocks that the splits will ask for, so that a limit refuses the batch before it is begun. */
static int reserve_blocks(writing *g)
{
    uint64_t splits = 0, new_keys = 0;
    for (size_t i = 0; i < g->n; i++) {
        const fsk_batch_work *work = &g->batch->work[i];
        new_keys += !work->is_version;
        if (i + 1 == g->n || g->batch->work[i + 1].leaf != work->leaf) {
            splits += splits_of(work->leaf, new_keys);
            new_keys = 0;
        }
    }
    return fsk_list_reserve(&g->table->list, g->writer, 2 * splits);
}

/* 0: with `paranoid`, where blocks are damaged. */
static int find_leaves(writing *g, unsigned n, const fsk_key *keys, fsk_block **leaves,
                       uint32_t *parts)
{
    fsk_list *list = &g->table->list;
    if (!fsk_paranoid(&list->space)) {
        fsk_list_leaves(list, n, keys, leaves, parts);
        return 1;
    }
    for (unsigned i = 0; i < n; i++)
        if ((leaves[i] = fsk_careful_leaf(list, g->writer, &keys[i], &parts[i])) == NULL)
            return 0;
    return 1;
}

static fsk_ref find(const fsk_list *list, const fsk_block *leaf, const fsk_key *key, uint32_t part)
{
    return fsk_checked(&list->space) ? fsk_careful_find(&list->space, leaf, key, part)
                                     : fsk_block_find(&list->space, leaf, key, part);
}

/* Memory for every record, searched for in groups so that the misses overlap. */
static int take_all(writing *g)
{
    fsk_list *list = &g->table->list;
    fsk_key keys[FSK_GROUP];
    fsk_block *leaves[FSK_GROUP];
    uint32_t parts[FSK_GROUP];
    for (size_t start = 0; start < g->n; start += FSK_GROUP) {
        unsigned group = g->n - start < FSK_GROUP ? (unsigned)(g->n - start) : FSK_GROUP;
        for (unsigned i = 0; i < group; i++) {
            const fsk_batch_record *r = record_of(g, &g->batch->work[start + i]);
            fsk_key_init(&keys[i], &list->space.order, g->batch->buffer + r->at, r->key_size);
        }
        if (!find_leaves(g, group, keys, leaves, parts)) {
            g->writer->status = FASTSKIP_CORRUPT;
            return 0;
        }
        for (unsigned i = 0; i < group; i++) {
            fsk_batch_work *work = &g->batch->work[start + i];
            g->write.key.size = keys[i].size; /* what the memory depends on */
            g->write.value_size = record_of(g, work)->value_size;
            if (!fsk_write_prepare(&g->write, find(list, leaves[i], &keys[i], parts[i])))
                return 0;
            work->leaf = leaves[i];
            work->part = parts[i];
            work->piece = g->write.piece;
            work->size = g->write.size;
            work->is_version = g->write.is_version;
            work->entry = g->write.entry;
        }
    }
    return 1;
}

/* Publishes what has memory.  *done is how many. */
static fastskip_status publish_all(writing *g, size_t *done)
{
    for (*done = 0; *done < g->n; ++*done) {
        fsk_batch_work *work = &g->batch->work[g->batch->order[*done].index];
        fastskip_status status;
        begin(g, work);
        status = fsk_write_publish(&g->write, work->leaf, work->part);
        work->piece = g->write.piece;
        if (status != FASTSKIP_OK)
            return status;
        work->piece = 0;
        work->entry = g->write.entry;
        work->version = g->write.version;
        if (g->table->caller)
            fsk_write_count(&g->write, g->write.created);
    }
    return FASTSKIP_OK;
}

FSK_COLD static void settle_sum(writing *g, const fsk_batch_work *work, uint64_t stamp)
{
    const fsk_batch_record *r = record_of(g, work);
    uint64_t extent = work->version == work->entry ? fsk_entry_extent(r->key_size, r->value_size)
                                                   : fsk_version_bytes(r->value_size);
    fsk_checksum_stamped(&g->table->list.space, work->version, extent, stamp);
}

/* The outcome goes into the versions' own words, and what is seen now is counted. */
static void settle_all(writing *g, size_t done, uint64_t stamp)
{
    for (size_t i = 0; i < done; i++) {
        const fsk_batch_work *work = &g->batch->work[i];
        const fsk_batch_record *r = record_of(g, work);
        int owed = fsk_version_settle(&g->table->clock, work->version, stamp);
        if (fsk_summed(&g->table->list.space))
            settle_sum(g, work, stamp);
        if (stamp == FSK_NEVER) {
            fsk_arena_count(g->writer, FSK_COUNT_WASTED, fsk_round_up(work->size, FSK_UNIT));
            continue;
        }
        if (work->version != work->entry)
            owed = fsk_entry_claim_count(fsk_entry_at(&g->table->list.space, work->entry));
        fsk_arena_count_write(g->writer, owed, r->key_size, r->value_size);
    }
}

static int record_new(writing *g)
{
    fsk_record *r;
    g->record = fsk_arena_alloc(g->writer, FSK_ENTRIES, sizeof *r, FSK_UNIT);
    if (g->record == 0)
        return 0;
    r = (fsk_record *)fsk_arena_at(&g->table->arena, g->record);
    fsk_init64(&r->state, FSK_RECORD_PENDING);
    return 1;
}

/* Inside the door, with n versions admitted. */
static fastskip_status write_planned(writing *g, size_t *written)
{
    fastskip_status status;
    *written = 0;
    if (!g->table->caller && !record_new(g))
        return g->writer->status;
    if (take_all(g) && reserve_blocks(g))
        status = publish_all(g, written);
    else
        status = g->writer->status;
    drop_rest(g);
    fsk_list_unreserve(&g->table->list, g->writer);
    if (g->table->caller)
        return status;
    if (status == FASTSKIP_OK) {
        settle_all(g, *written, fsk_record_commit(&g->table->clock, g->record));
        return FASTSKIP_OK;
    }
    if (*written == 0) {
        fsk_arena_give_back(g->writer, g->record, sizeof(fsk_record));
        return status;
    }
    fsk_record_abort(&g->table->clock, g->record);
    settle_all(g, *written, FSK_NEVER);
    *written = 0;
    return status;
}

fastskip_status fsk_table_write_batch(fastskip_table *t, fastskip_batch *b)
{
    fsk_writer writer;
    writing g;
    size_t written = 0;
    fastskip_status status = fsk_table_enter(t, &writer);
    if (status != FASTSKIP_OK) {
        fsk_add64_relaxed(&t->arena.count[FSK_COUNT_REFUSED], b->count);
        return status;
    }
    g.table = g.write.table = t;
    g.writer = g.write.writer = &writer;
    g.batch = b;
    g.record = 0;
    g.n = plan(&t->list.space.order, b, t->caller);
    if (g.n == 0) {
        status = FASTSKIP_OK;
    } else if (!fsk_table_admit(t, g.n)) {
        status = FASTSKIP_FULL;
    } else {
        status = write_planned(&g, &written);
        fsk_table_dismiss(t, g.n - written);
    }
    fsk_arena_count(&writer, FSK_COUNT_REFUSED, b->count - written);
    fsk_table_leave(&writer);
    return status;
}
