#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The model that comes with the project, as ./run demo uses it.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
[ -f "$stories" ] || skip "$stories is not there"
export ALISA_MODEL=$stories

alisa generate -n 200 -p "Once upon a time" -s 1
expect_code 0
[ "$(wc -w <"$out")" -gt 100 ] || fail "no story of 200 tokens"
cp "$out" "$folder/first"
alisa generate -n 200 -p "Once upon a time" -s 1
cmp "$out" "$folder/first" || fail "one seed, two stories"

alisa generate -n 60 -p "Once upon a time" --temp 0
cp "$out" "$folder/alone"
alisa generate -n 60 -p "Once upon a time" --temp 0 --batch 3
for i in 0 1 2; do
    { echo "=== $i ==="; cat "$folder/alone"; } >>"$folder/expected"
done
cmp "$out" "$folder/expected" || fail "three copies differ from one alone"
