/* SPDX-License-Identifier: Apache-2.0 */
/* Writes 100 tokens from nothing, always the likeliest: minimal MODEL.gguf */
#include <alisa/alisa.h>
#include <stdio.h>

int main(int argc, char **argv) {
    AlisaModel *model = NULL;
    AlisaDevice *device = NULL;
    AlisaEngine *engine = NULL;
    AlisaSession *session = NULL;
    AlisaModelInfo info;
    AlisaEngineOptions engine_options;
    AlisaSessionOptions session_options;
    AlisaError error;
    alisa_engine_options_defaults(&engine_options);
    alisa_session_options_defaults(&session_options);
    bool failed = argc != 2 || alisa_model_open(argv[1], &model, &error) ||
                  alisa_device_open(NULL, &device, &error) ||
                  alisa_engine_create(model, device, &engine_options, &engine, &error) ||
                  alisa_session_create(engine, &session_options, &session, &error);
    if (!failed) alisa_model_info(model, &info);
    int32_t token = failed ? 0 : alisa_model_bos(model);
    for (int i = 0; i < 100 && !failed; i++) {
        AlisaRow row = {.token = token, .sequence = 0, .logits = true};
        failed = alisa_session_eval(session, &row, 1, &error);
        const float *logits = alisa_session_logits(session, 0);
        token = 0;
        for (int32_t id = 1; !failed && id < (int32_t)info.vocabulary_size; id++)
            if (logits[id] > logits[token]) token = id;
        char piece[256];
        size_t size = alisa_token_bytes(model, token, i == 0, false, piece, sizeof piece);
        if (!failed) fwrite(piece, 1, size, stdout);
    }
    if (failed) fprintf(stderr, "%s\n", argc == 2 ? error.message : "usage: minimal MODEL.gguf");
    alisa_session_destroy(session);
    alisa_engine_destroy(engine);
    alisa_device_close(device);
    alisa_model_close(model);
    return failed;
}
