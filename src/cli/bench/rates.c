/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/rates.h"

#include "alisa/bench.h"
#include "bench/row.h"
#include "runtime/each_device.h"
#include "runtime/policy.h"

#include <stdlib.h>

typedef struct Bench {
    Runtime runtime;
    BenchOutput output;
    uint64_t random; /* state of the token generator */
    AlisaRow *rows;  /* [largest -b or batch] */
} Bench;

static int32_t random_token(Bench *bench) {
    /* Knuth's 64-bit congruential generator; its high bits are the good ones. */
    bench->random = bench->random * 6364136223846793005u + 1442695040888963407u;
    return (int32_t)((bench->random >> 33) % bench->runtime.info.vocabulary_size);
}

/* Appends `length` random tokens to each of test->batch sequences, -b tokens a call. */
static AlisaStatus append_prompt(Bench *bench, const BenchTest *test, uint32_t length,
                                 AlisaError *error) {
    size_t used = 0;
    AlisaStatus status = ALISA_OK;
    for (uint32_t sequence = 0; sequence < test->batch && status == ALISA_OK; sequence++) {
        for (uint32_t i = 0; i < length && status == ALISA_OK; i++) {
            bench->rows[used++] = (AlisaRow){random_token(bench), sequence, i + 1 == length};
            if (used < test->batch_size) continue;
            status = alisa_session_eval(bench->runtime.session, bench->rows, used, error);
            used = 0;
        }
    }
    if (status == ALISA_OK && used > 0) {
        status = alisa_session_eval(bench->runtime.session, bench->rows, used, error);
    }
    return status;
}

static AlisaStatus generate(Bench *bench, const BenchTest *test, uint32_t length,
                            AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < length && status == ALISA_OK; i++) {
        for (uint32_t sequence = 0; sequence < test->batch; sequence++) {
            bench->rows[sequence] = (AlisaRow){random_token(bench), sequence, true};
        }
        status = alisa_session_eval(bench->runtime.session, bench->rows, test->batch, error);
    }
    return status;
}

/* Runs the test once, from its depth. */
static AlisaStatus run_once(Bench *bench, const BenchTest *test, uint32_t generate_length,
                            AlisaError *error) {
    for (uint32_t sequence = 0; sequence < test->batch; sequence++) {
        alisa_session_truncate(bench->runtime.session, sequence, test->depth);
    }
    if (test->prompt_length > 0) return append_prompt(bench, test, test->prompt_length, error);
    return generate(bench, test, generate_length, error);
}

static AlisaStatus sample(Bench *bench, const BenchTest *test, BenchSamples *samples,
                          AlisaError *error) {
    /* The warm-up compiles what is compiled on first use. */
    uint32_t warm_up = test->generate_length < 2 ? test->generate_length : 2;
    AlisaStatus status = run_once(bench, test, warm_up, error);
    AlisaMemoryUse before, after;
    alisa_session_memory(bench->runtime.session, &before);
    for (size_t i = 0; i < samples->count && status == ALISA_OK; i++) {
        uint64_t begin = alisa_cli_clock();
        status = run_once(bench, test, test->generate_length, error);
        samples->nanoseconds[i] = alisa_cli_clock() - begin;
    }
    alisa_session_memory(bench->runtime.session, &after);
    samples->to_device = after.host_to_device_bytes - before.host_to_device_bytes;
    samples->to_host = after.device_to_host_bytes - before.device_to_host_bytes;
    samples->device_bytes = after.weight_bytes + after.kv_bytes + after.scratch_bytes;
    return status;
}

/* ---- Running all combinations -------------------------------------------------------------- */

static ExitCode run_test(Bench *bench, const BenchTest *test, bool *closed) {
    double tokens = (double)test->batch * (test->prompt_length + test->generate_length);
    BenchSamples samples = {.count = (size_t)bench->runtime.settings->repetitions,
                            .tokens = tokens};
    samples.nanoseconds = malloc(samples.count * sizeof *samples.nanoseconds);
    if (!samples.nanoseconds) return alisa_cli_out_of_memory();
    AlisaError error;
    AlisaStatus status = sample(bench, test, &samples, &error);
    ExitCode code = EXIT_DONE;
    if (alisa_cli_interrupted(NULL)) {
        code = EXIT_INTERRUPTED;
    } else if (status != ALISA_OK) {
        code = alisa_cli_fail(&error);
    } else {
        char name[64], depth[24] = "";
        if (test->depth > 0) snprintf(depth, sizeof depth, " @ d%u", test->depth);
        snprintf(name, sizeof name, "%s%u%s", test->prompt_length ? "pp" : "tg",
                 test->prompt_length + test->generate_length, depth);
        const SessionChoice choice = alisa_cli_runtime_choice(&bench->runtime);
        json_t *row = alisa_cli_bench_describe(&bench->runtime, &choice, test, &samples);
        if (!row) {
            code = alisa_cli_out_of_memory();
        } else {
            *closed = !alisa_cli_bench_row(&bench->output, row, name);
        }
    }
    free(samples.nanoseconds);
    return code;
}

static uint32_t largest(const IntegerList *list) {
    int64_t most = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->values[i] > most) most = list->values[i];
    }
    return (uint32_t)most;
}

/* All prompt and generation lengths in one session: `test` has everything but those. */
static ExitCode run_session(Bench *bench, BenchTest test, bool *closed) {
    const Settings *settings = bench->runtime.settings;
    const IntegerList *lists[] = {&settings->prompt_lengths, &settings->generate_lengths};
    uint32_t longest = largest(lists[0]), other = largest(lists[1]);
    SessionChoice choice = alisa_cli_runtime_choice(&bench->runtime);
    choice.options.sequence_count = test.batch;
    choice.options.micro_batch = test.micro_batch;
    choice.options.context_length = test.depth + (longest > other ? longest : other);
    ExitCode code = alisa_cli_runtime_session(&bench->runtime, &choice);
    AlisaError error;
    if (code == EXIT_DONE && append_prompt(bench, &test, test.depth, &error) != ALISA_OK) {
        code = alisa_cli_fail(&error);
    }
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < lists[kind]->count && code == EXIT_DONE && !*closed; i++) {
            uint32_t length = (uint32_t)lists[kind]->values[i];
            test.prompt_length = kind == 0 ? length : 0;
            test.generate_length = kind == 1 ? length : 0;
            if (length > 0) code = run_test(bench, &test, closed);
        }
    }
    return code;
}

/* The lists nested in each other; their combinations are counted off like the digits of a number.
 */
static ExitCode run_all(Bench *bench) {
    const Settings *settings = bench->runtime.settings;
    const IntegerList *lists[] = {&settings->depths, &settings->batches, &settings->micro_batches,
                                  &settings->batch_sizes};
    size_t total = lists[0]->count * lists[1]->count * lists[2]->count * lists[3]->count;
    ExitCode code = EXIT_DONE;
    bool closed = false;
    for (size_t i = 0; i < total && code == EXIT_DONE && !closed; i++) {
        uint32_t chosen[4];
        size_t rest = i;
        for (size_t digit = 0; digit < 4; digit++) {
            chosen[digit] = (uint32_t)lists[digit]->values[rest % lists[digit]->count];
            rest /= lists[digit]->count;
        }
        code = run_session(bench,
                           (BenchTest){.depth = chosen[0],
                                       .batch = chosen[1],
                                       .micro_batch = chosen[2],
                                       .batch_size = chosen[3]},
                           &closed);
    }
    return code;
}

static ExitCode bench_device(const Settings *settings, void *user) {
    BenchOutput *output = user;
    Bench bench = {.output = *output, .random = 1};
    ExitCode code = alisa_cli_runtime_model(&bench.runtime, settings);
    if (code == EXIT_DONE) code = alisa_cli_runtime_engine(&bench.runtime);
    if (code == EXIT_DONE) {
        size_t rows = largest(&settings->batch_sizes), batch = largest(&settings->batches);
        bench.rows = malloc((rows > batch ? rows : batch) * sizeof *bench.rows);
        if (!bench.rows) code = alisa_cli_out_of_memory();
    }
    if (code == EXIT_DONE) code = run_all(&bench);
    *output = bench.output;
    free(bench.rows);
    alisa_cli_runtime_close(&bench.runtime);
    return code;
}

ExitCode alisa_cli_bench_rates(const Settings *settings, json_t *collected) {
    AlisaKvType key_type = alisa_cli_policy_kv_type(settings->key_type, ALISA_POLICY_DEVICE);
    AlisaKvType value_type = alisa_cli_policy_kv_type(settings->value_type, ALISA_POLICY_DEVICE);
    const BenchColumn columns[] = {
        {.field = "gpu_info", .shown = alisa_cli_all_devices(settings), .title = "device"},
        {.field = "n_batch",
         .shown = settings->batch_sizes.count > 1 || settings->batch_sizes.values[0] != 2048},
        {.field = "n_ubatch",
         .shown = settings->micro_batches.count > 1 || settings->micro_batches.values[0] != 512},
        {.field = "type_k", .shown = key_type != ALISA_KV_F16},
        {.field = "type_v", .shown = value_type != ALISA_KV_F16},
        {.field = "batch",
         .shown = settings->batches.count > 1 || settings->batches.values[0] != 1},
        {0},
    };
    if (largest(&settings->prompt_lengths) == 0 && largest(&settings->generate_lengths) == 0) {
        return alisa_cli_refuse(EXIT_USAGE, "nothing to time: -p and -n are both 0");
    }
    BenchOutput output = alisa_cli_bench_output(settings, columns, collected);
    ExitCode code = alisa_cli_each_device(settings, bench_device, &output);
    alisa_cli_bench_end(&output);
    return code;
}
