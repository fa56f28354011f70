# SPDX-License-Identifier: Apache-2.0
"""GGUF v3: a writer and a reader of what the default model needs (F32, F16 and Q8_0 tensors)."""
import struct

import numpy

MAGIC, VERSION, ALIGNMENT = b"GGUF", 3, 32
U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10
SCALARS = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?", U64: "<Q"}
TENSOR_F32, TENSOR_F16, TENSOR_Q8_0 = 0, 1, 8
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


def encode_tensor(array, kind):
    if kind == TENSOR_F32:
        return array.astype("<f4").tobytes()
    if kind == TENSOR_F16:
        return array.astype("<f2").tobytes()
    return to_q8_0(array).tobytes()


def decode_tensor(data, shape, kind):
    count = int(numpy.prod(shape))
    if kind == TENSOR_Q8_0:
        blocks = numpy.frombuffer(data, Q8_BLOCK, count // 32)
        values = blocks["scale"].astype(numpy.float32)[:, None] * blocks["values"].astype(numpy.float32)
    elif kind in (TENSOR_F32, TENSOR_F16):
        values = numpy.frombuffer(data, "<f4" if kind == TENSOR_F32 else "<f2", count).astype(numpy.float32)
    else:
        raise ValueError(f"tensor type {kind} is none of F32, F16, Q8_0")
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
    """metadata: [(key, type, value)], an array's value being (element type, items); tensors: [(name, array, type)]."""
    head = [MAGIC, struct.pack("<IQQ", VERSION, len(tensors), len(metadata))]
    for key, kind, value in metadata:
        head += [pack_string(key), struct.pack("<I", kind), pack_value(kind, value)]
    body, offset = [], 0
    for name, array, kind in tensors:
        data = encode_tensor(array, kind)
        sizes = array.shape[::-1]  # GGUF names the fastest dimension first
        head += [pack_string(name), struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, offset)]
        data += bytes(-len(data) % ALIGNMENT)
        body.append(data)
        offset += len(data)
    head = b"".join(head)
    with open(path, "wb") as file:
        file.write(head + bytes(-len(head) % ALIGNMENT))
        file.writelines(body)


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
