#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Expected splits for tests/unit/test_tokenizer_split.c, from the patterns as their makers published
them, run by Python's module `regex` instead of PCRE2.

usage: split_vectors.py [--random COUNT [SEED]] > split_vectors.txt

A line with a text in hexadecimal comes first, then one for each rule with the bytes of each word.
Without --random the texts are those below: the committed file. With it they are made up, of characters
that Unicode 14 has, to be given to the test in ALISA_SPLIT_VECTORS.
"""
import random
import sys
import unicodedata

import regex

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+END"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*END"
         r"|NUMBERS| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
GPT4O = CASED.replace("END", CONTRACTION).replace("NUMBERS", r"\p{N}{1,3}")
SIGNED = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+")
KANA = "[一-龥぀-ゟ゠-ヿ]+"
CJK = "[一-龥ࠀ-一가-퟿]+"
DEEPSEEK = (r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-Ⴥ"
            r"Ꭰ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ί"
            r"ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇ"
            r"Ꞌ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+")
BLOOM = r" ?[^(\s|.,!?…。，、।۔،)]+"

# A rule's name here is the first name of the row in src/tokenizer/rules.c that has its patterns.
RULES = {
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
    "gpt-2": [GPT2],
    "smollm": [r"\p{N}", GPT2],
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"],
    "bloom": [BLOOM],
    "viking": [BLOOM, r"\p{N}"],
    "chameleon": ["<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", r"([\t\n]|    |  )",
                  r"\p{N}", r"[\p{P}!-/:-@\[-`{-~]", GPT2],
    "llama-bpe": [LLAMA3],
    "minicpm5": [r"\p{N}{1,3}", LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}+")],
    "jais-2": [LLAMA3.replace(r"|\s+(?!\S)|\s+", "".join(
        r"|\s{%s}(?!\S)" % n for n in ("512", "256", "128", "64", "32", "16", "8", "4", "1,2")) + r"|\s{1}")],
    "qwen2": [QWEN2],
    "qwen35": [r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
               r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
    "laguna": [r"[^\n]+|[\n]+", QWEN2],
    "ufakzeka": [QWEN2.split("|", 7)[7]],
    "bailingmoe": [r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*"
                   r"|\s*[\r\n]|\s+(?!\S)|\s+"],
    "seed-coder": [r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}"
                   r"| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"],
    "exaone-moe": [r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+"
                   r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"],
    "tekken": [CASED.replace("END", "").replace("NUMBERS", r"\p{N}")],
    "gpt-4o": [GPT4O],
    "youtu": ["[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" + KANA,
              CASED.replace("END", CONTRACTION).replace("NUMBERS", r"\p{N}")],
    "kimi-k2": [r"(?V1)[\p{Han}]+|" + GPT4O.replace("\\p{M}]", "\\p{M}&&[^\\p{Han}]]").replace("/", "")],
    "tiny_aya": [r"\d{1,3}(?=(?:\d{3})*\b)", GPT4O],
    "superbpe": [r"\p{N}+", r"(?=(\d{3})+(?!\d))"],
    "deepseek-llm": [r"[\r\n]", DEEPSEEK, r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", CJK, r"\p{N}+"],
    "deepseek-coder": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK, r"\p{N}"],
    "deepseek-v3": [r"\p{N}{1,3}", KANA,
                    SIGNED + r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
    "spark2_5": [r"\p{N}{1,3}", KANA, SIGNED + r"| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+", r"\p{N}"],
    "afmoe": [r"\p{N}+", r"\p{N}{1,3}(?=(?:\p{N}{3})*$)",
              "[一-鿿㐀-䶿\uf900-\ufaff぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+",
              SIGNED + r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
    "gemma4": [r"[^\n]+|[\n]+"],
    "whitespace": [r"\S+"],
}

WORDS = """I'm don't He'll WE'VE it's I'D 'tis '' Hello world THE HelloWorld camelCase ABCdef naïve café
Straße Привет МИР 你好世界 、。「」 こんにちは カタカナ 안녕하세요 ㄱㅏ ㄅㄆ مرحبا שלום हिन्दी ไทย ភាសាខ្មែរ ꩠꩡ 1 12 123
1234 12345 123456 1234567 12345678 3.14 1,000,000 ½ 1²345 234²1567 Ⅷ ١٢٣٤ ๑๒๓๔ 12abc 1234abc 1234_ 5ⓐ 🚀
👨‍👩‍👧 🇫🇷 ... !!! ?? -- == != => // /* */ a/b <b> </b> {} [] () $x @y #z a_b é é ﬁ ſ 'ſ K ⺀ 々 〇1 \u180e
<sentinel:12> IMGIMGABCZ ``` `a` ’s “a” ！？ … ｢ｶﾅ｣ ࠀ 豈 ꀀ""".split()
BLANKS = [" ", " ", " ", "  ", "   ", "\n", "\n\n", "\r\n", " \n", "\n ", "\t", "\t\t", "\u00a0", "\u2003",
          "\u3000", "\x85", "\x0b", "\u2028", "     ", "         "]

CHARACTERS = [chr(i) for i in range(0x110000)
              if unicodedata.category(chr(i)) not in ("Cn", "Co", "Cs")] + ["\ue000", "\U0010fffd"]


def cut(patterns, text):
    """The words of a text: matches of the first pattern and what lies between, cut by the others."""
    if not patterns:
        return [text]
    words, done = [], 0
    for match in regex.finditer(patterns[0], text):
        for start, end in ((done, match.start()), (match.start(), match.end())):
            if end > start:
                words += cut(patterns[1:], text[start:end])
        done = match.end()
    return words + (cut(patterns[1:], text[done:]) if done < len(text) else [])


def white_space(pattern):
    """Unicode's White_Space for \\s, as the engines that run these patterns have it: Python's regex
    also takes U+001C to U+001F."""
    pattern = pattern.replace(r"\S", r"[^\p{White_Space}]")
    return pattern.replace(r"\s", r"\p{White_Space}")


def made_up(rng):
    text = ""
    for _ in range(rng.randrange(1, 24)):
        kind = rng.random()
        if kind < 0.45:
            text += rng.choice(WORDS)
        elif kind < 0.75:
            text += rng.choice(BLANKS)
        elif kind < 0.9:
            text += chr(rng.randrange(32, 127)) * rng.choice([1, 1, 1, 2, 3, 4])
        else:
            text += rng.choice(CHARACTERS)
    return text


def committed():
    rng = random.Random(1)
    texts = [" ".join(WORDS[i:i + 6]) for i in range(0, len(WORDS), 6)]
    texts += ["".join(WORDS[i:i + 4]) for i in range(0, len(WORDS), 4)]
    texts += ["a" + blank + "b" + blank + blank + "!" + blank + "1" + blank for blank in dict.fromkeys(BLANKS)]
    texts += ["a" + " " * count + "b" for count in (7, 12, 70, 530)]
    texts += ["1" * count + end for count in range(1, 11) for end in ("", "x", " ")]
    return texts + [made_up(rng) for _ in range(12)]


def main():
    texts = committed()
    if len(sys.argv) > 2 and sys.argv[1] == "--random":
        rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 2)
        texts = [made_up(rng) for _ in range(int(sys.argv[2]))]
    rules = {name: [regex.compile(white_space(pattern)) for pattern in patterns]
             for name, patterns in RULES.items()}
    for text in texts:
        print("text", text.encode().hex())
        for name, patterns in rules.items():
            words = cut(patterns, text)
            assert "".join(words) == text
            print(name, ",".join(str(len(word.encode())) for word in words))


if __name__ == "__main__":
    main()
