// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip

// #include <stdlib.h>
// #include "shim.h"
import "C"

import "unsafe"

// SequenceMode says who numbers the versions of a table.
type SequenceMode uint32

const (
	// SequenceAuto: the table does. Snapshots, Insert and atomic batches exist.
	SequenceAuto SequenceMode = C.FASTSKIP_SEQUENCE_AUTO
	// SequenceCaller: the caller does, with PutAt. The numbers are the snapshots.
	SequenceCaller SequenceMode = C.FASTSKIP_SEQUENCE_CALLER
)

// HugePages says whether a table asks the system for huge pages.
type HugePages uint32

const (
	// HugePagesAsk, the default: ask for transparent ones, do without if there are none.
	HugePagesAsk HugePages = iota
	// HugePagesNever: none.
	HugePagesNever
	// HugePagesInsist: New answers ErrNoMemory if there are none.
	HugePagesInsist
)

// hugePages are C's numbers: there the zero is not the default.
var hugePages = map[HugePages]C.uint32_t{
	HugePagesAsk:    C.FASTSKIP_HUGE_PAGES_ASK,
	HugePagesNever:  C.FASTSKIP_HUGE_PAGES_NEVER,
	HugePagesInsist: C.FASTSKIP_HUGE_PAGES_INSIST,
}

// Options are the settings of a table. The zero value of each is the default. A table copies them.
type Options struct {
	// Shards of the arena, 1 to 1024. Default: the number of processors. Any number of goroutines
	// works with any number of shards; more of them let more write at once.
	Shards int
	// BlockSize is how many bytes a shard takes at a time, a power of two from 4 KiB to 64 MiB.
	// Default: grows with the table from 16 KiB to 2 MiB.
	BlockSize int
	// MemoryLimit is the hard limit of the table in bytes, 64 KiB to 32 GiB. Default: 1 GiB, of
	// address space; memory is taken as it is used.
	MemoryLimit uint64
	// EntryLimit is the hard limit of versions written. Default: none.
	EntryLimit uint64
	// Backpressure is the percentage of either limit from which on UnderBackpressure answers true,
	// 1 to 100. Default: 90.
	Backpressure int
	// HugePages: HugePagesAsk by default.
	HugePages HugePages
	// SequenceMode: SequenceAuto by default.
	SequenceMode SequenceMode
	// Comparator is the order of keys. Default: bytes.Compare's.
	Comparator *Comparator
	// Allocator is where the memory comes from. Default: the system.
	Allocator Allocator
	// Checksum is how many bytes of checksum each entry and version carries, 0 or 4. What a changed
	// bit would make wrong is then ErrCorrupt. Default: 0.
	Checksum int
	// Paranoid makes searches and iterators check the structure that leads them.
	Paranoid bool
	// Seed fixes every random choice of a table. Default: one from the system.
	Seed uint64
}

// Comparator is an order of keys. Its functions are called by many goroutines at once, must always give
// the same answers and must not keep or change what they get.
type Comparator struct {
	// Name is for people who debug, 63 bytes at most.
	Name string
	// Compare is negative if a comes before b, 0 if they are the same key, else positive.
	Compare func(a, b []byte) int
	// Abbreviate, if not nil, gives a number for a key that saves calls of Compare, which are dear:
	// a before b must imply Abbreviate(a) <= Abbreviate(b). The upper 32 bits matter most.
	Abbreviate func(key []byte) uint64
}

// Allocator is where the memory of tables comes from. It must not be memory of the Go heap. See
// fastskip_reserve_fn and its neighbours in fastskip.h.
type Allocator interface {
	// Reserve gives size bytes of address space aligned to alignment, or nil.
	Reserve(size, alignment uintptr) unsafe.Pointer
	// Commit makes size bytes at address usable, or answers an error. It may be called by many
	// goroutines at once, and again for what is committed, whose content must stay.
	Commit(address unsafe.Pointer, size uintptr) error
	// Release takes a whole reservation back.
	Release(address unsafe.Pointer, size uintptr)
}

// within turns a setting into what C takes; what is below zero or beyond C's type is out of range.
func within(n int) (C.uint32_t, error) {
	if n < 0 || uint64(n) > 1<<32-1 {
		return 0, ErrInvalid
	}
	return C.uint32_t(n), nil
}

// build makes C's options. The callbacks, if there are any, have one user: whom they are made for.
func (o *Options) build() (*C.fastskip_options, *callbacks, error) {
	var c *C.fastskip_options
	if err := errorOf(C.fastskip_options_new(&c)); err != nil {
		return nil, nil, err
	}
	cb := newCallbacks(o)
	err := o.setNumbers(c)
	if err == nil {
		err = o.setCallbacks(c, cb)
	}
	if err != nil {
		C.fastskip_options_free(c)
		cb.drop()
		return nil, nil, err
	}
	return c, cb, nil
}

func (o *Options) setNumbers(c *C.fastskip_options) error {
	shards, err := within(o.Shards)
	if err != nil {
		return err
	}
	percent, err := within(o.Backpressure)
	if err != nil {
		return err
	}
	checksum, err := within(o.Checksum)
	if err != nil {
		return err
	}
	pages, known := hugePages[o.HugePages]
	if !known || o.BlockSize < 0 {
		return ErrInvalid
	}
	status := C.fastskip_options_set_huge_pages(c, pages)
	set := func(given bool, next func() C.fastskip_status) {
		if status == C.FASTSKIP_OK && given {
			status = next()
		}
	}
	set(shards != 0, func() C.fastskip_status { return C.fastskip_options_set_shards(c, shards) })
	set(o.BlockSize != 0, func() C.fastskip_status {
		return C.fastskip_options_set_block_size(c, C.size_t(o.BlockSize))
	})
	set(o.MemoryLimit != 0, func() C.fastskip_status {
		return C.fastskip_options_set_memory_limit(c, C.uint64_t(o.MemoryLimit))
	})
	set(true, func() C.fastskip_status {
		return C.fastskip_options_set_entry_limit(c, C.uint64_t(o.EntryLimit))
	})
	set(percent != 0, func() C.fastskip_status { return C.fastskip_options_set_backpressure(c, percent) })
	set(true, func() C.fastskip_status {
		return C.fastskip_options_set_sequence_mode(c, C.uint32_t(o.SequenceMode))
	})
	set(true, func() C.fastskip_status {
		return C.fastskip_options_set_checksum(c, checksum)
	})
	set(o.Paranoid, func() C.fastskip_status { return C.fastskip_options_set_paranoid(c, 1) })
	set(true, func() C.fastskip_status { return C.fastskip_options_set_seed(c, C.uint64_t(o.Seed)) })
	return errorOf(status)
}

func (o *Options) setCallbacks(c *C.fastskip_options, cb *callbacks) error {
	var status C.fastskip_status
	if o.Comparator != nil {
		if o.Comparator.Compare == nil {
			return ErrInvalid
		}
		name := C.CString(o.Comparator.Name)
		defer C.free(unsafe.Pointer(name))
		abbreviates := C.int(0)
		if o.Comparator.Abbreviate != nil {
			abbreviates = 1
		}
		status = C.fsgo_set_comparator(c, abbreviates, C.uintptr_t(cb.ctx), name)
	}
	if status == 0 && o.Allocator != nil {
		status = C.fsgo_set_allocator(c, C.uintptr_t(cb.ctx))
	}
	return errorOf(status)
}
