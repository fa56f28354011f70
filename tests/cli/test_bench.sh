#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The forms of a benchmark's result. The figures themselves are not judged.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
need_model

alisa bench -p 16,32 -n 4 -d 0,8 -r 2
expect_code 0
for test in " pp16 |" " pp32 |" " tg4 |" " pp16 @ d8 |" " pp32 @ d8 |" " tg4 @ d8 |"; do
    expect_out "$test"
done
[ "$(wc -l <"$out")" = 8 ] || fail "not six rows and a head"
grep -qE '\| +[0-9]+\.[0-9]{2} ± [0-9]+\.[0-9]{2} \|$' "$out" || fail "no cell like 12.34 ± 0.56"
! grep -q "| *batch |" "$out" || fail "a column for what is as always"

alisa bench -p 8 -n 4 -r 3 --batch 1,2 -o jsonl
expect_code 0
[ "$(wc -l <"$out")" = 4 ] || fail "not four rows"
grep -qE '"batch":2,.*"n_prompt":8,"n_gen":0,.*"samples_ns":\[[0-9]+,[0-9]+,[0-9]+\]' "$out" ||
    fail "no row with three samples"
grep -qE '"test_time":"[0-9-]{10}T[0-9:]{8}Z"' "$out" || fail "no time"
alisa bench -p 8 -n 4 -r 1 -o json
expect_out '"avg_ts": '
[ "$(head -c 1 "$out")" = "[" ] || fail "not one array"
alisa bench -p 8 -n 0 -r 1 -o csv
[ "$(wc -l <"$out")" = 2 ] || fail "not a head and a row"
[ "$(sed -n 1p "$out" | tr -cd , | wc -c)" = "$(sed -n 2p "$out" | sed 's/"[^"]*"//g' | tr -cd , | wc -c)" ] ||
    fail "head and row have different columns"
alisa bench -p 8 -n 0 -r 1 -o sql
expect_out "CREATE TABLE IF NOT EXISTS alisa_bench"
expect_out "INSERT INTO alisa_bench"
refused 2 "nothing to time" bench -p 0 -n 0
