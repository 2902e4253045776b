// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"fastskip"
)

// folded is an order that does not tell upper from lower case.
func folded(a, b []byte) int { return bytes.Compare(bytes.ToLower(a), bytes.ToLower(b)) }

func foldedNumber(k []byte) uint64 {
	var first [8]byte
	copy(first[:], bytes.ToLower(k))
	return binary.BigEndian.Uint64(first[:])
}

func TestComparator(t *testing.T) {
	for _, abbreviate := range []func([]byte) uint64{nil, foldedNumber} {
		table := newTable(t, &fastskip.Options{Comparator: &fastskip.Comparator{
			Name: "folded", Compare: folded, Abbreviate: abbreviate,
		}})
		for _, k := range []string{"B", "a", "C", "b", ""} {
			ok(t, table.Put([]byte(k), []byte(k)))
		}
		equal(t, show(newIterator(t, table, nil)), "=/0 a=a/0 B=b/0 C=C/0 ")
		var e fastskip.Entry
		ok(t, table.GetRaw([]byte("b"), &e))
		equal(t, string(e.Key)+string(e.Value), "Bb")

		// The order is the rotated table's too, also when the first has gone.
		fresh, err := table.Rotate()
		ok(t, err)
		defer fresh.Close()
		table.Close()
		for i := 0; i < 1000; i++ {
			ok(t, fresh.Put(key(i), nil))
		}
		found, err := fresh.Contains(bytes.ToUpper(key(5)))
		ok(t, err)
		equal(t, found, true)
		ok(t, fresh.Check())
	}
	_, err := fastskip.New(&fastskip.Options{Comparator: &fastskip.Comparator{
		Name: strings.Repeat("x", 64), Compare: folded,
	}})
	is(t, err, fastskip.ErrInvalid)
}

// A turn of the iterator finds its key by the comparator's order.
func TestComparatorIteratorTurns(t *testing.T) {
	table := newTable(t, &fastskip.Options{Comparator: &fastskip.Comparator{
		Compare: func(a, b []byte) int { return bytes.Compare(b, a) },
	}})
	for i := 0; i < 100; i++ {
		ok(t, table.Put(key(i), nil))
	}
	it := newIterator(t, table, nil)
	equal(t, it.SeekGE(key(50)), true)
	equal(t, it.Prev(), true)
	equal(t, string(it.Key()), string(key(51)))
	equal(t, it.SeekLE(key(50)) && it.Next(), true)
	equal(t, string(it.Key()), string(key(49)))
}

// trap is an order that panics when it is told to.
type trap struct {
	value atomic.Value
}

func (p *trap) compare(a, b []byte) int {
	if v := p.value.Load(); v != nil {
		panic(v)
	}
	return bytes.Compare(a, b)
}

// reading is what a call can be made with.
type reading struct {
	table *fastskip.Table
	s     *fastskip.Snapshot
	it    *fastskip.Iterator
	b     *fastskip.Batch
	e     fastskip.Entry
	v     fastskip.Values
}

// comparing are calls that compare keys.
var comparing = map[string]func(r *reading) error{
	"Put":         func(r *reading) error { return r.table.Put(key(7), nil) },
	"Delete":      func(r *reading) error { return r.table.Delete(key(7)) },
	"Insert":      func(r *reading) error { return r.table.Insert(key(7), nil) },
	"PutKind":     func(r *reading) error { return r.table.PutKind(fastskip.KindMax, key(7), nil) },
	"Write":       func(r *reading) error { return r.table.Write(r.b) },
	"GetOrInsert": func(r *reading) error { _, err := r.table.GetOrInsert(key(7), nil, &r.e); return err },
	"Get":         func(r *reading) error { _, err := r.table.Get(key(7)); return err },
	"GetRaw":      func(r *reading) error { return r.table.GetRaw(key(7), &r.e) },
	"GetAt":       func(r *reading) error { return r.table.GetAt(7, key(7), &r.e) },
	"GetMany":     func(r *reading) error { return r.table.GetMany([][]byte{key(7)}, &r.v) },
	"View":        func(r *reading) error { return r.table.View(key(7), nil) },
	"Contains":    func(r *reading) error { _, err := r.s.Contains(key(7)); return err },
	"SeekGE":      func(r *reading) error { r.it.SeekGE(key(7)); return r.it.Err() },
	"Check":       func(r *reading) error { return r.table.Check() },
	"ApproximateCount": func(r *reading) error {
		_, err := r.table.ApproximateCount(key(7), key(8))
		return err
	},
}

// Whatever call the comparator panics in, that call answers the panic, and so does every later one.
func TestComparatorPanics(t *testing.T) {
	for name, call := range comparing {
		t.Run(name, func(t *testing.T) { comparatorPanics(t, call) })
	}
}

func comparatorPanics(t *testing.T, call func(r *reading) error) {
	var p trap
	held := &regions{}
	table := newTable(t, &fastskip.Options{Allocator: held, Comparator: &fastskip.Comparator{Compare: p.compare}})
	for i := 0; i < 300; i++ {
		ok(t, table.Put(key(i), []byte("v")))
	}
	s, err := table.Snapshot()
	ok(t, err)
	r := &reading{table: table, s: s, it: newIterator(t, table, nil), b: newBatch(t)}
	ok(t, r.b.Put(key(500), nil))

	p.value.Store(io.ErrUnexpectedEOF)
	err = call(r)
	is(t, err, fastskip.ErrPanic)
	is(t, err, io.ErrUnexpectedEOF)
	var panicked *fastskip.PanicError
	equal(t, errors.As(err, &panicked), true)
	if !bytes.Contains(panicked.Stack, []byte("(*trap).compare")) ||
		!strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("%v\n%s", err, panicked.Stack)
	}
	equal(t, r.it.Valid(), false)

	is(t, table.Put(nil, nil), fastskip.ErrPanic)
	_, err = table.Rotate()
	is(t, err, fastskip.ErrPanic)
	_, err = table.Snapshot()
	is(t, err, fastskip.ErrPanic)
	_, err = table.NewIterator(nil)
	is(t, err, fastskip.ErrPanic)
	r.it.Close()
	s.Close()
	is(t, table.Reset(), fastskip.ErrPanic)
	table.Close()
	equal(t, held.count(), 0)
}

func TestAbbreviatePanics(t *testing.T) {
	table := newTable(t, &fastskip.Options{Comparator: &fastskip.Comparator{
		Compare: bytes.Compare, Abbreviate: func([]byte) uint64 { panic("mine") },
	}})
	err := table.Put(key(1), nil)
	is(t, err, fastskip.ErrPanic)
	equal(t, errors.Unwrap(err) == nil, true)
}

// Panics in one goroutine while others are at work.
func TestComparatorPanicsAmongGoroutines(t *testing.T) {
	var calls atomic.Int64
	table := newTable(t, &fastskip.Options{Comparator: &fastskip.Comparator{Compare: func(a, b []byte) int {
		if calls.Add(1) > 5000 {
			panic("enough")
		}
		return bytes.Compare(a, b)
	}}})
	var group sync.WaitGroup
	for g := 0; g < 4; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			for i := 0; ; i++ {
				if err := table.Put(key(i*4+g), nil); err != nil {
					if !errors.Is(err, fastskip.ErrPanic) {
						t.Error(err)
					}
					return
				}
			}
		}(g)
	}
	group.Wait()
	is(t, table.Seal(), fastskip.ErrPanic)
}

func TestAllocator(t *testing.T) {
	held := &regions{}
	table := newTable(t, &fastskip.Options{Allocator: held, MemoryLimit: 1 << 20})
	var err error
	n := 0
	for ; err == nil; n++ {
		err = table.Put(key(n), make([]byte, 1000))
	}
	is(t, err, fastskip.ErrFull)
	equal(t, n > 500, true)
	fresh, err := table.Rotate()
	ok(t, err)
	equal(t, held.count(), 2)
	table.Close()
	equal(t, held.count(), 1)
	fresh.Close()
	equal(t, held.count(), 0)
}

// broken is an allocator that fails, or panics, in one of its functions.
type broken struct {
	regions
	in    string
	panic bool
}

func (b *broken) fails(in string) bool {
	if b.in == in && b.panic {
		panic("mine")
	}
	return b.in == in
}

func (b *broken) Reserve(size, alignment uintptr) unsafe.Pointer {
	if b.fails("Reserve") {
		return nil
	}
	return b.regions.Reserve(size, alignment)
}

func (b *broken) Commit(address unsafe.Pointer, size uintptr) error {
	if b.fails("Commit") {
		return io.ErrShortBuffer
	}
	return nil
}

func (b *broken) Release(address unsafe.Pointer, size uintptr) {
	b.regions.Release(address, size)
	b.fails("Release")
}

func TestAllocatorFails(t *testing.T) {
	for _, panics := range []bool{false, true} {
		want := fastskip.ErrNoMemory
		if panics {
			want = fastskip.ErrPanic
		}
		for _, in := range []string{"Reserve", "Commit"} {
			b := &broken{in: in, panic: panics}
			_, err := fastskip.New(&fastskip.Options{Allocator: b})
			is(t, err, want)
			equal(t, b.count(), 0)
		}
		b := &broken{panic: panics}
		table := newTable(t, &fastskip.Options{Allocator: b})
		ok(t, table.Put(key(0), nil))
		b.in = "Commit"
		err := error(nil)
		for i := 0; err == nil; i++ {
			err = table.Put(key(i), make([]byte, 1000))
		}
		is(t, err, want)
		b.in = "Release"
		ok(t, table.Close())
		equal(t, b.count(), 0)
	}
}
