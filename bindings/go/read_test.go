// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip_test

import (
	"bytes"
	"errors"
	"testing"

	"fastskip"
)

func TestGet(t *testing.T) {
	table := newTable(t, nil)
	k := []byte("key")
	_, err := table.Get(k)
	is(t, err, fastskip.ErrNotFound)
	ok(t, table.Put(k, []byte("value")))
	ok(t, table.Put([]byte("empty"), nil))
	k[0] = 'x' // the table has its own copy
	value, err := table.Get([]byte("key"))
	ok(t, err)
	equal(t, string(value), "value")
	value[0] = 'x' // and so have we
	again, err := table.Get([]byte("key"))
	ok(t, err)
	equal(t, string(again), "value")
	value, err = table.Get([]byte("empty"))
	ok(t, err)
	equal(t, value != nil && len(value) == 0, true)
	_, err = table.Get(make([]byte, fastskip.KeyMax+1))
	is(t, err, fastskip.ErrTooLarge)
}

func TestGetInto(t *testing.T) {
	table := newTable(t, nil)
	ok(t, table.Put([]byte("key"), []byte("value")))
	room := make([]byte, 2, 100)
	value, err := table.GetInto(room, []byte("key"))
	ok(t, err)
	equal(t, string(value), "value")
	equal(t, &value[0] == &room[0], true)
	value, err = table.GetInto(make([]byte, 2), []byte("key"))
	ok(t, err)
	equal(t, string(value), "value")
	value, err = table.GetInto(room, []byte("none"))
	is(t, err, fastskip.ErrNotFound)
	equal(t, len(value) == 0 && cap(value) == 100, true)
}

func TestGetRaw(t *testing.T) {
	table := newTable(t, nil)
	var e fastskip.Entry
	is(t, table.GetRaw([]byte("k"), &e), fastskip.ErrNotFound)
	ok(t, table.Put([]byte("k"), []byte("value")))
	ok(t, table.GetRaw([]byte("k"), &e))
	equal(t, string(e.Key)+"="+string(e.Value), "k=value")
	// Appending to what came out must not reach what lies behind it.
	_ = append(e.Key, 'X')
	equal(t, string(e.Value), "value")
	ok(t, table.Delete([]byte("k")))
	ok(t, table.GetRaw([]byte("k"), &e))
	equal(t, e.Kind, fastskip.KindDelete)
	equal(t, len(e.Value), 0)
	is(t, table.GetRaw([]byte("none"), &e), fastskip.ErrNotFound)
	is(t, table.GetRaw([]byte("k"), nil), fastskip.ErrInvalid)
	is(t, table.GetAt(1, []byte("k"), nil), fastskip.ErrInvalid)
	_, err := table.GetOrInsert([]byte("k"), nil, nil)
	is(t, err, fastskip.ErrInvalid)
	equal(t, e.Key == nil && e.Value == nil && e.Kind == 0, true)
}

func TestView(t *testing.T) {
	table := newTable(t, nil)
	ok(t, table.Put([]byte("k"), []byte("value")))
	mine := errors.New("mine")
	is(t, table.View([]byte("k"), func(value []byte) error {
		equal(t, string(value), "value")
		equal(t, cap(value), 5)
		// Closing now must not pull the memory from under us.
		ok(t, table.Close())
		equal(t, string(value), "value")
		return mine
	}), mine)
	is(t, table.View([]byte("k"), nil), fastskip.ErrClosed)

	table = newTable(t, nil)
	is(t, table.View([]byte("k"), nil), fastskip.ErrNotFound)
	ok(t, table.Put([]byte("k"), nil))
	func() {
		defer func() { equal(t, recover() == "mine", true) }()
		table.View([]byte("k"), func([]byte) error { panic("mine") })
	}()
	ok(t, table.Reset()) // the panic has left nobody behind
}

func TestSnapshot(t *testing.T) {
	table := newTable(t, nil)
	k := []byte("k")
	ok(t, table.Put(k, []byte("old")))
	s, err := table.Snapshot()
	ok(t, err)
	defer s.Close()
	ok(t, table.Put(k, []byte("new")))
	ok(t, table.Put([]byte("l"), nil))

	value, err := s.Get(k)
	ok(t, err)
	equal(t, string(value), "old")
	found, err := s.Contains([]byte("l"))
	ok(t, err)
	equal(t, found, false)
	var e fastskip.Entry
	ok(t, table.GetAt(s.Sequence(), k, &e))
	equal(t, string(e.Value), "old")
	var v fastskip.Values
	ok(t, s.GetMany([][]byte{k, []byte("l")}, &v))
	value, err = v.At(0)
	ok(t, err)
	equal(t, string(value), "old")
	_, err = v.At(1)
	is(t, err, fastskip.ErrNotFound)

	// It goes on when the table is closed, and an iterator when both are.
	table.Close()
	value, err = s.Get(k)
	ok(t, err)
	equal(t, string(value), "old")
	it, err := s.NewIterator(nil)
	ok(t, err)
	defer it.Close()
	s.Close()
	equal(t, s.Sequence(), 0)
	equal(t, show(it), "k=old/0 ")
}

func TestGetMany(t *testing.T) {
	table := newTable(t, nil)
	const n = 1000
	for i := 0; i < n; i += 2 {
		ok(t, table.Put(key(i), bytes.Repeat([]byte{byte(i)}, i)))
	}
	ok(t, table.Put(nil, []byte("the empty key")))
	keys := make([][]byte, 0, n)
	for i := n - 1; i >= 0; i-- {
		keys = append(keys, key(i))
	}
	keys = append(keys, nil, make([]byte, fastskip.KeyMax+1), []byte{}, key(0))
	var v fastskip.Values
	for round := 0; round < 2; round++ { // the second one in the memory of the first
		ok(t, table.GetMany(keys, &v))
		equal(t, v.Len(), n+4)
		for at := 0; at < n; at++ {
			i := n - 1 - at
			value, err := v.At(at)
			if i%2 != 0 {
				is(t, err, fastskip.ErrNotFound)
			} else if err != nil || !bytes.Equal(value, bytes.Repeat([]byte{byte(i)}, i)) {
				t.Fatalf("key %d: %d bytes, %v", i, len(value), err)
			}
		}
		for _, at := range []int{n, n + 2} {
			value, err := v.At(at)
			ok(t, err)
			equal(t, string(value), "the empty key")
		}
		_, err := v.At(n + 1)
		is(t, err, fastskip.ErrTooLarge)
		ok(t, table.GetMany(keys[n-5:n], &v)) // others than those before
		equal(t, v.Len(), 5)
		value, err := v.At(0)
		ok(t, err)
		equal(t, string(value), string([]byte{4, 4, 4, 4}))
		ok(t, table.GetMany(nil, &v))
		equal(t, v.Len(), 0)
	}
	table.Close()
	is(t, table.GetMany(keys, &v), fastskip.ErrClosed)
	equal(t, v.Len(), 0)
}
