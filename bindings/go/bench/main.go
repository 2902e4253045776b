// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

// What a call costs from Go: the same work through this package, in C alone, and in google/btree, one
// goroutine, all interleaved; processor time of the whole process, the garbage collector's too; medians.
//
//	bench/run [entries [rounds]]
package main

import (
	"bytes"
	"fmt"
	"log"
	"math/rand"
	"os"
	"runtime"
	"sort"
	"strconv"
	"syscall"

	"fastskip"

	"github.com/google/btree"
)

const (
	keySize   = 20
	valueSize = 100
	many      = 128
)

// data is what is written, in random order, and what is asked for, in another. Each lies in one piece, so
// that reading it costs little.
type data struct {
	n            int
	keys, values []byte
	asked        []byte
	order        []int // which of keys is asked for
}

func newData(n int) *data {
	d := &data{n: n}
	random := rand.New(rand.NewSource(1))
	for _, i := range random.Perm(n) {
		d.keys = append(d.keys, fmt.Sprintf("user%016d", i)...)
	}
	d.order = random.Perm(n)
	for _, i := range d.order {
		d.asked = append(d.asked, d.key(i)...)
	}
	d.values = make([]byte, n*valueSize)
	random.Read(d.values)
	return d
}

func (d *data) key(i int) []byte   { return d.keys[i*keySize:][:keySize:keySize] }
func (d *data) value(i int) []byte { return d.values[i*valueSize:][:valueSize:valueSize] }
func (d *data) ask(i int) []byte   { return d.asked[i*keySize:][:keySize:keySize] }

// ends is what is read of a value: enough to say that it was fetched.
func ends(value []byte) int { return int(value[0]) + int(value[len(value)-1]) }

// sum is what the first n that are asked for add up to.
func (d *data) sum(n int) int {
	sum := 0
	for _, i := range d.order[:n] {
		sum += ends(d.value(i))
	}
	return sum
}

// times are nanoseconds of one operation, one for each round.
type times map[string][]float64

// measure times n operations. What f answers must be right: how many, or the sum of what was read.
func (t times) measure(name string, n, want int, f func() int) {
	before := processorTime()
	got := f()
	t[name] = append(t[name], float64(processorTime()-before)/float64(n))
	if got != want {
		log.Fatalf("%s: %d, want %d", name, got, want)
	}
}

func processorTime() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func (t times) median(name string) float64 { return median(append([]float64(nil), t[name]...)) }

func median(all []float64) float64 {
	sort.Float64s(all)
	return all[len(all)/2]
}

// beyond and ratio are medians of what each round says: what disturbs a round disturbs both sides.
func (t times) beyond(a, b string) float64 {
	return t.both(a, b, func(a, b float64) float64 { return a - b })
}

func (t times) ratio(a, b string) float64 {
	return t.both(a, b, func(a, b float64) float64 { return a / b })
}

func (t times) both(a, b string, f func(a, b float64) float64) float64 {
	var all []float64
	for i := range t[a] {
		all = append(all, f(t[a][i], t[b][i]))
	}
	return median(all)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func (d *data) inC(t times) {
	p := newPlain()
	defer p.free()
	t.measure("put C", d.n, d.n, func() int { return p.put(d.keys, d.values) })
	t.measure("get C", d.n, d.sum(d.n), func() int { return p.get(d.asked) })
	whole := d.n / many * many
	t.measure("many C", whole, d.sum(whole), func() int { return p.getMany(d.asked) })
	t.measure("scan C", d.n, d.sum(d.n), p.scan)
}

func (d *data) inGo(t times) {
	table, err := fastskip.New(nil)
	check(err)
	defer table.Close()
	t.measure("put Go", d.n, d.n, func() int {
		for i := 0; i < d.n; i++ {
			check(table.Put(d.key(i), d.value(i)))
		}
		return d.n
	})
	t.measure("get Go", d.n, d.sum(d.n), func() (sum int) {
		var buf []byte
		for i := 0; i < d.n; i++ {
			buf, err = table.GetInto(buf, d.ask(i))
			check(err)
			sum += ends(buf)
		}
		return sum
	})
	whole := d.n / many * many
	t.measure("many Go", whole, d.sum(whole), func() (sum int) {
		var values fastskip.Values
		keys := make([][]byte, many)
		for i := 0; i < whole; i += many {
			for at := range keys {
				keys[at] = d.ask(i + at)
			}
			check(table.GetMany(keys, &values))
			for at := range keys {
				value, err := values.At(at)
				check(err)
				sum += ends(value)
			}
		}
		return sum
	})
	t.measure("scan Go", d.n, d.sum(d.n), func() (sum int) {
		it, err := table.NewIterator(nil)
		check(err)
		defer it.Close()
		for ok := it.First(); ok; ok = it.Next() {
			sum += ends(it.Value())
		}
		check(it.Err())
		return sum
	})
}

// item is an entry of the btree.
type item struct{ key, value []byte }

func (i *item) Less(than btree.Item) bool { return bytes.Compare(i.key, than.(*item).key) < 0 }

// inBTree copies what it writes, as every memtable must.
func (d *data) inBTree(t times) {
	tree := btree.New(32)
	t.measure("put btree", d.n, d.n, func() int {
		for i := 0; i < d.n; i++ {
			mem := append(append(make([]byte, 0, keySize+valueSize), d.key(i)...), d.value(i)...)
			tree.ReplaceOrInsert(&item{mem[:keySize:keySize], mem[keySize:]})
		}
		return tree.Len()
	})
	t.measure("get btree", d.n, d.sum(d.n), func() (sum int) {
		var probe item
		for i := 0; i < d.n; i++ {
			probe.key = d.ask(i)
			sum += ends(tree.Get(&probe).(*item).value)
		}
		return sum
	})
	t.measure("scan btree", d.n, d.sum(d.n), func() (sum int) {
		tree.Ascend(func(i btree.Item) bool { sum += ends(i.(*item).value); return true })
		return sum
	})
}

func main() {
	log.SetFlags(0)
	n, rounds := 300000, 12
	for i, to := range []*int{&n, &rounds} {
		if len(os.Args) > i+1 {
			var err error
			*to, err = strconv.Atoi(os.Args[i+1])
			check(err)
		}
	}
	d, t := newData(n), times{}
	sides := []func(times){d.inC, d.inGo, d.inBTree}
	orders := [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {0, 2, 1}, {2, 0, 1}, {1, 0, 2}}
	for round := 0; round < rounds; round++ {
		for _, side := range orders[round%len(orders)] {
			runtime.GC() // what is left of the one before is not the next one's
			sides[side](t)
		}
		t.measure("call", 1000000, 1000000, func() (sum int) {
			for i := 0; i < 1000000; i++ {
				sum += nothing(1)
			}
			return sum
		})
	}
	fmt.Printf("%s, %d entries, %d rounds; an empty cgo call: %.0f ns\n\n",
		runtime.Version(), n, rounds, t.median("call"))
	fmt.Println("| ns each | C alone | this package | beyond C | google/btree | this package / google/btree |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, row := range [][3]string{
		{"put", "Put", "btree"}, {"get", "GetInto", "btree"}, {"many", "GetMany, 128 keys, per key", ""},
		{"scan", "First, Next, per entry", "btree"},
	} {
		c, g := row[0]+" C", row[0]+" Go"
		fmt.Printf("| %s | %.0f | %.0f | %.0f |", row[1], t.median(c), t.median(g), t.beyond(g, c))
		other := row[0] + " btree"
		if row[2] == "" {
			other = "get btree" // it has nothing for many
		}
		fmt.Printf(" %.0f | %.2f |\n", t.median(other), t.ratio(g, other))
	}
}
