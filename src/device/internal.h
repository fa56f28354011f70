/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share: the objects behind the opaque types, and the parts that a
 * device is opened from.
 */
#ifndef ALISA_DEVICE_INTERNAL_H
#define ALISA_DEVICE_INTERNAL_H

#include <stdatomic.h>

#include "alisa/device.h"
#include "device/cache.h"
#include "device/kernel.h"
#include "device/opencl.h"

/* Bits of AlisaDeviceInfo.capabilities. */
enum { ALISA_CAPABILITIES = 32 };

/* A device as the ICD loader shows it, not opened yet. */
typedef struct AlisaCandidate {
    cl_platform_id platform;
    cl_device_id id;
    AlisaDeviceInfo
        info; /* until trials have run, its capabilities are those that the driver claims */
    char platform_version[128];
    uint8_t languages[ALISA_CAPABILITIES]; /* of each bit: the first of alisa_program_languages it
                                              was confirmed in */
} AlisaCandidate;

/* Lists every device of every platform, in the loader's order; the caller frees *candidates. */
AlisaStatus alisa_discovery_scan(AlisaCandidate **candidates, size_t *count, AlisaError *error);

/* Writes lines that name the platform, its version, the device, its vendor and the driver: what
 * identifies a device in keys of the cache. */
void alisa_discovery_identity(const AlisaCandidate *candidate, char *text, size_t capacity);

/* The most variants that a program remembers. A variant is a kernel with a local size, which a
 * driver may compile at the first launch; a program that has gained one is written to the cache
 * again. Variants past the last that is remembered may be missing from the cache, and are then
 * compiled again in the next run. */
#define ALISA_PROGRAM_VARIANTS 64

/* A built .cl file; see AlisaKernel. */
typedef struct AlisaProgram {
    struct AlisaProgram *next;
    struct AlisaKernel *kernels;
    cl_program program;
    char *file;
    char *options;   /* as given to the driver */
    char *cache_key; /* NULL: the program is not cached */
    bool from_cache; /* built from a cached binary */
    bool unsaved;    /* holds code that its cache entry does not */
    uint32_t variant_count;
    uint64_t variants[ALISA_PROGRAM_VARIANTS]; /* hashes of a kernel's name and a local size */
} AlisaProgram;

struct AlisaKernel {
    struct AlisaKernel *next;
    AlisaDevice *device;
    AlisaProgram *program;
    cl_kernel kernel;
    size_t max_group;     /* most work-items of a group */
    size_t last_local[3]; /* local size of the last launch, to notice a new variant cheaply */
    bool launched;        /* last_local is set */
    char name[];          /* with a 0 past its end */
};

typedef enum AlisaDirection { ALISA_TO_DEVICE, ALISA_TO_HOST, ALISA_DIRECTIONS } AlisaDirection;

/* What an AlisaEvent points to. References are counted, since callers, the list of awaited events
 * and the emulated link hold it. */
typedef struct AlisaCompletion {
    atomic_uint references;
    cl_event event;
    atomic_int failure; /* code of an emulated copy that failed, set before `event`; 0: the state of
                           `event` counts */
    const char *call;   /* the OpenCL call that started it, for error sentences */
    double seconds;     /* time for which an emulated copy held the link, set before `event` */
} AlisaCompletion;

/* Completions that the compute queue was made to wait for. Drivers differ in what they do with
 * launches that waited for a failed copy (skip, run, hang), so the list is looked through when
 * results are read. */
typedef struct AlisaAwaited {
    AlisaCompletion **items;
    size_t count;
    size_t capacity;
} AlisaAwaited;

typedef struct AlisaEmulation AlisaEmulation;

struct AlisaDevice {
    AlisaCandidate candidate;
    AlisaLog log;
    char identity[1024]; /* alisa_discovery_identity */
    cl_context context;
    cl_command_queue queue;                       /* the compute queue, in order */
    cl_command_queue transfers[ALISA_DIRECTIONS]; /* queues of copies, each in order */
    AlisaAwaited awaited;
    AlisaEmulation *emulation; /* NULL: no link is emulated */
    bool unpinned_said;        /* the log was told that the driver gives no pinned memory */
    bool used_sgemm;           /* CLBlast holds programs of the context */
    AlisaCache cache;
    AlisaProgram *programs;
};

/* Opens a device without trials and self-test. `cache_dir` is that of AlisaDeviceOptions. */
AlisaStatus alisa_opencl_open_bare(const AlisaCandidate *candidate, const char *cache_dir,
                                   const AlisaLog *log, AlisaDevice **device, AlisaError *error);

/* Adds the capabilities that trial kernels confirm to candidate->info; those that were tried before
 * come from the cache. Fails only if the device cannot be opened. */
AlisaStatus alisa_capability_find(AlisaCandidate *candidate, AlisaCache *cache, AlisaError *error);

/* Build options for the versions of the language in which extensions are tried, the earliest first:
 * compilers differ in the version from which they offer an extension. */
enum { ALISA_PROGRAM_LANGUAGES = 3 };
extern const char *const alisa_program_languages[ALISA_PROGRAM_LANGUAGES];

/* Fills in the measured figures of candidate->info, if the cache has them. */
void alisa_probe_recall(AlisaCandidate *candidate, const AlisaCache *cache);

/* Runs kernels whose results are known; that a device passed is remembered in the cache. */
AlisaStatus alisa_selftest_run(const AlisaCandidate *candidate, AlisaCache *cache,
                               AlisaError *error);

/* A copy of one contiguous run between the host and a buffer. */
typedef struct AlisaCopy {
    AlisaDirection direction;
    cl_mem memory;
    size_t offset; /* bytes from the start of the buffer */
    size_t size;   /* bytes */
    void *data;    /* on the host; not written to if the direction is ALISA_TO_DEVICE */
} AlisaCopy;

/* Enqueues a copy that runs once `after` (may be NULL) is done; if `blocking`, waits for it. The
 * caller owns *event. CL_SUCCESS or the code of its failure. */
cl_int alisa_copy_enqueue(cl_command_queue queue, const AlisaCopy *copy, bool blocking,
                          const AlisaCompletion *after, cl_event *event);
/* Enqueues a copy and waits for it. CL_SUCCESS or the code of its failure. */
cl_int alisa_copy_run(cl_command_queue queue, const AlisaCopy *copy);
/* Fills *error with a sentence about a copy that failed with `code`. */
AlisaStatus alisa_copy_fail(AlisaDevice *device, const AlisaCopy *copy, cl_int code,
                            AlisaError *error);
/* The name of the OpenCL call that copies in a direction. */
const char *alisa_copy_call(AlisaDirection direction);

/* ALISA_ERROR_ARGUMENT if `size` bytes from byte `offset` on are not all inside the buffer. */
AlisaStatus alisa_buffer_check_range(const AlisaBuffer *buffer, uint64_t offset, uint64_t size,
                                     AlisaError *error);

/* A completion with one reference and no event yet; `call` is the OpenCL call that will start it.
 */
AlisaCompletion *alisa_completion_create(const char *call, AlisaError *error);
AlisaCompletion *alisa_completion_retain(AlisaCompletion *completion);
void alisa_completion_release(AlisaCompletion *completion);
/* CL_COMPLETE; a positive state while it is not done; or the negative code of its failure. */
cl_int alisa_completion_state(const AlisaCompletion *completion);
/* Waits until it is done. CL_COMPLETE or the negative code of its failure. */
cl_int alisa_completion_wait(const AlisaCompletion *completion);
/* Fills *error with a sentence: `what` failed with `code`, in the call that started `completion`.
 */
AlisaStatus alisa_completion_fail(AlisaDevice *device, const AlisaCompletion *completion,
                                  cl_int code, const char *what, AlisaError *error);

/* Hands a copy to the emulated link, which completes *done. On success *done has an event, which it
 * must not have before. */
AlisaStatus alisa_emulation_start_copy(AlisaEmulation *emulation, const AlisaCopy *copy,
                                       AlisaCompletion *after, AlisaCompletion *done,
                                       AlisaError *error);
/* Takes the link for a copy that could start now; returns the time of the clock at which it is
 * done.
 */
uint64_t alisa_emulation_reserve(AlisaEmulation *emulation, const AlisaCopy *copy);
/* Lets the copies that were started end, without slowing them down, and frees the emulation; NULL
 * is allowed. */
void alisa_emulation_destroy(AlisaEmulation *emulation);

/* Fails if a completion that the compute queue was made to wait for has failed; each failure is
 * reported once. */
AlisaStatus alisa_awaited_check(AlisaDevice *device, AlisaError *error);
void alisa_awaited_release(AlisaDevice *device);

/* Finds or builds the program of a file and options. On failure *program is NULL. */
AlisaStatus alisa_program_get(AlisaDevice *device, const char *file, const char *options,
                              AlisaProgram **program, AlisaError *error);
/* Compiles a program that was built from the cache, and has no kernels yet, from its source. */
AlisaStatus alisa_program_rebuild(AlisaDevice *device, AlisaProgram *program, AlisaError *error);

/* Writes all options that the driver is given for the options of alisa_kernel_get. Returns their
 * length, which may be more than `capacity`, as snprintf does. */
size_t alisa_program_options(const char *options, char *all, size_t capacity);

/* Releases all programs and kernels of the device. */
void alisa_program_destroy_all(AlisaDevice *device);

/* Notes a launch of `kernel` with `local` in its program's variants. */
void alisa_program_note_launch(AlisaKernel *kernel, const size_t local[3]);

/* Makes CLBlast release the device's context. It releases the programs of all devices then, and
 * builds those of the others again when they are next used. */
void alisa_sgemm_release(AlisaDevice *device);

#endif
