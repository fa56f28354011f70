/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/model.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/architecture.h"
#include "base/kv_type.h"

/* ---- Published shapes ---------------------------------------------------------------------- */

typedef struct Published {
    const char *name;
    const char *architecture; /* name of its row */
    uint32_t layers, embedding, heads, kv_heads, feed_forward, vocabulary, context;
} Published;

/* From the config.json that is published with each model. */
static const Published published[] = {
    {"opt-6.7b", "opt", 32, 4096, 32, 32, 16384, 50272, 2048},
    {"opt-13b", "opt", 40, 5120, 40, 40, 20480, 50272, 2048},
    {"opt-30b", "opt", 48, 7168, 56, 56, 28672, 50272, 2048},
    {"llama-7b", "llama", 32, 4096, 32, 32, 11008, 32000, 2048},
    {"llama-13b", "llama", 40, 5120, 40, 40, 13824, 32000, 2048},
    {"llama-33b", "llama", 60, 6656, 52, 52, 17920, 32000, 2048},
    {"pythia-6.9b", "gptneox", 32, 4096, 32, 32, 16384, 50432, 2048},
    {"pythia-12b", "gptneox", 36, 5120, 40, 40, 20480, 50688, 2048},
    {"llama-3-8b", "llama", 32, 4096, 32, 8, 14336, 128256, 8192},
    {"qwen2.5-7b", "qwen2", 28, 3584, 28, 4, 18944, 152064, 131072},
};

enum { PUBLISHED_COUNT = sizeof published / sizeof *published };

/* Elements of K (or V) of one token. */
static uint64_t kv_width(const AlisaSchedModel *model) {
    return (uint64_t)model->kv_head_count * model->head_dim;
}

static uint64_t layer_elements(const AlisaSchedModel *model) {
    uint64_t embedding = model->embedding_length;
    uint64_t query_width = (uint64_t)model->head_count * model->head_dim;
    return 2 * embedding * query_width + 2 * embedding * kv_width(model) +
           model->feed_forward_matrices * embedding * model->feed_forward_length;
}

/* Every tensor of the architecture; where files may lack a head, the published models have one. */
static uint64_t count_parameters(const AlisaSchedModel *model, const AlisaArchitecture *row) {
    const AlisaSizes sizes = {.embedding = model->embedding_length,
                              .heads = model->head_count,
                              .kv_heads = model->kv_head_count,
                              .head_dim = model->head_dim,
                              .feed_forward = model->feed_forward_length,
                              .vocabulary = model->vocabulary_size,
                              .positions = model->context_length + row->position_offset};
    AlisaRoles counted = row->required | (row->optional & ALISA_ROLES(ALISA_ROLE_HEAD));
    uint64_t total = 0;
    for (uint32_t role = 0; role < ALISA_ROLE_COUNT; role++) {
        if (!(counted & ALISA_ROLES(role))) continue;
        uint32_t times = alisa_role_in_layers(role) ? model->layer_count : 1;
        total += times * alisa_role_elements((AlisaRole)role, &sizes);
    }
    return total;
}

AlisaStatus alisa_sched_model_find(const char *name, AlisaSchedModel *model, AlisaError *error) {
    for (size_t i = 0; i < PUBLISHED_COUNT; i++) {
        const Published *row = &published[i];
        if (strcasecmp(name, row->name) != 0) continue;
        const AlisaArchitecture *architecture =
            alisa_architecture_find(row->architecture, strlen(row->architecture));
        *model = (AlisaSchedModel){.layer_count = row->layers,
                                   .embedding_length = row->embedding,
                                   .head_count = row->heads,
                                   .kv_head_count = row->kv_heads,
                                   .head_dim = row->embedding / row->heads,
                                   .feed_forward_length = row->feed_forward,
                                   .feed_forward_matrices =
                                       alisa_architecture_feed_forward_matrices(architecture),
                                   .vocabulary_size = row->vocabulary,
                                   .context_length = row->context};
        snprintf(model->name, sizeof model->name, "%s", row->name);
        model->parameter_count = count_parameters(model, architecture);
        model->weight_bytes = 2 * model->parameter_count;
        return ALISA_OK;
    }
    char list[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < PUBLISHED_COUNT && used < sizeof list; i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                                 published[i].name);
    }
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "there is no model shape '%s': give a file with -m or one of %s", name,
                           list);
}

uint32_t alisa_sched_model_kv_layers(const AlisaSchedModel *model) {
    return model->layer_count - model->window_layer_count;
}

const char *alisa_sched_model_check(const AlisaSchedModel *model) {
    if (model->layer_count == 0 || model->embedding_length == 0 || model->head_count == 0 ||
        model->kv_head_count == 0 || model->head_dim == 0 || model->feed_forward_length == 0) {
        return "a size is 0";
    }
    if (model->feed_forward_matrices < 2 || model->feed_forward_matrices > 3) {
        return "a feed-forward block has two or three matrices";
    }
    if (model->head_count % model->kv_head_count != 0) {
        return "the heads are not a multiple of the KV heads";
    }
    if (model->parameter_count == 0 || model->weight_bytes == 0) return "there are no weights";
    return NULL;
}

double alisa_sched_model_layer_elements(const AlisaSchedModel *model) {
    return (double)layer_elements(model);
}

double alisa_sched_model_head_elements(const AlisaSchedModel *model) {
    return (double)model->vocabulary_size * model->embedding_length;
}

uint64_t alisa_sched_model_device_bytes(const AlisaSchedModel *model) {
    return model->weight_bytes - model->host_weight_bytes;
}

double alisa_sched_model_element_bytes(const AlisaSchedModel *model) {
    return (double)model->weight_bytes / (double)model->parameter_count;
}

/* ---- KV ------------------------------------------------------------------------------------ */

void alisa_sched_kv_bytes(const AlisaSchedModel *model, AlisaKvType key, AlisaKvType value,
                          AlisaSchedKvBytes *bytes) {
    uint32_t width = (uint32_t)kv_width(model);
    double key_slot = (double)alisa_kv_type_row_bytes(key, width);
    double params =
        (double)(alisa_kv_type_params_bytes(key, width) + alisa_kv_type_params_bytes(value, width));
    double halves =
        (double)(alisa_kv_type_tail_bytes(key, width) + alisa_kv_type_tail_bytes(value, width));
    *bytes = (AlisaSchedKvBytes){.slot = key_slot + (double)alisa_kv_type_row_bytes(value, width),
                                 .key = key_slot,
                                 .fixed = params / ALISA_KV_BLOCK,
                                 .tail = halves * ALISA_KV_BLOCK,
                                 .inputs = 2.0 * model->embedding_length};
}
