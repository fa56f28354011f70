/* SPDX-License-Identifier: Apache-2.0 */
/* Input: options, the number of a split rule, merges as pairs of earlier tokens, special tokens,
 * then text. */
#include "fuzz/fuzz_tokenizer.h"

enum { TOKENS_MOST = 256 + 128, TEXT_MOST = 64, SPECIALS_MOST = 16 };

typedef struct Token {
    char text[TEXT_MOST]; /* in GPT-2's alphabet */
    size_t length;
} Token;

typedef struct Vocabulary {
    Token tokens[TOKENS_MOST];
    size_t count;
    uint16_t merges[128][2];
    size_t merge_count;
    Token specials[SPECIALS_MOST];
    uint8_t special_types[SPECIALS_MOST];
    size_t special_count;
} Vocabulary;

static void add_byte_tokens(Vocabulary *vocabulary) {
    unsigned next = 0x100;
    for (unsigned i = 0; i < 256; i++) {
        bool printable = (i >= 0x21 && i <= 0x7e) || (i >= 0xa1 && i != 0xad);
        unsigned code = printable ? i : next++;
        Token *token = &vocabulary->tokens[vocabulary->count++];
        token->length = code < 0x80 ? 1 : 2;
        token->text[0] = (char)(code < 0x80 ? code : 0xc0 | (code >> 6));
        token->text[1] = (char)(0x80 | (code & 0x3f));
    }
}

static void read_merges(Vocabulary *vocabulary, FuzzInput *input) {
    size_t wanted = fuzz_byte(input) % 128;
    for (size_t i = 0; i < wanted; i++) {
        uint16_t left =
            (uint16_t)((fuzz_byte(input) | (fuzz_byte(input) & 1) << 8) % vocabulary->count);
        uint16_t right =
            (uint16_t)((fuzz_byte(input) | (fuzz_byte(input) & 1) << 8) % vocabulary->count);
        const Token *a = &vocabulary->tokens[left], *b = &vocabulary->tokens[right];
        if (a->length + b->length > TEXT_MOST) continue;
        Token *token = &vocabulary->tokens[vocabulary->count++];
        memcpy(token->text, a->text, a->length);
        memcpy(token->text + a->length, b->text, b->length);
        token->length = a->length + b->length;
        vocabulary->merges[vocabulary->merge_count][0] = left;
        vocabulary->merges[vocabulary->merge_count++][1] = right;
    }
}

static void read_specials(Vocabulary *vocabulary, FuzzInput *input) {
    vocabulary->special_count = fuzz_byte(input) % SPECIALS_MOST;
    for (size_t i = 0; i < vocabulary->special_count; i++) {
        uint8_t head = fuzz_byte(input);
        Token *token = &vocabulary->specials[i];
        token->length = head & 31;
        const char *bytes = fuzz_bytes(input, &token->length);
        if (token->length) memcpy(token->text, bytes, token->length);
        vocabulary->special_types[i] = head & 0x80   ? ALISA_TOKEN_CONTROL
                                       : head & 0x40 ? ALISA_TOKEN_USER_DEFINED
                                                     : ALISA_TOKEN_NORMAL;
    }
}

static void write_image(GgufImage *image, const Vocabulary *vocabulary, const char *pre) {
    size_t size = vocabulary->count + vocabulary->special_count;
    image_begin(image, 3);
    image_string(image, "tokenizer.ggml.model", "gpt2");
    image_string(image, "tokenizer.ggml.pre", pre);
    image_array(image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, size);
    for (size_t i = 0; i < vocabulary->count; i++) {
        image_text(image, vocabulary->tokens[i].text, vocabulary->tokens[i].length);
    }
    for (size_t i = 0; i < vocabulary->special_count; i++) {
        image_text(image, vocabulary->specials[i].text, vocabulary->specials[i].length);
    }
    image_array(image, "tokenizer.ggml.token_type", ALISA_GGUF_I32, size);
    for (size_t i = 0; i < vocabulary->count; i++)
        image_number(image, ALISA_TOKEN_NORMAL, 4);
    for (size_t i = 0; i < vocabulary->special_count; i++) {
        image_number(image, vocabulary->special_types[i], 4);
    }
    image_array(image, "tokenizer.ggml.merges", ALISA_GGUF_STRING, vocabulary->merge_count);
    for (size_t i = 0; i < vocabulary->merge_count; i++) {
        const Token *left = &vocabulary->tokens[vocabulary->merges[i][0]];
        const Token *right = &vocabulary->tokens[vocabulary->merges[i][1]];
        image_number(image, left->length + 1 + right->length, 8);
        image_bytes(image, left->text, left->length);
        image_bytes(image, " ", 1);
        image_bytes(image, right->text, right->length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Vocabulary vocabulary;
    memset(&vocabulary, 0, sizeof vocabulary);
    FuzzInput input = {data, size};
    uint8_t options = fuzz_byte(&input);
    const AlisaSplitRule *rule = alisa_split_rule_at(fuzz_byte(&input));
    const char *pre = rule ? rule->name : "no such thing";
    add_byte_tokens(&vocabulary);
    read_merges(&vocabulary, &input);
    read_specials(&vocabulary, &input);
    GgufImage image;
    write_image(&image, &vocabulary, pre);
    AlisaTokenizer *tokenizer = fuzz_tokenizer(&image);
    if (!tokenizer) return 0;
    const char *text = (const char *)input.data;
    fuzz_pieces(tokenizer, text, input.size, size);
    if (tokenizer->bpe.rule->compose) {
        int32_t *tokens;
        size_t count;
        if (!alisa_tokenizer_encode(tokenizer, text, input.size, options & 3, &tokens, &count,
                                    NULL)) {
            free(tokens);
        }
    } else {
        /* The tokens of bytes are no tokens of characters: that vocabulary lacks some. */
        bool complete = !tokenizer->bpe.rule->characters;
        fuzz_round_trip(tokenizer, text, input.size, options & 3, complete, false, text,
                        input.size);
    }
    alisa_tokenizer_destroy(tokenizer);
    return 0;
}
