/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Reads run files: from end to end, checking everything, and one key; see run_file.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "run_file.h"
#include "run_format.h"
#include "scratch.h"

enum { READ_BYTES = 128 << 10 };

int compare_keys(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t common = a_size < b_size ? a_size : b_size;
    int order = common > 0 ? memcmp(a, b, common) : 0;
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static bool read_at(const struct run *run, uint64_t offset, void *data, size_t size)
{
    char *at = data;
    while (size > 0) {
        ssize_t got = pread(run->fd, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            control_fail(run->control, "cannot read %s: %s", run->path,
                         got < 0 ? strerror(errno) : "it ends too early");
            return false;
        }
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

static enum cursor_result damaged(const struct run *run, const char *what)
{
    control_fail(run->control, "%s is damaged: %s", run->path, what);
    return CURSOR_FAILED;
}

void run_cursor_open(struct run_cursor *cursor, struct run *run)
{
    *cursor = (struct run_cursor){.run = run_ref(run), .capacity = READ_BYTES};
    cursor->buffer = allocate(cursor->capacity);
}

void run_cursor_close(struct run_cursor *cursor)
{
    run_unref(cursor->run);
    free(cursor->buffer);
    free(cursor->last_key);
}

/* Sees to it that so many bytes lie in the buffer from cursor->begin on. */
static enum cursor_result need(struct run_cursor *cursor, uint64_t size)
{
    const struct run *run = cursor->run;
    size_t present = cursor->end - cursor->begin;
    if (present >= size)
        return CURSOR_RECORD;
    if (size - present > run->size - cursor->offset)
        return damaged(run, "a record reaches beyond the end");
    memmove(cursor->buffer, cursor->buffer + cursor->begin, present);
    cursor->begin = 0;
    cursor->end = present;
    if (cursor->capacity < size) {
        cursor->capacity = (size_t)size;
        cursor->buffer = reallocate(cursor->buffer, cursor->capacity);
    }
    size_t part = cursor->capacity - present;
    if (part > run->size - cursor->offset)
        part = (size_t)(run->size - cursor->offset);
    char *at = cursor->buffer + present;
    if (!read_at(run, cursor->offset, at, part))
        return CURSOR_FAILED;
    cursor->checksum = (uint32_t)crc32_z(cursor->checksum, (const Bytef *)at, part);
    cursor->offset += part;
    cursor->end += part;
    return CURSOR_RECORD;
}

/* Compares the footer with what was read, and with what was written. */
static enum cursor_result check_footer(const struct run_cursor *cursor)
{
    const struct run *run = cursor->run;
    struct run_footer footer;
    if (!read_at(run, run->size, &footer, sizeof footer))
        return CURSOR_FAILED;
    if (footer.magic != RUN_MAGIC || footer.size != run->size)
        return damaged(run, "no footer where it should be");
    if (footer.count != cursor->count || run->count != cursor->count)
        return damaged(run, "wrong number of records");
    if (footer.checksum != cursor->checksum || run->checksum != cursor->checksum)
        return damaged(run, "wrong checksum");
    return CURSOR_END;
}

static enum cursor_result check_magic(struct run_cursor *cursor)
{
    uint64_t magic;
    if (need(cursor, sizeof magic) != CURSOR_RECORD)
        return CURSOR_FAILED;
    memcpy(&magic, cursor->buffer, sizeof magic);
    cursor->begin += sizeof magic;
    return magic == RUN_MAGIC ? CURSOR_RECORD : damaged(cursor->run, "it begins with no magic");
}

/* Remembers the present key, and moves to the memory behind its record. */
static void leave_record(struct run_cursor *cursor)
{
    const struct record *record = &cursor->record;
    if (cursor->last_key_capacity < record->key_size) {
        cursor->last_key_capacity = record->key_size * 2;
        cursor->last_key = reallocate(cursor->last_key, cursor->last_key_capacity);
    }
    if (record->key_size > 0)
        memcpy(cursor->last_key, record->key, record->key_size);
    cursor->last_key_size = record->key_size;
}

enum cursor_result run_cursor_next(struct run_cursor *cursor)
{
    const struct run *run = cursor->run;
    if (cursor->offset == 0 && check_magic(cursor) != CURSOR_RECORD)
        return CURSOR_FAILED;
    if (cursor->count > 0)
        leave_record(cursor);
    if (cursor->begin == cursor->end && cursor->offset == run->size)
        return check_footer(cursor);
    struct run_record_header header;
    if (need(cursor, sizeof header) != CURSOR_RECORD)
        return CURSOR_FAILED;
    memcpy(&header, cursor->buffer + cursor->begin, sizeof header);
    if (header.key_size > run->size || header.value_size > run->size)
        return damaged(run, "a record reaches beyond the end");
    uint64_t size = sizeof header + header.key_size + header.value_size;
    if (need(cursor, size) != CURSOR_RECORD)
        return CURSOR_FAILED;
    const char *key = cursor->buffer + cursor->begin + sizeof header;
    cursor->record = (struct record){
        .key = key,
        .key_size = (size_t)header.key_size,
        .value = key + header.key_size,
        .value_size = (size_t)header.value_size,
        .is_delete = header.is_delete != 0,
    };
    cursor->begin += (size_t)size;
    if (cursor->count > 0 &&
        compare_keys(cursor->last_key, cursor->last_key_size, key, cursor->record.key_size) >= 0)
        return damaged(run, "keys are not in ascending order");
    cursor->count++;
    return CURSOR_RECORD;
}

bool run_check(struct run *run, uint64_t count, uint64_t tombstones)
{
    struct run_cursor cursor;
    uint64_t seen_tombstones = 0;
    enum cursor_result result;
    run_cursor_open(&cursor, run);
    while ((result = run_cursor_next(&cursor)) == CURSOR_RECORD)
        seen_tombstones += cursor.record.is_delete;
    if (result == CURSOR_END && (cursor.count != count || seen_tombstones != tombstones)) {
        control_fail(run->control,
                     "%s holds %llu records, %llu of them tombstones, but should hold %llu and "
                     "%llu",
                     run->path, (unsigned long long)cursor.count,
                     (unsigned long long)seen_tombstones, (unsigned long long)count,
                     (unsigned long long)tombstones);
        result = CURSOR_FAILED;
    }
    run_cursor_close(&cursor);
    return result == CURSOR_END;
}

/* The number of stretches whose first key is not after this one. */
static size_t stretches_up_to(const struct run *run, const char *key, size_t key_size)
{
    size_t low = 0;
    size_t high = run->index_size;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct run_stretch *stretch = &run->index[middle];
        if (compare_keys(run->index_keys + stretch->key_at, stretch->key_size, key, key_size) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Looks a key up among the records that lie in memory. */
static int find_in_stretch(const char *at, const char *end, const char *key, size_t key_size,
                           struct record *record)
{
    while (at < end) {
        struct run_record_header header;
        memcpy(&header, at, sizeof header);
        const char *found = at + sizeof header;
        int order = compare_keys(found, (size_t)header.key_size, key, key_size);
        if (order > 0)
            return 0;
        at = found + header.key_size + header.value_size;
        if (order == 0) {
            *record = (struct record){
                .key = found,
                .key_size = key_size,
                .value = found + header.key_size,
                .value_size = (size_t)header.value_size,
                .is_delete = header.is_delete != 0,
            };
            return 1;
        }
    }
    return 0;
}

int run_find(const struct run *run, const char *key, size_t key_size, struct run_buffer *buffer,
             struct record *record)
{
    size_t after = stretches_up_to(run, key, key_size);
    if (after == 0)
        return 0;
    uint64_t begin = run->index[after - 1].offset;
    uint64_t end = after < run->index_size ? run->index[after].offset : run->size;
    size_t size = (size_t)(end - begin);
    if (buffer->capacity < size) {
        buffer->capacity = size;
        buffer->data = reallocate(buffer->data, size);
    }
    if (!read_at(run, begin, buffer->data, size))
        return -1;
    return find_in_stretch(buffer->data, buffer->data + size, key, key_size, record);
}
