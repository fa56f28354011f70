/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs: built from source or taken from the cache, kept by file and options.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "device/internal.h"
#include "device/source.h"

/* Infinities are used as masks, so no option that lets the compiler assume there are none. */
#define DEFAULT_OPTIONS "-cl-std=CL1.2 -cl-mad-enable"

const char *const alisa_program_languages[ALISA_PROGRAM_LANGUAGES] = {
    "", "-cl-std=CL2.0 -cl-mad-enable", "-cl-std=CL3.0 -cl-mad-enable"};

/* Options are at most so long. */
enum { MOST_OPTIONS = 1024 };

/* Puts the first line that reports an error into `line`, the first line at all if there is none. */
static void first_error_line(const char *build_log, char *line, size_t capacity) {
    const char *chosen = NULL;
    size_t chosen_length = 0;
    for (const char *at = build_log; *at;) {
        size_t length = strcspn(at, "\r\n");
        bool reports = false;
        for (size_t i = 0; i + 5 <= length && !reports; i++) {
            reports = strncmp(at + i, "error", 5) == 0 || strncmp(at + i, "Error", 5) == 0 ||
                      strncmp(at + i, "ERROR", 5) == 0;
        }
        if (length > 0 && (reports || !chosen)) {
            chosen = at;
            chosen_length = length;
        }
        if (reports) break;
        at += length;
        at += strspn(at, "\r\n");
    }
    if (!chosen) {
        chosen = "the driver gives no reason";
        chosen_length = strlen(chosen);
    }
    snprintf(line, capacity, "%.*s", (int)chosen_length, chosen);
}

static AlisaStatus fail_build(AlisaDevice *device, cl_program program, const char *file,
                              const char *options, cl_int code, AlisaError *error) {
    char *build_log = NULL;
    size_t size = 0;
    char line[512];
    cl_device_id id = device->candidate.id;
    clGetProgramBuildInfo(program, id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    build_log = calloc(1, size + 1);
    if (build_log && size) {
        clGetProgramBuildInfo(program, id, CL_PROGRAM_BUILD_LOG, size, build_log, NULL);
    }
    first_error_line(build_log ? build_log : "", line, sizeof line);
    for (char *at = build_log; at && *at;) {
        size_t length = strcspn(at, "\r\n");
        alisa_log_write(&device->log, ALISA_LOG_DEBUG, "%.*s", (int)length, at);
        at += length;
        at += strspn(at, "\r\n");
    }
    free(build_log);
    return alisa_error_set(error, ALISA_ERROR_DEVICE,
                           "%s (driver %s) does not compile %s with \"%s\": clBuildProgram failed "
                           "with %s (%d): %s",
                           device->candidate.info.name, device->candidate.info.driver, file,
                           options, alisa_opencl_code_name(code), (int)code, line);
}

/* -w: PoCL's compiler counts its warnings on standard error, such as those of vectors as arguments
 * on a processor without AVX-512. */
static cl_int build(const AlisaDevice *device, cl_program built, const char *options) {
    char quiet[MOST_OPTIONS + 4];
    snprintf(quiet, sizeof quiet, "-w %s", options);
    return clBuildProgram(built, 1, &device->candidate.id, quiet, NULL, NULL);
}

static AlisaStatus build_from_source(AlisaDevice *device, AlisaProgram *program, const char *text,
                                     size_t size, AlisaError *error) {
    cl_int code;
    cl_program built = clCreateProgramWithSource(device->context, 1, &text, &size, &code);
    if (!built) {
        return alisa_opencl_fail(error, code, "clCreateProgramWithSource", "%s", program->file);
    }
    code = build(device, built, program->options);
    if (code != CL_SUCCESS) {
        AlisaStatus status =
            fail_build(device, built, program->file, program->options, code, error);
        clReleaseProgram(built);
        return status;
    }
    program->program = built;
    program->unsaved = true;
    return ALISA_OK;
}

/* An entry is the variants its binary was saved with, then the binary. Leaves program->program NULL
 * where there is no entry or the driver refuses it. */
static void build_from_cache(AlisaDevice *device, AlisaProgram *program) {
    uint8_t *entry;
    size_t size;
    if (!alisa_cache_read(&device->cache, "program", program->cache_key, &entry, &size)) return;
    uint32_t count = 0;
    if (size >= sizeof count) memcpy(&count, entry, sizeof count);
    size_t header = sizeof count + count * sizeof program->variants[0];
    if (size > sizeof count && count <= ALISA_PROGRAM_VARIANTS && size > header) {
        const unsigned char *binary = entry + header;
        size_t binary_size = size - header;
        cl_int binary_status = CL_SUCCESS, code;
        cl_program built = clCreateProgramWithBinary(device->context, 1, &device->candidate.id,
                                                     &binary_size, &binary, &binary_status, &code);
        if (built && binary_status == CL_SUCCESS) {
            code = build(device, built, program->options);
        }
        if (built && binary_status == CL_SUCCESS && code == CL_SUCCESS) {
            program->program = built;
            program->from_cache = true;
            program->variant_count = count;
            memcpy(program->variants, entry + sizeof count, count * sizeof program->variants[0]);
        } else {
            if (built) clReleaseProgram(built);
            alisa_log_write(&device->log, ALISA_LOG_DEBUG,
                            "%s: the driver refuses the cached binary (%s): compiling",
                            program->file, alisa_opencl_code_name(code ? code : binary_status));
        }
    }
    free(entry);
}

static void destroy_program(AlisaProgram *program) {
    while (program->kernels) {
        AlisaKernel *kernel = program->kernels;
        program->kernels = kernel->next;
        clReleaseKernel(kernel->kernel);
        free(kernel);
    }
    if (program->program) clReleaseProgram(program->program);
    free(program->file);
    free(program->options);
    free(program->cache_key);
    free(program);
}

void alisa_program_destroy_all(AlisaDevice *device) {
    while (device->programs) {
        AlisaProgram *program = device->programs;
        device->programs = program->next;
        destroy_program(program);
    }
}

static char *format_key(const AlisaDevice *device, const AlisaProgram *program, const char *text,
                        size_t size) {
    char hash[ALISA_CACHE_HASH_SIZE];
    alisa_cache_hash(text, size, hash);
    size_t capacity = sizeof device->identity + strlen(program->file) + strlen(program->options) +
                      sizeof hash + 64;
    char *key = malloc(capacity);
    if (key) {
        snprintf(key, capacity, "%sfile %s\noptions %s\nsource %s\n", device->identity,
                 program->file, program->options, hash);
    }
    return key;
}

static AlisaStatus create_program(AlisaDevice *device, const char *file, const char *options,
                                  AlisaProgram **program, AlisaError *error) {
    char *text = NULL;
    size_t size;
    AlisaProgram *made = alisa_allocate_zeroed(1, sizeof *made, "program", error);
    if (!made) return ALISA_ERROR_MEMORY;
    AlisaStatus status = ALISA_ERROR_MEMORY;
    made->file = strdup(file);
    made->options = strdup(options);
    if (!made->file || !made->options) {
        alisa_error_set(error, status, "%s: cannot allocate host memory", file);
        goto fail;
    }
    status = alisa_source_resolve(file, &text, &size, error);
    if (status != ALISA_OK) goto fail;
    if (device->cache.folder) made->cache_key = format_key(device, made, text, size);
    if (made->cache_key) build_from_cache(device, made);
    if (!made->program) {
        status = build_from_source(device, made, text, size, error);
        if (status != ALISA_OK) goto fail;
    }
    free(text);
    *program = made;
    return ALISA_OK;
fail:
    free(text);
    destroy_program(made);
    return status;
}

AlisaStatus alisa_program_rebuild(AlisaDevice *device, AlisaProgram *program, AlisaError *error) {
    char *text;
    size_t size;
    AlisaStatus status = alisa_source_resolve(program->file, &text, &size, error);
    if (status != ALISA_OK) return status;
    cl_program cached = program->program;
    status = build_from_source(device, program, text, size, error);
    free(text);
    if (status != ALISA_OK) return status;
    clReleaseProgram(cached);
    program->from_cache = false;
    program->variant_count = 0;
    return ALISA_OK;
}

size_t alisa_program_options(const char *options, char *all, size_t capacity) {
    bool own_standard = strstr(options, "-cl-std=") != NULL;
    int length = snprintf(all, capacity, "%s%s%s", own_standard ? "" : DEFAULT_OPTIONS,
                          own_standard || !*options ? "" : " ", options);
    return length < 0 ? SIZE_MAX : (size_t)length;
}

AlisaStatus alisa_program_get(AlisaDevice *device, const char *file, const char *options,
                              AlisaProgram **program, AlisaError *error) {
    *program = NULL;
    char all[MOST_OPTIONS];
    size_t length = alisa_program_options(options, all, sizeof all);
    if (length >= sizeof all) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "%s: build options of %zu bytes", file,
                               length);
    }
    for (AlisaProgram *known = device->programs; known; known = known->next) {
        if (strcmp(known->file, file) == 0 && strcmp(known->options, all) == 0) {
            *program = known;
            return ALISA_OK;
        }
    }
    AlisaProgram *made = NULL;
    AlisaStatus status = create_program(device, file, all, &made, error);
    if (!made) return status;
    made->next = device->programs;
    device->programs = *program = made;
    return ALISA_OK;
}

static uint64_t variant_of(const char *kernel, const size_t local[3]) {
    return XXH3_64bits_withSeed(local, 3 * sizeof local[0], XXH3_64bits(kernel, strlen(kernel)));
}

void alisa_program_note_launch(AlisaKernel *kernel, const size_t local[3]) {
    if (kernel->launched && memcmp(kernel->last_local, local, sizeof kernel->last_local) == 0) {
        return;
    }
    kernel->launched = true;
    memcpy(kernel->last_local, local, sizeof kernel->last_local);
    AlisaProgram *program = kernel->program;
    uint64_t variant = variant_of(kernel->name, local);
    for (uint32_t i = 0; i < program->variant_count; i++) {
        if (program->variants[i] == variant) return;
    }
    if (program->variant_count == ALISA_PROGRAM_VARIANTS) return;
    program->variants[program->variant_count++] = variant;
    program->unsaved = true;
}

static void save_program(AlisaDevice *device, AlisaProgram *program) {
    size_t binary_size = 0;
    cl_int code = clGetProgramInfo(program->program, CL_PROGRAM_BINARY_SIZES, sizeof binary_size,
                                   &binary_size, NULL);
    uint32_t count = program->variant_count;
    size_t header = sizeof count + count * sizeof program->variants[0];
    uint8_t *entry = code == CL_SUCCESS && binary_size ? malloc(header + binary_size) : NULL;
    if (entry) {
        memcpy(entry, &count, sizeof count);
        memcpy(entry + sizeof count, program->variants, count * sizeof program->variants[0]);
        unsigned char *binary = entry + header;
        code =
            clGetProgramInfo(program->program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL);
    }
    if (entry && code == CL_SUCCESS) {
        alisa_cache_write(&device->cache, "program", program->cache_key, entry,
                          header + binary_size);
    } else {
        alisa_log_write(&device->log, ALISA_LOG_DEBUG, "%s: the driver gives no binary (%s)",
                        program->file, alisa_opencl_code_name(code));
    }
    free(entry);
}

void alisa_opencl_save_programs(AlisaDevice *device) {
    for (AlisaProgram *program = device->programs; program; program = program->next) {
        if (!program->unsaved || !program->cache_key) continue;
        program->unsaved = false;
        save_program(device, program);
    }
}
