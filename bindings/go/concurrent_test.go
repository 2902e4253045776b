// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip_test

import (
	"encoding/binary"
	"errors"
	"sync"
	"testing"

	"fastskip"
)

// Accounts whose sum a batch never changes: whatever reads them at one instant, while goroutines move
// amounts about, finds that sum.
func TestBatchesBesideReads(t *testing.T) {
	const accounts, each, moves = 64, 1000, 1500
	table := newTable(t, &fastskip.Options{Shards: 2})
	keys := make([][]byte, accounts)
	amount := func(n int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }
	for i := range keys {
		keys[i] = key(i)
		ok(t, table.Put(keys[i], amount(each)))
	}

	var movers, readers sync.WaitGroup
	done := make(chan struct{})
	for g := 0; g < 2; g++ { // each moves within a half of its own
		movers.Add(1)
		b := newBatch(t)
		go func(g int) {
			defer movers.Done()
			half := keys[g*accounts/2:][:accounts/2]
			for i := 0; i < moves; i++ {
				from, to := half[i%len(half)], half[(i*7+3)%len(half)]
				if i%len(half) == (i*7+3)%len(half) {
					continue
				}
				a, err := table.Get(from)
				try(t, err)
				c, err := table.Get(to)
				try(t, err)
				try(t, b.Clear())
				try(t, b.Put(from, amount(int64(binary.LittleEndian.Uint64(a))-1)))
				try(t, b.Put(to, amount(int64(binary.LittleEndian.Uint64(c))+1)))
				try(t, table.Write(b))
			}
		}(g)
	}
	read := func(sum func() (int64, error)) {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for {
				n, err := sum()
				try(t, err)
				if n != accounts*each {
					t.Errorf("the sum is %d", n)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		}()
	}
	var values fastskip.Values
	read(func() (n int64, err error) { return sumOf(&values, table.GetMany(keys, &values)) })
	read(func() (int64, error) { return scanned(table) })
	movers.Wait()
	close(done)
	readers.Wait()
	ok(t, table.Check())
}

func sumOf(v *fastskip.Values, err error) (n int64, _ error) {
	for i := 0; i < v.Len() && err == nil; i++ {
		var value []byte
		if value, err = v.At(i); err == nil {
			n += int64(binary.LittleEndian.Uint64(value))
		}
	}
	return n, err
}

// scanned adds up a snapshot, once in each direction.
func scanned(table *fastskip.Table) (n int64, err error) {
	s, err := table.Snapshot()
	if err != nil {
		return 0, err
	}
	defer s.Close()
	it, err := s.NewIterator(nil)
	if err != nil {
		return 0, err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		n += int64(binary.LittleEndian.Uint64(it.Value()))
	}
	back := int64(0)
	for ok := it.Last(); ok; ok = it.Prev() {
		back += int64(binary.LittleEndian.Uint64(it.Value()))
	}
	if n != back {
		return n, errors.New("forth and back differ")
	}
	return n, it.Err()
}

// Goroutines insert the same keys: of each key one wins, and all see the winner's value.
func TestInsertsRace(t *testing.T) {
	const n, goroutines = 2000, 4
	table := newTable(t, nil)
	var group sync.WaitGroup
	var won [goroutines]int
	for g := 0; g < goroutines; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			var e, again fastskip.Entry
			for i := 0; i < n; i++ {
				inserted, err := table.GetOrInsert(key(i), []byte{byte(g)}, &e)
				try(t, err)
				if inserted {
					won[g]++
				}
				try(t, table.GetRaw(key(i), &again))
				if inserted && e.Value[0] != byte(g) || e.Value[0] != again.Value[0] {
					t.Error("two winners of a key")
				}
			}
		}(g)
	}
	group.Wait()
	equal(t, won[0]+won[1]+won[2]+won[3], n)
}
