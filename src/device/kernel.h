/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs, their kernels, and launches of them.
 */
#ifndef ALISA_DEVICE_KERNEL_H
#define ALISA_DEVICE_KERNEL_H

#include "device/buffer.h"

/* Build options with which a program may use the capabilities (ALISA_CAPABILITY_*, which the device
 * has): options for a later version of the language where one of them needs it, else "". */
const char *alisa_opencl_language(const AlisaDevice *device, uint32_t capabilities);

/* A function of a program. A program is one .cl file of cl/, built with -D options for the device
 * or taken from the binary cache. Its lines `#include "name"` name files from the root of cl/, or
 * beside the including file; $ALISA_KERNEL_DIR/<file> is taken before the embedded file. Options
 * are added to "-cl-std=CL1.2 -cl-mad-enable", or replace both if they name a -cl-std of their own.
 * The device owns programs and kernels: the same file and options give the same kernels again. */
typedef struct AlisaKernel AlisaKernel;

/* Finds or builds kernel `name` of `file` ("gemm/matvec.cl") with `options` ("-DROWS=4"; NULL:
 * none). The device owns the kernel. A build that fails is ALISA_ERROR_DEVICE with the first line
 * of the build log that reports an error; all of the build log goes to the device's log at debug
 * level. */
AlisaStatus alisa_kernel_get(AlisaDevice *device, const char *file, const char *name,
                             const char *options, AlisaKernel **kernel, AlisaError *error);

/* Writes programs that were compiled since the last call to the cache. Call it once the kernels
 * have run: some drivers (PoCL, Mali) compile at the first launch. A cache that cannot be written
 * is a warning in the log, once. */
void alisa_opencl_save_programs(AlisaDevice *device);

/* One argument of a launch. Arrays of them, in the order of the kernel's parameters, are built on
 * the caller's stack; a launch keeps nothing of them. */
typedef struct AlisaArgument {
    size_t size;       /* bytes of *value, or of local memory */
    const void *value; /* NULL: local memory */
    const AlisaBuffer
        *buffer; /* not NULL: the argument is this buffer; size and value are unused */
} AlisaArgument;

#define ALISA_ARG(variable)      ((AlisaArgument){sizeof(variable), &(variable), NULL})
#define ALISA_ARG_BUFFER(buffer) ((AlisaArgument){0, NULL, (buffer)})
#define ALISA_ARG_LOCAL(bytes)   ((AlisaArgument){(bytes), NULL, NULL})

typedef struct AlisaLaunch {
    size_t global[3]; /* work-items, each a multiple of `local`; unused dimensions are 1 */
    size_t local[3];  /* work-items of a group; all 0: the driver chooses */
} AlisaLaunch;

/* Enqueues a launch on the in-order compute queue and returns, without allocating. Nothing happens
 * where a dimension of `global` is 0. */
AlisaStatus alisa_kernel_launch(AlisaKernel *kernel, const AlisaLaunch *launch,
                                const AlisaArgument *arguments, size_t argument_count,
                                AlisaError *error);
/* The most work-items that a group of the kernel may have on its device. */
size_t alisa_kernel_max_group(const AlisaKernel *kernel);

#endif
