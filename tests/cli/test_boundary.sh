#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The boundary of the library: every public function is defined in src/api and nowhere else, the shared
# library exports those functions and nothing else, and no other name begins as a public object's do.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

project=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$(dirname "$ALISA_BINARY")/../.." && pwd)

# Functions that object files or archives define for others.
defined() {
    nm --defined-only "$@" 2>/dev/null | awk '$2 == "T" { print $3 }' | grep '^alisa_' | sort -u
}

cat "$project"/include/alisa/*.h | sed -n '/ALISA_API/,/;/p' | grep -oE '\balisa_[a-z0-9_]+\(' |
    tr -d '(' | sort -u >"$folder/declared"
[ -s "$folder/declared" ] || fail "no declarations found"

# Clang 19 marks where a library's sanitized data begin and end.
nm -D --defined-only "$build/libalisa.so" | awk '{ print $3 }' | grep -v '^__\(start\|stop\)_asan_' |
    sort >"$folder/exported"
diff "$folder/declared" "$folder/exported" >"$out" || fail "exported symbols and headers differ"

defined "$build/libalisa_api.a" >"$folder/api"
comm -23 "$folder/declared" "$folder/api" >"$out"
[ ! -s "$out" ] || fail "public, but not in src/api"
for archive in "$build"/libalisa_*.a; do
    [[ $archive == *_api.a ]] && continue
    defined "$archive" >"$folder/room"
    comm -12 "$folder/declared" "$folder/room" >"$out"
    [ ! -s "$out" ] || fail "public functions in $(basename "$archive")"
    objects='device|file|model|session|engine|sampler|plan|tune|bench|chat'
    # The room `engine` has its own name before the names of what it does.
    [[ $archive == *_engine.a ]] && objects=${objects/|engine/}
    grep -E "^alisa_($objects)_" "$folder/room" >"$out" &&
        fail "names in $(basename "$archive") that look public"
done
exit 0
