#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Where keys and values are, as flags: the text does not depend on it, and policies are compared.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
# The newest 64 tokens of i8 are halves: only a model with wide keys has something left to place.
[ -f "$stories" ] || skip "$stories is not there"
export ALISA_MODEL=$stories

common=(-p "Once upon a time" -n 300 -c 320 -ub 16 --batch 3 --seed 7 --ignore-eos -o json)

# generated FILE ARGUMENTS...: the texts of a run.
generated() {
    local file=$1
    shift
    alisa generate "${common[@]}" "$@"
    expect_code 0
    grep -v '_ms"' "$out" >"$file"
}

generated "$folder/here" --policy device --attention swa --swa-scores query --kv-keep 32 \
    -ctk i8 -ctv i8
! grep -q "emulated link" "$err" || fail "nothing is emulated"
! grep -q "KV moved" "$err" || fail "nothing is placed"
generated "$folder/tiers" --policy alisa --device-mem kv:0.6 --link-gbps 2
cmp -s "$folder/here" "$folder/tiers" || fail "the text depends on where keys and values are"
expect_err "emulated link = 2.000 GB/s each way"
expect_err "KV = policy alisa, tokens a layer:"
expect_err "prediction = median error"

# Nothing is chosen, and nothing moved, where everything fits; unless a flag asks for it.
generated "$folder/all_here" --policy device -ctk i8 -ctv i8
generated "$folder/fits" --policy alisa -ctk i8 -ctv i8
cmp -s "$folder/all_here" "$folder/fits" || fail "tokens were left out of a context that fits"
expect_err "policy alisa was not needed"
generated "$folder/halves_here" --policy device
generated "$folder/halves" --policy alisa
cmp -s "$folder/halves_here" "$folder/halves" || fail "halves that fit became codes"
expect_err "policy alisa was not needed"
generated "$folder/asked" --policy alisa --attention swa
cmp -s "$folder/here" "$folder/asked" || fail "--attention swa chooses nothing"
expect_err "tokens a layer:"

# As published: chosen by past rows, known one step ahead.
generated "$folder/rows_here" --policy device --attention swa -ctk i8 -ctv i8
generated "$folder/rows" --policy alisa --swa-scores sparse --kv-keep 0 --device-mem kv:0.6
cmp -s "$folder/rows_here" "$folder/rows" || fail "what past rows choose depends on the place"
! cmp -s "$folder/rows" "$folder/tiers" || fail "--swa-scores changes nothing"

# What the policy says of choosing is for its own kind of attention.
generated "$folder/local_here" --policy device --attention local -ctk i8 -ctv i8
generated "$folder/local" --policy alisa --attention local --device-mem kv:0.6
cmp -s "$folder/local_here" "$folder/local" || fail "local attention over two tiers is another text"

# A flag wins over what the policy stands for.
generated "$folder/dense" --policy device
generated "$folder/flexgen" --policy alisa --attention dense -ctk f16 -ctv f16 --device-mem kv:0.9 \
    --recompute off
cmp -s "$folder/dense" "$folder/flexgen" || fail "dense attention over two tiers is another text"
generated "$folder/forced" --policy accelerate --schedule paper --device-mem kv:0.9
cmp -s "$folder/dense" "$folder/forced" || fail "a cache on the host gives another text"
expect_err "KV moved = to the device"

# Layer inputs in place of keys and values: what was recomputed is reported.
generated "$folder/inputs" --policy alisa -ctk f16 -ctv f16 --device-mem kv:0.6 --kv-inputs 0.5
expect_err "as layer inputs from token"
generated "$folder/none" --policy alisa -ctk f16 -ctv f16 --device-mem kv:0.6 --kv-inputs 0.5 \
    --recompute off
! grep -q "as layer inputs" "$err" || fail "recomputed against the flag"

alisa bench --policy device,accelerate,alisa --batch 2 -p 32 -n 224 -ub 16 -r 2 \
    --device-mem kv:0.6 --link-gbps v100
expect_code 0
expect_out "| over_accelerate |"
expect_out "pp32+tg224"
expect_err "policy device, batch 2: a context of 256 tokens for 2 sequences needs"
expect_err "emulated link"
! grep -q '| *device |' "$out" || fail "a row of a policy that did not fit"
# What did not run is nobody's measure: over_device of both rows.
[ "$(grep -c '|        - |' "$out")" = 2 ] || fail "a ratio to a policy that did not fit"

alisa bench --policy device,accelerate,alisa --batch 1,2 -p 32 -n 224 -ub 16 -r 1 \
    --device-mem kv:0.6 -o json
expect_code 0
if command -v python3 >/dev/null; then
    python3 - "$out" <<'PYTHON' || fail "the figures of a row do not agree with each other"
import json, sys
rows = json.load(open(sys.argv[1]))
assert [(r["policy"], r["batch"]) for r in rows] == [
    (p, b) for b in (1, 2) for p in ("device", "accelerate", "alisa")], rows
for batch in (1, 2):
    device, host, alisa = [r for r in rows if r["batch"] == batch]
    assert "needs" in device["refused"] and device["avg_ts"] == 0
    assert device["over_device"] is None and device["over_alisa"] is None
    assert host["over_device"] is None and alisa["over_device"] is None
    assert host["over_accelerate"] == 1
    assert host["type_k"] == "f16" and host["attention"] == "dense" and host["p1"] > 0
    assert alisa["type_k"] == "i8" and alisa["attention"] == "swa" and alisa["kv_sparsity"] == 0.8
    assert host["host_to_device_bytes"] > alisa["host_to_device_bytes"] > 0
    assert abs(alisa["over_accelerate"] - alisa["avg_ts"] / host["avg_ts"]) < 1e-6
    assert abs(alisa["avg_ts"] - batch * 224e9 / alisa["samples_ns"][0]) < 1e-6 * alisa["avg_ts"]
    assert not alisa["emulated_link"] and alisa["prompt_ns"] < alisa["samples_ns"][0]
PYTHON
fi

# Whole sequences that wait for each other: texts that are scored together cannot, one alone can.
held=$MODELS_DIR/heldout.txt
refused 2 "use --batch 1, or another policy" eval perplexity -f "$held" --chunks 2 -c 128 \
    --policy vllm --step-by-step
refused 2 "--policy vllm lets sequences wait" eval recall --limit 3 --policy vllm
alisa eval perplexity -f "$held" --chunks 2 -c 128
cp "$out" "$folder/score"
alisa eval perplexity -f "$held" --chunks 2 -c 128 --policy vllm --batch 1
expect_code 0
cmp -s "$out" "$folder/score" || fail "a score depends on where keys and values are"
printf 'Once upon a time\n/clear\nOnce upon\n' >"$folder/turns"
"$ALISA_BINARY" chat --chat-template chatml -n 8 --temp 0 -c 256 -ub 32 --policy vllm \
    <"$folder/turns" >"$folder/chat" 2>"$err" || fail "no chat under policy vllm"
"$ALISA_BINARY" chat --chat-template chatml -n 8 --temp 0 -c 256 -ub 32 \
    <"$folder/turns" >"$folder/chat_here" 2>"$err"
cmp -s "$folder/chat" "$folder/chat_here" || fail "a chat depends on where keys and values are"

for form in csv sql; do
    alisa bench --policy device,accelerate --batch 2 -p 32 -n 224 -ub 16 -r 1 --device-mem kv:0.6 \
        -o "$form"
    expect_code 0
    cp "$out" "$folder/$form"
done
if command -v python3 >/dev/null; then
    python3 - "$folder" <<'PYTHON' || fail "ratios that are not there are not empty"
import csv, sqlite3, sys
device, host = csv.DictReader(open(sys.argv[1] + "/csv"))
assert device["over_device"] == device["over_accelerate"] == host["over_device"] == ""
assert float(host["over_accelerate"]) == 1
table = sqlite3.connect(":memory:")
table.executescript(open(sys.argv[1] + "/sql").read())
assert table.execute("SELECT over_device, over_accelerate FROM alisa_bench").fetchall() == [
    (None, None), (None, 1.0)]
PYTHON
fi

refused 2 "'kv:2' is not a share" generate -p x --device-mem kv:2
refused 2 "'fast' is not one of v100, h100" generate -p x --link-gbps fast
refused 2 "'-1' is not a positive number" generate -p x --link-gbps -1
refused 2 "'flexgn' is not one of" generate -p x --policy flexgn
refused 2 "'flexgn' is not one of" bench --policy flexgn
refused 2 "there is one -p" bench --policy alisa -p 1,2
refused 2 "at least 1" bench --policy alisa -p 0
refused 3 "--device-mem" generate -p x -c 1024 --policy alisa --device-mem kv:0.01

# No more than is needed: all in halves, all in i8, chosen by query, chosen by past rows.
if [ -f "$stories" ]; then
    adapted() {
        alisa bench -m "$stories" -p 496 -n 16 -r 1 -ub 32 --policy alisa --batch 16 --swa-window 4 \
            -o json "$@"
        expect_code 0
        sed -n 's/^ *"\(type_k\|attention\|swa_scores\)": "\(.*\)".*/\2/p' "$out" | paste -s -d' '
    }
    kind() {
        [ "$1" = "$2" ] || fail "$case_name: $1 instead of $2"
    }
    kind "$(adapted --device-mem 64M)" "f16 dense query"
    kind "$(adapted --device-mem 64M -ctk i8 -ctv i8)" "i8 dense query"
    kind "$(adapted --device-mem 46M)" "i8 dense query"
    kind "$(adapted --device-mem 28M)" "i8 swa query"
    ! grep -q "index of keys" "$err" || fail "$case_name: the index did fit"
    # Rounded activations take 5 MiB where a processor multiplies them.
    little=20M
    ! "$ALISA_BINARY" devices -o json 2>/dev/null | grep -q '"vnni"' || little=25M
    kind "$(adapted --device-mem $little)" "i8 swa sparse"
    expect_err "the index of keys does not fit"
    alisa bench -m "$stories" -p 496 -n 16 -r 1 -ub 32 --policy alisa --batch 16 --swa-window 4 \
        --device-mem $little --swa-scores query
    expect_err "MiB on the device and there are" # a flag of one's own wins
fi
