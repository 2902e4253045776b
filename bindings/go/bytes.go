// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip

// #include "shim.h"
import "C"

import "unsafe"

// Kind is what a version is.
type Kind uint32

const (
	// KindPut is a value.
	KindPut Kind = C.FASTSKIP_PUT
	// KindDelete is a tombstone.
	KindDelete Kind = C.FASTSKIP_DELETE
	// KindOwnMin to KindMax are the caller's own (a merge operand, say). They are live for every read.
	KindOwnMin Kind = C.FASTSKIP_KIND_OWN_MIN
	// KindMax is the greatest.
	KindMax Kind = C.FASTSKIP_KIND_MAX
)

// Entry is one version of a key.
type Entry struct {
	Key   []byte // as it was first written
	Value []byte
	// Sequence is the number that PutAt was given, in caller's mode. Else snapshots whose Sequence is
	// not below it see this version; versions of one key may then share a number.
	Sequence uint64
	Kind     Kind

	mem []byte // what Key and Value lie in when a read filled the entry in; used again by the next
}

// fill copies a version in, into the memory that the entry has.
func (e *Entry) fill(v *C.fsgo_view) {
	mem := append(e.mem[:0], bytesAt(&v.key, v.key_size)...)
	mem = append(mem, bytesAt(&v.value, v.value_size)...)
	k := int(v.key_size)
	*e = Entry{mem[:k:k], mem[k:len(mem):len(mem)], uint64(v.sequence), Kind(v.kind), mem}
}

// answer fills the entry in, or clears it.
func (e *Entry) answer(v *C.fsgo_view, err error) error {
	if err != nil {
		*e = Entry{mem: e.mem}
		return err
	}
	e.fill(v)
	return nil
}

// pointer is what C gets of a key or value. That it is a pointer to bytes tells cgo that there is nothing
// behind it to look through.
func pointer(b []byte) *C.uint8_t {
	if len(b) == 0 {
		return nil
	}
	return (*C.uint8_t)(unsafe.Pointer(&b[0]))
}

var somewhere [1]C.uint8_t

// bound is pointer, for bounds: there NULL is none, and the empty key is a pointer to anywhere.
func bound(b []byte) *C.uint8_t {
	if b != nil && len(b) == 0 {
		return &somewhere[0]
	}
	return pointer(b)
}

// bytesAt is memory of C's. The address is taken as a pointer where it stands, for it is one.
func bytesAt(address *C.uintptr_t, size C.size_t) []byte {
	if size == 0 {
		return nil
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(address)), int(size))
}
