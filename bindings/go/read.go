// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip

// #include "shim.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// reader is what tables and snapshots have in common: a table, read at an instant.
type reader struct {
	handle
	table    *C.fastskip_table
	snapshot *C.fastskip_snapshot // nil: now
	cb       *callbacks
}

// begin is enter for calls that a callback may be part of: after one has panicked none reaches C. Where it
// ended its goroutine instead, C may not even be used to seal the table: it would wait for that call.
func (r *reader) begin() (*stripe, error) {
	s, err := r.enter()
	if err == nil && r.cb != nil {
		if err = r.cb.failure(); err != nil {
			r.leave(s)
		}
	}
	return s, err
}

// The handles as the shim takes them.
func (r *reader) t() C.fsgo_table    { return C.fsgo_table(uintptr(unsafe.Pointer(r.table))) }
func (r *reader) s() C.fsgo_snapshot { return C.fsgo_snapshot(uintptr(unsafe.Pointer(r.snapshot))) }

// Get gives a copy of the value of a key, or ErrNotFound.
func (r *reader) Get(key []byte) ([]byte, error) {
	value, err := r.GetInto(nil, key)
	if err == nil && value == nil {
		value = []byte{}
	}
	return value, err
}

// GetInto is Get into the memory of dst, which is allocated anew only where it is too small. It returns
// the value, or dst emptied along with the error:
//
//	buf, err = table.GetInto(buf, key)
func (r *reader) GetInto(dst, key []byte) ([]byte, error) {
	s, err := r.begin()
	if err != nil {
		return dst[:0], err
	}
	v := C.fsgo_get(r.t(), r.s(), pointer(key), C.size_t(len(key)))
	dst = dst[:0]
	if err = r.cb.result(v.status); err == nil {
		dst = append(dst, bytesAt(&v.value, v.value_size)...)
	}
	r.leave(s)
	return dst, err
}

// GetRaw finds the newest version of a key, also if it is a tombstone: an engine that then reads its older
// files needs to know the difference. It copies the version into e, in whose memory there may be room
// from a read before.
func (r *reader) GetRaw(key []byte, e *Entry) error {
	if e == nil {
		return ErrInvalid
	}
	s, err := r.begin()
	if err != nil {
		return e.answer(nil, err)
	}
	v := C.fsgo_get_raw(r.t(), r.s(), pointer(key), C.size_t(len(key)))
	err = e.answer(&v, r.cb.result(v.status))
	r.leave(s)
	return err
}

// View calls f with the value of a key as it lies in the table, without a copy; for values too large to
// copy. f must not change value, nor keep it or a part of it: when f has returned, the memory may go. View
// answers what f answers, or ErrNotFound.
func (r *reader) View(key []byte, f func(value []byte) error) error {
	s, err := r.begin()
	if err != nil {
		return err
	}
	defer r.leave(s)
	v := C.fsgo_get(r.t(), r.s(), pointer(key), C.size_t(len(key)))
	if err := r.cb.result(v.status); err != nil {
		return err
	}
	value := bytesAt(&v.value, v.value_size)
	return f(value[:len(value):len(value)])
}

// Contains says whether a key is live.
func (r *reader) Contains(key []byte) (bool, error) {
	s, err := r.begin()
	if err != nil {
		return false, err
	}
	err = r.cb.result(C.fsgo_contains(r.t(), r.s(), pointer(key), C.size_t(len(key))))
	r.leave(s)
	if err == ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

// GetAt finds the newest version of a key up to a sequence number, also if it is a tombstone. In AUTO mode
// numbers come from Snapshot.Sequence. It copies the version into e, as GetRaw does.
func (t *Table) GetAt(sequence uint64, key []byte, e *Entry) error {
	if e == nil {
		return ErrInvalid
	}
	s, err := t.begin()
	if err != nil {
		return e.answer(nil, err)
	}
	v := C.fsgo_get_at(t.t(), C.uint64_t(sequence), pointer(key), C.size_t(len(key)))
	err = e.answer(&v, t.cb.result(v.status))
	t.leave(s)
	return err
}

// Snapshot is the state of a table at one instant; reading it twice gives the same answer. It costs no
// memory of the table, and works on when the table's Close has been called. All its methods may be called
// by any number of goroutines at once.
type Snapshot struct {
	reader
}

// Snapshot takes a snapshot. Not in caller's mode, where the numbers are the snapshots.
func (t *Table) Snapshot() (*Snapshot, error) {
	s, err := t.begin()
	if err != nil {
		return nil, err
	}
	defer t.leave(s)
	var c *C.fastskip_snapshot
	if err := t.cb.result(C.fastskip_snapshot_new(t.table, &c)); err != nil {
		C.fastskip_snapshot_free(c)
		return nil, err
	}
	cb := t.cb.take()
	snapshot := &Snapshot{reader{table: t.table, snapshot: c, cb: cb}}
	snapshot.open(func() {
		C.fastskip_snapshot_free(c)
		cb.drop()
	})
	runtime.SetFinalizer(snapshot, (*Snapshot).Close)
	return snapshot, nil
}

// Sequence is the number of the snapshot: it sees the versions up to this one. 0 when closed.
func (s *Snapshot) Sequence() uint64 {
	user, err := s.enter()
	if err != nil {
		return 0
	}
	defer s.leave(user)
	return uint64(C.fsgo_snapshot_sequence(s.s()))
}

// Close gives the snapshot up. The error is always nil; closing twice is fine.
func (s *Snapshot) Close() error {
	s.close()
	return nil
}
