/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of a search: what was measured is found again, what ended the process is left out,
 * and what the file is not about is forgotten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "tune/journal.h"

static char path[64];

static int make_path(void **state) {
    (void)state;
    snprintf(path, sizeof path, "/tmp/alisa-journal-XXXXXX");
    int file = mkstemp(path);
    if (file < 0) return -1;
    close(file);
    return 0;
}

static int remove_path(void **state) {
    (void)state;
    return unlink(path);
}

static AlisaTuneTrial trial_of(AlisaFamily family, uint32_t type, uint32_t index, uint32_t value) {
    return (AlisaTuneTrial){.set = {family, type}, .index = index, .values = {1, value}};
}

static AlisaTuneJournal *open_journal(const char *about) {
    AlisaTuneJournal *journal;
    AlisaError error;
    if (alisa_tuner_journal_open(path, about, &journal, &error)) fail_msg("%s", error.message);
    return journal;
}

static void measure(AlisaTuneJournal *journal, const AlisaTuneTrial *trial, AlisaTuneEnd end,
                    double seconds) {
    AlisaError error;
    assert_int_equal(alisa_tuner_journal_begin(journal, trial, &error), ALISA_OK);
    assert_int_equal(alisa_tuner_journal_end(journal, end, seconds, &error), ALISA_OK);
}

static void test_found_again(void **state) {
    (void)state;
    const AlisaTuneTrial fast = trial_of(ALISA_FAMILY_MATVEC, 3, 0, 4),
                         wrong = trial_of(ALISA_FAMILY_MATVEC, 3, 1, 4),
                         other = trial_of(ALISA_FAMILY_MATVEC, 2, 0, 4);
    AlisaTuneJournal *journal = open_journal("a device");
    measure(journal, &fast, ALISA_TUNE_MEASURED, 0.00125);
    measure(journal, &wrong, ALISA_TUNE_WRONG, 0.0);
    assert_null(alisa_tuner_journal_find(journal, &other));
    alisa_tuner_journal_close(journal);
    journal = open_journal("a device");
    const AlisaTuneTrial *found = alisa_tuner_journal_find(journal, &fast);
    assert_non_null(found);
    assert_int_equal(found->end, ALISA_TUNE_MEASURED);
    assert_true(found->seconds > 0.00124 && found->seconds < 0.00126);
    assert_int_equal(alisa_tuner_journal_find(journal, &wrong)->end, ALISA_TUNE_WRONG);
    assert_null(alisa_tuner_journal_find(journal, &other));
    AlisaTuneTrial beside = fast; /* measured beside other parameters of other sets */
    beside.beside = 7;
    assert_null(alisa_tuner_journal_find(journal, &beside));
    alisa_tuner_journal_close(journal);
}

static void test_unfinished(void **state) {
    (void)state;
    AlisaError error;
    const AlisaTuneTrial crashed = trial_of(ALISA_FAMILY_DECODE, 0, 0, 64),
                         hung = trial_of(ALISA_FAMILY_DECODE, 0, 0, 128),
                         interrupted = trial_of(ALISA_FAMILY_DECODE, 0, 0, 256);
    AlisaTuneJournal *journal = open_journal("a device");
    assert_int_equal(alisa_tuner_journal_begin(journal, &crashed, &error), ALISA_OK);
    alisa_tuner_journal_close(journal); /* as a process that ends, nobody knows why: once more, */
    journal = open_journal("a device");
    assert_null(alisa_tuner_journal_find(journal, &crashed));
    assert_int_equal(alisa_tuner_journal_begin(journal, &crashed, &error), ALISA_OK);
    alisa_tuner_journal_close(journal); /* and no more */
    journal = open_journal("a device");
    assert_int_equal(alisa_tuner_journal_find(journal, &crashed)->end, ALISA_TUNE_CRASHED);
    assert_int_equal(alisa_tuner_journal_begin(journal, &hung, &error), ALISA_OK);
    assert_int_equal(alisa_tuner_journal_cancel(journal, &error), ALISA_OK);
    assert_null(alisa_tuner_journal_find(journal, &hung));
    assert_int_equal(alisa_tuner_journal_beat(journal, &error), ALISA_OK);
    assert_int_equal(alisa_tuner_journal_begin(journal, &hung, &error), ALISA_OK);
    alisa_tuner_journal_close(journal);
    assert_int_equal(alisa_tune_journal_note(path, ALISA_TUNE_ENDING_HUNG, &error), ALISA_OK);
    journal = open_journal("a device");
    assert_int_equal(alisa_tuner_journal_find(journal, &hung)->end, ALISA_TUNE_HUNG);
    assert_int_equal(alisa_tuner_journal_begin(journal, &interrupted, &error), ALISA_OK);
    alisa_tuner_journal_close(journal);
    assert_int_equal(alisa_tune_journal_note(path, ALISA_TUNE_ENDING_INTERRUPTED, &error),
                     ALISA_OK);
    /* Once nothing is under way, a note says nothing. */
    assert_int_equal(alisa_tune_journal_note(path, ALISA_TUNE_ENDING_CRASHED, &error), ALISA_OK);
    journal = open_journal("a device");
    assert_null(alisa_tuner_journal_find(journal, &interrupted));
    assert_non_null(alisa_tuner_journal_find(journal, &hung));
    assert_non_null(alisa_tuner_journal_find(journal, &crashed));
    alisa_tuner_journal_close(journal);
}

static void test_of_another_device(void **state) {
    (void)state;
    const AlisaTuneTrial trial = trial_of(ALISA_FAMILY_ROW, 0, 0, 64);
    AlisaTuneJournal *journal = open_journal("a device");
    measure(journal, &trial, ALISA_TUNE_MEASURED, 1.0);
    alisa_tuner_journal_close(journal);
    journal = open_journal("another device");
    assert_null(alisa_tuner_journal_find(journal, &trial));
    alisa_tuner_journal_close(journal);
    journal = open_journal("a device"); /* which is gone then */
    assert_null(alisa_tuner_journal_find(journal, &trial));
    alisa_tuner_journal_close(journal);
}

static void test_any_bytes(void **state) {
    (void)state;
    AlisaRandom random;
    alisa_random_seed(&random, 1);
    for (int round = 0; round < 200; round++) {
        AlisaTuneJournal *journal = open_journal("a device");
        const AlisaTuneTrial trial = trial_of(ALISA_FAMILY_SELECT, 0, 1, (uint32_t)round);
        measure(journal, &trial, ALISA_TUNE_MEASURED, 0.5);
        alisa_tuner_journal_close(journal);
        FILE *file = fopen(path, "r+b");
        assert_non_null(file);
        fseek(file, 0, SEEK_END);
        uint32_t size = (uint32_t)ftell(file);
        for (int i = 0; i < 4; i++) {
            fseek(file, (long)alisa_random_below(&random, size), SEEK_SET);
            fputc((int)alisa_random_below(&random, 256), file);
        }
        fclose(file);
    }
    alisa_tuner_journal_close(open_journal("a device"));
}

static void test_unwritable(void **state) {
    (void)state;
    AlisaTuneJournal *journal;
    AlisaError error;
    assert_int_equal(alisa_tuner_journal_open("/no/such/folder/journal", "a", &journal, &error),
                     ALISA_ERROR_IO);
    assert_non_null(strstr(error.message, "/no/such/folder/journal"));
    assert_null(journal);
    assert_int_equal(alisa_tuner_journal_open(NULL, "a", &journal, &error), ALISA_OK);
    const AlisaTuneTrial trial = trial_of(ALISA_FAMILY_ROW, 0, 0, 64);
    measure(journal, &trial, ALISA_TUNE_REFUSED, 0.0);
    assert_int_equal(alisa_tuner_journal_find(journal, &trial)->end, ALISA_TUNE_REFUSED);
    alisa_tuner_journal_close(journal);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found_again, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_unfinished, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_of_another_device, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_any_bytes, make_path, remove_path),
        cmocka_unit_test(test_unwritable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
