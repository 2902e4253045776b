#!/bin/bash
# Every name in fastskip.h has a complete comment, and comments.py, which looks for that, finds each part
# that is missing from a copy.
#
#   test_comments.sh
set -euo pipefail
export LC_ALL=C
# shellcheck source=test/abi/scratch.sh
. "$(dirname "$0")/scratch.sh"

look() {
    python3 "$root/test/abi/comments.py" "$1" "$root/abi/fastskip.symbols"
}

# miss WORDS EXPRESSION - a copy changed by the expression must be found incomplete in these words.
miss() {
    cp "$root/include/fastskip.h" "$work/fastskip.h"
    edit "$work/fastskip.h" "$2"
    if look "$work/fastskip.h" >"$work/found"; then
        fail "not found: $1"
    elif grep -qxF -- "$1" "$work/found"; then
        pass "found: $1"
    else
        cat "$work/found"
        fail "not found: $1"
    fi
}

if look "$root/include/fastskip.h"; then
    pass 'fastskip.h is complete'
else
    fail 'fastskip.h is not complete'
fi

# What stands between the comment of fastskip_table_rotate() and its declaration.
rotate='/^ \* Makes an empty table with the same options/,/^FASTSKIP_API/'
miss 'fastskip_table_rotate: no sentence that says what it is' "$rotate{/Makes an empty/d; /Of several callers/d}"
miss 'fastskip_table_rotate: no @param table' "$rotate{/@param table/d}"
miss 'fastskip_table_rotate: @param fresh is not marked [out]' "$rotate{s/@param\[out\]/@param/}"
miss 'fastskip_table_rotate: @param stale is no parameter' "$rotate{s/(@param\[out\]) fresh/\1 stale/}"
miss 'fastskip_table_rotate: @param table says nothing' "$rotate{s/(@param table) .*/\1/}"
miss 'fastskip_table_rotate: no @retval FASTSKIP_INVALID' "$rotate{/@retval FASTSKIP_INVALID/d}"
miss 'fastskip_table_rotate: no @retval FASTSKIP_OK' "$rotate{s/@retval FASTSKIP_OK.*/@retval FASTSKIP_BUSY x/}"
miss 'fastskip_table_rotate: no @par Concurrency' "$rotate{/@par Concurrency/d}"
miss 'fastskip_table_rotate: no @since' "$rotate{/@since/d}"
miss 'fastskip_table_is_sealed: no @return' '/^ \* Asks whether a table is sealed/,/^FASTSKIP_API/{/@return/d}'
miss 'fastskip_table_unref: returns nothing, but says what' '/^ \* Drops one reference/,/^FASTSKIP_API/{s/@since/@return x\n * @since/}'
miss 'fastskip_added: no sentence that says what it is' 's/^FASTSKIP_API.*fastskip_version\(void\);/&\nFASTSKIP_API void fastskip_added(void);/'
miss 'fastskip_added: not exported' 's/^FASTSKIP_API.*fastskip_version\(void\);/&\nFASTSKIP_API void fastskip_added(void);/'
miss 'fastskip_version: not declared' '/^FASTSKIP_API.*fastskip_version\(void\);/d'
miss 'fastskip_status_code::FASTSKIP_BUSY: no comment' '/Reset of a table to which/d'
miss 'fastskip_stat_id: no @since' 's/(for fastskip_table_stat\(\)\..*) @since 1\.0/\1/'
miss 'fastskip_entry::kind: no comment' "/One of #fastskip_kind, or the caller's own/d"
miss 'fastskip_batch: no sentence that says what it is' '/Writes collected to be made at one instant/d'
miss 'fastskip_release_fn: no @since' '/^ \* Takes the whole reservation/,/^typedef/{/@since/d}'
miss 'FASTSKIP_KEY_MAX: no sentence that says what it is' '/Longest key, in bytes/d'

finish
