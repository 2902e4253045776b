# shellcheck shell=bash
# What the tests of bench/ingest share: sourced by test_ingest*.sh, which are called with the program. What a
# result should be is worked out here with sort and awk, apart from the program's own --verify, which is
# tested too.
#
# RECORDS in the environment sets how many records the larger inputs have (default 20000).

set -uo pipefail
export LC_ALL=C

ingest=$(realpath "${1:?usage: $0 PROGRAM}")
records=${RECORDS:-20000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir temporary
export TMPDIR=$work/temporary
# A sanitizer that finds something must not look like a status of the program.
export TSAN_OPTIONS="exitcode=66 atexit_sleep_ms=100 ${TSAN_OPTIONS:-}" ASAN_OPTIONS="exitcode=67:${ASAN_OPTIONS:-}"

passed=0
failed=0
name=

begin() {
    name=$1
    problem=
}

wrong() {
    problem=${problem:-$*}
}

# Counts the test; nothing temporary may be left by it.
end() {
    local left
    left=$(ls temporary)
    [ -z "$left" ] || wrong "left in the temporary directory: $left"
    rm -rf temporary/*
    if [ -z "$problem" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $name: $problem"
        sed -e 's/^/    /' messages | head -n 20
    fi
}

# Runs the program; its exit status must be the first argument.
run() {
    local expected=$1 status
    shift
    "$ingest" "$@" >messages 2>&1
    status=$?
    [ $status -eq "$expected" ] || wrong "exit status $status, not $expected, of ingest $*"
}

says() {
    grep -q -e "$1" messages || wrong "no '$1' in the messages"
}

same() {
    cmp -s "$1" "$2" || wrong "$2 is not as $1"
}

# A number from the figures.
count_of() {
    sed -n "s/^ *\"$1\": \([0-9]*\),/\1/p" figures
}

# The last value of each key, deletes dropped: what tsv input should become.
last_of_each() {
    awk -F '\t' -v marker="$1" '
        { value[$1] = substr($0, length($1) + 2) }
        END { for (key in value) if (marker == "" || value[key] != marker) print key "\t" value[key] }
    ' | sort -t "$(printf '\t')" -k 1,1
}

# Keys that repeat, some of them often, one record in five a delete.
make_history() {
    awk -v n="$1" -v seed="${2:-1}" 'BEGIN {
        srand(seed)
        for (i = 1; i <= n; i++) {
            key = "key" int((rand() ^ 3) * n / 4)
            if (rand() < 0.2) print key "\tGONE"
            else printf "%s\tvalue %d %*s\n", key, i, int(rand() * 60), "."
        }
    }'
}

make_history "$records" >history
last_of_each GONE <history >history.sorted

# The last thing a test script does.
finish() {
    echo
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
