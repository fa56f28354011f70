/* SPDX-License-Identifier: Apache-2.0 */
#include "api/model.h"

const char *alisa_chat_template(const AlisaModel *model) {
    AlisaGgufString text = {0};
    AlisaStatus status = alisa_gguf_get_string(model->gguf, "tokenizer.chat_template", &text, NULL);
    if (status != ALISA_OK || !text.data) return NULL;
    return alisa_template_recognise(text.data, (size_t)text.length);
}

const char *const *alisa_chat_template_names(void) {
    return alisa_template_names();
}

AlisaStatus alisa_chat_render(const char *template_name, const AlisaChatMessage *messages,
                              size_t count, bool reply, char **text, AlisaError *error) {
    return alisa_tokenizer_render_chat(template_name, messages, count, reply, text, error);
}
