/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trials of the tuner as a benchmark, each with the parameters that engines use; and copies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "device/probe.h"
#include "tune/trial.h"
#include "tune/tune.h"

/* Which family stands for what; of formats of weights, those that models are mostly stored in. */
static const struct {
    AlisaFamily family;
    const char *group;
} groups[] = {
    {ALISA_FAMILY_MATVEC, "matrix-vector"}, {ALISA_FAMILY_MATMUL, "matrix-matrix"},
    {ALISA_FAMILY_DECODE, "attention"},     {ALISA_FAMILY_PREFILL, "attention"},
    {ALISA_FAMILY_SELECT, "attention"},
};

/* What is benched, and how. */
typedef struct Suite {
    AlisaDevice *device;
    const AlisaBenchOptions *bench;
    AlisaOpsParameters parameters;
    uint32_t samples;
    double *seconds; /* [samples] of the test at hand */
} Suite;

static AlisaStatus check_interrupt(const Suite *suite, const char *what, AlisaError *error) {
    const AlisaBenchOptions *bench = suite->bench;
    if (!bench->interrupt || !bench->interrupt(bench->interrupt_user)) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_INTERRUPTED, "interrupted in %s", what);
}

/* ---- Kernels ------------------------------------------------------------------------------- */

static const char *curve_of(const AlisaTrialCase *timed) {
    if (timed->length == 0) return NULL;
    return strncmp(timed->name, "dense", strlen("dense")) == 0 ? "dense" : "80 % sparsity";
}

static AlisaStatus bench_case(const Suite *suite, const char *group, const AlisaParameterSet *set,
                              AlisaTrial *trial, uint32_t index, AlisaError *error) {
    uint32_t count;
    const AlisaTrialCase *timed = &alisa_trial_cases(trial, &count)[index];
    char set_name[32], name[96], text[256];
    const AlisaTrialClock clock = {suite->samples, suite->bench->seconds};
    AlisaTrialResult result = {.seconds = suite->seconds};
    alisa_parameter_set_name(set, set_name);
    alisa_tuner_describe_values(&suite->parameters, set, text);
    AlisaStatus status = check_interrupt(suite, set_name, error);
    if (status == ALISA_OK)
        status = alisa_trial_run(trial, index, &suite->parameters, &clock, &result, error);
    if (status != ALISA_OK) return status;
    if (result.wrong) {
        return alisa_error_set(error, ALISA_ERROR_DEVICE,
                               "%s computes wrong results: %s (%s) with %s; remove its tuning or "
                               "update the driver",
                               alisa_opencl_info(suite->device)->name, set_name, timed->name, text);
    }
    snprintf(name, sizeof name, "%s, %s", set_name, timed->name);
    const AlisaBenchTest test = {.group = group,
                                 .name = name,
                                 .parameters = text,
                                 .bytes = timed->bytes,
                                 .flops = timed->flops,
                                 .seconds = suite->seconds,
                                 .samples = result.samples,
                                 .curve = curve_of(timed),
                                 .at = timed->length};
    suite->bench->report(suite->bench->report_user, &test);
    return ALISA_OK;
}

/* `lengths`: of the family decode, with cases by the length of the context. */
static AlisaStatus bench_set(const Suite *suite, const char *group, const AlisaParameterSet *set,
                             bool lengths, AlisaError *error) {
    AlisaTrial *trial;
    AlisaStatus status = lengths ? alisa_trial_create_lengths(suite->device, &trial, error)
                                 : alisa_trial_create(suite->device, set, &trial, error);
    if (status != ALISA_OK) return status;
    uint32_t count;
    alisa_trial_cases(trial, &count);
    for (uint32_t i = 0; i < count && status == ALISA_OK; i++)
        status = bench_case(suite, group, set, trial, i, error);
    alisa_trial_destroy(trial);
    return status;
}

/* ---- Copies -------------------------------------------------------------------------------- */

/* One direction and size, from the call to its end. */
static AlisaStatus time_copies(const Suite *suite, bool to_device, const AlisaBuffer *buffer,
                               const AlisaPinned *host, uint64_t size, AlisaError *error) {
    AlisaStatus status = check_interrupt(suite, "copies", error);
    for (uint32_t i = 0; i <= suite->samples && status == ALISA_OK; i++) {
        AlisaEvent done = {0};
        uint64_t begun = alisa_clock_now();
        status = to_device ? alisa_transfer_write(suite->device, buffer, 0, host->data, size, NULL,
                                                  &done, error)
                           : alisa_transfer_read(suite->device, buffer, 0, host->data, size, NULL,
                                                 &done, error);
        if (status == ALISA_OK) status = alisa_event_wait(suite->device, &done, "a copy", error);
        if (i > 0)
            suite->seconds[i - 1] = (double)(alisa_clock_now() - begun) * 1e-9; /* warm now */
        alisa_event_release(&done);
    }
    if (status != ALISA_OK) return status;
    char name[96];
    snprintf(name, sizeof name, "%s, %llu KiB", to_device ? "to the device" : "to the host",
             (unsigned long long)(size >> 10));
    const AlisaBenchTest test = {.group = "transfer",
                                 .name = name,
                                 .parameters = host->pinned ? "pinned" : "not pinned",
                                 .bytes = (double)size,
                                 .seconds = suite->seconds,
                                 .samples = suite->samples,
                                 .curve = to_device ? "to-device" : "to-host",
                                 .at = size};
    suite->bench->report(suite->bench->report_user, &test);
    return ALISA_OK;
}

static AlisaStatus bench_copies(const Suite *suite, AlisaError *error) {
    const uint64_t largest = ALISA_PROBE_SIZE(ALISA_PROBE_SIZES - 1);
    const char *what = "timing copies";
    AlisaBuffer buffer = {0};
    AlisaPinned host = {0};
    AlisaStatus status =
        alisa_buffer_create(suite->device, largest, ALISA_BUFFER_READ_WRITE, what, &buffer, error);
    if (status == ALISA_OK)
        status = alisa_pinned_create(suite->device, largest, what, &host, error);
    if (status == ALISA_OK) memset(host.data, 1, largest);
    for (int way = 0; way < 2; way++)
        for (int row = 0; row < ALISA_PROBE_SIZES && status == ALISA_OK; row++)
            status = time_copies(suite, way == 0, &buffer, &host, ALISA_PROBE_SIZE(row), error);
    if (host.data) alisa_pinned_destroy(suite->device, &host);
    alisa_buffer_destroy(&buffer);
    return status;
}

/* ---- All of it ----------------------------------------------------------------------------- */

AlisaStatus alisa_suite_run(AlisaDevice *device, const AlisaBenchOptions *bench,
                            AlisaError *error) {
    Suite suite = {
        .device = device, .bench = bench, .samples = bench->samples ? bench->samples : 1};
    suite.seconds = alisa_allocate(suite.samples, sizeof *suite.seconds, "samples", error);
    if (!suite.seconds) return ALISA_ERROR_MEMORY;
    alisa_tuner_parameters(device, &suite.parameters);
    AlisaDeviceProfile profile; /* what figures are held against: kept in the cache */
    AlisaStatus status = alisa_opencl_measure_anew(device, &profile, error);
    for (size_t g = 0; g < sizeof groups / sizeof *groups && status == ALISA_OK; g++) {
        bool by_format = alisa_family_info(groups[g].family)->by_format;
        for (uint32_t f = 0; f < (by_format ? ALISA_FORMAT_COUNT : 1) && !status; f++) {
            const AlisaParameterSet set = {groups[g].family, f};
            if (by_format && alisa_format_info(f)->use < ALISA_FORMAT_MOST) continue;
            status = bench_set(&suite, groups[g].group, &set, false, error);
        }
    }
    const AlisaParameterSet decode = {ALISA_FAMILY_DECODE, 0};
    if (status == ALISA_OK) status = bench_set(&suite, "attention", &decode, true, error);
    if (status == ALISA_OK) status = bench_copies(&suite, error);
    alisa_opencl_save_programs(device);
    free(suite.seconds);
    return status;
}
