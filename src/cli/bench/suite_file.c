/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/suite_file.h"

#include "alisa/device.h"
#include "alisa/tune.h"
#include "bench/row.h"

#include <string.h>
#include <time.h>

/* Names come from files and drivers, in whatever bytes. */
static json_t *text_json(const char *text) {
    return alisa_cli_json_text(text, strlen(text));
}

static json_t *model_json(const Runtime *runtime) {
    if (!runtime->settings->model) return json_null();
    const AlisaModelInfo *info = &runtime->info;
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

/* What is known of the device by now: rates that were measured since it was opened, and the tuning.
 */
static AlisaDeviceInfo info_of(const Runtime *runtime) {
    AlisaDeviceInfo info = *alisa_device_info(runtime->device), *infos;
    size_t count;
    AlisaError error;
    if (alisa_devices_list(&infos, &count, &error) != ALISA_OK) return info;
    for (size_t i = 0; i < count; i++)
        if (infos[i].index == info.index) info = infos[i];
    alisa_devices_free(infos);
    return info;
}

static json_t *file_json(const Runtime *runtime, const SuiteResults *results) {
    const Settings *settings = runtime->settings;
    AlisaDeviceInfo info = info_of(runtime);
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
                  "device", device_json(&info), "tuning", tuning, "model", model_json(runtime),
                  "emulated_link", link > 0.0 ? json_real(link) : json_null(), "changed",
                  text_json(settings->changed ? settings->changed : ""));
    json_t *roofline =
        json_pack("{s:f, s:f, s:f, s:f, s:f}", "read_bandwidth", info.read_bandwidth, "matrix_peak",
                  results->matrix_peak, "copy_to_device", info.copy_rate_to_device, "copy_to_host",
                  info.copy_rate_to_host, "launch_latency", info.launch_latency);
    return json_pack("{s:s, s:i, s:o, s:o, s:O}", "format", "alisa-suite", "version", 1, "manifest",
                     manifest, "roofline", roofline, "tests", results->tests);
}

/* "FILE.json", or "FILE-1.json" where there is one for each device. */
static bool name_file(const Runtime *runtime, bool numbered, char name[4096]) {
    const char *file = runtime->settings->target.file, *end = strrchr(file, '.');
    if (!end || strchr(end, '/')) end = file + strlen(file);
    char index[16] = "";
    if (numbered) snprintf(index, sizeof index, "-%u", alisa_device_info(runtime->device)->index);
    int length = snprintf(name, 4096, "%.*s%s%s", (int)(end - file), file, index, end);
    return length > 0 && length < 4096;
}

ExitCode alisa_cli_suite_write(const Runtime *runtime, const SuiteResults *results, bool numbered) {
    char name[4096];
    AlisaError error = {ALISA_ERROR_ARGUMENT, "the name of the file is too long"};
    json_t *file = file_json(runtime, results);
    Text text = {.data = file ? json_dumps(file, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL};
    json_decref(file);
    if (!text.data) return alisa_cli_out_of_memory();
    text.size = strlen(text.data);
    bool good = name_file(runtime, numbered, name) && alisa_cli_text_write(&text, name, &error);
    alisa_cli_text_free(&text);
    return good ? EXIT_DONE : alisa_cli_fail(&error);
}
