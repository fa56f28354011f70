/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/trial_internal.h"

#include <stdlib.h>

#include "base/clock.h"

static const AlisaTrialKind *const kinds[ALISA_FAMILY_COUNT] = {
    [ALISA_FAMILY_MATVEC] = &alisa_trial_products,  [ALISA_FAMILY_MATMUL] = &alisa_trial_products,
    [ALISA_FAMILY_DECODE] = &alisa_trial_attention, [ALISA_FAMILY_PREFILL] = &alisa_trial_attention,
    [ALISA_FAMILY_SELECT] = &alisa_trial_selection, [ALISA_FAMILY_ROW] = &alisa_trial_rows,
    [ALISA_FAMILY_STORE] = &alisa_trial_store,      [ALISA_FAMILY_SEAL] = &alisa_trial_seal,
    [ALISA_FAMILY_MOVE] = &alisa_trial_moves,
};

static AlisaStatus create(AlisaDevice *device, const AlisaParameterSet *set, bool curve,
                          AlisaTrial **trial, AlisaError *error) {
    *trial = NULL;
    AlisaTrial *made = alisa_allocate_zeroed(1, sizeof *made, "trial", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->device = device;
    made->set = *set;
    made->curve = curve;
    made->kind = kinds[set->family];
    AlisaStatus status = made->kind->create(made, error);
    if (status != ALISA_OK) {
        alisa_trial_destroy(made);
        return status;
    }
    *trial = made;
    return ALISA_OK;
}

AlisaStatus alisa_trial_create(AlisaDevice *device, const AlisaParameterSet *set,
                               AlisaTrial **trial, AlisaError *error) {
    return create(device, set, false, trial, error);
}

AlisaStatus alisa_trial_create_lengths(AlisaDevice *device, AlisaTrial **trial, AlisaError *error) {
    const AlisaParameterSet decode = {ALISA_FAMILY_DECODE, 0};
    return create(device, &decode, true, trial, error);
}

AlisaStatus alisa_trial_create_crossover(AlisaDevice *device, uint32_t type, AlisaTrial **trial,
                                         AlisaError *error) {
    const AlisaParameterSet matmul = {ALISA_FAMILY_MATMUL, type};
    return create(device, &matmul, true, trial, error);
}

void alisa_trial_destroy(AlisaTrial *trial) {
    if (!trial) return;
    alisa_opencl_finish(trial->device, NULL);
    if (trial->state) trial->kind->destroy(trial);
    free(trial->state);
    free(trial);
}

const AlisaTrialCase *alisa_trial_cases(const AlisaTrial *trial, uint32_t *count) {
    *count = trial->case_count;
    return trial->cases;
}

static AlisaStatus time_passes(AlisaTrial *trial, AlisaOps *ops, uint32_t index,
                               const AlisaTrialClock *clock, AlisaTrialResult *result,
                               AlisaError *error) {
    double spent = 0.0;
    AlisaStatus status = ALISA_OK;
    for (uint32_t pass = 0; pass <= clock->samples && status == ALISA_OK; pass++) {
        uint64_t begun = alisa_clock_now();
        status = trial->kind->launch(trial, ops, index, error);
        if (status == ALISA_OK) status = alisa_opencl_finish(trial->device, error);
        double seconds = (double)(alisa_clock_now() - begun) * 1e-9;
        if (pass == 0) continue; /* compiles, and warms caches and clocks up */
        if (status == ALISA_OK) result->seconds[result->samples++] = seconds;
        spent += seconds;
        if (spent > clock->seconds) break;
    }
    return status;
}

AlisaStatus alisa_trial_run(AlisaTrial *trial, uint32_t index, const AlisaOpsParameters *parameters,
                            const AlisaTrialClock *clock, AlisaTrialResult *result,
                            AlisaError *error) {
    const AlisaTrialKind *kind = trial->kind;
    AlisaOps *ops;
    result->wrong = false;
    result->samples = 0;
    AlisaStatus status = alisa_ops_create(trial->device, parameters, &ops, error);
    if (status != ALISA_OK) return status;
    if (kind->prepare) status = kind->prepare(trial, ops, index, error);
    bool right = false;
    if (status == ALISA_OK) status = kind->check(trial, ops, index, &right, error);
    if (status == ALISA_OK && right) status = time_passes(trial, ops, index, clock, result, error);
    result->wrong = status == ALISA_OK && !right;
    alisa_opencl_finish(trial->device, NULL);
    if (kind->release) kind->release(trial);
    alisa_ops_destroy(ops);
    return status;
}

AlisaStatus alisa_trial_upload(AlisaTrial *trial, const void *data, uint64_t size,
                               AlisaBuffer *buffer, AlisaError *error) {
    AlisaStatus status = alisa_buffer_create(trial->device, size, ALISA_BUFFER_READ_WRITE,
                                             "a trial of kernels", buffer, error);
    if (status != ALISA_OK || !data) return status;
    return alisa_buffer_write(trial->device, buffer, 0, data, size, error);
}

float *alisa_trial_numbers(uint64_t count, uint64_t seed, AlisaError *error) {
    float *numbers = alisa_allocate(count, sizeof *numbers, "a trial of kernels", error);
    AlisaRandom random;
    alisa_random_seed(&random, seed);
    for (uint64_t i = 0; numbers && i < count; i++)
        numbers[i] = alisa_random_float(&random) - 0.5f;
    return numbers;
}

AlisaStatus alisa_trial_verify(AlisaTrial *trial, const AlisaOpsParameters *parameters, bool *right,
                               AlisaError *error) {
    *right = true;
    if (!trial->kind->verify) return ALISA_OK;
    AlisaOps *ops;
    AlisaStatus status = alisa_ops_create(trial->device, parameters, &ops, error);
    if (status != ALISA_OK) return status;
    status = trial->kind->verify(trial, ops, right, error);
    alisa_opencl_finish(trial->device, NULL);
    alisa_ops_destroy(ops);
    return status;
}
