/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizers against token ids that the models' own tokenizers gave, where the data is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/random.h"
#include "tokenizer/internal.h"
#include "unit/gguf_image.h"

#define DATA SHARED_DATA_DIR "/tokenizers/"

static char *read_text(const char *path, size_t *size) {
    uint8_t *data;
    AlisaError error;
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    assert_int_equal(alisa_disk_read(path, &data, size, &error), ALISA_OK);
    return (char *)data;
}

static AlisaTokenizer *create(AlisaGguf *gguf) {
    AlisaTokenizer *tokenizer;
    AlisaError error = {0};
    if (alisa_tokenizer_create(gguf, &tokenizer, &error) != ALISA_OK) {
        fail_msg("%s", error.message);
    }
    assert_non_null(tokenizer);
    alisa_gguf_close(gguf);
    return tokenizer;
}

static AlisaTokenizer *create_from_file(const char *path) {
    AlisaGguf *gguf;
    AlisaError error = {0};
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    assert_int_equal(alisa_gguf_open(path, &gguf, &error), ALISA_OK);
    return create(gguf);
}

static AlisaTokenizer *create_from_image(GgufImage *image) {
    AlisaGguf *gguf;
    AlisaError error = {0};
    if (alisa_gguf_open_memory(image->data, image->size, &gguf, &error) != ALISA_OK) {
        fail_msg("%s", error.message);
    }
    AlisaTokenizer *tokenizer = create(gguf);
    image_end(image);
    return tokenizer;
}

static void encode(const AlisaTokenizer *tokenizer, const char *text, size_t length, uint32_t flags,
                   int32_t **tokens, size_t *count) {
    AlisaError error = {0};
    if (alisa_tokenizer_encode(tokenizer, text, length, flags, tokens, count, &error)) {
        fail_msg("%s", error.message);
    }
}

static void assert_tokens(const char *text, size_t length, const int32_t *expected,
                          size_t expected_count, const int32_t *tokens, size_t count) {
    bool same = count == expected_count;
    for (size_t i = 0; same && i < count; i++)
        same = tokens[i] == expected[i];
    if (same) return;
    print_error("text \"%.*s\"\nexpected", (int)length, text);
    for (size_t i = 0; i < expected_count; i++)
        print_error(" %d", expected[i]);
    print_error("\ngot     ");
    for (size_t i = 0; i < count; i++)
        print_error(" %d", tokens[i]);
    print_error("\n");
    fail();
}

/* Every segment of PATH.inp against its line of PATH.out. Returns the number of segments. */
static unsigned check_vectors(const AlisaTokenizer *tokenizer, const char *base) {
    static const char separator[] = "\n__ggml_vocab_test__\n";
    char path[1024];
    size_t input_size, output_size;
    snprintf(path, sizeof path, "%s.inp", base);
    char *input = read_text(path, &input_size);
    snprintf(path, sizeof path, "%s.out", base);
    char *output = read_text(path, &output_size);
    unsigned segments = 0;
    char *line = output;
    for (char *text = input; text;) {
        char *end = strstr(text, separator);
        char *newline = strchr(line, '\n');
        if (!newline) break;
        *newline = 0;
        int32_t expected[512];
        size_t expected_count = 0;
        for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
            assert_true(expected_count < 512);
            expected[expected_count++] = (int32_t)strtol(word, NULL, 10);
        }
        size_t length = end ? (size_t)(end - text) : input_size - (size_t)(text - input);
        int32_t *tokens;
        size_t count;
        encode(tokenizer, text, length, 0, &tokens, &count);
        assert_tokens(text, length, expected, expected_count, tokens, count);
        free(tokens);
        segments++;
        line = newline + 1;
        text = end ? end + sizeof separator - 1 : NULL;
    }
    assert_int_equal(*line, 0);
    free(input);
    free(output);
    return segments;
}

/* Random text of all lengths of UTF-8, with what tokenizers care about more often than chance. */
static size_t random_text(AlisaRandom *random, char *text, size_t capacity) {
    static const char *const pieces[] = {
        " ",  "  ",           "\n",       "\r\n", "\t", "'s",        "'LL", "a",
        "B",  "the",          "12",       "345",  "é",  "e\xcc\x81", "中",  "🦙",
        " x", "\xe2\x80\x83", "\xc2\xa0", "!?",   "_",  ".",         "\x01"};
    size_t used = 0, target = alisa_random_below(random, (uint32_t)capacity - 8);
    while (used < target) {
        if (alisa_random_below(random, 4)) {
            const char *piece =
                pieces[alisa_random_below(random, sizeof pieces / sizeof pieces[0])];
            memcpy(text + used, piece, strlen(piece));
            used += strlen(piece);
            continue;
        }
        uint32_t code = alisa_random_below(random, 0x110000);
        if (alisa_random_below(random, 2)) code &= 0x7ff;
        if (code >= 0xd800 && code < 0xe000) continue;
        if (code < 0x80) {
            text[used++] = (char)code;
        } else if (code < 0x800) {
            text[used++] = (char)(0xc0 | (code >> 6));
        } else if (code < 0x10000) {
            text[used++] = (char)(0xe0 | (code >> 12));
            text[used++] = (char)(0x80 | ((code >> 6) & 0x3f));
        } else {
            text[used++] = (char)(0xf0 | (code >> 18));
            text[used++] = (char)(0x80 | ((code >> 12) & 0x3f));
            text[used++] = (char)(0x80 | ((code >> 6) & 0x3f));
        }
        if (code >= 0x80) text[used++] = (char)(0x80 | (code & 0x3f));
    }
    return used;
}

/* The bytes of the tokens are the bytes of the text; U+2581 comes back as a blank. */
static void assert_round_trip(const AlisaTokenizer *tokenizer, const char *text, size_t length,
                              bool unescaped) {
    int32_t *tokens;
    size_t count, used = 0, expected_length = length;
    encode(tokenizer, text, length, 0, &tokens, &count);
    char *back = malloc(length + 1), *expected = malloc(length + 1);
    memcpy(expected, text, length);
    if (unescaped) expected_length = alisa_spelling_blanks(text, length, expected);
    for (size_t i = 0; i < count; i++) {
        size_t size = alisa_tokenizer_bytes(tokenizer, tokens[i], i == 0, false, back + used,
                                            length + 1 - used);
        assert_true(used + size <= length + 1);
        used += size;
    }
    assert_int_equal(used, expected_length);
    assert_memory_equal(back, expected, used);
    free(back);
    free(expected);
    free(tokens);
}

static void check_round_trips(const AlisaTokenizer *tokenizer, bool unescaped) {
    AlisaRandom random;
    alisa_random_seed(&random, 7);
    char text[300];
    for (int i = 0; i < 3000; i++) {
        size_t length = random_text(&random, text, sizeof text);
        assert_round_trip(tokenizer, text, length, unescaped);
    }
}

static void test_llama_sentencepiece(void **state) {
    (void)state;
    AlisaTokenizer *tokenizer = create_from_file(DATA "llama-spm/ggml-vocab-llama-spm.gguf");
    assert_int_equal(alisa_tokenizer_bos(tokenizer), 1);
    assert_int_equal(alisa_tokenizer_eos(tokenizer), 2);
    assert_true(check_vectors(tokenizer, DATA "llama-spm/ggml-vocab-llama-spm.gguf") > 40);
    check_round_trips(tokenizer, true);
    alisa_tokenizer_destroy(tokenizer);
}

static void test_gpt2(void **state) {
    (void)state;
    AlisaTokenizer *tokenizer = create_from_file(DATA "gpt-2/ggml-vocab-gpt-2.gguf");
    assert_true(alisa_tokenizer_is_end(tokenizer, 50256));
    assert_true(check_vectors(tokenizer, DATA "gpt-2/ggml-vocab-gpt-2.gguf") > 40);
    check_round_trips(tokenizer, false);
    alisa_tokenizer_destroy(tokenizer);
}

static void test_gpt_neox(void **state) {
    (void)state;
    AlisaTokenizer *tokenizer = create_from_file(DATA "gpt-neox/ggml-vocab-gpt-neox.gguf");
    check_round_trips(tokenizer, false);
    alisa_tokenizer_destroy(tokenizer);
}

/* ---- Llama 3: encoder.json and vocab.bpe -------------------------------------------------- */

static const char *const llama3_control[] = {"<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"};

static void test_llama3(void **state) {
    (void)state;
    size_t size;
    char *merges = read_text(DATA "llama-3/vocab.bpe", &size);
    char *source = read_text(DATA "llama-3/encoder.json", &size);
    json_t *encoder = json_loadb(source, size, 0, NULL);
    assert_non_null(encoder);
    size_t count = json_object_size(encoder);
    const char **tokens = calloc(count, sizeof *tokens), *token;
    json_t *id;
    json_object_foreach(encoder, token, id) {
        assert_true((size_t)json_integer_value(id) < count);
        tokens[json_integer_value(id)] = token;
    }
    size_t merge_count = 0;
    for (const char *c = merges; *c; c++)
        merge_count += *c == '\n';
    if (size && merges[strlen(merges) - 1] != '\n') merge_count++;

    GgufImage image;
    image_begin(&image, 3);
    image_string(&image, "tokenizer.ggml.model", "gpt2");
    image_string(&image, "tokenizer.ggml.pre", "llama-bpe");
    image_u32(&image, "tokenizer.ggml.bos_token_id", (uint32_t)count);
    image_u32(&image, "tokenizer.ggml.eos_token_id", (uint32_t)count + 1);
    image_array(&image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, count + 3);
    for (size_t i = 0; i < count; i++)
        image_text(&image, tokens[i], strlen(tokens[i]));
    for (size_t i = 0; i < 3; i++) {
        image_text(&image, llama3_control[i], strlen(llama3_control[i]));
    }
    image_array(&image, "tokenizer.ggml.token_type", ALISA_GGUF_I32, count + 3);
    for (size_t i = 0; i < count + 3; i++)
        image_number(&image, i < count ? 1 : 3, 4);
    image_array(&image, "tokenizer.ggml.merges", ALISA_GGUF_STRING, merge_count);
    for (char *line = strtok(merges, "\n"); line; line = strtok(NULL, "\n")) {
        image_text(&image, line, strlen(line));
        merge_count--;
    }
    assert_int_equal(merge_count, 0);
    AlisaTokenizer *tokenizer = create_from_image(&image);
    json_decref(encoder);
    free(tokens);
    free(source);
    free(merges);

    assert_true(check_vectors(tokenizer, DATA "llama-3/ggml-vocab-llama-bpe.gguf") > 40);
    check_round_trips(tokenizer, false);
    int32_t *ids;
    size_t id_count;
    encode(tokenizer, "Hello<|eot_id|>", 15, ALISA_TOKENIZE_BOS | ALISA_TOKENIZE_SPECIAL, &ids,
           &id_count);
    assert_tokens("Hello<|eot_id|>", 15, (int32_t[]){128000, 9906, 128002}, 3, ids, id_count);
    free(ids);
    assert_true(alisa_tokenizer_is_end(tokenizer, 128001));
    assert_true(alisa_tokenizer_is_end(tokenizer, 128002));
    assert_false(alisa_tokenizer_is_end(tokenizer, 128000));
    alisa_tokenizer_destroy(tokenizer);
}

/* ---- Qwen 2: tiktoken ranks --------------------------------------------------------------- */

static size_t decode_base64(const char *text, size_t length, uint8_t *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    size_t used = 0, have = 0;
    for (size_t i = 0; i < length && text[i] != '='; i++) {
        bits = (bits << 6) | (uint32_t)(strchr(digits, text[i]) - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[used++] = (uint8_t)(bits >> have);
        }
    }
    return used;
}

/* Bytes in GPT-2's alphabet, appended to `out`; the reverse of what the tokenizer does. */
static size_t write_letters(const uint8_t *bytes, size_t length, char *out) {
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned code = bytes[i];
        if (code <= 0x20) {
            code += 0x100;
        } else if (code >= 0x7f && code <= 0xa0) {
            code += 0x121 - 0x7f;
        } else if (code == 0xad) {
            code = 0x143;
        }
        if (code < 0x80) {
            out[used++] = (char)code;
        } else {
            out[used++] = (char)(0xc0 | (code >> 6));
            out[used++] = (char)(0x80 | (code & 0x3f));
        }
    }
    return used;
}

static void image_tiktoken(GgufImage *image, const char *source, size_t count) {
    image_begin(image, 3);
    image_string(image, "tokenizer.ggml.model", "gpt2");
    image_string(image, "tokenizer.ggml.pre", "qwen2");
    image_array(image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, count);
    for (const char *line = source; *line;) {
        const char *blank = strchr(line, ' '), *newline = strchr(line, '\n');
        uint8_t bytes[1024];
        char letters[2048];
        size_t length = decode_base64(line, (size_t)(blank - line), bytes);
        image_text(image, letters, write_letters(bytes, length, letters));
        line = newline ? newline + 1 : line + strlen(line);
    }
}

/* Merges `bytes` by the ranks below `rank` until two parts are left; returns the first one's size.
 */
static size_t derive_merge(const AlisaVocabulary *vocabulary, const char *bytes, size_t length,
                           int32_t rank) {
    size_t starts[1025], count = length;
    for (size_t i = 0; i <= length; i++)
        starts[i] = i;
    while (count > 2) {
        int32_t best = rank;
        size_t best_at = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            int32_t token =
                alisa_vocabulary_find(vocabulary, bytes + starts[i], starts[i + 2] - starts[i]);
            if (token >= 0 && token < best) {
                best = token;
                best_at = i;
            }
        }
        assert_true(best < rank);
        memmove(&starts[best_at + 1], &starts[best_at + 2], (count - best_at - 1) * sizeof *starts);
        count--;
    }
    return starts[1];
}

static void test_qwen2(void **state) {
    (void)state;
    size_t size, count = 0, merge_count = 0;
    char *source = read_text(DATA "qwen2/qwen.tiktoken", &size);
    for (const char *c = source; *c; c++)
        count += *c == '\n';
    GgufImage image;
    AlisaGguf *gguf;
    AlisaError error = {0};
    AlisaVocabulary ranks = {0};
    image_tiktoken(&image, source, count);
    assert_int_equal(alisa_gguf_open_memory(image.data, image.size, &gguf, &error), ALISA_OK);
    assert_int_equal(alisa_vocabulary_load(&ranks, gguf, ALISA_SPELLING_BYTES, &error), ALISA_OK);
    alisa_gguf_close(gguf);
    for (size_t i = 0; i < count; i++)
        merge_count += ranks.offsets[i + 1] - ranks.offsets[i] > 1;
    image_array(&image, "tokenizer.ggml.merges", ALISA_GGUF_STRING, merge_count);
    for (size_t i = 0; i < count; i++) {
        const char *bytes = ranks.bytes + ranks.offsets[i];
        size_t length = ranks.offsets[i + 1] - ranks.offsets[i];
        if (length < 2) continue;
        size_t left = derive_merge(&ranks, bytes, length, (int32_t)i);
        char rule[4096];
        size_t used = write_letters((const uint8_t *)bytes, left, rule);
        rule[used++] = ' ';
        used += write_letters((const uint8_t *)bytes + left, length - left, rule + used);
        image_text(&image, rule, used);
    }
    alisa_vocabulary_finish(&ranks);
    free(source);
    AlisaTokenizer *tokenizer = create_from_image(&image);
    assert_true(check_vectors(tokenizer, DATA "qwen2/ggml-vocab-qwen2.gguf") > 40);
    /* Qwen composes its text: e and a combining acute are the same as é. */
    assert_round_trip(tokenizer, "caf\xc3\xa9 na\xc3\xafve", 12, false);
    int32_t *one, *two;
    size_t one_count, two_count;
    encode(tokenizer, "cafe\xcc\x81 x", 8, 0, &one, &one_count);
    encode(tokenizer, "caf\xc3\xa9 x", 7, 0, &two, &two_count);
    assert_tokens("café x", 7, two, two_count, one, one_count);
    free(one);
    free(two);
    alisa_tokenizer_destroy(tokenizer);
}

/* ---- Vocabularies of a source tree of llama.cpp -------------------------------------------- */

static void test_llama_cpp(void **state) {
    (void)state;
    /* Not qwen35, whose vectors lack the NFC of the model's own tokenizer. */
    static const char *const names[] = {
        "command-r", "deepseek-coder", "deepseek-llm", "falcon", "gemma-4",
        "gpt-2",     "llama-bpe",      "llama-spm",    "mpt",    "phi-3",
        "qwen2",     "refact",         "starcoder",
    };
    const char *folder = getenv("ALISA_LLAMA_VOCABULARIES");
    if (!folder) {
        print_message(
            "skipped: ALISA_LLAMA_VOCABULARIES does not name llama.cpp's folder models\n");
        skip();
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[1000];
        snprintf(path, sizeof path, "%s/ggml-vocab-%s.gguf", folder, names[i]);
        AlisaTokenizer *tokenizer = create_from_file(path);
        print_message("%s: %u texts\n", names[i], check_vectors(tokenizer, path));
        alisa_tokenizer_destroy(tokenizer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llama_sentencepiece),
        cmocka_unit_test(test_gpt2),
        cmocka_unit_test(test_gpt_neox),
        cmocka_unit_test(test_llama3),
        cmocka_unit_test(test_qwen2),
        cmocka_unit_test(test_llama_cpp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
