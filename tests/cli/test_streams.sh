#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C, closed pipes, full disks.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
need_model

# A first run leaves the compiled programs in the cache, so that the next ones start at once.
alisa generate -n 2
expect_code 0

# Ctrl-C in the middle of a text that would not end for a long while.
case_name="Ctrl-C"
code=0
"$ALISA_BINARY" generate -c 20000 --ignore-eos >"$out" 2>"$err" &
program=$!
for _ in $(seq 200); do
    [ "$(stat -c %s "$out")" -lt 100 ] || break
    sleep 0.05
done
kill -INT $program
wait $program || code=$?
expect_code 130
expect_err "eval time = "
[ "$(stat -c %s "$out")" -ge 100 ] || fail "nothing had been written before Ctrl-C"
[ "$(tail -c 1 "$out" | od -An -tx1)" = " 0a" ] || fail "the text does not end with a newline"

# The reader goes away.
set +o pipefail
"$ALISA_BINARY" generate -c 20000 --ignore-eos 2>"$err" | head -c 20 >"$out"
code=${PIPESTATUS[0]}
set -o pipefail
case_name="a closed pipe"
expect_code 0
[ "$(stat -c %s "$out")" = 20 ] || fail "head did not get its bytes"
! grep -q "cannot write" "$err" || fail "a closed pipe is no error"
for command in "inspect $model" "bench -p 8 -n 8 -r 1" "devices -o json"; do
    set +o pipefail
    # shellcheck disable=SC2086  # several words
    "$ALISA_BINARY" $command 2>"$err" | true
    code=${PIPESTATUS[0]}
    set -o pipefail
    expect_code 0
done

# The disk is full.
if [ -c /dev/full ]; then
    for command in "generate -n 5" "inspect $model" "tokenize -p hello" "devices" "--help"; do
        code=0
        case_name="alisa $command >/dev/full"
        # shellcheck disable=SC2086  # several words
        "$ALISA_BINARY" $command >/dev/full 2>"$err" || code=$?
        expect_code 1
        expect_err "cannot write to standard output: No space left on device"
    done
fi
