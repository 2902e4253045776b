/*
 * bank.c - batches move money between accounts, of which their writer holds the locks; the sum is the
 * same in every view.
 */
#include "few.h"

#include <string.h>

typedef struct {
    few few;
    unsigned threads, operations;
    stress_lock lock[FEW];
} shared;

#define MONEY 1000u

static void add(const shared *g, fastskip_batch *b, unsigned account, unsigned me, uint64_t money)
{
    stress_value v = {me, money, 0};
    unsigned char bytes[STRESS_VALUE_ROOM];
    size_t size;
    stress_key k;
    stress_key_make(&k, g->few.shape, account);
    size = stress_value_make(bytes, &k, &v);
    OK(fastskip_batch_put(b, k.data, k.size, bytes, size));
}

static uint64_t money_of(const shared *g, unsigned account)
{
    stress_value v;
    fastskip_entry e;
    stress_key k;
    memset(&v, 0, sizeof v);
    stress_key_make(&k, g->few.shape, account);
    if (OK(fastskip_get(g->few.table, NULL, k.data, k.size, &e)))
        stress_value_read(&e, &v);
    return v.number;
}

static void transfer(shared *g, fastskip_batch *b, unsigned me, stress_random *r)
{
    unsigned x = stress_below(r, g->few.keys), y = stress_below(r, g->few.keys - 1);
    unsigned first, second;
    uint64_t has, gets, amount;
    y += y >= x;
    first = x < y ? x : y;
    second = x < y ? y : x;
    stress_lock_take(&g->lock[first]);
    stress_lock_take(&g->lock[second]);
    has = money_of(g, x);
    gets = money_of(g, y);
    amount = has != 0 ? stress_next(r) % has : 0;
    OK(fastskip_batch_clear(b));
    add(g, b, x, me, has + gets); /* overwritten by the next but one */
    add(g, b, y, me, gets + amount);
    add(g, b, x, me, has - amount);
    OK(fastskip_write(g->few.table, b));
    REQUIRE(money_of(g, x) == has - amount && money_of(g, y) == gets + amount,
            "an account does not hold what its batch wrote");
    stress_lock_leave(&g->lock[second]);
    stress_lock_leave(&g->lock[first]);
}

static void audit(shared *g, stress_random *r)
{
    uint64_t sum = 0;
    few_view v;
    few_look(&g->few, &v, r);
    for (unsigned i = 0; i < g->few.keys; i++) {
        REQUIRE(v.present[i], "account %u is missing", i);
        sum += v.value[i].number;
    }
    REQUIRE(sum == (uint64_t)g->few.keys * MONEY, "the sum of %u accounts is %llu", g->few.keys,
            (unsigned long long)sum);
}

static void bank_body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    fastskip_batch *b = NULL;
    OK(fastskip_batch_new(&b));
    for (unsigned i = 0; i < g->operations && !stress_failed(); i++)
        if (me % 2 == 0)
            transfer(g, b, me, r);
        else
            audit(g, r);
    fastskip_batch_free(b);
}

void stress_bank(stress_random *r)
{
    static const unsigned threads[] = {2, 4, 10, 40};
    static shared g;
    fastskip_batch *b = NULL;
    memset(&g, 0, sizeof g);
    g.few.table = stress_table(r, NULL);
    g.few.shape = (stress_shape)stress_below(r, STRESS_SHAPES);
    g.few.keys = 2 + stress_below(r, FEW - 1);
    g.threads = threads[stress_below(r, 4)];
    g.operations = stress_scaled(1 + 3000 / g.threads);
    OK(fastskip_batch_new(&b));
    for (unsigned i = 0; i < g.few.keys; i++)
        add(&g, b, i, 0, MONEY);
    OK(fastskip_write(g.few.table, b));
    fastskip_batch_free(b);
    stress_run(g.threads, bank_body, &g, r);
    audit(&g, r);
    stress_table_drop(g.few.table);
}
