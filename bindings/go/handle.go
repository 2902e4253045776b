// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// A handle lets any number of goroutines use something of C's, and anybody close it at any time: it is
// freed by the last one to leave. Users are counted in stripes, each a cache line of its own, so that
// goroutines on different processors do not share one. A user counts himself first and then looks at the
// state; who closes sets the state first and then looks at the stripes. So once a stripe was seen at zero
// after the state was set, no user is or comes in through that stripe; stripes may be looked at one after
// the other. (sync/atomic is sequentially consistent.)
type handle struct {
	state   atomic.Int32
	freed   atomic.Bool
	stripes []stripe // a power of two of them
	free    func()
}

// States of a handle. That of a zero value, which nobody opened, is closed.
const (
	stateClosed int32 = iota
	stateOpen
	stateResetting
)

type stripe struct {
	users atomic.Int64
	_     [56]byte
}

func (h *handle) open(free func()) {
	n := 1
	for n < runtime.GOMAXPROCS(0) && n < 64 {
		n *= 2
	}
	h.stripes = make([]stripe, n)
	h.free = free
	h.state.Store(stateOpen)
}

// spot is a number that differs between goroutines, mostly: where the stack is.
func spot() uintptr {
	var here byte
	return uintptr(unsafe.Pointer(&here)) >> 11
}

// enter counts the caller as a user; he leaves through the stripe that he gets.
func (h *handle) enter() (*stripe, error) {
	if state := h.state.Load(); state != stateOpen {
		return nil, stateError(state)
	}
	at := spot()
	s := &h.stripes[(at^at>>6)&uintptr(len(h.stripes)-1)]
	s.users.Add(1)
	if state := h.state.Load(); state != stateOpen {
		h.leave(s)
		return nil, stateError(state)
	}
	return s, nil
}

func (h *handle) leave(s *stripe) {
	s.users.Add(-1)
	if h.state.Load() == stateClosed {
		h.reap()
	}
}

// close lets nobody in any more. It does not wait for those who are in.
func (h *handle) close() {
	if h.state.Swap(stateClosed) != stateClosed {
		h.reap()
	}
}

// reap frees a closed handle if nobody is in.
func (h *handle) reap() {
	for i := range h.stripes {
		if h.stripes[i].users.Load() != 0 {
			return
		}
	}
	if h.freed.CompareAndSwap(false, true) {
		h.free()
	}
}

// alone runs f while the caller is the only user; if there are others it answers ErrBusy.
func (h *handle) alone(f func() error) error {
	s, err := h.enter()
	if err != nil {
		return err
	}
	defer h.leave(s)
	if !h.state.CompareAndSwap(stateOpen, stateResetting) {
		return stateError(h.state.Load())
	}
	// Not back to open if it was closed meanwhile.
	defer h.state.CompareAndSwap(stateResetting, stateOpen)
	for i := range h.stripes {
		others := h.stripes[i].users.Load()
		if &h.stripes[i] == s {
			others--
		}
		if others != 0 {
			return ErrBusy
		}
	}
	return f()
}

func stateError(state int32) error {
	if state == stateClosed {
		return ErrClosed
	}
	return ErrBusy
}
