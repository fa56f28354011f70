#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tiny models of Hugging Face through models/convert.py: the files are those of tests/golden/architectures,
and the program computes with them what transformers did. Needs what makes the goldens.

    ALISA_BINARY=... MODELS_DIR=... python3 check_models.py
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

import folders

HERE = pathlib.Path(__file__).resolve().parent
MODELS = pathlib.Path(os.environ["MODELS_DIR"])
sys.path[:0] = [str(MODELS), str(HERE.parent / "golden")]

import gguf_file  # noqa: E402
import gguf_writer  # noqa: E402
import make_architecture_goldens as goldens  # noqa: E402

GOLDENS = HERE.parent / "golden" / "architectures"
NAMES = (
    "llama-rope31-head80",
    "qwen2-tied-head24",
    "qwen3-head96",
    "gemma2-window24",
    "gemma3-window20",
    "gptneox-partial",
    "opt-head40",
)
TOLERANCE = 0.02  # of an engine that keeps K and V as halves


class Models(unittest.TestCase):
    def check(self, name):
        with tempfile.TemporaryDirectory() as temporary:
            folder, output = pathlib.Path(temporary, "model"), pathlib.Path(temporary, "out.gguf")
            case = next(case for case in goldens.CASES if case.name == name)
            model, _ = goldens.make_model(case)
            model.save_pretrained(folder)
            pieces = gguf_writer.vocabulary(case.config["vocab_size"])
            folders.write_sentencepiece(folder / "tokenizer.model", *pieces)
            subprocess.run([sys.executable, MODELS / "convert.py", folder, output], check=True)
            ours, theirs = gguf_file.Reader(output), gguf_file.Reader(GOLDENS / f"{name}.gguf")
            self.compare_files(ours, theirs)
            if name in json.loads((GOLDENS / "list.json").read_text())["run"]:
                self.compare_numbers(name, output)

    def compare_files(self, ours, theirs):
        self.assertEqual(ours.tensors.keys(), theirs.tensors.keys())
        for name, values in theirs.tensors.items():
            np.testing.assert_array_equal(ours.tensors[name], values, name)
        for key, value in theirs.metadata.items():
            if key != "general.name":
                self.assertEqual(ours.metadata[key], value, key)

    def compare_numbers(self, name, output):
        golden = json.loads((GOLDENS / f"{name}.json").read_text())
        ids = ",".join(map(str, golden["prompt_tokens"]))
        command = [
            os.environ["ALISA_BINARY"],
            "eval",
            "logprobs",
            "-m",
            output,
            "--tokens",
            ids,
            "-n",
            "16",
            "-o",
            "json",
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        for ours, theirs in zip(json.loads(result.stdout)["tokens"], golden["tokens"], strict=True):
            self.assertEqual(ours["id"], theirs["id"])
            self.assertLess(abs(ours["logprob"] - theirs["logprob"]), TOLERANCE)

    def test_models(self):
        for name in NAMES:
            with self.subTest(name):
                self.check(name)


if __name__ == "__main__":
    unittest.main()
