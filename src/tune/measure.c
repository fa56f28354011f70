/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/cache.h"
#include "device/device.h"

enum { SAMPLES = 7 };

static const AlisaTunePace paces[] = {
    [ALISA_TUNE_QUICK] = {0.04, 1, 1.2},
    [ALISA_TUNE_NORMAL] = {0.1, 2, 1.4},
    [ALISA_TUNE_FULL] = {0.3, 4, 2.0},
};

const AlisaTunePace *alisa_tuner_pace(AlisaTuneEffort effort) {
    return &paces[effort];
}

double alisa_tuner_least(const double *values, uint32_t count) {
    double best = INFINITY;
    for (uint32_t i = 0; i < count; i++)
        best = values[i] < best ? values[i] : best;
    return best;
}

/* Some depend on them: prompts attend in the layout of steps, few rows are matvec's. */
uint64_t alisa_tuner_hash_others(const AlisaOpsParameters *parameters,
                                 const AlisaParameterSet *set) {
    AlisaOpsParameters others = *parameters;
    char hash[ALISA_CACHE_HASH_SIZE];
    memset(alisa_parameter_values(&others, set), 0,
           alisa_family_info(set->family)->parameter_count * sizeof(uint32_t));
    alisa_cache_hash(&others, sizeof others, hash);
    hash[12] = 0; /* 48 bits: a number that JSON carries whole */
    return strtoull(hash, NULL, 16);
}

/* Whether the device still does as it is told. After some failed launches it never does again,
 * which is no candidate's fault but the one's that did it. */
static AlisaStatus check_device(AlisaDevice *device, AlisaError *error) {
    AlisaBuffer buffer = {0};
    uint32_t sent = 12345, back = 0;
    AlisaStatus status = alisa_buffer_create(device, sizeof sent, ALISA_BUFFER_READ_WRITE,
                                             "a search", &buffer, error);
    if (status == ALISA_OK)
        status = alisa_buffer_write(device, &buffer, 0, &sent, sizeof sent, error);
    if (status == ALISA_OK)
        status = alisa_buffer_read(device, &buffer, 0, &back, sizeof back, error);
    alisa_buffer_destroy(&buffer);
    if (status != ALISA_OK || back == sent) return status;
    return alisa_error_set(error, ALISA_ERROR_DEVICE, "%s returns other bytes than it was given",
                           alisa_opencl_info(device)->name);
}

/* What a failed trial says of the candidate alone; other failures end the search. */
static bool is_refusal(AlisaStatus status) {
    return status == ALISA_ERROR_DEVICE || status == ALISA_ERROR_ARGUMENT ||
           status == ALISA_ERROR_MEMORY;
}

static void log_wrong(const AlisaTuneSearch *search, const AlisaTrial *trial, uint32_t index,
                      const AlisaParameterSet *set) {
    char name[32];
    uint32_t count;
    alisa_parameter_set_name(set, name);
    alisa_log_write(&search->log, ALISA_LOG_WARNING,
                    "%s: wrong results with other parameters (%s); they are not used", name,
                    alisa_trial_cases(trial, &count)[index].name);
}

static AlisaStatus run_trial(const AlisaTuneSearch *search, AlisaTrial *trial, uint32_t index,
                             const AlisaOpsParameters *parameters, const AlisaTuneTrial *known,
                             double *seconds, AlisaError *error) {
    AlisaTuneJournal *journal = search->journal;
    double samples[SAMPLES];
    const AlisaTrialClock clock = {SAMPLES, alisa_tuner_pace(search->effort)->case_seconds};
    AlisaTrialResult result = {.seconds = samples};
    AlisaError refusal;
    *seconds = INFINITY;
    AlisaStatus status = alisa_tuner_journal_begin(journal, known, error);
    if (status != ALISA_OK) return status;
    status = alisa_trial_run(trial, index, parameters, &clock, &result, &refusal);
    if (status != ALISA_OK && !is_refusal(status)) {
        if (error) *error = refusal;
        alisa_tuner_journal_cancel(journal, NULL);
        return status;
    }
    /* The trial is left open where the device is lost: whoever watches takes that for a crash. */
    AlisaError lost;
    if (status == ALISA_ERROR_DEVICE && check_device(search->device, &lost) != ALISA_OK)
        return alisa_error_set(error, ALISA_ERROR_IO, "the device is lost after %s: %s",
                               refusal.message, lost.message);
    if (status == ALISA_OK && !result.wrong) *seconds = alisa_tuner_least(samples, result.samples);
    AlisaTuneEnd end = status != ALISA_OK ? ALISA_TUNE_REFUSED
                       : result.wrong     ? ALISA_TUNE_WRONG
                                          : ALISA_TUNE_MEASURED;
    if (end == ALISA_TUNE_REFUSED)
        alisa_log_write(&search->log, ALISA_LOG_DEBUG, "%s", refusal.message);
    if (end == ALISA_TUNE_WRONG) log_wrong(search, trial, index, &known->set);
    return alisa_tuner_journal_end(journal, end, isinf(*seconds) ? 0.0 : *seconds, error);
}

AlisaStatus alisa_tuner_time(const AlisaTuneSearch *search, AlisaTrial *trial, uint32_t index,
                             const AlisaOpsParameters *parameters, const AlisaTuneTrial *known,
                             double *seconds, AlisaError *error) {
    const AlisaTuneTrial *found = alisa_tuner_journal_find(search->journal, known);
    if (!found) return run_trial(search, trial, index, parameters, known, seconds, error);
    *seconds = found->end == ALISA_TUNE_MEASURED ? found->seconds : INFINITY;
    return ALISA_OK;
}
