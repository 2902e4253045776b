/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See verify.h. All of the work is in verify.sh, which is part of the program as a string; here a
 * shell is started with it.
 */
#include "verify.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interrupt.h"
#include "scratch.h"

extern char **environ;

/* verify.sh, as a string. */
static const char script[] =
#include "verify_script.h"
    ;

/* A sed script that drops the lines whose value is the marker. */
static char *drop_script(const char *marker)
{
    if (marker == NULL)
        return duplicate("");
    char *escaped = allocate(2 * strlen(marker) + 1);
    char *at = escaped;
    for (; *marker != '\0'; marker++) {
        if (strchr("\\/.[]*^$", *marker) != NULL)
            *at++ = '\\';
        *at++ = *marker;
    }
    *at = '\0';
    char *made = format_text("/^[^\t]*\t%s$/d", escaped);
    free(escaped);
    return made;
}

static char **make_arguments(const struct verify_options *options, char *limit, char *drop,
                             char *work)
{
    static const char *const format_names[] = {
        [RECORD_TSV] = "tsv", [RECORD_STANZA] = "stanza", [RECORD_LINE] = "line"};
    const char *const head[] = {"sh",  "-c", script, "ingest",       format_names[options->format],
                                limit, drop, work,   options->result};
    size_t head_count = sizeof head / sizeof *head;
    char **arguments = allocate((head_count + options->path_count + 1) * sizeof(char *));
    size_t count = 0;
    for (; count < head_count; count++)
        arguments[count] = duplicate(head[count]);
    for (size_t i = 0; i < options->path_count; i++)
        arguments[count++] = duplicate(options->paths[i]);
    arguments[count] = NULL;
    return arguments;
}

/* Starts the shell in a group of its own, which an interrupt ends, with signals as they are by
 * default. An errno, or 0. */
static int start(char *const *arguments, pid_t *child)
{
    posix_spawnattr_t attributes;
    sigset_t signals;
    int error = posix_spawnattr_init(&attributes);
    if (error != 0)
        return error;
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    sigaddset(&signals, SIGPIPE);
    sigaddset(&signals, SIGXFSZ);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    error = posix_spawnp(child, "sh", NULL, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static enum verify_outcome run(char *const *arguments)
{
    pid_t child;
    int status;
    int error = start(arguments, &child);
    if (error != 0) {
        fprintf(stderr, "ingest: cannot start sh: %s\n", strerror(error));
        return VERIFY_FAILED;
    }
    interrupt_set_children(child);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    interrupt_set_children(0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return VERIFY_SAME;
    return WIFEXITED(status) && WEXITSTATUS(status) == 1 ? VERIFY_DIFFERENT : VERIFY_FAILED;
}

enum verify_outcome verify(const struct verify_options *options)
{
    char *limit = options->limit == UINT64_MAX
                      ? duplicate("all")
                      : format_text("%llu", (unsigned long long)options->limit);
    char *drop = drop_script(options->delete_marker);
    char *work = duplicate(scratch_directory());
    char **arguments = make_arguments(options, limit, drop, work);
    enum verify_outcome outcome = run(arguments);
    for (char **argument = arguments; *argument != NULL; argument++)
        free(*argument);
    free(arguments);
    free(limit);
    free(drop);
    free(work);
    return outcome;
}
