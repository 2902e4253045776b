# What the scripts of this directory share. Sourced, not run.
# shellcheck shell=bash

# shellcheck source=packaging/apt.sh
. packaging/apt.sh

passed=0
failed=0

# Runs a command as one test, and shows what it wrote when it fails.
check() {
    local name=$1 log
    shift
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "FAILED  $name"
        tail -n 60 "$log"
    fi
    rm -f "$log"
}

# Succeeds if the command does and writes nothing: for compilers, whose warnings count.
silently() {
    local output
    output=$("$@" 2>&1) || { echo "$output"; return 1; }
    [ -z "$output" ] || { echo "$output"; return 1; }
}

# Runs a libcheck program, which also succeeds when it ran no test at all.
suite() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    cat "$log"
    grep -q 'Checks: [1-9]' "$log" || status=1
    rm -f "$log"
    return "$status"
}

# Runs the tests of a build and counts them one by one, from what meson writes of each.
meson_tests() {
    local name=$1 directory=$2 log=$2/meson-logs/testlog.json good bad
    shift 2
    mkdir -p "${log%/*}"
    : >"$log"
    meson test -C "$directory" --no-rebuild --print-errorlogs --timeout-multiplier 40 "$@" || true
    good=$(grep -cE '"result": "(OK|SKIP)"' "$log") || good=0
    bad=$(grep -c '"result":' "$log") || bad=0
    bad=$((bad - good))
    good=$(grep -c '"result": "OK"' "$log") || good=0
    [ $((good + bad)) -gt 0 ] || { echo "FAILED  $name: no test ran"; bad=1; }
    passed=$((passed + good))
    failed=$((failed + bad))
}

# To the compiler a warning is an error with -Dwerror=true, to the linker it is not.
build_quietly() {
    local log=$1/build.log
    ninja -C "$1" -j 2 "${@:2}" >"$log" 2>&1 || { cat "$log"; return 1; }
    ! grep -i 'warning:' "$log"
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
