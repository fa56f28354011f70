/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/policies.h"

#include "bench/trial.h"
#include "runtime/each_device.h"
#include "runtime/policy.h"

#include <stdlib.h>
#include <string.h>

enum { WARM_UP_PROMPT = 16, WARM_UP_TOKENS = 2 };

/* What a policy did at the batch at hand. */
typedef struct Entrant {
    AlisaPolicy policy;
    char refused[sizeof(((AlisaError *)0)->message)]; /* empty: it ran */
    BenchSamples samples;
    uint64_t prompt_ns; /* spent on prompts in all samples together */
    PolicyRun last;     /* the run of the last sample */
} Entrant;

typedef struct PolicyBench {
    Runtime runtime;
    PolicyTrial trial; /* of the batch at hand */
    Entrant entrants[ALISA_POLICY_COUNT];
    size_t entrant_count;
    BenchOutput output;
    bool closed; /* nobody reads the rows */
} PolicyBench;

/* ---- A batch ------------------------------------------------------------------------------- */

/* What does not fit is a result like others; other failures end the command. */
static ExitCode sample(PolicyBench *bench, Entrant *entrant, bool warm_up) {
    const BenchTest *test = &bench->trial.test;
    uint32_t prompt = test->prompt_length, generate = test->generate_length;
    if (entrant->refused[0]) return EXIT_DONE;
    if (warm_up && prompt > WARM_UP_PROMPT) prompt = WARM_UP_PROMPT;
    if (warm_up && generate > WARM_UP_TOKENS) generate = WARM_UP_TOKENS;
    AlisaError error;
    PolicyRun *run = &entrant->last;
    AlisaStatus status =
        alisa_cli_policy_trial_run(&bench->trial, entrant->policy, prompt, generate, run, &error);
    if (alisa_cli_interrupted(NULL)) return EXIT_INTERRUPTED;
    if (status == ALISA_OK && warm_up) return EXIT_DONE;
    BenchSamples *samples = &entrant->samples;
    entrant->prompt_ns += run->prompt_ns;
    samples->to_device += run->to_device;
    samples->to_host += run->to_host;
    samples->device_bytes = run->device_bytes;
    if (status == ALISA_ERROR_MEMORY) {
        snprintf(entrant->refused, sizeof entrant->refused, "%s", error.message);
        samples->count = 0;
    } else if (status != ALISA_OK) {
        return alisa_cli_fail(&error);
    } else {
        samples->nanoseconds[samples->count++] = run->nanoseconds;
    }
    return EXIT_DONE;
}

/* Tokens generated a second, prompts included in the time. 0: it did not run. */
static double throughput(const Entrant *entrant) {
    double nanoseconds = 0.0;
    for (size_t i = 0; i < entrant->samples.count; i++)
        nanoseconds += (double)entrant->samples.nanoseconds[i];
    if (nanoseconds == 0.0) return 0.0;
    return entrant->samples.tokens * (double)entrant->samples.count * 1e9 / nanoseconds;
}

static json_t *describe(const PolicyBench *bench, const Entrant *entrant) {
    const SessionChoice choice = entrant->refused[0]
                                     ? alisa_cli_policy_trial_choice(&bench->trial, entrant->policy)
                                     : entrant->last.choice;
    json_t *row =
        alisa_cli_bench_describe(&bench->runtime, &choice, &bench->trial.test, &entrant->samples);
    if (!row) return NULL;
    json_int_t count = entrant->samples.count ? (json_int_t)entrant->samples.count : 1;
    json_t *more = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "refused", entrant->refused,
        "schedule", choice.placement.schedule == ALISA_SCHEDULE_PAPER ? "paper" : "overlap",
        "swa_scores", alisa_select_scores_name(choice.attention.scores), "swa_lists",
        alisa_select_lists_name(choice.attention.lists), "prompt_ns",
        (json_int_t)entrant->prompt_ns / count, "p1", (json_int_t)entrant->last.use.host_from, "p2",
        (json_int_t)entrant->last.use.inputs_from, "preempted",
        (json_int_t)entrant->last.use.preempted, "replanned",
        (json_int_t)entrant->last.use.replanned, "link_gbps", entrant->last.use.link_rate / 1e9,
        "prediction_error", entrant->last.prediction_error);
    if (more) json_object_update_new(row, more);
    if (entrant->last.steps && !entrant->refused[0]) {
        json_object_set_new(row, "step_fields",
                            json_pack("[s, s, s, s, s, s, s]", "length", "phase", "running",
                                      "predicted_seconds", "measured_seconds",
                                      "host_to_device_bytes", "device_to_host_bytes"));
        json_object_set(row, "steps", entrant->last.steps);
    }
    double own = throughput(entrant);
    for (size_t i = 0; i < bench->entrant_count; i++) {
        char field[64];
        double other = throughput(&bench->entrants[i]);
        snprintf(field, sizeof field, "over_%s", alisa_policy_name(bench->entrants[i].policy));
        bool both = own > 0.0 && other > 0.0;
        json_object_set_new(row, field, both ? json_real(own / other) : json_null());
    }
    return row;
}

static ExitCode print_batch(PolicyBench *bench) {
    char name[64];
    snprintf(name, sizeof name, "pp%u+tg%u", bench->trial.test.prompt_length,
             bench->trial.test.generate_length);
    for (size_t i = 0; i < bench->entrant_count && !bench->closed; i++) {
        const Entrant *entrant = &bench->entrants[i];
        bool table = bench->output.format == OUTPUT_MARKDOWN;
        if (entrant->refused[0])
            alisa_cli_note("policy %s, batch %u: %s", alisa_policy_name(entrant->policy),
                           bench->trial.test.batch, entrant->refused);
        if (table && entrant->refused[0]) continue;
        json_t *row = describe(bench, entrant);
        if (!row) return alisa_cli_out_of_memory();
        bench->closed = !alisa_cli_bench_row(&bench->output, row, name);
    }
    return EXIT_DONE;
}

static ExitCode run_batch(PolicyBench *bench) {
    const Settings *settings = bench->runtime.settings;
    size_t repetitions = (size_t)settings->repetitions;
    uint32_t batch = bench->trial.test.batch;
    ExitCode code =
        alisa_cli_policy_trial_init(&bench->trial) ? EXIT_DONE : alisa_cli_out_of_memory();
    for (size_t i = 0; i < bench->entrant_count && code == EXIT_DONE; i++) {
        Entrant *entrant = &bench->entrants[i];
        *entrant = (Entrant){.policy = entrant->policy};
        entrant->samples.tokens = (double)batch * bench->trial.test.generate_length;
        entrant->samples.nanoseconds = malloc(repetitions * sizeof(uint64_t));
        if (!entrant->samples.nanoseconds) code = alisa_cli_out_of_memory();
    }
    for (size_t turn = 0; turn <= repetitions; turn++) {
        for (size_t i = 0; i < bench->entrant_count && code == EXIT_DONE; i++)
            code = sample(bench, &bench->entrants[i], turn == 0);
    }
    if (code == EXIT_DONE) code = print_batch(bench);
    for (size_t i = 0; i < bench->entrant_count; i++) {
        free(bench->entrants[i].samples.nanoseconds);
        json_decref(bench->entrants[i].last.steps);
        bench->entrants[i].samples.nanoseconds = NULL;
        bench->entrants[i].last.steps = NULL;
    }
    alisa_cli_policy_trial_finish(&bench->trial);
    return code;
}

/* ---- All of it ----------------------------------------------------------------------------- */

enum { FIRST_COLUMNS = 9, MOST_COLUMNS = FIRST_COLUMNS + ALISA_POLICY_COUNT + 1 };

/* Columns of ratios are over the policies that alisa is compared with, not over alisa itself. */
static void list_columns(bool devices, const AlisaPolicy *policies, size_t policy_count,
                         BenchColumn columns[MOST_COLUMNS], char fields[ALISA_POLICY_COUNT][32]) {
    const double mib = 1048576.0;
    const BenchColumn first[FIRST_COLUMNS] = {
        {.field = "gpu_info", .shown = devices, .title = "device"},
        {.field = "policy", .shown = true},
        {.field = "batch", .shown = true},
        {.field = "type_k", .shown = true, .title = "K/V"},
        {.field = "attention", .shown = true},
        {.field = "p1", .shown = true},
        {.field = "host_to_device_bytes", true, "in MiB", "%.0f", mib},
        {.field = "device_to_host_bytes", true, "out MiB", "%.0f", mib},
        {.field = "prediction_error", true, "error %", "%.1f", 0.01},
    };
    memcpy(columns, first, sizeof first);
    size_t count = FIRST_COLUMNS;
    for (size_t i = 0; i < policy_count; i++) {
        if (policies[i] == ALISA_POLICY_ALISA && policy_count > 1) continue;
        snprintf(fields[i], sizeof fields[i], "over_%s", alisa_policy_name(policies[i]));
        columns[count++] = (BenchColumn){fields[i], true, fields[i], "%.2fx", 1.0};
    }
    columns[count] = (BenchColumn){0};
}

static ExitCode check(const Settings *settings) {
    if (settings->prompt_lengths.count > 1 || settings->generate_lengths.count > 1 ||
        settings->micro_batches.count > 1 || settings->depths.count > 1) {
        return alisa_cli_refuse(EXIT_USAGE, "with --policy there is one -p, -n, -ub and -d");
    }
    if (settings->prompt_lengths.values[0] == 0 || settings->generate_lengths.values[0] == 0 ||
        settings->depths.values[0] > 0) {
        return alisa_cli_refuse(EXIT_USAGE,
                                "with --policy, -p and -n are at least 1 and there is no -d");
    }
    return EXIT_DONE;
}

static ExitCode bench_device(const Settings *settings, void *user) {
    PolicyBench bench = {.output = *(BenchOutput *)user};
    AlisaPolicy policies[ALISA_POLICY_COUNT];
    ExitCode code = alisa_cli_policy_list(settings->policies, policies, &bench.entrant_count);
    if (code == EXIT_DONE) code = alisa_cli_runtime_model(&bench.runtime, settings);
    if (code == EXIT_DONE) code = alisa_cli_runtime_engine(&bench.runtime);
    if (code == EXIT_DONE) {
        for (size_t i = 0; i < bench.entrant_count; i++)
            bench.entrants[i].policy = policies[i];
        bench.trial.runtime = &bench.runtime;
        bench.trial.test =
            (BenchTest){.prompt_length = (uint32_t)settings->prompt_lengths.values[0],
                        .generate_length = (uint32_t)settings->generate_lengths.values[0],
                        .batch_size = (uint32_t)settings->batch_sizes.values[0],
                        .micro_batch = (uint32_t)settings->micro_batches.values[0]};
    }
    for (size_t i = 0; i < settings->batches.count && code == EXIT_DONE && !bench.closed; i++) {
        bench.trial.test.batch = (uint32_t)settings->batches.values[i];
        code = run_batch(&bench);
    }
    *(BenchOutput *)user = bench.output;
    alisa_cli_runtime_close(&bench.runtime);
    return code;
}

ExitCode alisa_cli_bench_policies(const Settings *settings, json_t *collected) {
    BenchColumn columns[MOST_COLUMNS];
    char fields[ALISA_POLICY_COUNT][32];
    AlisaPolicy policies[ALISA_POLICY_COUNT];
    size_t count;
    ExitCode code = check(settings);
    if (code == EXIT_DONE) code = alisa_cli_policy_list(settings->policies, policies, &count);
    if (code != EXIT_DONE) return code;
    list_columns(alisa_cli_all_devices(settings), policies, count, columns, fields);
    BenchOutput output = alisa_cli_bench_output(settings, columns, collected);
    code = alisa_cli_each_device(settings, bench_device, &output);
    alisa_cli_bench_end(&output);
    if (code == EXIT_DONE && !collected && alisa_cli_runtime_emulates_link(settings))
        alisa_cli_note("emulated link: the figures are of this device with every copy paced");
    return code;
}
