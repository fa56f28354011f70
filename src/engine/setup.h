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

typedef struct AlisaSetup {
    const AlisaEngine *engine;
    const AlisaShard *shard;
    AlisaSessionOptions *options; /* of the session; resolving replaces defaults by values */
} AlisaSetup;

/* Whether tokens of the session may be elsewhere than on the device. */
bool alisa_setup_is_tiered(const AlisaSetup *setup);

AlisaKvShape alisa_setup_kv_shape(const AlisaSetup *setup);
AlisaAttentionShape alisa_setup_attention_shape(const AlisaSetup *setup);
AlisaSparseShape alisa_setup_sparse_shape(const AlisaSetup *setup);

/* Tokens of a sequence get slots so many at a time: one by one, or by whole blocks. */
uint32_t alisa_setup_row_tokens(const AlisaSetup *setup);
/* The most tokens that get slots in one step of a tiered session. */
uint32_t alisa_setup_placed_rows(const AlisaSetup *setup);

#endif
