/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa bench: which of the benchmarks the flags ask for.
 */
#include "bench/policies.h"
#include "bench/rates.h"
#include "bench/suite.h"

ExitCode alisa_cli_bench(const Settings *settings) {
    if (settings->report) return alisa_cli_report(settings);
    if (settings->operands[0]) {
        return alisa_cli_refuse(EXIT_USAGE,
                                "'alisa bench' takes files with --report only, not '%s'; a model "
                                "is given with -m FILE",
                                settings->operands[0]);
    }
    if (settings->suite) return alisa_cli_suite(settings);
    if (settings->target.file) {
        return alisa_cli_refuse(EXIT_USAGE,
                                "-o %s: only --suite and --report write a file; without them -o is "
                                "one of md, csv, json, jsonl, sql",
                                settings->target.file);
    }
    return settings->policies ? alisa_cli_bench_policies(settings, NULL)
                              : alisa_cli_bench_rates(settings, NULL);
}
