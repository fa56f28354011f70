/* SPDX-License-Identifier: Apache-2.0 */
/*
 * {p1, p2, alpha, beta} with the least predicted time: a greedy search over a grid (one parameter
 * at a time until none helps, then both shares together) and, on request, every point of the
 * same grid.
 */
#include "sched/plan.h"

#include <math.h>
#include <string.h>

/* ---- Predicted time of a plan -------------------------------------------------------------- */

/* Lengths of a stretch that are computed; time between them is taken as the mean. */
#define SAMPLES 12

static void place_before(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                         uint32_t length, AlisaSchedStep *before) {
    if (length - 1 == problem->start.length) {
        *before = problem->start;
    } else {
        alisa_sched_place(problem, plan, length - 1, before);
    }
}

/* Shares of tokens are rounded to whole ones, so that some steps store one more than others;
 * `leave` is how many do so in the mean, or negative: as many as do. */
static double step_seconds(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                           uint32_t length, double leave) {
    AlisaSchedStep before, step;
    place_before(problem, plan, length, &before);
    alisa_sched_place(problem, plan, length, &step);
    AlisaSchedWork work;
    AlisaSchedCost cost;
    alisa_sched_work(problem, &before, &step, problem->run.batch, &work);
    if (leave >= 0.0 && step.host_end >= before.host_end) {
        double excess = step.host_end - before.host_end - leave;
        work.to_host = fmax(0.0, work.to_host - problem->run.batch * excess * problem->bytes.slot);
    }
    alisa_sched_time(problem, &work, &cost);
    return cost.total;
}

/* Steps of the lengths first .. last, between which nothing changes abruptly. */
static double stretch_seconds(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                              uint32_t first, uint32_t last) {
    if (first > last) return 0.0;
    uint32_t count = last - first + 1, samples = count < SAMPLES ? count : SAMPLES;
    AlisaSchedStep begin, end;
    place_before(problem, plan, first, &begin);
    alisa_sched_place(problem, plan, last, &end);
    double leave = fmax(0.0, (double)end.host_end - begin.host_end) / count;
    double sum = 0.0;
    for (uint32_t i = 0; i < samples; i++) {
        uint64_t middle = ((uint64_t)(2 * i + 1) * count) / (2 * samples);
        sum += step_seconds(problem, plan, first + (uint32_t)middle, leave);
    }
    return sum * count / samples;
}

/* Predicted seconds of a run under a plan; INFINITY if it does not fit. */
static double objective(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan) {
    AlisaSchedExcess excess = alisa_sched_excess(problem, plan);
    if (excess.device > 0.0 || excess.host > 0.0) return INFINITY;
    double seconds = 0.0;
    uint32_t from = problem->start.length;
    if (from == 0) {
        from = problem->run.prompt_length;
        AlisaSchedStep step;
        alisa_sched_place(problem, plan, from, &step);
        AlisaSchedWork work;
        AlisaSchedCost cost;
        alisa_sched_prefill_work(problem, &step, problem->run.batch, &work);
        alisa_sched_time(problem, &work, &cost);
        seconds = cost.total;
    }
    /* The first steps of a phase, and of the plan, move more than the others. */
    const uint32_t breaks[] = {from + 1, plan->phases.host_from, plan->phases.inputs_from,
                               alisa_sched_final_length(problem) + 1};
    uint32_t next = from + 1, last = alisa_sched_final_length(problem);
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        uint32_t at = breaks[i] > last + 1 ? last + 1 : breaks[i];
        if (at < next) continue;
        seconds += stretch_seconds(problem, plan, next, at - 1);
        if (at <= last) seconds += step_seconds(problem, plan, at, -1.0);
        next = at + 1;
    }
    return seconds;
}

/* ---- Grid ---------------------------------------------------------------------------------- */

enum { AXIS_HOST_FROM, AXIS_INPUTS_FROM, AXIS_HOST_SHARE, AXIS_INPUTS_SHARE, AXIS_COUNT };

/* Points of each axis, the last of the first two meaning never. */
static const uint32_t axis_points[AXIS_COUNT] = {9, 9, 33, 9};

typedef struct Grid {
    const AlisaSchedProblem *problem;
    uint32_t first, never; /* lengths a phase may begin at */
    uint32_t too_long;     /* least length that does not fit on the device alone; at most never */
} Grid;

static bool fits_alone(const AlisaSchedProblem *problem, uint32_t length) {
    AlisaSchedPlan plan = {.phases = {UINT32_MAX, UINT32_MAX, 0.0, 0.0}};
    AlisaSchedStep step;
    alisa_sched_place(problem, &plan, length, &step);
    return alisa_sched_demand(problem, &step).device <= alisa_sched_pool_bytes(problem);
}

static void grid_init(Grid *grid, const AlisaSchedProblem *problem) {
    grid->problem = problem;
    grid->first = problem->start.length ? problem->start.length + 1 : problem->run.prompt_length;
    grid->never = alisa_sched_final_length(problem) + 1;
    uint32_t low = grid->first, high = grid->never; /* all below `low` fit */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (fits_alone(problem, middle)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    grid->too_long = low;
}

/* The plan of a point; X goes to the device as far as the longest step leaves room. */
static void plan_at(const Grid *grid, const uint32_t *point, AlisaSchedPlan *plan) {
    const AlisaSchedProblem *problem = grid->problem;
    uint32_t last_point = axis_points[0] - 1;
    AlisaSchedPhases *phases = &plan->phases;
    *plan = (AlisaSchedPlan){0};
    uint64_t span = grid->too_long - grid->first;
    phases->host_from = grid->first + (uint32_t)(span * point[AXIS_HOST_FROM] / last_point);
    phases->host_share = point[AXIS_HOST_SHARE] / (axis_points[AXIS_HOST_SHARE] - 1.0);
    if (point[AXIS_HOST_SHARE] == 0) phases->host_from = grid->never;
    span = grid->never - phases->host_from;
    phases->inputs_from =
        phases->host_from + (uint32_t)(span * point[AXIS_INPUTS_FROM] / last_point);
    phases->inputs_share = point[AXIS_INPUTS_SHARE] / (axis_points[AXIS_INPUTS_SHARE] - 1.0);
    if (point[AXIS_INPUTS_SHARE] == 0) phases->inputs_from = grid->never;
    if (problem->run.recompute && problem->run.inputs_share >= 0.0) {
        phases->inputs_from = phases->host_from;
        phases->inputs_share = problem->run.inputs_share;
    }
    if (phases->inputs_from >= grid->never) {
        phases->inputs_share = 0.0;
        return;
    }
    uint32_t last = grid->never - 1;
    double inputs = floor(phases->inputs_share * floor(phases->host_share * last));
    plan->inputs_saved = (uint32_t)fmin(inputs, problem->inputs_limit);
    if (problem->start.length > 0) { /* X is where it is */
        plan->inputs_on_device =
            (uint32_t)fmin(plan->inputs_saved, problem->start.inputs_on_device);
        return;
    }
    AlisaSchedStep step;
    alisa_sched_place(problem, plan, last, &step);
    step.hot = 0;
    double free = alisa_sched_pool_bytes(problem) - alisa_sched_demand(problem, &step).device;
    double each = (double)problem->run.batch * alisa_sched_model_kv_layers(&problem->model) *
                  problem->bytes.inputs;
    plan->inputs_on_device =
        (uint32_t)fmin(plan->inputs_saved, problem->inputs_room + fmax(0.0, floor(free / each)));
}

/* Whether what is kept as inputs is to be found. */
static bool searches_inputs(const Grid *grid) {
    return grid->problem->run.recompute && grid->problem->run.inputs_share < 0.0;
}

static double point_seconds(const Grid *grid, const uint32_t *point) {
    AlisaSchedPlan plan;
    plan_at(grid, point, &plan);
    return objective(grid->problem, &plan);
}

/* Less by more than rounding: of equal plans the first, which moves less, is taken. */
static bool better(double seconds, double best) {
    return isfinite(best) ? seconds < best * (1.0 - 1e-9) : seconds < best;
}

/* All values of one axis. */
static bool improve(const Grid *grid, uint32_t axis, uint32_t *point, double *best) {
    uint32_t trial[AXIS_COUNT], chosen = point[axis];
    bool improved = false;
    for (uint32_t i = 0; i < AXIS_COUNT; i++)
        trial[i] = point[i];
    for (uint32_t value = 0; value < axis_points[axis]; value++) {
        trial[axis] = value;
        double seconds = point_seconds(grid, trial);
        if (!better(seconds, *best)) continue;
        *best = seconds;
        chosen = value;
        improved = true;
    }
    point[axis] = chosen;
    return improved;
}

/* Where a search starts: for a share of inputs, phase I as long as possible, then the least share
 * on the host that fits, then that with phases II and III from the beginning. */
static double start_point(const Grid *grid, uint32_t inputs, uint32_t *point) {
    uint32_t last = axis_points[0] - 1;
    for (uint32_t share = 0; share < axis_points[AXIS_HOST_SHARE]; share++) {
        for (uint32_t early = 0; early <= last; early += last) {
            point[AXIS_HOST_FROM] = last - early;
            point[AXIS_INPUTS_FROM] = 0;
            point[AXIS_HOST_SHARE] = share;
            point[AXIS_INPUTS_SHARE] = inputs;
            double seconds = point_seconds(grid, point);
            if (isfinite(seconds)) return seconds;
        }
    }
    return INFINITY;
}

/* Both shares at once: more inputs make more host tokens worth while, and neither does alone. */
static bool improve_shares(const Grid *grid, uint32_t *point, double *best) {
    uint32_t trial[AXIS_COUNT];
    bool changed = false;
    memcpy(trial, point, sizeof trial);
    for (uint32_t share = 0; share < axis_points[AXIS_HOST_SHARE]; share++) {
        trial[AXIS_HOST_SHARE] = share;
        memcpy(trial, point, AXIS_HOST_SHARE * sizeof *trial);
        if (!improve(grid, AXIS_INPUTS_SHARE, trial, best)) continue;
        memcpy(point, trial, sizeof trial);
        changed = true;
    }
    return changed;
}

static double greedy(const Grid *grid, uint32_t *point) {
    bool recompute = searches_inputs(grid);
    double best = start_point(grid, 0, point);
    for (uint32_t i = 1; recompute && !isfinite(best) && i < axis_points[AXIS_INPUTS_SHARE]; i++) {
        best = start_point(grid, i, point);
    }
    if (!isfinite(best)) return best;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t axis = 0; axis < AXIS_COUNT; axis++) {
            bool of_inputs = axis == AXIS_INPUTS_FROM || axis == AXIS_INPUTS_SHARE;
            if (of_inputs && !recompute) continue;
            changed |= improve(grid, axis, point, &best);
        }
        if (changed || !recompute || point[AXIS_INPUTS_SHARE] > 0) continue;
        /* Phase III may pay only if it begins with phase II, and that early. */
        uint32_t trial[AXIS_COUNT] = {0, 0, point[AXIS_HOST_SHARE], 0};
        changed = improve_shares(grid, trial, &best);
        if (changed) memcpy(point, trial, sizeof trial);
    }
    return best;
}

static double exhaustive(const Grid *grid, uint32_t *point) {
    bool recompute = searches_inputs(grid);
    double best = INFINITY;
    uint32_t trial[AXIS_COUNT];
    for (trial[3] = 0; trial[3] < (recompute ? axis_points[3] : 1); trial[3]++) {
        for (trial[2] = 0; trial[2] < axis_points[2]; trial[2]++) {
            for (trial[1] = 0; trial[1] < (trial[3] ? axis_points[1] : 1); trial[1]++) {
                for (trial[0] = 0; trial[0] < (trial[2] ? axis_points[0] : 1); trial[0]++) {
                    double seconds = point_seconds(grid, trial);
                    if (!better(seconds, best)) continue;
                    best = seconds;
                    for (uint32_t i = 0; i < AXIS_COUNT; i++)
                        point[i] = trial[i];
                }
            }
        }
    }
    return best;
}

/* The plan that needs least of the device, for the sentence that says what is missing. */
static AlisaStatus refuse(const Grid *grid, AlisaSchedPlan *plan, AlisaError *error) {
    *plan = (AlisaSchedPlan){.phases = {grid->first, grid->never, 1.0, 0.0}};
    return alisa_sched_fit(grid->problem, plan, error);
}

AlisaStatus alisa_sched_search(const AlisaSchedProblem *problem, AlisaSchedPlan *plan,
                               AlisaError *error) {
    Grid grid;
    grid_init(&grid, problem);
    uint32_t point[AXIS_COUNT], best[AXIS_COUNT];
    double seconds = greedy(&grid, point);
    if (!isfinite(seconds)) return refuse(&grid, plan, error);
    plan_at(&grid, point, plan);
    plan->seconds = seconds;
    if (problem->exhaustive) {
        AlisaSchedPlan other;
        plan->best_seconds = exhaustive(&grid, best);
        plan_at(&grid, best, &other);
        plan->best = other.phases;
    }
    return ALISA_OK;
}
