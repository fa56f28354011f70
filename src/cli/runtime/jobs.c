/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NO_JOB SIZE_MAX

/* The state of one run; what it points to lives as long as the run. */
typedef struct Run {
    JobSet *set;
    size_t *slots;    /* [sequences] job that has the sequence, NO_JOB when it is free */
    size_t *prompts;  /* [sequences] tokens of the prompt of the job that had it last */
    size_t waiting;   /* first job that has not started */
    AlisaRow *rows;   /* [batch_size] */
    uint32_t *wanted; /* [sequences] what each is to append next, for alisa_session_admit */
    bool *admitted;   /* [sequences] which of them may, by alisa_session_admit */

    bool stopped; /* nobody reads the text any more */
} Run;

const char *alisa_cli_job_end_name(JobEnd end) {
    static const char *const names[] = {"unfinished", "stop", "length", "context_length_exceeded",
                                        "interrupted"};
    return names[end];
}

AlisaSamplerOptions alisa_cli_job_sampler_options(const Settings *settings, uint64_t seed) {
    AlisaSamplerOptions options;
    alisa_sampler_options_defaults(&options);
    options.seed = seed;
    options.temperature = (float)settings->temperature;
    options.top_k = (int32_t)settings->top_k;
    options.top_p = (float)settings->top_p;
    options.min_p = (float)settings->min_p;
    options.repeat_penalty = (float)settings->repeat_penalty;
    options.repeat_last_n = (int32_t)settings->repeat_last_n;
    return options;
}

uint64_t alisa_cli_job_seed(const Settings *settings) {
    if (settings->seed >= 0) return (uint64_t)settings->seed;
    uint32_t seed = 0;
    FILE *source = fopen("/dev/urandom", "rb");
    bool drawn = source && fread(&seed, sizeof seed, 1, source) == 1;
    if (source) fclose(source);
    /* Where /dev/urandom cannot be read the time serves: no two runs begin in one nanosecond. */
    return drawn ? seed : (uint32_t)(alisa_cli_clock() ^ (uint64_t)time(NULL));
}

void alisa_cli_job_free(Job *job) {
    alisa_free(job->prompt.ids);
    alisa_sampler_destroy(job->sampler);
    alisa_cli_text_free(&job->text);
}

/* Whether the prompt of the sequence's job is yet to be evaluated. */
static bool is_new(const Run *run, uint32_t sequence) {
    const Job *job = &run->set->jobs[run->slots[sequence]];
    return alisa_session_length(run->set->runtime->session, sequence) < job->prompt.count;
}

/* Tokens of the job's prompt that the sequence does not hold yet. */
static size_t left_of_prompt(const Run *run, uint32_t sequence) {
    return run->set->jobs[run->slots[sequence]].prompt.count -
           alisa_session_length(run->set->runtime->session, sequence);
}

/* Ends the job of a sequence and frees the sequence for the next one. */
static bool end_job(Run *run, uint32_t sequence, JobEnd end, AlisaError *error) {
    Job *job = &run->set->jobs[run->slots[sequence]];
    job->end = end;
    alisa_sampler_destroy(job->sampler);
    job->sampler = NULL;
    size_t index = run->slots[sequence];
    run->slots[sequence] = NO_JOB;
    run->prompts[sequence] = job->prompt.count;
    /* The next job's prompt may begin as this one did; where none comes, memory is for others. */
    if (run->waiting == run->set->count)
        alisa_session_truncate(run->set->runtime->session, sequence, 0);
    if (!alisa_cli_utf8_finish(&job->hold, &job->text)) {
        alisa_cli_memory_error(error);
        return false;
    }
    if (!run->set->changed(run->set->user, index)) run->stopped = true;
    return true;
}

static bool add_text(const Run *run, Job *job, int32_t token) {
    const Runtime *runtime = run->set->runtime;
    /* SentencePiece puts a blank before the first word; after a prompt it belongs to the text. */
    bool first = job->generated == 0 && job->prompt.count == 1 &&
                 job->prompt.ids[0] == alisa_model_bos(runtime->model);
    return alisa_cli_runtime_push_token(runtime, token, first, &job->hold, &job->text);
}

/* In the words of alisa_sampler_sample, which is not called where the device chose the token. */
static AlisaStatus not_a_number(AlisaError *error) {
    error->status = ALISA_ERROR_DEVICE;
    snprintf(error->message, sizeof error->message,
             "the device computed logits that are not numbers; try another device with -dev");
    return error->status;
}

bool alisa_cli_jobs_greedy(const JobSet *set) {
    const Settings *settings = set->runtime->settings;
    return settings->temperature <= 0.0 && settings->repeat_penalty == 1.0 && !settings->ignore_eos;
}

/* Chooses the token that follows in `sequence`, from the `wanted`-th logits, and decides whether
 * the job goes on. */
static AlisaStatus choose(Run *run, uint32_t sequence, size_t wanted, AlisaError *error) {
    Runtime *runtime = run->set->runtime;
    const Settings *settings = runtime->settings;
    Job *job = &run->set->jobs[run->slots[sequence]];
    const float *logits = alisa_session_logits(runtime->session, wanted);
    int32_t likeliest = alisa_session_likeliest(runtime->session, wanted);
    JobEnd end = JOB_UNFINISHED;
    if (settings->predict == 0) {
        end = JOB_LENGTH;
    } else {
        int32_t token = likeliest;
        AlisaStatus status =
            logits ? alisa_sampler_sample(job->sampler, logits, &token, error) : ALISA_OK;
        if (status != ALISA_OK) return status;
        if (token < 0) return not_a_number(error);
        if (alisa_model_is_end(runtime->model, token)) {
            end = JOB_STOPPED;
        } else {
            if (!add_text(run, job, token)) return alisa_cli_memory_error(error);
            alisa_sampler_accept(job->sampler, token);
            job->generated++;
            job->next = token;
            if (job->generated == settings->predict) {
                end = JOB_LENGTH;
            } else if (alisa_session_length(runtime->session, sequence) ==
                       alisa_session_context_length(runtime->session)) {
                end = JOB_CONTEXT;
            } else if (!run->set->changed(run->set->user, run->slots[sequence])) {
                run->stopped = true;
            }
        }
    }
    if (end != JOB_UNFINISHED && !end_job(run, sequence, end, error)) return error->status;
    return ALISA_OK;
}

/* Evaluates run->rows and chooses a token wherever logits were asked for. */
static AlisaStatus evaluate(Run *run, size_t count, AlisaError *error) {
    AlisaSession *session = run->set->runtime->session;
    AlisaStatus status = alisa_session_eval(session, run->rows, count, error);
    size_t wanted = 0;
    for (size_t i = 0; i < count && status == ALISA_OK; i++) {
        if (!run->rows[i].logits) continue;
        status = choose(run, run->rows[i].sequence, wanted++, error);
    }
    return status;
}

static AlisaStatus start_job(Run *run, uint32_t sequence, size_t index, AlisaError *error) {
    Runtime *runtime = run->set->runtime;
    Job *job = &run->set->jobs[index];
    AlisaSamplerOptions options = alisa_cli_job_sampler_options(runtime->settings, job->seed);
    AlisaStatus status =
        alisa_sampler_create(&options, runtime->info.vocabulary_size, &job->sampler, error);
    if (status != ALISA_OK) return status;
    for (size_t i = 0; i < job->prompt.count; i++) {
        alisa_sampler_accept(job->sampler, job->prompt.ids[i]);
    }
    int32_t vocabulary = (int32_t)runtime->info.vocabulary_size;
    for (int32_t token = 0; runtime->settings->ignore_eos && token < vocabulary; token++)
        if (alisa_model_is_end(runtime->model, token)) alisa_sampler_ignore(job->sampler, token);
    run->slots[sequence] = index;
    /* What a job generated is no beginning of a prompt, even where the words are the same: steps
     * may have attended to less. */
    size_t most = job->prompt.count - 1;
    if (most > run->prompts[sequence]) most = run->prompts[sequence];
    alisa_session_keep(runtime->session, sequence, job->prompt.ids, most);
    return ALISA_OK;
}

/* Gives every free sequence a waiting job. */
static AlisaStatus start_waiting(Run *run, AlisaError *error) {
    JobSet *set = run->set;
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < set->sequences && run->waiting < set->count && !status; i++)
        if (run->slots[i] == NO_JOB) status = start_job(run, i, run->waiting++, error);
    return status;
}

/* Which sequences go on now: all that have a job, but for those that memory makes wait. */
static AlisaStatus admit(Run *run, AlisaError *error) {
    Runtime *runtime = run->set->runtime;
    uint64_t begin = alisa_cli_clock();
    for (uint32_t i = 0; i < run->set->sequences; i++) {
        run->wanted[i] = 0;
        if (run->slots[i] == NO_JOB) continue;
        /* The rest of the prompt, unless it has been read, and one token after it. */
        if (is_new(run, i)) run->wanted[i] = (uint32_t)left_of_prompt(run, i);
        run->wanted[i]++;
    }
    AlisaStatus status = alisa_session_admit(runtime->session, run->wanted, run->admitted, error);
    runtime->timings.eval_ns += alisa_cli_clock() - begin;
    return status;
}

/* Evaluates the prompts of jobs that are new, together. */
static AlisaStatus begin_admitted(Run *run, AlisaError *error) {
    JobSet *set = run->set;
    size_t limit = (size_t)set->runtime->settings->batch_size, used = 0;
    AlisaStatus status = ALISA_OK;
    uint64_t begin = alisa_cli_clock();
    for (uint32_t sequence = 0; sequence < set->sequences; sequence++) {
        if (!run->admitted[sequence] || !is_new(run, sequence)) continue;
        const Tokens *prompt = &set->jobs[run->slots[sequence]].prompt;
        size_t left = left_of_prompt(run, sequence);
        set->runtime->timings.prompt_tokens += left;
        for (size_t i = prompt->count - left; i < prompt->count; i++) {
            run->rows[used++] = (AlisaRow){prompt->ids[i], sequence, i + 1 == prompt->count};
            if (used < limit) continue;
            status = evaluate(run, used, error);
            if (status != ALISA_OK) return status;
            used = 0;
        }
    }
    if (used > 0) status = evaluate(run, used, error);
    set->runtime->timings.prompt_ns += alisa_cli_clock() - begin;
    return status;
}

/* One more token for every job that was admitted and has not ended since. */
static AlisaStatus advance(Run *run, AlisaError *error) {
    JobSet *set = run->set;
    size_t limit = (size_t)set->runtime->settings->batch_size, used = 0;
    AlisaStatus status = ALISA_OK;
    uint64_t begin = alisa_cli_clock();
    for (uint32_t sequence = 0; sequence < set->sequences && status == ALISA_OK; sequence++) {
        if (!run->admitted[sequence] || run->slots[sequence] == NO_JOB) continue;
        run->rows[used++] = (AlisaRow){set->jobs[run->slots[sequence]].next, sequence, true};
        set->runtime->timings.eval_tokens++;
        if (used < limit) continue;
        status = evaluate(run, used, error);
        used = 0;
    }
    if (status == ALISA_OK && used > 0) status = evaluate(run, used, error);
    set->runtime->timings.eval_ns += alisa_cli_clock() - begin;
    return status;
}

static bool any_running(const Run *run) {
    for (uint32_t sequence = 0; sequence < run->set->sequences; sequence++) {
        if (run->slots[sequence] != NO_JOB) return true;
    }
    return false;
}

static AlisaStatus interrupt_all(Run *run, AlisaError *error) {
    for (uint32_t sequence = 0; sequence < run->set->sequences; sequence++) {
        if (run->slots[sequence] == NO_JOB) continue;
        if (!end_job(run, sequence, JOB_INTERRUPTED, error)) return error->status;
    }
    return ALISA_OK;
}

AlisaStatus alisa_cli_jobs_run(JobSet *set, AlisaError *error) {
    Run run = {.set = set};
    AlisaStatus status = ALISA_OK;
    run.slots = malloc(set->sequences * sizeof *run.slots);
    run.prompts = calloc(set->sequences, sizeof *run.prompts);
    run.rows = malloc((size_t)set->runtime->settings->batch_size * sizeof *run.rows);
    run.wanted = malloc(set->sequences * sizeof *run.wanted);
    run.admitted = malloc(set->sequences * sizeof *run.admitted);
    if (!run.slots || !run.prompts || !run.rows || !run.wanted || !run.admitted) {
        status = alisa_cli_memory_error(error);
        goto done;
    }
    for (uint32_t i = 0; i < set->sequences; i++) {
        run.slots[i] = NO_JOB;
    }
    while (status == ALISA_OK && !run.stopped) {
        if (alisa_cli_interrupted(NULL)) break;
        status = start_waiting(&run, error);
        if (status != ALISA_OK || !any_running(&run)) break;
        status = admit(&run, error);
        if (status == ALISA_OK) status = begin_admitted(&run, error);
        if (status != ALISA_OK || run.stopped || alisa_cli_interrupted(NULL)) break;
        status = advance(&run, error);
    }
    if (status == ALISA_ERROR_INTERRUPTED) status = ALISA_OK;
    if (status == ALISA_OK && alisa_cli_interrupted(NULL)) status = interrupt_all(&run, error);
done:
    free(run.slots);
    free(run.prompts);
    free(run.rows);
    free(run.wanted);
    free(run.admitted);
    return status;
}
