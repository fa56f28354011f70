#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Weights in host memory by -ot, --cpu-moe and --n-cpu-moe: the same figures as wholly on the device,
# in less of its memory, and sentences for what cannot be.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

moe=$(dirname "$0")/../golden/architectures/llama-experts.gguf
dense=$(dirname "$0")/../golden/odd-f32.gguf

logprobs() {
    alisa eval logprobs -m "$moe" --tokens 1,5,9,33,21,7,8,9 "$@"
    expect_code 0
}

logprobs
cp "$out" "$folder/whole"
for flags in --cpu-moe -cmoe "-ncmoe 1" "--n-cpu-moe 99" "-ot exps=CPU" "-ot .=host" \
    "-ot blk.0=device,_exps=host" "--cpu-moe --link-gbps 2" "-ot .=host --link-gbps 2"; do
    # shellcheck disable=SC2086  # flags are words
    logprobs $flags
    cmp -s "$folder/whole" "$out" || fail "$case_name: other figures than wholly on the device"
done

# How much is where: said with -v, in the figures behind a text, by inspect and by plan.
logprobs -v --cpu-moe
expect_err "MiB in host memory, which "
expect_err "uses in place"
logprobs -v --cpu-moe --link-gbps 2
expect_err "MiB in host memory, of which what a step multiplies with is copied to "
alisa inspect "$moe" --cpu-moe
expect_code 0
grep -qE '^weights: [0-9.]+ MiB on the device, [0-9.]+ MiB \([1-9][0-9]* tensors\) in host memory$' "$out" ||
    fail "inspect does not say what is where"
alisa inspect "$moe" --cpu-moe -o json
expect_code 0
grep -qE '"host_bytes": [1-9]' "$out" || fail "no host_bytes"
alisa plan -m "$moe" -dev 0 --policy device --batch 1 -p 8 -n 8 --cpu-moe
expect_code 0
expect_out "GiB of them in host memory)"

# A budget between what is on the device then and all of it.
small=(-m "$moe" --tokens "1,5" -c 8 -ub 1 --device-mem 180K)
refused 3 "leave matrices in host memory (-ot, --cpu-moe)" eval logprobs "${small[@]}"
alisa eval logprobs "${small[@]}" --cpu-moe
expect_code 0

refused 2 "the pattern 'ffn_(up' for names of tensors cannot be read: missing closing parenthesis" \
    eval logprobs -m "$moe" --tokens 1 -ot "ffn_(up=host"
refused 2 "at its character 8" inspect "$moe" -ot "ffn_(up=host"
refused 2 "'nothing' matches the name of no matrix" eval logprobs -m "$moe" --tokens 1 -ot nothing=host
refused 2 "matches the name of no matrix" eval logprobs -m "$dense" --tokens 1 --cpu-moe
refused 2 "-ot: 'disk' is not a place of tensors" eval logprobs -m "$moe" --tokens 1 -ot exps=disk
refused 2 "'exps' is not a pattern and a place" eval logprobs -m "$moe" --tokens 1 -ot exps
refused 2 "go with -dev, not with --profile" plan -m "$moe" --profile V100-32 --cpu-moe
