#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""models/convert.py on a folder that is written here: values, keys, types, and what it refuses.

ALISA_BINARY=... MODELS_DIR=... python3 check_convert.py
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

CONFIG = {
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 300,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "bos_token_id": 1,
    "eos_token_id": [2],
}
LAYER = {
    "input_layernorm": (64,),
    "post_attention_layernorm": (64,),
    "self_attn.q_proj": (64, 64),
    "self_attn.k_proj": (32, 64),
    "self_attn.v_proj": (32, 64),
    "self_attn.o_proj": (64, 64),
    "mlp.gate_proj": (96, 64),
    "mlp.up_proj": (96, 64),
    "mlp.down_proj": (64, 96),
}
TEMPLATE = "{{ bos_token }}{% for message in messages %}{{ message['content'] }}{% endfor %}"


def to_floats(array):
    return (array.astype(np.uint32) << 16).view(np.float32) if array.dtype == np.uint16 else array


class Convert(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name) / "tiny-llama"
        self.folder.mkdir()
        self.output = self.folder.parent / "out.gguf"
        rng = np.random.default_rng(7)
        shapes = {"model.embed_tokens": (300, 64), "model.norm": (64,), "lm_head": (300, 64)}
        for layer in range(2):
            shapes |= {f"model.layers.{layer}.{name}": shape for name, shape in LAYER.items()}
        self.tensors = {
            f"{name}.weight": gguf_file.to_bf16(
                rng.standard_normal(shape) / shape[-1] ** 0.5 + (len(shape) < 2)
            )
            for name, shape in shapes.items()
        }
        self.write_config()
        self.write_tensors()
        self.pieces = gguf_writer.vocabulary(300)
        folders.write_sentencepiece(self.folder / "tokenizer.model", *self.pieces)
        self.write_json(
            "tokenizer_config.json",
            {"chat_template": TEMPLATE, "bos_token": "<s>", "eos_token": {"content": "</s>"}},
        )

    def write_json(self, name, value):
        (self.folder / name).write_text(json.dumps(value))

    def write_config(self, **changes):
        self.write_json("config.json", {**CONFIG, **changes})

    def write_tensors(self):
        """In two files, as large models are."""
        names = sorted(self.tensors)
        for index, part in enumerate((names[:9], names[9:])):
            path = self.folder / f"model-{index + 1:05}-of-00002.safetensors"
            folders.write_safetensors(path, {name: self.tensors[name] for name in part})

    def run_convert(self, *options):
        command = [sys.executable, MODELS / "convert.py", self.folder, self.output, *options]
        return subprocess.run(command, capture_output=True, text=True)

    def convert(self, *options):
        result = self.run_convert(*options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return gguf_file.Reader(self.output)

    def refuse(self, *words):
        result = self.run_convert()
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertFalse(self.output.exists())

    def alisa(self, *arguments):
        result = subprocess.run(
            [os.environ["ALISA_BINARY"], *arguments], capture_output=True, text=True
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_values_are_kept(self):
        tolerances = {"f32": 0, "bf16": 0, "f16": 1e-3, "q8_0": 1 / 200}
        for name, tolerance in tolerances.items():
            file = self.convert("--type", name)
            theirs = to_floats(self.tensors["model.layers.1.mlp.down_proj.weight"])
            ours = file.tensors["blk.1.ffn_down.weight"]
            self.assertLessEqual(
                np.abs(ours - theirs).max(), tolerance * np.abs(theirs).max(), name
            )
            norm = to_floats(self.tensors["model.norm.weight"])
            np.testing.assert_array_equal(file.tensors["output_norm.weight"], norm)

    def test_rotated_rows_are_paired(self):
        file = self.convert("--type", "f32")
        for part, heads in (("q", 4), ("k", 2)):
            theirs = to_floats(self.tensors[f"model.layers.0.self_attn.{part}_proj.weight"])
            ours = file.tensors[f"blk.0.attn_{part}.weight"]
            for head in range(heads):
                for pair in range(8):
                    row = 16 * head
                    np.testing.assert_array_equal(ours[row + 2 * pair], theirs[row + pair])
                    np.testing.assert_array_equal(ours[row + 2 * pair + 1], theirs[row + pair + 8])

    def test_keys(self):
        keys = self.convert().metadata
        self.assertEqual(keys["general.architecture"], "llama")
        self.assertEqual(keys["general.name"], "tiny-llama")
        self.assertEqual(keys["llama.attention.head_count_kv"], 2)
        self.assertEqual(keys["llama.rope.dimension_count"], 16)
        self.assertEqual(keys["tokenizer.ggml.model"], "llama")
        self.assertEqual(keys["tokenizer.ggml.tokens"], self.pieces[0])
        self.assertEqual(keys["tokenizer.ggml.scores"], self.pieces[1])
        self.assertEqual(keys["tokenizer.ggml.token_type"], self.pieces[2])
        self.assertEqual(keys["tokenizer.ggml.eos_token_id"], 2)
        self.assertIs(keys["tokenizer.ggml.add_bos_token"], True)
        self.assertEqual(keys["tokenizer.chat_template"], TEMPLATE)

    def test_the_program_runs_what_it_gets(self):
        self.convert("--type", "q8_0")
        ids = json.loads(self.alisa("tokenize", "-m", self.output, "-p", "tea at noon", "--ids"))
        self.assertEqual(ids[0], 1)
        self.assertGreater(len(ids), 3)
        self.alisa("eval", "logprobs", "-m", self.output, "--tokens", "1,40,50", "-n", "4")

    def test_rows_that_are_no_whole_blocks_are_halves(self):
        for layer in range(2):
            for name, shape in (
                ("gate_proj", (100, 64)),
                ("up_proj", (100, 64)),
                ("down_proj", (64, 100)),
            ):
                self.tensors[f"model.layers.{layer}.mlp.{name}.weight"] = np.full(
                    shape, 16000, np.uint16
                )
        self.write_tensors()
        self.write_config(intermediate_size=100)
        result = self.run_convert("--type", "q8_0")
        self.assertIn("2 as F16", result.stdout)
        self.assertEqual(
            gguf_file.Reader(self.output).tensors["blk.0.ffn_down.weight"].shape, (64, 100)
        )

    def test_byte_level_tokenizers(self):
        (self.folder / "tokenizer.model").unlink()
        letters = [chr(code) for code in range(33, 127)]
        vocabulary = {
            piece: number for number, piece in enumerate(letters + ["\u0120", "ab", "\u0120ab"])
        }
        split = {"type": "Split", "pattern": {"Regex": ""}, "behavior": "Isolated", "invert": False}
        tokenizer = {
            "model": {"type": "BPE", "vocab": vocabulary, "merges": [["a", "b"], ["\u0120", "ab"]]},
            "pre_tokenizer": {"type": "ByteLevel"},
            "decoder": {"type": "ByteLevel"},
            "added_tokens": [{"id": 97, "content": "<|end|>", "special": True}],
        }
        self.write_json("tokenizer.json", tokenizer)
        self.write_json("tokenizer_config.json", {"eos_token": "<|end|>"})
        keys = self.convert().metadata
        self.assertEqual(keys["tokenizer.ggml.model"], "gpt2")
        self.assertEqual(keys["tokenizer.ggml.pre"], "gpt-2")
        self.assertEqual(keys["tokenizer.ggml.merges"], ["a b", "\u0120 ab"])
        self.assertEqual(keys["tokenizer.ggml.token_type"][96:99], [1, 3, 5])
        self.assertEqual(keys["tokenizer.ggml.tokens"][97:99], ["<|end|>", "[PAD98]"])
        self.assertEqual(keys["tokenizer.ggml.eos_token_id"], 97)
        tokenizer["pre_tokenizer"] = {
            "type": "Sequence",
            "pretokenizers": [split, {"type": "ByteLevel"}],
        }
        self.write_json("tokenizer.json", tokenizer)
        self.output.unlink()
        self.refuse("tokenizer.json", "--pre NAME")
        self.assertEqual(self.convert("--pre", "qwen2").metadata["tokenizer.ggml.pre"], "qwen2")

    def test_what_is_refused(self):
        self.write_config(model_type="mamba")
        self.refuse("model_type 'mamba'", "llama")
        self.write_config(rope_scaling={"type": "dynamic", "factor": 2.0})
        self.refuse("'dynamic'")
        self.write_config(hidden_act="relu")
        self.refuse("hidden_act is 'relu'")
        self.write_config()
        folders.write_sentencepiece(self.folder / "tokenizer.model", *self.pieces, kind=1)
        self.refuse("unigram")
        (self.folder / "tokenizer.model").write_bytes(b"no model at all")
        self.refuse("tokenizer.model", "no SentencePiece model")
        (self.folder / "tokenizer.model").unlink()
        self.refuse("no tokenizer.json")
        folders.write_sentencepiece(self.folder / "tokenizer.model", *self.pieces)
        self.tensors["model.layers.1.self_attn.q_proj.lora"] = np.zeros((4, 4), np.float32)
        self.write_tensors()
        self.refuse("model.layers.1.self_attn.q_proj.lora")
        self.tensors.pop("model.layers.1.self_attn.q_proj.lora")
        self.tensors["model.layers.0.mlp.up_proj.weight"] = np.full((96, 64), 1e6, np.float32)
        self.write_tensors()
        self.refuse("F16 does not hold 1e+06", "BF16")
        self.tensors["model.layers.0.mlp.up_proj.weight"] = np.zeros((96, 64), np.int64)
        self.write_tensors()
        self.refuse("I64")
        for path in self.folder.glob("*.safetensors"):
            path.unlink()
        self.refuse("no *.safetensors")


if __name__ == "__main__":
    unittest.main()
