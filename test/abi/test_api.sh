#!/bin/bash
# The suites of the public interface, compiled against the installed header and linked with the installed
# shared object alone, by what pkg-config prints.
#
#   test_api.sh COMPILER [ARGUMENT...] -- SUITE...      a suite is test/test_SUITE.c
set -euo pipefail
export LC_ALL=C
# shellcheck source=test/abi/scratch.sh
. "$(dirname "$0")/scratch.sh"

compiler=()
while [ "$1" != -- ]; do
    compiler+=("$1")
    shift
done
shift
export CC="${compiler[*]}"
unset PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR CFLAGS LDFLAGS

set_up() {
    meson setup "$work/build" "$root" "--prefix=$work/prefix" -Dtests=false -Dbench=false &&
        ninja -C "$work/build" -j2 install
}
if ! set_up >"$work/log" 2>&1; then
    cat "$work/log"
    exit 1
fi
pc=$(find "$work/prefix" -name fastskip.pc)
libdir=${pc%/pkgconfig/fastskip.pc}
export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir
read -ra flags <<<"$(pkg-config --cflags --libs fastskip check)"

# Only headers of the tests are to be found beside the installed one.
mkdir "$work/test"
cp -r "$root"/test/*.[ch] "$root/test/world" "$work/test"

for suite; do
    sources=("$work/test/test_$suite.c")
    [ "$suite" != api_model ] || sources+=("$work"/test/world/*.c)
    if ! "${compiler[@]}" -std=c11 -O1 -D_GNU_SOURCE -I"$work/test" "${sources[@]}" \
        -o "$work/test_$suite" "${flags[@]}" -pthread; then
        fail "$suite: does not compile"
    elif ! ldd "$work/test_$suite" | grep "$libdir/libfastskip.so.1" >/dev/null; then
        fail "$suite: is not linked with the installed library"
    else
        status=0
        "$work/test_$suite" >"$work/log" 2>&1 || status=$?
        case $status in
            0) pass "$suite" ;;
            77) echo "skipped: $suite" ;;
            *) cat "$work/log"; fail "$suite" ;;
        esac
    fi
done

finish
