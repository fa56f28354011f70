/* SPDX-License-Identifier: Apache-2.0 */
/* The way to a kernel of this module, and the options by which kernels take what a device has. */
#include <stdio.h>

#include "ops/ops_internal.h"

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
        {ALISA_OPS_VNNI, ALISA_CAPABILITY_VNNI, "VNNI", 1},
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
