/* SPDX-License-Identifier: Apache-2.0 */
/* The third layout of the family matmul: which sets of its parameters CLBlast is not to be given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ops/parameters.h"
#include "skip.h"

static const AlisaParameterSet products = {ALISA_FAMILY_MATMUL, ALISA_FORMAT_F16};

static AlisaDeviceInfo info_of(AlisaDeviceType type, uint64_t group, uint64_t memory) {
    return (AlisaDeviceInfo){
        .type = type, .compute_units = 8, .max_work_group = group, .local_memory = memory};
}

static const char *check(AlisaOpsParameters *parameters, const AlisaParameterSet *set,
                         const AlisaDeviceInfo *info) {
    return alisa_parameter_set_check(set, alisa_parameter_values(parameters, set), info);
}

static void test_defaults_can_be_used(void **state) {
    (void)state;
    static const uint64_t groups[] = {1, 8, 64, 128, 256, 4096};
    static const uint64_t memories[] = {8192, 16384, 65536};
    static const AlisaDeviceType types[] = {ALISA_DEVICE_CPU, ALISA_DEVICE_GPU};
    if (!alisa_opencl_has_sgemm()) skip_because(NO_CLBLAST);
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (size_t m = 0; m < sizeof memories / sizeof *memories; m++)
            for (int t = 0; t < 2; t++) {
                AlisaDeviceInfo info = info_of(types[t], groups[g], memories[m]);
                AlisaOpsParameters parameters;
                alisa_ops_parameters_in(&info, ALISA_LAYOUT_CLBLAST, &parameters);
                const char *wrong = check(&parameters, &products, &info);
                if (wrong) fail_msg("groups of %u: %s", (unsigned)groups[g], wrong);
            }
}

/* Other families stay in the layout of the device and refuse the word. */
static void test_layout_of_one_family(void **state) {
    (void)state;
    AlisaDeviceInfo info = info_of(ALISA_DEVICE_GPU, 256, 65536);
    AlisaOpsParameters parameters, ours;
    AlisaParameterSet set;
    alisa_ops_parameters_in(&info, ALISA_LAYOUT_CLBLAST, &parameters);
    alisa_ops_parameters_defaults(&info, &ours);
    for (size_t i = 0; alisa_parameter_set(i, &set); i++) {
        const AlisaFamilyInfo *family = alisa_family_info(set.family);
        uint32_t *layout = alisa_parameter_values(&parameters, &set);
        if (!family->parameters[0].words) continue;
        assert_string_equal(family->parameters[0].words[ALISA_LAYOUT_CLBLAST], "clblast");
        if (set.family == ALISA_FAMILY_MATMUL) {
            assert_int_equal(*layout, ALISA_LAYOUT_CLBLAST);
            continue;
        }
        assert_int_equal(*layout, *alisa_parameter_values(&ours, &set));
        assert_null(check(&parameters, &set, &info));
        *layout = ALISA_LAYOUT_CLBLAST;
        assert_non_null(check(&parameters, &set, &info));
    }
    const char *wrong = check(&parameters, &products, &info);
    if (alisa_opencl_has_sgemm()) {
        assert_null(wrong);
    } else {
        assert_non_null(wrong);
        assert_non_null(strstr(wrong, "CLBlast"));
    }
}

static const AlisaParameterInfo *find(const AlisaFamilyInfo *family, const char *name) {
    for (uint32_t i = 0; i < family->parameter_count; i++)
        if (strcmp(family->parameters[i].name, name) == 0) return &family->parameters[i];
    fail_msg("no parameter %s", name);
    return NULL;
}

static void set_value(AlisaOpsParameters *parameters, const char *name, uint32_t value) {
    const AlisaFamilyInfo *family = alisa_family_info(products.family);
    alisa_parameter_values(parameters, &products)[find(family, name)->offset] = value;
}

typedef struct Change {
    const char *name;
    uint32_t value;
} Change;

/* Up to four changes to the defaults of a GPU with groups of 256 and 32 KiB of local memory. */
typedef struct Changes {
    Change changes[4];
    const char *said; /* NULL: can be used */
} Changes;

static const Changes rows[] = {
    {{{"mwg", 128}}, NULL},
    {{{"mwg", 16}}, "whole vectors"},
    {{{"mwg", 48}}, "power of two"},
    {{{"vwn", 16}}, "whole vectors"},
    {{{"vwn", 32}}, "outside"},
    {{{"mdimc", 32}, {"ndimc", 16}}, "groups of that size"},
    {{{"mdima", 32}}, "local memory by"},
    {{{"mdima", 32}, {"vwm", 2}}, NULL},
    {{{"mdima", 8}}, NULL},
    {{{"mdima", 2}, {"kwg", 16}}, "local memory by"}, /* 64 of the group down 16 columns */
    {{{"mdima", 2}, {"kwg", 16}, {"sa", 0}}, NULL},
    {{{"ndimb", 1}}, "local memory by"},
    {{{"ndimb", 1}, {"sb", 0}}, NULL},
    {{{"kwg", 8}, {"kwi", 16}, {"sa", 0}, {"sb", 0}}, "unrolled parts"},
    {{{"kwg", 64}}, NULL},
    {{{"kwg", 64}, {"mwg", 128}}, "do not fit"},
    {{{"kwg", 64}, {"mwg", 128}, {"sa", 0}}, NULL},
    {{{"mdimc", 1}, {"ndimc", 8}, {"sa", 0}, {"sb", 0}}, "256 sums"},
    {{{"vwm", 1}, {"mdimc", 8}, {"ndimc", 2}, {"kwi", 8}}, "operations"},
    {{{"gemmk", 1}}, NULL}, /* what the other kernel has alone does not matter */
    {{{"gemmk", 1}, {"mdima", 2}, {"kwi", 1}}, NULL},
    {{{"gemmk", 1}, {"nwg", 32}}, "square"},
    {{{"gemmk", 1}, {"kreg", 2}}, "columns of gemmk 1"},
    {{{"gemmk", 2}}, "outside"},
};

static void test_impossible_sets(void **state) {
    (void)state;
    AlisaDeviceInfo info = info_of(ALISA_DEVICE_GPU, 256, 32768);
    if (!alisa_opencl_has_sgemm()) skip_because(NO_CLBLAST);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AlisaOpsParameters parameters;
        alisa_ops_parameters_in(&info, ALISA_LAYOUT_CLBLAST, &parameters);
        for (int c = 0; c < 4 && rows[i].changes[c].name; c++)
            set_value(&parameters, rows[i].changes[c].name, rows[i].changes[c].value);
        const char *wrong = check(&parameters, &products, &info);
        bool right = rows[i].said ? wrong && strstr(wrong, rows[i].said) : !wrong;
        if (!right)
            fail_msg("row %zu (%s %u ...): %s", i, rows[i].changes[0].name,
                     rows[i].changes[0].value, wrong ? wrong : "can be used");
    }
}

/* A set in a layout of ours is not judged by CLBlast's part, nor the other way round. */
static void test_parts_matter_in_their_layout(void **state) {
    (void)state;
    AlisaDeviceInfo info = info_of(ALISA_DEVICE_GPU, 256, 32768);
    const AlisaFamilyInfo *family = alisa_family_info(products.family);
    static const struct {
        const char *name;
        bool matters[3];
    } known[] = {{"depth", {true, true, false}},      {"panels", {true, false, false}},
                 {"tile_rows", {false, true, false}}, {"mwg", {false, false, true}},
                 {"indirect", {false, false, true}},  {"from", {true, true, true}}};
    for (uint32_t layout = 0; layout < 3; layout++) {
        AlisaOpsParameters parameters;
        alisa_ops_parameters_in(&info, (AlisaLayout)layout, &parameters);
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            const AlisaParameterInfo *parameter = find(family, known[i].name);
            assert_int_equal(alisa_parameter_matters(
                                 family, parameter, alisa_parameter_values(&parameters, &products)),
                             known[i].matters[layout]);
        }
        if (layout != ALISA_LAYOUT_CLBLAST) {
            set_value(&parameters, "mwg", 7);
            assert_null(check(&parameters, &products, &info));
        } else if (alisa_opencl_has_sgemm()) {
            set_value(&parameters, "depth", 7);
            assert_null(check(&parameters, &products, &info));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_can_be_used),
        cmocka_unit_test(test_layout_of_one_family),
        cmocka_unit_test(test_impossible_sets),
        cmocka_unit_test(test_parts_matter_in_their_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
