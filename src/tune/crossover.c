/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From how many rows on a product is faster by which kernels.
 */
#include <math.h>
#include <string.h>

#include "tune/crossover.h"
#include "tune/trial_internal.h"

/* Who multiplies: all that is changed of the parameters at hand. */
typedef enum Way { WAY_MATVEC, WAY_MATMUL, WAY_CLBLAST, WAYS } Way;

enum { ROUNDS = 2 };

static AlisaOpsParameters parameters_of(const AlisaTuneSearch *search, Way way, uint32_t type,
                                        const AlisaOpsParameters *found) {
    AlisaOpsParameters changed = *found;
    AlisaMatmulParameters *matmul = &changed.matmul[type];
    /* Of kernels that lost to CLBlast the search leaves nothing behind. */
    if (way == WAY_MATMUL && matmul->layout == ALISA_LAYOUT_CLBLAST) {
        AlisaOpsParameters ours;
        alisa_ops_parameters_defaults(alisa_opencl_info(search->device), &ours);
        *matmul = ours.matmul[type];
    }
    if (way == WAY_CLBLAST) matmul->layout = ALISA_LAYOUT_CLBLAST;
    matmul->from = way == WAY_MATVEC ? UINT32_MAX : 1;
    return changed;
}

/* Lowers `seconds` to what is measured in this round. */
static AlisaStatus time_way(const AlisaTuneSearch *search, AlisaTrial *trial, Way way, int round,
                            const AlisaOpsParameters *found, double *seconds, AlisaError *error) {
    uint32_t count, type = trial->set.format;
    alisa_trial_cases(trial, &count);
    AlisaOpsParameters parameters = parameters_of(search, way, type, found);
    AlisaTuneTrial known = {.set = {ALISA_FAMILY_MATMUL, type}};
    known.beside = alisa_tuner_hash_others(&parameters, &known.set);
    memcpy(known.values, &parameters.matmul[type], sizeof parameters.matmul[type]);
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < count && status == ALISA_OK; i++) {
        if (search->interrupt && search->interrupt(search->interrupt_user))
            return alisa_error_set(error, ALISA_ERROR_INTERRUPTED, "interrupted");
        double taken;
        known.index =
            ALISA_TRIAL_CASES * (uint32_t)(1 + round) + i; /* beside those of the search */
        status = alisa_tuner_time(search, trial, i, &parameters, &known, &taken, error);
        if (status == ALISA_OK) seconds[i] = fmin(seconds[i], taken);
    }
    return status;
}

AlisaStatus alisa_tuner_find_crossover(const AlisaTuneSearch *search, uint32_t type,
                                       const AlisaOpsParameters *parameters,
                                       AlisaTuneCrossover *crossover, AlisaError *error) {
    AlisaTrial *trial;
    AlisaStatus status = alisa_trial_create_crossover(search->device, type, &trial, error);
    if (status != ALISA_OK) return status;
    uint32_t count;
    const AlisaTrialCase *cases = alisa_trial_cases(trial, &count);
    for (uint32_t i = 0; i < count; i++) {
        crossover->rows[i] = cases[i].length;
        crossover->matvec[i] = crossover->matmul[i] = crossover->clblast[i] = INFINITY;
    }
    crossover->has_clblast = alisa_opencl_has_sgemm();
    double *const seconds[] = {[WAY_MATVEC] = crossover->matvec,
                               [WAY_MATMUL] = crossover->matmul,
                               [WAY_CLBLAST] = crossover->clblast};
    /* In turn, so that a machine that slows down slows all. */
    for (int i = 0; i < ROUNDS * WAYS && status == ALISA_OK; i++) {
        Way way = (Way)(i % WAYS);
        if (way != WAY_CLBLAST || crossover->has_clblast)
            status = time_way(search, trial, way, i / WAYS, parameters, seconds[way], error);
    }
    alisa_trial_destroy(trial);
    return status;
}
