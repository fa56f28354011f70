/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/suite.h"

#include "alisa/bench.h"
#include "bench/policies.h"
#include "bench/rates.h"
#include "bench/suite_file.h"
#include "runtime/each_device.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Suite {
    const Settings *settings;
    Settings variant; /* the settings as they are changed for the parts that are benchmarks of their
                         own */
    Runtime runtime;  /* the device, and the model where there is one; no engine */
    SuiteResults results;
    size_t count; /* tests so far, for the progress shown */
} Suite;

/* ---- Kernels ------------------------------------------------------------------------------- */

/* "layout=item single=2" as an object. */
static json_t *parameters_json(const char *text) {
    json_t *object = json_object();
    while (*text) {
        size_t length = strcspn(text, " "), name = strcspn(text, "=");
        char key[32], value[32];
        if (name < length && name < sizeof key && length - name <= sizeof value) {
            snprintf(key, sizeof key, "%.*s", (int)name, text);
            snprintf(value, sizeof value, "%.*s", (int)(length - name - 1), text + name + 1);
            json_object_set_new(object, key, json_string(value));
        }
        text += length + (text[length] == ' ');
    }
    return object;
}

static json_t *seconds_json(const double *seconds, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_real(seconds[i]));
    return list;
}

static void add_test(Suite *suite, const char *group, const char *name, const char *unit,
                     json_t *seconds, double bytes, double flops, double items,
                     json_t *parameters) {
    json_array_append_new(suite->results.tests,
                          json_pack("{s:s, s:s, s:s, s:o, s:f, s:f, s:f, s:o, s:s}", "group", group,
                                    "name", name, "unit", unit, "seconds", seconds, "bytes", bytes,
                                    "flops", flops, "items", items, "parameters", parameters,
                                    "note", ""));
    AlisaProgress progress = alisa_cli_progress();
    if (progress.update) progress.update(progress.user, name, suite->count++ % 100, 100);
}

static void add_kernel(void *user, const AlisaBenchTest *test) {
    Suite *suite = user;
    json_t *parameters = parameters_json(test->parameters);
    bool transfer = strcmp(test->group, "transfer") == 0;
    if (test->curve) {
        json_object_clear(parameters); /* points of a curve differ in nothing else */
        json_object_set_new(parameters, transfer ? "direction" : "kind", json_string(test->curve));
        json_object_set_new(parameters, transfer ? "size" : "length",
                            json_integer((json_int_t)test->at));
    }
    bool products = strcmp(test->group, "matrix-matrix") == 0;
    for (uint32_t i = 0; i < test->samples && products; i++)
        if (test->flops / test->seconds[i] > suite->results.matrix_peak)
            suite->results.matrix_peak = test->flops / test->seconds[i];
    add_test(suite, test->group, test->name, products ? "GFLOP/s" : "GB/s",
             seconds_json(test->seconds, test->samples), test->bytes, test->flops, 0.0, parameters);
}

static ExitCode run_kernels(Suite *suite) {
    AlisaBenchOptions bench;
    AlisaError error;
    alisa_bench_options_defaults(&bench);
    bench.samples = (uint32_t)suite->settings->repetitions;
    bench.report = add_kernel;
    bench.report_user = suite;
    bench.interrupt = alisa_cli_interrupted;
    if (alisa_bench_kernels(suite->runtime.device, &bench, &error) == ALISA_OK) return EXIT_DONE;
    return alisa_cli_fail(&error);
}

/* ---- A model ------------------------------------------------------------------------------- */

static double number(const json_t *row, const char *field) {
    return json_number_value(json_object_get(row, field));
}

/* Adds a test for each row of the benchmarks of prompts and generation, or of policies. */
static void add_rows(Suite *suite, const json_t *rows, bool policies) {
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)rows, i, row) {
        char name[96];
        const json_t *times = json_object_get(row, "samples_ns");
        json_t *seconds = json_array();
        size_t count = json_array_size(times);
        for (size_t j = 0; j < count; j++)
            json_array_append_new(seconds,
                                  json_real(json_number_value(json_array_get(times, j)) * 1e-9));
        double prompt = number(row, "n_prompt"), generate = number(row, "n_gen");
        double batch = number(row, "batch"), weights = number(row, "model_size");
        double flops = 2.0 * number(row, "model_n_params");
        json_t *parameters = json_pack("{s:I}", "batch", (json_int_t)batch);
        if (count == 0) { /* refused */
            json_decref(seconds);
            json_decref(parameters);
        } else if (policies) {
            const char *policy = json_string_value(json_object_get(row, "policy"));
            snprintf(name, sizeof name, "%s, batch %.0f", policy, batch);
            json_object_set_new(parameters, "policy", json_string(policy));
            add_test(suite, "policy", name, "t/s", seconds, 0.0, 0.0, batch * generate, parameters);
        } else if (prompt > 0.0) {
            double tokens = prompt * batch;
            snprintf(name, sizeof name, "pp%.0f, batch %.0f", prompt, batch);
            add_test(suite, "prefill", name, "t/s", seconds, weights, flops * tokens, tokens,
                     parameters);
        } else {
            snprintf(name, sizeof name, "tg%.0f, batch %.0f", generate, batch);
            add_test(suite, "decode", name, "t/s", seconds, weights * generate,
                     flops * generate * batch, generate * batch, parameters);
        }
    }
}

static IntegerList list_of(int64_t first, int64_t second) {
    IntegerList list = {.count = second ? 2 : 1};
    list.values[0] = first;
    list.values[1] = second;
    return list;
}

static ExitCode run_model(Suite *suite) {
    Settings *variant = &suite->variant;
    *variant = *suite->settings;
    variant->prompt_lengths = list_of(512, 0);
    variant->generate_lengths = list_of(32, 0);
    variant->batches = list_of(1, 8);
    variant->depths = list_of(0, 0);
    variant->policies = NULL;
    json_t *rows = json_array(), *policies = json_array();
    ExitCode code = alisa_cli_bench_rates(variant, rows);
    if (code == EXIT_DONE) add_rows(suite, rows, false);
    variant->policies = "flexgen,vllm,alisa";
    variant->prompt_lengths = list_of(64, 0);
    variant->generate_lengths = list_of(256, 0);
    variant->micro_batches = list_of(64, 0);
    variant->batches = list_of(8, 0);
    if (variant->device_memory.bytes == 0 && variant->device_memory.kv_share == 0.0)
        variant->device_memory.kv_share = 0.5;
    if (code == EXIT_DONE) code = alisa_cli_bench_policies(variant, policies);
    if (code == EXIT_DONE) add_rows(suite, policies, true);
    json_decref(rows);
    json_decref(policies);
    return code;
}

/* ---- A device ------------------------------------------------------------------------------ */

static ExitCode run_device(const Settings *settings, void *numbered) {
    static Suite suite; /* static for its size, as the settings it has a copy of */
    suite = (Suite){.settings = settings, .results.tests = json_array()};
    if (!suite.results.tests) return alisa_cli_out_of_memory();
    ExitCode code = settings->model ? alisa_cli_runtime_model(&suite.runtime, settings) : EXIT_DONE;
    if (code == EXIT_DONE) code = alisa_cli_runtime_device(&suite.runtime, settings);
    if (code == EXIT_DONE) code = run_kernels(&suite);
    if (code == EXIT_DONE && settings->model) code = run_model(&suite);
    AlisaProgress progress = alisa_cli_progress();
    if (progress.update) progress.update(progress.user, "", 1, 1);
    if (code == EXIT_DONE)
        code = alisa_cli_suite_write(&suite.runtime, &suite.results, *(bool *)numbered);
    json_decref(suite.results.tests);
    alisa_cli_runtime_close(&suite.runtime);
    return code;
}

/* Whether the file can be written, asked before minutes are spent. */
static bool can_write(const char *file) {
    char folder[4096];
    const char *slash = strrchr(file, '/');
    int length = slash ? (int)(slash - file) + 1 : 1;
    snprintf(folder, sizeof folder, "%.*s", length, slash ? file : ".");
    struct stat about;
    if (stat(file, &about) == 0 && S_ISDIR(about.st_mode)) {
        errno = EISDIR;
        return false;
    }
    return access(folder, W_OK) == 0;
}

ExitCode alisa_cli_suite(const Settings *settings) {
    bool numbered = alisa_cli_all_devices(settings);
    const char *file = settings->target.file;
    if (!file) return alisa_cli_refuse(EXIT_USAGE, "--suite writes a file: -o FILE.json");
    if (!can_write(file)) {
        return alisa_cli_refuse(EXIT_RUN_TIME, "cannot write %s: %s", file, strerror(errno));
    }
    return alisa_cli_each_device(settings, run_device, &numbered);
}
