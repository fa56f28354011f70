/* SPDX-License-Identifier: Apache-2.0 */
/* Drivers that are missing, lie, fail or fill up. Each case runs in a child of its own (see the
 * header); this process never calls OpenCL. */
#include <glob.h>

#include "device/device.h"
#include "device/embedded.h"
#include "device/internal.h"
#include "fault/own_cache.h"

static void list_devices(ChildReport *into) {
    AlisaDeviceInfo *infos;
    into->status = alisa_devices_list(&infos, &into->info_count, &into->error);
    for (size_t i = 0; i < into->info_count && i < 8; i++)
        into->infos[i] = infos[i];
    alisa_devices_free(infos);
}

static void list_and_open(ChildReport *into) {
    list_devices(into);
    if (into->status == ALISA_OK) alisa_device_close(open_device(into, NULL, NULL));
}

/* ---- Drivers that are not there ----------------------------------------------------------- */

static void without_driver(ChildReport *into) {
    setenv("OCL_ICD_VENDORS", "/nonexistent/", 1);
    setenv("OCL_ICD_FILENAMES", "", 1);
    list_and_open(into);
}

static void test_no_driver(void **state) {
    (void)state;
    run_child(without_driver, report);
    assert_int_equal(report->status, ALISA_ERROR_NO_DEVICE);
    assert_int_equal(report->info_count, 0);
    assert_says("No OpenCL driver is installed");
    assert_says("pocl-opencl-icd");
}

static bool has_rusticl(void) {
    if (access("/etc/OpenCL/vendors/rusticl.icd", F_OK) == 0) return true;
    print_message("skipped: no second OpenCL implementation (mesa-opencl-icd) is installed\n");
    return false;
}

static void without_devices(ChildReport *into) {
    setenv("OCL_ICD_VENDORS", "rusticl.icd", 1);
    unsetenv("RUSTICL_ENABLE");
    list_and_open(into);
}

static void test_platform_without_devices(void **state) {
    (void)state;
    if (!has_rusticl()) skip();
    run_child(without_devices, report);
    assert_int_equal(report->status, ALISA_ERROR_NO_DEVICE);
    assert_says("rusticl");
    assert_says("No OpenCL device was found");
}

static void with_two_devices(ChildReport *into) {
    setenv("POCL_DEVICES", "pthread pthread", 1);
    list_devices(into);
    if (into->status != ALISA_OK) return;
    AlisaDevice *device = open_device(into, "1", NULL);
    if (device) into->number = alisa_device_info(device)->index;
    alisa_device_close(device);
}

static bool has_pocl(void) {
    glob_t found;
    bool has = glob("/etc/OpenCL/vendors/pocl*.icd", 0, NULL, &found) == 0;
    if (has)
        globfree(&found);
    else
        print_message("skipped: PoCL is not installed\n");
    return has;
}

static void test_two_devices(void **state) {
    (void)state;
    if (!has_pocl()) skip();
    run_child(with_two_devices, report);
    assert_int_equal(report->status, ALISA_OK);
    assert_true(report->info_count >= 2);
    assert_int_equal(report->infos[1].index, 1);
    assert_true(report->number == 1);
}

static void with_small_groups(ChildReport *into) {
    setenv("OCL_ICD_VENDORS", "pocl.icd", 1);
    setenv("POCL_MAX_WORK_GROUP_SIZE", "32", 1);
    list_and_open(into);
}

static void test_device_below_the_floor(void **state) {
    (void)state;
    if (!has_pocl()) skip();
    run_child(with_small_groups, report);
    assert_true(report->info_count >= 1);
    assert_false(report->infos[0].usable);
    assert_non_null(strstr(report->infos[0].reason, "work-groups of 64 are needed"));
    assert_int_equal(report->status, ALISA_ERROR_NO_DEVICE);
    assert_says("work-groups of 64 are needed, the device allows 32");
}

static const char *trial_text; /* instead of cl/trial/fp64.cl; NULL: the real one */

static void with_trial(ChildReport *into) {
    setenv("ALISA_CACHE", "", 1);
    if (trial_text) {
        char folder[300];
        below(into, "kernels/trial", folder);
        if (alisa_folder_create(folder, NULL) != ALISA_OK) _exit(1);
        use_kernel(into, "trial/fp64.cl", trial_text);
    }
    list_devices(into);
    if (into->info_count) into->number = into->infos[0].capabilities & ALISA_CAPABILITY_FP64;
    char path[300];
    below(into, "kernels/trial", path);
    remove_folder(path);
}

/* A promised extension counts only if its trial compiles and computes. */
static void test_capabilities_are_tried(void **state) {
    (void)state;
    run_child(with_trial, report);
    if (report->number == 0) {
        print_message("skipped: the first device has no double arithmetic\n");
        skip();
    }
    trial_text = "__kernel void trial(__global const float *in, __global float *out) {\n"
                 "    out[get_global_id(0)] = in[get_global_id(0)] + 1.0f;\n}\n";
    run_child(with_trial, report);
    assert_true(report->number == 0 && report->infos[0].usable);
    trial_text = "this is no kernel\n";
    run_child(with_trial, report);
    assert_true(report->number == 0 && report->infos[0].usable);
}

/* ---- Devices that compute wrong results --------------------------------------------------- */

static void with_rusticl(ChildReport *into) {
    setenv("OCL_ICD_VENDORS", "rusticl.icd", 1);
    setenv("RUSTICL_ENABLE", "llvmpipe", 1);
    char cache[300];
    below(into, "cache", cache);
    alisa_device_close(open_device(into, NULL, cache));
    if (into->status == ALISA_OK) return;
    AlisaStatus first = into->status;
    /* Failing is not remembered as passing. */
    alisa_device_close(open_device(into, NULL, cache));
    if (into->status != first) _exit(1);
}

/* Releases of 2022 stop every loop at 65,535 rounds and say nothing. */
static void test_driver_that_cuts_loops_is_refused(void **state) {
    (void)state;
    if (!has_rusticl()) skip();
    run_child(with_rusticl, report);
    if (report->status == ALISA_OK || !strstr(report->error.message, "driver 22.")) {
        print_message("skipped: this Rusticl is not of the releases that cut loops: %s\n",
                      report->error.message);
        skip();
    }
    assert_int_equal(report->status, ALISA_ERROR_DEVICE);
    assert_says("computes wrong results in the self-test of loops");
    assert_says("-dev");
}

typedef struct Plant {
    const char *from, *to; /* replaced once in cl/selftest.cl */
    const char *name;      /* of the test that must notice */
} Plant;

static const Plant *plant;

static void with_planted_fault(ChildReport *into) {
    for (size_t i = 0; i < alisa_embedded_file_count; i++) {
        if (strcmp(alisa_embedded_files[i].name, "selftest.cl") != 0) continue;
        const char *text = alisa_embedded_files[i].text, *at = strstr(text, plant->from);
        char *changed = malloc(alisa_embedded_files[i].size + 200);
        if (!at || !changed) _exit(1);
        sprintf(changed, "%.*s%s%s", (int)(at - text), text, plant->to, at + strlen(plant->from));
        use_kernel(into, "selftest.cl", changed);
        free(changed);
    }
    alisa_device_close(open_device(into, NULL, ""));
}

/* Each plant is a mistake some driver could make. */
static void test_planted_faults_are_noticed(void **state) {
    (void)state;
    static const Plant plants[] = {
        {"r < rounds;", "r < min(rounds, 65535u);", "loops"},
        {"stride > 0", "stride > 1", "sums in local memory"},
        {"vload_half8(0, in + j)", "vload_half8(0, in + j + 1)", "loads of half"},
        {"vstore_half4_rte", "vstore_half4_rtz", "stores of half"},
        {"vload16(0, in + j) * 2.0f",
         "*(__global const float16 *)((ulong)(in + j) / 64 * 64) * 2.0f", "vectors at any float"},
        {"as_char4(bytes)", "bytes", "bytes to floats"},
        {"(ulong)in[1 + i] * in[0]", "(ulong)(in[1 + i] * in[0])", "64-bit offsets"},
        {"fma(x, y, z)", "(x * y + 0.0f) + z", "fma"},
        {"exp(x)", "exp(x) * 1.000001f", "exp"},
        {"sqrt(x)", "sqrt(x) * 1.000001f", "sqrt"},
        {"exp(y - x)", "exp(max(y - x, -3.0f))", "infinities"},
    };
    for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
        plant = &plants[i];
        run_child(with_planted_fault, report);
        char part[100];
        snprintf(part, sizeof part, "computes wrong results in the self-test of %s", plant->name);
        if (report->status != ALISA_ERROR_DEVICE) fail_msg("%s goes unnoticed", plant->to);
        assert_says(part);
    }
}

/* ---- Memory ------------------------------------------------------------------------------- */

static void with_little_memory(ChildReport *into) {
    setenv("POCL_MEMORY_LIMIT", "1", 1); /* GiB */
    AlisaDevice *device = open_device(into, NULL, NULL);
    if (!device) return;
    AlisaBuffer x;
    into->status = alisa_buffer_create(device, UINT64_C(3) << 30, ALISA_BUFFER_READ_ONLY,
                                       "output.weight", &x, &into->error);
    if (x.memory) _exit(1);
    alisa_device_close(device);
}

static void test_buffer_past_the_device(void **state) {
    (void)state;
    if (!has_pocl()) skip();
    run_child(with_little_memory, report);
    assert_int_equal(report->status, ALISA_ERROR_MEMORY);
    assert_says("output.weight needs 3221225472 bytes");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_driver, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_without_devices, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_devices, setup, teardown),
        cmocka_unit_test_setup_teardown(test_device_below_the_floor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_capabilities_are_tried, setup, teardown),
        cmocka_unit_test_setup_teardown(test_driver_that_cuts_loops_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_planted_faults_are_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_buffer_past_the_device, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
