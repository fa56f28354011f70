/*
 * A row of alisa bench, with llama-bench's names of fields and the engine's own beside them.
 */
#ifndef ALISA_CLI_BENCH_ROW_H
#define ALISA_CLI_BENCH_ROW_H

#include "bench/output.h"
#include "runtime/runtime.h"

/* What a row is about. */
typedef struct BenchTest {
    uint32_t prompt_length, generate_length, depth, batch_size, micro_batch, batch;
} BenchTest;

typedef struct BenchSamples {
    uint64_t *nanoseconds; /* [count] */
    size_t count;
    double tokens;               /* of each */
    uint64_t to_device, to_host; /* bytes moved by all of them */
    uint64_t device_bytes;       /* for weights, KV and scratch */
} BenchSamples;

/* The commit this program was built from. */
const char *alisa_cli_build_commit(void);

/* NULL without memory. */
json_t *alisa_cli_bench_describe(const Runtime *runtime, const AlisaSessionOptions *options,
                                 const BenchTest *test, const BenchSamples *samples);

#endif
