/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/memory.h"

#include <unistd.h>

#include "engine/scratch.h"
#include "kv/tails.h"

/* ---- What a stage takes --------------------------------------------------------------------- */

/* Whether the room for K and V is a share of the context's bytes. What a session needs that does
 * not grow with the context is then taken in addition. */
static bool is_share(const AlisaSetupOptions *options) {
    return options->placement.device_share > 0.0;
}

/* Whether the stage chooses tokens. */
static bool is_sparse(const AlisaStageSetup *stage) {
    return stage->options->attention.kind != ALISA_SELECT_DENSE &&
           alisa_setup_kv_shape(stage).layer_count > 0;
}

/* Device bytes that do not grow with the context, or hardly: layers with a window, attention, and
 * scores of a step. */
static AlisaStatus step_bytes(const AlisaStageSetup *stage, uint64_t *bytes, AlisaError *error) {
    const AlisaSetupOptions *options = stage->options;
    AlisaAttentionShape attention = alisa_setup_attention_shape(stage);
    AlisaKvShape kv = alisa_setup_kv_shape(stage);
    *bytes = alisa_kv_window_bytes(&kv) +
             alisa_attention_scratch_bytes(stage->shard->ops, &attention, options->micro_batch,
                                           options->context_length);
    if (!is_sparse(stage)) return ALISA_OK;
    AlisaSparseShape sparse = alisa_setup_sparse_shape(stage);
    uint64_t all = alisa_sparse_bytes(&sparse, error);
    if (all == 0) return ALISA_ERROR_ARGUMENT;
    *bytes += all - alisa_sparse_state_bytes(&sparse, error);
    return ALISA_OK;
}

/* Device bytes that grow with the context and are not slots: halves of unfinished blocks and their
 * lists, and what choosing tokens keeps of each. */
static AlisaStatus state_bytes(const AlisaStageSetup *stage, bool tiered, uint64_t *bytes,
                               AlisaError *error) {
    const AlisaSetupOptions *options = stage->options;
    AlisaKvShape kv = alisa_setup_kv_shape(stage);
    *bytes = alisa_kv_tails_bytes(&kv, options->micro_batch);
    if (tiered && alisa_kv_tails_needed(&kv))
        *bytes += sizeof(int32_t) * alisa_kv_blocks_entries(kv.sequence_count, kv.context_length,
                                                            options->micro_batch);
    if (!is_sparse(stage)) return ALISA_OK;
    AlisaSparseShape sparse = alisa_setup_sparse_shape(stage);
    uint64_t chosen = alisa_sparse_state_bytes(&sparse, error);
    *bytes += chosen;
    return chosen ? ALISA_OK : ALISA_ERROR_ARGUMENT;
}

/* Both together, as far as they are charged to the room for K and V. */
static AlisaStatus charged_bytes(const AlisaStageSetup *stage, bool tiered, uint64_t *bytes,
                                 AlisaError *error) {
    uint64_t step = 0;
    AlisaStatus status = state_bytes(stage, tiered, bytes, error);
    if (status == ALISA_OK && !is_share(stage->options)) status = step_bytes(stage, &step, error);
    *bytes += step;
    return status;
}

/* K and V of the whole context, and the list of their slots. */
static uint64_t cache_bytes(const AlisaStageSetup *stage) {
    AlisaKvShape kv = alisa_setup_kv_shape(stage);
    return (uint64_t)kv.sequence_count * kv.context_length *
           (alisa_kv_token_bytes(&kv) + sizeof(int32_t));
}

AlisaStatus alisa_memory_bytes(const AlisaStageSetup *stage, const AlisaKvMemory *memory,
                               uint64_t *bytes, AlisaError *error) {
    uint64_t state, step, cache = cache_bytes(stage);
    AlisaStatus status = state_bytes(stage, memory != NULL, &state, error);
    if (status == ALISA_OK) status = step_bytes(stage, &step, error);
    if (status != ALISA_OK) return status;
    if (memory) {
        AlisaKvShape kv = alisa_setup_kv_shape(stage);
        cache = alisa_kv_tiered_bytes(stage->shard->device, &kv, memory, error);
        if (cache == 0) return ALISA_ERROR_MEMORY;
        if (memory->input_columns > 0) cache += alisa_setup_rebuild_bytes(stage, memory->max_rows);
    }
    *bytes = alisa_scratch_bytes(stage) + state + step + cache;
    return ALISA_OK;
}

/* ---- What a budget leaves ------------------------------------------------------------------- */

/* Device bytes of K and V of a token in the layers of a stage, as halves. */
static double token_bytes(const AlisaSessionSetup *setup, uint32_t stage) {
    AlisaStageSetup of = alisa_setup_stage(setup, stage);
    AlisaKvShape shape = alisa_setup_kv_shape(&of);
    shape.key_type = shape.value_type = ALISA_KV_F16;
    return (double)alisa_kv_token_bytes(&shape);
}

/* The same of all stages that draw on a budget. */
static double budget_token_bytes(const AlisaSessionSetup *setup, uint32_t budget) {
    double bytes = 0.0;
    for (uint32_t i = 0; i < setup->stage_count; i++)
        if (setup->shards[i].budget == budget) bytes += token_bytes(setup, i);
    return bytes;
}

/* What weights and scratch leave of a budget; or the share of the context's bytes. */
static uint64_t budget_left(const AlisaSessionSetup *setup, uint32_t budget) {
    const AlisaSetupOptions *options = &setup->options;
    if (is_share(options))
        return (uint64_t)(options->placement.device_share * options->sequence_count *
                          options->context_length * budget_token_bytes(setup, budget));
    uint64_t left = alisa_engine_budget_left(setup->engine, budget);
    for (uint32_t i = 0; i < setup->stage_count; i++) {
        AlisaStageSetup of = alisa_setup_stage(setup, i);
        uint64_t scratch = of.shard->budget == budget ? alisa_scratch_bytes(&of) : 0;
        left = left > scratch ? left - scratch : 0;
    }
    return left;
}

/* The part of a stage in what there is for the stages of its budget. */
static uint64_t part_of(const AlisaSessionSetup *setup, uint32_t stage, uint64_t bytes) {
    double all = budget_token_bytes(setup, setup->shards[stage].budget);
    return (uint64_t)((double)bytes * (token_bytes(setup, stage) / all));
}

uint64_t alisa_memory_left(const AlisaSessionSetup *setup, uint32_t stage) {
    return part_of(setup, stage, budget_left(setup, setup->shards[stage].budget));
}

/* ---- Everything on the device --------------------------------------------------------------- */

/* Device bytes that grow with the context, of all stages that draw on a budget. */
static AlisaStatus context_bytes(const AlisaSessionSetup *setup, uint32_t budget, uint64_t *bytes,
                                 AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    *bytes = 0;
    for (uint32_t i = 0; i < setup->stage_count && status == ALISA_OK; i++) {
        AlisaStageSetup of = alisa_setup_stage(setup, i);
        uint64_t charged;
        if (of.shard->budget != budget) continue;
        status = charged_bytes(&of, false, &charged, error);
        *bytes += charged + cache_bytes(&of);
    }
    return status;
}

/* Whether the context of `setup` fits in what budgets leave beside that of `budgets`. */
static bool fits_in(const AlisaSessionSetup *setup, const AlisaSessionSetup *budgets) {
    for (uint32_t b = 0; b < setup->engine->budget_count; b++) {
        uint64_t bytes;
        if (context_bytes(setup, b, &bytes, NULL) != ALISA_OK || bytes > budget_left(budgets, b))
            return false;
    }
    return true;
}

/* The longest context, up to that of the setup, which fits. */
static uint32_t longest_context(const AlisaSessionSetup *setup) {
    AlisaSessionSetup trial = *setup;
    uint32_t fits = 0;
    for (uint32_t over = setup->options.context_length + 1; over - fits > 1;) {
        trial.options.context_length = fits + (over - fits) / 2;
        if (fits_in(&trial, setup)) {
            fits = trial.options.context_length;
        } else {
            over = trial.options.context_length;
        }
    }
    return fits;
}

bool alisa_memory_fits(const AlisaSessionSetup *setup) {
    return fits_in(setup, setup);
}

/* The first budget that is too small for the context. */
static AlisaStatus find_too_small(const AlisaSessionSetup *setup, uint32_t *budget, uint64_t *bytes,
                                  AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    uint32_t count = setup->engine->budget_count;
    for (*budget = 0; *budget < count && status == ALISA_OK; ++*budget) {
        status = context_bytes(setup, *budget, bytes, error);
        if (status == ALISA_OK && *bytes > budget_left(setup, *budget)) break;
    }
    return status;
}

AlisaStatus alisa_memory_fit(AlisaSessionSetup *setup, bool asked, AlisaError *error) {
    uint32_t budget, wanted = setup->options.context_length;
    uint64_t bytes;
    AlisaStatus status = find_too_small(setup, &budget, &bytes, error);
    if (status != ALISA_OK || budget == setup->engine->budget_count) return status;
    uint32_t fits = longest_context(setup);
    double all = (double)setup->engine->budgets[budget].bytes / 0x1p20;
    if (asked || fits < 16) {
        double left = (double)budget_left(setup, budget) / 0x1p20;
        return alisa_error_set(
            error, ALISA_ERROR_MEMORY,
            "a context of %u tokens for %u sequences needs %.1f MiB beside weights and scratch, "
            "and of the device budget of %.1f MiB they leave %.1f MiB, which holds %u tokens: "
            "lower -c, --batch or -ub, raise --device-mem if it was set, or use --policy alisa",
            wanted, setup->options.sequence_count, (double)bytes / 0x1p20, all, left, fits);
    }
    setup->options.context_length = fits;
    alisa_log_write(&setup->engine->log, ALISA_LOG_WARNING,
                    "context shortened from %u to %u tokens a sequence to fit the device budget of "
                    "%.1f MiB",
                    wanted, fits, all);
    return ALISA_OK;
}

/* ---- Two tiers ----------------------------------------------------------------------------- */

uint64_t alisa_memory_host_bytes(void) {
    long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / 2 : 0;
}

/* The host's memory for K and V of a stage. */
static uint64_t host_part(const AlisaSessionSetup *setup, uint32_t stage, uint64_t host) {
    double all = 0.0;
    for (uint32_t i = 0; i < setup->stage_count; i++)
        all += token_bytes(setup, i);
    return (uint64_t)((double)host * (token_bytes(setup, stage) / all));
}

/* What budgets leave for slots: less than they leave for the context by all else that the context
 * takes in the stages that draw on them. */
static AlisaStatus slot_bytes(const AlisaSessionSetup *setup, uint32_t budget, uint64_t *bytes,
                              AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    *bytes = budget_left(setup, budget);
    for (uint32_t i = 0; i < setup->stage_count && status == ALISA_OK; i++) {
        AlisaStageSetup of = alisa_setup_stage(setup, i);
        uint64_t charged;
        if (of.shard->budget != budget) continue;
        status = charged_bytes(&of, true, &charged, error);
        *bytes = *bytes > charged ? *bytes - charged : 0;
    }
    return status;
}

static AlisaStatus fit_stage(const AlisaSessionSetup *setup, uint32_t stage, uint64_t host,
                             AlisaKvMemory *memory, AlisaError *error) {
    AlisaStageSetup of = alisa_setup_stage(setup, stage);
    AlisaKvShape shape = alisa_setup_kv_shape(&of);
    uint64_t bytes;
    AlisaStatus status = slot_bytes(setup, of.shard->budget, &bytes, error);
    if (status != ALISA_OK) return status;
    *memory = (AlisaKvMemory){.device_bytes = part_of(setup, stage, bytes),
                              .host_bytes = host_part(setup, stage, host),
                              .max_rows = alisa_setup_placed_rows(&of),
                              .least_rows = alisa_setup_row_tokens(&of),
                              .read_rows = alisa_setup_read_rows(&of),
                              .row_group = alisa_ops_parameters(of.shard->ops)->move.group};
    uint64_t overhead = alisa_kv_tiered_overhead(of.shard->device, &shape, memory, error);
    if (overhead == 0) return ALISA_ERROR_MEMORY;
    if (!is_share(&setup->options))
        memory->device_bytes =
            memory->device_bytes > overhead ? memory->device_bytes - overhead : 0;
    return ALISA_OK;
}

AlisaStatus alisa_memory_fit_tiers(AlisaSessionSetup *setup, AlisaError *error) {
    uint64_t host = setup->options.placement.host_memory;
    if (host == 0) host = alisa_memory_host_bytes();
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < setup->stage_count && status == ALISA_OK; i++)
        status = fit_stage(setup, i, host, &setup->plans[i].memory, error);
    return status;
}
