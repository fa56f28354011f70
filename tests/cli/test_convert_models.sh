#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# models/convert.py makes of transformers' models the files of tests/golden/architectures.
# shellcheck source=common.bash
source "$(dirname "$0")/common.bash"
python3 -c "import numpy, torch, transformers" 2>"$err" || skip "no python3 with numpy, torch and transformers"
python3 "$(dirname "$0")/../convert/check_models.py"
