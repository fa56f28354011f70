/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/scheduler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct AlisaScheduler {
    uint32_t stage_count;
    AlisaSchedProblem *problems;   /* [stage_count] */
    AlisaSchedPlan *plans;         /* [stage_count] */
    AlisaSchedObserver *observers; /* [stage_count] */
    AlisaSchedStep *steps;         /* [stage_count] of the decision */
    AlisaSchedCost *costs;         /* [stage_count] of the decision */
    AlisaSchedQueue queue;
    AlisaSchedDecision decision;
    bool begun;
};

static AlisaStatus allocate_stages(AlisaScheduler *scheduler, AlisaError *error) {
    const char *what = "scheduler";
    size_t count = scheduler->stage_count;
    scheduler->problems = alisa_allocate(count, sizeof *scheduler->problems, what, error);
    scheduler->plans = alisa_allocate(count, sizeof *scheduler->plans, what, error);
    scheduler->observers = alisa_allocate_zeroed(count, sizeof *scheduler->observers, what, error);
    scheduler->steps = alisa_allocate_zeroed(count, sizeof *scheduler->steps, what, error);
    scheduler->costs = alisa_allocate_zeroed(count, sizeof *scheduler->costs, what, error);
    bool complete = scheduler->problems && scheduler->plans && scheduler->observers &&
                    scheduler->steps && scheduler->costs;
    return complete ? ALISA_OK : ALISA_ERROR_MEMORY;
}

static AlisaStatus create_queue(AlisaScheduler *scheduler, AlisaError *error) {
    uint32_t count = scheduler->stage_count;
    AlisaSchedStage *stages = alisa_allocate(count, sizeof *stages, "scheduler", error);
    if (!stages) return ALISA_ERROR_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        stages[i] = (AlisaSchedStage){&scheduler->problems[i], &scheduler->plans[i]};
    AlisaStatus status = alisa_sched_queue_init(&scheduler->queue, stages, count, error);
    free(stages);
    for (uint32_t i = 0; i < scheduler->queue.batch && status == ALISA_OK; i++)
        alisa_sched_queue_resize(&scheduler->queue, i, scheduler->problems->run.prompt_length);
    return status;
}

AlisaStatus alisa_sched_create(const AlisaSchedProblem *problems, uint32_t stage_count,
                               AlisaScheduler **scheduler, AlisaError *error) {
    *scheduler = NULL;
    AlisaScheduler *made = alisa_allocate_zeroed(1, sizeof *made, "scheduler", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->stage_count = stage_count;
    AlisaStatus status = allocate_stages(made, error);
    for (uint32_t i = 0; i < stage_count && status == ALISA_OK; i++) {
        made->problems[i] = problems[i];
        status = problems[i].policy->solve(&problems[i], &made->plans[i], error);
    }
    if (status == ALISA_OK) status = create_queue(made, error);
    if (status != ALISA_OK) {
        alisa_sched_destroy(made);
        return status;
    }
    *scheduler = made;
    return ALISA_OK;
}

void alisa_sched_destroy(AlisaScheduler *scheduler) {
    if (!scheduler) return;
    alisa_sched_queue_finish(&scheduler->queue);
    free(scheduler->problems);
    free(scheduler->plans);
    free(scheduler->observers);
    free(scheduler->steps);
    free(scheduler->costs);
    free(scheduler);
}

const AlisaSchedProblem *alisa_sched_problem(const AlisaScheduler *scheduler, uint32_t stage) {
    return &scheduler->problems[stage];
}

const AlisaSchedPlan *alisa_sched_plan(const AlisaScheduler *scheduler, uint32_t stage) {
    return &scheduler->plans[stage];
}

const AlisaSchedQueue *alisa_sched_queue(const AlisaScheduler *scheduler) {
    return &scheduler->queue;
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* Tokens of all sequences that run. */
static double running_tokens(const AlisaSchedQueue *queue) {
    double tokens = 0.0;
    for (uint32_t i = 0; i < queue->batch; i++)
        if (queue->sequences[i].state == ALISA_SCHED_RUNNING) tokens += queue->sequences[i].length;
    return tokens;
}

static uint32_t longest_running(const AlisaSchedQueue *queue) {
    uint32_t longest = 0;
    for (uint32_t i = 0; i < queue->batch; i++) {
        const AlisaSchedSequence *sequence = &queue->sequences[i];
        if (sequence->state == ALISA_SCHED_RUNNING && sequence->length > longest)
            longest = sequence->length;
    }
    return longest;
}

/* The step of a stage at this length, and its cost. */
static void decide_stage(AlisaScheduler *scheduler, uint32_t stage, uint32_t length) {
    const AlisaSchedProblem *problem = &scheduler->problems[stage];
    const AlisaSchedQueue *queue = &scheduler->queue;
    AlisaSchedStep *step = &scheduler->steps[stage], before = *step;
    if (!scheduler->begun)
        alisa_sched_place(problem, &scheduler->plans[stage], length - 1, &before);
    alisa_sched_place(problem, &scheduler->plans[stage], length, step);
    AlisaSchedWork work;
    if (queue->by_blocks) { /* sequences of different lengths */
        alisa_sched_dense_work(queue->running, running_tokens(queue), &work);
    } else {
        alisa_sched_work(problem, &before, step, queue->running, &work);
    }
    alisa_sched_time(problem, &work, &scheduler->costs[stage]);
}

const AlisaSchedDecision *alisa_sched_next(AlisaScheduler *scheduler) {
    AlisaSchedQueue *queue = &scheduler->queue;
    if (!alisa_sched_queue_advance(queue)) return NULL;
    AlisaSchedDecision *decision = &scheduler->decision;
    *decision = (AlisaSchedDecision){.actions = queue->actions,
                                     .action_count = queue->action_count,
                                     .sequences = queue->sequences,
                                     .running = queue->running,
                                     .steps = scheduler->steps,
                                     .costs = scheduler->costs};
    uint32_t length = longest_running(queue);
    for (uint32_t i = 0; i < scheduler->stage_count; i++) {
        decide_stage(scheduler, i, length);
        alisa_sched_cost_add(&decision->cost, &scheduler->costs[i]);
    }
    scheduler->begun = true;
    alisa_sched_queue_cost(queue, &decision->actions_cost);
    return decision;
}

/* ---- Measured times ------------------------------------------------------------------------ */

bool alisa_sched_observe(AlisaScheduler *scheduler, uint32_t stage,
                         const AlisaSchedMeasured *measured) {
    AlisaSchedProblem *problem = &scheduler->problems[stage];
    bool off = alisa_sched_correct(&scheduler->observers[stage], problem, &scheduler->costs[stage],
                                   measured);
    if (off) alisa_sched_solve_again(problem, &scheduler->steps[stage], &scheduler->plans[stage]);
    return off;
}

/* ---- Simulator ----------------------------------------------------------------------------- */

static AlisaStatus add_record(AlisaSchedResult *result, size_t *capacity,
                              const AlisaSchedRecord *record, AlisaError *error) {
    if (result->record_count == *capacity) {
        size_t larger = *capacity ? 2 * *capacity : 1024;
        AlisaSchedRecord *records = realloc(result->records, larger * sizeof *records);
        if (!records) {
            return alisa_error_set(error, ALISA_ERROR_MEMORY,
                                   "cannot allocate host memory for %zu steps", larger);
        }
        result->records = records;
        *capacity = larger;
    }
    result->records[result->record_count++] = *record;
    return ALISA_OK;
}

/* Adds what a stage has where. */
static void add_stage(const AlisaScheduler *scheduler, uint32_t stage, AlisaSchedRecord *record) {
    const AlisaSchedProblem *problem = &scheduler->problems[stage];
    const AlisaSchedStep *step = &scheduler->steps[stage];
    const AlisaSchedQueue *queue = &scheduler->queue;
    double layers = alisa_sched_model_kv_layers(&problem->model);
    if (step->phase > record->phase) record->phase = step->phase;
    if (queue->by_blocks) {
        double blocks = queue->block_count - queue->free_blocks;
        record->device_bytes +=
            blocks * ALISA_SCHED_BLOCK * layers * (problem->bytes.slot + problem->bytes.fixed) +
            problem->run.batch * layers * problem->bytes.tail;
        return;
    }
    AlisaSchedDemand demand = alisa_sched_demand(problem, step);
    record->device_bytes += demand.device;
    record->host_bytes += demand.host;
    record->recomputable_bytes +=
        layers * problem->run.batch * step->inputs_end * problem->bytes.slot;
}

static void describe(const AlisaScheduler *scheduler, AlisaSchedRecord *record) {
    const AlisaSchedDecision *decision = &scheduler->decision;
    *record = (AlisaSchedRecord){
        .length = scheduler->steps->length,
        .running = decision->running,
        .seconds = decision->actions_cost.total + decision->cost.total,
        .host_bytes = alisa_sched_queue_swapped_bytes(&scheduler->queue),
        .bytes_to_device = decision->actions_cost.bytes_to_device + decision->cost.bytes_to_device,
        .bytes_to_host = decision->actions_cost.bytes_to_host + decision->cost.bytes_to_host};
    for (uint32_t i = 0; i < scheduler->stage_count; i++)
        add_stage(scheduler, i, record);
}

/* Device bytes of weights and scratch. */
static double fixed_bytes(const AlisaScheduler *scheduler) {
    double bytes = 0.0;
    for (uint32_t i = 0; i < scheduler->stage_count; i++) {
        const AlisaSchedProblem *problem = &scheduler->problems[i];
        bytes += (double)alisa_sched_model_device_bytes(&problem->model) +
                 (double)problem->run.scratch_bytes;
    }
    return bytes;
}

static AlisaStatus copy_plans(const AlisaScheduler *scheduler, AlisaSchedResult *result,
                              AlisaError *error) {
    size_t count = scheduler->stage_count;
    result->plans = alisa_allocate(count, sizeof *result->plans, "plans", error);
    if (!result->plans) return ALISA_ERROR_MEMORY;
    memcpy(result->plans, scheduler->plans, count * sizeof *result->plans);
    return ALISA_OK;
}

AlisaStatus alisa_sched_simulate(const AlisaSchedProblem *problems, uint32_t stage_count,
                                 AlisaSchedResult *result, AlisaError *error) {
    *result = (AlisaSchedResult){0};
    AlisaScheduler *scheduler = NULL;
    AlisaStatus status = alisa_sched_create(problems, stage_count, &scheduler, error);
    if (status != ALISA_OK) return status;
    status = copy_plans(scheduler, result, error);
    double fixed = fixed_bytes(scheduler);
    size_t capacity = 0;
    const AlisaSchedDecision *decision;
    while (status == ALISA_OK && (decision = alisa_sched_next(scheduler))) {
        AlisaSchedRecord record;
        describe(scheduler, &record);
        status = add_record(result, &capacity, &record, error);
        double *phase =
            result->record_count == 1 ? &result->prefill_seconds : &result->decode_seconds;
        *phase += decision->actions_cost.total;
        result->decode_seconds += decision->cost.total;
        result->generated += decision->running;
        alisa_sched_cost_add(&result->cost, &decision->actions_cost);
        alisa_sched_cost_add(&result->cost, &decision->cost);
        result->peak_device_bytes = fmax(result->peak_device_bytes, fixed + record.device_bytes);
        result->peak_host_bytes = fmax(result->peak_host_bytes, record.host_bytes);
    }
    result->preempted = scheduler->queue.preempted;
    alisa_sched_destroy(scheduler);
    if (status != ALISA_OK) alisa_sched_result_finish(result);
    return status;
}

void alisa_sched_result_finish(AlisaSchedResult *result) {
    free(result->plans);
    free(result->records);
    *result = (AlisaSchedResult){0};
}
