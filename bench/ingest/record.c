/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See record.h. One buffer holds what was read and not yet handed out. A record is handed out where
 * it lies; the buffer grows to the longest one.
 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "fastskip.h"
#include "scratch.h"

enum { BUFFER_START = 1 << 20 };

struct source {
    struct source_options options;
    size_t next_path;
    int fd;
    bool at_end;
    const char *name;
    /* Number of the line at buffer[begin], from 1. */
    unsigned long long line;
    /* Bytes of all files that belong to what was handed out. */
    uint64_t consumed;
    char *buffer;
    size_t capacity;
    /* Unread bytes are buffer[begin .. end); the first searched of them hold no newline that was
     * not asked for yet. */
    size_t begin;
    size_t end;
    size_t searched;
    size_t delete_marker_size;
    char *key;
    size_t key_capacity;
};

enum fill_result { FILL_MORE, FILL_END, FILL_STOPPED };

struct source *source_new(const struct source_options *options)
{
    struct source *source = allocate(sizeof *source);
    *source = (struct source){.options = *options, .fd = -1, .capacity = BUFFER_START};
    source->buffer = allocate(source->capacity);
    if (options->delete_marker != NULL)
        source->delete_marker_size = strlen(options->delete_marker);
    return source;
}

static void close_file(struct source *source)
{
    if (source->fd > STDIN_FILENO)
        close(source->fd);
    source->fd = -1;
}

void source_free(struct source *source)
{
    if (source == NULL)
        return;
    close_file(source);
    free(source->buffer);
    free(source->key);
    free(source);
}

uint64_t source_consumed(const struct source *source)
{
    return source->consumed;
}

static bool open_next(struct source *source)
{
    const char *path = source->options.paths[source->next_path++];
    bool is_stdin = strcmp(path, "-") == 0;
    source->name = is_stdin ? "standard input" : path;
    source->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    source->at_end = false;
    source->line = 1;
    source->begin = source->end = source->searched = 0;
    if (source->fd < 0)
        control_fail(source->options.control, "cannot open %s: %s", path, strerror(errno));
    return source->fd >= 0;
}

/* Makes room behind the unread bytes: by moving them down, or by a larger buffer. */
static bool make_room(struct source *source)
{
    size_t unread = source->end - source->begin;
    if (unread > source->options.record_max) {
        control_fail(source->options.control,
                     "%s, line %llu: a record of more than %zu bytes can not fit into a table "
                     "of that --memory",
                     source->name, source->line, source->options.record_max);
        return false;
    }
    if (unread > source->capacity / 2) {
        source->capacity *= 2;
        source->buffer = reallocate(source->buffer, source->capacity);
    }
    memmove(source->buffer, source->buffer + source->begin, unread);
    source->begin = 0;
    source->end = unread;
    return true;
}

/* Keeps a copy of what can not be read twice. */
static bool copy_input(const struct source *source, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(source->options.copy_fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            control_fail(source->options.control, "cannot copy standard input to %s: %s",
                         scratch_directory(), strerror(errno));
            return false;
        }
        data += written;
        size -= (size_t)written;
    }
    return true;
}

/* Waits until there is something to read, or reason to stop. */
static bool wait_for_input(const struct source *source)
{
    struct pollfd waits[2] = {
        {.fd = source->fd, .events = POLLIN},
        {.fd = source->options.control->wake[0], .events = POLLIN},
    };
    while (poll(waits, 2, -1) < 0 && errno == EINTR)
        continue;
    return waits[1].revents == 0;
}

static enum fill_result fill(struct source *source)
{
    if (source->at_end)
        return FILL_END;
    if (source->end == source->capacity && !make_room(source))
        return FILL_STOPPED;
    if (!wait_for_input(source))
        return FILL_STOPPED;
    char *free_space = source->buffer + source->end;
    ssize_t got;
    do {
        got = read(source->fd, free_space, source->capacity - source->end);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        control_fail(source->options.control, "cannot read %s: %s", source->name, strerror(errno));
        return FILL_STOPPED;
    }
    source->at_end = got == 0;
    if (source->at_end)
        return FILL_END;
    atomic_fetch_add_explicit(source->options.bytes, (unsigned long long)got, memory_order_relaxed);
    if (source->fd == STDIN_FILENO && source->options.copy_fd >= 0 &&
        !copy_input(source, free_space, (size_t)got))
        return FILL_STOPPED;
    source->end += (size_t)got;
    return FILL_MORE;
}

struct line {
    /* Offset from the first unread byte, which may move in memory. */
    size_t at;
    size_t size;
    /* With its newline, if it has one. */
    size_t full_size;
};

/* Finds the line that starts at an offset. FILL_END: there is nothing any more, no empty line. */
static enum fill_result find_line(struct source *source, size_t at, struct line *line)
{
    line->at = at;
    if (source->searched < at)
        source->searched = at;
    for (;;) {
        const char *unread = source->buffer + source->begin;
        size_t size = source->end - source->begin;
        const char *newline = memchr(unread + source->searched, '\n', size - source->searched);
        if (newline != NULL) {
            line->size = (size_t)(newline - unread) - at;
            line->full_size = line->size + 1;
            source->searched = at + line->full_size;
            return FILL_MORE;
        }
        source->searched = size;
        enum fill_result result = fill(source);
        if (result == FILL_STOPPED || (result == FILL_END && size == at))
            return result;
        if (result == FILL_END) {
            line->size = line->full_size = size - at;
            return FILL_MORE;
        }
    }
}

static void consume(struct source *source, size_t size, unsigned long long lines)
{
    source->begin += size;
    source->consumed += size;
    source->searched = 0;
    source->line += lines;
}

static enum source_result refuse(const struct source *source, unsigned long long line,
                                 const char *what)
{
    control_fail(source->options.control, "%s, line %llu: %s", source->name, line, what);
    return SOURCE_STOPPED;
}

/* Reads a line of key TAB value, or one that is all key. */
static enum fill_result read_line(struct source *source, struct record *record)
{
    struct line line;
    enum fill_result result = find_line(source, 0, &line);
    if (result != FILL_MORE)
        return result;
    const char *text = source->buffer + source->begin;
    unsigned long long number = source->line;
    consume(source, line.full_size, 1);
    *record = (struct record){.key = text, .key_size = line.size, .value = text + line.size};
    if (source->options.format == RECORD_LINE)
        return FILL_MORE;
    const char *tab = memchr(text, '\t', line.size);
    if (tab == NULL || tab == text) {
        refuse(source, number, tab == NULL ? "no TAB after a key" : "no key before the TAB");
        return FILL_STOPPED;
    }
    record->key_size = (size_t)(tab - text);
    record->value = tab + 1;
    record->value_size = line.size - record->key_size - 1;
    record->is_delete =
        source->options.delete_marker != NULL && record->value_size == source->delete_marker_size &&
        memcmp(record->value, source->options.delete_marker, record->value_size) == 0;
    return FILL_MORE;
}

struct slice {
    const char *data;
    size_t size;
};

enum { FIELD_PACKAGE, FIELD_VERSION, FIELD_ARCHITECTURE, FIELD_COUNT };

static const char *const field_names[FIELD_COUNT] = {"Package", "Version", "Architecture"};

/* Takes the value of a line if it is that field and none before it was. */
static void match_field(const char *text, size_t size, const char *name, struct slice *field)
{
    size_t name_size = strlen(name);
    if (field->data != NULL || size <= name_size || text[name_size] != ':' ||
        strncasecmp(text, name, name_size) != 0)
        return;
    const char *begin = text + name_size + 1;
    const char *end = text + size;
    while (begin < end && (*begin == ' ' || *begin == '\t'))
        begin++;
    while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *field = (struct slice){begin, (size_t)(end - begin)};
}

static void find_fields(const char *text, size_t size, struct slice fields[FIELD_COUNT])
{
    for (const char *end = text + size; text < end;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line_size = newline != NULL ? (size_t)(newline - text) : (size_t)(end - text);
        for (int i = 0; i < FIELD_COUNT; i++)
            match_field(text, line_size, field_names[i], &fields[i]);
        text += line_size + 1;
    }
}

static size_t join_fields(struct source *source, const struct slice fields[FIELD_COUNT])
{
    size_t size = fields[0].size + fields[1].size + fields[2].size + 2;
    if (source->key_capacity < size) {
        source->key_capacity = size * 2;
        source->key = reallocate(source->key, source->key_capacity);
    }
    char *at = source->key;
    for (int i = 0; i < FIELD_COUNT; i++) {
        if (i > 0)
            *at++ = '_';
        memcpy(at, fields[i].data, fields[i].size);
        at += fields[i].size;
    }
    return size;
}

/* Skips empty lines, then finds the end of the stanza; FILL_END: there is none. */
static enum fill_result find_stanza(struct source *source, size_t *size, unsigned long long *lines)
{
    *size = 0;
    *lines = 0;
    for (;;) {
        struct line line;
        enum fill_result result = find_line(source, *size, &line);
        if (result == FILL_END && *size > 0)
            return FILL_MORE;
        if (result != FILL_MORE)
            return result;
        if (line.size > 0) {
            *size += line.full_size;
            ++*lines;
        } else if (*size > 0) {
            return FILL_MORE;
        } else {
            consume(source, line.full_size, 1);
        }
    }
}

static enum fill_result read_stanza(struct source *source, struct record *record)
{
    size_t size;
    unsigned long long lines;
    enum fill_result result = find_stanza(source, &size, &lines);
    if (result != FILL_MORE)
        return result;
    const char *text = source->buffer + source->begin;
    unsigned long long number = source->line;
    consume(source, size, lines);
    if (text[size - 1] == '\n')
        size--;
    struct slice fields[FIELD_COUNT] = {{NULL, 0}};
    find_fields(text, size, fields);
    for (int i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].size == 0) {
            control_fail(source->options.control, "%s, line %llu: the stanza has no %s",
                         source->name, number, field_names[i]);
            return FILL_STOPPED;
        }
    }
    size_t key_size = join_fields(source, fields);
    *record = (struct record){source->key, key_size, text, size, false};
    return FILL_MORE;
}

enum source_result source_next(struct source *source, struct record *record)
{
    for (;;) {
        if (source->fd < 0) {
            if (source->next_path == source->options.path_count)
                return SOURCE_END;
            if (!open_next(source))
                return SOURCE_STOPPED;
        }
        unsigned long long line = source->line;
        enum fill_result result = source->options.format == RECORD_STANZA
                                      ? read_stanza(source, record)
                                      : read_line(source, record);
        if (result == FILL_STOPPED)
            return SOURCE_STOPPED;
        if (result == FILL_MORE && record->key_size > FASTSKIP_KEY_MAX)
            return refuse(source, line,
                          "the key is longer than the 65,535 bytes that a table "
                          "takes");
        if (result == FILL_MORE)
            return SOURCE_RECORD;
        close_file(source);
    }
}
