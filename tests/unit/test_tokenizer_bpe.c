/* SPDX-License-Identifier: Apache-2.0 */
/* Byte-level BPE on a vocabulary small enough to check by hand: merges, special tokens, the split
 * patterns; and the time both kinds of tokenizer take on unkind input. */
#include "unit/tokenizer_images.h"

#include "base/clock.h"

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

/* A token with letters outside the alphabet is never made from text, and one with the same bytes in
 * the alphabet is. */
static void test_bpe_foreign_letters(void **state) {
    (void)state;
    const Entry words[] = {{"\u4e2d", 0, ALISA_TOKEN_NORMAL}, /* 256: the character itself */
                           {"\u00e4\u00b8", 0, ALISA_TOKEN_NORMAL},
                           {"\u00e4\u00b8\u0143", 0, ALISA_TOKEN_NORMAL}}; /* 258: its bytes */
    const char *const merges[] = {"\u00e4 \u00b8", "\u00e4\u00b8 \u0143"};
    GgufImage image;
    begin_bpe(&image, "gpt-2", words, 3, merges, 2);
    AlisaTokenizer *tokenizer = create(&image);
    assert_encodes(tokenizer, "中", 0, TOKENS(258));
    assert_bytes(tokenizer, 256, false, false, "中");
    assert_bytes(tokenizer, 258, false, false, "中");
    alisa_tokenizer_destroy(tokenizer);
}

/* Bytes that have no token are dropped, unless there is a token for unknown text that is no control
 * token. */
static void test_bpe_missing_bytes(void **state) {
    (void)state;
    static const struct {
        uint32_t unknown_type; /* of token 0 */
        int32_t expected[4];   /* of "a@b@" */
    } cases[] = {{ALISA_TOKEN_CONTROL, {3, -1, -1, -1}}, {ALISA_TOKEN_UNKNOWN, {1, 0, 2, 0}}};
    for (size_t i = 0; i < 2; i++) {
        GgufImage image;
        image_begin(&image, 3);
        image_string(&image, "tokenizer.ggml.model", "gpt2");
        image_string(&image, "tokenizer.ggml.pre", "bloom");
        image_array(&image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, 4);
        image_text(&image, "<unk>", 5);
        image_text(&image, "a", 1);
        image_text(&image, "b", 1);
        image_text(&image, "ab", 2);
        image_array(&image, "tokenizer.ggml.token_type", ALISA_GGUF_I32, 4);
        for (size_t j = 0; j < 4; j++)
            image_number(&image, j ? ALISA_TOKEN_NORMAL : cases[i].unknown_type, 4);
        image_array(&image, "tokenizer.ggml.merges", ALISA_GGUF_STRING, 1);
        image_text(&image, "a b", 3);
        image_u32(&image, "tokenizer.ggml.unknown_token_id", 0);
        AlisaTokenizer *tokenizer = create(&image);
        int32_t expected[5] = {-1, -1, -1, -1, -1};
        memcpy(expected, cases[i].expected, sizeof cases[i].expected);
        assert_encodes(tokenizer, "a@b@", 0, expected);
        assert_encodes(tokenizer, "", 0, NONE);
        if (i == 0) assert_encodes(tokenizer, "@", 0, NONE);
        alisa_tokenizer_destroy(tokenizer);
    }
}

/* What the file does not say of splitting is assumed, and said. */
static void test_bpe_warns(void **state) {
    (void)state;
    static const struct {
        const char *pre;
        const char *words; /* NULL: no warning */
    } cases[] = {{NULL, "the file does not say how words are split"},
                 {"", "the file does not say how words are split"},
                 {"klingon", "the way \"klingon\" of splitting words"},
                 {"default", NULL},
                 {"llama-bpe", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AlisaTokenizer *tokenizer = create_bpe(cases[i].pre);
        const char *warning = alisa_tokenizer_warning(tokenizer);
        assert_int_equal(warning != NULL, cases[i].words != NULL);
        if (warning) {
            assert_non_null(strstr(warning, cases[i].words));
            assert_non_null(strstr(warning, "\"default\" is assumed"));
            assert_string_equal(warning + strlen(warning) - 5, "again");
            assert_string_equal(tokenizer->bpe.rule->name, "default");
        }
        alisa_tokenizer_destroy(tokenizer);
    }
}

/* Gemma 4's tokens are spelled as SentencePiece's, and merges begin with characters. */
static void test_bpe_of_characters(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t type;
    } tokens[] = {
        {"<unk>", ALISA_TOKEN_UNKNOWN}, {"<bos>", ALISA_TOKEN_CONTROL},
        {"▁", ALISA_TOKEN_NORMAL},      {"中", ALISA_TOKEN_NORMAL},
        {"▁中", ALISA_TOKEN_NORMAL},    {"\n", ALISA_TOKEN_NORMAL},
        {"\n\n", ALISA_TOKEN_NORMAL},   {"<0xC3>", ALISA_TOKEN_BYTE},
        {"<0xA9>", ALISA_TOKEN_BYTE},
    };
    enum { COUNT = sizeof tokens / sizeof tokens[0] };
    static const char *const merges[] = {"\n \n", "▁ 中"};
    GgufImage image;
    image_begin(&image, 3);
    image_string(&image, "tokenizer.ggml.model", "gemma4");
    image_array(&image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        image_text(&image, tokens[i].text, strlen(tokens[i].text));
    image_array(&image, "tokenizer.ggml.token_type", ALISA_GGUF_I32, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        image_number(&image, tokens[i].type, 4);
    image_array(&image, "tokenizer.ggml.merges", ALISA_GGUF_STRING, 2);
    for (size_t i = 0; i < 2; i++)
        image_text(&image, merges[i], strlen(merges[i]));
    image_u32(&image, "tokenizer.ggml.bos_token_id", 1);
    image_u32(&image, "tokenizer.ggml.unknown_token_id", 0);
    AlisaTokenizer *tokenizer = create(&image);
    assert_null(alisa_tokenizer_warning(tokenizer));
    assert_encodes(tokenizer, "中 中", ALISA_TOKENIZE_BOS, TOKENS(1, 3, 4));
    assert_encodes(tokenizer, "\n\n\n中", 0, TOKENS(6, 5, 3));
    assert_encodes(tokenizer, "é▁é", 0, TOKENS(7, 8, 2, 7, 8));
    assert_encodes(tokenizer, "x", 0, TOKENS(0)); /* neither a token nor bytes */
    assert_bytes(tokenizer, 4, false, false, " 中");
    assert_bytes(tokenizer, 7, false, false, "\xc3");
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
        {"gpt-2",
         "a\xc2\xa0\xc2\xa0"
         "b",
         "a/\xc2\xa0/\xc2\xa0/b"},
        {"smollm", "I'm 123  4  x", "I/'m/ /1/2/3/  /4/ / x"},
        {"llama-bpe", "I'M 12345  x\n\n y", "I/'M/ /123/45/ / x/\n\n/ y"},
        {"llama-bpe", "(a) !!\n b", "(a/)/ !!\n/ b"},
        {"qwen2", "x 123", "x/ /1/2/3"},
        {"tekken", "HelloWorld 12 a/b",
         "Hello/World/ /1/2/ a/\x2f"
         "b"},
        {"gpt-4o", "I'M aB's 1234", "I'M/ a/B's/ /123/4"},
        {"gpt-2",
         "a\xe1\xa0\x8e"
         "b",
         "a/\xe1\xa0\x8e/b"}, /* U+180E is no white space */
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

/* What a pattern does not match is a word too: no byte is lost. */
static void test_split_keeps_what_does_not_match(void **state) {
    (void)state;
    static const char *const patterns[] = {"b+", NULL};
    const AlisaSplitRule rule = {.name = "only b", .patterns = patterns};
    AlisaSplitter *splitter;
    AlisaError error;
    char joined[32] = "";
    assert_int_equal(alisa_splitter_create(&rule, &splitter, &error), ALISA_OK);
    assert_int_equal(alisa_splitter_run(splitter, "aabbébcc", 9, join_word, joined, &error),
                     ALISA_OK);
    assert_string_equal(joined, "aa/bb/é/b/cc");
    alisa_splitter_destroy(splitter);
}

static void test_refuses_invalid_utf8(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"ab\xff", "0xff at offset 2"},    {"\xc3", "0xc3 at offset 0"},
        {"é\xc0\x80", "0xc0 at offset 2"}, {"a\xed\xa0\x80", "0xed at offset 1"},
        {"\xf4\x90\x80\x80", "offset 0"},  {"abc\x80", "0x80 at offset 3"},
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

/* Seconds for 256 KiB of `unit` repeated, then "x". */
static double time_encoding(const AlisaTokenizer *tokenizer, const char *unit) {
    size_t step = strlen(unit), size = (1u << 18) / step * step;
    char *text = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        text[i] = unit[i % step];
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
    static const char *const units[] = {"a",
                                        " ",
                                        "ab",
                                        "a b",
                                        "\n",
                                        "\n ",
                                        "é",
                                        "1",
                                        "1a",
                                        "-",
                                        "A",
                                        "中",
                                        "\xcc\x80\xcc\xa3"}; /* marks in the wrong order */
    GgufImage image;
    begin_sentencepiece(&image, pieces, PIECE_COUNT, true);
    static const char *const *seen[128]; /* patterns of rules, each tried once */
    size_t seen_count = 0;
    double slowest = 0;
    for (size_t i = 0; i == 0 || alisa_split_rule_at(i - 1); i++) {
        const AlisaSplitRule *rule = i ? alisa_split_rule_at(i - 1) : NULL;
        bool done = rule && rule->characters;
        for (size_t j = 0; rule && j < seen_count; j++)
            done |= seen[j] == rule->patterns;
        if (done) continue;
        if (rule) seen[seen_count++] = rule->patterns;
        AlisaTokenizer *tokenizer = rule ? create_bpe(rule->name) : create(&image);
        for (size_t j = 0; j < sizeof units / sizeof units[0]; j++) {
            double seconds = time_encoding(tokenizer, units[j]);
            if (seconds > 0.3) {
                print_message("%s, \"%s\": %.2f s\n", rule ? rule->name : "SentencePiece", units[j],
                              seconds);
            }
            if (seconds > slowest) slowest = seconds;
        }
        alisa_tokenizer_destroy(tokenizer);
    }
    print_message("slowest 256 KiB: %.2f s\n", slowest);
    /* Generous, for sanitizers on a busy machine; with a square in the algorithm it would be
     * minutes. */
    assert_true(slowest < 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bpe_merges),
        cmocka_unit_test(test_bpe_foreign_letters),
        cmocka_unit_test(test_bpe_warns),
        cmocka_unit_test(test_bpe_missing_bytes),
        cmocka_unit_test(test_bpe_of_characters),
        cmocka_unit_test(test_bpe_special),
        cmocka_unit_test(test_split_rules),
        cmocka_unit_test(test_split_keeps_what_does_not_match),
        cmocka_unit_test(test_refuses_invalid_utf8),
        cmocka_unit_test(test_long_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
