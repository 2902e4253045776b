/*
 * history.c - could a history of one register have happened one operation after the other?
 *
 * Exact and O(n log n) because no value is written twice (Gibbons, Korach, "Testing shared memories",
 * SIAM J. Comput. 26, 1997).  The operations on one value, its write and the reads of it, are a cluster.
 * From the earliest end to the latest begin in it the value was surely current: if the end is the
 * earlier one that is a forward zone, in which no other value was current.  Else the cluster fits into
 * one instant between the two, a backward zone.  The history is in order if every read ends after its
 * write began, no two forward zones overlap, and no backward zone lies within a forward one.
 */
#include "stress.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    uint64_t from, to, value;
} zone;

uint64_t stress_tick(void)
{
    static atomic_uint_fast64_t now = 1;
    return atomic_fetch_add(&now, 1);
}

/* Notes the first thing that is wrong. */
static void say(stress_why *why, uint64_t value, const char *what, uint64_t other)
{
    if (why->text[0] == 0)
        snprintf(why->text, sizeof why->text, "%llx %s %llx", (unsigned long long)value, what,
                 (unsigned long long)other);
}

static int by_value(const void *x, const void *y)
{
    const stress_op *a = x, *b = y;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return b->is_write - a->is_write;
}

static int by_start(const void *x, const void *y)
{
    const zone *a = x, *b = y;
    return (a->from > b->from) - (a->from < b->from);
}

/* Is there a forward zone that begins before `from` and ends after `to`?  They do not overlap. */
static const zone *zone_around(const zone *zones, size_t n, uint64_t from, uint64_t to)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (zones[mid].from < from)
            low = mid + 1;
        else
            high = mid;
    }
    return low > 0 && zones[low - 1].to > to ? &zones[low - 1] : NULL;
}

/* The cluster that begins at ops[i]; where the next one begins. */
static size_t cluster(const stress_op *ops, size_t n, size_t i, zone *z, stress_why *why)
{
    uint64_t value = ops[i].value, written = ops[i].begin;
    z->from = value == 0 ? 0 : UINT64_MAX; /* 0 was there before everything */
    z->to = 0;
    z->value = value;
    if (value != 0 && !ops[i].is_write)
        say(why, value, "was read and never written", 0);
    for (; i < n && ops[i].value == value; i++) {
        if (ops[i].end < z->from)
            z->from = ops[i].end;
        if (ops[i].begin > z->to)
            z->to = ops[i].begin;
        if (value != 0 && ops[i].end < written)
            say(why, value, "was read before it was written", 0);
    }
    return i;
}

static void check_zones(zone *forward, size_t f, const zone *backward, size_t b, stress_why *why)
{
    qsort(forward, f, sizeof *forward, by_start);
    for (size_t i = 1; i < f; i++)
        if (forward[i - 1].to >= forward[i].from)
            say(why, forward[i - 1].value, "was current in turns with", forward[i].value);
    for (size_t i = 0; i < b && why->text[0] == 0; i++) {
        const zone *z = zone_around(forward, f, backward[i].from, backward[i].to);
        if (z != NULL)
            say(why, backward[i].value, "was written within the time of", z->value);
    }
}

int stress_history_check(stress_op *ops, size_t n, stress_why *why)
{
    zone *forward = malloc((n + 1) * sizeof *forward);
    zone *backward = malloc((n + 1) * sizeof *backward);
    size_t f = 0, b = 0;
    if (forward == NULL || backward == NULL)
        abort();
    why->text[0] = 0;
    qsort(ops, n, sizeof *ops, by_value);
    for (size_t i = 0; i < n;) {
        zone z;
        i = cluster(ops, n, i, &z, why);
        if (z.from < z.to) {
            forward[f++] = z;
        } else {
            backward[b].from = z.to;
            backward[b].to = z.from;
            backward[b++].value = z.value;
        }
    }
    if (why->text[0] == 0)
        check_zones(forward, f, backward, b, why);
    free(forward);
    free(backward);
    return why->text[0] == 0;
}
