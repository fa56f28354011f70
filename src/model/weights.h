/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tensors of a file bound to named, shape-checked fields, and those fields placed on a device.
 */
#ifndef ALISA_MODEL_WEIGHTS_H
#define ALISA_MODEL_WEIGHTS_H

#include "model/fields.h"
#include "model/homes.h"
#include "model/shape.h"

/* The weights of layers first..end - 1 on one device, and of what stands before the first layer and
 * behind the last one of the model, if the run of layers reaches there. */
typedef struct AlisaWeights AlisaWeights;

/* Where weights are to be. */
typedef struct AlisaWeightsTarget {
    AlisaDevice *device;
    uint64_t device_memory; /* most bytes on it */
    AlisaHomes homes;       /* not owned; zeroed: everything is on the device */
    bool streams;           /* what stays on the host is copied for each product, since the device
                               does not share the host's memory */
} AlisaWeightsTarget;

/* Vocabulary size by the embedding table of the file; 0 when it has none. */
uint32_t alisa_weights_vocabulary(const AlisaGguf *gguf);

/* Binds every tensor of the file to a role of the architecture, or to several that it holds fused,
 * and places those that layers
 * first..end - 1 need; first < end <= layer_count. `gguf` must outlive the weights, which may use
 * its map in place, and so must the layers of `shape`. A tensor that is required and missing, of
 * another shape, of a type without kernels, or that no role is for (it would change the result): an
 * error that names it. More bytes to place on the device than it offers: ALISA_ERROR_MEMORY. */
AlisaStatus alisa_weights_create(const AlisaGguf *gguf, const AlisaShape *shape, uint32_t first,
                                 uint32_t end, const AlisaWeightsTarget *target,
                                 const AlisaProgress *progress, AlisaWeights **weights,
                                 AlisaError *error);
/* Tells of every tensor for which that would fail on any device, in the order in which it would. A
 * failure: of memory. */
AlisaStatus alisa_weights_check(const AlisaGguf *gguf, const AlisaShape *shape,
                                AlisaComplaints *complaints, AlisaError *error);
void alisa_weights_destroy(AlisaWeights *weights);

/* Bytes on the device. */
uint64_t alisa_weights_bytes(const AlisaWeights *weights);
/* Bytes of matrices that stay in host memory, and the most of one that a product copies to the
 * device, or of one expert's; 0: none is copied. */
uint64_t alisa_weights_host_bytes(const AlisaWeights *weights);
uint64_t alisa_weights_streamed_size(const AlisaWeights *weights);
/* Elements of the tensors that the layers need, and bytes of those tensors in the file. */
uint64_t alisa_weights_elements(const AlisaWeights *weights);
uint64_t alisa_weights_file_bytes(const AlisaWeights *weights);
/* Of those bytes, the ones that stay in host memory. */
uint64_t alisa_weights_host_file_bytes(const AlisaWeights *weights);
/* `layer` counts from the first layer of the model: first <= layer < end. */
const AlisaLayerWeights *alisa_weights_layer(const AlisaWeights *weights, uint32_t layer);
/* The embedding and the table of positions are there where first is 0; head and output norm where
 * end is layer_count. The head may be the embedding table. */
const AlisaOuterWeights *alisa_weights_outer(const AlisaWeights *weights);

#endif
