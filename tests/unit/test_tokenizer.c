/* The tokenizers on vocabularies small enough to check by hand: order of merges, fallbacks, special
 * tokens, refusals, and time on unkind input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/random.h"
#include "tokenizer/internal.h"
#include "unit/gguf_image.h"

typedef struct Entry {
    const char *text;
    float score;
    AlisaTokenType type;
} Entry;

/* <unk> <s> </s>, then byte tokens if asked for, then the entries. */
static void begin_sentencepiece(GgufImage *image, const Entry *entries, size_t count, bool bytes) {
    size_t fixed = bytes ? 259 : 3;
    image_begin(image, 3);
    image_string(image, "tokenizer.ggml.model", "llama");
    image_array(image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, fixed + count);
    image_text(image, "<unk>", 5);
    image_text(image, "<s>", 3);
    image_text(image, "</s>", 4);
    for (size_t i = 3; i < fixed; i++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)(i - 3));
        image_text(image, text, 6);
    }
    for (size_t i = 0; i < count; i++) image_text(image, entries[i].text, strlen(entries[i].text));
    image_array(image, "tokenizer.ggml.scores", ALISA_GGUF_F32, fixed + count);
    for (size_t i = 0; i < fixed; i++) image_float(image, 0);
    for (size_t i = 0; i < count; i++) image_float(image, entries[i].score);
    image_array(image, "tokenizer.ggml.token_type", ALISA_GGUF_I32, fixed + count);
    image_number(image, ALISA_TOKEN_UNKNOWN, 4);
    image_number(image, ALISA_TOKEN_CONTROL, 4);
    image_number(image, ALISA_TOKEN_CONTROL, 4);
    for (size_t i = 3; i < fixed; i++) image_number(image, ALISA_TOKEN_BYTE, 4);
    for (size_t i = 0; i < count; i++) image_number(image, entries[i].type, 4);
}

/* The 256 bytes in GPT-2's alphabet (token i is byte i), then the entries; `merges` in one string,
 * a line each. */
static void begin_bpe(GgufImage *image, const char *pre, const Entry *entries, size_t count,
                      const char *const *merges, size_t merge_count) {
    image_begin(image, 3);
    image_string(image, "tokenizer.ggml.model", "gpt2");
    if (pre) image_string(image, "tokenizer.ggml.pre", pre);
    image_array(image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, 256 + count);
    unsigned next = 0x100;
    for (unsigned i = 0; i < 256; i++) {
        bool printable = (i >= 0x21 && i <= 0x7e) || (i >= 0xa1 && i != 0xad);
        unsigned code = printable ? i : next++;
        char letter[2] = {(char)(code < 0x80 ? code : 0xc0 | (code >> 6)),
                          (char)(0x80 | (code & 0x3f))};
        image_text(image, letter, code < 0x80 ? 1 : 2);
    }
    for (size_t i = 0; i < count; i++) image_text(image, entries[i].text, strlen(entries[i].text));
    image_array(image, "tokenizer.ggml.token_type", ALISA_GGUF_I32, 256 + count);
    for (unsigned i = 0; i < 256; i++) image_number(image, ALISA_TOKEN_NORMAL, 4);
    for (size_t i = 0; i < count; i++) image_number(image, entries[i].type, 4);
    image_array(image, "tokenizer.ggml.merges", ALISA_GGUF_STRING, merge_count);
    for (size_t i = 0; i < merge_count; i++) image_text(image, merges[i], strlen(merges[i]));
}

static AlisaStatus try_create(GgufImage *image, AlisaTokenizer **tokenizer, AlisaError *error) {
    AlisaGguf *gguf;
    *error = (AlisaError){0};
    assert_int_equal(alisa_gguf_open_memory(image->data, image->size, &gguf, error), ALISA_OK);
    AlisaStatus status = alisa_tokenizer_create(gguf, tokenizer, error);
    alisa_gguf_close(gguf);
    image_end(image);
    return status;
}

static AlisaTokenizer *create(GgufImage *image) {
    AlisaTokenizer *tokenizer;
    AlisaError error;
    if (try_create(image, &tokenizer, &error) != ALISA_OK) fail_msg("%s", error.message);
    return tokenizer;
}

static void assert_refused(GgufImage *image, AlisaStatus status, const char *words) {
    AlisaTokenizer *tokenizer;
    AlisaError error;
    assert_int_equal(try_create(image, &tokenizer, &error), status);
    if (!strstr(error.message, words)) print_error("got: %s\n", error.message);
    assert_non_null(strstr(error.message, words));
    assert_null(tokenizer);
}

/* `expected` ends with -1. */
static void assert_encodes(const AlisaTokenizer *tokenizer, const char *text, uint32_t flags,
                           const int32_t *expected) {
    int32_t *tokens;
    size_t count, wanted = 0;
    AlisaError error;
    while (expected[wanted] >= 0) wanted++;
    assert_int_equal(
        alisa_tokenizer_encode(tokenizer, text, strlen(text), flags, &tokens, &count, &error),
        ALISA_OK);
    assert_non_null(tokens);
    bool same = count == wanted;
    for (size_t i = 0; same && i < count; i++) same = tokens[i] == expected[i];
    if (!same) {
        print_error("\"%s\" gave", text);
        for (size_t i = 0; i < count; i++) print_error(" %d", tokens[i]);
        fail_msg("not what was expected");
    }
    free(tokens);
}

#define TOKENS(...) ((const int32_t[]){__VA_ARGS__, -1})
#define NONE        ((const int32_t[]){-1})

/* ---- SentencePiece ------------------------------------------------------------------------ */

static const Entry pieces[] = {
    {"\xe2\x96\x81", -1, ALISA_TOKEN_NORMAL},    /* 259 */
    {"a", -1, ALISA_TOKEN_NORMAL},               /* 260 */
    {"b", -1, ALISA_TOKEN_NORMAL},               /* 261 */
    {"ab", -5, ALISA_TOKEN_NORMAL},              /* 262 */
    {"ba", -4, ALISA_TOKEN_NORMAL},              /* 263 */
    {"\xe2\x96\x81" "a", -6, ALISA_TOKEN_NORMAL},/* 264 */
    {"aa", -4, ALISA_TOKEN_NORMAL},              /* 265 */
    {"[U]", 0, ALISA_TOKEN_USER_DEFINED},        /* 266 */
    {"<|end|>", 0, ALISA_TOKEN_CONTROL},         /* 267 */
    {"bb", -9, ALISA_TOKEN_UNUSED},              /* 268 */
};
#define PIECE_COUNT (sizeof pieces / sizeof pieces[0])

static void test_sentencepiece_merges(void **state) {
    (void)state;
    GgufImage image;
    begin_sentencepiece(&image, pieces, PIECE_COUNT, true);
    AlisaTokenizer *tokenizer = create(&image);
    assert_encodes(tokenizer, "", 0, NONE);
    assert_encodes(tokenizer, "", ALISA_TOKENIZE_BOS, TOKENS(1));
    assert_encodes(tokenizer, "b", 0, TOKENS(259, 261));
    /* "ba" (-4) goes before "_a" (-6) and "ab" (-5). */
    assert_encodes(tokenizer, "aba", 0, TOKENS(264, 263));
    assert_encodes(tokenizer, "ab", 0, TOKENS(259, 262));
    /* "aa" and "ba" have one score: the leftmost pair goes first. */
    assert_encodes(tokenizer, "baa", 0, TOKENS(259, 263, 260));
    assert_encodes(tokenizer, "aaa", 0, TOKENS(259, 265, 260));
    /* Unused pieces are not made; U+2581 is a blank; other characters become their bytes. */
    assert_encodes(tokenizer, "bb", 0, TOKENS(259, 261, 261));
    assert_encodes(tokenizer, "b\xe2\x96\x81" "b b", 0, TOKENS(259, 261, 259, 261, 259, 261));
    assert_encodes(tokenizer, "é\n", 0, TOKENS(259, 3 + 0xc3, 3 + 0xa9, 3 + 0x0a));
    alisa_tokenizer_destroy(tokenizer);
}

/* A piece with a blank inside forbids merging word by word. The result is the same either way, but
 * for that piece. */
static void test_sentencepiece_blank_inside(void **state) {
    (void)state;
    Entry more[PIECE_COUNT + 1];
    memcpy(more, pieces, sizeof pieces);
    more[PIECE_COUNT] = (Entry){"z\xe2\x96\x81" "b", -1, ALISA_TOKEN_NORMAL};
    GgufImage image;
    begin_sentencepiece(&image, pieces, PIECE_COUNT, true);
    AlisaTokenizer *words_only = create(&image);
    begin_sentencepiece(&image, more, PIECE_COUNT + 1, true);
    AlisaTokenizer *whole = create(&image);
    assert_true(words_only->cuts_at_blanks);
    assert_false(whole->cuts_at_blanks);
    more[PIECE_COUNT].text = "z\xe2\x96\x81";
    begin_sentencepiece(&image, more, PIECE_COUNT + 1, true);
    AlisaTokenizer *ends_blank = create(&image);
    assert_encodes(ends_blank, "z b", 0, TOKENS(259, 259 + PIECE_COUNT, 261));
    AlisaRandom random;
    alisa_random_seed(&random, 5);
    for (int i = 0; i < 2000; i++) {
        char text[41] = "";
        size_t length = alisa_random_below(&random, 40);
        for (size_t j = 0; j < length; j++) text[j] = "aab "[alisa_random_below(&random, 4)];
        int32_t *tokens, expected[64];
        size_t count;
        assert_int_equal(alisa_tokenizer_encode(whole, text, length, 0, &tokens, &count, NULL),
                         ALISA_OK);
        if (count) memcpy(expected, tokens, count * sizeof *tokens);
        expected[count] = -1;
        free(tokens);
        assert_encodes(words_only, text, 0, expected);
    }
    alisa_tokenizer_destroy(words_only);
    alisa_tokenizer_destroy(whole);
    alisa_tokenizer_destroy(ends_blank);
}

static void test_sentencepiece_special(void **state) {
    (void)state;
    GgufImage image;
    begin_sentencepiece(&image, pieces, PIECE_COUNT, true);
    AlisaTokenizer *tokenizer = create(&image);
    /* User-defined text is a token always, control text only when asked for. */
    assert_encodes(tokenizer, "b[U]b", 0, TOKENS(259, 261, 266, 261));
    assert_encodes(tokenizer, "b<s>a", ALISA_TOKENIZE_SPECIAL | ALISA_TOKENIZE_BOS,
                   TOKENS(1, 259, 261, 1, 264));
    assert_encodes(tokenizer, "<|end|>", ALISA_TOKENIZE_SPECIAL, TOKENS(267));
    assert_encodes(tokenizer, "<s", ALISA_TOKENIZE_SPECIAL, TOKENS(259, 3 + '<', 3 + 's'));
    assert_encodes(tokenizer, "<s>", 0, TOKENS(259, 3 + '<', 3 + 's', 3 + '>'));
    assert_true(alisa_tokenizer_is_end(tokenizer, 2));
    assert_true(alisa_tokenizer_is_end(tokenizer, 267));
    assert_false(alisa_tokenizer_is_end(tokenizer, 266));
    assert_false(alisa_tokenizer_is_end(tokenizer, -1));
    alisa_tokenizer_destroy(tokenizer);

    begin_sentencepiece(&image, pieces, PIECE_COUNT, true);
    image_bool(&image, "tokenizer.ggml.add_space_prefix", false);
    image_bool(&image, "tokenizer.ggml.add_bos_token", false);
    image_u32(&image, "tokenizer.ggml.eos_token_id", 261);
    image_u32(&image, "tokenizer.ggml.eot_token_id", 262);
    tokenizer = create(&image);
    assert_encodes(tokenizer, "b a", ALISA_TOKENIZE_BOS, TOKENS(261, 264));
    assert_int_equal(alisa_tokenizer_eos(tokenizer), 261);
    assert_true(alisa_tokenizer_is_end(tokenizer, 261));
    assert_true(alisa_tokenizer_is_end(tokenizer, 262));
    assert_false(alisa_tokenizer_is_end(tokenizer, 2));
    alisa_tokenizer_destroy(tokenizer);
}

static void test_sentencepiece_without_bytes(void **state) {
    (void)state;
    GgufImage image;
    begin_sentencepiece(&image, pieces, PIECE_COUNT, false);
    AlisaTokenizer *tokenizer = create(&image);
    assert_encodes(tokenizer, "b中b", 0, TOKENS(3, 5, 0, 5));
    alisa_tokenizer_destroy(tokenizer);

    begin_sentencepiece(&image, pieces, PIECE_COUNT, false);
    image_key(&image, "tokenizer.ggml.unknown_token_id", ALISA_GGUF_I32);
    image_number(&image, UINT32_MAX, 4);
    tokenizer = create(&image);
    int32_t *tokens;
    size_t count;
    AlisaError error;
    assert_int_equal(alisa_tokenizer_encode(tokenizer, "b中", 4, 0, &tokens, &count, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "no token for \"中\""));
    assert_null(tokens);
    alisa_tokenizer_destroy(tokenizer);
}

static void assert_bytes(const AlisaTokenizer *tokenizer, int32_t token, bool first, bool special,
                         const char *expected) {
    char buffer[32];
    size_t length = alisa_tokenizer_bytes(tokenizer, token, first, special, buffer, sizeof buffer);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(buffer, expected, length);
}

static void test_bytes(void **state) {
    (void)state;
    GgufImage image;
    begin_sentencepiece(&image, pieces, PIECE_COUNT, true);
    AlisaTokenizer *tokenizer = create(&image);
    assert_int_equal(alisa_tokenizer_size(tokenizer), 259 + PIECE_COUNT);
    assert_bytes(tokenizer, 264, false, false, " a");
    assert_bytes(tokenizer, 264, true, false, "a");
    assert_bytes(tokenizer, 259, true, false, "");
    assert_bytes(tokenizer, 3 + 0xc3, false, false, "\xc3");
    assert_bytes(tokenizer, 266, false, false, "[U]");
    assert_bytes(tokenizer, 1, false, false, "");
    assert_bytes(tokenizer, 1, false, true, "<s>");
    assert_bytes(tokenizer, 0, false, false, "");
    assert_bytes(tokenizer, -1, false, true, "");
    assert_bytes(tokenizer, 259 + PIECE_COUNT, false, true, "");
    char buffer[4] = "xyz";
    assert_int_equal(alisa_tokenizer_bytes(tokenizer, 266, false, false, buffer, 2), 3);
    assert_string_equal(buffer, "xyz"); /* too small: nothing is written */
    assert_int_equal(alisa_tokenizer_bytes(tokenizer, 266, false, false, NULL, 0), 3);
    alisa_tokenizer_destroy(tokenizer);
}

/* ---- BPE ---------------------------------------------------------------------------------- */

static const Entry words[] = {
    {"ab", 0, ALISA_TOKEN_NORMAL},            /* 256 */
    {"bc", 0, ALISA_TOKEN_NORMAL},            /* 257 */
    {"abc", 0, ALISA_TOKEN_NORMAL},           /* 258 */
    {"\xc4\xa0" "a", 0, ALISA_TOKEN_NORMAL},  /* 259: blank, a */
    {"xyz", 0, ALISA_TOKEN_NORMAL},           /* 260: no merge makes it */
    {"<|eot_id|>", 0, ALISA_TOKEN_CONTROL},   /* 261 */
    {"<|eot", 0, ALISA_TOKEN_USER_DEFINED},   /* 262 */
    {"\xc3\x83\xc2\xa9", 0, ALISA_TOKEN_NORMAL}, /* 263: the bytes of é */
};
#define WORD_COUNT (sizeof words / sizeof words[0])

static const char *const merges[] = {"b c", "a b", "ab c", "\xc4\xa0 a", "\xc3\x83 \xc2\xa9",
                                     "no such"};
#define MERGE_COUNT (sizeof merges / sizeof merges[0])

static AlisaTokenizer *create_bpe(const char *pre) {
    GgufImage image;
    begin_bpe(&image, pre, words, WORD_COUNT, merges, MERGE_COUNT);
    return create(&image);
}

static void test_bpe_merges(void **state) {
    (void)state;
    AlisaTokenizer *tokenizer = create_bpe("gpt-2");
    assert_encodes(tokenizer, "", ALISA_TOKENIZE_BOS, NONE);
    assert_encodes(tokenizer, "ab", 0, TOKENS(256));
    /* "b c" comes first in the list, so "ab c" never applies. */
    assert_encodes(tokenizer, "abc", 0, TOKENS('a', 257));
    assert_encodes(tokenizer, "a a  a", 0, TOKENS('a', 259, ' ', 259));
    assert_encodes(tokenizer, "é", 0, TOKENS(263));
    assert_encodes(tokenizer, "e\xcc\x81", 0, TOKENS('e', 0xcc, 0x81));
    assert_encodes(tokenizer, "xyz", 0, TOKENS('x', 'y', 'z'));
    assert_encodes(tokenizer, "a\x01", 0, TOKENS('a', 1));
    alisa_tokenizer_destroy(tokenizer);

    /* Llama 3 takes whole words; Qwen 2 composes. */
    tokenizer = create_bpe("llama-bpe");
    assert_encodes(tokenizer, "xyz abc", 0, TOKENS(260, 259, 257));
    assert_encodes(tokenizer, "abc", 0, TOKENS(258));
    alisa_tokenizer_destroy(tokenizer);
    tokenizer = create_bpe("qwen2");
    assert_encodes(tokenizer, "e\xcc\x81", 0, TOKENS(263));
    alisa_tokenizer_destroy(tokenizer);
}

/* The longest of the texts that may be a token is taken. */
static void test_bpe_special(void **state) {
    (void)state;
    AlisaTokenizer *tokenizer = create_bpe("gpt-2");
    assert_encodes(tokenizer, "a<|eot_id|>b", ALISA_TOKENIZE_SPECIAL, TOKENS('a', 261, 'b'));
    assert_encodes(tokenizer, "<|eot_id", ALISA_TOKENIZE_SPECIAL, TOKENS(262, '_', 'i', 'd'));
    assert_encodes(tokenizer, "<|eot_id|>", 0, TOKENS(262, '_', 'i', 'd', '|', '>'));
    assert_int_equal(alisa_tokenizer_bos(tokenizer), -1);
    assert_int_equal(alisa_tokenizer_eos(tokenizer), -1);
    assert_true(alisa_tokenizer_is_end(tokenizer, 261));
    assert_bytes(tokenizer, 261, false, false, "");
    assert_bytes(tokenizer, 261, false, true, "<|eot_id|>");
    assert_bytes(tokenizer, 259, true, false, " a");
    assert_bytes(tokenizer, 263, false, false, "é");
    alisa_tokenizer_destroy(tokenizer);
}

/* How each pattern cuts: the words of a text, joined by "/". */
static AlisaStatus join_word(void *user, const char *text, size_t length, AlisaError *error) {
    (void)error;
    char *joined = user;
    size_t used = strlen(joined);
    if (used) joined[used++] = '/';
    memcpy(joined + used, text, length);
    joined[used + length] = 0;
    return ALISA_OK;
}

static void test_split_rules(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        const char *text;
        const char *words;
    } cases[] = {
        {"gpt-2", "I'm 12345  x", "I/'m/ 12345/ / x"},
        {"gpt-2", "I'M!?\n\n", "I/'/M/!?/\n\n"},
        {"gpt-2", "a\xc2\xa0\xc2\xa0" "b", "a/\xc2\xa0/\xc2\xa0/b"},
        {"smollm", "I'm 123  4  x", "I/'m/ /1/2/3/  /4/ / x"},
        {"llama-bpe", "I'M 12345  x\n\n y", "I/'M/ /123/45/ / x/\n\n/ y"},
        {"llama-bpe", "(a) !!\n b", "(a/)/ !!\n/ b"},
        {"qwen2", "x 123", "x/ /1/2/3"},
        {"tekken", "HelloWorld 12 a/b", "Hello/World/ /1/2/ a/\x2f" "b"},
        {"gpt-4o", "I'M aB's 1234", "I'M/ a/B's/ /123/4"},
        {"gpt-2", "a\xe1\xa0\x8e" "b", "a/\xe1\xa0\x8e/b"}, /* U+180E is no white space */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AlisaSplitter *splitter;
        AlisaError error;
        char joined[128] = "";
        const AlisaSplitRule *rule = alisa_split_rule_find(cases[i].rule, strlen(cases[i].rule));
        assert_non_null(rule);
        assert_int_equal(alisa_splitter_create(rule, &splitter, &error), ALISA_OK);
        assert_int_equal(alisa_splitter_run(splitter, cases[i].text, strlen(cases[i].text),
                                            join_word, joined, &error),
                         ALISA_OK);
        assert_string_equal(joined, cases[i].words);
        alisa_splitter_destroy(splitter);
    }
}

/* ---- Refusals ----------------------------------------------------------------------------- */

static void test_no_tokenizer(void **state) {
    (void)state;
    static const char *const models[] = {NULL, "none", "no_vocab"};
    for (size_t i = 0; i < 3; i++) {
        GgufImage image;
        AlisaTokenizer *tokenizer;
        AlisaError error;
        image_begin(&image, 3);
        if (models[i]) image_string(&image, "tokenizer.ggml.model", models[i]);
        assert_int_equal(try_create(&image, &tokenizer, &error), ALISA_OK);
        assert_null(tokenizer);
    }
    alisa_tokenizer_destroy(NULL);
}

static void test_refuses_bad_vocabularies(void **state) {
    (void)state;
    GgufImage image;
    image_begin(&image, 3);
    image_string(&image, "tokenizer.ggml.model", "bert");
    assert_refused(&image, ALISA_ERROR_UNSUPPORTED, "\"bert\"");
    image_begin(&image, 3);
    image_string(&image, "tokenizer.ggml.model", "llama");
    assert_refused(&image, ALISA_ERROR_FORMAT, "tokenizer.ggml.tokens");
    begin_bpe(&image, "klingon", words, WORD_COUNT, merges, MERGE_COUNT);
    assert_refused(&image, ALISA_ERROR_UNSUPPORTED, "\"klingon\"");
    begin_bpe(&image, "klingon", words, WORD_COUNT, merges, MERGE_COUNT);
    assert_refused(&image, ALISA_ERROR_UNSUPPORTED, "llama-bpe, ");
    begin_bpe(&image, "gpt-2", words, WORD_COUNT, (const char *const[]){"a b", "ab"}, 2);
    assert_refused(&image, ALISA_ERROR_FORMAT, "entry 1 of tokenizer.ggml.merges");
    begin_sentencepiece(&image, pieces, PIECE_COUNT, true);
    image_u32(&image, "tokenizer.ggml.bos_token_id", 9999);
    assert_refused(&image, ALISA_ERROR_FORMAT, "bos_token_id names token 9999");
    begin_sentencepiece(&image, &(Entry){"x", NAN, ALISA_TOKEN_NORMAL}, 1, false);
    assert_refused(&image, ALISA_ERROR_FORMAT, "score of token 3");
    begin_sentencepiece(&image, &(Entry){"x", 0, (AlisaTokenType)7}, 1, false);
    assert_refused(&image, ALISA_ERROR_FORMAT, "token 3 has the unknown type 7");
    begin_sentencepiece(&image, &(Entry){"<0xG0>", 0, ALISA_TOKEN_BYTE}, 1, false);
    assert_refused(&image, ALISA_ERROR_FORMAT, "token 3 is a byte");

    image_begin(&image, 3);
    image_string(&image, "tokenizer.ggml.model", "llama");
    image_array(&image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, 2);
    image_text(&image, "a", 1);
    image_text(&image, "b", 1);
    image_array(&image, "tokenizer.ggml.scores", ALISA_GGUF_F32, 1);
    image_float(&image, 1);
    assert_refused(&image, ALISA_ERROR_FORMAT, "1 numbers for a vocabulary of 2");
    image_begin(&image, 3);
    image_string(&image, "tokenizer.ggml.model", "gpt2");
    image_array(&image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, 1);
    image_text(&image, "a", 1);
    assert_refused(&image, ALISA_ERROR_FORMAT, "tokenizer.ggml.merges");
}

static void test_refuses_invalid_utf8(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"ab\xff", "0xff at offset 2"},     {"\xc3", "0xc3 at offset 0"},
        {"é\xc0\x80", "0xc0 at offset 2"},  {"a\xed\xa0\x80", "0xed at offset 1"},
        {"\xf4\x90\x80\x80", "offset 0"},   {"abc\x80", "0x80 at offset 3"},
    };
    AlisaTokenizer *tokenizer = create_bpe("gpt-2");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t *tokens;
        size_t count;
        AlisaError error;
        assert_int_equal(alisa_tokenizer_encode(tokenizer, cases[i].text, strlen(cases[i].text), 0,
                                                &tokens, &count, &error),
                         ALISA_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, cases[i].words));
        assert_null(tokens);
    }
    alisa_tokenizer_destroy(tokenizer);
}

/* ---- Unkind input ------------------------------------------------------------------------- */

/* Seconds for a megabyte of `unit` repeated, then "x". */
static double time_encoding(const AlisaTokenizer *tokenizer, const char *unit) {
    size_t step = strlen(unit), size = (1u << 20) / step * step;
    char *text = malloc(size + 1);
    for (size_t i = 0; i < size; i++) text[i] = unit[i % step];
    text[size] = 'x';
    int32_t *tokens;
    size_t count;
    AlisaError error;
    uint64_t start = alisa_clock_now();
    assert_int_equal(alisa_tokenizer_encode(tokenizer, text, size + 1, 0, &tokens, &count, &error),
                     ALISA_OK);
    double seconds = (double)(alisa_clock_now() - start) * 1e-9;
    free(tokens);
    free(text);
    return seconds;
}

static void test_long_runs(void **state) {
    (void)state;
    static const char *const units[] = {"a", " ", "ab", "a b", "\n", "\n ", "é", "1", "-", "中",
                                        "\xcc\x80\xcc\xa3"}; /* marks in the wrong order */
    GgufImage image;
    begin_sentencepiece(&image, pieces, PIECE_COUNT, true);
    AlisaTokenizer *tokenizers[] = {create(&image), create_bpe("gpt-2"), create_bpe("qwen2"),
                                    create_bpe("tekken")};
    double slowest = 0;
    for (size_t i = 0; i < sizeof tokenizers / sizeof tokenizers[0]; i++) {
        for (size_t j = 0; j < sizeof units / sizeof units[0]; j++) {
            double seconds = time_encoding(tokenizers[i], units[j]);
            if (seconds > slowest) slowest = seconds;
        }
        alisa_tokenizer_destroy(tokenizers[i]);
    }
    print_message("slowest MiB: %.2f s\n", slowest);
    /* Generous, for sanitizers on a busy machine; a square in the algorithm would take hours. */
    assert_true(slowest < 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentencepiece_merges),
        cmocka_unit_test(test_sentencepiece_blank_inside),
        cmocka_unit_test(test_sentencepiece_special),
        cmocka_unit_test(test_sentencepiece_without_bytes),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_bpe_merges),
        cmocka_unit_test(test_bpe_special),
        cmocka_unit_test(test_split_rules),
        cmocka_unit_test(test_no_tokenizer),
        cmocka_unit_test(test_refuses_bad_vocabularies),
        cmocka_unit_test(test_refuses_invalid_utf8),
        cmocka_unit_test(test_long_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
