/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of attention share: the object, and small helpers.
 */
#ifndef ALISA_ATTN_ATTENTION_INTERNAL_H
#define ALISA_ATTN_ATTENTION_INTERNAL_H

#include "attn/attention.h"
#include "attn/plan.h"
#include "base/kv_type.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum {
    MOST_ARGUMENTS = 26, /* most arguments of a launch */
    SCORES_BLOCK = 32,   /* tokens whose scores a kernel writes together (cl/attn/scores.clh) */
    ROW_BLOCK = 128      /* tokens of a work-item of attn_row in layout item; in layout group: 1 */
};

/* The forms of attention. */
typedef enum RunKind {
    RUN_PLAIN,    /* each row attends to all entries before it */
    RUN_SCORED,   /* and its scores are written */
    RUN_WINDOWED, /* each row attends to the last of them only */
    RUN_KINDS
} RunKind;

/* The kernels of a form of attention. */
typedef struct RunKernels {
    AlisaKernel *run;
    AlisaKernel *merge;
} RunKernels;

/* The forms of attn_row. */
typedef enum RowKind {
    ROW_PLAIN, /* adds weights up */
    ROW_BELOW, /* and counts small ones: AlisaAttentionRows.below */
    ROW_WORTH, /* and ranks small ones by place: AlisaAttentionRows.worth */
    ROW_KINDS
} RowKind;

/* The device owns the kernels. */
struct AlisaAttention {
    AlisaDevice *device; /* not owned */
    AlisaAttentionShape shape;
    AlisaAttentionPlan plan;
    uint32_t max_count;    /* most tokens of a list */
    float scale;           /* alisa_attention_kernel_scale */
    bool tails;            /* keys or values are i8 */
    size_t store_local[2]; /* work-items of a group of `store`: eighths of a head, heads. Always the
                              same, for drivers that compile a kernel again for every group size */
    size_t seal_group, unseal_group; /* work-items of a group, each with 8 channels of a block */
    AlisaKernel *store;
    AlisaKernel *seal, *unseal;  /* NULL without tails */
    RunKernels runs[RUN_KINDS];  /* NULL, but for RUN_PLAIN, until the first run of the kind */
    AlisaKernel *row[ROW_KINDS]; /* NULL until a row of the kind is first wanted */
    AlisaBuffer partial;         /* float[split_rows][head_count][chunk_capacity][head_dim + 4] */
};

/* The name of a KV type in kernels. */
static inline const char *alisa_attention_kernel_type(AlisaKvType type) {
    return alisa_kv_type_info(type)->kernel_name;
}

/* The largest number up to `limit` that divides `range`; 1 at least. */
static inline size_t alisa_attention_divisor(size_t range, size_t limit) {
    size_t group = 1;
    for (size_t count = 2; count <= range && count <= limit; count++)
        if (range % count == 0) group = count;
    return group;
}

/* The factor of q . k that gives what kernels make scores in base 2 of. */
float alisa_attention_kernel_scale(const AlisaAttentionShape *shape);
/* Options of programs that make scores or add up their weights (cl/attn/softmax.clh). */
void alisa_attention_score_options(const AlisaAttentionShape *shape, char options[64]);

/* NULL, or a sentence about what is wrong with the scores that a caller wants of a call. */
const char *alisa_attention_check_scores(const AlisaAttention *attention,
                                         const AlisaAttentionLists *lists,
                                         const AlisaAttentionScores *scores);

/* Gets the kernels that store, seal and unseal, and chooses their groups (attn/store.c). */
AlisaStatus alisa_attention_prepare_store(AlisaAttention *attention,
                                          const AlisaOpsParameters *parameters, AlisaError *error);

#endif
