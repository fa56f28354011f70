/* SPDX-License-Identifier: Apache-2.0 */
#include "template/named.h"

#include "template/embedded.h"

#include <stdio.h>
#include <string.h>

/* One for each file of src/template/named. */
static const char *const names[] = {
    "chatml",     "command-r",  "gemma", "granite", "llama2", "llama3", "mistral",
    "mistral-v1", "mistral-v7", "phi3",  "phi4",    "vicuna", "zephyr", NULL,
};

const char *const *alisa_named_list(void) {
    return names;
}

const char *alisa_named_source(const char *name) {
    char file[64];
    snprintf(file, sizeof file, "%s.jinja", name);
    for (size_t i = 0; i < alisa_template_file_count; i++) {
        if (strcmp(alisa_template_files[i].name, file) == 0) return alisa_template_files[i].text;
    }
    return NULL;
}
