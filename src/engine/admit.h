/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole sequences come and go (policy vllm): carries out what engine/admission.h decides.
 */
#ifndef ALISA_ENGINE_ADMIT_H
#define ALISA_ENGINE_ADMIT_H

#include "engine/session.h"

/* What alisa_session_admit does: sequences leave and come back. One that is away is on the host; or
 * only its text is kept, and its K and V are computed from that again when it comes back. */
AlisaStatus alisa_engine_session_admit(AlisaSession *session, const uint32_t *wanted,
                                       bool *admitted, AlisaError *error);

#endif
