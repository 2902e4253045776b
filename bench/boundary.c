/*
 * boundary - what it costs to call into the library.
 *
 *   boundary CALL COUNT
 *
 * Makes COUNT calls and prints the processor time of one in nanoseconds. CALL is
 *
 *   none      of an empty function of this program, as a floor
 *   sealed    of fastskip_table_is_sealed(), the cheapest there is: one load
 *   get       of fastskip_get() of one of 1,000 keys, which stay in cache
 *   next      of fastskip_iterator_next(), from end to end of them
 *   put       of fastskip_put(), which overwrites them
 *
 * bench/boundary.sh links it in every way and compares.
 */
#include <fastskip.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEYS 1000

static char keys[KEYS][16];
static fastskip_table *table;
static fastskip_iterator *iterator;

static void fail(const char *what, fastskip_status status)
{
    fprintf(stderr, "boundary: %s: %s\n", what, fastskip_strerror(status));
    exit(1);
}

static __attribute__((noinline)) int32_t nothing(const fastskip_table *t)
{
    __asm__ volatile("" : : "r"(t) : "memory");
    return 0;
}

/* Each makes count calls, and returns what the compiler must not find out. */

static uint64_t call_none(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += (uint64_t)nothing(table);
    return sum;
}

static uint64_t call_sealed(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += (uint64_t)fastskip_table_is_sealed(table);
    return sum;
}

static uint64_t call_get(uint64_t count)
{
    uint64_t sum = 0;
    fastskip_entry entry;
    for (uint64_t i = 0; i < count; i++) {
        fastskip_status s = fastskip_get(table, NULL, keys[i % KEYS], sizeof keys[0], &entry);
        if (s != FASTSKIP_OK)
            fail("get", s);
        sum += entry.value_size;
    }
    return sum;
}

static uint64_t call_next(uint64_t count)
{
    uint64_t wraps = 0;
    for (uint64_t i = 0; i < count; i++)
        if (fastskip_iterator_next(iterator) != FASTSKIP_OK) {
            if (fastskip_iterator_seek_first(iterator) != FASTSKIP_OK)
                fail("seek", FASTSKIP_NOT_FOUND);
            wraps++;
        }
    return wraps;
}

static uint64_t call_put(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        fastskip_status s = fastskip_put(table, keys[i % KEYS], sizeof keys[0], "value", 5);
        if (s != FASTSKIP_OK)
            fail("put", s);
    }
    return count;
}

static const struct {
    const char *name;
    uint64_t (*run)(uint64_t count);
} calls[] = {
    {"none", call_none}, {"sealed", call_sealed}, {"get", call_get},
    {"next", call_next}, {"put", call_put},
};

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fill(void)
{
    fastskip_options *options;
    fastskip_status s = fastskip_options_new(&options);
    if (s == FASTSKIP_OK)
        s = fastskip_options_set_seed(options, 1); /* so that instructions can be counted */
    if (s == FASTSKIP_OK)
        s = fastskip_options_set_memory_limit(options, UINT64_C(8) << 30);
    if (s == FASTSKIP_OK)
        s = fastskip_table_new(options, &table);
    if (s != FASTSKIP_OK)
        fail("new table", s);
    fastskip_options_free(options);
    for (unsigned i = 0; i < KEYS; i++)
        snprintf(keys[i], sizeof keys[i], "key%012u", i * 7919u % KEYS);
    call_put(KEYS);
    if ((s = fastskip_iterator_new(table, NULL, 0, &iterator)) != FASTSKIP_OK)
        fail("new iterator", s);
}

int main(int argc, char **argv)
{
    uint64_t count = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    volatile uint64_t sink;

    for (size_t c = 0; count > 0 && c < sizeof calls / sizeof calls[0]; c++)
        if (strcmp(argv[1], calls[c].name) == 0) {
            fill();
            double start = cpu_seconds();
            sink = calls[c].run(count);
            (void)sink;
            printf("%.3f\n", (cpu_seconds() - start) * 1e9 / (double)count);
            fastskip_iterator_free(iterator);
            fastskip_table_unref(table);
            return 0;
        }
    fprintf(stderr, "usage: boundary none|sealed|get|next|put COUNT\n");
    return 2;
}
