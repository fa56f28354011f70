#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Keys and values in every storage type, alone and mixed, and heads that a type does not take.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

[ -f "$stories" ] || skip "$stories is not there"
export ALISA_MODEL=$stories

# Long enough for sealed blocks; the default model's greedy text does not depend on the type.
alisa generate -p "Once upon a time" -n 150 --temp 0
expect_code 0
cp "$out" "$folder/greedy"
for types in "q8_0 q8_0" "i8 i8" "f16 i8"; do
    alisa generate -p "Once upon a time" -n 150 --temp 0 -ctk "${types% *}" -ctv "${types#* }"
    expect_code 0
    cmp "$out" "$folder/greedy" || fail "$types changes the greedy text"
done

head24=$(dirname "$0")/../golden/gqa3-head24-bf16.gguf
refused 1 "needs heads of a multiple of 32 elements and this model's have 24: use one of f16, f32, i8" \
    eval logprobs -m "$head24" --tokens 5,9,22 -ctk q8_0
alisa eval logprobs -m "$head24" --tokens 5,9,22 -ctk i8 -ctv i8
expect_code 0
