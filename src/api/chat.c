/* SPDX-License-Identifier: Apache-2.0 */
#include "alisa/chat.h"

#include "api/model.h"
#include "template/named.h"
#include "template/template.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct AlisaChatTemplate {
    AlisaTemplate *parsed;
    char *bos, *eos; /* texts of the model's tokens; NULL: it has none, or there is no model */
};

/* ---- Templates ---------------------------------------------------------------------------- */

/* The text of a token in *text; NULL for -1. */
static AlisaStatus copy_token(const AlisaModel *model, int32_t token, char **text,
                              AlisaError *error) {
    *text = NULL;
    if (token < 0) return ALISA_OK;
    size_t length = alisa_token_bytes(model, token, false, true, NULL, 0);
    char *bytes = alisa_allocate(length + 1, 1, "text of a token", error);
    if (!bytes) return ALISA_ERROR_MEMORY;
    alisa_token_bytes(model, token, false, true, bytes, length);
    bytes[length] = 0;
    *text = bytes;
    return ALISA_OK;
}

static AlisaStatus find_source(const AlisaModel *model, AlisaGgufString *source,
                               AlisaError *error) {
    static const char key[] = "tokenizer.chat_template";
    AlisaStatus status = alisa_gguf_get_string(model->gguf, key, source, error);
    if (status != ALISA_OK || source->data) return status;
    return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED, "%s: the file has no chat template (%s)",
                           alisa_gguf_path(model->gguf), key);
}

AlisaStatus alisa_chat_template_create(const AlisaModel *model, const char *source,
                                       AlisaChatTemplate **out, AlisaError *error) {
    *out = NULL;
    AlisaGgufString text = {0};
    AlisaChatTemplate *made = alisa_allocate_zeroed(1, sizeof *made, "chat template", error);
    if (!made) return ALISA_ERROR_MEMORY;
    AlisaStatus status = ALISA_OK;
    if (source) {
        text = (AlisaGgufString){.data = source, .length = strlen(source)};
    } else {
        status = find_source(model, &text, error);
    }
    if (status == ALISA_OK && model) {
        status = copy_token(model, alisa_model_bos(model), &made->bos, error);
    }
    if (status == ALISA_OK && model) {
        status = copy_token(model, alisa_model_eos(model), &made->eos, error);
    }
    if (status == ALISA_OK) {
        status = alisa_template_parse(text.data, (size_t)text.length, &made->parsed, error);
    }
    if (status != ALISA_OK) {
        alisa_chat_template_destroy(made);
        return status;
    }
    *out = made;
    return ALISA_OK;
}

void alisa_chat_template_destroy(AlisaChatTemplate *chat_template) {
    if (!chat_template) return;
    alisa_template_destroy(chat_template->parsed);
    free(chat_template->bos);
    free(chat_template->eos);
    free(chat_template);
}

const char *const *alisa_chat_template_names(void) {
    return alisa_named_list();
}

const char *alisa_chat_template_source(const char *name) {
    return alisa_named_source(name);
}

/* ---- Rendering ---------------------------------------------------------------------------- */

void alisa_chat_options_defaults(AlisaChatOptions *options) {
    *options = (AlisaChatOptions){.reply = true, .now = (int64_t)time(NULL)};
}

/* An array of JSON objects in *array. */
static AlisaStatus parse_array(const char *text, const char *what, json_t **array,
                               AlisaError *error) {
    json_error_t problem;
    *array = json_loads(text, JSON_ALLOW_NUL, &problem);
    if (!*array) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "the %s are not JSON at line %d, column %d: %s", what, problem.line,
                               problem.column, problem.text);
    }
    bool objects = json_is_array(*array);
    for (size_t i = 0; objects && i < json_array_size(*array); i++)
        objects = json_is_object(json_array_get(*array, i));
    if (objects) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "the %s are not a JSON array of objects",
                           what);
}

static AlisaStatus fail_memory(AlisaError *error) {
    return alisa_error_set(error, ALISA_ERROR_MEMORY, "conversation: out of host memory");
}

/* Texts go as they are: alisa_template_render refuses those that are not UTF-8. */
static AlisaStatus pack_messages(const AlisaChatOptions *options, json_t **array,
                                 AlisaError *error) {
    *array = json_array();
    for (size_t i = 0; *array && i < options->message_count; i++) {
        const AlisaChatMessage *message = &options->messages[i];
        if (!message->role || !message->content) {
            return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                                   "chat message %zu lacks its role or its content", i);
        }
        json_t *object = json_object();
        int failed = json_array_append_new(*array, object);
        failed |= json_object_set_new(object, "role", json_string_nocheck(message->role));
        failed |= json_object_set_new(object, "content", json_string_nocheck(message->content));
        if (failed) return fail_memory(error);
    }
    return *array ? ALISA_OK : fail_memory(error);
}

/* What a template may ask for, under the names that Hugging Face gives it, in *variables. */
static AlisaStatus pack_variables(const AlisaChatTemplate *chat_template,
                                  const AlisaChatOptions *options, json_t **variables,
                                  AlisaError *error) {
    const char *bos = options->bos ? options->bos : chat_template->bos;
    const char *eos = options->eos ? options->eos : chat_template->eos;
    json_t *messages = NULL, *tools = NULL;
    *variables = NULL;
    AlisaStatus status = options->messages_json
                             ? parse_array(options->messages_json, "messages", &messages, error)
                             : pack_messages(options, &messages, error);
    if (status == ALISA_OK && options->tools_json) {
        status = parse_array(options->tools_json, "tools", &tools, error);
    }
    if (status == ALISA_OK) {
        *variables = json_object();
        int failed = json_object_set(*variables, "messages", messages);
        failed |=
            json_object_set_new(*variables, "tools", tools ? json_incref(tools) : json_null());
        failed |= json_object_set_new(*variables, "documents", json_null());
        failed |=
            json_object_set_new(*variables, "add_generation_prompt", json_boolean(options->reply));
        if (bos) {
            failed |= json_object_set_new(*variables, "bos_token", json_string_nocheck(bos));
        }
        if (eos) {
            failed |= json_object_set_new(*variables, "eos_token", json_string_nocheck(eos));
        }
        if (failed) status = fail_memory(error);
    }
    json_decref(messages);
    json_decref(tools);
    return status;
}

AlisaStatus alisa_chat_render(const AlisaChatTemplate *chat_template,
                              const AlisaChatOptions *options, AlisaChatText *text,
                              AlisaError *error) {
    json_t *variables;
    *text = (AlisaChatText){0};
    AlisaStatus status = pack_variables(chat_template, options, &variables, error);
    if (status == ALISA_OK) {
        status = alisa_template_render(chat_template->parsed, variables, options->now, text, error);
    }
    json_decref(variables);
    return status;
}

void alisa_chat_text_finish(AlisaChatText *text) {
    alisa_template_text_finish(text);
}
