#!/bin/bash
# Doxygen makes HTML and a manual page for every exported name from fastskip.h, without a warning, and
# fails where there would be one.
#
#   test_docs.sh DOXYGEN DOXYFILE
set -euo pipefail
export LC_ALL=C
# shellcheck source=test/abi/scratch.sh
. "$(dirname "$0")/scratch.sh"

doxygen=$1
doxyfile=$2

make_docs() {
    mkdir -p "$work/$1"
    {
        cat "$doxyfile"
        echo "OUTPUT_DIRECTORY = $work/$1"
        echo "INPUT = $2"
    } | "$doxygen" - >"$work/log" 2>&1
}

if make_docs good "$root/include/fastskip.h" && [ ! -s "$work/log" ]; then
    pass 'no warning'
else
    cat "$work/log"
    fail 'doxygen warns'
fi

missing=0
while IFS=@ read -r name _; do
    if [ ! -s "$work/good/man/man3/$name.3" ] || ! grep -q "$name" "$work/good/html/fastskip_8h.html"; then
        echo "no documentation of $name"
        missing=$((missing + 1))
    fi
done <"$root/abi/fastskip.symbols"
# What may run at the same time is a paragraph with a title, for each of them.
titles=$(grep -o '<dt>Concurrency</dt>' "$work/good/html/fastskip_8h.html" | wc -l)
if [ "$titles" -eq "$(cut -d@ -f1 "$root/abi/fastskip.symbols" | sort -u | wc -l)" ]; then
    pass 'paragraphs on concurrency'
else
    fail "paragraphs on concurrency: $titles"
fi
if [ "$missing" -eq 0 ] && grep -q 'No operation waits' "$work/good/man/man3/fastskip.h.3"; then
    pass 'HTML and manual pages'
else
    fail "HTML and manual pages: $missing missing"
fi

sed 's/@param options the options to change/@param option the options to change/' \
    "$root/include/fastskip.h" >"$work/fastskip.h"
if make_docs bad "$work/fastskip.h"; then
    fail 'a wrong comment passes'
elif grep -q "argument 'option' of command @param is not found" "$work/log"; then
    pass 'a wrong comment is an error'
else
    cat "$work/log"
    fail 'a wrong comment: another error'
fi

finish
