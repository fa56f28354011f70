/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine: a model whose layers lie on devices, and what every session of it shares.
 */
#ifndef ALISA_ENGINE_ENGINE_H
#define ALISA_ENGINE_ENGINE_H

#include "model/weights.h"
#include "sched/model.h"

/* Memory of a device for weights, KV and scratch of the shards that draw on it. */
typedef struct AlisaBudget {
    const AlisaDevice *device; /* whose shards share it; NULL: one shard has it for itself */
    uint64_t bytes;
} AlisaBudget;

/* One device with the weights of a run of layers. */
typedef struct AlisaShard {
    AlisaDevice *device; /* not owned */
    AlisaOps *ops;
    AlisaWeights *weights;
    AlisaSchedModel model; /* its layers as plans see them */
    uint32_t first_layer;
    uint32_t layer_count;
    uint32_t budget;    /* the one of the engine's that it draws on */
    bool emulates_link; /* the device's emulated link ends with the shard */
} AlisaShard;

/* Angles of a rotary position embedding. */
typedef struct AlisaRopeTable {
    double *frequencies; /* [pairs] radians a position */
    uint32_t pairs;
    float factor; /* multiplies every cosine and sine */
} AlisaRopeTable;

/* A rope has other frequencies in contexts past the one it was first trained on, where the model
 * has divisors for these (LongRoPE). */
typedef enum AlisaRopeReach {
    ALISA_ROPE_SHORT,
    ALISA_ROPE_LONG,
    ALISA_ROPE_REACHES
} AlisaRopeReach;

struct AlisaEngine {
    AlisaShape shape;
    AlisaRopeTable ropes[ALISA_ROPE_LIMIT][ALISA_ROPE_REACHES]; /* of shape.ropes */
    AlisaShard *shards; /* [shard_count] in the order of their layers */
    uint32_t shard_count;
    AlisaBudget *budgets; /* [budget_count] */
    uint32_t budget_count;
    AlisaLog log;
};

/* A model file as plans see it, whether it is on a device or not. */
AlisaSchedModel alisa_engine_model(const AlisaGguf *gguf, const AlisaShape *shape);

/* Layers that are to lie on a device: those before `end_layer` that no shard before has. */
typedef struct AlisaShardSpan {
    AlisaDevice *device;
    uint32_t end_layer;
    uint64_t device_memory; /* bytes that these layers alone have; 0: they share the budget of the
                               device (AlisaEngineOptions.device_memory) with others */
} AlisaShardSpan;

/* The work behind alisa_engine_create. `gguf` must outlive the engine; `shape` was read from it.
 * spans: [span_count], the last of which ends with the model's last layer. */
AlisaStatus alisa_engine_open(const AlisaGguf *gguf, const AlisaShape *shape,
                              const AlisaShardSpan *spans, uint32_t span_count,
                              const AlisaEngineOptions *options, AlisaEngine **engine,
                              AlisaError *error);
/* Bytes of a budget that weights leave. */
uint64_t alisa_engine_budget_left(const AlisaEngine *engine, uint32_t budget);
/* Whether the shard has the model's last layers, and so its head. */
bool alisa_engine_has_head(const AlisaEngine *engine, const AlisaShard *shard);
/* Takes NULL. */
void alisa_engine_close(AlisaEngine *engine);

#endif
