#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the byte-level BPE of the default model on generated stories and writes tokenizer.json."""
import argparse
import itertools
import os

import bpe
import story_words
from story_generator import FACTS, stories

VALUE_WEIGHT = 3000  # each value counts as often as a frequent word: names and colours become single tokens


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stories", type=int, default=20000)
    parser.add_argument("--size", type=int, default=3072, help="entries, the end-of-text token included")
    parser.add_argument("--output", default=os.path.join(here, "tokenizer.json"))
    options = parser.parse_args()
    texts = (story.text for story in stories(options.seed, "train", options.stories))
    values = [value for fact in FACTS.values() for value in fact["values"]]
    weighted = (f" {value}" for value in values + list(story_words.HEROES) for _ in range(VALUE_WEIGHT))
    tokenizer = bpe.train(itertools.chain(texts, weighted), options.size)
    tokenizer.save(options.output)
    sample = next(stories(options.seed + 1, "train", 1)).text
    ids = tokenizer.encode(sample)
    assert tokenizer.decode(ids) == sample
    print(f"{len(tokenizer.tokens)} tokens, {len(tokenizer.merges)} merges, {len(sample) / len(ids):.2f} characters a token")


if __name__ == "__main__":
    main()
