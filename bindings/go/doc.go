// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

/*
Package fastskip is libfastskip for Go: the memtable of a log-structured storage engine. A [Table] is an
ordered map from byte strings to versions of values, that any number of goroutines write and read at once
without a lock. It hands out snapshots for nothing, writes batches at one instant, iterates both ways, is
sealed when full, written out as a sorted file, and dropped in one go.

The package adds to the C library what Go expects, and nothing else: errors, finalizers, and the promise
that no misuse of it crashes the program.

# Memory

A table's memory is outside the Go heap: the garbage collector neither sees nor slows down for it, and it
goes at once when the table and all its snapshots and iterators are closed. Close them; finalizers are
only a net, and run when the garbage collector finds time.

Keys and values are copied when they are written, and copied again when they are read: what Get, GetInto,
GetMany and an Iterator return is ordinary Go memory, and stays good whatever becomes of the table. Methods
that take something to copy into (GetInto, GetRaw, GetMany, an Iterator's own buffer) allocate nothing once
that is large enough. [Table.View] is the one way to see a value without a copy; what it shows must not be
used after its function has returned.

# Goroutines

Tables and snapshots may be used by any number of goroutines at once, batches too (they take a lock).
An iterator is used by one goroutine at a time. Close may be called at any time, by anybody, also while
others are inside calls: those finish, later ones answer [ErrClosed], and the memory goes with the last
of them. Closing twice does nothing.

# Errors

Every error that the library answers is one of the sentinels, [ErrNotFound] and so on, for errors.Is.
A key that is not there is an error too, as everywhere in this package.

# Callbacks

A [Comparator] or [Allocator] runs inside a call of the C library. A panic in one is caught: the call, and
every later one on the same table, answers a [*PanicError]; close the table. The callbacks must not use the
same table. They should not call runtime.Goexit (which testing.T.FailNow does): it can not be stopped, so
that later calls answer a [*PanicError], but the memory of the table may never be given back.
*/
package fastskip
