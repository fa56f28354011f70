/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa tokenize: text -> tokens, for looking at.
 */
#include "runtime/runtime.h"

#include <stdlib.h>

static void print_ids(const Tokens *tokens) {
    putchar('[');
    for (size_t i = 0; i < tokens->count; i++) {
        printf("%s%d", i ? ", " : "", (int)tokens->ids[i]);
    }
    printf("]\n");
}

static bool print_pieces(const AlisaModel *model, const Tokens *tokens) {
    Text shown = {0};
    bool good = true;
    for (size_t i = 0; i < tokens->count && good; i++) {
        Utf8Hold hold = {0};
        size_t size = alisa_token_bytes(model, tokens->ids[i], false, true, NULL, 0);
        char *piece = malloc(size + 1);
        good = piece != NULL;
        if (good) alisa_token_bytes(model, tokens->ids[i], false, true, piece, size);
        shown.size = 0;
        good = good && alisa_cli_utf8_push(&hold, piece, size, &shown) &&
               alisa_cli_utf8_finish(&hold, &shown);
        free(piece);
        if (!good) break;
        printf("%6d -> '", (int)tokens->ids[i]);
        alisa_cli_output_escaped(shown.data, shown.size);
        printf("'\n");
    }
    alisa_cli_text_free(&shown);
    return good;
}

ExitCode alisa_cli_tokenize(const Settings *settings) {
    Runtime runtime;
    Text text = {0};
    Tokens tokens = {0};
    ExitCode code = alisa_cli_runtime_vocabulary(&runtime, settings);
    if (code == EXIT_DONE && !settings->prompt && !settings->file) {
        code = alisa_cli_refuse(EXIT_USAGE, "no text was given: use -p TEXT or -f FILE");
    }
    if (code == EXIT_DONE) code = alisa_cli_runtime_prompt(settings, &text);
    if (code == EXIT_DONE) {
        uint32_t flags = ALISA_TOKENIZE_SPECIAL | (settings->no_bos ? 0 : ALISA_TOKENIZE_BOS);
        AlisaError error;
        if (alisa_tokenize(runtime.model, text.data, text.size, flags, &tokens.ids, &tokens.count,
                           &error) != ALISA_OK) {
            code = alisa_cli_fail(&error);
        } else if (settings->ids) {
            print_ids(&tokens);
        } else if (!print_pieces(runtime.model, &tokens)) {
            code = alisa_cli_out_of_memory();
        }
    }
    alisa_free(tokens.ids);
    alisa_cli_text_free(&text);
    alisa_cli_runtime_close(&runtime);
    return code;
}
