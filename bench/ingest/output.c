/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See output.h.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run_file.h"
#include "scratch.h"

enum { BUFFER_BYTES = 256 << 10 };

/* Whether a rename may put a file there: nothing is there, or a plain file is. A device, a pipe or
 * a link is written to instead. */
static bool is_replaceable(const char *path)
{
    struct stat status;
    if (strcmp(path, "-") == 0)
        return false;
    return lstat(path, &status) == 0 ? S_ISREG(status.st_mode) : errno == ENOENT;
}

/* The mode of a file made by open() for everybody; the umask can be read only by setting it. */
static mode_t usual_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

bool output_open(struct output *output, const char *target, enum record_format format,
                 struct control *control)
{
    *output = (struct output){.format = format, .control = control, .target = target, .fd = -1};
    output->buffer = allocate(BUFFER_BYTES);
    output->is_beside_target = target != NULL && is_replaceable(target);
    if (output->is_beside_target) {
        output->path = format_text("%s.XXXXXX", target);
        output->fd = mkostemp(output->path, O_CLOEXEC);
        if (output->fd >= 0) {
            scratch_set_partial(output->path);
            fchmod(output->fd, usual_mode());
        }
    } else {
        output->path = scratch_path("result");
        output->fd = open(output->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    }
    if (output->fd < 0)
        control_fail(control, "cannot make %s: %s", output->path, strerror(errno));
    return output->fd >= 0;
}

static bool flush_buffer(struct output *output)
{
    bool written = write_all(output->fd, output->buffer, output->used);
    if (!written)
        control_fail(output->control, "cannot write %s: %s", output->path, strerror(errno));
    output->bytes += output->used;
    output->used = 0;
    return written;
}

static bool append(struct output *output, const char *data, size_t size)
{
    while (size > 0) {
        if (output->used == BUFFER_BYTES && !flush_buffer(output))
            return false;
        size_t part = BUFFER_BYTES - output->used;
        if (part > size)
            part = size;
        memcpy(output->buffer + output->used, data, part);
        output->used += part;
        data += part;
        size -= part;
    }
    return true;
}

/* The escape of a byte, NULL if it stands for itself. */
static const char *escape_of(char byte)
{
    switch (byte) {
    case '\\':
        return "\\\\";
    case '\t':
        return "\\t";
    case '\n':
        return "\\n";
    default:
        return NULL;
    }
}

static bool append_escaped(struct output *output, const char *data, size_t size)
{
    size_t plain = 0;
    for (size_t i = 0; i < size; i++) {
        const char *escape = escape_of(data[i]);
        if (escape == NULL)
            continue;
        if (!append(output, data + plain, i - plain) || !append(output, escape, 2))
            return false;
        plain = i + 1;
    }
    return append(output, data + plain, size - plain);
}

bool output_put(void *context, const struct record *record)
{
    struct output *output = context;
    bool written = append(output, record->key, record->key_size);
    if (written && output->format != RECORD_LINE)
        written = append(output, "\t", 1);
    if (written && output->format == RECORD_STANZA)
        written = append_escaped(output, record->value, record->value_size);
    else if (written)
        written = append(output, record->value, record->value_size);
    output->lines++;
    return written && append(output, "\n", 1);
}

bool output_finish(struct output *output)
{
    return flush_buffer(output);
}

/* Writes the file once more, to what can not be replaced by it. */
static bool copy_to(struct output *output, int target, const char *name)
{
    for (off_t at = 0;;) {
        ssize_t got = pread(output->fd, output->buffer, BUFFER_BYTES, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            control_fail(output->control, "cannot read %s: %s", output->path, strerror(errno));
        if (got <= 0)
            return got == 0;
        if (!write_all(target, output->buffer, (size_t)got)) {
            control_fail(output->control, "cannot write %s: %s", name, strerror(errno));
            return false;
        }
        at += got;
    }
}

static bool copy_to_target(struct output *output)
{
    if (strcmp(output->target, "-") == 0)
        return copy_to(output, STDOUT_FILENO, "standard output");
    int target = open(output->target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (target < 0) {
        control_fail(output->control, "cannot open %s: %s", output->target, strerror(errno));
        return false;
    }
    bool copied = copy_to(output, target, output->target);
    if (close(target) != 0 && copied) {
        control_fail(output->control, "cannot write %s: %s", output->target, strerror(errno));
        return false;
    }
    return copied;
}

bool output_publish(struct output *output)
{
    if (output->target == NULL)
        return true;
    if (!output->is_beside_target)
        return copy_to_target(output);
    if (rename(output->path, output->target) != 0) {
        control_fail(output->control, "cannot rename %s to %s: %s", output->path, output->target,
                     strerror(errno));
        return false;
    }
    scratch_set_partial(NULL);
    return true;
}

bool output_keep(struct output *output)
{
    if (output->is_beside_target)
        scratch_set_partial(NULL);
    return output->is_beside_target;
}

void output_close(struct output *output)
{
    if (output->fd >= 0)
        close(output->fd);
    free(output->path);
    free(output->buffer);
}
