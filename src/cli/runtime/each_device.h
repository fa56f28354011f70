/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "-dev all": a command for every device in turn.
 */
#ifndef ALISA_CLI_RUNTIME_EACH_DEVICE_H
#define ALISA_CLI_RUNTIME_EACH_DEVICE_H

#include "common/terminal.h"

/* Whether -dev asks for all devices. */
bool alisa_cli_all_devices(const Settings *settings);

/* Calls `run` with the settings as they are, or, where they ask for all devices, once for each
 * usable one with its index in settings->device; a device that cannot be used is named and left
 * out. `run` prints its own sentence when it fails, which does not keep the other devices from
 * their turn: the largest exit code is returned. Ctrl-C ends the series. */
ExitCode alisa_cli_each_device(const Settings *settings,
                               ExitCode (*run)(const Settings *settings, void *user), void *user);

#endif
