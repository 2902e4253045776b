// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip

// #include "shim.h"
import "C"

// Values are the answers of GetMany. The zero value is ready for use; used again, it allocates nothing
// once it is large enough. It is used by one goroutine at a time.
type Values struct {
	views []C.fsgo_view
	ends  []int // where in mem the value of each ends
	mem   []byte

	// What C gets: all keys one after the other, for C may not follow pointers from Go memory to Go
	// memory.
	keys  []byte
	sizes []C.size_t
}

// Len is the number of keys that were asked for.
func (v *Values) Len() int { return len(v.ends) }

// At gives the value of key i, or ErrNotFound or ErrTooLarge. It is good until v is used again.
func (v *Values) At(i int) ([]byte, error) {
	end, start := v.ends[i], 0
	if i > 0 {
		start = v.ends[i-1]
	}
	if status := v.views[i].status; status != 0 {
		return nil, errorOf(status)
	}
	return v.mem[start:end:end], nil
}

// GetMany looks up many keys, all at one instant, in one call of C and with their cache misses overlapped:
// much faster than Get after Get. Keys may repeat and come in any order. The answers go into v; which keys
// were found, At tells. If GetMany answers an error, v is empty.
func (r *reader) GetMany(keys [][]byte, v *Values) error {
	v.ends, v.mem = v.ends[:0], v.mem[:0]
	s, err := r.begin()
	if err != nil {
		return err
	}
	defer r.leave(s)
	if len(keys) == 0 {
		return nil
	}
	v.pack(keys)
	status := C.fsgo_get_many(r.t(), r.s(), C.size_t(len(keys)), pointer(v.keys), &v.sizes[0], &v.views[0])
	if err := r.cb.result(status); err != nil {
		return err
	}
	for i := range v.views {
		v.mem = append(v.mem, bytesAt(&v.views[i].value, v.views[i].value_size)...)
		v.ends = append(v.ends, len(v.mem))
	}
	return nil
}

func (v *Values) pack(keys [][]byte) {
	v.keys, v.sizes = v.keys[:0], v.sizes[:0]
	for _, key := range keys {
		v.keys = append(v.keys, key...)
		v.sizes = append(v.sizes, C.size_t(len(key)))
	}
	if cap(v.views) < len(keys) {
		v.views = make([]C.fsgo_view, len(keys))
	}
	v.views = v.views[:len(keys)]
}
