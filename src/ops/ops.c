/* SPDX-License-Identifier: Apache-2.0 */
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
    alisa_ops_streamed_destroy(ops);
    free(ops);
}

uint64_t alisa_ops_scratch_bytes(const AlisaOps *ops) {
    uint64_t bytes = ops->clblast.weights.size + ops->clblast.scratch.size +
                     ops->rounded.codes.size + ops->rounded.factors.size;
    for (uint32_t i = 0; i < ALISA_OPS_SLOTS; i++)
        bytes += ops->streamed.slots[i].buffer.size;
    return bytes;
}

AlisaDevice *alisa_ops_device(const AlisaOps *ops) {
    return ops->device;
}

const AlisaOpsParameters *alisa_ops_parameters(const AlisaOps *ops) {
    return &ops->parameters;
}
