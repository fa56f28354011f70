/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/lists.h"

#include "alisa/bench.h"

#include <stdio.h>

/* The figures, in the order in which they are shown. */
typedef struct Share {
    const char *name, *title;
    size_t part, total; /* offsets into AlisaSelectCounts */
} Share;

#define COUNT(field) offsetof(AlisaSelectCounts, field)

static const Share shares[] = {
    {"kept", "kept", COUNT(kept), COUNT(tokens)},
    {"new_pick_rate", "new picks", COUNT(new_picks), COUNT(globals)},
    {"revival_rate", "revivals", COUNT(revivals), COUNT(globals)},
    {"attention_sparsity", "sparsity", COUNT(small_weights), COUNT(weights)},
};

enum { SHARES = sizeof shares / sizeof *shares };

static uint64_t count_at(const AlisaSelectCounts *counts, size_t offset) {
    return *(const uint64_t *)((const char *)counts + offset);
}

/* A share of nothing is 0. */
static double share_of(const AlisaSelectCounts *counts, const Share *share) {
    uint64_t total = count_at(counts, share->total);
    return total ? (double)count_at(counts, share->part) / (double)total : 0.0;
}

static AlisaSelectCounts sum_of_layers(const Runtime *runtime) {
    AlisaSelectCounts sum = {0};
    for (uint32_t layer = 0; layer < runtime->info.layer_count; layer++) {
        AlisaSelectCounts counts;
        alisa_session_lists(runtime->session, layer, &counts);
        sum.lists += counts.lists;
        sum.tokens += counts.tokens;
        sum.kept += counts.kept;
        sum.globals += counts.globals;
        sum.new_picks += counts.new_picks;
        sum.revivals += counts.revivals;
        sum.weights += counts.weights;
        sum.small_weights += counts.small_weights;
    }
    return sum;
}

static void report_line(const char *name, const AlisaSelectCounts *counts) {
    fprintf(stderr, "%16s =", name);
    for (size_t i = 0; i < SHARES; i++)
        fprintf(stderr, " %7.2f %% %-9s", 100.0 * share_of(counts, &shares[i]), shares[i].title);
    fprintf(stderr, " (%llu lists)\n", (unsigned long long)counts->lists);
}

void alisa_cli_lists_report(const Runtime *runtime) {
    AlisaSelectCounts all = sum_of_layers(runtime);
    if (all.lists == 0) {
        fprintf(stderr, "%16s = none: every token was attended to\n", "lists");
        return;
    }
    for (uint32_t layer = 0; layer < runtime->info.layer_count; layer++) {
        AlisaSelectCounts counts;
        char name[32];
        alisa_session_lists(runtime->session, layer, &counts);
        snprintf(name, sizeof name, "lists, layer %u", layer);
        report_line(name, &counts);
    }
    report_line("lists", &all);
}

static json_t *describe(const AlisaSelectCounts *counts) {
    json_t *described = json_pack("{s:I}", "lists", (json_int_t)counts->lists);
    for (size_t i = 0; i < SHARES; i++)
        json_object_set_new(described, shares[i].name, json_real(share_of(counts, &shares[i])));
    return described;
}

json_t *alisa_cli_lists_describe(const Runtime *runtime) {
    AlisaSelectCounts all = sum_of_layers(runtime);
    if (all.lists == 0) return NULL;
    json_t *described = describe(&all), *layers = json_array();
    for (uint32_t layer = 0; layer < runtime->info.layer_count; layer++) {
        AlisaSelectCounts counts;
        alisa_session_lists(runtime->session, layer, &counts);
        json_array_append_new(layers, describe(&counts));
    }
    json_object_set_new(described, "layers", layers);
    return described;
}
