/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device and its link to the host do in fact, measured once per device and driver and
 * remembered in the cache. Rates of matrix products and of attention are measured where their
 * kernels are.
 */
#ifndef ALISA_DEVICE_PROBE_H
#define ALISA_DEVICE_PROBE_H

#include "device/transfer.h"

/* Sizes that copies are timed with: row 0 is 64 KiB, and each has four times the bytes of the one
 * before, up to 64 MiB. */
#define ALISA_PROBE_SIZES     6
#define ALISA_PROBE_SIZE(row) (UINT64_C(65536) << (2 * (row)))

/* Bytes a second of one copy, from its call to its event, by row of ALISA_PROBE_SIZE; 0: not
 * measured, because the size is too large for the device. */
typedef struct AlisaCopyRates {
    double to_device[ALISA_PROBE_SIZES];
    double to_host[ALISA_PROBE_SIZES];
} AlisaCopyRates;

/* What was measured of a device; each figure is a median. */
typedef struct AlisaDeviceProfile {
    double read_bandwidth; /* bytes/s of a kernel that reads the device's memory in order */
    double launch_latency; /* seconds a launch, in a queue that is kept full */
    double launch_wait;    /* seconds of a launch and the wait for it */
    double copy_latency;   /* seconds of a copy of a few bytes */
    AlisaCopyRates pinned; /* copies from and to memory of alisa_pinned_create */
    AlisaCopyRates plain;  /* copies from and to memory of malloc */
    double copy_overlap;   /* how much faster copies both ways are at once than one after the
                              other: 1 to 2 */
    double host_gather;    /* bytes/s of one host thread that collects scattered rows of 2 KiB */
} AlisaDeviceProfile;

/* Takes the profile from the cache, or measures it: in about a second, with up to half a GiB of
 * device and host memory, on a device that should be doing nothing else. On an emulated link the
 * figures of copies are those of the link. */
AlisaStatus alisa_opencl_measure(AlisaDevice *device, AlisaDeviceProfile *profile,
                                 AlisaError *error);
/* Measures even if the cache has a profile: the machine may have been busy when that was made. */
AlisaStatus alisa_opencl_measure_anew(AlisaDevice *device, AlisaDeviceProfile *profile,
                                      AlisaError *error);

#endif
