// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

//go:build !asan

// AddressSanitizer moves variables to the heap that otherwise are on the stack.

package fastskip_test

import (
	"testing"

	"fastskip"
)

// What a call allocates, once the memory that it is handed is large enough.
func TestAllocations(t *testing.T) {
	const keys = 10000
	table := newTable(t, nil)
	k, value := key(0), make([]byte, 100)
	set := func(i int) {
		for at := len(k) - 1; at >= 3; at-- {
			k[at] = byte('0' + i%10)
			i /= 10
		}
	}
	for i := 0; i < keys; i++ {
		set(i)
		ok(t, table.Put(k, value))
	}
	snapshot, err := table.Snapshot()
	ok(t, err)
	defer snapshot.Close()
	b := newBatch(t)
	it := newIterator(t, table, nil)
	all := make([][]byte, 100)
	for i := range all {
		all[i] = key(i * 7)
	}
	buf := make([]byte, 0, 100)
	var e fastskip.Entry
	var v fastskip.Values
	size := 0
	add := func(b []byte) error { size += len(b); return nil }

	i := 0
	for _, c := range []struct {
		name string
		most float64
		call func() error
	}{
		{"Put", 0, func() error { return table.Put(k, value) }},
		{"Delete", 0, func() error { return table.Delete(k) }},
		{"Insert", 0, func() error { return table.Insert(k, value) }},
		{"PutKind", 0, func() error { return table.PutKind(2, k, value) }},
		{"GetOrInsert", 0, func() error { _, err := table.GetOrInsert(k, value, &e); return err }},
		{"Get", 1, func() error { _, err := table.Get(k); return err }},
		{"GetInto", 0, func() error { buf, err = table.GetInto(buf, k); return err }},
		{"GetRaw", 0, func() error { return table.GetRaw(k, &e) }},
		{"GetAt", 0, func() error { return table.GetAt(1, k, &e) }},
		{"Contains", 0, func() error { _, err := table.Contains(k); return err }},
		{"View", 0, func() error { return table.View(k, add) }},
		{"GetMany", 0, func() error { return table.GetMany(all, &v) }},
		{"Snapshot.GetInto", 0, func() error { buf, err = snapshot.GetInto(buf, k); return err }},
		{"Snapshot.GetMany", 0, func() error { return snapshot.GetMany(all, &v) }},
		{"ErrNotFound", 0, func() error {
			if _, err := table.GetInto(buf, value); err != fastskip.ErrNotFound {
				return err
			}
			return nil
		}},
		{"Batch.Put", 0, func() error { return b.Put(k, value) }},
		{"Batch.Delete", 0, func() error { return b.Delete(k) }},
		{"Write", 0, func() error { return table.Write(b) }},
		{"Next", 0, func() error {
			if !it.Next() && !it.First() {
				return it.Err()
			}
			return add(it.Value())
		}},
		{"SeekGE", 0, func() error { it.SeekGE(k); return it.Err() }},
		{"SeekLE and Next", 0, func() error { it.SeekLE(k); it.Next(); return it.Err() }},
		{"Asking", 0, func() error {
			if table.Sealed() || table.UnderBackpressure() || snapshot.Sequence() == 0 {
				return fastskip.ErrInvalid
			}
			return nil
		}},
		{"Stat", 0, func() error { _, err := table.Stat(fastskip.StatKeys); return err }},
		{"ApproximateCount", 0, func() error { _, err := table.ApproximateCount(k, nil); return err }},
	} {
		run := func() {
			i++
			set(i * 7919 % keys)
			if err := c.call(); err != nil && err != fastskip.ErrExists && err != fastskip.ErrNotFound {
				t.Fatal(c.name, err)
			}
		}
		for n := 0; n < 2000; n++ { // so that every buffer has its size
			if c.name == "Write" && n > 10 || c.name == "Snapshot.GetMany" && n > 100 {
				break
			}
			run()
		}
		n := 1000
		if c.name == "Write" {
			n = 10
		}
		if got := testing.AllocsPerRun(n, run); got > c.most {
			t.Errorf("%s allocates %v times, want %v", c.name, got, c.most)
		}
		if c.name == "Batch.Delete" {
			ok(t, b.Clear())
			ok(t, b.Put(k, value))
		}
	}
	equal(t, size > 0, true)
}
