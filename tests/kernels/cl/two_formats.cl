/* SPDX-License-Identifier: Apache-2.0 */
/* -DBODY: which product is included twice, with two formats, as names.clh says. */
#define ROWS         2
#define OUTPUTS      2
#define LANES        0
#define TILE_ROWS    16
#define TILE_OUTPUTS 16
#define ITEM_ROWS    4
#define ITEM_OUTPUTS 4
#define VECTORS      1
#define DEPTH        32

#define MATVEC_ITEM  0
#define MATVEC_GROUP 1
#define MATVEC_INT16  2
#define MATVEC_DOT   3
#define MATMUL_ITEM  4
#define MATMUL_GROUP 5
#define MATMUL_INT16  6
#define MATMUL_DOT   7
#define MATMUL_HALF  8
#define EMBED        9
#define DEQUANTISE   10

#if BODY == MATVEC_GROUP || BODY == MATVEC_DOT
#define GROUP 32
#endif

#define PREFIX q8_
#define FORMAT FORMAT_Q8_0
#include "body.clh"
#undef PREFIX
#undef FORMAT
#define PREFIX q4_
#define FORMAT FORMAT_Q4_0
#include "body.clh"
