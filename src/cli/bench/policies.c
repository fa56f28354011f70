#include "bench/policies.h"

#include "bench/row.h"
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
    uint64_t prompt_ns;          /* of all samples */
    AlisaSessionOptions options; /* of the last one */
    AlisaPlacementUse use;       /* likewise */
    double prediction_error;     /* likewise */
    json_t *steps;               /* likewise; NULL without memory */
} Entrant;

typedef struct PolicyBench {
    Runtime runtime;
    BenchTest test;
    Entrant entrants[ALISA_POLICY_COUNT];
    size_t entrant_count;
    BenchOutput output;
    AlisaRow *rows; /* [row_capacity] */
    size_t row_capacity;
    uint32_t *wanted; /* [batch] */
    uint32_t *fed;    /* [batch] tokens so far */
    bool *admitted;   /* [batch] */
    bool closed;      /* nobody reads the rows */
} PolicyBench;

/* ---- A run --------------------------------------------------------------------------------- */

/* The same text for every policy: the place of a token, mixed by SplitMix64's last steps. */
static int32_t token_at(const PolicyBench *bench, uint32_t sequence, uint32_t position) {
    uint64_t mixed = ((uint64_t)sequence << 32 | position) + 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return (int32_t)((mixed ^ mixed >> 31) % bench->runtime.info.vocabulary_size);
}

/* What every sequence is to get next: its prompt, a token, or nothing. False at the end. */
static bool want(PolicyBench *bench, uint32_t prompt, uint32_t generate) {
    bool any = false;
    for (uint32_t i = 0; i < bench->test.batch; i++) {
        uint32_t fed = bench->fed[i];
        bench->wanted[i] = fed == 0 ? prompt : fed < prompt + generate ? 1 : 0;
        any |= bench->wanted[i] > 0;
    }
    return any;
}

/* Appends what was wanted to the admitted sequences that are, or are not, at their beginning. */
static AlisaStatus append(PolicyBench *bench, bool prompts, AlisaError *error) {
    AlisaSession *session = bench->runtime.session;
    size_t count = 0;
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < bench->test.batch && status == ALISA_OK; i++) {
        if (!bench->admitted[i] || (bench->fed[i] == 0) != prompts) continue;
        bench->admitted[i] = false; /* once */
        if (count + bench->wanted[i] > bench->row_capacity) {
            status = alisa_session_eval(session, bench->rows, count, error);
            count = 0;
        }
        for (uint32_t j = 0; j < bench->wanted[i]; j++)
            bench->rows[count++] = (AlisaRow){token_at(bench, i, bench->fed[i]++), i, false};
        bench->rows[count - 1].logits = true;
    }
    if (status != ALISA_OK || count == 0) return status;
    return alisa_session_eval(session, bench->rows, count, error);
}

/* Sequences that have all their tokens make room for others. */
static void end_sequences(PolicyBench *bench, uint32_t length) {
    for (uint32_t i = 0; i < bench->test.batch; i++) {
        if (bench->fed[i] == length) alisa_session_truncate(bench->runtime.session, i, 0);
    }
}

static AlisaStatus run(PolicyBench *bench, Entrant *entrant, uint32_t prompt, uint32_t generate,
                       AlisaError *error) {
    AlisaSession *session = bench->runtime.session;
    AlisaProgress progress = alisa_cli_progress();
    char what[64];
    snprintf(what, sizeof what, "%s, batch %u", alisa_policy_name(entrant->policy),
             bench->test.batch);
    uint64_t total = (uint64_t)bench->test.batch * (prompt + generate);
    memset(bench->fed, 0, bench->test.batch * sizeof *bench->fed);
    AlisaStatus status = ALISA_OK;
    while (status == ALISA_OK && want(bench, prompt, generate)) {
        status = alisa_session_admit(session, bench->wanted, bench->admitted, error);
        uint64_t begin = alisa_cli_clock();
        if (status == ALISA_OK) status = append(bench, true, error);
        entrant->prompt_ns += alisa_cli_clock() - begin;
        if (status == ALISA_OK) status = append(bench, false, error);
        end_sequences(bench, prompt + generate);
        uint64_t done = 0;
        for (uint32_t i = 0; i < bench->test.batch; i++)
            done += bench->fed[i];
        if (progress.update) progress.update(progress.user, what, done, total);
    }
    return status;
}

static AlisaSessionOptions options_for(const PolicyBench *bench, AlisaPolicy policy) {
    AlisaSessionOptions options = alisa_cli_runtime_policy_options(&bench->runtime, policy);
    const BenchTest *test = &bench->test;
    options.sequence_count = test->batch;
    options.context_length = test->prompt_length + test->generate_length;
    options.micro_batch = test->micro_batch;
    options.placement.prompt_length = test->prompt_length;
    options.likeliest_only = true; /* tokens are chosen where the logits are, as all of them do */
    return options;
}

/* The session's steps, each an array of what describe() names. */
static json_t *steps_json(const AlisaSession *session) {
    size_t count;
    const AlisaStepRecord *records = alisa_session_steps(session, &count);
    json_t *steps = json_array();
    for (size_t i = 0; i < count && steps; i++) {
        const AlisaStepRecord *step = &records[i];
        json_array_append_new(steps, json_pack("[I, I, I, f, f, I, I]", (json_int_t)step->length,
                                               (json_int_t)step->phase, (json_int_t)step->running,
                                               step->predicted_seconds, step->measured_seconds,
                                               (json_int_t)step->bytes_to_device,
                                               (json_int_t)step->bytes_to_host));
    }
    return steps;
}

/* A session of its own for every sample: nothing is left of the one before. */
static AlisaStatus run_fresh(PolicyBench *bench, Entrant *entrant, uint32_t prompt,
                             uint32_t generate, uint64_t *nanoseconds, AlisaError *error) {
    AlisaSessionOptions options = options_for(bench, entrant->policy);
    AlisaSession **session = &bench->runtime.session;
    AlisaStatus status = alisa_session_create(bench->runtime.engine, &options, session, error);
    if (status != ALISA_OK) return status;
    AlisaMemoryUse before, after;
    alisa_session_memory(*session, &before);
    uint64_t begin = alisa_cli_clock();
    status = run(bench, entrant, prompt, generate, error);
    *nanoseconds = alisa_cli_clock() - begin;
    alisa_session_memory(*session, &after);
    alisa_session_options(*session, &entrant->options);
    entrant->options.placement.policy = entrant->policy; /* as it was asked for */
    alisa_session_placement(*session, &entrant->use);
    size_t steps;
    entrant->prediction_error = alisa_cli_policy_prediction_error(*session, &steps);
    json_decref(entrant->steps);
    entrant->steps = steps_json(*session);
    entrant->samples.device_bytes = after.weight_bytes + after.kv_bytes + after.scratch_bytes;
    entrant->samples.to_device +=
        entrant->use.bytes_to_device + after.host_to_device_bytes - before.host_to_device_bytes;
    entrant->samples.to_host +=
        entrant->use.bytes_to_host + after.device_to_host_bytes - before.device_to_host_bytes;
    alisa_session_destroy(*session);
    *session = NULL;
    return status;
}

/* ---- A batch ------------------------------------------------------------------------------- */

/* What does not fit is a result like others; other failures end the command. */
static ExitCode sample(PolicyBench *bench, Entrant *entrant, bool warm_up) {
    const BenchTest *test = &bench->test;
    uint32_t prompt = test->prompt_length, generate = test->generate_length;
    if (entrant->refused[0]) return EXIT_DONE;
    if (warm_up && prompt > WARM_UP_PROMPT) prompt = WARM_UP_PROMPT;
    if (warm_up && generate > WARM_UP_TOKENS) generate = WARM_UP_TOKENS;
    uint64_t nanoseconds = 0;
    AlisaError error;
    AlisaStatus status = run_fresh(bench, entrant, prompt, generate, &nanoseconds, &error);
    if (alisa_cli_interrupted(NULL)) return EXIT_INTERRUPTED;
    if (status == ALISA_ERROR_MEMORY) {
        snprintf(entrant->refused, sizeof entrant->refused, "%s", error.message);
        entrant->samples.count = 0;
    } else if (status != ALISA_OK) {
        return alisa_cli_fail(&error);
    } else if (warm_up) {
        entrant->prompt_ns = entrant->samples.to_device = entrant->samples.to_host = 0;
    } else {
        entrant->samples.nanoseconds[entrant->samples.count++] = nanoseconds;
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
    AlisaSessionOptions options =
        entrant->refused[0] ? options_for(bench, entrant->policy) : entrant->options;
    json_t *row =
        alisa_cli_bench_describe(&bench->runtime, &options, &bench->test, &entrant->samples);
    if (!row) return NULL;
    json_int_t count = entrant->samples.count ? (json_int_t)entrant->samples.count : 1;
    json_t *more = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "refused", entrant->refused,
        "schedule", options.placement.schedule == ALISA_SCHEDULE_PAPER ? "paper" : "overlap",
        "swa_scores", alisa_select_scores_name(options.attention.scores), "swa_lists",
        alisa_select_lists_name(options.attention.lists), "prompt_ns",
        (json_int_t)entrant->prompt_ns / count, "p1", (json_int_t)entrant->use.host_from, "p2",
        (json_int_t)entrant->use.inputs_from, "preempted", (json_int_t)entrant->use.preempted,
        "replanned", (json_int_t)entrant->use.replanned, "link_gbps", entrant->use.link_rate / 1e9,
        "prediction_error", entrant->prediction_error);
    if (more) json_object_update_new(row, more);
    if (entrant->steps && !entrant->refused[0]) {
        json_object_set_new(row, "step_fields",
                            json_pack("[s, s, s, s, s, s, s]", "length", "phase", "running",
                                      "predicted_seconds", "measured_seconds",
                                      "host_to_device_bytes", "device_to_host_bytes"));
        json_object_set(row, "steps", entrant->steps);
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
    snprintf(name, sizeof name, "pp%u+tg%u", bench->test.prompt_length,
             bench->test.generate_length);
    for (size_t i = 0; i < bench->entrant_count && !bench->closed; i++) {
        const Entrant *entrant = &bench->entrants[i];
        bool table = bench->output.format == OUTPUT_MARKDOWN;
        if (entrant->refused[0])
            alisa_cli_note("policy %s, batch %u: %s", alisa_policy_name(entrant->policy),
                           bench->test.batch, entrant->refused);
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
    uint32_t batch = bench->test.batch;
    ExitCode code = EXIT_DONE;
    bench->row_capacity = bench->test.batch_size;
    if (bench->row_capacity < bench->test.prompt_length)
        bench->row_capacity = bench->test.prompt_length;
    bench->rows = malloc(bench->row_capacity * sizeof *bench->rows);
    bench->wanted = malloc(batch * sizeof *bench->wanted);
    bench->fed = malloc(batch * sizeof *bench->fed);
    bench->admitted = malloc(batch * sizeof *bench->admitted);
    if (!bench->rows || !bench->wanted || !bench->fed || !bench->admitted)
        code = alisa_cli_out_of_memory();
    for (size_t i = 0; i < bench->entrant_count && code == EXIT_DONE; i++) {
        Entrant *entrant = &bench->entrants[i];
        *entrant = (Entrant){.policy = entrant->policy};
        entrant->samples.tokens = (double)batch * bench->test.generate_length;
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
        json_decref(bench->entrants[i].steps);
        bench->entrants[i].samples.nanoseconds = NULL;
        bench->entrants[i].steps = NULL;
    }
    free(bench->rows);
    free(bench->wanted);
    free(bench->fed);
    free(bench->admitted);
    return code;
}

/* ---- All of it ----------------------------------------------------------------------------- */

enum { FIRST_COLUMNS = 9, MOST_COLUMNS = FIRST_COLUMNS + ALISA_POLICY_COUNT + 1 };

/* The ratios are to those that are compared with, not to the subject of the comparison. */
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
        bench.test = (BenchTest){.prompt_length = (uint32_t)settings->prompt_lengths.values[0],
                                 .generate_length = (uint32_t)settings->generate_lengths.values[0],
                                 .batch_size = (uint32_t)settings->batch_sizes.values[0],
                                 .micro_batch = (uint32_t)settings->micro_batches.values[0]};
    }
    for (size_t i = 0; i < settings->batches.count && code == EXIT_DONE && !bench.closed; i++) {
        bench.test.batch = (uint32_t)settings->batches.values[i];
        code = run_batch(&bench);
    }
    *(BenchOutput *)user = bench.output;
    alisa_cli_runtime_close(&bench.runtime);
    return code;
}

static ExitCode bench_policies(const Settings *settings, json_t *collected) {
    BenchColumn columns[MOST_COLUMNS];
    char fields[ALISA_POLICY_COUNT][32];
    AlisaPolicy policies[ALISA_POLICY_COUNT];
    size_t count;
    ExitCode code = check(settings);
    if (code == EXIT_DONE) code = alisa_cli_policy_list(settings->policies, policies, &count);
    if (code != EXIT_DONE) return code;
    list_columns(alisa_cli_all_devices(settings), policies, count, columns, fields);
    BenchOutput output = {.format = (OutputFormat)settings->target.format, .columns = columns};
    if (collected)
        output = (BenchOutput){.format = OUTPUT_JSON, .rows = collected, .collects = true};
    code = alisa_cli_each_device(settings, bench_device, &output);
    alisa_cli_bench_end(&output);
    if (code == EXIT_DONE && !collected && (settings->link.rate > 0.0 || settings->link.choice))
        alisa_cli_note("emulated link: the figures are of this device with every copy paced");
    return code;
}

ExitCode alisa_cli_bench_policies(const Settings *settings) {
    return bench_policies(settings, NULL);
}

ExitCode alisa_cli_bench_policies_collect(const Settings *settings, json_t *rows) {
    return bench_policies(settings, rows);
}
