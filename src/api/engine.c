/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include "api/model.h"

void alisa_engine_options_defaults(AlisaEngineOptions *options) {
    *options = (AlisaEngineOptions){0};
}

AlisaStatus alisa_engine_create(AlisaModel *model, AlisaDevice *device,
                                const AlisaEngineOptions *options, AlisaEngine **engine,
                                AlisaError *error) {
    *engine = NULL;
    if (!model->has_weights) {
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: the file holds only a vocabulary; it can be used to tokenize, "
                               "not to generate",
                               alisa_gguf_path(model->gguf));
    }
    const AlisaShardSpan whole = {device, model->shape.layer_count, 0};
    return alisa_engine_open(model->gguf, &model->shape, &whole, 1, options, engine, error);
}

void alisa_engine_destroy(AlisaEngine *engine) {
    alisa_engine_close(engine);
}
