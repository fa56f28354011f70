/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each family of models cuts text into words before merging: the names that a file may give in
 * tokenizer.ggml.pre, and the patterns behind them. The patterns are those that the models' makers
 * published; where a tokenizer cuts several times, each stage cuts what the stage before left.
 */
#include "tokenizer/internal.h"

#include <string.h>

/* White space is spelled out as Unicode's White_Space, because PCRE2's \s also takes U+180E, which
 * Unicode no longer counts. */
#define SPACE "\\p{Z}\\x{09}-\\x{0d}\\x{85}"
/* A run of white space leaves its last character to the word that follows. */
#define BLANKS "[" SPACE "]+(?![^" SPACE "])|[" SPACE "]+"

#define CONTRACTION     "'s|'t|'re|'ve|'m|'ll|'d"
#define ANY_CONTRACTION "(?i:" CONTRACTION ")"
#define LETTERS         "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define MARKED_LETTERS  "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+"
#define PUNCTUATION     " ?[^" SPACE "\\p{L}\\p{N}]+"
#define LINES           "[" SPACE "]*[\\r\\n]+"

#define GPT2                         CONTRACTION "| ?\\p{L}+| ?\\p{N}+|" PUNCTUATION "|" BLANKS
#define AFTER_LETTERS(numbers, ends) numbers "|" PUNCTUATION "[" ends "]*|" LINES "|" BLANKS
#define GPT4(numbers)                ANY_CONTRACTION "|" LETTERS "|" AFTER_LETTERS(numbers, "\\r\\n")

/* Words of which only the beginning is in capitals; `end` follows them. */
#define CAPITALS "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define SMALL    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(end)                                                                                 \
    "[^\\r\\n\\p{L}\\p{N}]?" CAPITALS "*" SMALL "+" end "|[^\\r\\n\\p{L}\\p{N}]?" CAPITALS         \
    "+" SMALL "*" end "|"

/* Sets that leave Han out, as complements, since PCRE2 cannot subtract one from another. */
#define NEITHER          "\\p{N}\\p{P}\\p{S}\\p{Z}\\p{C}\\p{sc:Han}"
#define CAPITALS_NOT_HAN "[^\\p{Ll}" NEITHER "]"
#define SMALL_NOT_HAN    "[^\\p{Lu}\\p{Lt}" NEITHER "]"

#define KANA_AND_HAN "[一-龥぀-ゟ゠-ヿ]+"
#define EAST_ASIAN   "[一-龥ࠀ-一가-퟿]+"
/* A sign of ASCII with the word after it; words with their marks; signs with the lines after them.
 */
#define SIGNED_WORDS                                                                               \
    "[!\"#$%&'()*+,\\-./"                                                                          \
    ":;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"

/* The letters with case, as the makers of DeepSeek list them. */
/* clang-format off */
#define CASED_LETTERS \
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽ" \
    "ᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥ" \
    "ῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎ" \
    "ꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
/* clang-format on */

/* What \b sees as a part of a word. */
#define WORD                                                                                       \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}\\x{1f150}-"         \
    "\\x{1f169}\\x{1f170}-\\x{1f189}"

/* ---- Stages ------------------------------------------------------------------------------- */

typedef const char *const Stages[ALISA_SPLIT_STAGES + 1]; /* ends with NULL */

static Stages gpt2 = {GPT2};
static Stages gpt2_digits = {"\\p{N}", GPT2}; /* every digit by itself */
/* What llama.cpp does under that name, which only its converter writes. */
static Stages by_default = {"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9]{3}"};
static Stages falcon = {"[\\p{P}$+<=>^~|`]+", GPT2, "[0-9]{3}"};
static Stages bloom = {" ?[^(" SPACE "|.,!?…。，、।۔،)]+"};
static Stages viking = {" ?[^(" SPACE "|.,!?…。，、।۔،)]+", "\\p{N}"};
static Stages chameleon = {"<sentinel:[0-9]+>",      "IMGIMG[A-I]{1,4}Z",
                           "[\\t\\n]|    |  ",       "\\p{N}",
                           "[\\p{P}!-/:-@\\[-`{-~]", GPT2};

static Stages llama3 = {GPT4("\\p{N}{1,3}")};
static Stages qwen2 = {GPT4("\\p{N}")};
static Stages qwen35 = {ANY_CONTRACTION "|" MARKED_LETTERS "|\\p{N}| ?[^" SPACE
                                        "\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" LINES "|" BLANKS};
static Stages minicpm5 = {"\\p{N}{1,3}", GPT4("\\p{N}+")};
static Stages lines_then_qwen2 = {"[^\\n]+|\\n+", GPT4("\\p{N}")};
static Stages no_contractions = {LETTERS "|" AFTER_LETTERS("\\p{N}", "\\r\\n")};
static Stages bailing = {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}|"
                         " ?[^" SPACE "\\p{L}\\p{N}]++[\\r\\n]*|[" SPACE "]*[\\r\\n]|" BLANKS};
static Stages seed_coder = {ANY_CONTRACTION "|" LETTERS "|\\p{N}| ?[^" SPACE
                                            "\\p{L}\\p{N}\\r\\n]+|" LINES "|" BLANKS};
/* Words with single blanks between them are one. */
static Stages exaone_moe = {ANY_CONTRACTION
                            "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*+(?: \\p{L}\\p{M}*+)*+)++"
                            "|\\p{N}|" PUNCTUATION "[\\r\\n/]?|[" SPACE "]*[\\r\\n]|" BLANKS};
#define LONG_BLANKS(count) "[" SPACE "]{" count "}(?![^" SPACE "])|"
static Stages jais2 = {ANY_CONTRACTION "|" LETTERS "|\\p{N}{1,3}|" PUNCTUATION "[\\r\\n]*|" LINES
                                       "|" LONG_BLANKS("512") LONG_BLANKS("256") LONG_BLANKS("128")
                                           LONG_BLANKS("64") LONG_BLANKS("32") LONG_BLANKS("16")
                                               LONG_BLANKS("8") LONG_BLANKS("4")
                                                   LONG_BLANKS("1,2") "[" SPACE "]"};

static Stages tekken = {CASED("") AFTER_LETTERS("\\p{N}", "\\r\\n/")};
static Stages gpt4o = {CASED(ANY_CONTRACTION "?") AFTER_LETTERS("\\p{N}{1,3}", "\\r\\n/")};
static Stages youtu = {
    "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" KANA_AND_HAN,
    CASED(ANY_CONTRACTION "?") AFTER_LETTERS("\\p{N}", "\\r\\n/")};
static Stages kimi = {"\\p{sc:Han}+|"
                      "[^\\r\\n\\p{L}\\p{N}]?" CAPITALS_NOT_HAN "*" SMALL_NOT_HAN
                      "+" ANY_CONTRACTION "?|"
                      "[^\\r\\n\\p{L}\\p{N}]?" CAPITALS_NOT_HAN "+" SMALL_NOT_HAN
                      "*" ANY_CONTRACTION "?|" AFTER_LETTERS("\\p{N}{1,3}", "\\r\\n")};
/* Cuts at numbers, and before every three of their digits counted from the right; words stay
 * together, since tokens hold several. The makers' pattern for the digits looks ahead to the end of
 * the number from each of them, which takes a square of their count: a group that begins at a cut
 * needs to see the next digit only. Likewise below, the first group of a number looks ahead and \G
 * goes on. */
static Stages superbpe = {"\\p{N}+", "(?!^)\\d{3}(?=\\d)|(?s:.)+?(?=(?:\\d{3})++(?!\\d)|\\z)"};
static Stages aya = {"(?<!\\d)\\d{1,3}(?=(?:\\d{3})*+(?![" WORD "]))|\\G(?<=\\d)\\d{3}",
                     CASED(ANY_CONTRACTION "?") AFTER_LETTERS("\\p{N}{1,3}", "\\r\\n/")};

static Stages deepseek_llm = {"[\\r\\n]",
                              "[" SPACE "]?[" CASED_LETTERS "]+",
                              "[" SPACE "]?[!-/:-~！-／：-～‘-‟　-。]+",
                              "(?<![" SPACE "])[" SPACE "]+\\z",
                              EAST_ASIAN,
                              "\\p{N}+"};
static Stages deepseek_coder = {"[\\r\\n]", "[" SPACE "]?\\p{L}+", "[" SPACE "]?\\p{P}+",
                                EAST_ASIAN, "\\p{N}"};
static Stages deepseek3 = {"\\p{N}{1,3}", KANA_AND_HAN,
                           SIGNED_WORDS " ?[\\p{P}\\p{S}]+[\\r\\n]*|" LINES "|" BLANKS};
static Stages spark = {"\\p{N}{1,3}", KANA_AND_HAN,
                       SIGNED_WORDS " ?[\\p{P}\\p{S}]+|[\\r\\n]|" BLANKS, "\\p{N}"};
static Stages afmoe = {
    "\\p{N}+", "^\\p{N}{1,2}(?=(?:\\p{N}{3})++\\z)|\\G\\p{N}{3}",
    "[一-鿿㐀-䶿\\x{f900}-\\x{faff}぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-"
    "ꩿꧠ-꧿가-힯ᄀ-ᇿ]+",
    SIGNED_WORDS " ?[\\p{P}\\p{S}]+[\\r\\n]*|" LINES "|" BLANKS};

static Stages lines = {"[^\\n]+|\\n+"};
static Stages words = {"[^" SPACE "]+"};

/* ---- Names -------------------------------------------------------------------------------- */

static const AlisaSplitRule rules[] = {
    {"default", by_default},
    {"gpt-2", gpt2},
    {"phi-2", gpt2},
    {"jina-es", gpt2},
    {"jina-de", gpt2},
    {"jina-v1-en", gpt2},
    {"jina-v2-es", gpt2},
    {"jina-v2-de", gpt2},
    {"jina-v2-code", gpt2},
    {"roberta-bpe", gpt2},
    {"gigachat", gpt2},
    {"a.x-4.0", gpt2},
    {"mellum", gpt2},
    {"exaone4", gpt2},
    {"jais", gpt2},
    {"trillion", gpt2},
    {"granite-docling", gpt2},
    {"gpt-neox", gpt2, .compose = true},
    {"mpt", gpt2, .compose = true},
    {"olmo", gpt2, .compose = true},
    {"modern-bert", gpt2, .compose = true},
    {"smollm", gpt2_digits},
    {"starcoder", gpt2_digits},
    {"refact", gpt2_digits},
    {"codeshell", gpt2_digits},
    {"exaone", gpt2_digits},
    {"minerva-7b", gpt2_digits},
    {"mellum2", gpt2_digits},
    {"command-r", gpt2_digits, .compose = true},
    {"falcon", falcon},
    {"bloom", bloom},
    {"poro-chat", bloom},
    {"gpt3-finnish", bloom},
    {"viking", viking},
    {"chameleon", chameleon, .add_bos = true},
    {"llama-bpe", llama3, .whole_words = true, .add_bos = true},
    {"llama3", llama3, .whole_words = true, .add_bos = true},
    {"llama-v3", llama3, .whole_words = true, .add_bos = true},
    {"falcon3", llama3, .whole_words = true, .add_bos = true},
    {"falcon-h1", llama3, .whole_words = true, .add_bos = true},
    {"pixtral", llama3, .whole_words = true, .add_bos = true},
    {"midm-2.0", llama3, .whole_words = true, .add_bos = true},
    {"lfm2", llama3, .whole_words = true, .add_bos = true},
    {"jina-v5-nano", llama3, .whole_words = true, .add_bos = true},
    {"dbrx", llama3},
    {"smaug-bpe", llama3},
    {"chatglm-bpe", llama3},
    {"glm4", llama3, .whole_words = true},
    {"glm5", llama3, .whole_words = true},
    {"minicpm5", minicpm5, .whole_words = true},
    {"jais-2", jais2},
    {"qwen2", qwen2, .compose = true},
    {"deepseek-r1-qwen", qwen2, .compose = true},
    {"f2llmv2", qwen2, .compose = true},
    {"stablelm2", qwen2, .compose = true},
    {"kormo", qwen2},
    {"megrez", qwen2},
    {"hunyuan", qwen2},
    {"solar-open", qwen2},
    {"grok-2", qwen2},
    {"qwen35", qwen35, .compose = true},
    {"laguna", lines_then_qwen2},
    {"ufakzeka", no_contractions},
    {"bailingmoe", bailing},
    {"bailingmoe2", bailing},
    {"llada-moe", bailing},
    {"seed-coder", seed_coder},
    {"exaone-moe", exaone_moe},
    {"tekken", tekken, .whole_words = true, .add_bos = true},
    {"gpt-4o", gpt4o},
    {"llama4", gpt4o},
    {"kanana2", gpt4o},
    {"talkie", gpt4o},
    {"minimax-m2", gpt4o},
    {"granite-embed-multi-97m", gpt4o, .whole_words = true},
    {"youtu", youtu, .whole_words = true},
    {"kimi-k2", kimi},
    {"tiny_aya", aya, .compose = true},
    {"cohere2moe", aya, .compose = true},
    {"superbpe", superbpe},
    {"deepseek-llm", deepseek_llm},
    {"deepseek-coder", deepseek_coder},
    {"deepseek-v3", deepseek3},
    {"hunyuan-dense", deepseek3},
    {"hy_v4", deepseek3},
    {"joyai-llm", deepseek3},
    {"spark2_5", spark},
    {"afmoe", afmoe},
    {"gemma4", lines, .characters = true, .add_bos = true},
    {"granite-embed-multi-311m", lines, .characters = true, .add_bos = true},
    {"sarvam-moe", lines, .characters = true},
    {"whitespace", words, .characters = true},
};

#define RULE_COUNT (sizeof rules / sizeof rules[0])

const AlisaSplitRule *alisa_split_rule_at(size_t index) {
    return index < RULE_COUNT ? &rules[index] : NULL;
}

const AlisaSplitRule *alisa_split_rule_find(const char *name, size_t length) {
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (strlen(rules[i].name) == length && memcmp(rules[i].name, name, length) == 0) {
            return &rules[i];
        }
    }
    return NULL;
}
