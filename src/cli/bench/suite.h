/*
 * alisa bench --suite: everything that is worth comparing of a device, as a file for --report.
 */
#ifndef ALISA_CLI_BENCH_SUITE_H
#define ALISA_CLI_BENCH_SUITE_H

#include "options/command.h"

ExitCode alisa_cli_suite(const Settings *settings);

#endif
