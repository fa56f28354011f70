/*
 * "-dev all": a command for every device in turn.
 */
#ifndef ALISA_CLI_RUNTIME_EACH_DEVICE_H
#define ALISA_CLI_RUNTIME_EACH_DEVICE_H

#include "common/terminal.h"

bool alisa_cli_all_devices(const Settings *settings);

/* Calls `run` with the settings as they are, or once for each usable device where they ask for all,
 * settings->device being its index then; a device that cannot be used is named and left out. One
 * that fails has said so and does not keep the others: the largest code is returned. Ctrl-C ends.
 */
ExitCode alisa_cli_each_device(const Settings *settings,
                               ExitCode (*run)(const Settings *settings, void *user), void *user);

#endif
