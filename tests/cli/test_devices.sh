#!/usr/bin/env bash
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
    alisa generate -m "$stories" -n 1 -c 2048 --device-mem 24M
    expect_code 0
    refused 3 "which holds" generate -m "$stories" -n 1 -c 2048 --device-mem 24M --attention swa
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
