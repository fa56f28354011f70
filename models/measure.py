# SPDX-License-Identifier: Apache-2.0
"""Held-out loss and recall of a model, used while training and by evaluate.py."""
import collections

import torch
from torch.nn import functional


@torch.no_grad()
def story_loss(model, texts, tokenizer, device):
    """Mean negative log-likelihood (nats a token) over stories, each alone: <end> story <end>; and the token count."""
    total, count = 0.0, 0
    for text in texts:
        ids = torch.tensor([tokenizer.end] + tokenizer.encode(text) + [tokenizer.end], device=device)
        logits = model(ids[None, :-1])[0].float()
        total += functional.cross_entropy(logits, ids[1:], reduction="sum").item()
        count += len(ids) - 1
    return total / count, count


@torch.no_grad()
def is_recalled(model, item, tokenizer, device):
    """Whether greedy decoding writes the answer: every answer token is the most likely one after those before it."""
    prompt = [tokenizer.end] + tokenizer.encode(item["prompt"])
    answer = tokenizer.encode(" " + item["answer"])
    logits = model(torch.tensor([prompt + answer[:-1]], device=device))[0, len(prompt) - 1:]
    return logits.argmax(-1).tolist() == answer


def recall_table(model, items, tokenizer, device, bins):
    """{"distance": {...}, "kind": {...}, "all": ...}: each entry [recalled, asked, chance summed]."""
    table = {"distance": collections.OrderedDict(), "kind": {}, "all": [0, 0, 0.0]}
    for low, high in bins:
        table["distance"][f"{low}-{high}"] = [0, 0, 0.0]
    for item in items:
        place = next(f"{low}-{high}" for low, high in bins if low <= item["distance"] < high)
        right = is_recalled(model, item, tokenizer, device)
        for entry in (table["distance"][place], table["kind"].setdefault(item["kind"], [0, 0, 0.0]), table["all"]):
            entry[0] += right
            entry[1] += 1
            entry[2] += 1 / len(item["choices"])
    return table
