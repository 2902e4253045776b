// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip

// #include "shim.h"
import "C"

import (
	"bytes"
	"errors"
	"runtime/cgo"
	"runtime/debug"
	"sync/atomic"
	"unsafe"
)

// callbacks are a table's comparator and allocator, and those of the tables rotated from it. C knows them
// by a number, good until the last table, snapshot and iterator that they are for has been freed.
type callbacks struct {
	ctx        cgo.Handle
	comparator Comparator
	allocator  Allocator
	users      atomic.Int64
	panicked   atomic.Pointer[PanicError]
}

// newCallbacks is nil for options without any; all methods accept that.
func newCallbacks(o *Options) *callbacks {
	if o.Comparator == nil && o.Allocator == nil {
		return nil
	}
	cb := &callbacks{allocator: o.Allocator}
	if o.Comparator != nil {
		cb.comparator = *o.Comparator
	}
	cb.users.Store(1)
	cb.ctx = cgo.NewHandle(cb)
	return cb
}

func (cb *callbacks) take() *callbacks {
	if cb != nil {
		cb.users.Add(1)
	}
	return cb
}

func (cb *callbacks) drop() {
	if cb != nil && cb.users.Add(-1) == 0 {
		cb.ctx.Delete()
	}
}

// result is what a call answers: its status, unless a callback panicked, in this call or before. What
// the table answers since is not to be relied on.
func (cb *callbacks) result(status C.fastskip_status) error {
	if err := cb.failure(); err != nil {
		return err
	}
	if status == 0 {
		return nil
	}
	return errorOf(status)
}

func (cb *callbacks) failure() error {
	if cb == nil {
		return nil
	}
	if p := cb.panicked.Load(); p != nil {
		return p
	}
	return nil
}

var errEnded = errors.New("panic(nil) or runtime.Goexit")

// guard, deferred, keeps a panic from unwinding through C. finished says that there was none.
func (cb *callbacks) guard(finished *bool) {
	if *finished {
		return
	}
	value := recover()
	if value == nil {
		value = errEnded
	}
	cb.panicked.CompareAndSwap(nil, &PanicError{value, debug.Stack()})
}

func (cb *callbacks) compare(a, b []byte) (order int) {
	if cb.panicked.Load() != nil {
		return bytes.Compare(a, b) // any order will do to come to an end
	}
	finished := false
	defer cb.guard(&finished)
	order = cb.comparator.Compare(a, b)
	finished = true
	return order
}

func (cb *callbacks) abbreviate(key []byte) (number uint64) {
	if cb.panicked.Load() != nil {
		return 0
	}
	finished := false
	defer cb.guard(&finished)
	number = cb.comparator.Abbreviate(key)
	finished = true
	return number
}

func (cb *callbacks) reserve(size, alignment uintptr) (p unsafe.Pointer) {
	finished := false
	defer cb.guard(&finished)
	p = cb.allocator.Reserve(size, alignment)
	finished = true
	return p
}

func (cb *callbacks) commit(address unsafe.Pointer, size uintptr) (ok bool) {
	finished := false
	defer cb.guard(&finished)
	ok = cb.allocator.Commit(address, size) == nil
	finished = true
	return ok
}

func (cb *callbacks) release(address unsafe.Pointer, size uintptr) {
	finished := false
	defer cb.guard(&finished)
	cb.allocator.Release(address, size)
	finished = true
}

func callbacksOf(ctx C.uintptr_t) *callbacks {
	return cgo.Handle(ctx).Value().(*callbacks)
}

func bytesOf(p unsafe.Pointer, size C.size_t) []byte {
	if size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(p), int(size))
}

//export fsgoCompare
func fsgoCompare(ctx C.uintptr_t, a unsafe.Pointer, aSize C.size_t, b unsafe.Pointer, bSize C.size_t) C.int32_t {
	order := callbacksOf(ctx).compare(bytesOf(a, aSize), bytesOf(b, bSize))
	switch {
	case order < 0:
		return -1
	case order > 0:
		return 1
	}
	return 0
}

//export fsgoAbbreviate
func fsgoAbbreviate(ctx C.uintptr_t, key unsafe.Pointer, size C.size_t) C.uint64_t {
	return C.uint64_t(callbacksOf(ctx).abbreviate(bytesOf(key, size)))
}

//export fsgoReserve
func fsgoReserve(ctx C.uintptr_t, size, alignment C.size_t) unsafe.Pointer {
	return callbacksOf(ctx).reserve(uintptr(size), uintptr(alignment))
}

//export fsgoCommit
func fsgoCommit(ctx C.uintptr_t, address unsafe.Pointer, size C.size_t) C.int32_t {
	if callbacksOf(ctx).commit(address, uintptr(size)) {
		return 0
	}
	return -1
}

//export fsgoRelease
func fsgoRelease(ctx C.uintptr_t, address unsafe.Pointer, size C.size_t) {
	callbacksOf(ctx).release(address, uintptr(size))
}
