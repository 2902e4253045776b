/* stress.c - see stress.h. */
#define _GNU_SOURCE
#include "stress.h"

#include <check.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_SECONDS 24.0

/* ---- random numbers ---- */

/* splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
uint64_t stress_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t stress_next(stress_random *r)
{
    return stress_mix(r->state += UINT64_C(0x9e3779b97f4a7c15));
}

uint32_t stress_below(stress_random *r, uint32_t n)
{
    return (uint32_t)((stress_next(r) >> 32) * n >> 32);
}

/* ---- failures ---- */

static atomic_int failed;
static char message[512];
static pthread_mutex_t message_lock = PTHREAD_MUTEX_INITIALIZER;

void stress_fail(const char *file, int line, const char *format, ...)
{
    va_list list;
    int used;
    pthread_mutex_lock(&message_lock);
    if (!atomic_load(&failed)) {
        used = snprintf(message, sizeof message, "%s:%d: ", file, line);
        va_start(list, format);
        vsnprintf(message + used, sizeof message - (size_t)used, format, list);
        va_end(list);
        atomic_store(&failed, 1);
    }
    pthread_mutex_unlock(&message_lock);
}

int stress_failed(void)
{
    return atomic_load_explicit(&failed, memory_order_relaxed);
}

int stress_expect(const char *file, int line, const char *call, fastskip_status got,
                  fastskip_status expected)
{
    if (got != expected)
        stress_fail(file, line, "%s: %s, not %s", call, fastskip_strerror(got),
                    fastskip_strerror(expected));
    return got == expected;
}

/* ---- rounds ---- */

static unsigned sharing = 1;

double stress_number(const char *name, double otherwise)
{
    const char *text = getenv(name);
    return text != NULL && *text != 0 ? atof(text) : otherwise;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

unsigned stress_scaled(unsigned n)
{
    double scaled = n * stress_number("FASTSKIP_TEST_SCALE", 1);
    return scaled < 1 ? 1 : (unsigned)scaled;
}

static double seconds_wanted(void)
{
    return stress_number("FASTSKIP_TEST_SECONDS", DEFAULT_SECONDS);
}

void stress_share(unsigned scenarios)
{
    const char *one = getenv("CK_RUN_CASE");
    sharing = one != NULL && *one != 0 ? 1 : scenarios;
}

double stress_timeout(void)
{
    return stress_number("FASTSKIP_TEST_TIMEOUT", 120 + 2 * seconds_wanted());
}

static uint64_t first_seed(void)
{
    const char *text = getenv("FASTSKIP_TEST_SEED");
    struct timespec t;
    if (text != NULL && *text != 0)
        return strtoull(text, NULL, 0);
    clock_gettime(CLOCK_REALTIME, &t);
    return stress_mix((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec) >> 16;
}

void stress_rounds(const char *name, void (*round)(stress_random *))
{
    double start = seconds_now(), end = start + seconds_wanted() / sharing;
    uint64_t seed = first_seed();
    unsigned rounds = 0;
    do {
        stress_random random = {stress_mix(seed)};
        round(&random);
        rounds++;
        if (stress_failed()) {
            ck_abort_msg("%s: %s\n(round %u, FASTSKIP_TEST_SEED=%llu)", name, message, rounds,
                         (unsigned long long)seed);
        }
        seed++;
    } while (seconds_now() < end || !stress_counts_suffice());
    if (getenv("FASTSKIP_TEST_VERBOSE") != NULL)
        stress_counts_print(name, rounds, seconds_now() - start);
}

/* ---- meeting ---- */

void stress_barrier_init(stress_barrier *b, unsigned n)
{
    atomic_init(&b->arrived, 0);
    atomic_init(&b->generation, 0);
    b->n = n;
}

void stress_barrier_wait(stress_barrier *b)
{
    unsigned generation = atomic_load(&b->generation);
    if (atomic_fetch_add(&b->arrived, 1) + 1 == b->n) {
        atomic_store(&b->arrived, 0);
        atomic_store(&b->generation, generation + 1);
        return;
    }
    while (atomic_load(&b->generation) == generation && !stress_failed())
        stress_pause();
}

void stress_lock_take(stress_lock *lock)
{
    while (atomic_exchange(&lock->taken, 1) != 0)
        stress_pause();
}

void stress_lock_leave(stress_lock *lock)
{
    atomic_store(&lock->taken, 0);
}

/* ---- keys ---- */

static void put_big_endian(stress_key *k, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        k->data[k->size++] = (unsigned char)(number >> shift);
}

void stress_key_make(stress_key *k, stress_shape shape, uint32_t number)
{
    k->size = 0;
    switch (shape) {
    case STRESS_ASCENDING:
    case STRESS_DESCENDING:
        k->size = (size_t)snprintf((char *)k->data, sizeof k->data, "key%09u",
                                   shape == STRESS_ASCENDING ? number : 999999999u - number);
        return;
    case STRESS_LONG:
        memset(k->data, 'p', 70);
        k->size = 70;
        put_big_endian(k, number);
        return;
    case STRESS_ZEROS:
        put_big_endian(k, number / 16);
        memset(k->data + k->size, 0, number % 16);
        k->size += number % 16;
        return;
    case STRESS_NESTED: /* the number is below 2^24, so that its first byte is no 'a' */
        memset(k->data, 'a', number % 64);
        k->size = number % 64;
        put_big_endian(k, number / 64);
        return;
    case STRESS_SHORT:
        for (; number != 0; number >>= 8)
            k->data[k->size++] = (unsigned char)number;
        return;
    default: /* odd factors permute the numbers */
        put_big_endian(k, (number * 0x9e3779b1u) ^ ((number * 0x9e3779b1u) >> 15));
        put_big_endian(k, number);
    }
}

int stress_key_compare(const void *a, size_t a_size, const void *b, size_t b_size)
{
    size_t n = a_size < b_size ? a_size : b_size;
    int c = n != 0 ? memcmp(a, b, n) : 0;
    return c != 0 ? c : (a_size > b_size) - (a_size < b_size);
}

/* ---- values ---- */

typedef struct {
    stress_value value;
    uint64_t check;
} value_head;

static uint64_t value_check(const unsigned char *key, size_t key_size, const stress_value *v,
                            size_t size)
{
    uint64_t h = stress_mix(v->owner + (v->number << 20)) ^ stress_mix(v->witness + size);
    h += key_size;
    /* A word at a time: under ThreadSanitizer every access is a call. */
    for (size_t i = 0; i < key_size; i += 8) {
        uint64_t word = 0;
        if (key_size - i >= 8)
            memcpy(&word, key + i, 8);
        else
            memcpy(&word, key + i, key_size - i);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    return h;
}

size_t stress_value_make(unsigned char *buffer, const stress_key *key, const stress_value *value)
{
    uint64_t h = stress_mix(value->number * 64 + value->owner);
    size_t size = sizeof(value_head) + (h % 256 == 0 ? h >> 8 & 2047 : h >> 8 & 31);
    value_head head;
    memset(&head, 0, sizeof head);
    head.value.owner = value->owner;
    head.value.number = value->number;
    head.value.witness = value->witness;
    head.check = value_check(key->data, key->size, value, size);
    memcpy(buffer, &head, sizeof head);
    memset(buffer + sizeof head, (int)(head.check & 0xff), size - sizeof head);
    return size;
}

int stress_value_read(const fastskip_entry *e, stress_value *value)
{
    const unsigned char *bytes = e->value;
    value_head head;
    size_t rest;
    memset(value, 0, sizeof *value);
    if (e->value_size < sizeof head) {
        FAIL("a value of %zu bytes", e->value_size);
        return 0;
    }
    memcpy(&head, bytes, sizeof head);
    if (head.check != value_check(e->key, e->key_size, &head.value, e->value_size)) {
        FAIL("a value that nobody wrote for its key");
        return 0;
    }
    /* One byte, again and again: the first is right, and each is as the one before it. */
    bytes += sizeof head;
    rest = e->value_size - sizeof head;
    if (rest != 0 && (bytes[0] != (head.check & 0xff) || memcmp(bytes, bytes + 1, rest - 1) != 0)) {
        FAIL("a value of %zu bytes is damaged after the first %zu", e->value_size, sizeof head);
        return 0;
    }
    *value = head.value;
    return 1;
}

/* ---- tables ---- */

/* The default order, as a caller's: the same results, by other ways. */
static int32_t compare_bytes(void *context, const void *a, size_t a_size, const void *b,
                             size_t b_size)
{
    (void)context;
    return stress_key_compare(a, a_size, b, b_size);
}

static uint64_t first_bytes(void *context, const void *key, size_t size)
{
    const unsigned char *bytes = key;
    uint64_t number = 0;
    (void)context;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | (i < size ? bytes[i] : 0);
    return number;
}

fastskip_table *stress_table(stress_random *r, const stress_limits *limits)
{
    static const size_t block_sizes[] = {4096, 16384, 65536};
    fastskip_options *o = NULL;
    fastskip_table *table = NULL;
    uint32_t shards = limits != NULL ? limits->shards : 0, order = stress_below(r, 8);
    double checked = stress_number("FASTSKIP_TEST_CHECKS", 0.5);
    uint32_t checks = checked >= 1 ? 3 : checked > 0 ? stress_below(r, (uint32_t)(4 / checked)) : 4;
    OK(fastskip_options_new(&o));
    if (shards == 0 && stress_below(r, 4) != 0)
        shards = 1 + stress_below(r, 3);
    if (shards != 0)
        OK(fastskip_options_set_shards(o, shards));
    if (stress_below(r, 3) == 0)
        OK(fastskip_options_set_block_size(o, block_sizes[stress_below(r, 3)]));
    if (order < 2)
        OK(fastskip_options_set_comparator(o, compare_bytes, order == 0 ? first_bytes : NULL, NULL,
                                           "bytes"));
    if (checks < 4) { /* both, or one of them */
        OK(fastskip_options_set_checksum(o, checks != 0 ? 4 : 0));
        OK(fastskip_options_set_paranoid(o, checks % 2 == 0 || checks == 3));
    }
    if (limits != NULL) {
        OK(fastskip_options_set_sequence_mode(o, limits->mode));
        OK(fastskip_options_set_entry_limit(o, limits->entry_limit));
    }
    if (limits != NULL && limits->memory_limit != 0)
        OK(fastskip_options_set_memory_limit(o, limits->memory_limit));
    else if (SIZE_MAX == UINT32_MAX) /* there is no address space for many as large as the default */
        OK(fastskip_options_set_memory_limit(o, 32 << 20));
    OK(fastskip_table_new(o, &table));
    fastskip_options_free(o);
    if (table == NULL)
        abort();
    return table;
}

/* The first version that is shown of a key is the one that a read finds. */
static void check_newest(const fastskip_table *table, const fastskip_entry *first)
{
    fastskip_entry e;
    if (OK(fastskip_get_raw(table, NULL, first->key, first->key_size, &e)))
        REQUIRE(e.value == first->value && e.kind == first->kind && e.sequence == first->sequence,
                "the newest version is not the first that is shown");
}

/* All versions, which are as many as were counted, each key's in order. */
static void check_versions(fastskip_table *table)
{
    fastskip_iterator *it = NULL;
    fastskip_status s;
    fastskip_entry e, last = {0};
    uint64_t n = 0, keys = 0;
    OK(fastskip_iterator_new(table, NULL, FASTSKIP_ALL_VERSIONS, &it));
    for (s = fastskip_iterator_seek_first(it); s == FASTSKIP_OK; s = fastskip_iterator_next(it)) {
        OK(fastskip_iterator_entry(it, &e));
        if (n++ != 0 && last.key == e.key) {
            REQUIRE(last.sequence >= e.sequence, "an older version has a greater number");
        } else {
            keys++;
            check_newest(table, &e);
        }
        last = e;
    }
    EXPECT(s, FASTSKIP_NOT_FOUND);
    fastskip_iterator_free(it);
    REQUIRE(n == stress_stat(table, FASTSKIP_STAT_VERSIONS), "%llu versions shown, %llu counted",
            (unsigned long long)n, (unsigned long long)stress_stat(table, FASTSKIP_STAT_VERSIONS));
    REQUIRE(keys == stress_stat(table, FASTSKIP_STAT_KEYS), "%llu keys shown, %llu counted",
            (unsigned long long)keys, (unsigned long long)stress_stat(table, FASTSKIP_STAT_KEYS));
}

void stress_table_drop(fastskip_table *table)
{
    OK(fastskip_table_check(table));
    REQUIRE(stress_stat(table, FASTSKIP_STAT_LIVE) + stress_stat(table, FASTSKIP_STAT_TOMBSTONES) ==
                stress_stat(table, FASTSKIP_STAT_KEYS),
            "live keys and tombstones are not all keys");
    if (!stress_failed())
        check_versions(table);
    fastskip_table_unref(table);
}

uint64_t stress_stat(const fastskip_table *table, uint32_t id)
{
    uint64_t number = UINT64_MAX;
    OK(fastskip_table_stat(table, id, &number));
    return number;
}

static void account_compare(const fastskip_table *table, uint32_t id, uint64_t expected,
                            const char *name)
{
    uint64_t number = stress_stat(table, id);
    REQUIRE(number == expected, "statistic %s is %llu, not %llu", name, (unsigned long long)number,
            (unsigned long long)expected);
}

void stress_account_check(const fastskip_table *table, const stress_account *a)
{
    account_compare(table, FASTSKIP_STAT_VERSIONS, a->versions, "versions");
    account_compare(table, FASTSKIP_STAT_VALUE_BYTES, a->value_bytes, "value bytes");
    account_compare(table, FASTSKIP_STAT_KEYS, a->keys, "keys");
    account_compare(table, FASTSKIP_STAT_KEY_BYTES, a->key_bytes, "key bytes");
    if (a->attempts != STRESS_UNCOUNTED)
        account_compare(table, FASTSKIP_STAT_WRITES, a->attempts, "writes");
}

fastskip_status stress_put(fastskip_table *table, const stress_key *key, const stress_value *value)
{
    unsigned char bytes[STRESS_VALUE_ROOM];
    size_t size = stress_value_make(bytes, key, value);
    return fastskip_put(table, key->data, key->size, bytes, size);
}
