/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/scheduler.h"

#include <math.h>
#include <stdlib.h>

struct AlisaScheduler {
    AlisaSchedProblem problem;
    AlisaSchedPlan plan;
    AlisaSchedQueue queue;
    AlisaSchedDecision decision;
    bool begun;
    AlisaSchedObserver observer;
};

AlisaStatus alisa_sched_create(const AlisaSchedProblem *problem, AlisaScheduler **scheduler,
                               AlisaError *error) {
    *scheduler = NULL;
    AlisaScheduler *made = alisa_allocate_zeroed(1, sizeof *made, "scheduler", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->problem = *problem;
    AlisaStatus status = problem->policy->solve(problem, &made->plan, error);
    if (status == ALISA_OK) {
        status = alisa_sched_queue_init(&made->queue, problem, &made->plan, error);
    }
    for (uint32_t i = 0; i < problem->run.batch && status == ALISA_OK; i++)
        alisa_sched_queue_resize(&made->queue, problem, i, problem->run.prompt_length);
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
    free(scheduler);
}

const AlisaSchedProblem *alisa_sched_problem(const AlisaScheduler *scheduler) {
    return &scheduler->problem;
}

const AlisaSchedPlan *alisa_sched_plan(const AlisaScheduler *scheduler) {
    return &scheduler->plan;
}

const AlisaSchedQueue *alisa_sched_queue(const AlisaScheduler *scheduler) {
    return &scheduler->queue;
}

/* ---- Steps --------------------------------------------------------------------------------- */

static void cost_step(AlisaScheduler *scheduler, const AlisaSchedStep *before) {
    const AlisaSchedProblem *problem = &scheduler->problem;
    AlisaSchedDecision *decision = &scheduler->decision;
    AlisaSchedWork work;
    if (problem->policy->by_blocks) { /* sequences of different lengths */
        double tokens = 0.0;
        for (uint32_t i = 0; i < problem->run.batch; i++) {
            const AlisaSchedSequence *sequence = &decision->sequences[i];
            if (sequence->state == ALISA_SCHED_RUNNING) tokens += sequence->length;
        }
        alisa_sched_dense_work(decision->running, tokens, &work);
    } else {
        alisa_sched_work(problem, before, &decision->step, decision->running, &work);
    }
    alisa_sched_time(problem, &work, &decision->cost);
}

const AlisaSchedDecision *alisa_sched_next(AlisaScheduler *scheduler) {
    const AlisaSchedProblem *problem = &scheduler->problem;
    AlisaSchedQueue *queue = &scheduler->queue;
    if (!alisa_sched_queue_advance(queue, problem)) return NULL;
    uint32_t longest = 0;
    for (uint32_t i = 0; i < problem->run.batch; i++) {
        const AlisaSchedSequence *sequence = &queue->sequences[i];
        if (sequence->state == ALISA_SCHED_RUNNING && sequence->length > longest) {
            longest = sequence->length;
        }
    }
    AlisaSchedDecision *decision = &scheduler->decision;
    AlisaSchedStep before = decision->step;
    if (!scheduler->begun) alisa_sched_place(problem, &scheduler->plan, longest - 1, &before);
    scheduler->begun = true;
    decision->actions = queue->actions;
    decision->action_count = queue->action_count;
    decision->sequences = queue->sequences;
    decision->running = queue->running;
    alisa_sched_place(problem, &scheduler->plan, longest, &decision->step);
    alisa_sched_queue_cost(queue, problem, &scheduler->plan, &decision->actions_cost);
    cost_step(scheduler, &before);
    return decision;
}

/* ---- Measured times ------------------------------------------------------------------------ */

bool alisa_sched_observe(AlisaScheduler *scheduler, const AlisaSchedMeasured *measured) {
    const AlisaSchedDecision *decision = &scheduler->decision;
    bool off =
        alisa_sched_correct(&scheduler->observer, &scheduler->problem, &decision->cost, measured);
    if (off) alisa_sched_solve_again(&scheduler->problem, &decision->step, &scheduler->plan);
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

static void describe(const AlisaScheduler *scheduler, AlisaSchedRecord *record) {
    const AlisaSchedProblem *problem = &scheduler->problem;
    const AlisaSchedDecision *decision = &scheduler->decision;
    *record = (AlisaSchedRecord){
        .length = decision->step.length,
        .phase = decision->step.phase,
        .running = decision->running,
        .seconds = decision->actions_cost.total + decision->cost.total,
        .bytes_to_device = decision->actions_cost.bytes_to_device + decision->cost.bytes_to_device,
        .bytes_to_host = decision->actions_cost.bytes_to_host + decision->cost.bytes_to_host};
    double layers = problem->model.layer_count;
    if (problem->policy->by_blocks) {
        double blocks = scheduler->plan.block_count - scheduler->queue.free_blocks;
        record->device_bytes =
            blocks * ALISA_SCHED_BLOCK * layers * (problem->bytes.slot + problem->bytes.fixed) +
            problem->run.batch * layers * problem->bytes.tail;
        record->host_bytes = scheduler->queue.swapped_bytes;
        return;
    }
    AlisaSchedDemand demand = alisa_sched_demand(problem, &decision->step);
    record->device_bytes = demand.device;
    record->host_bytes = demand.host;
    record->recomputable_bytes =
        layers * problem->run.batch * decision->step.inputs_end * problem->bytes.slot;
}

AlisaStatus alisa_sched_simulate(const AlisaSchedProblem *problem, AlisaSchedResult *result,
                                 AlisaError *error) {
    *result = (AlisaSchedResult){0};
    AlisaScheduler *scheduler = NULL;
    AlisaStatus status = alisa_sched_create(problem, &scheduler, error);
    if (status != ALISA_OK) return status;
    result->plan = scheduler->plan;
    double fixed = (double)problem->model.weight_bytes + (double)problem->run.scratch_bytes;
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
    free(result->records);
    *result = (AlisaSchedResult){0};
}
