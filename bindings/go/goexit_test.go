// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

//go:build !asan

// What the C call leaves on its stack when it is abandoned, AddressSanitizer takes for a fault.

package fastskip_test

import (
	"bytes"
	"runtime"
	"sync/atomic"
	"testing"

	"fastskip"
)

// A comparator that ends its goroutine leaves a call in the middle, for which Seal would wait for ever.
func TestComparatorEndsGoroutine(t *testing.T) {
	var end atomic.Bool
	table := newTable(t, &fastskip.Options{Shards: 1, Comparator: &fastskip.Comparator{
		Compare: func(a, b []byte) int {
			if end.Load() {
				runtime.Goexit()
			}
			return bytes.Compare(a, b)
		},
	}})
	ok(t, table.Put(key(1), nil))
	end.Store(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.Error("it returned: ", table.Put(key(2), nil))
	}()
	<-done
	end.Store(false)
	is(t, table.Put(key(3), nil), fastskip.ErrPanic)
	is(t, table.Seal(), fastskip.ErrPanic)
	_, err := table.Rotate()
	is(t, err, fastskip.ErrPanic)
}
