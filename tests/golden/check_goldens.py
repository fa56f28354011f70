#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the goldens of this folder against a second, independent forward pass.

    python check_goldens.py [--sensitivity] [case ...]

It shares no code with the writer or with transformers: it reads the GGUF back, dequantises, and
computes in float64 with numpy, rotating adjacent pairs as the file's rows are laid out. Exit code 1
if a log-probability differs by LIMIT or more, or an id differs. With --sensitivity it also prints
how far the log-probabilities move when one convention is wrong (a golden that does not notice is
no test) and when K, V and activations are kept in half precision (what tolerance an engine needs).
"""

import argparse
import contextlib
import dataclasses
import json
import mmap
import pathlib
import struct
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent
LIMIT = 1e-4

SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
STRING, ARRAY = 8, 9


class Reader:
    """Keys and tensors of a GGUF file; `data[name]` is (type id, shape outermost first, bytes)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.at = 0
        magic, version, tensors, keys = self.take("4sIQQ")
        if magic != b"GGUF" or version != 3:
            raise ValueError(f"{path}: not a GGUF v3 file")
        self.keys = {self.string(): self.value(*self.take("I")) for _ in range(keys)}
        described = []
        for _ in range(tensors):
            name, (rank,) = self.string(), self.take("I")
            *dims, type_id, offset = self.take(f"{rank}QIQ")
            described.append((name, tuple(reversed(dims)), type_id, offset))
        alignment = self.keys.get("general.alignment", 32)
        start = (self.at + alignment - 1) // alignment * alignment
        self.data = {}
        for name, shape, type_id, offset in described:
            if offset % alignment or name in self.data:
                raise ValueError(f"{path}: {name} is misaligned or twice in the file")
            self.data[name] = (type_id, shape, memoryview(self.bytes)[start + offset :])

    def take(self, layout):
        values = struct.unpack_from("<" + layout, self.bytes, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def string(self):
        (length,) = self.take("Q")
        self.at += length
        return self.bytes[self.at - length : self.at].decode()

    def value(self, type_id):
        if type_id == STRING:
            return self.string()
        if type_id == ARRAY:
            element, length = self.take("IQ")
            return [self.value(element) for _ in range(length)]
        return self.take(SCALARS[type_id])[0]

    def tensor(self, name):
        type_id, shape, data = self.data[name]
        return DEQUANTISE[type_id](data, int(np.prod(shape))).astype(np.float64).reshape(shape)


def _plain(dtype):
    return lambda data, count: np.frombuffer(data, dtype, count)


def _bf16(data, count):
    halves = np.zeros((count, 2), "<u2")
    halves[:, 1] = np.frombuffer(data, "<u2", count)
    return halves.view("<f4").ravel()


def _q8_0(data, count):
    blocks = np.frombuffer(data, [("d", "<f2"), ("q", "i1", 32)], count // 32)
    return blocks["q"] * blocks["d"].astype(np.float64)[:, None]


def _q4_0(data, count):
    blocks = np.frombuffer(data, [("d", "<f2"), ("q", "u1", 16)], count // 32)
    values = np.empty((count // 32, 32))
    values[:, :16] = blocks["q"] % 16
    values[:, 16:] = blocks["q"] // 16
    return (values - 8) * blocks["d"].astype(np.float64)[:, None]


DEQUANTISE = {0: _plain("<f4"), 1: _plain("<f2"), 2: _q4_0, 8: _q8_0, 30: _bf16}


@dataclasses.dataclass
class Parameters:
    """What the forward pass reads from the keys; changed on purpose by MUTATIONS."""

    heads: int
    kv_heads: int
    head_dim: int
    rotary: int
    layers: int
    epsilon: float
    theta: float
    scaling: str
    factor: float
    original_context: int
    divisors: np.ndarray
    attention_factor: bool = True
    adjacent_pairs: bool = True
    grouped_heads: bool = True  # query heads h*ratio .. of one kv head are neighbours
    half_storage: bool = False


def read_parameters(file):
    keys = {name.removeprefix("llama."): value for name, value in file.keys.items()}
    heads = keys["attention.head_count"]
    head_dim = keys.get("attention.key_length", keys["embedding_length"] // heads)
    rotary = keys["rope.dimension_count"]
    divisors = (
        file.tensor("rope_freqs.weight")
        if "rope_freqs.weight" in file.data
        else np.ones(rotary // 2)
    )
    return Parameters(
        heads,
        keys["attention.head_count_kv"],
        head_dim,
        rotary,
        keys["block_count"],
        keys["attention.layer_norm_rms_epsilon"],
        keys["rope.freq_base"],
        keys.get("rope.scaling.type", "none"),
        keys.get("rope.scaling.factor", 1.0),
        keys.get("rope.scaling.original_context_length", 0),
        divisors,
    )


def rotation(p, positions):
    """cos, sin of (position, pair), attention factor included."""
    pair = np.arange(p.rotary // 2)
    frequency = p.theta ** (-2.0 * pair / p.rotary) / p.divisors
    magnitude = 1.0
    if p.scaling == "linear":
        frequency = frequency / p.factor
    elif p.scaling == "yarn":
        # The pair that turns `beta` times within the original context bounds the ramp: faster pairs
        # keep their frequency, slower ones are interpolated.
        def bound(beta):
            return (
                p.rotary * np.log(p.original_context / (beta * 2 * np.pi)) / (2 * np.log(p.theta))
            )

        low, high = max(np.floor(bound(32.0)), 0), min(np.ceil(bound(1.0)), p.rotary - 1)
        slow = np.clip((pair - low) / max(high - low, 0.001), 0, 1)
        frequency = frequency * (slow / p.factor + (1 - slow))
        magnitude = 0.1 * np.log(p.factor) + 1 if p.attention_factor else 1.0
    angle = positions[:, None] * frequency
    return np.cos(angle) * magnitude, np.sin(angle) * magnitude


def rotate(x, cos, sin, p):
    """x (position, head, head_dim) with its first `rotary` elements turned in pairs."""
    result = x.copy()
    half = p.rotary // 2
    first, second = (
        (slice(0, p.rotary, 2), slice(1, p.rotary, 2))
        if p.adjacent_pairs
        else (slice(0, half), slice(half, p.rotary))
    )
    a, b = x[..., first], x[..., second]
    cos, sin = cos[:, None], sin[:, None]
    result[..., first], result[..., second] = a * cos - b * sin, a * sin + b * cos
    return result


def rms_norm(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + epsilon) * weight


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attend(q, k, v, p):
    """Causal attention; q (n, heads, d), k and v (n, kv_heads, d) -> (n, heads * d)."""
    n, ratio = len(q), p.heads // p.kv_heads
    causal = np.tril(np.ones((n, n), bool))
    outputs = []
    for head in range(p.heads):
        kv_head = head // ratio if p.grouped_heads else head % p.kv_heads
        scores = q[:, head] @ k[:, kv_head].T / np.sqrt(p.head_dim)
        outputs.append(softmax(np.where(causal, scores, -np.inf)) @ v[:, kv_head])
    return np.concatenate(outputs, axis=1)


def log_probabilities(weights, p, ids):
    """(positions, vocabulary) of base-e log-probabilities after each id."""

    def stored(x):
        return x.astype(np.float16).astype(np.float64) if p.half_storage else x

    n = len(ids)
    cos, sin = rotation(p, np.arange(n, dtype=np.float64))
    x = weights["token_embd.weight"][ids]
    for layer in range(p.layers):
        w = {
            name: weights[f"blk.{layer}.{name}.weight"]
            for name in (
                "attn_norm",
                "attn_q",
                "attn_k",
                "attn_v",
                "attn_output",
                "ffn_norm",
                "ffn_gate",
                "ffn_up",
                "ffn_down",
            )
        }
        h = stored(rms_norm(x, w["attn_norm"], p.epsilon))
        q = (h @ w["attn_q"].T).reshape(n, p.heads, p.head_dim)
        k = (h @ w["attn_k"].T).reshape(n, p.kv_heads, p.head_dim)
        v = (h @ w["attn_v"].T).reshape(n, p.kv_heads, p.head_dim)
        q, k = rotate(q, cos, sin, p), rotate(k, cos, sin, p)
        x = stored(x + stored(attend(q, stored(k), stored(v), p)) @ w["attn_output"].T)
        h = stored(rms_norm(x, w["ffn_norm"], p.epsilon))
        gate = h @ w["ffn_gate"].T
        x = stored(x + stored(gate / (1 + np.exp(-gate)) * (h @ w["ffn_up"].T)) @ w["ffn_down"].T)
    h = stored(rms_norm(x, weights["output_norm.weight"], p.epsilon))
    logits = h @ weights.get("output.weight", weights["token_embd.weight"]).T
    return (
        logits
        - logits.max(-1, keepdims=True)
        - np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1, keepdims=True))
    )


def compare(weights, p, golden):
    """(largest difference of a log-probability, number of ids that differ) over the actual tokens,
    their top lists and the greedy choices."""
    entries = golden["tokens"]
    ids = golden["prompt_tokens"] + [entry["id"] for entry in entries[-golden["n_predict"] :]]
    if [entry["id"] for entry in entries] != ids[1:]:
        raise ValueError(f"{golden['model']}: the tokens are not the prompt's and the greedy ones")
    rows = log_probabilities(weights, p, ids[:-1])
    worst, wrong = 0.0, 0
    for index, (entry, row) in enumerate(zip(entries, rows, strict=True)):
        for pair in [entry, *entry["top"]]:
            worst = np.maximum(worst, abs(pair["logprob"] - row[pair["id"]]))  # keeps NaN
        best = np.argsort(-row, kind="stable")
        # Two of the top five may be nearer to each other than float32 can tell: then order is free.
        listed = [one["id"] for one in entry["top"]]
        wrong += int((np.abs(row[listed] - row[best[: len(listed)]]) > LIMIT).sum())
        if index >= len(entries) - golden["n_predict"]:
            wrong += entry["id"] != best[0]
    return worst, wrong


MUTATIONS = {
    "rotated in halves": dict(adjacent_pairs=False),
    "kv head = head % kv_heads": dict(grouped_heads=False),
    "no rope_freqs": dict(divisors=1.0),
    "no rope scaling": dict(scaling="none"),
    "yarn taken for linear": dict(scaling="linear"),
    "no yarn attention factor": dict(attention_factor=False),
    "whole head rotated": dict(rotary=None),
    "norm epsilon 1e-5": dict(epsilon=1e-5),
    "theta 10000": dict(theta=10000.0),
    "K, V, activations in half": dict(half_storage=True),
}


def print_sensitivity(weights, p, golden):
    for label, change in MUTATIONS.items():
        if label == "whole head rotated":
            change = dict(rotary=p.head_dim, divisors=1.0)
            if p.rotary == p.head_dim:
                continue
        if label == "yarn taken for linear" and p.scaling != "yarn":
            continue
        worst, wrong = compare(weights, dataclasses.replace(p, **change), golden)
        if worst > LIMIT:
            print(f"    {label:28} moves a log-probability by {worst:.2g}, {wrong} ids")


def check_tokenizer(file, embedding_rows):
    """The vocabulary fits the embedding and has no piece twice."""
    pieces = file.keys["tokenizer.ggml.tokens"]
    lengths = {
        len(pieces),
        len(set(pieces)),
        embedding_rows,
        len(file.keys["tokenizer.ggml.scores"]),
        len(file.keys["tokenizer.ggml.token_type"]),
        file.keys["llama.vocab_size"],
    }
    if len(lengths) != 1 or file.keys["tokenizer.ggml.token_type"][:4] != [2, 3, 3, 6]:
        raise ValueError(f"vocabulary and embedding disagree: {lengths}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sensitivity", action="store_true")
    parser.add_argument("case", nargs="*")
    arguments = parser.parse_args()
    names = arguments.case or sorted(path.stem for path in FOLDER.glob("*.gguf"))
    failed = not names
    for name in names:
        file = Reader(FOLDER / f"{name}.gguf")
        weights = {tensor: file.tensor(tensor) for tensor in file.data}
        check_tokenizer(file, len(weights["token_embd.weight"]))
        p = read_parameters(file)
        goldens = [json.loads((FOLDER / f"{name}.json").read_text())]
        with contextlib.suppress(FileNotFoundError):
            goldens += json.loads((FOLDER / f"{name}.batch.json").read_text())
        for golden in goldens:
            worst, wrong = compare(weights, p, golden)
            good = worst < LIMIT and not wrong
            failed |= not good
            print(
                f"{'ok  ' if good else 'FAIL'} {name:24} {len(golden['prompt_tokens']):4} + "
                f"{golden['n_predict']} tokens  max |difference| {worst:.2e}  wrong ids {wrong}"
            )
        if arguments.sensitivity:
            print_sensitivity(weights, p, goldens[0])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
