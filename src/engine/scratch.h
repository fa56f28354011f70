/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device memory of a step that does not grow with the context: one buffer for each result
 * of the forward pass, for as many rows as a step has at most.
 */
#ifndef ALISA_ENGINE_SCRATCH_H
#define ALISA_ENGINE_SCRATCH_H

#include "engine/setup.h"

/* R: options.micro_batch; L: options.logit_rows; E, H, G, F, V as in model/fields.h; X experts of
 * which each row takes U. Floats, where nothing else is said. */
typedef struct AlisaScratch {
    AlisaBuffer rows;     /* engine/rows.h */
    AlisaBuffer residual; /* [R][E] */
    AlisaBuffer normed;   /* [R][E] */
    AlisaBuffer query;    /* [R][H] */
    AlisaBuffer key;      /* [R][G] */
    AlisaBuffer value;    /* [R][G] */
    AlisaBuffer attended; /* [R][H] */
    AlisaBuffer gate;     /* [R][F] */
    AlisaBuffer up;       /* [R][F] */
    AlisaBuffer router;   /* [R][X] logits of experts, or [R] of the shared one */
    AlisaBuffer chosen;   /* int32[R][U] experts of each row */
    AlisaBuffer shares;   /* [R][U] how much of each a row takes */
    AlisaBuffer order;    /* int32[2][R U]: engine/expert_rows.h */
    AlisaBuffer packed;   /* [R U][E] what experts take, and then what they give */
    AlisaBuffer logits;   /* [L][V]; of the stage with the head */
    AlisaBuffer choices;  /* int32[L]; likewise */
} AlisaScratch;

static inline AlisaVector alisa_scratch_all(const AlisaBuffer *buffer) {
    return (AlisaVector){buffer, 0};
}

/* Bytes on the device, those of the shard's operations among them. */
uint64_t alisa_scratch_bytes(const AlisaStageSetup *setup);

/* Takes a zeroed one. */
AlisaStatus alisa_scratch_init(AlisaScratch *scratch, const AlisaStageSetup *setup,
                               AlisaError *error);
/* Takes a zeroed or half-built one. */
void alisa_scratch_finish(AlisaScratch *scratch);

#endif
