#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes figures.json: what llama.cpp says to the prompts with the models that fetch.py got, and their perplexities.

What it says is of a copy of the model in F32: with quantised matrices it rounds activations to 8 bits, which moves its
log-probabilities by up to 0.3, turns its choices, and makes perplexities 0.2 to 0.4 % larger.

    python3 make_figures.py --source LLAMA_CPP --build BUILD --models FOLDER --text wiki.valid.raw --version TEXT

BUILD is a CMake build of LLAMA_CPP with llama-perplexity and llama-quantize. The first model is also quantised
into every other type that llama-quantize makes without an importance matrix. The file is written after each of
these, and a run goes on from what it has of the same version.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile

import common

# Those of llama-quantize that need no importance matrix.
TYPES = (
    "F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K_S Q3_K_M Q4_K_S Q4_K_M Q5_K_M Q6_K IQ4_NL IQ4_XS IQ3_S IQ3_XXS TQ1_0 TQ2_0"
).split()


def compile_program(source, build, folder):
    program, libraries = folder / "llama_figures", build / "bin"
    subprocess.run(
        ["c++", "-O2", "-std=c++17", f"-I{source}/include", f"-I{source}/ggml/include", common.HERE / "llama_figures.cpp",
         "-o", program, f"-L{libraries}", "-lllama", "-lggml", "-lggml-base", f"-Wl,-rpath,{libraries}"],
        check=True,
    )
    return program


def run_prompts(program, model, folder):
    texts = common.prompts()
    paths = []
    for index, text in enumerate(texts.values()):
        paths.append(folder / f"prompt{index}")
        paths[-1].write_bytes(text.encode())
    command = [program, model, str(common.PREDICT), *paths]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(zip(texts, map(json.loads, lines), strict=True))


def perplexity(build, model, text):
    command = [build / "bin/llama-perplexity", "-m", model, "-f", text, "-c", "2048", "-t", "1"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(re.search(r"Final estimate: PPL = ([\d.]+)", result.stdout + result.stderr)[1])


def quantise(build, model, type_name, folder, prefix=""):
    target = folder / f"{prefix}{type_name}.gguf"
    command = [build / "bin/llama-quantize", "--allow-requantize", model, target, type_name]
    return target if subprocess.run(command, capture_output=True).returncode == 0 else None


def requantised(build, model, type_name, text, folder):
    """None: llama-quantize does not make the type."""
    path = quantise(build, model, type_name, folder)
    if not path:
        return None
    figure = {"sha256": common.sha256(path)}
    exact = quantise(build, path, "F32", folder, "exact-")
    figure["perplexity"] = perplexity(build, exact, text)
    path.unlink()
    exact.unlink()
    return figure


def to_json(figures):
    """A prompt, and a type, a line."""
    return re.sub(r' ?("[^"]+": \{)', r"\n\1", json.dumps(figures, ensure_ascii=False)) + "\n"


def save(figures, what):
    common.FIGURES.write_text(to_json(figures), encoding="utf-8")
    print(what, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("source", "build", "models", "text"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--version", required=True, help="of llama.cpp")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        program = compile_program(options.source, options.build, folder)
        text = common.perplexity_text(options.text, folder)
        figures = {"llama.cpp": options.version, "text": common.sha256(text), "models": {}, "requantised": {}}
        if common.FIGURES.exists() and common.read_json(common.FIGURES)["llama.cpp"] == options.version:
            figures = common.read_json(common.FIGURES)
        paths = {model["name"]: common.model_path(options.models, model) for model in common.models()}
        for name, path in paths.items():
            figure = figures["models"].setdefault(name, {})
            exact = quantise(options.build, path, "F32", folder)
            if "perplexity" not in figure:
                figure["perplexity"] = perplexity(options.build, exact, text)
                save(figures, f"{name}: perplexity")
            if "prompts" not in figure:
                figure["prompts"] = run_prompts(program, exact, folder)
                save(figures, f"{name}: prompts")
            exact.unlink()
        first = next(iter(paths.values()))
        for type_name in TYPES:
            if type_name not in figures["requantised"]:
                figures["requantised"][type_name] = requantised(options.build, first, type_name, text, folder)
                save(figures, type_name)


if __name__ == "__main__":
    main()
