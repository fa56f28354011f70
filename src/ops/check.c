/* SPDX-License-Identifier: Apache-2.0 */
/* Whether operands lie inside their buffers. */
#include "ops/ops_internal.h"

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
