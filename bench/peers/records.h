/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * Key and value of a peer that is a map: appended to blocks of a worker's own, the cheapest way there is,
 * so that what is timed is the map. The map's value is a pointer to such a record, which an overwrite
 * exchanges; a tombstone has no value. Memory goes with the table.
 */
#ifndef FSB_RECORDS_H
#define FSB_RECORDS_H

#include "../driver/peer.h"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string_view>
#include <vector>

struct record {
    uint32_t key_size, value_size;
    bool tombstone;

    const char *key() const
    {
        return reinterpret_cast<const char *>(this + 1);
    }
    const char *value() const
    {
        return key() + key_size;
    }
    std::string_view name() const
    {
        return {key(), key_size};
    }
};

static inline std::string_view view(peer_bytes b)
{
    return {static_cast<const char *>(b.data), b.size};
}

class record_store
{
    std::mutex lock_;
    std::vector<void *> blocks_;

  public:
    ~record_store()
    {
        for (void *block : blocks_)
            free(block);
    }
    char *block(size_t size)
    {
        void *p = malloc(size);
        if (p == nullptr)
            throw std::bad_alloc();
        std::lock_guard<std::mutex> hold(lock_);
        blocks_.push_back(p);
        return static_cast<char *>(p);
    }
};

class record_maker
{
    static constexpr size_t BLOCK = size_t{1} << 20;
    record_store &store_;
    char *at_ = nullptr;
    size_t left_ = 0;

  public:
    explicit record_maker(record_store &store) : store_(store)
    {
    }
    record *make(peer_bytes key, peer_bytes value, bool tombstone)
    {
        const size_t size = (sizeof(record) + key.size + value.size + 7) / 8 * 8;
        if (size > left_) {
            left_ = size > BLOCK ? size : BLOCK;
            at_ = store_.block(left_);
        }
        auto *r = new (at_)
            record{static_cast<uint32_t>(key.size), static_cast<uint32_t>(value.size), tombstone};
        char *to = at_ + sizeof(record);
        at_ += size;
        left_ -= size;
        memcpy(to, key.data, key.size);
        memcpy(to + key.size, value.data, value.size);
        return r;
    }
};

static inline int give(const record *r, peer_bytes *value)
{
    if (r == nullptr || r->tombstone)
        return 0;
    value->data = r->value();
    value->size = r->value_size;
    return 1;
}

static inline uint64_t touch(const record *r)
{
    return peer_first_byte(r->key(), r->key_size) + peer_first_byte(r->value(), r->value_size);
}

/* What maps have no better way for. */
#define PEER_LOOPS                                                                                 \
    void peer_batch(peer_worker *w, size_t n, const peer_bytes *keys, const peer_bytes *values)    \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            peer_put(w, keys[i], values[i]);                                                       \
    }                                                                                              \
    size_t peer_get_many(peer_worker *w, size_t n, const peer_bytes *keys, peer_bytes *values)     \
    {                                                                                              \
        size_t found = 0;                                                                          \
        for (size_t i = 0; i < n; i++)                                                             \
            if (peer_get(w, keys[i], &values[i]))                                                  \
                found++;                                                                           \
            else                                                                                   \
                values[i].data = nullptr;                                                          \
        return found;                                                                              \
    }                                                                                              \
    void peer_refresh(peer_worker *)                                                               \
    {                                                                                              \
    }                                                                                              \
    void peer_settle(peer_table *)                                                                 \
    {                                                                                              \
    }

#endif
