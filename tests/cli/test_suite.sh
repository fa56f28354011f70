#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# alisa bench --suite writes what --report reads; one file for each device.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
"$ALISA_BINARY" devices >"$out" 2>"$err" || skip "no usable device"

alisa bench --suite -r 1 -o "$folder/suite.json" --changed "nothing"
expect_code 0
for group in matrix-vector matrix-matrix attention transfer; do
    grep -q "\"group\": \"$group\"" "$folder/suite.json" || fail "no test of $group"
done
grep -q '"changed": "nothing"' "$folder/suite.json" || fail "what was changed is not noted"
alisa bench --report "$folder/suite.json" -o "$folder/page.html"
expect_code 0
grep -q "matvec.q8_0, 1 row" "$folder/page.html" || fail "the page lacks a test of the suite"
grep -q "fewer than 5\|1 sample" "$folder/page.html" || fail "one sample passes without a word"

refused 2 "-o FILE.json" bench --suite
refused 1 "$folder/no/such" bench --suite -r 1 -o "$folder/no/such/suite.json"
