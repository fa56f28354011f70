/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm/matmul_int16.clh"
