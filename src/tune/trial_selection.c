/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing tokens by a row over all of them, and scoring the index of keys that such rows come
 * from.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attn/index.h"
#include "attn/selection.h"
#include "tune/trial_internal.h"

enum { TOKENS = 4096, SEQUENCES = 8, HEADS = 12, HEAD_DIM = 64 };

typedef enum Case { PICK_ONE, PICK_ALL, SCORE_ONE, SCORE_ALL, CASES } Case;
static const char *const names[CASES] = {"1 list of 4096", "8 lists of 4096",
                                         "index, 1 x 4096 tokens", "index, 8 x 4096 tokens"};

typedef struct Selection {
    AlisaBuffer weights;                /* uint32[SEQUENCES][TOKENS] */
    AlisaBuffer q, scores, stats, rows; /* of the index */
    uint32_t *weights_host;
    float *first, *second; /* scores of an index: as computed in the other layout, and now */
    AlisaSelectOptions options;
    AlisaSelection *selection; /* of the case, one of the two */
    AlisaIndex *index;
} Selection;

static uint32_t sequences_of(uint32_t index) {
    return index == PICK_ONE || index == SCORE_ONE ? 1 : SEQUENCES;
}

static bool is_pick(uint32_t index) {
    return index == PICK_ONE || index == PICK_ALL;
}

static AlisaStatus make_buffers(AlisaTrial *trial, AlisaError *error) {
    Selection *made = trial->state;
    size_t count = (size_t)SEQUENCES * TOKENS;
    float *q = alisa_trial_numbers((size_t)SEQUENCES * HEADS * HEAD_DIM, 6, error);
    AlisaIndexRow rows[SEQUENCES] = {{0}};
    for (uint32_t i = 0; i < SEQUENCES; i++)
        rows[i] = (AlisaIndexRow){.query = i, .sequence = i, .count = TOKENS - i};
    AlisaStatus status = q ? ALISA_OK : ALISA_ERROR_MEMORY;
    if (!status)
        status =
            alisa_trial_upload(trial, q, sizeof *q * SEQUENCES * HEADS * HEAD_DIM, &made->q, error);
    free(q);
    if (!status)
        status = alisa_trial_upload(trial, made->weights_host, count * sizeof(uint32_t),
                                    &made->weights, error);
    if (!status)
        status =
            alisa_trial_upload(trial, NULL, count * HEADS * sizeof(float), &made->scores, error);
    if (!status)
        status = alisa_trial_upload(trial, NULL, SEQUENCES * HEADS * 2 * sizeof(float),
                                    &made->stats, error);
    if (!status) status = alisa_trial_upload(trial, rows, sizeof rows, &made->rows, error);
    return status;
}

static AlisaStatus create(AlisaTrial *trial, AlisaError *error) {
    const char *what = "a trial of kernels";
    Selection *made = alisa_allocate_zeroed(1, sizeof *made, what, error);
    if (!made) return ALISA_ERROR_MEMORY;
    trial->state = made;
    size_t count = (size_t)SEQUENCES * TOKENS;
    made->weights_host = alisa_allocate(count, sizeof(uint32_t), what, error);
    made->first = alisa_allocate(count * HEADS, sizeof(float), what, error);
    made->second = alisa_allocate(count * HEADS, sizeof(float), what, error);
    if (!made->weights_host || !made->first || !made->second) return ALISA_ERROR_MEMORY;
    AlisaRandom random;
    alisa_random_seed(&random, 7);
    /* Ties among few values: the lower position has to win. */
    for (size_t i = 0; i < count; i++)
        made->weights_host[i] = alisa_random_next(&random) >> (i % 3 ? 24 : 4);
    alisa_selector_options_defaults(&made->options);
    made->options.kind = ALISA_SELECT_SWA;
    made->options.scores = ALISA_SELECT_SCORES_QUERY;
    trial->case_count = CASES;
    for (uint32_t i = 0; i < CASES; i++) {
        double tokens = (double)sequences_of(i) * TOKENS;
        double codes = HEADS * (HEAD_DIM / 4.0 + HEAD_DIM / 32.0 * 2.0);
        trial->cases[i] = (AlisaTrialCase){
            .name = names[i],
            .weight = 1.0,
            .ignores =
                is_pick(i) ? ALISA_TRIAL_BIT(Select, index_group) : ALISA_TRIAL_BIT(Select, group),
            .bytes = tokens * (is_pick(i) ? sizeof(uint32_t) : codes + HEADS * sizeof(float))};
    }
    return make_buffers(trial, error);
}

static void destroy(AlisaTrial *trial) {
    Selection *made = trial->state;
    alisa_buffer_destroy(&made->weights);
    alisa_buffer_destroy(&made->q);
    alisa_buffer_destroy(&made->scores);
    alisa_buffer_destroy(&made->stats);
    alisa_buffer_destroy(&made->rows);
    free(made->weights_host);
    free(made->first);
    free(made->second);
}

/* Keys of all tokens, a sequence at a time. */
static AlisaStatus fill_index(AlisaTrial *trial, AlisaIndex *index, AlisaError *error) {
    size_t width = (size_t)HEADS * HEAD_DIM;
    AlisaBuffer keys = {0}, rotations = {0}, tokens = {0};
    float *numbers = alisa_trial_numbers(TOKENS * width, 8, error);
    float *angles =
        alisa_allocate_zeroed((size_t)TOKENS * HEAD_DIM, sizeof *angles, "angles", error);
    AlisaIndexToken *list = alisa_allocate(TOKENS, sizeof *list, "tokens", error);
    AlisaStatus status = numbers && angles && list ? ALISA_OK : ALISA_ERROR_MEMORY;
    for (size_t i = 0; angles && i < (size_t)TOKENS * HEAD_DIM; i += 2)
        angles[i] = 1.0f; /* cosine and sine of no rotation */
    if (!status)
        status = alisa_trial_upload(trial, numbers, TOKENS * width * sizeof(float), &keys, error);
    if (!status)
        status = alisa_trial_upload(trial, angles, sizeof *angles * TOKENS * HEAD_DIM, &rotations,
                                    error);
    if (!status) status = alisa_trial_upload(trial, NULL, TOKENS * sizeof *list, &tokens, error);
    for (uint32_t s = 0; s < SEQUENCES && status == ALISA_OK; s++) {
        for (uint32_t i = 0; i < TOKENS; i++)
            list[i] = (AlisaIndexToken){s, i};
        status = alisa_buffer_write(trial->device, &tokens, 0, list, TOKENS * sizeof *list, error);
        if (status == ALISA_OK)
            status = alisa_index_store(index, 0, (AlisaVector){&keys, 0}, &rotations, &tokens,
                                       TOKENS, error);
    }
    if (status == ALISA_OK) status = alisa_opencl_finish(trial->device, error);
    alisa_buffer_destroy(&keys);
    alisa_buffer_destroy(&rotations);
    alisa_buffer_destroy(&tokens);
    free(numbers);
    free(angles);
    free(list);
    return status;
}

static const AlisaAttentionShape index_shape = {.head_count = HEADS,
                                                .kv_head_count = HEADS,
                                                .head_dim = HEAD_DIM,
                                                .rope_dim = HEAD_DIM,
                                                .scale = 0.125f,
                                                .key_type = ALISA_KV_F16,
                                                .value_type = ALISA_KV_F16};

static AlisaStatus make_index(AlisaTrial *trial, AlisaOps *ops, AlisaIndex **index,
                              AlisaError *error) {
    AlisaStatus status = alisa_index_create(ops, &index_shape, 1, SEQUENCES, TOKENS, index, error);
    if (status == ALISA_OK) status = fill_index(trial, *index, error);
    return status;
}

static AlisaStatus prepare(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error) {
    Selection *made = trial->state;
    if (!is_pick(index)) return make_index(trial, ops, &made->index, error);
    const AlisaSelectionShape shape = {.layer_count = 1,
                                       .sequence_count = SEQUENCES,
                                       .list_count = 1,
                                       .context = TOKENS,
                                       .max_updates = SEQUENCES,
                                       .max_rows = SEQUENCES};
    AlisaStatus status =
        alisa_selection_create(ops, &made->options, &shape, &made->selection, error);
    if (status != ALISA_OK) return status;
    AlisaSelectionUpdate angles[SEQUENCES] = {{0}};
    for (uint32_t i = 0; i < sequences_of(index); i++)
        angles[i] = (AlisaSelectionUpdate){.sequence = i, .pick_count = TOKENS - i, .pick_row = i};
    return alisa_selection_plan(made->selection, angles, sequences_of(index), error);
}

static void release(AlisaTrial *trial) {
    Selection *made = trial->state;
    alisa_selection_destroy(made->selection);
    alisa_index_destroy(made->index);
    made->selection = NULL;
    made->index = NULL;
}

static AlisaStatus score(AlisaTrial *trial, AlisaIndex *from, uint32_t sequences,
                         AlisaError *error) {
    Selection *made = trial->state;
    const AlisaAttentionScores scores = {&made->scores, &made->stats, sequences, TOKENS};
    return alisa_index_score(from, 0, (AlisaVector){&made->q, 0}, (AlisaVector){0}, &made->rows,
                             TOKENS, &scores, error);
}

static AlisaStatus launch(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error) {
    Selection *made = trial->state;
    (void)ops;
    if (!is_pick(index)) return score(trial, made->index, sequences_of(index), error);
    return alisa_selection_run(made->selection, 0, 0, sequences_of(index),
                               (AlisaSelectionRows){&made->weights, TOKENS}, error);
}

/* The lists of the host twin, for sequence after sequence. */
static AlisaStatus check_pick(AlisaTrial *trial, uint32_t sequences, bool *right,
                              AlisaError *error) {
    Selection *made = trial->state;
    uint32_t capacity = alisa_selection_capacity(made->selection);
    uint32_t *list = alisa_allocate(capacity, sizeof *list, "a trial of kernels", error);
    AlisaStatus status = list ? ALISA_OK : ALISA_ERROR_MEMORY;
    *right = true;
    for (uint32_t s = 0; s < sequences && status == ALISA_OK && *right; s++) {
        const AlisaSelectShape shape = {.context = TOKENS, .list_count = 1, .sequence = s};
        AlisaSelectState *twin;
        status = alisa_selector_state_create(&made->options, &shape, &twin, error);
        if (status != ALISA_OK) break;
        uint32_t count = alisa_selector_state_pick(twin, TOKENS - s,
                                                   made->weights_host + (size_t)s * TOKENS, TOKENS);
        uint64_t from = alisa_selection_list_offset(made->selection, 0, s) * sizeof *list;
        status = alisa_buffer_read(trial->device, alisa_selection_lists(made->selection), from,
                                   list, count * sizeof *list, error);
        *right = memcmp(list, alisa_selector_state_list(twin, 0), count * sizeof *list) == 0;
        alisa_selector_state_destroy(twin);
    }
    free(list);
    return status;
}

/* Scores of the same keys in the plain layout, where a work-item does all of a row. */
static AlisaStatus score_plainly(AlisaTrial *trial, uint32_t sequences, float *scores,
                                 AlisaError *error) {
    Selection *made = trial->state;
    AlisaOpsParameters plain;
    alisa_ops_parameters_in(alisa_opencl_info(trial->device), ALISA_LAYOUT_ITEM, &plain);
    AlisaOps *ops;
    AlisaIndex *index = NULL;
    AlisaStatus status = alisa_ops_create(trial->device, &plain, &ops, error);
    if (status != ALISA_OK) return status;
    status = make_index(trial, ops, &index, error);
    if (status == ALISA_OK) status = score(trial, index, sequences, error);
    if (status == ALISA_OK)
        status = alisa_buffer_read(trial->device, &made->scores, 0, scores,
                                   sizeof *scores * sequences * HEADS * TOKENS, error);
    alisa_index_destroy(index);
    alisa_ops_destroy(ops);
    return status;
}

static AlisaStatus check(AlisaTrial *trial, AlisaOps *ops, uint32_t index, bool *right,
                         AlisaError *error) {
    Selection *made = trial->state;
    uint32_t sequences = sequences_of(index);
    AlisaStatus status = ALISA_OK;
    if (!is_pick(index)) status = score_plainly(trial, sequences, made->first, error);
    if (status == ALISA_OK) status = launch(trial, ops, index, error);
    if (status == ALISA_OK && is_pick(index)) return check_pick(trial, sequences, right, error);
    if (status == ALISA_OK)
        status = alisa_buffer_read(trial->device, &made->scores, 0, made->second,
                                   sizeof(float) * sequences * HEADS * TOKENS, error);
    *right = status == ALISA_OK;
    for (uint32_t row = 0; row < sequences * HEADS && *right; row++)
        for (uint32_t j = 0; j < TOKENS - row / HEADS && *right; j++) {
            size_t at = (size_t)row * TOKENS + j;
            *right = fabsf(made->first[at] - made->second[at]) <= 1e-4f;
        }
    return status;
}

const AlisaTrialKind alisa_trial_selection = {.create = create,
                                              .destroy = destroy,
                                              .prepare = prepare,
                                              .release = release,
                                              .check = check,
                                              .launch = launch};
