/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See merge.h. The cursors of the runs stand in a binary heap, the smallest key on top, of equal
 * keys the one of the newest run.
 */
#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "scratch.h"

struct merge {
    const struct merge_options *options;
    /* One for each run, in their order: a lower address is a newer run. */
    struct run_cursor *cursors;
    struct run_cursor **heap;
    size_t heap_size;
    /* The key that was handed out last. */
    char *key;
    size_t key_size;
    size_t key_capacity;
    bool has_key;
};

static bool goes_before(const struct run_cursor *a, const struct run_cursor *b)
{
    int order = compare_keys(a->record.key, a->record.key_size, b->record.key, b->record.key_size);
    return order != 0 ? order < 0 : a < b;
}

/* Moves the cursor at a place of the heap down to where it belongs. */
static void sift_down(struct merge *merge, size_t place)
{
    struct run_cursor *moved = merge->heap[place];
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= merge->heap_size)
            break;
        if (child + 1 < merge->heap_size && goes_before(merge->heap[child + 1], merge->heap[child]))
            child++;
        if (!goes_before(merge->heap[child], moved))
            break;
        merge->heap[place] = merge->heap[child];
        place = child;
    }
    merge->heap[place] = moved;
}

static bool open_cursors(struct merge *merge)
{
    const struct merge_options *options = merge->options;
    bool failed = false;
    for (size_t i = 0; i < options->run_count; i++) {
        run_cursor_open(&merge->cursors[i], options->runs[i]);
        enum cursor_result result = failed ? CURSOR_FAILED : run_cursor_next(&merge->cursors[i]);
        failed |= result == CURSOR_FAILED;
        if (result == CURSOR_RECORD)
            merge->heap[merge->heap_size++] = &merge->cursors[i];
    }
    for (size_t i = merge->heap_size / 2; i-- > 0;)
        sift_down(merge, i);
    return !failed;
}

/* Tells whether the key was handed out already, and remembers it if not. */
static bool is_superseded(struct merge *merge, const struct record *record)
{
    if (merge->has_key &&
        compare_keys(merge->key, merge->key_size, record->key, record->key_size) == 0)
        return true;
    if (merge->key_capacity < record->key_size) {
        merge->key_capacity = record->key_size * 2;
        merge->key = reallocate(merge->key, merge->key_capacity);
    }
    if (record->key_size > 0)
        memcpy(merge->key, record->key, record->key_size);
    merge->key_size = record->key_size;
    merge->has_key = true;
    return false;
}

/* Hands out what is on top, and moves its cursor on. */
static bool merge_one(struct merge *merge, merge_sink sink, void *context)
{
    struct run_cursor *top = merge->heap[0];
    bool is_wanted = !is_superseded(merge, &top->record) &&
                     !(top->record.is_delete && merge->options->drop_tombstones);
    if (is_wanted && !sink(context, &top->record))
        return false;
    if (merge->options->progress != NULL)
        atomic_fetch_add_explicit(merge->options->progress, 1, memory_order_relaxed);
    enum cursor_result result = run_cursor_next(top);
    if (result == CURSOR_END)
        merge->heap[0] = merge->heap[--merge->heap_size];
    if (merge->heap_size > 0)
        sift_down(merge, 0);
    return result != CURSOR_FAILED;
}

bool merge_runs(const struct merge_options *options, merge_sink sink, void *context)
{
    struct merge merge = {
        .options = options,
        .cursors = allocate(options->run_count * sizeof *merge.cursors),
        .heap = allocate(options->run_count * sizeof(struct run_cursor *)),
    };
    bool merged = open_cursors(&merge);
    while (merged && merge.heap_size > 0)
        merged = !control_failed(options->control) && merge_one(&merge, sink, context);
    for (size_t i = 0; i < options->run_count; i++)
        run_cursor_close(&merge.cursors[i]);
    free(merge.cursors);
    free(merge.heap);
    free(merge.key);
    return merged;
}
