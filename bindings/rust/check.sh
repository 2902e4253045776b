#!/bin/bash
# Checks the Rust package: warnings denied, all tests, clippy, documentation, README's program, the
# example. The last line says how many checks and tests passed and failed.
#
#   FASTSKIP_PREFIX   where libfastskip is installed; if not set, this checkout's is built
#   FASTSKIP_ASAN=1   build it with the address and undefined-behaviour sanitizers, and run the tests
#   CARGO             another cargo than the one in PATH; a rustc beside it is used, too
#   CARGO_TARGET_DIR  where to build; by default a temporary directory
set -euo pipefail
export LC_ALL=C CARGO_NET_OFFLINE=true CARGO_TERM_COLOR=never

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo=${CARGO:-cargo}
[[ $cargo != */* ]] || PATH=$(dirname "$cargo"):$PATH
asan=${FASTSKIP_ASAN:-0}
jobs=${FASTSKIP_JOBS:-2}
passed=0
failed=0
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$work/target}

# Builds the library of this checkout, sanitized or not, into a prefix of its own.
build_library() {
    local options=(-Dtests=false -Dbench=false)
    [ "$asan" != 1 ] || options+=('-Db_sanitize=address,undefined')
    FASTSKIP_PREFIX=$work/prefix
    echo "== The library${options[2]+, sanitized}"
    if ! {
        CC=gcc meson setup "$work/library" "$root" --prefix="$FASTSKIP_PREFIX" --libdir=lib "${options[@]}" &&
            meson compile -C "$work/library" -j "$jobs" && meson install -C "$work/library"
    } >"$work/library.log" 2>&1; then
        cat "$work/library.log"
        echo "0 passed, 1 failed"
        exit 1
    fi
}

# The directories that programs need to find the library of the prefix.
find_library() {
    local pc
    pc=$(find "$FASTSKIP_PREFIX" -name fastskip.pc -print -quit)
    [ -n "$pc" ] || { echo "check.sh: no fastskip.pc below $FASTSKIP_PREFIX" >&2; exit 1; }
    PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    export PKG_CONFIG_PATH
    libdir=$(pkg-config --variable=libdir fastskip)
    export LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# Runs a command; its tests count if it has any, else it is one check.
check() {
    local name=$1 log=$work/log status=0 good=0 bad=0
    shift
    echo "== $name"
    "$@" >"$log" 2>&1 || status=$?
    while read -r p f; do
        good=$((good + p))
        bad=$((bad + f))
    done < <(sed -nE 's/^test result: .* ([0-9]+) passed; ([0-9]+) failed;.*/\1 \2/p' "$log")
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
    elif [ "$status" -eq 0 ] && grep -qE '^warning' "$log"; then
        bad=$((bad + 1))
    elif [ $((good + bad)) -eq 0 ]; then
        good=1
    fi
    if [ "$bad" -gt 0 ]; then
        tail -n 100 "$log"
        echo "failed: $name"
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
}

in_workspace() {
    (cd "$here" && "$cargo" "$@")
}

# All tests, those that need bindgen among them, and how many there must be at least: a suite that
# quietly ran nothing is a failure.
run_tests() {
    local before=$passed
    check 'tests' in_workspace test "${locked[@]}" --lib --tests -- --include-ignored
    [ $((passed - before)) -ge 70 ] || { echo "failed: too few tests ran"; failed=$((failed + 1)); }
}

# README's first program in a package of its own; what it prints is what README says.
run_readme() {
    local dir=$work/readme
    mkdir -p "$dir/src"
    awk '/^```rust$/ { on = 1; next } /^```$/ && on { exit } on' "$here/README.md" >"$dir/src/main.rs"
    awk '/^```text$/ { on = 1; next } /^```$/ && on { exit } on' "$here/README.md" >"$dir/expected"
    { printf '[package]\nname = "first"\nversion = "0.1.0"\nedition = "2021"\n\n' &&
        awk '/^```toml$/ { on = 1; next } /^```$/ && on { exit } on' "$here/README.md" |
        sed "s|\.\.\./bindings/rust|$here|" && printf '\n[workspace]\n'; } >"$dir/Cargo.toml"
    [ -s "$dir/src/main.rs" ] && [ -s "$dir/expected" ]
    (cd "$dir" && "$cargo" run --offline -q -j "$jobs" >"$dir/found")
    diff -u "$dir/expected" "$dir/found"
}

# shellcheck source=packaging/apt.sh
. "$root/packaging/apt.sh"
install_missing "${compile_tools[@]}" "$cargo" cargo rustc rustc bindgen bindgen
# Debian's cargo has its clippy in a package; others bring their own, or do without.
[ "$(command -v "$cargo")" != /usr/bin/cargo ] || install_missing cargo-clippy rust-clippy
[ -n "${FASTSKIP_PREFIX:-}" ] || install_missing "${build_tools[@]}"
if [ "$asan" = 1 ] && [ -n "${FASTSKIP_PREFIX:-}" ]; then
    echo "check.sh: FASTSKIP_ASAN builds its own library, FASTSKIP_PREFIX is not used" >&2
    unset FASTSKIP_PREFIX
fi
[ -n "${FASTSKIP_PREFIX:-}" ] || build_library
find_library
export RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }-D warnings" RUSTDOCFLAGS="${RUSTDOCFLAGS:+$RUSTDOCFLAGS }-D warnings"
locked=(--offline --locked -j "$jobs")
"$cargo" --version

if [ "$asan" = 1 ]; then
    # The sanitizer's library has to be there first; build and compiler run without it.
    check 'build' in_workspace test "${locked[@]}" --lib --tests --examples --no-run
    runner=$work/with-asan
    printf '#!/bin/sh\nLD_PRELOAD="%s" exec "$@"\n' "$(gcc -print-file-name=libasan.so)" >"$runner"
    chmod +x "$runner"
    host=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
    export "CARGO_TARGET_${host}_RUNNER=$runner"
    export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1}
    export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
    run_tests
    check 'example' in_workspace run "${locked[@]}" -q --example lsm
else
    check 'build' in_workspace build "${locked[@]}" --all-targets
    run_tests
    check 'doc tests' in_workspace test "${locked[@]}" --doc
    check 'documentation' in_workspace doc "${locked[@]}" --no-deps
    if "$cargo" clippy --version >/dev/null 2>&1; then
        check 'clippy' in_workspace clippy "${locked[@]}" --all-targets -- -D warnings
    else
        echo "== clippy is not installed: left out"
    fi
    check 'README' run_readme
    check 'example' in_workspace run "${locked[@]}" -q --release --example lsm
    check 'benchmark' in_workspace bench "${locked[@]}" -q --bench cost -- 1
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
