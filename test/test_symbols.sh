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
readelf -lW "$library" | grep GNU_RELRO
readelf -d "$library" | grep -E 'BIND_NOW|FLAGS.*NOW'
if readelf -lW "$library" | grep GNU_STACK | grep E; then
    echo 'the stack is executable'
    exit 1
fi
if readelf -d "$library" | grep TEXTREL; then
    echo 'there are text relocations'
    exit 1
fi
