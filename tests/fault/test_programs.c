/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that do not compile, and those of a cache that is damaged, shared, or cannot be written.
 * Each case runs in a child of its own. */
#include "device/device.h"
#include "device/internal.h"
#include "fault/own_cache.h"

static void with_bad_kernel(ChildReport *into) {
    use_kernel(into, "bad.cl", "__kernel void bad(__global float *x) {\n    x[0] = nonsense;\n}\n");
    AlisaDevice *device = open_device(into, NULL, NULL);
    if (!device) return;
    AlisaKernel *kernel;
    into->status = alisa_kernel_get(device, "bad.cl", "bad", "-DX=1", &kernel, &into->error);
    if (kernel) _exit(1);
    alisa_device_close(device);
}

static void test_kernel_that_does_not_compile(void **state) {
    (void)state;
    run_child(with_bad_kernel, report);
    assert_int_equal(report->status, ALISA_ERROR_DEVICE);
    assert_says("does not compile bad.cl");
    assert_says("-DX=1");
    assert_says("CL_BUILD_PROGRAM_FAILURE (-11)");
    assert_says("nonsense");
    assert_true(report->debug_lines > 0);
    assert_null(strchr(report->error.message, '\n'));
}

static const char triple_text[] = "__kernel void triple(__global float *x) {\n"
                                  "    x[get_global_id(0)] *= 3.0f;\n"
                                  "}\n";

/* Builds `triple`, checks what it computes and saves. number: 1 if the program came from the cache.
 */
static void run_triple(ChildReport *into, void (*tamper)(AlisaDevice *, AlisaKernel *)) {
    char cache[300];
    below(into, "cache", cache);
    use_kernel(into, "triple.cl", triple_text);
    AlisaDevice *device = open_device(into, NULL, cache);
    if (!device) return;
    AlisaKernel *kernel;
    AlisaBuffer x = {0};
    float values[64], results[64];
    for (int i = 0; i < 64; i++)
        values[i] = (float)i + 0.25f;
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&x)};
    const AlisaLaunch launch = {{64, 1, 1}, {16, 1, 1}};
    AlisaError *error = &into->error;
    into->status = alisa_kernel_get(device, "triple.cl", "triple", "", &kernel, error);
    if (into->status != ALISA_OK) _exit(1);
    into->number = kernel->program->from_cache;
    if (alisa_buffer_create(device, sizeof values, ALISA_BUFFER_READ_WRITE, "x", &x, error) ||
        alisa_buffer_write(device, &x, 0, values, sizeof values, error) ||
        alisa_kernel_launch(kernel, &launch, arguments, 1, error) ||
        alisa_buffer_read(device, &x, 0, results, sizeof results, error)) {
        _exit(2);
    }
    for (int i = 0; i < 64; i++) {
        if (results[i] != values[i] * 3) _exit(3);
    }
    alisa_opencl_save_programs(device);
    if (tamper) tamper(device, kernel);
    alisa_buffer_destroy(&x);
    alisa_device_close(device);
}

static void run_plain(ChildReport *into) {
    run_triple(into, NULL);
}

static void damage(const char *path, void *user) {
    uint8_t *file;
    size_t size;
    if (!strstr(path, "/program-")) return;
    assert_int_equal(alisa_disk_read(path, &file, &size, NULL), ALISA_OK);
    switch (*(int *)user) {
    case 0: /* cut in the middle */
        size /= 2;
        break;
    case 1: /* empty */
        size = 0;
        break;
    case 2: /* header */
        file[3] ^= 1;
        break;
    case 3: /* key */
        file[45] ^= 1;
        break;
    default: /* binary */
        file[size - 100] ^= 1;
    }
    assert_int_equal(alisa_disk_write_atomic(path, file, size, NULL), ALISA_OK);
    free(file);
}

static void test_cached_programs_and_damaged_ones(void **state) {
    (void)state;
    char cache[300];
    below(report, "cache", cache);
    run_child(run_plain, report);
    assert_true(report->number == 0);
    run_child(run_plain, report);
    assert_true(report->number == 1);
    for (int kind = 0; kind < 5; kind++) {
        assert_int_equal(for_each_file(cache, damage, &kind), 3);
        run_child(run_plain, report);
        assert_true(report->number == 0);
        run_child(run_plain, report);
        assert_true(report->number == 1);
    }
    assert_int_equal(report->warnings, 0);
}

/* A sound entry that holds no binary of this driver. */
static void plant_foreign_binary(AlisaDevice *device, AlisaKernel *kernel) {
    uint8_t entry[4 + 400];
    memset(entry, 0, 4); /* no variants */
    memset(entry + 4, 0x5a, sizeof entry - 4);
    alisa_cache_write(&device->cache, "program", kernel->program->cache_key, entry, sizeof entry);
}

static void run_and_plant_foreign_binary(ChildReport *into) {
    run_triple(into, plant_foreign_binary);
}

static void test_binary_that_the_driver_refuses(void **state) {
    (void)state;
    run_child(run_and_plant_foreign_binary, report);
    run_child(run_plain, report);
    assert_int_equal(report->status, ALISA_OK);
    assert_true(report->number == 0);
    assert_int_equal(report->warnings, 0);
    run_child(run_plain, report);
    assert_true(report->number == 1);
}

static void test_processes_share_the_cache(void **state) {
    (void)state;
    pid_t children[3];
    char cache[300];
    for (int i = 0; i < 3; i++)
        children[i] = start_child(run_plain, report);
    for (int i = 0; i < 3; i++)
        wait_child(children[i]);
    below(report, "cache", cache);
    /* Trials, self-test, program: three entries and nothing left over. */
    assert_int_equal(for_each_file(cache, NULL, NULL), 3);
    run_child(run_plain, report);
    assert_true(report->number == 1);
    assert_int_equal(report->warnings, 0);
}

/* A new local size is compiled at its launch by some drivers, so the entry is written anew. */
static void launch_otherwise(AlisaDevice *device, AlisaKernel *kernel) {
    if (kernel->program->unsaved) _exit(4);
    AlisaBuffer x = {0};
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&x)};
    const AlisaLaunch same = {{32, 1, 1}, {16, 1, 1}}, other = {{64, 1, 1}, {32, 1, 1}};
    if (alisa_buffer_create(device, 256, ALISA_BUFFER_READ_WRITE, "x", &x, NULL)) _exit(5);
    if (alisa_kernel_launch(kernel, &same, arguments, 1, NULL) || kernel->program->unsaved)
        _exit(6);
    if (alisa_kernel_launch(kernel, &other, arguments, 1, NULL) || !kernel->program->unsaved) {
        _exit(7);
    }
    alisa_opencl_save_programs(device);
    alisa_buffer_destroy(&x);
}

static void run_and_launch_otherwise(ChildReport *into) {
    run_triple(into, launch_otherwise);
}

static void launch_known_variants(AlisaDevice *device, AlisaKernel *kernel) {
    (void)device;
    if (kernel->program->variant_count != 2 || kernel->program->unsaved) _exit(8);
}

static void run_known_variants(ChildReport *into) {
    run_triple(into, launch_known_variants);
}

static void test_new_variants_are_saved(void **state) {
    (void)state;
    run_child(run_and_launch_otherwise, report);
    run_child(run_known_variants, report);
    assert_true(report->number == 1);
}

static void run_uncached(ChildReport *into) {
    char path[300];
    write_text(into->folder, "cache", "a file where the folder should be");
    run_triple(into, NULL);
    below(into, "cache", path);
    unlink(path);
}

static void test_unwritable_cache_warns_once_and_runs(void **state) {
    (void)state;
    run_child(run_uncached, report);
    assert_int_equal(report->status, ALISA_OK);
    assert_int_equal(report->warnings, 1);
    assert_non_null(strstr(report->last_warning, "running uncached"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kernel_that_does_not_compile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cached_programs_and_damaged_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(test_binary_that_the_driver_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_processes_share_the_cache, setup, teardown),
        cmocka_unit_test_setup_teardown(test_new_variants_are_saved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unwritable_cache_warns_once_and_runs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
