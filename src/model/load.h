/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings the matrices of a file to a device, in the format that serves each (ops/repack.h).
 *
 * On a device with memory of its own a tensor is repacked piece by piece, by all cores, while the
 * piece before is uploaded. On one that shares the host's memory it is repacked into memory that
 * the device uses in place; types that need no repacking are used where the file is mapped. A
 * tensor that is to be streamed is repacked into host memory from which the device copies fast.
 */
#ifndef ALISA_MODEL_LOAD_H
#define ALISA_MODEL_LOAD_H

#include "device/pinned.h"
#include "gguf/gguf.h"
#include "ops/ops.h"

/* A matrix's buffer, and the host memory under it. Zeroed: none. */
typedef struct AlisaLoaded {
    AlisaBuffer buffer;
    void *memory; /* mapped; NULL where the buffer has memory of its own, or the file's */
    uint64_t memory_size;
    AlisaDevice *device; /* not owned */
    AlisaPinned pinned;  /* what is streamed; the buffer is then a size without memory */
} AlisaLoaded;

/* Takes a zeroed one. */
void alisa_loaded_destroy(AlisaLoaded *loaded);

/* The order of rows that belong to heads. RoPE turns pairs of neighbours in a cache (cl/attn);
 * where a model turns element i of a head with element i + n/2, its rows of queries and keys are
 * interleaved on loading: products of queries and keys stay what they are. */
typedef struct AlisaRowOrder {
    uint32_t head; /* rows of a head; 0: the rows stay in their order */
    uint32_t dim;  /* n: the leading rows of a head that are turned, in two halves; even */
} AlisaRowOrder;

/* The row of the file that becomes row `row`. */
uint64_t alisa_row_source(const AlisaRowOrder *order, uint64_t row);

/* Rows of a tensor that become a matrix of their own: all of them, or those of one part of a fused
 * tensor. */
typedef struct AlisaTensorRows {
    const AlisaGgufTensor *tensor;
    uint64_t first, count;
    AlisaRowOrder order; /* counts from the first of them */
} AlisaTensorRows;

/* Bytes of the rows in the file. */
uint64_t alisa_tensor_rows_bytes(const AlisaTensorRows *rows);
/* Bytes that they need on a device: of a type that is not computed with, those in the file. */
uint64_t alisa_load_bytes(const AlisaTensorRows *rows);

/* The formats that a file's matrices become, bit i: AlisaFormat i. */
uint32_t alisa_load_formats(const AlisaGguf *gguf);

typedef struct AlisaLoader AlisaLoader;

/* For tensors of a file, of `total` bytes there, of which `progress` is told. */
AlisaStatus alisa_loader_create(const AlisaGguf *gguf, AlisaDevice *device, uint64_t total,
                                const AlisaProgress *progress, AlisaLoader **loader,
                                AlisaError *error);
/* Waits for uploads. Takes NULL. */
void alisa_loader_destroy(AlisaLoader *loader);

/* Rows of a tensor of a type that is computed with, of two dimensions. The matrix may be used once
 * alisa_loader_finish has succeeded; the file must outlive it, which may use the file's map.
 * `streamed`: it stays in host memory, and products copy it to the device (AlisaMatrix.host). On
 * failure *loaded is zeroed. */
AlisaStatus alisa_loader_load(AlisaLoader *loader, const AlisaTensorRows *rows, bool streamed,
                              AlisaLoaded *loaded, AlisaMatrix *matrix, AlisaError *error);

/* Waits until all that was loaded is there. */
AlisaStatus alisa_loader_finish(AlisaLoader *loader, AlisaError *error);

#endif
