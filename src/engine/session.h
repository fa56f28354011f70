/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: the timeline of its sequences over an array of stages, in which their layers lie.
 */
#ifndef ALISA_ENGINE_SESSION_H
#define ALISA_ENGINE_SESSION_H

#include "engine/stage.h"
#include "sched/queue.h"

/* Which sequences are on the device, where whole sequences come and go (engine/admission.h). */
typedef struct AlisaAdmission {
    AlisaSchedQueue queue;
    double seconds;   /* that coming and going took since the last call */
    double predicted; /* the seconds that it was to take */
} AlisaAdmission;

struct AlisaSession {
    const AlisaEngine *engine;
    AlisaSetupOptions options; /* as alisa_resolve left them */
    bool not_needed;           /* options.placement.only_if_needed came true */
    bool measures; /* the session is one that rates are measured with: it learns nothing */
    AlisaTimeline timeline;
    AlisaStage *stages; /* [stage_count] in the order of their layers */
    uint32_t stage_count;
    float *residual;           /* [micro_batch][E] between two stages */
    AlisaAdmission *admission; /* NULL: all sequences are admitted */
    AlisaStep step;            /* in hand; rows: [micro_batch] */
    float *logits;             /* [logit_rows][V]; NULL with likeliest_only */
    int32_t *choices;          /* [logit_rows]; NULL without */
    uint32_t logits_valid;     /* rows that the last call has filled of either */
    AlisaStepRecord *records;
    size_t record_count, record_capacity;
    AlisaTraffic moved; /* up to the last record */
};

/* Makes a session whose options are resolved, and planned where it is tiered. */
AlisaStatus alisa_engine_session_make(const AlisaSessionSetup *setup, AlisaSession **session,
                                      AlisaError *error);
/* Takes NULL. */
void alisa_engine_session_free(AlisaSession *session);

/* Whether K and V may be elsewhere than on the devices: then every stage has a placement. */
static inline bool alisa_engine_session_tiered(const AlisaSession *session) {
    return session->options.placement.policy != ALISA_POLICY_DEVICE;
}

/* What alisa_session_memory and alisa_session_placement do. */
void alisa_engine_session_memory(const AlisaSession *session, AlisaMemoryUse *use);
void alisa_engine_session_placement(const AlisaSession *session, AlisaPlacementUse *use);

/* Where K, V and layer inputs of all stages are, and what was moved of them. */
void alisa_engine_session_usage(const AlisaSession *session, AlisaKvUsage *usage);

#endif
