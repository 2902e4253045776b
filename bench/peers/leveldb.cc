/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * LevelDB's memtable as a peer: its skip list, arena and internal-key comparator, entries laid out and
 * looked up as db/memtable.cc does it. One thread may write at a time; several take a lock.
 */
#include "../driver/peer.h"

#include "db/dbformat.h"
#include "db/skiplist.h"
#include "leveldb/comparator.h"
#include "leveldb/db.h"
#include "util/arena.h"
#include "util/coding.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>

using namespace leveldb;

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

const peer_description peer_about = {"leveldb", TEXT(LEVELDB_VERSION),
                                     "skip-list memtable, -O3 -DNDEBUG; one writer at a time",
                                     PEER_OVERWRITE | PEER_SEEK | PEER_REVERSE | PEER_SNAPSHOT |
                                         PEER_VERSIONS | PEER_THREADS | PEER_EMPTY_VALUES};

static inline Slice prefixed(const char *data)
{
    uint32_t size;
    const char *p = GetVarint32Ptr(data, data + 5, &size);
    return Slice(p, size);
}

/* MemTable::KeyComparator. */
struct key_comparator {
    const InternalKeyComparator comparator{BytewiseComparator()};
    int operator()(const char *a, const char *b) const
    {
        return comparator.Compare(prefixed(a), prefixed(b));
    }
};

using list = SkipList<const char *, key_comparator>;

struct peer_table {
    Arena arena;
    list entries{key_comparator(), &arena};
    bool concurrent = false;
    std::mutex lock;
    std::atomic<SequenceNumber> published{0};
};

struct peer_worker {
    peer_table *table;
    SequenceNumber next;
    unsigned step;
};

peer_table *peer_new(size_t, unsigned writers)
{
    auto *t = new peer_table;
    t->concurrent = writers > 1;
    return t;
}

void peer_free(peer_table *t)
{
    delete t;
}

peer_worker *peer_worker_new(peer_table *t, unsigned index, unsigned count, uint64_t first)
{
    return new peer_worker{t, first + 1 + index, count};
}

void peer_worker_free(peer_worker *w)
{
    delete w;
}

/* MemTable::Add. */
static inline void add(peer_worker *w, ValueType type, peer_bytes key, peer_bytes value)
{
    std::unique_lock<std::mutex> hold(w->table->lock, std::defer_lock);
    const size_t internal_size = key.size + 8;
    const size_t encoded = static_cast<size_t>(VarintLength(internal_size)) + internal_size +
                           static_cast<size_t>(VarintLength(value.size)) + value.size;
    if (w->table->concurrent)
        hold.lock();
    char *buffer = w->table->arena.Allocate(encoded);
    char *p = EncodeVarint32(buffer, static_cast<uint32_t>(internal_size));
    memcpy(p, key.data, key.size);
    p += key.size;
    EncodeFixed64(p, (w->next << 8) | type);
    p = EncodeVarint32(p + 8, static_cast<uint32_t>(value.size));
    memcpy(p, value.data, value.size);
    w->table->entries.Insert(buffer);
    w->table->published.store(w->next, std::memory_order_release);
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

/* MemTable::Get, without the copy of the value. */
static inline int get_at(peer_worker *w, SequenceNumber sequence, peer_bytes key, peer_bytes *value)
{
    Slice user_key(static_cast<const char *>(key.data), key.size);
    LookupKey lookup(user_key, sequence);
    list::Iterator it(&w->table->entries);
    it.Seek(lookup.memtable_key().data());
    if (!it.Valid())
        return 0;
    Slice found = prefixed(it.key());
    if (BytewiseComparator()->Compare(ExtractUserKey(found), user_key) != 0)
        return 0;
    if ((DecodeFixed64(found.data() + found.size() - 8) & 0xff) != kTypeValue)
        return 0;
    Slice v = prefixed(found.data() + found.size());
    value->data = v.data();
    value->size = v.size();
    return 1;
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

/* The list has no search for the last entry that is not greater: the one before the first greater. */
static void seek(list::Iterator *it, const peer_bytes *start, int backwards)
{
    if (start == nullptr) {
        if (backwards)
            it->SeekToLast();
        else
            it->SeekToFirst();
        return;
    }
    LookupKey lookup(Slice(static_cast<const char *>(start->data), start->size),
                     backwards ? 0 : kMaxSequenceNumber);
    it->Seek(lookup.memtable_key().data());
    if (backwards && it->Valid())
        it->Prev();
    else if (backwards)
        it->SeekToLast();
}

size_t peer_scan(peer_worker *w, const peer_bytes *start, size_t limit, int backwards,
                 uint64_t *sum)
{
    list::Iterator it(&w->table->entries);
    uint64_t total = 0;
    size_t n = 0;
    seek(&it, start, backwards);
    while (it.Valid()) {
        Slice key = prefixed(it.key());
        Slice value = prefixed(key.data() + key.size());
        total += peer_first_byte(key.data(), key.size() - 8) +
                 peer_first_byte(value.data(), value.size());
        if (++n == limit)
            break;
        if (backwards)
            it.Prev();
        else
            it.Next();
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
    return peer_scan(w, nullptr, SIZE_MAX, 0, sum);
}

void peer_settle(peer_table *)
{
}

size_t peer_memory(peer_table *t)
{
    return t->arena.MemoryUsage();
}
