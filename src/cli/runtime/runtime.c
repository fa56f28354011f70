/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/runtime.h"

#include "runtime/rules.h"

#include <stdlib.h>
#include <string.h>

#define PAPER_LINK 20.0 /* GB/s of the link that cards named by --link-gbps have */

ExitCode alisa_cli_runtime_vocabulary(Runtime *runtime, const Settings *settings) {
    *runtime = (Runtime){.settings = settings};
    runtime->timings.begin_ns = alisa_cli_clock();
    if (!settings->model) {
        return alisa_cli_refuse(EXIT_USAGE, "no model was given: use -m FILE or set ALISA_MODEL");
    }
    AlisaError error;
    if (alisa_model_open(settings->model, &runtime->model, &error) != ALISA_OK) {
        return alisa_cli_fail(&error);
    }
    alisa_model_info(runtime->model, &runtime->info);
    const char *warning = alisa_model_warning(runtime->model);
    if (warning) alisa_cli_note("warning: %s: %s", settings->model, warning);
    return EXIT_DONE;
}

ExitCode alisa_cli_runtime_model(Runtime *runtime, const Settings *settings) {
    ExitCode code = alisa_cli_runtime_vocabulary(runtime, settings);
    if (code != EXIT_DONE || runtime->info.has_weights) return code;
    return alisa_cli_refuse(EXIT_RUN_TIME,
                            "%s: the file holds only a vocabulary; it can be used to tokenize, not "
                            "to generate",
                            settings->model);
}

bool alisa_cli_runtime_emulates_link(const Settings *settings) {
    return settings->link.rate > 0.0 || settings->link.choice;
}

double alisa_cli_runtime_link_share(const Settings *settings) {
    return settings->link.choice ? PAPER_LINK / settings->link.choice : 0.0;
}

ExitCode alisa_cli_runtime_device(Runtime *runtime, const Settings *settings) {
    runtime->settings = settings;
    AlisaError error;
    AlisaDeviceOptions device_options;
    alisa_device_options_defaults(&device_options);
    device_options.selector = settings->device;
    device_options.log = alisa_cli_log();
    AlisaStatus status = alisa_device_open(&device_options, &runtime->device, &error);
    if (status != ALISA_OK) {
        ExitCode code = alisa_cli_fail(&error);
        /* A driver that fails a build or computes wrong results is no usable device. */
        return status == ALISA_ERROR_DEVICE ? EXIT_NO_DEVICE : code;
    }
    return EXIT_DONE;
}

ExitCode alisa_cli_runtime_engine(Runtime *runtime) {
    const Settings *settings = runtime->settings;
    ExitCode code = alisa_cli_runtime_device(runtime, settings);
    if (code != EXIT_DONE) return code;
    AlisaError error;
    TensorRules rules;
    if (!alisa_cli_rules_make(&rules, settings)) return alisa_cli_out_of_memory();
    AlisaEngineOptions engine_options;
    alisa_engine_options_defaults(&engine_options);
    engine_options.tensor_rules = rules.items;
    engine_options.tensor_rule_count = rules.count;
    engine_options.device_memory = settings->device_memory.bytes;
    engine_options.link_rate = settings->link.rate * 1e9;
    engine_options.link_share = alisa_cli_runtime_link_share(settings);
    engine_options.progress = alisa_cli_progress();
    engine_options.log = alisa_cli_log();
    AlisaStatus status = alisa_engine_create(runtime->model, runtime->device, &engine_options,
                                             &runtime->engine, &error);
    alisa_cli_rules_free(&rules);
    return status == ALISA_OK ? EXIT_DONE : alisa_cli_fail(&error);
}

SessionChoice alisa_cli_runtime_choice(const Runtime *runtime) {
    return alisa_cli_session_choose(runtime->settings, (AlisaPolicy)runtime->settings->policy);
}

ExitCode alisa_cli_runtime_session(Runtime *runtime, const SessionChoice *choice) {
    alisa_session_destroy(runtime->session);
    runtime->session = NULL;
    AlisaError error;
    if (alisa_cli_session_create(runtime->engine, choice, &runtime->session, &error) != ALISA_OK) {
        return alisa_cli_fail(&error);
    }
    runtime->timings.load_ns = alisa_cli_clock() - runtime->timings.begin_ns;
    return EXIT_DONE;
}

void alisa_cli_runtime_close(Runtime *runtime) {
    alisa_session_destroy(runtime->session);
    alisa_engine_destroy(runtime->engine);
    alisa_device_close(runtime->device);
    alisa_model_close(runtime->model);
    *runtime = (Runtime){0};
}

/* ---- Prompts ------------------------------------------------------------------------------ */

ExitCode alisa_cli_runtime_tokenize(const Runtime *runtime, const char *text, size_t size,
                                    Tokens *tokens) {
    AlisaError error;
    AlisaStatus status =
        alisa_tokenize(runtime->model, text, size, ALISA_TOKENIZE_BOS | ALISA_TOKENIZE_SPECIAL,
                       &tokens->ids, &tokens->count, &error);
    /* A model without a tokenizer can still be started from nothing. */
    if (status != ALISA_OK && (size > 0 || runtime->info.has_tokenizer)) {
        return alisa_cli_fail(&error);
    }
    if (status == ALISA_OK && tokens->count > 0) return EXIT_DONE;
    int32_t begin = alisa_model_bos(runtime->model);
    if (begin < 0) {
        return alisa_cli_refuse(EXIT_USAGE, "the prompt is empty and the model has no token that "
                                            "begins a text: give a prompt with -p or -f");
    }
    alisa_free(tokens->ids);
    tokens->count = 0;
    tokens->ids = malloc(sizeof *tokens->ids);
    if (!tokens->ids) return alisa_cli_out_of_memory();
    tokens->ids[0] = begin;
    tokens->count = 1;
    return EXIT_DONE;
}

bool alisa_cli_runtime_push_token(const Runtime *runtime, int32_t token, bool first, Utf8Hold *hold,
                                  Text *text) {
    char small[256];
    char *bytes = small;
    size_t size = alisa_token_bytes(runtime->model, token, first, false, small, sizeof small);
    if (size > sizeof small) {
        bytes = malloc(size);
        if (!bytes) return false;
        alisa_token_bytes(runtime->model, token, first, false, bytes, size);
    }
    bool good = alisa_cli_utf8_push(hold, bytes, size, text);
    if (bytes != small) free(bytes);
    return good;
}

AlisaStatus alisa_cli_runtime_append(Runtime *runtime, uint32_t sequence, const int32_t *ids,
                                     size_t count, bool logits, AlisaError *error) {
    size_t limit = (size_t)runtime->settings->batch_size;
    if (limit > count) limit = count;
    AlisaRow *rows = malloc((limit ? limit : 1) * sizeof *rows);
    if (!rows) return alisa_cli_memory_error(error);
    AlisaStatus status = ALISA_OK;
    for (size_t done = 0; done < count && status == ALISA_OK;) {
        size_t block = count - done < limit ? count - done : limit;
        for (size_t i = 0; i < block; i++) {
            rows[i] = (AlisaRow){ids[done + i], sequence, logits && done + i + 1 == count};
        }
        status = alisa_session_eval(runtime->session, rows, block, error);
        done += block;
    }
    free(rows);
    return status;
}

ExitCode alisa_cli_runtime_prompt(const Settings *settings, Text *text) {
    if (settings->prompt && settings->file) {
        return alisa_cli_refuse(EXIT_USAGE, "give the text with -p or with -f, not with both");
    }
    AlisaError error;
    if (settings->file) {
        if (!alisa_cli_text_read(text, settings->file, &error)) return alisa_cli_fail(&error);
        return EXIT_DONE;
    }
    const char *prompt = settings->prompt ? settings->prompt : "";
    if (alisa_cli_text_append(text, prompt, strlen(prompt))) return EXIT_DONE;
    return alisa_cli_out_of_memory();
}
