// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip

// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// Batch collects copies of writes, for any table and any number of times. Of several of one key the last
// wins. Goroutines that use one batch wait for each other.
type Batch struct {
	mu sync.Mutex
	c  *C.fastskip_batch // nil when closed
}

// NewBatch makes an empty batch.
func NewBatch() (*Batch, error) {
	b := &Batch{}
	var c *C.fastskip_batch
	if err := errorOf(C.fastskip_batch_new(&c)); err != nil {
		return nil, err
	}
	b.c = c
	runtime.SetFinalizer(b, (*Batch).Close)
	return b, nil
}

// do calls C with the batch, one goroutine at a time.
func (b *Batch) do(call func(c C.fsgo_batch) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c == nil {
		return ErrClosed
	}
	return call(b.number())
}

// number is the handle as the shim takes it.
func (b *Batch) number() C.fsgo_batch { return C.fsgo_batch(uintptr(unsafe.Pointer(b.c))) }

// Close frees the batch. The error is always nil; closing twice is fine.
func (b *Batch) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	C.fastskip_batch_free(b.c)
	b.c = nil
	return nil
}

// Put adds the write of a value.
func (b *Batch) Put(key, value []byte) error {
	return b.do(func(c C.fsgo_batch) error {
		return errorOf(C.fsgo_batch_put(c, pointer(key), C.size_t(len(key)),
			pointer(value), C.size_t(len(value))))
	})
}

// Delete adds the record that a key is deleted.
func (b *Batch) Delete(key []byte) error {
	return b.do(func(c C.fsgo_batch) error {
		return errorOf(C.fsgo_batch_delete(c, pointer(key), C.size_t(len(key))))
	})
}

// PutKind adds a version with a kind of the caller's own, as Table.PutKind writes it.
func (b *Batch) PutKind(kind Kind, key, value []byte) error {
	return b.do(func(c C.fsgo_batch) error {
		return errorOf(C.fsgo_batch_put_kind(c, C.uint32_t(kind), pointer(key), C.size_t(len(key)),
			pointer(value), C.size_t(len(value))))
	})
}

// PutAt adds a version with a number of the caller's, as Table.PutAt writes it.
func (b *Batch) PutAt(sequence uint64, kind Kind, key, value []byte) error {
	return b.do(func(c C.fsgo_batch) error {
		return errorOf(C.fsgo_batch_put_at(c, C.uint64_t(sequence), C.uint32_t(kind), pointer(key),
			C.size_t(len(key)), pointer(value), C.size_t(len(value))))
	})
}

// Len is the number of records, also of the same key; of a closed batch, 0.
func (b *Batch) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int(C.fsgo_batch_count(b.number()))
}

// Clear empties the batch and keeps its memory.
func (b *Batch) Clear() error {
	return b.do(func(c C.fsgo_batch) error { return errorOf(C.fsgo_batch_clear(c)) })
}
