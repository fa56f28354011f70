#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The reference, the manual pages and the completion scripts, all made from one table: the committed
# page is what the program prints, pages render without a warning, shells complete.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
tests=$(cd "$(dirname "$0")" && pwd)

alisa reference
expect_code 0
diff -u "$tests/../../docs/reference.md" "$out" >"$err" ||
    fail "docs/reference.md is out of date: write it anew with 'alisa reference > docs/reference.md'"

# Every flag of every command is there with its variable.
alisa
mapfile -t commands < <(sed -n '/^commands:/,/^$/s/^  \([a-z]\{1,\}\( [a-z]\{1,\}\)\{0,1\}\)  .*/\1/p' "$out")
[ "${#commands[@]}" -ge 14 ] || fail "only ${#commands[@]} commands in the list"
for command in "${commands[@]}"; do
    # shellcheck disable=SC2086  # a command may be two words
    alisa $command --help
    grep -oE '^ +(-[a-z]+, )?--[a-z-]+' "$out" | grep -oE -- '--[a-z-]+' >"$folder/flags"
    # shellcheck disable=SC2086
    alisa reference $command
    expect_out "## alisa $command"
    while read -r flag; do
        expect_out "\`$flag"
    done <"$folder/flags"
done
alisa reference generate
# shellcheck disable=SC2016  # the quotes are those of Markdown
expect_out '| `--top-k N` | `40` | `ALISA_TOP_K` |'
refused 2 "'nonsense' is no command" reference nonsense
refused 2 "'more' is no command" reference generate more
refused 2 "with -o man" reference --folder "$folder"
refused 1 "cannot write" reference -o man --folder "$folder/absent"

# Manual pages.
mkdir "$folder/man"
alisa reference -o man --folder "$folder/man"
expect_code 0
[ "$(find "$folder/man" -name 'alisa*.1' | wc -l)" = $((${#commands[@]} + 1)) ] ||
    fail "not a page for each command"
alisa reference -o man eval choice
diff -q "$out" "$folder/man/alisa-eval-choice.1" >/dev/null || fail "two forms of a page"
for page in "$folder"/man/*.1; do
    if command -v groff >/dev/null; then
        groff -ww -man -Tutf8 -P-cbou "$page" >"$out" 2>"$err" || fail "$page does not render"
        [ ! -s "$err" ] || fail "groff warns of $page"
        grep -q "^NAME" "$out" || fail "$page renders as nothing"
    fi
    if command -v mandoc >/dev/null; then
        # A build without the project's history has no date for its pages.
        mandoc -Tlint -W warning "$page" 2>&1 | grep -v 'missing date' >"$err" || true
        [ ! -s "$err" ] || fail "mandoc warns of $page"
    fi
done
command -v groff >/dev/null || echo "pages are not rendered: groff is not there"
command -v mandoc >/dev/null || echo "pages are not checked by mandoc: it is not there"

# Completion. Each case: a line, and a word it is completed with.
cases=("alisa ge" generate "alisa eval " perplexity "alisa help " tokenize
    "alisa generate --to" --top-k "alisa generate --policy " flexgen
    "alisa eval choice --sh" --shots "alisa bench -o " jsonl "alisa completion " fish)

alisa completion bash
expect_code 0
cp "$out" "$folder/bash"
# complete_bash LINE: what bash, sourcing the script, would offer for the last word.
complete_bash() {
    # shellcheck source=/dev/null disable=SC2034,SC2206
    (source "$folder/bash"; COMP_WORDS=($1); [ "${1% }" = "$1" ] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _alisa; echo "${COMPREPLY[*]}")
}
for ((i = 0; i < ${#cases[@]}; i += 2)); do
    [[ " $(complete_bash "${cases[i]}") " == *" ${cases[i + 1]} "* ]] ||
        fail "bash does not complete '${cases[i]}' with ${cases[i + 1]}"
done
[ "$(complete_bash "alisa generate --to")" = "--top-k --top-p" ] || fail "bash: too many words"
[ "$(complete_bash "alisa generate -n ")" = "" ] || fail "bash knows what number is wanted"
[ "$(complete_bash "alisa generate --output = j")" = "json jsonl" ] || fail "bash: --output=j"
[ "$(cd "$tests" && complete_bash "alisa inspect common.b")" = common.bash ] || fail "bash: files"
[ "$(cd "$tests" && complete_bash "alisa generate -m common.b")" = common.bash ] ||
    fail "bash: files of -m"

alisa completion fish
expect_code 0
cp "$out" "$folder/fish"
if command -v fish >/dev/null; then
    for ((i = 0; i < ${#cases[@]}; i += 2)); do
        HOME=$folder fish --no-config -c "source $folder/fish; complete -C '${cases[i]}'" \
            >"$out" 2>"$err" || fail "fish: '${cases[i]}'"
        [ ! -s "$err" ] || fail "fish complains at '${cases[i]}'"
        cut -f1 "$out" | grep -qxe "${cases[i + 1]}" ||
            fail "fish does not complete '${cases[i]}' with ${cases[i + 1]}"
    done
else
    echo "completion is not tried in fish: it is not there"
fi

alisa completion zsh
expect_code 0
mkdir "$folder/zsh"
cp "$out" "$folder/zsh/_alisa"
if command -v zsh >/dev/null; then
    HOME=$folder zsh -f "$tests/complete.zsh" "$folder/zsh" "${cases[@]}" >"$out" 2>"$err" ||
        fail "zsh does not complete"
    HOME=$folder zsh -f -c "autoload -U compinit; compinit -u -D; source $folder/zsh/_alisa
        [[ \$_comps[alisa] == _alisa ]]" >"$out" 2>"$err" || fail "zsh: the sourced script"
else
    echo "completion is not tried in zsh: it is not there"
fi
