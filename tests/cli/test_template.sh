#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# alisa template: the text that a chat template gives, and nothing else; and every real template that is at
# hand, over all conversations of the tests, beside Python's jinja2.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
tests=$(cd "$(dirname "$0")/.." && pwd)
unset ALISA_MODEL

printf '[{"role": "user", "content": "Hi <|im_end|>"}]' >"$folder/messages.json"
printf '[{"name": "f", "parameters": {"x": 1.0}}]' >"$folder/tools.json"
cat >"$folder/own.jinja" <<'END'
{{- bos_token }}{{ tools|tojson if tools else 'no tools' }}
{%- for message in messages %}[{{ message.role }}: {{ message.content }}]{% endfor %}
{%- if add_generation_prompt %}{{ eos_token }}>{% endif %}
END
own=(template --chat-template-file "$folder/own.jinja")

printf '<s>no tools[user: Hi <|im_end|>]</s>>' >"$folder/expected"
alisa "${own[@]}" --messages "$folder/messages.json" --bos '<s>' --eos '</s>'
expect_code 0
cmp "$out" "$folder/expected" || fail "the text"
[ ! -s "$err" ] || fail "more than the text"

alisa "${own[@]}" --messages "$folder/messages.json" --tools "$folder/tools.json" --no-generation-prompt
expect_code 0
expect_out '[{"name": "f", "parameters": {"x": 1.0}}][user: Hi <|im_end|>]'
grep -q '>$' "$out" && fail "a generation prompt"

case_name="from standard input"
"$ALISA_BINARY" "${own[@]}" --messages - <"$folder/messages.json" >"$out" 2>"$err"
expect_out '[user: Hi <|im_end|>]'

refused 2 "use --messages" "${own[@]}"
refused 2 "no model was given" template --messages "$folder/messages.json"
refused 1 "cannot read" "${own[@]}" --messages "$folder/absent.json"
printf '[' >"$folder/broken.json"
refused 2 "the messages are not JSON at line 1" "${own[@]}" --messages "$folder/broken.json"
printf '{{ x }\n' >"$folder/broken.jinja"
refused 1 "the chat template is not valid at line 1, column 6" template \
    --chat-template-file "$folder/broken.jinja" --messages "$folder/messages.json"
printf '{%% for a in range(9999) %%}{%% for b in range(9999) %%}{%% for c in range(9999) %%}{%% endfor %%}{%% endfor %%}{%% endfor %%}' \
    >"$folder/endless.jinja"
refused 1 "the chat template fails at line 1" template --chat-template-file "$folder/endless.jinja" \
    --messages "$folder/messages.json"
refused 2 "the chat template refuses this conversation: no" template --messages "$folder/messages.json" \
    --chat-template-file <(printf '{{ raise_exception("no") }}')

# The template and the tokens of a model's file.
if [ -f "$stories" ]; then
    refused 1 "has no chat template" template -m "$stories" --messages "$folder/messages.json"
    alisa "${own[@]}" -m "$stories" --messages "$folder/messages.json"
    expect_out '<|endoftext|>no tools[user: Hi <|im_end|>]<|endoftext|>>'
fi

# Real templates. ALISA_TEST_TEMPLATES may name another folder with more of them.
templates=${ALISA_TEST_TEMPLATES:-$SHARED_DATA_DIR/chat-templates}
[ -d "$templates" ] || skip "$templates is not there"
python3 -c 'import jinja2; assert jinja2.__version__ >= "3.1"' 2>/dev/null ||
    skip "real templates: python3 has no jinja2 3.1"
python3 "$tests/template/compare.py" "$ALISA_BINARY" "$templates" >"$out" 2>"$err" ||
    fail "templates that jinja2 renders otherwise"
cat "$out"
