#!/bin/bash
# Checks the Go package: installs what a fresh Debian lacks, builds the library unless there is one, and
# runs everything that must hold. The last line says how many checks and tests passed and failed.
#
#   FASTSKIP_PREFIX=DIR   use the library installed there, else the one of this checkout is built
#   FASTSKIP_ASAN=1       also run the tests with the library built with sanitizers
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
passed=0
failed=0
failures=()

# No network, no toolchain but the one that is installed, and a cache also for users without a home.
export GOPROXY=off GOFLAGS=-mod=mod GONOSUMDB='*' GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=1
[ -n "${HOME:-}" ] || export HOME=$work/home
# What cgo itself writes has parameters that are not used.
export CGO_CFLAGS='-O2 -g -Wall -Wextra -Wno-unused-parameter -Werror'

# build NAME [OPTION...]: the library of this checkout, installed in $work/NAME.
build() {
    local name=$1
    shift
    echo "== Building the library ($name)"
    if ! { meson setup "$work/build-$name" "$root" --prefix="$work/$name" --libdir=lib -Dtests=false \
        -Dbench=false "$@" && meson install -C "$work/build-$name"; } >"$work/log" 2>&1; then
        cat "$work/log"
        exit 1
    fi
}

# use PREFIX: the library that is installed there.
use() {
    local pc
    pc=$(find "$1/" -name fastskip.pc -print -quit)
    [ -n "$pc" ] || { echo "check.sh: no fastskip.pc in $1" >&2; exit 1; }
    export PKG_CONFIG_PATH=${pc%/*}
    LD_LIBRARY_PATH=$(dirname "$(find "$1/" -name libfastskip.so.1 -print -quit)")
    export LD_LIBRARY_PATH
    # What pkg-config says is no part of what Go keeps its compiled packages by: without this it would go on
    # linking with the place of an earlier run, which is gone.
    export CGO_LDFLAGS="-O2 -g -L$LD_LIBRARY_PATH"
}

fail() {
    failed=$((failed + 1))
    failures+=("$1")
}

# check NAME COMMAND...: passes if the command does and its output names no warning.
check() {
    local name=$1
    shift
    echo "== $name"
    if "$@" >"$work/log" 2>&1 && ! grep -q 'warning:' "$work/log"; then
        passed=$((passed + 1))
    else
        cat "$work/log"
        fail "$name"
    fi
}

# tests NAME [ARGUMENT...]: all tests of the package; each counts, and there must be some.
tests() {
    local name=$1 good bad status=0
    shift
    echo "== $name"
    (cd "$here" && go test -count=1 -v "$@" .) >"$work/log" 2>&1 || status=$?
    good=$(grep -c '^--- PASS' "$work/log") || true
    bad=$(grep -c '^--- FAIL' "$work/log") || true
    passed=$((passed + good))
    if [ "$status" -ne 0 ] || [ "$bad" -gt 0 ] || [ "$good" -eq 0 ] || grep -q 'warning:' "$work/log"; then
        grep -vE '^(=== |--- PASS)' "$work/log" | tail -n 200
        failed=$((failed + bad))
        [ "$bad" -gt 0 ] || failed=$((failed + 1))
        failures+=("$name")
    fi
    echo "   $good passed, $bad failed"
}

formatted() {
    local unformatted
    unformatted=$(gofmt -l "$here")
    [ -z "$unformatted" ] || { echo "$unformatted"; return 1; }
}

vetted() { cd "$here" && go vet ./...; }

# The program in README.md, in a module of its own made as README says, prints what README says.
first_program() {
    local first=$work/first
    mkdir -p "$first"
    cd "$first"
    awk '/^```go$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$here/README.md" >first.go
    awk '/^It prints:$/ { found = 1; next }
         found && /^```$/ { if (inside++) exit; next }
         inside' "$here/README.md" >expected
    [ -s first.go ] && [ -s expected ]
    [ -z "$(gofmt -l first.go)" ]
    go mod init first
    go mod edit -require fastskip@v0.0.0 -replace "fastskip=$here"
    go vet .
    go run . | diff -u expected -
}

example() { cd "$here" && go run ./example | grep 'every key is right'; }

benchmark() { "$here/bench/run" 3000 1 | grep '^| Put '; }

# In a shell of its own, so that a failure in the middle of a function ends it (in a condition `set -e` is
# off), and the working directory stays.
part() { bash -euo pipefail -c "$(declare -f "$1"); $1"; }

# shellcheck source=packaging/apt.sh
. "$root/packaging/apt.sh"
install_missing "${compile_tools[@]}" go golang-go \
    /usr/share/gocode/src/github.com/google/btree golang-github-google-btree-dev
if [ -z "${FASTSKIP_PREFIX:-}" ] || [ "${FASTSKIP_ASAN:-0}" = 1 ]; then
    install_missing "${build_tools[@]}"
fi
if [ -z "${FASTSKIP_PREFIX:-}" ]; then
    build plain
    FASTSKIP_PREFIX=$work/plain
fi
use "$FASTSKIP_PREFIX"
export here work
go version

check 'gofmt' part formatted
check 'go vet' part vetted
tests 'tests'
tests 'tests, race detector' -race
GODEBUG=cgocheck=2 tests 'tests, cgocheck=2'
check "README's first program" part first_program
check 'example' part example
check 'benchmark' part benchmark
if [ "${FASTSKIP_ASAN:-0}" = 1 ]; then
    build asan -Db_sanitize=address,undefined
    use "$work/asan"
    # The Go runtime ends without giving its memory back.
    export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    tests 'tests, library and package with sanitizers' -asan
fi

for failure in "${failures[@]}"; do
    echo "failed: $failure"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
