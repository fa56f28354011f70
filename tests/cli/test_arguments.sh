#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line itself: lists, help, mistakes and suggestions. No device, no model.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

alisa
expect_code 0
for command in generate chat bench devices inspect tokenize "eval perplexity" "eval logprobs"; do
    expect_out "  $command "
    # shellcheck disable=SC2086  # a command may be two words
    alisa $command --help
    expect_code 0
    expect_out "usage: alisa $command"
    expect_out "--help"
    alisa
done

# Help is where one looks for it.
for line in "help" "--help" "-h"; do
    alisa $line
    expect_code 0
    expect_out "alisa COMMAND --help"
done
alisa help generate
expect_code 0
expect_out "usage: alisa generate"
for line in "eval --help" "help eval"; do
    # shellcheck disable=SC2086
    alisa $line
    expect_code 0
    expect_out "  perplexity "
done
refused 2 "did you mean 'generate'?" help genrate

alisa --version
expect_code 0
grep -qE '^alisa [0-9]+\.[0-9]+\.[0-9]+$' "$out" || fail "no version"
alisa bench --version
expect_code 0

alisa generate --help
expect_out "-m, --model FILE"
expect_out "(default: 0.80)"
expect_out "--log-file by ALISA_LOG_FILE"
expect_out "man alisa-generate"
expect_out "-ctk, --cache-type-k TYPE"

refused 2 "did you mean 'generate'?" genrate
refused 2 "did you mean 'eval perplexity'?" perplexity
refused 2 "'frobnicate' is unknown" frobnicate
refused 2 "perplexity, logprobs" eval
refused 2 "perplexity, logprobs" eval nothing
refused 2 "did you mean --temp?" generate --tmep 1
refused 2 "did you mean --top-k?" generate -top-k 1
refused 2 "did you mean --temp?" generate --temperature 1
refused 2 "did you mean --ctx-size?" generate --ctx 512
refused 2 "unknown" generate --frobnicate
refused 2 "has no flag --temp" devices --temp 1
refused 2 "does not take the word 'stray'" devices stray
refused 2 "--temp needs a value" generate --temp
refused 2 "out of range (0 to 1)" generate --top-p 1.5
refused 2 "is not a whole number" generate -n ten
refused 2 "is not a size" generate --device-mem lots
refused 2 "is not one of auto, f16, f32, q8_0, i8" generate -ctk q4_1
refused 2 "is not one of md, csv, json, jsonl, sql" bench -o xml
refused 2 "no model was given" generate -p hello
refused 2 "needs a FILE, as in: alisa inspect" inspect
refused 2 "takes one FILE" inspect a b

# Environment variables: as good as flags, weaker than flags, and spelled right or refused.
ALISA_TMEP=1 refused 2 "ALISA_TMEP is unknown; did you mean ALISA_TEMP?" devices
ALISA_TOP_K=many refused 2 "ALISA_TOP_K: 'many' is not a whole number" generate
ALISA_MODEL=/no/such/model refused 1 "/no/such/model" tokenize -p x
ALISA_MODEL=/no/such/model refused 1 "/other/model" tokenize -p x -m /other/model
ALISA_TEST_ANYTHING=1 alisa generate --help
expect_code 0

refused 2 "not for 'tcsh'" completion tcsh
