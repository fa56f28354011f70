/* SPDX-License-Identifier: Apache-2.0 */
/* Files of tuned parameters: what is written is found; what is damaged, foreign or cannot be
 * written costs a sentence and nothing else. */
#include "unit/tune_support.h"

#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char folder[256], tuning[300];

static int setup(void **state) {
    (void)state;
    make_folder(folder, sizeof folder);
    snprintf(tuning, sizeof tuning, "%s/tuning", folder);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for_each_file(tuning, remove_file, NULL);
    rmdir(tuning);
    remove_folder(folder);
    return 0;
}

/* What a device finds in the folder; its group, or 0. */
static int find(const AlisaTuneKey *key, AlisaTuningMatch *match, ChildReport *report) {
    const AlisaLog log = {report ? report_log : NULL, report};
    AlisaTuneEntry entry;
    OK(alisa_tuner_store_find(folder, key, &log, &entry, match, &error));
    int group = *match == ALISA_TUNING_NONE || entry.built_in ? 0 : group_of(&entry);
    alisa_tuner_entry_finish(&entry);
    return group;
}

/* ---- Sound entries ------------------------------------------------------------------------- */

static void test_written_is_found(void **state) {
    (void)state;
    AlisaTuneKey key = make_key();
    AlisaTuningMatch match;
    AlisaTuneEntry entry = make_entry(64);
    find(&key, &match, NULL);
    assert_true(match < ALISA_TUNING_EXACT);
    OK(alisa_tuner_store_write(folder, &entry, &error));
    assert_int_equal(find(&key, &match, NULL), 64);
    assert_int_equal(match, ALISA_TUNING_EXACT);
    assert_false(entry.built_in);
    assert_int_equal(strncmp(entry.name, "amd-radeon-rx-7900-xtx-48-", 26), 0);
    char path[600];
    snprintf(path, sizeof path, "%s/%s.json", tuning, entry.name);
    assert_int_equal(access(path, R_OK), 0);

    /* Other kernels: stale, and tuning anew replaces it. Another driver has a file of its own. */
    snprintf(key.kernels, sizeof key.kernels, "other");
    assert_int_equal(find(&key, &match, NULL), 64);
    assert_int_equal(match, ALISA_TUNING_STALE);
    entry.key = key;
    OK(alisa_tuner_store_write(folder, &entry, &error));
    assert_int_equal(for_each_file(tuning, NULL, NULL), 1);
    find(&key, &match, NULL);
    assert_int_equal(match, ALISA_TUNING_EXACT);
    snprintf(key.driver, sizeof key.driver, "new");
    find(&key, &match, NULL);
    assert_int_equal(match, ALISA_TUNING_STALE);
    entry.key = key;
    OK(alisa_tuner_store_write(folder, &entry, &error));
    assert_int_equal(for_each_file(tuning, NULL, NULL), 2);

    /* A device of which nothing is known takes what there is for any of its kind. */
    AlisaDeviceInfo nothing = {0};
    alisa_tuner_key_init(&key, &nothing, "");
    find(&key, &match, NULL);
    assert_int_equal(match, ALISA_TUNING_NONE);
    entry.serves = ALISA_TUNING_NONE;
    OK(alisa_tuner_store_write(folder, &entry, &error));
    find(&key, &match, NULL);
    assert_int_equal(match, ALISA_TUNING_TYPE);
    alisa_tuner_entry_finish(&entry);
}

static void test_words(void **state) {
    (void)state;
    char text[256], name[128];
    alisa_tuner_describe("PoCL/znver5", true, ALISA_TUNING_ARCHITECTURE, text);
    assert_string_equal(text, "built-in entry 'PoCL/znver5', same architecture");
    alisa_tuner_describe("x", false, ALISA_TUNING_STALE, text);
    assert_says(text, "own entry 'x', stale");
    assert_says(text, "alisa tune");
    alisa_tuner_describe("", false, ALISA_TUNING_NONE, text);
    assert_string_equal(text, "none: defaults; `alisa tune` would help");
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    alisa_tuner_describe(name, true, ALISA_TUNING_STALE, text);
    assert_says(text, "renews it");
}

/* What could not be read back is not written. */
static void test_bad_parameters_are_not_written(void **state) {
    (void)state;
    AlisaTuneEntry entry = make_entry(64);
    json_object_set_new(entry.parameters, "softmax", json_pack("{s:f}", "half", 0.5));
    assert_int_equal(alisa_tuner_store_write(folder, &entry, &error), ALISA_ERROR_ARGUMENT);
    assert_says(error.message, "softmax");
    assert_int_equal(alisa_tuner_store_write(folder, &entry, NULL), ALISA_ERROR_ARGUMENT);
    assert_int_equal(for_each_file(tuning, NULL, NULL), 0);
    alisa_tuner_entry_finish(&entry);
}

/* ---- Files that cannot be used ------------------------------------------------------------- */

static void test_bad_files_are_skipped(void **state) {
    (void)state;
    AlisaTuneKey key = make_key();
    AlisaTuneEntry entry = make_entry(64);
    OK(alisa_tuner_store_write(folder, &entry, &error));
    char *text = format(&entry), path[600];
    size_t length = strlen(text);
    struct {
        const char *name, *part;
    } bad[] = {
        {"a-cut.json", "JSON"},     {"b-empty.json", "JSON"},   {"c-foreign.json", "format"},
        {"d-newer.json", "newer"},  {"e-large.json", "larger"}, {"f-folder.json", "regular"},
        {"g-pipe.json", "regular"}, {"h-list.json", "format"},  {"i-gone.json", "open"},
    };
    char *large = malloc(length + 300001);
    assert_non_null(large);
    snprintf(large, length + 300001, "%s%300000s", text, "");
    text[length / 2] = 0;
    write_text(tuning, bad[0].name, text);
    write_text(tuning, bad[1].name, "");
    write_text(tuning, bad[2].name, "{\"format\": \"other\", \"version\": 1}");
    write_text(tuning, bad[3].name, "{\"format\": \"alisa-tuning\", \"version\": 9}");
    write_text(tuning, bad[4].name, large);
    snprintf(path, sizeof path, "%s/%s", tuning, bad[5].name);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/%s", tuning, bad[6].name);
    assert_int_equal(mkfifo(path, 0600), 0);
    write_text(tuning, bad[7].name, "[]");
    snprintf(path, sizeof path, "%s/%s", tuning, bad[8].name);
    assert_int_equal(symlink("nowhere", path), 0);
    /* These are none of the store's files. */
    write_text(tuning, "readme.txt", "x");
    write_text(tuning, "x.json.AbCdEf", "x");
    write_text(tuning, ".hidden.json", "x");

    AlisaTuningMatch match;
    ChildReport report = {0};
    assert_int_equal(find(&key, &match, &report), 64);
    assert_int_equal(match, ALISA_TUNING_EXACT);
    assert_int_equal(report.warnings, sizeof bad / sizeof *bad);
    /* Each alone, to see its words: the last warning is of the last file. */
    for (size_t i = sizeof bad / sizeof *bad; i-- > 0;) {
        report = (ChildReport){0};
        find(&key, &match, &report);
        assert_says(report.last_warning, bad[i].name);
        assert_says(report.last_warning, bad[i].part);
        assert_says(report.last_warning, "skipped");
        snprintf(path, sizeof path, "%s/%s", tuning, bad[i].name);
        assert_int_equal(remove(path), 0);
    }
    snprintf(path, sizeof path, "%s/.hidden.json", tuning);
    unlink(path);
    free(large);
    free(text);
    alisa_tuner_entry_finish(&entry);
}

/* Damaged bytes in the folder are taken for what they are, or cost a warning. */
static void test_damaged_files_do_no_harm(void **state) {
    (void)state;
    AlisaTuneEntry entry = make_entry(64), read;
    AlisaTuneKey key = make_key();
    char *text = format(&entry), bytes[8192], path[600];
    size_t length = strlen(text);
    assert_true(length < sizeof bytes - 100);
    AlisaRandom random;
    alisa_random_seed(&random, 20260201);
    assert_int_equal(alisa_folder_create(tuning, NULL), ALISA_OK);
    snprintf(path, sizeof path, "%s/mutated.json", tuning);
    for (int round = 0; round < 500; round++) {
        size_t size = mutate(text, length, bytes, sizeof bytes, &random);
        AlisaStatus status = alisa_tuner_entry_parse(bytes, size, "", NULL, &read, NULL);
        alisa_tuner_entry_finish(&read);
        AlisaTuningMatch match;
        ChildReport report = {0};
        assert_int_equal(alisa_disk_write_atomic(path, bytes, size, NULL), ALISA_OK);
        find(&key, &match, &report);
        if (status == ALISA_OK) continue;
        assert_int_equal(report.warnings, 1);
        assert_says(report.last_warning, "mutated.json");
    }
    free(text);
    alisa_tuner_entry_finish(&entry);
}

/* ---- Writing that fails -------------------------------------------------------------------- */

/* In a child, as a user that may not write there. */
static void write_as_nobody(ChildReport *report) {
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)) {
        _exit(1);
    }
    AlisaTuneEntry entry = make_entry(128);
    report->status = alisa_tuner_store_write(report->folder, &entry, &report->error);
    alisa_tuner_entry_finish(&entry);
}

static void test_folder_that_is_read_only(void **state) {
    (void)state;
    AlisaTuneKey key = make_key();
    AlisaTuningMatch match;
    AlisaTuneEntry entry = make_entry(64);
    ChildReport *report = make_report();
    snprintf(report->folder, sizeof report->folder, "%s", folder);
    OK(alisa_tuner_store_write(folder, &entry, &error));
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(chmod(tuning, 0555), 0);
    run_child(write_as_nobody, report);
    assert_int_equal(report->status, ALISA_ERROR_IO);
    assert_says(report->error.message, "not kept");
    assert_says(report->error.message, tuning);
    assert_says(report->error.message, "Permission denied");
    assert_int_equal(find(&key, &match, NULL), 64);
    assert_int_equal(for_each_file(tuning, NULL, NULL), 1);
    chmod(tuning, 0755);
    chmod(folder, 0755);
    free_report(report);
    alisa_tuner_entry_finish(&entry);
}

static void test_folder_that_cannot_be(void **state) {
    (void)state;
    char path[300];
    AlisaTuneEntry entry = make_entry(64);
    write_text(folder, "file", "in the way");
    snprintf(path, sizeof path, "%s/file", folder);
    assert_int_equal(alisa_tuner_store_write(path, &entry, &error), ALISA_ERROR_IO);
    assert_says(error.message, path);
    assert_int_equal(alisa_tuner_store_write(NULL, &entry, &error), ALISA_ERROR_IO);
    assert_says(error.message, "ALISA_CACHE");
    char *endless = malloc(10000);
    assert_non_null(endless);
    memset(endless, 'x', 9999);
    endless[9999] = 0;
    assert_int_equal(alisa_tuner_store_write(endless, &entry, &error), ALISA_ERROR_IO);
    free(endless);
    /* Looking there is no failure. */
    AlisaTuneEntry found;
    AlisaTuningMatch match;
    OK(alisa_tuner_store_find(path, &entry.key, NULL, &found, &match, &error));
    assert_int_equal(match, ALISA_TUNING_NONE);
    alisa_tuner_entry_finish(&found);
    /* Nor does it keep a device from an entry of the library. */
    const AlisaDeviceInfo served = {.type = ALISA_DEVICE_GPU,
                                    .vendor_id = 0x10de,
                                    .platform = "NVIDIA CUDA",
                                    .vendor = "NVIDIA Corporation",
                                    .name = "NVIDIA GeForce RTX 4090"};
    AlisaTuneKey key;
    alisa_tuner_key_init(&key, &served, KERNELS);
    for (int i = 0; i < 2; i++) {
        OK(alisa_tuner_store_find(i ? NULL : path, &key, NULL, &found, &match, &error));
        assert_true(match >= ALISA_TUNING_VENDOR && found.built_in);
        alisa_tuner_entry_finish(&found);
    }
    alisa_tuner_entry_finish(&entry);
}

/* A write that stops in the middle, as on a full disk. */
static void test_full_disk_leaves_the_old_file(void **state) {
    (void)state;
    AlisaTuneKey key = make_key();
    AlisaTuningMatch match;
    AlisaTuneEntry entry = make_entry(64), newer = make_entry(128);
    OK(alisa_tuner_store_write(folder, &entry, &error));
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 200;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    AlisaStatus status = alisa_tuner_store_write(folder, &newer, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, ALISA_ERROR_IO);
    assert_says(error.message, tuning);
    assert_int_equal(find(&key, &match, NULL), 64);
    assert_int_equal(match, ALISA_TUNING_EXACT);
    assert_int_equal(for_each_file(tuning, NULL, NULL), 1);
    alisa_tuner_entry_finish(&entry);
    alisa_tuner_entry_finish(&newer);
}

static void write_and_find_often(ChildReport *report) {
    AlisaTuneEntry entry = make_entry(32);
    for (int round = 0; round < 100; round++) {
        const AlisaLog log = {report_log, report};
        AlisaTuneEntry found;
        AlisaTuningMatch match;
        /* Of different lengths, so that a mix would be seen. */
        json_object_set_new(entry.parameters, "filler",
                            json_pack("{s:i}", round % 2 ? "a" : "a-name-that-is-longer", round));
        if (alisa_tuner_store_write(report->folder, &entry, NULL) != ALISA_OK) _exit(1);
        if (alisa_tuner_store_find(report->folder, &entry.key, &log, &found, &match, NULL))
            _exit(2);
        if (match != ALISA_TUNING_EXACT || group_of(&found) != 32) _exit(3);
        alisa_tuner_entry_finish(&found);
    }
    if (report->warnings) _exit(4);
    alisa_tuner_entry_finish(&entry);
}

static void test_writers_at_once_leave_one_whole_file(void **state) {
    (void)state;
    ChildReport *report = make_report();
    AlisaTuningMatch match;
    AlisaTuneKey key = make_key();
    snprintf(report->folder, sizeof report->folder, "%s", folder);
    pid_t children[3];
    for (int i = 0; i < 3; i++)
        children[i] = start_child(write_and_find_often, report);
    for (int i = 0; i < 3; i++)
        wait_child(children[i]);
    assert_int_equal(for_each_file(tuning, NULL, NULL), 1);
    assert_int_equal(find(&key, &match, NULL), 32);
    free_report(report);
}

/* ---- From one machine to another ----------------------------------------------------------- */

static void test_export_and_import(void **state) {
    (void)state;
    char path[300];
    AlisaTuneKey key = make_key();
    AlisaTuningMatch match;
    AlisaTuneEntry entry = make_entry(96), read;
    snprintf(path, sizeof path, "%s/exported", folder);
    OK(alisa_tuner_store_export(&entry, path, &error));
    OK(alisa_tuner_store_import(folder, path, NULL, &read, &error));
    assert_int_equal(group_of(&read), 96);
    assert_int_equal(strncmp(read.name, "amd-radeon-rx-7900-xtx-48-", 26), 0);
    alisa_tuner_entry_finish(&read);
    assert_int_equal(find(&key, &match, NULL), 96);
    assert_int_equal(match, ALISA_TUNING_EXACT);

    /* What is no entry changes nothing. */
    write_text(folder, "exported", "{\"format\": \"alisa-tuning\"}");
    assert_int_equal(alisa_tuner_store_import(folder, path, NULL, &read, &error),
                     ALISA_ERROR_FORMAT);
    assert_says(error.message, path);
    assert_null(read.parameters);
    assert_int_equal(alisa_tuner_store_import(folder, "/nowhere", NULL, &read, &error),
                     ALISA_ERROR_IO);
    assert_int_equal(alisa_tuner_store_import(folder, folder, NULL, &read, &error), ALISA_ERROR_IO);
    assert_int_equal(alisa_tuner_store_import(folder, "/dev/zero", NULL, &read, &error),
                     ALISA_ERROR_FORMAT);
    OK(alisa_tuner_store_export(&entry, path, &error));
    assert_int_equal(alisa_tuner_store_import("/proc/alisa", path, NULL, &read, &error),
                     ALISA_ERROR_IO);
    assert_null(read.parameters);
    assert_int_equal(find(&key, &match, NULL), 96);
    assert_int_equal(alisa_tuner_store_export(&entry, "/proc/alisa/file", &error), ALISA_ERROR_IO);
    assert_says(error.message, "/proc/alisa/file");
    alisa_tuner_entry_finish(&entry);
}

static void import_standard_input(ChildReport *report) {
    char path[300];
    AlisaTuneEntry read;
    snprintf(path, sizeof path, "%s/exported", report->folder);
    if (!freopen(path, "r", stdin)) _exit(1);
    report->status = alisa_tuner_store_import(report->folder, "-", NULL, &read, &report->error);
    if (report->status == ALISA_OK) report->number = group_of(&read);
    alisa_tuner_entry_finish(&read);
}

static void test_import_from_standard_input(void **state) {
    (void)state;
    char path[300];
    AlisaTuneEntry entry = make_entry(96);
    ChildReport *report = make_report();
    snprintf(report->folder, sizeof report->folder, "%s", folder);
    snprintf(path, sizeof path, "%s/exported", folder);
    OK(alisa_tuner_store_export(&entry, path, &error));
    run_child(import_standard_input, report);
    assert_int_equal(report->status, ALISA_OK);
    assert_true(report->number == 96);
    free_report(report);
    alisa_tuner_entry_finish(&entry);
}

/* ---- The list of devices ------------------------------------------------------------------- */

static void list_and_tune(ChildReport *report) {
    AlisaDeviceInfo *infos;
    setenv("ALISA_CACHE", report->folder, 1);
    for (int round = 0; round < 2; round++) {
        report->status = alisa_devices_list(&infos, &report->info_count, &report->error);
        if (report->status != ALISA_OK) return;
        AlisaDeviceInfo *info = &infos[0];
        while (info < infos + report->info_count - 1 && !info->usable)
            info++;
        report->infos[round] = *info;
        alisa_devices_free(infos);
        char kernels[ALISA_CACHE_HASH_SIZE];
        AlisaTuneKey key;
        AlisaTuneEntry entry;
        if (alisa_tuner_kernels_hash(kernels, NULL) != ALISA_OK) _exit(1);
        alisa_tuner_key_init(&key, &report->infos[round], kernels);
        if (alisa_tuner_entry_init(&entry, &key, "test", NULL) != ALISA_OK) _exit(2);
        if (alisa_tuner_store_write(report->folder, &entry, NULL) != ALISA_OK) _exit(3);
        alisa_tuner_entry_finish(&entry);
    }
}

static void test_listed_devices_have_it(void **state) {
    (void)state;
    ChildReport *report = make_report();
    snprintf(report->folder, sizeof report->folder, "%s", folder);
    run_child(list_and_tune, report);
    if (report->status != ALISA_OK) fail_msg("%s", report->error.message);
    const AlisaDeviceInfo *before = &report->infos[0], *after = &report->infos[1];
    assert_true(before->tuning_match < ALISA_TUNING_EXACT || before->tuning_built_in);
    assert_int_equal(before->tuning[0] == 0, before->tuning_match == ALISA_TUNING_NONE);
    assert_int_equal(after->tuning_match, ALISA_TUNING_EXACT);
    assert_false(after->tuning_built_in);
    assert_true(strlen(after->tuning) > 0);
    free_report(report);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_written_is_found),
        TEST(test_words),
        TEST(test_bad_parameters_are_not_written),
        TEST(test_bad_files_are_skipped),
        TEST(test_damaged_files_do_no_harm),
        TEST(test_folder_that_is_read_only),
        TEST(test_folder_that_cannot_be),
        TEST(test_full_disk_leaves_the_old_file),
        TEST(test_writers_at_once_leave_one_whole_file),
        TEST(test_export_and_import),
        TEST(test_import_from_standard_input),
        TEST(test_listed_devices_have_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
