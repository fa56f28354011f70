/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/row.h"

#include "alisa/device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void read_cpu_name(char *name, size_t capacity) {
    snprintf(name, capacity, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file) return;
    char line[256];
    while (fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", strlen("model name")) != 0) continue;
        colon[strcspn(colon, "\n")] = 0;
        snprintf(name, capacity, "%s", colon[1] == ' ' ? colon + 2 : colon + 1);
        break;
    }
    fclose(file);
}

static void describe_model(const AlisaModelInfo *info, char *text, size_t capacity) {
    static const char *const units[] = {"", "K", "M", "B"};
    double count = (double)info->parameter_count;
    size_t unit = 0;
    while (count >= 999.5 && unit < 3) {
        count /= 1000.0;
        unit++;
    }
    snprintf(text, capacity, "%.48s %.3g%s %s", info->architecture, count, units[unit], info->type);
}

static void mean_and_deviation(const double *values, size_t count, double *mean,
                               double *deviation) {
    double sum = 0.0, squares = 0.0;
    *mean = *deviation = 0.0;
    if (count == 0) return;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    *mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        squares += (values[i] - *mean) * (values[i] - *mean);
    }
    *deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : 0.0;
}

/* Adds avg, stddev and the samples, as times and as rates. */
static bool add_statistics(json_t *row, const BenchSamples *samples) {
    double *values = malloc((2 * samples->count + 1) * sizeof *values);
    if (!values) return false;
    double *rates = values + samples->count;
    json_t *times = json_array(), *speeds = json_array();
    for (size_t i = 0; i < samples->count; i++) {
        values[i] = (double)samples->nanoseconds[i];
        rates[i] = samples->tokens * 1e9 / values[i];
        json_array_append_new(times, json_integer((json_int_t)samples->nanoseconds[i]));
        json_array_append_new(speeds, json_real(rates[i]));
    }
    double mean, deviation;
    mean_and_deviation(values, samples->count, &mean, &deviation);
    json_object_set_new(row, "avg_ns", json_integer((json_int_t)mean));
    json_object_set_new(row, "stddev_ns", json_integer((json_int_t)deviation));
    mean_and_deviation(rates, samples->count, &mean, &deviation);
    json_object_set_new(row, "avg_ts", json_real(mean));
    json_object_set_new(row, "stddev_ts", json_real(deviation));
    json_object_set_new(row, "samples_ns", times);
    json_object_set_new(row, "samples_ts", speeds);
    free(values);
    return true;
}

const char *alisa_cli_build_commit(void) {
    return ALISA_BUILD_COMMIT;
}

json_t *alisa_cli_bench_describe(const Runtime *runtime, const SessionChoice *choice,
                                 const BenchTest *test, const BenchSamples *samples) {
    const Settings *settings = runtime->settings;
    const AlisaDeviceInfo *device = alisa_device_info(runtime->device);
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    char when[32], cpu[128], model_type[96];
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    read_cpu_name(cpu, sizeof cpu);
    describe_model(&runtime->info, model_type, sizeof model_type);
    json_int_t count = samples->count ? (json_int_t)samples->count : 1;
    bool dense = choice->attention.kind == ALISA_SELECT_DENSE;
    bool emulated = alisa_cli_runtime_emulates_link(settings);
    json_t *row = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, "
        "s:s, s:f, s:b, s:I, s:I, s:I, s:s, s:I, s:I, s:I}",
        "build_commit", alisa_cli_build_commit(), "cpu_info", cpu, "gpu_info", device->name,
        "backends", "OpenCL", "platform", device->platform, "driver", device->driver,
        "opencl_c_version", device->opencl_c_version, "model_filename", settings->model,
        "model_type", model_type, "model_size", (json_int_t)runtime->info.weight_bytes,
        "model_n_params", (json_int_t)runtime->info.parameter_count, "batch",
        (json_int_t)test->batch, "n_batch", (json_int_t)test->batch_size, "n_ubatch",
        (json_int_t)test->micro_batch, "type_k", alisa_kv_type_name(choice->options.key_type),
        "type_v", alisa_kv_type_name(choice->options.value_type), "policy",
        alisa_policy_name(choice->placement.policy), "attention",
        alisa_select_kind_name(choice->attention.kind), "kv_sparsity",
        dense ? 0.0 : choice->attention.sparsity, "emulated_link", emulated, "n_prompt",
        (json_int_t)test->prompt_length, "n_gen", (json_int_t)test->generate_length, "n_depth",
        (json_int_t)test->depth, "test_time", when, "peak_device_bytes",
        (json_int_t)samples->device_bytes, "host_to_device_bytes",
        (json_int_t)samples->to_device / count, "device_to_host_bytes",
        (json_int_t)samples->to_host / count);
    if (row && add_statistics(row, samples)) return row;
    json_decref(row);
    return NULL;
}
