#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a GGUF of a published LLaMA shape with random weights, to measure speed with.

    python bench/make_model.py --shape tinyllama-1.1b --type q8_0 -o tinyllama-q8_0.gguf
    python bench/make_model.py --shape 512,8,8,4,1376,8000 --type f16 -o small.gguf

The numbers are real, valid blocks of normally distributed weights, but only one pool of some
megabytes is drawn; every tensor repeats it from a place of its own. The pool has a prime number of
blocks, so no row equals a neighbour. The text it generates is noise. Needs numpy only.
"""

import argparse
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"))
import gguf_writer as gguf  # noqa: E402  (the path above makes it visible)

# dim, layers, heads, kv heads, ffn, vocabulary. Those of OPT have its weights and keys and values, as a
# LLaMA: three matrices of 2/3 its width in place of two.
SHAPES = {
    "tinyllama-1.1b": (2048, 22, 32, 4, 5632, 32000),
    "llama-125m": (768, 12, 12, 12, 2048, 32000),
    "opt-6.7b": (4096, 32, 32, 32, 10944, 50272),
    "opt-13b": (5120, 40, 40, 40, 13664, 50272),
}
DEVIATION = 0.02
POOL_BLOCKS = 131071  # prime; of 32 elements: 4.2 million weights
BLOCK_ELEMENTS = 32
CHUNK_BYTES = 4 << 20


def parse_shape(text):
    """A name of SHAPES or six comma-separated numbers -> those numbers."""
    if text in SHAPES:
        return SHAPES[text]
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 6 or min(numbers) < 1:
        names = ", ".join(SHAPES)
        raise argparse.ArgumentTypeError(
            f"'{text}' is neither {names} nor dim,layers,heads,kv,ffn,vocab"
        )
    if numbers[0] % numbers[2] or numbers[2] % numbers[3]:
        raise argparse.ArgumentTypeError("dim must be a multiple of heads, and heads of kv heads")
    return numbers


class Pool:
    """Encoded random weights, read cyclically from a random place for each tensor."""

    def __init__(self, type_name, rng):
        self.type_name = type_name
        self.rng = rng
        weights = rng.standard_normal((POOL_BLOCKS, BLOCK_ELEMENTS), dtype=np.float32) * DEVIATION
        data = gguf.encode(weights, type_name)
        self.size = len(data)
        self.block_bytes = self.size // POOL_BLOCKS
        self.data = memoryview(data + data[:CHUNK_BYTES])  # so that no chunk has to wrap round

    def chunks(self, shape):
        """Yields the bytes of a tensor of `shape`, at most CHUNK_BYTES at a time."""
        remaining = gguf.row_bytes(self.type_name, shape[-1]) * shape[0]
        at = int(self.rng.integers(POOL_BLOCKS)) * self.block_bytes
        while remaining:
            length = min(remaining, CHUNK_BYTES, self.size)
            yield self.data[at : at + length]
            remaining -= length
            at = (at + length) % self.size


def norm_weights(dim, rng):
    return 1 + 0.1 * rng.standard_normal(dim, dtype=np.float32)


def write_model(path, name, shape, type_name, seed):
    """Writes the model; returns its number of parameters."""
    rng = np.random.default_rng(seed)
    pool = Pool(type_name, rng)
    writer = gguf.GGUFWriter(path)
    gguf.add_llama_keys(writer, name, shape, type_name)
    gguf.add_vocabulary(writer, shape.vocab)

    def matrix(tensor, size):
        writer.tensor(f"{tensor}.weight", size, type_name, pool.chunks(size))

    def norm(tensor):
        writer.array(f"{tensor}.weight", norm_weights(shape.dim, rng), "f32")

    matrix("token_embd", (shape.vocab, shape.dim))
    for layer in range(shape.layers):
        norm(f"blk.{layer}.attn_norm")
        norm(f"blk.{layer}.ffn_norm")
        for tensor, size in shape.layer_matrices().items():
            matrix(f"blk.{layer}.{tensor}", size)
    norm("output_norm")
    if not shape.tied:
        matrix("output", (shape.vocab, shape.dim))
    writer.write()
    return sum(int(np.prod(size)) for _, size, *_ in writer.tensors)


def main():
    parser = argparse.ArgumentParser(
        description="Write a GGUF model of a published shape with random weights."
    )
    parser.add_argument(
        "--shape",
        type=parse_shape,
        default="tinyllama-1.1b",
        help=f"{', '.join(SHAPES)}, or dim,layers,heads,kv,ffn,vocab (default: %(default)s)",
    )
    parser.add_argument(
        "--type",
        choices=list(gguf.TYPES),
        default="f16",
        help="storage of all matrices; norms are f32 (default: %(default)s)",
    )
    parser.add_argument(
        "--context", type=int, default=2048, help="context length (default: %(default)s)"
    )
    parser.add_argument("--tied", action="store_true", help="no separate output head")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("-o", "--output", required=True, metavar="FILE")
    arguments = parser.parse_args()

    dim, layers, heads, kv_heads, ffn, vocab = arguments.shape
    shape = gguf.LlamaShape(
        dim,
        layers,
        heads,
        kv_heads,
        dim // heads,
        ffn,
        vocab,
        arguments.context,
        tied=arguments.tied,
    )
    name = next((name for name, numbers in SHAPES.items() if numbers == arguments.shape), "custom")
    try:
        parameters = write_model(
            arguments.output, f"random {name}", shape, arguments.type, arguments.seed
        )
    except (OSError, ValueError) as error:
        sys.exit(f"make_model.py: {error}")
    size = pathlib.Path(arguments.output).stat().st_size
    print(
        f"{arguments.output}: {parameters / 1e6:.1f} M parameters, {arguments.type}, "
        f"{size / 2**20:.0f} MiB"
    )


if __name__ == "__main__":
    main()
