#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A cache folder that is full or cannot be written: texts are generated all the same, a search says
# what is wrong and leaves nothing half-made.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
need_model
"$ALISA_BINARY" devices >"$out" 2>"$err" || skip "no usable device"

# A file system of a few blocks, seen by these processes only.
mkdir "$folder/small"
unshare --user --map-root-user --mount mount -t tmpfs -o size=8k none "$folder/small" \
    2>"$err" || skip "file systems cannot be mounted here: $(head -n 1 "$err")"

# on OPTIONS COMMANDS: the commands with $folder/small mounted with these options.
on() {
    case_name="on a file system with $1: $2"
    code=0
    ALISA_CACHE=$folder/small unshare --user --map-root-user --mount bash -c "
        mount -t tmpfs -o $1 none '$folder/small' || exit 99
        $2" >"$out" 2>"$err" </dev/null || code=$?
}

generate="'$ALISA_BINARY' generate -n 8 --temp 0 -p 'Once upon a time'"
alisa generate -n 8 --temp 0 -p "Once upon a time"
expect_code 0
cp "$out" "$folder/text"
for options in size=8k ro; do
    on "$options" "$generate"
    expect_code 0
    expect_err "$folder/small"
    expect_err "running uncached"
    [ "$(grep -c "running uncached" "$err")" = 1 ] || fail "$case_name: it is said more than once"
    cmp "$out" "$folder/text" || fail "$case_name: another text"
done

tune="'$ALISA_BINARY' tune --effort quick --kernel row --time-budget 2"
on ro "$tune"
expect_code 1
expect_err "Read-only file system"
on size=8k "$tune; code=\$?; ls '$folder/small/tuning'; exit \$code"
expect_code 1
expect_err "No space left on device"
! grep -q '\.json' "$out" || fail "a search that failed left an entry"

# There was room for the journal, and none for the entry: what was measured before stays.
tuned="'$ALISA_BINARY' tune --effort quick --kernel row --time-budget 2 >'$folder/first' 2>&1 || exit 98
entry=\$(ls '$folder/small/tuning/'*.json)
cp \"\$entry\" '$folder/before.json'
head -c 1000000 /dev/zero >'$folder/small/ballast' 2>/dev/null || true
$tune; code=\$?
cmp \"\$entry\" '$folder/before.json' || exit 97
exit \$code"
on size=400k "$tuned"
expect_code 1
expect_err "No space left on device"
