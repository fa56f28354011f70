/* SPDX-License-Identifier: Apache-2.0 */
/* SentencePiece on a vocabulary small enough to check by hand: order of merges, fallbacks, special
 * tokens; and what both kinds of tokenizer refuse. */
#include "unit/tokenizer_images.h"

#include <math.h>

#include "base/random.h"

/* ---- SentencePiece ------------------------------------------------------------------------ */

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
    assert_encodes(tokenizer,
                   "b\xe2\x96\x81"
                   "b b",
                   0, TOKENS(259, 261, 259, 261, 259, 261));
    assert_encodes(tokenizer, "é\n", 0, TOKENS(259, 3 + 0xc3, 3 + 0xa9, 3 + 0x0a));
    alisa_tokenizer_destroy(tokenizer);
}

/* A piece with a blank inside forbids merging word by word. The result is the same either way, but
 * for that piece. */
static void test_sentencepiece_blank_inside(void **state) {
    (void)state;
    Entry more[PIECE_COUNT + 1];
    memcpy(more, pieces, sizeof pieces);
    more[PIECE_COUNT] = (Entry){"z\xe2\x96\x81"
                                "b",
                                -1, ALISA_TOKEN_NORMAL};
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
        for (size_t j = 0; j < length; j++)
            text[j] = "aab "[alisa_random_below(&random, 4)];
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
    assert_encodes(tokenizer, "b[U]b", 0, TOKENS(259, 261, 266, 259, 261));
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
    assert_true(alisa_tokenizer_is_end(tokenizer, 2)); /* "</s>", by its text */
    assert_false(alisa_tokenizer_is_end(tokenizer, 263));
    alisa_tokenizer_destroy(tokenizer);
}

/* Texts of tokens that end generation, in a vocabulary after <unk>, <s> and </s>. */
static void test_ends(void **state) {
    (void)state;
    static const struct {
        Entry entry;
        bool end, control;
    } cases[] = {
        {{"<|im_end|>", 0, ALISA_TOKEN_CONTROL}, true, true},
        {{"<|im_end|>", 0, ALISA_TOKEN_USER_DEFINED}, true, true}, /* whatever the file says */
        {{"<|im_end|>", 0, ALISA_TOKEN_NORMAL}, true, true},
        {{"<|im_end|>", 0, ALISA_TOKEN_UNUSED}, false, false},
        {{"<end_of_turn>", 0, ALISA_TOKEN_NORMAL}, true, true},
        {{"<｜end▁of▁sentence｜>", 0, ALISA_TOKEN_CONTROL}, true, true},
        {{"<EOT>", 0, ALISA_TOKEN_CONTROL}, true, true},
        {{"<EOT>", 0, ALISA_TOKEN_USER_DEFINED}, false, false}, /* people write this */
        {{"[e~[", 0, ALISA_TOKEN_CONTROL}, true, true},
        {{"<|im_start|>", 0, ALISA_TOKEN_CONTROL}, false, true},
        {{"<|end|>", 0, ALISA_TOKEN_CONTROL}, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        GgufImage image;
        begin_sentencepiece(&image, &cases[i].entry, 1, false);
        AlisaTokenizer *tokenizer = create(&image);
        if (alisa_tokenizer_is_end(tokenizer, 3) != cases[i].end ||
            (tokenizer->vocabulary.types[3] == ALISA_TOKEN_CONTROL) != cases[i].control) {
            fail_msg("case %zu: %s", i, cases[i].entry.text);
        }
        alisa_tokenizer_destroy(tokenizer);
    }
    /* gpt-oss: a message ends with "<|end|>", what the model says with one of the others. */
    const Entry harmony[] = {{"<|end|>", 0, ALISA_TOKEN_CONTROL},
                             {"<|return|>", 0, ALISA_TOKEN_CONTROL},
                             {"<|call|>", 0, ALISA_TOKEN_CONTROL}};
    GgufImage image;
    begin_sentencepiece(&image, harmony, 3, false);
    AlisaTokenizer *tokenizer = create(&image);
    assert_false(alisa_tokenizer_is_end(tokenizer, 3));
    assert_true(alisa_tokenizer_is_end(tokenizer, 4));
    assert_true(alisa_tokenizer_is_end(tokenizer, 5));
    alisa_tokenizer_destroy(tokenizer);
}

static void test_sentencepiece_extra_blanks(void **state) {
    (void)state;
    GgufImage image;
    begin_sentencepiece(&image, pieces, PIECE_COUNT, true);
    image_bool(&image, "tokenizer.ggml.remove_extra_whitespaces", true);
    AlisaTokenizer *tokenizer = create(&image);
    assert_encodes(tokenizer, "  b   a  ", 0, TOKENS(259, 261, 264));
    assert_encodes(tokenizer, "   ", 0, NONE);
    assert_encodes(tokenizer, " b <s>  b ", ALISA_TOKENIZE_SPECIAL, TOKENS(259, 261, 1, 259, 261));
    assert_encodes(tokenizer, "b  [U]  b", 0, TOKENS(259, 261, 266, 259, 261));
    alisa_tokenizer_destroy(tokenizer);
}

/* Phi 3's special tokens take the white space after them along, but for BOS and the end of text. */
static void test_sentencepiece_strips(void **state) {
    (void)state;
    const Entry entries[] = {{"▁", -1, ALISA_TOKEN_NORMAL},
                             {"b", -1, ALISA_TOKEN_NORMAL},
                             {"<|user|>", 0, ALISA_TOKEN_CONTROL},
                             {"<|endoftext|>", 0, ALISA_TOKEN_CONTROL},
                             {"[U]", 0, ALISA_TOKEN_USER_DEFINED}};
    static const char *const architectures[] = {"llama", "phi3"};
    for (size_t i = 0; i < 2; i++) {
        GgufImage image;
        begin_sentencepiece(&image, entries, 5, true);
        image_string(&image, "general.architecture", architectures[i]);
        AlisaTokenizer *tokenizer = create(&image);
        assert_encodes(tokenizer, "<|user|> \nb", ALISA_TOKENIZE_SPECIAL,
                       i ? TOKENS(261, 259, 260) : TOKENS(261, 259, 259, 3 + '\n', 260));
        assert_encodes(
            tokenizer, "<|endoftext|> b<s> b[U] b", ALISA_TOKENIZE_SPECIAL,
            TOKENS(262, 259, 259, 260, 1, 259, 259, 260, 263, 259, i ? 260 : 259, i ? -1 : 260));
        alisa_tokenizer_destroy(tokenizer);
    }
}

/* Without tokenizer.ggml.token_type, tokens that are written like bytes are bytes. */
static void test_sentencepiece_without_types(void **state) {
    (void)state;
    static const char *const texts[] = {"<unk>", "<s>", "</s>", "▁", "b", "<0xC3>", "<0xA9>"};
    GgufImage image;
    image_begin(&image, 3);
    image_string(&image, "tokenizer.ggml.model", "llama");
    image_array(&image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, 7);
    for (size_t i = 0; i < 7; i++)
        image_text(&image, texts[i], strlen(texts[i]));
    image_array(&image, "tokenizer.ggml.scores", ALISA_GGUF_F32, 7);
    for (size_t i = 0; i < 7; i++)
        image_float(&image, -(float)i);
    AlisaTokenizer *tokenizer = create(&image);
    assert_encodes(tokenizer, "bé", 0, TOKENS(3, 4, 5, 6));
    assert_bytes(tokenizer, 5, false, false, "\xc3");
    alisa_tokenizer_destroy(tokenizer);
}

/* A special token that is part of a character must not cut one. */
static void test_special_token_of_half_a_character(void **state) {
    (void)state;
    const Entry half = {"\xc3", 0, ALISA_TOKEN_USER_DEFINED};
    GgufImage image;
    begin_sentencepiece(&image, &half, 1, true);
    AlisaTokenizer *tokenizer = create(&image);
    assert_encodes(tokenizer, "é", 0, TOKENS(3 + ' ', 3 + 0xc3, 3 + 0xa9));
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

/* ---- Refusals ----------------------------------------------------------------------------- */

static void assert_refused(GgufImage *image, AlisaStatus status, const char *words) {
    AlisaTokenizer *tokenizer;
    AlisaError error;
    assert_int_equal(try_create(image, &tokenizer, &error), status);
    if (!strstr(error.message, words)) print_error("got: %s\n", error.message);
    assert_non_null(strstr(error.message, words));
    assert_null(tokenizer);
}

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

/* Kinds of tokenizers are refused by name, with those that run. */
static void test_refuses_other_kinds(void **state) {
    (void)state;
    static const char *const kinds[] = {"t5",      "bert",      "rwkv",      "plamo2",
                                        "klingon", "hybriddna", "whitespace"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char words[64];
        snprintf(words, sizeof words, "the tokenizer \"%s\" (tokenizer.ggml.model", kinds[i]);
        GgufImage image;
        image_begin(&image, 3);
        image_string(&image, "tokenizer.ggml.model", kinds[i]);
        assert_refused(&image, ALISA_ERROR_UNSUPPORTED, words);
        image_begin(&image, 3);
        image_string(&image, "tokenizer.ggml.model", kinds[i]);
        assert_refused(&image, ALISA_ERROR_UNSUPPORTED,
                       "those that run are llama (SentencePiece's BPE), gpt2 (BPE of bytes), "
                       "gemma4 (BPE of characters)");
    }
}

static void test_refuses_bad_vocabularies(void **state) {
    (void)state;
    GgufImage image;
    image_begin(&image, 3);
    image_string(&image, "tokenizer.ggml.model", "llama");
    assert_refused(&image, ALISA_ERROR_FORMAT, "tokenizer.ggml.tokens");
    begin_bpe(&image, "gpt-2", bpe_words, WORD_COUNT, (const char *const[]){"a b", "ab"}, 2);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentencepiece_merges),
        cmocka_unit_test(test_sentencepiece_blank_inside),
        cmocka_unit_test(test_sentencepiece_special),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_sentencepiece_extra_blanks),
        cmocka_unit_test(test_sentencepiece_strips),
        cmocka_unit_test(test_sentencepiece_without_types),
        cmocka_unit_test(test_special_token_of_half_a_character),
        cmocka_unit_test(test_sentencepiece_without_bytes),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_no_tokenizer),
        cmocka_unit_test(test_refuses_other_kinds),
        cmocka_unit_test(test_refuses_bad_vocabularies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
