/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * scenarios.h - what the threads of versions.c do, and whether what they did was right.
 */

typedef enum { END_OF_THREAD, GET, PUT, INSERT, BATCH, ABORT, SNAPSHOT, LISTING } kind;

/* A value of 0 deletes.  A batch has both keys, or only the first: key2 is NO_KEY then.  A snapshot reads
 * both keys, this one first. */
typedef struct {
    int8_t kind, key, value, key2, value2;
} operation;

#define NO_KEY (-1)
#define EACH 3 /* operations of a thread */
#define OLD 9  /* the value of both keys at the beginning, where they have one */

typedef struct {
    const char *name;
    int loaded; /* both keys exist */
    operation thread[THREADS_MOST][EACH];
} scenario;

static const scenario scenarios[] = {
    /* Snapshots. */
    {"puts", 0, {{{PUT, 0, 1}, {PUT, 1, 2}}, {{PUT, 0, 3}}, {{SNAPSHOT, 0}, {SNAPSHOT, 1}}}},
    {"puts-old", 1, {{{PUT, 0, 1}}, {{PUT, 0, 2}}, {{SNAPSHOT, 1}, {LISTING, 0}}}},
    {"three-puts-old", 1, {{{PUT, 0, 1}, {PUT, 0, 4}}, {{PUT, 0, 2}}, {{PUT, 0, 3}, {GET, 0}}}},
    {"get-snapshot", 0, {{{PUT, 0, 1}}, {{PUT, 1, 2}}, {{GET, 0}, {SNAPSHOT, 0}}, {{GET, 1}}}},
    /* One batch. */
    {"batch-put", 0, {{{BATCH, 0, 1, 1, 1}}, {{PUT, 0, 2}}, {{SNAPSHOT, 0}}}},
    {"batch-put-old", 1, {{{BATCH, 0, 1, 1, 1}}, {{PUT, 0, 2}}, {{SNAPSHOT, 0}}}},
    {"batch-two-puts",
     0,
     {{{BATCH, 0, 1, 1, 1}}, {{PUT, 0, 2}, {PUT, 0, 3}}, {{GET, 0}, {GET, 1}}}},
    {"batch-puts", 1, {{{BATCH, 0, 1, 1, 1}}, {{PUT, 0, 2}}, {{PUT, 0, 3}}, {{GET, 0}}}},
    {"batch-gets", 0, {{{BATCH, 0, 1, 1, 1}}, {{GET, 0}, {GET, 1}}, {{GET, 1}, {GET, 0}}}},
    {"batch-then-put",
     0,
     {{{BATCH, 0, 1, 1, 1}, {PUT, 0, 5}}, {{PUT, 0, 2}}, {{GET, 0}, {GET, 0}}}},
    /* Two batches: they can have the same stamp, and settle while others look. */
    {"two-batches", 0, {{{BATCH, 0, 1, 1, 1}}, {{BATCH, 1, 2, 0, 2}}, {{SNAPSHOT, 0}}}},
    {"two-batches-get", 0, {{{BATCH, 0, 1, 1, 1}}, {{BATCH, 1, 2, 0, 2}}, {{GET, 0}}}},
    {"two-batches-old", 1, {{{BATCH, 0, 1, 1, 1}}, {{BATCH, 0, 2, 1, 2}}, {{SNAPSHOT, 0}}}},
    {"two-batches-gets", 0, {{{BATCH, 0, 1, 1, 1}}, {{BATCH, 0, 2, 1, 2}}, {{GET, 0}, {GET, 1}}}},
    {"two-batches-put", 0, {{{BATCH, 0, 1, 1, 1}}, {{BATCH, 0, 2, 1, 2}}, {{PUT, 0, 3}}}},
    {"two-batches-put-old", 1, {{{BATCH, 0, 1, 1, 1}}, {{BATCH, 0, 2, 1, 2}}, {{PUT, 0, 3}}}},
    {"two-batches-listing", 0, {{{BATCH, 0, 1, NO_KEY}}, {{BATCH, 0, 2, NO_KEY}}, {{LISTING, 0}}}},
    {"three-batches",
     0,
     {{{BATCH, 0, 1, NO_KEY}}, {{BATCH, 0, 2, NO_KEY}}, {{BATCH, 0, 3, NO_KEY}}}},
    {"batch-after-batch",
     0,
     {{{BATCH, 0, 1, 1, 1}, {BATCH, 0, 2, 1, 2}}, {{PUT, 0, 3}}, {{GET, 0}, {GET, 1}}}},
    {"tie-and-pushers",
     1,
     {{{BATCH, 0, 1, NO_KEY}}, {{BATCH, 0, 2, NO_KEY}}, {{PUT, 0, 3}}, {{GET, 0}}}},
    /* Aborted batches. */
    {"abort", 0, {{{ABORT, 0, 7, NO_KEY}}, {{PUT, 0, 2}, {GET, 0}}, {{BATCH, 0, 1, 1, 1}}}},
    {"abort-insert", 0, {{{ABORT, 0, 7, 1, 7}}, {{INSERT, 0, 2}, {GET, 0}}, {{INSERT, 0, 3}}}},
    {"abort-abort",
     0,
     {{{ABORT, 0, 7, NO_KEY}}, {{ABORT, 0, 8, NO_KEY}}, {{PUT, 0, 1}}, {{GET, 0}}}},
    {"abort-batch-insert",
     0,
     {{{ABORT, 0, 7, NO_KEY}}, {{BATCH, 0, 1, NO_KEY}}, {{INSERT, 0, 2}, {GET, 0}}}},
    {"abort-only", 0, {{{ABORT, 0, 7, 1, 7}}, {{ABORT, 1, 8, 0, 8}}, {{SNAPSHOT, 0}}}},
    /* Insert if absent, which a batch makes void. */
    {"insert-batch", 0, {{{BATCH, 0, 1, 1, 1}}, {{INSERT, 0, 2}}, {{GET, 0}, {SNAPSHOT, 1}}}},
    {"insert-insert", 0, {{{BATCH, 0, 1, NO_KEY}}, {{INSERT, 0, 2}, {GET, 0}}, {{INSERT, 0, 3}}}},
    {"insert-delete", 1, {{{BATCH, 0, 0, 1, 0}}, {{INSERT, 0, 2}}, {{PUT, 0, 0}}}},
    {"insert-two-batches", 0, {{{BATCH, 0, 1, NO_KEY}}, {{BATCH, 0, 0, NO_KEY}}, {{INSERT, 0, 2}}}},
    {"insert-put", 0, {{{BATCH, 0, 1, NO_KEY}}, {{INSERT, 0, 2}}, {{PUT, 0, 3}}, {{GET, 0}}}},
    {"insert-listing", 0, {{{BATCH, 0, 1, NO_KEY}}, {{INSERT, 0, 2}}, {{LISTING, 0}}}},
    {"delete-insert", 0, {{{BATCH, 0, 1, 1, 1}, {PUT, 0, 0}}, {{INSERT, 0, 2}}, {{GET, 0}}}},
};

static const scenario *scene;
static operation operations[OPERATIONS];
static int operation_count, operation_of[THREADS_MOST][EACH], record_of[OPERATIONS];

/* ---- what a thread does ---- */

static void count(int key)
{
    g.counted[key]++;
}

/* Operations have their own versions, so that equal states look equal. */
static int version_make(int number, int which, int value, int owner)
{
    int i = number * KEYS + which + 1;
    g.versions[i].value = (int8_t)value;
    g.versions[i].owner = (int8_t)owner;
    g.versions[i].word = owner > 0 ? (uint16_t)(RECORD | owner) : 0;
    return i;
}

static void batch(const operation *o, int number)
{
    int record = record_of[number], n = o->key2 == NO_KEY ? 1 : 2, made[2], live;
    unsigned stamp = NEVER;
    int key[2] = {o->key, o->key2}, value[2] = {o->value, o->value2};
    for (int i = 0; i < n; i++) {
        made[i] = version_make(number, i, value[i], record);
        publish(key[i], made[i], &live);
    }
    BEGIN(g.before[number] = g.done);
    if (o->kind == ABORT) {
        STORE(g.record[record], ABORTED);
    } else if (FAULT == SETTLE_FIRST) {
        stamp = clock_snapshot() + 1;
    } else {
        STORE(g.record[record], COMMITTING);
        /* The owner does not pass itself over. */
        stamp = FAULT == NO_HELP ? clock_snapshot() + 1 : record_stamp(record);
        if (FAULT == NO_HELP)
            STORE(g.record[record], (int8_t)stamp);
    }
    if (FAULT != SETTLE_FIRST)
        END(g.done |= 1 << number);
    for (int i = 0; i < n; i++) {
        int created = g.inlined[key[i]] == made[i], owed = settle(made[i], stamp);
        if (stamp == NEVER)
            continue;
        if (!created)
            owed = claim_count(key[i]);
        if (owed || (FAULT == COUNT_ALWAYS && created))
            count(key[i]);
    }
    if (FAULT == SETTLE_FIRST && o->kind != ABORT)
        STORE(g.record[record], (int8_t)stamp);
    END(g.done |= 1 << number);
}

static void single(const operation *o, int number)
{
    int i = version_make(number, 0, o->value, o->kind == INSERT ? CONDITIONAL : 0), live = 0, how;
    BEGIN(g.before[number] = g.done);
    how = publish(o->key, i, &live);
    g.result[number][0] = (int8_t)live;
    END(g.done |= 1 << number);
    if (how != LIVE && (how == CREATED || claim_count(o->key)))
        count(o->key);
}

static void snapshot(const operation *o, int number)
{
    unsigned s;
    BEGIN(g.before[number] = g.done);
    s = clock_snapshot();
    END(g.done |= 1 << number);
    if (o->kind == LISTING) {
        seen all[VERSIONS];
        int n = all_versions(o->key, s, all), value = n != 0 ? g.versions[all[0].version].value : 0;
        g.result[number][0] = (int8_t)value;
        if (read_at(o->key, s) != value)
            FAIL("a listing and a read differ");
        return;
    }
    for (int i = 0; i < KEYS; i++) {
        int key = o->key ^ i;
        g.result[number][key] = (int8_t)read_at(key, s);
    }
    for (int key = 0; key < KEYS; key++)
        if (read_at(key, s) != g.result[number][key])
            FAIL("a snapshot read twice differs");
}

static void body(int thread)
{
    for (int i = 0; i < EACH && scene->thread[thread][i].kind != END_OF_THREAD; i++) {
        const operation *o = &scene->thread[thread][i];
        int number = operation_of[thread][i];
        switch (o->kind) {
        case GET:
            BEGIN(g.before[number] = g.done);
            g.result[number][0] = (int8_t)read_at(o->key, LATEST);
            END(g.done |= 1 << number);
            break;
        case PUT:
        case INSERT:
            single(o, number);
            break;
        case BATCH:
        case ABORT:
            batch(o, number);
            break;
        default:
            snapshot(o, number);
        }
    }
}

/* ---- was it right ---- */

/* Could operation n come now, when the keys have these values? */
static int fits(int n, int *value)
{
    const operation *o = &operations[n];
    const int8_t *result = g.result[n];
    switch (o->kind) {
    case GET:
    case LISTING:
        return result[0] == value[o->key];
    case INSERT:
        if (result[0] != value[o->key])
            return 0;
        if (result[0] == 0)
            value[o->key] = o->value;
        return 1;
    case PUT:
        value[o->key] = o->value;
        return 1;
    case BATCH:
        value[o->key] = o->value;
        if (o->key2 != NO_KEY)
            value[o->key2] = o->value2;
        return 1;
    case SNAPSHOT:
        return result[0] == value[0] && result[1] == value[1];
    default:
        return 1;
    }
}

static int is_linear(unsigned done, const int *value)
{
    if (done == (1u << operation_count) - 1)
        return 1;
    for (int n = 0; n < operation_count; n++) {
        int after[KEYS];
        if ((done >> n & 1) != 0 || (g.before[n] & ~done) != 0)
            continue;
        memcpy(after, value, sizeof after);
        if (fits(n, after) && is_linear(done | 1u << n, after))
            return 1;
    }
    return 0;
}

static void check_counts(int key)
{
    int expected = scene->loaded;
    for (int n = 0; n < operation_count; n++) {
        const operation *o = &operations[n];
        int here = o->key == key || (o->kind == BATCH && o->key2 == key);
        if (here &&
            (o->kind == PUT || o->kind == BATCH || (o->kind == INSERT && g.result[n][0] == 0)))
            expected = 1;
    }
    ASSERT(g.counted[key] == expected);
}

static void check_listing(int key)
{
    seen all[VERSIONS];
    int n = all_versions(key, LATEST, all);
    for (unsigned limit = 0; limit <= g.clock; limit++) {
        int i = 0;
        while (i < n && all[i].stamp > limit)
            i++;
        if (read_at(key, limit) != (i < n ? g.versions[all[i].version].value : 0))
            FAIL("a listing and a read differ");
    }
}

static void at_end(void)
{
    static state_hash known[1 << 12];
    int value[KEYS], own = operation_count;
    struct {
        uint16_t before[OPERATIONS];
        int8_t result[OPERATIONS][KEYS];
    } history;
    state_hash h;
    for (int key = 0; key < KEYS; key++) { /* two reads after all the others */
        int n = operation_count++;
        operations[n] = (operation){.kind = GET, .key = (int8_t)key};
        g.result[n][0] = (int8_t)read_at(key, LATEST);
        g.before[n] = (uint16_t)((1 << own) - 1);
        value[key] = scene->loaded ? OLD : 0;
    }
    memset(&history, 0, sizeof history);
    memcpy(history.before, g.before, sizeof g.before);
    memcpy(history.result, g.result, sizeof g.result);
    h = hash_of(&history, sizeof history);
    if (memcmp(&known[h.a >> 52], &h, sizeof h) != 0) {
        if (!is_linear(0, value))
            FAIL("not linearizable");
        known[h.a >> 52] = h;
    }
    operation_count = own;
    for (int key = 0; key < KEYS; key++) {
        check_counts(key);
        /* Other faults must show in what the operations answered. */
        if (FAULT == NONE || FAULT == INLINE_UNKNOWN)
            check_listing(key);
    }
}

/* ---- setting out ---- */

static void number_operations(void)
{
    int records = 0;
    for (threads = 0; threads < THREADS_MOST && scene->thread[threads][0].kind != 0; threads++)
        for (int i = 0; i < EACH && scene->thread[threads][i].kind != END_OF_THREAD; i++) {
            int n = operation_count++;
            operation_of[threads][i] = n;
            operations[n] = scene->thread[threads][i];
            if (operations[n].kind == BATCH || operations[n].kind == ABORT)
                record_of[n] = ++records;
        }
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (argc < 2)
            printf("%s\n", scenarios[i].name);
        else if (strcmp(argv[1], scenarios[i].name) == 0)
            scene = &scenarios[i];
    }
    if (scene == NULL)
        return argc < 2 ? 0 : UNFINISHED;
    number_operations();
    g.clock = 1;
    for (int key = 0; scene->loaded && key < KEYS; key++) {
        int i = version_make(OPERATIONS, key, OLD, 0);
        g.versions[i].word = 1;
        g.inlined[key] = (int8_t)i;
        g.counted[key] = 1;
    }
    return explore(threads, &g, sizeof g, body, at_end);
}
