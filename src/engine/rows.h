/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernels of a stage read of the rows of a step, made on the host, packed, and copied to
 * the device by one write.
 */
#ifndef ALISA_ENGINE_ROWS_H
#define ALISA_ENGINE_ROWS_H

#include "engine/setup.h"
#include "engine/timeline.h"

/* Arrays that the device reads. */
typedef enum AlisaRowsPart {
    ALISA_ROWS_TOKENS,    /* int32[R] */
    ALISA_ROWS_SLOTS,     /* int32[R] the KV slot each row is stored to */
    ALISA_ROWS_LOGITS,    /* int32[logit_count] rows whose logits are wanted */
    ALISA_ROWS_POSITIONS, /* int32[R] rows of the table of positions; empty where there is none */
    ALISA_ROWS_ROTATIONS, /* float[R][rope dim / 2][2] cosine and sine by the model's first rope */
    ALISA_ROWS_OTHER_ROTATIONS, /* likewise by its second; empty where there is none */
    ALISA_ROWS_WINDOW_SLOTS, /* int32[R] alike in layers with a window; empty where there is none */
    ALISA_ROWS_WINDOW_TILES, /* AlisaAttentionTile[window_tile_count] of all rows in layers with a
                                window; empty where there is none */
    ALISA_ROWS_TILES,        /* AlisaAttentionTile[tile_count] of rows that attend to everything */
    ALISA_ROWS_PARTS
} AlisaRowsPart;

/* R: rows of the step, at most options.micro_batch. */
typedef struct AlisaRows {
    uint8_t *packed;                     /* the parts as they are copied */
    uint64_t offsets[ALISA_ROWS_PARTS];  /* of the parts in `packed` and on the device */
    AlisaBuffer parts[ALISA_ROWS_PARTS]; /* slices of the device's copy, for `laid_out` rows */
    uint32_t laid_out;
    const AlisaStepRow *step; /* [R] the rows themselves; not owned */
    uint32_t *list_offsets;   /* [R] where the list of a row's sequence starts */
    uint32_t *counts;         /* [R] tokens a row attends to, itself included */
    AlisaKvTailPlace *tails; /* [R] where the newest tokens of its sequence are; not filled unless a
                                KV type has blocks */
    uint32_t row_count, logit_count, tile_count;
    uint32_t longest; /* the largest count of a row that attends to everything */
    uint32_t window_tile_count;
    uint32_t window_longest; /* the most tokens of a tile in layers with a window */
} AlisaRows;

/* Bytes on the device for as many rows as a step has at most. */
uint64_t alisa_rows_bytes(const AlisaStageSetup *setup);

AlisaStatus alisa_rows_init(AlisaRows *rows, const AlisaStageSetup *setup, AlisaError *error);
/* Takes a zeroed or half-built one. */
void alisa_rows_finish(AlisaRows *rows);

/* Arranges the parts for a step of `row_count` rows in `device_copy`, a buffer of alisa_rows_bytes.
 * What the parts held before is gone. */
AlisaStatus alisa_rows_lay_out(AlisaRows *rows, const AlisaStageSetup *setup, uint32_t row_count,
                               const AlisaBuffer *device_copy, AlisaError *error);
/* The host's side of a part. */
void *alisa_rows_part(const AlisaRows *rows, AlisaRowsPart part);
/* Bytes of the parts that the step has filled. */
uint64_t alisa_rows_used(const AlisaRows *rows);

#endif
