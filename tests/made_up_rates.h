/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What devices can do is made up, so that plans are the same every time and no time goes into
 * measuring: programs that include this file are linked with --wrap=alisa_rates_measure
 * (tests/CMakeLists.txt).
 */
#ifndef ALISA_TESTS_MADE_UP_RATES_H
#define ALISA_TESTS_MADE_UP_RATES_H

#include "engine/rates.h"

AlisaStatus __wrap_alisa_rates_measure(const AlisaEngine *engine, const AlisaShard *shard,
                                       const AlisaSetupOptions *options, AlisaSchedProfile *profile,
                                       AlisaError *error);
AlisaStatus __wrap_alisa_rates_measure(const AlisaEngine *engine, const AlisaShard *shard,
                                       const AlisaSetupOptions *options, AlisaSchedProfile *profile,
                                       AlisaError *error) {
    (void)engine;
    (void)shard;
    (void)options;
    (void)error;
    *profile = (AlisaSchedProfile){.name = "made up",
                                   .device = "made up",
                                   .device_bytes = UINT64_C(1) << 40,
                                   .host_bytes = UINT64_C(1) << 40,
                                   .device_bandwidth = 40e9,
                                   .matrix_rate = {.count = 1, .sizes = {1}, .rates = {1e11}},
                                   .recompute_rate = 1e11,
                                   .attention_rate = 1e11,
                                   .attention_dense = 20e9,
                                   .attention_gathered = 20e9,
                                   .launch_latency = 2e-6,
                                   .link_to_device = {.count = 1, .sizes = {1}, .rates = {1e9}},
                                   .link_to_host = {.count = 1, .sizes = {1}, .rates = {1e9}},
                                   .link_latency = 1e-5,
                                   .link_duplex = true};
    return ALISA_OK;
}

#endif
