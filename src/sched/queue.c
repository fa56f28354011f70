#include "sched/queue.h"

#include <stdlib.h>

/* Blocks that are left free when a sequence starts, so that those that run can grow: 1 in 100, as
 * vLLM's watermark. */
#define WATERMARK_DIVISOR 100

static uint32_t blocks_of(uint32_t length) {
    return (length + ALISA_SCHED_BLOCK - 1) / ALISA_SCHED_BLOCK;
}

AlisaStatus alisa_sched_queue_init(AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                                   const AlisaSchedPlan *plan, AlisaError *error) {
    uint32_t batch = problem->run.batch;
    *queue = (AlisaSchedQueue){.free_blocks = plan->block_count};
    queue->sequences = alisa_allocate_zeroed(batch, sizeof *queue->sequences, "queue", error);
    if (!queue->sequences) return ALISA_ERROR_MEMORY;
    /* In one step a sequence can at most leave and another come. */
    queue->action_capacity = 2 * (size_t)batch;
    queue->actions = alisa_allocate(queue->action_capacity, sizeof *queue->actions, "queue", error);
    if (!queue->actions) {
        alisa_sched_queue_finish(queue);
        return ALISA_ERROR_MEMORY;
    }
    for (uint32_t i = 0; i < batch; i++) {
        queue->sequences[i].length = problem->run.prompt_length;
    }
    return ALISA_OK;
}

void alisa_sched_queue_finish(AlisaSchedQueue *queue) {
    free(queue->sequences);
    free(queue->actions);
    *queue = (AlisaSchedQueue){0};
}

static void act(AlisaSchedQueue *queue, AlisaSchedActionKind kind, uint32_t sequence) {
    queue->actions[queue->action_count++] =
        (AlisaSchedAction){kind, sequence, queue->sequences[sequence].length};
}

static double held_bytes(const AlisaSchedProblem *problem, uint32_t length) {
    return (double)length * problem->model.layer_count * problem->bytes.slot;
}

/* ---- Blocks -------------------------------------------------------------------------------- */

static bool swap_is_cheaper(const AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                            uint32_t length) {
    double bytes = held_bytes(problem, length);
    if (queue->swapped_bytes + bytes > (double)problem->run.host_bytes) return false;
    AlisaSchedWork swap = {.to_device = bytes / problem->model.layer_count,
                           .to_host = bytes / problem->model.layer_count,
                           .waits = true};
    AlisaSchedStep step = {.length = length, .kept = length, .locals = length};
    AlisaSchedWork again;
    alisa_sched_prefill_work(problem, &step, 1.0, &again);
    AlisaSchedCost swapping, computing;
    alisa_sched_time(problem, &swap, &swapping);
    alisa_sched_time(problem, &again, &computing);
    return swapping.total < computing.total;
}

static void preempt(AlisaSchedQueue *queue, const AlisaSchedProblem *problem, uint32_t victim) {
    AlisaSchedSequence *sequence = &queue->sequences[victim];
    bool swap = swap_is_cheaper(queue, problem, sequence->length);
    act(queue, swap ? ALISA_SCHED_SWAP_OUT : ALISA_SCHED_DROP, victim);
    if (swap) queue->swapped_bytes += held_bytes(problem, sequence->length);
    sequence->state = swap ? ALISA_SCHED_SWAPPED : ALISA_SCHED_WAITING;
    queue->free_blocks += blocks_of(sequence->length);
    queue->preempted++;
}

/* The running sequence that started last; batch if none runs. */
static uint32_t latest_running(const AlisaSchedQueue *queue, uint32_t batch) {
    uint32_t latest = batch;
    for (uint32_t i = 0; i < batch; i++) {
        const AlisaSchedSequence *sequence = &queue->sequences[i];
        if (sequence->state != ALISA_SCHED_RUNNING) continue;
        if (latest == batch || sequence->arrival > queue->sequences[latest].arrival) latest = i;
    }
    return latest;
}

/* Makes sure that every running sequence has a block for its next token. */
static bool make_room(AlisaSchedQueue *queue, const AlisaSchedProblem *problem) {
    uint32_t batch = problem->run.batch, before = queue->preempted;
    for (;;) {
        uint32_t wanted = 0;
        for (uint32_t i = 0; i < batch; i++) {
            const AlisaSchedSequence *sequence = &queue->sequences[i];
            if (sequence->state != ALISA_SCHED_RUNNING) continue;
            wanted += blocks_of(sequence->length + 1) - blocks_of(sequence->length);
        }
        if (wanted <= queue->free_blocks) return queue->preempted != before;
        preempt(queue, problem, latest_running(queue, batch));
    }
}

static bool start_one(AlisaSchedQueue *queue, const AlisaSchedProblem *problem, uint32_t index,
                      uint32_t reserved) {
    AlisaSchedSequence *sequence = &queue->sequences[index];
    uint32_t blocks = blocks_of(sequence->length + 1);
    /* A sequence that has the device for itself may take all of it. */
    bool alone = latest_running(queue, problem->run.batch) == problem->run.batch;
    if (blocks + (alone ? 0 : reserved) > queue->free_blocks) return false;
    bool swapped = sequence->state == ALISA_SCHED_SWAPPED;
    act(queue, swapped ? ALISA_SCHED_SWAP_IN : ALISA_SCHED_PREFILL, index);
    if (swapped) queue->swapped_bytes -= held_bytes(problem, sequence->length);
    sequence->state = ALISA_SCHED_RUNNING;
    sequence->arrival = queue->arrivals++;
    queue->free_blocks -= blocks_of(sequence->length);
    return true;
}

/* Blocks the running sequences take in this step, and a watermark. */
static uint32_t reserved_blocks(const AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                                uint32_t total) {
    uint32_t wanted = total / WATERMARK_DIVISOR;
    for (uint32_t i = 0; i < problem->run.batch; i++) {
        const AlisaSchedSequence *sequence = &queue->sequences[i];
        if (sequence->state != ALISA_SCHED_RUNNING) continue;
        wanted += blocks_of(sequence->length + 1) - blocks_of(sequence->length);
    }
    return wanted;
}

/* First those that were swapped out, then those that wait, in order, while there is room. */
static void start_by_blocks(AlisaSchedQueue *queue, const AlisaSchedProblem *problem) {
    uint32_t total = queue->free_blocks;
    for (uint32_t i = 0; i < problem->run.batch; i++) {
        if (queue->sequences[i].state == ALISA_SCHED_RUNNING) {
            total += blocks_of(queue->sequences[i].length);
        }
    }
    static const AlisaSchedPlaceOf order[] = {ALISA_SCHED_SWAPPED, ALISA_SCHED_WAITING};
    for (size_t turn = 0; turn < 2; turn++) {
        for (uint32_t i = 0; i < problem->run.batch; i++) {
            if (queue->sequences[i].state != order[turn]) continue;
            if (!start_one(queue, problem, i, reserved_blocks(queue, problem, total))) return;
        }
    }
}

/* ---- Advancing ----------------------------------------------------------------------------- */

static void start_all(AlisaSchedQueue *queue, uint32_t batch) {
    for (uint32_t i = 0; i < batch; i++) {
        if (queue->sequences[i].state != ALISA_SCHED_WAITING) continue;
        queue->sequences[i].state = ALISA_SCHED_RUNNING;
        act(queue, ALISA_SCHED_PREFILL, i);
    }
}

bool alisa_sched_queue_advance(AlisaSchedQueue *queue, const AlisaSchedProblem *problem) {
    uint32_t batch = problem->run.batch, last = alisa_sched_final_length(problem);
    bool blocks = problem->policy->by_blocks;
    queue->action_count = 0;
    queue->running = 0;
    for (uint32_t i = 0; i < batch; i++) {
        AlisaSchedSequence *sequence = &queue->sequences[i];
        if (sequence->state == ALISA_SCHED_RUNNING && sequence->length >= last) {
            alisa_sched_queue_end(queue, problem, i);
        }
    }
    if (!blocks) {
        start_all(queue, batch);
    } else if (!make_room(queue, problem)) {
        start_by_blocks(queue, problem);
    }
    for (uint32_t i = 0; i < batch; i++) {
        AlisaSchedSequence *sequence = &queue->sequences[i];
        if (sequence->state != ALISA_SCHED_RUNNING) continue;
        if (blocks) {
            queue->free_blocks -= blocks_of(sequence->length + 1) - blocks_of(sequence->length);
        }
        sequence->length++;
        queue->running++;
    }
    return queue->running > 0;
}

void alisa_sched_queue_end(AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                           uint32_t sequence) {
    AlisaSchedSequence *ended = &queue->sequences[sequence];
    if (problem->policy->by_blocks && ended->state == ALISA_SCHED_RUNNING) {
        queue->free_blocks += blocks_of(ended->length);
    }
    if (ended->state == ALISA_SCHED_SWAPPED) {
        queue->swapped_bytes -= held_bytes(problem, ended->length);
    }
    ended->state = ALISA_SCHED_DONE;
}

const char *alisa_sched_queue_check(const AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                                    const AlisaSchedPlan *plan) {
    uint64_t held = 0;
    uint32_t running = 0;
    for (uint32_t i = 0; i < problem->run.batch; i++) {
        const AlisaSchedSequence *sequence = &queue->sequences[i];
        if (sequence->length > alisa_sched_final_length(problem)) return "a sequence is too long";
        if (sequence->state != ALISA_SCHED_RUNNING) continue;
        held += blocks_of(sequence->length);
        running++;
    }
    if (running != queue->running) return "running sequences are miscounted";
    if (problem->policy->by_blocks && held + queue->free_blocks != plan->block_count) {
        return "blocks are missing or counted twice";
    }
    if (queue->action_count > queue->action_capacity) return "too many actions";
    return NULL;
}
