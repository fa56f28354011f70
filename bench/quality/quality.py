#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Quality over KV sparsity: perplexity, divergence from dense f16, and recall of distant facts.

Runs `alisa eval perplexity` and `alisa eval recall` for every selector, type of cache and sparsity, and writes
OUTPUT.csv (a row a measurement, written as it comes), OUTPUT.json (what was run, on what, when) and OUTPUT.svg.
Needs nothing but Python 3.
"""
import argparse
import csv
import datetime
import hashlib
import json
import math
import os
import subprocess
import sys
import time

import chart

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# What a selector is on the command line; all but dense also get --kv-sparsity.
SELECTORS = {
    "dense": [],
    "swa": ["--attention", "swa", "--swa-window", "0"],
    "swa-64": ["--attention", "swa", "--swa-window", "64"],
    "swa-dense": ["--attention", "swa", "--swa-window", "0", "--swa-scores", "dense"],
    "swa-query": ["--attention", "swa", "--swa-scores", "query"],
    "swa-query-32": ["--attention", "swa", "--swa-scores", "query", "--kv-keep", "32"],  # as --policy alisa has it
    "swa-heads": ["--attention", "swa", "--swa-window", "0", "--swa-lists", "kv-head"],
    "swa-query-heads": ["--attention", "swa", "--swa-scores", "query", "--swa-lists", "kv-head"],
    "local": ["--attention", "local"],
    "strided": ["--attention", "strided"],
    "h2o": ["--attention", "h2o"],
    "random": ["--attention", "random"],
}

KEYS = ["selector", "kv_type", "kv_sparsity"]
FIELDS = KEYS + ["perplexity", "perplexity_error", "kl_mean", "kl_error", "kl_maximum", "same_top", "tokens",
                 "recall", "recalled", "asked", "seconds"]

PANELS = [
    chart.Panel("perplexity", "perplexity of held-out text", logarithmic=True),
    chart.Panel("kl_mean", "mean KL divergence from dense f16 (nats)", logarithmic=True),
    chart.Panel("recall", "recalled facts", share=True),
]


def evaluate(options, kind, flags):
    """One `alisa eval` command; its JSON. What the program says when it fails ends this one too."""
    command = [options.alisa, "eval", kind, "-m", options.model, "-o", "json", "--batch", str(options.batch)] + flags
    if options.device:
        command += ["--device", options.device]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sentence = result.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        sys.exit(f"quality: {' '.join(command)}: exit code {result.returncode}: {sentence[0]}")
    return json.loads(result.stdout)


def measure(options, selector, kv_type, sparsity):
    """The row of one point, and the name of the device."""
    started = time.monotonic()
    flags = ["-ctk", kv_type, "-ctv", kv_type]
    if selector != "dense":
        # Row by row, or a prompt would be attended densely and show nothing.
        flags += ["--kv-sparsity", f"{sparsity / 100:g}", "--kv-keep", str(options.keep), "--step-by-step"]
    flags += SELECTORS[selector]  # the last of a flag counts
    text = evaluate(options, "perplexity", flags + ["-f", options.text, "--documents", "--kl-divergence",
                                                    "--chunks", str(options.chunks)])
    facts = evaluate(options, "recall", flags + ["-f", options.questions, "--limit", str(options.limit)])
    divergence = text["kl_divergence"]
    values = [selector, kv_type, sparsity, text["perplexity"], text["perplexity_error"], divergence["mean"],
              divergence["error"], divergence["maximum"], divergence["same_top"], text["tokens"], facts["share"],
              facts["recalled"], facts["asked"], round(time.monotonic() - started, 1)]
    return dict(zip(FIELDS, values)), text["device"]


def points(options):
    """Dense first, once for each type: at sparsity 0 every selector keeps all tokens."""
    for kv_type in options.types:
        if "dense" in options.selectors:
            yield "dense", kv_type, 0
        for selector in options.selectors:
            for sparsity in options.sparsities:
                if selector != "dense" and sparsity > 0:
                    yield selector, kv_type, sparsity


def file_facts(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return {"name": os.path.basename(path), "bytes": os.path.getsize(path), "sha256": digest.hexdigest()}


def output_of(*command):
    try:
        return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def write_manifest(options, device):
    changed = output_of("git", "status", "--porcelain", "--untracked-files=no")
    manifest = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "command": " ".join(["python3"] + sys.argv),
        "version": output_of(os.path.abspath(options.alisa), "--version"),
        "commit": output_of("git", "rev-parse", "HEAD"),
        "commit_changed": bool(changed),
        "device": device,
        "model": file_facts(options.model),
        "text": file_facts(options.text),
        "questions": file_facts(options.questions),
        "tokens_kept_at_least": options.keep,
        "documents": options.chunks,
        "questions_asked": options.limit,
    }
    with open(options.output + ".json", "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=2)
        file.write("\n")


def read_rows(path):
    if not os.path.exists(path):
        return []
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{name: value if name in ("selector", "kv_type") else float(value) for name, value in row.items()}
            for row in rows]


def write_rows(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: f"{value:.9g}" if isinstance(value, float) else value
                             for name, value in row.items()})


def lines(rows):
    """For the chart: (selector, type) -> rows by sparsity, each beginning at the dense point of its type."""
    result = {}
    for row in rows:
        result.setdefault((row["selector"], row["kv_type"]), []).append(row)
    for (selector, kv_type), line in result.items():
        if selector != "dense":
            line += [dict(row) for row in rows if row["selector"] == "dense" and row["kv_type"] == kv_type]
        line.sort(key=lambda row: row["kv_sparsity"])
    return result


def names(allowed):
    def parse(text):
        chosen = text.split(",")
        unknown = [name for name in chosen if allowed and name not in allowed]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(allowed)}")
        return chosen
    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    models = os.path.join(ROOT, "models")
    parser.add_argument("-m", "--model", default=os.path.join(models, "stories.gguf"))
    parser.add_argument("--text", default=os.path.join(models, "heldout.txt"), help="texts between end tokens")
    parser.add_argument("--questions", default=os.path.join(models, "recall.jsonl"))
    parser.add_argument("--alisa", default=os.path.join(ROOT, "build", "src", "cli", "alisa"), help="the program")
    parser.add_argument("--selectors", type=names(SELECTORS), default=["dense"],
                        help=f"of {','.join(SELECTORS)} (default: dense)")
    parser.add_argument("--types", type=names(None), default=["f16"], help="of -ctk and -ctv (default: f16)")
    parser.add_argument("--sparsities", type=lambda text: [int(part) for part in text.split(",")],
                        default=[0, 20, 40, 60, 80, 90], help="percent (default: 0,20,40,60,80,90)")
    parser.add_argument("--keep", type=int, default=0, help="tokens that are kept at least (default: 0)")
    parser.add_argument("--chunks", type=int, default=-1, help="texts to score (default: all)")
    parser.add_argument("--limit", type=int, default=-1, help="questions to ask (default: all)")
    parser.add_argument("--batch", type=int, default=32, help="sequences together (default: 32)")
    parser.add_argument("--device", help="as alisa takes it")
    parser.add_argument("--resume", action="store_true", help="keep the rows that OUTPUT.csv has")
    parser.add_argument("--plot-only", action="store_true", help="draw OUTPUT.svg from OUTPUT.csv again")
    parser.add_argument("-o", "--output", default="quality", help="path without its ending (default: quality)")
    return parser.parse_args()


def main():
    options = parse_arguments()
    rows = read_rows(options.output + ".csv") if options.resume or options.plot_only else []
    known = {tuple(row[name] for name in KEYS) for row in rows}
    for point in [] if options.plot_only else points(options):
        if point in known:
            continue
        row, device = measure(options, *point)
        rows.append(row)
        write_rows(options.output + ".csv", rows)
        write_manifest(options, device)
        print(f"{row['selector']:16} {row['kv_type']:5} {row['kv_sparsity']:3} %  perplexity {row['perplexity']:.4f}  "
              f"KL {row['kl_mean']:.3g}  recall {row['recalled']}/{row['asked']}  ({row['seconds']} s)", flush=True)
    rows = [row for row in rows if all(math.isfinite(row[panel.field]) for panel in PANELS)]
    if not rows:
        sys.exit(f"quality: nothing to draw in {options.output}.csv")
    with open(options.output + ".svg", "w", encoding="utf-8") as file:
        file.write(chart.draw(PANELS, lines(rows), "kv_sparsity", "KV sparsity (%)"))


if __name__ == "__main__":
    main()
