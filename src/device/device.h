/*
 * The only module that owns OpenCL objects: discovery, selection, capabilities, programs and their
 * binary cache, and through the headers named below buffers, kernels and the compute queue. Copies
 * beside the launches are transfer.h's.
 *
 * Higher modules see buffers and kernels through these types and never call OpenCL themselves.
 */
#ifndef ALISA_DEVICE_DEVICE_H
#define ALISA_DEVICE_DEVICE_H

#include "device/buffer.h"
#include "device/kernel.h"
#include "device/queue.h"

/* The work behind alisa_device_open, close and info of the public header; `options` is never NULL.
 */
AlisaStatus alisa_opencl_open(const AlisaDeviceOptions *options, AlisaDevice **device,
                              AlisaError *error);
void alisa_opencl_close(AlisaDevice *device);
const AlisaDeviceInfo *alisa_opencl_info(const AlisaDevice *device);

/* Every device of every platform, its capabilities and what was measured of it; as
 * alisa_devices_list, but for tuned parameters. *infos is malloc'ed. */
AlisaStatus alisa_opencl_list(AlisaDeviceInfo **infos, size_t *count, AlisaError *error);

const AlisaLog *alisa_opencl_log(const AlisaDevice *device);
/* The folder of what is kept from run to run; NULL where nothing is. Lives as long as the device.
 */
const char *alisa_opencl_cache_folder(const AlisaDevice *device);

#endif
