// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"fastskip"
)

// ok fails the test if there is an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// try is ok for goroutines other than the test's own, which may not end it.
func try(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// is fails the test unless the error is the one wanted.
func is(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || (want == nil && err != nil) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func equal[T comparable](t testing.TB, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func newTable(t testing.TB, o *fastskip.Options) *fastskip.Table {
	t.Helper()
	table, err := fastskip.New(o)
	ok(t, err)
	t.Cleanup(func() { table.Close() })
	return table
}

func newIterator(t testing.TB, table *fastskip.Table, o *fastskip.IterOptions) *fastskip.Iterator {
	t.Helper()
	it, err := table.NewIterator(o)
	ok(t, err)
	t.Cleanup(func() { it.Close() })
	return it
}

func stat(t testing.TB, table *fastskip.Table, id fastskip.Stat) uint64 {
	t.Helper()
	n, err := table.Stat(id)
	ok(t, err)
	return n
}

func key(i int) []byte { return []byte(fmt.Sprintf("key%08d", i)) }

// show is what an iterator shows from where it stands, both ways the same.
func show(it *fastskip.Iterator) string {
	s := ""
	for valid := it.First(); valid; valid = it.Next() {
		e := it.Entry()
		s += fmt.Sprintf("%s=%s/%d ", e.Key, e.Value, e.Kind)
	}
	return s
}

// regions is an allocator that knows what it has given out. What was released is unmapped: who reads it
// crashes.
type regions struct {
	mu       sync.Mutex
	held     map[unsafe.Pointer][]byte
	reserved int
}

func (r *regions) Reserve(size, alignment uintptr) unsafe.Pointer {
	memory, err := syscall.Mmap(-1, 0, int(size+alignment), syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		return nil
	}
	skip := -uintptr(unsafe.Pointer(&memory[0])) & (alignment - 1)
	p := unsafe.Pointer(&memory[skip])
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == nil {
		r.held = map[unsafe.Pointer][]byte{}
	}
	r.held[p] = memory
	r.reserved++
	return p
}

func (r *regions) Commit(address unsafe.Pointer, size uintptr) error { return nil }

func (r *regions) Release(address unsafe.Pointer, size uintptr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := syscall.Munmap(r.held[address]); err != nil {
		panic(err)
	}
	delete(r.held, address)
}

func (r *regions) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.held)
}

// collect runs the garbage collector until a condition holds.
func collect(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("never happened: ", what)
		}
		runtime.GC()
	}
}
