# SPDX-License-Identifier: Apache-2.0
"""What a folder of Hugging Face holds, written by hand: safetensors, and a SentencePiece model."""

import json
import struct

import numpy as np


def write_safetensors(path, tensors):
    """tensors: {name: array}; uint16 arrays are stored as BF16."""
    types = {"float32": "F32", "float16": "F16", "uint16": "BF16", "int64": "I64"}
    entries, body = {}, b""
    for name, array in tensors.items():
        data = np.ascontiguousarray(array).tobytes()
        entries[name] = {
            "dtype": types[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    head = json.dumps(entries).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + body)


def varint(value):
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def message(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def write_sentencepiece(path, pieces, scores, types, kind=2, space_prefix=True):
    data = b""
    for piece, score, piece_type in zip(pieces, scores, types, strict=True):
        entry = message(1, piece.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score)
        data += message(1, entry + varint(3 << 3) + varint(piece_type))
    data += message(2, varint(3 << 3) + varint(kind))
    data += message(3, varint(3 << 3) + varint(int(space_prefix)))
    path.write_bytes(data)
