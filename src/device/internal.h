/*
 * What the files of this module share: the objects behind the opaque types, and the steps of
 * opening a device.
 */
#ifndef ALISA_DEVICE_INTERNAL_H
#define ALISA_DEVICE_INTERNAL_H

#include <stdatomic.h>

#include "device/cache.h"
#include "device/kernel.h"
#include "device/opencl.h"

enum { ALISA_CAPABILITIES = 32 /* bits of AlisaDeviceInfo.capabilities */ };

/* A device as the ICD loader shows it, with what identifies it and its driver in cache keys. */
typedef struct AlisaCandidate {
    cl_platform_id platform;
    cl_device_id id;
    AlisaDeviceInfo info; /* capabilities: those found by query alone */
    char platform_version[128];
    uint8_t languages[ALISA_CAPABILITIES]; /* of each bit: the first of alisa_program_languages it
                                              was confirmed in */
} AlisaCandidate;

/* Every device of every platform, in the loader's order; freed with free(). */
AlisaStatus alisa_discovery_scan(AlisaCandidate **candidates, size_t *count, AlisaError *error);

/* Lines that name the platform, its version, the device, its vendor and the driver. */
void alisa_discovery_identity(const AlisaCandidate *candidate, char *text, size_t capacity);

/* A compiled kernel launched with a local size: what a driver may compile at the first launch. Kept
 * so that a program is written to the cache again when it has gained one; what a program gains
 * after the last that is kept, its cache entry may lack, and is compiled again in the next run. */
#define ALISA_PROGRAM_VARIANTS 64

typedef struct AlisaProgram {
    struct AlisaProgram *next;
    struct AlisaKernel *kernels;
    cl_program program;
    char *file;
    char *options;   /* as given to the driver */
    char *cache_key; /* NULL: not cached */
    bool from_cache;
    bool unsaved; /* holds code that its cache entry does not */
    uint32_t variant_count;
    uint64_t variants[ALISA_PROGRAM_VARIANTS];
} AlisaProgram;

struct AlisaKernel {
    struct AlisaKernel *next;
    AlisaDevice *device;
    AlisaProgram *program;
    cl_kernel kernel;
    size_t max_group;
    size_t last_local[3]; /* of the last launch, to notice a new variant cheaply */
    bool launched;
    char name[]; /* terminated */
};

typedef enum AlisaDirection { ALISA_TO_DEVICE, ALISA_TO_HOST, ALISA_DIRECTIONS } AlisaDirection;

/* What an AlisaEvent points to. Counted: callers, the list of awaited events and the
 * emulated link hold it. */
typedef struct AlisaCompletion {
    atomic_uint references;
    cl_event event;
    atomic_int failure; /* of an emulated copy, set before `event` is; 0: `event` tells */
    const char *call;   /* whose outcome it is, for error sentences */
    double seconds;     /* that an emulated copy held the link, set before `event` is */
} AlisaCompletion;

/* Events the compute queue was made to wait for. Drivers differ in what they do with launches that
 * waited for a failed copy (skip, run, hang), so these are looked at when results are read. */
typedef struct AlisaAwaited {
    AlisaCompletion **items;
    size_t count;
    size_t capacity;
} AlisaAwaited;

typedef struct AlisaEmulation AlisaEmulation;

struct AlisaDevice {
    AlisaCandidate candidate;
    AlisaLog log;
    char identity[1024];
    cl_context context;
    cl_command_queue queue;                       /* of launches, in order */
    cl_command_queue transfers[ALISA_DIRECTIONS]; /* each in order */
    AlisaAwaited awaited;
    AlisaEmulation *emulation; /* NULL: copies take the time they take */
    bool unpinned_said;        /* that the driver gives no pinned memory */
    bool used_sgemm;           /* and so CLBlast holds programs of the context */
    AlisaCache cache;
    AlisaProgram *programs;
};

/* A device without trials and self-test. `cache_dir` as in AlisaDeviceOptions. */
AlisaStatus alisa_opencl_open_bare(const AlisaCandidate *candidate, const char *cache_dir,
                                   const AlisaLog *log, AlisaDevice **device, AlisaError *error);

/* Adds the capabilities that trial kernels confirm to candidate->info, from the cache if they were
 * tried before. Fails where the device cannot be opened at all. */
AlisaStatus alisa_capability_find(AlisaCandidate *candidate, AlisaCache *cache, AlisaError *error);

/* Compilers differ in the version of the language from which they offer an extension: options that
 * ask for each version tried, the earliest first. */
enum { ALISA_PROGRAM_LANGUAGES = 3 };
extern const char *const alisa_program_languages[ALISA_PROGRAM_LANGUAGES];

/* Adds the measured figures of candidate->info, where the cache has them. */
void alisa_probe_recall(AlisaCandidate *candidate, const AlisaCache *cache);

/* Runs kernels whose results are known. Passing is remembered in the cache. */
AlisaStatus alisa_selftest_run(const AlisaCandidate *candidate, AlisaCache *cache,
                               AlisaError *error);

/* One contiguous run between `data` and the buffer. */
typedef struct AlisaCopy {
    AlisaDirection direction;
    cl_mem memory;
    size_t offset;
    size_t size;
    void *data; /* only read where the direction is ALISA_TO_DEVICE */
} AlisaCopy;

/* Starts a copy, or runs it where `blocking`. `after` may be NULL. *event is the caller's. */
cl_int alisa_copy_enqueue(cl_command_queue queue, const AlisaCopy *copy, bool blocking,
                          const AlisaCompletion *after, cl_event *event);
/* Blocks until it is done. CL_SUCCESS or the code of its failure. */
cl_int alisa_copy_run(cl_command_queue queue, const AlisaCopy *copy);
AlisaStatus alisa_copy_fail(AlisaDevice *device, const AlisaCopy *copy, cl_int code,
                            AlisaError *error);
/* The name of the call that copies in a direction. */
const char *alisa_copy_call(AlisaDirection direction);

AlisaStatus alisa_buffer_check_range(const AlisaBuffer *buffer, uint64_t offset, uint64_t size,
                                     AlisaError *error);

/* One reference, no event yet. */
AlisaCompletion *alisa_completion_create(const char *call, AlisaError *error);
AlisaCompletion *alisa_completion_retain(AlisaCompletion *completion);
void alisa_completion_release(AlisaCompletion *completion);
/* CL_COMPLETE, a positive state on the way there, or the negative code of a failure. */
cl_int alisa_completion_state(const AlisaCompletion *completion);
/* CL_COMPLETE or the negative code of a failure. */
cl_int alisa_completion_wait(const AlisaCompletion *completion);
/* The failure `code` of what `completion` stands for, told as that of `what`. */
AlisaStatus alisa_completion_fail(AlisaDevice *device, const AlisaCompletion *completion,
                                  cl_int code, const char *what, AlisaError *error);

/* Hands a copy to the emulated link, which completes *done: no event yet, set on success. */
AlisaStatus alisa_emulation_start_copy(AlisaEmulation *emulation, const AlisaCopy *copy,
                                       AlisaCompletion *after, AlisaCompletion *done,
                                       AlisaError *error);
/* Takes the link for a copy that is ready now; returns the clock's time when it is done. */
uint64_t alisa_emulation_reserve(AlisaEmulation *emulation, const AlisaCopy *copy);
/* Runs what was started to its end, without pacing. Takes NULL. */
void alisa_emulation_destroy(AlisaEmulation *emulation);

/* Fails, once, for an event that the compute queue waited for and that failed. */
AlisaStatus alisa_awaited_check(AlisaDevice *device, AlisaError *error);
void alisa_awaited_release(AlisaDevice *device);

/* The program of a file and options, built unless it is there. *program is NULL where it fails. */
AlisaStatus alisa_program_get(AlisaDevice *device, const char *file, const char *options,
                              AlisaProgram **program, AlisaError *error);
/* Replaces a program from the cache, which has no kernels yet, by one compiled from source. */
AlisaStatus alisa_program_rebuild(AlisaDevice *device, AlisaProgram *program, AlisaError *error);

/* What the driver is given for the options of alisa_kernel_get. Returns their length, as snprintf
 * does. */
size_t alisa_program_options(const char *options, char *all, size_t capacity);

/* Releases all programs and kernels of the device. */
void alisa_program_destroy_all(AlisaDevice *device);

/* Notes a launch of `kernel` with `local` in its program's variants. */
void alisa_program_note_launch(AlisaKernel *kernel, const size_t local[3]);

/* Makes CLBlast let go of the context: it drops the programs of all devices, and builds those of
 * others again when they are next used. */
void alisa_sgemm_release(AlisaDevice *device);

#endif
