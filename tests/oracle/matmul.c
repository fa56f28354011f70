#include "oracle/matmul.h"

#include <math.h>
#include <stdlib.h>

#include "oracle/quant.h"

void oracle_matmul(uint32_t type, const uint8_t *weights, uint32_t outputs, uint32_t columns,
                   const float *x, uint32_t rows, const float *add, double *sums, double *bounds) {
    double *row = malloc(columns * sizeof *row);
    if (!row) abort();
    for (uint32_t n = 0; n < outputs; n++) {
        oracle_dequantise_row(type, weights + n * oracle_row_bytes(type, columns), columns, row);
        for (uint32_t r = 0; r < rows; r++) {
            double sum = 0, magnitude = 0;
            for (uint32_t k = 0; k < columns; k++) {
                double product = x[(uint64_t)r * columns + k] * row[k];
                sum += product;
                magnitude += fabs(product);
            }
            uint64_t at = (uint64_t)r * outputs + n;
            double before = add ? add[at] : 0;
            sums[at] = sum + before;
            bounds[at] = ldexp((columns + 2) * magnitude + 2 * fabs(before), -24);
        }
    }
    free(row);
}
