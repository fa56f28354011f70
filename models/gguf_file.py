# SPDX-License-Identifier: Apache-2.0
"""GGUF v3: a writer and a reader of F32, F16, BF16, Q8_0 and MXFP4 tensors."""
import math
import os
import struct

import numpy

MAGIC, VERSION, ALIGNMENT = b"GGUF", 3, 32
U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10
SCALARS = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?", U64: "<Q"}
TENSOR_F32, TENSOR_F16, TENSOR_Q8_0, TENSOR_BF16, TENSOR_MXFP4 = 0, 1, 8, 30, 39
BLOCKS = {TENSOR_F32: (1, 4), TENSOR_F16: (1, 2), TENSOR_BF16: (1, 2), TENSOR_Q8_0: (32, 34),
          TENSOR_MXFP4: (32, 17)}  # elements and bytes of a block
FP4_VALUES = numpy.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], dtype=numpy.float32)  # of codes 0 to 7; 8 to 15 are negative
Q8_BLOCK = numpy.dtype([("scale", "<f2"), ("values", "i1", 32)])


def to_q8_0(matrix):
    """Blocks of 32 in a row: an F16 scale d = max|x| / 127 and 32 signed bytes round(x / d)."""
    blocks = matrix.astype(numpy.float32).reshape(-1, 32)
    scale = numpy.abs(blocks).max(axis=1) / numpy.float32(127)
    inverse = numpy.divide(1, scale, out=numpy.zeros_like(scale), where=scale > 0)
    scaled = blocks * inverse[:, None]
    packed = numpy.empty(len(blocks), dtype=Q8_BLOCK)
    packed["scale"] = scale
    packed["values"] = numpy.trunc(scaled + numpy.copysign(0.5, scaled))
    return packed


def to_f16(array):
    with numpy.errstate(over="ignore"):
        halves = array.astype("<f2")
    if not numpy.isfinite(halves).all():
        raise ValueError(f"F16 does not hold {numpy.abs(array).max():g}, which is in a tensor; BF16 does")
    return halves


def to_bf16(array):
    """The upper halves of floats, rounded to nearest, ties to even."""
    bits = numpy.ascontiguousarray(array, dtype=numpy.float32).view(numpy.uint32)
    return (bits + 0x7FFF + ((bits >> 16) & 1) >> 16).astype("<u2")


def to_mxfp4(array):
    """Blocks of 32 in a row: a byte e, then codes of 4 bits that stand for FP4_VALUES * 2^(e - 127); the lower halves of
    bytes hold the first 16 of a block. The largest value of a block lies between 4 and 8 times its scale."""
    blocks = numpy.ascontiguousarray(array, dtype=numpy.float32).reshape(-1, 32)
    largest = numpy.abs(blocks).max(axis=1, keepdims=True)
    exponents = numpy.frexp(largest)[1] - 3  # largest = m * 2^(exponent + 3), m from 0.5 to 1
    scaled = numpy.ldexp(blocks, -exponents)
    codes = numpy.abs(numpy.abs(scaled)[..., None] - FP4_VALUES).argmin(axis=-1) + 8 * (scaled < 0)
    codes = codes.astype(numpy.uint8)
    return numpy.hstack([(exponents + 127).astype(numpy.uint8), codes[:, :16] | codes[:, 16:] << 4])


def from_mxfp4(data):
    """The float32 values of rows of blocks."""
    blocks = numpy.ascontiguousarray(data).reshape(-1, 17)
    codes = numpy.hstack([blocks[:, 1:] & 15, blocks[:, 1:] >> 4])
    values = numpy.where(codes < 8, FP4_VALUES[codes & 7], -FP4_VALUES[codes & 7])
    return numpy.ldexp(values, blocks[:, :1].astype(numpy.int32) - 127).astype(numpy.float32)


def encode_tensor(array, kind):
    array = numpy.asarray(array)
    if kind == TENSOR_F32:
        return array.astype("<f4").tobytes()
    if kind == TENSOR_F16:
        return to_f16(array).tobytes()
    encode = {TENSOR_BF16: to_bf16, TENSOR_Q8_0: to_q8_0, TENSOR_MXFP4: to_mxfp4}[kind]
    return encode(array).tobytes()


def tensor_bytes(shape, kind):
    """Of a tensor in a file; its rows must hold whole blocks."""
    elements, size = BLOCKS[kind]
    if shape[-1] % elements:
        raise ValueError(f"a row of {shape[-1]} elements is no whole number of blocks of {elements}")
    return math.prod(shape) // elements * size


def decode_tensor(data, shape, kind):
    count = int(numpy.prod(shape))
    if kind == TENSOR_Q8_0:
        blocks = numpy.frombuffer(data, Q8_BLOCK, count // 32)
        values = blocks["scale"].astype(numpy.float32)[:, None] * blocks["values"].astype(numpy.float32)
    elif kind in (TENSOR_F32, TENSOR_F16):
        values = numpy.frombuffer(data, "<f4" if kind == TENSOR_F32 else "<f2", count).astype(numpy.float32)
    elif kind == TENSOR_BF16:
        values = (numpy.frombuffer(data, "<u2", count).astype("<u4") << 16).view("<f4")
    elif kind == TENSOR_MXFP4:
        values = from_mxfp4(numpy.frombuffer(data, numpy.uint8, tensor_bytes(shape, kind)))
    else:
        raise ValueError(f"tensor type {kind} is none of {', '.join(map(str, BLOCKS))}")
    return values.reshape(shape)


def pack_string(text):
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def pack_value(kind, value):
    if kind == STRING:
        return pack_string(value)
    if kind == ARRAY:
        element, items = value
        return struct.pack("<IQ", element, len(items)) + b"".join(pack_value(element, item) for item in items)
    return struct.pack(SCALARS[kind], value)


def write(path, metadata, tensors):
    """metadata: [(key, type, value)], an array's value being (element type, items); tensors: [(name, array, type)].

    An array is anything with a shape that numpy.asarray takes; that is asked for when the tensor is written, so a model
    need not be in memory at once. A write that fails leaves no file of that name."""
    head = [MAGIC, struct.pack("<IQQ", VERSION, len(tensors), len(metadata))]
    for key, kind, value in metadata:
        head += [pack_string(key), struct.pack("<I", kind), pack_value(kind, value)]
    offset = 0
    for name, array, kind in tensors:
        sizes = array.shape[::-1]  # GGUF names the fastest dimension first
        head += [pack_string(name), struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, offset)]
        offset += tensor_bytes(array.shape, kind)
        offset += -offset % ALIGNMENT
    partial = f"{path}.partial"
    try:
        with open(partial, "wb") as file:
            file.write(b"".join(head))
            for _, array, kind in tensors:
                file.write(bytes(-file.tell() % ALIGNMENT))
                file.write(encode_tensor(array, kind))
            file.write(bytes(-file.tell() % ALIGNMENT))
        os.replace(partial, path)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


class Reader:
    """Reads a GGUF file into `metadata` {key: value} and `tensors` {name: float32 array}."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.at = 0
        if self.take(4) != MAGIC:
            raise ValueError(f"{path} is not a GGUF file")
        version, tensor_count, key_count = self.unpack("<IQQ")
        if version != VERSION:
            raise ValueError(f"{path} is GGUF version {version}, expected {VERSION}")
        self.metadata = dict(self.entry() for _ in range(key_count))
        described = [self.describe() for _ in range(tensor_count)]
        base = self.at + -self.at % self.metadata.get("general.alignment", ALIGNMENT)
        self.tensors = {name: decode_tensor(memoryview(self.data)[base + offset:], shape, kind)
                        for name, shape, kind, offset in described}

    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def unpack(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def string(self):
        return self.take(self.unpack("<Q")[0]).decode("utf-8")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, count = self.unpack("<IQ")
            return [self.value(element) for _ in range(count)]
        return self.unpack(SCALARS[kind])[0]

    def entry(self):
        key = self.string()
        return key, self.value(self.unpack("<I")[0])

    def describe(self):
        name, (rank,) = self.string(), self.unpack("<I")
        sizes = self.unpack(f"<{rank}Q")
        kind, offset = self.unpack("<IQ")
        return name, sizes[::-1], kind, offset
