/* SPDX-License-Identifier: Apache-2.0 */
/* Which device to run on, decided from the list of devices and the user's words alone. */
#ifndef ALISA_DEVICE_SELECTION_H
#define ALISA_DEVICE_SELECTION_H

#include "alisa/device.h"
#include "base/status.h"

/* Chooses among the devices that match `selector`, which is the index of a device ("0") or else a
 * part of a name, platform or vendor in letters of any case ("750"); all match NULL or "". *chosen
 * is the place in `infos` of the fastest usable one: a GPU before an accelerator before a CPU, then
 * the one with more compute units times clock, then the first. */
AlisaStatus alisa_selection_choose(const AlisaDeviceInfo *infos, size_t count, const char *selector,
                                   size_t *chosen, AlisaError *error);

#endif
