/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * replay.c - runs a target over the files named, and all files of the directories named: the corpora are
 * tests in every build, without any fuzzer.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

#define INPUT_MOST ((size_t)1 << 20)

#ifdef FSK_TEST_HOOK
/* The library that is built for tests of its inside calls this; with one thread there is nothing to do. */
void fsk_atomic_hook(int op, const volatile void *address);
void fsk_atomic_hook(int op, const volatile void *address)
{
    (void)op;
    (void)address;
}
#endif

static unsigned long replay_file(const char *path)
{
    /* Exactly as large as the input, so that reading behind it is seen. */
    static unsigned char buffer[INPUT_MOST];
    FILE *file = fopen(path, "rb");
    size_t size;
    unsigned char *data;
    if (file == NULL)
        return 0;
    size = fread(buffer, 1, sizeof buffer, file);
    fclose(file);
    data = malloc(size > 0 ? size : 1);
    if (data == NULL)
        abort();
    memcpy(data, buffer, size);
    puts(path); /* the last line tells which input it was */
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static unsigned long replay(const char *path)
{
    DIR *directory = opendir(path);
    unsigned long count = 0;
    char name[4096];
    if (directory == NULL)
        return replay_file(path);
    for (struct dirent *e; (e = readdir(directory)) != NULL;)
        if (e->d_name[0] != '.' &&
            (size_t)snprintf(name, sizeof name, "%s/%s", path, e->d_name) < sizeof name)
            count += replay(name);
    closedir(directory);
    return count;
}

int main(int argc, char **argv)
{
    unsigned long count = 0;
    for (int i = 1; i < argc; i++)
        count += replay(argv[i]);
    printf("%lu inputs\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
