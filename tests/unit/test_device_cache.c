/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the cache: damage of any kind reads as "no entry"; writers share a folder. */
#include "fault/test_device.h"

#include <signal.h>
#include <sys/resource.h>

#include "device/cache.h"

static const char key[] = "device X\ndriver 1.2\nsource 0123\n";
static const char payload[] = "the binary of a program, of some length";

static char folder[256];

static int setup(void **state) {
    (void)state;
    make_folder(folder, sizeof folder);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    remove_folder(folder);
    return 0;
}

static AlisaCache open_cache(const char *path, ChildReport *report) {
    AlisaCache cache;
    AlisaLog log = {report ? report_log : NULL, report};
    alisa_cache_open(&cache, path, &log);
    return cache;
}

static bool holds(const AlisaCache *cache, const char *wanted_key, const char *wanted) {
    uint8_t *found;
    size_t size;
    if (!alisa_cache_read(cache, "program", wanted_key, &found, &size)) return false;
    bool equal = size == strlen(wanted) && memcmp(found, wanted, size) == 0;
    free(found);
    assert_true(equal);
    return true;
}

static void keep_path(const char *path, void *user) {
    snprintf(user, 1024, "%s", path);
}

static void test_what_is_written_is_read(void **state) {
    (void)state;
    AlisaCache cache = open_cache(folder, NULL);
    assert_false(holds(&cache, key, payload));
    alisa_cache_write(&cache, "program", key, payload, strlen(payload));
    assert_true(holds(&cache, key, payload));
    assert_false(holds(&cache, "device Y\n", payload));
    alisa_cache_write(&cache, "program", key, "new", 3);
    assert_true(holds(&cache, key, "new"));
    assert_int_equal(for_each_file(folder, NULL, NULL), 1);
    uint8_t *found;
    size_t size;
    assert_false(alisa_cache_read(&cache, "selftest", key, &found, &size));
    alisa_cache_close(&cache);
}

static void test_no_byte_may_change(void **state) {
    (void)state;
    AlisaCache cache = open_cache(folder, NULL);
    alisa_cache_write(&cache, "program", key, payload, strlen(payload));
    char path[1024];
    for_each_file(folder, keep_path, path);
    uint8_t *file;
    size_t size;
    assert_int_equal(alisa_disk_read(path, &file, &size, NULL), ALISA_OK);
    for (size_t i = 0; i < size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            file[i] ^= (uint8_t)(1 << bit);
            assert_int_equal(alisa_disk_write_atomic(path, file, size, NULL), ALISA_OK);
            if (holds(&cache, key, payload)) fail_msg("byte %zu bit %d went unnoticed", i, bit);
            file[i] ^= (uint8_t)(1 << bit);
        }
    }
    for (size_t length = 0; length < size; length++) {
        assert_int_equal(alisa_disk_write_atomic(path, file, length, NULL), ALISA_OK);
        if (holds(&cache, key, payload)) fail_msg("cut at %zu went unnoticed", length);
    }
    /* One byte too many, then the file as it was. */
    assert_int_equal(alisa_disk_write_atomic(path, file, size + 1, NULL), ALISA_OK);
    assert_false(holds(&cache, key, payload));
    assert_int_equal(alisa_disk_write_atomic(path, file, size, NULL), ALISA_OK);
    assert_true(holds(&cache, key, payload));
    free(file);
    alisa_cache_close(&cache);
}

/* A sound entry of another key under this key's name, as if two keys had one hash. */
static void test_foreign_entry_is_not_taken(void **state) {
    (void)state;
    AlisaCache cache = open_cache(folder, NULL);
    alisa_cache_write(&cache, "program", key, payload, strlen(payload));
    char mine[1024], other_folder[256], other[1024];
    for_each_file(folder, keep_path, mine);
    make_folder(other_folder, sizeof other_folder);
    AlisaCache other_cache = open_cache(other_folder, NULL);
    alisa_cache_write(&other_cache, "program", "device X\ndriver 1.3\nsource 0123\n", payload,
                      strlen(payload));
    for_each_file(other_folder, keep_path, other);
    assert_int_equal(rename(other, mine), 0);
    assert_false(holds(&cache, key, payload));
    alisa_cache_close(&cache);
    alisa_cache_close(&other_cache);
    remove_folder(other_folder);
}

static void test_folder_follows_the_environment(void **state) {
    (void)state;
    static const struct {
        const char *option, *own, *xdg, *home, *folder;
    } rows[] = {
        {"/o", "/a", "/x", "/h", "/o"},
        {"", "/a", "/x", "/h", NULL},
        {NULL, "/a", "/x", "/h", "/a"},
        {NULL, "", "/x", "/h", NULL},
        {NULL, NULL, "/x", "/h", "/x/alisa"},
        {NULL, NULL, "", "/h", "/h/.cache/alisa"},
        {NULL, NULL, NULL, "/h", "/h/.cache/alisa"},
        {NULL, NULL, NULL, NULL, NULL},
    };
    static const char *const names[] = {"ALISA_CACHE", "XDG_CACHE_HOME", "HOME"};
    char *before[3];
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        before[i] = value ? strdup(value) : NULL;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *values[] = {rows[i].own, rows[i].xdg, rows[i].home};
        for (int v = 0; v < 3; v++) {
            if (values[v])
                setenv(names[v], values[v], 1);
            else
                unsetenv(names[v]);
        }
        AlisaCache cache = open_cache(rows[i].option, NULL);
        if (rows[i].folder)
            assert_string_equal(cache.folder, rows[i].folder);
        else
            assert_null(cache.folder);
        alisa_cache_close(&cache);
    }
    for (int i = 0; i < 3; i++) {
        if (before[i])
            setenv(names[i], before[i], 1);
        else
            unsetenv(names[i]);
        free(before[i]);
    }
}

static void test_off_keeps_nothing(void **state) {
    (void)state;
    ChildReport report = {0};
    AlisaCache cache = open_cache("", &report);
    alisa_cache_write(&cache, "program", key, payload, strlen(payload));
    assert_false(holds(&cache, key, payload));
    assert_int_equal(report.warnings, 0);
    alisa_cache_close(&cache);
}

static void test_unwritable_folder_warns_once(void **state) {
    (void)state;
    char path[300];
    snprintf(path, sizeof path, "%s/file/cache", folder);
    write_text(folder, "file", "in the way");
    ChildReport report = {0};
    AlisaCache cache = open_cache(path, &report);
    for (int i = 0; i < 3; i++) {
        alisa_cache_write(&cache, "program", key, payload, strlen(payload));
    }
    assert_int_equal(report.warnings, 1);
    assert_non_null(strstr(report.last_warning, "running uncached"));
    assert_non_null(strstr(report.last_warning, "/file"));
    alisa_cache_close(&cache);
}

/* A write that stops in the middle, as on a full disk. */
static void test_full_disk_warns_and_leaves_no_file(void **state) {
    (void)state;
    static char large[1 << 16];
    memset(large, 'x', sizeof large);
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 1000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ChildReport report = {0};
    AlisaCache cache = open_cache(folder, &report);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    alisa_cache_write(&cache, "program", key, large, sizeof large);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(report.warnings, 1);
    assert_false(holds(&cache, key, large));
    assert_int_equal(for_each_file(folder, NULL, NULL), 0);
    alisa_cache_close(&cache);
}

static void write_and_read_often(ChildReport *report) {
    static char block[20000];
    AlisaCache cache = open_cache(report->folder, report);
    for (int round = 0; round < 200; round++) {
        memset(block, 'a' + (getpid() + round) % 26, sizeof block);
        alisa_cache_write(&cache, "program", key, block, sizeof block);
        uint8_t *found;
        size_t size;
        if (!alisa_cache_read(&cache, "program", key, &found, &size)) _exit(1);
        for (size_t i = 1; i < size; i++) {
            if (found[i] != found[0]) _exit(2);
        }
        free(found);
    }
    alisa_cache_close(&cache);
    if (report->warnings) _exit(3);
}

static void test_processes_share_a_folder(void **state) {
    (void)state;
    ChildReport *report = make_report();
    snprintf(report->folder, sizeof report->folder, "%s", folder);
    pid_t children[4];
    for (int i = 0; i < 4; i++)
        children[i] = start_child(write_and_read_often, report);
    for (int i = 0; i < 4; i++)
        wait_child(children[i]);
    assert_int_equal(for_each_file(folder, NULL, NULL), 1);
    free_report(report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_written_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_byte_may_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_entry_is_not_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder_follows_the_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_off_keeps_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unwritable_folder_warns_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk_warns_and_leaves_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_processes_share_a_folder, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
