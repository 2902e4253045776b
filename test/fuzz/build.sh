#!/bin/bash
# Builds fuzz targets. For test/fuzz/run and test/fuzz/mutants, which set:
#
#   root       the repository
#   sanitizer  address,undefined or memory or none
#   engine     libfuzzer or afl
#
# shellcheck disable=SC2154 # they are the user's

# shellcheck source=packaging/apt.sh
. "$root/packaging/apt.sh"

# What the sanitizers are to do: the pool's tables are many and short-lived, so little need be remembered.
asan=quarantine_size_mb=2:malloc_context_size=3:allocator_release_to_os_interval_ms=-1
export ASAN_OPTIONS=${ASAN_OPTIONS:-$asan}

# Inputs are choices, which comparisons in the library say nothing about; and schedules that count how rare
# each feature is cost more here than the calls do.
# shellcheck disable=SC2034 # they are for who reads this file
fuzzer=(-len_control=0 -entropic=0 -use_cmp=0 -print_final_stats=1)

targets=(operations keys options batches iterators caller)

# The inputs that a target starts from.
seeds() {
    local directory
    for directory in "$root/test/fuzz/corpus/$1" "$root/test/fuzz/found/$1"; do
        [ ! -d "$directory" ] || echo "$directory"
    done
}

install_tools() {
    install_missing clang clang perl perl \
        '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*' libclang-rt-14-dev || return
    [ "$engine" != afl ] || install_missing afl-clang-fast afl++
}

# set_flags: the compiler and the flags of what it compiles. Only the library is instrumented: an input is
# new if it does something new there.
set_flags() {
    base=(-std=c11 -g -O3 -fno-omit-frame-pointer -DFSK_ATOMICS_C11)
    includes=(-I"$root/include" -I"$root/test")
    instead=() # of what the sanitizers and the system have (instead.c)
    case $sanitizer in
    none) ;;
    # Without the origins of values, which take half as long again: a finding can be replayed with them. What is
    # passed and returned is checked at the call, as later compilers do: stricter, and a seventh faster.
    memory) base+=(-fsanitize=memory -fsanitize-memory-param-retval) ;;
    # What is undefined is a trap, with the line in the stack: calls that say what it was cost a tenth more.
    *)
        base+=("-fsanitize=$sanitizer" -fsanitize-trap=undefined -fsanitize-address-use-after-return=never)
        # shellcheck disable=SC2054
        [ "$engine" = afl ] || instead=(-Wl,--wrap=memcmp,--wrap=bcmp,--wrap=sysconf)
        ;;
    esac
    if [ "$engine" = afl ]; then
        export AFL_QUIET=1
        cc=afl-clang-fast instrument=() link=(-fsanitize=fuzzer)
    else
        # shellcheck disable=SC2054 # the comma is the flag's own
        cc=clang instrument=(-fsanitize-coverage=inline-8bit-counters,pc-table) link=(-fsanitize=fuzzer)
    fi
}

# compile DIRECTORY COMPILER FLAGS... -- SOURCES...: objects that are older than any file of the
# repository's C code are made anew.
compile() {
    local into=$1 source flags=()
    shift
    while [ "$1" != -- ]; do
        flags+=("$1")
        shift
    done
    shift
    mkdir -p "$into"
    # shellcheck disable=SC2016 # the inner shell expands it
    for source; do
        [ "$into/$(basename "$source" .c).o" -nt "$newest" ] || printf '%s\0' "$source"
    done | OUT=$into xargs -0 -r -P "${JOBS:-$(nproc)}" -I{} sh -c \
        'exec "$@" -c "$0" -o "$OUT/$(basename "$0" .c).o"' {} "${flags[@]}"
}

# build_library DIRECTORY LIB WORDS: the objects of the library in LIB, with blocks of so many words. Small
# ones are compared word by word, as on processors without vectors.
build_library() {
    local small=() sources
    mapfile -t sources < <(find "$2" -name '*.c' ! -name atomic_yield.c | sort)
    [ "$3" -ge 40 ] || small=(-DFSK_NO_VECTORS)
    compile "$1" "$cc" "${base[@]}" "${instrument[@]}" "${includes[@]}" -I"$2" -DFSK_BLOCK_WORDS="$3" \
        "${small[@]}" -- "${sources[@]}"
}

# counting_header FILE: the public header, with a macro for each function that counts its calls.
counting_header() {
    mkdir -p "$(dirname "$1")"
    {
        echo '#include_next <fastskip.h>'
        echo 'extern unsigned long long fuzz_calls;'
        grep -o -E '\bfastskip_[a-z_]+\(' "$root/include/fastskip.h" | sort -u |
            sed -E 's/(.*)\(/#define \1(...) (fuzz_calls++, \1(__VA_ARGS__))/'
    } >"$1"
}

# build_targets DIRECTORY: the targets' own objects, and the model's.
build_targets() {
    local names=("${targets[@]/%/.c}") rest=(input pool table steps calls)
    [ ${#instead[@]} -eq 0 ] || rest+=(instead)
    rest=("${rest[@]/%/.c}")
    counting_header "$1/counting/fastskip.h"
    compile "$1" clang "${base[@]}" -I"$1/counting" "${includes[@]}" -Wall -Wextra -- \
        "${rest[@]/#/$root/test/fuzz/}" "$root"/test/world/*.c "${names[@]/#/$root/test/fuzz/}"
}

# link_targets DIRECTORY LIBRARY OBJECTS TARGET...: programs into the directory.
link_targets() {
    local into=$1 library=$2 objects=$3 target more=()
    shift 3
    mkdir -p "$into"
    [ ${#instead[@]} -eq 0 ] || more=("$objects/instead.o")
    for target; do
        "$cc" "${base[@]}" "${link[@]}" "${instead[@]}" -o "$into/$target" "$objects/$target.o" \
            "$objects"/{input,pool,table,steps,calls,families,read,walk,whole,world,write}.o \
            "${more[@]}" "$library"/*.o || return 1
    done
}

# build_all DIRECTORY LIB WORDS TARGET...
build_all() {
    local directory=$1 lib=$2 words=$3
    shift 3
    newest=$(find "$lib" "$root"/include "$root"/test/fuzz "$root"/test/world "$root"/test/*.h \
        -name '*.[ch]' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
    build_library "$directory/lib-$words" "$lib" "$words" && build_targets "$directory/targets" &&
        link_targets "$directory/$words" "$directory/lib-$words" "$directory/targets" "$@"
}
