/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Writes run files; see run_file.h. Also their life: references, and removal with the last one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "run_file.h"
#include "run_format.h"
#include "scratch.h"

enum { WRITE_BYTES = 256 << 10, STRETCH_BYTES = 4 << 10 };

struct run_writer {
    struct run *run;
    char *buffer;
    size_t used;
    size_t index_capacity;
    size_t keys_size;
    size_t keys_capacity;
};

struct run *run_ref(struct run *run)
{
    atomic_fetch_add_explicit(&run->references, 1, memory_order_relaxed);
    return run;
}

void run_unref(struct run *run)
{
    /* Release: what this thread did with the run comes before its end; acquire: in the thread that
     * ends it, after all of that. */
    if (atomic_fetch_sub_explicit(&run->references, 1, memory_order_acq_rel) > 1)
        return;
    close(run->fd);
    unlink(run->path);
    free(run->path);
    free(run->index);
    free(run->index_keys);
    free(run);
}

bool write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t written = write(fd, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        at += written;
        size -= (size_t)written;
    }
    return true;
}

static bool write_failed(const struct run *run)
{
    control_fail(run->control, "cannot write %s: %s", run->path, strerror(errno));
    return false;
}

/* Sends the buffer to the file; everything in it counts for the checksum. */
static bool flush_buffer(struct run_writer *writer)
{
    struct run *run = writer->run;
    if (!write_all(run->fd, writer->buffer, writer->used))
        return write_failed(run);
    run->checksum = (uint32_t)crc32_z(run->checksum, (const Bytef *)writer->buffer, writer->used);
    writer->used = 0;
    return true;
}

static bool append(struct run_writer *writer, const void *data, size_t size)
{
    const char *at = data;
    writer->run->size += size;
    while (size > 0) {
        size_t part = WRITE_BYTES - writer->used;
        if (part > size)
            part = size;
        memcpy(writer->buffer + writer->used, at, part);
        writer->used += part;
        at += part;
        size -= part;
        if (writer->used == WRITE_BYTES && !flush_buffer(writer))
            return false;
    }
    return true;
}

struct run_writer *run_writer_new(unsigned level, struct control *control)
{
    static atomic_uint next_number;
    unsigned number = atomic_fetch_add_explicit(&next_number, 1, memory_order_relaxed);
    char *name = format_text("run-%u-level-%u", number, level);
    struct run *run = allocate(sizeof *run);
    *run = (struct run){.control = control, .path = scratch_path(name), .level = level};
    atomic_init(&run->references, 1);
    free(name);
    run->fd = open(run->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (run->fd < 0) {
        control_fail(control, "cannot make %s: %s", run->path, strerror(errno));
        free(run->path);
        free(run);
        return NULL;
    }
    struct run_writer *writer = allocate(sizeof *writer);
    *writer = (struct run_writer){.run = run, .buffer = allocate(WRITE_BYTES)};
    const uint64_t magic = RUN_MAGIC;
    append(writer, &magic, sizeof magic);
    return writer;
}

/* Remembers the key at the end of the file if a new stretch begins there. */
static void add_to_index(struct run_writer *writer, const char *key, size_t key_size)
{
    struct run *run = writer->run;
    if (run->index_size > 0 && run->size - run->index[run->index_size - 1].offset < STRETCH_BYTES)
        return;
    if (run->index_size == writer->index_capacity) {
        writer->index_capacity = writer->index_capacity * 2 + 64;
        run->index = reallocate(run->index, writer->index_capacity * sizeof *run->index);
    }
    if (writer->keys_capacity - writer->keys_size < key_size) {
        writer->keys_capacity = writer->keys_capacity * 2 + key_size;
        run->index_keys = reallocate(run->index_keys, writer->keys_capacity);
    }
    run->index[run->index_size++] = (struct run_stretch){run->size, writer->keys_size, key_size};
    if (key_size > 0)
        memcpy(run->index_keys + writer->keys_size, key, key_size);
    writer->keys_size += key_size;
}

bool run_writer_add(struct run_writer *writer, const struct record *record)
{
    struct run_record_header header = {record->key_size, record->value_size, record->is_delete};
    add_to_index(writer, record->key, record->key_size);
    writer->run->count++;
    writer->run->tombstones += record->is_delete;
    return append(writer, &header, sizeof header) &&
           append(writer, record->key, record->key_size) &&
           append(writer, record->value, record->value_size);
}

struct run *run_writer_finish(struct run_writer *writer)
{
    struct run *run = writer->run;
    bool written = flush_buffer(writer);
    struct run_footer footer = {run->count, run->size, run->checksum, RUN_MAGIC};
    run->file_size = run->size + sizeof footer;
    if (written && !write_all(run->fd, &footer, sizeof footer))
        written = write_failed(run);
    free(writer->buffer);
    free(writer);
    if (written)
        return run;
    run_unref(run);
    return NULL;
}

void run_writer_abandon(struct run_writer *writer)
{
    run_unref(writer->run);
    free(writer->buffer);
    free(writer);
}
