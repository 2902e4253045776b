#!/bin/bash
# Tests that bench/ingest finds a wrong result: test_ingest_verify.sh PROGRAM.

# shellcheck source=test/ingest.sh
. "$(dirname "$0")/ingest.sh"

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

finish
