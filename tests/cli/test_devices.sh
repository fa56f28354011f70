#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Devices, and what is said when there is none.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"

alisa devices
expect_code 0
expect_out "index"
alisa devices -v
expect_code 0
expect_out "capabilities"
expect_out "measured  "
grep -Eq "^     tuning           (none: |own entry '|built-in entry ')" "$out" ||
    fail "$case_name: nothing is said of tuned parameters"
# Tuned parameters are found in the cache folder and said to be stale: here they are of the same
# device with other kernels. What is no such file is passed over. (Where the library carries those
# of this very device, they win.)
tuned=$folder/tuned/tuning
mkdir -p "$tuned"
echo '{"format": "something else"}' >"$tuned/broken.json"
ALISA_CACHE=$folder/tuned alisa devices -o json
expect_out '"tuning_match": "'
carried=$(grep -c '"tuning_match": "exact"' "$out" || true)
field() {
    sed -n "s/^    \"$1\": \(.*\),\$/\1/p" "$out" | head -n 1
}
cat >"$tuned/mine.json" <<END
{"format": "alisa-tuning", "version": 1,
 "key": {"vendor_id": $(field vendor_id), "device": $(field name),
         "compute_units": $(field compute_units), "driver": $(field driver),
         "type": "$(field type | tr -d '"' | tr '[:upper:]' '[:lower:]')", "kernels": "others"},
 "made": {"date": "2026-01-31"}, "parameters": {}}
END
if [ "$carried" = 0 ]; then
    ALISA_CACHE=$folder/tuned alisa devices -v
    expect_code 0
    expect_out "     tuning           own entry 'mine', stale"
    ALISA_CACHE=$folder/tuned alisa devices -o json
    expect_code 0
    expect_out '"tuning": "mine"'
    expect_out '"tuning_match": "stale"'
fi

alisa generate --list-devices
expect_code 0
expect_out "index"
alisa devices -o json
expect_code 0
expect_out '"opencl_c_version"'
expect_out '"copy_rate_to_device"'
expect_out '"usable": true'

mkdir "$folder/no-drivers"
OCL_ICD_VENDORS=$folder/no-drivers/ refused 3 "OpenCL" devices
OCL_ICD_VENDORS=$folder/no-drivers/ refused 3 "OpenCL" devices -o json

need_model
OCL_ICD_VENDORS=$folder/no-drivers/ refused 3 "OpenCL" generate -n 1
OCL_ICD_VENDORS=$folder/no-drivers/ refused 3 "OpenCL" bench
refused 3 "nonesuch" generate -n 1 -dev nonesuch
refused 3 "--device-mem" generate -n 1 --device-mem 64K
# What choosing tokens keeps of the context counts as well.
if [ -f "$stories" ]; then
    alisa generate -m "$stories" -n 1 -c 2048 --device-mem 29.5M
    expect_code 0
    refused 3 "which holds" generate -m "$stories" -n 1 -c 2048 --device-mem 29.5M --attention swa
fi

# A cache that cannot be written is worth a word, no more.
ALISA_CACHE=/proc/alisa alisa generate -n 3 -p "Once upon a time"
expect_code 0
expect_out "Once upon a time"
expect_err "/proc/alisa"

# Two programs that fill the same new cache at once.
for i in 1 2; do
    ALISA_CACHE=$folder/cache "$ALISA_BINARY" generate -n 40 --temp 0 >"$folder/$i" \
        2>"$folder/err$i" &
done
wait
cmp "$folder/1" "$folder/2" || fail "two programs at once wrote different texts"
[ "$(wc -w <"$folder/1")" -gt 10 ] || fail "two programs at once wrote no text"
