/*
 * speed - what the operations of a table cost here: CPU time an operation, one thread.
 *
 *     speed [entries [rounds]]
 *
 * Keys are "user" and 16 digits in random order, values 100 bytes.  Everything is made before the clock
 * starts, and keys lie in the order in which they are asked for, so that reading them costs no cache
 * miss.  The median of the rounds is printed.
 */
#define _GNU_SOURCE
#include <fastskip.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEY_SIZE 20
#define VALUE_SIZE 100
#define GROUP 16
#define BATCH 100
#define ROUNDS_MOST 25

enum {
    FILL_RANDOM,
    FILL_SEQUENTIAL,
    FILL_BATCH,
    OVERWRITE,
    READ_RANDOM,
    READ_MISSING,
    MULTI_READ,
    SEEK_10,
    READ_FORWARD,
    READ_FORWARD_MANY,
    READ_BACKWARD,
    MEASURES
};

static const char *const names[MEASURES] = {"fillrandom",           "fillseq",
                                            "fillbatch (100)",      "overwrite",
                                            "readrandom",           "readmissing",
                                            "multireadrandom (16)", "seekrandom + 10 next",
                                            "readseq, a call each", "readseq, next_many(64)",
                                            "readreverse"};

static double cost[MEASURES][ROUNDS_MOST];
static char value[VALUE_SIZE];
static unsigned long sum; /* of what was read, so that reading is not optimised away */

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void require(fastskip_status status, const char *what)
{
    if (status == FASTSKIP_OK)
        return;
    fprintf(stderr, "speed: %s: %s\n", what, fastskip_strerror(status));
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

/* n keys, shuffled or ascending; those of odd numbers are never written. */
static char *make_keys(size_t n, int shuffled, unsigned odd)
{
    char *keys = malloc(n * KEY_SIZE + 1);
    uint32_t *order = malloc(n * sizeof *order);
    if (keys == NULL || order == NULL) {
        perror("speed: keys");
        exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n - 1; shuffled && i > 0; i--) {
        size_t j = (size_t)(next_random() % (i + 1));
        uint32_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    for (size_t i = 0; i < n; i++)
        sprintf(keys + i * KEY_SIZE, "user%016" PRIu64, (uint64_t)order[i] * 2 + odd);
    free(order);
    return keys;
}

static fastskip_table *new_table(size_t n)
{
    fastskip_options *o;
    fastskip_table *t;
    require(fastskip_options_new(&o), "options");
    require(fastskip_options_set_memory_limit(o, (uint64_t)n * 400 + (UINT64_C(64) << 20)),
            "memory limit");
    require(fastskip_table_new(o, &t), "table");
    fastskip_options_free(o);
    return t;
}

static void take(int measure, int round, double start, size_t n)
{
    cost[measure][round] = (cpu_seconds() - start) * 1e9 / (double)n;
}

static void put_all(fastskip_table *t, const char *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        require(fastskip_put(t, keys + i * KEY_SIZE, KEY_SIZE, value, sizeof value), "put");
}

static void get_all(fastskip_table *t, const char *keys, size_t n, fastskip_status expected)
{
    fastskip_entry e;
    for (size_t i = 0; i < n; i++) {
        if (fastskip_get(t, NULL, keys + i * KEY_SIZE, KEY_SIZE, &e) != expected)
            require(FASTSKIP_CORRUPT, "get");
        if (expected == FASTSKIP_OK)
            sum += *(const unsigned char *)e.value;
    }
}

static void multi_get_all(fastskip_table *t, const char *keys, size_t n)
{
    const void *group[GROUP];
    size_t sizes[GROUP];
    fastskip_entry e[GROUP];
    fastskip_status s[GROUP];
    for (size_t i = 0; i + GROUP <= n; i += GROUP) {
        for (size_t j = 0; j < GROUP; j++) {
            group[j] = keys + (i + j) * KEY_SIZE;
            sizes[j] = KEY_SIZE;
        }
        require(fastskip_get_many(t, NULL, GROUP, group, sizes, e, s), "get_many");
        for (size_t j = 0; j < GROUP; j++) {
            require(s[j], "get_many");
            sum += *(const unsigned char *)e[j].value;
        }
    }
}

static void batch_all(fastskip_table *t, const char *keys, size_t n)
{
    fastskip_batch *b;
    require(fastskip_batch_new(&b), "batch");
    for (size_t i = 0; i < n;) {
        for (size_t end = i + BATCH; i < n && i < end; i++)
            require(fastskip_batch_put(b, keys + i * KEY_SIZE, KEY_SIZE, value, sizeof value),
                    "batch");
        require(fastskip_write(t, b), "write");
        fastskip_batch_clear(b);
    }
    fastskip_batch_free(b);
}

static void seek_some(fastskip_table *t, const char *keys, size_t n)
{
    fastskip_iterator *it;
    fastskip_entry e;
    require(fastskip_iterator_new(t, NULL, 0, &it), "iterator");
    for (size_t i = 0; i < n; i++) {
        fastskip_status s = fastskip_iterator_seek(it, keys + i * KEY_SIZE, KEY_SIZE);
        for (int j = 0; j < 10 && s == FASTSKIP_OK; j++) {
            require(fastskip_iterator_entry(it, &e), "entry");
            sum += *(const unsigned char *)e.value;
            s = fastskip_iterator_next(it);
        }
    }
    fastskip_iterator_free(it);
}

static size_t scan(fastskip_table *t, int backwards)
{
    fastskip_iterator *it;
    fastskip_entry e;
    fastskip_status s;
    size_t n = 0;
    require(fastskip_iterator_new(t, NULL, 0, &it), "iterator");
    s = backwards ? fastskip_iterator_seek_last(it) : fastskip_iterator_seek_first(it);
    for (; s == FASTSKIP_OK; n++) {
        require(fastskip_iterator_entry(it, &e), "entry");
        sum += *(const unsigned char *)e.key + *(const unsigned char *)e.value;
        s = backwards ? fastskip_iterator_prev(it) : fastskip_iterator_next(it);
    }
    fastskip_iterator_free(it);
    return n;
}

static size_t scan_many(fastskip_table *t)
{
    fastskip_iterator *it;
    fastskip_entry e[64];
    size_t n = 0, count;
    require(fastskip_iterator_new(t, NULL, 0, &it), "iterator");
    fastskip_iterator_seek_first(it);
    for (; fastskip_iterator_next_many(it, e, 64, &count) == FASTSKIP_OK; n += count)
        for (size_t i = 0; i < count; i++)
            sum += *(const unsigned char *)e[i].key + *(const unsigned char *)e[i].value;
    fastskip_iterator_free(it);
    return n;
}

/* The keys of a round: as written, as asked for, absent ones, in ascending order. */
typedef struct {
    size_t n;
    char *written, *asked, *missing, *ascending;
} key_set;

static void reads(fastskip_table *t, const key_set *k, int round)
{
    double start = cpu_seconds();
    get_all(t, k->asked, k->n, FASTSKIP_OK);
    take(READ_RANDOM, round, start, k->n);
    start = cpu_seconds();
    get_all(t, k->missing, k->n, FASTSKIP_NOT_FOUND);
    take(READ_MISSING, round, start, k->n);
    start = cpu_seconds();
    multi_get_all(t, k->asked, k->n);
    take(MULTI_READ, round, start, k->n);
    start = cpu_seconds();
    seek_some(t, k->asked, k->n / 10);
    take(SEEK_10, round, start, k->n / 10);
}

static void scans(fastskip_table *t, const key_set *k, int round)
{
    double start = cpu_seconds();
    size_t forward = scan(t, 0), many, backward;
    take(READ_FORWARD, round, start, k->n);
    start = cpu_seconds();
    many = scan_many(t);
    take(READ_FORWARD_MANY, round, start, k->n);
    start = cpu_seconds();
    backward = scan(t, 1);
    take(READ_BACKWARD, round, start, k->n);
    if (forward != k->n || many != k->n || backward != k->n)
        require(FASTSKIP_CORRUPT, "scan");
}

/* Returns the bytes of the region that each entry takes. */
static double one_round(int round, const key_set *k)
{
    fastskip_table *t = new_table(k->n);
    uint64_t used;
    double start = cpu_seconds();
    put_all(t, k->written, k->n);
    take(FILL_RANDOM, round, start, k->n);
    require(fastskip_table_stat(t, FASTSKIP_STAT_MEMORY_USED, &used), "stat");
    reads(t, k, round);
    scans(t, k, round);
    start = cpu_seconds();
    put_all(t, k->asked, k->n);
    take(OVERWRITE, round, start, k->n);
    require(fastskip_table_check(t), "check");
    fastskip_table_unref(t);

    t = new_table(k->n);
    start = cpu_seconds();
    put_all(t, k->ascending, k->n);
    take(FILL_SEQUENTIAL, round, start, k->n);
    fastskip_table_unref(t);

    t = new_table(k->n);
    start = cpu_seconds();
    batch_all(t, k->written, k->n);
    take(FILL_BATCH, round, start, k->n);
    fastskip_table_unref(t);
    return (double)used / (double)k->n;
}

/* Resident memory of this process, in KiB. */
static long resident(void)
{
    long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    if (f != NULL)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static double empty_table(void)
{
    enum { TABLES = 200 };
    fastskip_table *t[TABLES];
    long before;
    double each;
    require(fastskip_table_new(NULL, &t[0]), "table");
    before = resident();
    for (int i = 1; i < TABLES; i++)
        require(fastskip_table_new(NULL, &t[i]), "table");
    each = (double)(resident() - before) / (TABLES - 1);
    for (int i = 0; i < TABLES; i++)
        fastskip_table_unref(t[i]);
    return each;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int count, char **arguments)
{
    size_t n = count > 1 ? strtoull(arguments[1], NULL, 10) : 1000000;
    int rounds = count > 2 ? atoi(arguments[2]) : 5;
    double bytes = 0, empty = empty_table();
    if (n < GROUP || n > UINT32_MAX / 2 || rounds < 1 || rounds > ROUNDS_MOST) {
        fprintf(stderr, "usage: speed [entries [rounds, at most %d]]\n", ROUNDS_MOST);
        return EXIT_FAILURE;
    }
    memset(value, 'v', sizeof value);
    for (int r = 0; r < rounds; r++) {
        key_set k = {n, make_keys(n, 1, 0), NULL, NULL, NULL};
        k.asked = make_keys(n, 1, 0);
        k.missing = make_keys(n, 1, 1);
        k.ascending = make_keys(n, 0, 0);
        bytes = one_round(r, &k);
        free(k.written);
        free(k.asked);
        free(k.missing);
        free(k.ascending);
    }
    printf("fastskip %s (%s), %zu entries, keys of %d and values of %d bytes, %d rounds\n",
           fastskip_version(), fastskip_build(), n, KEY_SIZE, VALUE_SIZE, rounds);
    printf("%-24s %10s %10s %10s   CPU ns an operation\n", "", "median", "least", "most");
    for (int m = 0; m < MEASURES; m++) {
        qsort(cost[m], (size_t)rounds, sizeof cost[m][0], by_size);
        printf("%-24s %10.1f %10.1f %10.1f\n", names[m], cost[m][rounds / 2], cost[m][0],
               cost[m][rounds - 1]);
    }
    printf("%-24s %10.1f bytes, key and value included\n", "memory an entry", bytes);
    printf("%-24s %10.1f KiB resident\n", "empty table", empty);
    return sum != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
