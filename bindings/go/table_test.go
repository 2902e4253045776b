// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"fastskip"
)

func TestSentinels(t *testing.T) {
	all := []error{
		fastskip.ErrInvalid, fastskip.ErrNoMemory, fastskip.ErrNotFound, fastskip.ErrExists,
		fastskip.ErrSealed, fastskip.ErrFull, fastskip.ErrTooLarge, fastskip.ErrBusy,
		fastskip.ErrUnsupported, fastskip.ErrCorrupt, fastskip.ErrClosed, fastskip.ErrPanic,
	}
	texts := map[string]bool{}
	for i, a := range all {
		if !strings.HasPrefix(a.Error(), "fastskip: ") || texts[a.Error()] {
			t.Errorf("%q is no text of its own", a)
		}
		texts[a.Error()] = true
		for j, b := range all {
			equal(t, errors.Is(fmt.Errorf("wrapped: %w", a), b), i == j)
		}
	}
}

func TestVersion(t *testing.T) {
	if v := fastskip.Version(); !strings.HasPrefix(v, "1.") {
		t.Error("version", v)
	}
	if fastskip.Build() == "" {
		t.Error("no build")
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []fastskip.Options{
		{Shards: -1}, {Shards: 1025}, {Shards: 1 << 40}, {BlockSize: -4096}, {BlockSize: 5000},
		{MemoryLimit: 1}, {MemoryLimit: 1 << 40}, {Backpressure: 101}, {Backpressure: -1},
		{HugePages: 3}, {SequenceMode: 2}, {Checksum: 3}, {Checksum: -4}, {Comparator: &fastskip.Comparator{}},
	} {
		_, err := fastskip.New(&o)
		is(t, err, fastskip.ErrInvalid)
	}
	_, err := fastskip.New(&fastskip.Options{HugePages: fastskip.HugePagesInsist, Allocator: &regions{}})
	is(t, err, fastskip.ErrUnsupported)

	table := newTable(t, &fastskip.Options{
		Shards: 3, BlockSize: 4096, MemoryLimit: 1 << 20, EntryLimit: 4, Backpressure: 50,
		HugePages: fastskip.HugePagesNever, Checksum: 4, Paranoid: true, Seed: 1,
	})
	equal(t, stat(t, table, fastskip.StatShards), 3)
	equal(t, stat(t, table, fastskip.StatMemoryLimit), 1<<20)
	for i := 0; i < 4; i++ {
		equal(t, table.UnderBackpressure(), i >= 2)
		ok(t, table.Put(key(i), nil))
	}
	is(t, table.Put(key(9), nil), fastskip.ErrFull)
	equal(t, stat(t, table, fastskip.StatKeys), 4)
	equal(t, stat(t, table, fastskip.StatChunks) > 0, true)
}

func TestStats(t *testing.T) {
	table := newTable(t, nil)
	ok(t, table.Put([]byte("a"), []byte("one")))
	ok(t, table.Put([]byte("bb"), []byte("three")))
	ok(t, table.Delete([]byte("a")))
	s, err := table.Snapshot()
	ok(t, err)
	s.Close()
	for id, want := range map[fastskip.Stat]uint64{
		fastskip.StatKeys: 2, fastskip.StatLive: 1, fastskip.StatVersions: 3, fastskip.StatTombstones: 1,
		fastskip.StatKeyBytes: 3, fastskip.StatValueBytes: 8, fastskip.StatMemoryLimit: 1 << 30,
		fastskip.StatHeight: 1, fastskip.StatWrites: 3, fastskip.StatRetries: 0, fastskip.StatSnapshots: 1,
	} {
		if got := stat(t, table, id); got != want {
			t.Errorf("figure %d is %d, want %d", id, got, want)
		}
	}
	used := stat(t, table, fastskip.StatMemoryUsed)
	if used == 0 || used > stat(t, table, fastskip.StatMemoryReserved) || stat(t, table, fastskip.StatBlocks) == 0 ||
		stat(t, table, fastskip.StatMemoryWasted) > used {
		t.Error("memory used:", used)
	}
	_, err = table.Stat(9999)
	is(t, err, fastskip.ErrUnsupported)
	n, err := table.ApproximateCount(nil, nil)
	ok(t, err)
	equal(t, n, 2)
	n, err = table.ApproximateCount([]byte("b"), []byte{}) // the empty key is a bound
	ok(t, err)
	equal(t, n, 0)
	ok(t, table.Check())
}

func TestWrites(t *testing.T) {
	table := newTable(t, nil)
	k := []byte("k")
	var e fastskip.Entry

	ok(t, table.Insert(k, []byte("1")))
	is(t, table.Insert(k, []byte("2")), fastskip.ErrExists)
	inserted, err := table.GetOrInsert(k, []byte("3"), &e)
	ok(t, err)
	equal(t, inserted, false)
	equal(t, string(e.Key)+"="+string(e.Value), "k=1")
	ok(t, table.Delete(k))
	inserted, err = table.GetOrInsert(k, []byte("4"), &e)
	ok(t, err)
	equal(t, inserted, true)
	equal(t, string(e.Value), "4")

	ok(t, table.PutKind(fastskip.KindMax, k, []byte("merge")))
	ok(t, table.GetRaw(k, &e))
	equal(t, e.Kind, fastskip.KindMax)
	is(t, table.PutKind(fastskip.KindDelete, k, nil), fastskip.ErrInvalid)
	is(t, table.PutAt(1, fastskip.KindPut, k, nil), fastskip.ErrInvalid) // the other mode's

	long := make([]byte, fastskip.KeyMax+1)
	is(t, table.Put(long, nil), fastskip.ErrTooLarge)
	ok(t, table.Put(long[:fastskip.KeyMax], nil))
	is(t, table.Delete(long), fastskip.ErrTooLarge)
	ok(t, table.Put(nil, nil))
	found, err := table.Contains([]byte{})
	ok(t, err)
	equal(t, found, true)
}

func TestCallersMode(t *testing.T) {
	table := newTable(t, &fastskip.Options{SequenceMode: fastskip.SequenceCaller})
	k := []byte("k")
	ok(t, table.PutAt(5, fastskip.KindPut, k, []byte("five")))
	ok(t, table.PutAt(fastskip.SequenceMax, fastskip.KindDelete, k, nil))
	is(t, table.PutAt(5, fastskip.KindPut, k, nil), fastskip.ErrExists)
	is(t, table.PutAt(0, fastskip.KindPut, k, nil), fastskip.ErrInvalid)
	is(t, table.Put(k, nil), fastskip.ErrInvalid)
	_, err := table.Snapshot()
	is(t, err, fastskip.ErrInvalid)

	var e fastskip.Entry
	is(t, table.GetAt(4, k, &e), fastskip.ErrNotFound)
	ok(t, table.GetAt(6, k, &e))
	equal(t, string(e.Value), "five")
	equal(t, e.Sequence, 5)
	ok(t, table.GetAt(fastskip.SequenceMax, k, &e))
	equal(t, e.Kind, fastskip.KindDelete)

	it, err := table.NewIteratorAt(6, nil)
	ok(t, err)
	defer it.Close()
	equal(t, show(it), "k=five/0 ")
	equal(t, show(newIterator(t, table, &fastskip.IterOptions{AllVersions: true})), "k=/1 k=five/0 ")
}

func TestSealAndRotate(t *testing.T) {
	table := newTable(t, &fastskip.Options{MemoryLimit: 1 << 20})
	ok(t, table.Put(key(1), []byte("v")))
	equal(t, table.Sealed(), false)

	const n = 8
	var group sync.WaitGroup
	fresh := make([]*fastskip.Table, n)
	errs := make([]error, n)
	for i := range fresh {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			fresh[i], errs[i] = table.Rotate()
		}(i)
	}
	group.Wait()
	winners := 0
	for i := range fresh {
		if errs[i] == nil {
			winners++
			equal(t, stat(t, fresh[i], fastskip.StatMemoryLimit), 1<<20)
			equal(t, stat(t, fresh[i], fastskip.StatKeys), 0)
			ok(t, fresh[i].Close())
		} else {
			is(t, errs[i], fastskip.ErrSealed)
		}
	}
	equal(t, winners, 1)
	equal(t, table.Sealed(), true)
	ok(t, table.Seal())
	is(t, table.Put(key(2), nil), fastskip.ErrSealed)
	value, err := table.Get(key(1))
	ok(t, err)
	equal(t, string(value), "v")
}

func TestReset(t *testing.T) {
	table := newTable(t, nil)
	ok(t, table.Put(key(1), []byte("v")))
	ok(t, table.Seal())
	it := newIterator(t, table, nil)
	is(t, table.Reset(), fastskip.ErrBusy)
	it.Close()
	other, err := table.Ref()
	ok(t, err)
	is(t, table.Reset(), fastskip.ErrBusy)
	other.Close()
	is(t, table.View(key(1), func([]byte) error { return table.Reset() }), fastskip.ErrBusy)
	ok(t, table.Reset())
	equal(t, stat(t, table, fastskip.StatKeys), 0)
	ok(t, table.Put(key(2), nil))
	table.Close()
	is(t, table.Reset(), fastskip.ErrClosed)
}

// A reset among calls under way: each of them, and it, either happens or is refused.
func TestResetBesideCalls(t *testing.T) {
	table := newTable(t, nil)
	var group sync.WaitGroup
	for g := 0; g < 4; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			for i := 0; i < 3000; i++ {
				if err := table.Put(key(i*4+g), key(i)); err != nil && err != fastskip.ErrBusy {
					t.Error(err)
				}
			}
		}(g)
	}
	for done := 0; done < 50; {
		err := table.Reset()
		if err == nil {
			done++
		} else if err != fastskip.ErrBusy {
			t.Fatal(err)
		}
	}
	group.Wait()
	ok(t, table.Check())
	ok(t, table.Reset())
	equal(t, stat(t, table, fastskip.StatKeys), 0)
}
