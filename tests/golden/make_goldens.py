#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tiny random LLaMA-family models of this folder (GGUF) and, from Hugging Face
transformers in float32, what they must compute (JSON). See README.md.

    python make_goldens.py [case ...]

Weights are rounded to the type they are stored in before the reference runs, so an engine that
reads the file has exactly the same model; what remains is arithmetic.
"""

import dataclasses
import math
import pathlib
import sys

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

import gguf_writer as gguf
import reference

FOLDER = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    shape: gguf.LlamaShape
    matrix: str  # storage type of the layers' matrices
    embedding: str
    head: str = ""  # empty: tied
    rope: dict = dataclasses.field(
        default_factory=dict
    )  # transformers' rope_parameters beyond theta
    prompt: int = 32  # tokens, with the BOS
    batch: tuple = ()  # lengths of further prompts, for the list in <name>.batch.json


def shape(dim, layers, heads, kv_heads, head_dim, ffn, vocab, context=256, **others):
    return gguf.LlamaShape(dim, layers, heads, kv_heads, head_dim, ffn, vocab, context, **others)


LLAMA3_ROPE = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,  # small, so that most frequencies are changed
}
LINEAR_ROPE = {"rope_type": "linear", "factor": 4.0}
# An original context of 512 puts the ramp of a 64-wide head at pairs 3..16 of 32: below it
# frequencies stay, above it they are divided by the factor.
YARN_ROPE = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512}

# A shape reads: dim, layers, heads, kv heads, head size, ffn, vocabulary[, context].
CASES = [
    Case("mha-tied-f32", shape(64, 2, 4, 4, 16, 176, 320, tied=True), "f32", "f32"),
    Case("gqa4-f16", shape(128, 2, 8, 2, 16, 224, 384), "f16", "f16", "f16", batch=(3, 11, 17, 40)),
    Case("gqa3-head24-bf16", shape(144, 2, 6, 2, 24, 152, 320), "bf16", "bf16", "bf16", prompt=28),
    Case("mqa-head40-tied-q8_0", shape(160, 2, 4, 1, 40, 256, 320, tied=True), "q8_0", "q8_0"),
    Case("gqa2-head64-q4_0", shape(256, 2, 4, 2, 64, 320, 300), "q4_0", "f16", "q8_0"),
    Case(
        "rope-llama31-f16",
        shape(96, 2, 3, 3, 32, 160, 320, 512, rope_theta=500000.0),
        "f16",
        "f16",
        "f16",
        LLAMA3_ROPE,
        prompt=40,
    ),
    Case(
        "rope-linear-tied-q4_0",
        shape(128, 2, 4, 2, 32, 192, 320, 1024, tied=True),
        "q4_0",
        "q4_0",
        rope=LINEAR_ROPE,
        prompt=40,
    ),
    Case(
        "rope-yarn-q8_0",
        shape(128, 2, 2, 1, 64, 192, 320, 2048),
        "q8_0",
        "q8_0",
        "q8_0",
        YARN_ROPE,
        prompt=100,
    ),
    Case("rope-partial-f32", shape(64, 2, 2, 1, 32, 128, 320, rotary=16), "f32", "f32", "f32"),
    Case(
        "odd-f32",
        shape(72, 3, 9, 3, 8, 100, 307, norm_epsilon=0.02),
        "f32",
        "f32",
        "f32",
        prompt=37,
    ),
    Case("wide-head-bf16", shape(64, 2, 4, 2, 32, 160, 320), "bf16", "f16", "bf16", prompt=24),
]

# GGUF name -> (transformers name, gain). A matrix is drawn with deviation gain / sqrt(inputs),
# large enough that attention is selective and the next token's distribution is peaked.
LAYER_MATRICES = {
    "attn_q": ("self_attn.q_proj", 1.3),
    "attn_k": ("self_attn.k_proj", 1.3),
    "attn_v": ("self_attn.v_proj", 1.2),
    "attn_output": ("self_attn.o_proj", 1.5),
    "ffn_gate": ("mlp.gate_proj", 1.4),
    "ffn_up": ("mlp.up_proj", 1.4),
    "ffn_down": ("mlp.down_proj", 1.5),
}
LAYER_NORMS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
LOGIT_DEVIATION = 3.5


def draw_weights(case, rng):
    """GGUF name -> (array, storage type), with transformers' order of rows in attn_q and attn_k."""
    s = case.shape

    def matrix(outputs, inputs, gain, type_name):
        values = rng.standard_normal((outputs, inputs), dtype=np.float32) * (
            gain / math.sqrt(inputs)
        )
        return gguf.round_to(values, type_name), type_name

    def norm():
        return np.clip(1 + 0.2 * rng.standard_normal(s.dim, dtype=np.float32), 0.4, 1.6), "f32"

    embedding_gain = LOGIT_DEVIATION if s.tied else math.sqrt(s.dim)
    weights = {"token_embd": matrix(s.vocab, s.dim, embedding_gain, case.embedding)}
    for layer in range(s.layers):
        for name, (outputs, inputs) in s.layer_matrices().items():
            gain = LAYER_MATRICES[name][1]
            weights[f"blk.{layer}.{name}"] = matrix(outputs, inputs, gain, case.matrix)
        for name in LAYER_NORMS:
            weights[f"blk.{layer}.{name}"] = norm()
    weights["output_norm"] = norm()
    if not s.tied:
        weights["output"] = matrix(s.vocab, s.dim, LOGIT_DEVIATION, case.head)
    return weights


def reference_model(case, weights):
    """The same weights in transformers' LLaMA."""
    s = case.shape
    config = LlamaConfig(
        vocab_size=s.vocab,
        hidden_size=s.dim,
        intermediate_size=s.ffn,
        num_hidden_layers=s.layers,
        num_attention_heads=s.heads,
        num_key_value_heads=s.kv_heads,
        head_dim=s.head_dim,
        max_position_embeddings=s.context,
        rms_norm_eps=s.norm_epsilon,
        tie_word_embeddings=s.tied,
        rope_parameters={"rope_type": "default", "rope_theta": s.rope_theta, **case.rope},
        attn_implementation="eager",
    )
    model = LlamaForCausalLM(config).float().eval()
    names = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
    for layer in range(s.layers):
        for name, (theirs, _) in LAYER_MATRICES.items():
            names[f"blk.{layer}.{name}"] = f"model.layers.{layer}.{theirs}"
        for name, theirs in LAYER_NORMS.items():
            names[f"blk.{layer}.{name}"] = f"model.layers.{layer}.{theirs}"
    state = {f"{names[name]}.weight": torch.tensor(array) for name, (array, _) in weights.items()}
    if s.tied:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model.load_state_dict(state, strict=True)
    if s.rotary:
        # Its LLaMA rotates whole heads only. Pair i is (i, i + head_dim/2) there, (2i, 2i + 1)
        # in the file, so frequency 0 from pair rotary/2 on leaves the file's tail unrotated.
        frequencies = torch.zeros(s.head_dim // 2)
        exponents = torch.arange(0, s.rotary, 2, dtype=torch.float32) / s.rotary
        frequencies[: s.rotary // 2] = s.rope_theta**-exponents
        model.model.rotary_emb.inv_freq.copy_(frequencies)
    return model


def interleave_rows(array, heads):
    """Rows of each head from (first halves, second halves) of the rotated pairs to pair after pair,
    the order that GGUF's `llama` architecture means."""
    rows, inputs = array.shape
    return array.reshape(heads, 2, rows // heads // 2, inputs).swapaxes(1, 2).reshape(rows, inputs)


def write_model(case, weights, model):
    s = case.shape
    writer = gguf.GGUFWriter(FOLDER / f"{case.name}.gguf")
    gguf.add_llama_keys(writer, case.name, s, case.matrix)
    if case.rope.get("rope_type") in ("linear", "yarn"):
        writer.key("llama.rope.scaling.type", gguf.STRING, case.rope["rope_type"])
        writer.key("llama.rope.scaling.factor", gguf.FLOAT32, case.rope["factor"])
    if case.rope.get("rope_type") == "yarn":
        original = case.rope["original_max_position_embeddings"]
        writer.key("llama.rope.scaling.original_context_length", gguf.UINT32, original)
    gguf.add_vocabulary(writer, s.vocab)
    if case.rope.get("rope_type") == "llama3":
        rotary = model.model.rotary_emb
        plain = rotary.compute_default_rope_parameters(model.config)[0]
        writer.array("rope_freqs.weight", (plain / rotary.inv_freq).numpy(), "f32")
    for name, (array, type_name) in weights.items():
        heads = {"attn_q": s.heads, "attn_k": s.kv_heads}.get(name.split(".")[-1])
        writer.array(f"{name}.weight", interleave_rows(array, heads) if heads else array, type_name)
    writer.write()


def main(arguments):
    unknown = set(arguments) - {case.name for case in CASES}
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    for seed, case in enumerate(CASES):
        if arguments and case.name not in arguments:
            continue
        rng = np.random.default_rng([20240, seed])
        weights = draw_weights(case, rng)
        model = reference_model(case, weights)
        write_model(case, weights, model)
        golden = reference.find_golden(case.name, case.shape.vocab, model, case.prompt, rng)
        (FOLDER / f"{case.name}.json").write_text(reference.to_json(golden) + "\n")
        if case.batch:
            batch = [
                reference.find_golden(case.name, case.shape.vocab, model, length, rng)
                for length in case.batch
            ]
            text = ",\n".join(reference.to_json(one) for one in batch)
            (FOLDER / f"{case.name}.batch.json").write_text(f"[{text}]\n")
        reference.print_summary(case.name, golden)


if __name__ == "__main__":
    main(sys.argv[1:])
