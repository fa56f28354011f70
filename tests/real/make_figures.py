#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes figures.json: what llama.cpp says to the prompts with the models that fetch.py got, and their perplexities.

What it says is of a copy of the model in F32: with quantised matrices it rounds activations to 8 bits, which moves its
log-probabilities by up to 0.3, turns its choices, and makes perplexities 0.2 to 0.4 % larger.

    python3 make_figures.py --source LLAMA_CPP --build BUILD --models FOLDER --text wiki.valid.raw --version TEXT

BUILD is a CMake build of LLAMA_CPP with llama-perplexity and llama-quantize. The first model is also quantised
into every type of requantise.py, with less text. The file is written after each figure, and a run goes on from
what it has of the same version.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile

import common
import requantise


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


def requantised(build, model, arguments, text, folder):
    path, exact = folder / "requantised.gguf", folder / "exact.gguf"
    requantise.quantise(build / "bin/llama-quantize", model, path, arguments)
    requantise.quantise(build / "bin/llama-quantize", path, exact, ["F32"])
    figure = {"sha256": common.sha256(path), "perplexity": perplexity(build, exact, text)}
    path.unlink()
    exact.unlink()
    return figure


def save(figures, what):
    common.FIGURES.write_text(common.to_json(figures), encoding="utf-8")
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
        short_text = common.perplexity_text(options.text, folder, requantise.BYTES)
        paths = {model["name"]: common.model_path(options.models, model) for model in common.models()}
        for name, path in paths.items():
            figure = figures["models"].setdefault(name, {})
            exact = folder / "exact.gguf"
            requantise.quantise(options.build / "bin/llama-quantize", path, exact, ["F32"])
            if "perplexity" not in figure:
                figure["perplexity"] = perplexity(options.build, exact, text)
                save(figures, f"{name}: perplexity")
            if "prompts" not in figure:
                figure["prompts"] = run_prompts(program, exact, folder)
                save(figures, f"{name}: prompts")
            exact.unlink()
        first = next(iter(paths.values()))
        for name, arguments in requantise.TYPES.items():
            if name not in figures["requantised"]:
                figures["requantised"][name] = requantised(options.build, first, arguments, short_text, folder)
                save(figures, name)


if __name__ == "__main__":
    main()
