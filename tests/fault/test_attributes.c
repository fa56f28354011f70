/* SPDX-License-Identifier: Apache-2.0 */
/* What extensions of the vendors tell of a device, from drivers that are not here: the queries of
 * discovery are answered by the tables below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/device.h"
#include "device/internal.h"

enum {
    BOARD_AMD = 0x4038,
    GFXIP_MAJOR_AMD = 0x404a,
    MAJOR_NV = 0x4000,
    MINOR_NV = 0x4001,
    IP_VERSION_INTEL = 0x4250
};

typedef struct FakeDevice {
    const char *name, *extensions;
    const char *board; /* NULL: the query fails */
    struct {
        cl_device_info property;
        cl_uint value;
    } numbers[2];
    const char *expected_board, *expected_architecture;
} FakeDevice;

static const FakeDevice devices[] = {
    {"gfx1100",
     "cl_khr_fp16 cl_amd_device_attribute_query",
     "AMD Radeon RX 7900 XTX",
     {{GFXIP_MAJOR_AMD, 11}},
     "AMD Radeon RX 7900 XTX",
     "gfx1100"},
    {"gfx90a:sramecc+:xnack-",
     "cl_amd_device_attribute_query cl_khr_fp16",
     " Instinct MI250X ",
     {{GFXIP_MAJOR_AMD, 9}},
     "Instinct MI250X",
     "gfx90a"},
    {"gfx906+sram-ecc", "cl_amd_device_attribute_query", "", {{GFXIP_MAJOR_AMD, 9}}, "", "gfx906"},
    /* The name of a chip, an ISA that the query denies, a query that fails: not known. */
    {"Ellesmere",
     "cl_amd_device_attribute_query",
     "Radeon RX 580",
     {{GFXIP_MAJOR_AMD, 8}},
     "Radeon RX 580",
     ""},
    {"gfx1030", "cl_amd_device_attribute_query", NULL, {{GFXIP_MAJOR_AMD, 11}}, "", ""},
    {"gfx1030", "cl_amd_device_attribute_query", NULL, {{0, 0}}, "", ""},
    /* Without the extension nothing is asked, whatever would be answered. */
    {"gfx1030", "cl_khr_fp16", "no", {{GFXIP_MAJOR_AMD, 10}}, "", ""},
    {"NVIDIA GeForce RTX 3080", "cl_khr_icd", NULL, {{MAJOR_NV, 8}, {MINOR_NV, 6}}, "", ""},
    {"gfx1030",
     "xcl_amd_device_attribute_query cl_amd_device_attribute_query2",
     "no",
     {{GFXIP_MAJOR_AMD, 10}},
     "",
     ""},
    {"NVIDIA GeForce RTX 3080",
     "cl_nv_device_attribute_query",
     NULL,
     {{MAJOR_NV, 8}, {MINOR_NV, 6}},
     "",
     "sm_86"},
    {"NVIDIA H100",
     "cl_nv_device_attribute_query",
     NULL,
     {{MAJOR_NV, 9}, {MINOR_NV, 0}},
     "",
     "sm_90"},
    {"NVIDIA GeForce RTX 5090",
     "cl_nv_device_attribute_query",
     NULL,
     {{MAJOR_NV, 12}, {MINOR_NV, 0}},
     "",
     "sm_120"},
    /* 12.55.8 as drivers of today have it, 12.0.1 as those of 2021, and a CPU that has none. */
    {"Intel(R) Arc(TM) A770 Graphics",
     "cl_intel_device_attribute_query",
     NULL,
     {{IP_VERSION_INTEL, 12u << 22 | 55 << 14 | 8}},
     "",
     "ip_12.55"},
    {"Intel(R) Iris(R) Xe Graphics",
     "cl_intel_device_attribute_query",
     NULL,
     {{IP_VERSION_INTEL, 12u << 16 | 0 << 8 | 1}},
     "",
     "ip_12.0"},
    {"Intel(R) Xeon(R)", "cl_intel_device_attribute_query", NULL, {{IP_VERSION_INTEL, 0}}, "", ""},
};

enum { DEVICE_COUNT = sizeof devices / sizeof *devices };

static cl_int answer(const void *value, size_t value_size, size_t size, void *to, size_t *needed) {
    if (needed) *needed = value_size;
    if (!to) return CL_SUCCESS;
    if (size < value_size) return CL_INVALID_VALUE;
    memcpy(to, value, value_size);
    return CL_SUCCESS;
}

static cl_int answer_text(const char *text, size_t size, void *to, size_t *needed) {
    return answer(text, strlen(text) + 1, size, to, needed);
}

cl_int __wrap_clGetPlatformIDs(cl_uint capacity, cl_platform_id *platforms, cl_uint *count);
cl_int __wrap_clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint capacity,
                             cl_device_id *ids, cl_uint *count);
cl_int __wrap_clGetPlatformInfo(cl_platform_id platform, cl_platform_info property, size_t size,
                                void *value, size_t *needed);
cl_int __wrap_clGetDeviceInfo(cl_device_id id, cl_device_info property, size_t size, void *value,
                              size_t *needed);

cl_int __wrap_clGetPlatformIDs(cl_uint capacity, cl_platform_id *platforms, cl_uint *count) {
    (void)capacity;
    if (platforms) platforms[0] = (cl_platform_id)(void *)devices;
    if (count) *count = 1;
    return CL_SUCCESS;
}

cl_int __wrap_clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint capacity,
                             cl_device_id *ids, cl_uint *count) {
    (void)platform;
    (void)type;
    (void)capacity;
    for (size_t i = 0; ids && i < DEVICE_COUNT; i++)
        ids[i] = (cl_device_id)(void *)&devices[i];
    if (count) *count = DEVICE_COUNT;
    return CL_SUCCESS;
}

cl_int __wrap_clGetPlatformInfo(cl_platform_id platform, cl_platform_info property, size_t size,
                                void *value, size_t *needed) {
    (void)platform;
    (void)property;
    return answer_text("Platform", size, value, needed);
}

cl_int __wrap_clGetDeviceInfo(cl_device_id id, cl_device_info property, size_t size, void *value,
                              size_t *needed) {
    const FakeDevice *device = (const FakeDevice *)(void *)id;
    switch (property) {
    case CL_DEVICE_NAME:
        return answer_text(device->name, size, value, needed);
    case CL_DEVICE_EXTENSIONS:
        return answer_text(device->extensions, size, value, needed);
    case BOARD_AMD:
        if (!device->board) return CL_INVALID_VALUE;
        return answer_text(device->board, size, value, needed);
    default:
        for (size_t i = 0; i < 2; i++) {
            if (device->numbers[i].property != property) continue;
            return answer(&device->numbers[i].value, sizeof(cl_uint), size, value, needed);
        }
        return CL_INVALID_VALUE;
    }
}

static void test_boards_and_architectures(void **state) {
    (void)state;
    AlisaCandidate *candidates;
    size_t count;
    AlisaError error = {0};
    if (alisa_discovery_scan(&candidates, &count, &error) != ALISA_OK)
        fail_msg("%s", error.message);
    assert_int_equal(count, DEVICE_COUNT);
    for (size_t i = 0; i < count; i++) {
        const AlisaDeviceInfo *info = &candidates[i].info;
        if (strcmp(info->board, devices[i].expected_board) == 0 &&
            strcmp(info->architecture, devices[i].expected_architecture) == 0) {
            continue;
        }
        fail_msg("device %zu, %s: board '%s', architecture '%s'", i, info->name, info->board,
                 info->architecture);
    }
    free(candidates);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_boards_and_architectures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
