# SPDX-License-Identifier: Apache-2.0
"""Goldens from a model of transformers: prompts that tell something, and what the model says to them."""

import json
import math

import numpy as np
import torch

PREDICT = 16  # greedy tokens after each prompt
TOP = 5
BOS, FIRST_ORDINARY = 1, 3  # ids below 3 are <unk> <s> </s>
GREEDY_MARGIN = 0.25  # least log-prob distance of first and second choice at each greedy step
ROUTER_MARGIN = 0.03  # least distance of the last expert that is chosen and the first that is not
LEAST_DISTINCT = 8  # different ids among the greedy ones: no loop of one or two tokens


@torch.no_grad()
def log_probabilities(model, ids):
    """(positions, vocabulary): base-e log-softmax of the logits after each id."""
    logits = model(torch.tensor([ids]), use_cache=False).logits[0]
    return torch.log_softmax(logits.double(), dim=-1).numpy()


def token_entry(token, log_probs):
    best = np.argsort(-log_probs, kind="stable")[:TOP]
    return {
        "id": int(token),
        "logprob": round(float(log_probs[token]), 7),
        "top": [{"id": int(i), "logprob": round(float(log_probs[i]), 7)} for i in best],
    }


@torch.no_grad()
def router_margin(model, ids):
    """Least distance, over layers and positions, of the logits between which the choice of experts is cut:
    where it is small another way of rounding chooses other experts."""
    chosen = model.config.num_experts_per_tok
    least = math.inf
    for logits in model(
        torch.tensor([ids]), use_cache=False, output_router_logits=True
    ).router_logits:
        if bool((logits >= 0).all()):
            logits = logits.log()  # some give shares
        ranked = logits.reshape(len(ids), -1).sort(dim=-1, descending=True).values
        least = min(least, float((ranked[:, chosen - 1] - ranked[:, chosen]).min()))
    return least


def run_reference(name, model, prompt):
    """What `eval logprobs` must print: each id after the first, then the greedy ones. None, if greedy
    decoding could be turned by rounding."""
    routed = getattr(model.config, "num_experts_per_tok", None) is not None
    if routed and router_margin(model, prompt) < ROUTER_MARGIN:
        return None
    rows = log_probabilities(model, prompt)
    tokens = [token_entry(token, row) for token, row in zip(prompt[1:], rows[:-1], strict=True)]
    ids = list(prompt)
    for _ in range(PREDICT):
        row = log_probabilities(model, ids)[-1]
        second, first = np.sort(row)[-2:]
        if first - second < GREEDY_MARGIN:
            return None
        ids.append(int(row.argmax()))
        tokens.append(token_entry(ids[-1], row))
    if routed and router_margin(model, ids[:-1]) < ROUTER_MARGIN:
        return None
    return {
        "model": f"{name}.gguf",
        "prompt_tokens": prompt,
        "n_predict": PREDICT,
        "tokens": tokens,
    }


def is_telling(golden, distinct):
    """Greedy ids without special ones (no early end) or loops."""
    ids = [token["id"] for token in golden["tokens"][-golden["n_predict"] :]]
    return min(ids) >= FIRST_ORDINARY and len(set(ids)) >= distinct


def find_golden(name, vocabulary, model, length, rng, distinct=LEAST_DISTINCT):
    """The golden of the first random prompt that has one which is_telling."""
    for _ in range(2000):
        prompt = [BOS] + rng.integers(FIRST_ORDINARY, vocabulary, length - 1).tolist()
        golden = run_reference(name, model, prompt)
        if golden and is_telling(golden, distinct):
            return golden
    raise RuntimeError(f"{name}: no decisive prompt of {length} tokens; change its seed or gains")


def to_json(golden):
    """One token a line, so that a change of the goldens can be read in a diff."""
    head = ", ".join(f"{json.dumps(key)}: {json.dumps(golden[key])}" for key in list(golden)[:-1])
    lines = ",\n  ".join(json.dumps(token) for token in golden["tokens"])
    return f'{{{head}, "tokens": [\n  {lines}\n]}}'


def print_summary(name, golden):
    best = np.exp([token["top"][0]["logprob"] for token in golden["tokens"]])
    print(
        f"{name:24} {len(golden['prompt_tokens']):4} prompt tokens, "
        f"best choice's probability {best.min():.2f} .. {best.max():.2f}, "
        f"median {np.median(best):.2f}",
        flush=True,
    )
