/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices: which there are, what they can do, how fast they are, and which tuned parameters they
 * take.
 */
#ifndef ALISA_DEVICE_H
#define ALISA_DEVICE_H

#include "alisa/alisa.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum AlisaDeviceType {
    ALISA_DEVICE_GPU,
    ALISA_DEVICE_ACCELERATOR, /* what OpenCL calls one: no GPU, and not the host's processor */
    ALISA_DEVICE_CPU,         /* the host's processor, through PoCL for one */
    ALISA_DEVICE_OTHER        /* a type that OpenCL 1.2 does not know */
} AlisaDeviceType;

/* Abilities beyond OpenCL C 1.2. A bit is set by a query and, for a feature of the language, by
 * compiling and running a trial kernel; never by the device's name. */
enum {
    ALISA_CAPABILITY_FP16 = 1u << 0,           /* arithmetic of 16-bit floats (cl_khr_fp16) */
    ALISA_CAPABILITY_FP64 = 1u << 1,           /* arithmetic of 64-bit floats */
    ALISA_CAPABILITY_SUBGROUPS = 1u << 2,      /* sub_group_reduce_add (of khr or intel) */
    ALISA_CAPABILITY_INT_DOT = 1u << 3,        /* cl_khr_integer_dot_product, 4 x 8 bits packed */
    ALISA_CAPABILITY_OUT_OF_ORDER = 1u << 4,   /* out-of-order queues */
    ALISA_CAPABILITY_UNIFIED_MEMORY = 1u << 5, /* memory shared with the host */
    ALISA_CAPABILITY_PTX = 1u << 6,            /* inline PTX, with matrix instructions of sm_80 */
    ALISA_CAPABILITY_AMD_DOT = 1u << 7, /* products of 4 x 8 bits by a builtin of AMD's compiler */
    ALISA_CAPABILITY_PTX_DOT = 1u << 8, /* products of 4 x 8 bits by inline PTX of sm_61 */
    ALISA_CAPABILITY_VNNI = 1u << 9     /* likewise by AVX-512 VNNI of processors */
};

/* How near a device is to the one for which its tuned parameters were found (alisa/tune.h); the
 * higher, the nearer. */
typedef enum AlisaTuningMatch {
    ALISA_TUNING_NONE,         /* no parameters fit: the device uses the defaults */
    ALISA_TUNING_TYPE,         /* another vendor's device of the same AlisaDeviceType */
    ALISA_TUNING_VENDOR,       /* the same vendor's, of another architecture */
    ALISA_TUNING_ARCHITECTURE, /* a device of the same architecture */
    ALISA_TUNING_STALE,        /* the same device, with another driver or other kernels */
    ALISA_TUNING_EXACT,        /* the same device, driver and kernels */
    ALISA_TUNING_MATCH_COUNT
} AlisaTuningMatch;

typedef struct AlisaDeviceInfo {
    uint32_t index; /* counts from 0 over all platforms, in the order of the ICD loader */
    AlisaDeviceType type;
    char platform[128];
    char name[128];
    char vendor[128];
    char driver[128];
    char opencl_version[64];   /* OpenCL version of the device */
    char opencl_c_version[64]; /* OpenCL C version of its compiler */
    char board[128];           /* product name by a vendor extension ("AMD Radeon RX 7900 XTX"), for
                                  devices whose `name` is that of a chip; "": not told */
    char architecture[64];     /* by a vendor extension ("gfx1100", "sm_90"); "": not told */
    uint32_t vendor_id;
    uint32_t compute_units;
    uint32_t clock_mhz;
    uint64_t global_memory;  /* size of the device's memory */
    uint64_t max_allocation; /* largest size of one buffer */
    uint64_t local_memory;   /* local memory of a work-group */
    uint64_t max_work_group; /* most work-items in a work-group */
    uint32_t native_floats;  /* floats of one vector instruction; 0: not known */
    uint32_t capabilities;   /* bits ALISA_CAPABILITY_* */
    bool usable;             /* whether alisa_device_open can succeed */
    char reason[512];        /* why the device is not usable; "" if it is */
    /* The next four are measured when a session first plans memory on the device and driver, and
     * kept in the cache. alisa_devices_list reads them there; 0: not measured yet. */
    double read_bandwidth;      /* bytes/s at which kernels read the device's memory */
    double copy_rate_to_device; /* bytes/s of large copies from the host */
    double copy_rate_to_host;   /* bytes/s of large copies to the host */
    double launch_latency;      /* seconds of a small launch in a full queue */
    /* The next three tell which tuned parameters a usable device takes; only alisa_devices_list
     * fills them in. */
    char tuning[128];              /* name of the entry of parameters; "": none */
    bool tuning_built_in;          /* the entry comes with the library, not from the cache */
    AlisaTuningMatch tuning_match; /* how near the entry's device is */
} AlisaDeviceInfo;

/* Lists every device of every platform. *infos is an array of *count, freed with
 * alisa_devices_free. Without an ICD loader, or where no ICD has a device, the status is
 * ALISA_ERROR_NO_DEVICE with a sentence that says which. */
ALISA_API AlisaStatus alisa_devices_list(AlisaDeviceInfo **infos, size_t *count, AlisaError *error);
ALISA_API void alisa_devices_free(AlisaDeviceInfo *infos);

/* What an open device is; owned by the device. */
ALISA_API const AlisaDeviceInfo *alisa_device_info(const AlisaDevice *device);

/* Name of a match ("architecture", "stale"); static storage. */
ALISA_API const char *alisa_tuning_match_name(AlisaTuningMatch match);
/* Says which tuned parameters a device takes that alisa_devices_list gave, and why: "built-in entry
 * 'PoCL/znver5', same architecture". */
ALISA_API void alisa_device_tuning_describe(const AlisaDeviceInfo *info, char text[256]);

#ifdef __cplusplus
}
#endif
#endif
