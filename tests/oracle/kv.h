/* SPDX-License-Identifier: Apache-2.0 */
/* K and V in the storage types that are not plain numbers, in plain C: exactly the bytes that
 * cl/attn/kv.clh describes. */
#ifndef TESTS_ORACLE_KV_H
#define TESTS_ORACLE_KV_H

#include <stdint.h>

/* One row of q8_0: `width` codes, then a half for each 32 elements. Scales are the least half not
 * below largest / 127, at most the largest half; a NaN in the group makes its scale NaN. */
void oracle_q8_0_store(const float *x, uint32_t width, void *row);
void oracle_q8_0_load(const void *row, uint32_t width, float *x);

/* One block of i8: halves[64][width] become codes[64][width] and params[2][width], the halves min
 * and lambda: lambda is the least half not below (max - min) / 255, code = rint((x - min) /
 * lambda), or 0 where lambda is. A NaN in a channel makes its min NaN. Halves are finite otherwise.
 */
void oracle_i8_seal(const uint16_t *halves, uint32_t width, uint8_t *codes, uint16_t *params);
/* One token of it. */
void oracle_i8_load(const uint8_t *codes, const uint16_t *params, uint32_t width, float *x);

#endif
