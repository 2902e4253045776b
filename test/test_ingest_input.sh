#!/bin/bash
# Tests what bench/ingest makes of bad input and of a wrong command line: test_ingest_input.sh PROGRAM.

# shellcheck source=test/ingest.sh
. "$(dirname "$0")/ingest.sh"

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

finish
