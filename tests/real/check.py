#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the program with figures.json, which llama.cpp gave for the same files.

    python3 check.py --alisa PROGRAM --models FOLDER [--text wiki.valid.raw] [--llama-quantize PROGRAM] [--only WORD]

Prints a line a comparison, and at the end the worst of each kind. Exit code 1 if one is outside its limit.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import common

CLOSE = 0.05  # llama.cpp's choices that lead the next by less may turn
LOGPROB_LIMIT = 0.05
PERPLEXITY_LIMIT = 0.001
REQUANTISED_LIMIT = 0.002
failures = 0


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

    def perplexity(self, model, text):
        return json.loads(self.run("eval", "perplexity", "-m", model, "-f", text, "-c", 2048, "-o", "json"))["perplexity"]


def agreed_length(ours, theirs):
    """How many greedy tokens are equal, and whether llama.cpp was sure of the first that is not."""
    for index, ((our_id, _), (their_id, _, margin)) in enumerate(zip(ours, theirs)):
        if our_id != their_id:
            return index, margin >= CLOSE
    return min(len(ours), len(theirs)), False


def check_prompt(program, path, name, text, figures, folder):
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
    text = f"{len(tokens)} tokens, {agreed} greedy ones equal{end}; log-probabilities within {worst:.4f}, median {median:.4f}"
    say(not sure and worst <= LOGPROB_LIMIT, name, text)


def check_perplexity(program, path, text, name, theirs, limit):
    ours = program.perplexity(path, text)
    say(abs(ours / theirs - 1) <= limit, name, f"perplexity {ours:.4f}, llama.cpp's {theirs:.4f}, {100 * (ours / theirs - 1):+.3f} %")


def check_requantised(program, quantise, source, text, figures, folder):
    for type_name, figure in figures.items():
        if not figure:
            print(f"skipped: {type_name}: llama-quantize does not make it without an importance matrix")
            continue
        name, path = f"as {type_name}", folder / f"{type_name}.gguf"
        subprocess.run([quantise, "--allow-requantize", source, path, type_name], capture_output=True, check=True)
        if common.sha256(path) != figure["sha256"]:
            say(False, name, "llama-quantize makes another file than that of figures.json")
        else:
            try_to(name, check_perplexity, program, path, text, name, figure["perplexity"], REQUANTISED_LIMIT)
        path.unlink()


def try_to(name, check, *arguments):
    """A program that refuses a model is a failure like any other."""
    try:
        check(*arguments)
    except RuntimeError as error:
        say(False, name, error)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alisa", required=True)
    parser.add_argument("--models", required=True, help="the folder of fetch.py")
    parser.add_argument("--text", help="WikiText-2's raw validation split")
    parser.add_argument("--llama-quantize", help="of the llama.cpp that figures.json is of")
    parser.add_argument("--only", default="", help="names of comparisons have this in them")
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
            for missing in {"prompts", "perplexity"} - theirs.keys():
                print(f"skipped: {model['title']}: figures.json has no {missing} of it")
            for prompt, expected in theirs.get("prompts", {}).items():
                name = f"{model['name']}, {prompt}"
                if options.only in name:
                    try_to(name, check_prompt, program, path, name, texts[prompt], expected, folder)
            name = f"{model['name']}, WikiText-2"
            if text and "perplexity" in theirs and options.only in name:
                expected = theirs["perplexity"]
                try_to(name, check_perplexity, program, path, text, name, expected, PERPLEXITY_LIMIT)
        if not options.llama_quantize:
            print("skipped: other types: no --llama-quantize")
        elif text and options.only in "requantised":
            source = common.model_path(options.models, common.models()[0])
            check_requantised(program, options.llama_quantize, source, text, figures["requantised"], folder)
    print(f"{failures} of the comparisons failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
