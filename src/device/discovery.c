/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ICD loader offers. Every query may fail on some driver: a missing string is empty, a
 * missing number makes the device unusable with its reason, and a platform that fails gives no
 * devices.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/internal.h"

/* The floor the kernels are written for. OpenCL 1.2 promises 32 KiB of local memory; half of it is
 * asked for, so that drivers that keep some for themselves are not refused. */
#define MINIMUM_LOCAL_MEMORY (16u << 10)
#define MINIMUM_WORK_GROUP   64

#define INSTALL_ADVICE                                                                             \
    "install the OpenCL driver of your GPU, or PoCL to run on the CPU (on Debian and Ubuntu: "     \
    "apt install pocl-opencl-icd), and see what clinfo shows"

static AlisaDeviceType device_type(cl_device_id id) {
    uint64_t type = alisa_opencl_device_number(id, CL_DEVICE_TYPE, 0);
    if (type & CL_DEVICE_TYPE_GPU) return ALISA_DEVICE_GPU;
    if (type & CL_DEVICE_TYPE_ACCELERATOR) return ALISA_DEVICE_ACCELERATOR;
    if (type & CL_DEVICE_TYPE_CPU) return ALISA_DEVICE_CPU;
    return ALISA_DEVICE_OTHER;
}

/* "OpenCL 1.2 pocl" and "OpenCL C 1.2 pocl" give 12; 0 for text of another form. */
static unsigned version_of(const char *text) {
    unsigned major, minor;
    if (sscanf(text, "OpenCL %u.%u", &major, &minor) != 2 &&
        sscanf(text, "OpenCL C %u.%u", &major, &minor) != 2) {
        return 0;
    }
    return major * 10 + minor;
}

/* Writes why the device cannot be used to info->reason; leaves it empty where it can. */
static void judge(cl_device_id id, AlisaDeviceInfo *info) {
    char *reason = info->reason;
    size_t capacity = sizeof info->reason;
    if (!alisa_opencl_device_number(id, CL_DEVICE_AVAILABLE, 0)) {
        snprintf(reason, capacity, "the driver says that the device is not available");
    } else if (!alisa_opencl_device_number(id, CL_DEVICE_COMPILER_AVAILABLE, 0)) {
        snprintf(reason, capacity, "the driver has no compiler for OpenCL C");
    } else if (!alisa_opencl_device_number(id, CL_DEVICE_ENDIAN_LITTLE, 0)) {
        snprintf(reason, capacity, "the device is big-endian, model files are little-endian");
    } else if (version_of(info->opencl_version) < 12) {
        snprintf(reason, capacity, "OpenCL 1.2 is needed, the device has \"%s\"",
                 info->opencl_version);
    } else if (version_of(info->opencl_c_version) < 12) {
        snprintf(reason, capacity, "OpenCL C 1.2 is needed, the driver's compiler has \"%s\"",
                 info->opencl_c_version);
    } else if (info->local_memory < MINIMUM_LOCAL_MEMORY) {
        snprintf(reason, capacity, "%u bytes of local memory are needed, the device has %llu",
                 MINIMUM_LOCAL_MEMORY, (unsigned long long)info->local_memory);
    } else if (info->max_work_group < MINIMUM_WORK_GROUP) {
        snprintf(reason, capacity, "work-groups of %d are needed, the device allows %llu",
                 MINIMUM_WORK_GROUP, (unsigned long long)info->max_work_group);
    } else if (info->global_memory == 0 || info->max_allocation == 0) {
        snprintf(reason, capacity, "the driver reports no memory");
    }
    info->usable = reason[0] == 0;
}

/* ---- What extensions of the vendors tell --------------------------------------------------- */

/* From the texts of the extensions: not in the headers of every system. */
enum {
    BOARD_NAME_AMD = 0x4038,
    GFXIP_MAJOR_AMD = 0x404a,
    COMPUTE_CAPABILITY_MAJOR_NV = 0x4000,
    COMPUTE_CAPABILITY_MINOR_NV = 0x4001,
    IP_VERSION_INTEL = 0x4250
};

/* The query has the first number of the ISA, the name of the device the whole of it, with settings
 * behind: "gfx906:sramecc+:xnack-". Older drivers have the name of a chip there. */
static void describe_amd(cl_device_id id, AlisaDeviceInfo *info) {
    alisa_opencl_device_string(id, BOARD_NAME_AMD, info->board, sizeof info->board);
    char start[32];
    uint64_t major = alisa_opencl_device_number(id, GFXIP_MAJOR_AMD, 0);
    snprintf(start, sizeof start, "gfx%u", (unsigned)major);
    if (major == 0 || strncmp(info->name, start, strlen(start)) != 0) return;
    snprintf(info->architecture, sizeof info->architecture, "%.*s", (int)strcspn(info->name, ":+ "),
             info->name);
}

static void describe_nvidia(cl_device_id id, AlisaDeviceInfo *info) {
    uint64_t major = alisa_opencl_device_number(id, COMPUTE_CAPABILITY_MAJOR_NV, 0);
    uint64_t minor = alisa_opencl_device_number(id, COMPUTE_CAPABILITY_MINOR_NV, 0);
    if (major == 0) return;
    snprintf(info->architecture, sizeof info->architecture, "sm_%u%u", (unsigned)major,
             (unsigned)minor);
}

/* Architecture and release, from bits 22 and 14 on; in drivers before 2023 from 16 and 8 on. */
static void describe_intel(cl_device_id id, AlisaDeviceInfo *info) {
    uint32_t version = (uint32_t)alisa_opencl_device_number(id, IP_VERSION_INTEL, 0);
    if (version == 0) return;
    bool old = version >> 22 == 0;
    unsigned architecture = version >> (old ? 16 : 22);
    unsigned release = version >> (old ? 8 : 14) & 0xff;
    snprintf(info->architecture, sizeof info->architecture, "ip_%u.%u", architecture, release);
}

static const struct {
    const char *extension;
    void (*describe)(cl_device_id id, AlisaDeviceInfo *info);
} attribute_queries[] = {
    {"cl_amd_device_attribute_query", describe_amd},
    {"cl_nv_device_attribute_query", describe_nvidia},
    {"cl_intel_device_attribute_query", describe_intel},
};

static void describe_attributes(cl_device_id id, AlisaDeviceInfo *info) {
    for (size_t i = 0; i < sizeof attribute_queries / sizeof *attribute_queries; i++) {
        if (!alisa_opencl_has_extension(id, attribute_queries[i].extension)) continue;
        attribute_queries[i].describe(id, info);
    }
}

static void describe(AlisaCandidate *candidate) {
    cl_device_id id = candidate->id;
    AlisaDeviceInfo *info = &candidate->info;
    alisa_opencl_platform_string(candidate->platform, CL_PLATFORM_NAME, info->platform,
                                 sizeof info->platform);
    alisa_opencl_platform_string(candidate->platform, CL_PLATFORM_VERSION,
                                 candidate->platform_version, sizeof candidate->platform_version);
    alisa_opencl_device_string(id, CL_DEVICE_NAME, info->name, sizeof info->name);
    alisa_opencl_device_string(id, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    alisa_opencl_device_string(id, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    alisa_opencl_device_string(id, CL_DEVICE_VERSION, info->opencl_version,
                               sizeof info->opencl_version);
    alisa_opencl_device_string(id, CL_DEVICE_OPENCL_C_VERSION, info->opencl_c_version,
                               sizeof info->opencl_c_version);
    info->type = device_type(id);
    info->vendor_id = (uint32_t)alisa_opencl_device_number(id, CL_DEVICE_VENDOR_ID, 0);
    info->compute_units = (uint32_t)alisa_opencl_device_number(id, CL_DEVICE_MAX_COMPUTE_UNITS, 0);
    info->clock_mhz = (uint32_t)alisa_opencl_device_number(id, CL_DEVICE_MAX_CLOCK_FREQUENCY, 0);
    info->global_memory = alisa_opencl_device_number(id, CL_DEVICE_GLOBAL_MEM_SIZE, 0);
    info->max_allocation = alisa_opencl_device_number(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, 0);
    info->local_memory = alisa_opencl_device_number(id, CL_DEVICE_LOCAL_MEM_SIZE, 0);
    info->max_work_group = alisa_opencl_device_number(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, 0);
    info->native_floats =
        (uint32_t)alisa_opencl_device_number(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, 0);
    uint64_t queue = alisa_opencl_device_number(id, CL_DEVICE_QUEUE_PROPERTIES, 0);
    if (queue & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) {
        info->capabilities |= ALISA_CAPABILITY_OUT_OF_ORDER;
    }
    if (alisa_opencl_device_number(id, CL_DEVICE_HOST_UNIFIED_MEMORY, 0)) {
        info->capabilities |= ALISA_CAPABILITY_UNIFIED_MEMORY;
    }
    describe_attributes(id, info);
    judge(id, info);
}

static AlisaStatus fail_without_device(const cl_platform_id *platforms, cl_uint count,
                                       AlisaError *error) {
    char names[512] = "";
    for (cl_uint i = 0; i < count; i++) {
        char name[128];
        alisa_opencl_platform_string(platforms[i], CL_PLATFORM_NAME, name, sizeof name);
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                 name[0] ? name : "(unnamed)");
    }
    return alisa_error_set(error, ALISA_ERROR_NO_DEVICE,
                           "No OpenCL device was found: the installed platforms (%s) have none; "
                           "check that the device is present and that you may use it, or %s",
                           names, INSTALL_ADVICE);
}

/* Adds the devices of a platform to the list. */
static AlisaStatus scan_platform(cl_platform_id platform, AlisaCandidate **list, size_t *used,
                                 AlisaError *error) {
    cl_uint count = 0;
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count) != CL_SUCCESS || count == 0)
        return ALISA_OK;
    cl_device_id *ids = alisa_allocate(count, sizeof(void *), "device list", error);
    if (!ids) return ALISA_ERROR_MEMORY;
    AlisaCandidate *larger = realloc(*list, (*used + count) * sizeof *larger);
    if (!larger) {
        free(ids);
        return alisa_error_set(error, ALISA_ERROR_MEMORY,
                               "device list: cannot allocate host memory");
    }
    *list = larger;
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids, NULL) != CL_SUCCESS) count = 0;
    for (cl_uint i = 0; i < count; i++, ++*used) {
        AlisaCandidate *candidate = &larger[*used];
        *candidate = (AlisaCandidate){.platform = platform, .id = ids[i]};
        candidate->info.index = (uint32_t)*used;
        describe(candidate);
    }
    free(ids);
    return ALISA_OK;
}

AlisaStatus alisa_discovery_scan(AlisaCandidate **candidates, size_t *count, AlisaError *error) {
    *candidates = NULL;
    *count = 0;
    cl_uint platform_count = 0;
    cl_int code = clGetPlatformIDs(0, NULL, &platform_count);
    if (code != CL_SUCCESS || platform_count == 0) {
        return alisa_error_set(error, ALISA_ERROR_NO_DEVICE,
                               "No OpenCL driver is installed (clGetPlatformIDs: %s): %s",
                               code ? alisa_opencl_code_name(code) : "no platform", INSTALL_ADVICE);
    }
    cl_platform_id *platforms =
        alisa_allocate(platform_count, sizeof(void *), "platform list", error);
    if (!platforms) return ALISA_ERROR_MEMORY;
    AlisaStatus status = ALISA_OK;
    code = clGetPlatformIDs(platform_count, platforms, NULL);
    if (code != CL_SUCCESS)
        status = alisa_opencl_fail(error, code, "clGetPlatformIDs", "%u platforms", platform_count);
    for (cl_uint i = 0; i < platform_count && status == ALISA_OK; i++)
        status = scan_platform(platforms[i], candidates, count, error);
    if (status == ALISA_OK && *count == 0)
        status = fail_without_device(platforms, platform_count, error);
    free(platforms);
    if (status != ALISA_OK) {
        free(*candidates);
        *candidates = NULL;
        *count = 0;
    }
    return status;
}

void alisa_discovery_identity(const AlisaCandidate *candidate, char *text, size_t capacity) {
    const AlisaDeviceInfo *info = &candidate->info;
    snprintf(text, capacity, "platform %s\nplatform version %s\ndevice %s\nvendor %s\ndriver %s\n",
             info->platform, candidate->platform_version, info->name, info->vendor, info->driver);
}
