#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes children's stories, and questions about what they said long before.

    story_generator.py --seed 1 --count 3 --split train          stories, joined by <|endoftext|>
    story_generator.py --seed 7 --count 200 --split held-out --recall    recall questions as JSON lines

A story states facts (a name, a colour, a hiding place, ...) and needs them again hundreds of tokens later.
The two splits are disjoint by construction: of every ten pairs (hero, value of a fact kind) one is held out.
Training stories never contain a held-out pair, held-out stories contain no other.
"""
import argparse
import collections
import functools
import json
import os
import random
import re
import sys

import story_facts
import story_scenes as scenes
import story_words as words
from bpe import END

FACTS, KINDS = story_facts.FACTS, story_facts.KINDS
PRONOUNS = {"she": ("she", "her", "her", "herself"), "he": ("he", "him", "his", "himself")}
IRREGULAR = {"mouse": "mice", "goose": "geese", "calf": "calves"}
UNCHANGED = ("sheep", "deer", "trout", "chamois", "fish")
VALUE_START, VALUE_STOP = "\x01", "\x02"
HELD_OUT_ONE_IN = 10


def held_out(hero, kind, value):
    """Whether this pair of hero and fact belongs to the held-out split."""
    index = words.HEROES.index(hero) + FACTS[kind]["values"].index(value) + KINDS.index(kind)
    return index % HELD_OUT_ONE_IN == 0


def plural(noun):
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    if noun.endswith(UNCHANGED):
        return noun
    if noun.endswith("fly"):
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("x", "ch", "s")) else "s")


@functools.lru_cache(maxsize=None)
def parse(template):
    """A template as a tuple of literal strings, ("slot", name, list, mode) and ("alt", sequences)."""
    parts, _ = parse_sequence(template, 0, 0)
    return parts


def parse_sequence(text, at, depth):
    parts = []
    while at < len(text):
        char = text[at]
        if char == "[":
            choices, at = [], at + 1
            while True:
                sequence, at = parse_sequence(text, at, depth + 1)
                choices.append(sequence)
                at += 1
                if text[at - 1] == "]":
                    break
            parts.append(("alt", tuple(choices)))
        elif char == "{":
            stop = text.index("}", at)
            name, _, source = text[at + 1:stop].partition(":")
            parts.append(("slot", name, source))
            at = stop + 1
        elif depth and char in "|]":
            return tuple(parts), at
        else:
            stop = min((text.find(mark, at) for mark in "[{|]" if text.find(mark, at) >= 0), default=len(text))
            parts.append(text[at:stop])
            at = stop
    return tuple(parts), at


# Sizes of stories: scenes and facts, from - to.  A drill states many facts and uses them at once, without a plot.
SIZES = {"drill": ((0, 0), (2, 5)), "tiny": ((0, 1), (3, 7)), "short": ((1, 2), (1, 3)),
         "medium": ((3, 5), (2, 5)), "long": ((6, 11), (3, 8))}
MIXTURE = ("tiny", "tiny", "short", "short", "medium", "medium", "medium", "long", "long", "long", "long")


class Story:
    """One story: `text`, and `mentions` = [(kind, value, start, stop)] in characters, in order."""

    def __init__(self, rng, split, size=None):
        self.rng, self.split, self.slots, self.values, self.order = rng, split, {}, {}, []
        self.paragraphs, self.used = [], {}
        self.choose_people()
        self.compose(size or self.choice(MIXTURE))
        self.finish()

    # --- expansion -----------------------------------------------------------------------------------

    def choice(self, sequence):
        return sequence[int(self.rng.random() * len(sequence))]

    def expand(self, template, kind=None):
        out = []
        self.expand_parts(parse(template), out, kind)
        return "".join(out)

    def expand_parts(self, parts, out, kind):
        slots = self.slots
        for part in parts:
            if part.__class__ is str:
                out.append(part)
            elif part[0] == "alt":
                self.expand_parts(self.choice(part[1]), out, kind)
            else:
                name, source = part[1], part[2]
                if source:
                    slots[name] = self.choice(self.word_list(source))
                if name == "V":
                    self.order.append((kind, self.values[kind]))
                    out.append(VALUE_START + self.values[kind] + VALUE_STOP)
                elif name[0] == "*":
                    out.append(self.choice(self.word_list(name[1:])))
                elif name in slots:
                    out.append(slots[name])
                else:
                    word = slots[name[0].lower() + name[1:]]
                    out.append(word[0].upper() + word[1:])

    def word_list(self, name):
        return words.WORDS[name] if name in words.WORDS else self.setting[name]

    def pick(self, templates, marks=None):
        """A template not used in this story yet, if there is one; `marks` limits the leading mark."""
        allowed = [t for t in templates if marks is None or (t[0] if t and t[0] in "^$%@" else " ") in marks]
        fresh = [t for t in allowed if t not in self.used] or allowed
        template = self.choice(fresh)
        self.used[template] = True
        return template

    # --- content -------------------------------------------------------------------------------------

    def choose_people(self):
        rng, slots = self.rng, self.slots
        self.setting = self.choice(words.SETTINGS)
        girl = rng.random() < 0.5
        self.hero = self.choice(words.GIRLS if girl else words.BOYS)
        slots["hero"] = self.hero
        slots["he"], slots["him"], slots["his"], slots["himself"] = PRONOUNS["she" if girl else "he"]
        elder, gender = self.choice(words.ELDERS)
        slots["elder"] = elder
        slots["ehe"], slots["ehim"], slots["ehis"], _ = PRONOUNS[gender]
        family = elder if " " in elder else f"{slots['his']} {elder.lower()}"
        slots["eldlist"] = family
        adjective = self.choice(words.HERO_ADJECTIVES)
        noun = self.choice(words.HERO_ANIMALS) if rng.random() < 0.4 else ("girl" if girl else "boy")
        slots["ahero"] = f"a {adjective} {noun}"
        slots["home"], slots["region"] = self.choice(self.setting["home"]), self.setting["region"]
        slots["mood"] = self.choice(words.WORDS["mood"])
        slots["nthing"], slots["nwhere"] = self.choice(words.COUNTED)
        self.new_scene()

    def new_scene(self):
        """Binds the slots that change from scene to scene."""
        slots, setting = self.slots, self.setting
        slots["loc"] = self.choice(setting["loc"])
        slots["x"] = self.choice(setting["animals"])
        slots["y"] = self.choice([animal for animal in setting["animals"] if animal != slots["x"]])
        slots["xs"] = plural(slots["x"])
        slots["w"] = self.choice(setting["people"])
        slots["whe"], _, slots["whis"], _ = PRONOUNS["she" if slots["w"] == "milkmaid" else "he"]
        slots["s"], slots["sd"] = self.choice(words.PASSERS)
        slots["water"], slots["plants"] = self.choice(setting["water"]), self.choice(setting["plants"])
        slots["adj"] = self.choice(words.WORDS["adj"])

    def choose_value(self, kind):
        wanted = self.split == "held-out"
        values = [v for v in FACTS[kind]["values"] if held_out(self.hero, kind, v) == wanted]
        self.values[kind] = self.choice(values)
        for slot, source in FACTS[kind]["bind"].items():
            self.slots[slot] = self.choice(source)

    def fact(self, kind, role, marks=None):
        """A sentence that states (`state`) or uses (`middle`, `end`) a fact."""
        template = self.pick(FACTS[kind][role], marks)
        mark = template[0] if template[0] in "^$%" else " "
        return self.expand(template.lstrip("^$%"), kind), mark

    def opening(self, kinds, looks):
        pieces = [self.expand(self.pick(scenes.OPENINGS))]
        for _ in range(looks):
            pieces.append(self.expand(self.pick(scenes.LOOKS)))
        for kind in kinds:
            if len(pieces) >= 4 and self.rng.random() < 0.5:
                self.paragraphs.append(" ".join(pieces))
                pieces = []
            pieces.append(self.fact(kind, "state")[0])
            if looks and self.rng.random() < 0.3:
                pieces.append(self.expand(self.pick(scenes.LOOKS)))
        self.paragraphs.append(" ".join(pieces))

    def scene(self, helping):
        """One scene; a helping one may state the fact `met`."""
        self.new_scene()
        pieces = []
        if self.rng.random() < 0.8:
            pieces.append(self.expand(self.pick(scenes.ARRIVALS)))
        pieces.append(self.expand(self.pick(scenes.HELP_SCENES if helping else scenes.SCENES)))
        if helping and "met" not in self.values:
            self.choose_value("met")
            self.slots["met"] = self.slots["x"]
            pieces.append(self.fact("met", "state")[0])
        if self.rng.random() < 0.6:
            pieces.append(self.expand(self.pick(scenes.DEPARTURES)))
        self.paragraphs.append(" ".join(piece for piece in pieces if piece))

    def between(self, thoughts, use_rate):
        """What stands between two scenes: an interlude, a thought of the goal, a fact used in passing."""
        rng, pieces = self.rng, []
        if rng.random() < 0.4:
            self.new_scene()
            pieces.append(self.expand(self.pick(scenes.INTERLUDES)))
        if rng.random() < 0.3:
            self.new_scene()
            pieces.append(self.expand(self.choice(thoughts)))
        if self.values and rng.random() < use_rate:
            self.new_scene()
            pieces.append(self.fact(self.choice(list(self.values)), "middle")[0])
        rng.shuffle(pieces)
        if pieces:
            self.paragraphs.append(" ".join(pieces))

    def compose(self, size):
        rng = self.rng
        scene_range, fact_range = SIZES[size]
        kinds = [kind for kind in KINDS if kind != "met"]
        rng.shuffle(kinds)
        kinds = kinds[:rng.randint(*fact_range)]
        for kind in kinds:
            self.choose_value(kind)
        plain = size == "drill"
        self.opening([kind for kind in kinds if plain or kind != "promise"], 0 if plain else rng.choice((0, 1, 1, 2)))
        self.new_scene()
        _, starts, thoughts, ends = self.choice(scenes.PLOTS)
        if not plain:
            pieces = [self.expand(self.pick(starts))]
            if "promise" in kinds:
                pieces.append(self.fact("promise", "state")[0])
            self.paragraphs.append(" ".join(pieces))
        elif rng.random() < 0.4:
            self.scene(helping=True)
        use_rate = self.choice((0.15, 0.35, 0.7))
        for _ in range(rng.randint(*scene_range)):
            self.scene(helping=rng.random() < (0.3 if "met" not in self.values else 0.12))
            self.between(thoughts, use_rate)
        if plain:
            for kind in self.shuffled(self.values) + self.shuffled(self.values):
                self.new_scene()
                self.paragraphs.append(self.fact(kind, rng.choice(("middle", "end")))[0])
        else:
            self.close(ends)

    def shuffled(self, items):
        items = list(items)
        self.rng.shuffle(items)
        return items

    def close(self, ends):
        rng = self.rng
        uses = {mark: [] for mark in "^ $%"}
        for kind in self.shuffled(self.values):
            used = sum(1 for other, _ in self.order if other == kind) > 1
            if not used or rng.random() < 0.8:
                self.new_scene()
                before = len(self.order)
                text, mark = self.fact(kind, "end")
                uses[mark].append((text, self.order[before:]))
                del self.order[before:]
        self.new_scene()
        end = self.pick(ends)
        resolution = self.expand(end.lstrip("@"))
        steps = [("^", None), (None, resolution)] if end[0] == "@" else \
            [(None, resolution), ("^", None), (None, self.expand(self.choice(scenes.HOMECOMINGS)))]
        for mark, text in steps + [(" ", None), ("$", None), ("%", None)]:
            if text:
                self.paragraphs.append(text)
            elif uses[mark]:
                self.add_uses(uses[mark])
        last = self.pick(scenes.ENDINGS, " " if uses["%"] else " $")
        self.paragraphs.append(self.expand(last.lstrip("$")) + (" The end." if rng.random() < 0.3 else ""))

    def add_uses(self, uses):
        """Joins uses of facts to paragraphs of one to three, keeping the order of mentions."""
        while uses:
            count = self.rng.randint(1, 3)
            self.paragraphs.append(" ".join(text for text, _ in uses[:count]))
            for _, mentions in uses[:count]:
                self.order.extend(mentions)
            uses = uses[count:]

    def finish(self):
        raw = "\n\n".join(self.paragraphs)
        raw = re.sub(r"\b([Aa]) (\x01?)(?=[aeiou])", r"\1n \2", raw)
        self.mentions, pieces, length = [], [], 0
        order = iter(self.order)
        for index, piece in enumerate(re.split("[\x01\x02]", raw)):
            if index % 2:
                kind, value = next(order)
                assert value == piece
                self.mentions.append((kind, value, length, length + len(piece)))
            pieces.append(piece)
            length += len(piece)
        self.text = "".join(pieces)


def stories(seed, split, count=None, size=None):
    """Yields `count` stories (endless if None); the same arguments give the same stories."""
    rng = random.Random(f"{seed}/{split}")
    made = 0
    while count is None or made < count:
        yield Story(rng, split, size)
        made += 1


# --- recall questions ----------------------------------------------------------------------------

BINS = ((500, 700), (700, 900), (900, 1400))


def questions(story, tokenizer):
    """Recall questions of a story: the second mention of a fact, when at least 500 tokens lie between.

    A prompt ends without the space that stands before its answer.
    """
    for kind in sorted(set(mention[0] for mention in story.mentions)):
        mentions = [mention for mention in story.mentions if mention[0] == kind]
        if len(mentions) < 2:
            continue
        (_, value, _, stated), (_, _, asked, _) = mentions[:2]
        between = story.text[stated:asked]
        distance = len(tokenizer.encode(between.rstrip(" ")))
        if distance < BINS[0][0] or story.text[asked - 1] != " ":
            continue
        core = value.split(" ", 1)[1] if value.split(" ")[0] in ("a", "an", "the") else value
        if re.search(rf"\b{re.escape(core)}\b", between):
            continue  # said again, even if about something else: the distance would be wrong
        yield {"prompt": story.text[:asked - 1], "answer": value, "choices": list(FACTS[kind]["values"]),
               "distance": distance, "kind": kind}


def recall_set(seed, split, count, tokenizer):
    """`count` questions, spread evenly over the distances and as evenly as possible over the kinds."""
    wanted = {bin_: count // len(BINS) + (index < count % len(BINS)) for index, bin_ in enumerate(BINS)}
    per_kind = {}
    result = []
    for story in stories(seed, split, size="long"):
        if len(result) >= count:
            return result
        counts = collections.Counter(item["kind"] for item in result)
        for item in sorted(questions(story, tokenizer), key=lambda item: counts[item["kind"]]):
            place = next(((low, high) for low, high in BINS if low <= item["distance"] < high), None)
            if place is None or not wanted[place]:
                continue
            key = (place, item["kind"])
            if per_kind.get(key, 0) * len(KINDS) * len(BINS) >= count + len(KINDS) * len(BINS):
                continue
            per_kind[key] = per_kind.get(key, 0) + 1
            wanted[place] -= 1
            result.append(item)
            break  # one question a story


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--split", choices=("train", "held-out"), default="train")
    parser.add_argument("--recall", action="store_true", help="write recall questions instead of stories")
    parser.add_argument("--tokenizer", default=os.path.join(here, "tokenizer.json"), help="to measure distances in tokens")
    options = parser.parse_args()
    if options.recall:
        from bpe import Tokenizer
        tokenizer = Tokenizer.load(options.tokenizer)
        for item in recall_set(options.seed, options.split, options.count, tokenizer):
            print(json.dumps(item))
        return
    sys.stdout.write(END.join(story.text for story in stories(options.seed, options.split, options.count)))


if __name__ == "__main__":
    main()
