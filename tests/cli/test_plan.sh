#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Predictions: no device is needed, and none is asked for.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

mkdir "$folder/no-drivers"
export OCL_ICD_VENDORS=$folder/no-drivers/

# value POLICY NAME: a figure of the row of a policy in $out.
value() {
    python3 - "$out" "$1" "$2" <<'PYTHON'
import json, sys
row = next(r for r in json.load(open(sys.argv[1])) if r["policy"] == sys.argv[2])
print(row[sys.argv[3]])
PYTHON
}

alisa plan --model-shape opt-13b --profile V100-32 --batch 4,16,64 --swa-scores sparse
expect_code 0
expect_out "opt-13b, 23.94 GiB of weights, on V100-32"
expect_out "|    64 | flexgen    | f16"
expect_out "|    64 | alisa      | i8 "
expect_err "batch 64 does not fit: policy device, 64 sequences"

# As sessions choose unless told otherwise, with an index of all keys on the device.
alisa plan --model-shape opt-13b --profile V100-32 --policy vllm,alisa --batch 48,64
expect_code 0
expect_out "|    48 | alisa      | i8 "
expect_err "batch 64 does not fit: policy alisa"

alisa plan --model-shape opt-13b --profile v100-32 --batch 64 --policy flexgen,alisa \
    --swa-scores sparse -o json
expect_code 0
command -v python3 >/dev/null || skip "no python3 to read JSON with"
[ "$(value flexgen p1)" = 128 ] || fail "flexgen has a share on the host from the start"
[ "$(value alisa beta)" = 0.0 ] || fail "nothing is recomputed where copies are hidden"
python3 - "$out" <<'PYTHON' || fail "the figures of a row do not agree with each other"
import json, sys
for row in json.load(open(sys.argv[1])):
    total = row["prefill_seconds"] + row["decode_seconds"]
    assert abs(sum(row["seconds"].values()) - total) < 1e-6 * total, row
    assert abs(64 * 512 / total - row["avg_ts"]) < 1e-6 * row["avg_ts"], row
    assert row["peak_device_bytes"] <= 32 * 2**30, row
assert row["policy"] == "alisa" and row["alisa_ratio"] == 1
assert row["greedy_seconds"] >= row["exhaustive_seconds"] * (1 - 1e-9)
PYTHON

# Of 128 to 640 tokens a fifth is kept, 32 at least; or nearly all of them.
loaded() {
    alisa plan --model-shape opt-13b --profile V100-32 --batch 40 --policy alisa "$@" -o json
    expect_code 0
    value alisa host_to_device_bytes
}
fifth=$(loaded --kv-keep 0)
usual=$(loaded)
least=$(loaded --kv-keep 32)
many=$(loaded --kv-keep 240)
[ "$usual" = "$least" ] || fail "--kv-keep is not 32 with --policy alisa"
[ "$usual" != "$fifth" ] || fail "--kv-keep changes nothing"
[ "${many%.*}" -gt "$((2 * ${usual%.*}))" ] || fail "more tokens that are kept are not loaded: $many, $usual"

# Offloading half of the cache takes longer than none and less than all.
alisa plan --model-shape opt-6.7b --profile V100-32 --batch 8 --policy device,accelerate \
    --schedule paper --kv-host 0.5 -o json
none=$(value device decode_seconds)
half=$(value accelerate decode_seconds)
python3 -c "import sys; sys.exit(not 2.5 < $half / $none < 4)" ||
    fail "half of the cache on the host: $half s against $none s"

alisa plan --model-shape llama-3-8b --profile MI300X --policy device,alisa --batch 8 \
    --chart "$folder/chart.svg"
expect_code 0
grep -q '<svg xmlns' "$folder/chart.svg" || fail "no chart"
grep -q '</svg>' "$folder/chart.svg" || fail "half a chart"
grep -q 'phase I<' "$folder/chart.svg" || fail "the chart has no phase"
python3 -c "import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])" "$folder/chart.svg" ||
    fail "the chart is not XML"

refused 3 "24.83 GiB are missing" plan --model-shape opt-30b --profile V100-32
refused 3 "of device memory" plan --model-shape opt-13b --profile V100-32 --batch 64 --policy device
refused 3 "--host-mem" plan --model-shape opt-13b --profile V100-32 --batch 64 \
    --policy accelerate --host-mem 8G
refused 2 "--model-shape" plan --profile V100-32
refused 2 "V100-32" plan --model-shape opt-13b
refused 2 "use -dev to measure one" plan --model-shape opt-13b
refused 2 "no weights to measure" plan --model-shape opt-13b -dev 0
refused 2 "no model was given" plan -dev 0
refused 2 "go with -dev" plan --model-shape opt-13b --profile V100-32 --save-profile x.json
refused 2 "go with -dev" plan --model-shape opt-13b --profile V100-32 --link-gbps 2
refused 2 "there is no device profile 'GTX-480'" plan --model-shape opt-13b --profile GTX-480
refused 2 "there is no model shape 'opt-66b'" plan --model-shape opt-66b --profile V100-32
refused 2 "'flexgn' is not one of" plan --model-shape opt-13b --profile V100-32 --policy flexgn
refused 2 "named twice" plan --model-shape opt-13b --profile V100-32 --policy alisa,alisa
echo '{"name": "card"}' >"$folder/card.json"
refused 1 '"device"' plan --model-shape opt-13b --profile "$folder/card.json"
refused 1 "cannot write the chart" plan --model-shape opt-6.7b --profile V100-32 --batch 4 \
    --policy alisa -o json --chart "$folder/none/chart.svg"

need_model
alisa plan -m "$model" --profile RX-7900-XTX --batch 4
expect_code 0
expect_out "on RX-7900-XTX"
ALISA_DEVICE=0 alisa plan -m "$model" --profile RX-7900-XTX --batch 4 --policy device
expect_code 0
refused 2 "--scratch goes with --profile" plan -m "$model" -dev 0 --scratch 1G
refused 2 "one --policy and one --batch" plan -m "$model" -dev 0 --save-profile x.json
refused 3 "OpenCL" plan -m "$model" -dev 0

# A share of what keys and values of the whole context take as f16 is theirs.
alisa plan -m "$model" --profile RX-7900-XTX --batch 4 --policy device,flexgen --device-mem kv:0.5
expect_code 0
expect_err "batch 4 does not fit: policy device"
