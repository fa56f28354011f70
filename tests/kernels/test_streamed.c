/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products with matrices that are in host memory: to the bit what they are with the same matrices
 * on the device, one behind the other without a wait, so that copies and products share the slots.
 */
#include "kernels/on_device.h"

#include "device/link.h"
#include "oracle/quant.h"
#include "weights.h"

enum { MATRICES = 7, PARTS = 3, OUTPUTS = 40, COLUMNS = 256, MOST_ROWS = 40 };

/* Parts of a matrix, as experts are: the same bytes on the device and on the host. */
typedef struct Pair {
    AlisaBuffer buffer, size_alone;
    uint8_t *bytes;
    AlisaMatrix on_device, on_host;
} Pair;

static void make_pair(uint32_t type, AlisaRandom *random, Pair *pair) {
    AlisaError error;
    uint64_t row_bytes = alisa_weight_type_row_bytes(type, COLUMNS);
    uint8_t *blocks = allocate(PARTS * OUTPUTS, row_bytes);
    for (uint32_t n = 0; n < PARTS * OUTPUTS; n++)
        oracle_make_row(type, ORACLE_WEIGHTS_RANDOM, COLUMNS, random, blocks + n * row_bytes);
    require(upload_weights(device, type, blocks, PARTS * OUTPUTS, COLUMNS, 0, &pair->buffer,
                           &pair->on_device, &error),
            &error);
    free(blocks);
    pair->bytes = allocate(pair->buffer.size, 1);
    require(alisa_buffer_read(device, &pair->buffer, 0, pair->bytes, pair->buffer.size, &error),
            &error);
    pair->size_alone = (AlisaBuffer){.size = pair->buffer.size};
    pair->on_host = pair->on_device;
    pair->on_host.buffer = &pair->size_alone;
    pair->on_host.host = pair->bytes;
}

/* y of all matrices, of one part each, added to what is there twice. */
static float *multiply(AlisaOps *made, const Pair *pairs, bool on_host, const AlisaBuffer *x,
                       uint32_t rows) {
    AlisaError error;
    uint64_t size = (uint64_t)MATRICES * MOST_ROWS * OUTPUTS;
    float *y = allocate(size, sizeof *y);
    AlisaBuffer buffer = upload(y, size * sizeof *y);
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < MATRICES; i++) {
            const AlisaMatrix part =
                alisa_matrix_rows(on_host ? &pairs[i].on_host : &pairs[i].on_device,
                                  (i + pass) % PARTS * OUTPUTS, OUTPUTS);
            const AlisaVector to = {&buffer, (uint64_t)i * MOST_ROWS * OUTPUTS};
            require(alisa_ops_matmul(made, &part, (AlisaVector){x, 0}, rows, to, true, &error),
                    &error);
        }
    require(alisa_buffer_read(device, &buffer, 0, y, buffer.size, &error), &error);
    release(&buffer);
    return y;
}

static void check_type(uint32_t type, double link_rate) {
    AlisaError error;
    AlisaRandom random;
    AlisaOps *made;
    Pair pairs[MATRICES];
    alisa_random_seed(&random, 31 + type);
    require(alisa_ops_create(device, NULL, &made, &error), &error);
    float *values = allocate((uint64_t)MOST_ROWS * COLUMNS, sizeof *values);
    for (uint32_t i = 0; i < MOST_ROWS * COLUMNS; i++)
        values[i] = alisa_random_normal(&random);
    AlisaBuffer x = upload(values, (uint64_t)MOST_ROWS * COLUMNS * sizeof *values);
    for (uint32_t i = 0; i < MATRICES; i++)
        make_pair(type, &random, &pairs[i]);
    uint64_t planes[ALISA_FORMAT_PLANES], before = alisa_ops_scratch_bytes(made);
    uint64_t bytes =
        alisa_format_layout(alisa_format_info(pairs[0].on_device.format), OUTPUTS, COLUMNS, planes);
    require(alisa_ops_stream(made, bytes, &error), &error);
    assert_int_equal(alisa_ops_scratch_bytes(made) - before, alisa_ops_streamed_room(bytes));
    const AlisaLink link = {link_rate, 0};
    require(alisa_opencl_emulate_link(device, &link, &error), &error);
    static const uint32_t row_counts[] = {1, 3, MOST_ROWS};
    for (size_t i = 0; i < sizeof row_counts / sizeof *row_counts; i++) {
        float *wanted = multiply(made, pairs, false, &x, row_counts[i]);
        float *got = multiply(made, pairs, true, &x, row_counts[i]);
        assert_true(wanted[0] != 0.0f);
        assert_memory_equal(got, wanted, sizeof *got * MATRICES * MOST_ROWS * OUTPUTS);
        free(wanted);
        free(got);
    }
    assert_true(alisa_ops_streamed_bytes(made) > 0);
    require(alisa_opencl_emulate_link(device, NULL, &error), &error);
    /* Without room for it a matrix is refused, and not read past the end of a slot. */
    AlisaBuffer y = upload(values, OUTPUTS * PARTS * sizeof *values);
    assert_int_equal(alisa_ops_matmul(made, &pairs[0].on_host, (AlisaVector){&x, 0}, 1,
                                      (AlisaVector){&y, 0}, false, &error),
                     ALISA_ERROR_ARGUMENT);
    for (uint32_t i = 0; i < MATRICES; i++) {
        release(&pairs[i].buffer);
        free(pairs[i].bytes);
    }
    alisa_ops_destroy(made);
    release(&x);
    release(&y);
    free(values);
}

static void test_types(void **state) {
    (void)state;
    static const uint32_t types[] = {ALISA_WEIGHT_F32,  ALISA_WEIGHT_F16,  ALISA_WEIGHT_Q8_0,
                                     ALISA_WEIGHT_Q4_0, ALISA_WEIGHT_Q4_K, ALISA_WEIGHT_Q6_K};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        check_type(types[i], 0);
}

/* Copies that take longer than products, and products that wait for them. */
static void test_slow_link(void **state) {
    (void)state;
    check_type(ALISA_WEIGHT_Q8_0, 20e6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_slow_link),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
