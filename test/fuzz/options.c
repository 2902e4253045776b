/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * options.c - fuzz target: every setter with values from anywhere, good and bad, in any order; then a table,
 * which must be as the last good values say; then a little use of it.
 *
 * A new setter has a line in `setters`, a function above it, and, where a table shows the setting, a line in
 * require_settings.
 */
#include "fuzz.h"

#include "../orders.h"

#define KIB ((uint64_t)1024)

/* What has been set. */
struct set {
    fastskip_options *options;
    uint32_t shards; /* 0: not set */
    uint64_t memory, entries;
    uint32_t percent, huge_pages, mode;
    int backwards, abbreviated, pooled;
};

static struct world world;

static void expect_set(fastskip_status status, int is_good)
{
    EXPECT(&world, status == (is_good ? FASTSKIP_OK : FASTSKIP_INVALID));
}

/* ---- values ---- */

/* Near powers of two, small, or anything. */
static uint64_t some_number(void)
{
    size_t choice = input_below(4);
    uint64_t power = (uint64_t)1 << input_below(64);
    if (choice == 0)
        return input_below(256);
    return choice == 1 ? power : choice == 2 ? power + input_below(3) - 1 : input_number(8);
}

static uint32_t some_number32(void)
{
    return (uint32_t)some_number();
}

/* ---- setters ---- */

static void set_shards(struct set *s)
{
    uint32_t n = some_number32();
    int is_good = n >= 1 && n <= 1024;
    expect_set(fastskip_options_set_shards(s->options, n), is_good);
    if (is_good)
        s->shards = n;
}

static void set_block_size(struct set *s)
{
    size_t n = (size_t)some_number();
    int is_good = n >= 4 * KIB && n <= KIB * KIB * 64 && (n & (n - 1)) == 0;
    expect_set(fastskip_options_set_block_size(s->options, n), is_good);
}

static void set_memory_limit(struct set *s)
{
    uint64_t n = some_number();
    int is_good = n >= 64 * KIB && n <= 32 * KIB * KIB * KIB;
    expect_set(fastskip_options_set_memory_limit(s->options, n), is_good);
    if (is_good)
        s->memory = n;
}

static void set_entry_limit(struct set *s)
{
    s->entries = some_number();
    expect_set(fastskip_options_set_entry_limit(s->options, s->entries), 1);
}

static void set_backpressure(struct set *s)
{
    uint32_t n = some_number32();
    int is_good = n >= 1 && n <= 100;
    expect_set(fastskip_options_set_backpressure(s->options, n), is_good);
    if (is_good)
        s->percent = n;
}

static void set_huge_pages(struct set *s)
{
    uint32_t n = input_below(4) ? (uint32_t)input_below(4) : some_number32();
    expect_set(fastskip_options_set_huge_pages(s->options, n), n <= FASTSKIP_HUGE_PAGES_INSIST);
    if (n <= FASTSKIP_HUGE_PAGES_INSIST)
        s->huge_pages = n;
}

static void set_sequence_mode(struct set *s)
{
    uint32_t n = input_below(4) ? (uint32_t)input_below(3) : some_number32();
    expect_set(fastskip_options_set_sequence_mode(s->options, n), n <= FASTSKIP_SEQUENCE_CALLER);
    if (n <= FASTSKIP_SEQUENCE_CALLER)
        s->mode = n;
}

static int32_t backwards(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    EXPECT(&world, ctx == &world);
    return bytewise(NULL, b, b_size, a, a_size);
}

static uint64_t backwards_bytes(void *ctx, const void *key, size_t size)
{
    EXPECT(&world, ctx == &world);
    return ~leading_bytes(NULL, key, size);
}

/* Each of the four arguments given or not; names around the limit of 63 bytes. */
static void set_comparator(struct set *s)
{
    size_t given = input_below(16), length = input_below(2) ? 60 + input_below(8) : input_below(60);
    char name[80] = {0};
    int is_good = given == 0 || ((given & 1) && (!(given & 8) || length <= 63));
    if ((given & 1) && !(given & 4)) /* the order looks at its context */
        given |= 4;
    memset(name, 'n', length);
    expect_set(fastskip_options_set_comparator(s->options, given & 1 ? backwards : NULL,
                                               given & 2 ? backwards_bytes : NULL,
                                               given & 4 ? &world : NULL, given & 8 ? name : NULL),
               is_good);
    if (is_good) {
        s->backwards = given & 1;
        s->abbreviated = (given & 2) != 0;
    }
}

static void *never_reserve(void *ctx, size_t size, size_t alignment)
{
    (void)ctx, (void)size, (void)alignment;
    abort_run(&world, "an allocator that was refused is not called", __FILE__, __LINE__);
    return NULL;
}

static int32_t never_commit(void *ctx, void *address, size_t size)
{
    (void)ctx, (void)address, (void)size;
    return 1;
}

static void set_allocator(struct set *s)
{
    size_t given = input_below(8);
    if (given == 7) {
        pool_use(&world, s->options);
        s->pooled = 1;
        return;
    }
    expect_set(fastskip_options_set_allocator(s->options, given & 1 ? never_reserve : NULL,
                                              given & 2 ? never_commit : NULL, NULL,
                                              given & 4 ? &world : NULL),
               given == 0);
    if (given == 0)
        s->pooled = 0;
}

static void set_seed(struct set *s)
{
    expect_set(fastskip_options_set_seed(s->options, some_number()), 1);
}

static void set_nothing(struct set *s)
{
    (void)s;
    expect_set(fastskip_options_set_seed(NULL, some_number()), 0);
    expect_set(fastskip_options_set_shards(NULL, some_number32()), 0);
    expect_set(fastskip_options_new(NULL), 0);
}

static void (*const setters[])(struct set *) = {
    set_shards,       set_block_size, set_memory_limit,  set_entry_limit,
    set_backpressure, set_huge_pages, set_sequence_mode, set_comparator,
    set_allocator,    set_seed,       set_nothing,
};

/* ---- the table ---- */

static uint64_t stat_of(const fastskip_table *t, uint32_t id)
{
    uint64_t number = 0;
    EXPECT(&world, fastskip_table_stat(t, id, &number) == FASTSKIP_OK);
    return number;
}

static fastskip_status write_key(fastskip_table *t, const struct set *s, uint64_t at,
                                 const char *name)
{
    return s->mode == FASTSKIP_SEQUENCE_AUTO
               ? fastskip_put(t, name, strlen(name), "value", 5)
               : fastskip_put_at(t, at, FASTSKIP_PUT, name, strlen(name), "value", 5);
}

/* n * 100 >= limit * percent, without overflow. */
static int reaches(uint64_t n, uint64_t limit, uint32_t percent)
{
    return n >= limit / 100 * percent + (limit % 100 * percent + 99) / 100;
}

static void require_settings(fastskip_table *t, const struct set *s, uint64_t written)
{
    uint64_t used = stat_of(t, FASTSKIP_STAT_MEMORY_USED);
    EXPECT(&world, stat_of(t, FASTSKIP_STAT_MEMORY_LIMIT) == s->memory);
    EXPECT(&world, stat_of(t, FASTSKIP_STAT_MEMORY_RESERVED) <= s->memory);
    EXPECT(&world, used <= stat_of(t, FASTSKIP_STAT_MEMORY_RESERVED));
    EXPECT(&world, s->shards == 0 || stat_of(t, FASTSKIP_STAT_SHARDS) == s->shards);
    EXPECT(&world, stat_of(t, FASTSKIP_STAT_VERSIONS) == written);
    EXPECT(&world, fastskip_table_under_backpressure(t) ==
                       (reaches(used, s->memory, s->percent) ||
                        (s->entries > 0 && reaches(written, s->entries, s->percent))));
}

static void require_order(fastskip_table *t, const struct set *s, uint64_t written)
{
    fastskip_iterator *it = NULL;
    fastskip_entry entry, last = {0};
    uint64_t n = 0;
    fastskip_status status;
    EXPECT(&world, fastskip_iterator_new(t, NULL, 0, &it) == FASTSKIP_OK);
    for (status = fastskip_iterator_seek_first(it); status == FASTSKIP_OK;
         status = fastskip_iterator_next(it), n++) {
        EXPECT(&world, fastskip_iterator_entry(it, &entry) == FASTSKIP_OK);
        if (n > 0) {
            int32_t c = bytewise(NULL, last.key, last.key_size, entry.key, entry.key_size);
            EXPECT(&world, s->backwards ? c > 0 : c < 0);
        }
        last = entry;
    }
    EXPECT(&world, status == FASTSKIP_NOT_FOUND && n == written);
    fastskip_iterator_free(it);
}

static void use_table(fastskip_table *t, const struct set *s)
{
    uint64_t written = 0, keys = few(&world, 100);
    char name[16];
    for (uint64_t i = 0; i < keys; i++) {
        fastskip_status status;
        snprintf(name, sizeof name, "%05u", (unsigned)(i * 40503 % 99991));
        status = write_key(t, s, i + 1, name);
        if (s->entries > 0 && written >= s->entries)
            EXPECT(&world, status == FASTSKIP_FULL);
        else
            EXPECT(&world, status == FASTSKIP_OK ||
                               (status == FASTSKIP_FULL && s->memory < 64 * KIB * KIB));
        written += status == FASTSKIP_OK;
    }
    require_settings(t, s, written);
    require_order(t, s, written);
    EXPECT(&world, fastskip_table_check(t) == FASTSKIP_OK);
}

/* Making it may fail where the system, or the pool, has not so much address space. */
static fastskip_table *make_table(const struct set *s)
{
    fastskip_table *t = NULL;
    fastskip_status status = fastskip_table_new(s->options, &t);
    if (s->pooled && s->huge_pages == FASTSKIP_HUGE_PAGES_INSIST)
        EXPECT(&world, status == FASTSKIP_UNSUPPORTED);
    else if (s->pooled)
        EXPECT(&world, status == (s->memory <= POOL_REGION ? FASTSKIP_OK : FASTSKIP_NO_MEMORY));
    else if (status != FASTSKIP_NO_MEMORY ||
             (s->huge_pages != FASTSKIP_HUGE_PAGES_INSIST && s->memory <= KIB * KIB * KIB))
        EXPECT(&world, status == FASTSKIP_OK);
    EXPECT(&world, (t != NULL) == (status == FASTSKIP_OK));
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct set s = {
        .memory = KIB * KIB * KIB, .percent = 90, .huge_pages = FASTSKIP_HUGE_PAGES_ASK};
    fastskip_table *t, *fresh = NULL;
    input_begin(data, size);
    EXPECT(&world, fastskip_options_new(&s.options) == FASTSKIP_OK);
    if (input_below(64) > 0) { /* mostly cheap tables */
        pool_use(&world, s.options);
        s.pooled = 1;
        s.memory = 1024 * KIB;
        expect_set(fastskip_options_set_memory_limit(s.options, s.memory), 1);
    }
    for (size_t n = input_below(16); n > 0; n--)
        setters[input_below(sizeof setters / sizeof *setters)](&s);
    t = make_table(&s);
    fastskip_options_free(s.options);
    if (t != NULL) {
        use_table(t, &s);
        /* A fresh table is made as this one was. */
        if (input_below(4) == 0 && fastskip_table_rotate(t, &fresh) == FASTSKIP_OK)
            use_table(fresh, &s);
        fastskip_table_unref(fresh);
        fastskip_table_unref(t);
    }
    EXPECT(&world, pool_is_whole());
    return 0;
}
