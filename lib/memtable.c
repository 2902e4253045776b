/* memtable.c - making, sealing and dropping tables, and their figures; see memtable.h. */
#define _POSIX_C_SOURCE 200809L /* posix_memalign, sysconf */
#include "memtable.h"

#include "careful.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHARDS_MOST 1024

static uint32_t online_processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > SHARDS_MOST ? SHARDS_MOST : (uint32_t)n;
}

/* Everything that a reset sets back, too. */
static fastskip_status table_clear(fastskip_table *t)
{
    fsk_order order = {t->options.compare, t->options.abbreviate, t->options.compare_context};
    fastskip_status status = fsk_list_init(&t->list, &t->arena, &order);
    if (status != FASTSKIP_OK)
        return status;
    t->list.space.checks = t->checks;
    t->clock.space = t->list.space;
    /* Checked tables look at each head. */
    t->clock.plain =
        t->caller || t->checks != NULL || t->arena.limit > FSK_PLAIN_REGION ? 0 : FSK_PLAIN;
    fsk_init64(&t->clock.clock, 1);
    fsk_init64(&t->snapshots, 0);
    fsk_init64(&t->admitted, 0);
    fsk_init32(&t->sealed, 0);
    fsk_hot_clear(&t->hot);
    return FASTSKIP_OK;
}

fastskip_status fsk_table_new(const struct fastskip_options *options, fastskip_table **table)
{
    struct fastskip_options o;
    fsk_arena_options a;
    fastskip_status status;
    fastskip_table *t;
    void *memory = NULL;
    if (options != NULL)
        o = *options;
    else
        fsk_options_default(&o);
    if (o.shards == 0)
        o.shards = online_processors();
    if (o.reserve != NULL && o.huge_pages == FASTSKIP_HUGE_PAGES_INSIST)
        return FASTSKIP_UNSUPPORTED;
    if (posix_memalign(&memory, FSK_LINE, sizeof *t) != 0)
        return FASTSKIP_NO_MEMORY;
    t = memset(memory, 0, sizeof *t);
    t->options = o;
    t->caller = o.sequence_mode == FASTSKIP_SEQUENCE_CALLER;
    t->entry_limit = o.entry_limit != 0 ? o.entry_limit : UINT64_MAX;
    a.limit = o.memory_limit;
    a.chunk_size = o.block_size;
    a.shards = o.shards;
    a.huge_pages = o.huge_pages;
    a.source.reserve = o.reserve;
    a.source.commit = o.commit;
    a.source.release = o.release;
    a.source.context = o.allocator_context;
    if (o.checksum != 0 || o.paranoid != 0) {
        status = fsk_checks_new(&t->arena, o.checksum, o.paranoid, t->caller, &t->checks);
        if (status != FASTSKIP_OK) {
            free(t);
            return status;
        }
    }
    t->plain = !t->caller && o.entry_limit == 0 && t->checks == NULL;
    a.slack = t->checks != NULL ? FSK_SLACK : 0;
    status = fsk_arena_init(&t->arena, &a);
    if (status == FASTSKIP_OK && (status = table_clear(t)) != FASTSKIP_OK)
        fsk_arena_destroy(&t->arena);
    if (status != FASTSKIP_OK) {
        free(t->checks);
        free(t);
        return status;
    }
    fsk_init64(&t->references, 1);
    *table = t;
    return FASTSKIP_OK;
}

void fsk_table_ref(fastskip_table *t)
{
    fsk_add64_relaxed(&t->references, 1);
}

void fsk_table_unref(fastskip_table *t)
{
    if (fsk_sub64_acq_rel(&t->references, 1) != 1)
        return;
    fsk_arena_destroy(&t->arena);
    free(t->checks);
    free(t);
}

void fsk_table_seal(fastskip_table *t)
{
    fsk_exchange32_seq(&t->sealed, 1);
    fsk_arena_drain(&t->arena);
}

fastskip_status fsk_table_rotate(fastskip_table *t, fastskip_table **fresh)
{
    fastskip_table *made;
    fastskip_status status;
    if (fsk_load32_seq(&t->sealed) != 0)
        return FASTSKIP_SEALED;
    /* The fresh one first: if it can not be had, nothing has changed. */
    status = fsk_table_new(&t->options, &made);
    if (status != FASTSKIP_OK)
        return status;
    if (fsk_exchange32_seq(&t->sealed, 1) != 0) {
        fsk_table_unref(made);
        return FASTSKIP_SEALED;
    }
    fsk_arena_drain(&t->arena);
    *fresh = made;
    return FASTSKIP_OK;
}

fastskip_status fsk_table_reset(fastskip_table *t)
{
    if (fsk_load64_acquire(&t->references) != 1)
        return FASTSKIP_BUSY;
    fsk_arena_reset(&t->arena);
    return table_clear(t); /* its block was there before, so this does not fail */
}

fastskip_status fsk_table_enter(fastskip_table *t, fsk_writer *w)
{
    if (fsk_load32_seq(&t->sealed) == 0) {
        fsk_arena_enter(&t->arena, w);
        if (fsk_load32_seq(&t->sealed) == 0)
            return FASTSKIP_OK;
        fsk_arena_leave(w);
    }
    return FASTSKIP_SEALED;
}

int fsk_table_admit(fastskip_table *t, uint64_t n)
{
    uint64_t now;
    if (t->entry_limit == UINT64_MAX)
        return 1;
    now = fsk_load64_relaxed(&t->admitted);
    do {
        if (n > t->entry_limit || now > t->entry_limit - n)
            return 0;
    } while (!fsk_cas64_acq_rel(&t->admitted, &now, now + n));
    return 1;
}

void fsk_table_dismiss(fastskip_table *t, uint64_t n)
{
    if (t->entry_limit != UINT64_MAX)
        fsk_sub64_acq_rel(&t->admitted, n);
}

/* ---- figures ---- */

static uint64_t blocks_now(const fastskip_table *t)
{
    return fsk_arena_total(&t->arena, FSK_COUNT_LEAVES) +
           fsk_arena_total(&t->arena, FSK_COUNT_INDEX);
}

static uint64_t wasted_now(const fastskip_table *t)
{
    return fsk_arena_total(&t->arena, FSK_COUNT_WASTED) +
           fsk_arena_total(&t->arena, FSK_COUNT_REPLACED) * sizeof(fsk_block);
}

/* Keys whose newest version is live (tombstones 0) or a tombstone (1): a walk over all leaves. */
static fastskip_status count_keys(fastskip_table *t, int tombstones, uint64_t *number)
{
    const fsk_space *s = &t->list.space;
    uint64_t limit = t->caller ? UINT64_MAX : fsk_clock_snapshot(&t->clock), n = 0;
    fsk_block *b = fsk_careful_first(&t->list);
    if (b == NULL)
        return FASTSKIP_CORRUPT;
    while (b != NULL) {
        fsk_ref right = fsk_load32_seq(&b->next);
        fsk_word words[FSK_BLOCK_WORDS];
        unsigned filled;
        if (fsk_paranoid(s) && !fsk_careful_block(s, b, 0))
            return FASTSKIP_CORRUPT;
        filled = fsk_block_gather(s, b, words, FSK_ENTRY_HEAD);
        if (right != 0)
            fsk_block_prefetch(fsk_block_at(s, right));
        for (unsigned i = 0; i < filled; i++) {
            fsk_seen seen;
            int found = fsk_table_seen_sound(t, words[i].ref, limit, &seen);
            if (found < 0)
                return FASTSKIP_CORRUPT;
            n += found && (seen.kind == FASTSKIP_DELETE) == tombstones;
        }
        if (!fsk_careful_next(&t->list, &b))
            return FASTSKIP_CORRUPT;
    }
    *number = n;
    return FASTSKIP_OK;
}

static uint64_t height_now(const fastskip_table *t)
{
    return fsk_block_at(&t->list.space, fsk_load32_acquire(&t->list.root))->level + UINT64_C(1);
}

fastskip_status fsk_table_stat(fastskip_table *t, uint32_t id, uint64_t *number)
{
    static const struct {
        uint32_t id;
        fsk_counter counter;
    } counted[] = {
        {FASTSKIP_STAT_KEYS, FSK_COUNT_KEYS},
        {FASTSKIP_STAT_VERSIONS, FSK_COUNT_VERSIONS},
        {FASTSKIP_STAT_KEY_BYTES, FSK_COUNT_KEY_BYTES},
        {FASTSKIP_STAT_VALUE_BYTES, FSK_COUNT_VALUE_BYTES},
        {FASTSKIP_STAT_MEMORY_USED, FSK_COUNT_USED},
        {FASTSKIP_STAT_CHUNKS, FSK_COUNT_CHUNKS},
        {FASTSKIP_STAT_RETRIES, FSK_COUNT_RETRIES},
    };
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++)
        if (counted[i].id == id) {
            *number = fsk_arena_total(&t->arena, counted[i].counter);
            return FASTSKIP_OK;
        }
    switch (id) {
    case FASTSKIP_STAT_WRITES:
        *number = fsk_arena_total(&t->arena, FSK_COUNT_VERSIONS) +
                  fsk_arena_total(&t->arena, FSK_COUNT_REFUSED);
        return FASTSKIP_OK;
    case FASTSKIP_STAT_LIVE:
        return count_keys(t, 0, number);
    case FASTSKIP_STAT_TOMBSTONES:
        return count_keys(t, 1, number);
    case FASTSKIP_STAT_MEMORY_RESERVED:
        *number = fsk_arena_committed(&t->arena);
        return FASTSKIP_OK;
    case FASTSKIP_STAT_MEMORY_LIMIT:
        *number = t->arena.limit;
        return FASTSKIP_OK;
    case FASTSKIP_STAT_MEMORY_WASTED:
        *number = wasted_now(t);
        return FASTSKIP_OK;
    case FASTSKIP_STAT_SHARDS:
        *number = t->arena.shards;
        return FASTSKIP_OK;
    case FASTSKIP_STAT_BLOCKS:
        *number = blocks_now(t);
        return FASTSKIP_OK;
    case FASTSKIP_STAT_HEIGHT:
        *number = height_now(t);
        return FASTSKIP_OK;
    case FASTSKIP_STAT_SNAPSHOTS:
        *number = fsk_load64_relaxed(&t->snapshots);
        return FASTSKIP_OK;
    default:
        return FASTSKIP_UNSUPPORTED;
    }
}

/* Is n at least `percent` of limit? */
static int reaches(uint64_t n, uint64_t limit, uint32_t percent)
{
    return n >= limit / 100 * percent + (limit % 100 * percent + 99) / 100;
}

int fsk_table_under_backpressure(const fastskip_table *t)
{
    if (reaches(fsk_arena_total(&t->arena, FSK_COUNT_USED), t->arena.limit,
                t->options.backpressure))
        return 1;
    return t->entry_limit != UINT64_MAX &&
           reaches(fsk_load64_relaxed(&t->admitted), t->entry_limit, t->options.backpressure);
}
