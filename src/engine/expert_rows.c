/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/expert_rows.h"

#include <stdlib.h>

AlisaStatus alisa_expert_rows_init(AlisaExpertRows *sorted, const AlisaExpertShape *shape,
                                   uint32_t rows, AlisaError *error) {
    size_t choices = (size_t)rows * shape->used;
    const char *what = "rows of experts";
    if (shape->count == 0) return ALISA_OK;
    sorted->chosen = alisa_allocate(choices, sizeof *sorted->chosen, what, error);
    sorted->order = alisa_allocate(2 * choices, sizeof *sorted->order, what, error);
    sorted->first = alisa_allocate((size_t)shape->count + 1, sizeof *sorted->first, what, error);
    return sorted->chosen && sorted->order && sorted->first ? ALISA_OK : ALISA_ERROR_MEMORY;
}

void alisa_expert_rows_finish(AlisaExpertRows *sorted) {
    free(sorted->chosen);
    free(sorted->order);
    free(sorted->first);
    *sorted = (AlisaExpertRows){0};
}

void alisa_expert_rows_sort(AlisaExpertRows *sorted, const AlisaExpertShape *shape, uint32_t rows) {
    uint32_t choices = rows * shape->used;
    int32_t *sources = sorted->order, *places = sorted->order + choices;
    uint32_t *first = sorted->first;
    for (uint32_t e = 0; e <= shape->count; e++)
        first[e] = 0;
    for (uint32_t i = 0; i < choices; i++)
        first[sorted->chosen[i] + 1]++;
    for (uint32_t e = 0; e < shape->count; e++)
        first[e + 1] += first[e];
    for (uint32_t i = 0; i < choices; i++) {
        uint32_t place = first[sorted->chosen[i]]++;
        sources[place] = (int32_t)(i / shape->used);
        places[i] = (int32_t)place;
    }
    /* Each has walked to the end of its expert's rows, which is where the next one's begin. */
    for (uint32_t e = shape->count; e > 0; e--)
        first[e] = first[e - 1];
    first[0] = 0;
}

bool alisa_expert_rows_next(const AlisaExpertRows *sorted, const AlisaExpertShape *shape,
                            AlisaExpertRun *run) {
    const uint32_t *first = sorted->first;
    uint32_t expert = run->rows > 0 ? run->expert + 1 : 0;
    while (expert < shape->count && first[expert + 1] == first[expert])
        expert++;
    if (expert == shape->count) return false;
    *run = (AlisaExpertRun){expert, first[expert], first[expert + 1] - first[expert]};
    return true;
}
