/*
 * alisa bench --suite: everything that is worth comparing of a device, as a file for --report.
 */
#ifndef ALISA_CLI_SUITE_H
#define ALISA_CLI_SUITE_H

#include "command.h"

ExitCode alisa_cli_suite(const Settings *settings);

#endif
