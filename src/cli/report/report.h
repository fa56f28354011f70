/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runs that `alisa bench --report` compares: what their files say, and what follows from it.
 *
 * A file is {"format": "alisa-suite", "version": 1, "manifest": {...}, "roofline": {...}, "tests":
 * [...]} with the fields of the structs below under the same names. All of them are required;
 * fields that are not here are ignored. Two groups draw curves, from the parameters of their tests:
 *   - attention over "length" (tokens) and transfer over "size" (bytes). Parameters that are texts
 *     tell curves apart, in the order they have there ({"length": 4096, "kind": "dense"}): a curve
 *     whose first text is "dense" is drawn solid. A transfer's "direction" is "to-device" or
 *     "to-host".
 *   - policy has "policy": "alisa". Tests whose parameters have the same numbers are compared.
 * Tests of the same group and name are compared between files.
 */
#ifndef ALISA_CLI_REPORT_REPORT_H
#define ALISA_CLI_REPORT_REPORT_H

#include "alisa/alisa.h"

#include <jansson.h>

#define REPORT_FORMAT "alisa-suite"

enum { REPORT_VERSION = 1, REPORT_RUNS = 8 };

/* Fewer samples, or a wider spread, and figures are marked. */
enum { REPORT_SAMPLES = 5 };
#define REPORT_SPREAD 0.2

typedef enum ReportGroup {
    REPORT_MATRIX_VECTOR,
    REPORT_MATRIX_MATRIX,
    REPORT_ATTENTION,
    REPORT_TRANSFER,
    REPORT_PREFILL,
    REPORT_DECODE,
    REPORT_POLICY,
    REPORT_GROUP_COUNT
} ReportGroup;

/* The unit of a test's value. */
typedef enum ReportUnit {
    REPORT_GB,     /* 1e9 bytes a second */
    REPORT_GFLOP,  /* 1e9 operations a second */
    REPORT_TOKENS, /* tokens a second */
    REPORT_UNIT_COUNT
} ReportUnit;

/* The limit of its device that a test would meet first. */
typedef enum ReportLimit {
    REPORT_LIMIT_UNKNOWN,   /* too little was measured, or the test does not say what it does */
    REPORT_LIMIT_BANDWIDTH, /* reading memory */
    REPORT_LIMIT_PEAK,      /* products of matrices */
    REPORT_LIMIT_LINK,      /* copies between host and device */
    REPORT_LIMIT_COUNT
} ReportLimit;

typedef struct ReportDevice {
    const char *name, *platform, *vendor, *driver, *type, *opencl_version, *opencl_c_version;
    const char *board, *architecture;
    json_int_t compute_units, clock_mhz, max_work_group;
    json_int_t global_memory, max_allocation, local_memory; /* bytes */
    const json_t *capabilities;                             /* a list of texts */
} ReportDevice;

typedef struct ReportTuning {
    const char *name, *match, *id;
} ReportTuning;

typedef struct ReportModel {
    const char *name, *type, *hash; /* NULL without a model */
    json_int_t bytes;
} ReportModel;

typedef struct ReportManifest {
    const char *commit, *version, *date, *effort, *command, *changed;
    json_int_t samples;
    ReportDevice device;
    ReportTuning tuning;
    ReportModel model;
    double emulated_link; /* bytes/s; 0: the device's own */
} ReportManifest;

/* The limits of a device as they were measured; one that is 0 was not. */
typedef struct ReportRoofline {
    double read_bandwidth;               /* bytes/s */
    double matrix_peak;                  /* flop/s */
    double copy_to_device, copy_to_host; /* bytes/s */
    double launch_latency;               /* s */
} ReportRoofline;

typedef struct ReportTest {
    ReportGroup group;
    ReportUnit unit;
    const char *name, *note;
    double *seconds; /* [sample_count], ascending */
    size_t sample_count;
    double bytes, flops, items; /* moved, computed and made in one sample; 0: it does not say */
    const json_t *parameters;   /* an object of texts, numbers, booleans */
    /* Derived from the fields above by alisa_cli_report_figures. */
    double median;           /* s */
    double value, low, high; /* in the unit: of the median, the slowest, the fastest sample */
    double spread;           /* of the samples, over their median */
    double intensity;        /* flop/byte; 0 without both */
    ReportLimit limit;
    double limit_value; /* the value it would have at the limit; 0 while that is unknown */
    double share;       /* value / limit_value; 0 while the limit is unknown */
} ReportTest;

typedef struct ReportRun {
    const char *file; /* the caller's */
    json_t *root;     /* owns the texts */
    ReportManifest manifest;
    ReportRoofline roofline;
    ReportTest *tests;
    size_t test_count;
    char letter;
    char label[256]; /* the device's name, with what was changed where it is here twice */
} ReportRun;

/* The tests of one group and name, of all runs. */
typedef struct ReportRow {
    const ReportTest *tests[REPORT_RUNS]; /* NULL where a run lacks it */
    const ReportTest *first;              /* the test of the first run that has it */
    size_t number; /* the point's number in the rooflines, from 1; 0: there is no point */
} ReportRow;

/* Zeroed is empty. */
typedef struct Report {
    ReportRun runs[REPORT_RUNS];
    size_t run_count;
    ReportRow *rows; /* group after group */
    size_t row_count;
} Report;

/* Names as the format spells them: "matrix-vector", "GB/s". */
const char *alisa_cli_report_group_name(ReportGroup group);
const char *alisa_cli_report_unit_name(ReportUnit unit);

void alisa_cli_report_finish(Report *report);

#endif
