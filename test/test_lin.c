/*
 * test_lin.c - short random histories are linearizable; see stress/lin.h and stress/lin_run.c.
 *
 * First the checker is checked: it must accept what is right and find what is wrong.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "stress/lin.h"
#include "stress/stress.h"

void stress_lin(stress_random *random);

/* ---- the checker ---- */

static const uint32_t nothing[LIN_KEYS];

static lin_op get(unsigned key, uint32_t seen, uint32_t after)
{
    lin_op op;
    memset(&op, 0, sizeof op);
    op.kind = LIN_GET;
    op.key = key;
    op.seen = seen;
    op.after = after;
    return op;
}

static lin_op put(unsigned key, uint32_t written, uint32_t after)
{
    lin_op op = get(key, 0, after);
    op.kind = LIN_PUT;
    op.written = written;
    return op;
}

static lin_op insert(unsigned key, uint32_t written, int won, uint32_t after)
{
    lin_op op = put(key, written, after);
    op.kind = LIN_INSERT;
    op.won = won;
    return op;
}

/* A batch of keys 0 and 1, or a view of all, of which key 2 is never written. */
static lin_op both(lin_kind kind, uint32_t zero, uint32_t one, uint32_t after)
{
    lin_op op = get(0, 0, after);
    op.kind = kind;
    op.keys = 3;
    op.value[0] = zero;
    op.value[1] = one;
    return op;
}

START_TEST(checker_accepts)
{
    {
        /* The write has not returned: one read sees it, a concurrent one does not. */
        const lin_op ops[] = {put(0, 7, 0), get(0, 7, 0), get(0, 0, 0)};
        ck_assert(lin_check(ops, 3, nothing));
    }
    {
        const lin_op ops[] = {put(0, 7, 0), put(0, 8, 0), get(0, 7, 3)};
        ck_assert(lin_check(ops, 3, nothing));
    }
    {
        const lin_op ops[] = {both(LIN_BATCH, 1, 2, 0), both(LIN_VIEW, 1, 2, 0),
                              both(LIN_VIEW, 0, 0, 0)};
        ck_assert(lin_check(ops, 3, nothing));
    }
    {
        /* The loser met what the batch then overwrote. */
        const lin_op ops[] = {insert(0, 1, 1, 0), insert(0, 2, 0, 0), both(LIN_BATCH, 3, 3, 0),
                              get(0, 3, 7)};
        ck_assert(lin_check(ops, 4, nothing));
    }
}
END_TEST

START_TEST(checker_finds)
{
    {
        /* Seen, and then not. */
        const lin_op ops[] = {put(0, 7, 0), get(0, 7, 0), get(0, 0, 2)};
        ck_assert(!lin_check(ops, 3, nothing));
    }
    {
        /* An acknowledged write is missed. */
        const lin_op ops[] = {put(0, 7, 0), get(0, 0, 1)};
        ck_assert(!lin_check(ops, 2, nothing));
    }
    {
        /* Two readers see two writes in different order. */
        const lin_op ops[] = {put(0, 1, 0), put(1, 2, 0), get(0, 1, 0),
                              get(1, 0, 4), get(1, 2, 0), get(0, 0, 16)};
        ck_assert(!lin_check(ops, 6, nothing));
    }
    {
        /* Half a batch. */
        const lin_op ops[] = {both(LIN_BATCH, 1, 2, 0), both(LIN_VIEW, 1, 0, 0)};
        ck_assert(!lin_check(ops, 2, nothing));
    }
    {
        /* Two winners of one insert; an insert over a batch that had returned. */
        const lin_op two[] = {insert(0, 1, 1, 0), insert(0, 2, 1, 0)};
        const lin_op over[] = {both(LIN_BATCH, 1, 2, 0), insert(0, 3, 1, 1)};
        ck_assert(!lin_check(two, 2, nothing));
        ck_assert(!lin_check(over, 2, nothing));
    }
    {
        /* The earlier write wins over one that began after it had returned. */
        const lin_op ops[] = {put(0, 1, 0), put(0, 2, 1), get(0, 1, 3)};
        ck_assert(!lin_check(ops, 3, nothing));
    }
}
END_TEST

/* ---- the checker of one register ---- */

static int in_order(size_t n, const stress_op *ops)
{
    stress_op copy[8];
    stress_why why;
    memcpy(copy, ops, n * sizeof *ops);
    return stress_history_check(copy, n, &why);
}

START_TEST(register_accepts)
{
    /* Begin, end, value, whether it is a write. */
    const stress_op in_turn[] = {{1, 2, 7, 1}, {3, 4, 7, 0}, {5, 6, 8, 1}, {7, 8, 8, 0}};
    const stress_op late[] = {{1, 20, 7, 1}, {2, 3, 8, 1}, {4, 5, 8, 0}, {6, 7, 7, 0}};
    ck_assert(in_order(4, in_turn));
    ck_assert(in_order(4, late));
}
END_TEST

START_TEST(register_finds)
{
    const stress_op seen_and_lost[] = {{1, 10, 7, 1}, {2, 3, 7, 0}, {4, 5, 0, 0}};
    const stress_op missed[] = {{1, 2, 7, 1}, {3, 4, 0, 0}};
    const stress_op never_written[] = {{1, 2, 7, 1}, {3, 4, 9, 0}};
    const stress_op too_early[] = {{3, 4, 7, 1}, {1, 2, 7, 0}};
    const stress_op back_again[] = {{1, 2, 7, 1}, {3, 4, 8, 1}, {5, 6, 7, 0}};
    const stress_op in_between[] = {{1, 2, 7, 1}, {3, 4, 8, 1}, {5, 20, 7, 0}, {6, 7, 7, 0}};
    ck_assert(in_order(2, seen_and_lost));
    ck_assert(!in_order(3, seen_and_lost));
    ck_assert(!in_order(2, missed));
    ck_assert(!in_order(2, never_written));
    ck_assert(!in_order(2, too_early));
    ck_assert(!in_order(3, back_again));
    ck_assert(!in_order(4, in_between));
}
END_TEST

START_TEST(histories)
{
    stress_rounds("histories", stress_lin);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lin");
    TCase *checker = tcase_create("checker"), *threads = tcase_create("histories");
    SRunner *runner;
    int failed;
    stress_share(4); /* a quarter of what test_stress takes */
    tcase_add_test(checker, checker_accepts);
    tcase_add_test(checker, checker_finds);
    tcase_add_test(checker, register_accepts);
    tcase_add_test(checker, register_finds);
    suite_add_tcase(suite, checker);
    tcase_set_timeout(threads, stress_timeout());
    tcase_add_test(threads, histories);
    suite_add_tcase(suite, threads);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
