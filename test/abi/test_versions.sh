#!/bin/bash
# A later release in place of the one that a program was linked with. next/make makes that release in a
# copy; it is built with each compiler, with and without link-time optimisation.
#
#   test_versions.sh
set -euo pipefail
export LC_ALL=C
# shellcheck source=test/abi/scratch.sh
. "$(dirname "$0")/scratch.sh"

next=$root/test/abi/next
soname=libfastskip.so.1
version=$(sed -n 's/^#define FASTSKIP_VERSION "\(.*\)"/\1/p' "$root/include/fastskip.h")
mkdir "$work/1.0" "$work/1.1"

expect() {
    local name=$1 wanted=$2 got=$3
    if [ "$got" = "$wanted" ]; then
        pass "$name"
    else
        fail "$name: \"$got\" and not \"$wanted\""
    fi
}

exported() {
    nm -D --defined-only --with-symbol-versions "$1" | awk '$2 != "A" { print $3 }' | sort
}

# link_program TREE VERSION - the program as the header of that tree has it, linked with that library.
link_program() {
    "${CC:-cc}" -std=c99 -Wall -Wextra -Werror -I"$1/include" "$next/program.c" -o "$work/program-$2" \
        "$work/$2/$soname"
}

run() {
    LD_LIBRARY_PATH=$work/$1 LD_BIND_NOW=1 "$work/program-$2" 2>&1 || true
}

try() {
    local name=$*
    if ! build_library "$work/next" "$work/1.1/$soname" "$soname" "$@" -O2 -Wall -Wextra -Wpedantic \
        -Wmissing-prototypes -Werror -Wl,--no-undefined-version >"$work/log" 2>&1; then
        cat "$work/log"
        fail "$name: does not build"
        return
    fi
    expect "$name: symbols" '' "$(exported "$work/1.1/$soname" | diff "$work/next/abi/fastskip.symbols" -)"
    link_program "$work/next" 1.1
    expect "$name: linked with 1.0, run with 1.1" '1.1.0: 3 records' "$(run 1.1 1.0)"
    expect "$name: linked with 1.1" '1.1.0: 3 records of 22 bytes' "$(run 1.1 1.1)"
}

copy_tree "$work/next"
"$next/make" "$work/next"

build_library "$root" "$work/1.0/$soname" "$soname" "${CC:-cc}" -O2
link_program "$root" 1.0
expect 'linked with 1.0' "$version: 3 records" "$(run 1.0 1.0)"

try gcc
try gcc -flto=1
try gcc -flto=1 -flto-partition=1to1
if command -v clang >/dev/null; then
    try clang
    if command -v ld.lld >/dev/null; then
        try clang -fuse-ld=lld
        try clang -flto -fuse-ld=lld
    fi
    compgen -G '/usr/lib/llvm-*/lib/LLVMgold.so' >/dev/null && try clang -flto
fi

# A program that needs 1.1 is refused by 1.0 when it starts, not when it calls.
case $(run 1.0 1.1) in
*"version \`FASTSKIP_1.1' not found"*) pass 'linked with 1.1, refused by 1.0' ;;
*) fail "linked with 1.1, run with 1.0: $(run 1.0 1.1)" ;;
esac

# The program asks for the version that it was linked with, and for nothing newer.
expect 'linked with 1.0, needs' FASTSKIP_1.0 \
    "$(readelf -V "$work/program-1.0" | grep -o 'FASTSKIP_[0-9.]*' | sort -u | paste -sd ' ')"

finish
