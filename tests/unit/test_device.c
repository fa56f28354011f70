/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers, kernels and the queue on the default device. */
#include "fault/test_device.h"

#include "device/device.h"
#include "device/internal.h"

#define COUNT 1000 /* not a multiple of a group */

static const char kernel_text[] =
    "__kernel void scale(__global float *x, float a, uint n) {\n"
    "    const size_t i = get_global_id(0);\n"
    "    if (i < n) x[i] *= a * FACTOR;\n"
    "}\n"
    "__kernel void where(__global uint *x) {\n"
    "    const size_t i = get_global_id(0) + get_global_size(0) * (get_global_id(1)\n"
    "                     + get_global_size(1) * get_global_id(2));\n"
    "    x[i] = get_local_id(0) + 100 * get_group_id(1) + 10000 * get_global_id(2);\n"
    "}\n"
    "__kernel void last_in_group(__global const float *x, __global float *y,\n"
    "                            __local float *t) {\n"
    "    t[get_local_id(0)] = x[get_global_id(0)];\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    y[get_global_id(0)] = t[get_local_size(0) - 1];\n"
    "}\n"
    "__kernel void is_null(__global const float *x, __global uint *y) {\n"
    "    y[get_global_id(0)] = x ? 7 : 9;\n"
    "}\n";

static char folder[256];
static AlisaDevice *device;
static AlisaError error;

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != ALISA_OK) fail_msg("%s: %s", #call, error.message);                          \
    } while (0)

static int setup(void **state) {
    (void)state;
    make_folder(folder, sizeof folder);
    write_text(folder, "unit.cl", kernel_text);
    setenv("ALISA_KERNEL_DIR", folder, 1);
    if (alisa_device_open(NULL, &device, &error) == ALISA_OK) return 0;
    print_message("cannot open a device: %s\n", error.message);
    return -1;
}

static int teardown(void **state) {
    (void)state;
    alisa_device_close(device);
    remove_folder(folder);
    return 0;
}

static AlisaKernel *get(const char *name) {
    AlisaKernel *kernel;
    if (alisa_kernel_get(device, "unit.cl", name, "-DFACTOR=2.0f", &kernel, &error) != ALISA_OK) {
        fail_msg("%s", error.message);
    }
    return kernel;
}

static AlisaBuffer buffer_of(const void *data, uint64_t size) {
    AlisaBuffer buffer;
    if (alisa_buffer_create(device, size, ALISA_BUFFER_READ_WRITE, "test", &buffer, &error) ||
        (data && alisa_buffer_write(device, &buffer, 0, data, size, &error))) {
        fail_msg("%s", error.message);
    }
    return buffer;
}

static void test_device_describes_itself(void **state) {
    (void)state;
    const AlisaDeviceInfo *info = alisa_device_info(device);
    assert_true(info->usable);
    assert_true(info->name[0] && info->platform[0] && info->driver[0]);
    if (getenv("ALISA_CACHE")) {
        assert_string_equal(alisa_opencl_cache_folder(device), getenv("ALISA_CACHE"));
    }
    assert_true(info->compute_units > 0 && info->global_memory >= info->max_allocation);
    AlisaDeviceInfo *infos;
    size_t count;
    OK(alisa_devices_list(&infos, &count, &error));
    assert_true(info->index < count);
    assert_string_equal(infos[info->index].name, info->name);
    assert_int_equal(infos[info->index].capabilities, info->capabilities);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(infos[i].index, i);
    alisa_devices_free(infos);
}

static void test_launch_computes(void **state) {
    (void)state;
    float values[COUNT], results[COUNT];
    for (int i = 0; i < COUNT; i++)
        values[i] = (float)i + 0.5f;
    AlisaBuffer x = buffer_of(values, sizeof values);
    const float a = 3;
    const uint32_t n = COUNT - 1;
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&x), ALISA_ARG(a), ALISA_ARG(n)};
    const AlisaLaunch launch = {{1024, 1, 1}, {64, 1, 1}};
    OK(alisa_kernel_launch(get("scale"), &launch, arguments, 3, &error));
    OK(alisa_buffer_read(device, &x, 0, results, sizeof results, &error));
    for (int i = 0; i < COUNT - 1; i++)
        assert_true(results[i] == values[i] * 6);
    assert_true(results[COUNT - 1] == values[COUNT - 1]);
    /* The same kernel with another group, in order with the first. */
    const AlisaLaunch free_launch = {{COUNT, 1, 1}, {0, 0, 0}};
    OK(alisa_kernel_launch(get("scale"), &free_launch, arguments, 3, &error));
    OK(alisa_kernel_launch(get("scale"), &launch, arguments, 3, &error));
    OK(alisa_opencl_flush(device, &error));
    OK(alisa_opencl_finish(device, &error));
    OK(alisa_buffer_read(device, &x, 4, results, 4, &error));
    assert_true(results[0] == values[1] * 6 * 6 * 6);
    alisa_buffer_destroy(&x);
    assert_null(x.memory);
}

static void test_three_dimensions(void **state) {
    (void)state;
    uint32_t results[8 * 6 * 3];
    AlisaBuffer x = buffer_of(NULL, sizeof results);
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&x)};
    const AlisaLaunch launch = {{8, 6, 3}, {4, 2, 1}};
    OK(alisa_kernel_launch(get("where"), &launch, arguments, 1, &error));
    OK(alisa_buffer_read(device, &x, 0, results, sizeof results, &error));
    for (uint32_t i = 0; i < 8 * 6 * 3; i++) {
        assert_int_equal(results[i], i % 8 % 4 + 100 * (i / 8 % 6 / 2) + 10000 * (i / 48));
    }
    alisa_buffer_destroy(&x);
}

static void test_local_memory_and_null_arguments(void **state) {
    (void)state;
    float values[256], results[256];
    uint32_t answers[2] = {0};
    for (int i = 0; i < 256; i++)
        values[i] = (float)i * 1.25f;
    AlisaBuffer x = buffer_of(values, sizeof values), y = buffer_of(NULL, sizeof results);
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&x), ALISA_ARG_BUFFER(&y),
                                       ALISA_ARG_LOCAL(32 * sizeof(float))};
    const AlisaLaunch launch = {{256, 1, 1}, {32, 1, 1}};
    OK(alisa_kernel_launch(get("last_in_group"), &launch, arguments, 3, &error));
    OK(alisa_buffer_read(device, &y, 0, results, sizeof results, &error));
    for (int i = 0; i < 256; i++)
        assert_true(results[i] == values[i / 32 * 32 + 31]);

    const AlisaBuffer none = {0};
    const AlisaLaunch one = {{1, 1, 1}, {1, 1, 1}};
    const AlisaArgument with[] = {ALISA_ARG_BUFFER(&x), ALISA_ARG_BUFFER(&y)};
    const AlisaArgument without[] = {ALISA_ARG_BUFFER(&none), ALISA_ARG_BUFFER(&y)};
    OK(alisa_kernel_launch(get("is_null"), &one, with, 2, &error));
    OK(alisa_buffer_read(device, &y, 0, answers, 4, &error));
    assert_int_equal(answers[0], 7);
    OK(alisa_kernel_launch(get("is_null"), &one, without, 2, &error));
    OK(alisa_buffer_read(device, &y, 0, answers, 4, &error));
    assert_int_equal(answers[0], 9);
    alisa_buffer_destroy(&x);
    alisa_buffer_destroy(&y);
}

static void test_programs_are_shared(void **state) {
    (void)state;
    AlisaKernel *other;
    assert_ptr_equal(get("scale"), get("scale"));
    assert_ptr_equal(get("scale")->program, get("where")->program);
    OK(alisa_kernel_get(device, "unit.cl", "scale", "-DFACTOR=4.0f", &other, &error));
    assert_ptr_not_equal(other, get("scale"));
    assert_ptr_not_equal(other->program, get("scale")->program);
    assert_true(alisa_kernel_max_group(other) >= 1);
}

static void test_launch_mistakes_name_the_kernel(void **state) {
    (void)state;
    AlisaKernel *kernel = get("scale"), *missing;
    AlisaBuffer x = buffer_of(NULL, 64);
    const float a = 1;
    const uint32_t n = 1;
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&x), ALISA_ARG(a), ALISA_ARG(n)};
    const AlisaArgument wide[] = {ALISA_ARG_BUFFER(&x), {64, &n, NULL}, ALISA_ARG(n)};
    const AlisaLaunch good = {{1, 1, 1}, {1, 1, 1}};
    const AlisaLaunch uneven = {{100, 1, 1}, {64, 1, 1}};
    const AlisaLaunch partial = {{64, 1, 1}, {64, 0, 0}};
    const size_t group = alisa_kernel_max_group(kernel) * 2;
    const AlisaLaunch large = {{group, 1, 1}, {group, 1, 1}};
    const AlisaLaunch empty = {{0, 1, 1}, {64, 1, 1}};
    assert_int_equal(alisa_kernel_launch(kernel, &empty, arguments, 3, &error), ALISA_OK);
    const struct {
        const AlisaLaunch *launch;
        const AlisaArgument *arguments;
        size_t count;
        const char *part;
    } rows[] = {
        {&uneven, arguments, 3, "cannot be cut into groups of 64 x 1 x 1"},
        {&partial, arguments, 3, "cannot be cut"},
        {&large, arguments, 3, "larger than the"},
        {&good, wide, 3, "argument 1: clSetKernelArg failed with CL_INVALID_ARG_SIZE"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_not_equal(
            alisa_kernel_launch(kernel, rows[i].launch, rows[i].arguments, rows[i].count, &error),
            ALISA_OK);
        assert_non_null(strstr(error.message, "kernel scale (unit.cl)"));
        if (!strstr(error.message, rows[i].part)) fail_msg("%s", error.message);
    }
    assert_int_equal(
        alisa_kernel_get(device, "unit.cl", "scaal", "-DFACTOR=2.0f", &missing, &error),
        ALISA_ERROR_DEVICE);
    assert_null(missing);
    assert_non_null(strstr(error.message, "kernel scaal (unit.cl): clCreateKernel failed with "
                                          "CL_INVALID_KERNEL_NAME (-46)"));
    alisa_buffer_destroy(&x);
}

static void test_buffer_ranges(void **state) {
    (void)state;
    uint8_t data[100], back[100] = {0};
    for (int i = 0; i < 100; i++)
        data[i] = (uint8_t)(i * 7 + 1);
    AlisaBuffer x = buffer_of(data, 100), empty = buffer_of(NULL, 0);
    OK(alisa_buffer_write(device, &x, 33, data, 5, &error));
    OK(alisa_buffer_read(device, &x, 30, back, 10, &error));
    const uint8_t expected[10] = {data[30], data[31], data[32], data[0],  data[1],
                                  data[2],  data[3],  data[4],  data[38], data[39]};
    assert_memory_equal(back, expected, 10);
    assert_int_equal(alisa_buffer_write(device, &x, 99, data, 2, &error), ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_buffer_read(device, &x, 101, back, 1, &error), ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_buffer_read(device, &x, 1, back, UINT64_MAX, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_buffer_write(device, &empty, 0, data, 1, &error), ALISA_ERROR_ARGUMENT);
    OK(alisa_buffer_write(device, &empty, 0, data, 0, &error));
    assert_non_null(empty.memory);
    assert_int_equal(empty.size, 0);
    alisa_buffer_destroy(&x);
    alisa_buffer_destroy(&x);
    alisa_buffer_destroy(&empty);
}

static void test_too_large_is_named(void **state) {
    (void)state;
    AlisaBuffer x;
    assert_int_equal(alisa_buffer_create(device, UINT64_C(1) << 50, ALISA_BUFFER_READ_WRITE,
                                         "KV cache of layer 3", &x, &error),
                     ALISA_ERROR_MEMORY);
    assert_null(x.memory);
    assert_non_null(strstr(error.message, "KV cache of layer 3 needs 1125899906842624 bytes"));
    assert_int_equal(
        alisa_buffer_create_from(device, &error, UINT64_C(1) << 50, "weights", &x, &error),
        ALISA_ERROR_MEMORY);
    assert_null(x.memory);
}

/* The sums that a kernel reads from a buffer over `data`: in place where it can be, else a copy. */
static void check_from(const float *data, uint32_t count, bool in_place) {
    AlisaBuffer x, y = buffer_of(NULL, count * sizeof(float));
    OK(alisa_buffer_create_from(device, data, count * sizeof(float), "weights", &x, &error));
    assert_int_equal(x.host_owned, in_place);
    assert_int_equal(x.size, count * sizeof(float));
    float *results = malloc(count * sizeof(float));
    assert_non_null(results);
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&x), ALISA_ARG_BUFFER(&y),
                                       ALISA_ARG_LOCAL(sizeof(float))};
    const AlisaLaunch launch = {{count, 1, 1}, {1, 1, 1}};
    OK(alisa_kernel_launch(get("last_in_group"), &launch, arguments, 3, &error));
    OK(alisa_buffer_read(device, &y, 0, results, count * sizeof(float), &error));
    for (uint32_t i = 0; i < count; i++)
        assert_true(results[i] == data[i]);
    alisa_buffer_destroy(&x);
    alisa_buffer_destroy(&y);
    free(results);
}

static void test_mapped_file_is_used_in_place(void **state) {
    (void)state;
    static float values[3000];
    for (int i = 0; i < 3000; i++)
        values[i] = (float)i * 0.75f + 1;
    char path[300];
    AlisaDiskMap map;
    snprintf(path, sizeof path, "%s/weights", folder);
    OK(alisa_disk_write_atomic(path, values, sizeof values, &error));
    OK(alisa_disk_map_open(path, &map, &error));
    const AlisaDeviceInfo *info = alisa_device_info(device);
    bool shares = info->capabilities & ALISA_CAPABILITY_UNIFIED_MEMORY;
    check_from((const float *)map.data, 3000, shares);
    check_from((const float *)map.data + 1, 2999, false); /* not at a page */
    alisa_disk_map_close(&map);
}

static void test_codes_have_names(void **state) {
    (void)state;
    assert_string_equal(alisa_opencl_code_name(-5), "CL_OUT_OF_RESOURCES");
    assert_string_equal(alisa_opencl_code_name(-1001), "CL_PLATFORM_NOT_FOUND_KHR");
    assert_string_equal(alisa_opencl_code_name(-9999), "unknown code");
    assert_int_equal(alisa_opencl_fail(&error, -4, "clFoo", "part %d", 7), ALISA_ERROR_MEMORY);
    assert_non_null(
        strstr(error.message, "part 7: clFoo failed with CL_MEM_OBJECT_ALLOCATION_FAILURE (-4): "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_describes_itself),
        cmocka_unit_test(test_launch_computes),
        cmocka_unit_test(test_three_dimensions),
        cmocka_unit_test(test_local_memory_and_null_arguments),
        cmocka_unit_test(test_programs_are_shared),
        cmocka_unit_test(test_launch_mistakes_name_the_kernel),
        cmocka_unit_test(test_buffer_ranges),
        cmocka_unit_test(test_too_large_is_named),
        cmocka_unit_test(test_mapped_file_is_used_in_place),
        cmocka_unit_test(test_codes_have_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
