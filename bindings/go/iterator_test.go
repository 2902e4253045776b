// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip_test

import (
	"bytes"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"fastskip"
)

// model is what an iterator must show: all entries in order, and where it stands.
type model struct {
	entries []fastskip.Entry
	at      int // -1: not valid
}

func (m *model) stand(to int) bool {
	m.at = -1
	if to >= 0 && to < len(m.entries) {
		m.at = to
	}
	return m.at >= 0
}

// first is the first entry whose key is not before this one.
func (m *model) first(key []byte) int {
	for i := range m.entries {
		if bytes.Compare(m.entries[i].Key, key) >= 0 {
			return i
		}
	}
	return len(m.entries)
}

// filled is a table with several versions of many keys, the tombstones among them, and all versions.
func filled(t *testing.T, random *rand.Rand, keys, writes int) (*fastskip.Table, []fastskip.Entry) {
	table := newTable(t, &fastskip.Options{Shards: 2})
	newest := make([][]fastskip.Entry, keys)
	for i := 0; i < writes; i++ {
		k := random.Intn(keys)
		e := fastskip.Entry{Key: key(k), Value: []byte(fmt.Sprint(i))}
		switch random.Intn(4) {
		case 0:
			e.Kind, e.Value = fastskip.KindDelete, nil
			ok(t, table.Delete(e.Key))
		case 1:
			e.Kind = fastskip.KindOwnMin
			ok(t, table.PutKind(e.Kind, e.Key, e.Value))
		default:
			ok(t, table.Put(e.Key, e.Value))
		}
		newest[k] = append([]fastskip.Entry{e}, newest[k]...)
	}
	var all []fastskip.Entry
	for _, versions := range newest {
		all = append(all, versions...)
	}
	return table, all
}

// shown leaves out what the options do not show.
func shown(all []fastskip.Entry, o *fastskip.IterOptions) []fastskip.Entry {
	var entries []fastskip.Entry
	for i, e := range all {
		older := i > 0 && bytes.Equal(all[i-1].Key, e.Key)
		if o.Lower != nil && bytes.Compare(e.Key, o.Lower) < 0 || o.Upper != nil && bytes.Compare(e.Key, o.Upper) >= 0 {
			continue
		}
		if o.AllVersions || !older && (o.Tombstones || e.Kind != fastskip.KindDelete) {
			entries = append(entries, e)
		}
	}
	return entries
}

func same(t *testing.T, it *fastskip.Iterator, m *model, valid, expected bool, step string) {
	t.Helper()
	ok(t, it.Err())
	if valid != expected || it.Valid() != expected {
		t.Fatalf("after %s: answer %v, valid %v, want %v", step, valid, it.Valid(), expected)
	}
	got, want := it.Entry(), fastskip.Entry{}
	if m.at >= 0 {
		want = m.entries[m.at]
	}
	if !bytes.Equal(got.Key, want.Key) || !bytes.Equal(got.Value, want.Value) || got.Kind != want.Kind {
		t.Fatalf("after %s: at %s=%s/%d, want %s=%s/%d", step, got.Key, got.Value, got.Kind, want.Key,
			want.Value, want.Kind)
	}
	if !bytes.Equal(it.Key(), got.Key) || !bytes.Equal(it.Value(), got.Value) {
		t.Fatalf("after %s: Key and Value are not Entry's", step)
	}
}

// Random walks of an iterator, each step compared with the model.
func TestIteratorModel(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	const keys = 400
	for round := 0; round < 24; round++ {
		table, all := filled(t, random, keys, 100+random.Intn(3000))
		o := &fastskip.IterOptions{Tombstones: round&1 != 0, AllVersions: round&2 != 0}
		if round&4 != 0 {
			o.Lower, o.Upper = key(random.Intn(200)), key(200+random.Intn(250))
		}
		it, m := newIterator(t, table, o), &model{shown(all, o), -1}
		same(t, it, m, false, false, "nothing")
		ok(t, table.Put(key(1), []byte("too late to be seen")))
		for i := 0; i < 600; i++ {
			walk(t, random, it, m, keys)
		}
		it.Close()
		table.Close()
	}
}

func walk(t *testing.T, random *rand.Rand, it *fastskip.Iterator, m *model, keys int) {
	k := key(random.Intn(keys + 2))
	switch step := random.Intn(60); {
	case step == 0:
		same(t, it, m, it.First(), m.stand(0), "First")
	case step == 1:
		same(t, it, m, it.Last(), m.stand(len(m.entries)-1), "Last")
	case step == 2:
		same(t, it, m, it.SeekGE(k), m.stand(m.first(k)), "SeekGE "+string(k))
	case step == 3:
		after := append(k, 0)
		same(t, it, m, it.SeekLE(k), m.stand(m.first(after)-1), "SeekLE "+string(k))
	default:
		// Runs, so that reads get long, and turns in them.
		for n := random.Intn(1 << random.Intn(9)); n >= 0; n-- {
			if step%2 == 0 {
				same(t, it, m, it.Next(), m.at >= 0 && m.stand(m.at+1), "Next")
			} else {
				same(t, it, m, it.Prev(), m.at >= 0 && m.stand(m.at-1), "Prev")
			}
		}
	}
}

// Entries too large for one buffer come in parts.
func TestIteratorLargeValues(t *testing.T) {
	table := newTable(t, nil)
	const n = 60
	size := func(i int) int { return i * i * 700 % 50000 }
	for i := 0; i < n; i++ {
		ok(t, table.Put(key(i), bytes.Repeat([]byte{byte(i)}, size(i))))
	}
	ok(t, table.Put(key(n), make([]byte, 3<<20)))
	it := newIterator(t, table, nil)
	for round := 0; round < 2; round++ {
		i := 0
		for valid := it.First(); valid && i < n; valid = it.Next() {
			if !bytes.Equal(it.Key(), key(i)) || !bytes.Equal(it.Value(), bytes.Repeat([]byte{byte(i)}, size(i))) {
				t.Fatalf("entry %d is %s with %d bytes", i, it.Key(), len(it.Value()))
			}
			i++
		}
		equal(t, i, n)
		equal(t, len(it.Value()), 3<<20)
		for ; it.Valid(); it.Prev() {
			equal(t, string(it.Key()), string(key(i)))
			i--
		}
		equal(t, i, -1)
	}
}

func TestIteratorBounds(t *testing.T) {
	table := newTable(t, nil)
	for _, k := range []string{"", "a", "b", "c"} {
		ok(t, table.Put([]byte(k), nil))
	}
	it := newIterator(t, table, nil)
	equal(t, show(it), "=/0 a=/0 b=/0 c=/0 ")
	equal(t, it.First(), true)
	ok(t, it.SetBounds([]byte("a"), []byte("c")))
	equal(t, it.Valid() || it.Next(), false)
	equal(t, show(it), "a=/0 b=/0 ")
	ok(t, it.SetBounds(nil, []byte{})) // nothing is before the empty key
	equal(t, show(it), "")
	equal(t, it.First(), false)
	ok(t, it.SetBounds([]byte{}, nil))
	equal(t, it.First(), true)
	is(t, it.SetBounds(nil, make([]byte, fastskip.KeyMax+1)), fastskip.ErrTooLarge)
	equal(t, it.Valid(), true)
	equal(t, it.SeekGE(make([]byte, fastskip.KeyMax+1)), false)
	is(t, it.Err(), fastskip.ErrTooLarge)
	equal(t, it.First(), true)
	ok(t, it.Err())
	_, err := table.NewIterator(&fastskip.IterOptions{Lower: make([]byte, fastskip.KeyMax+1)})
	is(t, err, fastskip.ErrTooLarge)
}

// An iterator over every number turns where its key has been deleted, or written anew, meanwhile.
func TestIteratorTurnsOnChange(t *testing.T) {
	table := newTable(t, &fastskip.Options{SequenceMode: fastskip.SequenceCaller})
	put := func(sequence uint64, kind fastskip.Kind, k string) {
		ok(t, table.PutAt(sequence, kind, []byte(k), nil))
	}
	for i, k := range strings.Split("abcde", "") {
		put(uint64(i+1), fastskip.KindPut, k)
	}
	it := newIterator(t, table, nil)
	equal(t, it.SeekGE([]byte("c")), true)
	put(10, fastskip.KindDelete, "c")
	equal(t, it.Prev(), true)
	equal(t, string(it.Key()), "b")
	equal(t, it.Next() && it.Next(), true)
	equal(t, string(it.Key()), "e")
	equal(t, it.SeekGE([]byte("d")), true)
	put(11, fastskip.KindPut, "d")
	equal(t, it.Prev(), true)
	equal(t, string(it.Key()), "b")
}
