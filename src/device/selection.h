/* Which device to run on: pure, from the list of devices and the user's words. */
#ifndef ALISA_DEVICE_SELECTION_H
#define ALISA_DEVICE_SELECTION_H

#include "base/status.h"

/* `selector` is the index of a device ("0") or else a case-insensitive part of a name, platform or
 * vendor ("750"); NULL or "" takes any. Among those that match, the fastest usable one: GPU before
 * accelerator before CPU, then more compute units times clock, then the first. */
AlisaStatus alisa_selection_choose(const AlisaDeviceInfo *infos, size_t count, const char *selector,
                                   size_t *chosen, AlisaError *error);

#endif
