# SPDX-License-Identifier: Apache-2.0
"""Byte-level byte-pair encoding as in GPT-2, in plain Python: load, encode, decode, train.

The vocabulary file is JSON: {"tokens": [...], "merges": ["a b", ...]}, both in GPT-2's printable byte
alphabet; the last token is the control token END.
"""
import collections
import json
import re

END = "<|endoftext|>"
# GPT-2's split pattern; \p{L} and \p{N} written with what Python's re knows.
SPLIT = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


def byte_alphabet():
    """GPT-2's table from byte to printable character."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(256 + len(table) - len(printable))
    return table


BYTE_TO_CHAR = byte_alphabet()
CHAR_TO_BYTE = {char: byte for byte, char in BYTE_TO_CHAR.items()}


def printable(word):
    return "".join(BYTE_TO_CHAR[byte] for byte in word.encode("utf-8"))


class Tokenizer:
    def __init__(self, tokens, merges):
        self.tokens, self.merges = tokens, merges
        self.ids = {token: index for index, token in enumerate(tokens)}
        self.ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}
        self.end = self.ids[END]
        self.cache = {}

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        return cls(data["tokens"], data["merges"])

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"tokens": self.tokens, "merges": self.merges}, file, ensure_ascii=False, indent=0)
            file.write("\n")

    def encode_word(self, word):
        parts = list(printable(word))
        while len(parts) > 1:
            ranked = [(self.ranks.get(pair, len(self.ranks)), at) for at, pair in enumerate(zip(parts, parts[1:]))]
            rank, at = min(ranked)
            if rank == len(self.ranks):
                break
            parts[at:at + 2] = [parts[at] + parts[at + 1]]
        return [self.ids[part] for part in parts]

    def encode(self, text):
        """Token ids of text, without the beginning-of-text token."""
        ids, cache = [], self.cache
        for word in SPLIT.findall(text):
            known = cache.get(word)
            if known is None:
                known = cache[word] = self.encode_word(word)
            ids.extend(known)
        return ids

    def decode(self, ids):
        chars = "".join(self.tokens[index] for index in ids if index != self.end)
        return bytes(CHAR_TO_BYTE[char] for char in chars).decode("utf-8", errors="replace")


def train(texts, size):
    """A Tokenizer of `size` entries: 256 bytes, the most frequent merges, END.  Ties go to the pair that sorts first."""
    counts = collections.Counter()
    for text in texts:
        counts.update(SPLIT.findall(text))
    words = [(list(printable(word)), count) for word, count in sorted(counts.items())]
    tokens, merges = [BYTE_TO_CHAR[byte] for byte in range(256)], []
    while len(tokens) < size - 1:
        pairs = collections.Counter()
        for parts, count in words:
            for pair in zip(parts, parts[1:]):
                pairs[pair] += count
        if not pairs:
            break
        left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
        tokens.append(left + right)
        merges.append(f"{left} {right}")
        for parts, _ in words:
            at = 0
            while at < len(parts) - 1:
                if parts[at] == left and parts[at + 1] == right:
                    parts[at:at + 2] = [left + right]
                at += 1
    return Tokenizer(tokens + [END], merges)
