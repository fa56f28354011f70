/* SPDX-License-Identifier: Apache-2.0 */
/* Which entry of tuned parameters a device takes, by what its driver says it is. */
#include <stdlib.h>

#include "base/disk.h"
#include "base/random.h"
#include "unit/tune_words.h"

/* ---- Words made up here -------------------------------------------------------------------- */

static const Words cases[] = {
    /* The device itself; with another driver; with other compute units, board or platform. */
    {GPU, 0x1002, 48, AMD_PLATFORM, AMD_VENDOR, "gfx1100", "3513.0 (HSA1.1,LC)", NULL,
     "AMD Radeon RX 7900 XTX", "gfx1100", EXACT, "7900xtx"},
    {GPU, 0x1002, 48, AMD_PLATFORM, AMD_VENDOR, "gfx1100", "3590.0 (HSA1.1,LC)", NULL,
     "AMD Radeon RX 7900 XTX", "gfx1100", STALE, "7900xtx"},
    {GPU, 0x1002, 40, AMD_PLATFORM, AMD_VENDOR, "gfx1100", "3513.0 (HSA1.1,LC)", NULL,
     "AMD Radeon RX 7900 GRE", "gfx1100", ARCH, "7900xt"},
    {GPU, 0x1002, 48, AMD_PLATFORM, AMD_VENDOR, "gfx1100", "3513.0 (HSA1.1,LC)", NULL,
     "AMD Radeon PRO W7900", "gfx1100", ARCH, "7900xtx"},
    {GPU, 0x1002, 96, "rusticl", "AMD",
     "AMD Radeon RX 7900 XTX (radeonsi, navi31, LLVM 17.0.6, DRM 3.57, 6.9.3)", "24.1.2", NULL,
     NULL, NULL, ARCH, "7900xtx"},
    /* A driver that does not tell the board agrees with one that does. */
    {GPU, 0x1002, 48, AMD_PLATFORM, AMD_VENDOR, "gfx1100", "3400.0", NULL, NULL, NULL, STALE,
     "7900xtx"},
    /* A board under the name of another one: its chip says what it is. */
    {GPU, 0x1002, 36, AMD_PLATFORM, AMD_VENDOR, "gfx803", "2639.3", NULL, "AMD Radeon RX 7900 XTX",
     "gfx803", VENDOR, "7900xt"},
    /* Of one vendor the nearest generation, then the closest size. */
    {GPU, 0x1002, 60, AMD_PLATFORM, AMD_VENDOR, "gfx906:sramecc+:xnack-", "3590.0", NULL,
     "AMD Instinct MI50", "gfx906", VENDOR, "mi250"},
    {GPU, 0x1002, 40, AMD_PLATFORM, AMD_VENDOR, "gfx1030", "3590.0", NULL, "AMD Radeon RX 6900 XT",
     "gfx1030", VENDOR, "6700xt"},
    {GPU, 0x10de, 68, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA GeForce RTX 3080", "535.54",
     "OpenCL 3.0 CUDA", NULL, "sm_61", VENDOR, "3080"},
    {GPU, 0x1002, 10, "Clover", "AMD", "AMD Radeon RX 5300 (navi14, LLVM 15.0.7, DRM 3.5)",
     "23.1.3", "OpenCL 1.1 Mesa", NULL, NULL, ARCH, "5500xt"},
    {GPU, 0x1002, 104, AMD_PLATFORM, AMD_VENDOR, "gfx90a", "3590.0", NULL, "AMD Instinct MI210",
     "gfx90a", ARCH, "mi250"},
    {GPU, 0x1021b00, 32, "Apple", "AMD", "AMD Radeon Pro 5500M Compute Engine", "1.2", NULL, NULL,
     NULL, VENDOR, "7900xt"},
    {GPU, 0x1002, 40, "Clover", "AMD", "AMD HAWAII (DRM 2.49.0, LLVM 6.0.0)", "17.2", NULL, NULL,
     NULL, ARCH, "hawaii"},
    {GPU, 0x1002, 6, AMD_PLATFORM, "", "Loveland", "1113.2", NULL, NULL, NULL, VENDOR, "5500xt"},

    {GPU, 0x10de, 46, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA GeForce RTX 3070", "560.1",
     "OpenCL 3.0 CUDA", NULL, "sm_86", ARCH, "3080"},
    {GPU, 0x10de, 48, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA GeForce RTX 3080 Laptop GPU",
     "560.1", "OpenCL 3.0 CUDA", NULL, NULL, ARCH, "3080"},
    {GPU, 0x10de, 142, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA RTX 6000 Ada Generation",
     "560.1", "OpenCL 3.0 CUDA", NULL, NULL, ARCH, "4090"},
    {GPU, 0x10de, 48, "NVIDIA CUDA", "NVIDIA Corporation", "Quadro RTX 5000", "456.43",
     "OpenCL 1.2 CUDA", NULL, NULL, VENDOR, "3080"},
    {GPU, 0x10de, 28, "NVIDIA CUDA", "NVIDIA Corporation", "Graphics Device", "378.13", NULL, NULL,
     "sm_61", VENDOR, "3080"},
    /* The same GPU through another compiler is not the same device. */
    {GPU, 0x10de, 128, POCL, "NVIDIA Corporation", "NVIDIA GeForce RTX 4090", "6.0",
     "OpenCL 3.0 PoCL HSTR: CUDA-sm_89", NULL, NULL, ARCH, "4090"},
    {GPU, 0x10de, 108, POCL, "", "NVIDIA A100-PCIE-80GB", "6.0", NULL, NULL, NULL, ARCH, "a100"},

    {GPU, 0x8086, 448, "Intel(R) OpenCL Graphics", "Intel(R) Corporation",
     "Intel(R) Arc(TM) A750 Graphics", "25.1", "OpenCL 3.0 NEO", NULL, "ip_12.55", ARCH, "a770"},
    {GPU, 0x8086, 512, "Intel(R) OpenCL Graphics", "Intel(R) Corporation",
     "Intel(R) Graphics [0x56a0]", "23.35", "OpenCL 3.0 NEO", NULL, NULL, ARCH, "a770"},
    {GPU, 0x8086, 128, "rusticl", "Intel", "Mesa Intel(R) Arc(tm) A380 Graphics (DG2)", "25.1",
     NULL, NULL, NULL, VENDOR, "a770"},
    {GPU, 0x8086, 24, "Intel(R) OpenCL HD Graphics", "Intel(R) Corporation",
     "Intel(R) Gen9 HD Graphics NEO", "19.32", "OpenCL 2.1 NEO", NULL, NULL, ARCH, "uhd620"},

    /* The model in the version only, in the name only, in neither; numbers of their own. */
    {GPU, 0x5143, 6, SNAPDRAGON, "QUALCOMM", "QUALCOMM Adreno(TM)", "Compiler E031.42",
     "OpenCL 3.0 Adreno(TM) 740", NULL, NULL, EXACT, "adreno740"},
    {GPU, 0x5143, 6, SNAPDRAGON, "QUALCOMM", "QUALCOMM Adreno(TM)", "Compiler E031.42",
     "OpenCL 3.0 Adreno(TM) 750", NULL, NULL, ARCH, "adreno740"},
    {GPU, 0x5143, 4, SNAPDRAGON, "QUALCOMM", "QUALCOMM Adreno(TM) 730", "Compiler E031.40",
     "OpenCL 3.0 Adreno(TM) 730", NULL, NULL, ARCH, "adreno740"},
    {GPU, 0x5143, 3, SNAPDRAGON, "QUALCOMM", "QUALCOMM Adreno(TM) 650", "Compiler E031.37",
     "OpenCL 2.0 Adreno(TM) 650", NULL, NULL, VENDOR, "adreno740"},
    {GPU, 0xbf4d3c4b, 1, SNAPDRAGON, "QUALCOMM", "QUALCOMM Adreno(TM)", "OpenCL 2.0", "OpenCL 2.0",
     NULL, NULL, VENDOR, "adreno740"},
    {GPU, 0x5143, 6, "rusticl", "freedreno", "FD740", "25.1", "OpenCL 3.0", NULL, NULL, ARCH,
     "adreno740"},
    {GPU, 0xa8670000, 6, "ARM Platform", "ARM", "Mali-LODX r0p0", "2.1", "OpenCL 2.1 v1.g6p0", NULL,
     NULL, ARCH, "mali-g610"},
    {GPU, 0x72120000, 2, "ARM Platform", "ARM", "Mali-G52", "2.0", "OpenCL 2.0", NULL, NULL, VENDOR,
     "mali-g610"},
    {GPU, 0xb8a21000, 11, "ARM Platform", "ARM", "Mali-G715-Immortalis MC11 r1p3", "3.0", NULL,
     NULL, NULL, VENDOR, "mali-g610"},
    {GPU, 0, 1, "clvk", "", "Apple M1", "CLVK on Vulkan", NULL, NULL, NULL, ARCH, "m1"},
    {GPU, 0x1027f00, 38, "Apple", "Apple", "Apple M2 Max", "1.2 1.0", NULL, NULL, NULL, VENDOR,
     "m1"},
    {GPU, 0x1ed5, 32, "Moore Threads OpenCL", "Moore Threads", "MUSA GEN1-104", "20250101",
     "OpenCL 3.0", NULL, NULL, STALE, "mtt"},
    {GPU, 0x1ed5, 48, "Moore Threads OpenCL", "Moore Threads", "MTT S4000", "20250101",
     "OpenCL 3.0", NULL, NULL, VENDOR, "mtt"},
    {GPU, 0x1010, 1, "PowerVR", "Imagination Technologies", "PowerVR B-Series BXM-8-256", "1.0",
     NULL, NULL, NULL, TYPE, "mali-g610"},

    {CPU, 0x8086, 16, POCL, "GenuineIntel", "cpu-alderlake-12th Gen Intel(R) Core(TM) i5-12500",
     "6.0", "OpenCL 3.0 PoCL", NULL, NULL, ARCH, "alderlake"},
    {CPU, 0x8086, 12, POCL, "GenuineIntel", "pthread-Intel(R) Core(TM) i7-7800X CPU @ 3.50GHz",
     "3.0-rc2", NULL, NULL, NULL, VENDOR, "alderlake"},
    {CPU, 0x8086, 2, POCL, "AuthenticAMD", "pthread-skylake-avx512-AMD EPYC", "3.1", NULL, NULL,
     NULL, VENDOR, "zen3"},
    {CPU, 0, 64, "Intel(R) OpenCL", "Intel(R) Corporation", "AMD EPYC 7713 64-Core Processor",
     "2023.16", "OpenCL 3.0 LINUX", NULL, NULL, ARCH, "zen3"},
    {CPU, 0x13b5, 4, POCL, "ARM", "pthread-cortex-a55", "1.8", NULL, NULL, NULL, TYPE, "alderlake"},
    {CPU, 0, 8, POCL, "", "pthread", "0.13-pre", NULL, NULL, NULL, TYPE, "alderlake"},
    {ACCELERATOR, 0x8086, 240, "Intel(R) OpenCL", "Intel(R) Corporation",
     "Intel(R) Many Integrated Core Acceleration Card", "1.2", NULL, NULL, NULL, NONE, "nothing"},
};

static void test_words_of_drivers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AlisaTuneKey key = key_of(&cases[i]);
        expect(&key, cases[i].match, cases[i].entry);
    }
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        expect(&entries[i].key, EXACT, known[i].name);
}

static void test_architectures_in_names(void **state) {
    (void)state;
    static const struct {
        Words words;
        const char *architecture;
    } rows[] = {
        {{GPU, 0, 1, AMD_PLATFORM, AMD_VENDOR, "gfx1030:xnack-"}, "gfx1030"},
        {{GPU, 0, 1, AMD_PLATFORM, AMD_VENDOR, "gfx906+sram-ecc"}, "gfx906"},
        {{GPU, 0, 1, AMD_PLATFORM, AMD_VENDOR, "Ellesmere"}, "gfx803"},
        {{GPU, 0, 1, AMD_PLATFORM, AMD_VENDOR, "Cayman"}, ""},
        {{GPU, 0, 1, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA GeForce RTX 5090"}, "sm_120"},
        {{GPU, 0, 1, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA H200"}, "sm_90"},
        {{GPU, 0, 1, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA A10"}, "sm_86"},
        {{GPU, 0, 1, "NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA L4"}, "sm_89"},
        {{GPU, 0, 1, "NVIDIA CUDA", "NVIDIA Corporation", "GeForce GTX 750"}, "sm_50"},
        {{GPU, 0, 1, "NVIDIA CUDA", "NVIDIA Corporation", "GeForce GT 750M"}, ""},
        {{GPU, 0, 1, "NVIDIA CUDA", "NVIDIA Corporation", "GeForce MX130"}, "sm_50"},
        {{GPU, 0, 1, "NVIDIA CUDA", "NVIDIA Corporation", "TITAN V"}, "sm_70"},
        {{GPU, 0, 1, "NVIDIA CUDA", "NVIDIA Corporation", "GeForce GTX TITAN X"}, "sm_52"},
        {{GPU, 0, 1, SNAPDRAGON, "QUALCOMM", "QUALCOMM Adreno(TM) 830"}, "adreno830"},
        {{GPU, 0, 1, SNAPDRAGON, "Qualcomm", "Qualcomm(R) Adreno(TM) X1-85 GPU"}, "adrenox1"},
        {{GPU, 0, 1, "ARM Platform", "ARM", "Mali-T628"}, "mali-t628"},
        {{GPU, 0, 1, "ARM Platform", "ARM", "Immortalis-G720 r0p0"}, "mali-g720"},
        {{CPU, 0, 1, POCL, "AuthenticAMD", "cpu-znver5-AMD Ryzen 9 9950X"}, "znver5"},
        {{CPU, 0, 1, POCL, "GenuineIntel", "pthread-skylake-avx512-Intel(R) Xeon(R)"},
         "skylake-avx512"},
        {{CPU, 0, 1, POCL, "0x41", "pthread-cortex-a76"}, "cortex-a76"},
        {{CPU, 0, 1, POCL, "", "pthread-POWER9, altivec supported"}, "power9"},
        {{CPU, 0, 1, POCL, "", "pthread-ARMv7 Processor rev 3 (v7l)"}, ""},
        /* What an extension tells counts, whatever the name is. */
        {{GPU, 0, 1, AMD_PLATFORM, AMD_VENDOR, "gfx1030", "1", NULL, NULL, "gfx1036"}, "gfx1036"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AlisaTuneKey key = key_of(&rows[i].words);
        assert_string_equal(key.architecture, rows[i].architecture);
    }
}

/* ---- Order --------------------------------------------------------------------------------- */

static void shuffle(AlisaTuneEntry *list, size_t count, AlisaRandom *random) {
    for (size_t i = count; i > 1; i--) {
        size_t other = alisa_random_below(random, (uint32_t)i);
        AlisaTuneEntry moved = list[i - 1];
        list[i - 1] = list[other];
        list[other] = moved;
    }
}

static void test_best_of_one_level(void **state) {
    (void)state;
    /* Of one architecture, the best first; each is what is left when those before it are gone. */
    static const struct {
        const char *name;
        bool built_in;
        uint32_t units;
        const char *date;
    } rows[] = {
        {"b", false, 30, "2026-01-01"},           {"a", false, 34, "2024-01-01"},
        {"z", false, 27, "2026-02-01T10:00:00Z"}, {"y", false, 37, "2026-02-01"},
        {"c", false, 37, "2025-12-31"},           {"d", false, 37, "2025-12-31"},
        {"V/a", true, 32, "2020-01-01"},          {"V/0", true, 34, "2026-05-01"},
    };
    enum { COUNT = sizeof rows / sizeof *rows };
    AlisaTuneEntry list[COUNT];
    AlisaRandom random;
    alisa_random_seed(&random, 1);
    Words words = {GPU, 0x1002, 32, AMD_PLATFORM, AMD_VENDOR, "gfx1030", "1"};
    AlisaTuneKey device = key_of(&words);
    for (int round = 0; round < 50; round++) {
        for (size_t first = 0; first < COUNT; first++) {
            size_t count = COUNT - first;
            for (size_t i = 0; i < count; i++) {
                words.units = rows[first + i].units;
                words.driver = "2";
                words.name = "gfx1030:xnack-";
                list[i] =
                    (AlisaTuneEntry){.built_in = rows[first + i].built_in, .key = key_of(&words)};
                copy(list[i].name, sizeof list[i].name, rows[first + i].name);
                copy(list[i].date, sizeof list[i].date, rows[first + i].date);
            }
            shuffle(list, count, &random);
            AlisaTuningMatch match;
            size_t chosen = alisa_tuner_store_choose(&device, list, count, &match);
            assert_int_equal(match, ARCH);
            assert_string_equal(list[chosen].name, rows[first].name);
        }
    }
}

/* A nearer device of the library before a farther one of the user. */
static void test_level_before_folder(void **state) {
    (void)state;
    AlisaTuneEntry list[2] = {{.built_in = true, .key = entries[0].key, .date = "2020-01-01"},
                              {.built_in = false, .key = entries[1].key, .date = "2026-01-01"}};
    AlisaTuningMatch match;
    assert_int_equal(alisa_tuner_store_choose(&entries[0].key, list, 2, &match), 0);
    assert_int_equal(match, EXACT);
    assert_int_equal(alisa_tuner_store_choose(&entries[2].key, list, 2, &match), 1);
    assert_int_equal(match, VENDOR);
    assert_int_equal(alisa_tuner_store_choose(&entries[0].key, list, 0, &match), 0);
    assert_int_equal(match, NONE);
}

/* An entry serves no device that is farther than it says, however few others there are. */
static void test_how_far_an_entry_serves(void **state) {
    (void)state;
    static const struct {
        size_t device;
        AlisaTuningMatch serves, match;
    } rows[] = {
        {2, NONE, VENDOR}, {2, TYPE, VENDOR}, {2, VENDOR, VENDOR},
        {2, ARCH, NONE},   {1, STALE, EXACT}, {2, STALE, NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AlisaTuneEntry entry = {.key = entries[1].key, .serves = rows[i].serves};
        AlisaTuningMatch match;
        size_t chosen = alisa_tuner_store_choose(&entries[rows[i].device].key, &entry, 1, &match);
        assert_int_equal(match, rows[i].match);
        assert_int_equal(chosen, match == NONE);
    }
}

static void test_other_kernels_are_stale(void **state) {
    (void)state;
    AlisaTuneKey key = entries[0].key;
    copy(key.kernels, sizeof key.kernels, "fedcba9876543210fedcba9876543210");
    expect(&key, STALE, known[0].name);
    /* Kernels that are not known are not the same kernels. */
    AlisaTuneEntry entry = entries[0];
    key.kernels[0] = entry.key.kernels[0] = 0;
    assert_int_equal(alisa_tuner_key_match(&key, &entry.key), STALE);
}

static void test_kernels_have_a_hash(void **state) {
    (void)state;
    char hash[ALISA_CACHE_HASH_SIZE], again[ALISA_CACHE_HASH_SIZE], other[ALISA_CACHE_HASH_SIZE];
    char folder[] = "/tmp/alisa-test-XXXXXX", path[64];
    AlisaError error = {0};
    assert_int_equal(alisa_tuner_kernels_hash(hash, &error), ALISA_OK);
    assert_int_equal(alisa_tuner_kernels_hash(again, &error), ALISA_OK);
    assert_int_equal(strlen(hash), ALISA_CACHE_HASH_SIZE - 1);
    assert_string_equal(hash, again);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/probe.cl", folder);
    assert_int_equal(alisa_disk_write_atomic(path, "x", 1, NULL), ALISA_OK);
    setenv("ALISA_KERNEL_DIR", folder, 1);
    assert_int_equal(alisa_tuner_kernels_hash(other, &error), ALISA_OK);
    assert_string_not_equal(hash, other);
    assert_int_equal(alisa_disk_write_atomic(path, "#include \"no\"", 13, NULL), ALISA_OK);
    assert_int_equal(alisa_tuner_kernels_hash(other, &error), ALISA_ERROR_ARGUMENT);
    assert_string_equal(other, "");
    unsetenv("ALISA_KERNEL_DIR");
    remove(path);
    remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_drivers),
        cmocka_unit_test(test_architectures_in_names),
        cmocka_unit_test(test_best_of_one_level),
        cmocka_unit_test(test_level_before_folder),
        cmocka_unit_test(test_how_far_an_entry_serves),
        cmocka_unit_test(test_other_kernels_are_stale),
        cmocka_unit_test(test_kernels_have_a_hash),
    };
    return cmocka_run_group_tests(tests, make_entries, NULL);
}
