/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/plan.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"

static const AlisaSchedPolicy *const policies[ALISA_POLICY_COUNT] = {
    [ALISA_POLICY_DEVICE] = &alisa_sched_policy_device,
    [ALISA_POLICY_ACCELERATE] = &alisa_sched_policy_accelerate,
    [ALISA_POLICY_FLEXGEN] = &alisa_sched_policy_flexgen,
    [ALISA_POLICY_VLLM] = &alisa_sched_policy_vllm,
    [ALISA_POLICY_H2O] = &alisa_sched_policy_h2o,
    [ALISA_POLICY_ALISA] = &alisa_sched_policy_alisa,
};

const char *alisa_sched_policy_name(AlisaPolicy policy) {
    return (unsigned)policy < ALISA_POLICY_COUNT ? policies[policy]->name : NULL;
}

/* ---- Problem ------------------------------------------------------------------------------- */

static const char *check_run(const AlisaSchedRun *run) {
    if (run->batch == 0 || run->batch > 1u << 20) return "a batch has 1 to 1048576 sequences";
    if (run->prompt_length == 0) return "a prompt has at least one token";
    if (run->generate_length == 0) return "at least one token must be generated";
    if (run->prompt_length > 1u << 28 || run->generate_length > 1u << 28) return "too many tokens";
    if (run->micro_batch == 0) return "a micro-batch has at least one row";
    if (!(run->sparsity >= 0.0 && run->sparsity < 1.0)) return "sparsity is 0 or more, less than 1";
    if (!(run->new_pick_rate >= 0.0 && run->new_pick_rate <= 1.0)) {
        return "the rate of new picks is between 0 and 1";
    }
    if (!(run->inputs_share <= 1.0)) return "the share of layer inputs is at most 1";
    if (!(run->host_share <= 1.0)) return "the host's share of the KV is at most 1";
    return NULL;
}

/* k of Algorithm 1: half of what is kept. */
static uint32_t half_budget(const AlisaSchedRun *run, uint32_t length) {
    double half = floor(length * (1.0 - run->sparsity) / 2.0 + 0.5);
    double least = run->keep ? ceil(run->keep / 2.0) : 1.0;
    return (uint32_t)fmin(fmax(half, least), length);
}

/* Where the others are forgotten, the final length's from the start: a list that grew would need
 * one of those again. */
static uint32_t most_kept(const AlisaSchedRun *run) {
    return 2 * half_budget(run, run->prompt_length + run->generate_length);
}

AlisaStatus alisa_sched_problem_init(AlisaSchedProblem *problem, const AlisaSchedProfile *profile,
                                     const AlisaSchedModel *model, const AlisaSchedRun *run,
                                     AlisaPolicy policy, AlisaError *error) {
    const char *wrong = alisa_sched_profile_check(profile);
    if (wrong) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "device profile: \"%s\" is not usable",
                               wrong);
    }
    wrong = alisa_sched_model_check(model);
    if (!wrong) wrong = check_run(run);
    if (wrong) return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "cannot plan: %s", wrong);
    *problem = (AlisaSchedProblem){.profile = *profile,
                                   .model = *model,
                                   .run = *run,
                                   .correction = {1.0, 1.0},
                                   .policy = policies[policy],
                                   .inputs_limit = UINT32_MAX};
    if (problem->policy->attention == ALISA_SCHED_ATTEND_KEPT) problem->run.keep = most_kept(run);
    alisa_sched_kv_bytes(model, run->key_type, run->value_type, &problem->bytes);
    problem->bytes.copied = (double)run->copy_bytes;
    double weights = (double)alisa_sched_model_device_bytes(model);
    double missing = weights + (double)run->scratch_bytes - (double)run->device_bytes;
    if (missing > 0.0) {
        return alisa_error_set(
            error, ALISA_ERROR_MEMORY,
            "the weights of %s take %s and %s are kept free for scratch, but the device has %s: "
            "%s are missing; use a smaller or quantised model, or raise --device-mem if it was set",
            model->name, alisa_bytes_text(weights).text,
            alisa_bytes_text((double)run->scratch_bytes).text,
            alisa_bytes_text((double)run->device_bytes).text, alisa_bytes_text(missing).text);
    }
    return ALISA_OK;
}

/* Shares of new choices, rounded up: measured on texts of 500 tokens at 80 to 90 % sparsity for
 * lists chosen from past rows, and on the default model at 80 % for those chosen by the query. */
static const double usual_new_picks[] = {
    [ALISA_SELECT_SCORES_SPARSE] = 0.01,
    [ALISA_SELECT_SCORES_DENSE] = 0.03,
    [ALISA_SELECT_SCORES_QUERY] = 0.05,
};

const char *alisa_sched_check_choices(AlisaPolicy policy, AlisaSchedule schedule,
                                      AlisaSelectScores scores, AlisaSelectLists lists) {
    if ((unsigned)policy >= ALISA_POLICY_COUNT) return "there is no such policy";
    if (schedule != ALISA_SCHEDULE_OVERLAP && schedule != ALISA_SCHEDULE_PAPER)
        return "there is no such schedule";
    if ((unsigned)scores >= ALISA_SELECT_SCORES_COUNT) return "there are no such scores of tokens";
    return (unsigned)lists >= ALISA_SELECT_LISTS_COUNT ? "there are no such lists of tokens" : NULL;
}

double alisa_sched_usual_new_picks(AlisaSelectScores scores) {
    return usual_new_picks[scores];
}

uint32_t alisa_sched_final_length(const AlisaSchedProblem *problem) {
    return problem->run.prompt_length + problem->run.generate_length;
}

double alisa_sched_pool_bytes(const AlisaSchedProblem *problem) {
    return (double)problem->run.device_bytes - (double)problem->run.scratch_bytes -
           (double)alisa_sched_model_device_bytes(&problem->model);
}

bool alisa_sched_overlaps(const AlisaSchedProblem *problem) {
    return problem->policy->always_overlaps || problem->run.schedule == ALISA_SCHEDULE_OVERLAP;
}

static bool is_sparse(const AlisaSchedProblem *problem) {
    return problem->policy->attention != ALISA_SCHED_ATTEND_ALL && problem->run.sparsity > 0.0;
}

bool alisa_sched_loads_late(const AlisaSchedProblem *problem) {
    return is_sparse(problem) && problem->policy->attention != ALISA_SCHED_ATTEND_KEPT &&
           problem->run.scores == ALISA_SELECT_SCORES_QUERY;
}

/* ---- Steps --------------------------------------------------------------------------------- */

void alisa_sched_place(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                       uint32_t length, AlisaSchedStep *step) {
    *step = (AlisaSchedStep){.length = length, .phase = 1, .kept = length, .locals = length};
    if (problem->policy->attention != ALISA_SCHED_ATTEND_ALL) {
        uint32_t half = half_budget(&problem->run, length);
        if (2 * half < length) {
            step->kept = 2 * half;
            step->locals = half;
        }
    }
    if (problem->policy->attention == ALISA_SCHED_ATTEND_KEPT) {
        step->forgotten = length - step->kept;
    }
    problem->policy->place(problem, plan, step);
}

static double list_count(const AlisaSchedProblem *problem) {
    return problem->run.lists == ALISA_SELECT_LISTS_KV_HEAD ? problem->model.kv_head_count : 1.0;
}

/* Of the index that the current query reads: 2 bits an element and a half scale for 32. */
static double index_bytes(const AlisaSchedProblem *problem) {
    return problem->model.kv_head_count * problem->model.head_dim * (0.25 + 2.0 / 32.0);
}

/* What choosing keeps on the device for each sequence and layer, made at once for the final length:
 * a sum of 4 bytes a token, and the last rows, 2 bytes a weight and 4 for the place of a global. */
static double selection_state(const AlisaSchedProblem *problem) {
    if (!is_sparse(problem)) return 0.0;
    uint32_t last = alisa_sched_final_length(problem);
    double tokens = last, half = half_budget(&problem->run, last), kept = fmin(2.0 * half, tokens);
    double rows = problem->run.window ? fmin(problem->run.window, half) : half;
    if (problem->policy->attention == ALISA_SCHED_ATTEND_KEPT) {
        return list_count(problem) * 8.0 * kept;
    }
    switch (problem->run.scores) {
    case ALISA_SELECT_SCORES_SPARSE:
        return list_count(problem) * (4.0 * tokens + rows * (2.0 * kept + 4.0 * half));
    case ALISA_SELECT_SCORES_DENSE:
        return list_count(problem) * (4.0 * tokens + rows * (2.0 * tokens + 4.0 * half));
    default:
        return index_bytes(problem) * tokens;
    }
}

/* Chosen tokens whose K and V have left the device, as far as that is known ahead: choices are
 * taken to fall evenly on all tokens that are not local. */
static double chosen_outside(const AlisaSchedStep *step) {
    if (step->kept >= step->length) return step->host_end;
    double globals = step->kept - step->locals;
    return globals * step->host_end / (step->length - step->locals);
}

double alisa_sched_fixed_bytes(const AlisaSchedProblem *problem) {
    const AlisaSchedKvBytes *bytes = &problem->bytes;
    double ranges = alisa_sched_final_length(problem) * bytes->fixed;
    return (double)problem->run.batch * alisa_sched_model_kv_layers(&problem->model) *
           (ranges + bytes->tail + selection_state(problem));
}

double alisa_sched_staged_layers(const AlisaSchedProblem *problem) {
    uint32_t layers = alisa_sched_model_kv_layers(&problem->model);
    return layers < 2 ? layers : 2.0;
}

AlisaSchedDemand alisa_sched_demand(const AlisaSchedProblem *problem, const AlisaSchedStep *step) {
    const AlisaSchedKvBytes *bytes = &problem->bytes;
    double sequences = problem->run.batch;
    double layers = alisa_sched_model_kv_layers(&problem->model), caches = sequences * layers;
    double resident = (double)step->length - step->host_end - step->forgotten;
    double saved = step->inputs_saved < step->length ? step->inputs_saved : step->length;
    double saved_here = step->inputs_on_device < saved ? step->inputs_on_device : saved;
    double beside = fmin(saved_here, problem->inputs_room);
    double staged = step->host_end; /* of a layer */
    if (step->kept < step->length) {
        double globals = step->kept - step->locals;
        if (globals < staged) staged = globals;
    }
    AlisaSchedDemand demand;
    demand.device =
        alisa_sched_fixed_bytes(problem) +
        caches * ((resident + step->hot) * bytes->slot + (saved_here - beside) * bytes->inputs) +
        alisa_sched_staged_layers(problem) * sequences * staged * bytes->slot;
    if (step->inputs_saved > 0) demand.device += (double)problem->inputs_bytes;
    demand.host = caches * ((double)(step->host_end - step->inputs_end) * bytes->slot +
                            (saved - saved_here) * bytes->inputs);
    return demand;
}

/* ---- Work ---------------------------------------------------------------------------------- */

/* Kernels and bytes of choosing: adding a row to the sums, taking the expired one away, and finding
 * the largest in four passes over the sums. */
static void add_selection(const AlisaSchedProblem *problem, const AlisaSchedStep *step,
                          double active, AlisaSchedWork *work) {
    if (!is_sparse(problem) || step->kept >= step->length) return;
    double lists = active * list_count(problem);
    bool evicts = problem->policy->attention == ALISA_SCHED_ATTEND_KEPT;
    double candidates = evicts ? step->kept : step->length;
    work->launches = 4.0;
    work->selection = lists * (16.0 * candidates + 24.0 * step->kept);
    if (evicts || problem->run.scores == ALISA_SELECT_SCORES_SPARSE) return;
    if (problem->run.scores == ALISA_SELECT_SCORES_QUERY) {
        work->selection += active * index_bytes(problem) * step->length;
        return;
    }
    work->selection += active * problem->bytes.key * step->length;
    work->to_device += active * problem->bytes.key * step->host_end;
}

void alisa_sched_work(const AlisaSchedProblem *problem, const AlisaSchedStep *before,
                      const AlisaSchedStep *step, double active, AlisaSchedWork *work) {
    const AlisaSchedKvBytes *bytes = &problem->bytes;
    *work = (AlisaSchedWork){.rows = active,
                             .passes = 1.0,
                             .head_rows = active,
                             .loads_late = alisa_sched_loads_late(problem)};
    if (step->kept < step->length) {
        work->gathered = active * step->kept;
    } else {
        work->dense = active * step->length;
    }
    add_selection(problem, step, active, work);

    /* Of the chosen tokens outside, copies on the device serve all but the new ones. */
    double outside = chosen_outside(step);
    double served = step->hot < outside ? step->hot : outside;
    double missing = outside - served * (1.0 - problem->run.new_pick_rate);
    double as_inputs = step->host_end > 0 ? missing * step->inputs_end / step->host_end : 0.0;
    work->rebuilt = active * as_inputs;
    double inputs_loaded = 0.0;
    if (step->inputs_end > step->inputs_on_device) {
        inputs_loaded = as_inputs * (step->inputs_end - step->inputs_on_device) / step->inputs_end;
    }
    work->to_device +=
        active * ((missing - as_inputs) * bytes->slot + inputs_loaded * bytes->inputs);

    double left = step->host_end > before->host_end ? step->host_end - before->host_end : 0.0;
    bool saves = before->length < step->inputs_saved && before->length >= step->inputs_on_device;
    work->to_host = active * (left * bytes->slot + (saves ? bytes->inputs : 0.0));
    /* Tokens whose place moved back to the device. */
    if (step->host_end < before->host_end) {
        work->to_device += active * (before->host_end - step->host_end) * bytes->slot;
    }
}

void alisa_sched_dense_work(double active, double tokens, AlisaSchedWork *work) {
    *work = (AlisaSchedWork){.rows = active, .passes = 1.0, .head_rows = active, .dense = tokens};
}

void alisa_sched_prefill_work(const AlisaSchedProblem *problem, const AlisaSchedStep *step,
                              double active, AlisaSchedWork *work) {
    const AlisaSchedKvBytes *bytes = &problem->bytes;
    double tokens = step->length;
    *work = (AlisaSchedWork){.rows = active * tokens,
                             .passes = ceil(active * tokens / problem->run.micro_batch),
                             .head_rows = active,
                             .pairs = active * tokens * (tokens + 1.0) / 2.0};
    double saved = step->inputs_saved < step->length ? step->inputs_saved : step->length;
    double saved_here = step->inputs_on_device < saved ? step->inputs_on_device : saved;
    work->to_host = active * (step->host_end * bytes->slot + (saved - saved_here) * bytes->inputs);
    /* The last k rows are computed once more, one by one, to begin the sums. */
    bool sums = is_sparse(problem) && step->kept < step->length &&
                problem->run.scores != ALISA_SELECT_SCORES_QUERY;
    if (sums) work->selection = active * step->locals * tokens * bytes->key;
}

void alisa_sched_time(const AlisaSchedProblem *problem, const AlisaSchedWork *work,
                      AlisaSchedCost *cost) {
    alisa_sched_cost(&problem->profile, &problem->model, &problem->bytes, &problem->correction,
                     alisa_sched_overlaps(problem), work, cost);
}

/* ---- Limits -------------------------------------------------------------------------------- */

AlisaSchedExcess alisa_sched_excess(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan) {
    uint32_t last = alisa_sched_final_length(problem);
    uint32_t first = problem->start.length ? problem->start.length + 1 : problem->run.prompt_length;
    /* Demand grows with the length except where a phase begins. */
    const uint32_t lengths[] = {first,
                                plan->phases.host_from - 1,
                                plan->phases.host_from,
                                plan->phases.inputs_from - 1,
                                plan->phases.inputs_from,
                                last};
    AlisaSchedExcess excess = {-INFINITY, -INFINITY, last};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        if (lengths[i] < first || lengths[i] > last) continue;
        AlisaSchedStep step;
        alisa_sched_place(problem, plan, lengths[i], &step);
        AlisaSchedDemand demand = alisa_sched_demand(problem, &step);
        double device = demand.device - alisa_sched_pool_bytes(problem);
        double host = demand.host - (double)problem->run.host_bytes;
        double most = excess.device > 0.0 ? excess.device : excess.host;
        if (device > excess.device) excess.device = device;
        if (host > excess.host) excess.host = host;
        if ((device > 0.0 ? device : host) > most) excess.length = lengths[i];
    }
    return excess;
}

/* Which type of K and V would take less, as far as one would. */
static const char *smaller_type(const AlisaSchedProblem *problem, double missing) {
    const AlisaSchedRun *run = &problem->run;
    bool wide = run->key_type <= ALISA_KV_F32 || run->value_type <= ALISA_KV_F32;
    if (wide) return "quantise with -ctk q8_0 -ctv q8_0 or i8, ";
    double tails =
        (double)run->batch * alisa_sched_model_kv_layers(&problem->model) * problem->bytes.tail;
    return tails > missing ? "use -ctk q8_0 -ctv q8_0 (i8 keeps 64 tokens of each sequence in half "
                             "precision), "
                           : "";
}

AlisaStatus alisa_sched_fit(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                            AlisaError *error) {
    AlisaSchedExcess excess = alisa_sched_excess(problem, plan);
    if (excess.device <= 0.0 && excess.host <= 0.0) return ALISA_OK;
    bool device = excess.device > 0.0;
    bool sparse = is_sparse(problem), here = problem->policy == &alisa_sched_policy_device;
    double limit = device ? alisa_sched_pool_bytes(problem) : (double)problem->run.host_bytes;
    double missing = device ? excess.device : excess.host;
    return alisa_error_set(
        error, ALISA_ERROR_MEMORY,
        "policy %s, %u sequences: one step at %u tokens needs %s %s, and there are %s%s: "
        "%s are missing; lower --batch, -p or -n, %s%s%sor raise %s",
        problem->policy->name, problem->run.batch, excess.length,
        alisa_bytes_text(limit + missing).text, device ? "of device memory" : "of host memory",
        alisa_bytes_text(limit).text, device ? " beside weights and scratch" : "",
        alisa_bytes_text(missing).text, sparse ? "raise --kv-sparsity, " : "",
        here ? "use --policy alisa, " : "", smaller_type(problem, missing),
        device ? "--device-mem" : "--host-mem");
}
