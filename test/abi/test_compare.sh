#!/bin/bash
# abi/compare passes the library as it is, and refuses each change that would break a program: made here,
# one at a time, in a copy. abi/update then takes the change.
#
#   test_compare.sh COMPILER [ARGUMENT...]
set -euo pipefail
export LC_ALL=C
# shellcheck source=test/abi/scratch.sh
. "$(dirname "$0")/scratch.sh"

command -v abidiff >/dev/null || { echo "abidiff is not installed"; exit 77; }
compiler=("$@")
soname=libfastskip.so.1
tree=$work/tree
library=$work/library.so

fresh_tree() {
    rm -rf "$tree"
    copy_tree "$tree"
    cp -r "$work/baseline/." "$tree/abi/"
}

build() {
    build_library "$tree" "$library" "$1" "${compiler[@]}" "${@:2}" -O0 -w
}

# expect NAME STATUS [WORDS] - compares the library with the baseline; what that says must match WORDS.
expect() {
    local status=0 words=${3:-}
    "$tree/abi/compare" "$library" "${compiler[@]}" >"$work/output" 2>&1 || status=$?
    if [ "$status" -eq "$2" ] && { [ -z "$words" ] || grep -Eq -- "$words" "$work/output"; }; then
        pass "$1"
    else
        cat "$work/output"
        fail "$1: status $status, expected $2 and: $words"
    fi
}

# change NAME WORDS FILE EXPRESSION [FILE EXPRESSION]... - edits a fresh copy; the comparison must fail.
change() {
    local name=$1 words=$2
    shift 2
    fresh_tree
    while [ $# -gt 0 ]; do
        edit "$tree/$1" "$2"
        shift 2
    done
    build "$soname" -g
    expect "$name" 1 "$words"
}

# The baseline of this machine and compiler, whatever they are.
copy_tree "$tree"
build "$soname" -g
"$tree/abi/update" "$library" "${compiler[@]}" >"$work/update.log"
mkdir "$work/baseline"
cp -r "$tree/abi/." "$work/baseline"

expect 'unchanged' 0
build "$soname"
expect 'without debug information' 1 'no debug information'
build "$soname" -g
strip --strip-debug "$library"
expect 'stripped' 1 'no debug information'
build libfastskip.so.2 -g
expect 'soname' 1 'SONAME changed'

change 'function removed' '1 Removed function' \
    abi/fastskip.map '/fastskip_table_check;/d'
change 'function added' '1 Added function' \
    abi/fastskip.map 's/^( *)fastskip_version;/&\n\1fastskip_added;/' \
    include/fastskip.h 's/^(FASTSKIP_API) const char \*fastskip_version.*/&\n\1 void fastskip_added(void);/' \
    lib/api_read.c '1s/^/#include "fastskip.h"\nvoid fastskip_added(void) {}\n/'
change 'function in another version' '[0-9][0-9] Removed functions' \
    abi/fastskip.map 's/^FASTSKIP_1.0 /FASTSKIP_1.9 /'
change 'parameter of another type' "parameter 2 of type.*changed" \
    include/fastskip.h 's/(fastskip_table_stat\(const fastskip_table \*table, )uint32_t id/\1uint64_t id/' \
    lib/api_table.c 's/(fastskip_table_stat\(const fastskip_table \*table, )uint32_t id/\1uint64_t id/'
change 'parameter added' "parameter 2 of type.*was added" \
    include/fastskip.h 's/(fastskip_table_seal\(fastskip_table \*table)\);/\1, uint32_t flags);/' \
    lib/api_table.c 's/(fastskip_table_seal\(fastskip_table \*table)\)$/\1, uint32_t flags)/'
change 'return type' 'return type changed' \
    include/fastskip.h 's/^(FASTSKIP_API )int32_t (fastskip_table_is_sealed)/\1int64_t \2/' \
    lib/api_table.c 's/^int32_t (fastskip_table_is_sealed)/int64_t \1/'
change 'callback' 'fastskip_commit_fn' \
    include/fastskip.h 's/(\*fastskip_commit_fn\)\(void \*ctx, void \*address, )size_t/\1uint32_t/'
change 'struct grown' 'uint64_t more' \
    include/fastskip.h 's/^    uint32_t reserved;/&\n    uint64_t more;/'
change 'member of a struct of another type' 'uint64_t sequence' \
    include/fastskip.h 's/^    uint64_t sequence;/    int64_t sequence;/'
change 'members of a struct exchanged' 'data member changes' \
    include/fastskip.h 's/^    const void \*key;/    const void *swap;/; s/^    const void \*value;/    const void *key;/; s/^    const void \*swap;/    const void *value;/'
change 'enumerator of another value' '^\+FASTSKIP_BUSY -11' \
    include/fastskip.h 's/(FASTSKIP_BUSY =) -8/\1 -11/'
change 'enumerator added' '^\+FASTSKIP_LATE -11' \
    include/fastskip.h 's/(FASTSKIP_CORRUPT = -10)/\1,\n    FASTSKIP_LATE = -11/'
change 'enumerator removed' '^-FASTSKIP_STAT_HEIGHT 14' \
    include/fastskip.h '/^    FASTSKIP_STAT_HEIGHT = 14,/d' \
    lib/memtable.c 's/FASTSKIP_STAT_HEIGHT/14/'
change 'enumerator without a number' 'no plain number: FASTSKIP_STAT_CHUNKS' \
    include/fastskip.h 's/(FASTSKIP_STAT_CHUNKS) = 11/\1/'
change 'macro of another value' '^\+FASTSKIP_KEY_MAX 65534u' \
    include/fastskip.h 's/(FASTSKIP_KEY_MAX) 65535u/\1 65534u/'
change 'macro of another type' '^\+FASTSKIP_VALUE_MAX 4294901759ull' \
    include/fastskip.h 's/(FASTSKIP_VALUE_MAX) 4294901759u/\1 4294901759ull/'

"$tree/abi/update" "$library" "${compiler[@]}" >"$work/update.log"
expect 'accepted by abi/update' 0

finish
