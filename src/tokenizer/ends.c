/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of tokens with which models end a text, a turn, a message or a call of a tool, or go on
 * to another file. Files name one or two of them by id, models make more.
 */
#include "tokenizer/internal.h"

#include <string.h>

typedef struct EndText {
    const char *text;
    bool control; /* a control token whatever the file says; otherwise an end only where the file
                     has it as one, because the text may be one that people write */
    const char *unless[2]; /* no end in a vocabulary with one of these texts; NULL: none */
} EndText;

static const EndText ends[ALISA_END_TEXTS] = {
    {"<|endoftext|>", true}, /* first: alisa_ends_is_end_of_text asks for it */
    {"<|end_of_text|>", true},
    {"<|eot_id|>", true},
    {"<|eom_id|>", true},
    {"<|im_end|>", true},
    {"<|eot|>", true},
    {"<|end|>", true, {"<|return|>", "<|flush|>"}}, /* it ends a part of a turn there */
    {"<|return|>", true},
    {"<|call|>", true},
    {"<|calls|>", true},
    {"<|flush|>", true},
    {"<end_of_turn>", true},
    {"<turn|>", true},
    {"<|tool_response>", true},
    {"<end_of_utterance>", true},
    {"<｜end▁of▁sentence｜>", true},
    {"<|fim_pad|>", true},
    {"<|fim_repo|>", true},
    {"<|repo_name|>", true},
    {"<|file_sep|>", true},
    {"</s>", false, {"<|tool_response>"}},
    {"<eos>", false},
    {"<EOT>", false},
    {"_<EOT>", false},
    {"[EOT]", false},
    {"[EOS]", false},
    {"[e~[", false},
    {"<fim_pad>", false},
    {"<fim-pad>", false},
    {"<PAD>", false},
    {"[PAD]", false},
    {"<REPO>", false},
    {"<reponame>", false},
    {"<fim-repo>", false},
};

static int find_row(const char *text, size_t length) {
    if (length < 4 || !strchr("<[_", text[0])) return -1;
    for (int i = 0; i < ALISA_END_TEXTS; i++) {
        if (strlen(ends[i].text) == length && memcmp(ends[i].text, text, length) == 0) return i;
    }
    return -1;
}

void alisa_ends_note(AlisaVocabulary *vocabulary, uint32_t token, const char *text, size_t length) {
    int row = find_row(text, length);
    if (row < 0) return;
    uint8_t *type = &vocabulary->types[token];
    if (ends[row].control && (*type == ALISA_TOKEN_NORMAL || *type == ALISA_TOKEN_USER_DEFINED)) {
        *type = ALISA_TOKEN_CONTROL;
    }
    if (*type == ALISA_TOKEN_CONTROL) vocabulary->ends[row] = (int32_t)token;
}

static bool has(const AlisaVocabulary *vocabulary, const char *text) {
    return text && vocabulary->ends[find_row(text, strlen(text))] >= 0;
}

bool alisa_ends_is_end_of_text(const AlisaVocabulary *vocabulary, int32_t token) {
    return token >= 0 && vocabulary->ends[0] == token;
}

int32_t alisa_ends_at(const AlisaVocabulary *vocabulary, size_t row) {
    const EndText *end = &ends[row];
    bool part = has(vocabulary, end->unless[0]) || has(vocabulary, end->unless[1]);
    return part ? -1 : vocabulary->ends[row];
}
