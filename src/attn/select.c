/* SPDX-License-Identifier: Apache-2.0 */
#include "attn/select.h"

static const char *const kind_names[ALISA_SELECT_KIND_COUNT] = {"dense",   "swa", "local",
                                                                "strided", "h2o", "random"};
static const char *const scores_names[ALISA_SELECT_SCORES_COUNT] = {"sparse", "dense", "query"};
static const char *const lists_names[ALISA_SELECT_LISTS_COUNT] = {"layer", "kv-head"};

const char *alisa_selector_kind_name(AlisaSelectKind kind) {
    return kind_names[kind];
}

const char *alisa_selector_scores_name(AlisaSelectScores scores) {
    return scores_names[scores];
}

const char *alisa_selector_lists_name(AlisaSelectLists lists) {
    return lists_names[lists];
}

enum { MILLION = 1000000 };

void alisa_selector_options_defaults(AlisaSelectOptions *options) {
    *options = (AlisaSelectOptions){.kind = ALISA_SELECT_DENSE, .sparsity = 0.8, .window = 64};
}

const char *alisa_selector_check(const AlisaSelectOptions *options) {
    if (!(options->sparsity >= 0 && options->sparsity <= 0.99)) {
        return "--kv-sparsity must be between 0 and 0.99";
    }
    if (options->scores == ALISA_SELECT_SCORES_QUERY && options->kind != ALISA_SELECT_SWA) {
        return "--swa-scores query needs --attention swa";
    }
    return NULL;
}

/* ---- Budget -------------------------------------------------------------------------------- */

/* 1 - sparsity is not exact in binary; in millionths, halves are halves. */
static uint64_t caching_ratio(const AlisaSelectOptions *options) {
    return (uint64_t)((1.0 - options->sparsity) * MILLION + 0.5);
}

uint32_t alisa_selector_half_budget(const AlisaSelectOptions *options, uint32_t count) {
    uint64_t half = (count * caching_ratio(options) + MILLION) / (2 * (uint64_t)MILLION);
    uint64_t least = options->keep ? ((uint64_t)options->keep + 1) / 2 : 1;
    if (half < least) half = least;
    return half < count ? (uint32_t)half : count;
}

uint32_t alisa_selector_window_rows(const AlisaSelectOptions *options, uint32_t count) {
    uint32_t half = alisa_selector_half_budget(options, count);
    return options->window && options->window < half ? options->window : half;
}

AlisaSelectBudget alisa_selector_budget(const AlisaSelectOptions *options, uint32_t count) {
    uint32_t half = alisa_selector_half_budget(options, count);
    if (options->kind == ALISA_SELECT_DENSE || half >= count || 2 * half >= count) {
        return (AlisaSelectBudget){.locals = count};
    }
    uint32_t sinks = options->sinks < half ? options->sinks : half;
    switch (options->kind) {
    case ALISA_SELECT_LOCAL:
        return (AlisaSelectBudget){.sinks = sinks, .locals = 2 * half - sinks};
    case ALISA_SELECT_STRIDED:
        return (AlisaSelectBudget){.sinks = sinks, .globals = 2 * half - sinks};
    default:
        return (AlisaSelectBudget){sinks, half - sinks, half};
    }
}

uint32_t alisa_selector_kept(AlisaSelectBudget budget) {
    return budget.sinks + budget.globals + budget.locals;
}

uint32_t alisa_selector_reads(const AlisaSelectOptions *options, uint32_t lists, uint32_t count,
                              uint32_t placed) {
    AlisaSelectBudget budget = alisa_selector_budget(options, count);
    uint32_t newest = count - placed, locals = budget.locals > newest ? budget.locals - newest : 0;
    uint64_t reads = budget.sinks + (uint64_t)lists * budget.globals + locals;
    return reads < placed ? (uint32_t)reads : placed;
}

AlisaSelectSource alisa_selector_source(const AlisaSelectOptions *options) {
    switch (options->kind) {
    case ALISA_SELECT_SWA:
        return options->scores == ALISA_SELECT_SCORES_QUERY ? ALISA_SELECT_BY_ROW
                                                            : ALISA_SELECT_BY_SUMS;
    case ALISA_SELECT_H2O:
        return ALISA_SELECT_BY_SUMS;
    case ALISA_SELECT_RANDOM:
        return ALISA_SELECT_BY_CHANCE;
    default:
        return ALISA_SELECT_BY_RULE;
    }
}

uint32_t alisa_selector_unit_shift(const AlisaSelectOptions *options, uint32_t context,
                                   uint32_t heads_per_list) {
    uint64_t rows = 1;
    if (options->kind == ALISA_SELECT_H2O) {
        rows = context;
    } else if (alisa_selector_source(options) == ALISA_SELECT_BY_SUMS) {
        rows = alisa_selector_window_rows(options, context);
    }
    /* At most 2^31 in all: the other half is for the rounding of the weights. */
    uint32_t shift = 31;
    while (shift > 0 && rows * heads_per_list > 1u << (31 - shift))
        shift--;
    return shift;
}

/* ---- Chance -------------------------------------------------------------------------------- */

/* Every bit of the result depends on every bit of x: the finalizer of MurmurHash3 (Appleby). */
static uint32_t mix(uint32_t x) {
    x = (x ^ (x >> 16)) * 0x85ebca6bu;
    x = (x ^ (x >> 13)) * 0xc2b2ae35u;
    return x ^ (x >> 16);
}

uint32_t alisa_selector_stream(uint64_t seed, uint32_t layer, uint32_t sequence, uint32_t list,
                               uint32_t count) {
    uint32_t words[] = {(uint32_t)seed, (uint32_t)(seed >> 32), layer, sequence, list, count};
    uint32_t stream = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        stream = mix(stream + 0x9e3779b9u + words[i]);
    return stream;
}

uint32_t alisa_selector_key(uint32_t stream, uint32_t position) {
    return mix(stream + position);
}
