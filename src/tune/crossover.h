/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From how many rows on each way of doing a product is the faster one.
 */
#ifndef ALISA_TUNE_CROSSOVER_H
#define ALISA_TUNE_CROSSOVER_H

#include "tune/measure.h"

/* Times products of 4 rows, 8 and so on to 256, with weights of a type and these parameters, by the
 * kernels of matvec, by those of matmul and by CLBlast. */
AlisaStatus alisa_tuner_find_crossover(const AlisaTuneSearch *search, uint32_t type,
                                       const AlisaOpsParameters *parameters,
                                       AlisaTuneCrossover *crossover, AlisaError *error);

#endif
