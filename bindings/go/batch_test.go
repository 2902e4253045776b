// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip_test

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"fastskip"
)

func newBatch(t testing.TB) *fastskip.Batch {
	t.Helper()
	b, err := fastskip.NewBatch()
	ok(t, err)
	t.Cleanup(func() { b.Close() })
	return b
}

func TestBatch(t *testing.T) {
	table := newTable(t, nil)
	b := newBatch(t)
	ok(t, table.Write(b))
	ok(t, b.Put([]byte("a"), []byte("1")))
	ok(t, b.Put([]byte("a"), []byte("2")))
	ok(t, b.Delete([]byte("b")))
	ok(t, b.PutKind(fastskip.KindOwnMin, []byte("c"), []byte("3")))
	is(t, b.PutKind(fastskip.KindPut, []byte("c"), nil), fastskip.ErrInvalid)
	is(t, b.Put(make([]byte, fastskip.KeyMax+1), nil), fastskip.ErrTooLarge)
	equal(t, b.Len(), 4)
	ok(t, table.Write(b))
	it := newIterator(t, table, &fastskip.IterOptions{Tombstones: true})
	equal(t, show(it), "a=2/0 b=/1 c=3/2 ")
	ok(t, b.Clear())
	equal(t, b.Len(), 0)
	ok(t, b.PutAt(1, fastskip.KindPut, []byte("d"), nil))
	is(t, table.Write(b), fastskip.ErrInvalid) // numbered, for a table that is not
	is(t, table.Write(nil), fastskip.ErrInvalid)

	numbered := newTable(t, &fastskip.Options{SequenceMode: fastskip.SequenceCaller})
	ok(t, numbered.Write(b))
	is(t, numbered.Write(b), fastskip.ErrExists)
}

func TestBatchIsWhole(t *testing.T) {
	table := newTable(t, &fastskip.Options{EntryLimit: 5})
	b := newBatch(t)
	for i := 0; i < 6; i++ {
		ok(t, b.Put(key(i), nil))
	}
	is(t, table.Write(b), fastskip.ErrFull)
	equal(t, show(newIterator(t, table, nil)), "")
}

// Goroutines that share a batch wait for each other; closing it while they work is safe.
func TestBatchShared(t *testing.T) {
	table := newTable(t, nil)
	b := newBatch(t)
	var group sync.WaitGroup
	for g := 0; g < 4; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			for i := 0; i < 500; i++ {
				try(t, b.Put(key(i*4+g), nil))
				if i%100 == 0 {
					try(t, table.Write(b))
				}
			}
		}(g)
	}
	group.Wait()
	equal(t, b.Len(), 2000)
	ok(t, table.Write(b))
	equal(t, stat(t, table, fastskip.StatLive), 2000)

	for g := 0; g < 4; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			var err error
			for err == nil {
				err = b.Put(key(g), nil)
			}
			if err != fastskip.ErrClosed {
				t.Error(err)
			}
		}(g)
	}
	ok(t, b.Close())
	group.Wait()
	is(t, table.Write(b), fastskip.ErrClosed)
}

// resident is how many bytes of memory the process has.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc")
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	ok(t, err)
	return pages * os.Getpagesize()
}

// Closing a batch gives its memory back.
func TestBatchMemory(t *testing.T) {
	value := make([]byte, 8<<20)
	most := resident(t) + 50*len(value)
	for i := 0; i < 100; i++ {
		b, err := fastskip.NewBatch()
		ok(t, err)
		ok(t, b.Put(nil, value))
		ok(t, b.Close())
		if resident(t) > most {
			t.Fatal("closed batches keep their memory")
		}
	}
}
