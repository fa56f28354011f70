/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Norms: a group for each row.
 */
#include <math.h>
#include <stdlib.h>

#include "tune/trial_internal.h"

enum { COLUMNS = 4096, MOST_ROWS = 512 };

static const struct {
    const char *name;
    uint32_t rows;
} cases[] = {{"1 row", 1}, {"16 rows", 16}, {"512 rows", 512}};

typedef struct Rows {
    AlisaBuffer x, weight, y;
    float *x_host, *y_host; /* [MOST_ROWS][COLUMNS]; the first row is the weight too */
} Rows;

static AlisaStatus create(AlisaTrial *trial, AlisaError *error) {
    Rows *made = alisa_allocate_zeroed(1, sizeof *made, "a trial of kernels", error);
    if (!made) return ALISA_ERROR_MEMORY;
    trial->state = made;
    uint64_t count = (uint64_t)MOST_ROWS * COLUMNS, bytes = count * sizeof(float);
    made->x_host = alisa_trial_numbers(count, 5, error);
    made->y_host = alisa_allocate(count, sizeof(float), "a trial of kernels", error);
    if (!made->x_host || !made->y_host) return ALISA_ERROR_MEMORY;
    AlisaStatus status = alisa_trial_upload(trial, made->x_host, bytes, &made->x, error);
    if (!status)
        status =
            alisa_trial_upload(trial, made->x_host, COLUMNS * sizeof(float), &made->weight, error);
    if (!status) status = alisa_trial_upload(trial, NULL, bytes, &made->y, error);
    trial->case_count = sizeof cases / sizeof *cases;
    for (uint32_t i = 0; i < trial->case_count; i++)
        trial->cases[i] = (AlisaTrialCase){.name = cases[i].name,
                                           .weight = 1.0,
                                           .bytes = 2.0 * sizeof(float) * COLUMNS * cases[i].rows};
    return status;
}

static void destroy(AlisaTrial *trial) {
    Rows *made = trial->state;
    alisa_buffer_destroy(&made->x);
    alisa_buffer_destroy(&made->weight);
    alisa_buffer_destroy(&made->y);
    free(made->x_host);
    free(made->y_host);
}

static AlisaStatus norm(Rows *made, AlisaOps *ops, uint32_t rows, uint32_t columns,
                        AlisaError *error) {
    const AlisaNormalisation how = {
        .kind = ALISA_NORM_RMS, .epsilon = 1e-5f, .weight = {&made->weight, 0}};
    return alisa_ops_norm(ops, &how, (AlisaVector){&made->x, 0}, rows, columns,
                          (AlisaVector){&made->y, 0}, error);
}

static AlisaStatus launch(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error) {
    return norm(trial->state, ops, cases[index].rows, COLUMNS, error);
}

static AlisaStatus check(AlisaTrial *trial, AlisaOps *ops, uint32_t index, bool *right,
                         AlisaError *error) {
    Rows *made = trial->state;
    uint32_t rows = cases[index].rows, columns = COLUMNS - 5; /* no whole vectors */
    AlisaStatus status = norm(made, ops, rows, columns, error);
    if (status == ALISA_OK)
        status = alisa_buffer_read(trial->device, &made->y, 0, made->y_host,
                                   sizeof(float) * rows * columns, error);
    *right = status == ALISA_OK;
    for (uint32_t row = 0; row < rows && *right; row++) {
        const float *x = made->x_host + (size_t)row * columns,
                    *y = made->y_host + (x - made->x_host);
        double squares = 0.0;
        for (uint32_t i = 0; i < columns; i++)
            squares += (double)x[i] * x[i];
        double scale = 1.0 / sqrt(squares / columns + 1e-5);
        for (uint32_t i = 0; i < columns && *right; i++)
            *right = fabs(y[i] - x[i] * scale * made->x_host[i]) <= 1e-5;
    }
    return status;
}

const AlisaTrialKind alisa_trial_rows = {
    .create = create, .destroy = destroy, .check = check, .launch = launch};
