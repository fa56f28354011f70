/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stage of a session is made from: budgets and sizes are functions of it, before anything
 * is allocated and after.
 */
#ifndef ALISA_ENGINE_SETUP_H
#define ALISA_ENGINE_SETUP_H

#include "alisa/placement.h"
#include "attn/attention.h"
#include "engine/engine.h"
#include "engine/sparse.h"
#include "kv/kv.h"

/* AlisaSessionOptions with what they point to by value. Resolving replaces defaults by values. */
typedef struct AlisaSetupOptions {
    uint32_t sequence_count, context_length;
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
    AlisaSetupOptions *options; /* of the session */
} AlisaStageSetup;

AlisaKvShape alisa_setup_kv_shape(const AlisaStageSetup *setup);
AlisaAttentionShape alisa_setup_attention_shape(const AlisaStageSetup *setup);
AlisaSparseShape alisa_setup_sparse_shape(const AlisaStageSetup *setup);

/* Tokens of a sequence get slots so many at a time: one by one, or by whole blocks. */
uint32_t alisa_setup_row_tokens(const AlisaStageSetup *setup);
/* The most tokens that get slots in one step of a tiered session. */
uint32_t alisa_setup_placed_rows(const AlisaStageSetup *setup);

#endif
