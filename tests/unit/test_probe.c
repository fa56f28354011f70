/* SPDX-License-Identifier: Apache-2.0 */
/* The measured profile of the default device: figures that can be true, and remembered. */
#include "device/device.h"
#include "device/link.h"
#include "unit/transfer_support.h"

#include <math.h>

#include "device/probe.h"

static char cache_folder[256];

static int probe_setup(void **state) {
    (void)state;
    make_folder(cache_folder, sizeof cache_folder);
    setenv("ALISA_CACHE", cache_folder, 1);
    if (alisa_device_open(NULL, &device, &error) == ALISA_OK) return 0;
    print_message("cannot open a device: %s\n", error.message);
    return -1;
}

static int probe_teardown(void **state) {
    (void)state;
    alisa_device_close(device);
    remove_folder(cache_folder);
    return 0;
}

static void assert_between(double least, double value, double most) {
    if (!(value >= least && value <= most)) fail_msg("%g is not in %g to %g", value, least, most);
}

static void check_rates(const double rates[ALISA_PROBE_SIZES]) {
    for (int i = 0; i < 3; i++) /* all devices can copy 1 MiB */
        assert_between(1e6, rates[i], 1e13);
}

static void test_figures_can_be_true(void **state) {
    (void)state;
    AlisaDeviceProfile profile;
    OK(alisa_opencl_measure(device, &profile, &error));
    assert_between(1e8, profile.read_bandwidth, 2e13);
    assert_between(1e-8, profile.launch_latency, 1e-2);
    assert_between(1e-7, profile.launch_wait, 1e-1);
    assert_between(1e-8, profile.copy_latency, 1e-1);
    assert_between(1, profile.copy_overlap, 2);
    assert_between(1e7, profile.host_gather, 1e12);
    check_rates(profile.pinned.to_device);
    check_rates(profile.pinned.to_host);
    check_rates(profile.plain.to_device);
    check_rates(profile.plain.to_host);
}

static AlisaDeviceInfo listed(void) {
    AlisaDeviceInfo *infos;
    size_t count;
    OK(alisa_devices_list(&infos, &count, &error));
    AlisaDeviceInfo info = infos[alisa_device_info(device)->index];
    alisa_devices_free(infos);
    return info;
}

/* Before the first measurement and after it. */
static void test_figures_are_listed(void **state) {
    (void)state;
    assert_true(listed().read_bandwidth == 0);
    AlisaDeviceProfile profile;
    OK(alisa_opencl_measure(device, &profile, &error));
    AlisaDeviceInfo info = listed();
    assert_true(info.read_bandwidth == profile.read_bandwidth);
    assert_true(info.launch_latency == profile.launch_latency);
    assert_true(info.copy_rate_to_device > 0 && info.copy_rate_to_host > 0);
}

static void damage_probe(const char *path, void *user) {
    uint8_t *file;
    size_t size;
    if (!strstr(path, "/probe-")) return;
    ++*(int *)user;
    assert_int_equal(alisa_disk_read(path, &file, &size, NULL), ALISA_OK);
    file[size - 20] ^= 1;
    assert_int_equal(alisa_disk_write_atomic(path, file, size, NULL), ALISA_OK);
    free(file);
}

/* Measured twice, no two profiles are the same: equal ones are remembered ones. */
static void test_profile_is_remembered(void **state) {
    (void)state;
    AlisaDeviceProfile first, second;
    int found = 0;
    OK(alisa_opencl_measure(device, &first, &error));
    OK(alisa_opencl_measure(device, &second, &error));
    assert_memory_equal(&first, &second, sizeof first);
    for_each_file(cache_folder, damage_probe, &found);
    assert_int_equal(found, 1);
    OK(alisa_opencl_measure(device, &second, &error));
    assert_true(memcmp(&first, &second, sizeof first) != 0);
    assert_between(1e8, second.read_bandwidth, 2e13);
}

static void test_emulated_link_is_the_link(void **state) {
    (void)state;
    const AlisaLink link = {1e9, 50e-6};
    AlisaDeviceProfile real, emulated, again;
    OK(alisa_opencl_measure(device, &real, &error));
    OK(alisa_opencl_emulate_link(device, &link, &error));
    OK(alisa_opencl_measure(device, &emulated, &error));
    OK(alisa_opencl_emulate_link(device, NULL, &error));
    OK(alisa_opencl_measure(device, &again, &error));
    assert_memory_equal(&real, &again, sizeof real);
    assert_true(emulated.read_bandwidth == real.read_bandwidth);
    assert_true(emulated.copy_latency == 50e-6 && emulated.copy_overlap == 2);
    /* 64 KiB: 65.536 us on the link and 50 us before it. */
    assert_between(565e6, emulated.pinned.to_device[0], 568e6);
    assert_between(999e6, emulated.plain.to_host[ALISA_PROBE_SIZES - 1], 1e9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_are_listed),
        cmocka_unit_test(test_figures_can_be_true),
        cmocka_unit_test(test_profile_is_remembered),
        cmocka_unit_test(test_emulated_link_is_the_link),
    };
    return cmocka_run_group_tests(tests, probe_setup, probe_teardown);
}
