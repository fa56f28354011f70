/* SPDX-License-Identifier: Apache-2.0 */
/* Which device is chosen, from tables of devices that people own. */
#include "fault/test_device.h"

#include "device/selection.h"

#define NONE 99

static AlisaDeviceInfo device(uint32_t index, AlisaDeviceType type, const char *platform,
                              const char *name, const char *vendor, uint32_t units,
                              uint32_t clock) {
    AlisaDeviceInfo info = {
        .index = index, .type = type, .compute_units = units, .clock_mhz = clock, .usable = true};
    snprintf(info.platform, sizeof info.platform, "%s", platform);
    snprintf(info.name, sizeof info.name, "%s", name);
    snprintf(info.vendor, sizeof info.vendor, "%s", vendor);
    return info;
}

typedef struct Machine {
    AlisaDeviceInfo infos[6];
    size_t count;
} Machine;

static Machine workstation(void) {
    return (Machine){
        {device(0, ALISA_DEVICE_CPU, "Portable Computing Language", "pthread-haswell",
                "GenuineIntel", 64, 4000),
         device(1, ALISA_DEVICE_GPU, "Intel(R) OpenCL HD Graphics", "Intel(R) UHD Graphics 770",
                "Intel(R) Corporation", 32, 1550),
         device(2, ALISA_DEVICE_GPU, "NVIDIA CUDA", "NVIDIA GeForce RTX 3090", "NVIDIA Corporation",
                82, 1695),
         device(3, ALISA_DEVICE_GPU, "AMD Accelerated Parallel Processing", "gfx1100",
                "Advanced Micro Devices, Inc.", 48, 2304),
         device(4, ALISA_DEVICE_ACCELERATOR, "Intel(R) FPGA SDK", "de10", "Intel", 900, 9000)},
        5};
}

static size_t choose(const Machine *machine, const char *selector) {
    size_t chosen = NONE;
    AlisaError error = {0};
    AlisaStatus status =
        alisa_selection_choose(machine->infos, machine->count, selector, &chosen, &error);
    if (status != ALISA_OK) fail_msg("%s", error.message);
    return chosen;
}

static void test_default_prefers_gpu_then_speed(void **state) {
    (void)state;
    Machine machine = workstation();
    assert_int_equal(choose(&machine, NULL), 2);
    assert_int_equal(choose(&machine, ""), 2);
    machine.infos[2].usable = false;
    assert_int_equal(choose(&machine, NULL), 3);
    machine.infos[3].usable = machine.infos[1].usable = false;
    assert_int_equal(choose(&machine, NULL), 4);
    machine.infos[4].usable = false;
    assert_int_equal(choose(&machine, NULL), 0);
}

static void test_equals_go_to_the_first(void **state) {
    (void)state;
    Machine machine = workstation();
    machine.infos[3] = machine.infos[2];
    machine.infos[3].index = 3;
    assert_int_equal(choose(&machine, NULL), 2);
    machine.infos[3].clock_mhz++;
    assert_int_equal(choose(&machine, NULL), 3);
}

/* units * clock is past 32 bits */
static void test_large_speeds_do_not_wrap(void **state) {
    (void)state;
    Machine machine = workstation();
    machine.infos[1].compute_units = 1u << 20;
    machine.infos[1].clock_mhz = 1u << 13;
    assert_int_equal(choose(&machine, NULL), 1);
}

static void test_selectors(void **state) {
    (void)state;
    static const struct {
        const char *selector;
        size_t chosen;
    } rows[] = {
        {"0", 0},       {"1", 1},           {"4", 4},     {"geforce", 2}, {"GFX1100", 3},
        {"pocl", NONE}, {"portable", 0},    {"intel", 1}, {"nvidia", 2},  {"genuineintel", 0},
        {"amd acc", 3}, {"advanced", 3},    {"3090", 2},  {"770", 1},     {"fpga", 4},
        {"6", NONE},    {"7700", NONE},     {"00", 0},    {"-1", NONE},   {"hd graphics", 1},
        {"(r)", 1},     {"corporation", 2}, {"7", NONE},  {"309", NONE},  {"1100", 3}};
    Machine machine = workstation();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t chosen = NONE;
        AlisaError error = {0};
        AlisaStatus status =
            alisa_selection_choose(machine.infos, machine.count, rows[i].selector, &chosen, &error);
        if (rows[i].chosen == NONE) {
            assert_int_equal(status, ALISA_ERROR_NO_DEVICE);
            assert_non_null(strstr(error.message, rows[i].selector));
            assert_non_null(strstr(error.message, "2: NVIDIA GeForce RTX 3090 (NVIDIA CUDA)"));
        } else if (status != ALISA_OK || chosen != rows[i].chosen) {
            fail_msg("\"%s\" chose %zu, not %zu", rows[i].selector, chosen, rows[i].chosen);
        }
    }
}

static void test_unusable_choice_gives_its_reason(void **state) {
    (void)state;
    Machine machine = workstation();
    machine.infos[2].usable = false;
    snprintf(machine.infos[2].reason, sizeof machine.infos[2].reason, "it is on fire");
    size_t chosen;
    AlisaError error = {0};
    assert_int_equal(alisa_selection_choose(machine.infos, machine.count, "rtx", &chosen, &error),
                     ALISA_ERROR_NO_DEVICE);
    assert_non_null(strstr(error.message, "it is on fire"));
    assert_non_null(strstr(error.message, "device 2, NVIDIA GeForce RTX 3090"));
    /* A usable one that matches too is taken instead. */
    snprintf(machine.infos[1].vendor, sizeof machine.infos[1].vendor, "artXRTXy");
    assert_int_equal(choose(&machine, "rtx"), 1);
}

/* Names as drivers report them, long ones too, never overflow the sentence. */
static void test_long_lists_are_cut(void **state) {
    (void)state;
    static AlisaDeviceInfo infos[100];
    for (uint32_t i = 0; i < 100; i++) {
        infos[i] = device(i, ALISA_DEVICE_GPU, "QUALCOMM Snapdragon(TM)", "QUALCOMM Adreno(TM) 750",
                          "QUALCOMM", 6, 1);
    }
    size_t chosen;
    AlisaError error = {0};
    assert_int_equal(alisa_selection_choose(infos, 100, "mali", &chosen, &error),
                     ALISA_ERROR_NO_DEVICE);
    assert_non_null(strstr(error.message, "0: QUALCOMM Adreno(TM) 750"));
    assert_non_null(strstr(error.message, ", ..."));
    assert_true(strlen(error.message) < sizeof error.message - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_prefers_gpu_then_speed),
        cmocka_unit_test(test_equals_go_to_the_first),
        cmocka_unit_test(test_large_speeds_do_not_wrap),
        cmocka_unit_test(test_selectors),
        cmocka_unit_test(test_unusable_choice_gives_its_reason),
        cmocka_unit_test(test_long_lists_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
