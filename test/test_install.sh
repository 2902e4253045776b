#!/bin/bash
# Installed into an empty prefix, the library is found by pkg-config alone: a program is compiled with
# what it prints, linked both ways where there is a static library, and run.
#
#   test_install.sh BUILD-DIRECTORY COMPILER [ARGUMENT...]
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/.." && pwd)
build=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

DESTDIR=$work/root meson install -C "$build" --no-rebuild --quiet >"$work/log" || { cat "$work/log"; exit 1; }
pc=$(find "$work/root" -name fastskip.pc)
[ -n "$pc" ]
export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$work/root
[ "$(pkg-config --modversion fastskip)" = "$(sed -n 's/^#define FASTSKIP_VERSION "\(.*\)"/\1/p' \
    "$root/include/fastskip.h")" ]
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$root/README.md" >"$work/first.c"
library_directory=$(dirname "$(find "$work/root" -name 'libfastskip.so.1')")

read -ra flags <<<"$(pkg-config --cflags --libs fastskip)"
"$@" "$work/first.c" -o "$work/shared" "${flags[@]}"
LD_LIBRARY_PATH=$library_directory "$work/shared" >"$work/shared.out"
[ -s "$work/shared.out" ]

if [ -e "$library_directory/libfastskip.a" ]; then
    read -ra flags <<<"$(pkg-config --static --cflags --libs fastskip)"
    "$@" "$work/first.c" -o "$work/static" -static "${flags[@]}"
    "$work/static" | cmp - "$work/shared.out"
fi
