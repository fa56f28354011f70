/*
 * The only module that owns OpenCL objects: discovery, selection, capabilities, programs and their
 * binary cache, buffers, kernels, the compute queue (transfer.h: copies beside it).
 *
 * Higher modules see buffers and kernels through these types and never call OpenCL themselves.
 */
#ifndef ALISA_DEVICE_DEVICE_H
#define ALISA_DEVICE_DEVICE_H

#include "base/status.h"

/* The work behind alisa_device_open, close and info of the public header; `options` is never NULL.
 */
AlisaStatus alisa_opencl_open(const AlisaDeviceOptions *options, AlisaDevice **device,
                              AlisaError *error);
void alisa_opencl_close(AlisaDevice *device);
const AlisaDeviceInfo *alisa_opencl_info(const AlisaDevice *device);

/* Every device of every platform, its capabilities and what was measured of it; as
 * alisa_devices_list, but for tuned parameters. *infos is malloc'ed. */
AlisaStatus alisa_opencl_list(AlisaDeviceInfo **infos, size_t *count, AlisaError *error);

/* Build options in which programs may use capabilities that the device has, ALISA_CAPABILITY_* of
 * those that are features of the language: "", or a later language. */
const char *alisa_opencl_language(const AlisaDevice *device, uint32_t capabilities);

/* Memory on the device. `memory` is a cl_mem; a zeroed buffer is a NULL pointer to a kernel. */
typedef struct AlisaBuffer {
    void *memory;
    uint64_t size;   /* bytes usable from the start */
    bool host_owned; /* uses memory of the host in place (it must outlive the buffer) */
} AlisaBuffer;

typedef enum AlisaBufferUse {
    ALISA_BUFFER_READ_WRITE, /* scratch, KV */
    ALISA_BUFFER_READ_ONLY,  /* weights */
} AlisaBufferUse;

/* Contents are undefined. Larger than the device's largest allocation, or refused by the driver:
 * ALISA_ERROR_MEMORY with bytes needed and available and `what` named. */
AlisaStatus alisa_buffer_create(AlisaDevice *device, uint64_t size, AlisaBufferUse use,
                                const char *what, AlisaBuffer *buffer, AlisaError *error);
/* Read-only buffer over host memory: in place on a device that shares it (`data` page-aligned, and
 * it must outlive the buffer), a copy otherwise or when the driver refuses. */
AlisaStatus alisa_buffer_create_from(AlisaDevice *device, const void *data, uint64_t size,
                                     const char *what, AlisaBuffer *buffer, AlisaError *error);
/* Takes a zeroed buffer. */
void alisa_buffer_destroy(AlisaBuffer *buffer);

/* Bytes that the offset of a slice is a multiple of. */
uint64_t alisa_buffer_slice_alignment(const AlisaDevice *device);
/* `size` bytes of a buffer from byte `offset` on, as a buffer of its own over the same memory, to
 * be destroyed like any other and before its parent. Slices that are used at once do not overlap.
 */
AlisaStatus alisa_buffer_slice(AlisaDevice *device, const AlisaBuffer *parent, uint64_t offset,
                               uint64_t size, AlisaBuffer *slice, AlisaError *error);

/* In order with the launches of the compute queue. Write copies `data` before it returns or blocks
 * until it is read; read blocks until the data is there (and so until all launches before it
 * ended). */
AlisaStatus alisa_buffer_write(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                               const void *data, uint64_t size, AlisaError *error);
/* The same without waiting: `data` must stay as it is until a launch or mark made later is done.
 * For the small lists that launches work from: an emulated link lets it pass. */
AlisaStatus alisa_buffer_write_later(AlisaDevice *device, const AlisaBuffer *buffer,
                                     uint64_t offset, const void *data, uint64_t size,
                                     AlisaError *error);
AlisaStatus alisa_buffer_read(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                              void *data, uint64_t size, AlisaError *error);

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

/* Hands queued launches to the device without waiting. */
AlisaStatus alisa_opencl_flush(AlisaDevice *device, AlisaError *error);
/* Waits until the queue is empty. */
AlisaStatus alisa_opencl_finish(AlisaDevice *device, AlisaError *error);

/* Writes compiled programs to the cache if any were compiled since the last call. To be called once
 * the kernels have run: some drivers (PoCL, Mali) compile at the first launch. Failing to write is
 * a warning, once. */
void alisa_opencl_save_programs(AlisaDevice *device);

const AlisaLog *alisa_opencl_log(const AlisaDevice *device);
/* The folder of what is kept from run to run; NULL where nothing is. Lives as long as the device.
 */
const char *alisa_opencl_cache_folder(const AlisaDevice *device);

#endif
