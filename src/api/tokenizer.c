/* SPDX-License-Identifier: Apache-2.0 */
#include "api/model.h"

const char *alisa_model_warning(const AlisaModel *model) {
    return model->tokenizer ? alisa_tokenizer_warning(model->tokenizer) : NULL;
}

int32_t alisa_model_bos(const AlisaModel *model) {
    return model->tokenizer ? alisa_tokenizer_bos(model->tokenizer) : -1;
}

int32_t alisa_model_eos(const AlisaModel *model) {
    return model->tokenizer ? alisa_tokenizer_eos(model->tokenizer) : -1;
}

bool alisa_model_is_end(const AlisaModel *model, int32_t token) {
    return model->tokenizer && alisa_tokenizer_is_end(model->tokenizer, token);
}

static AlisaStatus require_tokenizer(const AlisaModel *model, AlisaError *error) {
    if (model->tokenizer) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                           "%s: the file has no tokenizer (key tokenizer.ggml.model), so it runs "
                           "on token ids only",
                           alisa_gguf_path(model->gguf));
}

AlisaStatus alisa_tokenize(const AlisaModel *model, const char *text, size_t length, uint32_t flags,
                           int32_t **tokens, size_t *count, AlisaError *error) {
    *tokens = NULL;
    *count = 0;
    AlisaStatus status = require_tokenizer(model, error);
    if (status != ALISA_OK) return status;
    return alisa_tokenizer_encode(model->tokenizer, text, length, flags, tokens, count, error);
}

AlisaStatus alisa_chat_tokenize(const AlisaModel *model, const AlisaChatText *text,
                                int32_t **tokens, size_t *count, AlisaError *error) {
    *tokens = NULL;
    *count = 0;
    AlisaStatus status = require_tokenizer(model, error);
    if (status != ALISA_OK) return status;
    return alisa_tokenizer_encode_chat(model->tokenizer, text, tokens, count, error);
}

size_t alisa_token_bytes(const AlisaModel *model, int32_t token, bool first, bool special,
                         char *buffer, size_t capacity) {
    if (!model->tokenizer) return 0;
    return alisa_tokenizer_bytes(model->tokenizer, token, first, special, buffer, capacity);
}
