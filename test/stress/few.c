/* few.c - see few.h. */
#include "few.h"

#include <string.h>

static void note(few_view *v, unsigned i, const fastskip_entry *e)
{
    v->present[i] = e != NULL && stress_value_read(e, &v->value[i]);
}

static void look_by_get_many(const few *g, const fastskip_snapshot *s, few_view *v)
{
    stress_key keys[FEW];
    const void *data[FEW];
    size_t sizes[FEW];
    fastskip_entry entries[FEW];
    fastskip_status statuses[FEW];
    for (unsigned i = 0; i < g->keys; i++) {
        stress_key_make(&keys[i], g->shape, i);
        data[i] = keys[i].data;
        sizes[i] = keys[i].size;
    }
    OK(fastskip_get_many(g->table, s, g->keys, data, sizes, entries, statuses));
    for (unsigned i = 0; i < g->keys; i++)
        note(v, i, statuses[i] == FASTSKIP_OK ? &entries[i] : NULL);
}

static void look_by_get(const few *g, const fastskip_snapshot *s, few_view *v)
{
    for (unsigned i = 0; i < g->keys; i++) {
        fastskip_entry e;
        stress_key k;
        stress_key_make(&k, g->shape, i);
        note(v, i, fastskip_get(g->table, s, k.data, k.size, &e) == FASTSKIP_OK ? &e : NULL);
    }
}

static void look_by_iterator(const few *g, const fastskip_snapshot *s, int backwards, few_view *v)
{
    fastskip_iterator *it = NULL;
    fastskip_status status;
    fastskip_entry e;
    memset(v->present, 0, sizeof v->present);
    if (!OK(fastskip_iterator_new(g->table, s, 0, &it)))
        return;
    status = backwards ? fastskip_iterator_seek_last(it) : fastskip_iterator_seek_first(it);
    for (; status == FASTSKIP_OK;
         status = backwards ? fastskip_iterator_prev(it) : fastskip_iterator_next(it)) {
        OK(fastskip_iterator_entry(it, &e));
        for (unsigned i = 0; i < g->keys; i++) {
            stress_key k;
            stress_key_make(&k, g->shape, i);
            if (stress_key_compare(k.data, k.size, e.key, e.key_size) == 0)
                note(v, i, &e);
        }
    }
    EXPECT(status, FASTSKIP_NOT_FOUND);
    fastskip_iterator_free(it);
}

static void look(const few *g, const fastskip_snapshot *s, unsigned how, few_view *v)
{
    if (how == 0)
        look_by_get_many(g, s, v);
    else if (how == 1 && s != NULL)
        look_by_get(g, s, v);
    else
        look_by_iterator(g, s, how == 2, v);
}

static int same(const few *g, const few_view *a, const few_view *b)
{
    for (unsigned i = 0; i < g->keys; i++)
        if (a->present[i] != b->present[i] ||
            (a->present[i] &&
             (a->value[i].number != b->value[i].number || a->value[i].owner != b->value[i].owner)))
            return 0;
    return 1;
}

void few_look(const few *g, few_view *v, stress_random *r)
{
    fastskip_snapshot *s = NULL;
    few_view again;
    if (stress_below(r, 2) == 0) {
        look(g, NULL, stress_below(r, 4), v);
        return;
    }
    OK(fastskip_snapshot_new(g->table, &s));
    look(g, s, stress_below(r, 4), v);
    look(g, s, stress_below(r, 4), &again);
    REQUIRE(same(g, v, &again), "a snapshot read twice differs");
    fastskip_snapshot_free(s);
}
