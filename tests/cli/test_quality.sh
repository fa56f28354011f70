#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench/quality on very little: its table, its manifest, its chart.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
[ -f "$stories" ] || skip "$stories is not there"
command -v python3 >/dev/null || skip "python3 is not installed"
script=$(dirname "$0")/../../bench/quality/quality.py
export PYTHONDONTWRITEBYTECODE=1

quality() {
    case_name="quality.py $*"
    code=0
    python3 "$script" --alisa "$ALISA_BINARY" -m "$stories" --chunks 1 --limit 2 -o "$folder/q" "$@" \
        >"$out" 2>"$err" </dev/null || code=$?
}

quality --types f16,f32
expect_code 0
[ "$(wc -l <"$folder/q.csv")" = 3 ] || fail "not a head and two rows"
grep -qE '^dense,f16,0,1\.[0-9]+,[0-9.]+,0,0,0,1,[0-9]+,1,2,2,' "$folder/q.csv" ||
    fail "f16 is not what it is compared with"
grep -qE '^dense,f32,0,1\.' "$folder/q.csv" || fail "no row of f32"
grep -q "\"sha256\": \"$(sha256sum "$stories" | cut -d' ' -f1)\"" "$folder/q.json" ||
    fail "the manifest does not name the model"
[ "$(grep -c '<polyline' "$folder/q.svg")" = 6 ] || fail "not two lines in three panels"
python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$folder/q.svg" ||
    fail "the chart is not XML"

# What is there is not measured again, and the chart can be drawn from the table alone.
sed -i 's/^dense,f16,0,1\.[0-9]*/dense,f16,0,1.5/' "$folder/q.csv"
quality --types f16 --resume
expect_code 0
[ ! -s "$out" ] || fail "a row was measured again"
rm "$folder/q.svg"
quality --plot-only
[ -s "$folder/q.svg" ] || fail "no chart"
grep -q '^dense,f16,0,1.5,' "$folder/q.csv" || fail "the row was not kept"

quality --types nonsense
expect_code 1
expect_err "'nonsense' is not one of"
quality --selectors nonsense
expect_code 2
