/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start-up self-test: runs the kernels of cl/selftest.cl and compares them with the same
 * formulas in C. A device that fails would write garbled text with a straight face, so it is
 * refused.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/random.h"
#include "device/device.h"
#include "device/internal.h"
#include "device/source.h"

#define SOURCE "selftest.cl"
#define GROUP  32 /* some drivers allow some kernels no more */
#define HALVES 65536u

typedef enum OutputType { OUTPUT_WORDS, OUTPUT_FLOATS, OUTPUT_HALVES } OutputType;

static const size_t output_size[] = {
    [OUTPUT_WORDS] = sizeof(uint32_t),
    [OUTPUT_FLOATS] = sizeof(float),
    [OUTPUT_HALVES] = sizeof(uint16_t),
};

/* One launch of kernel(in, out, variant) over `items` work-items. */
typedef struct SelfTest {
    const char *name;
    const char *kernel;
    uint32_t variant;
    OutputType type;
    double ulps;     /* allowed between a result and the exact one */
    size_t items;    /* a multiple of GROUP */
    size_t in_bytes; /* a multiple of 4 */
    size_t out_count;
    /* Fills `in` and what each of out_count results must be. */
    void (*prepare)(const struct SelfTest *test, void *in, double *expected);
} SelfTest;

static void prepare_loop(const SelfTest *test, void *in, double *expected) {
    /* Far more rounds than 65,535, where a driver that counts in 16 bits stops. */
    uint32_t *words = in;
    words[0] = 100000;
    for (uint32_t i = 0; i < test->items; i++) {
        uint32_t state = words[1 + i] = i * 2654435761u + 1;
        for (uint32_t r = 0; r < words[0]; r++) {
            state = state * 1664525u + 1013904223u + test->variant;
            state ^= state >> 13;
        }
        expected[i] = state;
    }
}

static void prepare_group_sum(const SelfTest *test, void *in, double *expected) {
    float *values = in;
    for (size_t i = 0; i < test->items; i++) {
        values[i] = (float)(i * 37 % 101);
        expected[i] = values[i];
    }
    for (uint32_t round = 0; round < test->variant; round++) {
        for (size_t group = 0; group < test->items; group += GROUP) {
            double sum = 0;
            for (size_t i = 0; i < GROUP; i++)
                sum += expected[group + i];
            for (size_t i = group; i < group + GROUP; i++) {
                expected[i] = values[i] + (double)((uint32_t)sum & 1023u);
            }
        }
    }
}

static void prepare_half_load(const SelfTest *test, void *in, double *expected) {
    uint16_t *halves = in;
    halves[0] = 0x3c00;
    for (uint32_t j = 0; j < test->out_count; j++) {
        halves[1 + j] = (uint16_t)(j * 40503u); /* every half once: the factor is odd */
        expected[j] = (double)alisa_half_to_float(halves[1 + j]);
    }
    halves[1 + test->out_count] = 0;
}

/* Every finite half with what lies around the middle to its neighbour: where rounding shows. */
static void prepare_half_store(const SelfTest *test, void *in, double *expected) {
    float *values = in;
    for (uint32_t j = 0; j < HALVES; j++) {
        uint32_t half = j * 40503u & 0xffffu, bits;
        if ((half & 0x7c00u) == 0x7c00u) half &= 0x83ffu;
        float value = alisa_half_to_float((uint16_t)half);
        memcpy(&bits, &value, sizeof bits);
        if (value != 0) bits += 0xfffu + j % 4; /* 4095, 4096 (the middle), 4097, 4098 of 8192 */
        memcpy(&values[j], &bits, sizeof bits);
        expected[1 + j] = (double)alisa_half_to_float(alisa_half_from_float(values[j]));
    }
    expected[0] = expected[1];
    (void)test;
}

static void prepare_vectors(const SelfTest *test, void *in, double *expected) {
    float *values = in;
    for (size_t j = 0; j < test->in_bytes / sizeof *values; j++)
        values[j] = (float)j - 300.5f;
    expected[0] = values[0];
    for (size_t j = 1; j < test->out_count; j++)
        expected[j] = 2.0 * (double)values[2 + j];
}

static void prepare_bytes(const SelfTest *test, void *in, double *expected) {
    uint8_t *bytes = in;
    for (size_t j = 0; j < test->out_count; j++) {
        uint8_t byte = (uint8_t)j;
        bytes[1 + j] = byte;
        expected[j] = test->variant == 0   ? (int8_t)byte
                      : test->variant == 1 ? (byte & 15) - 8
                                           : (byte >> 4) - 8;
    }
}

static void prepare_offsets(const SelfTest *test, void *in, double *expected) {
    uint32_t *words = in;
    words[0] = 3700000004u; /* a multiple of 4; row numbers of a few bits overflow 32 bits */
    for (uint32_t i = 0; i < test->items; i++)
        words[1 + i] = i * 7919u + 3;
    for (uint32_t i = 0; i < test->items; i++) {
        uint64_t offset = (uint64_t)words[1 + i] * words[0] + 8;
        expected[3 * i] = (uint32_t)offset;
        expected[3 * i + 1] = (uint32_t)(offset >> 32);
        uint64_t word = offset % test->variant / sizeof *words;
        expected[3 * i + 2] = words[word];
    }
}

enum {
    FUNCTION_FMA,
    FUNCTION_DIVIDE,
    FUNCTION_SQRT,
    FUNCTION_EXP,
    FUNCTION_EXP2,
    FUNCTION_SIN,
    FUNCTION_COS,
    FUNCTION_INFINITY
};

static double exact(uint32_t function, float x, float y, float z) {
    switch (function) {
    case FUNCTION_FMA:
        return (double)fmaf(x, y, z);
    case FUNCTION_DIVIDE:
        return (double)x / (double)y;
    case FUNCTION_SQRT:
        return sqrt((double)x);
    case FUNCTION_EXP:
        return exp((double)x);
    case FUNCTION_EXP2:
        return exp2((double)x);
    case FUNCTION_SIN:
        return sin((double)x);
    case FUNCTION_COS:
        return cos((double)x);
    default:
        return (double)x + 1;
    }
}

static void prepare_arithmetic(const SelfTest *test, void *in, double *expected) {
    float *x = in, *y = x + test->items, *z = y + test->items;
    AlisaRandom random;
    alisa_random_seed(&random, test->variant);
    for (size_t i = 0; i < test->items; i++) {
        /* No argument or result is subnormal: those may be flushed. */
        float uniform = alisa_random_float(&random) * 2 - 1;
        y[i] = (uniform < 0 ? -0.25f : 0.25f) + alisa_random_float(&random) * uniform;
        switch (test->variant) {
        case FUNCTION_FMA: /* the sum cancels all but the rounding of the product */
            x[i] = 1 + alisa_random_float(&random);
            z[i] = -(x[i] * y[i]);
            break;
        case FUNCTION_SQRT:
            x[i] = ldexpf(1 + alisa_random_float(&random), (int)(i % 200) - 100);
            break;
        case FUNCTION_EXP:
        case FUNCTION_EXP2:
            x[i] = uniform * 80;
            break;
        case FUNCTION_INFINITY:
            x[i] = (float)(int)(uniform * 1000);
            y[i] = -INFINITY;
            break;
        default:
            x[i] = uniform * 100;
        }
        expected[i] = exact(test->variant, x[i], y[i], z[i]);
    }
}

#define ARITHMETIC(name, function, ulps)                                                           \
    {                                                                                              \
        name, "selftest_arithmetic", function, OUTPUT_FLOATS, ulps, 1024, 3 * 1024 * 4, 1024,      \
            prepare_arithmetic                                                                     \
    }
#define HALF_LOAD(width)                                                                           \
    {                                                                                              \
        "loads of half", "selftest_half_load", width, OUTPUT_FLOATS, 0, HALVES / 16,               \
            HALVES * 2 + 4, HALVES, prepare_half_load                                              \
    }
#define HALF_STORE(width)                                                                          \
    {                                                                                              \
        "stores of half", "selftest_half_store", width, OUTPUT_HALVES, 0, HALVES / 16, HALVES * 4, \
            HALVES + 1, prepare_half_store                                                         \
    }
#define VECTORS(width)                                                                             \
    {                                                                                              \
        "vectors at any float", "selftest_vectors", width, OUTPUT_FLOATS, 0, 64,                   \
            (64 * 16 + 4) * 4, 64 * 16 + 1, prepare_vectors                                        \
    }
#define BYTES(what)                                                                                \
    {                                                                                              \
        "bytes to floats", "selftest_bytes", what, OUTPUT_FLOATS, 0, 64, 64 * 4 + 4, 256,          \
            prepare_bytes                                                                          \
    }

/* Limits in ulps are those of OpenCL 1.2 section 7.4, the wider of the two profiles. */
static const SelfTest tests[] = {
    {"loops", "selftest_loop", 1, OUTPUT_WORDS, 0, 64, 65 * 4, 64, prepare_loop},
    {"sums in local memory", "selftest_group_sum", 3, OUTPUT_FLOATS, 0, 512, 512 * 4, 512,
     prepare_group_sum},
    HALF_LOAD(1),
    HALF_LOAD(4),
    HALF_LOAD(8),
    HALF_LOAD(16),
    HALF_STORE(1),
    HALF_STORE(4),
    HALF_STORE(8),
    HALF_STORE(16),
    VECTORS(2),
    VECTORS(4),
    VECTORS(8),
    VECTORS(16),
    BYTES(0),
    BYTES(1),
    BYTES(2),
    {"64-bit offsets", "selftest_offsets", 260, OUTPUT_WORDS, 0, 64, 65 * 4, 192, prepare_offsets},
    ARITHMETIC("fma", FUNCTION_FMA, 0),
    ARITHMETIC("division", FUNCTION_DIVIDE, 3),
    ARITHMETIC("sqrt", FUNCTION_SQRT, 4),
    ARITHMETIC("exp", FUNCTION_EXP, 4),
    ARITHMETIC("exp2", FUNCTION_EXP2, 4),
    ARITHMETIC("sin", FUNCTION_SIN, 4),
    ARITHMETIC("cos", FUNCTION_COS, 4),
    ARITHMETIC("infinities", FUNCTION_INFINITY, 0),
};

static double result_at(const SelfTest *test, const uint8_t *out, size_t i) {
    uint32_t word = 0;
    float value;
    memcpy(&word, out + i * output_size[test->type], output_size[test->type]);
    switch (test->type) {
    case OUTPUT_HALVES:
        return (double)alisa_half_to_float((uint16_t)word);
    case OUTPUT_FLOATS:
        memcpy(&value, &word, sizeof value);
        return (double)value;
    default:
        return word;
    }
}

static bool good(const SelfTest *test, double result, double expected) {
    if (isnan(expected)) return isnan(result);
    if (result == expected) return true;
    /* Subnormal halves may be flushed: they are 6e-5 of weights of order 1. */
    if (result == 0 && fabs(expected) < 0x1p-14 && test->ulps == 0 &&
        strncmp(test->kernel, "selftest_half", 13) == 0) {
        return true;
    }
    if (isinf(expected) || !(fabs(result) <= (double)FLT_MAX)) return false;
    int exponent;
    frexp(expected, &exponent);
    return fabs(result - expected) <= test->ulps * ldexp(1, exponent - FLT_MANT_DIG);
}

static AlisaStatus compare(const AlisaDevice *device, const SelfTest *test, const uint8_t *out,
                           const double *expected, AlisaError *error) {
    for (size_t i = 0; i < test->out_count; i++) {
        double result = result_at(test, out, i);
        if (good(test, result, expected[i])) continue;
        const AlisaDeviceInfo *info = &device->candidate.info;
        return alisa_error_set(
            error, ALISA_ERROR_DEVICE,
            "%s (%s, driver %s) computes wrong results in the self-test of %s "
            "(%s, variant %u, element %zu is %.10g instead of %.10g), so it is not "
            "used: choose another device with -dev, or update its driver",
            info->name, info->platform, info->driver, test->name, test->kernel, test->variant, i,
            result, expected[i]);
    }
    return ALISA_OK;
}

/* Moves `size` bytes in two pieces, so that transfers at an offset are tested too. */
static AlisaStatus transfer(AlisaDevice *device, const AlisaBuffer *buffer, const void *from,
                            void *to, size_t size, AlisaError *error) {
    size_t first = size / 3 & ~(size_t)3;
    AlisaStatus status;
    if (from) {
        status = alisa_buffer_write(device, buffer, first, (const char *)from + first, size - first,
                                    error);
        if (status == ALISA_OK) status = alisa_buffer_write(device, buffer, 0, from, first, error);
    } else {
        status = alisa_buffer_read(device, buffer, first, (char *)to + first, size - first, error);
        if (status == ALISA_OK) status = alisa_buffer_read(device, buffer, 0, to, first, error);
    }
    return status;
}

static AlisaStatus run_kernel(AlisaDevice *device, const SelfTest *test, const void *in, void *out,
                              AlisaError *error) {
    AlisaKernel *kernel;
    AlisaBuffer in_buffer = {0}, out_buffer = {0};
    const size_t out_bytes = test->out_count * output_size[test->type];
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&in_buffer), ALISA_ARG_BUFFER(&out_buffer),
                                       ALISA_ARG(test->variant)};
    const AlisaLaunch launch = {{test->items, 1, 1}, {GROUP, 1, 1}};
    AlisaStatus status = alisa_kernel_get(device, SOURCE, test->kernel, "", &kernel, error);
    if (status != ALISA_OK) return status;
    status = alisa_buffer_create(device, test->in_bytes, ALISA_BUFFER_READ_ONLY, "self-test",
                                 &in_buffer, error);
    if (status != ALISA_OK) goto done;
    status = alisa_buffer_create(device, out_bytes, ALISA_BUFFER_READ_WRITE, "self-test",
                                 &out_buffer, error);
    if (status != ALISA_OK) goto done;
    status = transfer(device, &in_buffer, in, NULL, test->in_bytes, error);
    if (status != ALISA_OK) goto done;
    /* What a kernel leaves out must not hold the results of an earlier one. */
    status = transfer(device, &out_buffer, out, NULL, out_bytes, error);
    if (status != ALISA_OK) goto done;
    status = alisa_kernel_launch(kernel, &launch, arguments, 3, error);
    if (status != ALISA_OK) goto done;
    status = transfer(device, &out_buffer, NULL, out, out_bytes, error);
done:
    alisa_buffer_destroy(&in_buffer);
    alisa_buffer_destroy(&out_buffer);
    return status;
}

static AlisaStatus run_test(AlisaDevice *device, const SelfTest *test, AlisaError *error) {
    const size_t out_bytes = test->out_count * output_size[test->type];
    AlisaStatus status = ALISA_ERROR_MEMORY;
    uint8_t *out = NULL;
    double *expected = NULL;
    void *in = alisa_allocate_zeroed(1, test->in_bytes, "self-test", error);
    if (!in) goto done;
    out = alisa_allocate(1, out_bytes, "self-test", error);
    if (!out) goto done;
    expected = alisa_allocate(test->out_count, sizeof *expected, "self-test", error);
    if (!expected) goto done;
    memset(out, 0xa5, out_bytes);
    test->prepare(test, in, expected);
    status = run_kernel(device, test, in, out, error);
    if (status == ALISA_OK) status = compare(device, test, out, expected, error);
done:
    free(expected);
    free(out);
    free(in);
    return status;
}

AlisaStatus alisa_selftest_run(const AlisaCandidate *candidate, AlisaCache *cache,
                               AlisaError *error) {
    char hash[ALISA_CACHE_HASH_SIZE], key[1200];
    char *text;
    uint8_t *record;
    size_t size;
    AlisaStatus status = alisa_source_resolve(SOURCE, &text, &size, error);
    if (status != ALISA_OK) return status;
    alisa_cache_hash(text, size, hash);
    free(text);
    alisa_discovery_identity(candidate, key, sizeof key);
    size_t used = strlen(key);
    snprintf(key + used, sizeof key - used, "tests %zu\nsource %s\n", sizeof tests / sizeof *tests,
             hash);
    if (alisa_cache_read(cache, "selftest", key, &record, &size)) {
        free(record);
        return ALISA_OK;
    }

    alisa_log_write(&cache->log, ALISA_LOG_INFO, "testing %s, which is new or has a new driver",
                    candidate->info.name);
    AlisaDevice *device;
    status = alisa_opencl_open_bare(candidate, "", &cache->log, &device, error);
    if (status != ALISA_OK) return status;
    for (size_t i = 0; i < sizeof tests / sizeof *tests && status == ALISA_OK; i++) {
        status = run_test(device, &tests[i], error);
    }
    alisa_opencl_close(device);
    if (status == ALISA_OK) alisa_cache_write(cache, "selftest", key, "passed", 6);
    return status;
}
