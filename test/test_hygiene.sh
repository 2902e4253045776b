#!/bin/bash
# What a shared library must not do to the programs that load it, read from the file itself. Then each
# fault is built into a library of its own, and must be found.
#
#   test_hygiene.sh LIBRARY COMPILER [ARGUMENT...]
set -euo pipefail
export LC_ALL=C

library=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Bytes of a section; 0 if there is none.
section_size() {
    local size
    size=$(readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] *//' | awk -v name="$2" '$1 == name { print $5 }')
    echo $((16#${size:-0}))
}

has() {
    grep -Eq "$1" <<<"$2"
}

# Prints what is wrong with a library; nothing if all is well.
faults() {
    local lib=$1 segments dynamic relocations imports symbols pointer=8 constructors=1
    segments=$(readelf -lW "$lib")
    dynamic=$(readelf -dW "$lib")
    relocations=$(readelf -rW "$lib")
    imports=$(readelf --dyn-syms -W "$lib" | awk '$7 == "UND" && $5 == "GLOBAL" { print $8 }')
    symbols=$(readelf -sW "$lib")
    ! has ELF32 "$(readelf -hW "$lib")" || pointer=4

    # What the loader is done with can not be written again: full RELRO, which needs eager binding.
    has 'GNU_RELRO' "$segments" || echo 'no RELRO'
    has 'BIND_NOW|FLAGS.*NOW' "$dynamic" || echo 'bound lazily'
    has 'GNU_STACK .* RW +0x' "$segments" || echo 'executable stack'
    ! has 'TEXTREL' "$dynamic" || echo 'text relocations'
    ! has 'LOAD .* RWE ' "$segments" || echo 'writable code'
    has '__stack_chk_fail' "$imports" || echo 'no stack protector'

    # Static thread-local storage is a small reserve, and dlopen fails when it is spent: none at all.
    ! has 'STATIC_TLS' "$dynamic" || echo 'static thread-local storage'
    ! has '^ *TLS ' "$segments" || echo 'thread-local storage'
    ! has '__tls_get_addr|TLSDESC|TPOFF|DTPMOD|TPREL' "$imports$relocations" || echo 'uses thread-local storage'

    # Nothing runs when it is loaded: the only entry is frame_dummy of the compiler's start files. On
    # 64-bit ARM the compiler adds one, that asks which atomic instructions there are.
    ! has ' init_have_lse_atomics$' "$symbols" || constructors=2
    [ "$(section_size "$lib" .init_array)" -le $((constructors * pointer)) ] || echo 'a constructor'
    [ "$(section_size "$lib" .fini_array)" -le $pointer ] || echo 'a destructor'
    [ "$(section_size "$lib" .preinit_array)" -eq 0 ] || echo 'a constructor before all'
    ! has 'IRELATIV' "$relocations" || echo 'an indirect function'

    # No state outside of handles, so that there is nothing to set up by a first call: of the start files
    # there is a pointer in .data, and a flag in .bss.
    [ "$(section_size "$lib" .data)" -le $((2 * pointer)) ] || echo 'variables with a value'
    [ "$(section_size "$lib" .bss)" -le 8 ] || echo 'variables'

    # It says where all comes from that it uses, and stays when a program that may have kept a pointer
    # into it unloads it.
    ! grep -v @ <<<"$imports" || echo 'undefined symbols of no library'
    has 'FLAGS_1.*NODELETE' "$dynamic" || echo 'can be unloaded'
}

found=$(faults "$library")
[ -z "$found" ] || { echo "$library: $found"; exit 1; }

# The check itself. Each line: what must be found, the code, and how it is compiled.
cases='
nothing||
no RELRO||-Wl,-z,norelro
bound lazily||-Wl,-z,lazy
executable stack||-Wl,-z,execstack
no stack protector||-fno-stack-protector
text relocations|#ifdef __LP64__\n__asm__(".text\\n.quad f");\n#else\n__asm__(".text\\n.long f");\n#endif|-Wl,-z,notext
thread-local storage|__thread int x; int g(void) { return x++; }|
static thread-local storage|__thread int x; int g(void) { return x++; }|-ftls-model=initial-exec
uses thread-local storage|extern __thread int x; int g(void) { return x; }|-ftls-model=initial-exec
a constructor|__attribute__((constructor)) static void c(void) { f(); }|
a destructor|__attribute__((destructor)) static void c(void) { f(); }|
variables with a value|int x[8] = {1, 2}; int g(void) { return x[0]++; }|
variables|static int x[8]; int g(int i) { return x[i]++; }|
undefined symbols of no library|int nowhere(void); int g(void) { return nowhere(); }|
can be unloaded||
'
while IFS='|' read -r fault code flags; do
    [ -n "$fault" ] || continue
    # Not every linker says so.
    [[ $fault != static* ]] || has 'X86-64|80386' "$(readelf -hW "$library")" || continue
    nodelete=-Wl,-z,nodelete
    [ "$fault" != 'can be unloaded' ] || nodelete=
    printf 'int f(void) { char volatile a[9]; a[0] = 1; return a[0]; }\n%b\n' "$code" >"$work/bad.c"
    # shellcheck disable=SC2086 # none or one word
    "$@" -shared -fPIC -O1 -w -fstack-protector-all -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack \
        $nodelete $flags "$work/bad.c" -o "$work/bad.so" 2>"$work/log" || { cat "$work/log"; exit 1; }
    found=$(faults "$work/bad.so")
    grep -qx "$fault" <<<"${found:-nothing}" || { echo "not found: $fault (but: $found)"; exit 1; }
done <<<"$cases"
