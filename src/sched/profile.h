/*
 * What a device and its link to the host can do, in numbers: measured on the device at hand, or
 * read from a data sheet (platforms/published). Sizes are bytes, rates bytes or FLOP per second,
 * times seconds.
 */
#ifndef ALISA_SCHED_PROFILE_H
#define ALISA_SCHED_PROFILE_H

#include "base/status.h"

enum { ALISA_SCHED_CURVE_CAPACITY = 12 };

/* A rate that depends on a size: points ascending by size, straight lines over log(size) between
 * them, constant outside. One point is a constant. */
typedef struct AlisaSchedCurve {
    uint32_t count; /* 0: not known */
    double sizes[ALISA_SCHED_CURVE_CAPACITY];
    double rates[ALISA_SCHED_CURVE_CAPACITY];
} AlisaSchedCurve;

typedef struct AlisaSchedProfile {
    char name[64];
    char device[128];
    uint64_t device_bytes;
    uint64_t host_bytes;            /* that KV may use */
    double device_bandwidth;        /* reading weights */
    AlisaSchedCurve matrix_rate;    /* FLOP/s of a matrix product, by rows */
    double recompute_rate;          /* FLOP/s of the product that rebuilds K and V */
    double attention_rate;          /* FLOP/s of attention of many queries (prefill) */
    double attention_dense;         /* bytes of K and V a second, one query, every token */
    double attention_gathered;      /* the same through a list of chosen tokens */
    double launch_latency;          /* of one kernel in a queue that is kept full */
    double step_overhead;           /* host work of a step that nothing hides */
    double row_overhead;            /* the same for each sequence: logits, sampling */
    AlisaSchedCurve link_to_device; /* bytes/s of one copy, by its bytes */
    AlisaSchedCurve link_to_host;
    double link_latency; /* of one copy */
    bool link_duplex;    /* both directions at once */
    double host_gather;  /* bytes/s of collecting tokens on the host; 0: costs nothing */
} AlisaSchedProfile;

/* The rate at a size; 0 for an empty curve. */
double alisa_sched_curve_rate(const AlisaSchedCurve *curve, double size);

/* NULL, or what is wrong with the numbers. */
const char *alisa_sched_profile_check(const AlisaSchedProfile *profile);

/* Reads the JSON of a profile: an object with "name", "device" and, for each figure, an object with
 * "value" (a number, true or false, or [[size, rate], ...]) and "source". `origin` is what errors
 * call the text. Unknown and missing figures are ALISA_ERROR_FORMAT. */
AlisaStatus alisa_sched_profile_parse(const char *text, size_t size, const char *origin,
                                      AlisaSchedProfile *profile, AlisaError *error);

/* Writes it in that form, each figure with the one source. */
AlisaStatus alisa_sched_profile_write(const AlisaSchedProfile *profile, const char *source,
                                      const char *path, AlisaError *error);

/* A published profile by its name, or the file of one. */
AlisaStatus alisa_sched_profile_find(const char *name, AlisaSchedProfile *profile,
                                     AlisaError *error);

/* Name of the `index`-th published profile, in order; false past the last one. */
bool alisa_sched_profile_name(size_t index, char name[64]);

#endif
