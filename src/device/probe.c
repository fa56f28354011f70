/* SPDX-License-Identifier: Apache-2.0 */
#include "device/probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "device/device.h"
#include "device/internal.h"
#include "device/link.h"
#include "device/source.h"

#define SOURCE "probe.cl"

#define LARGEST_COPY ALISA_PROBE_SIZE(ALISA_PROBE_SIZES - 1)
/* More than caches hold, where the device allows it. */
#define STREAM_BYTES (UINT64_C(256) << 20)
#define VECTOR_BYTES 64u
#define ROW_BYTES    2048u

/* Repeats of a figure: at least 3 and at most 15, within 40 ms. */
enum { FEWEST = 3, MOST = 15 };
#define ENOUGH 0.04
/* A copy that takes longer (in seconds) is the largest one that is measured. */
#define LONG_COPY 0.12

typedef struct Probe {
    AlisaDevice *device;
    AlisaBuffer stream, sums;
    AlisaPinned pinned;
    uint8_t *plain;
    uint64_t stream_bytes;
    uint64_t copy_bytes; /* the largest copy */
} Probe;

/* How probe_read walks the memory. */
typedef struct Layout {
    uint32_t items, group;
    bool side_by_side;
} Layout;

/* Groups of 32: some drivers allow some kernels no more. */
static const Layout layouts[] = {{64, 1, false}, {16384, 32, true}};
static const Layout one_group = {32, 32, true};

/* One thing to be timed. */
typedef struct Action {
    AlisaStatus (*run)(Probe *probe, const struct Action *action, AlisaError *error);
    const char *kernel;
    const Layout *layout;
    uint32_t launches;
    uint64_t bytes;
    uint8_t *to_device, *to_host; /* host memory of a copy each way; NULL: none */
} Action;

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static AlisaStatus time_action(Probe *probe, const Action *action, double *seconds,
                               AlisaError *error) {
    double times[MOST], total = 0;
    size_t count = 0;
    /* Some drivers compile at the first launch, and memory is mapped at its first use. */
    AlisaStatus status = action->run(probe, action, error);
    while (status == ALISA_OK && count < MOST && (count < FEWEST || total < ENOUGH)) {
        uint64_t start = alisa_clock_now();
        status = action->run(probe, action, error);
        times[count] = fmax((double)(alisa_clock_now() - start), 1) * 1e-9;
        total += times[count++];
    }
    if (status != ALISA_OK) return status;
    qsort(times, count, sizeof *times, compare);
    *seconds = times[count / 2];
    return ALISA_OK;
}

/* ---- Kernels ------------------------------------------------------------------------------- */

static AlisaStatus run_kernel(Probe *probe, const Action *action, AlisaError *error) {
    AlisaDevice *device = probe->device;
    const Layout *layout = action->layout;
    const uint64_t vectors = action->bytes / VECTOR_BYTES;
    const cl_uint count = (cl_uint)(vectors / layout->items);
    const cl_ulong next = layout->side_by_side ? 1 : count;
    const cl_ulong stride = layout->side_by_side ? layout->items : 1;
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&probe->stream),
                                       ALISA_ARG_BUFFER(&probe->sums), ALISA_ARG(count),
                                       ALISA_ARG(next), ALISA_ARG(stride)};
    const AlisaLaunch launch = {{layout->items, 1, 1}, {layout->group, 1, 1}};
    AlisaKernel *kernel;
    AlisaStatus status = alisa_kernel_get(device, SOURCE, action->kernel, "", &kernel, error);
    for (uint32_t i = 0; i < action->launches && status == ALISA_OK; i++)
        status = alisa_kernel_launch(kernel, &launch, arguments, 5, error);
    return status == ALISA_OK ? alisa_opencl_finish(device, error) : status;
}

static AlisaStatus measure_kernels(Probe *probe, AlisaDeviceProfile *profile, AlisaError *error) {
    double seconds, least = INFINITY;
    Action action = {.run = run_kernel, .launches = 1, .bytes = probe->stream_bytes};
    /* Written once, or the system may map all of it to one page of zeros. */
    action.kernel = "probe_fill";
    action.layout = &layouts[0];
    AlisaStatus status = run_kernel(probe, &action, error);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts && status == ALISA_OK; i++) {
        action.kernel = "probe_read";
        action.layout = &layouts[i];
        status = time_action(probe, &action, &seconds, error);
        if (status == ALISA_OK) least = fmin(least, seconds);
    }
    if (status != ALISA_OK) return status;
    profile->read_bandwidth = (double)probe->stream_bytes / least;

    action.kernel = "probe_launch";
    action.layout = &one_group;
    status = time_action(probe, &action, &profile->launch_wait, error);
    if (status != ALISA_OK) return status;
    action.launches = 256;
    status = time_action(probe, &action, &seconds, error);
    profile->launch_latency = seconds / action.launches;
    return status;
}

/* ---- Copies -------------------------------------------------------------------------------- */

static AlisaStatus run_copies(Probe *probe, const Action *action, AlisaError *error) {
    AlisaDevice *device = probe->device;
    AlisaEvent up = {0}, down = {0};
    AlisaStatus status = ALISA_OK;
    if (action->to_device) {
        status = alisa_transfer_write(device, &probe->stream, 0, action->to_device, action->bytes,
                                      NULL, &up, error);
    }
    if (action->to_host && status == ALISA_OK) {
        /* Of another place, or the two would have to be ordered. */
        status = alisa_transfer_read(device, &probe->stream, probe->copy_bytes, action->to_host,
                                     action->bytes, NULL, &down, error);
    }
    /* Both are waited for, whatever happens: they use the memory of the host. */
    AlisaStatus waited = alisa_event_wait(device, &up, "measuring copies", error);
    if (status == ALISA_OK) status = waited;
    waited = alisa_event_wait(device, &down, "measuring copies", error);
    if (status == ALISA_OK) status = waited;
    alisa_event_release(&up);
    alisa_event_release(&down);
    return status;
}

static AlisaStatus measure_rates(Probe *probe, uint8_t *memory, bool to_device, double *rates,
                                 AlisaError *error) {
    double seconds = 0;
    for (int row = 0; row < ALISA_PROBE_SIZES && seconds < LONG_COPY; row++) {
        const Action action = {.run = run_copies,
                               .bytes = ALISA_PROBE_SIZE(row),
                               .to_device = to_device ? memory : NULL,
                               .to_host = to_device ? NULL : memory};
        if (action.bytes > probe->copy_bytes) break;
        AlisaStatus status = time_action(probe, &action, &seconds, error);
        if (status != ALISA_OK) return status;
        rates[row] = (double)action.bytes / seconds;
    }
    return ALISA_OK;
}

static AlisaStatus measure_copies(Probe *probe, AlisaDeviceProfile *profile, AlisaError *error) {
    uint8_t *pinned = probe->pinned.data;
    const struct {
        uint8_t *memory;
        bool to_device;
        double *rates;
    } tables[] = {
        {pinned, true, profile->pinned.to_device},
        {pinned, false, profile->pinned.to_host},
        {probe->plain, true, profile->plain.to_device},
        {probe->plain, false, profile->plain.to_host},
    };
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && status == ALISA_OK; i++) {
        status =
            measure_rates(probe, tables[i].memory, tables[i].to_device, tables[i].rates, error);
    }
    if (status != ALISA_OK) return status;
    Action action = {.run = run_copies, .bytes = VECTOR_BYTES, .to_device = pinned};
    status = time_action(probe, &action, &profile->copy_latency, error);
    if (status != ALISA_OK) return status;

    /* Each way alone and both at once. */
    double up, down, both;
    action.bytes = probe->copy_bytes / 4;
    status = time_action(probe, &action, &up, error);
    if (status != ALISA_OK) return status;
    action.to_host = pinned + action.bytes;
    status = time_action(probe, &action, &both, error);
    if (status != ALISA_OK) return status;
    action.to_device = NULL;
    status = time_action(probe, &action, &down, error);
    if (status != ALISA_OK) return status;
    profile->copy_overlap = fmin(fmax((up + down) / both, 1), 2);
    return ALISA_OK;
}

/* ---- Host ---------------------------------------------------------------------------------- */

/* From rows of ordinary memory in a scattered order to pinned memory, one after the other. */
static AlisaStatus run_gather(Probe *probe, const Action *action, AlisaError *error) {
    (void)error;
    const uint32_t rows = (uint32_t)(probe->copy_bytes / ROW_BYTES);
    AlisaRandom random;
    alisa_random_seed(&random, 1);
    for (uint64_t at = 0; at < action->bytes; at += ROW_BYTES) {
        uint64_t row = alisa_random_below(&random, rows);
        memcpy(action->to_device + at, probe->plain + row * ROW_BYTES, ROW_BYTES);
    }
    return ALISA_OK;
}

/* ---- All together -------------------------------------------------------------------------- */

static void finish_probe(Probe *probe) {
    alisa_buffer_destroy(&probe->stream);
    alisa_buffer_destroy(&probe->sums);
    alisa_pinned_destroy(probe->device, &probe->pinned);
    free(probe->plain);
}

/* Memory: a quarter of what the device allows in one buffer, at most STREAM_BYTES. */
static AlisaStatus init_probe(Probe *probe, AlisaDevice *device, AlisaError *error) {
    *probe = (Probe){.device = device, .stream_bytes = STREAM_BYTES};
    const AlisaDeviceInfo *info = &device->candidate.info;
    while (probe->stream_bytes > info->max_allocation / 4)
        probe->stream_bytes /= 2;
    if (probe->stream_bytes < 4 * ALISA_PROBE_SIZE(2)) {
        return alisa_error_set(error, ALISA_ERROR_MEMORY,
                               "%s has too little memory to be measured: %llu bytes in one buffer",
                               info->name, (unsigned long long)info->max_allocation);
    }
    /* Copies up and down use different halves. */
    probe->copy_bytes = probe->stream_bytes / 2;
    if (probe->copy_bytes > LARGEST_COPY) probe->copy_bytes = LARGEST_COPY;
    AlisaStatus status = alisa_buffer_create(device, probe->stream_bytes, ALISA_BUFFER_READ_WRITE,
                                             "measuring", &probe->stream, error);
    if (status == ALISA_OK) {
        status = alisa_buffer_create(device, layouts[1].items * sizeof(float),
                                     ALISA_BUFFER_READ_WRITE, "measuring", &probe->sums, error);
    }
    if (status == ALISA_OK) {
        status = alisa_pinned_create(device, probe->copy_bytes, "measuring", &probe->pinned, error);
    }
    if (status != ALISA_OK) return status;
    probe->plain = alisa_allocate(1, (size_t)probe->copy_bytes, "measuring", error);
    if (!probe->plain) return ALISA_ERROR_MEMORY;
    memset(probe->plain, 1, (size_t)probe->copy_bytes);
    memset(probe->pinned.data, 2, (size_t)probe->copy_bytes);
    return ALISA_OK;
}

static AlisaStatus measure(AlisaDevice *device, AlisaDeviceProfile *profile, AlisaError *error) {
    Probe probe;
    double seconds;
    AlisaStatus status = alisa_opencl_finish(device, error);
    if (status == ALISA_OK) {
        status = init_probe(&probe, device, error);
        if (status == ALISA_OK) status = measure_kernels(&probe, profile, error);
        if (status == ALISA_OK) status = measure_copies(&probe, profile, error);
        if (status == ALISA_OK) {
            const Action gather = {
                .run = run_gather, .bytes = probe.copy_bytes / 8, .to_device = probe.pinned.data};
            status = time_action(&probe, &gather, &seconds, error);
            if (status == ALISA_OK) profile->host_gather = (double)gather.bytes / seconds;
        }
        finish_probe(&probe);
    }
    return status == ALISA_OK
               ? status
               : alisa_error_prefix(error, status, "measuring %s", device->candidate.info.name);
}

/* What the figures depend on: device, driver, kernels and their meaning. */
static AlisaStatus format_key(const AlisaCandidate *candidate, char *key, size_t capacity,
                              AlisaError *error) {
    char hash[ALISA_CACHE_HASH_SIZE];
    char *text;
    size_t size;
    AlisaStatus status = alisa_source_resolve(SOURCE, &text, &size, error);
    if (status != ALISA_OK) return status;
    alisa_cache_hash(text, size, hash);
    free(text);
    alisa_discovery_identity(candidate, key, capacity);
    size_t used = strlen(key);
    snprintf(key + used, capacity - used, "figures %zu\nsource %s\n",
             sizeof(AlisaDeviceProfile) / sizeof(double), hash);
    return ALISA_OK;
}

static bool recall(const AlisaCache *cache, const char *key, AlisaDeviceProfile *profile) {
    uint8_t *record;
    size_t size;
    if (!alisa_cache_read(cache, "probe", key, &record, &size)) return false;
    if (size == sizeof *profile) memcpy(profile, record, sizeof *profile);
    free(record);
    return size == sizeof *profile;
}

static double largest(const double rates[ALISA_PROBE_SIZES]) {
    int row = ALISA_PROBE_SIZES - 1;
    while (row > 0 && rates[row] <= 0)
        row--;
    return rates[row];
}

void alisa_probe_recall(AlisaCandidate *candidate, const AlisaCache *cache) {
    char key[1200];
    AlisaDeviceProfile profile;
    AlisaDeviceInfo *info = &candidate->info;
    if (format_key(candidate, key, sizeof key, NULL) != ALISA_OK) return;
    if (!recall(cache, key, &profile)) return;
    info->read_bandwidth = profile.read_bandwidth;
    info->copy_rate_to_device = largest(profile.pinned.to_device);
    info->copy_rate_to_host = largest(profile.pinned.to_host);
    info->launch_latency = profile.launch_latency;
}

static void use_link(AlisaDeviceProfile *profile, const AlisaLink *link) {
    for (int row = 0; row < ALISA_PROBE_SIZES; row++) {
        const double size = (double)ALISA_PROBE_SIZE(row);
        const double rate = size / (link->latency + size / link->bytes_per_second);
        profile->pinned.to_device[row] = profile->pinned.to_host[row] = rate;
        profile->plain.to_device[row] = profile->plain.to_host[row] = rate;
    }
    profile->copy_latency = link->latency;
    profile->copy_overlap = 2;
}

static AlisaStatus find_profile(AlisaDevice *device, bool anew, AlisaDeviceProfile *profile,
                                AlisaError *error) {
    *profile = (AlisaDeviceProfile){0};
    char key[1200];
    AlisaStatus status = format_key(&device->candidate, key, sizeof key, error);
    if (status != ALISA_OK) return status;
    if (anew || !recall(&device->cache, key, profile)) {
        if (!anew)
            alisa_log_write(&device->log, ALISA_LOG_INFO,
                            "measuring %s, which is new or has a new driver",
                            device->candidate.info.name);
        AlisaEmulation *emulation = device->emulation;
        device->emulation = NULL;
        status = measure(device, profile, error);
        device->emulation = emulation;
        if (status == ALISA_OK) {
            alisa_cache_write(&device->cache, "probe", key, profile, sizeof *profile);
            alisa_opencl_save_programs(device);
        }
    }
    if (status == ALISA_OK && device->emulation) {
        const AlisaLink link = alisa_opencl_emulated_link(device);
        use_link(profile, &link);
    }
    return status;
}

AlisaStatus alisa_opencl_measure(AlisaDevice *device, AlisaDeviceProfile *profile,
                                 AlisaError *error) {
    return find_profile(device, false, profile, error);
}

AlisaStatus alisa_opencl_measure_anew(AlisaDevice *device, AlisaDeviceProfile *profile,
                                      AlisaError *error) {
    return find_profile(device, true, profile, error);
}
