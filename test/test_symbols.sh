#!/bin/bash
# The shared library exports what abi/fastskip.symbols lists, with those versions, and nothing else, and
# is named as programs will look for it.
#
#   test_symbols.sh LIBRARY
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/.." && pwd)
library=$1

# The version node itself is an absolute symbol of its own name.
nm -D --defined-only --with-symbol-versions "$library" | awk '$2 != "A" { print $3 }' | sort |
    diff -u "$root/abi/fastskip.symbols" -
soname=$(readelf -d "$library" | sed -n 's/.*soname: \[\(.*\)\]/\1/p')
[ "$soname" = libfastskip.so.1 ] || { echo "soname is $soname"; exit 1; }
# What the header declares is what the map exports.
sed -n 's/^FASTSKIP_API.*\b\(fastskip_[a-z_]*\)(.*/\1/p' "$root/include/fastskip.h" | sort |
    diff -u <(sed 's/@.*//' "$root/abi/fastskip.symbols") -
# Full RELRO, no executable stack, no text relocations.
readelf -lW "$library" | grep -q GNU_RELRO
readelf -d "$library" | grep -Eq 'BIND_NOW|FLAGS.*NOW'
! readelf -lW "$library" | grep GNU_STACK | grep -q E
! readelf -d "$library" | grep -q TEXTREL
