// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

// A small engine front: goroutines write into a table; when it is nearly full it is sealed and a fresh one
// takes its place; the sealed one is written to a sorted file and dropped. At the end the files are read
// back and compared with what was written.
//
//	go run . [directory]
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"fastskip"
)

const (
	writers   = 4
	perWriter = 50000
)

// engine writes to the active table and sends sealed ones to be flushed.
type engine struct {
	active atomic.Pointer[fastskip.Table]
	mu     sync.Mutex // held by who rotates
	sealed chan *fastskip.Table
}

func newEngine() (*engine, error) {
	table, err := fastskip.New(&fastskip.Options{MemoryLimit: 4 << 20})
	if err != nil {
		return nil, err
	}
	e := &engine{sealed: make(chan *fastskip.Table, 2)}
	e.active.Store(table)
	return e, nil
}

// write makes one write, in the active table or, if that is full or sealed meanwhile, in the next. That
// the table may have been flushed and closed by then needs no care: it says so.
func (e *engine) write(put func(t *fastskip.Table) error) error {
	for {
		table := e.active.Load()
		err := put(table)
		switch {
		case err == nil && !table.UnderBackpressure():
			return nil
		case err == nil:
			return e.rotate(table)
		case errors.Is(err, fastskip.ErrFull), errors.Is(err, fastskip.ErrSealed), errors.Is(err, fastskip.ErrClosed):
			if err := e.rotate(table); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// rotate puts a fresh table in the place of this one, unless somebody has. It waits for the flusher if
// that is far behind, and with it all who write: that is the backpressure.
func (e *engine) rotate(table *fastskip.Table) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.active.Load() != table {
		return nil
	}
	fresh, err := table.Rotate()
	if err != nil {
		return err
	}
	e.active.Store(fresh)
	e.sealed <- table
	return nil
}

// finish seals the last table; no writes come after it.
func (e *engine) finish() error {
	table := e.active.Load()
	if err := table.Seal(); err != nil {
		return err
	}
	e.sealed <- table
	close(e.sealed)
	return nil
}

// flush writes a sealed table to a file in the order of keys, tombstones included, and drops it.
func flush(table *fastskip.Table, path string) error {
	defer table.Close()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	it, err := table.NewIterator(&fastskip.IterOptions{Tombstones: true})
	if err != nil {
		return err
	}
	defer it.Close()
	w := bufio.NewWriterSize(file, 1<<16)
	for ok := it.First(); ok; ok = it.Next() {
		writeRecord(w, it.Entry())
	}
	if err := it.Err(); err != nil {
		return err
	}
	return w.Flush() // a real engine syncs the file, too
}

// A record is the sizes of key and value and the kind, then key and value. Errors stay with the writer.
func writeRecord(w *bufio.Writer, e fastskip.Entry) {
	var head [12]byte
	binary.LittleEndian.PutUint32(head[0:], uint32(len(e.Key)))
	binary.LittleEndian.PutUint32(head[4:], uint32(len(e.Value)))
	binary.LittleEndian.PutUint32(head[8:], uint32(e.Kind))
	w.Write(head[:])
	w.Write(e.Key)
	w.Write(e.Value)
}

func readRecord(r *bufio.Reader) (key, value string, kind fastskip.Kind, err error) {
	var head [12]byte
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return
	}
	n := binary.LittleEndian.Uint32(head[0:])
	both := make([]byte, n+binary.LittleEndian.Uint32(head[4:]))
	_, err = io.ReadFull(r, both)
	return string(both[:n]), string(both[n:]), fastskip.Kind(binary.LittleEndian.Uint32(head[8:])), err
}

func keyOf(writer, i int) []byte   { return []byte(fmt.Sprintf("user%06d", i*writers+writer)) }
func valueOf(writer, i int) []byte { return []byte(fmt.Sprintf("value %d of writer %d", i, writer)) }

// load writes all keys, and deletes every tenth again.
func load(e *engine, writer int) error {
	for i := 0; i < perWriter; i++ {
		key, value := keyOf(writer, i), valueOf(writer, i)
		if err := e.write(func(t *fastskip.Table) error { return t.Put(key, value) }); err != nil {
			return err
		}
		if i%10 == 0 {
			if err := e.write(func(t *fastskip.Table) error { return t.Delete(key) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// merge adds a file to what is live so far: it is newer. Its keys must ascend.
func merge(live map[string]string, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	r, last := bufio.NewReader(file), ""
	for {
		key, value, kind, err := readRecord(r)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case key <= last:
			return fmt.Errorf("%s: %s after %s", path, key, last)
		case kind == fastskip.KindDelete:
			delete(live, key)
		default:
			live[key] = value
		}
		last = key
	}
}

func verify(files []string) error {
	live := map[string]string{}
	for _, path := range files {
		if err := merge(live, path); err != nil {
			return err
		}
	}
	for writer := 0; writer < writers; writer++ {
		for i := 0; i < perWriter; i++ {
			value, found := live[string(keyOf(writer, i))]
			if found == (i%10 == 0) || found && value != string(valueOf(writer, i)) {
				return fmt.Errorf("%s is %q, %v", keyOf(writer, i), value, found)
			}
		}
	}
	if want := writers * perWriter * 9 / 10; len(live) != want {
		return fmt.Errorf("%d keys, want %d", len(live), want)
	}
	return nil
}

func run(directory string) error {
	e, err := newEngine()
	if err != nil {
		return err
	}
	errs := make(chan error, writers+1)
	var files []string
	go func() { // the flusher
		var err error
		for table := range e.sealed {
			path := filepath.Join(directory, fmt.Sprintf("%04d.sorted", len(files)))
			files = append(files, path)
			if err == nil {
				err = flush(table, path)
			}
		}
		errs <- err
	}()
	var group sync.WaitGroup
	for writer := 0; writer < writers; writer++ {
		group.Add(1)
		go func(writer int) {
			defer group.Done()
			errs <- load(e, writer)
		}(writer)
	}
	group.Wait()
	err = e.finish()
	for i := 0; i < writers+1 && err == nil; i++ {
		err = <-errs
	}
	if err == nil {
		err = verify(files)
	}
	if err == nil {
		fmt.Printf("%d goroutines made %d writes, flushed to %d sorted files; every key is right\n",
			writers, writers*perWriter*11/10, len(files))
	}
	return err
}

func main() {
	log.SetFlags(0)
	directory := ""
	if len(os.Args) > 1 {
		directory = os.Args[1]
	} else {
		made, err := os.MkdirTemp("", "fastskip")
		if err != nil {
			log.Fatal(err)
		}
		defer os.RemoveAll(made)
		directory = made
	}
	if err := run(directory); err != nil {
		log.Fatal(err)
	}
}
