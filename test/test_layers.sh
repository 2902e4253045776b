#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) The fastskip authors
#
# test_layers.sh ROOT - includes among lib/*.h and lib/*.c only point downwards, every file has its place
# in the order, and only the atomic layer knows where atomic operations come from.

set -eu
root=${1:-$(dirname "$0")/..}

# From the bottom up: one line a layer, and on it groups that do not know each other, apart by '|'.
# Files of one group may include each other.
layers='
compiler fastskip
atomic atomic_c11 atomic_builtin atomic_ao atomic_yield
arena | key | crc32c | vector parts
entry
block
checksum
skiplist split
careful | version numbered | hot
options
memtable write read batch check
iterator walk
api api_table api_write api_read
'

# Prints what is wrong in a directory like lib/; nothing if all is well.
faults() {
    (cd "$1" && grep -n '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' ./*.h ./*.c) | awk -v layers="$layers" '
        BEGIN {
            n = split(layers, line, "\n")
            for (i = 1; i <= n; i++) {
                group = 0
                count = split(line[i], word, " ")
                for (j = 1; j <= count; j++)
                    if (word[j] == "|")
                        group++
                    else {
                        rank[word[j]] = i
                        place[word[j]] = i "." group
                    }
            }
        }
        {
            file = $0
            sub(/^\.\//, "", file)
            at = file
            sub(/:[^:]*$/, "", at)
            sub(/:.*/, "", file)
            from = file
            sub(/\.[ch]$/, "", from)
            split($0, quoted, "\"")
            to = quoted[2]
            sub(/\.h$/, "", to)
            if (!(from in rank))
                print at ": " file " has no place in the order of layers"
            else if (!(to in rank))
                print at ": includes " quoted[2] ", which has no place in the order of layers"
            else if (rank[to] > rank[from] || (rank[to] == rank[from] && place[to] != place[from]))
                print at ": includes " quoted[2] ", which is not below it"
        }'
    (cd "$1" && ls) | awk -v layers="$layers" '
        BEGIN {
            n = split(layers, word, "[ |\n]+")
            for (i = 1; i <= n; i++)
                known[word[i]] = 1
        }
        {
            name = $0
            sub(/\.[ch]$/, "", name)
            if (!(name in known))
                print $0 ": has no place in the order of layers"
        }'
    (cd "$1" && grep -nE '<stdatomic\.h>|(__atomic|__sync|atomic|AO)_[a-z0-9_]+ *\(|_Atomic ' ./*.h ./*.c |
        sed -n '/^\.\/atomic/!s/^\.\/\(.*\)/\1: only the atomic layer may do this/p')
}

# The check itself: each of these is found.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for wrong in 'arena.h|#include "key.h"' 'key.c|#include "arena.h"' 'block.c|#include "skiplist.h"' \
    'version.h|  #  include "memtable.h"' 'memtable.c|#include "iterator.h"' \
    'options.h|#include "memtable.h"' 'iterator.c|#include "api.h"' 'new.c|#include "arena.h"' \
    'new.h|int x;' 'read.c|#include "nothing.h"' 'read.c|#include <stdatomic.h>' \
    'write.c|    __atomic_load_n(p, 0);' 'entry.h|_Atomic int x;'; do
    rm -rf "${scratch:?}/lib"
    cp -R "$root/lib" "$scratch/lib"
    echo "${wrong#*|}" >>"$scratch/lib/${wrong%%|*}"
    if [ -z "$(faults "$scratch/lib")" ]; then
        echo "not found: $wrong" >&2
        exit 1
    fi
done

found=$(faults "$root/lib")
if [ -n "$found" ]; then
    echo "$found" >&2
    exit 1
fi
