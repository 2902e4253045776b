#!/bin/bash
# The public header stands alone: it compiles by itself as C99 and every later C without a warning of the
# strict kind, twice in one file, and as C++ where there is a compiler for that.
#
#   test_header.sh COMPILER [ARGUMENT...]
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strict=(-Wall -Wextra -Wpedantic -Wundef -Werror -I"$root/include" -fsyntax-only)

# Nothing before it, twice, and every type used: an incomplete one would be an error.
cat >"$work/alone.c" <<'END'
#include "fastskip.h"
#include "fastskip.h"
fastskip_entry entry;
fastskip_status (*put)(fastskip_table *, const void *, size_t, const void *, size_t) = fastskip_put;
uint64_t greatest = FASTSKIP_SEQUENCE_MAX;
END
for standard in c99 gnu99 c11 c17; do
    "$@" -std=$standard "${strict[@]}" "$work/alone.c"
done

# In C++ its functions have the linkage of C: a program finds them in the library.
if command -v c++ >/dev/null; then
    cp "$work/alone.c" "$work/alone.cc"
    for standard in c++11 c++17; do
        c++ -std=$standard "${strict[@]}" "$work/alone.cc"
    done
    c++ -std=c++11 -I"$root/include" -c "$work/alone.cc" -o "$work/alone.o"
    nm "$work/alone.o" | grep ' U fastskip_put$' >/dev/null
else
    echo 'no C++ compiler here: as C++ it was not tried'
fi

# Nothing that a program must not have: no inline function, no variable argument, no bit-field.
code=$(perl -0777 -pe 's{/\*.*?\*/}{}gs' "$root/include/fastskip.h")
for word in inline '\.\.\.' _Thread_local '__thread' '[a-z_]\+ *: *[0-9]\+ *;'; do
    if grep -q -e "$word" <<<"$code"; then
        echo "the header has: $word"
        exit 1
    fi
done
grep -q 'fastskip_put' <<<"$code"
