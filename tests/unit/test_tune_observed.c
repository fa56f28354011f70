/* SPDX-License-Identifier: Apache-2.0 */
/* Which entry of tuned parameters real devices take: their words are those of the collections in
 * the shared data, where they are there. */
#include <stdlib.h>

#include "base/disk.h"
#include "unit/tune_words.h"

/* The fields of a line of CSV, in place; quotes may hold commas. Returns the rest of the text. */
static char *split_line(char *line, char *columns[16]) {
    char *to = line;
    size_t count = 0;
    bool quoted = false;
    for (size_t i = 0; i < 16; i++)
        columns[i] = "";
    columns[count++] = to;
    for (; *line && (quoted || *line != '\n'); line++) {
        if (*line == '"') {
            quoted = !quoted;
        } else if (*line == ',' && !quoted) {
            *to++ = 0;
            if (count < 16) columns[count++] = to;
        } else {
            *to++ = *line;
        }
    }
    bool last = *line == 0;
    *to = 0;
    return last ? line : line + 1;
}

static AlisaDeviceType guess_type(const char *name) {
    static const char *const words[] = {"Processor", "pthread", "cpu-", " CPU", "APU with"};
    if (strstr(name, "Many Integrated Core")) return ACCELERATOR;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(name, words[i])) return CPU;
    }
    return GPU;
}

/* What is expected of some, by name and platform. */
static const struct {
    const char *platform; /* NULL: any */
    const char *name;
    AlisaTuningMatch match;
    const char *entry;
} observed[] = {
    {SNAPDRAGON, "QUALCOMM Adreno(TM) 750", ARCH, "adreno740"},
    {SNAPDRAGON, "QUALCOMM Adreno(TM) 735", ARCH, "adreno740"},
    {SNAPDRAGON, "(QCS8550 Adreno 740)", ARCH, "adreno740"},
    {NULL, "Mali-LODX r0p0", ARCH, "mali-g610"},
    {NULL, "Mali-G610 MC6 r0p0", ARCH, "mali-g610"},
    {NULL, "Mali-G52", VENDOR, "mali-g610"},
    {NULL, "Mali-G71", VENDOR, "mali-g610"},
    {NULL, "Mali-T604", VENDOR, "mali-g610"},
    {NULL, "Mali-T628", VENDOR, "mali-g610"},
    {NULL, "Intel(R) Graphics [0x56a0]", ARCH, "a770"},
    {NULL, "Intel(R) Arc(TM) A770 Graphics", ARCH, "a770"},
    {NULL, "Mesa Intel(R) Iris(R) Xe Graphics (RPL-P)", VENDOR, "a770"},
    {NULL, "Intel(R) Graphics Gen9 [0x9bc4]", ARCH, "uhd620"},
    {NULL, "Intel(R) Gen9 HD Graphics NEO", ARCH, "uhd620"},
    {NULL, "Intel(R) HD Graphics 4000", VENDOR, "uhd620"},
    {NULL, "Intel(R) HD Graphics IvyBridge GT1", VENDOR, "uhd620"},
    {NULL, "Intel(R) Many Integrated Core Acceleration Card", NONE, "nothing"},
    {NULL, "AMD EPYC 7763 64-Core Processor", ARCH, "zen3"},
    {NULL, "pthread-AMD EPYC 7763 64-Core Processor", ARCH, "zen3"},
    {NULL, "pthread-AMD EPYC 7A53 64-Core Processor", ARCH, "zen3"},
    {NULL, "pthread-AMD EPYC 7662 64-Core Processor", VENDOR, "zen3"},
    {NULL, "AMD Ryzen 7 3700X 8-Core Processor", VENDOR, "zen3"},
    {POCL, "cpu-alderlake-13th Gen Intel(R) Core(TM) i9-13900K", STALE, "alderlake"},
    {AMD_PLATFORM, "Intel(R) Core(TM) i5-4570 CPU @ 3.20GHz", VENDOR, "alderlake"},
    {POCL, "pthread-Intel(R) Core(TM) i7-7800X CPU @ 3.50GHz", VENDOR, "alderlake"},
    {POCL, "pthread-POWER9, altivec supported", TYPE, "zen3"},
    {POCL, "pthread", TYPE, "alderlake"},
    {"Clover", "AMD Radeon RX 5500 XT (navi14, LLVM 15.0.7, DRM 3.52, 6.3.9-arch1-1)", ARCH,
     "5500xt"},
    {NULL, "gfx1012:xnack- (RX 5500XT)", ARCH, "5500xt"},
    {NULL, "gfx1100", ARCH, "7900xt"}, /* the collection has no compute units of it */
    {NULL, "gfx1035", VENDOR, "6700xt"},
    {NULL, "gfx906+sram-ecc", VENDOR, "mi250"},
    {NULL, "gfx908:sramecc+:xnack-", VENDOR, "mi250"},
    {NULL, "gfx90a:sramecc+:xnack-", STALE, "mi250"},
    {NULL, "AMD HAWAII (DRM 2.42.0, LLVM 3.8.0)", ARCH, "hawaii"},
    {NULL, "Hawaii (R9 390)", ARCH, "hawaii"},
    {NULL, "Bonaire", VENDOR, "hawaii"},
    {"Apple", "AMD Radeon HD - FirePro D700 Compute Engine", VENDOR, "7900xt"},
    {"NVIDIA CUDA", "NVIDIA GeForce RTX 4090", ARCH, "4090"},
    {POCL, "NVIDIA GeForce RTX 4090", ARCH, "4090"},
    {NULL, "NVIDIA GeForce RTX 3080 Laptop GPU", ARCH, "3080"},
    {"NVIDIA CUDA", "NVIDIA A100-SXM4-40GB", STALE, "a100"},
    {POCL, "NVIDIA A100-SXM4-40GB", ARCH, "a100"},
    {NULL, "Quadro RTX 5000", VENDOR, "3080"},
    {NULL, "Tesla V100-SXM2-16GB", VENDOR, "3080"},
    {NULL, "Graphics Device", VENDOR, "3080"},
    {"Apple", "Apple M1", STALE, "m1"},
    {"clvk", "Apple M1", ARCH, "m1"},
    {NULL, "MUSA GEN1-104", STALE, "mtt"},
};

enum { OBSERVED_COUNT = sizeof observed / sizeof *observed };

static bool met[OBSERVED_COUNT];

/* Every device has its type's entries to fall back on, or there are none of its type. */
static void check_device(const Words *words) {
    AlisaTuneKey key = key_of(words);
    AlisaTuningMatch match;
    chosen_name(&key, &match);
    assert_int_equal(match == NONE, words->type == ACCELERATOR);
    for (size_t i = 0; i < OBSERVED_COUNT; i++) {
        if (strcmp(observed[i].name, words->name) != 0) continue;
        if (observed[i].platform && strcmp(observed[i].platform, words->platform) != 0) continue;
        expect(&key, observed[i].match, observed[i].entry);
        met[i] = true;
    }
}

/* Columns of platform, name, vendor, vendor id, version, driver, compute units; -1: not there. */
static size_t check_collection(const char *file, const int columns[7]) {
    char path[512], *fields[16];
    snprintf(path, sizeof path, "%s/devices/%s", SHARED_DATA_DIR, file);
    uint8_t *data;
    size_t size, checked = 0;
    if (alisa_disk_read(path, &data, &size, NULL) != ALISA_OK) return 0;
    for (char *rest = split_line((char *)data, fields); *rest;) {
        rest = split_line(rest, fields);
        const char *texts[7];
        for (int i = 0; i < 7; i++)
            texts[i] = columns[i] < 0 ? "" : fields[columns[i]];
        if (!*texts[1]) continue;
        const Words words = {.type = guess_type(texts[1]),
                             .platform = texts[0],
                             .name = texts[1],
                             .vendor = texts[2],
                             .vendor_id = (uint32_t)strtoul(texts[3], NULL, 16),
                             .version = texts[4],
                             .driver = texts[5],
                             .units = (uint32_t)strtoul(texts[6], NULL, 10)};
        check_device(&words);
        checked++;
    }
    free(data);
    return checked;
}

static void test_observed_words(void **state) {
    (void)state;
    static const int strings[7] = {0, 2, 3, 4, 5, 6, -1}, clpeak[7] = {1, 2, -1, -1, -1, 3, 4};
    size_t checked = check_collection("observed_device_strings.csv", strings);
    checked += check_collection("clpeak_devices.csv", clpeak);
    if (checked == 0) {
        print_message("skipped: the collections of device strings are not there\n");
        skip();
    }
    for (size_t i = 0; i < OBSERVED_COUNT; i++) {
        if (!met[i]) fail_msg("the collections lack '%s'", observed[i].name);
    }
    assert_true(checked > 150);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_observed_words),
    };
    return cmocka_run_group_tests(tests, make_entries, NULL);
}
