#!/bin/bash
# What a call into the library costs, by how program and library were built: instructions of one call,
# which valgrind counts exactly, and processor time, median of interleaved rounds, as a ratio to the plain
# way.
#
#   bench/boundary.sh [ROUNDS]    default: 9
#
# Needs gcc and valgrind.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/.." && pwd)
rounds=${1:-9}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mapfile -t sources < <(find "$root/lib" -name '*.c' ! -name atomic_yield.c | sort)

# name | options for the library | for the program | kind of library
variants='
plain        | -fno-semantic-interposition       |               | shared
interposable | -fsemantic-interposition          |               | shared
lto          | -fno-semantic-interposition -flto |               | shared
no-plt       | -fno-semantic-interposition       | -fno-plt      | shared
static       | -fno-semantic-interposition       |               | static
static-lto   | -fno-semantic-interposition -flto | -flto         | static
'

# As meson builds a release.
common=(gcc -std=c11 -D_GNU_SOURCE -O3 -g -pthread -w "-I$root/include")
library=("${common[@]}" "-I$root/lib" -DNDEBUG -DFSK_ATOMICS_C11 -fPIC -fvisibility=hidden
    -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -D_FORTIFY_SOURCE=3)

build() {
    local name=$1 library_options program_options kind=$4
    read -ra library_options <<<"$2"
    read -ra program_options <<<"$3"
    mkdir "$work/$name"
    cd "$work/$name"
    if [ "$kind" = shared ]; then
        "${library[@]}" "${library_options[@]}" -shared -o libfastskip.so.1 "${sources[@]}" \
            -Wl,-soname,libfastskip.so.1 "-Wl,--version-script=$root/abi/fastskip.map" -Wl,-z,relro,-z,now
        "${common[@]}" "${program_options[@]}" "$root/bench/boundary.c" -o boundary ./libfastskip.so.1 \
            -Wl,-rpath,"$work/$name"
    else
        "${library[@]}" "${library_options[@]}" -c "${sources[@]}"
        gcc-ar rc libfastskip.a ./*.o
        "${common[@]}" "${program_options[@]}" "$root/bench/boundary.c" -o boundary libfastskip.a
    fi
}

# instructions NAME CALL - of one call: the difference between two runs, so that what comes before the
# calls is not in it.
instructions() {
    local count=20000 run totals=()
    for run in 1 2; do
        totals+=("$(valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null \
            "$work/$1/boundary" "$2" $((run * count)) 2>&1 | sed -n 's/.*I *refs: *//p' | tr -d ,)")
    done
    awk -v a="${totals[0]}" -v b="${totals[1]}" -v n="$count" 'BEGIN { printf "%.1f", (b - a) / n }'
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

names=()
while IFS='|' read -r name library_options program_options kind; do
    [ -n "${name// /}" ] || continue
    names+=("${name// /}")
    (build "${name// /}" "$library_options" "$program_options" "${kind// /}")
done <<<"$variants"

printf '%-8s %-14s %14s %10s %8s\n' call built instructions ns ratio
for call in none sealed get next put; do
    case $call in
    none | sealed) count=20000000 ;;
    next) count=5000000 ;;
    *) count=1000000 ;;
    esac
    # The order turns with each round, so that no one is always first.
    for ((round = 0; round < rounds; round++)); do
        for ((i = 0; i < ${#names[@]}; i++)); do
            name=${names[$(((i + round) % ${#names[@]}))]}
            "$work/$name/boundary" "$call" "$count" >>"$work/$name/$call"
        done
    done
    for name in "${names[@]}"; do
        ratio=$(paste "$work/$name/$call" "$work/plain/$call" | awk '{ print $1 / $2 }' | median)
        printf '%-8s %-14s %14s %10.2f %8.2f\n' "$call" "$name" "$(instructions "$name" "$call")" \
            "$(median <"$work/$name/$call")" "$ratio"
    done
done
