/*
 * One timeline: sequences, their KV cache and the scratch of a step.
 */
#ifndef ALISA_ENGINE_SESSION_H
#define ALISA_ENGINE_SESSION_H

#include "attn/attention.h"
#include "engine/engine.h"
#include "engine/placement.h"
#include "engine/sparse.h"
#include "kv/tails.h"
#include "sched/queue.h"

/* What a step needs to know of its rows: made on the host, copied to the device once a step.
 * R: rows of the step, at most micro_batch. */
typedef struct AlisaStepInputs {
    int32_t *tokens;           /* [R] */
    int32_t *row_slots;        /* [R] KV slot each row is stored to */
    uint32_t *list_offsets;    /* [R] start of its sequence's slot list */
    uint32_t *counts;          /* [R] tokens it attends to, itself included */
    float *rotations;          /* [R][rope.dim / 2][2] cosine and sine */
    int32_t *logit_rows;       /* [logit_count] rows whose logits are wanted */
    AlisaAttentionTile *tiles; /* [tile_count] of rows that attend to everything */
    AlisaSparseRow *sparse;    /* [R] */
    uint32_t row_count;
    uint32_t logit_count;
    uint32_t tile_count;
    uint32_t longest; /* largest of counts */
} AlisaStepInputs;

/* Device side of a step. E, H, G, F, V as in model/weights.h; L: options.logit_rows. */
typedef struct AlisaStepBuffers {
    AlisaBuffer tokens;
    AlisaBuffer row_slots;
    AlisaBuffer rotations;
    AlisaBuffer logit_rows;
    AlisaBuffer tiles;
    AlisaBuffer residual; /* [R][E] */
    AlisaBuffer normed;   /* [R][E] */
    AlisaBuffer query;    /* [R][H] */
    AlisaBuffer key;      /* [R][G] */
    AlisaBuffer value;    /* [R][G] */
    AlisaBuffer attended; /* [R][H] */
    AlisaBuffer gate;     /* [R][F] */
    AlisaBuffer up;       /* [R][F] */
    AlisaBuffer logits;   /* [L][V] */
    AlisaBuffer choices;  /* int32[L] */
} AlisaStepBuffers;

/* Which sequences are on the device, where whole ones come and go (engine/admit.c). */
typedef struct AlisaAdmission {
    AlisaSchedQueue queue;
    int32_t *tokens; /* [sequence][context] the text of each, to compute K and V from again */
    AlisaRow *rows;  /* [context] */
    double seconds, predicted; /* of what came and went before this call */
} AlisaAdmission;

/* Where K and V of tokens that are kept as layer inputs are computed again (engine/rebuild.c). R:
 * rows at a time. */
typedef struct AlisaRebuild {
    AlisaBuffer rotations; /* [R][rope.dim / 2][2] */
    AlisaBuffer row_slots; /* int32[R] */
    float *angles;         /* the rotations on the host */
    uint32_t max_rows;
    uint64_t tokens; /* rebuilt so far, times layers */
} AlisaRebuild;

struct AlisaSession {
    AlisaEngine *engine;
    AlisaSessionOptions options; /* with every default resolved */
    bool not_needed;             /* options.placement.only_if_needed came true */
    AlisaKv *kv;
    AlisaKvTails *tails;       /* NULL unless a KV type has blocks */
    AlisaPlacement *placement; /* NULL: everything is on the device */
    AlisaAdmission *admission; /* NULL: all sequences are admitted */
    AlisaRebuild rebuild;      /* max_rows 0: no inputs are kept */
    AlisaBuffer layer_lists;   /* with tails and placement: their lists as slots of one layer */
    AlisaAttention *attention;
    AlisaSparse *sparse; /* NULL: every row attends to everything */
    uint32_t *lengths;   /* [sequence_count] tokens each sequence holds */
    uint32_t *call_rows; /* [sequence_count] rows of the eval call */
    uint32_t *call_ends; /* [sequence_count] lengths at its end */
    uint32_t *forgotten; /* [sequence_count] least length since the last call: what sparse attention
                            has yet to forget */
    AlisaPlacementTurn *turns; /* [sequence_count] of the step */
    AlisaTokenRow *placed;     /* tokens that get slots in the step */
    uint32_t turn_count, placed_count;
    AlisaStepRecord *records;
    size_t record_count, record_capacity;
    AlisaTraffic moved; /* up to the last record */
    AlisaStepInputs inputs;
    AlisaStepBuffers buffers;
    float *logits;         /* [logit_rows][V] on the host; NULL with likeliest_only */
    int32_t *choices;      /* [logit_rows]; NULL without */
    uint32_t logits_valid; /* rows of one of them filled by the last eval */
    uint64_t scratch_bytes;
    uint64_t host_to_device_bytes;
    uint64_t device_to_host_bytes;
    bool measures; /* for engine/rates.c: what its steps take is nothing to learn from */
};

/* The work behind alisa_session_create. rates: what its plan is made from; NULL: as measured. */
AlisaStatus alisa_session_open(AlisaEngine *engine, const AlisaSessionOptions *options,
                               const AlisaSchedProfile *rates, AlisaSession **session,
                               AlisaError *error);

AlisaKvShape alisa_session_kv_shape(const AlisaSession *session);
AlisaAttentionShape alisa_session_attention_shape(const AlisaSession *session);
AlisaSparseShape alisa_session_sparse_shape(const AlisaSession *session);
/* Most tokens that get slots in one step of a session over two tiers. */
uint32_t alisa_session_placed_rows(const AlisaSession *session);

/* engine/memory.c: what the budget leaves for the context, and what the context takes of it. */
/* A context that is asked for and longer than a sliding window of the model is an error; with none
 * asked for (0), the log says that the window shortens it. */
AlisaStatus alisa_session_check_context(const AlisaEngine *engine, uint32_t asked,
                                        AlisaError *error);
uint64_t alisa_session_scratch_needed(AlisaSession *session);
/* Whether the whole context asked for fits on the device. */
bool alisa_session_fits(AlisaSession *session);
/* Sets the context length: the one asked for if it fits beside weights and scratch, otherwise an
 * error that says what would; with none asked for, the model's, shortened to what fits. */
AlisaStatus alisa_session_fit(AlisaSession *session, AlisaError *error);
/* The cache of a session whose policy has tokens elsewhere than on the device, and its placement.
 * Too little memory for one step: ALISA_ERROR_MEMORY that says which, and how much is missing. */
AlisaStatus alisa_session_fit_tiers(AlisaSession *session, AlisaKvMemory *memory,
                                    AlisaError *error);
/* Half of what the host has free: what K and V may take of it, if nobody says otherwise. */
uint64_t alisa_session_host_bytes(void);
/* What the session is to do, as a plan is made for it; device_bytes and host_bytes are left 0. */
AlisaSchedRun alisa_session_run(AlisaSession *session);
/* What its plan is made from. memory: NULL where everything is on the device. */
AlisaStatus alisa_session_describe(AlisaSession *session, const AlisaSchedProfile *rates,
                                   const AlisaKvMemory *memory, AlisaSchedProblem *problem,
                                   AlisaError *error);
/* What the plan of a session with these options would be made from; none is made. */
AlisaStatus alisa_session_problem(AlisaEngine *engine, const AlisaSessionOptions *options,
                                  AlisaSchedProblem *problem, AlisaError *error);
AlisaStatus alisa_session_plan(AlisaSession *session, const AlisaSchedProfile *rates,
                               const AlisaKvMemory *memory, AlisaError *error);

/* engine/rebuild.c */
/* Makes the cache of the session anew, with the layer inputs that the plan wants, and tells the
 * problem what there is then; where that does not fit, it stays as it is and the problem has no
 * inputs. */
AlisaStatus alisa_session_keep_inputs(AlisaSession *session, const AlisaKvMemory *memory,
                                      const AlisaSchedPlan *plan, AlisaSchedProblem *problem,
                                      AlisaError *error);
void alisa_session_destroy_rebuild(AlisaSession *session);
/* Computes the rows that the layer's tokens lack; the products overwrite normed, key, value and
 * attended of the step. */
AlisaStatus alisa_session_rebuild(AlisaSession *session, uint32_t layer, AlisaError *error);

/* engine/admit.c */
AlisaStatus alisa_session_create_admission(AlisaSession *session, AlisaError *error);
void alisa_session_destroy_admission(AlisaSession *session);
/* Finds blocks for the rows of the call (call_rows): ALISA_ERROR_MEMORY where a sequence would have
 * to leave or to come back for them. */
AlisaStatus alisa_session_reserve(AlisaSession *session, AlisaError *error);

/* engine/eval.c */
/* Carries out truncations since the last call. */
AlisaStatus alisa_session_forget(AlisaSession *session, AlisaError *error);
/* Appends rows that were checked. */
AlisaStatus alisa_session_append(AlisaSession *session, const AlisaRow *rows, size_t count,
                                 AlisaError *error);
/* After the device has failed in the middle of moves: the contents of any slot are unknown. */
void alisa_session_lose(AlisaSession *session);

/* Computes the step described by session->inputs: appends K and V, and reads the logits it asks for
 * into session->logits from row session->logits_valid on. Lengths are the caller's to advance. */
AlisaStatus alisa_step_run(AlisaSession *session, AlisaError *error);

#endif
