#!/bin/bash
# fastskip.h compiles alone, twice in one file, in every language that it is for and without a warning, by
# the compilers that are here. A program that uses each of its names does, too.
#
#   test_standards.sh
set -euo pipefail
export LC_ALL=C
# shellcheck source=test/abi/scratch.sh
. "$(dirname "$0")/scratch.sh"

warnings=(-Wall -Wextra -pedantic -Werror -Wshadow -Wconversion -Wundef -Wredundant-decls)
names() {
    sed -n 's/^FASTSKIP_API.*\b\(fastskip_[a-z_]*\)(.*/\1/p' "$root/include/fastskip.h"
}

# In C++ the functions must have C linkage: then their addresses link with a library made by C.
{
    echo '#include <fastskip.h>'
    echo '#include <fastskip.h>'
    echo 'typedef void (*any_function)(void);'
    echo 'int main(void)'
    echo '{'
    echo '    static const any_function all[] = {'
    names | sed 's/.*/        (any_function)&,/'
    echo '    };'
    echo '    unsigned i, missing = 0;'
    echo '    for (i = 0; i < sizeof all / sizeof all[0]; i++)'
    echo '        missing += all[i] == 0;'
    echo '    return (int)missing;'
    echo '}'
} >"$work/use.c"
cp "$work/use.c" "$work/use.cc"
printf '#include <fastskip.h>\ntypedef int not_empty;\n' >"$work/alone.c"
cp "$work/alone.c" "$work/alone.cc"
[ "$(names | wc -l)" -gt 0 ]
build_library "$root" "$work/libfastskip.so.1" libfastskip.so.1 "${CC:-cc}"

# try COMPILER STANDARD SUFFIX
try() {
    local flags=("${warnings[@]}")
    command -v "$1" >/dev/null || { echo "not here: $1"; return 0; }
    [ "$3" != c ] || flags+=(-Wstrict-prototypes -Wold-style-definition)
    # A cast between types of functions is what the table above is made of.
    if "$1" "-std=$2" "${flags[@]}" -I"$root/include" -c "$work/alone.$3" -o "$work/alone.o" &&
        "$1" "-std=$2" "${flags[@]}" -Wno-cast-function-type -I"$root/include" "$work/use.$3" \
            -o "$work/use" "$work/libfastskip.so.1" &&
        LD_LIBRARY_PATH=$work "$work/use"; then
        pass "$1 $2"
    else
        fail "$1 $2"
    fi
}

for standard in c99 c11 c17; do
    try gcc "$standard" c
    try clang "$standard" c
done
for standard in c++11 c++20; do
    try g++ "$standard" cc
    try clang++ "$standard" cc
done

# Nothing in it that a binding could not have: no inline function, no variable argument, no bit-field.
code=$(perl -0777 -pe 's{/\*.*?\*/}{}gs' "$root/include/fastskip.h")
if grep -e inline -e '\.\.\.' -e _Thread_local -e '__thread' -e '[a-z_]\+ *: *[0-9]\+ *;' <<<"$code"; then
    fail 'only what any language can call'
else
    pass 'only what any language can call'
fi

finish
