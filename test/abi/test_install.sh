#!/bin/bash
# Installed into an empty prefix, the library is found by pkg-config and by nothing else: a program is
# compiled with what that prints, linked with the shared and with the static library, and run. Uninstalled,
# nothing is left. And another meson project takes it as a subproject.
#
#   test_install.sh COMPILER [ARGUMENT...]
set -euo pipefail
export LC_ALL=C
# shellcheck source=test/abi/scratch.sh
. "$(dirname "$0")/scratch.sh"

prefix=$work/prefix
compiler=("$@")
export CC="$*"
unset PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR CFLAGS LDFLAGS

# step NAME COMMAND... - counts it, and shows what it said if it fails.
step() {
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        pass "$name"
    else
        cat "$work/log"
        fail "$name"
    fi
}

# The program in README, and what README says that it prints.
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$root/README.md" >"$work/first.c"
awk '/^It prints:$/ { found = 1; next }
     found && /^```$/ { if (inside++) exit; next }
     inside' "$root/README.md" >"$work/expected"
[ -s "$work/first.c" ] && [ -s "$work/expected" ]

runs() {
    "$@" | sed 's/ *$//' | diff "$work/expected" -
}

# consumer OUTPUT [PKG-CONFIG-OPTION LINK-OPTION] - by what pkg-config prints, and nothing else of ours.
consumer() {
    local flags
    read -ra flags <<<"$(pkg-config ${2:+"$2"} --cflags --libs fastskip)"
    "${compiler[@]}" -std=c99 "$work/first.c" -o "$1" ${3:+"$3"} "${flags[@]}"
}

same_version() {
    [ "$(pkg-config --modversion fastskip)" = \
        "$(sed -n 's/^#define FASTSKIP_VERSION "\(.*\)"/\1/p' "$root/include/fastskip.h")" ]
}

# The program needs the library by its soname, and the library nothing but libc.
needs() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | paste -sd ' '
}

no_more_than_needed() {
    [ "$(needs "$work/shared")" = 'libc.so.6 libfastskip.so.1' ] &&
        [ "$(needs "$libdir/libfastskip.so.1")" = libc.so.6 ]
}

set_up() {
    meson setup "$work/build" "$root" "--prefix=$prefix" -Ddefault_library=both -Dtests=false -Dbench=false &&
        ninja -C "$work/build" -j2
}

step 'set up and build' set_up
step 'install' ninja -C "$work/build" install
pc=$(find "$prefix" -name fastskip.pc)
libdir=${pc%/pkgconfig/fastskip.pc}
export PKG_CONFIG_PATH=$libdir/pkgconfig
step 'pkg-config: version' same_version
step 'pkg-config: compile and link' consumer "$work/shared"
step 'run' runs env "LD_LIBRARY_PATH=$libdir" "$work/shared"
step 'needs libc and the library only' no_more_than_needed
step 'pkg-config --static: compile and link' consumer "$work/static" --static -static
step 'run, linked statically' runs "$work/static"
step 'uninstall' ninja -C "$work/build" uninstall
if [ ! -e "$prefix" ] || [ -z "$(find "$prefix" -mindepth 1)" ]; then
    pass 'nothing is left'
else
    find "$prefix"
    fail 'left after uninstall'
fi

subproject() {
    mkdir -p "$work/other/subprojects"
    ln -s "$root" "$work/other/subprojects/fastskip"
    cp "$work/first.c" "$work/other"
    cat >"$work/other/meson.build" <<'MESON'
project('other', 'c')
executable('other', 'first.c', dependencies: dependency('fastskip', fallback: 'fastskip'))
MESON
    # Nothing of the library may be found elsewhere.
    PKG_CONFIG_PATH='' meson setup "$work/other/build" "$work/other" --wrap-mode=forcefallback &&
        ninja -C "$work/other/build" -j2
}
step 'as a subproject' subproject
step 'run, as a subproject' runs "$work/other/build/other"

finish
