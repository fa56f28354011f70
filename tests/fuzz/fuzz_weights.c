/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a type of weights, columns and rows, then blocks, which are repacked: every weight keeps
 * its value to the last bit. */
#include <math.h>
#include <string.h>

#include "fuzz/fuzz_input.h"
#include "unit/planes.h"

static const AlisaWeightTypeInfo *choose_type(uint8_t byte) {
    size_t count = 0;
    while (alisa_weight_type_at(count))
        count++;
    return alisa_weight_type_at(byte % count);
}

static void check_row(const AlisaWeightTypeInfo *type, AlisaFormat format, const uint8_t *blocks,
                      const uint8_t *const rows[], uint64_t columns) {
    float *expected = malloc(columns * sizeof *expected);
    fuzz_require(expected != NULL);
    alisa_weight_type_dequantise(type->id, blocks, columns, expected);
    for (uint64_t k = 0; k < columns; k++) {
        float value = planes_value(type, format, rows, k);
        fuzz_require((isnan(value) && isnan(expected[k])) ||
                     memcmp(&value, &expected[k], sizeof value) == 0);
    }
    free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    FuzzInput input = {data, size};
    AlisaFormat format;
    const AlisaWeightTypeInfo *type = choose_type(fuzz_byte(&input));
    uint64_t columns = (uint64_t)type->block_elements * (1 + fuzz_byte(&input) % 40);
    uint64_t count = 1 + fuzz_byte(&input) % 5, starts[ALISA_FORMAT_PLANES];
    fuzz_require(alisa_repack_format(type->id, &format) == alisa_weight_type_is_computed(type->id));
    if (!alisa_weight_type_is_computed(type->id)) return 0;
    const AlisaFormatInfo *info = alisa_format_info(format);
    uint64_t row_bytes = alisa_weight_type_row_bytes(type->id, columns);
    size_t given = count * row_bytes;
    uint8_t *blocks = calloc(count, row_bytes), *planes[ALISA_FORMAT_PLANES];
    uint8_t *bytes = malloc(alisa_format_layout(info, count, columns, starts));
    fuzz_require(blocks && bytes);
    const char *from = fuzz_bytes(&input, &given);
    if (given) memcpy(blocks, from, given);
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++)
        planes[i] = bytes + starts[i];
    alisa_repack_rows(type->id, blocks, count, columns, planes);
    for (uint64_t row = 0; row < count; row++) {
        const uint8_t *rows[ALISA_FORMAT_PLANES];
        for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++)
            rows[i] = planes[i] + row * alisa_format_stride(info, i, columns);
        check_row(type, format, blocks + row * row_bytes, rows, columns);
    }
    free(blocks);
    free(bytes);
    return 0;
}
