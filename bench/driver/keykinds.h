/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/* The kinds of keys: for each number a key, distinct for distinct numbers. */
#ifndef FSB_KEYKINDS_H
#define FSB_KEYKINDS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int form;
    char **lines; /* of a file, distinct and shuffled; else NULL */
    size_t line_count;
    size_t longest;
} key_kind;

/* A name, or "file:" and a path.  Ends the program if it is neither. */
key_kind key_kind_of(const char *name);
void key_kind_free(key_kind *kind);

/*
 * Writes the key of a number, or, if missing is 1, one that no number has and that lies near it.  Returns
 * its size.  *rank orders keys as their bytes do where it differs.
 */
size_t key_make(const key_kind *kind, uint64_t number, unsigned missing, char *key, uint64_t *rank);

/* Different numbers give different results that look random. */
uint64_t key_mix(uint64_t number);

/* Random numbers from a fixed seed. */
uint64_t key_random(void);
double key_random_share(void); /* from 0 to below 1 */

#endif
