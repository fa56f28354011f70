#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes weight_grids.c: the codebooks of the types IQ1 to IQ3, taken from the package `gguf`."""
import pathlib

import gguf.quants as quants

GRIDS = {
    "iq1": (quants.IQ1_S, 2),
    "iq2_xxs": (quants.IQ2_XXS, 2),
    "iq2_xs": (quants.IQ2_XS, 2),
    "iq2_s": (quants.IQ2_S, 2),
    "iq3_xxs": (quants.IQ3_XXS, 4),
    "iq3_s": (quants.IQ3_S, 4),
}


def entries(kind, bits):
    """The places of an entry's numbers in the kind's list of them, `bits` each, lowest first."""
    kind.init_grid()
    places = {value: place for place, value in enumerate(kind.grid_map)}
    for row in kind.grid.reshape(kind.grid_shape):
        yield sum(places[int(value)] << bits * i for i, value in enumerate(row))


def main():
    text = "/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by make_weight_grids.py. */\n"
    text += '#include "base/weight_blocks.h"\n'
    for name, (kind, bits) in GRIDS.items():
        numbers = [f"0x{entry:04x}," for entry in entries(kind, bits)]
        text += f"\nconst uint16_t alisa_grid_{name}[{len(numbers)}] = {{\n"
        for i in range(0, len(numbers), 12):
            text += "    " + " ".join(numbers[i : i + 12]) + "\n"
        text += "};\n"
    (pathlib.Path(__file__).parent / "weight_grids.c").write_text(text)


main()
