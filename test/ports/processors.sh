#!/bin/bash
# The library on other processors: built by cross compilers, tested under qemu-user. That shows what
# depends on the size of words, on alignment and on byte order; it does not show weak memory order.
#
#   test/ports/processors.sh [PROCESSOR...]             all of cross/*.ini, or those named
#   test/ports/processors.sh --quick [PROCESSOR...]     the fast tests of armhf and s390x, or of those named; of
#                                                       aarch64 those of what compares words, by its vectors
#
# Where a processor has no 64-bit compare-and-swap, configuring must refuse. --quick, which CI runs, leaves
# out what takes longest there: interruptions at every access, fibers, the model, failing allocations, every
# bit flipped, races inside a block, threads by the ten thousand; and it has threads at work for a shorter time.
#
# i386 is built everywhere and tested where the kernel runs programs of 32 bits itself; where it does not, a
# line says so. qemu-i386 7.2 is no substitute: there threads free each other's caches of malloc, as if they
# shared their thread-local storage, and what forks may hang.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
# shellcheck source=test/ports/common.sh
. test/ports/common.sh
build=$root/build-test/processors

# libcheck for the other processors is made from Debian's source package, since the archive of a Debian
# release has not all of them, and the packages of one can not be installed beside each other. Lists of
# its own keep this away from what the machine's apt knows.
fetch_check() {
    local apt=$build/apt options
    [ ! -e "$build/check/configure" ] || return 0
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$build/check"
    echo 'deb-src http://deb.debian.org/debian bookworm main' >"$apt/sources.list"
    options=(-q -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    (cd "$apt" && apt-get "${options[@]}" --download-only source check)
    tar -xf "$apt"/check_*.orig.tar.gz --strip-components=1 -C "$build/check"
    rm -rf "$apt"
}

# What the build is to find for a processor, under one prefix: libcheck, and libatomic_ops, of which
# headers are enough and are the same everywhere.
make_prefix() {
    local triplet=$1 prefix=$2
    [ ! -e "$prefix/lib/pkgconfig/atomic_ops.pc" ] || return 0
    mkdir -p "$prefix/check" "$prefix/include"
    # What configure can not try on another processor.
    (cd "$prefix/check" &&
        "$build/check/configure" -q --host="$triplet" --prefix="$prefix" --disable-shared --with-pic \
            --disable-subunit --disable-timeout-tests --disable-build-docs \
            ac_cv_func_malloc_0_nonnull=yes ac_cv_func_realloc_0_nonnull=yes \
            hw_cv_func_snprintf_c99=yes hw_cv_func_vsnprintf_c99=yes &&
        make -s -C lib && make -s -C src install-libLTLIBRARIES install-includeHEADERS &&
        make -s install-includeHEADERS install-pcdataDATA) || return 1
    # It is a static library here, and says so only to who asks for that.
    sed -i 's/^Libs:.*/& -lrt -lm/' "$prefix/lib/pkgconfig/check.pc"
    cp -R /usr/include/atomic_ops.h /usr/include/atomic_ops "$prefix/include/"
    sed "s|^prefix=.*|prefix=$prefix|" "$(pkg-config --variable pcfiledir atomic_ops)/atomic_ops.pc" \
        >"$prefix/lib/pkgconfig/atomic_ops.pc"
}

triplet_of() {
    sed -n "s/^c = '\(.*\)-gcc'/\1/p" "test/ports/cross/$1.ini"
}

setup() {
    local processor=$1 directory=$2
    shift 2
    rm -rf "$directory"
    PKG_CONFIG_LIBDIR=$build/prefix-$processor/lib/pkgconfig \
        meson setup "$directory" --cross-file "test/ports/cross/$processor.ini" -Dbench=false "$@"
}

words='^internal/(block|skiplist|skiplist_mend|read|write)$'
# What takes longest, and what other builds show as well.
slow='_small$|_fibers_|^internal/(arena_threads|block_races|explore|flips|halted)|^public/api_(failures|liar|model|seal|stopped|threads)$'

# Not every x86-64 kernel does.
runs_32_bits() {
    local program=$build/bits
    echo 'int main(void) { return 0; }' >"$program.c"
    i686-linux-gnu-gcc -static -o "$program" "$program.c" && "$program" 2>"$program.log"
}

test_processor() {
    local processor=$1 prefix=$build/prefix-$1 directory=$build/$1 triplet
    local targets=() tests=() pattern=(--without "$slow")
    triplet=$(triplet_of "$processor")
    echo "== $processor"
    install_missing "$triplet-gcc" "gcc-$triplet" "/usr/$triplet/include/stdio.h" "$(libc_of "$processor")"
    check "$processor: libcheck" make_prefix "$triplet" "$prefix"
    check "$processor: configure" setup "$processor" "$directory" -Dwerror=true
    if [ -n "$quick" ]; then
        [ "$processor" != aarch64 ] || pattern=("$words")
        mapfile -t targets < <(python3 test/tests_of.py targets "$directory" "${pattern[@]}")
        mapfile -t tests < <(python3 test/tests_of.py names "$directory" "${pattern[@]}")
    fi
    check "$processor: build" build_quietly "$directory" "${targets[@]}"
    if [ "$processor" = i386 ] && ! runs_32_bits; then
        echo "left out i386: tests; this kernel runs no programs of 32 bits"
        return
    fi
    meson_tests "$processor" "$directory" "${tests[@]}"
}

# Configuring must fail, and say what is missing.
refuses() {
    local directory=$build/refused log=$build/refused.log
    ! setup "$1" "$directory" "${@:3}" >"$log" 2>&1 || { echo "it does not refuse"; return 1; }
    grep -q "$2" "$log" || { cat "$log"; return 1; }
}

test_refusals() {
    local none='no lock-free 64-bit compare-and-swap'
    case $1 in
        i386)
            check 'i386: no 486' refuses i386 "$none" -Dc_args=-march=i486
            check 'i386: no libatomic_ops' refuses i386 "$none" -Datomics=libatomic_ops
            ;;
        armhf)
            check 'armhf: no ARMv6' refuses armhf "$none" '-Dc_args=-march=armv6+fp -marm'
            check 'armhf: no libatomic_ops' refuses armhf "$none" -Datomics=libatomic_ops
            ;;
    esac
}

libc_of() {
    case $1 in
        aarch64) echo libc6-dev-arm64-cross ;;
        *) echo "libc6-dev-$1-cross" ;;
    esac
}

quick=
[ "${1-}" != --quick ] || { quick=1; shift; }
if [ $# -eq 0 ] && [ -n "$quick" ]; then
    set -- aarch64 armhf s390x # vectors, 32 bits, big-endian
elif [ $# -eq 0 ]; then
    set -- test/ports/cross/*.ini
    set -- "${@##*/}"
    set -- "${@%.ini}"
fi
install_missing "${build_tools[@]}" make make readelf binutils \
    qemu-aarch64 qemu-user /usr/include/atomic_ops.h libatomic-ops-dev
# No number of seconds is the tests' own. libcheck's limits are for real processors, too.
export CK_TIMEOUT_MULTIPLIER=20
export FASTSKIP_TEST_SECONDS=${FASTSKIP_TEST_SECONDS:-${quick:+4}}
mkdir -p "$build"
fetch_check
for processor in "$@"; do
    test_processor "$processor"
    test_refusals "$processor"
done
finish
