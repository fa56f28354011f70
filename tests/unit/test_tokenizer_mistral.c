/* SPDX-License-Identifier: Apache-2.0 */
/* Mistral's SentencePiece model and its published conversations: text and token ids. The model file
 * is a protobuf (sentencepiece_model.proto); the few fields needed are read here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/disk.h"
#include "tokenizer/tokenizer.h"
#include "unit/gguf_image.h"

#define DATA SHARED_DATA_DIR "/tokenizers/mistral/"

/* ---- Protobuf ----------------------------------------------------------------------------- */

typedef struct Field {
    uint32_t number;
    uint64_t value;       /* of a varint or fixed-width field */
    const uint8_t *bytes; /* of a length-delimited one */
} Field;

static uint64_t read_varint(const uint8_t **data, const uint8_t *end) {
    uint64_t value = 0;
    for (unsigned shift = 0; *data < end && shift < 64; shift += 7) {
        uint8_t byte = *(*data)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) break;
    }
    return value;
}

static bool next_field(const uint8_t **data, const uint8_t *end, Field *field) {
    if (*data >= end) return false;
    uint64_t tag = read_varint(data, end);
    *field = (Field){.number = (uint32_t)(tag >> 3)};
    size_t width = 0;
    switch (tag & 7) {
    case 0:
        field->value = read_varint(data, end);
        return true;
    case 1:
        width = 8;
        break;
    case 2:
        width = (size_t)read_varint(data, end);
        field->bytes = *data;
        field->value = width;
        break;
    case 5:
        width = 4;
        break;
    default:
        fail_msg("protobuf wire type %u", (unsigned)(tag & 7));
    }
    assert_true(width <= (size_t)(end - *data));
    if (!field->bytes) memcpy(&field->value, *data, width);
    *data += width;
    return true;
}

/* ---- Model -> GGUF ------------------------------------------------------------------------ */

typedef struct Piece {
    const uint8_t *text;
    size_t length;
    uint32_t score; /* bits of a float */
    uint8_t type;   /* as in GGUF: normal is 1 and the default */
} Piece;

static size_t read_pieces(const uint8_t *model, size_t size, Piece *pieces, size_t capacity) {
    const uint8_t *data = model, *end = model + size;
    size_t count = 0;
    for (Field field; next_field(&data, end, &field);) {
        if (field.number != 1) continue;
        assert_true(count < capacity);
        Piece *piece = &pieces[count++];
        *piece = (Piece){.type = 1};
        const uint8_t *inner = field.bytes, *inner_end = field.bytes + field.value;
        for (Field part; next_field(&inner, inner_end, &part);) {
            if (part.number == 1) {
                piece->text = part.bytes;
                piece->length = part.value;
            } else if (part.number == 2) {
                piece->score = (uint32_t)part.value;
            } else if (part.number == 3) {
                piece->type = (uint8_t)part.value;
            }
        }
    }
    return count;
}

static int setup(void **state) {
    enum { PIECES_MOST = 40000 };
    const char *path = DATA "mistral_instruct_tokenizer_240323.model.v3";
    *state = NULL;
    if (access(path, R_OK) != 0) return 0;
    uint8_t *model;
    size_t size;
    AlisaError error;
    AlisaGguf *gguf;
    AlisaTokenizer *tokenizer;
    Piece *pieces = calloc(PIECES_MOST, sizeof *pieces);
    GgufImage image;
    assert_int_equal(alisa_disk_read(path, &model, &size, &error), ALISA_OK);
    size_t count = read_pieces(model, size, pieces, PIECES_MOST);
    assert_true(count >= 32000);
    image_begin(&image, 3);
    image_string(&image, "tokenizer.ggml.model", "llama");
    image_array(&image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, count);
    for (size_t i = 0; i < count; i++) {
        image_text(&image, (const char *)pieces[i].text, pieces[i].length);
    }
    image_array(&image, "tokenizer.ggml.scores", ALISA_GGUF_F32, count);
    for (size_t i = 0; i < count; i++)
        image_number(&image, pieces[i].score, 4);
    image_array(&image, "tokenizer.ggml.token_type", ALISA_GGUF_I32, count);
    for (size_t i = 0; i < count; i++)
        image_number(&image, pieces[i].type, 4);
    assert_int_equal(alisa_gguf_open_memory(image.data, image.size, &gguf, &error), ALISA_OK);
    assert_int_equal(alisa_tokenizer_create(gguf, &tokenizer, &error), ALISA_OK);
    alisa_gguf_close(gguf);
    image_end(&image);
    free(pieces);
    free(model);
    *state = tokenizer;
    return 0;
}

static int teardown(void **state) {
    alisa_tokenizer_destroy(*state);
    return 0;
}

static AlisaTokenizer *need_tokenizer(void **state) {
    if (!*state) {
        print_message("skipped: %s is not there\n", DATA);
        skip();
    }
    return *state;
}

/* ---- Samples ------------------------------------------------------------------------------ */

/* The samples show their pieces: U+2581 for a blank, <0x0A> for a line's end, and after a control
 * token the blank that the tokenizer adds by itself. Gives back the text that was encoded. */
static char *unshow(const char *shown) {
    static const char *const controls[] = {
        "[INST]",       "[/INST]",        "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
        "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]",   "</s>"};
    static const char blank[] = "\xe2\x96\x81";
    char *text = calloc(strlen(shown) + 1, 1), *out = text;
    while (*shown) {
        size_t control = 0;
        for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
            size_t length = strlen(controls[i]);
            if (strncmp(shown, controls[i], length) == 0) control = length;
        }
        if (control) {
            memcpy(out, shown, control);
            out += control;
            shown += control;
            if (strncmp(shown, blank, 3) == 0) shown += 3;
        } else if (strncmp(shown, blank, 3) == 0) {
            *out++ = ' ';
            shown += 3;
        } else if (strncmp(shown, "<0x0A>", 6) == 0) {
            *out++ = '\n';
            shown += 6;
        } else {
            *out++ = *shown++;
        }
    }
    return text;
}

static json_t *load_json(const char *name, const char *suffix) {
    char path[1024];
    snprintf(path, sizeof path, "%s%s%s", DATA, name, suffix);
    json_t *json = json_load_file(path, 0, NULL);
    assert_non_null(json);
    return json;
}

static void assert_encodes(const AlisaTokenizer *tokenizer, const char *name, const char *text) {
    json_t *root = load_json(name, "__tokens_v3.json");
    json_t *expected = json_object_get(root, "tokens");
    int32_t *tokens;
    size_t count;
    AlisaError error;
    assert_int_equal(alisa_tokenizer_encode(tokenizer, text, strlen(text),
                                            ALISA_TOKENIZE_BOS | ALISA_TOKENIZE_SPECIAL, &tokens,
                                            &count, &error),
                     ALISA_OK);
    assert_int_equal(count, json_array_size(expected));
    for (size_t i = 0; i < count; i++) {
        if (tokens[i] != json_integer_value(json_array_get(expected, i))) {
            fail_msg("%s: token %zu is %d", name, i, tokens[i]);
        }
    }
    free(tokens);
    json_decref(root);
}

static void test_texts(void **state) {
    static const char *const names[] = {"no_tools",       "get_weather_full",
                                        "parallel_calls", "get_weather_no_history",
                                        "several_calls",  "get_weather_no_system_prompt"};
    AlisaTokenizer *tokenizer = need_tokenizer(state);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[1024];
        uint8_t *shown;
        size_t size;
        AlisaError error;
        snprintf(path, sizeof path, "%s%s__text_v3.txt", DATA, names[i]);
        assert_int_equal(alisa_disk_read(path, &shown, &size, &error), ALISA_OK);
        assert_memory_equal(shown, "<s>", 3); /* BOS comes from the flag */
        char *text = unshow((const char *)shown + 3);
        assert_encodes(tokenizer, names[i], text);
        free(text);
        free(shown);
    }
}

/* Rendered by our template, the conversation gives Mistral's own token ids. */
static void test_chat_template(void **state) {
    AlisaTokenizer *tokenizer = need_tokenizer(state);
    json_t *root = load_json("no_tools", "__sample.json");
    json_t *list = json_object_get(root, "messages"), *item;
    AlisaChatMessage messages[16];
    size_t i;
    assert_true(json_array_size(list) <= 16);
    json_array_foreach(list, i, item) {
        messages[i].role = json_string_value(json_object_get(item, "role"));
        messages[i].content = json_string_value(json_object_get(item, "content"));
    }
    AlisaChatTemplate *chat_template;
    AlisaChatOptions options;
    AlisaChatText text;
    AlisaError error;
    alisa_chat_options_defaults(&options);
    options.messages = messages;
    options.message_count = json_array_size(list);
    options.eos = "</s>";
    assert_int_equal(alisa_chat_template_create(NULL, alisa_chat_template_source("mistral"),
                                                &chat_template, &error),
                     ALISA_OK);
    assert_int_equal(alisa_chat_render(chat_template, &options, &text, &error), ALISA_OK);
    assert_encodes(tokenizer, "no_tools", text.bytes);
    alisa_chat_text_finish(&text);
    alisa_chat_template_destroy(chat_template);
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_chat_template),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
