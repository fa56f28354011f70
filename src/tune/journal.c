/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/journal.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const end_names[ALISA_TUNE_END_COUNT] = {"measured", "refused", "wrong",
                                                            "crashed",  "hung",    "cut"};
#define INTERRUPTED "interrupted"

struct AlisaTuneJournal {
    FILE *file; /* NULL: in memory only */
    char *path;
    AlisaTuneTrial *trials;
    size_t count, capacity;
    AlisaTuneTrial under_way;
    bool trying;
};

static AlisaStatus add(AlisaTuneJournal *journal, const AlisaTuneTrial *trial, AlisaError *error) {
    if (journal->count == journal->capacity) {
        size_t larger = journal->capacity ? 2 * journal->capacity : 256;
        AlisaTuneTrial *trials = realloc(journal->trials, larger * sizeof *trials);
        if (!trials)
            return alisa_error_set(error, ALISA_ERROR_MEMORY,
                                   "cannot allocate host memory for the "
                                   "trials of a search");
        journal->trials = trials;
        journal->capacity = larger;
    }
    journal->trials[journal->count++] = *trial;
    return ALISA_OK;
}

/* ---- Lines --------------------------------------------------------------------------------- */

static bool read_trial(const json_t *line, AlisaTuneTrial *trial) {
    const char *set = json_string_value(json_object_get(line, "set"));
    const json_t *index = json_object_get(line, "case"), *values = json_object_get(line, "values");
    *trial = (AlisaTuneTrial){0};
    if (!set || !alisa_parameter_set_find(set, &trial->set) || !json_is_integer(index))
        return false;
    if (!json_is_array(values) || json_array_size(values) > ALISA_TUNE_VALUES) return false;
    trial->index = (uint32_t)json_integer_value(index);
    trial->beside = (uint64_t)json_integer_value(json_object_get(line, "beside"));
    for (size_t i = 0; i < json_array_size(values); i++)
        trial->values[i] = (uint32_t)json_integer_value(json_array_get(values, i));
    return true;
}

/* ALISA_TUNE_END_COUNT: not known, or interrupted. */
static AlisaTuneEnd read_end(const json_t *line) {
    const char *name = json_string_value(json_object_get(line, "end"));
    int end = 0;
    while (end < ALISA_TUNE_END_COUNT && !(name && strcmp(name, end_names[end]) == 0))
        end++;
    return (AlisaTuneEnd)end;
}

static AlisaStatus read_line(AlisaTuneJournal *journal, const json_t *line, AlisaError *error) {
    if (json_object_get(line, "set")) {
        journal->trying = read_trial(line, &journal->under_way);
        return ALISA_OK;
    }
    if (!journal->trying || !json_object_get(line, "end")) return ALISA_OK;
    journal->trying = false;
    AlisaTuneTrial ended = journal->under_way;
    ended.end = read_end(line);
    ended.seconds = json_number_value(json_object_get(line, "seconds"));
    if (ended.end == ALISA_TUNE_END_COUNT) return ALISA_OK;
    if (ended.end == ALISA_TUNE_MEASURED && !(ended.seconds > 0.0)) return ALISA_OK;
    return add(journal, &ended, error);
}

static AlisaStatus write_line(AlisaTuneJournal *journal, json_t *line, AlisaError *error) {
    if (!line)
        return alisa_error_set(error, ALISA_ERROR_MEMORY,
                               "cannot allocate host memory for a line "
                               "of a search's journal");
    AlisaStatus status = ALISA_OK;
    if (journal->file) {
        char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
        bool written =
            text && fprintf(journal->file, "%s\n", text) > 0 && fflush(journal->file) == 0;
        if (!written)
            status = alisa_error_set(error, ALISA_ERROR_IO, "cannot write %s: %s", journal->path,
                                     strerror(errno));
        free(text);
    }
    json_decref(line);
    return status;
}

/* What the file holds, if it is about the same. */
static AlisaStatus read_file(AlisaTuneJournal *journal, const char *about, AlisaError *error) {
    char text[1024];
    bool ours = false;
    AlisaStatus status = ALISA_OK;
    while (status == ALISA_OK && fgets(text, sizeof text, journal->file)) {
        json_t *line = json_loads(text, 0, NULL);
        if (!ours) {
            const char *known = json_string_value(json_object_get(line, "journal"));
            ours = known && strcmp(known, about) == 0;
            if (!ours) {
                json_decref(line);
                break;
            }
        } else if (line) {
            status = read_line(journal, line, error);
        }
        json_decref(line);
    }
    if (status != ALISA_OK || ours) return status;
    journal->count = 0;
    journal->trying = false;
    FILE *emptied = freopen(journal->path, "w", journal->file);
    journal->file = emptied;
    if (!emptied)
        return alisa_error_set(error, ALISA_ERROR_IO, "cannot write %s: %s", journal->path,
                               strerror(errno));
    return write_line(journal, json_pack("{s:s}", "journal", about), error);
}

static bool same_trial(const AlisaTuneTrial *a, const AlisaTuneTrial *b) {
    return a->set.family == b->set.family && a->set.format == b->set.format &&
           a->index == b->index && a->beside == b->beside &&
           memcmp(a->values, b->values, sizeof a->values) == 0;
}

static const AlisaTuneTrial *find_ended(const AlisaTuneJournal *journal,
                                        const AlisaTuneTrial *wanted, AlisaTuneEnd end) {
    for (size_t i = 0; i < journal->count; i++)
        if (journal->trials[i].end == end && same_trial(&journal->trials[i], wanted))
            return &journal->trials[i];
    return NULL;
}

AlisaStatus alisa_tuner_journal_open(const char *path, const char *about,
                                     AlisaTuneJournal **journal, AlisaError *error) {
    *journal = NULL;
    AlisaTuneJournal *made = alisa_allocate_zeroed(1, sizeof *made, "journal of a search", error);
    if (!made) return ALISA_ERROR_MEMORY;
    AlisaStatus status = ALISA_OK;
    if (path) {
        made->path = strdup(path);
        made->file = fopen(path, "a+");
        if (!made->path || !made->file) {
            status = alisa_error_set(error, ALISA_ERROR_IO, "cannot write %s: %s", path,
                                     strerror(errno));
        } else {
            rewind(made->file);
            status = read_file(made, about, error);
        }
    }
    /* What was under way twice when the process ended, ended it. */
    if (status == ALISA_OK && made->trying) {
        bool again = find_ended(made, &made->under_way, ALISA_TUNE_CUT) != NULL;
        AlisaTuneEnd end = again ? ALISA_TUNE_CRASHED : ALISA_TUNE_CUT;
        status = alisa_tuner_journal_end(made, end, 0.0, error);
    }
    if (status != ALISA_OK) {
        alisa_tuner_journal_close(made);
        return status;
    }
    *journal = made;
    return ALISA_OK;
}

void alisa_tuner_journal_close(AlisaTuneJournal *journal) {
    if (!journal) return;
    if (journal->file) fclose(journal->file);
    free(journal->path);
    free(journal->trials);
    free(journal);
}

/* ---- Trials -------------------------------------------------------------------------------- */

const AlisaTuneTrial *alisa_tuner_journal_find(const AlisaTuneJournal *journal,
                                               const AlisaTuneTrial *wanted) {
    for (int end = 0; end < ALISA_TUNE_CUT; end++) {
        const AlisaTuneTrial *found = find_ended(journal, wanted, (AlisaTuneEnd)end);
        if (found) return found;
    }
    return NULL;
}

AlisaStatus alisa_tuner_journal_begin(AlisaTuneJournal *journal, const AlisaTuneTrial *trial,
                                      AlisaError *error) {
    char name[32];
    json_t *values = json_array();
    alisa_parameter_set_name(&trial->set, name);
    for (int i = 0; i < ALISA_TUNE_VALUES; i++)
        json_array_append_new(values, json_integer(trial->values[i]));
    journal->under_way = *trial;
    journal->trying = true;
    return write_line(journal,
                      json_pack("{s:s, s:I, s:o, s:I}", "set", name, "case",
                                (json_int_t)trial->index, "values", values, "beside",
                                (json_int_t)trial->beside),
                      error);
}

AlisaStatus alisa_tuner_journal_end(AlisaTuneJournal *journal, AlisaTuneEnd end, double seconds,
                                    AlisaError *error) {
    journal->trying = false;
    journal->under_way.end = end;
    journal->under_way.seconds = seconds;
    AlisaStatus status = add(journal, &journal->under_way, error);
    if (status != ALISA_OK) return status;
    return write_line(journal, json_pack("{s:s, s:f}", "end", end_names[end], "seconds", seconds),
                      error);
}

AlisaStatus alisa_tuner_journal_note(const char *path, AlisaTuneEnding ending, AlisaError *error) {
    static const char *const names[] = {"crashed", "hung", INTERRUPTED};
    FILE *file = fopen(path, "a");
    bool written = file && fprintf(file, "\n{\"end\":\"%s\",\"seconds\":0.0}\n", names[ending]) > 0;
    if (file && fclose(file) != 0) written = false;
    if (written) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_IO, "cannot write %s: %s", path, strerror(errno));
}

AlisaStatus alisa_tuner_journal_cancel(AlisaTuneJournal *journal, AlisaError *error) {
    journal->trying = false;
    return write_line(journal, json_pack("{s:s}", "end", INTERRUPTED), error);
}

AlisaStatus alisa_tuner_journal_beat(AlisaTuneJournal *journal, AlisaError *error) {
    return write_line(journal, json_object(), error);
}
