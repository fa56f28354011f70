# SPDX-License-Identifier: Apache-2.0
"""What the programs of this folder share: the lists of models and prompts, and their texts."""

import hashlib
import json
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
LONG_TEXT = HERE.parent.parent / "models" / "heldout.txt"  # the prompts that are given by a length begin it, without end tokens
FIGURES = HERE / "figures.json"  # what llama.cpp says
FOUND = HERE / "found.json"  # what the program says
PERPLEXITY_BYTES = 60000  # of WikiText-2's raw validation split
PREDICT = 64  # greedy tokens after each prompt
SKIPPED = 77  # the exit code by which ./run knows it


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def to_json(value):
    """Each object that lies in another begins a line."""
    return re.sub(r' ?("[^"]+": \{)', r"\n\1", json.dumps(value, ensure_ascii=False)) + "\n"


def models():
    return read_json(HERE / "models.json")


def prompts():
    """{name: text}"""
    long_text = LONG_TEXT.read_text(encoding="utf-8").replace("<|endoftext|>", "")
    return {one["name"]: one.get("text", long_text[: one.get("characters")]) for one in read_json(HERE / "prompts.json")}


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def model_path(folder, model):
    return pathlib.Path(folder) / f"{model['name']}.gguf"


def perplexity_text(source, folder, size=PERPLEXITY_BYTES):
    """A file with the first bytes of WikiText-2's, up to the end of a line."""
    text = pathlib.Path(source).read_bytes()[:size]
    path = pathlib.Path(folder) / f"wikitext-{size}.txt"
    path.write_bytes(text[: text.rindex(b"\n") + 1])
    return path
