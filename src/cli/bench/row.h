/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of alisa bench, with llama-bench's names of fields and the engine's own beside them.
 */
#ifndef ALISA_CLI_BENCH_ROW_H
#define ALISA_CLI_BENCH_ROW_H

#include "bench/output.h"
#include "runtime/runtime.h"

/* The test whose figures a row has. */
typedef struct BenchTest {
    uint32_t prompt_length, generate_length; /* tokens timed of each sequence */
    uint32_t depth;                          /* tokens of each sequence before those */
    uint32_t batch_size, micro_batch;        /* -b and -ub */
    uint32_t batch;                          /* sequences */
} BenchTest;

typedef struct BenchSamples {
    uint64_t *nanoseconds; /* [count] */
    size_t count;
    double tokens;               /* computed in one sample */
    uint64_t to_device, to_host; /* bytes moved by all samples together */
    uint64_t device_bytes;       /* taken by weights, KV and scratch */
} BenchSamples;

/* The commit this program was built from. */
const char *alisa_cli_build_commit(void);

/* The row of a test as an object. NULL without memory. */
json_t *alisa_cli_bench_describe(const Runtime *runtime, const SessionChoice *choice,
                                 const BenchTest *test, const BenchSamples *samples);

#endif
