/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chart of a plan: an SVG file.
 */
#ifndef ALISA_CLI_PLAN_CHART_H
#define ALISA_CLI_PLAN_CHART_H

#include "alisa/plan.h"

/* Draws the bytes in each tier over the length of the context for the plan `shown`, with a band for
 * each phase, and below that the time of a step for each of `count` plans. False with the reason in
 * *error. */
bool alisa_cli_chart_write(const char *path, const AlisaPlan *shown, const AlisaPlan *plans,
                           size_t count, const char *title, AlisaError *error);

#endif
