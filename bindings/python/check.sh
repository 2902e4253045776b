#!/bin/bash
# Checks the Python binding: types, tests, documentation, example, benchmark and packaging, with Debian's
# Python and with the one that is first on PATH. The last line says how many passed and failed.
#
#   bindings/python/check.sh
#
# FASTSKIP_PREFIX is where the library is installed; without it this checkout's is built and installed
# into a directory of its own. With FASTSKIP_ASAN=1 the library of this checkout is built with the
# address and undefined behaviour sanitizers, and the tests run with that one as well.
set -euo pipefail
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debian=/usr/bin/python3
passed=0
failed=0

# Builds this checkout's library and installs it: install_library PREFIX [OPTION of meson setup...]
install_library() {
    local prefix=$1
    shift
    if ! { CC=${CC:-gcc} meson setup "$prefix.build" "$root" --prefix "$prefix" --libdir lib \
        -Dtests=false -Dbench=false "$@" && meson compile -C "$prefix.build" -j "$(nproc)" &&
        meson install -C "$prefix.build" --no-rebuild; } >"$work/log" 2>&1; then
        cat "$work/log"
        return 1
    fi
}

# Takes the library of a prefix for what runs from now on.
use_library() {
    local pc
    pc=$(find "$1" -name fastskip.pc -print -quit)
    export PKG_CONFIG_PATH=${pc%/*}
    FASTSKIP_LIBRARY=$(pkg-config --variable=libdir fastskip)/libfastskip.so.1
    export FASTSKIP_LIBRARY
}

# Counts a command as one check: check NAME COMMAND...
check() {
    local name=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        passed=$((passed + 1))
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "FAILED  $name"
        cat "$work/output"
    fi
}

# Counts each test of a run of unittest: unit_tests NAME COMMAND...
unit_tests() {
    local name=$1 status=0 ran bad
    shift
    "$@" -X dev -W error -m unittest discover -s tests -t . >"$work/output" 2>&1 || status=$?
    ran=$(sed -n 's/^Ran \([0-9]*\) tests\? in .*/\1/p' "$work/output" | tail -n 1)
    ran=${ran:-0}
    bad=$(sed -n 's/^FAILED (\(.*\))$/\1/p' "$work/output" | tr -s ' ,' '\n' |
        awk -F= '$1 == "failures" || $1 == "errors" { n += $2 } END { print n + 0 }')
    # Ended otherwise (a crash, say), or ran nothing: that is a failure too.
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    [ "$ran" -gt 0 ] || bad=1
    passed=$((passed + (ran > bad ? ran - bad : 0)))
    failed=$((failed + bad))
    echo "$([ "$bad" -eq 0 ] && echo 'ok     ' || echo 'FAILED ') $name: $ran tests"
    [ "$bad" -eq 0 ] || cat "$work/output"
}

# README's first program prints what README says: readme COMMAND...
readme() {
    awk '/^```python$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' README.md >"$work/first.py"
    awk '/^It prints:$/ { found = 1; next } found && /^```$/ { if (inside++) exit; next } inside' \
        README.md >"$work/expected"
    [ -s "$work/first.py" ] && [ -s "$work/expected" ] || return 1
    "$@" "$work/first.py" >"$work/printed" && diff -u "$work/expected" "$work/printed"
}

# Built and installed offline with what Debian has, the package works by itself.
packaging() (
    unset PYTHONPATH
    cp -r "$here" "$work/source" && cd "$work/source" &&
        "$debian" -m pip wheel --quiet --no-build-isolation --no-deps --no-index --disable-pip-version-check \
            --wheel-dir "$work/wheels" . &&
        "$debian" -m venv --system-site-packages "$work/venv" &&
        "$work/venv/bin/pip" install --quiet --no-deps --no-index --disable-pip-version-check \
            "$work"/wheels/fastskip-*-py3-none-any.whl &&
        installed "$work/venv/bin/python" && typed "$work/venv" &&
        "$work/venv/bin/pip" uninstall --quiet --yes fastskip &&
        "$work/venv/bin/pip" install --quiet --no-build-isolation --no-deps --no-index \
            --disable-pip-version-check "$work/source" &&
        installed "$work/venv/bin/python"
)

# What was installed does README's program and passes the tests, with none of the sources near.
installed() {
    mkdir -p "$work/apart" && cp -r README.md tests "$work/apart" && (
        cd "$work/apart" && readme "$1" && "$1" -m unittest tests.test_reading tests.test_lifetime
    )
}

# A program that uses the installed package is checked against its types.
typed() {
    printf '%s\n' 'import fastskip' 't = fastskip.Table()' 't[b"k"] = 1' 'reveal_type(t.views[b"k"])' \
        >"$work/typed.py"
    (cd "$work" && "$1/bin/python" -m mypy --strict --cache-dir "$work/cache2" typed.py) \
        >"$work/typed.out" && return 1
    cat "$work/typed.out"
    grep -q 'Incompatible types in assignment' "$work/typed.out" &&
        grep -q 'Revealed type is "builtins.memoryview"' "$work/typed.out" &&
        grep -q '^Found 1 error' "$work/typed.out"
}

run_python() {
    local python=$1 name
    name=$("$python" -c 'import sys; print("Python %d.%d.%d" % sys.version_info[:3], sys.executable)')
    echo "== $name"
    unit_tests "$name" "$python"
    check "README's first program" readme "$python"
    check "README's examples" "$python" -m doctest README.md
    check "examples/lifecycle.py" "$python" examples/lifecycle.py
}

# Debian's Python with a library that reports bad accesses. Python itself keeps memory at its end.
run_sanitized() {
    local runtime
    echo '== AddressSanitizer and UndefinedBehaviorSanitizer'
    runtime=$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)
    unit_tests 'sanitized' env LD_PRELOAD="$runtime" PYTHONMALLOC=malloc \
        ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1 \
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$debian"
    check 'examples/lifecycle.py' env LD_PRELOAD="$runtime" ASAN_OPTIONS=detect_leaks=0 \
        UBSAN_OPTIONS=halt_on_error=1 "$debian" examples/lifecycle.py
}

cd "$here"
# shellcheck source=packaging/apt.sh
. "$root/packaging/apt.sh"
# venv comes with python3, but makes none without ensurepip.
needs=("${build_tools[@]}" "$debian" python3 '/usr/lib/python3*/ensurepip' python3-venv)
for module in cffi mypy pip setuptools sortedcontainers wheel; do
    needs+=("/usr/lib/python3/dist-packages/$module" "python3-$module")
done
install_missing "${needs[@]}"
if [ -n "${FASTSKIP_PREFIX:-}" ]; then
    use_library "$FASTSKIP_PREFIX"
else
    install_library "$work/plain" -Dwerror=true
    use_library "$work/plain"
fi
export PYTHONPATH=$here
check 'mypy' "$debian" -m mypy --cache-dir "$work/cache"
run_python "$debian"
other=$(command -v python3 || true)
if [ -n "$other" ] && [ "$("$other" -c 'import sys; print(sys.executable)')" != "$debian" ]; then
    run_python "$other"
fi
check 'bench/calls.py' "$debian" bench/calls.py --entries 2000 --rounds 1
check 'packaging' packaging
if [ "${FASTSKIP_ASAN:-0}" = 1 ]; then
    install_library "$work/asan" -Db_sanitize=address,undefined -Db_lundef=false
    use_library "$work/asan"
    run_sanitized
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
