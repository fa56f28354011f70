#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is said once for a device: that tuning would help.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
need_model

alisa bench -p 1 -n 0 -r 1 # with the cache of the other tests
expect_code 0
export ALISA_CACHE=$folder/cache
alisa bench -p 1 -n 0 -r 1
expect_code 0
expect_err "alisa tune"
alisa bench -p 1 -n 0 -r 1
expect_code 0
[ ! -s "$err" ] || fail "it is said again"
