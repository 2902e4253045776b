/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * libcds' SkipListMap with hazard pointers as a peer: lock-free. It can not be searched for the first key
 * that is not less, and has no way backwards; it keeps no versions. Its iterators are safe while nobody
 * erases, and nobody does.
 */
#include "records.h"

#include <cds/container/skip_list_map_hp.h>
#include <cds/gc/hp.h>
#include <cds/init.h>
#include <cds/version.h>

#include <atomic>

const peer_description peer_about = {"libcds", CDS_VERSION_STRING,
                                     "SkipListMap<HP>; no versions, no seek, no way backwards",
                                     PEER_OVERWRITE | PEER_THREADS | PEER_EMPTY_VALUES};

struct slot {
    std::atomic<const record *> value{nullptr};
    slot() = default;
    slot(const slot &other) : value(other.value.load(std::memory_order_relaxed))
    {
    }
};

struct compare_names {
    int operator()(std::string_view a, std::string_view b) const
    {
        return a.compare(b);
    }
};

struct traits : cds::container::skip_list::traits {
    typedef compare_names compare;
};

using map = cds::container::SkipListMap<cds::gc::HP, std::string_view, slot, traits>;

/* Hazard pointers must be there before the first table and outlast the last. */
static struct library {
    cds::gc::HP *collector;
    library()
    {
        cds::Initialize();
        collector = new cds::gc::HP(map::c_nHazardPtrCount, 300);
        cds::threading::Manager::attachThread();
    }
} library;

struct peer_table {
    record_store store;
    map entries;
};

struct peer_worker {
    peer_table *table;
    record_maker maker;
    bool attached;
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
    const bool fresh = !cds::threading::Manager::isThreadAttached();
    if (fresh)
        cds::threading::Manager::attachThread();
    return new peer_worker{t, record_maker(t->store), fresh};
}

void peer_worker_free(peer_worker *w)
{
    if (w->attached)
        cds::threading::Manager::detachThread();
    delete w;
}

static inline void put(peer_worker *w, const record *r)
{
    w->table->entries.update(r->name(), [r](bool, map::value_type &entry) {
        entry.second.value.store(r, std::memory_order_release);
    });
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
    const record *r = nullptr;
    w->table->entries.find(view(key), [&r](map::value_type &entry) {
        r = entry.second.value.load(std::memory_order_acquire);
    });
    return give(r, value);
}

size_t peer_scan(peer_worker *w, const peer_bytes *, size_t limit, int, uint64_t *sum)
{
    uint64_t total = 0;
    size_t n = 0;
    for (auto at = w->table->entries.begin(); at != w->table->entries.end() && n < limit; ++at, n++)
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
