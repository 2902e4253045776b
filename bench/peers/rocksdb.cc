/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * RocksDB's memtable as a peer: its skip list made by its own factory, over its concurrent arena, ordered
 * by its internal-key comparator, with entries laid out and looked up as db/memtable.cc does it.  What a
 * database has around that is left out, to RocksDB's advantage: write batches and groups, locks of a
 * snapshot list, bloom filters, copies of values, and the iterator that hides old versions.
 */
#include "../driver/peer.h"

#include "db/lookup_key.h"
#include "db/memtable.h"
#include "memory/concurrent_arena.h"
#include "memtable/skiplistrep.cc"
#include "rocksdb/comparator.h"
#include "rocksdb/version.h"
#include "util/coding.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>

using namespace ROCKSDB_NAMESPACE;

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

const peer_description peer_about = {
    "rocksdb", TEXT(ROCKSDB_MAJOR) "." TEXT(ROCKSDB_MINOR) "." TEXT(ROCKSDB_PATCH),
    "skip-list memtable, -O3 -DNDEBUG; get_many and batches are loops, as in RocksDB",
    PEER_OVERWRITE | PEER_SEEK | PEER_REVERSE | PEER_SNAPSHOT | PEER_VERSIONS | PEER_THREADS |
        PEER_EMPTY_VALUES};

/* The arena logs failures of huge pages, which are not asked for; nothing else of env/ is linked. */
namespace ROCKSDB_NAMESPACE
{
void Log(const InfoLogLevel, Logger *, const char *, ...)
{
}
} // namespace ROCKSDB_NAMESPACE

struct peer_table {
    InternalKeyComparator internal{BytewiseComparator()};
    MemTable::KeyComparator comparator{internal};
    ConcurrentArena arena{size_t{1} << 20}; /* what RocksDB takes for a buffer of 64 MiB */
    std::unique_ptr<MemTableRep> rep;
    bool concurrent;
    std::atomic<SequenceNumber> published{0};
};

struct peer_worker {
    peer_table *table;
    SequenceNumber next;
    unsigned step;
    std::unique_ptr<MemTableRep::Iterator> iterator;
};

peer_table *peer_new(size_t, unsigned writers)
{
    auto *t = new peer_table;
    t->rep.reset(new SkipListRep(t->comparator, &t->arena, nullptr, 0));
    t->concurrent = writers > 1;
    return t;
}

void peer_free(peer_table *t)
{
    delete t;
}

peer_worker *peer_worker_new(peer_table *t, unsigned index, unsigned count, uint64_t first)
{
    return new peer_worker{t, first + 1 + index, count,
                           std::unique_ptr<MemTableRep::Iterator>(t->rep->GetIterator())};
}

void peer_worker_free(peer_worker *w)
{
    delete w;
}

/* MemTable::Add. */
static inline void add(peer_worker *w, ValueType type, peer_bytes key, peer_bytes value)
{
    peer_table *t = w->table;
    const auto internal_size = static_cast<uint32_t>(key.size + 8);
    const auto value_size = static_cast<uint32_t>(value.size);
    const uint32_t encoded =
        VarintLength(internal_size) + internal_size + VarintLength(value_size) + value_size;
    char *buffer = nullptr;
    KeyHandle handle = t->rep->Allocate(encoded, &buffer);
    char *p = EncodeVarint32(buffer, internal_size);
    memcpy(p, key.data, key.size);
    p += key.size;
    EncodeFixed64(p, PackSequenceAndType(w->next, type));
    p = EncodeVarint32(p + 8, value_size);
    memcpy(p, value.data, value.size);
    if (!(t->concurrent ? t->rep->InsertKeyConcurrently(handle) : t->rep->InsertKey(handle))) {
        fprintf(stderr, "rocksdb: key and sequence number are there\n");
        exit(EXIT_FAILURE);
    }
    if (!t->concurrent)
        t->published.store(w->next, std::memory_order_release);
    w->next += w->step;
}

void peer_put(peer_worker *w, peer_bytes key, peer_bytes value)
{
    add(w, kTypeValue, key, value);
}

void peer_delete(peer_worker *w, peer_bytes key)
{
    add(w, kTypeDeletion, key, peer_bytes{"", 0});
}

void peer_batch(peer_worker *w, size_t n, const peer_bytes *keys, const peer_bytes *values)
{
    for (size_t i = 0; i < n; i++)
        add(w, kTypeValue, keys[i], values[i]);
}

struct found {
    Slice user_key;
    peer_bytes *value;
    int there;
};

/* What SaveValue in db/memtable.cc does for values and tombstones, without the copy. */
static bool save(void *argument, const char *entry)
{
    auto *f = static_cast<found *>(argument);
    uint32_t length = 0;
    const char *key = GetVarint32Ptr(entry, entry + 5, &length);
    if (!BytewiseComparator()->Equal(Slice(key, length - 8), f->user_key))
        return false;
    const uint64_t tag = DecodeFixed64(key + length - 8);
    if (static_cast<ValueType>(tag & 0xff) == kTypeValue) {
        Slice v = GetLengthPrefixedSlice(key + length);
        f->value->data = v.data();
        f->value->size = v.size();
        f->there = 1;
    }
    return false;
}

static inline int get_at(peer_worker *w, SequenceNumber sequence, peer_bytes key, peer_bytes *value)
{
    Slice user_key(static_cast<const char *>(key.data), key.size);
    LookupKey lookup(user_key, sequence);
    found f{user_key, value, 0};
    w->table->rep->Get(lookup, &f, save);
    return f.there;
}

int peer_get(peer_worker *w, peer_bytes key, peer_bytes *value)
{
    return get_at(w, kMaxSequenceNumber, key, value);
}

size_t peer_get_many(peer_worker *w, size_t n, const peer_bytes *keys, peer_bytes *values)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (peer_get(w, keys[i], &values[i]))
            count++;
        else
            values[i].data = nullptr;
    }
    return count;
}

size_t peer_scan(peer_worker *w, const peer_bytes *start, size_t limit, int backwards,
                 uint64_t *sum)
{
    MemTableRep::Iterator *it = w->iterator.get();
    uint64_t total = 0;
    size_t n = 0;
    if (start != nullptr) {
        /* Backwards from the last entry of the key itself. */
        LookupKey lookup(Slice(static_cast<const char *>(start->data), start->size),
                         backwards ? 0 : kMaxSequenceNumber);
        if (backwards)
            it->SeekForPrev(Slice(), lookup.memtable_key().data());
        else
            it->Seek(Slice(), lookup.memtable_key().data());
    } else if (backwards) {
        it->SeekToLast();
    } else {
        it->SeekToFirst();
    }
    while (it->Valid()) {
        Slice key = GetLengthPrefixedSlice(it->key());
        Slice value = GetLengthPrefixedSlice(key.data() + key.size());
        total += peer_first_byte(key.data(), key.size() - 8) +
                 peer_first_byte(value.data(), value.size());
        if (++n == limit)
            break;
        if (backwards)
            it->Prev();
        else
            it->Next();
    }
    *sum += total;
    return n;
}

void peer_refresh(peer_worker *)
{
}

void *peer_snapshot_new(peer_worker *w)
{
    return reinterpret_cast<void *>(w->table->published.load(std::memory_order_acquire));
}

int peer_snapshot_get(peer_worker *w, void *snapshot, peer_bytes key, peer_bytes *value)
{
    return get_at(w, reinterpret_cast<uintptr_t>(snapshot), key, value);
}

void peer_snapshot_free(peer_worker *, void *)
{
}

size_t peer_flush(peer_worker *w, uint64_t *sum)
{
    w->table->rep->MarkReadOnly();
    return peer_scan(w, nullptr, SIZE_MAX, 0, sum);
}

void peer_settle(peer_table *)
{
}

size_t peer_memory(peer_table *t)
{
    return t->arena.MemoryAllocatedBytes() - t->arena.AllocatedAndUnused();
}
