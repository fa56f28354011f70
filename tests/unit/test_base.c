/* SPDX-License-Identifier: Apache-2.0 */
/* The base module: 16-bit floats over all their values, random numbers, files, errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/half.h"
#include "base/random.h"
#include "base/round.h"

/* ---- Rounding ------------------------------------------------------------------------------ */

static void test_rounding_up(void **state) {
    (void)state;
    for (uint32_t unit = 1; unit <= 70; unit++) {
        for (uint32_t value = 0; value <= 300; value++) {
            uint32_t units = 0;
            while (units * unit < value)
                units++;
            assert_int_equal(alisa_divide_up(value, unit), units);
            assert_int_equal(alisa_round_up(value, unit), units * unit);
            assert_int_equal(alisa_divide_up_64(value, unit), units);
            assert_int_equal(alisa_round_up_64(value, unit), units * unit);
        }
    }
    assert_int_equal(alisa_divide_up(UINT32_MAX, 64), 1u << 26);
    assert_int_equal(alisa_round_up(UINT32_MAX - 64, 64), UINT32_MAX - 63);
    assert_true(alisa_divide_up_64(UINT64_MAX, 1u << 31) == (uint64_t)1 << 33);
    assert_true(alisa_round_up_64((uint64_t)UINT32_MAX, 4096) == (uint64_t)1 << 32);
}

/* ---- 16-bit floats ------------------------------------------------------------------------ */

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The value of a finite half by the definition of the format. */
static double half_value(uint16_t half) {
    int exponent = (half >> 10) & 31, mantissa = half & 1023;
    double magnitude = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return half & 0x8000 ? -magnitude : magnitude;
}

static void test_half_to_float(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        uint16_t half = (uint16_t)i;
        float value = alisa_half_to_float(half);
        bool special = (half & 0x7c00) == 0x7c00;
        assert_int_equal(signbit(value) != 0, half >> 15);
        if (special && (half & 0x3ff)) {
            assert_true(isnan(value));
        } else if (special) {
            assert_true(isinf(value));
        } else {
            assert_true((double)value == half_value(half));
        }
        uint16_t back = alisa_half_from_float(value);
        if (isnan(value)) {
            assert_true((back & 0x7c00) == 0x7c00 && (back & 0x3ff));
        } else {
            assert_int_equal(back, half);
        }
    }
}

/* Every pair of neighbours: below, at and above the middle between them. */
static void test_half_rounds_to_nearest_even(void **state) {
    (void)state;
    for (uint16_t half = 0; half < 0x7bff; half++) {
        float low = alisa_half_to_float(half), high = alisa_half_to_float((uint16_t)(half + 1));
        float middle = low + (high - low) / 2; /* exact: a float has 13 bits more */
        uint16_t even = half & 1 ? (uint16_t)(half + 1) : half;
        for (int sign = 0; sign < 2; sign++) {
            uint16_t mark = (uint16_t)(sign << 15);
            float s = sign ? -1.0f : 1.0f;
            assert_int_equal(alisa_half_from_float(s * middle), mark | even);
            assert_int_equal(alisa_half_from_float(s * nextafterf(middle, 0)), mark | half);
            assert_int_equal(alisa_half_from_float(s * nextafterf(middle, INFINITY)),
                             mark | (half + 1));
        }
    }
    assert_int_equal(alisa_half_from_float(65519.996f), 0x7bff);
    assert_int_equal(alisa_half_from_float(65520.0f), 0x7c00);
    assert_int_equal(alisa_half_from_float(-3e38f), 0xfc00);
    assert_int_equal(alisa_half_from_float(INFINITY), 0x7c00);
    assert_int_equal(alisa_half_from_float(float_of(1)), 0);
    assert_int_equal(alisa_half_from_float(-float_of(1)), 0x8000);
}

static void test_bfloat(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 65536; i++)
        assert_int_equal(bits_of(alisa_bfloat_to_float((uint16_t)i)), i << 16);
}

/* ---- Random numbers ----------------------------------------------------------------------- */

/* The generator written out from its paper, to see that it is that one. */
static uint32_t reference_next(uint64_t *state) {
    uint64_t old = *state;
    *state = old * 6364136223846793005u + 1442695040888963407u;
    uint32_t xorshifted = (uint32_t)(((old >> 18) ^ old) >> 27), rotation = (uint32_t)(old >> 59);
    return rotation ? (xorshifted >> rotation) | (xorshifted << (32 - rotation)) : xorshifted;
}

static void test_random_is_pcg(void **state) {
    (void)state;
    static const uint64_t seeds[] = {0, 1, 42, UINT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        AlisaRandom random, again;
        alisa_random_seed(&random, seeds[i]);
        alisa_random_seed(&again, seeds[i]);
        uint64_t reference = random.state;
        for (int j = 0; j < 1000; j++) {
            uint32_t draw = alisa_random_next(&random);
            assert_int_equal(draw, reference_next(&reference));
            assert_int_equal(draw, alisa_random_next(&again));
        }
    }
    AlisaRandom one, two;
    alisa_random_seed(&one, 1);
    alisa_random_seed(&two, 2);
    assert_int_not_equal(alisa_random_next(&one), alisa_random_next(&two));
}

static void test_random_distributions(void **state) {
    (void)state;
    enum { DRAWS = 200000, BINS = 10 };
    AlisaRandom random;
    alisa_random_seed(&random, 2026);
    unsigned bins[3][BINS] = {{0}};
    double sum = 0, square = 0, fourth = 0;
    for (int i = 0; i < DRAWS; i++) {
        float single = alisa_random_float(&random);
        double wide = alisa_random_double(&random);
        uint32_t whole = alisa_random_below(&random, BINS);
        assert_true(single >= 0 && single < 1 && wide >= 0 && wide < 1 && whole < BINS);
        bins[0][(int)(single * BINS)]++;
        bins[1][(int)(wide * BINS)]++;
        bins[2][whole]++;
        double normal = alisa_random_normal(&random);
        assert_true(isfinite(normal));
        sum += normal;
        square += normal * normal;
        fourth += normal * normal * normal * normal;
    }
    /* Five standard deviations of a bin's count are 671. */
    for (int i = 0; i < 3 * BINS; i++)
        assert_in_range(bins[i / BINS][i % BINS], 19329, 20671);
    assert_true(fabs(sum / DRAWS) < 0.012);
    assert_true(fabs(square / DRAWS - 1) < 0.02);
    assert_true(fabs(fourth / DRAWS - 3) < 0.15);
    assert_int_equal(alisa_random_below(&random, 1), 0);
    for (int i = 0; i < 1000; i++) {
        assert_true(alisa_random_below(&random, 0x80000001u) <= 0x80000000u);
    }
}

/* ---- Files -------------------------------------------------------------------------------- */

static char folder[64];

static int setup_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/alisa-base-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static unsigned count_entries(const char *path, bool remove_them) {
    DIR *directory = opendir(path);
    unsigned count = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        char name[512];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        count++;
        if (remove_them) remove(name);
    }
    closedir(directory);
    return count;
}

static int teardown_folder(void **state) {
    (void)state;
    count_entries(folder, true);
    return rmdir(folder);
}

static const char *in_folder(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void test_files(void **state) {
    (void)state;
    AlisaError error;
    AlisaDiskMap map;
    uint8_t *data;
    size_t size;
    for (size_t length = 0; length < 20000; length += 4095) {
        uint8_t *bytes = malloc(length + 1);
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)(i * 31 + 7);
        const char *path = in_folder("file");
        assert_int_equal(alisa_disk_write_atomic(path, bytes, length, &error), ALISA_OK);
        assert_int_equal(alisa_disk_read(path, &data, &size, &error), ALISA_OK);
        assert_int_equal(size, length);
        assert_memory_equal(data, bytes, length);
        assert_int_equal(data[length], 0);
        free(data);
        assert_int_equal(alisa_disk_map_open(path, &map, &error), ALISA_OK);
        assert_int_equal(map.size, length);
        assert_int_equal(map.data == NULL, length == 0);
        if (length) assert_memory_equal(map.data, bytes, length);
        alisa_disk_map_close(&map);
        alisa_disk_map_close(&map);
        free(bytes);
    }
    assert_int_equal(count_entries(folder, false), 1); /* no temporary stays */
}

/* The user's umask decides who reads a file, and two writers do not meet in one temporary. */
static void test_file_modes(void **state) {
    (void)state;
    static const mode_t masks[] = {0, 022, 027, 077};
    AlisaError error;
    struct stat info;
    char path[256], taken[320];
    snprintf(path, sizeof path, "%s", in_folder("mode"));
    snprintf(taken, sizeof taken, "%s.%ld.0", path, (long)getpid());
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        mode_t before = umask(masks[i]);
        assert_int_equal(alisa_disk_write_atomic(path, "x", 1, &error), ALISA_OK);
        umask(before);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0666 & ~masks[i]);
    }
    assert_int_equal(rename(path, taken), 0);
    assert_int_equal(alisa_disk_write_atomic(path, "new", 3, &error), ALISA_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 3);
    assert_int_equal(stat(taken, &info), 0);
    assert_int_equal(info.st_size, 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(taken), 0);
}

static void test_file_failures(void **state) {
    (void)state;
    AlisaError error;
    AlisaDiskMap map;
    uint8_t *data;
    size_t size;
    char missing[256];
    snprintf(missing, sizeof missing, "%s", in_folder("none/such"));
    assert_int_equal(alisa_disk_map_open(missing, &map, &error), ALISA_ERROR_IO);
    assert_non_null(strstr(error.message, missing));
    assert_null(map.data);
    assert_int_equal(alisa_disk_read(missing, &data, &size, &error), ALISA_ERROR_IO);
    assert_null(data);
    assert_int_equal(alisa_disk_write_atomic(missing, "x", 1, &error), ALISA_ERROR_IO);
    assert_non_null(strstr(error.message, missing));
    assert_int_equal(alisa_disk_map_open(folder, &map, NULL), ALISA_ERROR_IO);
    assert_int_equal(alisa_disk_read(folder, &data, &size, &error), ALISA_ERROR_IO);
}

/* A write that fails half-way (here: the largest file allowed, as on a full disk) leaves the old
 * file and no temporary. */
static void test_failed_write_keeps_old_file(void **state) {
    (void)state;
    AlisaError error;
    struct rlimit before, tight;
    char path[256];
    snprintf(path, sizeof path, "%s", in_folder("kept"));
    assert_int_equal(alisa_disk_write_atomic(path, "old", 3, &error), ALISA_OK);
    unsigned entries = count_entries(folder, false);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = before;
    tight.rlim_cur = 1000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    uint8_t *bytes = calloc(1, 100000);
    AlisaStatus status = alisa_disk_write_atomic(path, bytes, 100000, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    free(bytes);
    assert_int_equal(status, ALISA_ERROR_IO);
    assert_int_equal(count_entries(folder, false), entries);
    uint8_t *data;
    size_t size;
    assert_int_equal(alisa_disk_read(path, &data, &size, &error), ALISA_OK);
    assert_string_equal((char *)data, "old");
    free(data);
}

static void test_folders(void **state) {
    (void)state;
    AlisaError error;
    struct stat info;
    char deep[256], file[256];
    snprintf(deep, sizeof deep, "%s", in_folder("a/b/c"));
    assert_int_equal(alisa_folder_create(deep, &error), ALISA_OK);
    assert_int_equal(alisa_folder_create(deep, &error), ALISA_OK);
    assert_int_equal(stat(deep, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_int_equal(info.st_mode & 077, 0);
    snprintf(file, sizeof file, "%s", in_folder("plain"));
    assert_int_equal(alisa_disk_write_atomic(file, "x", 1, &error), ALISA_OK);
    snprintf(file, sizeof file, "%s", in_folder("plain/below"));
    assert_int_equal(alisa_folder_create(file, &error), ALISA_ERROR_IO);
    assert_int_equal(alisa_folder_create("", &error), ALISA_ERROR_IO);
    static const char *const made[] = {"a/b/c", "a/b", "a"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(rmdir(in_folder(made[i])), 0);
}

/* ---- Errors, memory, clock ---------------------------------------------------------------- */

static void test_errors(void **state) {
    (void)state;
    AlisaError error;
    assert_int_equal(alisa_error_set(&error, ALISA_ERROR_FORMAT, "%s: %d", "here", 7),
                     ALISA_ERROR_FORMAT);
    assert_string_equal(error.message, "here: 7");
    assert_int_equal(alisa_error_prefix(&error, ALISA_ERROR_IO, "while %s", "reading"),
                     ALISA_ERROR_IO);
    assert_string_equal(error.message, "while reading: here: 7");
    assert_int_equal(error.status, ALISA_ERROR_IO);
    assert_int_equal(alisa_error_set(NULL, ALISA_ERROR_IO, "x"), ALISA_ERROR_IO);
    assert_int_equal(alisa_error_prefix(NULL, ALISA_ERROR_IO, "x"), ALISA_ERROR_IO);
    char long_text[3000];
    memset(long_text, 'm', sizeof long_text);
    long_text[sizeof long_text - 1] = 0;
    alisa_error_set(&error, ALISA_ERROR_IO, "%s", long_text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    alisa_error_prefix(&error, ALISA_ERROR_IO, "%s", long_text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    for (int i = 0; i < ALISA_STATUS_COUNT; i++) {
        assert_true(strlen(alisa_status_name((AlisaStatus)i)) > 1);
    }
    assert_string_equal(alisa_status_name((AlisaStatus)99), "unknown status");
}

static void test_allocation(void **state) {
    (void)state;
    AlisaError error;
    assert_null(alisa_allocate(SIZE_MAX / 4, 8, "token table", &error));
    assert_int_equal(error.status, ALISA_ERROR_MEMORY);
    assert_non_null(strstr(error.message, "token table"));
    void *nothing = alisa_allocate(0, 8, "nothing", &error);
    assert_non_null(nothing);
    alisa_free(nothing);
    uint8_t *zeroes = alisa_allocate_zeroed(1000, 3, "zeroes", &error);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(zeroes[i], 0);
    alisa_free(zeroes);
    alisa_free(NULL);
}

static void test_clock(void **state) {
    (void)state;
    uint64_t start = alisa_clock_now(), last = start;
    while (last - start < 2000000) {
        uint64_t now = alisa_clock_now();
        assert_true(now >= last);
        last = now;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding_up),
        cmocka_unit_test(test_half_to_float),
        cmocka_unit_test(test_half_rounds_to_nearest_even),
        cmocka_unit_test(test_bfloat),
        cmocka_unit_test(test_random_is_pcg),
        cmocka_unit_test(test_random_distributions),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_file_modes),
        cmocka_unit_test(test_file_failures),
        cmocka_unit_test(test_failed_write_keeps_old_file),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_allocation),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
