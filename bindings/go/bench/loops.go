// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package main

// #cgo pkg-config: fastskip
// #include <fastskip.h>
//
// // The same work without Go: all of it in one call. Keys and values lie one after the other.
//
// // Reads of a value what says that it was fetched.
// static size_t ends(const fastskip_entry *e)
// {
//     const unsigned char *v = e->value;
//     return v[0] + v[e->value_size - 1];
// }
//
// static fastskip_table *loop_new(void)
// {
//     fastskip_table *t = 0;
//     fastskip_table_new(0, &t);
//     return t;
// }
//
// static size_t loop_put(fastskip_table *t, const char *keys, size_t key_size, const char *values,
//                        size_t value_size, size_t n)
// {
//     size_t i, done = 0;
//     for (i = 0; i < n; i++)
//         done += fastskip_put(t, keys + i * key_size, key_size, values + i * value_size, value_size) == 0;
//     return done;
// }
//
// static size_t loop_get(fastskip_table *t, const char *keys, size_t key_size, size_t n)
// {
//     size_t i, sum = 0;
//     fastskip_entry e;
//     for (i = 0; i < n; i++)
//         if (fastskip_get(t, 0, keys + i * key_size, key_size, &e) == 0)
//             sum += ends(&e);
//     return sum;
// }
//
// static size_t loop_get_many(fastskip_table *t, const char *keys, size_t key_size, size_t n)
// {
//     enum { MANY = 128 };
//     const void *k[MANY];
//     size_t size[MANY], i, at, sum = 0;
//     fastskip_entry e[MANY];
//     fastskip_status s[MANY];
//     for (i = 0; i + MANY <= n; i += MANY) {
//         for (at = 0; at < MANY; at++) {
//             k[at] = keys + (i + at) * key_size;
//             size[at] = key_size;
//         }
//         fastskip_get_many(t, 0, MANY, k, size, e, s);
//         for (at = 0; at < MANY; at++)
//             sum += ends(&e[at]);
//     }
//     return sum;
// }
//
// static size_t loop_scan(fastskip_table *t)
// {
//     size_t sum = 0;
//     fastskip_iterator *it;
//     fastskip_entry e;
//     fastskip_status s;
//     fastskip_iterator_new(t, 0, 0, &it);
//     for (s = fastskip_iterator_seek_first(it); s == 0; s = fastskip_iterator_next(it)) {
//         fastskip_iterator_entry(it, &e);
//         sum += ends(&e);
//     }
//     fastskip_iterator_free(it);
//     return sum;
// }
//
// static int loop_nothing(int n)
// {
//     return n;
// }
import "C"

import "unsafe"

func char(b []byte) *C.char { return (*C.char)(unsafe.Pointer(&b[0])) }

// plain is a table used from C alone.
type plain struct{ c *C.fastskip_table }

func newPlain() plain { return plain{C.loop_new()} }

func (p plain) free() { C.fastskip_table_unref(p.c) }

func (p plain) put(keys, values []byte) int {
	return int(C.loop_put(p.c, char(keys), keySize, char(values), valueSize, C.size_t(len(keys)/keySize)))
}

func (p plain) get(keys []byte) int {
	return int(C.loop_get(p.c, char(keys), keySize, C.size_t(len(keys)/keySize)))
}

func (p plain) getMany(keys []byte) int {
	return int(C.loop_get_many(p.c, char(keys), keySize, C.size_t(len(keys)/keySize)))
}

func (p plain) scan() int { return int(C.loop_scan(p.c)) }

func nothing(n int) int { return int(C.loop_nothing(C.int(n))) }
