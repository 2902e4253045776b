/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * A sequential ordered map behind a reader-writer lock, taken once for each operation: the peers std::map
 * and absl::btree_map. The file that includes this defines `map` and peer_about. Keys lie in the records,
 * so that a key's memory is paid once; a batch and a group of lookups take the lock once.
 */
#include "records.h"

#include <mutex>
#include <shared_mutex>

struct peer_table {
    record_store store;
    std::shared_mutex lock;
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

static inline void put(peer_worker *w, record *r)
{
    auto result = w->table->entries.try_emplace(r->name(), r);
    if (!result.second)
        result.first->second = r;
}

void peer_put(peer_worker *w, peer_bytes key, peer_bytes value)
{
    record *r = w->maker.make(key, value, false);
    std::unique_lock<std::shared_mutex> hold(w->table->lock);
    put(w, r);
}

void peer_delete(peer_worker *w, peer_bytes key)
{
    record *r = w->maker.make(key, peer_bytes{"", 0}, true);
    std::unique_lock<std::shared_mutex> hold(w->table->lock);
    put(w, r);
}

void peer_batch(peer_worker *w, size_t n, const peer_bytes *keys, const peer_bytes *values)
{
    std::unique_lock<std::shared_mutex> hold(w->table->lock);
    for (size_t i = 0; i < n; i++)
        put(w, w->maker.make(keys[i], values[i], false));
}

static inline int get(peer_worker *w, peer_bytes key, peer_bytes *value)
{
    auto found = w->table->entries.find(view(key));
    return found != w->table->entries.end() && give(found->second, value);
}

int peer_get(peer_worker *w, peer_bytes key, peer_bytes *value)
{
    std::shared_lock<std::shared_mutex> hold(w->table->lock);
    return get(w, key, value);
}

size_t peer_get_many(peer_worker *w, size_t n, const peer_bytes *keys, peer_bytes *values)
{
    std::shared_lock<std::shared_mutex> hold(w->table->lock);
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        if (get(w, keys[i], &values[i]))
            found++;
        else
            values[i].data = nullptr;
    return found;
}

static size_t scan_forward(peer_worker *w, const peer_bytes *start, size_t limit, uint64_t *sum)
{
    const map &m = w->table->entries;
    size_t n = 0;
    for (auto at = start != nullptr ? m.lower_bound(view(*start)) : m.begin();
         at != m.end() && n < limit; ++at, n++)
        *sum += touch(at->second);
    return n;
}

static size_t scan_backward(peer_worker *w, const peer_bytes *start, size_t limit, uint64_t *sum)
{
    const map &m = w->table->entries;
    size_t n = 0;
    for (auto at = start != nullptr ? m.upper_bound(view(*start)) : m.end();
         at != m.begin() && n < limit; n++)
        *sum += touch((--at)->second);
    return n;
}

size_t peer_scan(peer_worker *w, const peer_bytes *start, size_t limit, int backwards,
                 uint64_t *sum)
{
    std::shared_lock<std::shared_mutex> hold(w->table->lock);
    uint64_t total = 0;
    size_t n =
        backwards ? scan_backward(w, start, limit, &total) : scan_forward(w, start, limit, &total);
    *sum += total;
    return n;
}

size_t peer_flush(peer_worker *w, uint64_t *sum)
{
    return peer_scan(w, nullptr, SIZE_MAX, 0, sum);
}

void peer_refresh(peer_worker *)
{
}

void peer_settle(peer_table *)
{
}

size_t peer_memory(peer_table *)
{
    return 0;
}

#include "no_snapshots.h"
