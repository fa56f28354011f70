#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# More than one device: each is seen and can be chosen; bench, suite and tune go through all of them.
# Two devices of PoCL stand for two cards.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
need_model
export POCL_DEVICES="basic pthread" ALISA_CACHE=$folder/cache
alisa devices
expect_code 0
[ "$(grep -cE '^ +[01]  CPU +(basic|pthread)-' "$out")" = 2 ] ||
    skip "the OpenCL driver here is not PoCL, which can show two devices"

# Whichever is meant, by number or by name, the text is the same.
alisa generate -n 8 --temp 0 -p "Once upon a time"
expect_code 0
cp "$out" "$folder/text"
for device in 0:basic 1:pthread basic:basic pthread:pthread; do
    alisa generate -n 8 --temp 0 -p "Once upon a time" -dev "${device%:*}"
    expect_code 0
    cmp "$out" "$folder/text" || fail "$case_name: another text"
    alisa bench -p 4 -n 0 -r 1 -o json -dev "${device%:*}"
    expect_code 0
    expect_out "\"gpu_info\": \"${device#*:}-"
done
refused 3 "no device matches \"2\"" generate -n 1 -dev 2 # not the one of avx512

alisa bench -dev all -p 4 -n 2 -r 1
expect_code 0
[ "$(grep -c "pp4" "$out")" = 2 ] || fail "not one prompt for each device"
expect_out "basic-"
expect_out "pthread-"

alisa tune -dev all --effort quick --kernel row --time-budget 2
expect_code 0
[ "$(grep -c "^| row " "$out")" = 2 ] || fail "not one table for each device"
entries=("$ALISA_CACHE"/tuning/*.json)
[ "${#entries[@]}" = 2 ] || fail "not one entry for each device"
alisa devices -v
expect_code 0
for device in basic pthread; do
    [ "$(grep -c "tuning           own entry '$device-" "$out")" = 1 ] ||
        fail "the entry of $device is not used"
done

export POCL_DEVICES="pthread pthread" # the other one takes a minute
alisa bench --suite -dev all -r 1 -o "$folder/suite.json"
expect_code 0
suites=("$folder"/suite*.json)
[ "${#suites[@]}" = 2 ] || fail "not one file for each device"
