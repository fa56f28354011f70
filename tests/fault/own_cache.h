/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the tests whose children open devices with kernels and a cache of the test's own. The
 * process of the test itself never calls OpenCL.
 */
#ifndef ALISA_TESTS_FAULT_OWN_CACHE_H
#define ALISA_TESTS_FAULT_OWN_CACHE_H

#include "fault/test_device.h"

static ChildReport *report;

static inline int setup(void **state) {
    (void)state;
    report = make_report();
    make_folder(report->folder, sizeof report->folder);
    return 0;
}

static inline int teardown(void **state) {
    (void)state;
    static const char *const names[] = {"kernels", "cache"};
    for (int i = 0; i < 2; i++) {
        char below[300];
        snprintf(below, sizeof below, "%s/%s", report->folder, names[i]);
        remove_folder(below);
    }
    remove_folder(report->folder);
    free_report(report);
    return 0;
}

static inline void below(const ChildReport *from, const char *name, char path[300]) {
    snprintf(path, 300, "%s/%s", from->folder, name);
}

/* In a child: a kernel folder of the test's own, with `text` as `file`. */
static inline void use_kernel(const ChildReport *from, const char *file, const char *text) {
    char folder[300];
    below(from, "kernels", folder);
    if (alisa_folder_create(folder, NULL) != ALISA_OK) _exit(1);
    write_text(folder, file, text);
    setenv("ALISA_KERNEL_DIR", folder, 1);
}

static inline AlisaDevice *open_device(ChildReport *into, const char *selector,
                                       const char *cache_dir) {
    AlisaDeviceOptions options;
    AlisaDevice *device;
    alisa_device_options_defaults(&options);
    options.selector = selector;
    options.cache_dir = cache_dir;
    options.log = (AlisaLog){report_log, into};
    into->status = alisa_device_open(&options, &device, &into->error);
    if ((into->status == ALISA_OK) != (device != NULL)) _exit(1);
    return device;
}

static inline void assert_says(const char *part) {
    if (!strstr(report->error.message, part)) {
        fail_msg("\"%s\" lacks \"%s\"", report->error.message, part);
    }
}

#endif
