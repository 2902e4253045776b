/*
 * What a lookup may cost: no allocation, no system call, no atomic read-modify-write, no store.
 *
 * The library's sources are compiled into this program with the atomic hook, which counts; malloc and its
 * kin are replaced by ones that count; and the lookups run once more under seccomp's strict mode, where
 * any system call but read, write and exit ends the process.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "atomic.h"
#include "fastskip.h"
#include "suite.h"

#define KEYS 20000

static unsigned long changes, loads; /* atomic accesses; this program has one thread */
static unsigned long allocations;

void fsk_atomic_hook(int op, const volatile void *address)
{
    (void)address;
    if (op == FSK_POINT_LOAD)
        loads++;
    else
        changes++;
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    allocations++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    allocations++;
    return __libc_realloc(p, size);
}

static size_t key_of(char *key, unsigned i)
{
    return (size_t)sprintf(key, "user%08u", i * 2654435761u);
}

static fastskip_table *filled(void)
{
    fastskip_table *t;
    char key[32];
    ck_assert_int_eq(fastskip_table_new(NULL, &t), FASTSKIP_OK);
    for (unsigned i = 0; i < KEYS; i++)
        ck_assert_int_eq(fastskip_put(t, key, key_of(key, i), &i, sizeof i), FASTSKIP_OK);
    for (unsigned i = 0; i < KEYS; i += 3) /* some with a chain */
        ck_assert_int_eq(fastskip_put(t, key, key_of(key, i), &i, sizeof i), FASTSKIP_OK);
    for (unsigned i = 0; i < KEYS; i += 7)
        ck_assert_int_eq(fastskip_delete(t, key, key_of(key, i)), FASTSKIP_OK);
    return t;
}

/* Keys are made ahead, so that nothing but the lookups is in the loop. */
static char keys[KEYS][16];
static size_t sizes[KEYS];

static unsigned look_all_up(const fastskip_table *t)
{
    fastskip_entry entry;
    unsigned found = 0;
    for (unsigned i = 0; i < KEYS; i++)
        found += fastskip_get(t, NULL, keys[i], sizes[i], &entry) == FASTSKIP_OK;
    for (unsigned i = 0; i < KEYS; i++)
        found += fastskip_get(t, NULL, keys[i], sizes[i] - 1, &entry) == FASTSKIP_OK;
    return found;
}

START_TEST(a_get_changes_nothing)
{
    fastskip_table *t = filled();
    unsigned found;
    unsigned long changed, loaded, allocated;
    for (unsigned i = 0; i < KEYS; i++)
        sizes[i] = key_of(keys[i], i);
    look_all_up(t); /* what lagged behind is mended now */
    changed = changes;
    loaded = loads;
    allocated = allocations;
    found = look_all_up(t);
    changed = changes - changed;
    loaded = loads - loaded;
    allocated = allocations - allocated;
    ck_assert_uint_gt(loaded, KEYS); /* the hook is there */
    ck_assert_uint_eq(changed, 0);
    ck_assert_uint_eq(allocated, 0);
    ck_assert_uint_ge(found, KEYS - KEYS / 7 - 1);
    fastskip_table_unref(t);
}
END_TEST

START_TEST(a_get_makes_no_system_call)
{
    fastskip_table *t = filled();
    int status;
    pid_t child;
    for (unsigned i = 0; i < KEYS; i++)
        sizes[i] = key_of(keys[i], i);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
            syscall(SYS_exit, 77); /* not here: nothing to see */
        look_all_up(t);
        syscall(SYS_exit, 0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
    fastskip_table_unref(t);
}
END_TEST

/* The counting itself: a write does what a read must not. */
START_TEST(a_put_is_counted)
{
    fastskip_table *t = filled();
    unsigned long before = changes;
    ck_assert_int_eq(fastskip_put(t, "another", 7, "value", 5), FASTSKIP_OK);
    ck_assert_uint_gt(changes, before);
    fastskip_table_unref(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_get_changes_nothing,
        a_get_makes_no_system_call,
        a_put_is_counted,
    };
    return RUN_SUITE("readpath", tests);
}
