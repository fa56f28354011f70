#include "tune/search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "device/cache.h"

enum { SAMPLES = 7, FINAL_SAMPLES = 9, PARAMETERS = ALISA_TUNE_VALUES };

_Static_assert(sizeof(AlisaMatmulParameters) <= PARAMETERS * sizeof(uint32_t) &&
                   sizeof(AlisaMatvecParameters) <= PARAMETERS * sizeof(uint32_t) &&
                   sizeof(AlisaDecodeParameters) <= PARAMETERS * sizeof(uint32_t),
               "a trial has room for the values of every set");
_Static_assert(PARAMETERS <= 64, "a case has a bit for every value");

/* By effort: how long a case is timed, how often all parameters are gone through, and how much
 * slower than the best a case may be before the others are left out. */
static const struct {
    double case_seconds;
    uint32_t rounds;
    double hopeless;
} efforts[] = {
    [ALISA_TUNE_QUICK] = {0.04, 1, 1.2},
    [ALISA_TUNE_NORMAL] = {0.1, 2, 1.4},
    [ALISA_TUNE_FULL] = {0.3, 4, 2.0},
};

#define WORTHWHILE 0.95 /* cost of the new beside the old: below this, it is kept */
/* The same where the new is less exact than the old. */
#define WORTH_LOSSES  (1 / 1.2)
#define SLOWER_COUNTS 4.0  /* times as much as faster, */
#define SLOWER_FROM   1.02 /* past what equal parameters differ by from run to run */

/* Of one set. */
typedef struct State {
    const AlisaTuneSearch *search;
    const AlisaParameterSet *set;
    const AlisaFamilyInfo *family;
    AlisaTrial *trial;
    const AlisaTrialCase *cases;
    uint32_t case_count;
    AlisaOpsParameters *parameters;      /* what is tried is written here */
    double reference[ALISA_TRIAL_CASES]; /* seconds of what was there before */
    uint32_t best[PARAMETERS];
    double best_cost; /* of the reference: 1 */
    uint64_t beside;  /* hash of the other sets */
    uint64_t ends_at;
} State;

static bool is_interrupted(const State *state) {
    const AlisaTuneSearch *search = state->search;
    return search->interrupt && search->interrupt(search->interrupt_user);
}

static bool is_over(const State *state) {
    return alisa_clock_now() > state->ends_at || is_interrupted(state);
}

static uint32_t *values_of(const State *state) {
    return alisa_parameter_values(state->parameters, state->set);
}

static void copy_values(const State *state, uint32_t *to, const uint32_t *from) {
    memcpy(to, from, state->family->parameter_count * sizeof *to);
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

static double least(const double *values, uint32_t count) {
    double best = INFINITY;
    for (uint32_t i = 0; i < count; i++)
        best = values[i] < best ? values[i] : best;
    return best;
}

/* Some depend on them: prompts attend in the layout of steps, few rows are matvec's. */
uint64_t alisa_tuner_hash_others(const AlisaOpsParameters *parameters,
                                 const AlisaParameterSet *set) {
    AlisaOpsParameters others = *parameters;
    char hash[ALISA_CACHE_HASH_SIZE];
    memset(alisa_parameter_values(&others, set), 0,
           alisa_family_info(set->family)->parameter_count * sizeof(uint32_t));
    alisa_cache_hash(&others, sizeof others, hash);
    hash[12] = 0; /* 48 bits: a number that JSON carries whole */
    return strtoull(hash, NULL, 16);
}

/* Whether the device still does as it is told. After some failed launches it never does again,
 * which is no candidate's fault but the one's that did it. */
static AlisaStatus check_device(AlisaDevice *device, AlisaError *error) {
    AlisaBuffer buffer = {0};
    uint32_t sent = 12345, back = 0;
    AlisaStatus status = alisa_buffer_create(device, sizeof sent, ALISA_BUFFER_READ_WRITE,
                                             "a search", &buffer, error);
    if (status == ALISA_OK)
        status = alisa_buffer_write(device, &buffer, 0, &sent, sizeof sent, error);
    if (status == ALISA_OK)
        status = alisa_buffer_read(device, &buffer, 0, &back, sizeof back, error);
    alisa_buffer_destroy(&buffer);
    if (status != ALISA_OK || back == sent) return status;
    return alisa_error_set(error, ALISA_ERROR_DEVICE, "%s returns other bytes than it was given",
                           alisa_opencl_info(device)->name);
}

/* What a failed trial says of the candidate alone; other failures end the search. */
static bool is_refusal(AlisaStatus status) {
    return status == ALISA_ERROR_DEVICE || status == ALISA_ERROR_ARGUMENT ||
           status == ALISA_ERROR_MEMORY;
}

static void log_wrong(const AlisaTuneSearch *search, const AlisaTrial *trial, uint32_t index,
                      const AlisaParameterSet *set) {
    char name[32];
    uint32_t count;
    alisa_parameter_set_name(set, name);
    alisa_log_write(&search->log, ALISA_LOG_WARNING,
                    "%s: wrong results with other parameters (%s); they are not used", name,
                    alisa_trial_cases(trial, &count)[index].name);
}

static AlisaStatus run_trial(const AlisaTuneSearch *search, AlisaTrial *trial, uint32_t index,
                             const AlisaOpsParameters *parameters, const AlisaTuneTrial *known,
                             double *seconds, AlisaError *error) {
    AlisaTuneJournal *journal = search->journal;
    double samples[SAMPLES];
    const AlisaTrialClock clock = {SAMPLES, efforts[search->effort].case_seconds};
    AlisaTrialResult result = {.seconds = samples};
    AlisaError refusal;
    *seconds = INFINITY;
    AlisaStatus status = alisa_tuner_journal_begin(journal, known, error);
    if (status != ALISA_OK) return status;
    status = alisa_trial_run(trial, index, parameters, &clock, &result, &refusal);
    if (status != ALISA_OK && !is_refusal(status)) {
        if (error) *error = refusal;
        alisa_tuner_journal_drop(journal, NULL);
        return status;
    }
    /* The trial is left open where the device is lost: whoever watches takes that for a crash. */
    AlisaError lost;
    if (status == ALISA_ERROR_DEVICE && check_device(search->device, &lost) != ALISA_OK)
        return alisa_error_set(error, ALISA_ERROR_IO, "the device is lost after %s: %s",
                               refusal.message, lost.message);
    if (status == ALISA_OK && !result.wrong) *seconds = least(samples, result.samples);
    AlisaTuneEnd end = status != ALISA_OK ? ALISA_TUNE_REFUSED
                       : result.wrong     ? ALISA_TUNE_WRONG
                                          : ALISA_TUNE_MEASURED;
    if (end == ALISA_TUNE_REFUSED)
        alisa_log_write(&search->log, ALISA_LOG_DEBUG, "%s", refusal.message);
    if (end == ALISA_TUNE_WRONG) log_wrong(search, trial, index, &known->set);
    return alisa_tuner_journal_end(journal, end, isinf(*seconds) ? 0.0 : *seconds, error);
}

AlisaStatus alisa_tuner_time(const AlisaTuneSearch *search, AlisaTrial *trial, uint32_t index,
                             const AlisaOpsParameters *parameters, const AlisaTuneTrial *known,
                             double *seconds, AlisaError *error) {
    const AlisaTuneTrial *found = alisa_tuner_journal_find(search->journal, known);
    if (!found) return run_trial(search, trial, index, parameters, known, seconds, error);
    *seconds = found->end == ALISA_TUNE_MEASURED ? found->seconds : INFINITY;
    return ALISA_OK;
}

/* Seconds of a case with the values at hand; INFINITY where they cannot be used. */
static AlisaStatus time_case(State *state, uint32_t index, double *seconds, AlisaError *error) {
    const AlisaTuneTrial known = describe(state, index);
    return alisa_tuner_time(state->search, state->trial, index, state->parameters, &known, seconds,
                            error);
}

/* What a case costs that takes `ratio` of its time before: slower ones count more, so that no size
 * is given away for others. */
static double cost_of(double ratio) {
    return ratio > SLOWER_FROM ? SLOWER_FROM + SLOWER_COUNTS * (ratio - SLOWER_FROM) : ratio;
}

/* Cost of the values at hand beside those of the reference, weighted by case; INFINITY where they
 * cannot be used, or where a case shows that they are much slower than the best. */
static AlisaStatus weigh(State *state, double *cost, AlisaError *error) {
    double sum = 0.0, weights = 0.0;
    double hopeless = efforts[state->search->effort].hopeless;
    AlisaStatus status = ALISA_OK;
    *cost = INFINITY;
    const AlisaDeviceInfo *info = alisa_opencl_info(state->search->device);
    if (alisa_parameter_set_check(state->set, values_of(state), info)) return ALISA_OK;
    for (uint32_t i = 0; i < state->case_count; i++) {
        double seconds;
        status = time_case(state, i, &seconds, error);
        if (status != ALISA_OK || isinf(seconds)) return status;
        sum += state->cases[i].weight * cost_of(seconds / state->reference[i]);
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
    for (uint32_t round = 0; round < efforts[state->search->effort].rounds && helped; round++) {
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

/* Seconds of a case with both, in turn, so that a machine that slows down slows both. */
static AlisaStatus compare_case(State *state, uint32_t index, const uint32_t *const both[2],
                                double seconds[2], AlisaError *error) {
    const AlisaTrialClock clock = {FINAL_SAMPLES,
                                   2.0 * efforts[state->search->effort].case_seconds};
    seconds[0] = seconds[1] = INFINITY;
    for (int turn = 0; turn < 4; turn++) {
        double samples[FINAL_SAMPLES];
        AlisaTrialResult result = {.seconds = samples};
        copy_values(state, values_of(state), both[turn % 2]);
        AlisaStatus status = alisa_tuner_journal_beat(state->search->journal, error);
        if (status == ALISA_OK)
            status =
                alisa_trial_run(state->trial, index, state->parameters, &clock, &result, error);
        if (status != ALISA_OK) return status;
        double time = result.wrong ? INFINITY : least(samples, result.samples);
        if (time < seconds[turn % 2]) seconds[turn % 2] = time;
    }
    return ALISA_OK;
}

/* Cost of the second beside the first, and time of it over that of the first. */
static AlisaStatus compare_values(State *state, const uint32_t *const both[2], double *cost,
                                  double *ratio, AlisaError *error) {
    double costs = 0.0, ratios = 0.0, weights = 0.0;
    AlisaStatus status = ALISA_OK;
    *cost = *ratio = INFINITY;
    for (uint32_t i = 0; i < state->case_count && status == ALISA_OK; i++) {
        double seconds[2];
        if (is_interrupted(state)) return ALISA_OK;
        status = compare_case(state, i, both, seconds, error);
        costs += state->cases[i].weight * cost_of(seconds[1] / seconds[0]);
        ratios += state->cases[i].weight * seconds[1] / seconds[0];
        weights += state->cases[i].weight;
    }
    if (status != ALISA_OK) return status;
    *cost = costs / weights;
    *ratio = ratios / weights;
    return ALISA_OK;
}

/* Whether the best values are right for more sizes than those they were timed with. */
static AlisaStatus verify_best(State *state, bool *right, AlisaError *error) {
    copy_values(state, values_of(state), state->best);
    AlisaStatus status = alisa_trial_verify(state->trial, state->parameters, right, error);
    if (status == ALISA_OK && !*right) {
        char name[32];
        alisa_parameter_set_name(state->set, name);
        alisa_log_write(&state->search->log, ALISA_LOG_WARNING,
                        "%s: the fastest parameters give wrong results at other sizes; they are "
                        "not used",
                        name);
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
    AlisaStatus status = compare_values(state, both, &cost, &ratio, error);
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
    if (kept) status = verify_best(state, &kept, error);
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

enum { MOST_LOSSY = 8 };

/* The values of the set that lose accuracy and can be used here. */
static uint32_t list_lossy(State *state, Lossy list[MOST_LOSSY]) {
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
            if (can_be && count < MOST_LOSSY) list[count++] = (Lossy){parameter, value};
        }
    }
    copy_values(state, values_of(state), state->best);
    return count;
}

/* Exact values first: what loses accuracy has to be that much faster than the best of them. A third
 * of the time is left for it, the same part for each such value. */
static AlisaStatus search_values(State *state, double seconds, AlisaError *error) {
    AlisaRandom random;
    Lossy lossy[MOST_LOSSY];
    Exact exact;
    alisa_random_seed(&random, state->search->seed);
    uint32_t count = list_lossy(state, lossy);
    uint64_t part = count ? (uint64_t)(seconds * 1e9 / 3) / count : 0;
    state->ends_at -= count * part;
    AlisaStatus status = descend_from_all(state, &random, error);
    copy_values(state, exact.values, state->best);
    exact.cost = state->best_cost;
    for (uint32_t i = 0; i < count && status == ALISA_OK; i++) {
        state->ends_at += part;
        status = descend_lossy(state, &lossy[i], &exact, &random, error);
    }
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
    AlisaStatus status = verify_best(state, &right, error);
    if (status != ALISA_OK || !right) return status;
    status = compare_values(state, both, &cost, &ratio, error);
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
    if (set->family == ALISA_FAMILY_MATVEC) tried.matmul[set->type].from = UINT32_MAX;
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
