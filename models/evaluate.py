#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a GGUF file as written: held-out loss and perplexity, recall by distance and kind, sample stories.

The forward pass is model.py in float32 on the dequantised tensors: the reference for every other engine.
"""
import argparse
import json
import math
import os

import torch

import gguf_file
from bpe import END, Tokenizer
from measure import recall_table, story_loss
from model import Llama, Shape
from story_generator import BINS, recall_set

HERE = os.path.dirname(os.path.abspath(__file__))


def load(path, device):
    """The model and the tokenizer of a GGUF file."""
    reader = gguf_file.Reader(path)
    keys = reader.metadata
    shape = Shape(len(keys["tokenizer.ggml.tokens"]), keys["llama.context_length"], keys["llama.embedding_length"],
                  keys["llama.block_count"], keys["llama.attention.head_count"], keys["llama.feed_forward_length"],
                  keys["llama.attention.layer_norm_rms_epsilon"], keys["llama.rope.freq_base"])
    model = Llama(shape)
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in reader.tensors.items()})
    return model.to(device).eval(), Tokenizer(keys["tokenizer.ggml.tokens"], keys["tokenizer.ggml.merges"])


@torch.no_grad()
def continue_text(model, tokenizer, prompt, limit, temperature, seed, device):
    """The prompt and what the model writes after it, until it ends the story or `limit` tokens; greedy at 0."""
    generator = torch.Generator(device="cpu").manual_seed(seed)
    ids = [tokenizer.end] + tokenizer.encode(prompt)
    for _ in range(min(limit, model.shape.context - len(ids))):
        logits = model(torch.tensor([ids], device=device))[0, -1].float().cpu()
        if temperature > 0:
            index = torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator).item()
        else:
            index = logits.argmax().item()
        if index == tokenizer.end:
            break
        ids.append(index)
    return tokenizer.decode(ids)


def report_recall(title, table):
    print(f"{title}\n{'':12} recalled   share  chance")
    rows = list(table["distance"].items()) + sorted(table["kind"].items()) + [("all", table["all"])]
    for name, (right, asked, chance) in rows:
        if asked:
            print(f"{name:12} {right:4}/{asked:<4} {right / asked:7.1%} {chance / asked:7.1%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default=os.path.join(HERE, "stories.gguf"))
    parser.add_argument("--questions", type=int, default=0, help="also ask so many freshly generated held-out questions")
    parser.add_argument("--seed", type=int, default=99)
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--prompt", default="Once upon a time")
    parser.add_argument("--predict", type=int, default=1200)
    parser.add_argument("--temperature", type=float, default=0.8)
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, tokenizer = load(options.model, device)

    with open(os.path.join(HERE, "heldout.txt"), encoding="utf-8") as file:
        loss, count = story_loss(model, file.read().split(END), tokenizer, device)
    print(f"heldout.txt: loss {loss:.4f}, perplexity {math.exp(loss):.4f} over {count} tokens, each story alone")
    with open(os.path.join(HERE, "recall.jsonl"), encoding="utf-8") as file:
        items = [json.loads(line) for line in file]
    report_recall("recall.jsonl", recall_table(model, items, tokenizer, device, BINS))
    if options.questions:
        items = recall_set(options.seed, "held-out", options.questions, tokenizer)
        report_recall(f"fresh questions, seed {options.seed}", recall_table(model, items, tokenizer, device, BINS))
    for index in range(options.samples):
        print(f"\n--- sample {index}, temperature {options.temperature}")
        print(continue_text(model, tokenizer, options.prompt, options.predict, options.temperature, index, device))


if __name__ == "__main__":
    main()
