#!/bin/bash
# Tests bench/ingest from end to end, over every format and with many threads over small tables: test_ingest.sh PROGRAM.

# shellcheck source=test/ingest.sh
. "$(dirname "$0")/ingest.sh"

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

finish
