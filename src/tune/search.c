/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "device/device.h"
#include "tune/search_state.h"

_Static_assert(sizeof(AlisaMatmulParameters) <= PARAMETERS * sizeof(uint32_t) &&
                   sizeof(AlisaMatvecParameters) <= PARAMETERS * sizeof(uint32_t) &&
                   sizeof(AlisaDecodeParameters) <= PARAMETERS * sizeof(uint32_t),
               "a trial has room for the values of every set");
_Static_assert(PARAMETERS <= 64, "a case has a bit for every value");

#define WORTHWHILE 0.95 /* cost of the new beside the old: below this, it is kept */
/* The same where the new is less exact than the old. */
#define WORTH_LOSSES (1 / 1.2)

static bool is_over(const State *state) {
    return alisa_clock_now() > state->ends_at || is_interrupted(state);
}

/* The values that matter to a case: what tells its trials apart. */
static AlisaTuneTrial describe(const State *state, uint32_t index) {
    AlisaTuneTrial trial = {.set = *state->set, .index = index, .beside = state->beside};
    const uint32_t *values = values_of(state);
    for (uint32_t i = 0; i < state->family->parameter_count; i++) {
        const AlisaParameterInfo *parameter = &state->family->parameters[i];
        bool ignored = state->cases[index].ignores >> parameter->offset & 1;
        if (!ignored && alisa_parameter_matters(state->family, parameter, values))
            trial.values[parameter->offset] = values[parameter->offset];
    }
    return trial;
}

/* Seconds of a case with the values at hand; INFINITY where they cannot be used. */
static AlisaStatus time_case(State *state, uint32_t index, double *seconds, AlisaError *error) {
    const AlisaTuneTrial known = describe(state, index);
    return alisa_tuner_time(state->search, state->trial, index, state->parameters, &known, seconds,
                            error);
}

/* Cost of the values at hand beside those of the reference, weighted by case; INFINITY where they
 * cannot be used, or where a case shows that they are much slower than the best. */
static AlisaStatus weigh(State *state, double *cost, AlisaError *error) {
    double sum = 0.0, weights = 0.0;
    double hopeless = alisa_tuner_pace(state->search->effort)->hopeless;
    AlisaStatus status = ALISA_OK;
    *cost = INFINITY;
    const AlisaDeviceInfo *info = alisa_opencl_info(state->search->device);
    if (alisa_parameter_set_check(state->set, values_of(state), info)) return ALISA_OK;
    for (uint32_t i = 0; i < state->case_count; i++) {
        double seconds;
        status = time_case(state, i, &seconds, error);
        if (status != ALISA_OK || isinf(seconds)) return status;
        sum += state->cases[i].weight * alisa_tuner_cost(seconds / state->reference[i]);
        weights += state->cases[i].weight;
        if (sum / weights > hopeless * state->best_cost) return ALISA_OK;
    }
    *cost = sum / weights;
    return ALISA_OK;
}

/* Takes the values at hand if they are the best so far, else puts the best ones back. */
static AlisaStatus judge(State *state, bool *better, AlisaError *error) {
    double cost;
    AlisaStatus status = weigh(state, &cost, error);
    *better = status == ALISA_OK && cost < state->best_cost;
    if (*better) {
        state->best_cost = cost;
        copy_values(state, state->best, values_of(state));
    } else {
        copy_values(state, values_of(state), state->best);
    }
    return status;
}

static void shuffle(uint32_t *order, uint32_t count, AlisaRandom *random) {
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = alisa_random_below(random, i), taken = order[i - 1];
        order[i - 1] = order[j];
        order[j] = taken;
    }
}

/* Goes through all parameters that matter, in an order of their own, as long as one helps. */
static AlisaStatus descend(State *state, AlisaRandom *random, AlisaError *error) {
    uint32_t order[PARAMETERS], count = state->family->parameter_count;
    AlisaStatus status = ALISA_OK;
    bool helped = true;
    uint32_t rounds = alisa_tuner_pace(state->search->effort)->rounds;
    for (uint32_t round = 0; round < rounds && helped; round++) {
        helped = false;
        for (uint32_t i = 0; i < count; i++)
            order[i] = i;
        shuffle(order, count, random);
        for (uint32_t i = 0; i < count; i++) {
            const AlisaParameterInfo *parameter = &state->family->parameters[order[i]];
            if (parameter->words) continue; /* words are starting points */
            for (uint32_t c = 0; c < parameter->candidate_count; c++) {
                uint32_t *values = values_of(state);
                bool better;
                if (!alisa_parameter_matters(state->family, parameter, values)) break;
                if (values[parameter->offset] == parameter->candidates[c]) continue;
                if (is_over(state)) return ALISA_OK;
                values[parameter->offset] = parameter->candidates[c];
                status = judge(state, &better, error);
                if (status != ALISA_OK) return status;
                helped |= better;
            }
        }
    }
    return status;
}

/* Begins anew with the values at hand and keeps what is found from there if it takes less than
 * `worth` of the best so far. */
static AlisaStatus descend_anew(State *state, double worth, AlisaRandom *random,
                                AlisaError *error) {
    uint32_t before[PARAMETERS];
    double cost = state->best_cost;
    copy_values(state, before, state->best);
    /* Its own search begins at what it costs as it is; one that is far behind has none. */
    AlisaStatus status = weigh(state, &state->best_cost, error);
    if (status != ALISA_OK) return status;
    copy_values(state, state->best, values_of(state));
    if (state->best_cost < 3.0 * cost) status = descend(state, random, error);
    if (!(state->best_cost < worth * cost)) {
        state->best_cost = cost;
        copy_values(state, state->best, before);
    }
    copy_values(state, values_of(state), state->best);
    return status;
}

/* The values that a layout begins with: the best ones, if they have it, or its defaults. */
static void begin_layout(State *state, uint32_t layout) {
    const AlisaParameterInfo *parameter = &state->family->parameters[0];
    const uint32_t *from = state->best;
    AlisaOpsParameters other;
    if (from[parameter->offset] != layout) {
        alisa_ops_parameters_in(alisa_opencl_info(state->search->device), (AlisaLayout)layout,
                                &other);
        from = alisa_parameter_values(&other, state->set);
    }
    copy_values(state, values_of(state), from);
}

/* From what is there, and from the defaults of each layout. */
static AlisaStatus descend_from_all(State *state, AlisaRandom *random, AlisaError *error) {
    AlisaStatus status = descend(state, random, error);
    const AlisaParameterInfo *layout = &state->family->parameters[0];
    if (!layout->words) return status;
    for (uint32_t i = 0; i < layout->candidate_count && status == ALISA_OK; i++) {
        if (is_over(state)) break;
        if (state->best[layout->offset] == layout->candidates[i]) continue;
        begin_layout(state, layout->candidates[i]);
        status = descend_anew(state, 1.0, random, error);
    }
    return status;
}

/* Puts at hand where a search with this value begins in this layout; false where it cannot be used
 * or does not matter. */
static bool begin_with(State *state, uint32_t layout, const AlisaParameterInfo *parameter,
                       uint32_t value) {
    if (!(parameter->layouts >> layout & 1)) return false;
    begin_layout(state, layout);
    values_of(state)[parameter->offset] = value;
    const AlisaDeviceInfo *info = alisa_opencl_info(state->search->device);
    return !alisa_parameter_set_check(state->set, values_of(state), info);
}

/* A value that loses accuracy. */
typedef struct Lossy {
    const AlisaParameterInfo *parameter;
    uint32_t value;
} Lossy;

/* The best values that lose none. */
typedef struct Exact {
    uint32_t values[PARAMETERS];
    double cost;
} Exact;

/* Whether the best values take less than `worth` of the time of others. Trials apart in time are
 * not enough to tell. */
static AlisaStatus is_worth(State *state, const uint32_t *others, double worth, bool *is,
                            AlisaError *error) {
    const uint32_t *const both[2] = {others, state->best};
    double cost, ratio;
    AlisaStatus status = alisa_tuner_compare(state, both, &cost, &ratio, error);
    *is = status == ALISA_OK && cost < worth;
    return status;
}

/* From a value that loses accuracy, beside the best exact values; kept if that is worth it, and if
 * it is faster than another such value that was. However little time is left, its starting points
 * are timed. */
static AlisaStatus descend_lossy(State *state, const Lossy *lossy, const Exact *exact,
                                 AlisaRandom *random, AlisaError *error) {
    const AlisaParameterInfo *layout = &state->family->parameters[0];
    uint32_t before[PARAMETERS];
    double cost = state->best_cost;
    bool another = cost < exact->cost;
    AlisaStatus status = ALISA_OK;
    copy_values(state, before, state->best);
    copy_values(state, state->best, exact->values);
    state->best_cost = exact->cost;
    for (uint32_t i = 0; i < layout->candidate_count && status == ALISA_OK; i++) {
        uint32_t best = exact->values[layout->offset], other = layout->candidates[i];
        if (is_interrupted(state)) break;
        /* Where one of these is the best, the other is for another kind of device. */
        if (other != best && (best == ALISA_LAYOUT_ITEM || best == ALISA_LAYOUT_GROUP)) continue;
        if (begin_with(state, other, lossy->parameter, lossy->value))
            status = descend_anew(state, WORTH_LOSSES, random, error);
    }
    bool kept = status == ALISA_OK && state->best[lossy->parameter->offset] == lossy->value;
    if (kept) status = alisa_tuner_verify_best(state, &kept, error);
    if (kept && status == ALISA_OK)
        status = is_worth(state, exact->values, WORTH_LOSSES, &kept, error);
    if (kept && status == ALISA_OK && another) status = is_worth(state, before, 1.0, &kept, error);
    if (!kept) {
        state->best_cost = cost;
        copy_values(state, state->best, before);
    }
    copy_values(state, values_of(state), state->best);
    return status;
}

/* The values of the set that lose accuracy and can be used here; those that fit into `list`, which
 * may be NULL. Returns how many there are. */
static uint32_t list_lossy(State *state, Lossy *list, uint32_t capacity) {
    const AlisaFamilyInfo *family = state->family;
    const AlisaParameterInfo *layout = &family->parameters[0];
    uint32_t count = 0;
    for (uint32_t p = 1; p < family->parameter_count; p++) {
        const AlisaParameterInfo *parameter = &family->parameters[p];
        for (uint32_t c = 0; c < parameter->candidate_count; c++) {
            uint32_t value = parameter->candidates[c];
            bool can_be = false;
            if (!alisa_parameter_loses(parameter, value)) continue;
            for (uint32_t i = 0; i < layout->candidate_count && !can_be; i++)
                can_be = begin_with(state, layout->candidates[i], parameter, value);
            if (!can_be) continue;
            if (count < capacity) list[count] = (Lossy){parameter, value};
            count++;
        }
    }
    copy_values(state, values_of(state), state->best);
    return count;
}

/* Exact values first: what loses accuracy has to be that much faster than the best of them. A third
 * of the time is left for it, the same part for each such value. */
static AlisaStatus search_values(State *state, double seconds, AlisaError *error) {
    AlisaRandom random;
    Exact exact;
    alisa_random_seed(&random, state->search->seed);
    uint32_t count = list_lossy(state, NULL, 0);
    Lossy *lossy = alisa_allocate(count, sizeof *lossy, "a search", error);
    if (!lossy) return ALISA_ERROR_MEMORY;
    list_lossy(state, lossy, count);
    uint64_t part = count ? (uint64_t)(seconds * 1e9 / 3) / count : 0;
    state->ends_at -= count * part;
    AlisaStatus status = descend_from_all(state, &random, error);
    copy_values(state, exact.values, state->best);
    exact.cost = state->best_cost;
    for (uint32_t i = 0; i < count && status == ALISA_OK; i++) {
        state->ends_at += part;
        status = descend_lossy(state, &lossy[i], &exact, &random, error);
    }
    free(lossy);
    return status;
}

/* Whether a value that matters loses accuracy; `exact`: the values without. */
static bool leave_losses(const State *state, const uint32_t *values, uint32_t *exact) {
    bool lossy = false;
    copy_values(state, exact, values);
    for (uint32_t i = 0; i < state->family->parameter_count; i++) {
        const AlisaParameterInfo *parameter = &state->family->parameters[i];
        if (!alisa_parameter_loses(parameter, values[parameter->offset])) continue;
        lossy |= alisa_parameter_matters(state->family, parameter, values);
        exact[parameter->offset] = parameter->candidates[0];
    }
    return lossy;
}

/* What the search found may have been luck, or right for the sizes it was timed with alone. */
static AlisaStatus compare(State *state, const uint32_t *before, AlisaTuneGain *gain,
                           AlisaError *error) {
    const uint32_t *const both[2] = {before, state->best};
    uint32_t exact[PARAMETERS];
    double cost, ratio;
    bool right;
    AlisaStatus status = alisa_tuner_verify_best(state, &right, error);
    if (status != ALISA_OK || !right) return status;
    status = alisa_tuner_compare(state, both, &cost, &ratio, error);
    if (status != ALISA_OK || isinf(cost)) return status;
    /* Accuracy comes back where losing it is not worth it any more. */
    bool is_back = leave_losses(state, before, exact) && !leave_losses(state, state->best, exact);
    gain->speedup = 1.0 / ratio;
    gain->changed = is_back ? ratio < 1 / WORTH_LOSSES : cost < WORTHWHILE;
    return ALISA_OK;
}

static AlisaStatus measure_reference(State *state, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < state->case_count && status == ALISA_OK; i++) {
        if (is_interrupted(state))
            return alisa_error_set(error, ALISA_ERROR_INTERRUPTED, "interrupted");
        status = time_case(state, i, &state->reference[i], error);
        if (status == ALISA_OK && isinf(state->reference[i])) {
            char name[32];
            alisa_parameter_set_name(state->set, name);
            return alisa_error_set(error, ALISA_ERROR_DEVICE,
                                   "%s does not compute %s (%s) with the parameters it has: they "
                                   "cannot be tuned",
                                   alisa_opencl_info(state->search->device)->name, name,
                                   state->cases[i].name);
        }
    }
    return status;
}

AlisaStatus alisa_tuner_search(const AlisaTuneSearch *search, const AlisaParameterSet *set,
                               double seconds, AlisaOpsParameters *parameters, AlisaTuneGain *gain,
                               AlisaError *error) {
    *gain = (AlisaTuneGain){.speedup = 1.0};
    uint32_t before[PARAMETERS];
    AlisaOpsParameters tried = *parameters;
    State state = {.search = search,
                   .set = set,
                   .family = alisa_family_info(set->family),
                   .parameters = &tried,
                   .best_cost = 1.0,
                   .ends_at = alisa_clock_now() + (uint64_t)(seconds * 1e9)};
    /* What matvec is for is not to be done by matmul. */
    if (set->family == ALISA_FAMILY_MATVEC) tried.matmul[set->format].from = UINT32_MAX;
    AlisaStatus status = alisa_trial_create(search->device, set, &state.trial, error);
    if (status != ALISA_OK) return status;
    state.beside = alisa_tuner_hash_others(&tried, set);
    state.cases = alisa_trial_cases(state.trial, &state.case_count);
    copy_values(&state, before, values_of(&state));
    bool lossy = leave_losses(&state, before, state.best);
    status = measure_reference(&state, error);
    copy_values(&state, values_of(&state), state.best);
    if (status == ALISA_OK && lossy) status = weigh(&state, &state.best_cost, error);
    if (status == ALISA_OK) status = search_values(&state, seconds, error);
    bool found = memcmp(before, state.best, state.family->parameter_count * sizeof *before) != 0;
    if (status == ALISA_OK && found) status = compare(&state, before, gain, error);
    if (status == ALISA_OK && gain->changed)
        copy_values(&state, alisa_parameter_values(parameters, set), state.best);
    alisa_trial_destroy(state.trial);
    return status;
}
