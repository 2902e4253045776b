#!/bin/bash
# Tests bench/ingest from end to end: test_ingest.sh PROGRAM. What a result should be is worked out
# here with sort and awk, apart from the program's own --verify, which is tested too.
#
# RECORDS in the environment sets how many records the larger inputs have (default 20000).

set -uo pipefail
export LC_ALL=C

ingest=$(realpath "${1:?usage: test_ingest.sh PROGRAM}")
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

# --- formats ---

begin 'tsv: the last value of each key, sorted'
printf 'b\t1\na\t2\nb\t3\nc\tx\ty\nd\t\n' >in
printf 'a\t2\nb\t3\nc\tx\ty\nd\t\n' >expected
run 0 -o out in
same expected out
end

begin 'tsv: any bytes, a key that begins another, no newline at the end'
printf 'k\377\t1\nk\t2\nk\001\t3\nk \t4\nk\0z\t\0\n\200\t\\t\nz\tlast' >in
printf 'k\t2\nk\0z\t\0\nk\001\t3\nk \t4\nk\377\t1\nz\tlast\n\200\t\\t\n' >expected
run 0 --verify -o out in
same expected out
end

begin 'tsv: deletes'
printf 'a\t1\nb\t1\na\t-\nc\t-\nd\t-\nd\t2\ne\t--\n' >in
printf 'b\t1\nd\t2\ne\t--\n' >expected
run 0 --verify -d - -o out in
same expected out
end

begin 'tsv: a delete marker of special characters, and an empty one'
printf 'a\t.*[/]\\$^\nb\tx*[/]\\$^\nc\t.*[/]\\$^ \nd\t\n' >in
printf 'b\tx*[/]\\$^\nc\t.*[/]\\$^ \nd\t\n' >expected
run 0 --verify -d '.*[/]\$^' -o out in
same expected out
printf 'a\t.*[/]\\$^\nb\tx*[/]\\$^\nc\t.*[/]\\$^ \n' >expected
run 0 --verify -d '' -o out in
same expected out
end

begin 'line: each line once'
printf 'b\na\tx\n\nb\na\n\\n\na\tx' >in
printf '\n\\n\na\na\tx\nb\n' >expected
run 0 --verify -f line -o out in
same expected out
end

begin 'stanza: keys, escapes, order of fields, empty lines'
cat >in <<'END'


Package: zlib1g
Version: 1:1.2-1
Architecture: amd64
Description: a library
 .
 continued	here, with \n and \\
 Package: not a field


version:   2.0	
ARCHITECTURE:all
Package: abc

Package: zlib1g
Version: 1:1.2-1
Architecture: i386
Version: 9
END
printf 'Package: zlib1g\nVersion: 1:1.2-1\nArchitecture: amd64' >in2
cat >expected <<'END'
abc_2.0_all	version:   2.0\t\nARCHITECTURE:all\nPackage: abc
zlib1g_1:1.2-1_amd64	Package: zlib1g\nVersion: 1:1.2-1\nArchitecture: amd64
zlib1g_1:1.2-1_i386	Package: zlib1g\nVersion: 1:1.2-1\nArchitecture: i386\nVersion: 9
END
run 0 --verify -f stanza -o out in in2
same expected out
run 0 --verify -f stanza --limit 1 -o out in in2
grep -q 'continued\\there, with \\\\n and \\\\\\\\\\n Package' out || wrong 'the value is not escaped'
end

begin 'several files, each with a last line of its own'
printf 'a\t1' >in
printf 'a\t2\nb\t2' >in2
printf 'a\t2\nb\t2\n' >expected
run 0 --verify -o out in in2
same expected out
end

begin 'standard input, verified from a copy, between files'
printf 'b\t2\nc\t2\n' >stdin
run 0 --verify -o out in - in2 <stdin
printf 'a\t2\nb\t2\nc\t2\n' >expected
same expected out
printf 'b\t9\n' >stdin
run 0 --verify -o out in2 - <stdin
printf 'a\t2\nb\t9\n' >expected
same expected out
end

begin 'empty input'
: >in
: >expected
run 0 --verify -o out in
same expected out
run 0 --verify -f stanza -o out /dev/null
same expected out
run 0 -o out </dev/null
same expected out
end

begin '--limit'
run 0 --verify -d GONE -n 1000 -o out history
head -n 1000 history | last_of_each GONE >expected
same expected out
end

# --- many threads, small tables ---

while read -r options; do
    begin "history: $options"
    # shellcheck disable=SC2086 # options are words
    run 0 --verify -d GONE -m 64K -j figures -o out $options history
    same history.sorted out
    [ "$(count_of misses) $(count_of wrong)" = '0 0' ] || wrong 'wrong lookups'
    [ "$(count_of tables)" -ge 2 ] || wrong 'hardly any rotation'
    end
done <<'END'
-w 1 -r 0
-w 1 -r 1 --shards 1
-w 8 -r 2 --fan-in 2
-w 8 -r 2 --pending 1 --backpressure 100
-w 16 -r 4 --shards 2 --fan-in 3
-w 4 -r 2 -b 7
-w 4 -r 1 -b 4096
-w 8 -r 2 --sequence caller
-w 4 -r 2 --sequence caller -b 64
END

begin 'readers look up what is there, and what is gone'
run 0 -d GONE -m 64K -r 2 -j figures history
[ "$(count_of lookups)" -gt 0 ] || wrong 'no lookup'
[ "$(count_of hits)" -gt 0 ] || wrong 'no hit'
end

begin 'large records in small tables'
awk 'BEGIN { for (i = 0; i < 300; i++) printf "key%d\t%*d\n", i % 100, 1 + (i * 7919) % 30000, i }' \
    >in
last_of_each '' <in >expected
run 0 --verify -m 64K -w 6 -r 1 -o out in
same expected out
run 0 --verify -m 64K -w 3 -b 10 -o out in
same expected out
end

# --- bad input ---

begin 'no such file, a directory, an input after good ones'
run 3 -o out.none missing
says 'cannot open missing'
run 3 -o out.none .
says 'cannot read .'
run 3 -o out.none history missing
[ ! -e out.none ] || wrong 'there is a result'
end

begin 'lines without a key'
printf 'a\t1\nplain\n' >in
run 3 -o out.none in
says 'in, line 2: no TAB'
printf 'a\t1\nb\t2\n\tx\n' >in
run 3 -o out.none in
says 'in, line 3: no key'
[ ! -e out.none ] || wrong 'there is a result'
end

begin 'stanzas without a field'
printf '\nPackage: a\nVersion: 1\nArchitecture: x\n\n\nPackage: b\nArchitecture: y\n\n' >in
run 3 -f stanza in
says 'in, line 7: the stanza has no Version'
printf 'Package: a\nVersion:  \nArchitecture: x\n' >in
run 3 -f stanza in
says 'in, line 1: the stanza has no Version'
end

begin 'keys at the limit and over it'
awk 'BEGIN { printf "%65535d\t1\n", 0 }' >in
run 0 --verify -o out in
same in out
awk 'BEGIN { printf "a\t1\n%65536d\t1\n", 0 }' >in
run 3 in
says 'in, line 2: the key is longer than'
end

begin 'records that fit into no table'
awk 'BEGIN { printf "a\t1\nb\t%70000d\n", 0 }' >in
run 3 -m 64K -w 2 in
says 'record 2 .*does not fit'
run 3 -m 64K -w 2 -b 2 in
says 'record 2 .*does not fit'
awk 'BEGIN { printf "a\t1\nb\t%9000000d\n", 0 }' >in
run 3 -m 1M in
says 'can not fit'
run 0 --verify -m 32M in
end

begin 'usage'
run 2 --nonsense
run 2 -m 1 history
run 2 -m 64Q history
run 2 -m '' history
run 2 -w 0 history
run 2 -n -1 history
run 2 -f csv history
run 2 -f line -d x history
run 2 -o - -j - history
run 2 --verify-only history
run 0 --help
says 'Usage: ingest'
run 0 --version
says 'libfastskip'
end

# --- outputs ---

begin 'standard output'
"$ingest" -d GONE -o - history >out 2>messages || wrong 'it failed'
same history.sorted out
says 'records/s'
"$ingest" -q -d GONE --verify -o - <history >out 2>messages || wrong 'it failed'
same history.sorted out
[ ! -s messages ] || wrong 'it talks'
end

begin 'an output appears complete or not at all'
echo before >out
run 3 -o out in missing
echo before >expected
same expected out
run 3 -o missing/out history
says 'cannot make missing/out'
[ "$(echo out*)" = out ] || wrong "left: $(echo out*)"
(umask 027 && "$ingest" -q -d GONE -o out history) || wrong 'it failed'
same history.sorted out
[ "$(stat -c %a out)" = 640 ] || wrong "mode $(stat -c %a out)"
end

begin 'an output that is the input, a link, a device'
cp history both
run 0 --verify -d GONE -o both both
same history.sorted both
echo before >target
ln -sf target link
run 0 --verify -d GONE -o link history
same history.sorted target
[ -L link ] || wrong 'the link is gone'
run 0 -o /dev/null history
[ -c /dev/null ] || wrong '/dev/null is gone'
end

begin 'a full disk'
run 3 -o /dev/full history
says 'cannot write /dev/full: No space left'
awk 'BEGIN { for (i = 0; i < 4000; i++) printf "key%d\t%*d\n", i, 100, i }' >large
(
    ulimit -f 64
    exec "$ingest" -m 64K -o out.none large
) >messages 2>&1
[ $? -eq 3 ] || wrong 'a file limit is not status 3'
says 'cannot write .*File too large'
[ "$(echo out.none*)" = 'out.none*' ] || wrong 'there is a result'
run 3 --temporary missing history
says 'cannot make a directory in missing'
"$ingest" -d GONE -j /dev/full history >messages 2>&1
[ $? -eq 3 ] || wrong 'a full disk for figures is not status 3'
end

begin 'a closed pipe'
{
    "$ingest" -o - history 2>messages
    echo $? >status
} | true
[ "$(cat status)" = 3 ] || wrong "exit status $(cat status)"
says 'Broken pipe'
end

begin 'figures as JSON'
run 0 -d GONE -m 64K -j figures history
if command -v python3 >/dev/null; then
    python3 -m json.tool figures >messages 2>&1 || wrong 'no JSON'
fi
[ "$(count_of records)" = "$records" ] || wrong 'records'
[ "$(count_of deletes)" = "$(grep -c GONE history)" ] || wrong 'deletes'
end

begin 'a bar on a terminal, none elsewhere'
run 0 -d GONE -o - history
grep -q "$(printf '\r')" messages && wrong 'a bar in a file'
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    script -qec "$ingest -d GONE --verify history" /dev/null >messages 2>&1 </dev/null
    grep -q "ingest \[" messages || wrong 'no bar on a terminal'
    says 'records/s'
fi
end

# --- verification ---

begin '--verify-only: good results'
run 0 --verify-only -d GONE -o history.sorted history
says 'identical'
end

tamper() {
    begin "--verify-only: $1"
    run 1 --verify-only -d GONE -o tampered history
    says 'differs from that of sort, first in line'
    end
}

line=$(($(wc -l <history.sorted) / 2))
sed "${line}s/value/Value/" history.sorted >tampered
tamper 'a changed byte'
sed "${line}d" history.sorted >tampered
tamper 'a lost line'
sed "${line}p" history.sorted >tampered
tamper 'a doubled line'
sed "${line}{h;d;};$((line + 1))G" history.sorted >tampered
tamper 'two lines the other way round'
sed '$d' history.sorted >tampered
tamper 'a lost last line'
head -c -1 history.sorted >tampered
tamper 'a lost last newline'
last_of_each '' <history >tampered
tamper 'deletes that were not applied'
: >tampered
tamper 'nothing'

begin '--verify-only: an older value'
key=$(cut -f 1 history.sorted | sed -n "${line}p")
awk -F '\t' -v key="$key" -v marker=GONE '$1 == key && $2 != marker { print; exit }' history >older
awk -F '\t' -v key="$key" 'FNR == NR { old = $0; next } $1 == key { print old; next } { print }' \
    older history.sorted >tampered
if ! cmp -s history.sorted tampered; then
    run 1 --verify-only -d GONE -o tampered history
    says "differs from that of sort, first in line $line"
fi
end

begin '--verify-only: no result there'
run 3 --verify-only -d GONE -o missing history
end

begin '--verify: tools that fail are no success'
mkdir -p tools
printf '#!/bin/sh\nexit 1\n' >tools/sort
chmod +x tools/sort
PATH=$work/tools:$PATH run 3 --verify -d GONE -o out.none history
says 'could not be verified'
[ ! -e out.none ] || wrong 'there is a result'
cat >tools/sort <<'END'
#!/bin/sh
while [ "$1" != -o ]; do shift; done
head -n 10 "$3" >"$2"
END
PATH=$work/tools:$PATH run 1 --verify -d GONE -o out.none history
says 'the wrong result was left in out.none'
[ ! -e out.none ] || wrong 'there is a result'
rm -rf tools out.none.*
end

# --- interrupts ---

# The first records of an input that never ends; always the same.
endless() {
    awk -v n="${1:-0}" 'BEGIN {
        srand(1)
        for (i = 1; n == 0 || i <= n; i++) print "key" int(rand() * 50000) "\tvalue " i
    }'
}

# Waits until a command succeeds, 20 seconds at most.
wait_for() {
    local tries=0
    until "$@" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || return 1
        sleep 0.1
    done
}

has_run() {
    ls temporary/*/run-* >/dev/null
}

for signal in INT TERM; do
    begin "SIG$signal in the middle of an endless input"
    mkfifo pipe
    # It runs until the program no longer reads.
    endless >pipe 2>/dev/null &
    feeder=$!
    env --default-signal=$signal "$ingest" --verify -m 128K -w 3 -r 1 -j figures -o out \
        <pipe >messages 2>&1 &
    program=$!
    wait_for has_run || wrong 'it makes no runs'
    kill -s $signal $program
    wait $program
    status=$?
    [ $status -eq 130 ] || wrong "exit status $status"
    kill $feeder 2>/dev/null
    wait $feeder 2>/dev/null
    says 'interrupted'
    says 'identical to what sort makes'
    [ "$(count_of records)" -gt 0 ] || wrong 'no record'
    endless "$(count_of records)" | last_of_each '' >expected
    same expected out
    rm -f pipe
    end
done

begin 'SIGINT while standard input is silent'
mkfifo pipe
{
    head -n 5000 history
    sleep 60
} >pipe &
feeder=$!
env --default-signal=INT "$ingest" -d GONE -m 64K -j figures -o out <pipe >messages 2>&1 &
program=$!
wait_for has_run || wrong 'it makes no runs'
sleep 0.5
kill -s INT $program
wait $program
[ $? -eq 130 ] || wrong 'exit status'
kill $feeder
wait $feeder 2>/dev/null
head -n "$(count_of records)" history | last_of_each GONE >expected
same expected out
rm -f pipe
end

begin 'a second SIGINT ends it at once, without a trace'
mkfifo pipe input
rm -f out.none*
sleep 60 >input &
feeder=$!
# The result goes to a pipe that nobody reads, which is waited for.
env --default-signal=INT "$ingest" -o pipe history - <input >messages 2>&1 &
program=$!
sleep 0.5
kill -s INT $program
sleep 0.5
kill -0 $program 2>/dev/null || wrong 'it ended after the first'
kill -s INT $program
wait $program
[ $? -eq 130 ] || wrong 'exit status'
kill $feeder
wait $feeder 2>/dev/null
rm -f pipe input
end

begin 'SIGINT while the result is verified'
mkdir -p tools
printf '#!/bin/sh\n: >sorting\nexec sleep 60\n' >tools/sort
chmod +x tools/sort
PATH=$work/tools:$PATH env --default-signal=INT \
    "$ingest" --verify -d GONE -o out history >messages 2>&1 &
program=$!
wait_for test -e sorting || wrong 'it does not verify'
kill -s INT $program
wait $program
[ $? -eq 130 ] || wrong 'exit status'
says 'verified  *NO'
same history.sorted out
rm -rf tools sorting
end

begin 'an ignored SIGHUP is ignored'
mkfifo input
sleep 60 >input &
feeder=$!
(
    trap '' HUP
    exec "$ingest" -d GONE -o out history - <input >messages 2>&1
) &
program=$!
sleep 0.5
kill -s HUP $program
sleep 0.2
kill -0 $program 2>/dev/null || wrong 'it ended'
kill $feeder
wait $feeder 2>/dev/null
wait $program || wrong 'exit status'
same history.sorted out
rm -f input
end

echo
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
