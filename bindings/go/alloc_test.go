// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

//go:build !asan

// AddressSanitizer moves variables to the heap that otherwise are on the stack.

package fastskip_test

import (
	"testing"

	"fastskip"
)

// allocating is what the calls are made with: a table of keys, one of which is k, and memory for answers.
type allocating struct {
	table    *fastskip.Table
	snapshot *fastskip.Snapshot
	b        *fastskip.Batch
	it       *fastskip.Iterator
	k, value []byte
	many     [][]byte

	buf  []byte
	e    fastskip.Entry
	v    fastskip.Values
	size int
}

const allocatingKeys = 10000

// ask makes k another key, without allocating.
func (a *allocating) ask(i int) {
	for at := len(a.k) - 1; at >= 3; at-- {
		a.k[at] = byte('0' + i%10)
		i /= 10
	}
}

func newAllocating(t *testing.T) *allocating {
	a := &allocating{table: newTable(t, nil), b: newBatch(t), k: key(0), value: make([]byte, 100)}
	for i := 0; i < allocatingKeys; i++ {
		a.ask(i)
		ok(t, a.table.Put(a.k, a.value))
	}
	for i := 0; i < 100; i++ {
		a.many = append(a.many, key(i*7))
	}
	ok(t, a.b.Put(a.k, a.value))
	a.it = newIterator(t, a.table, nil)
	snapshot, err := a.table.Snapshot()
	ok(t, err)
	t.Cleanup(func() { snapshot.Close() })
	a.snapshot = snapshot
	return a
}

func (a *allocating) use(value []byte) error {
	a.size += len(value)
	return nil
}

func (a *allocating) getInto(r interface {
	GetInto(dst, key []byte) ([]byte, error)
}) (err error) {
	a.buf, err = r.GetInto(a.buf, a.k)
	return err
}

func (a *allocating) next() error {
	if !a.it.Next() && !a.it.First() {
		return a.it.Err()
	}
	return a.use(a.it.Value())
}

func (a *allocating) fill() error {
	if a.b.Len() > 1000 {
		return a.b.Clear()
	}
	return a.b.Put(a.k, a.value)
}

// What each call allocates, once the memory that it is handed is large enough.
var allocations = []struct {
	name string
	most float64
	call func(a *allocating) error
}{
	{"Put", 0, func(a *allocating) error { return a.table.Put(a.k, a.value) }},
	{"Delete", 0, func(a *allocating) error { return a.table.Delete(a.k) }},
	{"Insert", 0, func(a *allocating) error { return a.table.Insert(a.k, a.value) }},
	{"PutKind", 0, func(a *allocating) error { return a.table.PutKind(2, a.k, a.value) }},
	{"GetOrInsert", 0, func(a *allocating) error { _, err := a.table.GetOrInsert(a.k, a.value, &a.e); return err }},
	{"Write", 0, func(a *allocating) error { return a.table.Write(a.b) }},
	{"Get", 1, func(a *allocating) error { _, err := a.table.Get(a.k); return err }},
	{"GetInto", 0, func(a *allocating) error { return a.getInto(a.table) }},
	{"GetRaw", 0, func(a *allocating) error { return a.table.GetRaw(a.k, &a.e) }},
	{"GetAt", 0, func(a *allocating) error { return a.table.GetAt(1, a.k, &a.e) }},
	{"Contains", 0, func(a *allocating) error { _, err := a.table.Contains(a.k); return err }},
	{"View", 0, func(a *allocating) error { return a.table.View(a.k, a.use) }},
	{"GetMany", 0, func(a *allocating) error { return a.table.GetMany(a.many, &a.v) }},
	{"not found", 0, func(a *allocating) error { return a.table.GetRaw(a.value, &a.e) }},
	{"Snapshot.GetInto", 0, func(a *allocating) error { return a.getInto(a.snapshot) }},
	{"Snapshot.GetMany", 0, func(a *allocating) error { return a.snapshot.GetMany(a.many, &a.v) }},
	{"Next", 0, func(a *allocating) error { return a.next() }},
	{"SeekGE", 0, func(a *allocating) error { a.it.SeekGE(a.k); return a.it.Err() }},
	{"SeekLE, Next", 0, func(a *allocating) error { a.it.SeekLE(a.k); a.it.Next(); return a.it.Err() }},
	{"Batch.Put, Clear", 0, func(a *allocating) error { return a.fill() }},
	{"Batch.Delete", 0, func(a *allocating) error { return a.b.Delete(a.k) }},
	{"Sealed", 0, func(a *allocating) error { a.table.Sealed(); return nil }},
	{"UnderBackpressure", 0, func(a *allocating) error { a.table.UnderBackpressure(); return nil }},
	{"Snapshot.Sequence", 0, func(a *allocating) error { a.snapshot.Sequence(); return nil }},
	{"Stat", 0, func(a *allocating) error { _, err := a.table.Stat(fastskip.StatKeys); return err }},
	{"ApproximateCount", 0, func(a *allocating) error { _, err := a.table.ApproximateCount(a.k, nil); return err }},
}

func TestAllocations(t *testing.T) {
	a, i := newAllocating(t), 0
	for _, c := range allocations {
		run := func() {
			i++
			a.ask(i * 7919 % allocatingKeys)
			if err := c.call(a); err != nil && err != fastskip.ErrExists && err != fastskip.ErrNotFound {
				t.Fatal(c.name, err)
			}
		}
		for n := 0; n < 1500; n++ { // so that every buffer has its size
			run()
		}
		if got := testing.AllocsPerRun(1000, run); got > c.most {
			t.Errorf("%s allocates %v times, want %v", c.name, got, c.most)
		}
	}
	equal(t, a.size > 0, true)
}
