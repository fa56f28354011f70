#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generates training windows with all processors, then trains the default model on them.

Every window is `context` + 1 tokens long and starts with the end-of-text token and a whole story; further
stories follow, each the longest of a pool that still fits, so that nearly all stories stay whole.

Tokens that repeat a fact carry the flag RECALLED: there are few of them, so their loss counts `--recall-weight`
times.  The first `--drill-steps` see short windows of drills, which state facts and use them at once: what to look
for is learned there, at a short distance; the long windows of whole stories then only stretch it.
"""
import argparse
import itertools
import math
import multiprocessing
import os
import time

import numpy
import torch
from torch.nn import functional

import gguf_file
from bpe import Tokenizer
from measure import recall_table, story_loss
from model import Llama, Shape
from story_generator import BINS, recall_set, stories

HERE = os.path.dirname(os.path.abspath(__file__))
RECALLED = 0x8000  # in a stored token: its 15 other bits are the id
POOL = 64  # stories to choose from when a window is filled


def flagged_tokens(story, tokenizer):
    """The tokens of a story, those that repeat a fact flagged."""
    ids, at, stated = [], 0, set()
    for kind, _, start, stop in story.mentions:
        if kind in stated:  # a value and the space before it are whole words for the tokenizer
            ids += tokenizer.encode(story.text[at:start - 1])
            ids += [index | RECALLED for index in tokenizer.encode(story.text[start - 1:stop])]
            at = stop
        stated.add(kind)
    return ids + tokenizer.encode(story.text[at:])


def pack(documents, length, count, end):
    """`count` windows of `length` tokens, uint16, from an iterator of token lists."""
    windows = numpy.empty((count, length), dtype=numpy.uint16)
    pool = list(itertools.islice(documents, POOL))
    for row in windows:
        filled = 0
        while filled < length:
            room = length - filled
            fitting = [at for at, ids in enumerate(pool) if len(ids) < room] if filled else [0]
            at = max(fitting, key=lambda index: len(pool[index])) if fitting else None
            ids = [end] + (pool[at] if fitting else pool[0])
            ids = ids[:room]
            row[filled:filled + len(ids)] = ids
            filled += len(ids)
            if fitting:
                pool[at] = pool[-1]
                pool[-1] = next(documents)
                pool.append(pool.pop(0))
    return windows


def make_shard(job):
    path, seed, size, count, length = job
    if not os.path.exists(path):
        tokenizer = Tokenizer.load(os.path.join(HERE, "tokenizer.json"))
        documents = (flagged_tokens(story, tokenizer) for story in stories(f"shard {seed}", "train", size=size))
        numpy.save(path + ".part.npy", pack(documents, length, count, tokenizer.end))
        os.replace(path + ".part.npy", path)
    return path


def make_windows(folder, seed, size, tokens, length, shards=64):
    """Maps about `tokens` tokens of windows from `folder`, generating what is missing."""
    os.makedirs(folder, exist_ok=True)
    count = math.ceil(tokens / length / shards)
    jobs = [(os.path.join(folder, f"{size}-{seed}-{count}x{length}-{index}.npy"),
             f"{seed}-{index}", size, count, length)
            for index in range(shards)]
    with multiprocessing.Pool() as pool:
        paths = pool.map(make_shard, jobs, chunksize=1)
    return numpy.concatenate([numpy.load(path) for path in paths])


def batches(windows, rows, steps, seed):
    """`steps` batches of `rows` windows, int64; every window once before any a second time."""
    order, queue = numpy.random.default_rng(seed), []
    for _ in range(steps):
        if len(queue) < rows:
            queue = list(order.permutation(len(windows)))
        picked = numpy.sort([queue.pop() for _ in range(rows)])
        yield torch.from_numpy(windows[picked].astype(numpy.int64))


def pattern_batches(rows, steps, length, tokenizer, seed):
    """`steps` batches of random tokens that only copying can predict, in turn a segment said over and over and a
    list of (two cue tokens, value) said over and over in other orders.  What was said before is flagged."""
    rng = numpy.random.default_rng(seed)
    ids = numpy.setdiff1d(numpy.arange(len(tokenizer.tokens)), [tokenizer.end])
    places = numpy.arange(length)
    for step in range(steps):
        if step % 2 == 0:
            period = int(rng.integers(6, length // 3))
            windows = ids[rng.integers(0, len(ids), (rows, period))][:, places % period]
            known = places >= period
        else:
            pairs = int(rng.integers(4, length // 12))
            table = ids[rng.integers(0, len(ids), (rows, pairs, 3))]
            rounds = [numpy.take_along_axis(table, rng.random((rows, pairs)).argsort(1)[:, :, None], 1)
                      for _ in range(length // (3 * pairs) + 1)]
            windows = numpy.concatenate(rounds, 1).reshape(rows, -1)[:, :length]
            known = (places >= 3 * pairs) & (places % 3 == 2)
        yield torch.from_numpy(numpy.where(known, windows | RECALLED, windows).astype(numpy.int64))


def all_batches(options, tokenizer):
    """The batches of the whole run: patterns, so that the model learns to copy at all; drills, so that it learns what
    to copy; then stories."""
    stages = (("drill", options.drill_steps, options.drill_context),
              (None, options.steps - options.pattern_steps - options.drill_steps, options.context))
    sources = [pattern_batches(options.batch // options.drill_context, options.pattern_steps,
                               options.drill_context + 1, tokenizer, options.seed)]
    for size, steps, context in stages:
        if steps > 0:
            start, rows = time.time(), options.batch // context
            tokens = steps * rows * (context + 1) / options.epochs
            windows = make_windows(options.data, options.seed, size, tokens, context + 1)
            print(f"{size or 'stories'}: {windows.size / 1e6:.1f} M tokens, {len(windows)} windows, "
                  f"{time.time() - start:.0f} s", flush=True)
            sources.append(batches(windows, rows, steps, options.seed))
    return itertools.chain(*sources)


def learning_rate(step, options):
    warm = min(1.0, (step + 1) / options.warmup)
    progress = step / options.steps
    return options.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def save(model, path):
    arrays = {name: tensor.float().cpu().numpy() for name, tensor in model.state_dict().items()}
    numpy.savez(path + ".part.npz", **arrays)
    os.replace(path + ".part.npz", path)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6600)
    parser.add_argument("--batch", type=int, default=48 * 2048, help="tokens a step")
    parser.add_argument("--pattern-steps", type=int, default=1000, help="of all steps, those on repeated random tokens")
    parser.add_argument("--drill-steps", type=int, default=1800, help="of all steps, those on drills")
    parser.add_argument("--drill-context", type=int, default=320, help="about one drill a window")
    parser.add_argument("--start", help="GGUF file to start from instead of random weights")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--recall-weight", type=float, default=10.0, help="weight of tokens that repeat a fact")
    parser.add_argument("--warmup", type=int, default=300)
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--hidden", type=int, default=704)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--epochs", type=float, default=3.0, help="how often each window is seen")
    parser.add_argument("--data", default="/tmp/story-windows", help="folder of generated windows")
    parser.add_argument("--output", default="checkpoint.npz")
    parser.add_argument("--evaluate-every", type=int, default=3300)
    parser.add_argument("--stop-after", type=int, help="stop after so many steps of the schedule (to time a run)")
    return parser.parse_args()


def main():
    options = parse_options()
    torch.manual_seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = Tokenizer.load(os.path.join(HERE, "tokenizer.json"))
    source = all_batches(options, tokenizer)
    held_out = [story.text for story in stories(options.seed, "held-out", 60)]
    questions = recall_set(options.seed, "held-out", 150, tokenizer)

    shape = Shape(len(tokenizer.tokens), options.context, options.width, options.layers, options.heads, options.hidden)
    model = Llama(shape).to(device)
    if options.start:
        tensors = gguf_file.Reader(options.start).tensors
        model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in tensors.items()})
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters on {device}", flush=True)
    matrices = [p for p in model.parameters() if p.dim() == 2]
    norms = [p for p in model.parameters() if p.dim() != 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": norms, "weight_decay": 0.0}],
                                  betas=(0.9, 0.95), fused=device == "cuda")
    torch.set_float32_matmul_precision("high")

    def loss_of(batch):
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            logits = model(batch[:, :-1] & (RECALLED - 1))
        targets = batch[:, 1:].flatten()
        losses = functional.cross_entropy(logits.flatten(0, 1).float(), targets & (RECALLED - 1), reduction="none")
        return torch.where(targets >= RECALLED, losses * options.recall_weight, losses).mean()

    step_loss = torch.compile(loss_of, dynamic=False) if device == "cuda" else loss_of
    start, seen = time.time(), 0
    last_step = min(options.steps, options.stop_after or options.steps)
    for step, batch in enumerate(itertools.islice(source, last_step)):
        batch = batch.to(device, non_blocking=True)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, options)
        loss = step_loss(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seen += batch[:, 1:].numel()
        if step % 100 == 0 or step == last_step - 1:
            speed = seen / (time.time() - start)
            print(f"step {step} loss {loss.item():.4f} {speed / 1e3:.1f} k tokens/s {time.time() - start:.0f} s", flush=True)
        if (step + 1) % options.evaluate_every == 0 or step == last_step - 1:
            save(model, options.output)
            with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
                held_out_loss, _ = story_loss(model, held_out, tokenizer, device)
                table = recall_table(model, questions, tokenizer, device, BINS)
            parts = ", ".join(f"{name}: {entry[0]}/{entry[1]}" for name, entry in table["distance"].items())
            kinds = ", ".join(f"{kind} {entry[0]}/{entry[1]}" for kind, entry in sorted(table["kind"].items()))
            print(f"step {step} held-out loss {held_out_loss:.4f}, recall {parts}; {kinds}", flush=True)


if __name__ == "__main__":
    main()
