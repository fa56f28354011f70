#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Looking into files, good and bad.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

printf 'GGUF' >"$folder/short.gguf"
printf 'this is not a model' >"$folder/text.gguf"
: >"$folder/empty.gguf"
refused 1 "short.gguf" inspect "$folder/short.gguf"
refused 1 "text.gguf" inspect "$folder/text.gguf"
refused 1 "empty.gguf" inspect "$folder/empty.gguf"
refused 1 "missing.gguf" inspect "$folder/missing.gguf"
refused 1 "not a regular file" inspect "$folder"

need_model
alisa inspect "$model"
expect_code 0
expect_out "GGUF version 3"
expect_out "runs"
expect_out "general.architecture  str  llama"
grep -qE '^  token_embd.weight  (F32|Q8_0)  \[[0-9]+ x [0-9]+\]  [0-9]+ bytes at ' "$out" || fail "no tensor"
tensors=$(sed -n 's/.* keys, \([0-9]*\) tensors.*/\1/p' "$out")
alisa inspect "$model" -o json
expect_code 0
expect_out '"name": "blk.4.ffn_up.weight"'
expect_out '"runs": true'
[ "$(grep -c '"offset"' "$out")" = "$tensors" ] || fail "not every tensor is listed"

# A file that ends early is refused by every command, wherever it was cut.
size=$(stat -c %s "$model")
for part in 10 50 99; do
    head -c $((size * part / 100)) "$model" >"$folder/cut.gguf"
    refused 1 "cut.gguf" inspect "$folder/cut.gguf"
    refused 1 "cut.gguf" generate -m "$folder/cut.gguf" -n 1
done
