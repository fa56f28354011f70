/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of src/device: folders of their own, and child processes, because an OpenCL loader
 * reads the environment once and its drivers start threads. A test program that uses run_child must
 * not have called OpenCL before.
 */
#ifndef ALISA_TESTS_FAULT_TEST_DEVICE_H
#define ALISA_TESTS_FAULT_TEST_DEVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alisa/device.h"
#include "base/disk.h"
#include "base/status.h"

/* What a child found, in memory it shares with its parent. */
typedef struct ChildReport {
    AlisaStatus status;
    AlisaError error;
    AlisaDeviceInfo infos[8];
    size_t info_count;
    int warnings; /* lines at that level */
    char last_warning[512];
    int debug_lines;
    char folder[256]; /* from the parent: a folder for the test */
    double number;    /* whatever the test wants */
} ChildReport;

static inline void report_log(void *user, AlisaLogLevel level, const char *line) {
    ChildReport *report = user;
    if (level == ALISA_LOG_DEBUG) report->debug_lines++;
    if (level != ALISA_LOG_WARNING) return;
    report->warnings++;
    snprintf(report->last_warning, sizeof report->last_warning, "%s", line);
}

/* A new folder under the system's temporary one. */
static inline void make_folder(char *path, size_t capacity) {
    const char *base = getenv("TMPDIR");
    int length = snprintf(path, capacity, "%s/alisa-test-XXXXXX", base && *base ? base : "/tmp");
    assert_true(length > 0 && (size_t)length < capacity);
    assert_non_null(mkdtemp(path));
}

/* Calls `visit` for each file of a folder; returns their number. */
static inline size_t for_each_file(const char *folder, void (*visit)(const char *path, void *user),
                                   void *user) {
    size_t count = 0;
    DIR *directory = opendir(folder);
    if (!directory) return 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.') continue;
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (visit) visit(path, user);
        count++;
    }
    closedir(directory);
    return count;
}

static inline void remove_file(const char *path, void *user) {
    (void)user;
    unlink(path);
}

/* Removes a folder of files. */
static inline void remove_folder(const char *folder) {
    for_each_file(folder, remove_file, NULL);
    rmdir(folder);
}

static inline void write_text(const char *folder, const char *name, const char *text) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(alisa_disk_write_atomic(path, text, strlen(text), NULL), ALISA_OK);
}

static inline ChildReport *make_report(void) {
    ChildReport *report =
        mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(report != MAP_FAILED);
    memset(report, 0, sizeof *report);
    return report;
}

static inline void free_report(ChildReport *report) {
    munmap(report, sizeof *report);
}

static inline pid_t start_child(void (*body)(ChildReport *), ChildReport *report) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        body(report);
        fflush(NULL);
        _exit(0);
    }
    return child;
}

/* A child that crashes or exits with a failure fails the test. */
static inline void wait_child(pid_t child) {
    int state;
    assert_int_equal(waitpid(child, &state, 0), child);
    assert_true(WIFEXITED(state));
    assert_int_equal(WEXITSTATUS(state), 0);
}

static inline void run_child(void (*body)(ChildReport *), ChildReport *report) {
    wait_child(start_child(body, report));
}

#endif
