/*
 * test_loading.c - the library as a plugin brings it: loaded late, by any thread, and dropped again.
 *
 * Nothing here is linked with the library. FASTSKIP_LIBRARY names the one that is shipped, which stays
 * once it is loaded (-z nodelete), and FASTSKIP_UNLOADABLE the same objects linked without that: what
 * stays then is what the library left behind.
 */
#define _GNU_SOURCE
#include <check.h>
#include <dirent.h>
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fastskip.h"

#define ROUNDS 1000
#define WARMING 100 /* rounds until the C library has what it keeps */
#define THREADS 16

/* The functions used here, by name: a pointer and a string each. */
#define FUNCTIONS(X)                                                                               \
    X(version)                                                                                     \
    X(options_new)                                                                                 \
    X(options_set_memory_limit)                                                                    \
    X(options_free)                                                                                \
    X(table_new)                                                                                   \
    X(table_unref)                                                                                 \
    X(table_seal)                                                                                  \
    X(table_check)                                                                                 \
    X(put)                                                                                         \
    X(get)                                                                                         \
    X(batch_new)                                                                                   \
    X(batch_put)                                                                                   \
    X(batch_free)                                                                                  \
    X(write)                                                                                       \
    X(snapshot_new)                                                                                \
    X(snapshot_free)                                                                               \
    X(iterator_new)                                                                                \
    X(iterator_seek_first)                                                                         \
    X(iterator_next)                                                                               \
    X(iterator_free)

#define DECLARE(name) __typeof__(fastskip_##name) *name;
typedef struct {
    void *handle;
    FUNCTIONS(DECLARE)
} library;

/* A ck_assert of each thread would take a lock. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s, line %d", #condition, __LINE__);                                     \
    } while (0)

static void library_load(library *l, const char *path)
{
    l->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (l->handle == NULL)
        ck_abort_msg("%s", dlerror());
#define FIND(name)                                                                                 \
    *(void **)&l->name = dlsym(l->handle, "fastskip_" #name);                                      \
    REQUIRE(l->name != NULL);
    FUNCTIONS(FIND)
}

static const char *path_of(const char *variable)
{
    const char *path = getenv(variable);
    if (path == NULL)
        ck_abort_msg("%s is not set", variable);
    return path;
}

static size_t key_make(char *key, size_t room, unsigned owner, unsigned i)
{
    return (size_t)snprintf(key, room, "owner %u key %u", owner, i);
}

/* Writes some keys of an owner's own, and finds them. */
static void write_and_read(const library *l, fastskip_table *table, unsigned owner)
{
    fastskip_entry entry;
    char key[40];
    for (unsigned i = 0; i < 60; i++) {
        size_t size = key_make(key, sizeof key, owner, i);
        REQUIRE(l->put(table, key, size, &i, sizeof i) == FASTSKIP_OK);
    }
    for (unsigned i = 0; i < 60; i++) {
        size_t size = key_make(key, sizeof key, owner, i);
        REQUIRE(l->get(table, NULL, key, size, &entry) == FASTSKIP_OK);
        REQUIRE(entry.value_size == sizeof i && memcmp(entry.value, &i, sizeof i) == 0);
    }
}

static fastskip_table *table_make(const library *l)
{
    fastskip_options *options;
    fastskip_table *table;
    REQUIRE(l->options_new(&options) == FASTSKIP_OK);
    REQUIRE(l->options_set_memory_limit(options, 1 << 20) == FASTSKIP_OK);
    REQUIRE(l->table_new(options, &table) == FASTSKIP_OK);
    l->options_free(options);
    return table;
}

/* A bit of everything, all of it given back. */
static void use(const library *l)
{
    fastskip_table *table = table_make(l);
    fastskip_snapshot *snapshot;
    fastskip_iterator *it;
    fastskip_batch *batch;
    fastskip_status status;
    unsigned count = 0;
    write_and_read(l, table, 1);
    REQUIRE(l->snapshot_new(table, &snapshot) == FASTSKIP_OK);
    REQUIRE(l->batch_new(&batch) == FASTSKIP_OK);
    REQUIRE(l->batch_put(batch, "batch", 5, "value", 5) == FASTSKIP_OK);
    REQUIRE(l->write(table, batch) == FASTSKIP_OK);
    l->batch_free(batch);
    REQUIRE(l->table_seal(table) == FASTSKIP_OK);
    REQUIRE(l->table_check(table) == FASTSKIP_OK);
    REQUIRE(l->iterator_new(table, snapshot, 0, &it) == FASTSKIP_OK);
    for (status = l->iterator_seek_first(it); status == FASTSKIP_OK; status = l->iterator_next(it))
        count++;
    REQUIRE(status == FASTSKIP_NOT_FOUND && count == 60);
    l->iterator_free(it);
    l->snapshot_free(snapshot);
    l->table_unref(table);
}

/* ---- a thousand times ---- */

/* What a process has of each kind. */
typedef struct {
    long mappings, files, resident_kib, heap_bytes;
} holdings;

static holdings holdings_now(void)
{
    holdings h = {0, 0, 0, 0};
    FILE *file = fopen("/proc/self/maps", "r");
    DIR *directory = opendir("/proc/self/fd");
    long pages = 0;
    int c;
    REQUIRE(file != NULL && directory != NULL);
    while ((c = getc(file)) != EOF)
        h.mappings += c == '\n';
    fclose(file);
    while (readdir(directory) != NULL)
        h.files++;
    closedir(directory);
    file = fopen("/proc/self/statm", "r");
    REQUIRE(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    h.resident_kib = pages * (sysconf(_SC_PAGESIZE) / 1024);
    h.heap_bytes = (long)mallinfo2().uordblks;
    return h;
}

static void *load_use_drop(void *path)
{
    library l;
    library_load(&l, path);
    use(&l);
    REQUIRE(dlclose(l.handle) == 0);
    return NULL;
}

static void in_a_thread(void *(*body)(void *), void *context)
{
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, body, context) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
}

/* What of a fault would show: a mapping, a descriptor, a page or a byte of heap in every round. Under an
 * emulator, which translates what is loaded anew each time, pages are those of the emulator. */
static void load_again_and_again(const char *path, int stays)
{
    int emulated = getenv("MESON_EXE_WRAPPER") != NULL, rounds = emulated ? ROUNDS / 10 : ROUNDS;
    holdings before, after;
    void *handle;
    mallopt(M_ARENA_MAX, 1); /* else what threads allocate is in heaps of their own, uncounted */
    for (int round = 0; round < WARMING; round++)
        in_a_thread(load_use_drop, (void *)(size_t)path);
    before = holdings_now();
    for (int round = 0; round < rounds; round++)
        in_a_thread(load_use_drop, (void *)(size_t)path);
    after = holdings_now();
    ck_assert_int_le(after.mappings, before.mappings + 4); /* not one by one: neighbours are joined */
    ck_assert_int_eq(after.files, before.files);
    if (!emulated)
        ck_assert_int_le(after.resident_kib, before.resident_kib + 2048);
    ck_assert_int_le(after.heap_bytes, before.heap_bytes + 2048);
    handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    ck_assert_msg((handle != NULL) == stays, "%s %s", path, stays ? "is gone" : "is still there");
}

START_TEST(shipped_a_thousand_times)
{
    load_again_and_again(path_of("FASTSKIP_LIBRARY"), 1);
}
END_TEST

START_TEST(unloaded_a_thousand_times)
{
    load_again_and_again(path_of("FASTSKIP_UNLOADABLE"), 0);
}
END_TEST

/* ---- first calls ---- */

typedef struct {
    pthread_barrier_t *start;
    const char *path; /* NULL: loaded already */
    const library *loaded;
    fastskip_table *shared; /* NULL: none yet */
    unsigned number;
} caller;

static void *first_call(void *context)
{
    const caller *c = context;
    const library *l = c->loaded;
    library own;
    pthread_barrier_wait(c->start);
    if (c->path != NULL) {
        library_load(&own, c->path);
        l = &own;
    }
    if (c->shared != NULL)
        write_and_read(l, c->shared, c->number);
    else if (c->number % 3 != 0)
        use(l);
    REQUIRE(strcmp(l->version(), FASTSKIP_VERSION) == 0);
    if (c->shared == NULL && c->number % 3 == 0)
        use(l);
    if (c->path != NULL)
        REQUIRE(dlclose(own.handle) == 0);
    return NULL;
}

static void first_calls(const char *path, const library *loaded, fastskip_table *shared)
{
    pthread_barrier_t start;
    pthread_t threads[THREADS];
    caller callers[THREADS];
    pthread_barrier_init(&start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        caller c = {&start, path, loaded, shared, i};
        callers[i] = c;
        REQUIRE(pthread_create(&threads[i], NULL, first_call, &callers[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    pthread_barrier_destroy(&start);
}

/* libcheck gives each test a process of its own, so these calls are its first. */
START_TEST(first_calls_of_many_threads)
{
    library l;
    library_load(&l, path_of("FASTSKIP_LIBRARY"));
    first_calls(NULL, &l, NULL);
}
END_TEST

START_TEST(first_writes_to_one_table)
{
    library l;
    fastskip_table *table;
    library_load(&l, path_of("FASTSKIP_LIBRARY"));
    table = table_make(&l);
    first_calls(NULL, &l, table);
    REQUIRE(l.table_check(table) == FASTSKIP_OK);
    for (unsigned i = 0; i < THREADS; i++)
        write_and_read(&l, table, i);
    l.table_unref(table);
}
END_TEST

START_TEST(loaded_by_many_threads_at_once)
{
    first_calls(path_of("FASTSKIP_LIBRARY"), NULL, NULL);
}
END_TEST

START_TEST(loaded_and_unloaded_by_many_threads_at_once)
{
    first_calls(path_of("FASTSKIP_UNLOADABLE"), NULL, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loading");
    TCase *again = tcase_create("again and again"), *first = tcase_create("first calls");
    SRunner *runner;
    int failed;
    tcase_set_timeout(again, 120);
    tcase_add_test(again, shipped_a_thousand_times);
    tcase_add_test(again, unloaded_a_thousand_times);
    suite_add_tcase(suite, again);
    tcase_set_timeout(first, 60);
    tcase_add_loop_test(first, first_calls_of_many_threads, 0, 20);
    tcase_add_loop_test(first, first_writes_to_one_table, 0, 20);
    tcase_add_loop_test(first, loaded_by_many_threads_at_once, 0, 20);
    tcase_add_loop_test(first, loaded_and_unloaded_by_many_threads_at_once, 0, 20);
    suite_add_tcase(suite, first);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner) != 0 || srunner_ntests_run(runner) == 0;
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
