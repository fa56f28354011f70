/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of a search: all that it has measured so far, in a file that grows line by line. A
 * search that starts with the journal of an earlier one finds the earlier answers in it, and so
 * goes on where that one ended. A trial that crashed or hung is never run again; one that was under
 * way when a process ended for no known reason is run once more.
 *
 * The file has a line of JSON that says what it belongs to ({"journal": ..}), then one for each
 * trial that begins ({"set", "case", "values", "beside"}) and one for how it ended ({"end",
 * "seconds"}).
 */
#ifndef ALISA_TUNE_JOURNAL_H
#define ALISA_TUNE_JOURNAL_H

#include "alisa/tune.h"
#include "base/status.h"
#include "ops/parameters.h"

/* The most values of a set. */
enum { ALISA_TUNE_VALUES = 40 };

/* How a trial ended. */
typedef enum AlisaTuneEnd {
    ALISA_TUNE_MEASURED, /* its results were right, and it was timed */
    ALISA_TUNE_REFUSED,  /* the device did not build or launch its kernels */
    ALISA_TUNE_WRONG,    /* its results were wrong */
    ALISA_TUNE_CRASHED,  /* the process crashed */
    ALISA_TUNE_HUNG,     /* the process did not come back and was ended */
    ALISA_TUNE_CUT,      /* it was under way when the process ended for no known reason */
    ALISA_TUNE_END_COUNT
} AlisaTuneEnd;

/* One case measured with one set of values. */
typedef struct AlisaTuneTrial {
    AlisaParameterSet set;
    uint32_t index; /* number of the case */
    uint32_t
        values[ALISA_TUNE_VALUES]; /* values of the set; 0 where one does not matter to the case */
    uint64_t beside;               /* hash of the parameters of all other sets */
    AlisaTuneEnd end;
    double seconds; /* of the fastest pass; 0 unless `end` is ALISA_TUNE_MEASURED */
} AlisaTuneTrial;

typedef struct AlisaTuneJournal AlisaTuneJournal;

/* Opens a journal. `about` says what its measurements belong to: if the file at `path` says
 * something else, or does not exist, it begins anew. Lines that cannot be read are left out. `path`
 * NULL keeps the journal in memory only. */
AlisaStatus alisa_tuner_journal_open(const char *path, const char *about,
                                     AlisaTuneJournal **journal, AlisaError *error);
void alisa_tuner_journal_close(AlisaTuneJournal *journal);

/* The trial with the set, case, values and `beside` of *wanted, if it has ended and is not to be
 * run again; else NULL. */
const AlisaTuneTrial *alisa_tuner_journal_find(const AlisaTuneJournal *journal,
                                               const AlisaTuneTrial *wanted);
/* Notes that a trial begins; it must end, or be cancelled, before the next one begins. */
AlisaStatus alisa_tuner_journal_begin(AlisaTuneJournal *journal, const AlisaTuneTrial *trial,
                                      AlisaError *error);
/* Notes how the trial that is under way ended. */
AlisaStatus alisa_tuner_journal_end(AlisaTuneJournal *journal, AlisaTuneEnd end, double seconds,
                                    AlisaError *error);

/* Cancels the trial that is under way: it says nothing about its values. */
AlisaStatus alisa_tuner_journal_cancel(AlisaTuneJournal *journal, AlisaError *error);
/* As alisa_tune_journal_note of the public header: writes into the file of a search that ended. */
AlisaStatus alisa_tuner_journal_note(const char *path, AlisaTuneEnding ending, AlisaError *error);
/* Tells whoever watches the file that the search is alive, though no trial begins. */
AlisaStatus alisa_tuner_journal_beat(AlisaTuneJournal *journal, AlisaError *error);

#endif
