#include "engine/engine.h"

#include <stdlib.h>

void alisa_engine_options_defaults(AlisaEngineOptions *options) {
    *options = (AlisaEngineOptions){0};
}

AlisaStatus alisa_engine_open(const AlisaGguf *gguf, const AlisaShape *shape, AlisaDevice *device,
                              const AlisaEngineOptions *options, AlisaEngine **engine,
                              AlisaError *error) {
    *engine = NULL;
    AlisaEngine *made = alisa_allocate_zeroed(1, sizeof *made, "engine", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->device = device;
    made->shape = *shape;
    made->log = options->log;
    made->device_memory =
        options->device_memory ? options->device_memory : alisa_device_info(device)->global_memory;

    AlisaStatus status = alisa_ops_create(device, NULL, &made->ops, error);
    if (status == ALISA_OK) {
        status = alisa_weights_create(gguf, shape, device, made->device_memory, &options->progress,
                                      &made->weights, error);
    }
    if (status != ALISA_OK) goto fail;
    status = ALISA_ERROR_MEMORY;
    made->rope_frequencies =
        alisa_allocate(shape->rope.dim / 2, sizeof(double), "RoPE frequencies", error);
    if (!made->rope_frequencies) goto fail;
    made->rope_factor = alisa_rope_frequencies(
        &shape->rope, alisa_weights_rope_divisors(made->weights), made->rope_frequencies);
    *engine = made;
    return ALISA_OK;
fail:
    alisa_engine_destroy(made);
    return status;
}

void alisa_engine_destroy(AlisaEngine *engine) {
    if (!engine) return;
    alisa_weights_destroy(engine->weights);
    alisa_ops_destroy(engine->ops);
    free(engine->rope_frequencies);
    free(engine);
}
