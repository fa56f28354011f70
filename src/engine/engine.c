#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "device/probe.h"
#include "device/transfer.h"
#include "tune/tune.h"

#define LINK_LATENCY 10e-6 /* seconds a copy: what PCIe takes with its driver */

void alisa_engine_options_defaults(AlisaEngineOptions *options) {
    *options = (AlisaEngineOptions){0};
}

/* After the weights, whose way to the device nobody measures. */
static AlisaStatus emulate_link(AlisaEngine *engine, const AlisaEngineOptions *options,
                                AlisaError *error) {
    AlisaLink link = {options->link_rate, LINK_LATENCY};
    if (options->link_rate == 0.0 && options->link_share == 0.0) return ALISA_OK;
    if (options->link_rate != 0.0 && options->link_share != 0.0) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "an emulated link has a rate or a share of the device's bandwidth, "
                               "and both were given");
    }
    if (options->link_share != 0.0) {
        AlisaDeviceProfile profile;
        AlisaStatus status = alisa_opencl_measure(engine->device, &profile, error);
        if (status != ALISA_OK) return status;
        link.bytes_per_second = options->link_share * profile.read_bandwidth;
    }
    AlisaStatus status = alisa_opencl_emulate_link(engine->device, &link, error);
    engine->emulates_link = status == ALISA_OK;
    return status;
}

AlisaSchedModel alisa_engine_model(const AlisaGguf *gguf, const AlisaShape *shape) {
    const AlisaLayerShape *layer = &shape->layers[0];
    AlisaSchedModel model = {.name = "the model",
                             .layer_count = shape->layer_count,
                             .embedding_length = shape->embedding_length,
                             .head_count = layer->head_count,
                             .kv_head_count = layer->kv_head_count,
                             .head_dim = layer->head_dim,
                             .feed_forward_length = alisa_shape_feed_forward(shape),
                             .feed_forward_matrices =
                                 alisa_architecture_feed_forward_matrices(shape->architecture),
                             .vocabulary_size = shape->vocabulary_size,
                             .context_length = shape->context_length};
    AlisaGgufString name = {0};
    if (alisa_gguf_get_string(gguf, "general.name", &name, NULL) == ALISA_OK && name.length > 0)
        snprintf(model.name, sizeof model.name, "%.*s", (int)(name.length < 63 ? name.length : 63),
                 name.data);
    for (uint64_t i = 0; i < alisa_gguf_tensor_count(gguf); i++) {
        const AlisaGgufTensor *tensor = alisa_gguf_tensor_at(gguf, i);
        model.parameter_count += tensor->element_count;
        model.weight_bytes += tensor->byte_count;
    }
    return model;
}

AlisaStatus alisa_engine_open(const AlisaGguf *gguf, const AlisaShape *shape, AlisaDevice *device,
                              const AlisaEngineOptions *options, AlisaEngine **engine,
                              AlisaError *error) {
    *engine = NULL;
    AlisaEngine *made = alisa_allocate_zeroed(1, sizeof *made, "engine", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->device = device;
    made->shape = *shape;
    made->model = alisa_engine_model(gguf, shape);
    made->log = options->log;
    made->device_memory =
        options->device_memory ? options->device_memory : alisa_opencl_info(device)->global_memory;

    AlisaOpsParameters parameters;
    bool tuned = alisa_tuner_parameters(device, &parameters);
    AlisaStatus status = alisa_ops_create(device, &parameters, &made->ops, error);
    if (status == ALISA_OK) {
        status =
            alisa_weights_create(gguf, shape, 0, shape->layer_count, device, made->device_memory,
                                 &options->progress, &made->weights, error);
    }
    if (status != ALISA_OK) goto fail;
    status = ALISA_ERROR_MEMORY;
    made->rope_frequencies =
        alisa_allocate(shape->rope.dim / 2, sizeof(double), "RoPE frequencies", error);
    if (!made->rope_frequencies) goto fail;
    made->rope_factor = alisa_rope_frequencies(
        &shape->rope, alisa_weights_rope_divisors(made->weights), made->rope_frequencies);
    status = emulate_link(made, options, error);
    if (status != ALISA_OK) goto fail;
    if (!tuned) alisa_tuner_advise(device);
    *engine = made;
    return ALISA_OK;
fail:
    alisa_engine_destroy(made);
    return status;
}

void alisa_engine_destroy(AlisaEngine *engine) {
    if (!engine) return;
    if (engine->emulates_link) alisa_opencl_emulate_link(engine->device, NULL, NULL);
    alisa_weights_destroy(engine->weights);
    alisa_ops_destroy(engine->ops);
    free(engine->rope_frequencies);
    free(engine);
}
