/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/placement_internal.h"

#include <stdlib.h>

AlisaStatus alisa_placement_create(AlisaDevice *device, const AlisaPlacementShape *shape,
                                   const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                                   AlisaKv *kv, AlisaSparse *sparse, AlisaPlacement **placement,
                                   AlisaError *error) {
    *placement = NULL;
    const char *what = "placement";
    AlisaPlacement *made = alisa_allocate_zeroed(1, sizeof *made, what, error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->device = device;
    made->kv = kv;
    made->tiers = alisa_kv_tiers(kv);
    made->sparse = sparse;
    made->shape = *shape;
    made->problem = *problem;
    made->plan = *plan;
    made->ahead = true;
    AlisaStatus status = ALISA_ERROR_MEMORY;
    size_t sequences = shape->sequence_count, layers = shape->layer_count;
    made->list_count = sparse ? alisa_sparse_list_count(sparse) : 1;
    made->away = alisa_allocate_zeroed(sequences, sizeof *made->away, what, error);
    made->dropped = alisa_allocate_zeroed(sequences, sizeof *made->dropped, what, error);
    made->input_rows = alisa_allocate(shape->max_rows, sizeof *made->input_rows, what, error);
    made->input_sources = alisa_allocate(shape->max_rows, sizeof *made->input_sources, what, error);
    made->lists = alisa_allocate(sequences * made->list_count, sizeof *made->lists, what, error);
    made->ranges = alisa_allocate(sequences * layers, sizeof *made->ranges, what, error);
    made->leaving = alisa_allocate(sequences, sizeof *made->leaving, what, error);
    made->others = alisa_allocate(shape->context_length, sizeof *made->others, what, error);
    made->read = alisa_allocate_zeroed(layers, sizeof *made->read, what, error);
    if (!made->dropped || !made->input_rows || !made->input_sources) goto fail;
    if (!made->away || !made->lists || !made->ranges || !made->leaving || !made->others ||
        !made->read)
        goto fail;
    for (size_t i = 0; i < layers; i++) {
        made->read[i].counts = alisa_allocate_zeroed(sequences, sizeof(uint32_t), what, error);
        if (!made->read[i].counts) goto fail;
    }
    status = ALISA_OK;
    if (sparse) {
        made->capacity = alisa_selection_capacity(alisa_sparse_selection(sparse));
        uint64_t entries = (uint64_t)layers * sequences * made->list_count * made->capacity;
        status = alisa_pinned_create(device, entries * sizeof(uint32_t), "lists of chosen tokens",
                                     &made->pinned, error);
    }
    if (status != ALISA_OK) goto fail;
    *placement = made;
    return ALISA_OK;
fail:
    alisa_placement_destroy(made);
    return status;
}

void alisa_placement_destroy(AlisaPlacement *placement) {
    if (!placement) return;
    for (uint32_t i = 0; placement->read && i < placement->shape.layer_count; i++) {
        alisa_event_wait(placement->device, &placement->read[i].event, "lists", NULL);
        alisa_event_release(&placement->read[i].event);
        free(placement->read[i].counts);
    }
    if (placement->pinned.data) alisa_pinned_destroy(placement->device, &placement->pinned);
    free(placement->read);
    free(placement->away);
    free(placement->dropped);
    free(placement->input_rows);
    free(placement->input_sources);
    free(placement->lists);
    free(placement->ranges);
    free(placement->leaving);
    free(placement->others);
    free(placement);
}

const AlisaSchedProblem *alisa_placement_problem(const AlisaPlacement *placement) {
    return &placement->problem;
}

const AlisaSchedPlan *alisa_placement_plan(const AlisaPlacement *placement) {
    return &placement->plan;
}

const AlisaSchedStep *alisa_placement_step(const AlisaPlacement *placement) {
    return &placement->step;
}

double alisa_placement_predicted(const AlisaPlacement *placement) {
    return placement->predicted.total;
}

void alisa_placement_observe(AlisaPlacement *placement, double seconds) {
    AlisaSchedProblem *problem = &placement->problem;
    AlisaKvUsage usage;
    alisa_kv_note_times(placement->kv);
    alisa_kv_usage(placement->kv, &usage);
    double copied = usage.traffic.seconds - placement->copied;
    bool follows = placement->observed_length + 1 == placement->step.length;
    placement->observed_length = placement->step.length;
    placement->copied = usage.traffic.seconds;
    if (!follows) return; /* copies of what came between would be taken for the step's */
    AlisaSchedMeasured measured = alisa_sched_attribute(problem, seconds, copied);
    if (!alisa_sched_correct(&placement->observer, problem, &placement->predicted, &measured))
        return;
    alisa_sched_solve_again(problem, &placement->step, &placement->plan);
    placement->replanned++;
}

uint32_t alisa_placement_replanned(const AlisaPlacement *placement) {
    return placement->replanned;
}
