/* SPDX-License-Identifier: Apache-2.0 */
#include "api/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alisa/file.h"
#include "model/weights.h"

/* The two ideas of the vocabulary that a file with weights has must agree. */
static AlisaStatus read_vocabulary(AlisaModel *model, AlisaError *error) {
    uint32_t vocabulary = alisa_weights_vocabulary(model->gguf);
    if (vocabulary == 0) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: tensor token_embd.weight is missing: the file is not a whole "
                               "language model",
                               alisa_gguf_path(model->gguf));
    }
    if (model->tokenizer && alisa_tokenizer_size(model->tokenizer) != vocabulary) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: the tokenizer has %u tokens and the embedding table %u rows; "
                               "they must agree: convert the model again",
                               alisa_gguf_path(model->gguf), alisa_tokenizer_size(model->tokenizer),
                               vocabulary);
    }
    model->shape.vocabulary_size = vocabulary;
    return ALISA_OK;
}

/* A file with weights must describe them. */
static AlisaStatus read_shape(AlisaModel *model, AlisaComplaints *complaints, AlisaError *error) {
    AlisaStatus status = alisa_shape_read(model->gguf, &model->shape, complaints, error);
    if (status != ALISA_OK) return status;
    model->has_weights = true;
    return alisa_complain(complaints, read_vocabulary(model, error), error);
}

AlisaStatus alisa_model_open(const char *path, AlisaModel **model, AlisaError *error) {
    *model = NULL;
    AlisaModel *made = alisa_allocate_zeroed(1, sizeof *made, "model", error);
    if (!made) return ALISA_ERROR_MEMORY;
    AlisaStatus status = alisa_gguf_open(path, &made->gguf, error);
    if (status == ALISA_OK) {
        status = alisa_tokenizer_create(made->gguf, &made->tokenizer, error);
    }
    if (status == ALISA_OK && alisa_gguf_tensor_count(made->gguf) > 0) {
        status = read_shape(made, NULL, error);
    } else if (status == ALISA_OK && !made->tokenizer) {
        status = alisa_error_set(
            error, ALISA_ERROR_FORMAT,
            "%s: neither tensors nor a tokenizer: this is not a language model", path);
    }
    if (status != ALISA_OK) {
        alisa_model_close(made);
        return status;
    }
    *model = made;
    return ALISA_OK;
}

void alisa_model_close(AlisaModel *model) {
    if (!model) return;
    alisa_tokenizer_destroy(model->tokenizer);
    alisa_shape_finish(&model->shape);
    alisa_gguf_close(model->gguf);
    free(model);
}

/* ---- Whether a file runs ------------------------------------------------------------------- */

static AlisaStatus check_weights(AlisaModel *model, AlisaComplaints *complaints,
                                 AlisaError *error) {
    if (alisa_gguf_tensor_count(model->gguf) == 0)
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: no tensors: the file holds no weights",
                               alisa_gguf_path(model->gguf));
    AlisaStatus status = read_shape(model, complaints, error);
    if (status != ALISA_OK) return status;
    return alisa_weights_check(model->gguf, &model->shape, complaints, error);
}

AlisaStatus alisa_file_check(AlisaFile *file, AlisaFileReason *tell, void *user, size_t *count,
                             AlisaError *error) {
    AlisaComplaints complaints = {.tell = tell, .user = user};
    /* The public AlisaFile is the reader's own object under its public name. */
    AlisaModel model = {.gguf = (AlisaGguf *)(void *)file};
    AlisaStatus status = alisa_complain(
        &complaints, alisa_tokenizer_create(model.gguf, &model.tokenizer, error), error);
    if (status == ALISA_OK)
        status = alisa_complain(&complaints, check_weights(&model, &complaints, error), error);
    alisa_tokenizer_destroy(model.tokenizer);
    alisa_shape_finish(&model.shape);
    *count = complaints.count;
    return status;
}

/* ---- What a model tells of itself ---------------------------------------------------------- */

/* Name of the tensor type that holds the most bytes. */
static const char *most_common_type(const AlisaGguf *gguf) {
    uint64_t count = alisa_gguf_tensor_count(gguf);
    uint64_t most = 0;
    const char *name = "";
    for (uint64_t i = 0; i < count; i++) {
        uint32_t type = alisa_gguf_tensor_at(gguf, i)->type;
        uint64_t bytes = 0;
        for (uint64_t j = 0; j < count; j++) {
            const AlisaGgufTensor *tensor = alisa_gguf_tensor_at(gguf, j);
            if (tensor->type == type) bytes += tensor->byte_count;
        }
        const AlisaWeightTypeInfo *info = alisa_weight_type_info(type);
        if (bytes > most && info) {
            most = bytes;
            name = info->name;
        }
    }
    return name;
}

static void copy_key(const AlisaGguf *gguf, const char *key, char *text, size_t capacity) {
    AlisaGgufString value = {0};
    if (alisa_gguf_get_string(gguf, key, &value, NULL) != ALISA_OK || !value.data) return;
    size_t length = value.length < capacity ? (size_t)value.length : capacity - 1;
    memcpy(text, value.data, length);
    text[length] = 0;
}

void alisa_model_info(const AlisaModel *model, AlisaModelInfo *info) {
    const AlisaShape *shape = &model->shape;
    const AlisaLayerShape none = {0}, *layer = model->has_weights ? &shape->layers[0] : &none;
    *info = (AlisaModelInfo){.context_length = shape->context_length,
                             .embedding_length = shape->embedding_length,
                             .layer_count = shape->layer_count,
                             .head_count = layer->head_count,
                             .kv_head_count = layer->kv_head_count,
                             .head_dim = layer->head_dim,
                             .feed_forward_length = alisa_shape_feed_forward(shape),
                             .vocabulary_size = shape->vocabulary_size,
                             .has_tokenizer = model->tokenizer != NULL,
                             .has_weights = model->has_weights};
    if (!model->has_weights && model->tokenizer) {
        info->vocabulary_size = alisa_tokenizer_size(model->tokenizer);
    }
    copy_key(model->gguf, "general.architecture", info->architecture, sizeof info->architecture);
    copy_key(model->gguf, "general.name", info->name, sizeof info->name);
    snprintf(info->type, sizeof info->type, "%s", most_common_type(model->gguf));
    for (uint64_t i = 0; i < alisa_gguf_tensor_count(model->gguf); i++) {
        const AlisaGgufTensor *tensor = alisa_gguf_tensor_at(model->gguf, i);
        info->parameter_count += tensor->element_count;
        info->weight_bytes += tensor->byte_count;
    }
}
