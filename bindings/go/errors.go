// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
)

// What calls answer, one for each status of the C library.
var (
	// ErrInvalid: an argument is out of range, or the call is one of the other sequence mode.
	ErrInvalid = statusError(C.FASTSKIP_INVALID)
	// ErrNoMemory: the system gave no memory or address space; nothing changed.
	ErrNoMemory = statusError(C.FASTSKIP_NO_MEMORY)
	// ErrNotFound: no live version of the key is visible.
	ErrNotFound = statusError(C.FASTSKIP_NOT_FOUND)
	// ErrExists: Insert found the key live; PutAt found a version with this number.
	ErrExists = statusError(C.FASTSKIP_EXISTS)
	// ErrSealed: a write to a sealed table; nothing changed.
	ErrSealed = statusError(C.FASTSKIP_SEALED)
	// ErrFull: the memory limit or the entry limit is reached; nothing changed.
	ErrFull = statusError(C.FASTSKIP_FULL)
	// ErrTooLarge: a key or value is over its limit; nothing changed.
	ErrTooLarge = statusError(C.FASTSKIP_TOO_LARGE)
	// ErrBusy: Reset of a table that is in use, or a call on a table that is being reset.
	ErrBusy = statusError(C.FASTSKIP_BUSY)
	// ErrUnsupported: not in this build of the library, or not with these options.
	ErrUnsupported = statusError(C.FASTSKIP_UNSUPPORTED)
	// ErrCorrupt: damaged memory, or a comparator that contradicts itself.
	ErrCorrupt = statusError(C.FASTSKIP_CORRUPT)
	// ErrClosed: a call on something that was closed. It is this package's own.
	ErrClosed = errors.New("fastskip: closed")
	// ErrPanic is what every PanicError is, for errors.Is.
	ErrPanic = errors.New("fastskip: a callback panicked")
)

var sentinels = [...]error{
	nil, ErrInvalid, ErrNoMemory, ErrNotFound, ErrExists, ErrSealed, ErrFull, ErrTooLarge, ErrBusy,
	ErrUnsupported, ErrCorrupt,
}

func statusError(status C.fastskip_status) error {
	return errors.New("fastskip: " + C.GoString(C.fastskip_strerror(status)))
}

// errorOf is the sentinel of a status, nil for success.
func errorOf(status C.fastskip_status) error {
	if status <= 0 && int(-status) < len(sentinels) {
		return sentinels[-status]
	}
	return statusError(status) // of a newer library
}

// PanicError says that a callback panicked.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // where, as debug.Stack has it
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("fastskip: a callback panicked: %v", e.Value)
}

// Is makes every PanicError an ErrPanic.
func (e *PanicError) Is(target error) bool { return target == ErrPanic }

// Unwrap is what the callback panicked with, if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
