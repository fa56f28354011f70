#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tiny random models of architectures/ (GGUF) and, from Hugging Face transformers in float32,
what they must compute (JSON). See README.md.

    python make_architecture_goldens.py [--keep FOLDER] [case ...]

A model goes the way of a published one: transformers saves it, models/hugging_face.py says what it is in
a GGUF file. Every weight is a half or less to begin with, so an engine that reads the file has exactly the
same model. --keep leaves the folders of Hugging Face behind.
"""

import argparse
import dataclasses
import math
import pathlib
import shutil
import sys
import tempfile
import zlib

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

import gguf_writer
import reference

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent.parent / "models"))

import checkpoint  # noqa: E402
import gguf_file as gguf  # noqa: E402
import hugging_face  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Case:
    name: str  # the architecture in GGUF files, then what is special
    kind: str  # model_type of transformers
    config: dict  # what its configuration says besides
    matrices: int = gguf.TENSOR_F16
    prompt: int = 60  # tokens, with the BOS; more than any window
    logits: float = 3.5  # deviation of logits before they are scaled or capped, if last_norm is 1
    last_norm: float = 1.0  # weights of the norm before the head are about it
    experts: int | None = None  # type of experts' matrices, if another
    short: int = 0  # tokens of another prompt, for a session with a context of `context`
    context: int = 0


def sizes(width, layers, heads, kv_heads, hidden, vocabulary):
    """The names that most configurations use."""
    return dict(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        intermediate_size=hidden,
        vocab_size=vocabulary,
        max_position_embeddings=256,
    )


def rope(theta=10000.0, **others):
    return {"rope_type": "default", "rope_theta": theta, **others}


GPT_OSS = dict(
    sliding_window=12,
    rope_parameters=rope(
        150000.0,
        rope_type="yarn",
        factor=4.0,
        beta_fast=32.0,
        beta_slow=1.0,
        truncate=False,
        original_max_position_embeddings=64,
    ),
)

# A configuration begins with: width, layers, heads, KV heads, feed-forward length, vocabulary.
CASES = [
    Case(
        "qwen2-tied-head24", "qwen2", sizes(72, 2, 3, 1, 112, 301) | dict(tie_word_embeddings=True)
    ),
    Case("qwen2-f32", "qwen2", sizes(40, 2, 5, 5, 60, 290), matrices=gguf.TENSOR_F32, prompt=64),
    Case(
        "qwen3-head96",
        "qwen3",
        sizes(40, 2, 3, 1, 64, 303) | dict(head_dim=96, rope_parameters=rope(1e6)),
    ),
    Case(
        "gemma-head256",
        "gemma",
        sizes(40, 2, 2, 1, 64, 300) | dict(head_dim=256),
        logits=1.0,
        last_norm=3.5,
    ),
    Case(
        "gemma2-window24",
        "gemma2",
        sizes(48, 3, 4, 2, 80, 310)
        | dict(
            head_dim=24,
            query_pre_attn_scalar=24,
            sliding_window=24,
            attn_logit_softcapping=3.0,
            final_logit_softcapping=30.0,
        ),
        logits=0.3,
        last_norm=24.0,
    ),
    Case(
        "gemma3-window20",
        "gemma3_text",
        sizes(48, 7, 4, 1, 56, 307)
        | dict(
            head_dim=24,
            query_pre_attn_scalar=24,
            sliding_window=20,
            rope_parameters={
                "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
                "sliding_attention": rope(),
            },
        ),
        prompt=72,
        logits=0.4,
        last_norm=8.75,
    ),
    Case(
        "gptneox-partial",
        "gpt_neox",
        dict(
            hidden_size=72,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=80,
            vocab_size=300,
            max_position_embeddings=256,
            rope_parameters=rope(partial_rotary_factor=0.5),
        ),
    ),
    Case(
        "gptneox-sequential",
        "gpt_neox",
        dict(
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=76,
            vocab_size=300,
            max_position_embeddings=256,
            use_parallel_residual=False,
            rope_parameters=rope(partial_rotary_factor=1.0),
        ),
    ),
    Case(
        "gpt2-head24",
        "gpt2",
        dict(n_embd=48, n_layer=2, n_head=2, vocab_size=300, n_positions=128),
        logits=0.7,
        last_norm=5.0,
    ),
    Case(
        "opt-head40",
        "opt",
        dict(
            hidden_size=80,
            num_hidden_layers=2,
            num_attention_heads=2,
            ffn_dim=72,
            word_embed_proj_dim=80,
            vocab_size=300,
            max_position_embeddings=128,
            pad_token_id=0,
        ),
        logits=1.4,
        last_norm=2.5,
    ),
    Case(
        "phi3-window20",
        "phi3",
        sizes(64, 2, 4, 2, 88, 300) | dict(pad_token_id=0, sliding_window=20),
        prompt=64,
    ),
    Case(
        "phi3-longrope",
        "phi3",
        sizes(72, 2, 3, 1, 104, 300)
        | dict(
            pad_token_id=0,
            original_max_position_embeddings=48,
            rope_parameters={
                "rope_type": "longrope",
                "rope_theta": 10000.0,
                "long_factor": [1.0 + 0.75 * pair for pair in range(12)],
                "short_factor": [1.0 + 0.125 * pair for pair in range(12)],
                "original_max_position_embeddings": 48,
            },
        ),
        prompt=60,
        short=25,
        context=48,
    ),
    Case("olmo2-head24-bf16", "olmo2", sizes(72, 2, 3, 1, 64, 300), matrices=gguf.TENSOR_BF16),
    Case(
        "llama-rope31-head80",
        "llama",
        sizes(48, 2, 2, 1, 80, 300)
        | dict(
            head_dim=80,
            rope_parameters=rope(
                500000.0,
                rope_type="llama3",
                factor=8.0,
                low_freq_factor=1.0,
                high_freq_factor=4.0,
                original_max_position_embeddings=64,
            ),
        ),
    ),
    Case("llama-window24", "mistral", sizes(64, 2, 4, 2, 80, 300) | dict(sliding_window=24)),
    Case(
        "llama-experts",
        "mixtral",
        sizes(56, 2, 7, 1, 40, 300) | dict(num_local_experts=4, num_experts_per_tok=2),
        prompt=30,
    ),
    Case(
        "qwen2moe-shared",
        "qwen2_moe",
        sizes(48, 2, 2, 1, 64, 300)
        | dict(
            num_experts=4,
            num_experts_per_tok=2,
            moe_intermediate_size=40,
            shared_expert_intermediate_size=56,
        ),
        prompt=30,
    ),
    Case(
        "qwen3moe-head24",
        "qwen3_moe",
        sizes(48, 2, 3, 1, 64, 300)
        | dict(
            head_dim=24,
            num_experts=5,
            num_experts_per_tok=2,
            moe_intermediate_size=32,
            norm_topk_prob=True,
        ),
        prompt=30,
    ),
    Case(
        "phi2-head40",
        "phi",
        sizes(80, 2, 2, 2, 64, 300) | dict(rope_parameters=rope(partial_rotary_factor=0.4)),
    ),
    Case(
        "falcon-one-kv-head",
        "falcon",
        dict(
            hidden_size=72,
            num_hidden_layers=2,
            num_attention_heads=3,
            ffn_hidden_size=120,
            vocab_size=300,
            max_position_embeddings=2048,
        ),
        logits=0.7,
        last_norm=5.0,
    ),
    Case(
        "falcon-two-norms",
        "falcon",
        dict(
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_kv_heads=2,
            new_decoder_architecture=True,
            ffn_hidden_size=120,
            vocab_size=300,
            max_position_embeddings=2048,
        ),
        logits=0.7,
        last_norm=5.0,
    ),
    Case("starcoder2-head24", "starcoder2", sizes(72, 2, 3, 1, 96, 300), logits=0.7, last_norm=5.0),
    Case(
        "stablelm-sequential",
        "stablelm",
        sizes(64, 2, 4, 2, 80, 300)
        | dict(use_qkv_bias=True, rope_parameters=rope(partial_rotary_factor=0.25)),
    ),
    Case(
        "stablelm-parallel-headnorms",
        "stablelm",
        sizes(48, 2, 2, 1, 64, 300)
        | dict(
            use_parallel_residual=True,
            qk_layernorm=True,
            rope_parameters=rope(partial_rotary_factor=0.25),
        ),
    ),
    Case(
        "granite-head24",
        "granite",
        sizes(48, 2, 2, 1, 64, 300)
        | dict(
            attention_multiplier=0.3,
            embedding_multiplier=6.0,
            residual_multiplier=0.4,
            logits_scaling=4.0,
        ),
        logits=14.0,
    ),
    Case(
        "granitemoe-experts",
        "granitemoe",
        sizes(48, 2, 2, 2, 40, 300)
        | dict(
            num_local_experts=4,
            num_experts_per_tok=2,
            attention_multiplier=0.25,
            embedding_multiplier=3.0,
            residual_multiplier=0.7,
            logits_scaling=2.0,
        ),
        prompt=30,
        logits=7.0,
    ),
    Case(
        "smollm3-five-layers",
        "smollm3",
        sizes(48, 5, 3, 1, 64, 300) | dict(pad_token_id=0),
        logits=0.7,
        last_norm=5.0,
    ),
    Case(
        "command-r-tied",
        "cohere",
        sizes(64, 2, 4, 2, 80, 300) | dict(pad_token_id=0, logit_scale=0.25),
        logits=0.7,
        last_norm=20.0,
    ),
    Case(
        "command-r-headnorms",
        "cohere",
        sizes(72, 2, 3, 1, 72, 300) | dict(pad_token_id=0, logit_scale=0.25, use_qk_norm=True),
        logits=0.7,
        last_norm=20.0,
    ),
    Case(
        "cohere2-window20",
        "cohere2",
        sizes(48, 5, 2, 1, 56, 300)
        | dict(pad_token_id=0, head_dim=24, sliding_window=20, logit_scale=0.25),
        logits=0.7,
        last_norm=20.0,
    ),
    Case(
        "gpt-oss-window12",
        "gpt_oss",
        sizes(48, 2, 4, 1, 40, 300)
        | GPT_OSS
        | dict(head_dim=24, num_local_experts=4, num_experts_per_tok=2),
        prompt=30,
    ),
    Case(
        "gpt-oss-mxfp4",
        "gpt_oss",
        sizes(64, 2, 3, 1, 64, 300)
        | GPT_OSS
        | dict(head_dim=32, num_local_experts=4, num_experts_per_tok=2),
        prompt=30,
        experts=gguf.TENSOR_MXFP4,
    ),
    Case(
        "glm4-head80",
        "glm4",
        sizes(48, 2, 2, 1, 64, 300)
        | dict(
            head_dim=80,
            attention_bias=True,
            pad_token_id=0,
            rope_parameters=rope(partial_rotary_factor=0.5),
        ),
    ),
    Case(
        "exaone4-window20",
        "exaone4",
        sizes(48, 5, 3, 1, 56, 300)
        | dict(head_dim=24, sliding_window=20, sliding_window_pattern=4),
    ),
    Case(
        "exaone4-head16",
        "exaone4",
        sizes(64, 2, 4, 2, 80, 300) | dict(sliding_window=None, layer_types=["full_attention"] * 2),
    ),
    Case("seed_oss-head32", "seed_oss", sizes(48, 2, 3, 1, 64, 300) | dict(head_dim=32)),
    Case(
        "nemotron-head24",
        "nemotron",
        sizes(48, 2, 2, 1, 64, 300)
        | dict(head_dim=24, rope_parameters=rope(partial_rotary_factor=0.5)),
    ),
]

LEAST_DISTINCT = 5  # different ids among the greedy ones: many architectures repeat themselves
GAIN = 1.35  # matrices have the deviation GAIN / sqrt(inputs): attention is selective, logits are peaked
WAY_BACK = 1.5  # the same of those that add to the residual stream
BACK = (
    "o_proj",
    "out_proj",
    "c_proj",
    "dense",
    "dense_4h_to_h",
    "down_proj",
    "fc2",
    "w2",
    "output_linear",
)
EMBEDDINGS = ("embed_tokens", "embed_in", "wte", "word_embeddings")
POSITIONS = ("embed_positions", "wpe")
HEADS = ("lm_head", "embed_out")
LAST_NORMS = tuple(
    f"{name}.weight"
    for name in ("model.norm", "transformer.ln_f", "model.decoder.final_layer_norm")
)


def draw(name, shape, case, tied, rng):
    """float32 values of the parameter `name` of transformers."""
    *path, last = name.split(".")
    owner = path[-1] if last in ("weight", "bias") and path else last
    values = rng.standard_normal(shape).astype(np.float32)
    if "norm" in owner or owner.startswith("ln_") or (path and path[-2:-1] == ["norms"]):
        one = case.last_norm if name in LAST_NORMS else 1
        if last == "bias" or hugging_face.ROWS[case.kind].adds_one:
            one -= 1
        return one + 0.2 * np.clip(values, -3, 3)
    if last.endswith("bias"):
        return 0.15 * values
    if last == "sinks":
        return 1 + values
    if owner in EMBEDDINGS:
        return values * (case.logits / math.sqrt(shape[1]) if tied else 1.0)
    if owner in POSITIONS:
        return values * (0.7 * case.logits / math.sqrt(shape[1]))
    if owner in HEADS:
        return values * (case.logits / math.sqrt(shape[1]))
    across = (
        owner.startswith("c_")
        and case.kind == "gpt2"
        or (case.kind == "gpt_oss" and len(shape) == 3)
    )
    inputs = shape[-2] if across else shape[-1]
    return values * ((WAY_BACK if owner in BACK else GAIN) / math.sqrt(inputs))


def round_values(values, kind):
    """What storing them as halves, and then as `kind`, leaves of them."""
    values = values.astype(np.float16).astype(np.float32)
    if kind == gguf.TENSOR_BF16:
        return (gguf.to_bf16(values).astype(np.uint32) << 16).view(np.float32)
    if kind == gguf.TENSOR_MXFP4:  # of gpt-oss, whose matrices are [experts, inputs, outputs]
        rows = values.swapaxes(-1, -2)
        return gguf.from_mxfp4(gguf.to_mxfp4(rows)).reshape(rows.shape).swapaxes(-1, -2)
    return values


def make_model(case):
    config = AutoConfig.for_model(
        case.kind, **{"bos_token_id": 1, "eos_token_id": 2, **case.config}
    )
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = draw(name, tuple(parameter.shape), case, config.tie_word_embeddings, rng)
            kind = case.experts if case.experts and parameter.ndim == 3 else case.matrices
            parameter.copy_(torch.from_numpy(round_values(values, kind)))
    return model, rng


def vocabulary_keys(size):
    pieces, scores, types = gguf_writer.vocabulary(size)
    return [
        ("tokenizer.ggml.model", gguf.STRING, "llama"),
        ("tokenizer.ggml.pre", gguf.STRING, "default"),
        ("tokenizer.ggml.tokens", gguf.ARRAY, (gguf.STRING, pieces)),
        ("tokenizer.ggml.scores", gguf.ARRAY, (gguf.F32, scores)),
        ("tokenizer.ggml.token_type", gguf.ARRAY, (gguf.I32, types)),
        ("tokenizer.ggml.bos_token_id", gguf.U32, 1),
        ("tokenizer.ggml.eos_token_id", gguf.U32, 2),
        ("tokenizer.ggml.unknown_token_id", gguf.U32, 0),
        ("tokenizer.ggml.add_bos_token", gguf.BOOL, True),
        ("tokenizer.ggml.add_eos_token", gguf.BOOL, False),
        ("tokenizer.ggml.add_space_prefix", gguf.BOOL, True),
    ]


def write_model(case, folder):
    config, arrays = checkpoint.read(folder)
    keys, tensors = hugging_face.convert(config, arrays)
    keys += [("general.name", gguf.STRING, case.name)] + vocabulary_keys(config["vocab_size"])
    typed = []
    for name, array in tensors.items():
        kind = hugging_face.tensor_type(name, array.shape, case.matrices)
        if case.experts and "_exps.weight" in name:
            kind = case.experts
        typed.append((name, array, kind))
    gguf.write(FOLDER / "architectures" / f"{case.name}.gguf", keys, typed)


def write_golden(case, model, rng, name, length, extra):
    vocabulary = case.config["vocab_size"]
    golden = reference.find_golden(case.name, vocabulary, model, length, rng, LEAST_DISTINCT)
    (FOLDER / "architectures" / f"{name}.json").write_text(
        reference.to_json({**extra, **golden}) + "\n"
    )
    reference.print_summary(name, golden)


def make(case, kept):
    model, rng = make_model(case)
    folder = kept / case.name
    model.save_pretrained(folder)
    write_model(case, folder)
    write_golden(case, model, rng, case.name, case.prompt, {})
    if case.short:
        extra = {"context": case.context}
        write_golden(case, model, rng, f"{case.name}.short", case.short, extra)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("case", nargs="*")
    arguments = parser.parse_args()
    unknown = set(arguments.case) - {case.name for case in CASES}
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    folder = arguments.keep or pathlib.Path(tempfile.mkdtemp())
    try:
        for case in CASES:
            if not arguments.case or case.name in arguments.case:
                make(case, folder)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
