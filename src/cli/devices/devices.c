/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa devices (and --list-devices of other commands): what the ICD loader knows.
 */
#include "alisa/device.h"
#include "common/terminal.h"

static const char *type_name(AlisaDeviceType type) {
    static const char *const names[] = {
        [ALISA_DEVICE_GPU] = "GPU",
        [ALISA_DEVICE_ACCELERATOR] = "accelerator",
        [ALISA_DEVICE_CPU] = "CPU",
        [ALISA_DEVICE_OTHER] = "other",
    };
    return names[type];
}

static const struct {
    uint32_t bit;
    const char *name;
} capabilities[] = {
    {ALISA_CAPABILITY_FP16, "fp16"},
    {ALISA_CAPABILITY_FP64, "fp64"},
    {ALISA_CAPABILITY_SUBGROUPS, "subgroups"},
    {ALISA_CAPABILITY_INT_DOT, "int_dot"},
    {ALISA_CAPABILITY_AMD_DOT, "amd_dot"},
    {ALISA_CAPABILITY_PTX_DOT, "ptx_dot"},
    {ALISA_CAPABILITY_PTX, "ptx"},
    {ALISA_CAPABILITY_VNNI, "vnni"},
    {ALISA_CAPABILITY_OUT_OF_ORDER, "out_of_order"},
    {ALISA_CAPABILITY_UNIFIED_MEMORY, "unified_memory"},
};

enum { CAPABILITY_COUNT = sizeof capabilities / sizeof capabilities[0] };

static double gibibytes(uint64_t bytes) {
    return (double)bytes / 1073741824.0;
}

static void print_details(const AlisaDeviceInfo *info) {
    printf("     vendor           %s (0x%04x)\n", info->vendor, info->vendor_id);
    if (info->board[0]) printf("     board            %s\n", info->board);
    if (info->architecture[0]) printf("     architecture     %s\n", info->architecture);
    printf("     driver           %s\n", info->driver);
    printf("     version          %s, %s\n", info->opencl_version, info->opencl_c_version);
    printf("     compute units    %u at %u MHz\n", info->compute_units, info->clock_mhz);
    printf("     largest buffer   %.2f GiB\n", gibibytes(info->max_allocation));
    printf("     local memory     %.0f KiB\n", (double)info->local_memory / 1024.0);
    printf("     work-group       %llu\n", (unsigned long long)info->max_work_group);
    printf("     capabilities    ");
    for (size_t i = 0; i < CAPABILITY_COUNT; i++) {
        if (info->capabilities & capabilities[i].bit) printf(" %s", capabilities[i].name);
    }
    printf("%s\n", info->capabilities ? "" : " none beyond OpenCL C 1.2");
    if (info->usable) {
        char tuning[256];
        alisa_device_tuning_describe(info, tuning);
        printf("     tuning           %s\n", tuning);
    }
    if (info->read_bandwidth <= 0) {
        printf("     measured         not yet\n");
        return;
    }
    printf("     measured         reads %.1f GB/s, copies %.1f GB/s to it and %.1f GB/s from it, "
           "%.1f us a launch\n",
           info->read_bandwidth * 1e-9, info->copy_rate_to_device * 1e-9,
           info->copy_rate_to_host * 1e-9, info->launch_latency * 1e6);
}

static void print_table(const AlisaDeviceInfo *infos, size_t count, bool details) {
    printf("%5s  %-11s  %-40s  %-32s  %10s\n", "index", "type", "name", "platform", "memory");
    for (size_t i = 0; i < count; i++) {
        const AlisaDeviceInfo *info = &infos[i];
        printf("%5u  %-11s  %-40s  %-32s  %6.1f GiB\n", info->index, type_name(info->type),
               info->name, info->platform, gibibytes(info->global_memory));
        if (!info->usable) printf("       not usable: %s\n", info->reason);
        if (details) print_details(info);
    }
}

/* null for what was not measured yet */
static json_t *figure(double value) {
    return value > 0 ? json_real(value) : json_null();
}

static json_t *describe(const AlisaDeviceInfo *info) {
    json_t *names = json_array();
    for (size_t i = 0; i < CAPABILITY_COUNT; i++) {
        if (!(info->capabilities & capabilities[i].bit)) continue;
        json_array_append_new(names, json_string(capabilities[i].name));
    }
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, "
        "s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:s, s:b, s:s}",
        "index", (json_int_t)info->index, "type", type_name(info->type), "platform", info->platform,
        "name", info->name, "vendor", info->vendor, "vendor_id", (json_int_t)info->vendor_id,
        "board", info->board, "architecture", info->architecture, "driver", info->driver,
        "opencl_version", info->opencl_version, "opencl_c_version", info->opencl_c_version,
        "compute_units", (json_int_t)info->compute_units, "clock_mhz", (json_int_t)info->clock_mhz,
        "global_memory", (json_int_t)info->global_memory, "max_allocation",
        (json_int_t)info->max_allocation, "local_memory", (json_int_t)info->local_memory,
        "max_work_group", (json_int_t)info->max_work_group, "capabilities", names, "usable",
        (int)info->usable, "reason", info->reason, "read_bandwidth", figure(info->read_bandwidth),
        "copy_rate_to_device", figure(info->copy_rate_to_device), "copy_rate_to_host",
        figure(info->copy_rate_to_host), "launch_latency", figure(info->launch_latency), "tuning",
        info->tuning, "tuning_built_in", (int)info->tuning_built_in, "tuning_match",
        alisa_tuning_match_name(info->tuning_match));
}

ExitCode alisa_cli_devices(const Settings *settings) {
    AlisaDeviceInfo *infos;
    size_t count;
    AlisaError error;
    if (alisa_devices_list(&infos, &count, &error) != ALISA_OK) return alisa_cli_fail(&error);
    bool any_usable = false;
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        any_usable |= infos[i].usable;
        json_array_append_new(rows, describe(&infos[i]));
    }
    if (settings->output == OUTPUT_JSON) {
        alisa_cli_output_json(json_incref(rows), JSON_INDENT(2));
    } else {
        print_table(infos, count, settings->verbose);
    }
    json_decref(rows);
    alisa_devices_free(infos);
    if (any_usable) return EXIT_DONE;
    return alisa_cli_refuse(EXIT_NO_DEVICE, "none of the OpenCL devices can be used");
}
