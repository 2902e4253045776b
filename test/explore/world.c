/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * world.c - see world.h.
 */
#include "world.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "memtable.h"
#ifdef FSK_ATOMICS_MODEL
#include "memory.h"
#endif

#define REGION (256 * 1024)
#define TIGHT_REGION (64 * 1024)

struct world world;

static const char judged[] = "CFI";
#define SLACK (65 * 1024) /* behind the region, for tables with checks */

static _Alignas(4096) unsigned char region[REGION + SLACK];
static struct {
    unsigned char *region, *shards;
    size_t used, shards_size;
    struct fastskip_table table;
} saved;

/* ---- keys and values ---- */

int key_number(char letter)
{
    const char *place = strchr(judged, letter);
    if (place == NULL || letter == 0)
        abort();
    return (int)(place - judged);
}

key_bytes key_of_letter(char letter)
{
    key_bytes k = {"prefix."};
    k.byte[7] = (unsigned char)letter;
    return k;
}

key_bytes key_of_number(unsigned number)
{
    return key_of_letter(judged[number]);
}

uint32_t value_of(const step *s)
{
    return (uint32_t)(s - world.step) + 1;
}

uint32_t value_in(const fastskip_entry *e)
{
    uint32_t value = UINT32_MAX;
    if (e->value_size == sizeof value)
        memcpy(&value, e->value, sizeof value);
    return value;
}

/* ---- views ---- */

void view_by_get(step *s, uint32_t *value)
{
    for (unsigned n = 0; n < LIN_KEYS; n++) {
        key_bytes k = key_of_number(n);
        fastskip_entry e;
        fastskip_status status = fastskip_get(world.table, s->snapshot, k.byte, sizeof k.byte, &e);
        value[n] = status == FASTSKIP_OK ? value_in(&e) : 0;
    }
}

void view_by_get_many(step *s)
{
    key_bytes k[LIN_KEYS];
    const void *keys[LIN_KEYS];
    size_t sizes[LIN_KEYS];
    fastskip_entry e[LIN_KEYS];
    fastskip_status status[LIN_KEYS];
    for (unsigned n = 0; n < LIN_KEYS; n++) {
        k[n] = key_of_number(n);
        keys[n] = k[n].byte;
        sizes[n] = sizeof k[n].byte;
    }
    s->status = fastskip_get_many(world.table, NULL, LIN_KEYS, keys, sizes, e, status);
    for (unsigned n = 0; n < LIN_KEYS; n++)
        s->value[n] = status[n] == FASTSKIP_OK ? value_in(&e[n]) : 0;
}

void view_by_walk(step *s)
{
    int backwards = s->what == 'r', last = backwards ? 'Z' + 1 : 'A' - 1;
    fastskip_iterator *it = NULL;
    fastskip_status status;
    fastskip_entry e;
    if (fastskip_iterator_new(world.table, NULL, 0, &it) != FASTSKIP_OK)
        abort();
    status = backwards ? fastskip_iterator_seek_last(it) : fastskip_iterator_seek_first(it);
    while (status == FASTSKIP_OK) {
        int letter;
        fastskip_iterator_entry(it, &e);
        letter = ((const unsigned char *)e.key)[7];
        if (backwards ? letter >= last : letter <= last)
            s->wrong = 1;
        last = letter;
        s->seen |= 1u << (letter - 'A');
        if (strchr(judged, letter) != NULL)
            s->value[key_number((char)letter)] = value_in(&e);
        status = backwards ? fastskip_iterator_prev(it) : fastskip_iterator_next(it);
    }
    if (status != FASTSKIP_NOT_FOUND)
        s->wrong = 1;
    fastskip_iterator_free(it);
}

/* ---- the table ---- */

static void *reserve(void *context, size_t size, size_t alignment)
{
    (void)context;
    (void)alignment; /* what huge pages would need; there are none here */
    return size <= sizeof region ? region : NULL;
}

static int32_t commit(void *context, void *address, size_t size)
{
    (void)context;
    (void)address;
    (void)size;
    return 0;
}

static void release(void *context, void *address, size_t size)
{
    (void)context;
    memset(address, 0xdd, size); /* who still reads it shall see it */
    world.gone = 1;
}

static void put_at_first(char letter)
{
    key_bytes k = key_of_letter((char)toupper(letter));
    const char *is_judged = strchr(judged, toupper(letter));
    uint32_t value = is_judged != NULL ? FIRST_VALUE + (uint32_t)(is_judged - judged) : 0;
    fastskip_status status;
    if (world.scene->numbered)
        status = fastskip_put_at(world.table, 1, FASTSKIP_PUT, k.byte, sizeof k.byte, &value,
                                 sizeof value);
    else if (islower(letter))
        status = fastskip_delete(world.table, k.byte, sizeof k.byte);
    else
        status = fastskip_put(world.table, k.byte, sizeof k.byte, &value, sizeof value);
    if (status != FASTSKIP_OK)
        abort();
    if (is_judged != NULL)
        world.initial[is_judged - judged] = islower(letter) ? 0 : value;
    world.letters |= (uint32_t)(isupper(letter) != 0) << (toupper(letter) - 'A');
}

/* Leaves room for a few entries and for no block. */
static void use_up(void)
{
    static unsigned char value[4096];
    key_bytes k = key_of_letter('Z');
    for (size_t size = sizeof value; size >= 64; size /= 4)
        while (fastskip_put(world.table, k.byte, sizeof k.byte, value, size) == FASTSKIP_OK)
            world.letters |= 1u << ('Z' - 'A');
}

/* A reference for each thread that drops one; the table's own if there is none. */
static void take_references(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < world.steps; i++)
        if (world.step[i].what == 'u' && n++ > 0)
            fastskip_table_ref(world.table);
}

static void save(void)
{
    const fsk_arena *a = &world.table->arena;
    saved.used = (size_t)fsk_arena_taken(a);
    saved.shards_size = a->shards * sizeof *a->shard;
    saved.region = malloc(saved.used);
    saved.shards = malloc(saved.shards_size);
    if (saved.region == NULL || saved.shards == NULL)
        abort();
    memcpy(saved.region, a->base, saved.used);
    memcpy(saved.shards, a->shard, saved.shards_size);
    memcpy(&saved.table, world.table, sizeof saved.table);
}

void world_make(void)
{
    const scenario *scene = world.scene;
    fastskip_options *o;
    memset(world.initial, 0, sizeof world.initial);
    world.letters = 0;
    world.gone = 0;
    if (fastskip_options_new(&o) != FASTSKIP_OK)
        abort();
    fastskip_options_set_shards(o, scene->shards != 0 ? scene->shards : world.threads);
    fastskip_options_set_memory_limit(o, scene->tight ? TIGHT_REGION : REGION);
    fastskip_options_set_block_size(o, 4096);
    fastskip_options_set_allocator(o, reserve, commit, release, NULL);
    fastskip_options_set_entry_limit(
        o, scene->entry_limit != 0 ? scene->entry_limit + strlen(scene->keys) : 0);
    fastskip_options_set_sequence_mode(o, scene->numbered ? FASTSKIP_SEQUENCE_CALLER
                                                          : FASTSKIP_SEQUENCE_AUTO);
    fastskip_options_set_checksum(o, scene->checked ? 4 : 0);
    fastskip_options_set_paranoid(o, scene->checked ? 1 : 0);
    if (fastskip_table_new(o, &world.table) != FASTSKIP_OK)
        abort();
    fastskip_options_free(o);
    for (const char *p = scene->keys; *p != 0; p++)
        put_at_first(*p);
    if (scene->tight)
        use_up();
    take_references();
    fastskip_table_stat(world.table, FASTSKIP_STAT_KEYS, &world.keys);
    fastskip_table_stat(world.table, FASTSKIP_STAT_VERSIONS, &world.versions);
    save();
}

static void drop_snapshots(void)
{
    for (unsigned i = 0; i < world.steps; i++) {
        if (!world.gone)
            fastskip_snapshot_free(world.step[i].snapshot);
        world.step[i].snapshot = NULL;
    }
}

void world_restore(void)
{
    drop_snapshots();
#ifdef FSK_ATOMICS_MODEL
    memory_forget();
#endif
    if (world.gone) {
        free(saved.region);
        free(saved.shards);
        world_make();
        return;
    }
    memcpy(world.table->arena.shard, saved.shards, saved.shards_size);
    memcpy(world.table->arena.base, saved.region, saved.used);
    memcpy(world.table, &saved.table, sizeof saved.table);
}

void world_drop(void)
{
    drop_snapshots();
    free(saved.region);
    free(saved.shards);
    if (world.gone)
        return;
    for (uint64_t n = fsk_load64_relaxed(&world.table->references); n > 0; n--)
        fastskip_table_unref(world.table);
}
