# SPDX-License-Identifier: Apache-2.0
# What the scripts of this folder share. Each runs the program as a user would and stops, with exit
# code 1, at the first thing that is not as it should be.
# shellcheck shell=bash disable=SC2034  # the variables are the scripts' to use
set -euo pipefail

: "${ALISA_BINARY:?the program to test}"
: "${MODELS_DIR:?the folder models/ of the project}"
: "${SHARED_DATA_DIR:?test data that is not part of the project; may be absent}"

tiny=$SHARED_DATA_DIR/models/stories260K-f32.gguf
stories=$MODELS_DIR/stories.gguf
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
out=$folder/out
err=$folder/err
code=0

fail() {
    echo "FAILED: $*"
    echo "--- standard output"; head -c 2000 "$out" || true
    echo "--- standard error"; head -c 2000 "$err" || true
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 0
}

need_tiny() {
    [ -f "$tiny" ] || skip "$tiny is not there"
}

# Most of what is tested needs a trained model; any will do, and the smallest is the fastest.
need_model() {
    model=$tiny
    [ -f "$model" ] || model=$stories
    [ -f "$model" ] || skip "neither $tiny nor $stories is there"
    export ALISA_MODEL=$model
}

# alisa ARGUMENTS...: runs the program; its streams are in $out and $err, its exit code in $code.
alisa() {
    case_name="alisa $*"
    code=0
    "$ALISA_BINARY" "$@" >"$out" 2>"$err" </dev/null || code=$?
}

expect_code() {
    [ "$code" = "$1" ] || fail "$case_name: exit code $code instead of $1"
}

# A sentence on standard error that has the text, and nothing but sentences: no crash reports.
expect_err() {
    grep -qF -- "$1" "$err" || fail "$case_name: standard error lacks '$1'"
}

expect_out() {
    grep -qF -- "$1" "$out" || fail "$case_name: standard output lacks '$1'"
}

# refused CODE TEXT ARGUMENTS...: fails with one sentence that begins with the program's name.
refused() {
    local expected=$1 text=$2
    shift 2
    alisa "$@"
    expect_code "$expected"
    expect_err "$text"
    [ "$(wc -l <"$err")" = 1 ] || fail "$case_name: more than one line on standard error"
    grep -q '^alisa: ' "$err" || fail "$case_name: the sentence does not begin with 'alisa: '"
    [ ! -s "$out" ] || fail "$case_name: a failure wrote to standard output"
}
