# SPDX-License-Identifier: Apache-2.0
"""Reads a folder of Hugging Face: config.json, and tensors of *.safetensors when they are asked for.

The package safetensors reads BF16 into numpy arrays of no version of numpy, and most checkpoints are BF16; so the
files are mapped here. A file is 8 bytes of length, as much JSON that says of each tensor its type, shape and place,
and the tensors.
"""
import json
import math
import os
import struct

import numpy

TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8"}


class Stored:
    """A tensor of a file; numpy.asarray reads it as float32."""

    def __init__(self, path, name, entry, start):
        if entry["dtype"] not in TYPES:
            raise ValueError(f"{path}: tensor {name} is of type {entry['dtype']}; F32, F16, BF16 and F64 are read")
        self.path, self.shape = path, tuple(entry["shape"])
        self.type, self.offset = entry["dtype"], start + entry["data_offsets"][0]

    def __array__(self, dtype=None, copy=None):
        stored = numpy.fromfile(self.path, TYPES[self.type], math.prod(self.shape), offset=self.offset)
        if self.type == "BF16":
            stored = (stored.astype("<u4") << 16).view("<f4")
        return stored.astype(numpy.float32).reshape(self.shape)


def read_file(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        entries = json.loads(file.read(length))
    return {name: Stored(path, name, entry, 8 + length) for name, entry in entries.items() if name != "__metadata__"}


def read(folder):
    """(config.json, {name: Stored}) of a folder."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    paths = sorted(entry.path for entry in os.scandir(folder) if entry.name.endswith(".safetensors"))
    if not paths:
        raise FileNotFoundError(f"{folder}: no *.safetensors")
    tensors = {}
    for path in paths:
        tensors.update(read_file(path))
    return config, tensors
