#!/usr/bin/env bash
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

need_tiny
alisa inspect "$tiny"
expect_code 0
expect_out "GGUF version 3"
expect_out "general.architecture  str  llama"
expect_out "token_embd.weight  F32  [64 x 512]"
alisa inspect "$tiny" -o json
expect_code 0
expect_out '"name": "blk.4.ffn_up.weight"'
[ "$(grep -c '"offset"' "$out")" = 48 ] || fail "not every tensor is listed"

# A file that ends early is refused by every command, wherever it was cut.
size=$(stat -c %s "$tiny")
for part in 10 50 99; do
    head -c $((size * part / 100)) "$tiny" >"$folder/cut.gguf"
    refused 1 "cut.gguf" inspect "$folder/cut.gguf"
    refused 1 "cut.gguf" generate -m "$folder/cut.gguf" -n 1
done
