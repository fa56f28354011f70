/* SPDX-License-Identifier: Apache-2.0 */
/* Weights as a file has them, brought to a device in the format that serves them. */
#ifndef TESTS_KERNELS_WEIGHTS_H
#define TESTS_KERNELS_WEIGHTS_H

#include <stdlib.h>
#include <string.h>

#include "ops/repack.h"

/* Puts rows of blocks into a buffer of their own, from byte `offset` on, which is rounded up to
 * what the format asks for. Whoever calls destroys the buffer. */
static inline AlisaStatus upload_weights(AlisaDevice *on, uint32_t type, const uint8_t *blocks,
                                         uint32_t rows, uint32_t columns, uint64_t offset,
                                         AlisaBuffer *buffer, AlisaMatrix *matrix,
                                         AlisaError *error) {
    AlisaFormat format;
    uint64_t starts[ALISA_FORMAT_PLANES];
    uint8_t *planes[ALISA_FORMAT_PLANES];
    if (!alisa_repack_format(type, &format)) abort();
    const AlisaFormatInfo *info = alisa_format_info(format);
    offset = (offset + info->alignment - 1) / info->alignment * info->alignment;
    uint64_t size = offset + alisa_format_layout(info, rows, columns, starts);
    uint8_t *bytes = malloc(size);
    if (!bytes) abort();
    memset(bytes, 0x7f, size);
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++)
        planes[i] = bytes + offset + starts[i];
    alisa_repack_rows(type, blocks, rows, columns, planes);
    *matrix = alisa_matrix_at(buffer, offset, format, rows, columns);
    AlisaStatus status =
        alisa_buffer_create(on, size, ALISA_BUFFER_READ_WRITE, "test", buffer, error);
    if (!status) status = alisa_buffer_write(on, buffer, 0, bytes, size, error);
    free(bytes);
    return status;
}

#endif
