/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/placement_internal.h"

static void predict(AlisaPlacement *placement) {
    AlisaSchedWork work;
    const AlisaSchedStep *before = &placement->before;
    bool blocks = placement->problem.policy->by_blocks;
    if (before->length + 1 != placement->step.length) {
        alisa_sched_place(&placement->problem, &placement->plan, placement->step.length - 1,
                          &placement->before);
    }
    if (blocks) { /* sequences of different lengths */
        double tokens = 0.0;
        for (uint32_t i = 0; i < placement->turn_count; i++)
            tokens += placement->turns[i].count;
        alisa_sched_dense_work(placement->turn_count, tokens, &work);
    } else {
        alisa_sched_work(&placement->problem, before, &placement->step, placement->turn_count,
                         &work);
    }
    alisa_sched_time(&placement->problem, &work, &placement->predicted);
}

/* Slots for the inputs of the rows that the plan will have as such. */
static AlisaStatus place_inputs(AlisaPlacement *placement, const AlisaTokenRow *rows,
                                uint32_t row_count, AlisaError *error) {
    AlisaInputs *inputs = alisa_kv_inputs(placement->kv);
    uint32_t count = 0;
    if (!inputs) return ALISA_OK;
    for (uint32_t i = 0; i < row_count; i++) {
        if (rows[i].position >= placement->plan.inputs_saved) continue;
        placement->input_rows[count] = rows[i];
        placement->input_sources[count++] = i;
    }
    return alisa_inputs_place(inputs, placement->input_rows, placement->input_sources, count,
                              error);
}

AlisaStatus alisa_placement_keep_inputs(AlisaPlacement *placement, uint32_t layer,
                                        const AlisaBuffer *x, AlisaError *error) {
    AlisaInputs *inputs = alisa_kv_inputs(placement->kv);
    if (!inputs) return ALISA_OK;
    AlisaStatus status = alisa_inputs_keep(inputs, layer, x, 0, error);
    alisa_inputs_end(inputs, layer);
    return status;
}

AlisaStatus alisa_placement_begin(AlisaPlacement *placement, const AlisaTokenRow *rows,
                                  uint32_t row_count, const AlisaPlacementTurn *turns,
                                  uint32_t turn_count, AlisaError *error) {
    placement->turns = turns;
    placement->turn_count = turn_count;
    placement->needed = 0;
    uint32_t longest = 0;
    placement->late = false;
    for (uint32_t i = 0; i < turn_count; i++) {
        if (turns[i].count > longest) longest = turns[i].count;
        if (turns[i].chosen && alisa_sparse_chooses_late(placement->sparse)) placement->late = true;
    }
    placement->before = placement->step;
    alisa_sched_place(&placement->problem, &placement->plan, longest, &placement->step);
    placement->use = placement->step.streamed ? ALISA_USE_STREAM : ALISA_USE_KEEP;
    predict(placement);
    if (row_count == 0) return ALISA_OK;
    AlisaStatus status = place_inputs(placement, rows, row_count, error);
    if (status != ALISA_OK) return status;
    return alisa_tiers_place(placement->tiers, rows, row_count, error);
}

static AlisaStatus need_layer(AlisaPlacement *placement, uint32_t layer, AlisaError *error) {
    AlisaStatus status = alisa_placement_await_lists(placement, layer, error);
    size_t count = 0;
    for (uint32_t i = 0; i < placement->turn_count; i++) {
        const AlisaPlacementTurn *turn = &placement->turns[i];
        count += alisa_placement_add_lists(placement, layer, turn->sequence, turn->count,
                                           turn->placed, turn->chosen, placement->lists + count);
    }
    if (status != ALISA_OK) return status;
    return alisa_tiers_need(placement->tiers, layer, placement->lists, count, placement->use,
                            error);
}

AlisaStatus alisa_placement_need(AlisaPlacement *placement, uint32_t layer, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    /* Sequences that run have all their tokens on the device where whole ones come and go. */
    if (placement->late || placement->problem.policy->by_blocks) return ALISA_OK;
    if (placement->needed == layer) {
        status = need_layer(placement, layer, error);
        placement->needed++;
    }
    bool next = placement->ahead && layer + 1 < placement->shape.layer_count;
    if (status != ALISA_OK || !next || alisa_tiers_rebuilds(placement->tiers)->count > 0) {
        return status;
    }
    status = need_layer(placement, layer + 1, error);
    if (status == ALISA_OK) placement->needed++;
    if (status != ALISA_ERROR_MEMORY) return status;
    placement->ahead = false;
    return ALISA_OK;
}

AlisaStatus alisa_placement_chosen(AlisaPlacement *placement, uint32_t layer, AlisaError *error) {
    if (!placement->late) return ALISA_OK;
    AlisaStatus status = alisa_placement_read_lists(placement, layer, error);
    if (status == ALISA_OK) status = alisa_opencl_flush(placement->device, error);
    return status == ALISA_OK ? need_layer(placement, layer, error) : status;
}

AlisaStatus alisa_placement_arrive(AlisaPlacement *placement, uint32_t layer, AlisaError *error) {
    return alisa_tiers_arrive(placement->tiers, layer, error);
}

AlisaStatus alisa_placement_leave(AlisaPlacement *placement, uint32_t layer, AlisaError *error) {
    alisa_tiers_end(placement->tiers, layer);
    if (placement->sparse && alisa_sparse_chooses_late(placement->sparse)) return ALISA_OK;
    return alisa_placement_read_lists(placement, layer, error);
}

/* From now on the first `end` tokens of a sequence are computed from their inputs when needed. */
static void drop(AlisaPlacement *placement, const AlisaPlacementTurn *turn, uint32_t end) {
    uint32_t *dropped = &placement->dropped[turn->sequence];
    if (end <= *dropped) return;
    for (uint32_t layer = 0; layer < placement->shape.layer_count; layer++)
        alisa_tiers_drop(placement->tiers, layer, turn->sequence, *dropped, end - *dropped);
    *dropped = end;
}

/* Copies to the host what the plan has there from now on, all layers of an arena at once. */
static AlisaStatus move_out(AlisaPlacement *placement, AlisaError *error) {
    uint32_t arenas = alisa_tiers_store(placement->tiers)->arena_count;
    bool release = placement->use == ALISA_USE_STREAM;
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < placement->turn_count; i++) {
        const AlisaPlacementTurn *turn = &placement->turns[i];
        AlisaSchedStep step;
        alisa_sched_place(&placement->problem, &placement->plan, turn->count, &step);
        placement->leaving[i] = step.host_end < turn->placed ? step.host_end : turn->placed;
        drop(placement, turn, step.inputs_end < turn->placed ? step.inputs_end : turn->placed);
    }
    for (uint32_t arena = 0; arena < arenas && status == ALISA_OK; arena++) {
        size_t count = 0;
        for (uint32_t layer = arena; layer < placement->shape.layer_count; layer += arenas) {
            for (uint32_t i = 0; i < placement->turn_count; i++) {
                uint32_t sequence = placement->turns[i].sequence;
                uint32_t begin = placement->away[sequence], end = placement->leaving[i];
                if (begin < placement->dropped[sequence]) begin = placement->dropped[sequence];
                if (end > begin)
                    placement->ranges[count++] =
                        (AlisaTokenRange){layer, sequence, begin, end - begin};
            }
        }
        if (count > 0)
            status =
                alisa_tiers_offload(placement->tiers, placement->ranges, count, release, error);
    }
    for (uint32_t i = 0; i < placement->turn_count; i++) {
        uint32_t *away = &placement->away[placement->turns[i].sequence];
        if (placement->leaving[i] > *away) *away = placement->leaving[i];
    }
    return status;
}

/* Forgets what the next list of a sequence leaves out. */
static void forget_others(AlisaPlacement *placement, uint32_t layer,
                          const AlisaPlacementTurn *turn) {
    uint32_t count = alisa_sparse_picked(placement->sparse, turn->sequence);
    AlisaTokenList *lists = placement->lists;
    if (count == 0 || placement->read[layer].counts[turn->sequence] != count ||
        alisa_placement_add_lists(placement, layer, turn->sequence, count, turn->placed, true,
                                  lists) != 1)
        return;
    uint32_t others = 0, next = 0;
    for (uint32_t p = 0; p < turn->placed; p++) {
        if (next < lists[0].count && lists[0].positions[next] == p) {
            next++;
        } else {
            placement->others[others++] = p;
        }
    }
    alisa_tiers_forget(placement->tiers, layer,
                       &(AlisaTokenList){turn->sequence, others, placement->others});
}

/* Starts the loads of what the next step of these sequences will need. */
static AlisaStatus load_ahead(AlisaPlacement *placement, uint32_t layer, AlisaError *error) {
    AlisaStatus status = alisa_placement_await_lists(placement, layer, error);
    size_t count = 0;
    bool kept_only = placement->problem.policy->attention == ALISA_SCHED_ATTEND_KEPT;
    for (uint32_t i = 0; i < placement->turn_count && status == ALISA_OK; i++) {
        const AlisaPlacementTurn *turn = &placement->turns[i];
        uint32_t next = placement->sparse ? turn->count + 1 : 0;
        if (kept_only) {
            forget_others(placement, layer, turn);
        } else if (!placement->sparse || placement->read[layer].counts[turn->sequence] == next) {
            count += alisa_placement_add_lists(placement, layer, turn->sequence, next, turn->placed,
                                               placement->sparse != NULL, placement->lists + count);
        }
    }
    if (status != ALISA_OK || count == 0) return status;
    return alisa_tiers_prefetch(placement->tiers, layer, placement->lists, count, error);
}

AlisaStatus alisa_placement_end(AlisaPlacement *placement, AlisaError *error) {
    if (placement->problem.policy->by_blocks) return ALISA_OK;
    AlisaStatus status = move_out(placement, error);
    if (status == ALISA_OK) status = alisa_tiers_refill(placement->tiers, error);
    AlisaInputs *inputs = alisa_kv_inputs(placement->kv);
    if (status == ALISA_OK && inputs)
        status = alisa_tiers_refill(alisa_inputs_tiers(inputs), error);
    /* What is streamed has no place to wait in, but for the first layer's. */
    uint32_t layers =
        placement->use == ALISA_USE_STREAM && !placement->sparse ? 1 : placement->shape.layer_count;
    if (status == ALISA_OK) status = alisa_opencl_flush(placement->device, error);
    for (uint32_t layer = 0; layer < layers && status == ALISA_OK; layer++)
        status = load_ahead(placement, layer, error);
    return status;
}
