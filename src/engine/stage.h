/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage of a session: a run of consecutive layers on one device, with all that the session has
 * there. Layers are counted from the first of the stage.
 */
#ifndef ALISA_ENGINE_STAGE_H
#define ALISA_ENGINE_STAGE_H

#include "engine/expert_rows.h"
#include "engine/placement.h"
#include "engine/rows.h"
#include "engine/scratch.h"
#include "kv/tails.h"

/* Where K and V of tokens that are kept as layer inputs are computed again (engine/rebuild.c). */
typedef struct AlisaRebuild {
    AlisaBuffer rotations; /* float[max_rows][rope dim / 2][2] */
    AlisaBuffer row_slots; /* int32[max_rows] */
    float *angles;         /* the rotations on the host */
    uint32_t max_rows;     /* rows at a time; 0: no inputs are kept */
    uint64_t tokens;       /* rebuilt so far, times layers */
} AlisaRebuild;

typedef struct AlisaStage {
    AlisaStageSetup setup;
    AlisaKv *kv;
    AlisaKvTails *tails;     /* NULL unless a KV type has blocks */
    AlisaLayerPlace *places; /* [layer_count] */
    uint32_t window;         /* of the layers that have one; 0: none has */
    uint32_t global_layers;  /* layers without a window */
    uint32_t *reached; /* [sequence] tokens it has had at most since its first was stored; with
                          layers that have a window */
    AlisaPlacement *placement; /* NULL: everything is on the device. Of layers without a window */
    AlisaSparse *sparse; /* NULL: every row attends to everything. Of layers without a window */
    AlisaAttention *attention;
    AlisaRebuild rebuild;
    AlisaBuffer layer_lists; /* with tails and placement: their lists as slots of one layer */
    AlisaRows rows;          /* of the step in hand */
    AlisaScratch scratch;
    AlisaExpertRows experts;   /* rows of the layer in hand, sorted */
    AlisaPlacementTurn *turns; /* [turn_count] sequences of the step, as placement takes them */
    AlisaTokenRow *placed;     /* [placed_count] tokens that get slots in the step */
    uint32_t turn_count, placed_count;
    uint32_t *taken;               /* [sequence] rows of the step that a call is being cut to */
    double seconds;                /* that the last step took here, up to its results on the host */
    uint64_t device_bytes;         /* of all buffers of the stage */
    uint64_t host_to_device_bytes; /* copied for steps since the stage was made */
    uint64_t device_to_host_bytes;
} AlisaStage;

/* Makes what setup describes, whose options are resolved. plan: of a tiered session, as
 * alisa_problem_solve left it; NULL otherwise. Fills a zeroed stage, which is to be finished also
 * after a failure. */
AlisaStatus alisa_stage_init(AlisaStage *stage, const AlisaStageSetup *setup,
                             const AlisaStagePlan *plan, AlisaError *error);
/* Waits for the device first: launches may still read memory that the caller is about to free. */
void alisa_stage_finish(AlisaStage *stage);

/* How many leading rows the next step takes, `count` at most; lengths: of the sequences before it.
 */
uint32_t alisa_stage_take(AlisaStage *stage, const AlisaRow *rows, size_t count,
                          const uint32_t *lengths);

/* Tokens of a sequence that have slots while it holds `length`: those of a block that is to be
 * taken back from its codes among them, and no token of an unfinished block. */
uint32_t alisa_stage_placed(const AlisaStage *stage, uint32_t sequence, uint32_t length);
/* The tokens that a sequence of `length` takes up: those of such a block among them. */
uint32_t alisa_stage_occupied(const AlisaStage *stage, uint32_t sequence, uint32_t length);

/* Whether the tokens are still there that rows after the first `length` of a sequence attend to:
 * layers with a window keep the newest only, and a sequence that was cut far back has lost those
 * before. Then it is to be computed again from its first token on. */
bool alisa_stage_reaches(const AlisaStage *stage, uint32_t sequence, uint32_t length);

/* Tokens `length` and later of a sequence are gone. */
AlisaStatus alisa_stage_truncate(AlisaStage *stage, uint32_t sequence, uint32_t length,
                                 AlisaError *error);

/* Bytes on the device for K, V and what belongs to them. */
uint64_t alisa_stage_kv_bytes(const AlisaStage *stage);

#endif
