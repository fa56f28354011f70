/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session and its stages are made from: budgets and sizes are functions of it, before
 * anything is allocated and after.
 */
#ifndef ALISA_ENGINE_SETUP_H
#define ALISA_ENGINE_SETUP_H

#include "alisa/placement.h"
#include "attn/attention.h"
#include "engine/engine.h"
#include "engine/sparse.h"
#include "kv/kv.h"
#include "sched/plan.h"

/* AlisaSessionOptions with what they point to by value. Resolving replaces defaults by values. */
typedef struct AlisaSetupOptions {
    uint32_t sequence_count, context_length;
    /* The context by which a layer's window counts or not: of a session that another one is
     * measured for, the other's; 0: context_length. */
    uint32_t window_context;
    uint32_t micro_batch, logit_rows;
    AlisaKvType key_type, value_type;
    AlisaSelectOptions attention;
    AlisaPlacementOptions placement;
    bool likeliest_only, record_steps, count_lists;
    bool (*interrupt)(void *user);
    void *interrupt_user;
} AlisaSetupOptions;

void alisa_setup_placement_defaults(AlisaPlacementOptions *placement);
/* Copies what the caller gives; defaults stand for pointers that are NULL. */
AlisaSetupOptions alisa_setup_options(const AlisaSessionOptions *given);
/* The reverse: *told points into *options. */
void alisa_setup_tell(const AlisaSetupOptions *options, AlisaSessionOptions *told);

typedef struct AlisaStageSetup {
    const AlisaEngine *engine;
    const AlisaShard *shard;
    const AlisaSetupOptions *options; /* of the session */
} AlisaStageSetup;

/* The part of a stage in the budgets of a tiered session, and its plan. */
typedef struct AlisaStagePlan {
    AlisaKvMemory memory; /* of its cache (engine/memory.h), its layer inputs included */
    AlisaSchedProblem problem;
    AlisaSchedPlan plan;
} AlisaStagePlan;

/* Resolved by engine/resolve.h, planned by engine/problem.h, made by engine/session.h. */
typedef struct AlisaSessionSetup {
    const AlisaEngine *engine;
    /* [stage_count] one after the other in the engine, each the shard of a stage: all of them, but
     * in sessions that one shard is measured with. */
    const AlisaShard *shards;
    uint32_t stage_count;
    AlisaSetupOptions options; /* of all stages */
    bool not_needed;           /* options.placement.only_if_needed came true */
    AlisaStagePlan *plans;     /* [stage_count] of a tiered session; NULL otherwise */
} AlisaSessionSetup;

AlisaStageSetup alisa_setup_stage(const AlisaSessionSetup *setup, uint32_t stage);

/* Which of the layers of its kind a layer is: of those that attend to all tokens, or of those with
 * a window. */
typedef struct AlisaLayerPlace {
    uint32_t window; /* tokens, its own included, that a row attends to; 0: all */
    uint32_t index;
} AlisaLayerPlace;

/* The layers of the model with a window that counts. One that the context does not leave counts as
 * none in a model all of whose layers have it. */
uint32_t alisa_setup_window_layers(const AlisaShape *shape, const AlisaSetupOptions *options);
/* `layer` counts from the stage's first. */
AlisaLayerPlace alisa_setup_place(const AlisaStageSetup *setup, uint32_t layer);

AlisaKvShape alisa_setup_kv_shape(const AlisaStageSetup *setup);
AlisaAttentionShape alisa_setup_attention_shape(const AlisaStageSetup *setup);
AlisaSparseShape alisa_setup_sparse_shape(const AlisaStageSetup *setup);

/* The angles of one of the model's ropes in this session. */
const AlisaRopeTable *alisa_setup_rope(const AlisaStageSetup *setup, uint32_t index);

/* Tokens of a sequence get slots so many at a time: one by one, or by whole blocks. */
uint32_t alisa_setup_row_tokens(const AlisaStageSetup *setup);
/* Device bytes of what computes K and V of up to `rows` tokens again (engine/rebuild.h). */
uint64_t alisa_setup_rebuild_bytes(const AlisaStageSetup *setup, uint32_t rows);
/* The most tokens that get slots in one step of a tiered session. */
uint32_t alisa_setup_placed_rows(const AlisaStageSetup *setup);
/* The most older tokens of a layer that a row attends to in a tiered session, as far as prompts are
 * no longer than placement.prompt_length says. */
uint32_t alisa_setup_read_rows(const AlisaStageSetup *setup);

#endif
