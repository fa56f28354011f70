/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pure parts of attention: how rows are cut into tiles, how heads and lists are cut for a device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attn/plan.h"
#include "base/random.h"

enum { MOST_ROWS = 64 };

static bool continues(const uint32_t *offsets, const uint32_t *counts, uint32_t row) {
    return offsets[row] == offsets[row - 1] && counts[row] == counts[row - 1] + 1;
}

/* The tiles name every row once, in order, with its list and count, and none could be longer. With
 * a window their lists begin with the first entry that their first row attends to. */
static void check_cut(const uint32_t *offsets, const uint32_t *counts, uint32_t rows,
                      uint32_t tile_rows, uint32_t window) {
    AlisaAttentionTile tiles[MOST_ROWS];
    size_t tile_count = alisa_attention_cut(offsets, counts, rows, tile_rows, window, tiles);
    uint32_t row = 0;
    for (size_t t = 0; t < tile_count; t++) {
        assert_int_equal(tiles[t].first_row, row);
        assert_true(tiles[t].row_count >= 1 && tiles[t].row_count <= tile_rows);
        uint32_t first = counts[tiles[t].first_row];
        uint32_t before = window > 0 && first > window ? first - window : 0;
        for (uint32_t i = 0; i < tiles[t].row_count; i++, row++) {
            assert_true(row < rows);
            assert_int_equal(tiles[t].list_offset, offsets[row] + before);
            assert_int_equal(tiles[t].first_count + i, counts[row] - before);
        }
        if (row < rows && tiles[t].row_count < tile_rows)
            assert_false(continues(offsets, counts, row));
    }
    assert_int_equal(row, rows);
}

/* Every batch of up to 5 rows out of 2 lists and counts 1..3, with every tile size. */
static void test_cut_exhaustively(void **state) {
    (void)state;
    enum { ROWS = 5, KINDS = 6 };
    uint32_t batches = 1;
    for (uint32_t rows = 0; rows <= ROWS; rows++, batches *= KINDS)
        for (uint32_t batch = 0; batch < batches; batch++) {
            uint32_t offsets[ROWS], counts[ROWS], left = batch;
            for (uint32_t row = 0; row < rows; row++, left /= KINDS) {
                offsets[row] = left % 2 * 100;
                counts[row] = 1 + left / 2 % 3;
            }
            for (uint32_t tile_rows = 1; tile_rows <= ROWS + 1; tile_rows++)
                for (uint32_t window = 0; window < 4; window++)
                    check_cut(offsets, counts, rows, tile_rows, window);
        }
}

/* Batches as an engine makes them: runs of rows of several sequences. */
static void test_cut_at_random(void **state) {
    (void)state;
    AlisaRandom random;
    alisa_random_seed(&random, 3);
    for (int batch = 0; batch < 3000; batch++) {
        uint32_t offsets[MOST_ROWS], counts[MOST_ROWS], rows = 0;
        uint32_t wanted = alisa_random_below(&random, MOST_ROWS + 1);
        while (rows < wanted) {
            uint32_t offset = 1000 * alisa_random_below(&random, 3);
            uint32_t count = 1 + alisa_random_below(&random, 900);
            uint32_t run = 1 + alisa_random_below(&random, 40);
            for (uint32_t i = 0; i < run && rows < wanted; i++, rows++) {
                offsets[rows] = offset;
                counts[rows] = count + i;
            }
        }
        check_cut(offsets, counts, rows, 1 + alisa_random_below(&random, 20),
                  alisa_random_below(&random, 300));
    }
}

static AlisaAttentionShape shape_of(uint32_t heads, uint32_t kv_heads, uint32_t head_dim) {
    return (AlisaAttentionShape){.head_count = heads,
                                 .kv_head_count = kv_heads,
                                 .head_dim = head_dim,
                                 .rope_dim = head_dim,
                                 .scale = 1.0f};
}

static void make_plan(const AlisaDeviceInfo *info, AlisaLayout layout,
                      const AlisaAttentionShape *shape, uint32_t max_count,
                      AlisaAttentionPlan *plan) {
    AlisaOpsParameters parameters;
    alisa_ops_parameters_in(info, layout, &parameters);
    alisa_attention_plan_make(info, &parameters, shape, 512, max_count, plan);
}

/* The defaults for any shape and device pass their own check and fit the device. */
static void test_defaults_are_valid(void **state) {
    (void)state;
    static const uint32_t ratios[] = {1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 20, 32, 71, 128};
    static const uint64_t groups[] = {1, 8, 32, 100, 256, 1024, 4096};
    static const uint64_t memories[] = {16384, 32768, 49152, 1 << 20};
    for (uint32_t dim = 8; dim <= 512; dim += 8)
        for (size_t r = 0; r < sizeof ratios / sizeof *ratios; r++)
            for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
                for (size_t m = 0; m < sizeof memories / sizeof *memories; m++) {
                    AlisaDeviceInfo info = {.compute_units = 16,
                                            .max_work_group = groups[g],
                                            .local_memory = memories[m]};
                    AlisaAttentionShape shape = shape_of(2 * ratios[r], 2, dim);
                    for (int layout = 0; layout < 2; layout++) {
                        AlisaAttentionPlan plan;
                        make_plan(&info, (AlisaLayout)layout, &shape, 131072, &plan);
                        const char *wrong = alisa_attention_plan_check(&plan, &shape);
                        if (wrong) fail_msg("head_dim %u, ratio %u: %s", dim, ratios[r], wrong);
                        uint32_t blocks = alisa_attention_plan_blocks(&plan, &shape);
                        assert_true(blocks * plan.tile_heads >= ratios[r]);
                        assert_true((blocks - 1) * plan.tile_heads < ratios[r]);
                        assert_true(plan.split_rows >= 1);
                        if (layout == ALISA_LAYOUT_ITEM) continue;
                        assert_true(plan.group <= groups[g]);
                        if (dim <= 256)
                            assert_true(alisa_attention_plan_local(&plan, &shape) <= memories[m]);
                    }
                }
}

/* Lists are cut when there are too few tiles to fill the device, and only then; scratch is bounded.
 */
static void test_split(void **state) {
    (void)state;
    AlisaDeviceInfo info = {.compute_units = 16, .max_work_group = 256, .local_memory = 32768};
    AlisaAttentionShape shape = shape_of(32, 4, 64);
    AlisaAttentionPlan plan;
    make_plan(&info, ALISA_LAYOUT_ITEM, &shape, 4096, &plan);
    assert_int_equal(alisa_attention_plan_chunks(&plan, &shape, 1, 4096), 4096 / plan.chunk);
    assert_int_equal(alisa_attention_plan_chunks(&plan, &shape, 1, plan.chunk + 1), 2);
    assert_int_equal(alisa_attention_plan_chunks(&plan, &shape, 1, plan.chunk), 1);
    assert_int_equal(alisa_attention_plan_chunks(&plan, &shape, 1, 1), 1);
    assert_int_equal(alisa_attention_plan_chunks(&plan, &shape, 64, 4096), 1);
    assert_true(alisa_attention_plan_scratch(&plan, &shape) <= 16 << 20);
    assert_true(plan.split_rows > 1);
    make_plan(&info, ALISA_LAYOUT_GROUP, &shape, 1 << 20, &plan);
    assert_int_equal(plan.split_rows, 1); /* one row has to fit, whatever it takes */
}

static void test_bad_shapes_are_named(void **state) {
    (void)state;
    AlisaAttentionShape shape = shape_of(8, 2, 64);
    assert_null(alisa_attention_shape_check(&shape));
    shape.rope_dim = 66;
    assert_non_null(alisa_attention_shape_check(&shape));
    shape.rope_dim = 33;
    assert_non_null(alisa_attention_shape_check(&shape));
    shape = shape_of(8, 3, 64);
    assert_non_null(strstr(alisa_attention_shape_check(&shape), "KV heads"));
    shape = shape_of(8, 0, 64);
    assert_non_null(alisa_attention_shape_check(&shape));
    shape = shape_of(8, 2, 60);
    assert_non_null(strstr(alisa_attention_shape_check(&shape), "multiple of 8"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_exhaustively),     cmocka_unit_test(test_cut_at_random),
        cmocka_unit_test(test_defaults_are_valid),   cmocka_unit_test(test_split),
        cmocka_unit_test(test_bad_shapes_are_named),
    };
    return cmocka_run_group_tests_name("attention_plan", tests, NULL, NULL);
}
