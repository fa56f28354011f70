/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm/matvec_int16.clh"
