#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Conversations through a pipe.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
need_model

refused 2 "--chat-template (" chat
refused 2 "'nonsense' is neither a file nor one of chatml" chat --chat-template nonsense
printf '\n{%% if %%}' >"$folder/broken.jinja"
refused 1 "line 2, column 7" chat --chat-template "$folder/broken.jinja"

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

# A template of one's own, shown as it is rendered. What it refuses is told, and the chat goes on.
cat >"$folder/own.jinja" <<'END'
{%- for message in messages %}
    {%- if message.content == 'bad' %}{{ raise_exception('not that') }}{% endif %}
    {{- '<' + message.role + '>' + message.content + '\n' }}
{%- endfor %}
END
code=0
printf 'bad\nHi <there>\n' | "$ALISA_BINARY" chat --chat-template "$folder/own.jinja" --jinja -v -n 1 \
    --temp 0 -sys 'Be brief.' >"$out" 2>"$err" || code=$?
expect_code 0
expect_err "the chat template refuses this conversation: not that"
expect_err "the prompt is:"
expect_err "<system>Be brief."
expect_err "<user>Hi <there>"
grep -q '<user>bad' "$err" && fail "a message that was refused is still there"

# Several lines in one message.
talk '"""one\n\n  two"""\n"""three\nfour\n' -n 1 --temp 0 -v
expect_code 0
expect_err "<|im_start|>user
one"
grep -qx '  two<|im_end|>' "$err" || fail "the second line of a message"
grep -q '"""' "$err" && fail "quotes in a message"

# At a terminal what is typed arrives as it is typed, whatever the locale says.
python3 -c 'import pty' 2>/dev/null || skip "a terminal: there is no python3"
cat >"$folder/type.py" <<'END'
import os, pty, sys

process, terminal = pty.fork()
if process == 0:
    os.execv(sys.argv[1], sys.argv[1:])
typed = False
shown = b""
while True:
    try:
        shown += os.read(terminal, 65536)
    except OSError:
        break
    if not typed and shown.endswith(b"> "):
        os.write(terminal, "Gr\u00fc\u00dfe \U0001f600 \u4f60\u597d\n/exit\n".encode())
        typed = True
sys.stdout.buffer.write(shown)
END
for locale in C C.UTF-8; do
    LC_ALL=$locale timeout 120 python3 "$folder/type.py" "$ALISA_BINARY" chat --chat-template chatml -n 1 \
        --temp 0 -v >"$out" 2>"$err" || fail "a terminal, with the locale $locale"
    tr -d '\r' <"$out" | grep -qx 'Grüße 😀 你好<|im_end|>' || fail "typed text, with the locale $locale"
done
exit 0
