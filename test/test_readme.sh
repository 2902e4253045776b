#!/bin/bash
# The program in README.md compiles as it stands there, links with the shared library and prints what
# README says.
#
#   test_readme.sh LIBRARY COMPILER [ARGUMENT...]
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/.." && pwd)
library=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The blocks between fences: the C program is the one marked so, its output the first after "It prints".
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$root/README.md" >"$work/first.c"
awk '/^It prints:$/ { found = 1; next }
     found && /^```$/ { if (inside++) exit; next }
     inside' "$root/README.md" >"$work/expected"
[ -s "$work/first.c" ] && [ -s "$work/expected" ]

"$@" -std=c99 -Wall -Wextra -pedantic -Werror -I"$root/include" "$work/first.c" \
    -o "$work/first" "$library" "-Wl,-rpath,$(cd "$(dirname "$library")" && pwd)"
"$work/first" | sed 's/ *$//' >"$work/printed"
diff -u "$work/expected" "$work/printed"
