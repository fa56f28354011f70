#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Multiple choice against likelihoods added up by hand from `alisa eval logprobs`.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
need_model

# likelihood CONTEXT CONTINUATION: the sum over the continuation's tokens.
likelihood() {
    local before whole
    before=$("$ALISA_BINARY" tokenize -p "$1" --ids | tr -cd , | wc -c)
    whole=$("$ALISA_BINARY" tokenize -p "$1$2" --ids | tr -d '[] ')
    "$ALISA_BINARY" eval logprobs --tokens "$whole" 2>/dev/null |
        awk -v skip="$before" 'NR > 1 + skip { sum += $3 } END { printf "%.4f", sum }'
}

# Questions with the index of the choice that is best in all and best by character.
choices=("a big red ball" "cat" "the moon and the stars in the sky")
queries=("Once upon a time there was" "One day Tim saw a dog. He liked" "Lily wanted to play with"
    "The sun was hot and")
: >"$folder/sum"
: >"$folder/mean"
for query in "${queries[@]}"; do
    for choice in "${choices[@]}"; do
        echo "$(likelihood "$query" " $choice") ${#choice}"
    done >"$folder/scores"
    best=$(awk 'NR == 1 || $1 > most { most = $1; best = NR - 1 } END { print best }' "$folder/scores")
    mean=$(awk 'NR == 1 || $1 / $2 > most { most = $1 / $2; best = NR - 1 } END { print best }' \
        "$folder/scores")
    row="{\"query\": \"$query\", \"choices\": [\"${choices[0]}\", \"${choices[1]}\", \"${choices[2]}\"]"
    echo "$row, \"gold\": $best}" >>"$folder/sum"
    echo "$row, \"gold\": $mean}" >>"$folder/mean"
done
cmp -s "$folder/sum" "$folder/mean" && fail "the test's own items do not tell acc from acc_norm"

for flags in "" "--batch 1" "--batch 3 -b 4" "--step-by-step --batch 5"; do
    # shellcheck disable=SC2086  # several words
    alisa eval choice --task "$folder/sum" $flags
    expect_code 0
    grep -qE '^\| plain +\| +4 \| +0 \| acc +\| 1\.0000 \| 0\.0000 \|$' "$out" ||
        fail "$flags: the sums by hand choose otherwise"
    grep -E '\| acc_norm ' "$out" | grep -q '| 1.0000 ' && fail "$flags: acc_norm is acc"
    # shellcheck disable=SC2086  # several words
    alisa eval choice --task "$folder/mean" $flags -o json
    expect_out '"acc_norm": 1.0,'
done

# Examples before the question: the file's only other item, solved.
head -n 2 "$folder/sum" >"$folder/pair"
alisa eval choice --task "$folder/pair" --shots 1
expect_code 0
expect_out "| plain        |      2 |      1 | acc "
gold=$(sed -n '2s/.*"gold": \([0-9]\).*/\1/p' "$folder/pair")
example="${queries[1]} ${choices[$gold]}"$'\n\n'
for choice in "${choices[@]}"; do
    likelihood "$example${queries[0]}" " $choice"
    echo
done >"$folder/scores"
best=$(awk 'NR == 1 || $1 > most { most = $1; best = NR - 1 } END { print best }' "$folder/scores")
sed -i "1s/\"gold\": [0-9]/\"gold\": $best/" "$folder/pair"
alisa eval choice --task "$folder/pair" --shots 1 --limit 1 -o json
expect_out '"acc": 1.0,'
expect_out '"items": 1,'

for task in piqa openbookqa winogrande; do
    file=$SHARED_DATA_DIR/tasks/${task}_test.json
    [ -f "$file" ] || { echo "left out: $file is not there"; continue; }
    alisa eval choice --task "$file" --limit 8 --shots 1
    expect_code 0
    expect_out "| $task "
done

refused 2 "no task was given" eval choice
refused 2 "nothing to ask" eval choice --task "$folder/sum" --limit 0
refused 1 "cannot read the file" eval choice --task "$folder/none"
refused 2 "needs more than the 4 items" eval choice --task "$folder/sum" --shots 4
echo '{"question": 1}' >"$folder/bad"
refused 2 "no known form" eval choice --task "$folder/bad"
