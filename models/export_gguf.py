#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a checkpoint of train.py and tokenizer.json as one GGUF file."""
import argparse
import os

import numpy

import gguf_file as gguf
from bpe import Tokenizer
from model import Shape

TYPES = {"f32": (gguf.TENSOR_F32, 0), "f16": (gguf.TENSOR_F16, 1), "q8_0": (gguf.TENSOR_Q8_0, 7)}  # tensor, file type
TOKEN_NORMAL, TOKEN_CONTROL = 1, 3


def describe_model(arrays, tokenizer, options, file_type):
    vocabulary, width = arrays["token_embd.weight"].shape
    layers = 1 + max(int(name.split(".")[1]) for name in arrays if name.startswith("blk."))
    hidden = arrays["blk.0.ffn_gate.weight"].shape[0]
    shape = Shape(vocabulary, options.context, width, layers, options.heads, hidden)
    if vocabulary != len(tokenizer.tokens):
        raise SystemExit(f"the checkpoint has {vocabulary} token rows, the tokenizer {len(tokenizer.tokens)} entries")
    types = [TOKEN_CONTROL if index == tokenizer.end else TOKEN_NORMAL for index in range(vocabulary)]
    return [
        ("general.architecture", gguf.STRING, "llama"),
        ("general.name", gguf.STRING, "ALISA stories"),
        ("general.description", gguf.STRING, "Tells children's stories; trained on text of models/story_generator.py"),
        ("general.file_type", gguf.U32, file_type),
        ("general.quantization_version", gguf.U32, 2),
        ("general.alignment", gguf.U32, gguf.ALIGNMENT),
        ("llama.vocab_size", gguf.U32, shape.vocabulary),
        ("llama.context_length", gguf.U32, shape.context),
        ("llama.embedding_length", gguf.U32, shape.width),
        ("llama.block_count", gguf.U32, shape.layers),
        ("llama.feed_forward_length", gguf.U32, shape.hidden),
        ("llama.attention.head_count", gguf.U32, shape.heads),
        ("llama.attention.head_count_kv", gguf.U32, shape.heads),
        ("llama.attention.layer_norm_rms_epsilon", gguf.F32, shape.norm_epsilon),
        ("llama.rope.dimension_count", gguf.U32, shape.width // shape.heads),
        ("llama.rope.freq_base", gguf.F32, shape.rope_base),
        ("tokenizer.ggml.model", gguf.STRING, "gpt2"),
        ("tokenizer.ggml.pre", gguf.STRING, "gpt-2"),
        ("tokenizer.ggml.tokens", gguf.ARRAY, (gguf.STRING, tokenizer.tokens)),
        ("tokenizer.ggml.token_type", gguf.ARRAY, (gguf.I32, types)),
        ("tokenizer.ggml.merges", gguf.ARRAY, (gguf.STRING, tokenizer.merges)),
        ("tokenizer.ggml.bos_token_id", gguf.U32, tokenizer.end),
        ("tokenizer.ggml.eos_token_id", gguf.U32, tokenizer.end),
        ("tokenizer.ggml.add_bos_token", gguf.BOOL, True),
    ]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("output")
    parser.add_argument("--type", choices=TYPES, default="q8_0", help="of the matrices; norms are always f32")
    parser.add_argument("--context", type=int, default=Shape.context)
    parser.add_argument("--heads", type=int, default=Shape.heads)
    parser.add_argument("--tokenizer", default=os.path.join(here, "tokenizer.json"))
    options = parser.parse_args()
    arrays = dict(numpy.load(options.checkpoint))
    matrix_type, file_type = TYPES[options.type]
    tensors = [(name, array, matrix_type if array.ndim == 2 else gguf.TENSOR_F32) for name, array in arrays.items()]
    gguf.write(options.output, describe_model(arrays, Tokenizer.load(options.tokenizer), options, file_type), tensors)
    print(f"{options.output}: {len(tensors)} tensors, {os.path.getsize(options.output)} bytes")


if __name__ == "__main__":
    main()
