/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this module share: the state behind AlisaOps and the way to a kernel.
 */
#ifndef ALISA_OPS_OPS_INTERNAL_H
#define ALISA_OPS_OPS_INTERNAL_H

#include "device/event.h"
#include "ops/matrix_tile.h"
#include "ops/ops.h"

enum {
    ALISA_OPS_MATMUL_BUILDS = 32, /* most builds of the kernel for many rows */
    ALISA_OPS_PRODUCTS = 3        /* most that a launch of matvec does */
};

/* What products by CLBlast need (matmul_clblast.c); zeroed where no set of parameters has them. */
typedef struct AlisaOpsClblast {
    AlisaBuffer weights; /* a block of them as floats */
    AlisaBuffer scratch;
    AlisaKernel *dequantise[ALISA_FORMAT_COUNT];
} AlisaOpsClblast;

/* Where activations are that were rounded for a product (rounded.c); zeroed where no set of
 * parameters has them. */
typedef struct AlisaOpsRounded {
    AlisaBuffer codes, factors; /* of as many rows as fit */
    bool is_shared;             /* products of the same activations follow each other */
    /* What the scratch holds while that is so; `rounding` NULL: nothing. */
    struct {
        const struct AlisaOpsRounding *rounding;
        AlisaVector x;
        uint32_t columns, rows;
    } held;
} AlisaOpsRounded;

/* Kernels of products with activations of 16 bits (matmul_int16.c). */
typedef struct AlisaOpsInt16 {
    AlisaKernel *quantise;
    AlisaKernel *matvec[ALISA_FORMAT_COUNT][ALISA_OPS_PRODUCTS]
                       [ALISA_OPS_MATVEC_ROWS]; /* [format][products-1][rows-1] */
    AlisaKernel
        *matmul[ALISA_FORMAT_COUNT][ALISA_OPS_MATMUL_BUILDS]; /* [format][tile of layout item] */
} AlisaOpsInt16;

/* And with halves (matmul_half.c). */
typedef struct AlisaOpsHalf {
    AlisaKernel *halve;
    AlisaKernel *matmul[ALISA_FORMAT_COUNT][2]; /* [format][aligned] */
} AlisaOpsHalf;

/* Room on the device for matrices that are in host memory (streamed.c); zeroed where none is. */
enum { ALISA_OPS_SLOTS = 2 };

typedef struct AlisaOpsSlot {
    AlisaBuffer buffer;
    AlisaEvent used; /* the last product with what was in it */
} AlisaOpsSlot;

typedef struct AlisaOpsStreamed {
    AlisaOpsSlot slots[ALISA_OPS_SLOTS];
    uint32_t next;  /* the slot that is filled next */
    uint64_t bytes; /* copied so far */
} AlisaOpsStreamed;

/* Operations of ewise.c and experts.c. */
typedef enum AlisaOpsEwise {
    ALISA_OPS_NORM,
    ALISA_OPS_ACTIVATE,
    ALISA_OPS_BIAS,
    ALISA_OPS_ADD,
    ALISA_OPS_SCALE,
    ALISA_OPS_GATHER_ROWS,
    ALISA_OPS_LIKELIEST,
    ALISA_OPS_ROUTE,
    ALISA_OPS_COMBINE,
    ALISA_OPS_WEIGH,
    ALISA_OPS_EWISE_COUNT
} AlisaOpsEwise;

enum {
    ALISA_OPS_EWISE_FLAGS = 3, /* most flags of a variant */
    ALISA_OPS_EWISE_VARIANTS = ALISA_ACTIVATION_COUNT << ALISA_OPS_EWISE_FLAGS
};

struct AlisaOps {
    AlisaDevice *device; /* not owned */
    AlisaOpsParameters parameters;
    /* Kernels already asked for (owned by the device): the token loop builds no option strings. */
    AlisaKernel *matvec[ALISA_FORMAT_COUNT][2][ALISA_OPS_PRODUCTS]
                       [ALISA_OPS_MATVEC_ROWS]; /* [format][aligned][products-1][rows-1] */
    AlisaKernel *matmul[ALISA_FORMAT_COUNT]
                       [ALISA_OPS_MATMUL_BUILDS]; /* [format][tile or aligned or both] */
    AlisaKernel *embed[ALISA_FORMAT_COUNT];
    AlisaKernel *ewise[ALISA_OPS_EWISE_COUNT][ALISA_OPS_EWISE_VARIANTS];
    AlisaOpsClblast clblast;
    AlisaOpsRounded rounded;
    AlisaOpsInt16 int16;
    AlisaOpsHalf half;
    AlisaOpsStreamed streamed;
};

/* Kernel `name` of `file` built with `options` (NULL: none). If *kernel is set it is left as it is,
 * so that the caller can keep it in a table: start with NULL. */
AlisaStatus alisa_ops_kernel(AlisaOps *ops, const char *file, const char *name, const char *options,
                             AlisaKernel **kernel, AlisaError *error);

/* Build options by which kernels take what the device has; each begins with a space. */
enum {
    ALISA_OPS_LANES = 1,  /* of cl/lanes.clh */
    ALISA_OPS_DOT4 = 2,   /* of cl/dot4.clh */
    ALISA_OPS_HALVES = 4, /* of cl/halves.clh */
    ALISA_OPS_BYTES = 8,  /* of cl/bytes.clh */
    ALISA_OPS_VNNI = 16   /* of cl/gemm/dot.clh */
};
void alisa_ops_capability_options(const AlisaOps *ops, uint32_t wanted, char options[96]);

/* Every work-item does four of so many elements of each row; as many as share a row do it. */
AlisaLaunch alisa_ops_ewise_quads(uint64_t elements, uint32_t rows);
AlisaLaunch alisa_ops_ewise_groups(const AlisaOps *ops, uint32_t rows);
/* Launches a variant of an operation: bits, one a flag, and above them a number. */
AlisaStatus alisa_ops_ewise_launch(AlisaOps *ops, AlisaOpsEwise operation, uint32_t variant,
                                   const AlisaLaunch *sizes, const AlisaArgument *arguments,
                                   size_t count, AlisaError *error);

/* Checks that the matrix has a format, is made of whole blocks and lies inside its buffer.
 * `operation` names the caller in the message. */
AlisaStatus alisa_ops_check_matrix(const char *operation, const AlisaMatrix *matrix,
                                   AlisaError *error);
/* Checks that rows x columns floats lie inside the buffer. `name`: of the argument. */
AlisaStatus alisa_ops_check_vector(const char *operation, const char *name, AlisaVector vector,
                                   uint64_t rows, uint64_t columns, AlisaError *error);

/* A product as alisa_ops_matmul has it, of arguments that were checked. */
typedef AlisaStatus AlisaOpsProduct(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                    uint32_t rows, AlisaVector y, uint32_t accumulate,
                                    AlisaError *error);

AlisaStatus alisa_ops_clblast_create(AlisaOps *ops, AlisaError *error);
void alisa_ops_clblast_destroy(AlisaOps *ops);
AlisaOpsProduct alisa_ops_clblast_matmul;

/* What -DALIGNED=1 promises; see cl/prelude.clh. */
bool alisa_ops_is_aligned(const AlisaMatrix *weights, AlisaVector x);
/* Whether a product is matmul's, not some of matvec's. */
bool alisa_ops_has_many(const AlisaOps *ops, const AlisaMatrix *weights, uint32_t rows);
/* One launch of matvec, by layout, of no more rows than the set of parameters has. */
AlisaOpsProduct alisa_ops_matvec_item;
AlisaOpsProduct alisa_ops_matvec_group;
/* Whether one launch does all of these products of x; and that launch (of matmul_int16.c where
 * activations are rounded). */
bool alisa_ops_matvec_together(const AlisaOps *ops, const AlisaProduct *products, uint32_t count,
                               AlisaVector x, uint32_t rows);
AlisaStatus alisa_ops_matvec_each(AlisaOps *ops, const AlisaProduct *products, uint32_t count,
                                  AlisaVector x, uint32_t rows, AlisaError *error);

/* The arguments of a launch for each product but the first (cl/gemm/matrices.clh). They point into
 * the product. */
enum { ALISA_OPS_PRODUCT_ARGUMENTS = 5 };
void alisa_ops_product_arguments(const AlisaProduct *product,
                                 AlisaArgument arguments[ALISA_OPS_PRODUCT_ARGUMENTS]);
/* Of `outputs` weight rows those of each of the work-items of matvec, a multiple of `side`. */
uint32_t alisa_ops_matvec_run(const AlisaOps *ops, uint32_t outputs, uint32_t items, uint32_t side);
/* Of matmul: panels of outputs and chunks of rows. */
typedef struct AlisaOpsPanels {
    uint32_t tile; /* 0: the whole register tile, 1: the shorter one */
    uint32_t tile_rows, chunk;
    AlisaLaunch launch;
} AlisaOpsPanels;
AlisaOpsPanels alisa_ops_panels(const AlisaOps *ops, const AlisaMatrix *weights, uint32_t rows,
                                const AlisaMatmulParameters *parameters);

/* alisa_ops_matmul of a matrix in host memory, of arguments that were checked. */
AlisaStatus alisa_ops_streamed_matmul(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                      uint32_t rows, AlisaVector y, bool accumulate,
                                      AlisaError *error);
void alisa_ops_streamed_destroy(AlisaOps *ops);

AlisaStatus alisa_ops_rounded_create(AlisaOps *ops, AlisaError *error);
/* Between the two calls all products are of the same activations, which nothing changes: they are
 * rounded once. */
void alisa_ops_rounded_share(AlisaOps *ops);
void alisa_ops_rounded_unshare(AlisaOps *ops);
void alisa_ops_rounded_destroy(AlisaOps *ops);

/* How one kind of activations gets into the scratch. */
typedef struct AlisaOpsRounding {
    const char *name;               /* "of 8 bits" */
    uint32_t columns;               /* a row in the scratch goes on to a multiple of so many */
    uint32_t code_bytes;            /* of an activation */
    uint32_t padding;               /* bytes between rows */
    const char *file, *kernel_name; /* x, x_offset, codes, factors, columns; an item 32 of them */
} AlisaOpsRounding;

/* Rows of so many columns that fit in the scratch; and rounds that many at most, unless the scratch
 * holds them and is shared. */
uint32_t alisa_ops_rounded_most(const AlisaOps *ops, const AlisaOpsRounding *rounding,
                                uint32_t columns);
AlisaStatus alisa_ops_rounded_rows(AlisaOps *ops, const AlisaOpsRounding *rounding,
                                   AlisaKernel **round, uint32_t columns, AlisaVector x,
                                   uint32_t rows, AlisaError *error);

/* Part after part of the rows, as many as fit in the scratch, each rounded and then multiplied. The
 * product takes the rows in the scratch, not x. */
AlisaStatus alisa_ops_rounded_multiply(AlisaOps *ops, const AlisaOpsRounding *rounding,
                                       AlisaKernel **round, const AlisaMatrix *weights,
                                       AlisaVector x, uint32_t rows, AlisaVector y,
                                       uint32_t accumulate, AlisaOpsProduct *product,
                                       AlisaError *error);

/* The arguments that kernels of such products begin with. */
enum { ALISA_OPS_ROUNDED_COMMON = 8 };
void alisa_ops_rounded_common(const AlisaOps *ops, const AlisaMatrix *weights, const AlisaVector *y,
                              AlisaArgument arguments[ALISA_OPS_ROUNDED_COMMON]);

/* A group for each tile of rows x outputs (group). */
AlisaLaunch alisa_ops_tile_launch(const AlisaMatmulParameters *parameters,
                                  const AlisaMatrix *weights, uint32_t rows);

/* In layout item and in layout group; matvec: of ALISA_OPS_MATVEC_ROWS rows at most. */
AlisaOpsProduct alisa_ops_int16_matvec_item;
AlisaOpsProduct alisa_ops_int16_matvec_group;
/* Whether the scratch holds that many rows at once; and one launch, in layout item, of several
 * products of such rows. */
bool alisa_ops_int16_fits(const AlisaOps *ops, uint32_t columns, uint32_t rows);
AlisaStatus alisa_ops_int16_matvec_each(AlisaOps *ops, const AlisaProduct *products, uint32_t count,
                                        AlisaVector x, uint32_t rows, AlisaError *error);
AlisaOpsProduct alisa_ops_int16_matmul_item;
AlisaOpsProduct alisa_ops_int16_matmul_group;
AlisaOpsProduct alisa_ops_half_matmul;

#endif
