/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands between the modules and the device (the linker puts the functions of recorder.c in place
 * of theirs): the device has the properties it is said to have, and kernels that are asked for and
 * launched are noted instead of compiled and run.
 */
#ifndef ALISA_OFFLINE_RECORDER_H
#define ALISA_OFFLINE_RECORDER_H

#include "device/device.h"

/* Begins to record with these properties, or changes them; NULL: the device is itself again.
 * `needs` (static): the capability without which a device is not asked for what is new from now on,
 * or "". */
void recorder_pretend(const AlisaDeviceInfo *info, const char *needs);

/* Notes a file with all its kernels, of no known group size, built with these options. */
void recorder_add_file(const char *file, const char *options);

/* Whether a program of the file was asked for. */
bool recorder_has_file(const char *file);

/* Prints the programs in the order in which they were first asked for, one a line, with tabs
 * between the file, the options as the driver gets them, "kernel:XxYxZ,kernel:XxYxZ,.." with the
 * sizes of the groups it was launched with (0x0x0: as the driver likes; "*" for a file with all its
 * kernels), the capability it needs. Returns the number of kernels that were never launched, each
 * of which is named on stderr. */
unsigned recorder_print(void);

#endif
