/*
 * alisa bench: tokens per second of prompts (pp) and of generation (tg), in llama-bench's manner.
 */
#include "bench_output.h"
#include "runtime.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Bench {
    Runtime runtime;
    BenchOutput output;
    uint64_t random; /* state of the token generator */
    AlisaRow *rows;  /* [largest -b or batch] */
    char cpu[128];
    char model_type[96];
} Bench;

/* One line of the result. */
typedef struct Test {
    uint32_t prompt_length, generate_length, depth, batch_size, micro_batch, batch;
} Test;

typedef struct Samples {
    uint64_t *nanoseconds; /* [count] */
    size_t count;
    uint64_t to_device, to_host; /* bytes moved by all of them */
} Samples;

static int32_t random_token(Bench *bench) {
    /* Knuth's 64-bit congruential generator; its high bits are the good ones. */
    bench->random = bench->random * 6364136223846793005u + 1442695040888963407u;
    return (int32_t)((bench->random >> 33) % bench->runtime.info.vocabulary_size);
}

/* Appends `length` random tokens to each of test->batch sequences, -b tokens a call. */
static AlisaStatus append_prompt(Bench *bench, const Test *test, uint32_t length,
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

static AlisaStatus generate(Bench *bench, const Test *test, uint32_t length, AlisaError *error) {
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
static AlisaStatus run_once(Bench *bench, const Test *test, uint32_t generate_length,
                            AlisaError *error) {
    for (uint32_t sequence = 0; sequence < test->batch; sequence++) {
        alisa_session_truncate(bench->runtime.session, sequence, test->depth);
    }
    if (test->prompt_length > 0) return append_prompt(bench, test, test->prompt_length, error);
    return generate(bench, test, generate_length, error);
}

static AlisaStatus sample(Bench *bench, const Test *test, Samples *samples, AlisaError *error) {
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
    return status;
}

/* ---- Description -------------------------------------------------------------------------- */

static void read_cpu_name(char *name, size_t capacity) {
    snprintf(name, capacity, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file) return;
    char line[256];
    while (fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", strlen("model name")) != 0) continue;
        colon[strcspn(colon, "\n")] = 0;
        snprintf(name, capacity, "%s", colon[1] == ' ' ? colon + 2 : colon + 1);
        break;
    }
    fclose(file);
}

static void describe_model(Bench *bench) {
    static const char *const units[] = {"", "K", "M", "B"};
    double count = (double)bench->runtime.info.parameter_count;
    size_t unit = 0;
    while (count >= 999.5 && unit < 3) {
        count /= 1000.0;
        unit++;
    }
    snprintf(bench->model_type, sizeof bench->model_type, "%.48s %.3g%s %s",
             bench->runtime.info.architecture, count, units[unit], bench->runtime.info.type);
}

static void mean_and_deviation(const double *values, size_t count, double *mean,
                               double *deviation) {
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    *mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        squares += (values[i] - *mean) * (values[i] - *mean);
    }
    *deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : 0.0;
}

/* Adds avg, stddev and the samples, as times and as rates. */
static bool add_statistics(json_t *row, const Samples *samples, double tokens) {
    double *values = malloc(2 * samples->count * sizeof *values);
    if (!values) return false;
    double *rates = values + samples->count;
    json_t *times = json_array(), *speeds = json_array();
    for (size_t i = 0; i < samples->count; i++) {
        values[i] = (double)samples->nanoseconds[i];
        rates[i] = tokens * 1e9 / values[i];
        json_array_append_new(times, json_integer((json_int_t)samples->nanoseconds[i]));
        json_array_append_new(speeds, json_real(rates[i]));
    }
    double mean, deviation;
    mean_and_deviation(values, samples->count, &mean, &deviation);
    json_object_set_new(row, "avg_ns", json_integer((json_int_t)mean));
    json_object_set_new(row, "stddev_ns", json_integer((json_int_t)deviation));
    mean_and_deviation(rates, samples->count, &mean, &deviation);
    json_object_set_new(row, "avg_ts", json_real(mean));
    json_object_set_new(row, "stddev_ts", json_real(deviation));
    json_object_set_new(row, "samples_ns", times);
    json_object_set_new(row, "samples_ts", speeds);
    free(values);
    return true;
}

static json_t *describe(const Bench *bench, const Test *test, const Samples *samples) {
    const Settings *settings = bench->runtime.settings;
    const AlisaDeviceInfo *device = alisa_device_info(bench->runtime.device);
    AlisaMemoryUse use;
    alisa_session_memory(bench->runtime.session, &use);
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    char when[32];
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_int_t count = (json_int_t)samples->count;
    json_t *row = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:I, "
        "s:I, s:I, s:s, s:I, s:I, s:I}",
        "build_commit", ALISA_BUILD_COMMIT, "cpu_info", bench->cpu, "gpu_info", device->name,
        "backends", "OpenCL", "platform", device->platform, "driver", device->driver,
        "opencl_c_version", device->opencl_c_version, "model_filename", settings->model,
        "model_type", bench->model_type, "model_size", (json_int_t)bench->runtime.info.weight_bytes,
        "model_n_params", (json_int_t)bench->runtime.info.parameter_count, "batch",
        (json_int_t)test->batch, "n_batch", (json_int_t)test->batch_size, "n_ubatch",
        (json_int_t)test->micro_batch, "type_k",
        alisa_kv_type_name((AlisaKvType)settings->key_type), "type_v",
        alisa_kv_type_name((AlisaKvType)settings->value_type), "n_prompt",
        (json_int_t)test->prompt_length, "n_gen", (json_int_t)test->generate_length, "n_depth",
        (json_int_t)test->depth, "test_time", when, "peak_device_bytes",
        (json_int_t)(use.weight_bytes + use.kv_bytes + use.scratch_bytes), "host_to_device_bytes",
        (json_int_t)samples->to_device / count, "device_to_host_bytes",
        (json_int_t)samples->to_host / count);
    double tokens = (double)test->batch * (test->prompt_length + test->generate_length);
    if (row && add_statistics(row, samples, tokens)) return row;
    json_decref(row);
    return NULL;
}

/* ---- Running all combinations -------------------------------------------------------------- */

static ExitCode run_test(Bench *bench, const Test *test, bool *closed) {
    Samples samples = {.count = (size_t)bench->runtime.settings->repetitions};
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
        json_t *row = describe(bench, test, &samples);
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
static ExitCode run_session(Bench *bench, Test test, bool *closed) {
    const Settings *settings = bench->runtime.settings;
    const IntegerList *lists[] = {&settings->prompt_lengths, &settings->generate_lengths};
    uint32_t longest = largest(lists[0]), other = largest(lists[1]);
    AlisaSessionOptions options = alisa_cli_runtime_session_options(&bench->runtime);
    options.sequence_count = test.batch;
    options.micro_batch = test.micro_batch;
    options.context_length = test.depth + (longest > other ? longest : other);
    ExitCode code = alisa_cli_runtime_session(&bench->runtime, &options);
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
                           (Test){.depth = chosen[0],
                                  .batch = chosen[1],
                                  .micro_batch = chosen[2],
                                  .batch_size = chosen[3]},
                           &closed);
    }
    alisa_cli_bench_end(&bench->output);
    return code;
}

ExitCode alisa_cli_bench(const Settings *settings) {
    const BenchColumn columns[] = {
        {"n_batch", settings->batch_sizes.count > 1 || settings->batch_sizes.values[0] != 2048},
        {"n_ubatch", settings->micro_batches.count > 1 || settings->micro_batches.values[0] != 512},
        {"type_k", settings->key_type != ALISA_KV_F16},
        {"type_v", settings->value_type != ALISA_KV_F16},
        {"batch", settings->batches.count > 1 || settings->batches.values[0] != 1},
        {0},
    };
    if (largest(&settings->prompt_lengths) == 0 && largest(&settings->generate_lengths) == 0) {
        return alisa_cli_refuse(EXIT_USAGE, "nothing to time: -p and -n are both 0");
    }
    Bench bench = {.output = {.format = (OutputFormat)settings->output, .columns = columns},
                   .random = 1};
    ExitCode code = alisa_cli_runtime_model(&bench.runtime, settings);
    if (code == EXIT_DONE) code = alisa_cli_runtime_engine(&bench.runtime);
    if (code == EXIT_DONE) {
        size_t rows = largest(&settings->batch_sizes), batch = largest(&settings->batches);
        bench.rows = malloc((rows > batch ? rows : batch) * sizeof *bench.rows);
        if (!bench.rows) code = alisa_cli_out_of_memory();
    }
    if (code == EXIT_DONE) {
        read_cpu_name(bench.cpu, sizeof bench.cpu);
        describe_model(&bench);
        code = run_all(&bench);
    }
    free(bench.rows);
    alisa_cli_runtime_close(&bench.runtime);
    return code;
}
