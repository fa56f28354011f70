/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine: a model whose layers lie on devices, and what every session of it shares.
 */
#ifndef ALISA_ENGINE_ENGINE_H
#define ALISA_ENGINE_ENGINE_H

#include "model/weights.h"
#include "sched/model.h"

/* One device with the weights of a run of layers. */
typedef struct AlisaShard {
    AlisaDevice *device; /* not owned */
    AlisaOps *ops;
    AlisaWeights *weights;
    uint32_t first_layer;
    uint32_t layer_count;
    uint64_t device_memory; /* budget in bytes for weights, KV and scratch */
    bool emulates_link;     /* the device's emulated link ends with the shard */
} AlisaShard;

/* Angles of the rotary position embedding. */
typedef struct AlisaRopeTable {
    double *frequencies; /* [pairs] radians a position */
    uint32_t pairs;
    float factor; /* multiplies every cosine and sine */
} AlisaRopeTable;

struct AlisaEngine {
    AlisaShape shape;
    AlisaSchedModel model; /* as plans see it */
    AlisaRopeTable rope;
    AlisaShard *shards; /* [shard_count] in the order of their layers */
    uint32_t shard_count;
    AlisaLog log;
};

/* A model file as plans see it, whether it is on a device or not. */
AlisaSchedModel alisa_engine_model(const AlisaGguf *gguf, const AlisaShape *shape);

/* Layers that are to lie on a device: those before `end_layer` that no shard before has. */
typedef struct AlisaShardSpan {
    AlisaDevice *device;
    uint32_t end_layer;
} AlisaShardSpan;

/* The work behind alisa_engine_create. `gguf` must outlive the engine; `shape` was read from it.
 * spans: [span_count], the last of which ends with the model's last layer. */
AlisaStatus alisa_engine_open(const AlisaGguf *gguf, const AlisaShape *shape,
                              const AlisaShardSpan *spans, uint32_t span_count,
                              const AlisaEngineOptions *options, AlisaEngine **engine,
                              AlisaError *error);
/* Takes NULL. */
void alisa_engine_close(AlisaEngine *engine);

#endif
