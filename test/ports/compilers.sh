#!/bin/bash
# The library compiled by compilers that know no C11 atomics and no __atomic functions: tcc and pcc, with
# libatomic_ops. Meson knows neither, so the objects are made here and linked by gcc. Each library must
# export what the others do and pass what they pass: the suites of the public interface, the stress and
# linearizability tests; the suites from inside are linked with the objects themselves.
#
#   test/ports/compilers.sh [COMPILER...]     tcc and pcc, or those named
#
# FASTSKIP_TEST_SCALE and FASTSKIP_TEST_SECONDS make the longer tests longer.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
# shellcheck source=test/ports/common.sh
. test/ports/common.sh
build=$root/build-test/compilers

# pcc computes wrong with its optimiser, and tcc has none.
flags=(-fPIC -DNDEBUG -DFSK_ATOMICS_AO -Iinclude -Ilib)
test_flags=(-std=gnu99 -O1 -g -Wall -Wextra -D__STDC_NO_ATOMICS__
    -DFSK_ATOMICS_AO -Iinclude -Ilib -Itest)

# The functions that the code of a compiler calls.
runtime_of() {
    case $1 in
        tcc) find /usr/lib -path '*/tcc/libtcc1.a' ;;
        pcc) find /usr/lib/pcc -name libpcc.a ;;
    esac
}

compile_library() {
    local compiler=$1 file
    for file in lib/*.c; do
        [ "$file" != lib/atomic_yield.c ] || continue # for tests only
        check "$compiler: $file" \
            silently "$compiler" "${flags[@]}" -c "$file" -o "$build/$compiler/$(basename "$file" .c).o"
    done
}

link_library() {
    local compiler=$1 directory=$build/$1
    silently gcc -shared -o "$directory/libfastskip.so.1" "$directory"/*.o \
        "$(runtime_of "$compiler")" -pthread \
        -Wl,-soname,libfastskip.so.1 -Wl,--version-script=abi/fastskip.map \
        -Wl,--no-undefined-version -Wl,-z,defs,-z,text,-z,relro,-z,now,-z,noexecstack,-z,nodelete
    ln -sf libfastskip.so.1 "$directory/libfastskip.so"
}

# Programs that use the public interface are those of a build by gcc, once: then each library takes the
# place of the one that they were linked with.
programs=$build/programs
no_public_program='^(internal|ingest)/|\.sh$'

make_programs() {
    local targets
    check 'configure programs' env CC=gcc meson setup "$programs" -Dbench=false -Dwerror=true \
        -Doptimization=1 -Datomics=libatomic_ops -Dc_std=gnu99 -Dc_args=-D__STDC_NO_ATOMICS__
    mapfile -t targets < <(python3 test/tests_of.py targets "$programs" --without "$no_public_program")
    check 'build programs' build_quietly "$programs" "${targets[@]}"
}

test_library() {
    local compiler=$1 library=$build/$1/libfastskip.so.1 names
    check "$compiler: exported symbols" test/test_symbols.sh "$library"
    # A program, too, may be compiled by it.
    check "$compiler: README's program" test/test_readme.sh "$library" "$compiler"
    cp "$library" "$(realpath "$programs/libfastskip.so.1")"
    mapfile -t names < <(python3 test/tests_of.py names "$programs" --without "$no_public_program")
    meson_tests "$compiler" "$programs" "${names[@]}"
}

# The suites of a list in test/meson.build.
suites_of() {
    sed -n "/^$1 = \[/,/^]/s/^  '\(.*\)',/\1/p" test/meson.build
}

link_suite() {
    local program=$1
    shift
    # shellcheck disable=SC2046 # words
    silently gcc "${test_flags[@]}" "$@" -o "$program" -pthread -Wl,-z,noexecstack \
        $(pkg-config --cflags --libs check)
}

# The tests are compiled by gcc and the library's layers not, but for what headers hold of these.
test_inside() {
    local compiler=$1 directory=$build/$1 name
    for name in atomic atomic_counts atomic_orders; do
        check "$compiler: compile $name" \
            "$compiler" "${flags[@]}" -c "test/test_$name.c" -o "$directory/test_$name.obj"
        check "$compiler: link $name" link_suite "$directory/test_$name" "$directory/test_$name.obj"
        check "$compiler: $name" suite "$directory/test_$name"
    done
    for name in $(suites_of internal_suites); do
        check "$compiler: link $name" \
            link_suite "$directory/test_$name" "test/test_$name.c" "$directory"/*.o "$(runtime_of "$compiler")"
        check "$compiler: $name" suite "$directory/test_$name"
    done
}

[ $# -gt 0 ] || set -- tcc pcc
install_missing "${build_tools[@]}" tcc tcc pcc pcc readelf binutils awk mawk \
    /usr/include/check.h check /usr/include/atomic_ops.h libatomic-ops-dev
rm -rf "$build"
mkdir -p "$build"
make_programs
for compiler in "$@"; do
    mkdir -p "$build/$compiler"
    compile_library "$compiler"
    check "$compiler: link" link_library "$compiler"
    test_library "$compiler"
    test_inside "$compiler"
done
finish
