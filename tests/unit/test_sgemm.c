/* SPDX-License-Identifier: Apache-2.0 */
/* Products by CLBlast on the default device: what it refuses, what it shares between devices. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/sgemm.h"
#include "skip.h"

enum { OUTPUTS = 96, COLUMNS = 64, ROWS = 40, SCRATCH = 4 << 20 };

static AlisaDevice *device;
static AlisaError error;

/* Two kernels of large products. */
static const AlisaSgemmParameters sets[] = {
    {.indirect = 1,
     .mwg = 16,
     .nwg = 16,
     .mdimc = 1,
     .ndimc = 1,
     .vwm = 8,
     .vwn = 8,
     .kwg = 32,
     .kwi = 4,
     .mdima = 1,
     .ndimb = 1,
     .kreg = 1},
    {.indirect = 1,
     .gemmk = 1,
     .mwg = 32,
     .nwg = 32,
     .mdimc = 4,
     .ndimc = 8,
     .vwm = 4,
     .vwn = 2,
     .kwg = 1,
     .kwi = 1,
     .mdima = 1,
     .ndimb = 1,
     .kreg = 4},
};

static void require(AlisaStatus status) {
    if (status) fail_msg("%s", error.message);
}

static AlisaDevice *open_device(void) {
    AlisaDevice *opened;
    require(alisa_device_open(NULL, &opened, &error));
    return opened;
}

typedef struct Buffers {
    AlisaBuffer w, x, y, scratch;
} Buffers;

static float number(uint32_t i) {
    return (float)((int)(i * 2654435761u >> 20 & 15) - 8);
}

static AlisaBuffer buffer_of(AlisaDevice *on, uint32_t count) {
    AlisaBuffer buffer;
    require(alisa_buffer_create(on, (uint64_t)count * sizeof(float), ALISA_BUFFER_READ_WRITE,
                                "test", &buffer, &error));
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (uint32_t i = 0; i < count; i++)
        values[i] = number(i);
    require(alisa_buffer_write(on, &buffer, 0, values, buffer.size, &error));
    free(values);
    return buffer;
}

static Buffers make(AlisaDevice *on, uint32_t outputs, uint32_t columns, uint32_t rows) {
    return (Buffers){buffer_of(on, outputs * columns), buffer_of(on, rows * columns),
                     buffer_of(on, rows * outputs + 1), buffer_of(on, SCRATCH)};
}

static void release(Buffers *buffers) {
    alisa_buffer_destroy(&buffers->w);
    alisa_buffer_destroy(&buffers->x);
    alisa_buffer_destroy(&buffers->y);
    alisa_buffer_destroy(&buffers->scratch);
}

static AlisaSgemm product_of(const Buffers *buffers, uint32_t outputs, uint32_t columns,
                             uint32_t rows) {
    return (AlisaSgemm){.weights = {&buffers->w, 0, columns},
                        .activations = {&buffers->x, 0, columns},
                        .results = {&buffers->y, 1, outputs},
                        .outputs = outputs,
                        .columns = columns,
                        .rows = rows,
                        .scratch = &buffers->scratch};
}

/* Small whole numbers: exact in any order of sums. */
static void check_product(AlisaDevice *on, const Buffers *buffers,
                          const AlisaSgemmParameters *parameters) {
    static float y[ROWS * OUTPUTS];
    const AlisaSgemm product = product_of(buffers, OUTPUTS, COLUMNS, ROWS);
    memset(y, 0xff, sizeof y);
    require(alisa_buffer_write(on, &buffers->y, sizeof(float), y, sizeof y, &error));
    require(alisa_opencl_sgemm(on, &product, parameters, &error));
    require(alisa_buffer_read(on, &buffers->y, sizeof(float), y, sizeof y, &error));
    for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t n = 0; n < OUTPUTS; n++) {
            float sum = 0;
            for (uint32_t k = 0; k < COLUMNS; k++)
                sum += number(r * COLUMNS + k) * number(n * COLUMNS + k);
            assert_true(y[r * OUTPUTS + n] == sum);
        }
}

/* Both have CLBlast's one set of parameters for the device, and its one cache of programs. */
static void test_devices_share_the_library(void **state) {
    (void)state;
    if (!alisa_opencl_has_sgemm()) skip_because(NO_CLBLAST);
    AlisaDevice *other = open_device();
    Buffers here = make(device, OUTPUTS, COLUMNS, ROWS),
            there = make(other, OUTPUTS, COLUMNS, ROWS);
    for (int turn = 0; turn < 2; turn++) {
        check_product(device, &here, &sets[0]);
        check_product(other, &there, &sets[1]);
        check_product(device, &here, &sets[1]);
    }
    release(&there);
    alisa_device_close(other);
    check_product(device, &here, &sets[1]);
    check_product(device, &here, &sets[0]);
    release(&here);
}

static void expect(AlisaStatus status, AlisaStatus wanted, const char *words) {
    assert_int_equal(status, wanted);
    if (!strstr(error.message, words)) fail_msg("\"%s\" lacks \"%s\"", error.message, words);
}

static void test_refusals(void **state) {
    (void)state;
    Buffers buffers = make(device, OUTPUTS, COLUMNS, ROWS);
    AlisaSgemm product = product_of(&buffers, OUTPUTS, COLUMNS, ROWS);
    if (!alisa_opencl_has_sgemm()) {
        expect(alisa_opencl_sgemm(device, &product, &sets[0], &error), ALISA_ERROR_ARGUMENT,
               "libclblast-dev");
        release(&buffers);
        return;
    }
    AlisaSgemm wrong = product;
    wrong.weights.offset = 1;
    expect(alisa_opencl_sgemm(device, &wrong, &sets[0], &error), ALISA_ERROR_DEVICE,
           "a product of 96 x 64 weights and 40 rows on ");
    expect(ALISA_ERROR_DEVICE, ALISA_ERROR_DEVICE,
           "CLBlastSgemm failed with CLBlastInsufficientMemoryA (-1011)");
    wrong = product;
    wrong.scratch = &buffers.x;
    expect(alisa_opencl_sgemm(device, &wrong, &sets[0], &error), ALISA_ERROR_DEVICE,
           "CLBlastInsufficientMemoryTemp (-2050)");
    wrong = product;
    wrong.results.offset = INT32_MAX;
    expect(alisa_opencl_sgemm(device, &wrong, &sets[0], &error), ALISA_ERROR_ARGUMENT, "2^31");
    check_product(device, &buffers, &sets[0]); /* none of it does harm */
    release(&buffers);
}

/* Told by the scratch that the kernels need: that of the first set has a copy of the weights there.
 */
static void test_parameters_take_effect(void **state) {
    (void)state;
    if (!alisa_opencl_has_sgemm()) skip_because(NO_CLBLAST);
    Buffers buffers = make(device, OUTPUTS, COLUMNS, ROWS);
    AlisaBuffer narrow = buffer_of(device, 12000);
    AlisaSgemm product = product_of(&buffers, OUTPUTS, COLUMNS, ROWS);
    product.scratch = &narrow;
    for (int turn = 0; turn < 2; turn++) {
        expect(alisa_opencl_sgemm(device, &product, &sets[0], &error), ALISA_ERROR_DEVICE,
               "CLBlastInsufficientMemoryTemp (-2050)");
        require(alisa_opencl_sgemm(device, &product, &sets[1], &error));
    }
    alisa_buffer_destroy(&narrow);
    release(&buffers);
}

static int set_up(void **state) {
    (void)state;
    if (alisa_device_open(NULL, &device, &error) == ALISA_OK) return 0;
    fprintf(stderr, "%s\n", error.message);
    return -1;
}

static int tear_down(void **state) {
    (void)state;
    alisa_device_close(device);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices_share_the_library),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_parameters_take_effect),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
