/* SPDX-License-Identifier: Apache-2.0 */
#include "device/kernel.h"

#include <stdlib.h>
#include <string.h>

#include "device/internal.h"

const char *alisa_opencl_language(const AlisaDevice *device, uint32_t capabilities) {
    uint8_t latest = 0;
    for (uint32_t bit = 0; bit < ALISA_CAPABILITIES; bit++) {
        uint8_t language = device->candidate.languages[bit];
        if (capabilities >> bit & 1 && language > latest && language < ALISA_PROGRAM_LANGUAGES)
            latest = language;
    }
    return alisa_program_languages[latest];
}

static AlisaStatus create_kernel(AlisaDevice *device, AlisaProgram *program, const char *name,
                                 AlisaKernel **kernel, AlisaError *error) {
    size_t name_size = strlen(name) + 1;
    AlisaKernel *made = alisa_allocate_zeroed(1, sizeof *made + name_size, name, error);
    if (!made) return ALISA_ERROR_MEMORY;
    cl_int code;
    made->kernel = clCreateKernel(program->program, name, &code);
    if (!made->kernel) {
        free(made);
        return alisa_opencl_fail(error, code, "clCreateKernel", "kernel %s (%s)", name,
                                 program->file);
    }
    if (clGetKernelWorkGroupInfo(made->kernel, device->candidate.id, CL_KERNEL_WORK_GROUP_SIZE,
                                 sizeof made->max_group, &made->max_group, NULL) != CL_SUCCESS) {
        made->max_group = (size_t)device->candidate.info.max_work_group;
    }
    memcpy(made->name, name, name_size);
    made->device = device;
    made->program = program;
    made->next = program->kernels;
    program->kernels = made;
    *kernel = made;
    return ALISA_OK;
}

AlisaStatus alisa_kernel_get(AlisaDevice *device, const char *file, const char *name,
                             const char *options, AlisaKernel **kernel, AlisaError *error) {
    *kernel = NULL;
    AlisaProgram *program;
    AlisaStatus status = alisa_program_get(device, file, options ? options : "", &program, error);
    if (!program) return status;
    for (AlisaKernel *known = program->kernels; known; known = known->next) {
        if (strcmp(known->name, name) == 0) {
            *kernel = known;
            return ALISA_OK;
        }
    }
    status = create_kernel(device, program, name, kernel, error);
    if (status == ALISA_OK || !program->from_cache || program->kernels) return status;
    /* Some drivers take a binary and refuse it here only. */
    status = alisa_program_rebuild(device, program, error);
    if (status != ALISA_OK) return status;
    return create_kernel(device, program, name, kernel, error);
}

size_t alisa_kernel_max_group(const AlisaKernel *kernel) {
    return kernel->max_group;
}

static AlisaStatus check_launch(const AlisaKernel *kernel, const AlisaLaunch *launch,
                                AlisaError *error) {
    const size_t *global = launch->global, *local = launch->local;
    if (local[0] == 0 && local[1] == 0 && local[2] == 0) return ALISA_OK;
    size_t group = 1;
    for (int i = 0; i < 3; i++) {
        if (local[i] == 0 || global[i] % local[i] != 0) {
            return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                                   "kernel %s (%s): %zu x %zu x %zu work-items cannot be cut into "
                                   "groups of %zu x %zu x %zu",
                                   kernel->name, kernel->program->file, global[0], global[1],
                                   global[2], local[0], local[1], local[2]);
        }
        group *= local[i];
    }
    if (group <= kernel->max_group) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "kernel %s (%s): a group of %zu x %zu x %zu work-items is larger than "
                           "the %zu that %s allows this kernel",
                           kernel->name, kernel->program->file, local[0], local[1], local[2],
                           kernel->max_group, kernel->device->candidate.info.name);
}

static AlisaStatus set_arguments(AlisaKernel *kernel, const AlisaArgument *arguments,
                                 size_t argument_count, AlisaError *error) {
    for (size_t i = 0; i < argument_count; i++) {
        const AlisaArgument *argument = &arguments[i];
        cl_int code = argument->buffer ? clSetKernelArg(kernel->kernel, (cl_uint)i, sizeof(cl_mem),
                                                        &argument->buffer->memory)
                                       : clSetKernelArg(kernel->kernel, (cl_uint)i, argument->size,
                                                        argument->value);
        if (code != CL_SUCCESS) {
            return alisa_opencl_fail(error, code, "clSetKernelArg", "kernel %s (%s), argument %zu",
                                     kernel->name, kernel->program->file, i);
        }
    }
    return ALISA_OK;
}

AlisaStatus alisa_kernel_launch(AlisaKernel *kernel, const AlisaLaunch *launch,
                                const AlisaArgument *arguments, size_t argument_count,
                                AlisaError *error) {
    const size_t *global = launch->global, *local = launch->local;
    if (global[0] == 0 || global[1] == 0 || global[2] == 0) return ALISA_OK;
    AlisaStatus status = check_launch(kernel, launch, error);
    if (status == ALISA_OK) status = set_arguments(kernel, arguments, argument_count, error);
    if (status != ALISA_OK) return status;

    AlisaDevice *device = kernel->device;
    cl_int code = clEnqueueNDRangeKernel(device->queue, kernel->kernel, 3, NULL, global,
                                         local[0] ? local : NULL, 0, NULL, NULL);
    if (code != CL_SUCCESS) {
        return alisa_opencl_fail(error, code, "clEnqueueNDRangeKernel", "kernel %s (%s) on %s",
                                 kernel->name, kernel->program->file, device->candidate.info.name);
    }
    alisa_program_note_launch(kernel, local);
    return ALISA_OK;
}
