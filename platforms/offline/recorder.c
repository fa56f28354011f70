/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "device/internal.h"

enum { MOST_OPTIONS = 1024, MOST_SIZES = 4 };

/* A kernel of a program; what the modules hold as AlisaKernel. */
typedef struct Kernel {
    struct Kernel *next;
    const char *name;
    size_t sizes[MOST_SIZES][3]; /* of groups */
    unsigned size_count;
} Kernel;

typedef struct Program {
    struct Program *next;
    char *file;
    char *options;
    const char *needs;
    Kernel *kernels;
} Program;

static AlisaDeviceInfo pretended;
static const char *pretended_needs = "";
static bool recording;
static Program *programs, **last_program = &programs;

/* What the linker leaves of the functions that are replaced. */
const AlisaDeviceInfo *__real_alisa_opencl_info(const AlisaDevice *device);
AlisaStatus __real_alisa_kernel_get(AlisaDevice *device, const char *file, const char *name,
                                    const char *options, AlisaKernel **kernel, AlisaError *error);
AlisaStatus __real_alisa_kernel_launch(AlisaKernel *kernel, const AlisaLaunch *launch,
                                       const AlisaArgument *arguments, size_t argument_count,
                                       AlisaError *error);
size_t __real_alisa_kernel_max_group(const AlisaKernel *kernel);

const AlisaDeviceInfo *__wrap_alisa_opencl_info(const AlisaDevice *device);
AlisaStatus __wrap_alisa_kernel_get(AlisaDevice *device, const char *file, const char *name,
                                    const char *options, AlisaKernel **kernel, AlisaError *error);
AlisaStatus __wrap_alisa_kernel_launch(AlisaKernel *kernel, const AlisaLaunch *launch,
                                       const AlisaArgument *arguments, size_t argument_count,
                                       AlisaError *error);
size_t __wrap_alisa_kernel_max_group(const AlisaKernel *kernel);

void recorder_pretend(const AlisaDeviceInfo *info, const char *needs) {
    recording = info != NULL;
    pretended_needs = needs;
    if (info) pretended = *info;
}

/* ---- Noting ---------------------------------------------------------------------------------- */

static void *allocate(size_t size) {
    void *memory = calloc(1, size);
    if (memory) return memory;
    fprintf(stderr, "out of memory\n");
    exit(1);
}

static char *copy(const char *text) {
    size_t size = strlen(text) + 1;
    return memcpy(allocate(size), text, size);
}

static Program *note_program(const char *file, const char *options) {
    for (Program *known = programs; known; known = known->next)
        if (strcmp(known->file, file) == 0 && strcmp(known->options, options) == 0) return known;
    Program *made = allocate(sizeof *made);
    made->file = copy(file);
    made->options = copy(options);
    made->needs = pretended_needs;
    *last_program = made;
    last_program = &made->next;
    return made;
}

static Kernel *note_kernel(Program *program, const char *name) {
    Kernel **at = &program->kernels;
    for (; *at; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0) return *at;
    *at = allocate(sizeof **at);
    (*at)->name = copy(name);
    return *at;
}

static void note_size(Kernel *kernel, const size_t local[3]) {
    for (unsigned i = 0; i < kernel->size_count; i++)
        if (memcmp(kernel->sizes[i], local, sizeof kernel->sizes[i]) == 0) return;
    if (kernel->size_count == MOST_SIZES) {
        fprintf(stderr, "%s is launched in groups of more than %d sizes\n", kernel->name,
                MOST_SIZES);
        exit(1);
    }
    memcpy(kernel->sizes[kernel->size_count++], local, sizeof kernel->sizes[0]);
}

void recorder_add_file(const char *file, const char *options) {
    char all[MOST_OPTIONS];
    alisa_program_options(options, all, sizeof all);
    note_program(file, all);
}

bool recorder_has_file(const char *file) {
    for (const Program *known = programs; known; known = known->next)
        if (strcmp(known->file, file) == 0) return true;
    return false;
}

/* ---- In place of the device's functions --------------------------------------------------------
 */

const AlisaDeviceInfo *__wrap_alisa_opencl_info(const AlisaDevice *device) {
    return recording ? &pretended : __real_alisa_opencl_info(device);
}

AlisaStatus __wrap_alisa_kernel_get(AlisaDevice *device, const char *file, const char *name,
                                    const char *options, AlisaKernel **kernel, AlisaError *error) {
    if (!recording) return __real_alisa_kernel_get(device, file, name, options, kernel, error);
    char all[MOST_OPTIONS];
    size_t length = alisa_program_options(options ? options : "", all, sizeof all);
    if (length >= sizeof all) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "%s: build options of %zu bytes", file,
                               length);
    }
    *kernel = (AlisaKernel *)note_kernel(note_program(file, all), name);
    return ALISA_OK;
}

AlisaStatus __wrap_alisa_kernel_launch(AlisaKernel *kernel, const AlisaLaunch *launch,
                                       const AlisaArgument *arguments, size_t argument_count,
                                       AlisaError *error) {
    if (!recording)
        return __real_alisa_kernel_launch(kernel, launch, arguments, argument_count, error);
    note_size((Kernel *)kernel, launch->local);
    return ALISA_OK;
}

size_t __wrap_alisa_kernel_max_group(const AlisaKernel *kernel) {
    return recording ? (size_t)pretended.max_work_group : __real_alisa_kernel_max_group(kernel);
}

/* ---- Printing -------------------------------------------------------------------------------- */

unsigned recorder_print(void) {
    unsigned never = 0;
    for (const Program *program = programs; program; program = program->next) {
        printf("%s\t%s\t%s", program->file, program->options, program->kernels ? "" : "*");
        const char *separator = "";
        for (const Kernel *kernel = program->kernels; kernel; kernel = kernel->next) {
            if (kernel->size_count == 0) {
                fprintf(stderr, "%s of %s with \"%s\" was asked for and never launched\n",
                        kernel->name, program->file, program->options);
                never++;
            }
            for (unsigned i = 0; i < kernel->size_count; i++) {
                const size_t *size = kernel->sizes[i];
                printf("%s%s:%zux%zux%zu", separator, kernel->name, size[0], size[1], size[2]);
                separator = ",";
            }
        }
        printf("\t%s\n", program->needs);
    }
    return never;
}
