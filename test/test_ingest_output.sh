#!/bin/bash
# Tests where bench/ingest writes: results, figures, messages, and what happens when it can not: test_ingest_output.sh PROGRAM.

# shellcheck source=test/ingest.sh
. "$(dirname "$0")/ingest.sh"

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
run 3 -o out history missing
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

finish
