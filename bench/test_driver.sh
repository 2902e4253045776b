#!/bin/bash
# Tests the driver of the benchmark with the peers that need nothing from elsewhere: every workload on every
# kind of keys, with and without values, one thread and two, each answer checked.
#
#   bench/test_driver.sh MAKEKEYS PEER-FASTSKIP PEER-LIMITS

set -euo pipefail
export LC_ALL=C

makekeys=$1
fastskip=$2
limits=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

passed=0
failed=0

# Counts a test by what the last command said.
result() {
    local status=$1
    shift
    if [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $*"
    fi
}

workloads=(fillrandom readrandom readdependent readmissing multireadrandom16 multireadrandom64 seekrandom10 seekrandom100
    readseq readreverse ycsbc overwrite fillseq fillbatch overwritezipf deleterandom ycsba ycsbb ycsbd ycsbe
    ycsbf readwhilewriting snapshot flush hotkeyput hotkeyget hotkeyothers)

# Each command has one line for an answer, after a line that says who answers.
answers() {
    local peer=$1 value_size=$2 operations=$3 commands=$4
    "$peer" "$work/keys" "$value_size" "$operations" <"$commands" >"$work/answers" || return 1
    [ "$(wc -l <"$work/answers")" -eq $(($(wc -l <"$commands") + 1)) ]
}

{
    echo check
    printf 'run %s 1\n' "${workloads[@]}"
    printf 'run %s 2\n' fillrandom readrandom ycsba readwhilewriting
    printf 'latency %s 1\n' fillrandom readrandom multireadrandom16 overwrite
} >"$work/all"
seq -f 'line %g of a file' 900 >"$work/lines"

for keys in digits16 be8 user20 shared56 urls "file:$work/lines"; do
    "$makekeys" "$keys" 2000 1500 "$work/keys" >/dev/null
    for value_size in 0 100 1024; do
        status=0
        answers "$fastskip" "$value_size" 1500 "$work/all" || status=1
        result $status "fastskip, $keys, $value_size"
        status=0
        grep -q unsupported "$work/answers" && status=1
        result $status "fastskip can do everything, $keys, $value_size"
    done
    status=0
    answers "$limits" 100 1500 "$work/all" || status=1
    result $status "limits, $keys"
done

# Latencies come when they are asked for, and only then.
status=0
[ "$(grep -c p999_ns "$work/answers")" -eq 3 ] || status=1
result $status "percentiles"

# The same seed makes the same keys.
"$makekeys" urls 2000 1500 "$work/again" >/dev/null
"$makekeys" urls 2000 1500 "$work/keys" >/dev/null
status=0
cmp -s "$work/keys" "$work/again" || status=1
result $status "same keys"

# Wrong answers are noticed: the values of a key file whose records say something else.
printf 'run fillrandom 1\nrun readrandom 1\n' >"$work/two"
cp "$work/keys" "$work/other"
offset=$(od -A n -t u8 -j $((32 + 2 * 16)) -N 8 "$work/keys") # of the third section, the keys asked for
# A tag that is not the one this key was written with.
tag=$(od -A n -t u1 -j $((offset)) -N 1 "$work/keys")
printf '%b' "\\x$(printf '%02x' $(((tag + 1) % 16)))" |
    dd of="$work/other" bs=1 seek=$((offset)) conv=notrunc status=none
mv "$work/other" "$work/keys"
status=0
answers "$fastskip" 100 1500 "$work/two" 2>"$work/error" && status=1
grep -q 'readrandom: wrong answers' "$work/error" || status=1
result $status "wrong answers are noticed"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
