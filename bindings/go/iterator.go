// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip

// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// IterOptions say what an iterator shows. The zero value is the newest live version of every key.
type IterOptions struct {
	Lower, Upper []byte // bounds, as SetBounds takes them
	Tombstones   bool   // keys whose newest version is a tombstone, too
	AllVersions  bool   // every version, tombstones among them; newest first within a key
}

func (o *IterOptions) flags() C.uint32_t {
	var flags C.uint32_t
	if o != nil && o.Tombstones {
		flags |= C.FASTSKIP_TOMBSTONES
	}
	if o != nil && o.AllVersions {
		flags |= C.FASTSKIP_ALL_VERSIONS
	}
	return flags
}

// Iterator is a cursor over a table, in ascending order of keys. It stands on an entry (Valid) or not. A
// new one does not, nor does one that has run past either end: only a seek makes it valid again.
//
//	for ok := it.First(); ok; ok = it.Next() {
//		use(it.Key(), it.Value())
//	}
//	if err := it.Err(); err != nil {
//		...
//	}
//
// It reads ahead, up to 256 entries in one call of C, and copies them into a buffer of its own. It works on
// when its table or snapshot has been closed. It is used by one goroutine at a time; only Close may be
// called by another.
type Iterator struct {
	mu     sync.Mutex // held by who uses c or what it points into
	c      *C.fastskip_iterator
	cb     *callbacks
	closed atomic.Bool

	store    []C.fsgo_view // room for what C shows
	views    []C.fsgo_view // in store: the entries, then those read but not yet copied
	entries  []Entry       // copies, in the order of reading; they lie in mem
	mem      []byte
	at       int // the present entry
	room     int // how many to read next
	backward bool
	valid    bool
	err      error
}

// How much is read ahead: few entries after a seek, for there may be no Next, then more and more.
const (
	roomLeast = 4
	roomMost  = 256
	memMost   = 64 << 10 // bytes copied at a time, if that is more than one entry
	memKept   = 1 << 20  // a buffer that had to be larger is not kept
)

// NewIterator makes an iterator. Of a table it shows the instant of this call (caller's mode: every
// number), of a snapshot that one's. Nil stands for the zero options.
func (r *reader) NewIterator(o *IterOptions) (*Iterator, error) {
	return r.newIterator(o, func(c **C.fastskip_iterator) C.fastskip_status {
		return C.fastskip_iterator_new(r.table, r.snapshot, o.flags(), c)
	})
}

// NewIteratorAt makes an iterator over what is visible at a sequence number. Caller's mode only.
func (t *Table) NewIteratorAt(sequence uint64, o *IterOptions) (*Iterator, error) {
	return t.newIterator(o, func(c **C.fastskip_iterator) C.fastskip_status {
		return C.fastskip_iterator_new_at(t.table, C.uint64_t(sequence), o.flags(), c)
	})
}

func (r *reader) newIterator(
	o *IterOptions, make func(c **C.fastskip_iterator) C.fastskip_status,
) (*Iterator, error) {
	s, err := r.begin()
	if err != nil {
		return nil, err
	}
	defer r.leave(s)
	var c *C.fastskip_iterator
	if err := r.cb.result(make(&c)); err != nil {
		C.fastskip_iterator_free(c)
		return nil, err
	}
	it := &Iterator{c: c, cb: r.cb.take()}
	runtime.SetFinalizer(it, (*Iterator).Close)
	if o != nil && (o.Lower != nil || o.Upper != nil) {
		if err := it.SetBounds(o.Lower, o.Upper); err != nil {
			it.Close()
			return nil, err
		}
	}
	return it, nil
}

// SetBounds limits the iterator to keys from lower on and before upper. Nil is no bound. The iterator is
// not valid afterwards, unless there was an error.
func (it *Iterator) SetBounds(lower, upper []byte) error {
	it.mu.Lock()
	defer it.mu.Unlock()
	if it.c == nil {
		return ErrClosed
	}
	status := C.fsgo_set_bounds(it.number(), bound(lower), C.size_t(len(lower)),
		bound(upper), C.size_t(len(upper)))
	err := it.cb.result(status)
	if err == nil {
		it.lose(nil)
	}
	return err
}

// First goes to the first entry and says whether there is one.
func (it *Iterator) First() bool { return it.seek(C.FSGO_FIRST, false, nil) }

// Last goes to the last entry and says whether there is one.
func (it *Iterator) Last() bool { return it.seek(C.FSGO_LAST, true, nil) }

// SeekGE goes to the first entry whose key is not before this one and says whether there is one.
func (it *Iterator) SeekGE(key []byte) bool { return it.seek(C.FSGO_GE, false, key) }

// SeekLE goes to the last entry whose key is not after this one and says whether there is one.
func (it *Iterator) SeekLE(key []byte) bool { return it.seek(C.FSGO_LE, true, key) }

// Next goes to the entry after the present one and says whether there is one.
func (it *Iterator) Next() bool { return it.move(false) }

// Prev goes to the entry before the present one and says whether there is one. Directions mix freely; a
// change of direction costs a seek.
func (it *Iterator) Prev() bool { return it.move(true) }

// Valid says whether the iterator stands on an entry.
func (it *Iterator) Valid() bool { return it.valid && !it.closed.Load() }

// Key is that of the present entry, nil if there is none. It is good until the iterator is moved.
func (it *Iterator) Key() []byte {
	if !it.Valid() {
		return nil
	}
	return it.entries[it.at].Key
}

// Value is that of the present entry, nil if there is none. It is good until the iterator is moved.
func (it *Iterator) Value() []byte {
	if !it.Valid() {
		return nil
	}
	return it.entries[it.at].Value
}

// Entry is the present entry, zero if there is none. Its key and value are good until the iterator is
// moved.
func (it *Iterator) Entry() Entry {
	if !it.Valid() {
		return Entry{}
	}
	return it.entries[it.at]
}

// Err says why the iterator stopped, nil if that was at an end.
func (it *Iterator) Err() error { return it.err }

// Close gives the iterator up. The error is always nil; closing twice is fine.
func (it *Iterator) Close() error {
	it.closed.Store(true)
	it.mu.Lock()
	defer it.mu.Unlock()
	if it.c != nil {
		C.fastskip_iterator_free(it.c)
		it.c = nil
		it.cb.drop()
	}
	return nil
}

// number is the handle as the shim takes it.
func (it *Iterator) number() C.fsgo_iterator {
	return C.fsgo_iterator(uintptr(unsafe.Pointer(it.c)))
}

func (it *Iterator) seek(from C.int, backward bool, key []byte) bool {
	it.room = roomLeast
	return it.read(from, backward, key, nil)
}

func (it *Iterator) move(backward bool) bool {
	switch {
	case it.closed.Load():
		return it.lose(ErrClosed)
	case !it.valid:
		return false
	case backward != it.backward && it.at > 0:
		it.at--
		return true
	case backward != it.backward:
		it.room = roomLeast
		return it.read(C.FSGO_BEYOND, backward, it.entries[0].Key, &it.views[0])
	case it.at+1 < len(it.entries):
		it.at++
		return true
	}
	return it.read(C.FSGO_HERE, backward, nil, nil)
}

// lose leaves the iterator without an entry.
func (it *Iterator) lose(err error) bool {
	it.valid, it.err = false, err
	it.views, it.entries, it.at = nil, it.entries[:0], 0
	return false
}

// read gets the next entries: those that C has shown already, or more of them.
func (it *Iterator) read(from C.int, backward bool, key []byte, mark *C.fsgo_view) bool {
	it.mu.Lock()
	defer it.mu.Unlock()
	if it.c == nil {
		return it.lose(ErrClosed)
	}
	if err := it.cb.failure(); err != nil {
		return it.lose(err)
	}
	if from == C.FSGO_HERE && len(it.entries) < len(it.views) {
		it.views = it.views[len(it.entries):]
		return it.copyOut()
	}
	// What mark points to is in the store, and C has read it when it writes there.
	if len(it.store) < it.room {
		it.store = make([]C.fsgo_view, it.room)
	}
	way := C.int(0)
	if backward {
		way = 1
	}
	n := C.fsgo_fill(it.number(), from, way, pointer(key), C.size_t(len(key)), mark, &it.store[0], C.size_t(it.room))
	if err := it.cb.result(n.status); err != nil {
		if err == ErrNotFound {
			err = nil
		}
		return it.lose(err)
	}
	if it.room < roomMost {
		it.room *= 4
	}
	it.views, it.backward = it.store[:n.count], backward
	return it.copyOut()
}

// copyOut makes entries of the first views.
func (it *Iterator) copyOut() bool {
	n, size := 0, 0
	for n < len(it.views) {
		more := int(it.views[n].key_size) + int(it.views[n].value_size)
		if n > 0 && size+more > memMost {
			break
		}
		size += more
		n++
	}
	if cap(it.mem) < size || cap(it.mem) > memKept {
		it.mem = make([]byte, 0, size+size/4)
	}
	if cap(it.entries) < n {
		it.entries = make([]Entry, len(it.store))
	}
	mem, entries := it.mem[:0], it.entries[:n]
	for i := range entries {
		v, e := &it.views[i], &entries[i]
		start := len(mem)
		mem = append(mem, bytesAt(&v.key, v.key_size)...)
		middle := len(mem)
		mem = append(mem, bytesAt(&v.value, v.value_size)...)
		e.Key, e.Value = mem[start:middle:middle], mem[middle:len(mem):len(mem)]
		e.Sequence, e.Kind = uint64(v.sequence), Kind(v.kind)
	}
	it.entries = entries
	it.at, it.valid, it.err = 0, true, nil
	return true
}
