/*
 * Work -> time. A step (or the prefill) is described by what it does in one layer, summed over its
 * sequences; its cost comes back term by term.
 */
#ifndef ALISA_SCHED_COST_H
#define ALISA_SCHED_COST_H

#include "sched/model.h"
#include "sched/profile.h"

/* In one layer, summed over sequences. Tokens may be fractions: expectations. */
typedef struct AlisaSchedWork {
    double rows;      /* tokens computed */
    double passes;    /* times the weights are read: micro-batches */
    double head_rows; /* rows that want logits */
    double pairs;     /* (query, key) pairs of a prefill */
    double dense;     /* tokens read by queries that attend to all */
    double gathered;  /* tokens read through lists of chosen ones */
    double launches;  /* kernels beyond those every step has */
    double selection; /* bytes that choosing reads and writes */
    double rebuilt;   /* tokens whose K and V are computed from X */
    double to_device; /* bytes */
    double to_host;
    bool waits;      /* copies come before the work that follows, nothing hides them */
    bool loads_late; /* of tokens that a layer chooses itself: it waits for them in its middle */
} AlisaSchedWork;

/* Seconds of the whole step, all layers. */
typedef struct AlisaSchedCost {
    double weights;   /* reading them */
    double matrix;    /* products, beyond the reading of weights */
    double dense;     /* attention to all tokens */
    double gathered;  /* attention to chosen ones */
    double selection; /* choosing them */
    double rebuild;   /* recomputing K and V */
    double launch;    /* kernel launches and the host's own work */
    double load;      /* copies to the device, whether hidden or not */
    double store;     /* copies to the host */
    double exposed;   /* the part of the copies that nothing hides */
    double total;     /* everything but load and store */
    double bytes_to_device;
    double bytes_to_host;
} AlisaSchedCost;

/* Factors that measured times gave against predicted ones; 1 and 1 at first. */
typedef struct AlisaSchedCorrection {
    double compute;
    double transfer;
} AlisaSchedCorrection;

/* `overlap`: copies run beside the computation, as their lists are known a step ahead. */
void alisa_sched_cost(const AlisaSchedProfile *profile, const AlisaSchedModel *model,
                      const AlisaSchedKvBytes *bytes, const AlisaSchedCorrection *correction,
                      bool overlap, const AlisaSchedWork *work, AlisaSchedCost *cost);

void alisa_sched_cost_add(AlisaSchedCost *sum, const AlisaSchedCost *cost);

/* The largest term, in words: "reading weights", "the link". */
const char *alisa_sched_cost_binds(const AlisaSchedCost *cost);

#endif
