/*
 * An engine: the weights of one model on one device, and what every session of it shares.
 */
#ifndef ALISA_ENGINE_ENGINE_H
#define ALISA_ENGINE_ENGINE_H

#include "model/weights.h"
#include "sched/model.h"

struct AlisaEngine {
    AlisaDevice *device;
    AlisaOps *ops;
    AlisaShape shape;
    AlisaSchedModel model; /* as plans see it */
    AlisaWeights *weights;
    double *rope_frequencies; /* [rope.dim / 2] */
    float rope_factor;
    uint64_t device_memory; /* budget in bytes for weights, KV and scratch */
    AlisaLog log;
    bool emulates_link; /* and ends it when it is destroyed */
};

/* A file with weights as plans see it, whether it is on a device or not. */
AlisaSchedModel alisa_engine_model(const AlisaGguf *gguf, const AlisaShape *shape);

/* The work behind alisa_engine_create: `gguf` must outlive the engine; `shape` was read from it. */
AlisaStatus alisa_engine_open(const AlisaGguf *gguf, const AlisaShape *shape, AlisaDevice *device,
                              const AlisaEngineOptions *options, AlisaEngine **engine,
                              AlisaError *error);

#endif
