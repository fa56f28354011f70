# SPDX-License-Identifier: Apache-2.0
"""What llama-quantize makes of the first model, so that weights of every type are compared."""

import re
import struct
import subprocess

BYTES = 20000  # of WikiText-2's raw validation split: few, for there are many types
IMPORTANCE = "importance.dat"


def _matrices(type_name):
    """All matrices of layers in the type."""
    return ["--tensor-type", f"attn_.*={type_name}", "--tensor-type", f"ffn_.*={type_name}", "Q8_0"]


def _wide(type_name):
    """The matrices whose rows are whole blocks of 256, which are those of the feed-forward blocks' ends."""
    return ["--imatrix", IMPORTANCE, "--tensor-type", f"ffn_down={type_name}", "Q8_0"]


# What llama-quantize is told of each type. It puts other types where rows are no whole blocks.
TYPES = {kind: [kind] for kind in "F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 IQ4_NL IQ4_XS".split()}
TYPES |= {kind: [kind] for kind in "Q3_K_M Q4_K_M Q5_K_M Q6_K".split()}
TYPES |= {name: _matrices(name) for name in "MXFP4 NVFP4".split()}
TYPES |= {name: _wide(name) for name in "Q2_K Q3_K IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ3_XXS IQ3_S TQ1_0 TQ2_0".split()}


def _run(program, folder, *arguments):
    command = [program, "--allow-requantize", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)


def _write_importance(program, model, folder):
    """All weights matter alike. llama-quantize writes the name of the file into the models that it makes with it."""
    told = _run(program, folder, "--dry-run", model, "F32")
    rows = re.findall(r"(\S+\.ffn_down\.weight) +- +\[ *(\d+),", told.stdout + told.stderr)
    with open(folder / IMPORTANCE, "wb") as file:
        file.write(struct.pack("<i", len(rows)))
        for name, columns in rows:
            file.write(struct.pack("<i", len(name)) + name.encode())
            file.write(struct.pack(f"<ii{columns}f", 1, int(columns), *[1.0] * int(columns)))


def quantise(program, model, target, arguments):
    """Makes `target` of a model."""
    program, model = program.resolve(), model.resolve()
    if IMPORTANCE in arguments:
        _write_importance(program, model, target.parent)
    options, kind = arguments[:-1], arguments[-1]
    _run(program, target.parent, *options, model, target, kind)
