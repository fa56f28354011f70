#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the program with figures.json, which llama.cpp gave for the same files.

    python3 check.py --alisa PROGRAM --models FOLDER [--text wiki.valid.raw] [--llama-quantize PROGRAM] [--only WORD] [--write]

Prints a line a comparison. Exit code 1 if one is outside its limit. With --write what was found takes the place of what
found.json has of the same comparisons; docs/models.md says what is there.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import common
import requantise

CLOSE = 0.05  # llama.cpp's choices that lead the next by less may turn
LOGPROB_LIMIT = 0.05
PERPLEXITY_LIMIT = 0.001
REQUANTISED_LIMIT = 0.002
failures = 0
found = []  # (path of words in found.json, what it has there)


def say(good, what, text):
    global failures
    failures += not good
    print(f"{'ok    ' if good else 'FAILED'} {what}: {text}", flush=True)


class Program:
    def __init__(self, path):
        self.path = path

    def run(self, *arguments):
        command = [self.path, *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
        if result.returncode:
            raise RuntimeError(result.stderr.strip().splitlines()[-1] if result.stderr else f"exit code {result.returncode}")
        return result.stdout

    def tokenize(self, model, path):
        return json.loads(self.run("tokenize", "-m", model, "-f", path, "--ids"))

    def log_probabilities(self, model, tokens, predict):
        """[(id, log-probability)] of tokens after the first, then of greedy ones."""
        ids = ",".join(map(str, tokens))
        context = len(tokens) + predict
        options = ["-n", predict, "-c", context, "-ctk", "f32", "-ctv", "f32", "-o", "json"]
        text = self.run("eval", "logprobs", "-m", model, "--tokens", ids, *options)
        return [(one["id"], one["logprob"]) for one in json.loads(text)["tokens"]]

    def inspect(self, model):
        return json.loads(self.run("inspect", model, "-o", "json"))

    def perplexity(self, model, text):
        return json.loads(self.run("eval", "perplexity", "-m", model, "-f", text, "-c", 2048, "-o", "json"))["perplexity"]


def agreed_length(ours, theirs):
    """How many greedy tokens are equal, and whether llama.cpp was sure of the first that is not."""
    for index, ((our_id, _), (their_id, _, margin)) in enumerate(zip(ours, theirs)):
        if our_id != their_id:
            return index, margin >= CLOSE
    return min(len(ours), len(theirs)), False


def check_prompt(program, path, name, place, text, figures, folder):
    prompt = folder / "prompt"
    prompt.write_bytes(text.encode())
    tokens = program.tokenize(path, prompt)
    if tokens != figures["tokens"]:
        say(False, name, f"{len(tokens)} tokens, not the {len(figures['tokens'])} of llama.cpp")
        return
    scored = program.log_probabilities(path, tokens, common.PREDICT)
    prompt_part, greedy = scored[: len(tokens) - 1], scored[len(tokens) - 1 :]
    agreed, sure = agreed_length(greedy, figures["greedy"])
    pairs = [(ours, theirs) for (_, ours), theirs in zip(prompt_part, figures["logprobs"], strict=True)]
    pairs += [(ours[1], theirs[1]) for ours, theirs in zip(greedy[:agreed], figures["greedy"])]
    differences = sorted(abs(ours - theirs) for ours, theirs in pairs)
    worst, median = differences[-1], differences[len(differences) // 2]
    end = "" if agreed == common.PREDICT else ", where llama.cpp's best two are " + ("apart" if sure else "close")
    found.append((place, {"tokens": len(tokens), "greedy": agreed, "sure": sure, "worst": round(worst, 5)}))
    text = f"{len(tokens)} tokens, {agreed} greedy ones equal{end}; log-probabilities within {worst:.4f}, median {median:.4f}"
    say(not sure and worst <= LOGPROB_LIMIT, name, text)


def check_perplexity(program, path, text, name, place, theirs, limit):
    ours = program.perplexity(path, text)
    found.append(((*place, "perplexity"), round(ours, 4)))
    say(abs(ours / theirs - 1) <= limit, name, f"perplexity {ours:.4f}, llama.cpp's {theirs:.4f}, {100 * (ours / theirs - 1):+.3f} %")


def check_requantised(program, name, place, path, text, figure):
    if common.sha256(path) != figure["sha256"]:
        say(False, name, "llama-quantize makes another file than that of figures.json")
        return
    weights = {}
    for tensor in program.inspect(path)["tensors"]:
        if len(tensor["dimensions"]) > 1:
            weights[tensor["type"]] = weights.get(tensor["type"], 0) + math.prod(tensor["dimensions"])
    found.append(((*place, "weights"), weights))
    check_perplexity(program, path, text, name, place, figure["perplexity"], REQUANTISED_LIMIT)


def check_types(program, quantise, source, text, figures, only, folder):
    """The first model in every type."""
    for type_name, arguments in requantise.TYPES.items():
        name, path = f"as {type_name}", folder / "requantised.gguf"
        if only not in name:
            continue
        if type_name not in figures:
            print(f"skipped: {name}: figures.json has nothing of it")
            continue
        requantise.quantise(quantise, source, path, arguments)
        try_to(name, check_requantised, program, name, ("requantised", type_name), path, text, figures[type_name])
        path.unlink()


def try_to(name, check, *arguments):
    """A program that refuses a model is a failure like any other."""
    try:
        check(*arguments)
    except RuntimeError as error:
        say(False, name, error)


def write_found():
    everything = common.read_json(common.FOUND) if common.FOUND.exists() else {}
    for path, what in found:
        level = everything
        for word in path[:-1]:
            level = level.setdefault(word, {})
        level[path[-1]] = what
    common.FOUND.write_text(common.to_json(everything), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alisa", required=True)
    parser.add_argument("--models", required=True, help="the folder of fetch.py")
    parser.add_argument("--text", help="WikiText-2's raw validation split")
    parser.add_argument("--llama-quantize", type=pathlib.Path, help="of the llama.cpp that figures.json is of")
    parser.add_argument("--only", default="", help="names of comparisons have this in them")
    parser.add_argument("--write", action="store_true", help="put what was found into found.json")
    options = parser.parse_args()
    figures, program, texts = common.read_json(common.FIGURES), Program(options.alisa), common.prompts()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        text = None
        if options.text and pathlib.Path(options.text).exists():
            text = common.perplexity_text(options.text, folder)
            if common.sha256(text) != figures["text"]:
                sys.exit(f"{options.text} is another text than that of figures.json")
        else:
            print("skipped: perplexities: WikiText-2's raw validation split is not there")
        for model in common.models():
            path, theirs = common.model_path(options.models, model), figures["models"].get(model["name"], {})
            if not path.exists():
                print(f"skipped: {model['title']}: {path} is not there")
                continue
            place = ("models", model["name"])
            keys = {key["name"]: key["value"] for key in program.inspect(path)["keys"]}
            found.append(((*place, "architecture"), keys["general.architecture"]))
            for missing in {"prompts", "perplexity"} - theirs.keys():
                print(f"skipped: {model['title']}: figures.json has no {missing} of it")
            for prompt, expected in theirs.get("prompts", {}).items():
                name = f"{model['name']}, {prompt}"
                if options.only in name:
                    where = (*place, "prompts", prompt)
                    try_to(name, check_prompt, program, path, name, where, texts[prompt], expected, folder)
            name = f"{model['name']}, WikiText-2"
            if text and "perplexity" in theirs and options.only in name:
                expected = theirs["perplexity"]
                try_to(name, check_perplexity, program, path, text, name, place, expected, PERPLEXITY_LIMIT)
        if not options.llama_quantize:
            print("skipped: other types: no --llama-quantize")
        elif text:
            source = common.model_path(options.models, common.models()[0])
            text = common.perplexity_text(options.text, folder, requantise.BYTES)
            check_types(program, options.llama_quantize, source, text, figures["requantised"], options.only, folder)
    if options.write:
        write_found()
    print(f"{failures} of the comparisons failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
