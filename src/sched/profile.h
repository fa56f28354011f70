/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device and its link to the host can do, in numbers: measured on the device at hand, or
 * read from a data sheet (platforms/published). Sizes are bytes, rates bytes or FLOP per second,
 * times seconds.
 */
#ifndef ALISA_SCHED_PROFILE_H
#define ALISA_SCHED_PROFILE_H

#include "base/status.h"

/* The most points of a curve. */
enum { ALISA_SCHED_CURVE_CAPACITY = 12 };

/* A rate that depends on a size, given by points that ascend by size. Between points it runs in
 * straight lines over log(size), and outside it is constant; so one point is a constant rate. */
typedef struct AlisaSchedCurve {
    uint32_t count; /* points; 0: the rate is not known */
    double sizes[ALISA_SCHED_CURVE_CAPACITY];
    double rates[ALISA_SCHED_CURVE_CAPACITY];
} AlisaSchedCurve;

typedef struct AlisaSchedProfile {
    char name[64];               /* of the profile: "V100-32" */
    char device[128];            /* name of the device */
    uint64_t device_bytes;       /* memory of the device */
    uint64_t host_bytes;         /* memory of the host that KV may use */
    double device_bandwidth;     /* bytes/s of reading weights */
    AlisaSchedCurve matrix_rate; /* FLOP/s of a matrix product, by its rows */
    double recompute_rate;       /* FLOP/s of the product that rebuilds K and V */
    double attention_rate;       /* FLOP/s of attention with many queries (prefill) */
    double attention_dense;      /* bytes/s of K and V in attention of one query to every token */
    double attention_gathered;   /* bytes/s of K and V in attention of one query through a list */
    double launch_latency;       /* seconds of a launch in a queue that is kept full */
    double step_overhead; /* seconds of a step in which the host works and nothing hides it */
    double row_overhead;  /* more of them for each sequence: logits, sampling */
    AlisaSchedCurve link_to_device; /* bytes/s of one copy to the device, by its bytes */
    AlisaSchedCurve link_to_host;   /* bytes/s of one copy to the host, by its bytes */
    double link_latency;            /* seconds that every copy takes on top */
    bool link_duplex;               /* copies run in both directions at once */
    double host_gather;             /* bytes/s of collecting rows on the host; 0: takes no time */
} AlisaSchedProfile;

/* The rate of a curve at a size; 0 for a curve without points. */
double alisa_sched_curve_rate(const AlisaSchedCurve *curve, double size);

/* NULL, or a sentence about what is wrong with the numbers. */
const char *alisa_sched_profile_check(const AlisaSchedProfile *profile);

/* Reads a profile from JSON: an object with "name", "device" and, for each figure, an object with
 * "value" (a number, true or false, or [[size, rate], ...]) and "source". Errors call the text
 * `origin`. Unknown and missing figures are ALISA_ERROR_FORMAT. */
AlisaStatus alisa_sched_profile_parse(const char *text, size_t size, const char *origin,
                                      AlisaSchedProfile *profile, AlisaError *error);

/* Writes a profile as such JSON to the file `path`, every figure with the source `source`. */
AlisaStatus alisa_sched_profile_write(const AlisaSchedProfile *profile, const char *source,
                                      const char *path, AlisaError *error);

/* Finds a published profile by its name, or reads the file `name`. */
AlisaStatus alisa_sched_profile_find(const char *name, AlisaSchedProfile *profile,
                                     AlisaError *error);

/* Writes the name of published profile number `index`; false past the last one. */
bool alisa_sched_profile_name(size_t index, char name[64]);

#endif
