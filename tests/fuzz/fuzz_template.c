/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a chat template, run over a conversation with tools. */
#include "fuzz/fuzz_template.h"

static const char conversation[] =
    "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"add_generation_prompt\": true,"
    "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {\"x\": "
    "1.5}}}],"
    "\"messages\": [{\"role\": \"system\", \"content\": \" be \\n\"},"
    "{\"role\": \"user\", \"content\": \"h\\u00e9 <|im_end|>\"},"
    "{\"role\": \"assistant\", \"content\": null, \"tool_calls\": [{\"id\": \"123456789\","
    "\"function\": {\"name\": \"f\", \"arguments\": {\"a\": [true, null, \"\\ud83d\\ude00\"]}}}]},"
    "{\"role\": \"tool\", \"content\": \"{}\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AlisaTemplate *parsed;
    AlisaError error = {0};
    if (alisa_template_parse((const char *)data, size, &parsed, &error) != ALISA_OK) {
        fuzz_require(!parsed && strstr(error.message, "line ") != NULL);
        return 0;
    }
    json_t *variables = json_loads(conversation, 0, NULL);
    fuzz_render(parsed, variables);
    json_decref(variables);
    alisa_template_destroy(parsed);
    return 0;
}
