/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the blocks of a file to the planes of a device: exactly, every weight keeps its value to the
 * last bit of a float.
 */
#ifndef ALISA_OPS_REPACK_H
#define ALISA_OPS_REPACK_H

#include "ops/format.h"

/* The format that serves a type of files (base/weight_type.h). False: the type is not computed
 * with. */
bool alisa_repack_format(uint32_t type, AlisaFormat *format);

/* Writes `rows` rows of blocks that lie one behind the other to planes[i], the place of the first
 * of them in plane i, by all cores. Padding of rows is zeroed. The type is computed with, and
 * `columns` are whole blocks. */
void alisa_repack_rows(uint32_t type, const uint8_t *blocks, uint64_t rows, uint64_t columns,
                       uint8_t *const planes[ALISA_FORMAT_PLANES]);

#endif
