# Sourced by the tests here: copies of the library that are changed on purpose, in a directory $work that
# goes when the test ends, and a count of what was tried.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

pass() {
    passed=$((passed + 1))
    echo "ok: $*"
}

fail() {
    failed=$((failed + 1))
    echo "FAILED: $*"
}

# Last line of a test, and its status.
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# copy_tree DIRECTORY - what the library is built from.
copy_tree() {
    mkdir -p "$1"
    cp -r "$root"/{include,lib,abi,meson.build,meson_options.txt,fastskip.pc.in} "$1"
}

# edit FILE EXPRESSION - sed in place; an expression that changes nothing is an error of the test.
edit() {
    cp "$1" "$work/before"
    sed -i -E "$2" "$1"
    if cmp -s "$1" "$work/before"; then
        echo "$0: nothing to change in $1 with: $2" >&2
        exit 1
    fi
}

# build_library TREE OUTPUT SONAME COMPILER [ARGUMENT...] - without meson, for speed and for plain flags.
build_library() {
    local tree=$1 output=$2 soname=$3
    shift 3
    local sources
    mapfile -t sources < <(find "$tree/lib" -name '*.c' ! -name atomic_yield.c | sort)
    "$@" -std=gnu99 -DFSK_ATOMICS_BUILTIN -fPIC -fvisibility=hidden -I"$tree/include" -I"$tree/lib" \
        -shared -o "$output" "-Wl,-soname,$soname" "-Wl,--version-script=$tree/abi/fastskip.map" \
        "${sources[@]}" -pthread
}
