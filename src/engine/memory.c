/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/memory.h"

#include <unistd.h>

#include "engine/scratch.h"
#include "kv/tails.h"

uint64_t alisa_memory_left(const AlisaStageSetup *setup) {
    const AlisaShard *shard = setup->shard;
    double share = setup->options->placement.device_share;
    if (share > 0.0) {
        AlisaKvShape shape = alisa_setup_kv_shape(setup);
        shape.key_type = shape.value_type = ALISA_KV_F16;
        return (uint64_t)(share * (double)shape.sequence_count * shape.context_length *
                          (double)alisa_kv_token_bytes(&shape));
    }
    uint64_t used = alisa_weights_bytes(shard->weights) + alisa_scratch_bytes(setup);
    return shard->device_memory > used ? shard->device_memory - used : 0;
}

/* The context of a session that asks for none: what every layer of the model attends to whole. */
static uint32_t usual_context(const AlisaShape *shape) {
    uint32_t window = alisa_shape_full_attention(shape);
    return window < shape->context_length ? window : shape->context_length;
}

/* Device bytes that grow with the context: KV, and what choosing tokens keeps of them. */
static AlisaStatus context_bytes(const AlisaStageSetup *setup, uint32_t context, uint64_t *bytes,
                                 AlisaError *error) {
    AlisaKvShape kv = alisa_setup_kv_shape(setup);
    kv.context_length = context;
    *bytes = alisa_kv_tails_bytes(&kv, setup->options->micro_batch) +
             (uint64_t)kv.sequence_count * context * (alisa_kv_token_bytes(&kv) + sizeof(int32_t));
    if (setup->options->attention.kind == ALISA_SELECT_DENSE) return ALISA_OK;
    AlisaSparseShape sparse = alisa_setup_sparse_shape(setup);
    sparse.context_length = context;
    uint64_t chosen = alisa_sparse_bytes(&sparse, error);
    *bytes += chosen;
    return chosen ? ALISA_OK : ALISA_ERROR_ARGUMENT;
}

/* The longest context, up to `most`, whose bytes are at most `left`. */
static uint32_t longest_context(const AlisaStageSetup *setup, uint32_t most, uint64_t left) {
    uint32_t fits = 0;
    for (uint32_t over = most + 1; over - fits > 1;) {
        uint32_t middle = fits + (over - fits) / 2;
        uint64_t bytes;
        if (context_bytes(setup, middle, &bytes, NULL) == ALISA_OK && bytes <= left) {
            fits = middle;
        } else {
            over = middle;
        }
    }
    return fits;
}

bool alisa_memory_fits(const AlisaStageSetup *setup) {
    uint32_t asked = setup->options->context_length, *context = &setup->options->context_length;
    if (asked == 0) *context = usual_context(&setup->engine->shape);
    uint64_t bytes;
    bool fits = context_bytes(setup, *context, &bytes, NULL) == ALISA_OK &&
                bytes <= alisa_memory_left(setup);
    *context = asked;
    return fits;
}

AlisaStatus alisa_memory_fit(AlisaStageSetup *setup, AlisaError *error) {
    const AlisaShard *shard = setup->shard;
    AlisaSetupOptions *options = setup->options;
    bool asked = options->context_length > 0;
    if (!asked) options->context_length = usual_context(&setup->engine->shape);

    uint64_t bytes;
    AlisaStatus status = context_bytes(setup, options->context_length, &bytes, error);
    if (status != ALISA_OK) return status;
    uint64_t used = alisa_weights_bytes(shard->weights) + alisa_scratch_bytes(setup);
    uint64_t left = alisa_memory_left(setup);
    if (bytes <= left) return ALISA_OK;
    uint32_t fits = longest_context(setup, options->context_length, left);
    if (asked || fits < 16) {
        return alisa_error_set(
            error, ALISA_ERROR_MEMORY,
            "a context of %u tokens for %u sequences needs %.1f MiB beside %.1f MiB of weights and "
            "scratch, and the device budget is %.1f MiB, which holds %u tokens: lower -c, "
            "--batch or -ub, raise --device-mem if it was set, or use --policy alisa",
            options->context_length, options->sequence_count, (double)bytes / 0x1p20,
            (double)used / 0x1p20, (double)(used + left) / 0x1p20, fits);
    }
    options->context_length = fits;
    alisa_log_write(&setup->engine->log, ALISA_LOG_WARNING,
                    "context shortened from %u to %u tokens a sequence to fit the device budget of "
                    "%.1f MiB",
                    usual_context(&setup->engine->shape), options->context_length,
                    (double)(used + left) / 0x1p20);
    return ALISA_OK;
}

/* ---- Two tiers ----------------------------------------------------------------------------- */

uint64_t alisa_memory_host_bytes(void) {
    long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / 2 : 0;
}

AlisaStatus alisa_memory_fit_tiers(AlisaStageSetup *setup, AlisaKvMemory *memory,
                                   AlisaError *error) {
    AlisaSetupOptions *options = setup->options;
    const AlisaShard *shard = setup->shard;
    if (options->context_length == 0)
        options->context_length = usual_context(&setup->engine->shape);
    /* Lists that grew would need tokens that are forgotten. */
    if (options->placement.policy == ALISA_POLICY_H2O)
        options->attention.keep =
            2 * alisa_selector_half_budget(&options->attention, options->context_length);
    AlisaKvShape shape = alisa_setup_kv_shape(setup);
    uint64_t host = options->placement.host_memory;
    /* A share of the context's bytes is for what grows with the context; what else a session needs
     * is scratch then, as it is beside a cache on the device. */
    bool share = options->placement.device_share > 0.0;
    uint64_t left = alisa_memory_left(setup), fixed = 0;
    if (alisa_kv_tails_needed(&shape)) fixed += alisa_kv_tails_bytes(&shape, options->micro_batch);
    if (options->attention.kind != ALISA_SELECT_DENSE) {
        AlisaSparseShape sparse = alisa_setup_sparse_shape(setup);
        uint64_t chosen =
            share ? alisa_sparse_state_bytes(&sparse, error) : alisa_sparse_bytes(&sparse, error);
        if (chosen == 0) return ALISA_ERROR_ARGUMENT;
        fixed += chosen;
    }
    *memory = (AlisaKvMemory){.device_bytes = left > fixed ? left - fixed : 0,
                              .host_bytes = host ? host : alisa_memory_host_bytes(),
                              .max_rows = alisa_setup_placed_rows(setup),
                              .row_group = alisa_ops_parameters(shard->ops)->move.group};
    uint64_t overhead = alisa_kv_tiered_overhead(shard->device, &shape, memory, error);
    if (overhead == 0) return ALISA_ERROR_MEMORY;
    if (!share) {
        memory->device_bytes =
            memory->device_bytes > overhead ? memory->device_bytes - overhead : 0;
    }
    return ALISA_OK;
}
