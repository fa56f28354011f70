/*
 * The trials of the tuner as a benchmark: each with the parameters that engines use.
 */
#include <stdio.h>

#include "tune/search.h"
#include "tune/tune.h"

enum { MOST_SAMPLES = 64 };

/* Which set stands for what; of weight types, those that models are mostly stored in. */
static const struct {
    AlisaFamily family;
    const char *group;
} groups[] = {
    {ALISA_FAMILY_MATVEC, "matrix-vector"}, {ALISA_FAMILY_MATMUL, "matrix-matrix"},
    {ALISA_FAMILY_DECODE, "attention"},     {ALISA_FAMILY_PREFILL, "attention"},
    {ALISA_FAMILY_SELECT, "selection"},
};
static const uint32_t types[] = {ALISA_OPS_F16, ALISA_OPS_Q8_0, ALISA_OPS_Q4_0};

void alisa_kernel_bench_defaults(AlisaKernelBench *bench) {
    *bench = (AlisaKernelBench){.samples = 9, .seconds = 1.0};
}

static AlisaStatus bench_set(AlisaDevice *device, const AlisaKernelBench *bench, const char *group,
                             const AlisaParameterSet *set, const AlisaOpsParameters *parameters,
                             AlisaError *error) {
    AlisaTrial *trial;
    AlisaStatus status = alisa_trial_create(device, set, &trial, error);
    if (status != ALISA_OK) return status;
    uint32_t count;
    const AlisaTrialCase *cases = alisa_trial_cases(trial, &count);
    char set_name[32], name[96], text[256];
    alisa_parameter_set_name(set, set_name);
    alisa_tune_describe_values(parameters, set, text);
    for (uint32_t i = 0; i < count && status == ALISA_OK; i++) {
        double seconds[MOST_SAMPLES];
        const AlisaTrialClock clock = {
            bench->samples < MOST_SAMPLES ? bench->samples : MOST_SAMPLES, bench->seconds};
        AlisaTrialResult result = {.seconds = seconds};
        if (bench->interrupt && bench->interrupt(bench->interrupt_user)) {
            status = alisa_error_set(error, ALISA_ERROR_INTERRUPTED, "interrupted in %s", set_name);
            break;
        }
        status = alisa_trial_run(trial, i, parameters, &clock, &result, error);
        if (status == ALISA_OK && result.wrong)
            status =
                alisa_error_set(error, ALISA_ERROR_DEVICE,
                                "%s computes wrong results: %s (%s) with %s; remove its tuning "
                                "or update the driver",
                                alisa_device_info(device)->name, set_name, cases[i].name, text);
        if (status != ALISA_OK) break;
        snprintf(name, sizeof name, "%s, %s", set_name, cases[i].name);
        const AlisaKernelTest test = {.group = group,
                                      .name = name,
                                      .parameters = text,
                                      .bytes = cases[i].bytes,
                                      .flops = cases[i].flops,
                                      .seconds = seconds,
                                      .samples = result.samples};
        bench->report(bench->report_user, &test);
    }
    alisa_trial_destroy(trial);
    return status;
}

AlisaStatus alisa_bench_kernels(AlisaDevice *device, const AlisaKernelBench *bench,
                                AlisaError *error) {
    AlisaOpsParameters parameters;
    alisa_tune_parameters(device, &parameters);
    AlisaStatus status = ALISA_OK;
    for (size_t g = 0; g < sizeof groups / sizeof *groups && status == ALISA_OK; g++) {
        bool by_type = alisa_family_info(groups[g].family)->by_type;
        for (size_t t = 0; t < (by_type ? sizeof types / sizeof *types : 1) && !status; t++) {
            const AlisaParameterSet set = {groups[g].family, by_type ? types[t] : 0};
            status = bench_set(device, bench, groups[g].group, &set, &parameters, error);
        }
    }
    return status;
}
