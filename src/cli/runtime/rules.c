/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/rules.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define EXPERTS "\\.ffn_(gate|up|down|gate_up)_exps\\.weight$"

/* Takes the pattern's text over; NULL: there was no memory for it. */
static bool add(TensorRules *rules, char *pattern, bool on_host) {
    if (!pattern) return false;
    rules->items[rules->count++] = (AlisaTensorRule){pattern, on_host};
    return true;
}

/* Experts of layers 0 .. layers - 1. */
static char *first_layers(int64_t layers) {
    Text text = {0};
    bool good = true;
    for (int64_t i = 0; i < layers && good; i++) {
        char number[32];
        int length = snprintf(number, sizeof number, "%s%d", i ? "|" : "^blk\\.(", (int)i);
        good = alisa_cli_text_append(&text, number, (size_t)length);
    }
    if (good) good = alisa_cli_text_append(&text, ")" EXPERTS, strlen(")" EXPERTS) + 1);
    if (good) return text.data;
    alisa_cli_text_free(&text);
    return NULL;
}

bool alisa_cli_rules_make(TensorRules *rules, const Settings *settings) {
    const TensorPlaces *places = &settings->tensor_places;
    bool good = true;
    *rules = (TensorRules){0};
    for (size_t i = 0; i < places->count && good; i++) {
        const TensorPlace *place = &places->items[i];
        good = add(rules, strndup(place->pattern, place->length), place->on_host);
    }
    if (good && settings->experts_on_host) good = add(rules, strdup(EXPERTS), true);
    if (good && settings->expert_layers_on_host > 0)
        good = add(rules, first_layers(settings->expert_layers_on_host), true);
    if (!good) alisa_cli_rules_free(rules);
    return good;
}

bool alisa_cli_rules_given(const Settings *settings) {
    return settings->tensor_places.count > 0 || settings->experts_on_host ||
           settings->expert_layers_on_host > 0;
}

void alisa_cli_rules_free(TensorRules *rules) {
    for (size_t i = 0; i < rules->count; i++)
        free((void *)rules->items[i].pattern);
    *rules = (TensorRules){0};
}
