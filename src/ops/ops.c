/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "ops/ops_internal.h"

AlisaStatus alisa_ops_create(AlisaDevice *device, const AlisaOpsParameters *parameters,
                             AlisaOps **ops, AlisaError *error) {
    *ops = NULL;
    AlisaOps *created = alisa_allocate_zeroed(1, sizeof *created, "operations", error);
    if (!created) return ALISA_ERROR_MEMORY;
    created->device = device;
    if (parameters) {
        created->parameters = *parameters;
    } else {
        alisa_ops_parameters_defaults(alisa_opencl_info(device), &created->parameters);
    }
    AlisaStatus status = alisa_ops_clblast_create(created, error);
    if (status == ALISA_OK) status = alisa_ops_rounded_create(created, error);
    if (status != ALISA_OK) {
        alisa_ops_destroy(created);
        return status;
    }
    *ops = created;
    return ALISA_OK;
}

void alisa_ops_destroy(AlisaOps *ops) {
    if (!ops) return;
    alisa_ops_clblast_destroy(ops);
    alisa_ops_rounded_destroy(ops);
    free(ops);
}

uint64_t alisa_ops_scratch_bytes(const AlisaOps *ops) {
    return ops->clblast.weights.size + ops->clblast.scratch.size + ops->rounded.codes.size +
           ops->rounded.factors.size;
}

AlisaDevice *alisa_ops_device(const AlisaOps *ops) {
    return ops->device;
}

const AlisaOpsParameters *alisa_ops_parameters(const AlisaOps *ops) {
    return &ops->parameters;
}

AlisaStatus alisa_ops_kernel(AlisaOps *ops, const char *file, const char *name, const char *options,
                             AlisaKernel **kernel, AlisaError *error) {
    if (*kernel) return ALISA_OK;
    return alisa_kernel_get(ops->device, file, name, options ? options : "", kernel, error);
}

void alisa_ops_capability_options(const AlisaOps *ops, uint32_t wanted, char options[96]) {
    /* The first that the device has; values as in the files. */
    static const struct {
        uint32_t wanted, capability;
        const char *name;
        int value;
    } choices[] = {
        {ALISA_OPS_LANES, ALISA_CAPABILITY_SUBGROUPS, "LANES", 1},
        {ALISA_OPS_LANES, ALISA_CAPABILITY_PTX, "LANES", 2},
        {ALISA_OPS_DOT4, ALISA_CAPABILITY_PTX_DOT, "DOT4", 3},
        {ALISA_OPS_DOT4, ALISA_CAPABILITY_AMD_DOT, "DOT4", 2},
        {ALISA_OPS_DOT4, ALISA_CAPABILITY_INT_DOT, "DOT4", 1},
        {ALISA_OPS_HALVES, ALISA_CAPABILITY_FP16, "HALVES", 1},
        {ALISA_OPS_BYTES, ALISA_CAPABILITY_PTX, "BYTES", 1},
    };
    uint32_t taken = 0;
    size_t used = 0;
    options[0] = 0;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (!(wanted & choices[i].wanted)) continue;
        if (!(alisa_opencl_info(ops->device)->capabilities & choices[i].capability)) continue;
        wanted &= ~choices[i].wanted;
        taken |= choices[i].capability;
        used += (size_t)snprintf(options + used, 96 - used, " -D%s=%d", choices[i].name,
                                 choices[i].value);
    }
    const char *language = alisa_opencl_language(ops->device, taken);
    snprintf(options + used, 96 - used, "%s%s", *language ? " " : "", language);
}

AlisaStatus alisa_ops_check_matrix(const char *operation, const AlisaMatrix *matrix,
                                   AlisaError *error) {
    const AlisaFormatInfo *info = alisa_format_info(matrix->format);
    if (!info)
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "%s: %u is no format of weights",
                               operation, matrix->format);
    if (matrix->rows == 0 || matrix->columns == 0 || matrix->columns % info->columns)
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "%s: %u x %u weights are not rows of whole %s blocks of %u",
                               operation, matrix->rows, matrix->columns, info->name, info->columns);
    if (alisa_matrix_is_inside(matrix)) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "%s: the planes of %u x %u %s weights, the first at byte %llu, are not "
                           "aligned to %u bytes or end outside their buffer of %llu bytes",
                           operation, matrix->rows, matrix->columns, info->name,
                           (unsigned long long)matrix->planes[0], info->alignment,
                           (unsigned long long)matrix->buffer->size);
}

AlisaStatus alisa_ops_check_vector(const char *operation, const char *name, AlisaVector vector,
                                   uint64_t rows, uint64_t columns, AlisaError *error) {
    uint64_t floats = vector.buffer->size / sizeof(float);
    if (vector.offset <= floats && (columns == 0 || rows <= (floats - vector.offset) / columns)) {
        return ALISA_OK;
    }
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "%s: %s of %llu x %llu floats at element %llu ends outside its buffer "
                           "of %llu bytes",
                           operation, name, (unsigned long long)rows, (unsigned long long)columns,
                           (unsigned long long)vector.offset,
                           (unsigned long long)vector.buffer->size);
}
