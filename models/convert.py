#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a GGUF file from a folder of Hugging Face: config.json, *.safetensors and the tokenizer's files.

    python3 convert.py FOLDER OUTPUT.gguf [--type f32|f16|bf16|q8_0] [--pre NAME]

Needs numpy. Tensors are read and written one by one.
"""
import argparse
import os
import sys

import checkpoint
import gguf_file as gguf
import hugging_face
import hugging_face_tokenizer

TYPES = {"f32": (gguf.TENSOR_F32, 0), "f16": (gguf.TENSOR_F16, 1), "bf16": (gguf.TENSOR_BF16, 32),
         "q8_0": (gguf.TENSOR_Q8_0, 7)}  # of matrices, and of the file
NOT_TEXT = ("vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector.")


def text_model(config, tensors):
    """What a model of text and pictures has for text."""
    if "text_config" not in config:
        return config, tensors
    shared = {key: config[key] for key in ("tie_word_embeddings", "bos_token_id", "eos_token_id") if key in config}
    kept = {name: array for name, array in tensors.items() if not name.startswith(NOT_TEXT)}
    return {**shared, **config["text_config"]}, kept


def choose_type(name, array, matrices):
    """Rows that are no whole blocks are stored as halves."""
    kind = hugging_face.tensor_type(name, array.shape, matrices)
    return gguf.TENSOR_F16 if array.shape[-1] % gguf.BLOCKS[kind][0] else kind


def convert(folder, output, type_name, pre):
    config, tensors = text_model(*checkpoint.read(folder))
    keys, tensors = hugging_face.convert(config, tensors)
    matrices, file_type = TYPES[type_name]
    name = os.path.basename(os.path.abspath(folder))
    keys += [
        ("general.name", gguf.STRING, name),
        ("general.file_type", gguf.U32, file_type),
        ("general.quantization_version", gguf.U32, 2),
        ("general.alignment", gguf.U32, gguf.ALIGNMENT),
    ]
    keys += hugging_face_tokenizer.convert(folder, config, pre)
    typed = [(name, array, choose_type(name, array, matrices)) for name, array in tensors.items()]
    gguf.write(output, keys, typed)
    others = sum(kind == gguf.TENSOR_F16 != matrices for _, _, kind in typed)
    print(f"{output}: {len(typed)} tensors, {os.path.getsize(output)} bytes" +
          (f"; {others} as F16, because their rows are no whole blocks" if others else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("output")
    parser.add_argument("--type", choices=TYPES, default="f16", help="of matrices; norms and biases are f32 (default: f16)")
    parser.add_argument("--pre", metavar="NAME", help="tokenizer.ggml.pre, where tokenizer.json is not understood")
    options = parser.parse_args()
    try:
        convert(options.folder, options.output, options.type, options.pre)
    except (hugging_face.Unsupported, OSError, ValueError) as error:
        sys.exit(f"convert.py: {error}")
    except KeyError as error:
        sys.exit(f"convert.py: {options.folder}: config.json or a tokenizer's file lacks {error}")


if __name__ == "__main__":
    main()
