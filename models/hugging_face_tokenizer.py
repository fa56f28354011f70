# SPDX-License-Identifier: Apache-2.0
"""The tokenizer of a folder of Hugging Face as keys of a GGUF file, its chat template among them.

Read are tokenizer.model (SentencePiece), tokenizer.json, or vocab.json and merges.txt. How a text is split before its
pieces are merged has names in GGUF files: a pattern in tokenizer.json that none of them means is refused.
"""
import json
import os
import struct

import gguf_file as gguf
from hugging_face import Unsupported

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6  # types of tokens, SentencePiece's and GGUF's
BPE_MODEL = 2  # of SentencePiece
SPACE = "\u2581"  # how SentencePiece writes a space

WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA_3, QWEN_2 = WORDS % r"\p{N}{1,3}", WORDS % r"\p{N}"

# tokenizer.ggml.pre by (steps of the pre-tokenizer, normalizer); a Split stands there with its pattern.
SPLITS = {
    (("ByteLevel",), None): "gpt-2",
    (("ByteLevel",), "NFC"): "olmo",
    (("Digits", "ByteLevel"), None): "smollm",
    ((LLAMA_3, "ByteLevel"), None): "llama-bpe",
    ((QWEN_2, "ByteLevel"), "NFC"): "qwen2",
}


def read_json(folder, name):
    """{} where there is no such file."""
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def read_text(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return file.read()


class Vocabulary:
    """Pieces by id, with scores where the model goes by them, else with merges."""

    def __init__(self, model, pre):
        self.model, self.pre = model, pre
        self.pieces, self.types, self.scores = {}, {}, {}
        self.merges = None
        self.space_prefix = self.begins = None  # None: not said
        self.ids = {}

    def add(self, number, piece, kind, score=0.0):
        self.pieces[number], self.types[number], self.scores[number] = piece, kind, score
        self.ids[piece] = number

    def keys(self, size):
        """Ids without a piece, which are there to make a matrix larger, are unused tokens."""
        numbers = range(size)
        pieces = [self.pieces.get(number, f"[PAD{number}]") for number in numbers]
        keys = [
            ("tokenizer.ggml.model", gguf.STRING, self.model),
            ("tokenizer.ggml.pre", gguf.STRING, self.pre),
            ("tokenizer.ggml.tokens", gguf.ARRAY, (gguf.STRING, pieces)),
            ("tokenizer.ggml.token_type", gguf.ARRAY, (gguf.I32, [self.types.get(n, UNUSED) for n in numbers])),
        ]
        if self.merges is not None:
            return keys + [("tokenizer.ggml.merges", gguf.ARRAY, (gguf.STRING, self.merges))]
        scores = [self.scores.get(number, -10000.0) for number in numbers]
        keys += [("tokenizer.ggml.scores", gguf.ARRAY, (gguf.F32, scores))]
        if self.space_prefix is not None:
            keys += [("tokenizer.ggml.add_space_prefix", gguf.BOOL, self.space_prefix)]
        return keys


# ---- SentencePiece -------------------------------------------------------------------------------


def fields_of(message):
    """(number, value) of a Protocol Buffers message: integers, and bytes of what has a length or is fixed."""
    at = 0

    def integer():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        tag = integer()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, integer()
            continue
        size = {1: lambda: 8, 2: integer, 5: lambda: 4}[kind]()
        yield tag >> 3, message[at:at + size]
        at += size


def read_sentencepiece(path):
    with open(path, "rb") as file:
        message = file.read()
    vocabulary = Vocabulary("llama", "default")
    vocabulary.space_prefix, vocabulary.begins = True, True
    kind = 1
    try:
        for field, value in fields_of(message):
            if field == 1:  # a piece: its text, score and type
                piece = {"type": NORMAL, 2: b"\0\0\0\0", **dict(fields_of(value))}
                score = struct.unpack("<f", piece[2])[0]
                vocabulary.add(len(vocabulary.pieces), piece[1].decode("utf-8"), piece.get(3, NORMAL), score)
            elif field == 2:  # how it was trained
                kind = dict(fields_of(value)).get(3, 1)
            elif field == 3:  # how text is normalized
                vocabulary.space_prefix = bool(dict(fields_of(value)).get(3, 1))
    except (IndexError, KeyError, struct.error, UnicodeDecodeError):
        raise Unsupported(f"{path} is no SentencePiece model") from None
    if kind != BPE_MODEL:
        raise Unsupported(f"{path}: a SentencePiece model of another kind than BPE (unigram, word or char)")
    return vocabulary


# ---- tokenizer.json ------------------------------------------------------------------------------


def steps_of(description, inner):
    """A step, or the steps of a Sequence."""
    if not description:
        return []
    return description[inner] if description["type"] == "Sequence" else [description]


def name_split(tokenizer, path):
    steps = []
    for step in steps_of(tokenizer.get("pre_tokenizer"), "pretokenizers"):
        if step["type"] == "Split" and step.get("behavior") == "Isolated" and not step.get("invert"):
            steps.append(step["pattern"].get("Regex", step["pattern"].get("String")))
        elif step["type"] == "Digits" and not step.get("individual_digits"):
            steps.append("Digits in runs")
        else:
            steps.append(step["type"])
    normalizers = [step["type"] for step in steps_of(tokenizer.get("normalizer"), "normalizers")]
    normalizer = "+".join(normalizers) or None
    name = SPLITS.get((tuple(steps), normalizer))
    if not name:
        raise Unsupported(f"{path}: text is split by {' then '.join(map(repr, steps))} with normalizer {normalizer}, which "
                          "has no name that is known here; if you know the one of tokenizer.ggml.pre, say --pre NAME")
    return name


def joined_merges(merges):
    """Newer files have pairs, in which a piece may hold a space; a space has another letter in GGUF files."""
    return [merge if isinstance(merge, str) else " ".join(part.replace(" ", "\u0120") for part in merge) for merge in merges]


def begins_with_special(tokenizer):
    """Whether a text alone is given a token before it; None: not said."""
    for step in steps_of(tokenizer.get("post_processor"), "processors"):
        if step["type"] == "TemplateProcessing":
            return "SpecialToken" in step["single"][0]
    return None


def read_tokenizer_json(tokenizer, path, pre):
    model = tokenizer["model"]
    if model.get("type", "BPE") != "BPE":
        raise Unsupported(f"{path}: a tokenizer of type {model['type']}; BPE is read")
    merges = joined_merges(model["merges"])
    by_bytes = any(step["type"] == "ByteLevel" for step in steps_of(tokenizer.get("decoder"), "decoders"))
    if by_bytes:
        vocabulary = Vocabulary("gpt2", pre or name_split(tokenizer, path))
        vocabulary.merges = merges
        ranks = {}
    elif model.get("byte_fallback"):
        # SentencePiece's, without its scores: earlier merges are better.
        vocabulary = Vocabulary("llama", "default")
        normalizers = [step["type"] for step in steps_of(tokenizer.get("normalizer"), "normalizers")]
        vocabulary.space_prefix = "Prepend" in normalizers
        ranks = {}
        for rank, merge in enumerate(model["merges"]):
            ranks.setdefault("".join(merge.split(" ") if isinstance(merge, str) else merge), -float(rank))
    else:
        raise Unsupported(f"{path}: a BPE tokenizer that goes neither by bytes nor falls back to them")
    for piece, number in model["vocab"].items():
        is_byte = not by_bytes and len(piece) == 6 and piece.startswith("<0x")
        vocabulary.add(number, piece, BYTE if is_byte else NORMAL, ranks.get(piece, 0.0))
    vocabulary.begins = begins_with_special(tokenizer)
    return vocabulary


def read_vocabulary_and_merges(folder, pre):
    """GPT-2's form."""
    vocabulary = Vocabulary("gpt2", pre or "gpt-2")
    lines = read_text(folder, "merges.txt").splitlines()
    vocabulary.merges = [line for line in lines if line and not line.startswith("#version")]
    for piece, number in read_json(folder, "vocab.json").items():
        vocabulary.add(number, piece, NORMAL)
    return vocabulary


# ---- Folders -------------------------------------------------------------------------------------


def add_tokens(vocabulary, tokenizer, settings):
    """Tokens that were added to a vocabulary; special ones are control tokens."""
    added = {token["id"]: token for token in tokenizer.get("added_tokens", [])}
    added.update({int(number): token for number, token in settings.get("added_tokens_decoder", {}).items()})
    for number, token in added.items():
        text = token["content"] if token.get("special") else token["content"].replace(SPACE, " ")
        kind = CONTROL if token.get("special") else USER_DEFINED
        if vocabulary.types.get(number) not in (BYTE, UNKNOWN):
            vocabulary.add(number, text, kind, vocabulary.scores.get(number, -1000.0))


def text_of(token):
    return token.get("content") if isinstance(token, dict) else token


def special_tokens(vocabulary, settings, config):
    """Keys of special tokens, by their texts or else by the ids of config.json."""
    keys = []
    for theirs, ours in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")):
        number = vocabulary.ids.get(text_of(settings.get(f"{theirs}_token")))
        if number is None:
            number = config.get(f"{theirs}_token_id")
            number = number[0] if isinstance(number, list) else number
        if number is None and theirs == "unk":
            number = next((one for one, kind in vocabulary.types.items() if kind == UNKNOWN), None)
        if number is None or number >= config["vocab_size"]:
            continue
        if theirs in ("bos", "eos") and vocabulary.types.get(number) == NORMAL:
            vocabulary.types[number] = CONTROL
        keys.append((f"tokenizer.ggml.{ours}_token_id", gguf.U32, number))
    begins = vocabulary.begins if vocabulary.begins is not None else settings.get("add_bos_token", False)
    if settings.get("add_bos_token") is not None and vocabulary.model == "llama":
        begins = settings["add_bos_token"]
    return keys + [("tokenizer.ggml.add_bos_token", gguf.BOOL, bool(begins)),
                   ("tokenizer.ggml.add_eos_token", gguf.BOOL, bool(settings.get("add_eos_token", False)))]


def chat_template(folder, settings):
    template = read_text(folder, "chat_template.jinja") or settings.get("chat_template")
    if isinstance(template, list):
        template = next((one["template"] for one in template if one["name"] == "default"), None)
    return [("tokenizer.chat_template", gguf.STRING, template)] if template else []


def convert(folder, config, pre=None):
    """Keys of a GGUF file; `pre` is the name of tokenizer.ggml.pre where it cannot be told. Raises Unsupported."""
    settings = {**read_json(folder, "special_tokens_map.json"), **read_json(folder, "tokenizer_config.json")}
    tokenizer = read_json(folder, "tokenizer.json")
    model = os.path.join(folder, "tokenizer.model")
    if os.path.exists(model):
        vocabulary = read_sentencepiece(model)
    elif tokenizer:
        vocabulary = read_tokenizer_json(tokenizer, os.path.join(folder, "tokenizer.json"), pre)
    elif os.path.exists(os.path.join(folder, "vocab.json")) and os.path.exists(os.path.join(folder, "merges.txt")):
        vocabulary = read_vocabulary_and_merges(folder, pre)
    else:
        raise Unsupported(f"{folder} has no tokenizer.model, no tokenizer.json, and no vocab.json with merges.txt")
    add_tokens(vocabulary, tokenizer, settings)
    special = special_tokens(vocabulary, settings, config)
    return vocabulary.keys(config["vocab_size"]) + special + chat_template(folder, settings)
