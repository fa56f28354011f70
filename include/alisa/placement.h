/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placement: where the keys and values are that the device's memory does not hold, and which
 * sequences go on when it does not hold all of them. AlisaSessionOptions.placement points to the
 * options here.
 */
#ifndef ALISA_PLACEMENT_H
#define ALISA_PLACEMENT_H

#include "alisa/alisa.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where K and V are when the device cannot hold all of them. All policies but ALISA are established
 * ways, to compare with. */
typedef enum AlisaPolicy {
    ALISA_POLICY_DEVICE,     /* all on the device, or the session is refused; the default */
    ALISA_POLICY_ACCELERATE, /* all on the host; every step loads those of every layer */
    ALISA_POLICY_FLEXGEN,    /* a fixed share on the host, chosen for the whole context */
    ALISA_POLICY_VLLM,       /* on the device, in blocks; whole sequences wait, leave and come back:
                                see alisa_session_admit */
    ALISA_POLICY_H2O,   /* on the device for the tokens of the list; all others are forgotten */
    ALISA_POLICY_ALISA, /* on the device for newer tokens; of older ones on the host, or computed
                           again from layer inputs, when a list names them */
    ALISA_POLICY_COUNT
} AlisaPolicy;

/* Name of a policy ("vllm") as the command line takes it; NULL for a number that is none. */
ALISA_API const char *alisa_policy_name(AlisaPolicy policy);

typedef enum AlisaSchedule {
    ALISA_SCHEDULE_OVERLAP, /* copies run beside the computation, one step ahead; the default */
    ALISA_SCHEDULE_PAPER    /* load, recompute, attend, store: one after the other */
} AlisaSchedule;

typedef struct AlisaPlacementOptions {
    AlisaPolicy policy;     /* default ALISA_POLICY_DEVICE */
    AlisaSchedule schedule; /* default ALISA_SCHEDULE_OVERLAP */
    /* Policy alisa may keep the layer inputs of older tokens, as 16-bit floats, in place of their K
     * and V, and compute K and V again when a list names the token. That rounds the inputs by up to
     * 2^-11 of themselves, and changes K and V by about as much as storing them as f16 does.
     * Without effect for ALISA_KV_I8, which is as small as the inputs. Default true. */
    bool recompute;
    /* Share of the tokens on the host, oldest first, that policy alisa keeps as layer inputs.
     * Default -1: the share that is predicted to be fastest. */
    double inputs_share;
    /* Share of K and V on the host, for policies accelerate and flexgen. Default -1: the policy's
     * own choice. */
    double host_share;
    /* Room for K and V on the device, as a share of the bytes that the whole context takes as f16,
     * whatever AlisaEngineOptions.device_memory is. Default 0: what device_memory leaves. */
    double device_share;
    uint64_t host_memory; /* most bytes of the host for K and V; default 0: half of its free ones */
    /* Tokens of the longest prompt, for which plans are made and a session is refused if the device
     * has no room for them; a longer one may find too little. Default 0: plans are made for prompts
     * of context / 8, and there is room for every prompt. */
    uint32_t prompt_length;
    /* A session of policy alisa whose whole context fits on the device becomes one of policy device
     * with dense attention. One that does not fit, and has no room on the device for the index of
     * ALISA_SELECT_SCORES_QUERY, uses ALISA_SELECT_SCORES_SPARSE. Default false. */
    bool only_if_needed;
    /* With only_if_needed: where the whole context fits on the device with K and V as f16, they are
     * f16, whatever key_type and value_type say. Default false. */
    bool halves_if_they_fit;
} AlisaPlacementOptions;

ALISA_API void alisa_placement_options_defaults(AlisaPlacementOptions *options);

/* ---- Sequences that take turns --------------------------------------------------------------- */

/* Asks which sequences may append rows now. Only policy vllm says no, where the device cannot hold
 * all sequences at once; all others admit every sequence that wants rows.
 * wanted: [sequence_count] rows that each sequence is to append before the next such call, in one
 * eval call or several; 0: none for now. admitted: [sequence_count], true for those that may. A
 * sequence that may not keeps its tokens and is to be asked for again. If any wants rows, at least
 * one is admitted. K and V of sequences that leave the device or come back are moved, or computed
 * again, in this call. A sequence that wants nothing is the first to leave, so one that is done is
 * better truncated to 0.
 * On failure no sequence is admitted, and no token is lost unless the status is ALISA_ERROR_DEVICE,
 * when all are. Rows that are appended without asking are ALISA_ERROR_MEMORY, and nothing is
 * appended, where another sequence would have to leave for them. */
ALISA_API AlisaStatus alisa_session_admit(AlisaSession *session, const uint32_t *wanted,
                                          bool *admitted, AlisaError *error);

#ifdef __cplusplus
}
#endif
#endif
