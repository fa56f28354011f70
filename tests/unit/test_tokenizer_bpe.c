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
    const AlisaSplitRule rule = {.name = "only b", .pattern = "b+"};
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
                                        "-",
                                        "中",
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
    print_message("slowest 256 KiB: %.2f s\n", slowest);
    /* Generous, for sanitizers on a busy machine; with a square in the algorithm it would be
     * minutes. */
    assert_true(slowest < 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bpe_merges),
        cmocka_unit_test(test_bpe_special),
        cmocka_unit_test(test_split_rules),
        cmocka_unit_test(test_split_keeps_what_does_not_match),
        cmocka_unit_test(test_refuses_invalid_utf8),
        cmocka_unit_test(test_long_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
