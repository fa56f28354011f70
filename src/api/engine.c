#include "engine/engine.h"

#include "api/model.h"

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
    return alisa_engine_open(model->gguf, &model->shape, device, options, engine, error);
}
