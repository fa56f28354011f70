/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the tests of which entry of tuned parameters a device takes: entries of seventeen
 * devices, by the words of the kinds that people's drivers use.
 */
#ifndef ALISA_TESTS_UNIT_TUNE_WORDS_H
#define ALISA_TESTS_UNIT_TUNE_WORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alisa/device.h"
#include "tune/store.h"

#define KERNELS "0123456789abcdef0123456789abcdef"

#define GPU         ALISA_DEVICE_GPU
#define CPU         ALISA_DEVICE_CPU
#define ACCELERATOR ALISA_DEVICE_ACCELERATOR

#define EXACT  ALISA_TUNING_EXACT
#define STALE  ALISA_TUNING_STALE
#define ARCH   ALISA_TUNING_ARCHITECTURE
#define VENDOR ALISA_TUNING_VENDOR
#define TYPE   ALISA_TUNING_TYPE
#define NONE   ALISA_TUNING_NONE

#define AMD_PLATFORM "AMD Accelerated Parallel Processing"
#define AMD_VENDOR   "Advanced Micro Devices, Inc."
#define POCL         "Portable Computing Language"
#define SNAPDRAGON   "QUALCOMM Snapdragon(TM)"

/* What a driver says. */
typedef struct Words {
    AlisaDeviceType type;
    uint32_t vendor_id, units;
    const char *platform, *vendor, *name, *driver;
    const char *version;              /* of OpenCL */
    const char *board, *architecture; /* of an extension */
    /* What is expected, where that is to be seen. */
    AlisaTuningMatch match;
    const char *entry;
} Words;

static inline void copy(char *to, size_t capacity, const char *from) {
    snprintf(to, capacity, "%s", from ? from : "");
}

static inline AlisaDeviceInfo info_of(const Words *words) {
    AlisaDeviceInfo info = {
        .type = words->type, .vendor_id = words->vendor_id, .compute_units = words->units};
    copy(info.platform, sizeof info.platform, words->platform);
    copy(info.vendor, sizeof info.vendor, words->vendor);
    copy(info.name, sizeof info.name, words->name);
    copy(info.driver, sizeof info.driver, words->driver);
    copy(info.opencl_version, sizeof info.opencl_version, words->version);
    copy(info.board, sizeof info.board, words->board);
    copy(info.architecture, sizeof info.architecture, words->architecture);
    return info;
}

static inline AlisaTuneKey key_of(const Words *words) {
    AlisaDeviceInfo info = info_of(words);
    AlisaTuneKey key;
    alisa_tuner_key_init(&key, &info, KERNELS);
    return key;
}

/* The devices that there are entries of. */
static const struct {
    const char *name;
    Words words;
} known[] = {
    {"7900xtx",
     {GPU, 0x1002, 48, AMD_PLATFORM, AMD_VENDOR, "gfx1100", "3513.0 (HSA1.1,LC)", NULL,
      "AMD Radeon RX 7900 XTX", "gfx1100"}},
    {"7900xt",
     {GPU, 0x1002, 42, AMD_PLATFORM, AMD_VENDOR, "gfx1100", "3513.0 (HSA1.1,LC)", NULL,
      "AMD Radeon RX 7900 XT", "gfx1100"}},
    {"6700xt",
     {GPU, 0x1002, 20, AMD_PLATFORM, AMD_VENDOR, "gfx1031", "3513.0 (HSA1.1,LC)", NULL,
      "AMD Radeon RX 6700 XT", "gfx1031"}},
    {"5500xt",
     {GPU, 0x1002, 11, AMD_PLATFORM, AMD_VENDOR, "gfx1012:xnack-", "3361.0 (HSA1.1,LC)", NULL,
      "AMD Radeon RX 5500 XT", "gfx1012"}},
    {"mi250", /* from a driver that tells nothing but the name */
     {GPU, 0x1002, 110, AMD_PLATFORM, AMD_VENDOR, "gfx90a:sramecc+:xnack-", "3452.0 (HSA1.1,LC)",
      NULL, NULL, NULL}},
    {"hawaii",
     {GPU, 0x1002, 44, AMD_PLATFORM, AMD_VENDOR, "Hawaii", "1411.4 (VM)", NULL, NULL, NULL}},
    {"4090",
     {GPU, 0x10de, 128, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA GeForce RTX 4090", "531.61",
      "OpenCL 3.0 CUDA", NULL, "sm_89"}},
    {"3080",
     {GPU, 0x10de, 68, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA GeForce RTX 3080", "535.54",
      "OpenCL 3.0 CUDA", NULL, "sm_86"}},
    {"a100",
     {GPU, 0x10de, 108, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA A100-SXM4-40GB", "515.48.07",
      "OpenCL 3.0 CUDA", NULL, "sm_80"}},
    {"a770",
     {GPU, 0x8086, 512, "Intel(R) OpenCL Graphics", "Intel(R) Corporation",
      "Intel(R) Arc(TM) A770 Graphics", "24.05.28454.6", "OpenCL 3.0 NEO", NULL, "ip_12.55"}},
    {"uhd620",
     {GPU, 0x8086, 24, "Intel(R) OpenCL HD Graphics", "Intel(R) Corporation",
      "Intel(R) UHD Graphics 620", "22.43.24595", "OpenCL 3.0 NEO", NULL, "ip_9.2"}},
    {"adreno740",
     {GPU, 0x5143, 6, SNAPDRAGON, "QUALCOMM", "QUALCOMM Adreno(TM)", "Compiler E031.42",
      "OpenCL 3.0 Adreno(TM) 740", NULL, NULL}},
    {"mali-g610",
     {GPU, 0xa8670000, 4, "ARM Platform", "ARM", "Mali-G610 r0p0", "3.0", "OpenCL 3.0 v1.g13p0",
      NULL, NULL}},
    {"m1", {GPU, 0x1027f00, 8, "Apple", "Apple", "Apple M1", "1.2 1.0", "OpenCL 1.2", NULL, NULL}},
    {"mtt",
     {GPU, 0x1ed5, 32, "Moore Threads OpenCL", "Moore Threads", "MUSA GEN1-104", "20241010",
      "OpenCL 3.0", NULL, NULL}},
    {"alderlake",
     {CPU, 0x8086, 32, POCL, "GenuineIntel", "cpu-alderlake-13th Gen Intel(R) Core(TM) i9-13900K",
      "6.0", "OpenCL 3.0 PoCL", NULL, NULL}},
    {"zen3",
     {CPU, 0x8086, 128, POCL, "AuthenticAMD", "cpu-znver3-AMD EPYC 7763 64-Core Processor", "6.0",
      "OpenCL 3.0 PoCL", NULL, NULL}},
};

enum { KNOWN_COUNT = sizeof known / sizeof *known };

static AlisaTuneEntry entries[KNOWN_COUNT];

static inline int make_entries(void **state) {
    (void)state;
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        entries[i] = (AlisaTuneEntry){.key = key_of(&known[i].words), .date = "2026-01-31"};
        copy(entries[i].name, sizeof entries[i].name, known[i].name);
    }
    return 0;
}

static inline const char *chosen_name(const AlisaTuneKey *key, AlisaTuningMatch *match) {
    size_t chosen = alisa_tuner_store_choose(key, entries, KNOWN_COUNT, match);
    return chosen < KNOWN_COUNT ? entries[chosen].name : "nothing";
}

static inline void expect(const AlisaTuneKey *key, AlisaTuningMatch match, const char *name) {
    AlisaTuningMatch found;
    const char *chosen = chosen_name(key, &found);
    if (found == match && strcmp(chosen, name) == 0) return;
    fail_msg("'%s' of '%s' (%s) takes '%s', %s; expected '%s', %s", key->device, key->platform,
             key->architecture, chosen, alisa_tuning_match_name(found), name,
             alisa_tuning_match_name(match));
}

#endif
