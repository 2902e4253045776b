// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip

// #cgo pkg-config: fastskip
// #include "shim.h"
import "C"

import "runtime"

// Limits of keys, values and numbers.
const (
	KeyMax      = C.FASTSKIP_KEY_MAX      // bytes of a key
	ValueMax    = C.FASTSKIP_VALUE_MAX    // bytes of a value
	SequenceMax = C.FASTSKIP_SEQUENCE_MAX // number of a write in caller's mode; the smallest is 1
)

// Table is an ordered map from byte strings to versions of values. All its methods may be called by any
// number of goroutines at once.
type Table struct {
	reader
}

// New makes an empty table. Nil stands for the default options.
func New(o *Options) (*Table, error) {
	if o == nil {
		o = &Options{}
	}
	options, cb, err := o.build()
	if err != nil {
		return nil, err
	}
	defer C.fastskip_options_free(options)
	var c *C.fastskip_table
	if err := cb.result(C.fastskip_table_new(options, &c)); err != nil {
		C.fastskip_table_unref(c)
		cb.drop()
		return nil, err
	}
	return newTable(c, cb), nil
}

// newTable takes over one reference to c and one use of cb.
func newTable(c *C.fastskip_table, cb *callbacks) *Table {
	t := &Table{reader{table: c, cb: cb}}
	// Without t: what refers to itself is never finalized.
	t.open(func() {
		C.fastskip_table_unref(c)
		cb.drop()
	})
	runtime.SetFinalizer(t, (*Table).Close)
	return t
}

// Close gives the table up. Its memory goes with the last of it, its snapshots and its iterators to be
// closed, and not before calls under way have returned. The error is always nil; closing twice is fine.
func (t *Table) Close() error {
	t.close()
	return nil
}

// Ref makes another Table of the same table, to be closed on its own, for a goroutine that may outlast
// the others. Reset answers ErrBusy while there is one.
func (t *Table) Ref() (*Table, error) {
	s, err := t.begin()
	if err != nil {
		return nil, err
	}
	defer t.leave(s)
	if err := errorOf(C.fastskip_table_ref(t.table)); err != nil {
		return nil, err
	}
	return newTable(t.table, t.cb.take()), nil
}

// do makes a call that takes nothing but the table.
func (t *Table) do(call func(c *C.fastskip_table) C.fastskip_status) error {
	s, err := t.begin()
	if err != nil {
		return err
	}
	defer t.leave(s)
	return t.cb.result(call(t.table))
}

// Seal makes the table final. Later writes answer ErrSealed; Seal waits for those under way. Sealing
// twice is fine.
func (t *Table) Seal() error {
	return t.do(func(c *C.fastskip_table) C.fastskip_status { return C.fastskip_table_seal(c) })
}

// Sealed says whether the table is sealed; of a closed one, false.
func (t *Table) Sealed() bool {
	s, err := t.enter()
	if err != nil {
		return false
	}
	defer t.leave(s)
	return C.fsgo_is_sealed(t.t()) != 0
}

// Rotate makes an empty table with the same options and seals this one. Of several callers at once one
// gets the fresh table, the others ErrSealed. The old table stays open, to be flushed and closed.
func (t *Table) Rotate() (*Table, error) {
	s, err := t.begin()
	if err != nil {
		return nil, err
	}
	defer t.leave(s)
	var fresh *C.fastskip_table
	if err := t.cb.result(C.fastskip_table_rotate(t.table, &fresh)); err != nil {
		C.fastskip_table_unref(fresh)
		return nil, err
	}
	return newTable(fresh, t.cb.take()), nil
}

// Reset empties the table, unseals it and keeps its memory for what is written next. It answers ErrBusy,
// and does nothing, while another call on the table is under way or there are snapshots, iterators or
// Refs of it; calls that begin during it answer ErrBusy.
func (t *Table) Reset() error {
	return t.alone(func() error {
		if err := t.cb.failure(); err != nil {
			return err
		}
		return t.cb.result(C.fastskip_table_reset(t.table))
	})
}

// Check walks over the whole table and answers ErrCorrupt if a rule of its structure is broken.
func (t *Table) Check() error {
	return t.do(func(c *C.fastskip_table) C.fastskip_status { return C.fastskip_table_check(c) })
}

// Stat is a figure of a table, for Table.Stat.
type Stat uint32

// Figures are exact while nobody writes. StatLive and StatTombstones cost a walk over the table.
const (
	StatKeys           Stat = C.FASTSKIP_STAT_KEYS            // distinct keys, deleted ones included
	StatLive           Stat = C.FASTSKIP_STAT_LIVE            // keys whose newest version is live
	StatVersions       Stat = C.FASTSKIP_STAT_VERSIONS        // versions of all keys
	StatTombstones     Stat = C.FASTSKIP_STAT_TOMBSTONES      // keys whose newest version is a tombstone
	StatKeyBytes       Stat = C.FASTSKIP_STAT_KEY_BYTES       // bytes of the distinct keys
	StatValueBytes     Stat = C.FASTSKIP_STAT_VALUE_BYTES     // bytes of the values of all versions
	StatMemoryUsed     Stat = C.FASTSKIP_STAT_MEMORY_USED     // bytes in use
	StatMemoryReserved Stat = C.FASTSKIP_STAT_MEMORY_RESERVED // bytes made usable so far
	StatMemoryLimit    Stat = C.FASTSKIP_STAT_MEMORY_LIMIT    // the memory limit
	StatMemoryWasted   Stat = C.FASTSKIP_STAT_MEMORY_WASTED   // bytes used that no search reaches
	StatChunks         Stat = C.FASTSKIP_STAT_CHUNKS          // chunks that shards took
	StatShards         Stat = C.FASTSKIP_STAT_SHARDS          // shards of the arena
	StatBlocks         Stat = C.FASTSKIP_STAT_BLOCKS          // blocks of the skip list
	StatHeight         Stat = C.FASTSKIP_STAT_HEIGHT          // levels of it
	StatWrites         Stat = C.FASTSKIP_STAT_WRITES          // writes attempted
	StatRetries        Stat = C.FASTSKIP_STAT_RETRIES         // compare-and-swaps of writers that failed
	StatSnapshots      Stat = C.FASTSKIP_STAT_SNAPSHOTS       // snapshots taken
)

// Stat asks for a figure. Of a number that the library does not know it answers ErrUnsupported.
func (t *Table) Stat(id Stat) (uint64, error) {
	s, err := t.begin()
	if err != nil {
		return 0, err
	}
	defer t.leave(s)
	n := C.fsgo_stat(t.t(), C.uint32_t(id))
	return uint64(n.number), t.cb.result(n.status)
}

// UnderBackpressure says whether the table is so near one of its limits that it should be rotated.
func (t *Table) UnderBackpressure() bool {
	s, err := t.enter()
	if err != nil {
		return false
	}
	defer t.leave(s)
	return C.fsgo_under_backpressure(t.t()) != 0
}

// ApproximateCount estimates how many distinct keys, deleted ones included, lie from lower on and before
// upper. Nil is no bound.
func (t *Table) ApproximateCount(lower, upper []byte) (uint64, error) {
	s, err := t.begin()
	if err != nil {
		return 0, err
	}
	defer t.leave(s)
	n := C.fsgo_approximate_count(t.t(), bound(lower), C.size_t(len(lower)),
		bound(upper), C.size_t(len(upper)))
	return uint64(n.number), t.cb.result(n.status)
}

// Version is that of the C library in use, "1.0.0" or later.
func Version() string { return C.GoString(C.fastskip_version()) }

// Build says how the C library was built, for bug reports.
func Build() string { return C.GoString(C.fastskip_build()) }
