#!/bin/bash
# Tests how bench/ingest ends when it is interrupted: test_ingest_interrupt.sh PROGRAM.

# shellcheck source=test/ingest.sh
. "$(dirname "$0")/ingest.sh"

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
    exec sleep 60 # so that it can be killed
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

finish
