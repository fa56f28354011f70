#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data/weights.bin: blocks of every weight type, and what the package `gguf` makes of them.

For each type: its number, bytes of a block, weights of a block, blocks (uint32 each); the blocks;
their weights (float32). The first blocks are random; the others have scales that are hard to keep.
"""
import pathlib

import gguf
import numpy as np

TYPES = (
    "F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS MXFP4 NVFP4 "
    "TQ1_0 TQ2_0 IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ3_XXS IQ3_S"
).split()
# Where halves are: scale, minimum. Types without an entry have none in one piece.
HALVES = {
    **dict.fromkeys("Q4_0 Q5_0 Q8_0 IQ4_NL IQ4_XS IQ1_S IQ2_XXS IQ2_XS IQ2_S IQ3_XXS IQ3_S".split(), (0,)),
    **dict.fromkeys("Q4_1 Q5_1 Q4_K Q5_K".split(), (0, 2)),
    "Q2_K": (80, 82),
    "Q3_K": (108,),
    "Q6_K": (208,),
    "TQ1_0": (52,),
    "TQ2_0": (64,),
}
# Subnormal, largest, infinite, no number; ordinary ones for what else a block has.
HARD = [(0x0001, 0x83FF), (0xFBFF, 0x7BFF), (0x7C00, 0x3C00), (0x3555, 0x7E01)]


def main():
    random = np.random.default_rng(18)
    parts = []
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name]
        weights, size = gguf.GGML_QUANT_SIZES[kind]
        count = 2 + len(HARD) if weights > 1 else 64
        blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
        for block, halves in zip(blocks[2:], HARD):
            for place, half in zip(HALVES.get(name, ()), halves):
                block[place : place + 2] = half & 255, half >> 8
        if name in ("MXFP4", "NVFP4"):
            scales = 1 if name == "MXFP4" else 4
            blocks[2:, :scales] = np.array([[0, 1, 127, 255], [1, 7, 8, 126], [127, 128, 255, 136], [254, 2, 0, 9]])[:, :scales]
        with np.errstate(all="ignore"):
            values = gguf.quants.dequantize(blocks, kind).astype("<f4")
        parts += [np.array([kind, size, weights, count], "<u4").tobytes(), blocks.tobytes(), values.tobytes()]
    (pathlib.Path(__file__).parent / "data" / "weights.bin").write_bytes(b"".join(parts))


main()
