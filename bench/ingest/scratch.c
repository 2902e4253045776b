/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See scratch.h.
 */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t scratch_lock = PTHREAD_MUTEX_INITIALIZER;
static char *directory;
static char *partial;

bool scratch_open(const char *parent)
{
    char *template = format_text("%s/ingest-XXXXXX", parent);
    if (mkdtemp(template) == NULL) {
        fprintf(stderr, "ingest: cannot make a directory in %s: %s\n", parent, strerror(errno));
        free(template);
        return false;
    }
    pthread_mutex_lock(&scratch_lock);
    directory = template;
    pthread_mutex_unlock(&scratch_lock);
    return true;
}

char *scratch_path(const char *name)
{
    return format_text("%s/%s", directory, name);
}

const char *scratch_directory(void)
{
    return directory;
}

void scratch_set_partial(const char *path)
{
    char *copy = path != NULL ? duplicate(path) : NULL;
    pthread_mutex_lock(&scratch_lock);
    free(partial);
    partial = copy;
    pthread_mutex_unlock(&scratch_lock);
}

/* One round; true if the directory is gone. Fails while other threads still make files in it. */
static bool remove_directory(void)
{
    DIR *listing = opendir(directory);
    if (listing == NULL)
        return errno == ENOENT;
    const struct dirent *file;
    while ((file = readdir(listing)) != NULL)
        unlinkat(dirfd(listing), file->d_name, 0);
    closedir(listing);
    return rmdir(directory) == 0;
}

void scratch_remove(void)
{
    pthread_mutex_lock(&scratch_lock);
    if (partial != NULL)
        unlink(partial);
    free(partial);
    partial = NULL;
    for (int tries = 0; directory != NULL && tries < 100 && !remove_directory(); tries++)
        usleep(1000);
    pthread_mutex_unlock(&scratch_lock);
}

void scratch_abandon(int status)
{
    scratch_remove();
    _exit(status);
}

static void no_memory(void) __attribute__((noreturn));

static void no_memory(void)
{
    static const char text[] = "ingest: out of memory\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    scratch_abandon(EXIT_TROUBLE);
}

void *allocate(size_t size)
{
    return reallocate(NULL, size);
}

void *reallocate(void *memory, size_t size)
{
    void *moved = realloc(memory, size > 0 ? size : 1);
    if (moved == NULL)
        no_memory();
    return moved;
}

char *duplicate(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(allocate(size), text, size);
}

char *format_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0)
        no_memory();
    char *text = allocate((size_t)size + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return text;
}
