/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of weights and activations: matvec streams a set of matrices larger than caches, matmul
 * multiplies one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tune/trial_internal.h"

enum {
    OUTPUTS = 2048,
    COLUMNS = 2048,
    MOST_ROWS = 256,
    SAMPLED = 16, /* outputs that are checked */
    LEFT_OUT = 3, /* outputs that the product that is checked leaves out: no whole tiles */
    STREAM = 96,  /* MiB of weights: what a decoder reads is in no cache */
    MOST_MATRICES = 64,
    WIDE = 4 * OUTPUTS,  /* the matrices lie one behind the other and are one that is higher, */
    WIDER = 8 * OUTPUTS, /* so high that few rows keep the largest devices busy */
    SHORT = 64           /* so few that what a launch takes counts, as in small models */
};

_Static_assert(64 * WIDE <= MOST_ROWS * OUTPUTS && 12 * WIDER <= MOST_ROWS * OUTPUTS,
               "the outputs of the wide cases fit in y");

typedef struct Products {
    AlisaBuffer weights, x, y, tokens, rows;
    AlisaMatrix all;       /* the matrices, one below the other */
    uint64_t matrix_bytes; /* of one */
    uint32_t matrices;     /* that a pass goes through */
    uint32_t sampled[SAMPLED];
    float *x_host;    /* [MOST_ROWS][COLUMNS] */
    float *rows_host; /* [SAMPLED][COLUMNS] dequantised */
    float *y_host;    /* [MOST_ROWS][OUTPUTS] */
} Products;

/* Rows of activations of each case. */
typedef struct Rows {
    const char *name;
    uint32_t rows;
    double weight;
    uint32_t outputs; /* 0: OUTPUTS */
} Rows;

static const Rows few[] = {{"1 row", 1, 4},
                           {"2 rows", 2, 1},
                           {"4 rows", 4, 1},
                           {"8 rows", 8, 1},
                           {"12 rows", 12, 1},
                           {"16 rows", 16, 1},
                           {"1 row, short", 1, 1, SHORT},
                           {"8 rows, short", 8, 1, SHORT}},
                  many[] = {{"256 rows", 256, 3},
                            {"6 rows", 6, 1},
                            {"12 rows", 12, 1},
                            {"12 rows, wide", 12, 1, WIDER},
                            {"24 rows", 24, 1},
                            {"48 rows, wide", 48, 1, WIDE},
                            {"96 rows", 96, 1},
                            {"64 rows, wide", 64, 1, WIDE},
                            {"64 rows, short", 64, 1, SHORT}},
                  doubled[] = {{"4 rows", 4, 1},    {"8 rows", 8, 1},   {"16 rows", 16, 1},
                               {"32 rows", 32, 1},  {"64 rows", 64, 1}, {"128 rows", 128, 1},
                               {"256 rows", 256, 1}};

static bool is_few(const AlisaTrial *trial) {
    return trial->set.family == ALISA_FAMILY_MATVEC;
}

static const Rows *cases_of(const AlisaTrial *trial, uint32_t *count) {
    if (is_few(trial)) {
        *count = sizeof few / sizeof *few;
        return few;
    }
    *count = (trial->curve ? sizeof doubled : sizeof many) / sizeof *many;
    return trial->curve ? doubled : many;
}

static const Rows *case_of(const AlisaTrial *trial, uint32_t index) {
    uint32_t count;
    return &cases_of(trial, &count)[index];
}

static uint32_t outputs_of(const Rows *rows) {
    return rows->outputs ? rows->outputs : OUTPUTS;
}

/* Whether a plane of a format with codes holds floats of 16 bits. */
static bool is_of_floats(const AlisaFormatInfo *info, uint32_t plane) {
    bool is_last = plane + 1 == ALISA_FORMAT_PLANES || !info->planes[plane + 1].name;
    return info->scales == ALISA_SCALES_BYTES ? is_last : plane == 1;
}

/* Ordinary numbers, between -2 and 2: no subnormals that a processor could be slower with. */
static void fill_plane(uint32_t format, uint32_t plane, uint8_t *data, uint64_t bytes) {
    const AlisaFormatInfo *info = alisa_format_info(format);
    AlisaRandom random;
    alisa_random_seed(&random, format + 1);
    for (uint64_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)alisa_random_next(&random);
    if (!info->is_flat && !is_of_floats(info, plane)) return; /* codes, and what goes with them */
    uint32_t width = info->is_flat ? info->planes[plane].bytes : 2;
    for (uint64_t i = width - 1; i < bytes; i += width) {
        /* The last byte has sign and exponent: 2^-8 to 1 in halves, 2^-15 to 1 in the others; of
         * scales 2^-8 to 2^-7, of what bytes are multiplied with 2^-14 to 2^-13. */
        bool is_half =
            info->is_flat ? format == ALISA_FORMAT_F16 : info->scales != ALISA_SCALES_BFLOATS;
        uint8_t exponent = is_half ? 0x1c : 0x38;
        if (info->scales == ALISA_SCALES_BYTES) exponent = 0x04;
        data[i] = info->is_flat ? (uint8_t)((data[i] & 0x80) | (exponent + (data[i] & 7) % 7))
                                : (uint8_t)(exponent + (data[i] & 3));
    }
}

static AlisaMatrix matrix_at(const AlisaTrial *trial, uint32_t index, uint32_t outputs) {
    const Products *products = trial->state;
    return alisa_matrix_rows(&products->all, index * OUTPUTS, outputs);
}

/* One plane of all matrices, which are equal. */
static AlisaStatus make_plane(AlisaTrial *trial, uint32_t plane, AlisaError *error) {
    Products *products = trial->state;
    const AlisaFormatInfo *info = alisa_format_info(trial->set.format);
    uint64_t bytes = OUTPUTS * alisa_format_stride(info, plane, COLUMNS);
    products->matrix_bytes += bytes;
    uint8_t *data = alisa_allocate(bytes, 1, "a trial of kernels", error);
    if (!data) return ALISA_ERROR_MEMORY;
    fill_plane(trial->set.format, plane, data, bytes);
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < products->all.rows / OUTPUTS && status == ALISA_OK; i++)
        status = alisa_buffer_write(trial->device, &products->weights,
                                    products->all.planes[plane] + i * bytes, data, bytes, error);
    free(data);
    return status;
}

static AlisaStatus make_weights(AlisaTrial *trial, AlisaError *error) {
    Products *products = trial->state;
    const AlisaFormatInfo *info = alisa_format_info(trial->set.format);
    uint64_t planes[ALISA_FORMAT_PLANES];
    uint64_t one = alisa_format_layout(info, OUTPUTS, COLUMNS, planes);
    uint64_t wanted = is_few(trial) ? ((uint64_t)STREAM << 20) / one : 1;
    products->matrices = wanted < 1 ? 1 : wanted > MOST_MATRICES ? MOST_MATRICES : (uint32_t)wanted;
    uint32_t stored = is_few(trial) ? products->matrices : WIDER / OUTPUTS;
    products->all =
        alisa_matrix_at(&products->weights, 0, trial->set.format, stored * OUTPUTS, COLUMNS);
    AlisaStatus status = alisa_trial_upload(
        trial, NULL, alisa_format_layout(info, stored * OUTPUTS, COLUMNS, planes),
        &products->weights, error);
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES && info->planes[i].name && !status; i++)
        status = make_plane(trial, i, error);
    return status;
}

/* The rows of weights that are checked, dequantised by the kernel for embeddings. */
static AlisaStatus read_sampled(AlisaTrial *trial, AlisaError *error) {
    Products *products = trial->state;
    AlisaOps *ops;
    AlisaStatus status = alisa_ops_create(trial->device, NULL, &ops, error);
    if (status != ALISA_OK) return status;
    const AlisaMatrix matrix = matrix_at(trial, 0, OUTPUTS);
    status = alisa_trial_upload(trial, products->sampled, sizeof products->sampled,
                                &products->tokens, error);
    if (!status)
        status = alisa_trial_upload(trial, NULL, sizeof(float) * SAMPLED * COLUMNS, &products->rows,
                                    error);
    if (!status)
        status = alisa_ops_embed(ops, &matrix, &products->tokens, SAMPLED,
                                 (AlisaVector){&products->rows, 0}, error);
    if (!status)
        status = alisa_buffer_read(trial->device, &products->rows, 0, products->rows_host,
                                   sizeof(float) * SAMPLED * COLUMNS, error);
    alisa_ops_destroy(ops);
    return status;
}

static void list_cases(AlisaTrial *trial) {
    const Products *products = trial->state;
    const Rows *cases = cases_of(trial, &trial->case_count);
    for (uint32_t i = 0; i < trial->case_count; i++) {
        AlisaTrialCase *made = &trial->cases[i];
        double rows = cases[i].rows, outputs = outputs_of(&cases[i]);
        double weights = (double)products->matrix_bytes * outputs / OUTPUTS;
        double activations = sizeof(float) * rows * (COLUMNS + outputs);
        *made = (AlisaTrialCase){
            .name = cases[i].name,
            .weight = cases[i].weight,
            .bytes = products->matrices * (weights + activations),
            .flops = products->matrices * 2.0 * rows * COLUMNS * outputs,
            .length = trial->curve ? cases[i].rows : 0,
        };
        if (!is_few(trial)) continue;
        made->ignores = rows > 1 ? ALISA_TRIAL_BIT(Matvec, single)
                                 : ALISA_TRIAL_BIT(Matvec, several) | ALISA_TRIAL_BIT(Matvec, rows);
    }
}

static AlisaStatus create(AlisaTrial *trial, AlisaError *error) {
    Products *products = alisa_allocate_zeroed(1, sizeof *products, "a trial of kernels", error);
    if (!products) return ALISA_ERROR_MEMORY;
    trial->state = products;
    const char *what = "a trial of kernels";
    products->x_host = alisa_trial_numbers((uint64_t)MOST_ROWS * COLUMNS, 2, error);
    products->rows_host = alisa_allocate((size_t)SAMPLED * COLUMNS, sizeof(float), what, error);
    products->y_host = alisa_allocate((size_t)MOST_ROWS * OUTPUTS, sizeof(float), what, error);
    if (!products->x_host || !products->rows_host || !products->y_host) return ALISA_ERROR_MEMORY;
    /* The first, the last of the product that is checked, and some between. */
    for (uint32_t i = 0; i < SAMPLED; i++)
        products->sampled[i] = i * (OUTPUTS - LEFT_OUT - 1) / (SAMPLED - 1);
    AlisaStatus status = make_weights(trial, error);
    if (!status)
        status = alisa_trial_upload(trial, products->x_host, sizeof(float) * MOST_ROWS * COLUMNS,
                                    &products->x, error);
    if (!status)
        status = alisa_trial_upload(trial, NULL, sizeof(float) * MOST_ROWS * OUTPUTS, &products->y,
                                    error);
    if (!status) status = read_sampled(trial, error);
    if (!status) list_cases(trial);
    return status;
}

static void destroy(AlisaTrial *trial) {
    Products *products = trial->state;
    alisa_buffer_destroy(&products->weights);
    alisa_buffer_destroy(&products->x);
    alisa_buffer_destroy(&products->y);
    alisa_buffer_destroy(&products->tokens);
    alisa_buffer_destroy(&products->rows);
    free(products->x_host);
    free(products->rows_host);
    free(products->y_host);
}

enum { BLOCK = 32 };

static double largest_of(const float *x) {
    double largest = 0.0;
    for (uint32_t k = 0; k < BLOCK; k++)
        largest = fmax(largest, fabs((double)x[k]));
    return largest;
}

/* The sum of squared steps of a block of 32 of which each error is half a one at most.
 *
 * Rounded to 16 bits: the step of an activation is a scale of max |x| / 32512. */
static double int16_steps(const float *x, const float *w) {
    double step = largest_of(x) / 32512.0, weights = 0.0;
    for (uint32_t k = 0; k < BLOCK; k++)
        weights += (double)w[k] * w[k];
    return step * step * weights;
}

/* To halves: an activation's is 2^-10 of it, or itself, twice, where a device has no halves below
 * 2^-14 (of a scale below 2 max |x|); and, 32 times, 2^-10 of a sum of some products that follow
 * each other, which is the difference of two sums from the first on. A device that rounds products
 * before it adds them does that twice as often at most. */
static double half_steps(const float *x, const float *w) {
    double least = ldexp(largest_of(x), -13), squares = 0.0, sum = 0.0, low = 0.0, high = 0.0;
    for (uint32_t k = 0; k < BLOCK; k++) {
        double product = (double)x[k] * w[k];
        double step = fabs((double)x[k]) < least ? 2.0 * product : ldexp(product, -10);
        squares += step * step;
        sum += product;
        low = fmin(low, sum);
        high = fmax(high, sum);
    }
    double step = ldexp(high - low, -10);
    return squares + 2 * BLOCK * step * step;
}

/* How far a sum may be off because activations were rounded: errors are evenly spread, with a
 * deviation of the step over the root of 12, and independent: eight deviations of their sum. */
static double rounding(AlisaActivations activations, const float *x, const float *w) {
    static double (*const steps[])(const float *, const float *) = {
        [ALISA_ACTIVATIONS_INT16] = int16_steps, [ALISA_ACTIVATIONS_HALF] = half_steps};
    double squares = 0.0;
    if (!steps[activations]) return 0.0;
    for (uint32_t b = 0; b < COLUMNS; b += BLOCK)
        squares += steps[activations](x + b, w + b);
    return 8.0 * sqrt(squares / 12.0);
}

/* Whether y is what sums of doubles make of it, in each of the equal matrices that are one;
 * products of floats are off by a part of the sum of their sizes that grows with the number of
 * terms. */
static bool is_right(const Products *products, uint32_t rows, uint32_t x_offset, uint32_t outputs,
                     AlisaActivations activations) {
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t i = 0; i < SAMPLED; i++) {
            const float *x = products->x_host + x_offset + (size_t)row * COLUMNS;
            const float *w = products->rows_host + (size_t)i * COLUMNS;
            double sum = 0.0, size = 0.0;
            for (uint32_t k = 0; k < COLUMNS; k++) {
                sum += (double)x[k] * w[k];
                size += fabs((double)x[k] * w[k]);
            }
            double bound = 4e-6 * size + rounding(activations, x, w);
            for (uint32_t n = products->sampled[i]; n < outputs; n += OUTPUTS) {
                double y = products->y_host[(size_t)row * outputs + n];
                if (!(fabs(y - sum) <= bound)) return false;
            }
        }
    return true;
}

/* All but the last outputs of `rows` rows of x, from element x_offset on, which is 0 or makes the
 * rows unaligned. */
static AlisaStatus check_rows(AlisaTrial *trial, AlisaOps *ops, uint32_t rows, uint32_t x_offset,
                              uint32_t outputs, bool *right, AlisaError *error) {
    Products *products = trial->state;
    outputs -= LEFT_OUT;
    const AlisaMatrix matrix = matrix_at(trial, 0, outputs);
    AlisaStatus status = alisa_ops_matmul(ops, &matrix, (AlisaVector){&products->x, x_offset}, rows,
                                          (AlisaVector){&products->y, 0}, false, error);
    if (status == ALISA_OK)
        status = alisa_buffer_read(trial->device, &products->y, 0, products->y_host,
                                   sizeof(float) * rows * outputs, error);
    *right = status == ALISA_OK && is_right(products, rows, x_offset, outputs,
                                            alisa_ops_matmul_activations(ops, &matrix, rows));
    return status;
}

static AlisaStatus check(AlisaTrial *trial, AlisaOps *ops, uint32_t index, bool *right,
                         AlisaError *error) {
    const Rows *timed = case_of(trial, index);
    uint32_t rows = timed->rows > 16 ? timed->rows - 1 : timed->rows;
    uint32_t outputs = timed->outputs > OUTPUTS ? timed->outputs : OUTPUTS;
    return check_rows(trial, ops, rows, 0, outputs, right, error);
}

/* Every number of rows that launches of matvec are cut into, and some beyond, aligned or not. */
static AlisaStatus verify(AlisaTrial *trial, AlisaOps *ops, bool *right, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    *right = true;
    for (uint32_t rows = 1; rows <= 2 * ALISA_OPS_MATVEC_ROWS && status == ALISA_OK && *right;
         rows++)
        status = check_rows(trial, ops, rows, rows % 2, OUTPUTS, right, error);
    return status;
}

static AlisaStatus launch(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error) {
    const Products *products = trial->state;
    const Rows *rows = case_of(trial, index);
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < products->matrices && status == ALISA_OK; i++) {
        const AlisaMatrix matrix = matrix_at(trial, i, outputs_of(rows));
        status = alisa_ops_matmul(ops, &matrix, (AlisaVector){&products->x, 0}, rows->rows,
                                  (AlisaVector){&products->y, 0}, false, error);
    }
    return status;
}

const AlisaTrialKind alisa_trial_products = {
    .create = create, .destroy = destroy, .check = check, .verify = verify, .launch = launch};
