#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Texts: against the published one, alone and together, streamed and as JSON.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
need_model

alisa generate --temp 0 -n 200
expect_code 0
if [ "$model" = "$tiny" ]; then
    cmp "$out" "$SHARED_DATA_DIR/models/stories260K.greedy.txt" || fail "not the published text"
fi
expect_err "prompt eval time = "
expect_err "tokens per second)"
expect_err "device memory = weights"
cp "$out" "$folder/greedy"
for flags in "-ub 1" "-b 3" "-ctk f32 -ctv f32" "--top-k 1 --temp 0.8" "-c 300"; do
    # shellcheck disable=SC2086  # several words
    alisa generate -n 200 --temp 0 $flags
    cmp "$out" "$folder/greedy" || fail "$flags changes the greedy text"
done

# Sparse attention that leaves nothing out is dense attention; what it leaves out tells.
for kind in swa local strided h2o random "swa --swa-scores dense" "swa --swa-scores query" "swa --swa-lists kv-head"; do
    # shellcheck disable=SC2086  # several words
    alisa generate -n 200 --temp 0 --attention $kind --kv-sparsity 0
    cmp "$out" "$folder/greedy" || fail "--attention $kind at sparsity 0 changes the greedy text"
done
alisa generate -n 200 --temp 0 --attention strided --kv-sparsity 0.9
expect_code 0
! cmp -s "$out" "$folder/greedy" || fail "--kv-sparsity 0.9 does nothing"
refused 2 "is not one of auto, dense, swa" generate --attention sliding
refused 2 "out of range (0 to 0.99)" generate --attention swa --kv-sparsity 1

# The prompt is shown before the text, from -p, a file or standard input.
alisa generate --temp 0 -n 9 -p "Once upon a time"
cp "$out" "$folder/shown"
alisa generate --temp 0 -n 9 -p "Once upon a time" --no-display-prompt
{ printf 'Once upon a time'; cat "$out"; } | cmp - "$folder/shown" || fail "--no-display-prompt"
echo "Once upon a time" >"$folder/prompt"
alisa generate --temp 0 -n 9 -f "$folder/prompt"
cmp "$out" "$folder/shown" || fail "a prompt from a file"
ALISA_PROMPT="Once upon a time" alisa generate --temp 0 -n 9
cmp "$out" "$folder/shown" || fail "a prompt from the environment"
alisa generate -n 0 -p "Once upon"
[ "$(cat "$out")" = "Once upon" ] || fail "-n 0 generated something"

# Seeds.
alisa generate -n 40 -s 7
cp "$out" "$folder/seven"
alisa generate -n 40 -s 7
cmp "$out" "$folder/seven" || fail "one seed, two texts"
alisa generate -n 40 -s 8
! cmp -s "$out" "$folder/seven" || fail "two seeds, one text"

# Together as alone: copies of a prompt with seeds that count up...
alisa generate -n 40 -s 7 --batch 3 -o jsonl
[ "$(wc -l <"$out")" = 3 ] || fail "--batch 3 did not give three texts"
for i in 0 1 2; do
    sed -n "$((i + 1))p" "$out" | sed 's/.*"text":"\(.*\)","prompt_tokens.*/\1/' >"$folder/together"
    "$ALISA_BINARY" generate -n 40 -s $((7 + i)) -o jsonl 2>"$err" |
        sed 's/.*"text":"\(.*\)","prompt_tokens.*/\1/' >"$folder/alone"
    cmp "$folder/together" "$folder/alone" || fail "text $i of --batch differs from the one alone"
done
# ... and prompts of different lengths, also when they must take turns. Products of few rows and of many differ in the last
# bits, after which keys and rounded activations may differ: in these texts no two tokens are nearly as likely.
prompts=("Once upon a time" "The dog" "Lily and her mom went to the park. They saw" "Ben" "One day, a cat")
printf '%s\n\n' "${prompts[@]}" >"$folder/prompts"
: >"$folder/alone"
for i in "${!prompts[@]}"; do
    echo "=== $i ===" >>"$folder/alone"
    "$ALISA_BINARY" generate --temp 0 -n 50 -p "${prompts[$i]}" 2>"$err" >>"$folder/alone"
done
for flags in "" "--batch 1" "--batch 2" "-b 4" "-ub 3"; do
    # shellcheck disable=SC2086  # several words
    alisa generate --temp 0 -n 50 --prompts "$folder/prompts" $flags
    expect_code 0
    cmp "$out" "$folder/alone" || fail "--prompts $flags differs from each prompt alone"
done
printf '{"prompt": "The dog", "more": 1}\n{"prompt": "Caf\\u00e9"}\n' >"$folder/prompts.jsonl"
alisa generate --temp 0 -n 5 --prompts "$folder/prompts.jsonl" -o json
expect_code 0
expect_out '"prompt": "Café"'
expect_out '"finish_reason": "length"'

# Where texts end.
alisa generate -p "Once upon a time" -c 20 --temp 0
expect_code 0
expect_err "context_length_exceeded: the context of 20 tokens is full"
alisa generate -c 20 -o json -p "Once upon a time" --temp 0
expect_out '"finish_reason": "context_length_exceeded"'

# Prompts that cannot be used.
refused 1 "tokens and the context holds 4; shorten the prompt or raise -c" generate -c 4 -p "Once upon a time there was"
refused 1 "context_length_exceeded" generate -c 4 --prompts "$folder/prompts"
head -c 20000 /dev/zero | tr '\0' a >"$folder/long"
refused 1 "context_length_exceeded" generate -f "$folder/long"
refused 2 "offset 3" generate -p $'abc\xc3'
refused 2 "not with both" generate -p a -f "$folder/prompt"
refused 2 "not both" generate -p a --prompts "$folder/prompts"
printf '{"prompt": "ok"}\nnot json\n' >"$folder/bad.jsonl"
refused 2 "line 2 is not JSON" generate --prompts "$folder/bad.jsonl"
printf '{"text": "ok"}\n' >"$folder/bad.jsonl"
refused 2 'line 1 has no string "prompt"' generate --prompts "$folder/bad.jsonl"
# A sequence keeps the beginning that the next prompt shares: the text is that of a fresh sequence,
# also where steps attend to chosen tokens.
shared="Once upon a time there was a small kitten named Max. He lived in a tall house"
printf '%s\n' "$shared" "$shared on the market" "$shared" >"$folder/shared"
for flags in "" "--attention swa --kv-sparsity 0.9" "--attention h2o --kv-sparsity 0.9" \
    "--attention swa --swa-scores query --kv-sparsity 0.9"; do
    : >"$folder/alone"
    while read -r prompt; do
        # shellcheck disable=SC2086  # several words
        "$ALISA_BINARY" generate --temp 0 -n 40 -p "$prompt" $flags 2>"$err" >>"$folder/alone"
    done <"$folder/shared"
    # shellcheck disable=SC2086  # several words
    alisa generate --temp 0 -n 40 --prompts "$folder/shared" --batch 1 $flags
    diff <(grep -v '^$' "$folder/alone") <(grep -v -e '^$' -e '^=== ' "$out") >/dev/null ||
        fail "prompts that begin alike, $flags: other texts than alone"
done

printf '\n\n' >"$folder/none"
refused 2 "no prompts" generate --prompts "$folder/none"
refused 1 "missing" generate --prompts "$folder/missing"

# A model whose header counts no tensors: keys and vocabulary alone.
{ head -c 8 "$model"; printf '\0\0\0\0\0\0\0\0'; tail -c +17 "$model"; } >"$folder/vocabulary.gguf"
refused 1 "holds only a vocabulary" generate -m "$folder/vocabulary.gguf" -p "Once upon a time"
alisa tokenize -m "$folder/vocabulary.gguf" -p "Once upon a time" --ids
expect_code 0

refused 1 "cannot open the log file" generate --log-file "$folder/no/such/log"

alisa generate -n 1 --log-file "$folder/log"
expect_code 0
[ -f "$folder/log" ] || fail "no log file"
