# SPDX-License-Identifier: MIT
# Copyright (c) The fastskip authors
#
# What ingest --verify runs: makes of an input what its result should be, with other tools, and
# compares. The input becomes lines of key TAB value; they are turned round, and a stable sort keeps
# the first of each key, which is the last of the input. Each step is a command of its own, so that
# none can fail unseen in a pipe.
#
# Arguments: format, limit of records or "all", sed script that drops deletes or "", directory to
# work in, result, inputs. Exit status: 0 the same, 1 different, 3 a command failed.

LC_ALL=C
export LC_ALL
format=$1 limit=$2 drop=$3 work=$4 result=$5
shift 5
tab=$(printf '\t')

flatten_stanzas() {
    awk '
        function replace(text, from, to,   parts, count, i, out) {
            count = split(text, parts, from)
            out = parts[1]
            for (i = 2; i <= count; i++)
                out = out to parts[i]
            return out
        }
        function escape(text) {
            return replace(replace(text, "\\\\", "\\\\"), "\t", "\\t")
        }
        BEGIN { RS = ""; FS = "\n" }
        {
            split("", field)
            value = ""
            for (i = 1; i <= NF; i++) {
                name = tolower(substr($i, 1, index($i, ":")))
                if (name != "" && !(name in field)) {
                    text = substr($i, length(name) + 1)
                    sub(/^[ \t]+/, "", text)
                    sub(/[ \t]+$/, "", text)
                    field[name] = text
                }
                value = value (i > 1 ? "\\n" : "") escape($i)
            }
            key = field["package:"] "_" field["version:"] "_" field["architecture:"]
            print key "\t" value
        }'
}

flatten() {
    if [ "$format" = stanza ]; then
        flatten_stanzas
    else
        sed -e '$a\' # gives the last line its newline if it has none
    fi
}

for file; do
    flatten <"$file" || exit 3
done >"$work/lines" || exit 3

if [ "$limit" != all ]; then
    head -n "$limit" "$work/lines" >"$work/reversed" || exit 3
    mv "$work/reversed" "$work/lines" || exit 3
fi

tac "$work/lines" >"$work/reversed" || exit 3
if [ "$format" = line ]; then
    sort -u -T "$work" -o "$work/sorted" "$work/reversed" || exit 3
else
    sort -s -u -t "$tab" -k 1,1 -T "$work" -o "$work/sorted" "$work/reversed" || exit 3
fi

if [ -n "$drop" ]; then
    sed -e "$drop" "$work/sorted" >"$work/lines" || exit 3
    mv "$work/lines" "$work/sorted" || exit 3
fi

cmp -- "$work/sorted" "$result" >"$work/difference" 2>&1
case $? in
0) exit 0 ;;
1) ;;
*)
    cat "$work/difference" >&2
    exit 3
    ;;
esac

show() {
    sed -n -e "${line:-1}{p;q;}" "$2" | cut -b 1-200 | sed -e "s/^/$1/" >&2
}
line=$(sed -n -e 's/.*line \([0-9]*\).*/\1/p' "$work/difference")
echo "ingest: the result differs from that of sort, first in line ${line:-1}:" >&2
show '  sort:   ' "$work/sorted"
show '  ingest: ' "$result"
exit 1
