/*
 * What a search has measured so far, kept in a file line by line: a search that starts with the
 * journal of an earlier one finds the same answers there and so goes on where that one ended. What
 * crashed or hung is never tried again; what was under way when a process ended for no known reason
 * is tried once more.
 *
 * The file: a line of JSON for what it belongs to ({"journal": ..}), then one for each trial that
 * begins ({"set", "case", "values", "beside"}) and one for how it ended ({"end", "seconds"}).
 */
#ifndef ALISA_TUNE_JOURNAL_H
#define ALISA_TUNE_JOURNAL_H

#include "alisa/tune.h"
#include "base/status.h"
#include "ops/parameters.h"

enum { ALISA_TUNE_VALUES = 40 }; /* of a set, at most */

typedef enum AlisaTuneEnd {
    ALISA_TUNE_MEASURED,
    ALISA_TUNE_REFUSED, /* the device does not build or launch it */
    ALISA_TUNE_WRONG,   /* it computes something else */
    ALISA_TUNE_CRASHED, /* the process ended */
    ALISA_TUNE_HUNG,    /* it had to be ended */
    ALISA_TUNE_CUT,     /* it was under way when the process ended, nobody knows why */
    ALISA_TUNE_END_COUNT
} AlisaTuneEnd;

typedef struct AlisaTuneTrial {
    AlisaParameterSet set;
    uint32_t index;                     /* of the case */
    uint32_t values[ALISA_TUNE_VALUES]; /* those that do not matter to it are 0 */
    uint64_t beside;                    /* hash of the parameters of all other sets */
    AlisaTuneEnd end;
    double seconds; /* of a pass, the least */
} AlisaTuneTrial;

typedef struct AlisaTuneJournal AlisaTuneJournal;

/* `about` tells what the measurements belong to: a file about something else, or none, begins
 * anew. Lines that cannot be read are left out. path NULL: kept in memory only. */
AlisaStatus alisa_tuner_journal_open(const char *path, const char *about,
                                     AlisaTuneJournal **journal, AlisaError *error);
void alisa_tuner_journal_close(AlisaTuneJournal *journal);

/* The trial of these values if it has ended before, and is not to be tried again; or NULL. */
const AlisaTuneTrial *alisa_tuner_journal_find(const AlisaTuneJournal *journal,
                                               const AlisaTuneTrial *wanted);
/* To be called around each trial; only one is under way. */
AlisaStatus alisa_tuner_journal_begin(AlisaTuneJournal *journal, const AlisaTuneTrial *trial,
                                      AlisaError *error);
AlisaStatus alisa_tuner_journal_end(AlisaTuneJournal *journal, AlisaTuneEnd end, double seconds,
                                    AlisaError *error);

/* In place of an end: the trial says nothing of its values. */
AlisaStatus alisa_tuner_journal_cancel(AlisaTuneJournal *journal, AlisaError *error);
/* As alisa_tune_journal_note of the public header: writes into the file of a search that ended. */
AlisaStatus alisa_tuner_journal_note(const char *path, AlisaTuneEnding ending, AlisaError *error);
/* For who watches: the search is alive, though it tries nothing new. */
AlisaStatus alisa_tuner_journal_beat(AlisaTuneJournal *journal, AlisaError *error);

#endif
