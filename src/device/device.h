/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only module that owns OpenCL objects: discovery, selection, capabilities, programs and their
 * binary cache, and through the headers named below buffers, kernels and the compute queue. Copies
 * beside the launches are transfer.h's.
 *
 * Higher modules see buffers and kernels through these types and never call OpenCL themselves.
 */
#ifndef ALISA_DEVICE_DEVICE_H
#define ALISA_DEVICE_DEVICE_H

#include "alisa/device.h"
#include "device/buffer.h"
#include "device/kernel.h"
#include "device/queue.h"

/* The work behind alisa_device_open, close and info of the public header; `options` is never NULL.
 */
AlisaStatus alisa_opencl_open(const AlisaDeviceOptions *options, AlisaDevice **device,
                              AlisaError *error);
void alisa_opencl_close(AlisaDevice *device);
const AlisaDeviceInfo *alisa_opencl_info(const AlisaDevice *device);

/* Lists every device of every platform with its capabilities and measured figures; the caller frees
 * *infos with free(). alisa_devices_list adds whether parameters were tuned. */
AlisaStatus alisa_opencl_list(AlisaDeviceInfo **infos, size_t *count, AlisaError *error);

const AlisaLog *alisa_opencl_log(const AlisaDevice *device);
/* The cache's folder, valid as long as the device; NULL if nothing is kept from run to run. */
const char *alisa_opencl_cache_folder(const AlisaDevice *device);

#endif
