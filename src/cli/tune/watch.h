/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A search for parameters in a process of its own: a driver that crashes or hangs on a candidate
 * ends that process, not the search.
 */
#ifndef ALISA_CLI_TUNE_WATCH_H
#define ALISA_CLI_TUNE_WATCH_H

#include "common/terminal.h"

/* Runs `alisa tune --no-watch` with these settings, as often as it takes; of every device where
 * settings->device is "all". */
ExitCode alisa_cli_watch(const Settings *settings);

#endif
