#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Scores: log-probabilities and perplexity, held against each other.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
need_model

alisa eval logprobs --tokens 1,403,407 -n 2 -o json
expect_code 0
expect_out '"n_predict": 2'
[ "$(grep -c '"top"' "$out")" = 4 ] || fail "not an entry for two positions and two tokens"
[ "$(grep -c '"id"' "$out")" = 24 ] || fail "not five likeliest for each"
ids=$("$ALISA_BINARY" tokenize -p "Once upon" --ids | tr -d '[] ')
alisa eval logprobs --tokens "$ids" -n 2 -o json
cp "$out" "$folder/ids"
alisa eval logprobs -p "Once upon" -n 2 -o json
cmp "$out" "$folder/ids" || fail "a text and its ids differ"
alisa eval logprobs --tokens 1 -o json
expect_out '"tokens": []'
refused 2 "outside the vocabulary of" eval logprobs --tokens 1,2000000
refused 2 "not with both" eval logprobs --tokens 1 -p a
refused 2 "no text was given" eval logprobs
refused 1 "context_length_exceeded" eval logprobs -p "Once upon a time" -n 20 -c 10

# A text the model knows well, long enough for four chunks.
alisa generate -s 1 -n 450 --ignore-eos
cp "$out" "$folder/text"
alisa eval perplexity -f "$folder/text" -c 64
expect_code 0
grep -qE '^\[1\][0-9.]+,\[2\][0-9.]+,\[3\]' "$out" || fail "no running estimate"
tail -n 1 "$out" | grep -qE '^Final estimate: PPL = [0-9]+\.[0-9]{4} \+/- [0-9]+\.[0-9]{5}$' ||
    fail "no final estimate"
ppl=$(sed -n 's/^Final estimate: PPL = \([0-9.]*\).*/\1/p' "$out")
awk -v ppl="$ppl" 'BEGIN { exit !(ppl > 1.2 && ppl < 12) }' || fail "a perplexity of $ppl"
for flags in "-ub 7" "-b 5"; do
    # shellcheck disable=SC2086  # several words
    alisa eval perplexity -f "$folder/text" -c 64 $flags
    other=$(sed -n 's/^Final estimate: PPL = \([0-9.]*\).*/\1/p' "$out")
    awk -v a="$ppl" -v b="$other" 'BEGIN { exit !((a - b) ^ 2 < 1e-4 * a * a) }' ||
        fail "$flags: $other instead of $ppl"
done

# The first chunk by hand: the mean over its second half, from the log-probabilities.
alisa eval perplexity -f "$folder/text" -c 64 --chunks 1
first=$(sed -n 's/^Final estimate: PPL = \([0-9.]*\).*/\1/p' "$out")
ids=$("$ALISA_BINARY" tokenize -f "$folder/text" --ids | tr -d '[] ' | cut -d, -f1-64)
alisa eval logprobs --tokens "$ids"
hand=$(awk 'NR > 1 && NR - 1 > 32 { sum -= $3; n++ } END { printf "%.4f", exp(sum / n) }' "$out")
awk -v a="$first" -v b="$hand" 'BEGIN { exit !((a - b) ^ 2 < 1e-6 * a * a) }' ||
    fail "the first chunk: $first, by hand $hand"

refused 2 "at least 1024" eval perplexity -f "$folder/text" -c 512
refused 2 "no text was given" eval perplexity

# One token of many chunks at a time gives what whole chunks give, and a model does not differ from
# itself.
ppl_of() { sed -n 's/^Final estimate: PPL = \([0-9.]*\).*/\1/p' "$out"; }
alisa eval perplexity -f "$folder/text" -c 64 --kl-divergence
expect_out "Same top p: 100.000"
for flags in "" "--batch 1" "--batch 2 -b 1"; do
    # shellcheck disable=SC2086  # several words
    alisa eval perplexity -f "$folder/text" -c 64 --step-by-step $flags
    expect_code 0
    awk -v a="$ppl" -v b="$(ppl_of)" 'BEGIN { exit !((a - b) ^ 2 < 1e-6 * a * a) }' ||
        fail "step by step $flags: $(ppl_of) instead of $ppl"
    grep -qE '^\[1\][0-9.]+,\[2\][0-9.]+,\[3\]' "$out" || fail "no running estimate in order"
done
alisa eval perplexity -f "$folder/text" -c 64 --kl-divergence -ctk f32 -ctv f32 -o json
expect_code 0
awk '/"mean"/ { mean = $2 + 0 } /"maximum"/ { most = $2 + 0 }
    END { exit !(most > 0 && mean < 1e-3 && most >= mean) }' "$out" ||
    fail "single against half precision: no small divergence"

# Documents: texts between end tokens, each alone from its first token to its end; by hand the same.
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !((a - b) ^ 2 < 1e-8 * a * a) }'; }
end_text="</s>"
[ "$model" = "$tiny" ] || end_text="<|endoftext|>"
end=$("$ALISA_BINARY" tokenize -p "$end_text" --ids --no-bos | tr -d '[] ')
texts=("Once upon a time there was a cat." "The cat sat on a tree.")
printf '%s' "${texts[0]}" "$end_text" "$end_text" "${texts[1]}" "$end_text" >"$folder/two"
: >"$folder/scores"
for i in 0 1; do
    ids=$("$ALISA_BINARY" tokenize -p "${texts[$i]}" --ids | tr -d '[] ')
    alisa eval logprobs --tokens "$ids,$end" -ub 1
    tail -n +2 "$out" >>"$folder/scores"
    hand[i]=$(awk '{ sum -= $3; n++ } END { printf "%.4f", exp(sum / n) }' "$folder/scores")
done
alisa eval perplexity -f "$folder/two" --documents -ub 1
expect_code 0
grep -q '^\[1\][0-9.]*,\[2\][0-9.]*,$' "$out" || fail "not two documents"
first=$(sed -n 's/^\[1\]\([0-9.]*\),.*/\1/p' "$out")
near "$first" "${hand[0]}" || fail "the first document: $first, by hand ${hand[0]}"
near "$(ppl_of)" "${hand[1]}" || fail "both documents: $(ppl_of), by hand ${hand[1]}"
refused 2 "no text in it" eval perplexity --documents -f /dev/null
refused 2 "needs one of: perplexity, logprobs, recall, choice" eval

# What sparse attention kept: a token that past rows have left out for long never comes back, one that
# chance leaves out does.
alisa eval perplexity -f "$folder/text" -c 64 --chunks 2 --attention swa --stats -o json
expect_code 0
expect_out '"revival_rate": 0.0'
expect_err "lists, layer 0 ="
expect_err "lists ="
[ "$(grep -c '"attention_sparsity"' "$out")" -gt 2 ] || fail "no figures of the layers"
kept=$(sed -n 's/^    "kept": \([0-9.]*\).*/\1/p' "$out")
awk -v kept="$kept" 'BEGIN { exit !(kept > 0.19 && kept < 0.3) }' || fail "$kept of the tokens kept"
alisa eval perplexity -f "$folder/text" -c 64 --chunks 2 --attention random --stats -o json
! grep -q '"revival_rate": 0.0,' "$out" || fail "chance revives nothing"
alisa eval perplexity -f "$folder/text" -c 64 --chunks 2 --attention swa -o json
! grep -q '"selection"' "$out" || fail "figures that nobody asked for"
alisa generate -p "Once" -n 20 --stats
expect_err "every token was attended to"
refused 2 "has no flag --stats" bench --stats
