/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */
#define _GNU_SOURCE
#include "keyfile.h"
#include "bench.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Mapped and touched now: what is timed shall meet no page fault for keys. */
const keyfile_header *keyfile_map(const char *path)
{
    struct stat status;
    const keyfile_header *file;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        fail("%s can not be opened", path);
    if ((size_t)status.st_size < sizeof *file)
        fail("%s is no file of keys", path);
    file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (file == MAP_FAILED)
        fail("%s can not be mapped", path);
    close(fd);
    if (file->magic != KEYFILE_MAGIC || file->stride < sizeof(key_record))
        fail("%s is no file of keys", path);
    for (int i = 0; i < SECTIONS; i++)
        if (file->section[i].offset + file->section[i].count * file->stride >
            (uint64_t)status.st_size)
            fail("%s is cut off", path);
    return file;
}

key_section keyfile_section_of(const keyfile_header *file, enum section_id id)
{
    key_section s = {(const char *)file + file->section[id].offset, file->stride,
                     file->section[id].count};
    return s;
}
