/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies between host and device: rates by size each way, with pinned and with ordinary memory, and
 * how far copies hide behind launches. The reference is the host's own read bandwidth, measured in
 * the same run; on an emulated link it is what the link should give.
 *
 *   bench_transfer [DEVICE [GB/s [LATENCY_US]]]
 */
#include <math.h>
#include <string.h>

#include "device/device.h"
#include "device/link.h"
#include "device/probe.h"
#include "timing.h"

enum { REPEATS = 7, ITEMS = 64 };
#define LARGEST (UINT64_C(64) << 20)

static AlisaDevice *device;
static AlisaBuffer buffer, sums;
static AlisaError error;

static void must(AlisaStatus status) {
    if (status == ALISA_OK) return;
    fprintf(stderr, "error: %s\n", error.message);
    exit(1);
}

static double since(uint64_t start) {
    return (double)(alisa_clock_now() - start) * 1e-9;
}

/* Median seconds of one copy: from its call to the end of its event. */
static double time_copy(uint8_t *memory, uint64_t size, bool to_device) {
    double seconds[REPEATS];
    for (int i = -1; i < REPEATS; i++) { /* the first one warms up */
        AlisaEvent done;
        uint64_t start = alisa_clock_now();
        must(to_device
                 ? alisa_transfer_write(device, &buffer, 0, memory, size, NULL, &done, &error)
                 : alisa_transfer_read(device, &buffer, 0, memory, size, NULL, &done, &error));
        must(alisa_event_wait(device, &done, "a copy", &error));
        if (i >= 0) seconds[i] = since(start);
        alisa_event_release(&done);
    }
    return timing_median(seconds, REPEATS);
}

static void print_rates(uint8_t *pinned, uint8_t *plain, const AlisaLink *link) {
    printf("%10s  %17s  %17s  %s\n", "", "host to device", "device to host", "GB/s, median");
    printf("%10s  %8s %8s  %8s %8s  %8s\n", "size", "pinned", "plain", "pinned", "plain",
           link->bytes_per_second > 0 ? "link" : "");
    for (uint64_t size = 4096; size <= LARGEST; size *= 4) {
        printf("%6llu KiB", (unsigned long long)size / 1024);
        for (int way = 0; way < 2; way++) {
            printf("  %8.2f", (double)size / time_copy(pinned, size, way == 0) * 1e-9);
            printf(" %8.2f", (double)size / time_copy(plain, size, way == 0) * 1e-9);
        }
        if (link->bytes_per_second > 0) {
            double seconds = link->latency + (double)size / link->bytes_per_second;
            printf("  %8.2f", (double)size / seconds * 1e-9);
        }
        printf("\n");
    }
}

/* Enqueues passes over the whole buffer. */
static void launch(int passes) {
    AlisaKernel *kernel;
    must(alisa_kernel_get(device, "probe.cl", "probe_read", "", &kernel, &error));
    const uint32_t count = (uint32_t)(2 * LARGEST / 64 / ITEMS);
    const uint64_t next = count, stride = 1;
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&buffer), ALISA_ARG_BUFFER(&sums),
                                       ALISA_ARG(count), ALISA_ARG(next), ALISA_ARG(stride)};
    const AlisaLaunch geometry = {{ITEMS, 1, 1}, {1, 1, 1}};
    for (int i = 0; i < passes; i++)
        must(alisa_kernel_launch(kernel, &geometry, arguments, 5, &error));
}

static double time_launches(int passes) {
    uint64_t start = alisa_clock_now();
    launch(passes);
    must(alisa_opencl_finish(device, &error));
    return since(start);
}

/* Launches and copies of about the same time, alone and together: 2 is perfect, 1 is in turn. */
static void print_overlap(uint8_t *pinned) {
    double alone_copy[REPEATS], alone_launch[REPEATS], both[REPEATS];
    const uint64_t size = LARGEST / 4;
    double copy = time_copy(pinned, size, true);
    time_launches(1);
    int copies = (int)fmax(1, round(0.05 / copy));
    int passes = (int)fmax(1, round(copies * copy / time_launches(1)));
    AlisaEvent *events = timing_allocate((uint64_t)copies * sizeof *events);
    for (int i = 0; i < 3 * REPEATS; i++) {
        uint64_t start = alisa_clock_now();
        for (int j = 0; j < copies && i % 3 != 1; j++) {
            must(alisa_transfer_write(device, &buffer, LARGEST, pinned, size, NULL, &events[j],
                                      &error));
        }
        if (i % 3 != 0) launch(passes);
        must(alisa_opencl_finish(device, &error));
        for (int j = 0; j < copies && i % 3 != 1; j++) {
            must(alisa_event_wait(device, &events[j], "a copy", &error));
            alisa_event_release(&events[j]);
        }
        (i % 3 == 0 ? alone_copy : i % 3 == 1 ? alone_launch : both)[i / 3] = since(start);
    }
    free(events);
    double x = timing_median(alone_copy, REPEATS), y = timing_median(alone_launch, REPEATS),
           z = timing_median(both, REPEATS);
    printf("copies %.1f ms, launches %.1f ms, both %.1f ms: overlap %.2f (2 is perfect, 1 none)\n",
           x * 1e3, y * 1e3, z * 1e3, (x + y) / z);
}

static void print_profile(void) {
    AlisaDeviceProfile profile;
    must(alisa_opencl_measure(device, &profile, &error));
    printf("profile: kernels read %.1f GB/s, launch %.2f us (%.1f us waited for), copy latency "
           "%.1f us, both ways at once %.2f, host gather %.1f GB/s\n",
           profile.read_bandwidth * 1e-9, profile.launch_latency * 1e6, profile.launch_wait * 1e6,
           profile.copy_latency * 1e6, profile.copy_overlap, profile.host_gather * 1e-9);
}

int main(int argc, char **argv) {
    AlisaDeviceOptions options;
    alisa_device_options_defaults(&options);
    options.selector = argc > 1 ? argv[1] : NULL;
    const AlisaLink link = {argc > 2 ? strtod(argv[2], NULL) * 1e9 : 0,
                            argc > 3 ? strtod(argv[3], NULL) * 1e-6 : 0};
    if (argc > 4) {
        fprintf(stderr, "usage: %s [DEVICE [GB/s [LATENCY_US]]]\n", argv[0]);
        return 2;
    }
    must(alisa_device_open(&options, &device, &error));
    must(alisa_buffer_create(device, 2 * LARGEST, ALISA_BUFFER_READ_WRITE, "copies", &buffer,
                             &error));
    must(alisa_buffer_create(device, ITEMS * sizeof(float), ALISA_BUFFER_READ_WRITE, "sums", &sums,
                             &error));
    AlisaPinned pinned;
    must(alisa_pinned_create(device, LARGEST, "copies", &pinned, &error));
    uint8_t *plain = timing_allocate(LARGEST);
    memset(plain, 1, LARGEST);
    memset(pinned.data, 1, LARGEST);
    must(alisa_buffer_write(device, &buffer, LARGEST, plain, LARGEST, &error));
    must(alisa_opencl_emulate_link(device, &link, &error));

    printf("%s%s; the host reads %.1f GB/s\n", alisa_device_info(device)->name,
           link.bytes_per_second > 0 ? ", emulated link" : "",
           (double)LARGEST / timing_read(plain, LARGEST) * 1e-9);
    print_profile();
    print_rates(pinned.data, plain, &link);
    print_overlap(pinned.data);

    alisa_pinned_destroy(device, &pinned);
    alisa_buffer_destroy(&buffer);
    alisa_buffer_destroy(&sums);
    free(plain);
    alisa_device_close(device);
    return 0;
}
