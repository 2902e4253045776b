// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip_test

import (
	"sync"
	"testing"

	"fastskip"
)

// Every method of something closed answers ErrClosed, or what stands for nothing.
func TestClosed(t *testing.T) {
	table, err := fastskip.New(nil)
	ok(t, err)
	s, err := table.Snapshot()
	ok(t, err)
	it, err := table.NewIterator(nil)
	ok(t, err)
	b, err := fastskip.NewBatch()
	ok(t, err)
	ok(t, table.Put(key(1), key(1)))
	it.First()
	for i := 0; i < 2; i++ {
		ok(t, it.Close())
		ok(t, s.Close())
		ok(t, table.Close())
	}
	closedTable(t, table, b)
	closedTable(t, &fastskip.Table{}, b) // never opened is closed
	ok(t, (&fastskip.Table{}).Close())

	_, err = s.Get(key(1))
	is(t, err, fastskip.ErrClosed)
	_, err = s.NewIterator(nil)
	is(t, err, fastskip.ErrClosed)
	equal(t, s.Sequence(), 0)

	for name, move := range map[string]func() bool{
		"First": it.First, "Last": it.Last, "Next": it.Next, "Prev": it.Prev, "Valid": it.Valid,
		"SeekGE": func() bool { return it.SeekGE(nil) }, "SeekLE": func() bool { return it.SeekLE(nil) },
	} {
		if move() || it.Err() != fastskip.ErrClosed && name != "Valid" {
			t.Errorf("%s of a closed iterator: %v", name, it.Err())
		}
	}
	is(t, it.SetBounds(nil, nil), fastskip.ErrClosed)
	equal(t, it.Key() == nil && it.Value() == nil && it.Entry().Key == nil, true)

	ok(t, b.Close())
	ok(t, b.Close())
	for _, err := range []error{
		b.Put(nil, nil), b.Delete(nil), b.PutKind(2, nil, nil), b.PutAt(1, 0, nil, nil), b.Clear(),
	} {
		is(t, err, fastskip.ErrClosed)
	}
	equal(t, b.Len(), 0)
}

func closedTable(t *testing.T, table *fastskip.Table, b *fastskip.Batch) {
	t.Helper()
	var e fastskip.Entry
	var v fastskip.Values
	second := func(_ any, err error) error { return err }
	for i, err := range []error{
		table.Put(nil, nil), table.Delete(nil), table.Insert(nil, nil), table.PutAt(1, 0, nil, nil),
		table.PutKind(2, nil, nil), table.Write(b), second(table.GetOrInsert(nil, nil, &e)),
		second(table.Get(nil)), second(table.GetInto(nil, nil)), table.GetRaw(nil, &e),
		table.GetAt(1, nil, &e), second(table.Contains(nil)), table.View(nil, nil),
		table.GetMany([][]byte{nil}, &v), second(table.Snapshot()), second(table.NewIterator(nil)),
		second(table.NewIteratorAt(1, nil)), second(table.Ref()), table.Seal(), second(table.Rotate()),
		table.Reset(), table.Check(), second(table.Stat(fastskip.StatKeys)),
		second(table.ApproximateCount(nil, nil)),
	} {
		if err != fastskip.ErrClosed {
			t.Errorf("call %d of a closed table: %v", i, err)
		}
	}
	equal(t, table.Sealed() || table.UnderBackpressure(), false)
}

// The table's memory lives as long as anything reads it, and what was read as long as anybody wants. The
// allocator unmaps what is released, so that a read too late crashes.
func TestTableDroppedFirst(t *testing.T) {
	held := &regions{}
	table := newTable(t, &fastskip.Options{Allocator: held})
	for i := 0; i < 1000; i++ {
		ok(t, table.Put(key(i), key(i)))
	}
	it := newIterator(t, table, nil)
	s, err := table.Snapshot()
	ok(t, err)
	other, err := table.Ref()
	ok(t, err)
	var e fastskip.Entry
	ok(t, table.GetRaw(key(1), &e))
	value, err := table.Get(key(2))
	ok(t, err)
	var v fastskip.Values
	ok(t, table.GetMany([][]byte{key(3)}, &v))

	table.Close()
	equal(t, held.count(), 1)
	ok(t, other.Put(key(1000), nil))
	other.Close()
	_, err = s.Get(key(5))
	ok(t, err)
	s.Close()
	equal(t, held.count(), 1)
	n := 0
	for valid := it.First(); valid && n < 500; valid = it.Next() {
		equal(t, string(it.Value()), string(key(n)))
		n++
	}
	last := it.Entry()
	it.Close()
	equal(t, held.count(), 0)

	many, err := v.At(0)
	ok(t, err)
	equal(t, string(e.Value)+string(value)+string(many)+string(last.Key),
		string(key(1))+string(key(2))+string(key(3))+string(key(500)))
}

// Close while others are inside calls, of every kind, many times.
func TestCloseBesideCalls(t *testing.T) {
	for round := 0; round < 200; round++ {
		held := &regions{}
		table := newTable(t, &fastskip.Options{Allocator: held, MemoryLimit: 1 << 20})
		s, err := table.Snapshot()
		ok(t, err)
		it := newIterator(t, table, nil)
		var group sync.WaitGroup
		start := make(chan struct{})
		run := func(call func(i int) error) {
			group.Add(1)
			go func() {
				defer group.Done()
				<-start
				for i := 0; ; i++ {
					err := call(i)
					if err == fastskip.ErrClosed {
						return
					}
					if err != nil && err != fastskip.ErrNotFound && err != fastskip.ErrFull {
						t.Error(err)
						return
					}
				}
			}()
		}
		run(func(i int) error { return table.Put(key(i), key(i)) })
		run(func(i int) error { return table.View(key(i/2), func(v []byte) error { _ = string(v); return nil }) })
		run(func(i int) error { _, err := s.Get(key(i)); return err })
		run(func(i int) error {
			if !it.Next() && !it.First() {
				return it.Err()
			}
			_ = string(it.Key())
			return nil
		})
		for _, c := range []interface{ Close() error }{table, s, it, table} {
			group.Add(1)
			go func(c interface{ Close() error }) {
				defer group.Done()
				<-start
				for i := 0; i < round*5; i++ {
					_, _ = table.Stat(fastskip.StatKeys)
				}
				try(t, c.Close())
			}(c)
		}
		close(start)
		group.Wait()
		equal(t, held.count(), 0)
	}
}

// What nobody closed goes when nobody can reach it.
func TestFinalizers(t *testing.T) {
	held := &regions{}
	func() {
		table, err := fastskip.New(&fastskip.Options{
			Allocator: held, Comparator: &fastskip.Comparator{Compare: folded},
		})
		ok(t, err)
		ok(t, table.Put(key(1), nil))
		_, err = table.Snapshot()
		ok(t, err)
		it, err := table.NewIterator(nil)
		ok(t, err)
		it.First()
		_, err = table.Rotate()
		ok(t, err)
		_, err = table.Ref()
		ok(t, err)
		_, err = fastskip.NewBatch()
		ok(t, err)
	}()
	equal(t, held.reserved, 2)
	collect(t, "both tables are gone", func() bool { return held.count() == 0 })
}
