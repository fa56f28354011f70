#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Predictions for the device at hand, from what its sessions are measured to do.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
[ -f "$stories" ] || skip "$stories is not there"
export ALISA_MODEL=$stories ALISA_DEVICE=0

run=(-p 32 -n 224 -ub 16 --batch 2)

alisa plan "${run[@]}" --device-mem kv:0.6 --link-gbps 2 --policy device,flexgen,vllm,h2o,alisa
expect_code 0
expect_out "ALISA stories, 0.01 GiB of weights, on "
expect_out "|     2 | alisa      | i8 "
expect_err "batch 2 does not fit: a context of 256 tokens for 2 sequences needs"
expect_err "emulated link"

alisa plan "${run[@]}" --policy alisa --save-profile "$folder/measured.json" -o json
expect_code 0
command -v python3 >/dev/null || skip "no python3 to read JSON with"
cp "$out" "$folder/plan.json"
# Nothing is moved here, so the file and the device tell the same time.
alisa plan "${run[@]}" --policy alisa --profile "$folder/measured.json" -o json
expect_code 0
python3 - "$folder/plan.json" "$out" "$folder/measured.json" <<'PYTHON' || fail "the saved profile is another"
import json, sys
plan, again, profile = [json.load(open(path)) for path in sys.argv[1:]]
assert abs(plan[0]["avg_ts"] / again[0]["avg_ts"] - 1) < 1e-9, (plan, again)
assert plan[0]["p1"] == again[0]["p1"] == 0
figures = [value for value in profile.values() if isinstance(value, dict)]
assert len(figures) == 16 and all(figure["source"] == "measured" for figure in figures), figures
PYTHON

alisa plan "${run[@]}" --policy flexgen --link-gbps 2 --save-profile "$folder/link.json"
expect_code 0
python3 - "$folder/link.json" <<'PYTHON' || fail "the emulated link is not that of the profile"
import json, sys
profile = json.load(open(sys.argv[1]))
assert profile["link_to_device"]["source"] == "measured, on an emulated link"
assert all(abs(rate / 2e9 - 1) < 1e-6 for size, rate in profile["link_to_device"]["value"])
assert profile["link_latency"]["value"] == 10e-6
PYTHON

refused 1 "none/measured.json" plan "${run[@]}" --policy device --save-profile "$folder/none/measured.json"
