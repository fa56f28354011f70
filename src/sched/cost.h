/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From work to time: the work of a step, or of a prefill, is what it does in one layer, summed over
 * its sequences; its cost comes back term by term.
 */
#ifndef ALISA_SCHED_COST_H
#define ALISA_SCHED_COST_H

#include "sched/model.h"
#include "sched/profile.h"

/* What a step does in one layer, summed over sequences. Numbers of tokens are expectations, and so
 * may be fractions. */
typedef struct AlisaSchedWork {
    double rows;      /* tokens that are computed */
    double passes;    /* how often the weights are read: once for each micro-batch */
    double head_rows; /* rows that want logits */
    double pairs;     /* (query, key) pairs of a prefill */
    double dense;     /* tokens that queries read which attend to all */
    double gathered;  /* tokens that queries read through lists of chosen ones */
    double launches;  /* launches beyond those that every step has */
    double selection; /* bytes that choosing tokens reads and writes */
    double rebuilt;   /* tokens whose K and V are computed from their layer inputs */
    double to_device; /* bytes copied to the device */
    double to_host;   /* bytes copied to the host */
    bool waits;       /* the computation waits for all copies: nothing hides them */
    bool loads_late; /* a layer chooses its tokens itself and waits for their loads in its middle */
} AlisaSchedWork;

/* What a step takes, over all layers: seconds by what they are spent on, and bytes copied. */
typedef struct AlisaSchedCost {
    double weights;   /* reading weights */
    double matrix;    /* products, as far as they take longer than reading the weights */
    double dense;     /* attention to all tokens */
    double gathered;  /* attention to chosen tokens */
    double selection; /* choosing tokens */
    double rebuild;   /* computing K and V again */
    double launch;    /* launches, and the host's own work */
    double load;      /* copies to the device, whether hidden or not */
    double store;     /* copies to the host */
    double exposed;   /* the part of the copies that nothing hides */
    double total;     /* the sum of all terms but load and store */
    double bytes_to_device;
    double bytes_to_host;
} AlisaSchedCost;

/* Factors that predicted times are multiplied by, learned from measured ones; 1 and 1 at first. */
typedef struct AlisaSchedCorrection {
    double compute;  /* of times of computing */
    double transfer; /* of times of copies */
} AlisaSchedCorrection;

/* Computes what `work` costs. `overlap` says that copies run beside the computation, since their
 * lists are known a step ahead. */
void alisa_sched_cost(const AlisaSchedProfile *profile, const AlisaSchedModel *model,
                      const AlisaSchedKvBytes *bytes, const AlisaSchedCorrection *correction,
                      bool overlap, const AlisaSchedWork *work, AlisaSchedCost *cost);

/* Adds every term of a cost to *sum. */
void alisa_sched_cost_add(AlisaSchedCost *sum, const AlisaSchedCost *cost);

/* What a step spends most time on, in words: "reading weights", "the link". */
const char *alisa_sched_cost_binds(const AlisaSchedCost *cost);

#endif
