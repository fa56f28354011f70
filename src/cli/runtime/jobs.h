/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts generated side by side: each job goes on from its own prompt and ends on its own; when one
 * ends, the next waiting job takes over its sequence.
 */
#ifndef ALISA_CLI_RUNTIME_JOBS_H
#define ALISA_CLI_RUNTIME_JOBS_H

#include "runtime/runtime.h"

typedef enum JobEnd {
    JOB_UNFINISHED,  /* it waits or runs */
    JOB_STOPPED,     /* the model ended the text */
    JOB_LENGTH,      /* -n tokens were generated */
    JOB_CONTEXT,     /* the sequence is full */
    JOB_INTERRUPTED, /* Ctrl-C */
} JobEnd;

typedef struct Job {
    Tokens prompt;
    uint64_t seed;
    AlisaSampler *sampler; /* NULL unless the job runs */
    Utf8Hold hold;         /* bytes of a character that later tokens complete */
    Text text;             /* what was generated, whole characters only */
    uint32_t generated;    /* tokens */
    int32_t next;          /* token that was chosen but not appended yet */
    JobEnd end;
} Job;

typedef struct JobSet {
    Runtime *runtime; /* with a session of `sequences` sequences */
    Job *jobs;
    size_t count;
    uint32_t sequences;
    /* Called when a job has more text or has ended; false stops everything quietly. */
    bool (*changed)(void *user, size_t job);
    void *user;
} JobSet;

/* "stop", "length", ... */
const char *alisa_cli_job_end_name(JobEnd end);

/* Sampler options of the settings, with `seed`. */
AlisaSamplerOptions alisa_cli_job_sampler_options(const Settings *settings, uint64_t seed);
/* --seed, or a new one drawn from the system for -1. */
uint64_t alisa_cli_job_seed(const Settings *settings);

/* Whether tokens are simply the likeliest ones, so that a session may be made with likeliest_only.
 */
bool alisa_cli_jobs_greedy(const JobSet *set);

/* Runs all jobs. ALISA_OK also when Ctrl-C stopped them: the jobs that ran are JOB_INTERRUPTED
 * then, and those that waited JOB_UNFINISHED. */
AlisaStatus alisa_cli_jobs_run(JobSet *set, AlisaError *error);

void alisa_cli_job_free(Job *job);

#endif
