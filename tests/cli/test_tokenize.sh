#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Text to tokens.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

expect_line() {
    [ "$(cat "$out")" = "$1" ] || fail "$case_name: not $1"
}

need_model
printf 'Once upon a time' >"$folder/text"
alisa tokenize -p "Once upon a time" --ids
expect_code 0
grep -qE '^\[([0-9]+, ){3,}[0-9]+\]$' "$out" || fail "not a list of ids"
ids=$(cat "$out")
alisa tokenize -f "$folder/text" --ids
expect_line "$ids"
"$ALISA_BINARY" tokenize -f - --ids <"$folder/text" >"$out"
expect_line "$ids"

refused 2 "offset 3" tokenize -p $'abc\xff'
refused 2 "not with both" tokenize -p a -f "$folder/text"
refused 2 "no text was given" tokenize
refused 1 "missing" tokenize -f "$folder/missing"

# A trained model whose ids are known, and a file that holds nothing but a vocabulary.
need_tiny
alisa tokenize -m "$tiny" -p "Once upon a time" --ids
expect_code 0
expect_line "[1, 403, 407, 261, 378]"
alisa tokenize -m "$tiny" -p "Once upon a time" --ids --no-bos
expect_line "[403, 407, 261, 378]"
alisa tokenize -m "$tiny" -p "" --ids
expect_line "[1]"
alisa tokenize -m "$tiny" -p "" --ids --no-bos
expect_line "[]"
alisa tokenize -m "$tiny" -p "He"
expect_out "     1 -> '<s>'"
expect_out "   346 -> ' He'"
alisa tokenize -m "$tiny" -p "a
b"
expect_out "-> '\\n'"

vocabulary=$SHARED_DATA_DIR/tokenizers/llama-spm/ggml-vocab-llama-spm.gguf
[ -f "$vocabulary" ] || skip "$vocabulary is not there"
alisa tokenize -m "$vocabulary" -p "Hello world" --ids
expect_line "[1, 15043, 3186]"
