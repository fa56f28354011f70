/* SPDX-License-Identifier: Apache-2.0 */
#include "attn/select.h"

#include <stdlib.h>

/* What is known of one list: `from` is the step all of whose tokens count as kept (the last dense
 * one before the first that was seen). */
typedef struct Seen {
    uint32_t from;
    uint32_t count; /* of the newest step seen; 0 before any */
    uint32_t *kept; /* [context]: the last step that kept a token */
} Seen;

struct AlisaSelectHistory {
    AlisaSelectOptions options;
    uint32_t list_count;
    uint32_t *kept; /* of all lists */
    Seen lists[];
};

AlisaStatus alisa_selector_history_create(const AlisaSelectOptions *options, uint32_t context,
                                          uint32_t list_count, AlisaSelectHistory **history,
                                          AlisaError *error) {
    *history = NULL;
    size_t size = sizeof(AlisaSelectHistory) + list_count * sizeof(Seen);
    AlisaSelectHistory *made = alisa_allocate_zeroed(1, size, "selection history", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->options = *options;
    made->list_count = list_count;
    made->kept = alisa_allocate_zeroed((size_t)context * list_count, sizeof *made->kept,
                                       "selection history", error);
    if (!made->kept) {
        free(made);
        return ALISA_ERROR_MEMORY;
    }
    for (uint32_t list = 0; list < list_count; list++)
        made->lists[list].kept = made->kept + (size_t)list * context;
    *history = made;
    return ALISA_OK;
}

void alisa_selector_history_destroy(AlisaSelectHistory *history) {
    if (!history) return;
    free(history->kept);
    free(history);
}

void alisa_selector_history_observe(AlisaSelectHistory *history, uint32_t list, uint32_t count,
                                    const uint32_t *positions, AlisaSelectCounts *counts) {
    Seen *seen = &history->lists[list];
    AlisaSelectBudget budget = alisa_selector_budget(&history->options, count);
    uint32_t kept = alisa_selector_kept(budget);
    uint32_t half = alisa_selector_half_budget(&history->options, count);
    if (seen->count + 1 != count) seen->from = count - 1;
    /* Marks of steps that were taken back are from later than now. */
    if (seen->count >= count)
        for (uint32_t position = 0; position < seen->count; position++)
            seen->kept[position] = 0;
    seen->count = count;
    counts->lists++;
    counts->tokens += count;
    counts->kept += kept;
    counts->globals += budget.globals;
    for (uint32_t i = 0; i < kept; i++) {
        uint32_t *mark = &seen->kept[positions[i]];
        uint32_t last = *mark > seen->from ? *mark : seen->from;
        if (i >= budget.sinks && i - budget.sinks < budget.globals) {
            counts->new_picks += last + 1 < count;
            counts->revivals += (uint64_t)last + half < count;
        }
        *mark = count;
    }
}
