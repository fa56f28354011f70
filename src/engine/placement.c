#include "engine/placement.h"

#include <stdlib.h>
#include <string.h>

#include "sched/observe.h"

/* A layer's lists on the host: uint32[sequence][list][capacity]. */
typedef struct ReadLists {
    AlisaEvent event;
    uint32_t *counts; /* [sequence] tokens of the step each is for; 0: not read */
} ReadLists;

struct AlisaPlacement {
    AlisaDevice *device; /* these three are not owned */
    AlisaKv *kv;
    AlisaTiers *tiers;
    AlisaSparse *sparse;
    AlisaPlacementShape shape;
    AlisaSchedProblem problem;
    AlisaSchedPlan plan;
    AlisaSchedStep step, before; /* of the longest sequence that has rows, and the step before */
    AlisaSchedCost predicted;
    AlisaSchedObserver observer;
    uint32_t observed_length; /* of the last step that was observed */
    double copied;            /* seconds of copies up to its end */
    uint32_t replanned;
    AlisaResidencyUse use;
    bool ahead; /* the tokens of two layers fit side by side */
    bool late;  /* the step's lists are picked in their layers */
    const AlisaPlacementTurn *turns;
    uint32_t turn_count;
    uint32_t needed;           /* layers whose tokens are on their way */
    uint32_t *away;            /* [sequence] leading tokens that the plan has on the host, or */
    uint32_t *dropped;         /* as layer inputs only */
    AlisaTokenRow *input_rows; /* [max_rows] of the step whose inputs are kept, and */
    uint32_t *input_sources;   /* which rows they are */
    uint32_t list_count, capacity;
    AlisaPinned pinned; /* lists of all layers */
    ReadLists *read;    /* [layer] */
    AlisaTokenList *lists;
    AlisaTokenRange *ranges;
    uint32_t *leaving; /* [turn] tokens that are to be on the host after the step */
    uint32_t *others;  /* [context] tokens that are not in a list */
};

AlisaStatus alisa_placement_create(AlisaDevice *device, const AlisaPlacementShape *shape,
                                   const AlisaSchedProblem *problem, AlisaKv *kv,
                                   AlisaSparse *sparse, AlisaPlacement **placement,
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
    made->ahead = true;
    AlisaStatus status = problem->policy->solve(problem, &made->plan, error);
    if (status != ALISA_OK) goto fail;

    status = ALISA_ERROR_MEMORY;
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

/* ---- Lists --------------------------------------------------------------------------------- */

static uint64_t layer_entries(const AlisaPlacement *placement) {
    return (uint64_t)placement->shape.sequence_count * placement->list_count * placement->capacity;
}

/* Whether a token of some layer may be elsewhere than on the device when the next step comes. */
static bool lists_matter(const AlisaPlacement *placement) {
    if (placement->problem.policy->attention == ALISA_SCHED_ATTEND_KEPT) return true;
    const AlisaResidency *residency = alisa_tiers_residency(placement->tiers);
    uint32_t arenas = alisa_tiers_store(placement->tiers)->arena_count;
    uint32_t rows = placement->shape.sequence_count * placement->shape.row_tokens;
    uint32_t layers = (placement->shape.layer_count + arenas - 1) / arenas;
    for (uint32_t arena = 0; arena < arenas; arena++)
        if (alisa_residency_free_device_slots(residency, arena) < 2 * rows * layers) return true;
    return !alisa_residency_all_on_device(residency);
}

/* Starts to read a layer's lists: those of this step where they are picked late, else of the next.
 */
static AlisaStatus read_lists(AlisaPlacement *placement, uint32_t layer, AlisaError *error) {
    ReadLists *read = &placement->read[layer];
    /* The lists of sequences that have no row in this step stay as they are. */
    for (uint32_t i = 0; i < placement->turn_count; i++)
        read->counts[placement->turns[i].sequence] = 0;
    if (!placement->sparse || !lists_matter(placement)) return ALISA_OK;
    AlisaEvent marked = {0};
    AlisaStatus status = alisa_opencl_mark(placement->device, &marked, error);
    if (status != ALISA_OK) return status;
    const AlisaSelection *selection = alisa_sparse_selection(placement->sparse);
    uint64_t bytes = layer_entries(placement) * sizeof(uint32_t);
    char *to = (char *)placement->pinned.data + layer * bytes;
    alisa_event_release(&read->event);
    status = alisa_transfer_read(placement->device, alisa_selection_lists(selection), layer * bytes,
                                 to, bytes, &marked, &read->event, error);
    alisa_event_release(&marked);
    for (uint32_t i = 0; i < placement->turn_count && status == ALISA_OK; i++) {
        const AlisaPlacementTurn *turn = &placement->turns[i];
        read->counts[turn->sequence] =
            placement->late ? turn->count : alisa_sparse_picked(placement->sparse, turn->sequence);
    }
    return status;
}

static AlisaStatus await_lists(AlisaPlacement *placement, uint32_t layer, AlisaError *error) {
    AlisaEvent *event = &placement->read[layer].event;
    AlisaStatus status =
        alisa_event_wait(placement->device, event, "reading lists of chosen tokens back", error);
    alisa_event_release(event);
    return status;
}

/* Tokens of a list of `count` tokens' step that have slots; the others are in the newest block. */
static uint32_t placed_entries(const uint32_t *positions, uint32_t kept, uint32_t placed) {
    while (kept > 0 && positions[kept - 1] >= placed)
        kept--;
    return kept;
}

/* The lists of a sequence in the step with `count` tokens; returns how many. */
static uint32_t add_lists(const AlisaPlacement *placement, uint32_t layer, uint32_t sequence,
                          uint32_t count, uint32_t placed, bool chosen, AlisaTokenList *lists) {
    const ReadLists *read = &placement->read[layer];
    if (placed == 0) return 0;
    if (!chosen || read->counts[sequence] != count) {
        lists[0] = (AlisaTokenList){.sequence = sequence, .count = placed};
        return 1;
    }
    const uint32_t *positions = (const uint32_t *)placement->pinned.data +
                                layer * layer_entries(placement) +
                                (uint64_t)sequence * placement->list_count * placement->capacity;
    uint32_t kept = alisa_sparse_kept(placement->sparse, count);
    for (uint32_t i = 0; i < placement->list_count; i++, positions += placement->capacity)
        lists[i] = (AlisaTokenList){.sequence = sequence,
                                    .count = placed_entries(positions, kept, placed),
                                    .positions = positions};
    return placement->list_count;
}

/* ---- A step -------------------------------------------------------------------------------- */

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
    AlisaStatus status = await_lists(placement, layer, error);
    size_t count = 0;
    for (uint32_t i = 0; i < placement->turn_count; i++) {
        const AlisaPlacementTurn *turn = &placement->turns[i];
        count += add_lists(placement, layer, turn->sequence, turn->count, turn->placed,
                           turn->chosen, placement->lists + count);
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
    AlisaStatus status = read_lists(placement, layer, error);
    if (status == ALISA_OK) status = alisa_opencl_flush(placement->device, error);
    return status == ALISA_OK ? need_layer(placement, layer, error) : status;
}

AlisaStatus alisa_placement_arrive(AlisaPlacement *placement, uint32_t layer, AlisaError *error) {
    return alisa_tiers_arrive(placement->tiers, layer, error);
}

AlisaStatus alisa_placement_leave(AlisaPlacement *placement, uint32_t layer, AlisaError *error) {
    alisa_tiers_end(placement->tiers, layer);
    if (placement->sparse && alisa_sparse_chooses_late(placement->sparse)) return ALISA_OK;
    return read_lists(placement, layer, error);
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
        add_lists(placement, layer, turn->sequence, count, turn->placed, true, lists) != 1)
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
    AlisaStatus status = await_lists(placement, layer, error);
    size_t count = 0;
    bool kept_only = placement->problem.policy->attention == ALISA_SCHED_ATTEND_KEPT;
    for (uint32_t i = 0; i < placement->turn_count && status == ALISA_OK; i++) {
        const AlisaPlacementTurn *turn = &placement->turns[i];
        uint32_t next = placement->sparse ? turn->count + 1 : 0;
        if (kept_only) {
            forget_others(placement, layer, turn);
        } else if (!placement->sparse || placement->read[layer].counts[turn->sequence] == next) {
            count += add_lists(placement, layer, turn->sequence, next, turn->placed,
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

/* ---- Whole sequences ----------------------------------------------------------------------- */

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
