#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Conversations through a pipe.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
need_model

refused 2 "--chat-template (" chat
refused 2 "'nonsense' is not one of" chat --chat-template nonsense

talk() {
    local lines=$1
    shift
    case_name="alisa chat $*"
    code=0
    printf '%b' "$lines" | "$ALISA_BINARY" chat --chat-template chatml "$@" >"$out" 2>"$err" ||
        code=$?
}

talk 'Once upon a time\n' -n 20 --temp 0
expect_code 0
[ -s "$out" ] || fail "no reply"
expect_err "prompt eval time"
cp "$out" "$folder/first"

# The second turn of a cleared conversation is the first turn again, and /exit ends the program.
talk 'Once upon a time\n/clear\nOnce upon a time\n/exit\nOnce upon a time\n' -n 20 --temp 0
expect_code 0
cat "$folder/first" "$folder/first" | cmp - "$out" || fail "/clear or /exit"

# A long conversation evaluates each token once: far fewer than turns times their length.
talk 'one\ntwo\nthree\nfour\nfive\nsix\n' -n 1 --temp 0 -sys 'You tell stories.'
expect_code 0
tokens=$(sed -n 's|.*prompt eval time = .* / *\([0-9]*\) tokens.*|\1|p' "$err")
"$ALISA_BINARY" tokenize --ids -p '<|im_start|>user
three<|im_end|>
<|im_start|>assistant
' >"$folder/turn"
turn=$(tr -cd , <"$folder/turn" | wc -c)
[ "$tokens" -lt $((turn * 16)) ] || fail "$tokens tokens evaluated for six turns of about $turn"

# A full context is said, and the conversation can start anew.
talk 'one two three four five six seven eight nine ten\nmore and more and more\n/clear\nhi\n' --temp 0 -c 96
expect_code 0
expect_err "context_length_exceeded"
