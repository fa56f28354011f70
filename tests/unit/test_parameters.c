/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of kernel parameters: every default can be used, what cannot be used is told, and an
 * entry of a store is taken set by set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ops/matrix_tile.h"
#include "tune/tune.h"

static const uint64_t groups[] = {1, 8, 64, 128, 256, 1024, 4096};
static const uint64_t memories[] = {16384, 32768, 65536, 1 << 20};

static AlisaDeviceInfo info_of(uint64_t group, uint64_t memory) {
    return (AlisaDeviceInfo){.type = ALISA_DEVICE_GPU,
                             .compute_units = 8,
                             .max_work_group = group,
                             .local_memory = memory};
}

static void test_defaults_can_be_used(void **state) {
    (void)state;
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (size_t m = 0; m < sizeof memories / sizeof *memories; m++)
            for (int layout = 0; layout < 2; layout++) {
                AlisaDeviceInfo info = info_of(groups[g], memories[m]);
                AlisaOpsParameters parameters;
                AlisaParameterSet set;
                alisa_ops_parameters_in(&info, (AlisaLayout)layout, &parameters);
                for (size_t i = 0; alisa_parameter_set(i, &set); i++) {
                    char name[32];
                    alisa_parameter_set_name(&set, name);
                    const char *wrong = alisa_parameter_set_check(
                        &set, alisa_parameter_values(&parameters, &set), &info);
                    if (wrong)
                        fail_msg("%s, groups of %llu, %llu bytes: %s", name,
                                 (unsigned long long)groups[g], (unsigned long long)memories[m],
                                 wrong);
                }
            }
}

/* Where a device has matrix instructions and the 48 KB of NVIDIA's they are the default, and tiles
 * of few rows are as small as these and the weights allow. */
static void test_matrix_tiles(void **state) {
    (void)state;
    AlisaDeviceInfo info = info_of(1024, 49152);
    info.capabilities = ALISA_CAPABILITY_PTX;
    info.compute_units = 132;
    AlisaOpsParameters parameters;
    alisa_ops_parameters_defaults(&info, &parameters);
    const AlisaMatmulParameters *matmul = &parameters.matmul[ALISA_FORMAT_Q8_0];
    assert_int_equal(matmul->layout, ALISA_LAYOUT_MATRIX);
    AlisaMatrixTile whole = alisa_matrix_tile(matmul), half = alisa_matrix_tile_half(matmul);
    assert_int_equal(2 * half.rows, whole.rows);
    assert_int_equal(half.group, whole.group);
    AlisaMatmulParameters least = *matmul;
    least.warp_rows = ALISA_OPS_MATRIX_ROWS;
    assert_int_equal(alisa_matrix_tile_half(&least).rows, least.tile_rows);
    /* Halved until it fits, it would leave nothing. */
    const AlisaParameterSet set = {ALISA_FAMILY_MATMUL, ALISA_FORMAT_Q8_0};
    parameters.matmul[ALISA_FORMAT_Q8_0].few_depth = 96;
    assert_non_null(
        alisa_parameter_set_check(&set, alisa_parameter_values(&parameters, &set), &info));
    parameters.matmul[ALISA_FORMAT_Q8_0].few_depth = 256;
    static const struct {
        uint32_t rows, outputs, tile_rows, tile_outputs;
    } cases[] = {{1, 2048, 8, 16},   {9, 4096, 16, 16}, {9, 8447, 16, 16},  {9, 8448, 16, 32},
                 {32, 9000, 32, 32}, {33, 16, 64, 16},  {64, 9000, 64, 32}, {500, 16, 64, 16}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AlisaMatrixTile tile =
            alisa_matrix_tile_few(matmul, &info, cases[i].rows, cases[i].outputs);
        assert_int_equal(tile.rows, cases[i].tile_rows);
        assert_int_equal(tile.outputs, cases[i].tile_outputs);
        assert_int_equal(tile.depth % (32 * tile.parts), 0);
        assert_true(tile.group >= 128 && tile.group <= 256);
        assert_true((2 * tile.rows + tile.outputs) * tile.depth * 2 <= info.local_memory);
    }
}

/* Names find their sets, no two sets share a place, and candidates are within the limits. */
static void test_table_is_whole(void **state) {
    (void)state;
    AlisaOpsParameters parameters;
    const uint32_t *begin = (const uint32_t *)(const void *)&parameters;
    bool taken[sizeof parameters / sizeof(uint32_t)] = {false};
    AlisaParameterSet set, found;
    for (size_t i = 0; alisa_parameter_set(i, &set); i++) {
        char name[32];
        alisa_parameter_set_name(&set, name);
        assert_true(alisa_parameter_set_find(name, &found));
        assert_int_equal(found.family, set.family);
        assert_int_equal(found.format, set.format);
        const AlisaFamilyInfo *family = alisa_family_info(set.family);
        const uint32_t *values = alisa_parameter_values(&parameters, &set);
        for (uint32_t p = 0; p < family->parameter_count; p++) {
            const AlisaParameterInfo *parameter = &family->parameters[p];
            size_t place = (size_t)(values - begin) + parameter->offset;
            assert_true(place < sizeof taken);
            assert_false(taken[place]);
            taken[place] = true;
            for (uint32_t c = 0; c < parameter->candidate_count; c++) {
                assert_true(parameter->candidates[c] >= parameter->least);
                assert_true(parameter->candidates[c] <= parameter->most);
            }
        }
    }
    for (size_t i = 0; i < sizeof taken; i++)
        assert_true(taken[i]); /* no parameter is without a name */
    assert_false(alisa_parameter_set_find("matvec", &found));
    assert_false(alisa_parameter_set_find("matvec.q9_9", &found));
}

static const char *check(const char *name, const char *json, const AlisaDeviceInfo *info,
                         AlisaOpsParameters *parameters) {
    static char said[512];
    said[0] = 0;
    json_t *object = json_pack("{s:o}", name, json_loads(json, JSON_DECODE_ANY, NULL));
    AlisaOpsParameters before = *parameters;
    AlisaLog log = {0};
    uint32_t taken = alisa_tuner_apply(object, "test", info, &log, parameters);
    if (taken == 0) assert_memory_equal(&before, parameters, sizeof before);
    snprintf(said, sizeof said, "%s", taken ? "taken" : "left");
    json_decref(object);
    return said;
}

static void test_apply(void **state) {
    (void)state;
    AlisaDeviceInfo info = info_of(256, 32768);
    AlisaOpsParameters parameters;
    alisa_ops_parameters_defaults(&info, &parameters);
    assert_string_equal(
        check("matvec.f16", "{\"layout\":\"item\",\"single\":2,\"items\":64}", &info, &parameters),
        "taken");
    assert_int_equal(parameters.matvec[ALISA_FORMAT_F16].layout, ALISA_LAYOUT_ITEM);
    assert_int_equal(parameters.matvec[ALISA_FORMAT_F16].single, 2);
    assert_int_equal(parameters.matvec[ALISA_FORMAT_F16].items, 64);
    static const char *const impossible[][2] = {
        {"matvec.q8_0", "{\"group\":512}"},       /* more than the device has */
        {"matvec.q8_0", "{\"group\":96}"},        /* no power of two */
        {"matvec.q8_0", "{\"single\":0}"},        /* nothing */
        {"matvec.q8_0", "{\"rows\":17}"},         /* no kernel */
        {"matvec.q8_0", "{\"group\":-64}"},       /* negative */
        {"matvec.q8_0", "{\"group\":\"64\"}"},    /* a word */
        {"matvec.q8_0", "{\"layout\":1}"},        /* a number for a word */
        {"matvec.q8_0", "{\"layout\":\"wave\"}"}, /* a word of another version */
        {"matvec.q8_0", "{\"lanes\":4}"},         /* not a parameter */
        {"matvec.q8_0", "7"},
        {"matmul.f32", "{\"depth\":24}"},
        {"matmul.f32", "{\"layout\":\"item\",\"depth\":256}"},      /* more than 32 KiB */
        {"matmul.f32", "{\"tile_rows\":128,\"tile_outputs\":128}"}, /* 1024 work-items */
        {"matmul.f32", "{\"tile_rows\":42}"},
        {"matvec.f16", "{\"layout\":\"item\",\"activations\":\"int16\"}"}, /* no blocks */
        {"matvec.f16", "{\"layout\":\"group\",\"activations\":\"int16\"}"},
        {"matmul.f32", "{\"activations\":\"int16\"}"},
        {"matmul.q8_0", "{\"depth\":64}"}, /* only with activations of 16 bits */
        {"matmul.q8_0", "{\"depth\":48,\"activations\":\"int16\"}"},
        {"matmul.q8_0", "{\"depth\":256,\"activations\":\"int16\"}"}, /* more than 32 KiB */
        {"matmul.bf16", "{\"layout\":\"item\",\"depth\":64,\"activations\":\"int16\"}"},
        {"matmul.f16", "{\"activations\":\"half\"}"}, /* the device does not compute with halves */
        {"matvec.q8_0", "{\"activations\":\"half\"}"},
        {"matmul.q4_0", "{\"activations\":\"int4\"}"},
        {"decode", "{\"chunk\":100}"},
        {"decode", "{\"group\":512}"},
        {"decode", "{\"group\":16,\"tokens\":32}"},
        {"prefill", "{\"queries\":32}"},
        {"select", "{\"group\":512}"},
        {"row", "{\"group\":3}"},
        {"store", "{\"group\":512}"},
        {"seal", "{\"group\":0}"},
        {"move", "{\"group\":24}"},
        {"conv.f32", "{\"group\":64}"}, /* another program's */
    };
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        const char *said = check(impossible[i][0], impossible[i][1], &info, &parameters);
        if (strcmp(said, "left") != 0)
            fail_msg("%s %s is taken", impossible[i][0], impossible[i][1]);
    }
}

/* Activations of 16 bits where groups multiply, too; no default, and floats in other layouts. */
static void test_int16(void **state) {
    (void)state;
    AlisaDeviceInfo info = info_of(256, 32768);
    AlisaOpsParameters parameters;
    static const char *const possible[][2] = {
        {"matvec.q8_0", "{\"activations\":\"int16\"}"},
        {"matvec.q4_0", "{\"layout\":\"item\",\"activations\":\"int16\"}"},
        {"matmul.q4_0", "{\"activations\":\"int16\"}"}, /* the default depth is part of a block */
        {"matmul.q8_0", "{\"depth\":128,\"activations\":\"int16\"}"},
    };
    alisa_ops_parameters_defaults(&info, &parameters);
    for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++) {
        assert_int_equal(parameters.matvec[type].activations, ALISA_ACTIVATIONS_FLOAT);
        assert_int_equal(parameters.matmul[type].activations, ALISA_ACTIVATIONS_FLOAT);
    }
    for (size_t i = 0; i < sizeof possible / sizeof *possible; i++) {
        const char *said = check(possible[i][0], possible[i][1], &info, &parameters);
        if (strcmp(said, "taken") != 0) fail_msg("%s %s is left", possible[i][0], possible[i][1]);
    }
    parameters.matmul[ALISA_FORMAT_Q4_0].depth = 16;
    assert_int_equal(alisa_int16_depth(&parameters.matmul[ALISA_FORMAT_Q4_0]), 32);
    assert_int_equal(alisa_int16_depth(&parameters.matmul[ALISA_FORMAT_Q8_0]), 128);
    for (uint32_t layout = 0; layout <= ALISA_LAYOUT_MATRIX; layout++)
        assert_int_equal(alisa_layout_activations(layout, ALISA_ACTIVATIONS_INT16),
                         layout <= ALISA_LAYOUT_GROUP ? ALISA_ACTIVATIONS_INT16
                                                      : ALISA_ACTIVATIONS_FLOAT);
}

/* Halves where the device computes with them, in groups, with weights of their range. */
static void test_half(void **state) {
    (void)state;
    AlisaDeviceInfo info = info_of(256, 32768);
    AlisaOpsParameters parameters;
    static const char *const possible[] = {"matmul.f16", "matmul.q8_0", "matmul.q4_0"};
    static const char *const impossible[][2] = {
        {"matmul.f32", "{\"activations\":\"half\"}"},
        {"matmul.bf16", "{\"activations\":\"half\"}"},
        {"matvec.q8_0", "{\"activations\":\"half\"}"},
        {"matmul.q8_0", "{\"layout\":\"item\",\"depth\":64,\"activations\":\"half\"}"},
        {"matmul.q8_0", "{\"depth\":64,\"activations\":\"half\"}"},
    };
    info.capabilities = ALISA_CAPABILITY_FP16;
    alisa_ops_parameters_defaults(&info, &parameters);
    for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++)
        assert_int_equal(parameters.matmul[type].activations, ALISA_ACTIVATIONS_FLOAT);
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++)
        assert_string_equal(check(impossible[i][0], impossible[i][1], &info, &parameters), "left");
    for (size_t i = 0; i < sizeof possible / sizeof *possible; i++)
        assert_string_equal(
            check(possible[i], "{\"activations\":\"half\",\"depth\":32}", &info, &parameters),
            "taken");
    for (uint32_t layout = 0; layout <= ALISA_LAYOUT_MATRIX; layout++)
        assert_int_equal(alisa_layout_activations(layout, ALISA_ACTIVATIONS_HALF),
                         layout == ALISA_LAYOUT_GROUP ? ALISA_ACTIVATIONS_HALF
                                                      : ALISA_ACTIVATIONS_FLOAT);
}

/* What is written of a set is what is read. */
static void test_round_trip(void **state) {
    (void)state;
    AlisaDeviceInfo info = info_of(256, 65536);
    AlisaParameterSet set;
    info.capabilities = ALISA_CAPABILITY_SUBGROUPS | ALISA_CAPABILITY_PTX;
    for (int layout = 0; layout < 2; layout++)
        for (size_t i = 0; alisa_parameter_set(i, &set); i++) {
            AlisaOpsParameters from, to;
            char name[32];
            alisa_ops_parameters_in(&info, (AlisaLayout)layout, &from);
            alisa_ops_parameters_in(&info, (AlisaLayout)layout, &to);
            const AlisaFamilyInfo *family = alisa_family_info(set.family);
            const AlisaParameterInfo *last = &family->parameters[family->parameter_count - 1];
            uint32_t *value = &alisa_parameter_values(&from, &set)[last->offset];
            *value = *value == last->candidates[0] ? last->candidates[1] : last->candidates[0];
            alisa_parameter_set_name(&set, name);
            json_t *object = json_pack("{s:o}", name, alisa_tuner_values(&from, &set));
            AlisaLog log = {0};
            assert_int_equal(alisa_tuner_apply(object, "test", &info, &log, &to), 1);
            json_decref(object);
            if (alisa_parameter_matters(family, last, alisa_parameter_values(&from, &set)))
                assert_memory_equal(&from, &to, sizeof from);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_can_be_used),
        cmocka_unit_test(test_matrix_tiles),
        cmocka_unit_test(test_table_is_whole),
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_int16),
        cmocka_unit_test(test_half),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
