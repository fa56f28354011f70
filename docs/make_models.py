#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/models.md: what runs, as tests and measurements found it.

    python3 make_models.py --results BUILD/test-results [--check]

The folder is what ctest leaves when it runs the tests that `docs/models` needs (tests/results.h). Beside it are read
tests/real (published models beside llama.cpp) and bench/results/products.csv (bench_kernels). With --check the page is
not written; exit code 1 if it is another one than would be.
"""

import argparse
import csv
import difflib
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "models.md"
PRODUCTS = ROOT / "bench" / "results" / "products.csv"
NONE = "-"
SLOWER = 0.95  # what a measurement says within 5 % is equal

sys.path.insert(0, str(ROOT / "tests" / "real"))
import common  # noqa: E402  (of that folder)
import requantise  # noqa: E402


class Results:
    """Lines of tests: a word that says what they are about, then others."""

    def __init__(self, folder):
        self.lines = [line.split() for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]

    def of(self, what):
        """Each line once, in the order of the tests."""
        return list(dict.fromkeys(tuple(words[1:]) for words in self.lines if words[0] == what))


def table(header, rows, numbers=()):
    """Columns whose places are in `numbers` are aligned to the right."""
    rule = ["---:" if place in numbers else "---" for place in range(len(header))]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [header, rule, *rows])


def mark(good):
    return "yes" if good else NONE


# ---- Architectures ----------------------------------------------------------------------------------------------------


def models_of(results, what, architecture):
    return [model for name, model in results.of(what) if name == architecture]


def architecture_rows(results, real):
    rows = []
    for (name,) in results.of("architecture"):
        golden, sparse, tiers = (len(models_of(results, what, name)) or NONE for what in ("golden", "sparse", "tiers"))
        tried = [model["title"] for model in real if model["found"].get("architecture") == name]
        rows.append((name, golden, "; ".join(tried) or NONE, sparse, tiers))
    return rows


def architectures_not_run():
    """[(what the models are, names)] of the table in src/base/architecture.c."""
    source = (ROOT / "src/base/architecture.c").read_text(encoding="utf-8")
    block = re.search(r"\} others\[\] = \{(.*?)\n\};", source, re.DOTALL)[1]
    strings = re.findall(r'\{"([^"]*)",\s*\{([^}]*)\}\}', block)
    return [(kind, re.findall(r'"([^"]*)"', names)) for kind, names in strings]


# ---- Types ------------------------------------------------------------------------------------------------------------


def read_products():
    """What lines that begin with # say of the measurement, and its rows."""
    lines = PRODUCTS.read_text(encoding="utf-8").splitlines()
    about = " ".join(line[1:].strip() for line in lines if line.startswith("#"))
    return about, list(csv.DictReader(line for line in lines if not line.startswith("#")))


def speeds(products):
    """{(type, rows): times as fast as Q8_0}; products with both were measured in turn."""
    return {(row["type"], int(row["rows"])): float(row["ratio"]) for row in products}


def type_rows(results, requantised, measured):
    exact = {name for (name,) in results.of("exact")}
    products = set(results.of("product"))
    relative = speeds(measured)
    rows = []
    for name, bits, device_format, device_bits in results.of("repacked"):
        kinds = [word for word, kind in (("floats", "floats"), ("8 bits", "bytes")) if (device_format, kind) in products]
        used = [kind for kind, one in requantised.items() if name in one["found"].get("weights", {})]
        rows.append(
            (name, bits, device_format, device_bits, mark(name in exact), ", ".join(kinds) or NONE)
            + tuple(f"{relative[name, count]:.2f}" if (name, count) in relative else NONE for count in (1, 512))
            + (mark(used),)
        )
    return rows


# ---- Published models -------------------------------------------------------------------------------------------------


def published_models():
    figures, found = common.read_json(common.FIGURES), common.read_json(common.FOUND)
    real = []
    for model in common.models():
        name = model["name"]
        real.append(model | {"figures": figures["models"].get(name, {}), "found": found["models"].get(name, {})})
    types = found.get("requantised", {})
    requantised = {
        name: {"figures": figures["requantised"][name], "found": types[name]} for name in requantise.TYPES if name in types
    }
    return figures["llama.cpp"], real, requantised


def perplexity_cells(one):
    ours, theirs = one["found"]["perplexity"], one["figures"]["perplexity"]
    return f"{ours:.4f}", f"{theirs:.4f}", f"{100 * (ours / theirs - 1):+.3f} %"


def model_rows(real):
    rows = []
    for model in real:
        prompts = model["found"]["prompts"].values()
        turned = [prompt for prompt in prompts if prompt["greedy"] < common.PREDICT]
        rows.append(
            (
                model["title"],
                len(prompts),
                sum(prompt["tokens"] for prompt in prompts),
                f"{sum(prompt['greedy'] == common.PREDICT for prompt in prompts)} of {len(prompts)}",
                f"{sum(prompt['sure'] for prompt in turned)} of {len(turned)}",
                f"{max(prompt['worst'] for prompt in prompts):.4f}",
                *perplexity_cells(model),
            )
        )
    return rows


def requantised_rows(requantised):
    rows = []
    for name, one in requantised.items():
        weights = one["found"]["weights"]
        total = sum(weights.values())
        held = sorted(weights, key=weights.get, reverse=True)
        mixture = ", ".join(f"{100 * weights[kind] / total:.0f} % {kind}" for kind in held)
        rows.append((name, mixture, *perplexity_cells(one)))
    return rows


# ---- The page ---------------------------------------------------------------------------------------------------------


def left(results, real, requantised, measured):
    lines, slow = [], {}
    tried = {model["found"].get("architecture") for model in real}
    names = [name for (name,) in results.of("architecture")]
    lines.append("- No published file was tried: " + ", ".join(name for name in names if name not in tried) + ".")
    for what, words in (("golden", "golden"), ("sparse", "test of sparse attention"), ("tiers", "test of tiers")):
        without = [name for name in names if not models_of(results, what, name)]
        if without:
            lines.append(f"- No {words}: {', '.join(without)}.")
    held = {kind for one in requantised.values() for kind in one["found"]["weights"]}
    missing = [row[0] for row in results.of("repacked") if row[0] not in held]
    if missing:
        lines.append("- No perplexity beside llama.cpp: " + ", ".join(missing) + ".")
    for (name, rows), relative in speeds(measured).items():
        if relative < SLOWER:
            slow.setdefault(rows, []).append(name)
    lines += [f"- Slower than Q8_0 in products with {rows} row{'s' * (rows > 1)}: {', '.join(names)}." for rows, names in slow.items()]
    lines += [f"- Not run: {kind}: {', '.join(others)}." for kind, others in architectures_not_run()]
    return "\n".join(lines)


TEXT = """# What runs

This page is made by `docs/make_models.py` from what tests and measurements found; the test `docs/models` fails where it is
another one than they would make.

## Architectures

| column | says |
|---|---|
| goldens | so many tiny models with random weights, saved by Hugging Face transformers, give the log-probabilities of transformers in float32 within 0.001 (`golden/logprobs`) |
| published file | a file that people use agrees with llama.cpp, see below |
| sparse attention | with so many of the models attention to lists of all tokens is that without lists, and attention to a fifth of the tokens says something else (`golden/architectures`) |
| tiers | with keys and values in two places, device and host, both kinds of attention give the same bits as with all on the device (`golden/architectures`) |

Models whose layers all have a sliding window keep its tokens on the device, and choose none.

{architectures}

## Types of weights

| column | says |
|---|---|
| bits | of a weight, in the file |
| format, its bits | what a weight becomes on a device, and its bits there |
| exact | every value is that of Python's package `gguf` to the last bit, in the file and in the format (`unit/weight_type`, `unit/repack`) |
| products | kernels of the format agree with plain C: with activations as floats, and rounded to 16 bits (`kernels/matmul`, `kernels/matmul_int16`) |
| 1 row, 512 rows | speed of a product with a matrix of {shape} against Q8_0's ({device}) |
| in a model | perplexity beside llama.cpp, see below |

{types}

## Published models beside llama.cpp

llama.cpp ({version}) computes with a copy of each model in F32, which holds the same weights; keys and values are floats on both
sides. Why, and the files: [tests/real](../tests/real/README.md). `greedy`: prompts all {predict} of whose greedy tokens are equal; `turned`: of
the others, those that part where llama.cpp's best two logits are more than 0.05 apart; `apart`: the largest difference of a
log-probability, of all tokens up to there. Perplexities are of WikiText-2 in chunks of 2,048 tokens, of its first {size:,} bytes.

{models}

## {first} in every type

The model's weights as llama-quantize makes them of that file, with the mixture of types that came out; perplexity of the first
{small_size:,} bytes of WikiText-2.

{requantised}

## What is left

{left}
"""


def make_page(results):
    version, real, requantised = published_models()
    about, measured = read_products()
    return TEXT.format(
        architectures=table(
            ("architecture", "goldens", "published file", "sparse attention", "tiers"),
            architecture_rows(results, real),
            (1, 3, 4),
        ),
        types=table(
            ("type", "bits", "format", "its bits", "exact", "products", "1 row", "512 rows", "in a model"),
            type_rows(results, requantised, measured),
            (1, 3, 6, 7),
        ),
        shape=f"{measured[0]['outputs']} x {measured[0]['columns']}",
        device=about,
        version=version,
        models=table(
            ("model", "prompts", "their tokens", "greedy", "turned", "apart", "perplexity", "llama.cpp's", "difference"),
            model_rows(real),
            (1, 2, 3, 4, 5, 6, 7, 8),
        ),
        first=real[0]["title"].partition(",")[0],
        size=common.PERPLEXITY_BYTES,
        predict=common.PREDICT,
        small_size=requantise.BYTES,
        requantised=table(("asked for", "weights", "perplexity", "llama.cpp's", "difference"), requantised_rows(requantised), (2, 3, 4)),
        left=left(results, real, requantised, measured),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    page = make_page(Results(options.results))
    if not options.check:
        PAGE.write_text(page, encoding="utf-8")
        return
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), page.splitlines(True), "docs/models.md", "as it would be"))
    if old != page:
        sys.exit(f"docs/models.md is out of date: python3 docs/make_models.py --results {options.results}")


if __name__ == "__main__":
    main()
