// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip

// #include "shim.h"
import "C"

// Put writes a value, whether or not the key is there.
func (t *Table) Put(key, value []byte) error {
	s, err := t.begin()
	if err != nil {
		return err
	}
	status := C.fsgo_put(t.t(), pointer(key), C.size_t(len(key)), pointer(value), C.size_t(len(value)))
	err = t.cb.result(status)
	t.leave(s)
	return err
}

// Delete records that the key is deleted, whether or not it is there: the engine's older files may hold
// it.
func (t *Table) Delete(key []byte) error {
	s, err := t.begin()
	if err != nil {
		return err
	}
	err = t.cb.result(C.fsgo_delete(t.t(), pointer(key), C.size_t(len(key))))
	t.leave(s)
	return err
}

// Insert writes a value if the key has no live version, else it answers ErrExists.
func (t *Table) Insert(key, value []byte) error {
	s, err := t.begin()
	if err != nil {
		return err
	}
	status := C.fsgo_insert(t.t(), pointer(key), C.size_t(len(key)), pointer(value), C.size_t(len(value)))
	err = t.cb.result(status)
	t.leave(s)
	return err
}

// GetOrInsert finds the live version of the key, or writes this one if there is none, at one instant.
// It copies the version into e, in whose memory there may be room from a read before.
func (t *Table) GetOrInsert(key, value []byte, e *Entry) (inserted bool, err error) {
	if e == nil {
		return false, ErrInvalid
	}
	s, err := t.begin()
	if err != nil {
		return false, e.answer(nil, err)
	}
	i := C.fsgo_get_or_insert(t.t(), pointer(key), C.size_t(len(key)), pointer(value), C.size_t(len(value)))
	err = e.answer(&i.view, t.cb.result(i.view.status))
	t.leave(s)
	return i.inserted != 0 && err == nil, err
}

// PutAt writes a version with a number, 1 to SequenceMax, and a kind, any, of the caller's. Caller's mode
// only. It answers ErrExists if this key has a version with this number.
func (t *Table) PutAt(sequence uint64, kind Kind, key, value []byte) error {
	s, err := t.begin()
	if err != nil {
		return err
	}
	status := C.fsgo_put_at(t.t(), C.uint64_t(sequence), C.uint32_t(kind), pointer(key),
		C.size_t(len(key)), pointer(value), C.size_t(len(value)))
	err = t.cb.result(status)
	t.leave(s)
	return err
}

// PutKind writes a version with a kind of the caller's own, KindOwnMin to KindMax.
func (t *Table) PutKind(kind Kind, key, value []byte) error {
	s, err := t.begin()
	if err != nil {
		return err
	}
	status := C.fsgo_put_kind(t.t(), C.uint32_t(kind), pointer(key), C.size_t(len(key)),
		pointer(value), C.size_t(len(value)))
	err = t.cb.result(status)
	t.leave(s)
	return err
}

// Write writes all of a batch at one instant, or none of it. In caller's mode its records are written one
// after the other, the first ErrExists ends it, and what came before stays. The batch keeps its content.
func (t *Table) Write(b *Batch) error {
	if b == nil {
		return ErrInvalid
	}
	s, err := t.begin()
	if err != nil {
		return err
	}
	defer t.leave(s)
	return b.do(func(c C.fsgo_batch) error {
		return t.cb.result(C.fsgo_write(t.t(), c))
	})
}
