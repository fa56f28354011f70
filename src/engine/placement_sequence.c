/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/placement_internal.h"

AlisaStatus alisa_placement_swap_out(AlisaPlacement *placement, uint32_t sequence, uint32_t placed,
                                     AlisaError *error) {
    uint32_t arenas = alisa_tiers_store(placement->tiers)->arena_count;
    AlisaStatus status = ALISA_OK;
    for (uint32_t arena = 0; arena < arenas && status == ALISA_OK; arena++) {
        size_t count = 0;
        for (uint32_t layer = arena; layer < placement->shape.layer_count; layer += arenas)
            placement->ranges[count++] = (AlisaTokenRange){layer, sequence, 0, placed};
        status = alisa_tiers_offload(placement->tiers, placement->ranges, count, true, error);
    }
    return status;
}

AlisaStatus alisa_placement_swap_in(AlisaPlacement *placement, uint32_t sequence, uint32_t placed,
                                    AlisaError *error) {
    const AlisaTokenList list = {.sequence = sequence, .count = placed};
    AlisaStatus status = ALISA_OK;
    for (uint32_t layer = 0; layer < placement->shape.layer_count && status == ALISA_OK; layer++) {
        status = alisa_tiers_need(placement->tiers, layer, &list, 1, ALISA_USE_KEEP, error);
        alisa_tiers_end(placement->tiers, layer);
    }
    for (uint32_t layer = 0; layer < placement->shape.layer_count && status == ALISA_OK; layer++)
        status = alisa_tiers_arrive(placement->tiers, layer, error);
    return status;
}

/* ---- For measuring ------------------------------------------------------------------------- */

static AlisaStatus place_tokens(AlisaPlacement *placement, uint32_t sequence, uint32_t first,
                                uint32_t length, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    while (first < length && status == ALISA_OK) {
        uint32_t count = length - first;
        if (count > placement->shape.max_rows) count = placement->shape.max_rows;
        for (uint32_t i = 0; i < count; i++)
            placement->input_rows[i] = (AlisaTokenRow){sequence, first + i};
        status = alisa_tiers_place(placement->tiers, placement->input_rows, count, error);
        for (uint32_t layer = 0; layer < placement->shape.layer_count; layer++)
            alisa_tiers_end(placement->tiers, layer);
        first += count;
    }
    return status;
}

AlisaStatus alisa_placement_pretend(AlisaPlacement *placement, uint32_t first, uint32_t length,
                                    AlisaError *error) {
    const AlisaSchedPolicy *policy = placement->problem.policy;
    uint32_t unit = placement->shape.row_tokens;
    uint32_t begin = first / unit * unit, end = length / unit * unit;
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < placement->shape.sequence_count && status == ALISA_OK; i++)
        status = place_tokens(placement, i, begin, end, error);
    if (status != ALISA_OK || policy->by_blocks || policy->attention == ALISA_SCHED_ATTEND_KEPT)
        return status;
    AlisaSchedStep step;
    alisa_sched_place(&placement->problem, &placement->plan, length, &step);
    /* What is streamed comes with every step: the least. Chosen tokens come once: more of them than
     * lists are likely to name. */
    uint32_t away = step.streamed ? unit : end / 2;
    return alisa_placement_swap_out(placement, 0, away, error);
}

AlisaStatus alisa_placement_truncate(AlisaPlacement *placement, uint32_t sequence, uint32_t length,
                                     AlisaError *error) {
    uint32_t placed = length / placement->shape.row_tokens * placement->shape.row_tokens;
    for (uint32_t layer = 0; layer < placement->shape.layer_count; layer++)
        placement->read[layer].counts[sequence] = 0;
    if (placement->away[sequence] > placed) placement->away[sequence] = placed;
    if (placement->dropped[sequence] > placed) placement->dropped[sequence] = placed;
    return alisa_kv_truncate(placement->kv, sequence, placed, error);
}
