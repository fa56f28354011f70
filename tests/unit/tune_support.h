/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of tuned parameters: an entry to write and read.
 */
#ifndef ALISA_TESTS_UNIT_TUNE_SUPPORT_H
#define ALISA_TESTS_UNIT_TUNE_SUPPORT_H

#include "fault/test_device.h"

#include "base/random.h"
#include "tune/embedded.h"
#include "tune/store.h"

#define KERNELS "0123456789abcdef0123456789abcdef"

static AlisaError error;

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != ALISA_OK) fail_msg("%s: %s", #call, error.message);                          \
    } while (0)

static inline void assert_says(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("\"%s\" lacks \"%s\"", text, part);
}

static inline AlisaTuneKey make_key(void) {
    AlisaDeviceInfo info = {.type = ALISA_DEVICE_GPU,
                            .vendor_id = 4098,
                            .compute_units = 48,
                            .platform = "AMD Accelerated Parallel Processing",
                            .vendor = "Advanced Micro Devices, Inc.",
                            .name = "gfx1100",
                            .board = "AMD Radeon RX 7900 XTX",
                            .driver = "3513.0 (HSA1.1,LC) \"\\\xff\n"};
    AlisaTuneKey key;
    alisa_tuner_key_init(&key, &info, KERNELS);
    return key;
}

static inline AlisaTuneEntry make_entry(int group) {
    AlisaTuneKey key = make_key();
    AlisaTuneEntry entry;
    OK(alisa_tuner_entry_init(&entry, &key, "normal", &error));
    entry.profile = (AlisaDeviceProfile){.read_bandwidth = 8.123e11,
                                         .launch_latency = 2.5e-6,
                                         .launch_wait = 1.7e-5,
                                         .copy_latency = 9e-6,
                                         .copy_overlap = 1.75,
                                         .host_gather = 1.2e10};
    for (int i = 0; i < ALISA_PROBE_SIZES; i++) {
        entry.profile.pinned.to_device[i] = 1e9 * (i + 1);
        entry.profile.pinned.to_host[i] = 2e9 * (i + 1);
        entry.profile.plain.to_device[i] = 3e9 * (i + 1);
        entry.profile.plain.to_host[i] = i < 4 ? 4e9 * (i + 1) : 0;
    }
    json_object_set_new(
        entry.parameters, "matvec.q8_0",
        json_pack("{s:s, s:i, s:i}", "layout", "item", "group", group, "outputs", 2));
    json_object_set_new(entry.parameters, "matmul.f16", json_pack("{s:i}", "tile", -8));
    return entry;
}

static inline char *format(const AlisaTuneEntry *entry) {
    char *text = alisa_tuner_entry_format(entry, &error);
    if (!text) fail_msg("%s", error.message);
    return text;
}

static inline int group_of(const AlisaTuneEntry *entry) {
    const json_t *family = json_object_get(entry->parameters, "matvec.q8_0");
    return (int)json_integer_value(json_object_get(family, "group"));
}

/* A text of `size` bytes with some changed, taken away or doubled, or cut. Returns its size. */
static inline size_t mutate(const char *text, size_t size, char *bytes, size_t capacity,
                            AlisaRandom *random) {
    memcpy(bytes, text, size);
    for (uint32_t left = 1 + alisa_random_below(random, 4); left > 0 && size > 8; left--) {
        size_t at = alisa_random_below(random, (uint32_t)size);
        size_t run = 1 + alisa_random_below(random, 8);
        if (run > size - at) run = size - at;
        switch (alisa_random_below(random, 5)) {
        case 0:
            bytes[at] = (char)alisa_random_below(random, 256);
            break;
        case 1:
            bytes[at] ^= (char)(1u << alisa_random_below(random, 8));
            break;
        case 2:
            memmove(bytes + at, bytes + at + run, size - at - run);
            size -= run;
            break;
        case 3:
            if (size + run > capacity) break;
            memmove(bytes + at + run, bytes + at, size - at);
            size += run;
            break;
        default:
            if (alisa_random_below(random, 8) == 0) size = at;
        }
    }
    return size;
}

#endif
