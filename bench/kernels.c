/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matrix product by weight type, shape, number of activation rows and layout, each beside a
 * reference measured in turn with it: with one kernel pass goes one pass of the reference, and
 * medians are compared, so that a machine that slows down slows both.
 *
 * matvec streams a working set larger than the caches and is compared, in GB/s of weights, with the
 * host's threads reading the same bytes (where the device shares the host's memory). matmul is
 * compared, in GFLOP/s, with OpenBLAS sgemm on float weights of the same shape (where built with
 * it). With --beside both are compared, in GFLOP/s, with the product with weights of that type.
 */
#include <stdbool.h>
#include <string.h>

#include "base/random.h"
#include "base/round.h"
#include "base/weight_type.h"
#include "ops/ops.h"
#include "ops/repack.h"
#include "timing.h"

enum { MAX_LIST = 64, MAX_PASSES = 400, MIN_PASSES = 5, NO_TYPE = 255 };
static const uint64_t working_set = 384u << 20; /* bytes of weights that matvec goes through */

typedef struct Shape {
    uint32_t outputs, columns;
} Shape;

typedef enum Family { FAMILY_DEFAULT, FAMILY_MATVEC, FAMILY_MATMUL } Family;

typedef struct Options {
    uint32_t types[MAX_LIST], rows[MAX_LIST];
    Shape shapes[MAX_LIST];
    AlisaLayout layouts[MAX_LIST];
    const char *changes[MAX_LIST]; /* "matvec.several=4" */
    int type_count, row_count, shape_count, layout_count, change_count;
    uint32_t beside; /* the type to compare with; NO_TYPE: the default, see above */
    Family family;
    double seconds; /* for each line */
    bool csv;
    const char *device;
} Options;

/* TinyLlama 1.1B: attention, keys and values, both feed-forward matrices, head. */
static const Shape all_shapes[] = {
    {2048, 2048}, {256, 2048}, {5632, 2048}, {2048, 5632}, {32000, 2048}};
static const char *const layout_names[] = {"item", "group", "clblast", "matrix"};
enum { LAYOUTS = sizeof layout_names / sizeof *layout_names };

static const char usage[] =
    "usage: bench_kernels [--type F16,Q8_0,...] [--shape OUTPUTSxCOLUMNS,...]\n"
    "       [--rows 1,512] [--layout item,group,clblast,matrix] [--kernel default|matvec|matmul]\n"
    "       [--beside Q8_0] [--set matvec.several=4] ... [--seconds 2] [-dev DEVICE] [-o md|csv]\n";

static void fail(const char *message) {
    fprintf(stderr, "error: %s\n", message);
    exit(3);
}

static void require(AlisaStatus status, const AlisaError *error) {
    if (status) fail(error->message);
}

/* Of a type that is computed with; else NO_TYPE. */
static uint32_t type_of(const char *name) {
    const AlisaWeightTypeInfo *info;
    for (size_t i = 0; (info = alisa_weight_type_at(i)); i++)
        if (alisa_weight_type_is_computed(info->id) && strcmp(info->name, name) == 0)
            return info->id;
    return NO_TYPE;
}

/* The type of that name, or with NULL all that are computed with. False: there is none, or no room.
 */
static bool add_types(Options *options, const char *name) {
    const AlisaWeightTypeInfo *info;
    bool found = false;
    for (size_t i = 0; (info = alisa_weight_type_at(i)); i++) {
        if (!alisa_weight_type_is_computed(info->id) || (name && strcmp(info->name, name) != 0))
            continue;
        if (options->type_count == MAX_LIST) return false;
        options->types[options->type_count++] = info->id;
        found = true;
    }
    return found;
}

static bool parse_item(Options *options, const char *name, const char *item) {
    char *end;
    if (strcmp(name, "--type") == 0) {
        return add_types(options, item);
    }
    if (strcmp(name, "--layout") == 0) {
        for (int i = 0; i < LAYOUTS; i++) {
            if (options->layout_count < MAX_LIST && strcmp(layout_names[i], item) == 0) {
                options->layouts[options->layout_count++] = (AlisaLayout)i;
                return true;
            }
        }
        return false;
    }
    if (strcmp(name, "--rows") == 0) {
        options->rows[options->row_count] = (uint32_t)strtoul(item, &end, 10);
        return options->rows[options->row_count++] > 0 && *end == '\0';
    }
    Shape *shape = &options->shapes[options->shape_count++];
    return sscanf(item, "%ux%u", &shape->outputs, &shape->columns) == 2;
}

static bool parse_list(Options *options, const char *name, const char *list) {
    char item[32];
    for (int count = 0; *list && count < MAX_LIST; count++) {
        size_t length = strcspn(list, ",");
        if (length >= sizeof item) return false;
        memcpy(item, list, length);
        item[length] = '\0';
        if (!parse_item(options, name, item)) return false;
        list += length + (list[length] == ',');
    }
    return *list == '\0';
}

static bool parse(Options *options, int argc, char **argv) {
    static const char *const lists[] = {"--type", "--layout", "--rows", "--shape"};
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        bool known = false;
        for (int j = 0; j < 4; j++) {
            if (strcmp(name, lists[j]) == 0) known = parse_list(options, name, value);
        }
        if (strcmp(name, "--seconds") == 0) {
            options->seconds = strtod(value, NULL);
            known = options->seconds > 0;
        } else if (strcmp(name, "--beside") == 0) {
            options->beside = type_of(value);
            known = options->beside != NO_TYPE;
        } else if (strcmp(name, "--set") == 0 && options->change_count < MAX_LIST) {
            options->changes[options->change_count++] = value;
            known = true;
        } else if (strcmp(name, "-dev") == 0) {
            options->device = value;
            known = true;
        } else if (strcmp(name, "-o") == 0) {
            options->csv = strcmp(value, "csv") == 0;
            known = options->csv || strcmp(value, "md") == 0;
        } else if (strcmp(name, "--kernel") == 0) {
            static const char *const names[] = {"default", "matvec", "matmul"};
            for (int j = 0; j < 3; j++) {
                if (strcmp(value, names[j]) == 0) {
                    options->family = (Family)j;
                    known = true;
                }
            }
        }
        if (!known) return false;
    }
    return argc % 2 == 1;
}

/* What was not asked for: all types and shapes, decode and prefill, the device's own layout. */
static void fill_defaults(Options *options, const AlisaOpsParameters *parameters) {
    if (!options->type_count) add_types(options, NULL);
    if (!options->shape_count) {
        options->shape_count = sizeof all_shapes / sizeof *all_shapes;
        memcpy(options->shapes, all_shapes, sizeof all_shapes);
    }
    if (!options->row_count) {
        options->row_count = 2;
        options->rows[0] = 1;
        options->rows[1] = 512;
    }
    if (!options->layout_count) {
        options->layout_count = 1;
        options->layouts[0] = (AlisaLayout)parameters->matvec[0].layout;
    }
}

/* Ordinary numbers: no subnormals, infinities or zeros that a processor could be faster or slower
 * with. `period` bytes are made, the rest repeats them. */
static void fill_weights(uint32_t type, uint8_t *data, uint64_t size) {
    const AlisaWeightTypeInfo *info = alisa_weight_type_info(type);
    uint64_t period = 4096ull * info->block_bytes;
    AlisaRandom random;
    alisa_random_seed(&random, type);
    if (period > size) period = size;
    for (uint64_t at = 0; at < period; at += info->block_bytes) {
        for (uint32_t i = 0; i < info->block_bytes; i++)
            data[at + i] = (uint8_t)alisa_random_next(&random);
        uint8_t *top = data + at + (type == ALISA_WEIGHT_F32 ? 3 : 1);
        *top =
            (*top & 0x80) | (type == ALISA_WEIGHT_F32 || type == ALISA_WEIGHT_BF16 ? 0x3e : 0x2c);
    }
    for (uint64_t at = period; at < size; at++)
        data[at] = data[at - period];
}

static float *random_floats(uint64_t count) {
    float *values = timing_allocate(count * sizeof *values);
    AlisaRandom random;
    alisa_random_seed(&random, count);
    for (uint64_t i = 0; i < count; i++)
        values[i] = alisa_random_float(&random) - 0.5f;
    return values;
}

/* As many matrices as a pass goes through. */
typedef struct Weights {
    uint32_t type;
    uint64_t matrix_bytes; /* of the format */
    uint32_t copies;
    AlisaMatrix matrices; /* one below the other */
    AlisaBuffer buffer;
    uint8_t *data;
} Weights;

typedef struct Run {
    AlisaOps *ops;
    const Options *options;
    uint32_t rows;
    Shape shape;
    AlisaLayout layout;
    bool matvec;
    Weights weights, beside;
    AlisaBuffer x, y;
    float *x_data, *float_weights, *y_data; /* the last two for sgemm */
} Run;

/* Seconds of a product, the mean over the copies of the weights. */
static double kernel_pass(Run *run, const Weights *weights) {
    AlisaError error;
    uint64_t start = alisa_clock_now();
    for (uint32_t i = 0; i < weights->copies; i++) {
        const AlisaMatrix matrix =
            alisa_matrix_rows(&weights->matrices, i * run->shape.outputs, run->shape.outputs);
        require(alisa_ops_matmul(run->ops, &matrix, (AlisaVector){&run->x, 0}, run->rows,
                                 (AlisaVector){&run->y, 0}, false, &error),
                &error);
    }
    require(alisa_opencl_finish(alisa_ops_device(run->ops), &error), &error);
    return (double)(alisa_clock_now() - start) * 1e-9 / weights->copies;
}

/* The same of the reference; 0 where there is none. */
static double reference_pass(Run *run) {
    const Weights *weights = &run->weights;
    if (run->options->beside != NO_TYPE) return kernel_pass(run, &run->beside);
    if (!run->matvec)
        return timing_sgemm(run->x_data, run->float_weights, run->y_data, (int)run->rows,
                            (int)run->shape.outputs, (int)run->shape.columns);
    if (!weights->buffer.host_owned) return 0;
    return timing_read(weights->data, weights->copies * weights->matrix_bytes) / weights->copies;
}

/* Rows of blocks as a file has them, in the format that serves them. */
static void create_weights(const Run *run, uint32_t type, Weights *weights) {
    AlisaError error;
    AlisaFormat format;
    uint64_t starts[ALISA_FORMAT_PLANES];
    uint8_t *planes[ALISA_FORMAT_PLANES];
    weights->type = type;
    alisa_repack_format(type, &format);
    const AlisaFormatInfo *info = alisa_format_info(format);
    uint32_t columns = run->shape.columns;
    weights->matrix_bytes = alisa_format_layout(info, run->shape.outputs, columns, starts);
    weights->copies =
        (uint32_t)(run->matvec ? alisa_divide_up_64(working_set, weights->matrix_bytes) : 1);
    uint32_t rows = weights->copies * run->shape.outputs;
    uint64_t size = alisa_format_layout(info, rows, columns, starts);
    uint64_t blocks_size = rows * alisa_weight_type_row_bytes(type, columns);
    uint8_t *blocks = timing_allocate(blocks_size);
    weights->data = timing_allocate(size);
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++)
        planes[i] = weights->data + starts[i];
    fill_weights(type, blocks, blocks_size);
    alisa_repack_rows(type, blocks, rows, columns, planes);
    free(blocks);
    weights->matrices = alisa_matrix_at(&weights->buffer, 0, format, rows, columns);
    require(alisa_buffer_create_from(alisa_ops_device(run->ops), weights->data, size, "weights",
                                     &weights->buffer, &error),
            &error);
}

static void destroy_weights(Weights *weights) {
    alisa_buffer_destroy(&weights->buffer);
    free(weights->data);
}

static void create_buffers(Run *run, uint32_t type) {
    AlisaError error;
    AlisaDevice *device = alisa_ops_device(run->ops);
    uint64_t x_count = (uint64_t)run->rows * run->shape.columns;
    uint64_t y_count = (uint64_t)run->rows * run->shape.outputs;
    create_weights(run, type, &run->weights);
    if (run->options->beside != NO_TYPE) create_weights(run, run->options->beside, &run->beside);
    run->x_data = random_floats(x_count);
    require(alisa_buffer_create_from(device, run->x_data, x_count * sizeof(float), "activations",
                                     &run->x, &error),
            &error);
    require(alisa_buffer_create(device, y_count * sizeof(float), ALISA_BUFFER_READ_WRITE, "results",
                                &run->y, &error),
            &error);
    if (!run->matvec && run->options->beside == NO_TYPE) {
        run->float_weights = random_floats((uint64_t)run->shape.outputs * run->shape.columns);
        run->y_data = random_floats(y_count);
    }
}

static void destroy_buffers(Run *run) {
    destroy_weights(&run->weights);
    destroy_weights(&run->beside);
    alisa_buffer_destroy(&run->x);
    alisa_buffer_destroy(&run->y);
    free(run->x_data);
    free(run->float_weights);
    free(run->y_data);
}

static void measure(Run *run, uint32_t type) {
    static double ours[MAX_PASSES], theirs[MAX_PASSES];
    create_buffers(run, type);
    kernel_pass(run, &run->weights);
    reference_pass(run);
    int passes = 0;
    uint64_t start = alisa_clock_now();
    while (passes < MAX_PASSES &&
           (passes < MIN_PASSES ||
            (double)(alisa_clock_now() - start) * 1e-9 < run->options->seconds)) {
        ours[passes] = kernel_pass(run, &run->weights);
        theirs[passes++] = reference_pass(run);
    }
    double flops = 2.0 * run->rows * run->shape.outputs * run->shape.columns;
    bool in_bytes = run->matvec && run->options->beside == NO_TYPE;
    double work = 1e-9 * (in_bytes ? (double)run->weights.matrix_bytes : flops);
    double our_rate = work / timing_median(ours, passes);
    double their_time = timing_median(theirs, passes);
    double their_rate = their_time > 0 ? work / their_time : 0;
    printf(run->options->csv ? "%s,%s,%s,%u,%u,%u,%s,%.2f,%.2f,%.3f\n"
                             : "| %s | %s | %s | %u | %u | %u | %s | %.2f | %.2f | %.3f |\n",
           run->matvec ? "matvec" : "matmul", layout_names[run->layout],
           alisa_weight_type_info(type)->name, run->rows, run->shape.outputs, run->shape.columns,
           in_bytes ? "GB/s" : "GFLOP/s", our_rate, their_rate,
           their_rate > 0 ? our_rate / their_rate : 0);
    fflush(stdout);
    destroy_buffers(run);
}

/* Sets a parameter of all sets of a family. */
static void change(AlisaOpsParameters *parameters, const char *text) {
    bool known = false;
    const char *value = strchr(text, '=');
    AlisaParameterSet set;
    for (size_t i = 0; value && alisa_parameter_set(i, &set); i++) {
        const AlisaFamilyInfo *family = alisa_family_info(set.family);
        for (uint32_t p = 0; p < family->parameter_count; p++) {
            char name[64];
            snprintf(name, sizeof name, "%s.%s", family->name, family->parameters[p].name);
            if (strlen(name) != (size_t)(value - text) || strncmp(name, text, strlen(name)) != 0)
                continue;
            alisa_parameter_values(parameters, &set)[family->parameters[p].offset] =
                (uint32_t)strtoul(value + 1, NULL, 10);
            known = true;
        }
    }
    if (!known) fail("--set wants FAMILY.PARAMETER=NUMBER, as in src/ops/parameters.c");
}

static void measure_layout(AlisaDevice *device, const Options *options, AlisaLayout layout) {
    AlisaError error;
    AlisaOpsParameters parameters;
    AlisaOps *ops;
    alisa_ops_parameters_in(alisa_device_info(device), layout, &parameters);
    for (int i = 0; i < options->change_count; i++)
        change(&parameters, options->changes[i]);
    for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++) {
        if (options->family == FAMILY_MATVEC) parameters.matmul[type].from = UINT32_MAX;
        if (options->family == FAMILY_MATMUL) parameters.matmul[type].from = 1;
    }
    require(alisa_ops_create(device, &parameters, &ops, &error), &error);
    for (int t = 0; t < options->type_count; t++)
        for (int r = 0; r < options->row_count; r++)
            for (int s = 0; s < options->shape_count; s++) {
                Run run = {ops,
                           options,
                           options->rows[r],
                           options->shapes[s],
                           layout,
                           options->rows[r] < parameters.matmul[0].from};
                measure(&run, options->types[t]);
            }
    alisa_ops_destroy(ops);
}

int main(int argc, char **argv) {
    Options options = {.beside = NO_TYPE, .seconds = 2};
    AlisaDeviceOptions device_options;
    AlisaDevice *device;
    AlisaError error;
    AlisaOpsParameters parameters;
    if (!parse(&options, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    alisa_device_options_defaults(&device_options);
    device_options.selector = options.device;
    require(alisa_device_open(&device_options, &device, &error), &error);
    alisa_ops_parameters_defaults(alisa_device_info(device), &parameters);
    fill_defaults(&options, &parameters);

    fputs(options.csv ? "kernel,layout,type,rows,outputs,columns,unit,rate,reference,ratio\n"
                      : "| kernel | layout | type | rows | outputs | columns | unit | rate | "
                        "reference | ratio |\n|---|---|---|---|---|---|---|---|---|---|\n",
          stdout);
    for (int i = 0; i < options.layout_count; i++)
        measure_layout(device, &options, options.layouts[i]);
    alisa_opencl_save_programs(device);
    alisa_device_close(device);
    return 0;
}
