/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two targets of chat templates share: run one, and check what comes out.
 */
#ifndef ALISA_TESTS_FUZZ_TEMPLATE_H
#define ALISA_TESTS_FUZZ_TEMPLATE_H

#include "fuzz/fuzz_input.h"
#include "template/template.h"
#include "template/text.h"

#include <string.h>

/* The text is UTF-8, and its pieces follow each other; or there is a sentence. */
static inline void fuzz_render(const AlisaTemplate *parsed, const json_t *variables) {
    AlisaChatText text;
    AlisaError error = {0};
    if (alisa_template_render(parsed, variables, 1764525600, &text, &error) != ALISA_OK) {
        fuzz_require(!text.bytes && !text.pieces && strlen(error.message) > 10);
        return;
    }
    size_t end = 0;
    for (size_t i = 0; i < text.piece_count; i++) {
        fuzz_require(text.pieces[i].end > end);
        fuzz_require(i == 0 || text.pieces[i].stranger != text.pieces[i - 1].stranger);
        end = text.pieces[i].end;
    }
    fuzz_require(end == text.length && text.bytes[text.length] == 0);
    AlisaText whole = {.bytes = text.bytes, .length = text.length};
    fuzz_require(alisa_text_invalid(whole) == text.length);
    alisa_template_text_finish(&text);
}

#endif
