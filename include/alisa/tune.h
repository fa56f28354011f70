/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tuning: the search for kernel parameters that suit a device, and the parameters as files.
 *
 * The parameters of a kernel family ("matvec"), or of a family for one weight type ("matvec.q8_0"),
 * are a set. An entry is a file with all sets of one device and driver. Engines take the entry that
 * is nearest to their device, from the cache folder or from those that come with the library.
 */
#ifndef ALISA_TUNE_H
#define ALISA_TUNE_H

#include "alisa/alisa.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The parameters in use ---------------------------------------------------------------- */

/* Writes the parameters that engines use on the device now to a file, as an entry. */
ALISA_API AlisaStatus alisa_tune_export(AlisaDevice *device, const char *path, AlisaError *error);
/* Checks an entry and keeps it in the cache folder; path "-" reads standard input. `name` tells the
 * device that the entry is for. Of the options only cache_dir and log are read. */
ALISA_API AlisaStatus alisa_tune_import(const AlisaDeviceOptions *options, const char *path,
                                        char name[128], AlisaError *error);

/* ---- The search --------------------------------------------------------------------------- */

/* How thoroughly to search. */
typedef enum AlisaTuneEffort {
    ALISA_TUNE_QUICK,  /* half a minute: only the weight types that are used most */
    ALISA_TUNE_NORMAL, /* eight minutes, all weight types; the default */
    ALISA_TUNE_FULL,   /* ten hours at most, or until nothing helps any more */
    ALISA_TUNE_EFFORT_COUNT
} AlisaTuneEffort;

/* Name of an effort ("quick"); static storage; NULL for a number that is none. */
ALISA_API const char *alisa_tune_effort_name(AlisaTuneEffort effort);

/* Seconds that a search with this effort takes, without the comparison with CLBlast; 0 for a number
 * that is none. */
ALISA_API double alisa_tune_effort_seconds(AlisaTuneEffort effort);

/* What the search found for one set. */
typedef struct AlisaTuneReport {
    const char *set;        /* "matvec.q8_0"; valid during the call */
    const char *parameters; /* "layout=item single=2 ..."; valid during the call */
    bool changed;           /* the parameters are others than before */
    double speedup;         /* time before over time now, a weighted mean of the sizes that were
                               measured; 1 where nothing changed */
} AlisaTuneReport;

enum { ALISA_TUNE_CROSSOVER_SIZES = 7 };

/* How long products of weights of one type with a number of rows of activations take, by three
 * ways: seconds each with the parameters that were found, or INFINITY where the device cannot do
 * it. */
typedef struct AlisaTuneCrossover {
    const char *type;                           /* "q8_0"; valid during the call */
    uint32_t rows[ALISA_TUNE_CROSSOVER_SIZES];  /* rows of activations */
    double matvec[ALISA_TUNE_CROSSOVER_SIZES];  /* by the kernels for few rows */
    double matmul[ALISA_TUNE_CROSSOVER_SIZES];  /* by the kernels for many rows */
    double clblast[ALISA_TUNE_CROSSOVER_SIZES]; /* by CLBlast */
    bool has_clblast;                           /* the library was built with CLBlast */
} AlisaTuneCrossover;

typedef struct AlisaTuneOptions {
    AlisaTuneEffort effort; /* default ALISA_TUNE_NORMAL */
    double time_budget;     /* seconds for the search; default 0: alisa_tune_effort_seconds */
    const char *kernel;     /* the only family ("matvec") or set ("matvec.q8_0") that is searched;
                               default NULL: all */
    /* File that keeps every measurement until the search is done. A search that finds the file of
     * an earlier one goes on where that one ended, and leaves out the candidate that ended it.
     * Default NULL: none. */
    const char *journal;
    void (*report)(void *user, const AlisaTuneReport *report); /* called when a set is done;
                                                                  default NULL */
    /* Called after the search for each weight type whose products were searched; default NULL. */
    void (*crossover)(void *user, const AlisaTuneCrossover *crossover);
    void *report_user;             /* `user` of `report` and of `crossover`; default NULL */
    bool (*interrupt)(void *user); /* asked between measurements; true stops the search with
                                      ALISA_ERROR_INTERRUPTED; default NULL: never stopped */
    void *interrupt_user;          /* default NULL */
    AlisaProgress progress;        /* default: none */
} AlisaTuneOptions;

ALISA_API void alisa_tune_options_defaults(AlisaTuneOptions *options);

/* Searches for faster parameters of the device's kernels, and keeps them in the cache folder for
 * engines that are created later. The results of every candidate are checked against the host's
 * before it is timed. A driver that crashes ends the process: a program that watches over it says
 * so in the journal (alisa_tune_journal_note) and starts the search again. */
ALISA_API AlisaStatus alisa_tune(AlisaDevice *device, const AlisaTuneOptions *options,
                                 AlisaError *error);

/* How the process of a search ended. */
typedef enum AlisaTuneEnding {
    ALISA_TUNE_ENDING_CRASHED,    /* by itself: the candidate at hand is never tried again */
    ALISA_TUNE_ENDING_HUNG,       /* killed, for not going on: likewise */
    ALISA_TUNE_ENDING_INTERRUPTED /* by the user: the candidate may be tried again */
} AlisaTuneEnding;

/* Writes into the journal of a search how its process ended. */
ALISA_API AlisaStatus alisa_tune_journal_note(const char *journal, AlisaTuneEnding ending,
                                              AlisaError *error);
/* The path in the cache folder at which the journal of a device belongs; its folder is made.
 * selector and cache_dir are as in AlisaDeviceOptions. *path is freed with alisa_free. */
ALISA_API AlisaStatus alisa_tune_journal_path(const char *selector, const char *cache_dir,
                                              char **path, AlisaError *error);

#ifdef __cplusplus
}
#endif
#endif
