// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"sync"

	"fastskip"
)

func Example() {
	table, err := fastskip.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer table.Close()

	table.Put([]byte("apple"), []byte("red"))
	table.Put([]byte("pear"), []byte("green"))
	before, err := table.Snapshot()
	if err != nil {
		log.Fatal(err)
	}
	defer before.Close()
	table.Put([]byte("apple"), []byte("yellow"))

	now, _ := table.Get([]byte("apple"))
	then, _ := before.Get([]byte("apple"))
	fmt.Printf("%s now, %s then\n", now, then)
	_, err = table.Get([]byte("fig"))
	fmt.Println(errors.Is(err, fastskip.ErrNotFound))
	// Output:
	// yellow now, red then
	// true
}

// Goroutines share a table without a lock.
func ExampleTable_Put() {
	table, err := fastskip.New(&fastskip.Options{MemoryLimit: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer table.Close()
	var group sync.WaitGroup
	for g := 0; g < 8; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			for i := 0; i < 1000; i++ {
				key := []byte(fmt.Sprintf("%d/%d", g, i))
				if err := table.Put(key, key); err != nil {
					log.Print(err)
				}
			}
		}(g)
	}
	group.Wait()
	keys, err := table.Stat(fastskip.StatKeys)
	fmt.Println(keys, err)
	// Output: 8000 <nil>
}

// With memory to copy into that is used again, a read allocates nothing.
func ExampleTable_GetInto() {
	table, _ := fastskip.New(nil)
	defer table.Close()
	table.Put([]byte("k"), []byte("value"))

	buf := make([]byte, 0, 4096)
	buf, err := table.GetInto(buf, []byte("k"))
	fmt.Printf("%s %v\n", buf, err)
	buf, err = table.GetInto(buf, []byte("none"))
	fmt.Println(len(buf), errors.Is(err, fastskip.ErrNotFound))
	// Output:
	// value <nil>
	// 0 true
}

func ExampleTable_GetMany() {
	table, _ := fastskip.New(nil)
	defer table.Close()
	table.Put([]byte("a"), []byte("1"))
	table.Put([]byte("b"), []byte("2"))

	var values fastskip.Values // keep it for the next time
	if err := table.GetMany([][]byte{[]byte("b"), []byte("x"), []byte("a")}, &values); err != nil {
		log.Fatal(err)
	}
	for i := 0; i < values.Len(); i++ {
		value, err := values.At(i)
		fmt.Printf("%q %v\n", value, err)
	}
	// Output:
	// "2" <nil>
	// "" fastskip: not found
	// "1" <nil>
}

// An engine asks for tombstones, too: they hide what its older files hold.
func ExampleTable_GetRaw() {
	table, _ := fastskip.New(nil)
	defer table.Close()
	table.Delete([]byte("k"))

	var e fastskip.Entry // keep it for the next time
	err := table.GetRaw([]byte("k"), &e)
	fmt.Println(err, e.Kind == fastskip.KindDelete)
	// Output: <nil> true
}

func ExampleTable_Write() {
	table, _ := fastskip.New(nil)
	defer table.Close()
	batch, err := fastskip.NewBatch()
	if err != nil {
		log.Fatal(err)
	}
	defer batch.Close()
	batch.Put([]byte("from"), []byte("90"))
	batch.Put([]byte("to"), []byte("110"))
	fmt.Println(table.Write(batch), batch.Len()) // seen by others whole or not at all
	batch.Clear()
	// Output: <nil> 2
}

func ExampleIterator() {
	table, _ := fastskip.New(nil)
	defer table.Close()
	for _, k := range []string{"b", "d", "a", "c"} {
		table.Put([]byte(k), nil)
	}
	table.Delete([]byte("c"))

	it, err := table.NewIterator(&fastskip.IterOptions{Lower: []byte("b"), Tombstones: true})
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		fmt.Printf("%s deleted=%v\n", it.Key(), it.Entry().Kind == fastskip.KindDelete)
	}
	if err := it.Err(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// b deleted=false
	// c deleted=true
	// d deleted=false
}

// Keys in descending order. Abbreviate must follow: greater keys get smaller numbers.
func ExampleComparator() {
	table, err := fastskip.New(&fastskip.Options{Comparator: &fastskip.Comparator{
		Name:    "descending",
		Compare: func(a, b []byte) int { return bytes.Compare(b, a) },
		Abbreviate: func(key []byte) uint64 {
			var number uint64
			for i := 0; i < 8; i++ {
				number <<= 8
				if i < len(key) {
					number |= uint64(key[i])
				}
			}
			return ^number
		},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer table.Close()
	for _, k := range []string{"a", "c", "b"} {
		table.Put([]byte(k), nil)
	}
	it, err := table.NewIterator(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		fmt.Printf("%s ", it.Key())
	}
	// Output: c b a
}
