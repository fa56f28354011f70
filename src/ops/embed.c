/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a table of any weight format, as floats (cl/gemm/embed.cl). */
#include <stdio.h>

#include "ops/ops_internal.h"

enum { GROUP = 64, QUAD = 4 }; /* work-items of a group; elements of a work-item */

AlisaStatus alisa_ops_embed(AlisaOps *ops, const AlisaMatrix *table, const AlisaBuffer *tokens,
                            uint32_t rows, AlisaVector y, AlisaError *error) {
    AlisaStatus status = alisa_ops_check_matrix("embed", table, error);
    if (!status) status = alisa_ops_check_vector("embed", "y", y, rows, table->columns, error);
    if (!status) {
        const AlisaVector ids = {tokens, 0}; /* int32 are as wide as floats */
        status = alisa_ops_check_vector("embed", "tokens", ids, rows, 1, error);
    }
    if (status) return status;

    uint32_t format = table->format;
    AlisaKernel **kernel = &ops->embed[format];
    if (!*kernel) {
        char options[32];
        snprintf(options, sizeof options, "-DFORMAT=%u", format);
        status = alisa_ops_kernel(ops, "gemm/embed.cl", "embed", options, kernel, error);
        if (status) return status;
    }
    size_t group = GROUP;
    while (group > alisa_kernel_max_group(*kernel))
        group /= 2;
    size_t quads = ((size_t)table->columns + QUAD - 1) / QUAD;
    const AlisaLaunch launch = {{(quads + group - 1) / group * group, rows, 1}, {group, 1, 1}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(table->buffer), ALISA_ARG(table->planes), ALISA_ARG_BUFFER(tokens),
        ALISA_ARG_BUFFER(y.buffer),      ALISA_ARG(y.offset),      ALISA_ARG(table->columns),
    };
    return alisa_kernel_launch(*kernel, &launch, arguments, sizeof arguments / sizeof *arguments,
                               error);
}
