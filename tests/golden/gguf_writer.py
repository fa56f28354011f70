# SPDX-License-Identifier: Apache-2.0
"""A small GGUF v3 writer: metadata, tensors in five storage types, and a synthetic vocabulary.

Used by make_goldens.py (tiny models) and bench/make_model.py (large ones, streamed). Facts of the
format are from the GGUF specification (ggml docs/gguf.md) and the block layouts of ggml.
"""

import dataclasses
import itertools
import os
import struct

import numpy as np

ALIGNMENT = 32
BLOCK = 32  # elements in one q4_0 or q8_0 block

# name: (ggml type id, elements of a block, bytes of a block, general.file_type when most are it)
TYPES = {
    "f32": (0, 1, 4, 0),
    "f16": (1, 1, 2, 1),
    "q4_0": (2, BLOCK, 18, 2),
    "q8_0": (8, BLOCK, 34, 7),
    "bf16": (30, 1, 2, 32),
}

# GGUF metadata value types
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9

# tokenizer.ggml.token_type values
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def row_bytes(type_name, length):
    """Bytes of one row of `length` elements; a row must hold whole blocks."""
    _, block, block_bytes, _ = TYPES[type_name]
    if length % block:
        raise ValueError(
            f"a row of {length} elements does not divide into {type_name} blocks of {block}"
        )
    return length // block * block_bytes


def encode(array, type_name):
    """float32 array (rows in the last axis) -> the bytes stored in the file."""
    array = np.ascontiguousarray(array, dtype=np.float32)
    row_bytes(type_name, array.shape[-1])
    if type_name == "f32":
        return array.astype("<f4").tobytes()
    if type_name == "f16":
        return array.astype("<f2").tobytes()
    if type_name == "bf16":
        bits = array.view(np.uint32)
        nearest_even = bits + 0x7FFF + ((bits >> 16) & 1)
        return (nearest_even >> 16).astype("<u2").tobytes()
    blocks = array.reshape(-1, BLOCK)
    if type_name == "q8_0":
        scale = np.abs(blocks).max(axis=1, keepdims=True) / 127
        quants = np.rint(_divide(blocks, scale)).astype(np.int8)
        packed = quants.view(np.uint8)
    else:  # q4_0: the element of largest magnitude maps to -8, the longer end of -8..7
        peak = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1)[:, None], axis=1)
        scale = peak / -8
        quants = np.clip(np.floor(_divide(blocks, scale) + 8.5), 0, 15).astype(np.uint8)
        packed = quants[:, : BLOCK // 2] | quants[:, BLOCK // 2 :] << 4
    return np.hstack([scale.astype("<f2").view(np.uint8), packed]).tobytes()


def decode(data, type_name, shape):
    """The float32 values that `data` stands for."""
    if type_name == "f32":
        return np.frombuffer(data, "<f4").reshape(shape)
    if type_name == "f16":
        return np.frombuffer(data, "<f2").astype(np.float32).reshape(shape)
    if type_name == "bf16":
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
    blocks = np.frombuffer(data, np.uint8).reshape(-1, TYPES[type_name][2])
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    if type_name == "q8_0":
        quants = blocks[:, 2:].view(np.int8).astype(np.float32)
    else:
        packed = blocks[:, 2:]
        quants = np.hstack([packed & 15, packed >> 4]).astype(np.float32) - 8
    return (quants * scale).reshape(shape)


def _divide(values, scale):
    return np.divide(values, scale, out=np.zeros_like(values), where=scale != 0)


def round_to(array, type_name):
    """What is left of `array` after storing it as `type_name`."""
    return decode(encode(array, type_name), type_name, np.shape(array))


@dataclasses.dataclass(frozen=True)
class LlamaShape:
    """Sizes of a LLaMA-family model. The query is heads * head_dim wide, which need not be dim."""

    dim: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocab: int
    context: int
    tied: bool = False  # the output head is the embedding
    rope_theta: float = 10000.0
    rotary: int = 0  # leading elements of each head that rotate; 0 = all
    norm_epsilon: float = 1e-5

    def layer_matrices(self):
        """GGUF name -> (out, in) of the matrices of one layer."""
        query, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "attn_q": (query, self.dim),
            "attn_k": (kv, self.dim),
            "attn_v": (kv, self.dim),
            "attn_output": (self.dim, query),
            "ffn_gate": (self.ffn, self.dim),
            "ffn_up": (self.ffn, self.dim),
            "ffn_down": (self.dim, self.ffn),
        }


class GGUFWriter:
    """Collects keys and tensor descriptions, then writes the file in one pass, tensor by tensor."""

    def __init__(self, path):
        self.path = path
        self.keys = []
        self.tensors = []

    def key(self, name, value_type, value, element_type=None):
        """Adds a metadata key; ARRAY values also need the type of their elements."""
        packed = struct.pack("<I", value_type)
        if value_type == ARRAY:
            packed += struct.pack("<IQ", element_type, len(value))
            packed += b"".join(_pack_value(element_type, element) for element in value)
        else:
            packed += _pack_value(value_type, value)
        self.keys.append(_pack_string(name) + packed)

    def tensor(self, name, shape, type_name, chunks):
        """Adds a tensor: `shape` outermost axis first (as numpy), `chunks` an iterable of
        bytes-like pieces of its data, read only when the file is written."""
        size = row_bytes(type_name, shape[-1]) * int(np.prod(shape[:-1]))
        self.tensors.append((name, shape, type_name, chunks, size))

    def array(self, name, array, type_name):
        """Adds a tensor from a float32 array."""
        self.tensor(name, array.shape, type_name, [encode(array, type_name)])

    def write(self):
        """Writes the file; a failed write leaves no file of that name."""
        partial = f"{self.path}.partial"
        try:
            with open(partial, "wb") as file:
                self._write_to(file)
            os.replace(partial, self.path)
        finally:
            if os.path.exists(partial):
                os.remove(partial)

    def _write_to(self, file):
        file.write(struct.pack("<4sIQQ", b"GGUF", 3, len(self.tensors), len(self.keys)))
        file.write(b"".join(self.keys))
        offset = 0
        for name, shape, type_name, _, size in self.tensors:
            dims = tuple(reversed(shape))  # GGUF counts the contiguous axis first
            file.write(_pack_string(name))
            file.write(
                struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, TYPES[type_name][0], offset)
            )
            offset += _aligned(size)
        file.write(bytes(_aligned(file.tell()) - file.tell()))
        for name, _, _, chunks, size in self.tensors:
            written = sum(file.write(chunk) for chunk in chunks)
            if written != size:
                raise ValueError(f"{name}: {written} bytes given, its shape needs {size}")
            file.write(bytes(_aligned(size) - size))


def _aligned(size):
    return -(-size // ALIGNMENT) * ALIGNMENT


def _pack_string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _pack_value(value_type, value):
    if value_type == STRING:
        return _pack_string(value)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[value_type], value)


LETTERS = (
    "etaoinshrdlucmfwypvbgkjqxz"  # by frequency in English, so that small vocabularies are useful
)
SMALLEST_VOCABULARY = 3 + 256 + 1 + len(LETTERS)


def vocabulary(size):
    """A SentencePiece-style vocabulary of exactly `size` entries: lists of pieces, scores, types.

    <unk> <s> </s>, the 256 bytes, the space mark, the letters, then pieces of two, three ... marks
    and letters. Every prefix of a piece is a piece with a better score, so merging can reach all.
    """
    if size < SMALLEST_VOCABULARY:
        raise ValueError(f"a vocabulary needs at least {SMALLEST_VOCABULARY} entries, not {size}")
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    types = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256
    missing = size - len(pieces)
    pieces += itertools.islice(_pieces(), missing)
    types += [NORMAL] * missing
    scores = [0.0] * 259 + [-float(rank) for rank in range(missing)]
    return pieces, scores, types


def _pieces():
    """The normal pieces without end: by length, within a length the most frequent letters first."""
    level = [("\u2581", 0)] + [(letter, rank) for rank, letter in enumerate(LETTERS)]
    while True:
        yield from (text for text, _ in level)
        level = [
            (text + letter, cost + rank)
            for text, cost in level
            for rank, letter in enumerate(LETTERS)
        ]
        level.sort(
            key=lambda entry: entry[1]
        )  # stable: equal costs keep the order of their prefixes


def add_llama_keys(writer, name, shape, type_name):
    """Adds general.* and llama.* for a model whose matrices are mostly `type_name`."""
    writer.key("general.architecture", STRING, "llama")
    writer.key("general.name", STRING, name)
    writer.key("general.alignment", UINT32, ALIGNMENT)
    writer.key("general.file_type", UINT32, TYPES[type_name][3])
    writer.key("general.quantization_version", UINT32, 2)
    writer.key("llama.vocab_size", UINT32, shape.vocab)
    writer.key("llama.context_length", UINT32, shape.context)
    writer.key("llama.embedding_length", UINT32, shape.dim)
    writer.key("llama.block_count", UINT32, shape.layers)
    writer.key("llama.feed_forward_length", UINT32, shape.ffn)
    writer.key("llama.attention.head_count", UINT32, shape.heads)
    writer.key("llama.attention.head_count_kv", UINT32, shape.kv_heads)
    writer.key("llama.attention.layer_norm_rms_epsilon", FLOAT32, shape.norm_epsilon)
    writer.key("llama.rope.dimension_count", UINT32, shape.rotary or shape.head_dim)
    writer.key("llama.rope.freq_base", FLOAT32, shape.rope_theta)
    if shape.heads * shape.head_dim != shape.dim:
        writer.key("llama.attention.key_length", UINT32, shape.head_dim)
        writer.key("llama.attention.value_length", UINT32, shape.head_dim)


def add_vocabulary(writer, size):
    """Adds the tokenizer.ggml.* keys of vocabulary(size)."""
    pieces, scores, types = vocabulary(size)
    writer.key("tokenizer.ggml.model", STRING, "llama")
    writer.key("tokenizer.ggml.pre", STRING, "default")
    writer.key("tokenizer.ggml.tokens", ARRAY, pieces, STRING)
    writer.key("tokenizer.ggml.scores", ARRAY, scores, FLOAT32)
    writer.key("tokenizer.ggml.token_type", ARRAY, types, INT32)
    writer.key("tokenizer.ggml.bos_token_id", UINT32, 1)
    writer.key("tokenizer.ggml.eos_token_id", UINT32, 2)
    writer.key("tokenizer.ggml.unknown_token_id", UINT32, 0)
    writer.key("tokenizer.ggml.add_bos_token", BOOL, True)
    writer.key("tokenizer.ggml.add_eos_token", BOOL, False)
    writer.key("tokenizer.ggml.add_space_prefix", BOOL, True)
