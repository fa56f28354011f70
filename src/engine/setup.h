/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stage of a session is made from: budgets and sizes are functions of it, before anything
 * is allocated and after.
 */
#ifndef ALISA_ENGINE_SETUP_H
#define ALISA_ENGINE_SETUP_H

#include "attn/attention.h"
#include "engine/engine.h"
#include "engine/sparse.h"
#include "kv/kv.h"

typedef struct AlisaStageSetup {
    const AlisaEngine *engine;
    const AlisaShard *shard;
    AlisaSessionOptions *options; /* of the session; resolving replaces defaults by values */
} AlisaStageSetup;

AlisaKvShape alisa_setup_kv_shape(const AlisaStageSetup *setup);
AlisaAttentionShape alisa_setup_attention_shape(const AlisaStageSetup *setup);
AlisaSparseShape alisa_setup_sparse_shape(const AlisaStageSetup *setup);

/* Tokens of a sequence get slots so many at a time: one by one, or by whole blocks. */
uint32_t alisa_setup_row_tokens(const AlisaStageSetup *setup);
/* The most tokens that get slots in one step of a tiered session. */
uint32_t alisa_setup_placed_rows(const AlisaStageSetup *setup);

#endif
