/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/queue.h"

#include <math.h>
#include <stdlib.h>

#include "base/round.h"

/* Blocks that are left free when a sequence starts, so that those that run can grow: 1 in 100, as
 * vLLM's watermark. */
#define WATERMARK_DIVISOR 100

static uint32_t blocks_of(uint32_t length) {
    return alisa_divide_up(length, ALISA_SCHED_BLOCK);
}

AlisaStatus alisa_sched_queue_init(AlisaSchedQueue *queue, const AlisaSchedStage *stages,
                                   uint32_t stage_count, AlisaError *error) {
    const AlisaSchedProblem *any = stages->problem;
    uint32_t batch = any->run.batch;
    *queue = (AlisaSchedQueue){.stage_count = stage_count,
                               .batch = batch,
                               .longest = alisa_sched_final_length(any),
                               .by_blocks = any->policy->by_blocks};
    queue->stages = alisa_allocate(stage_count, sizeof *queue->stages, "queue", error);
    queue->sequences = alisa_allocate_zeroed(batch, sizeof *queue->sequences, "queue", error);
    /* In one step a sequence can at most leave and another come. */
    queue->action_capacity = 2 * (size_t)batch;
    queue->actions = alisa_allocate(queue->action_capacity, sizeof *queue->actions, "queue", error);
    if (!queue->stages || !queue->sequences || !queue->actions) {
        alisa_sched_queue_finish(queue);
        return ALISA_ERROR_MEMORY;
    }
    for (uint32_t i = 0; i < stage_count; i++) {
        uint32_t blocks = stages[i].plan->block_count;
        queue->stages[i] = stages[i];
        if (i == 0 || blocks < queue->block_count) queue->block_count = blocks;
    }
    queue->free_blocks = queue->block_count;
    return ALISA_OK;
}

void alisa_sched_queue_finish(AlisaSchedQueue *queue) {
    free(queue->stages);
    free(queue->sequences);
    free(queue->actions);
    *queue = (AlisaSchedQueue){0};
}

static void act(AlisaSchedQueue *queue, AlisaSchedActionKind kind, uint32_t sequence) {
    queue->actions[queue->action_count++] =
        (AlisaSchedAction){kind, sequence, queue->sequences[sequence].length};
}

/* Bytes of K and V that so many tokens have in a stage. */
static double held_bytes(const AlisaSchedProblem *problem, uint64_t tokens) {
    return (double)tokens * alisa_sched_model_kv_layers(&problem->model) * problem->bytes.slot;
}

double alisa_sched_queue_swapped_bytes(const AlisaSchedQueue *queue) {
    double bytes = 0.0;
    for (uint32_t i = 0; i < queue->stage_count; i++)
        bytes += held_bytes(queue->stages[i].problem, queue->swapped_tokens);
    return bytes;
}

/* ---- Blocks -------------------------------------------------------------------------------- */

static bool is_running(const AlisaSchedSequence *sequence) {
    return sequence->state == ALISA_SCHED_RUNNING;
}

static void hold_blocks(AlisaSchedQueue *queue, AlisaSchedSequence *sequence, uint32_t blocks) {
    queue->free_blocks += sequence->blocks;
    queue->free_blocks -= blocks;
    sequence->blocks = blocks;
}

/* Blocks with the rows it wants. */
static uint32_t blocks_wanted(const AlisaSchedQueue *queue, const AlisaSchedSequence *sequence) {
    uint64_t length = (uint64_t)sequence->length + sequence->wanted;
    uint32_t blocks = blocks_of(length < queue->longest ? (uint32_t)length : queue->longest);
    return blocks > sequence->blocks ? blocks : sequence->blocks;
}

/* Blocks that those that run are yet to get. */
static uint32_t growth(const AlisaSchedQueue *queue) {
    uint32_t blocks = 0;
    for (uint32_t i = 0; i < queue->batch; i++) {
        const AlisaSchedSequence *sequence = &queue->sequences[i];
        if (is_running(sequence)) blocks += blocks_wanted(queue, sequence) - sequence->blocks;
    }
    return blocks;
}

static bool host_has_room(const AlisaSchedQueue *queue, uint32_t length) {
    for (uint32_t i = 0; i < queue->stage_count; i++) {
        const AlisaSchedProblem *problem = queue->stages[i].problem;
        if (held_bytes(problem, queue->swapped_tokens + length) > (double)problem->run.host_bytes)
            return false;
    }
    return true;
}

static bool swap_is_cheaper(const AlisaSchedQueue *queue, uint32_t length) {
    if (!host_has_room(queue, length)) return false;
    const AlisaSchedStep step = {.length = length, .kept = length, .locals = length};
    double swapping = 0.0, computing = 0.0;
    for (uint32_t i = 0; i < queue->stage_count; i++) {
        const AlisaSchedProblem *problem = queue->stages[i].problem;
        double bytes = length * problem->bytes.slot; /* of a layer */
        AlisaSchedWork swap = {.to_device = bytes, .to_host = bytes, .waits = true}, again;
        alisa_sched_prefill_work(problem, &step, 1.0, &again);
        AlisaSchedCost cost;
        alisa_sched_time(problem, &swap, &cost);
        swapping += cost.total;
        alisa_sched_time(problem, &again, &cost);
        computing += cost.total;
    }
    return swapping < computing;
}

static void preempt(AlisaSchedQueue *queue, uint32_t victim) {
    AlisaSchedSequence *sequence = &queue->sequences[victim];
    bool swap = swap_is_cheaper(queue, sequence->length);
    act(queue, swap ? ALISA_SCHED_SWAP_OUT : ALISA_SCHED_DROP, victim);
    if (swap) queue->swapped_tokens += sequence->length;
    sequence->state = swap ? ALISA_SCHED_SWAPPED : ALISA_SCHED_WAITING;
    hold_blocks(queue, sequence, 0);
    queue->preempted++;
}

/* The one to leave next: of those that run the last to start, one that wants nothing before those
 * that want rows; batch if none runs. */
static uint32_t find_victim(const AlisaSchedQueue *queue) {
    uint32_t batch = queue->batch, victim = batch;
    for (uint32_t i = 0; i < batch; i++) {
        const AlisaSchedSequence *sequence = &queue->sequences[i];
        if (!is_running(sequence)) continue;
        const AlisaSchedSequence *best = victim < batch ? &queue->sequences[victim] : sequence;
        bool idle = sequence->wanted == 0, best_idle = best->wanted == 0;
        if (best == sequence || (idle && !best_idle) ||
            (idle == best_idle && sequence->arrival > best->arrival))
            victim = i;
    }
    return victim;
}

/* Makes sure that every running sequence has blocks for the rows it wants. */
static bool make_room(AlisaSchedQueue *queue) {
    uint32_t before = queue->preempted;
    while (growth(queue) > queue->free_blocks)
        preempt(queue, find_victim(queue));
    return queue->preempted != before;
}

/* Whether there is room for a sequence beside those that run, and a watermark. One that has the
 * device for itself may take all of it. */
static bool has_room(const AlisaSchedQueue *queue, const AlisaSchedSequence *sequence) {
    bool alone = find_victim(queue) == queue->batch;
    uint32_t reserved = alone ? 0 : queue->block_count / WATERMARK_DIVISOR + growth(queue);
    return blocks_wanted(queue, sequence) + reserved <= queue->free_blocks;
}

static bool start_one(AlisaSchedQueue *queue, uint32_t index) {
    AlisaSchedSequence *sequence = &queue->sequences[index];
    while (!has_room(queue, sequence)) {
        /* Those that want nothing leave if none could run otherwise. */
        uint32_t victim = find_victim(queue);
        for (uint32_t i = 0; i < queue->batch; i++)
            if (is_running(&queue->sequences[i]) && queue->sequences[i].wanted > 0) return false;
        preempt(queue, victim);
    }
    bool swapped = sequence->state == ALISA_SCHED_SWAPPED;
    if (sequence->length > 0)
        act(queue, swapped ? ALISA_SCHED_SWAP_IN : ALISA_SCHED_PREFILL, index);
    if (swapped) queue->swapped_tokens -= sequence->length;
    sequence->state = ALISA_SCHED_RUNNING;
    sequence->arrival = queue->arrivals++;
    hold_blocks(queue, sequence, blocks_of(sequence->length));
    return true;
}

/* First those that were swapped out, then those that wait, in order, while there is room. */
static void start_by_blocks(AlisaSchedQueue *queue) {
    static const AlisaSchedPlaceOf order[] = {ALISA_SCHED_SWAPPED, ALISA_SCHED_WAITING};
    for (size_t turn = 0; turn < 2; turn++) {
        for (uint32_t i = 0; i < queue->batch; i++) {
            const AlisaSchedSequence *sequence = &queue->sequences[i];
            if (sequence->state != order[turn] || sequence->wanted == 0) continue;
            if (!start_one(queue, i)) return;
        }
    }
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static void start_all(AlisaSchedQueue *queue) {
    for (uint32_t i = 0; i < queue->batch; i++) {
        if (queue->sequences[i].state != ALISA_SCHED_WAITING) continue;
        queue->sequences[i].state = ALISA_SCHED_RUNNING;
        act(queue, ALISA_SCHED_PREFILL, i);
    }
}

/* Gives those that run the blocks for the rows they want. */
static void give_blocks(AlisaSchedQueue *queue) {
    queue->running = 0;
    for (uint32_t i = 0; i < queue->batch; i++) {
        AlisaSchedSequence *sequence = &queue->sequences[i];
        if (!is_running(sequence) || sequence->wanted == 0) continue;
        if (queue->by_blocks) hold_blocks(queue, sequence, blocks_wanted(queue, sequence));
        queue->running++;
    }
}

void alisa_sched_queue_admit(AlisaSchedQueue *queue) {
    queue->action_count = 0;
    if (!queue->by_blocks) {
        start_all(queue);
    } else if (!make_room(queue)) {
        start_by_blocks(queue);
    }
    give_blocks(queue);
}

bool alisa_sched_queue_grow(AlisaSchedQueue *queue) {
    uint32_t blocks = growth(queue);
    for (uint32_t i = 0; i < queue->batch; i++) {
        const AlisaSchedSequence *sequence = &queue->sequences[i];
        if (is_running(sequence) || sequence->wanted == 0) continue;
        if (sequence->length > 0) return false;
        blocks += blocks_wanted(queue, sequence);
    }
    if (blocks > queue->free_blocks) return false;
    for (uint32_t i = 0; i < queue->batch; i++) {
        AlisaSchedSequence *sequence = &queue->sequences[i];
        if (is_running(sequence) || sequence->wanted == 0) continue;
        sequence->state = ALISA_SCHED_RUNNING;
        sequence->arrival = queue->arrivals++;
    }
    give_blocks(queue);
    return true;
}

void alisa_sched_queue_resize(AlisaSchedQueue *queue, uint32_t sequence, uint32_t length) {
    AlisaSchedSequence *resized = &queue->sequences[sequence];
    if (is_running(resized)) hold_blocks(queue, resized, blocks_of(length));
    if (resized->state == ALISA_SCHED_SWAPPED)
        queue->swapped_tokens = queue->swapped_tokens + length - resized->length;
    resized->length = length;
    if (length == 0) resized->state = ALISA_SCHED_WAITING;
}

void alisa_sched_queue_drop(AlisaSchedQueue *queue, uint32_t sequence) {
    uint32_t length = queue->sequences[sequence].length;
    alisa_sched_queue_resize(queue, sequence, 0);
    queue->sequences[sequence].length = length;
}

/* ---- A run of equal sequences -------------------------------------------------------------- */

bool alisa_sched_queue_advance(AlisaSchedQueue *queue) {
    for (uint32_t i = 0; i < queue->batch; i++) {
        AlisaSchedSequence *sequence = &queue->sequences[i];
        if (is_running(sequence) && sequence->length >= queue->longest) {
            alisa_sched_queue_drop(queue, i);
            sequence->state = ALISA_SCHED_DONE;
        }
        sequence->wanted = sequence->state != ALISA_SCHED_DONE;
    }
    alisa_sched_queue_admit(queue);
    for (uint32_t i = 0; i < queue->batch; i++)
        queue->sequences[i].length += is_running(&queue->sequences[i]);
    return queue->running > 0;
}

/* ---- Costs and checks ---------------------------------------------------------------------- */

static void add_cost(const AlisaSchedQueue *queue, const AlisaSchedStage *stage,
                     AlisaSchedCost *cost) {
    const AlisaSchedProblem *problem = stage->problem;
    AlisaSchedWork prefill = {0}, swap = {.waits = true};
    for (size_t i = 0; i < queue->action_count; i++) {
        const AlisaSchedAction *action = &queue->actions[i];
        double bytes = action->length * problem->bytes.slot;
        if (action->kind == ALISA_SCHED_SWAP_IN) swap.to_device += bytes;
        if (action->kind == ALISA_SCHED_SWAP_OUT) swap.to_host += bytes;
        if (action->kind != ALISA_SCHED_PREFILL) continue;
        AlisaSchedStep step;
        AlisaSchedWork one;
        alisa_sched_place(problem, stage->plan, action->length, &step);
        alisa_sched_prefill_work(problem, &step, 1.0, &one);
        prefill.rows += one.rows;
        prefill.head_rows += one.head_rows;
        prefill.pairs += one.pairs;
        prefill.selection += one.selection;
        prefill.to_host += one.to_host;
    }
    prefill.passes = ceil(prefill.rows / problem->run.micro_batch);
    AlisaSchedCost part;
    alisa_sched_time(problem, &swap, &part);
    alisa_sched_cost_add(cost, &part);
    alisa_sched_time(problem, &prefill, &part);
    alisa_sched_cost_add(cost, &part);
}

void alisa_sched_queue_cost(const AlisaSchedQueue *queue, AlisaSchedCost *cost) {
    *cost = (AlisaSchedCost){0};
    for (uint32_t i = 0; i < queue->stage_count; i++)
        add_cost(queue, &queue->stages[i], cost);
}

const char *alisa_sched_queue_check(const AlisaSchedQueue *queue) {
    uint64_t held = 0;
    uint32_t running = 0;
    for (uint32_t i = 0; i < queue->batch; i++) {
        const AlisaSchedSequence *sequence = &queue->sequences[i];
        held += sequence->blocks;
        if (sequence->length > queue->longest) return "a sequence is too long";
        if (!is_running(sequence)) {
            if (sequence->blocks > 0) return "a sequence that does not run holds blocks";
            continue;
        }
        running += sequence->wanted > 0;
        if (queue->by_blocks && sequence->blocks < blocks_of(sequence->length))
            return "a sequence has too few blocks";
    }
    if (running != queue->running) return "running sequences are miscounted";
    if (queue->by_blocks && held + queue->free_blocks != queue->block_count) {
        return "blocks are missing or counted twice";
    }
    if (queue->action_count > queue->action_capacity) return "too many actions";
    return NULL;
}
