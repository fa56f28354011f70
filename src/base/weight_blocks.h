/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types with codes, block by block: what each bit of a block is, as ggml has it and Python's
 * `gguf.quants` reads it. Only the table of types (weight_type.c) uses this.
 */
#ifndef ALISA_BASE_WEIGHT_BLOCKS_H
#define ALISA_BASE_WEIGHT_BLOCKS_H

#include "base/weight_type.h"

extern const AlisaCoding alisa_coding_q4_0, alisa_coding_q4_1, alisa_coding_q5_0, alisa_coding_q5_1,
    alisa_coding_q8_0, alisa_coding_q2_k, alisa_coding_q3_k, alisa_coding_q4_k, alisa_coding_q5_k,
    alisa_coding_q6_k, alisa_coding_iq4_nl, alisa_coding_iq4_xs, alisa_coding_mxfp4,
    alisa_coding_nvfp4, alisa_coding_tq1_0, alisa_coding_tq2_0, alisa_coding_iq1_s,
    alisa_coding_iq1_m, alisa_coding_iq2_xxs, alisa_coding_iq2_xs, alisa_coding_iq2_s,
    alisa_coding_iq3_xxs, alisa_coding_iq3_s;

/* Codebooks of the types IQ1 to IQ3 (weight_grids.c): an entry has the codes of eight weights, two
 * bits each, or of four weights, four bits each, the first in the lowest bits. */
extern const uint16_t alisa_grid_iq1[2048], alisa_grid_iq2_xxs[256], alisa_grid_iq2_xs[512],
    alisa_grid_iq2_s[1024], alisa_grid_iq3_xxs[256], alisa_grid_iq3_s[512];

#endif
