/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * oneTBB's concurrent_map as a peer: a lock-free skip list. Its values are atomic pointers to records, so
 * that overwriting is safe. It has no way backwards and keeps no versions.
 */
#include "records.h"

#include <oneapi/tbb/concurrent_map.h>
#include <oneapi/tbb/version.h>

#include <atomic>

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

const peer_description peer_about = {"tbb", TEXT(TBB_VERSION_MAJOR) "." TEXT(TBB_VERSION_MINOR),
                                     "concurrent_map; no versions, no way backwards",
                                     PEER_OVERWRITE | PEER_SEEK | PEER_THREADS | PEER_EMPTY_VALUES};

/* What a map of atomics needs to be filled. */
struct slot {
    std::atomic<const record *> value;
    explicit slot(const record *r) : value(r)
    {
    }
    slot(const slot &other) : value(other.value.load(std::memory_order_relaxed))
    {
    }
};

using map = tbb::concurrent_map<std::string_view, slot>;

struct peer_table {
    record_store store;
    map entries;
};

struct peer_worker {
    peer_table *table;
    record_maker maker;
};

peer_table *peer_new(size_t, unsigned)
{
    return new peer_table;
}

void peer_free(peer_table *t)
{
    delete t;
}

peer_worker *peer_worker_new(peer_table *t, unsigned, unsigned, uint64_t)
{
    return new peer_worker{t, record_maker(t->store)};
}

void peer_worker_free(peer_worker *w)
{
    delete w;
}

static inline void put(peer_worker *w, const record *r)
{
    auto result = w->table->entries.insert({r->name(), slot(r)});
    if (!result.second)
        result.first->second.value.store(r, std::memory_order_release);
}

void peer_put(peer_worker *w, peer_bytes key, peer_bytes value)
{
    put(w, w->maker.make(key, value, false));
}

void peer_delete(peer_worker *w, peer_bytes key)
{
    put(w, w->maker.make(key, peer_bytes{"", 0}, true));
}

int peer_get(peer_worker *w, peer_bytes key, peer_bytes *value)
{
    auto found = w->table->entries.find(view(key));
    return found != w->table->entries.end() &&
           give(found->second.value.load(std::memory_order_acquire), value);
}

size_t peer_scan(peer_worker *w, const peer_bytes *start, size_t limit, int, uint64_t *sum)
{
    map &m = w->table->entries;
    uint64_t total = 0;
    size_t n = 0;
    for (auto at = start != nullptr ? m.lower_bound(view(*start)) : m.begin();
         at != m.end() && n < limit; ++at, n++)
        total += touch(at->second.value.load(std::memory_order_acquire));
    *sum += total;
    return n;
}

size_t peer_flush(peer_worker *w, uint64_t *sum)
{
    return peer_scan(w, nullptr, SIZE_MAX, 0, sum);
}

size_t peer_memory(peer_table *)
{
    return 0;
}

PEER_LOOPS
#include "no_snapshots.h"
