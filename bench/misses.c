/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * misses-of OPERATION [checksum] [paranoid] - fills a table, then does one operation many times; bench/misses counts what the
 * operation takes by running this under cachegrind with it and with "nothing". One thread, fixed seeds, and
 * the same keys are made whatever the operation, so that the difference is the operation alone.
 *
 * Prints how many operations were done: a key of a group or batch counts as one.
 */
#include <fastskip.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES ((size_t)30000)
#define OPERATIONS ((size_t)9600) /* a multiple of groups and batches */
#define KEY_SIZE 20
#define GROUP 16
#define BATCH 100

static char *present, *absent, *above; /* keys: of the table in random order; between; beyond it */
static char value[100];
static fastskip_table *table;

static void require(fastskip_status status, const char *what)
{
    if (status == FASTSKIP_OK)
        return;
    fprintf(stderr, "misses-of: %s: %s\n", what, fastskip_strerror(status));
    exit(EXIT_FAILURE);
}

static uint64_t next_random(void)
{
    static uint64_t state = UINT64_C(88172645463325252);
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static char *make_keys(size_t n, uint64_t first, uint64_t step, int shuffled)
{
    char *keys = malloc(n * KEY_SIZE + 1), swap[KEY_SIZE];
    if (keys == NULL)
        require(FASTSKIP_NO_MEMORY, "keys");
    for (size_t i = 0; i < n; i++)
        sprintf(keys + i * KEY_SIZE, "user%016" PRIu64, first + i * step);
    for (size_t i = n - 1; shuffled && i > 0; i--) {
        char *a = keys + i * KEY_SIZE, *b = keys + next_random() % (i + 1) * KEY_SIZE;
        memcpy(swap, a, KEY_SIZE);
        memcpy(a, b, KEY_SIZE);
        memcpy(b, swap, KEY_SIZE);
    }
    return keys;
}

static size_t put_keys(const char *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        require(fastskip_put(table, keys + i * KEY_SIZE, KEY_SIZE, value, sizeof value), "put");
    return n;
}

static size_t get_keys(const char *keys, fastskip_status expected)
{
    fastskip_entry e;
    for (size_t i = 0; i < OPERATIONS; i++)
        if (fastskip_get(table, NULL, keys + i * KEY_SIZE, KEY_SIZE, &e) != expected)
            require(FASTSKIP_CORRUPT, "get");
    return OPERATIONS;
}

static size_t nothing(void)
{
    return 0;
}

static size_t put_new(void)
{
    return put_keys(absent, OPERATIONS);
}

static size_t put_ascending(void)
{
    return put_keys(above, OPERATIONS);
}

static size_t put_overwrite(void)
{
    return put_keys(present + (ENTRIES - OPERATIONS) * KEY_SIZE, OPERATIONS);
}

static size_t delete_present(void)
{
    for (size_t i = 0; i < OPERATIONS; i++)
        require(fastskip_delete(table, present + i * KEY_SIZE, KEY_SIZE), "delete");
    return OPERATIONS;
}

static size_t get_hit(void)
{
    return get_keys(present, FASTSKIP_OK);
}

static size_t get_miss(void)
{
    return get_keys(absent, FASTSKIP_NOT_FOUND);
}

static size_t get_many(void)
{
    const void *keys[GROUP];
    size_t sizes[GROUP];
    fastskip_entry e[GROUP];
    fastskip_status s[GROUP];
    for (size_t i = 0; i < OPERATIONS; i += GROUP) {
        for (size_t j = 0; j < GROUP; j++) {
            keys[j] = present + (i + j) * KEY_SIZE;
            sizes[j] = KEY_SIZE;
        }
        require(fastskip_get_many(table, NULL, GROUP, keys, sizes, e, s), "get_many");
    }
    return OPERATIONS;
}

static size_t batch_put(void)
{
    fastskip_batch *b;
    require(fastskip_batch_new(&b), "batch");
    for (size_t i = 0; i < OPERATIONS; i++) {
        require(fastskip_batch_put(b, absent + i * KEY_SIZE, KEY_SIZE, value, sizeof value),
                "batch");
        if ((i + 1) % BATCH == 0) {
            require(fastskip_write(table, b), "write");
            fastskip_batch_clear(b);
        }
    }
    fastskip_batch_free(b);
    return OPERATIONS;
}

static fastskip_iterator *iterator(void)
{
    fastskip_iterator *it;
    require(fastskip_iterator_new(table, NULL, 0, &it), "iterator");
    return it;
}

static size_t seek_10(void)
{
    fastskip_iterator *it = iterator();
    fastskip_entry e;
    for (size_t i = 0; i < OPERATIONS; i++) {
        fastskip_status s = fastskip_iterator_seek(it, present + i * KEY_SIZE, KEY_SIZE);
        for (int j = 0; j < 10 && s == FASTSKIP_OK; j++) {
            require(fastskip_iterator_entry(it, &e), "entry");
            s = fastskip_iterator_next(it);
        }
    }
    fastskip_iterator_free(it);
    return OPERATIONS;
}

static size_t next(void)
{
    fastskip_iterator *it = iterator();
    fastskip_entry e;
    size_t n = 0;
    for (fastskip_status s = fastskip_iterator_seek_first(it); s == FASTSKIP_OK; n++) {
        require(fastskip_iterator_entry(it, &e), "entry");
        s = fastskip_iterator_next(it);
    }
    fastskip_iterator_free(it);
    return n;
}

static size_t next_many(void)
{
    fastskip_iterator *it = iterator();
    fastskip_entry e[64];
    size_t n = 0, count;
    require(fastskip_iterator_seek_first(it), "seek");
    while (fastskip_iterator_next_many(it, e, 64, &count) == FASTSKIP_OK)
        n += count;
    fastskip_iterator_free(it);
    return n;
}

static size_t prev(void)
{
    fastskip_iterator *it = iterator();
    fastskip_entry e;
    size_t n = 0;
    for (fastskip_status s = fastskip_iterator_seek_last(it); s == FASTSKIP_OK; n++) {
        require(fastskip_iterator_entry(it, &e), "entry");
        s = fastskip_iterator_prev(it);
    }
    fastskip_iterator_free(it);
    return n;
}

static const struct {
    const char *name;
    size_t (*run)(void);
} operations[] = {{"nothing", nothing},
                  {"put-new", put_new},
                  {"put-ascending", put_ascending},
                  {"put-overwrite", put_overwrite},
                  {"delete", delete_present},
                  {"batch-put", batch_put},
                  {"get-hit", get_hit},
                  {"get-miss", get_miss},
                  {"get-many-16", get_many},
                  {"seek-10", seek_10},
                  {"next", next},
                  {"next-many", next_many},
                  {"prev", prev}};

/*
 * The same on every machine: no huge pages, heights from a fixed seed, and a shard for each processor, as
 * the default is, but as many everywhere. One thread on one processor uses one of them.
 */
static int is_asked_for(int count, char **arguments, const char *option)
{
    for (int i = 2; i < count; i++)
        if (strcmp(arguments[i], option) == 0)
            return 1;
    return 0;
}

static void make_table(int count, char **arguments)
{
    uint32_t bytes = is_asked_for(count, arguments, "checksum") ? 4 : 0;
    uint32_t paranoid = is_asked_for(count, arguments, "paranoid") ? 1 : 0;
    fastskip_options *o;
    require(fastskip_options_new(&o), "options");
    require(fastskip_options_set_shards(o, 256), "shards");
    require(fastskip_options_set_seed(o, 42), "seed");
    require(fastskip_options_set_huge_pages(o, FASTSKIP_HUGE_PAGES_NEVER), "pages");
    require(fastskip_options_set_memory_limit(o, UINT64_C(64) << 20), "limit");
    require(fastskip_options_set_checksum(o, bytes), "checksum");
    require(fastskip_options_set_paranoid(o, paranoid), "paranoid");
    require(fastskip_table_new(o, &table), "table");
    fastskip_options_free(o);
    put_keys(present, ENTRIES);
}

int main(int count, char **arguments)
{
    const size_t known = sizeof operations / sizeof *operations;
    present = make_keys(ENTRIES, 0, 2, 1);
    absent = make_keys(ENTRIES, 1, 2, 1);
    above = make_keys(OPERATIONS, ENTRIES * 2, 1, 0);
    memset(value, 'v', sizeof value);
    make_table(count, arguments);
    for (size_t i = 0; i < known; i++)
        if (count >= 2 && strcmp(arguments[1], operations[i].name) == 0) {
            printf("%zu\n", operations[i].run());
            fastskip_table_unref(table);
            free(present);
            free(absent);
            free(above);
            return EXIT_SUCCESS;
        }
    fprintf(stderr, "usage: misses-of OPERATION [checksum] [paranoid], one of:");
    for (size_t i = 0; i < known; i++)
        fprintf(stderr, " %s", operations[i].name);
    fputc('\n', stderr);
    return EXIT_FAILURE;
}
