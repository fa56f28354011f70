/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/open.h"

#include "engine/problem.h"
#include "engine/rates.h"
#include "engine/resolve.h"

/* A context that is asked for and longer than the model's table of positions is an error. */
static AlisaStatus check_context(const AlisaEngine *engine, uint32_t asked, AlisaError *error) {
    const AlisaShape *shape = &engine->shape;
    if (shape->architecture->position != ALISA_POSITION_LEARNED || asked <= shape->context_length)
        return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "a context of %u tokens is longer than the model's table of %u "
                           "positions (key %s.context_length): ask for at most -c %u",
                           asked, shape->context_length, shape->architecture->name,
                           shape->context_length);
}

static AlisaStatus check_and_resolve(const AlisaEngine *engine, const AlisaSetupOptions *options,
                                     AlisaSessionSetup *setup, AlisaError *error) {
    *setup = (AlisaSessionSetup){0};
    AlisaStatus status = check_context(engine, options->context_length, error);
    if (status != ALISA_OK) return status;
    return alisa_resolve(engine, engine->shards, engine->shard_count, options, setup, error);
}

/* Plans every stage from what its device does with its layers. */
static AlisaStatus plan_stages(AlisaSessionSetup *setup, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < setup->stage_count && status == ALISA_OK; i++) {
        AlisaSchedProfile rates;
        status =
            alisa_rates_measure(setup->engine, &setup->shards[i], &setup->options, &rates, error);
        if (status == ALISA_OK) status = alisa_problem_solve(setup, i, &rates, error);
    }
    return status;
}

AlisaStatus alisa_engine_session_open(AlisaEngine *engine, const AlisaSetupOptions *options,
                                      AlisaSession **session, AlisaError *error) {
    AlisaSessionSetup setup;
    *session = NULL;
    AlisaStatus status = check_and_resolve(engine, options, &setup, error);
    if (status == ALISA_OK && setup.plans) status = plan_stages(&setup, error);
    if (status == ALISA_OK) status = alisa_engine_session_make(&setup, session, error);
    alisa_resolve_finish(&setup);
    return status;
}

AlisaStatus alisa_engine_session_problems(AlisaEngine *engine, const AlisaSetupOptions *options,
                                          AlisaSchedProblem *problems, AlisaError *error) {
    AlisaSessionSetup setup;
    AlisaStatus status = check_and_resolve(engine, options, &setup, error);
    for (uint32_t i = 0; i < setup.stage_count && status == ALISA_OK; i++) {
        AlisaSchedProfile rates;
        status = alisa_rates_measure(engine, &setup.shards[i], &setup.options, &rates, error);
        if (status == ALISA_OK)
            status = alisa_problem_describe(&setup, i, &rates, &problems[i], error);
    }
    alisa_resolve_finish(&setup);
    return status;
}

/* A machine that was busy when its rates were measured, or is now: beyond these factors, of what
 * steps take over what was predicted, they are measured again for the next session. */
#define MOST_CORRECTED  2.0
#define LEAST_CORRECTED 0.5

static void judge_rates(const AlisaSession *session) {
    for (uint32_t i = 0; i < session->stage_count; i++) {
        const AlisaPlacement *placement = session->stages[i].placement;
        if (!placement) continue;
        double corrected = alisa_placement_problem(placement)->correction.compute;
        if (corrected > MOST_CORRECTED || corrected < LEAST_CORRECTED)
            alisa_rates_forget(session->engine, session->stages[i].setup.shard, &session->options);
    }
}

void alisa_engine_session_close(AlisaSession *session) {
    if (session) judge_rates(session);
    alisa_engine_session_free(session);
}
