/*
 * Programs, their kernels, and launches of them.
 */
#ifndef ALISA_DEVICE_KERNEL_H
#define ALISA_DEVICE_KERNEL_H

#include "device/buffer.h"

/* Build options in which programs may use capabilities that the device has, ALISA_CAPABILITY_* of
 * those that are features of the language: "", or a later language. */
const char *alisa_opencl_language(const AlisaDevice *device, uint32_t capabilities);

/* A program: one .cl file of cl/ with -D options, compiled for the device or taken from the binary
 * cache. Lines `#include "quant.clh"` name files from the root of cl/, or beside the including
 * file; $ALISA_KERNEL_DIR/<file> is taken before the embedded one. Options are added to
 * "-cl-std=CL1.2 -cl-mad-enable", or replace both where they name a -cl-std of their own. Programs
 * are owned by the device and shared: asking twice for the same file and options gives the same
 * kernels. */
typedef struct AlisaKernel AlisaKernel;

/* Kernel `name` of `file` ("gemm/matvec.cl") built with `options` ("-DROWS=4"). The kernel is owned
 * by the device. A build that fails: ALISA_ERROR_DEVICE with the first line of the build log that
 * reports an error; the whole log goes to the device's log at debug level. */
AlisaStatus alisa_kernel_get(AlisaDevice *device, const char *file, const char *name,
                             const char *options, AlisaKernel **kernel, AlisaError *error);

/* Writes compiled programs to the cache if any were compiled since the last call. To be called once
 * the kernels have run: some drivers (PoCL, Mali) compile at the first launch. Failing to write is
 * a warning, once. */
void alisa_opencl_save_programs(AlisaDevice *device);

/* Arguments of a launch, in order. Plain data: built on the stack, nothing is kept. */
typedef struct AlisaArgument {
    size_t size;
    const void *value;         /* NULL for local memory of `size` bytes */
    const AlisaBuffer *buffer; /* set for a buffer argument (size and value unused) */
} AlisaArgument;

#define ALISA_ARG(variable)      ((AlisaArgument){sizeof(variable), &(variable), NULL})
#define ALISA_ARG_BUFFER(buffer) ((AlisaArgument){0, NULL, (buffer)})
#define ALISA_ARG_LOCAL(bytes)   ((AlisaArgument){(bytes), NULL, NULL})

typedef struct AlisaLaunch {
    size_t global[3]; /* work-items; a multiple of local. Dimensions not used are 1 */
    size_t local[3];  /* all 0: the driver chooses */
} AlisaLaunch;

/* Enqueues on the in-order compute queue and returns. An empty range is ALISA_OK. No allocation. */
AlisaStatus alisa_kernel_launch(AlisaKernel *kernel, const AlisaLaunch *launch,
                                const AlisaArgument *arguments, size_t argument_count,
                                AlisaError *error);
/* Most work-items a group of this kernel may have on its device. */
size_t alisa_kernel_max_group(const AlisaKernel *kernel);

#endif
