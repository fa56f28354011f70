/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device can do beyond OpenCL 1.2 C. A driver must name the extension, or be one for
 * processors, then compile a kernel that uses it and run that kernel with the right results; the
 * outcome is remembered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "device/internal.h"
#include "device/source.h"

#define ITEMS 32 /* one work-group; some drivers allow some kernels no more */

/* A kernel trial(__global const float *in, __global float *out), one work-item an element. */
typedef struct Trial {
    uint32_t capability;
    const char *file;
    const char *extensions[2]; /* one of them is enough; none: for processors */
    float (*expected)(float in);
} Trial;

static float expect_fp16(float in) {
    return in * 1.5f - 2.0f; /* exact in half for the inputs used */
}

static float expect_fp64(float in) {
    return in;
}

static float expect_subgroups(float in) {
    return in;
}

static float expect_ptx(float in) {
    return in;
}

static float expect_dot(float in) {
    return in + (100 + 1 * 5 + -2 * 6 + 3 * -7 + -128 * 8);
}

static float expect_vnni(float in) {
    return in + (255 * -128 + 200 * 127 + 3 * -7 + 1 * 5);
}

static const Trial trials[] = {
    {ALISA_CAPABILITY_FP16, "trial/fp16.cl", {"cl_khr_fp16"}, expect_fp16},
    {ALISA_CAPABILITY_FP64, "trial/fp64.cl", {"cl_khr_fp64"}, expect_fp64},
    {ALISA_CAPABILITY_SUBGROUPS,
     "trial/subgroups.cl",
     {"cl_khr_subgroups", "cl_intel_subgroups"},
     expect_subgroups},
    {ALISA_CAPABILITY_INT_DOT, "trial/int_dot.cl", {"cl_khr_integer_dot_product"}, expect_dot},
    /* These extensions say no more than whose compiler it is: one that may know AMD's builtins, one
     * that may know PTX. */
    {ALISA_CAPABILITY_AMD_DOT, "trial/amd_dot.cl", {"cl_amd_device_attribute_query"}, expect_dot},
    {ALISA_CAPABILITY_PTX, "trial/ptx.cl", {"cl_nv_compiler_options"}, expect_ptx},
    {ALISA_CAPABILITY_PTX_DOT, "trial/ptx_dot.cl", {"cl_nv_compiler_options"}, expect_dot},
    {ALISA_CAPABILITY_VNNI, "trial/vnni.cl", {NULL}, expect_vnni},
};
#define TRIAL_COUNT (sizeof trials / sizeof *trials)

static bool promised(const Trial *trial, const AlisaDeviceInfo *info, const char *extensions) {
    if (!trial->extensions[0]) return info->type == ALISA_DEVICE_CPU;
    for (size_t i = 0; i < 2; i++) {
        const char *name = trial->extensions[i];
        if (name && alisa_opencl_lists_extension(extensions, name)) return true;
    }
    return false;
}

static AlisaStatus run_trial(AlisaDevice *device, const Trial *trial, const char *options,
                             AlisaError *error) {
    AlisaKernel *kernel;
    AlisaBuffer in = {0}, out = {0};
    float values[ITEMS], results[ITEMS] = {0};
    for (int i = 0; i < ITEMS; i++)
        values[i] = (float)(i + 1);
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&in), ALISA_ARG_BUFFER(&out)};
    const AlisaLaunch launch = {{ITEMS, 1, 1}, {ITEMS, 1, 1}};
    AlisaStatus status = alisa_kernel_get(device, trial->file, "trial", options, &kernel, error);
    if (status != ALISA_OK) return status;
    status =
        alisa_buffer_create(device, sizeof values, ALISA_BUFFER_READ_ONLY, "trial", &in, error);
    if (status != ALISA_OK) goto done;
    status =
        alisa_buffer_create(device, sizeof results, ALISA_BUFFER_READ_WRITE, "trial", &out, error);
    if (status != ALISA_OK) goto done;
    status = alisa_buffer_write(device, &in, 0, values, sizeof values, error);
    if (status != ALISA_OK) goto done;
    /* What the kernel leaves out must not hold the results of an earlier one. */
    status = alisa_buffer_write(device, &out, 0, results, sizeof results, error);
    if (status != ALISA_OK) goto done;
    status = alisa_kernel_launch(kernel, &launch, arguments, 2, error);
    if (status != ALISA_OK) goto done;
    status = alisa_buffer_read(device, &out, 0, results, sizeof results, error);
    for (int i = 0; i < ITEMS && status == ALISA_OK; i++) {
        if (results[i] != trial->expected(values[i])) {
            status =
                alisa_error_set(error, ALISA_ERROR_DEVICE, "%s gives %g instead of %g", trial->file,
                                (double)results[i], (double)trial->expected(values[i]));
        }
    }
done:
    alisa_buffer_destroy(&in);
    alisa_buffer_destroy(&out);
    return status;
}

/* The first language in which the trial passes; ALISA_PROGRAM_LANGUAGES: in none. */
static uint32_t find_language(AlisaDevice *device, const Trial *trial) {
    uint32_t i = 0;
    for (; i < ALISA_PROGRAM_LANGUAGES; i++) {
        AlisaError refusal = {0};
        if (run_trial(device, trial, alisa_program_languages[i], &refusal) == ALISA_OK) break;
        alisa_log_write(&device->log, ALISA_LOG_DEBUG, "capability not confirmed: %s",
                        refusal.message);
    }
    return i;
}

/* What the trials of a device said; as it is in the cache. */
typedef struct Found {
    uint32_t capabilities;
    uint8_t languages[ALISA_CAPABILITIES]; /* of each bit */
} Found;

/* On a device of its own, so that a driver that fails a trial keeps nothing of it. */
static AlisaStatus run_trials(const AlisaCandidate *candidate, const char *extensions,
                              const AlisaLog *log, Found *found, AlisaError *error) {
    AlisaDevice *device;
    AlisaStatus status = alisa_opencl_open_bare(candidate, "", log, &device, error);
    if (status != ALISA_OK) return status;
    for (size_t i = 0; i < TRIAL_COUNT; i++) {
        if (!promised(&trials[i], &candidate->info, extensions)) continue;
        uint32_t language = find_language(device, &trials[i]);
        if (language == ALISA_PROGRAM_LANGUAGES) continue;
        found->capabilities |= trials[i].capability;
        for (uint32_t bit = 0; bit < ALISA_CAPABILITIES; bit++)
            if (trials[i].capability >> bit & 1) found->languages[bit] = (uint8_t)language;
    }
    alisa_opencl_close(device);
    return ALISA_OK;
}

/* What the outcome depends on: device, driver, the promised extensions, the trial kernels. */
static AlisaStatus format_key(const AlisaCandidate *candidate, const char *extensions, char *key,
                              size_t capacity, AlisaError *error) {
    char hash[ALISA_CACHE_HASH_SIZE];
    alisa_discovery_identity(candidate, key, capacity);
    alisa_cache_hash(extensions, strlen(extensions), hash);
    size_t used = strlen(key);
    snprintf(key + used, capacity - used, "extensions %s\n", hash);
    for (size_t i = 0; i < TRIAL_COUNT; i++) {
        char *text;
        size_t size;
        AlisaStatus status = alisa_source_resolve(trials[i].file, &text, &size, error);
        if (status != ALISA_OK) return status;
        alisa_cache_hash(text, size, hash);
        free(text);
        used = strlen(key);
        snprintf(key + used, capacity - used, "trial %s\n", hash);
    }
    return ALISA_OK;
}

AlisaStatus alisa_capability_find(AlisaCandidate *candidate, AlisaCache *cache, AlisaError *error) {
    const size_t capacity = ALISA_OPENCL_EXTENSIONS_SIZE;
    char *extensions = alisa_allocate(1, capacity, "extension list", error);
    if (!extensions) return ALISA_ERROR_MEMORY;
    alisa_opencl_device_string(candidate->id, CL_DEVICE_EXTENSIONS, extensions, capacity);
    char key[2048];
    Found found = {0};
    uint8_t *record = NULL;
    size_t size;
    AlisaStatus status = format_key(candidate, extensions, key, sizeof key, error);
    if (status != ALISA_OK) goto done;
    if (alisa_cache_read(cache, "trial", key, &record, &size) && size == sizeof found) {
        memcpy(&found, record, sizeof found);
    } else {
        status = run_trials(candidate, extensions, &cache->log, &found, error);
        if (status == ALISA_OK) alisa_cache_write(cache, "trial", key, &found, sizeof found);
    }
    candidate->info.capabilities |= found.capabilities;
    memcpy(candidate->languages, found.languages, sizeof found.languages);
done:
    free(record);
    free(extensions);
    return status;
}
