#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# models/convert.py makes files that the program runs.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
python3 -c "import numpy" 2>"$err" || skip "no python3 with numpy"
python3 "$(dirname "$0")/../convert/check_convert.py"
