/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "kv/residency_internal.h"

AlisaStatus alisa_move_plan_reserve(AlisaMovePlan *plan, size_t more, AlisaError *error) {
    AlisaMoves *const all[3] = {&plan->offloads, &plan->loads, &plan->rebuilds};
    for (size_t i = 0; i < 3; i++) {
        AlisaMoves *moves = all[i];
        if (more <= moves->capacity - moves->count) continue;
        size_t capacity = moves->count + more;
        if (capacity < 2 * moves->capacity) capacity = 2 * moves->capacity;
        AlisaMove *larger = alisa_allocate(capacity, sizeof *larger, "moves of tokens", error);
        if (!larger) return ALISA_ERROR_MEMORY;
        for (size_t m = 0; m < moves->count; m++)
            larger[m] = moves->items[m];
        free(moves->items);
        moves->items = larger;
        moves->capacity = capacity;
    }
    return ALISA_OK;
}

static int compare(const void *left, const void *right) {
    const AlisaMove *a = left, *b = right;
    return (a->host_slot > b->host_slot) - (a->host_slot < b->host_slot);
}

void alisa_moves_sort(AlisaMoves *moves, size_t first) {
    for (size_t i = first + 1; i < moves->count; i++) {
        if (moves->items[i - 1].host_slot <= moves->items[i].host_slot) continue;
        qsort(moves->items + first, moves->count - first, sizeof *moves->items, compare);
        return;
    }
}

void alisa_move_plan_clear(AlisaMovePlan *plan) {
    plan->offloads.count = plan->loads.count = plan->rebuilds.count = 0;
}

void alisa_move_plan_finish(AlisaMovePlan *plan) {
    free(plan->offloads.items);
    free(plan->loads.items);
    free(plan->rebuilds.items);
    *plan = (AlisaMovePlan){0};
}
