/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa template: a conversation as a chat template writes it, for looking at.
 */
#include "runtime/runtime.h"

#include "alisa/chat.h"

#include <string.h>

/* A whole file that must not hold a 0. */
static ExitCode read_text(const char *path, Text *text) {
    AlisaError error;
    if (!alisa_cli_text_read(text, path, &error)) return alisa_cli_fail(&error);
    if (strlen(text->data) == text->size) return EXIT_DONE;
    return alisa_cli_refuse(EXIT_RUN_TIME, "%s: a byte 0 in a text", path);
}

typedef struct Inputs {
    Text source, messages, tools;
} Inputs;

static ExitCode read_inputs(const Settings *settings, Inputs *inputs) {
    ExitCode code = EXIT_DONE;
    if (!settings->messages) {
        return alisa_cli_refuse(EXIT_USAGE, "no conversation was given: use --messages FILE");
    }
    if (settings->chat_template_file) {
        code = read_text(settings->chat_template_file, &inputs->source);
    }
    if (code == EXIT_DONE) code = read_text(settings->messages, &inputs->messages);
    if (code == EXIT_DONE && settings->tools) code = read_text(settings->tools, &inputs->tools);
    return code;
}

static ExitCode print(const Settings *settings, const AlisaModel *model, const Inputs *inputs) {
    AlisaChatTemplate *chat_template = NULL;
    AlisaChatText text = {0};
    AlisaChatOptions options;
    AlisaError error;
    alisa_chat_options_defaults(&options);
    options.messages_json = inputs->messages.data;
    options.tools_json = inputs->tools.data;
    options.bos = settings->bos;
    options.eos = settings->eos;
    options.reply = !settings->no_generation_prompt;
    ExitCode code = EXIT_DONE;
    if (alisa_chat_template_create(model, inputs->source.data, &chat_template, &error) !=
            ALISA_OK ||
        alisa_chat_render(chat_template, &options, &text, &error) != ALISA_OK) {
        code = alisa_cli_fail(&error);
    } else {
        alisa_cli_output(text.bytes, text.length);
    }
    alisa_chat_text_finish(&text);
    alisa_chat_template_destroy(chat_template);
    return code;
}

ExitCode alisa_cli_template(const Settings *settings) {
    Runtime runtime = {0};
    Inputs inputs = {0};
    ExitCode code = read_inputs(settings, &inputs);
    if (code == EXIT_DONE && (settings->model || !settings->chat_template_file)) {
        code = alisa_cli_runtime_vocabulary(&runtime, settings);
    }
    if (code == EXIT_DONE) code = print(settings, runtime.model, &inputs);
    alisa_cli_text_free(&inputs.source);
    alisa_cli_text_free(&inputs.messages);
    alisa_cli_text_free(&inputs.tools);
    alisa_cli_runtime_close(&runtime);
    return code;
}
