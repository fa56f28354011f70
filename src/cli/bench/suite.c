#include "bench/suite.h"

#include "bench/policies.h"
#include "bench/row.h"
#include "runtime/each_device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct Suite {
    const Settings *settings;
    Settings variant; /* of it, for the parts that are benchmarks of their own */
    Runtime runtime;  /* the device alone */
    json_t *tests;
    double peak; /* flop/s: the best of the matrix products */
    size_t count;
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
    json_array_append_new(suite->tests,
                          json_pack("{s:s, s:s, s:s, s:o, s:f, s:f, s:f, s:o, s:s}", "group", group,
                                    "name", name, "unit", unit, "seconds", seconds, "bytes", bytes,
                                    "flops", flops, "items", items, "parameters", parameters,
                                    "note", ""));
    AlisaProgress progress = alisa_cli_progress();
    if (progress.update) progress.update(progress.user, name, suite->count++ % 100, 100);
}

static void add_kernel(void *user, const AlisaKernelTest *test) {
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
        if (test->flops / test->seconds[i] > suite->peak)
            suite->peak = test->flops / test->seconds[i];
    add_test(suite, test->group, test->name, products ? "GFLOP/s" : "GB/s",
             seconds_json(test->seconds, test->samples), test->bytes, test->flops, 0.0, parameters);
}

static ExitCode run_kernels(Suite *suite) {
    AlisaKernelBench bench;
    AlisaError error;
    alisa_kernel_bench_defaults(&bench);
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

/* What bench printed of prompts and generation, and of policies. */
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
    ExitCode code = alisa_cli_bench_collect(variant, rows);
    if (code == EXIT_DONE) add_rows(suite, rows, false);
    variant->policies = "flexgen,vllm,alisa";
    variant->prompt_lengths = list_of(64, 0);
    variant->generate_lengths = list_of(256, 0);
    variant->micro_batches = list_of(64, 0);
    variant->batches = list_of(8, 0);
    if (variant->device_memory.bytes == 0 && variant->device_memory.kv_share == 0.0)
        variant->device_memory.kv_share = 0.5;
    if (code == EXIT_DONE) code = alisa_cli_bench_policies_collect(variant, policies);
    if (code == EXIT_DONE) add_rows(suite, policies, true);
    json_decref(rows);
    json_decref(policies);
    return code;
}

/* ---- The file ------------------------------------------------------------------------------ */

/* Names come from files and drivers, in whatever bytes. */
static json_t *text_json(const char *text) {
    return alisa_cli_json_text(text, strlen(text));
}

static json_t *model_json(const Suite *suite) {
    if (!suite->settings->model) return json_null();
    const AlisaModelInfo *info = &suite->runtime.info;
    char hash[64];
    /* Parameters and bytes tell models of one name apart without reading them. */
    snprintf(hash, sizeof hash, "%llu-%llu", (unsigned long long)info->parameter_count,
             (unsigned long long)info->weight_bytes);
    return json_pack("{s:o, s:s, s:I, s:s}", "name",
                     text_json(info->name[0] ? info->name : info->architecture), "type", info->type,
                     "bytes", (json_int_t)info->weight_bytes, "hash", hash);
}

static json_t *capabilities_json(uint32_t capabilities) {
    static const char *const names[] = {"fp16",    "fp64",         "subgroups",
                                        "int dot", "out of order", "unified memory",
                                        "ptx",     "amd dot",      "ptx dot"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (capabilities >> i & 1) json_array_append_new(list, json_string(names[i]));
    return list;
}

static json_t *device_json(const AlisaDeviceInfo *info) {
    static const char *const types[] = {"gpu", "accelerator", "cpu", "other"};
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "name",
        text_json(info->name), "platform", text_json(info->platform), "vendor",
        text_json(info->vendor), "driver", text_json(info->driver), "type", types[info->type],
        "opencl_version", text_json(info->opencl_version), "opencl_c_version",
        text_json(info->opencl_c_version), "compute_units", (json_int_t)info->compute_units,
        "clock_mhz", (json_int_t)info->clock_mhz, "global_memory", (json_int_t)info->global_memory,
        "max_allocation", (json_int_t)info->max_allocation, "local_memory",
        (json_int_t)info->local_memory, "max_work_group", (json_int_t)info->max_work_group,
        "capabilities", capabilities_json(info->capabilities), "board", text_json(info->board),
        "architecture", text_json(info->architecture));
}

/* The device again, with what was measured of it meanwhile and how it is tuned. */
static AlisaDeviceInfo info_of(const Suite *suite) {
    AlisaDeviceInfo info = *alisa_device_info(suite->runtime.device), *infos;
    size_t count;
    AlisaError error;
    if (alisa_devices_list(&infos, &count, &error) != ALISA_OK) return info;
    for (size_t i = 0; i < count; i++)
        if (infos[i].index == info.index) info = infos[i];
    alisa_devices_free(infos);
    return info;
}

static json_t *file_json(const Suite *suite) {
    const Settings *settings = suite->settings;
    AlisaDeviceInfo info = info_of(suite);
    time_t now = time(NULL);
    struct tm utc;
    char when[32];
    gmtime_r(&now, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    bool tuned = info.tuning[0] != 0;
    json_t *tuning = json_pack("{s:s, s:s, s:s}", "name", tuned ? info.tuning : "defaults", "match",
                               alisa_tuning_match_name(info.tuning_match), "id", info.tuning);
    double link =
        settings->link.rate * 1e9 + alisa_cli_runtime_link_share(settings) * info.read_bandwidth;
    json_t *manifest =
        json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "commit",
                  alisa_cli_build_commit(), "version", alisa_version(), "date", when, "samples",
                  (int)settings->repetitions, "effort", "", "command", "alisa bench --suite",
                  "device", device_json(&info), "tuning", tuning, "model", model_json(suite),
                  "emulated_link", link > 0.0 ? json_real(link) : json_null(), "changed",
                  text_json(settings->changed ? settings->changed : ""));
    json_t *roofline =
        json_pack("{s:f, s:f, s:f, s:f, s:f}", "read_bandwidth", info.read_bandwidth, "matrix_peak",
                  suite->peak, "copy_to_device", info.copy_rate_to_device, "copy_to_host",
                  info.copy_rate_to_host, "launch_latency", info.launch_latency);
    return json_pack("{s:s, s:i, s:o, s:o, s:O}", "format", "alisa-suite", "version", 1, "manifest",
                     manifest, "roofline", roofline, "tests", suite->tests);
}

/* "FILE.json", or "FILE-1.json" where there is one for each device. */
static bool name_file(const Suite *suite, bool numbered, char name[4096]) {
    const char *file = suite->settings->target.file, *end = strrchr(file, '.');
    if (!end || strchr(end, '/')) end = file + strlen(file);
    char index[16] = "";
    if (numbered)
        snprintf(index, sizeof index, "-%u", alisa_device_info(suite->runtime.device)->index);
    int length = snprintf(name, 4096, "%.*s%s%s", (int)(end - file), file, index, end);
    return length > 0 && length < 4096;
}

static ExitCode write_file(const Suite *suite, bool numbered) {
    char name[4096];
    AlisaError error = {ALISA_ERROR_ARGUMENT, "the name of the file is too long"};
    json_t *file = file_json(suite);
    Text text = {.data = file ? json_dumps(file, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL};
    json_decref(file);
    if (!text.data) return alisa_cli_out_of_memory();
    text.size = strlen(text.data);
    bool good = name_file(suite, numbered, name) && alisa_cli_text_write(&text, name, &error);
    alisa_cli_text_free(&text);
    return good ? EXIT_DONE : alisa_cli_fail(&error);
}

static ExitCode run_device(const Settings *settings, void *numbered) {
    static Suite suite; /* static for its size, as the settings it has a copy of */
    suite = (Suite){.settings = settings, .tests = json_array()};
    if (!suite.tests) return alisa_cli_out_of_memory();
    ExitCode code = settings->model ? alisa_cli_runtime_model(&suite.runtime, settings) : EXIT_DONE;
    if (code == EXIT_DONE) code = alisa_cli_runtime_device(&suite.runtime, settings);
    if (code == EXIT_DONE) code = run_kernels(&suite);
    if (code == EXIT_DONE && settings->model) code = run_model(&suite);
    AlisaProgress progress = alisa_cli_progress();
    if (progress.update) progress.update(progress.user, "", 1, 1);
    if (code == EXIT_DONE) code = write_file(&suite, *(bool *)numbered);
    json_decref(suite.tests);
    alisa_cli_runtime_close(&suite.runtime);
    return code;
}

/* Said before minutes are spent. */
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
