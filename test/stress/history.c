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

#include <stdlib.h>

typedef struct {
    uint64_t from, to, value;
} zone;

uint64_t stress_tick(void)
{
    static atomic_uint_fast64_t now = 1;
    return atomic_fetch_add(&now, 1);
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
static size_t cluster(const stress_op *ops, size_t n, size_t i, zone *z, const char *what)
{
    uint64_t value = ops[i].value, first_end = UINT64_MAX, last_begin = 0, written = 0;
    if (value != 0 && !ops[i].is_write)
        FAIL("%s: %llx was read and never written", what, (unsigned long long)value);
    if (value == 0)
        first_end = 0; /* it was there before everything */
    else
        written = ops[i].begin;
    for (; i < n && ops[i].value == value; i++) {
        if (ops[i].end < first_end)
            first_end = ops[i].end;
        if (ops[i].begin > last_begin)
            last_begin = ops[i].begin;
        if (ops[i].end < written)
            FAIL("%s: %llx was read before it was written", what, (unsigned long long)value);
    }
    z->from = first_end;
    z->to = last_begin;
    z->value = value;
    return i;
}

void stress_history_check(stress_op *ops, size_t n, const char *what)
{
    zone *forward = malloc((n + 1) * sizeof *forward), *backward = malloc((n + 1) * sizeof *backward);
    size_t f = 0, b = 0;
    if (forward == NULL || backward == NULL)
        abort();
    qsort(ops, n, sizeof *ops, by_value);
    for (size_t i = 0; i < n;) {
        zone z;
        i = cluster(ops, n, i, &z, what);
        if (z.from < z.to) {
            forward[f++] = z;
        } else {
            backward[b].from = z.to;
            backward[b].to = z.from;
            backward[b++].value = z.value;
        }
    }
    qsort(forward, f, sizeof *forward, by_start);
    for (size_t i = 1; i < f; i++)
        REQUIRE(forward[i - 1].to < forward[i].from, "%s: %llx and %llx were current in turns", what,
                (unsigned long long)forward[i - 1].value, (unsigned long long)forward[i].value);
    for (size_t i = 0; i < b && !stress_failed(); i++) {
        const zone *z = zone_around(forward, f, backward[i].from, backward[i].to);
        REQUIRE(z == NULL, "%s: %llx was written while %llx was current", what,
                (unsigned long long)backward[i].value, (unsigned long long)z->value);
    }
    free(forward);
    free(backward);
}
