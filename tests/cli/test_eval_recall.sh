#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Questions of the default model: what counts as recalled, and how it is added up.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
[ -f "$stories" ] || skip "$stories is not there"
export ALISA_MODEL=$stories

# The file beside the model, two questions of it.
alisa eval recall --limit 2
expect_code 0
grep -qE '^\| all +\| +2 \| +2 \| 100\.0 % \| +[0-9.]+ % \|$' "$out" || fail "not 2 of 2"

# Seven questions, three of them with another answer than the story's: a wrong one that begins like
# no right one, and one whose first words are right.
head -n 7 "$MODELS_DIR/recall.jsonl" >"$folder/right"
sed -E -e '2s/"answer": "[^"]*"/"answer": "quicksand"/' -e '4s/"answer": "[^"]*"/"answer": "7"/' \
    -e '6s/"answer": "([^"]*)"/"answer": "\1 quicksand"/' "$folder/right" >"$folder/some"
for flags in "" "--batch 1" "--step-by-step" "--step-by-step --batch 3 -b 2"; do
    # shellcheck disable=SC2086  # several words
    alisa eval recall -f "$folder/some" $flags -o json
    expect_code 0
    grep -A 1 -m 1 '"recalled": 4,' "$out" | grep -q '"asked": 7,' || fail "$flags: not 4 of 7"
done
expect_out '"by_distance": ['
expect_out '"by_kind": {'
asked=$(sed -n '/"by_kind"/,$ s/.*"asked": \([0-9]*\),/\1/p' "$out" | paste -sd+)
[ $((asked)) = 7 ] || fail "the kinds add up to $((asked))"

# Among a fifth of the text only the query itself finds distant facts.
fifth="--limit 6 --step-by-step --attention swa --kv-sparsity 0.8"
for flags in "" "-ctk i8 -ctv i8"; do
    # shellcheck disable=SC2086  # several words
    alisa eval recall $fifth --swa-scores query $flags
    expect_code 0
    grep -qE '^\| all +\| +6 \| +6 \|' "$out" || fail "the query $flags does not find 6 of 6"
done
# shellcheck disable=SC2086
alisa eval recall $fifth
expect_code 0
grep -qE '^\| all +\| +[0-3] \| +6 \|' "$out" || fail "past rows find what the query asks for"

sed 's/"distance": [0-9]*/"distance": "far"/' "$folder/right" >"$folder/bad"
refused 2 "question 1 needs the strings" eval recall -f "$folder/bad"
echo '{"prompt": ' >"$folder/bad"
refused 1 "line 1 is not a JSON object" eval recall -f "$folder/bad"
cp "$stories" "$folder/alone.gguf"
refused 1 "$folder/recall.jsonl: cannot read the file" eval recall -m "$folder/alone.gguf"
refused 2 "--limit is 0" eval recall --limit 0
