/*
 * lin.h - is a short history linearizable?
 *
 * A history is some operations on a few keys, each with its result and with which others had returned
 * before it began.  It is linearizable if there is an order of all of them, in keeping with what
 * returned before what, in which every result is right.  The search for one is Wing's and Gong's ("Testing
 * and verifying concurrent objects", J. Parallel Distrib. Comput. 17, 1993), with Lowe's memory of states
 * that led nowhere: exponential at worst, and quick for the dozen operations it is meant for.
 */
#ifndef STRESS_LIN_H
#define STRESS_LIN_H

#include <stdint.h>

#define LIN_KEYS 3
#define LIN_OPS 24

typedef enum {
    LIN_GET,           /* `seen` of `key`; 0 is not there */
    LIN_PUT,           /* `written` to `key` */
    LIN_DELETE,        /* of `key` */
    LIN_INSERT,        /* `written` to `key` if it `won`, else the key was there */
    LIN_GET_OR_INSERT, /* the same, and `seen` is what was there if it did not win */
    LIN_BATCH,         /* value[k] to every key k of `keys`; 0 deletes it */
    LIN_VIEW,          /* value[k] is what all keys hold at one instant */
    LIN_REFUSED        /* a write that changed nothing */
} lin_kind;

typedef struct {
    lin_kind kind;
    unsigned key, keys;
    uint32_t written, seen, value[LIN_KEYS];
    int won;
    uint32_t after; /* bit i: operation i had returned when this one began */
} lin_op;

/* At most LIN_OPS operations on keys that hold `initial` at first. */
int lin_check(const lin_op *ops, unsigned n, const uint32_t *initial);

/* Prints a history, an operation a line. */
void lin_print(const lin_op *ops, unsigned n, const uint32_t *initial);

#endif
