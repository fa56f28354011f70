/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the tests of whole models: the default device, opened once for all tests of a program
 * (cmocka group set-up and tear-down), and a status that must be fine.
 */
#ifndef ALISA_TESTS_SUPPORT_H
#define ALISA_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "alisa/placement.h"
#include "alisa/select.h"

static AlisaDevice *support_device;

static inline int support_open_device(void **state) {
    (void)state;
    AlisaDeviceOptions options;
    AlisaError error;
    alisa_device_options_defaults(&options);
    if (alisa_device_open(&options, &support_device, &error) == ALISA_OK) return 0;
    fprintf(stderr, "%s\n", error.message);
    return -1;
}

static inline int support_close_device(void **state) {
    (void)state;
    alisa_device_close(support_device);
    return 0;
}

/* The options of a session, and what they point to. */
typedef struct SupportOptions {
    AlisaSessionOptions session;
    AlisaSelectOptions attention;
    AlisaPlacementOptions placement;
} SupportOptions;

static inline void support_options_defaults(SupportOptions *options) {
    alisa_session_options_defaults(&options->session);
    alisa_select_options_defaults(&options->attention);
    alisa_placement_options_defaults(&options->placement);
    options->session.attention = &options->attention;
    options->session.placement = &options->placement;
}

static inline void support_must(AlisaStatus status, const AlisaError *error) {
    if (status != ALISA_OK) fail_msg("%s", error->message);
}

#endif
