/*
 * owners.h - keys that have one writer each, shared by owners.c and views.c.
 *
 * An owner writes 1, 2, 3 ... in turn to its keys: number n goes to key n modulo KEYS.  Some are
 * deletes.  It says before a write that it was begun, and after it that it was acknowledged.  So whoever
 * reads knows between which two numbers the answer must lie; and the state of an owner's keys at one
 * instant is that after some number n, entirely: no gap, nothing later.  A value also carries how far its
 * writer had seen another owner come, which every snapshot that has the value must have, too.
 */
#ifndef STRESS_OWNERS_H
#define STRESS_OWNERS_H

#include "stress.h"

#define OWNERS 24
#define KEYS 8 /* of each */

typedef struct {
    atomic_uint begun, acknowledged;
    char pad[56];
} owner_state;

typedef struct {
    fastskip_table *table;
    stress_shape shape;
    unsigned owners, readers, snapshotters;
    unsigned writes; /* of each owner */
    atomic_uint writing;
    owner_state owner[OWNERS];
    stress_account account;
    stress_lock account_lock;
} owners_shared;

void owners_key(const owners_shared *g, unsigned owner, unsigned key, stress_key *k);

/* Is this number's write a delete? */
int owners_is_delete(unsigned number);

/* The last number written to a key when the owner has come to n; 0: none. */
unsigned owners_last(unsigned key, unsigned n);

/* Takes snapshots and looks at them, until all is written and once more (views.c). */
void owners_look(owners_shared *g, stress_random *random);

#endif
