/* SPDX-License-Identifier: Apache-2.0 */
/* Input: options, a small SentencePiece vocabulary (type and length, score, bytes), then text. */
#include "fuzz/fuzz_tokenizer.h"

#include <stdio.h>

enum { PIECES_MOST = 64, FIXED = 3 };

typedef struct Piece {
    const char *bytes;
    size_t length;
    uint8_t type;
    float score;
} Piece;

static void write_image(GgufImage *image, const Piece *pieces, size_t count, bool byte_tokens) {
    static const char *const fixed[FIXED] = {"<unk>", "<s>", "</s>"};
    static const uint8_t fixed_types[FIXED] = {ALISA_TOKEN_UNKNOWN, ALISA_TOKEN_CONTROL,
                                               ALISA_TOKEN_CONTROL};
    size_t bytes = byte_tokens ? 256 : 0, size = FIXED + bytes + count;
    image_begin(image, 3);
    image_string(image, "tokenizer.ggml.model", "llama");
    image_array(image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, size);
    for (size_t i = 0; i < FIXED; i++)
        image_text(image, fixed[i], strlen(fixed[i]));
    for (size_t i = 0; i < bytes; i++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)i);
        image_text(image, text, 6);
    }
    for (size_t i = 0; i < count; i++)
        image_text(image, pieces[i].bytes, pieces[i].length);
    image_array(image, "tokenizer.ggml.token_type", ALISA_GGUF_U8, size);
    image_bytes(image, fixed_types, FIXED);
    for (size_t i = 0; i < bytes; i++)
        image_number(image, ALISA_TOKEN_BYTE, 1);
    for (size_t i = 0; i < count; i++)
        image_number(image, pieces[i].type, 1);
    image_array(image, "tokenizer.ggml.scores", ALISA_GGUF_F32, size);
    for (size_t i = 0; i < FIXED + bytes; i++)
        image_float(image, 0);
    for (size_t i = 0; i < count; i++)
        image_float(image, pieces[i].score);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    FuzzInput input = {data, size};
    uint8_t options = fuzz_byte(&input);
    size_t count = fuzz_byte(&input) % PIECES_MOST;
    Piece pieces[PIECES_MOST];
    for (size_t i = 0; i < count; i++) {
        uint8_t head = fuzz_byte(&input);
        pieces[i].type = head >> 5;
        pieces[i].length = head & 31;
        pieces[i].score = (float)(int8_t)fuzz_byte(&input);
        pieces[i].bytes = fuzz_bytes(&input, &pieces[i].length);
    }
    bool byte_tokens = options & 4, prefix = options & 8;
    GgufImage image;
    write_image(&image, pieces, count, byte_tokens);
    image_bool(&image, "tokenizer.ggml.add_space_prefix", prefix);
    bool removes = options & 16, strips = options & 32;
    image_bool(&image, "tokenizer.ggml.remove_extra_whitespaces", removes);
    image_string(&image, "general.architecture", strips ? "phi3" : "llama");
    AlisaTokenizer *tokenizer = fuzz_tokenizer(&image);
    if (!tokenizer) return 0;
    fuzz_pieces(tokenizer, (const char *)input.data, input.size, size);
    char *expected = malloc(input.size + 1);
    size_t expected_length = alisa_spelling_blanks((const char *)input.data, input.size, expected);
    fuzz_round_trip(tokenizer, (const char *)input.data, input.size, options & 3,
                    byte_tokens && !removes && !strips, prefix, expected, expected_length);
    free(expected);
    alisa_tokenizer_destroy(tokenizer);
    return 0;
}
