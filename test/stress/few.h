/*
 * few.h - what a few keys hold at one instant, looked at in all the ways there are.
 */
#ifndef STRESS_FEW_H
#define STRESS_FEW_H

#include "stress.h"

#define FEW 12

/* Keys 0 to keys - 1 of a shape. */
typedef struct {
    fastskip_table *table;
    stress_shape shape;
    unsigned keys;
} few;

typedef struct {
    int present[FEW];
    stress_value value[FEW];
} few_view;

/* Looks once without a snapshot, or twice through one. */
void few_look(const few *g, few_view *view, stress_random *random);

#endif
