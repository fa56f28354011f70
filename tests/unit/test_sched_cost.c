/* SPDX-License-Identifier: Apache-2.0 */
/* The cost model: profiles and shapes it reads, and what time must do when work or device change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sched/cost.h"

static AlisaSchedProfile find_profile(const char *name) {
    AlisaSchedProfile profile;
    AlisaError error = {0};
    if (alisa_sched_profile_find(name, &profile, &error) != ALISA_OK) fail_msg("%s", error.message);
    return profile;
}

static AlisaSchedModel find_model(const char *name) {
    AlisaSchedModel model;
    AlisaError error = {0};
    if (alisa_sched_model_find(name, &model, &error) != ALISA_OK) fail_msg("%s", error.message);
    return model;
}

/* Parameter counts as their publishers give them. */
static void test_shapes(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint64_t parameters;
        double kv_bytes; /* FP16, all layers */
    } known[] = {
        {"opt-6.7b", 6658473984u, 4.0 * 32 * 4096},
        {"opt-13b", 12853473280u, 4.0 * 40 * 5120},
        {"opt-30b", 29974540288u, 4.0 * 48 * 7168},
        {"llama-7b", 6738415616u, 4.0 * 32 * 4096},
        {"llama-13b", 13015864320u, 4.0 * 40 * 5120},
        {"llama-33b", 32528943616u, 4.0 * 60 * 6656},
        {"pythia-6.9b", 6857302016u, 4.0 * 32 * 4096},
        {"pythia-12b", 11846072320u, 4.0 * 36 * 5120},
        {"llama-3-8b", 8030261248u, 4.0 * 32 * 1024},
        {"qwen2.5-7b", 7615616512u, 4.0 * 28 * 512},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        AlisaSchedModel model = find_model(known[i].name);
        assert_string_equal(model.name, known[i].name);
        assert_int_equal(model.parameter_count, known[i].parameters);
        assert_null(alisa_sched_model_check(&model));
        AlisaSchedKvBytes bytes;
        alisa_sched_kv_bytes(&model, ALISA_KV_F16, ALISA_KV_F16, &bytes);
        assert_true(model.layer_count * bytes.slot == known[i].kv_bytes);
    }
    AlisaSchedModel model;
    AlisaError error;
    assert_int_equal(alisa_sched_model_find("opt-66b", &model, &error), ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "opt-66b"));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_non_null(strstr(error.message, known[i].name));
}

static void test_kv_types(void **state) {
    (void)state;
    AlisaSchedModel model = find_model("llama-3-8b");
    AlisaSchedKvBytes half, codes, blocks, mixed;
    alisa_sched_kv_bytes(&model, ALISA_KV_F16, ALISA_KV_F16, &half);
    alisa_sched_kv_bytes(&model, ALISA_KV_Q8_0, ALISA_KV_Q8_0, &codes);
    alisa_sched_kv_bytes(&model, ALISA_KV_I8, ALISA_KV_I8, &blocks);
    alisa_sched_kv_bytes(&model, ALISA_KV_F16, ALISA_KV_I8, &mixed);
    assert_true(half.slot == 4096 && half.inputs == 8192);
    assert_true(codes.slot == 2176); /* 34 bytes for 32 elements */
    assert_true(blocks.slot == 2048);
    assert_true(64 * blocks.fixed == 2 * 1024 * 4); /* two halves a channel for 64 tokens */
    assert_true(blocks.tail == 64 * half.slot);
    assert_true(mixed.slot == 3072 && mixed.key == 2048);
}

/* Every published profile parses, is named as its file, and is ordered. */
static void test_published(void **state) {
    (void)state;
    char name[64];
    size_t count = 0;
    for (; alisa_sched_profile_name(count, name); count++) {
        AlisaSchedProfile profile = find_profile(name);
        assert_string_equal(profile.name, name);
        assert_null(alisa_sched_profile_check(&profile));
        double link = alisa_sched_curve_rate(&profile.link_to_device, 1e6);
        assert_true(link < profile.device_bandwidth / 10);
    }
    assert_true(count >= 7);
    AlisaSchedProfile v100 = find_profile("v100-32"); /* as users type it */
    assert_true(v100.device_bandwidth == 900e9 && v100.device_bytes == (uint64_t)32 << 30);
    assert_true(alisa_sched_curve_rate(&v100.link_to_host, 1e9) == 20e9);
    AlisaSchedProfile h100 = find_profile("H100-80");
    assert_true(h100.device_bandwidth == 3350e9 && h100.host_bytes == (uint64_t)128 << 30);
}

static void test_curve(void **state) {
    (void)state;
    AlisaSchedCurve curve = {3, {1, 16, 256}, {10, 50, 90}};
    assert_true(alisa_sched_curve_rate(&curve, 0.5) == 10);
    assert_true(fabs(alisa_sched_curve_rate(&curve, 4) - 30) < 1e-9); /* half way in log(size) */
    assert_true(fabs(alisa_sched_curve_rate(&curve, 64) - 70) < 1e-9);
    assert_true(alisa_sched_curve_rate(&curve, 1e9) == 90);
    curve.count = 0;
    assert_true(alisa_sched_curve_rate(&curve, 4) == 0);
}

/* ---- Bad files ----------------------------------------------------------------------------- */

/* The text of a good profile with `from` replaced by `to`. */
static void expect_refused(const char *from, const char *to, const char *sentence) {
    static const char *const figures[] = {
        "device_bytes",   "host_bytes",     "device_bandwidth", "matrix_rate",
        "recompute_rate", "attention_rate", "attention_dense",  "attention_gathered",
        "launch_latency", "step_overhead",  "row_overhead",     "link_to_device",
        "link_to_host",   "link_latency",   "host_gather",
    };
    char text[4096] = "{\"name\": \"card\", \"device\": \"a card\"";
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used,
                 ",\n\"%s\": {\"value\": %zu, \"source\": \"sheet\"}", figures[i], i + 1);
    }
    strcat(text, ",\n\"link_duplex\": {\"value\": true, \"source\": \"sheet\"}}");
    char changed[4096];
    const char *at = strstr(text, from);
    assert_non_null(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    AlisaSchedProfile profile;
    AlisaError error = {0};
    AlisaStatus status =
        alisa_sched_profile_parse(changed, strlen(changed), "card.json", &profile, &error);
    if (!sentence) {
        if (status != ALISA_OK) fail_msg("%s", error.message);
        assert_int_equal(profile.device_bytes, 1);
        assert_true(profile.device_bandwidth == 3 && profile.link_duplex);
        return;
    }
    assert_int_equal(status, ALISA_ERROR_FORMAT);
    if (!strstr(error.message, sentence) || !strstr(error.message, "card.json")) {
        fail_msg("'%s' instead of '%s'", error.message, sentence);
    }
}

static void test_bad_profiles(void **state) {
    (void)state;
    expect_refused("card", "card", NULL);
    expect_refused("}}", "}", "not JSON: line 17");
    expect_refused("\"name\": \"card\", ", "", "\"name\" must be a text of 1 to 63 bytes");
    expect_refused("\"name\": \"card\"", "\"name\": \"\"", "\"name\" must be a text");
    expect_refused("\"host_bytes\": {", "\"hots_bytes\": {", "\"hots_bytes\" is unknown");
    expect_refused(",\n\"host_gather\": {\"value\": 15, \"source\": \"sheet\"}", "",
                   "\"host_gather\" is missing");
    expect_refused("\"value\": 3, \"source\": \"sheet\"", "\"value\": 3",
                   "\"device_bandwidth\" does not name its \"source\"");
    expect_refused("\"value\": 3", "\"value\": 0",
                   "\"device_bandwidth\" must be a number, greater");
    expect_refused("\"value\": 9", "\"value\": -9", "\"launch_latency\" must be a number, not neg");
    expect_refused("\"value\": 1,", "\"value\": 1.5,", "whole number of bytes, greater than 0");
    expect_refused("\"value\": 4", "\"value\": [[4, 1], [2, 3]]", "[size, rate] pairs with asc");
    expect_refused("\"value\": 4", "\"value\": [[4, 1], [8]]", "\"matrix_rate\" must be");
    expect_refused("\"value\": 4", "\"value\": []", "\"matrix_rate\" must be");
    expect_refused("\"value\": true", "\"value\": 1", "\"link_duplex\" must be true or false");
    AlisaSchedProfile profile;
    AlisaError error;
    assert_int_equal(alisa_sched_profile_parse("[]", 2, "card.json", &profile, &error),
                     ALISA_ERROR_FORMAT);
    assert_int_equal(alisa_sched_profile_find("GTX-480", &profile, &error), ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "GTX-480"));
    assert_non_null(strstr(error.message, "V100-32"));
    assert_int_equal(alisa_sched_profile_find("no/such.json", &profile, &error), ALISA_ERROR_IO);
}

/* What is written is read as it was. */
static void test_written(void **state) {
    (void)state;
    char path[64];
    AlisaError error = {0};
    AlisaSchedProfile profile = find_profile("V100-32"), read;
    profile.matrix_rate = (AlisaSchedCurve){3, {1, 32, 512}, {1e9 / 3, 60e12 / 7, 500e12 / 9}};
    profile.row_overhead = 1e-5 / 3;
    profile.link_duplex = false;
    snprintf(path, sizeof path, "/tmp/alisa-test-profile-%ld.json", (long)getpid());
    assert_int_equal(alisa_sched_profile_write(&profile, "measured", path, &error), ALISA_OK);
    assert_int_equal(alisa_sched_profile_find(path, &read, &error), ALISA_OK);
    unlink(path);
    assert_string_equal(read.device, profile.device);
    assert_true(read.device_bytes == profile.device_bytes && !read.link_duplex);
    assert_true(read.row_overhead == profile.row_overhead);
    assert_true(read.link_to_host.rates[0] == 20e9);
    assert_int_equal(read.matrix_rate.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(read.matrix_rate.sizes[i] == profile.matrix_rate.sizes[i] &&
                    read.matrix_rate.rates[i] == profile.matrix_rate.rates[i]);
    assert_int_equal(alisa_sched_profile_write(&profile, "measured", "/none/x.json", &error),
                     ALISA_ERROR_IO);
}

/* ---- Time ---------------------------------------------------------------------------------- */

static const AlisaSchedCorrection exact = {1.0, 1.0};

static AlisaSchedCost cost_of(const AlisaSchedProfile *profile, const AlisaSchedModel *model,
                              bool overlap, const AlisaSchedWork *work) {
    AlisaSchedKvBytes bytes;
    alisa_sched_kv_bytes(model, ALISA_KV_F16, ALISA_KV_F16, &bytes);
    AlisaSchedCost cost;
    alisa_sched_cost(profile, model, &bytes, &exact, overlap, work, &cost);
    return cost;
}

/* A step of OPT-6.7B with 8 sequences of 500 tokens, by hand. */
static void test_step_by_hand(void **state) {
    (void)state;
    AlisaSchedProfile profile = find_profile("V100-32");
    AlisaSchedModel model = find_model("opt-6.7b");
    AlisaSchedWork work = {.rows = 8, .passes = 1, .head_rows = 8, .dense = 8 * 500};
    AlisaSchedCost cost = cost_of(&profile, &model, true, &work);
    double layer = 12.0 * 4096 * 4096 * 2, head = 50272.0 * 4096 * 2;
    assert_true(fabs(cost.weights - (32 * layer + head) / 900e9) < 1e-9);
    assert_true(cost.matrix == 0); /* 8 rows: reading takes longer */
    assert_true(fabs(cost.dense - 8 * 500 * 524288.0 / 900e9) < 1e-9);
    assert_true(fabs(cost.launch - (32 * 13 + 4) * 0.9e-6) < 1e-12);
    assert_true(fabs(cost.total - cost.weights - cost.dense - cost.launch) < 1e-12);

    /* All of the KV over the link, half a gigabyte in 32 copies: more than the step can hide. */
    work.to_device = 8 * 500 * 16384.0;
    AlisaSchedCost hidden = cost_of(&profile, &model, true, &work);
    double copies = 8 * 500 * 524288.0 / 20e9 + 32 * 1e-5;
    assert_true(fabs(hidden.load - copies) < 1e-9);
    assert_true(fabs(hidden.total - copies) < 1e-9);
    AlisaSchedCost sequential = cost_of(&profile, &model, false, &work);
    assert_true(fabs(sequential.total - copies - cost.total) < 1e-9);
    work.waits = true;
    AlisaSchedCost waiting = cost_of(&profile, &model, true, &work);
    assert_true(fabs(waiting.total - sequential.total) < 1e-12);
    /* What a layer chooses itself is waited for; what leaves meanwhile is not. */
    work = (AlisaSchedWork){.rows = 8, .passes = 1, .head_rows = 8, .dense = 8 * 500};
    work.to_device = 16384.0;
    work.to_host = 16384.0;
    work.loads_late = true;
    AlisaSchedCost late = cost_of(&profile, &model, true, &work);
    double one = 32 * (16384.0 / 20e9 + 1e-5);
    assert_true(fabs(late.exposed - one) < 1e-12 && fabs(late.total - cost.total - one) < 1e-12);
    assert_string_equal(alisa_sched_cost_binds(&cost), "reading weights");
    assert_string_equal(alisa_sched_cost_binds(&sequential), "the link");
}

/* Each piece of what is copied takes a copy's latency. */
static void test_pieces(void **state) {
    (void)state;
    AlisaSchedProfile profile = find_profile("V100-32");
    AlisaSchedModel model = find_model("opt-6.7b");
    AlisaSchedWork work = {.to_device = 1e6};
    AlisaSchedKvBytes bytes;
    AlisaSchedCost cost;
    alisa_sched_kv_bytes(&model, ALISA_KV_F16, ALISA_KV_F16, &bytes);
    alisa_sched_cost(&profile, &model, &bytes, &exact, true, &work, &cost);
    assert_true(fabs(cost.load - 32 * (1e6 / 20e9 + 1e-5)) < 1e-12);
    bytes.copied = 3e5; /* four copies of 250000 bytes */
    profile.link_to_device = (AlisaSchedCurve){2, {1e5, 1e6}, {5e9, 20e9}};
    alisa_sched_cost(&profile, &model, &bytes, &exact, true, &work, &cost);
    double rate = alisa_sched_curve_rate(&profile.link_to_device, 250000.0);
    assert_true(fabs(cost.load - 32 * (1e6 / rate + 4e-5)) < 1e-12);
}

/* More work never takes less time, a faster device never more; overlapping never loses. */
static void test_monotonicity(void **state) {
    (void)state;
    AlisaSchedModel model = find_model("llama-13b");
    AlisaSchedProfile profile = find_profile("H100-80");
    profile.matrix_rate = (AlisaSchedCurve){3, {1, 32, 512}, {2e12, 60e12, 500e12}};
    profile.host_gather = 30e9;
    static const size_t fields[] = {
        offsetof(AlisaSchedWork, rows),      offsetof(AlisaSchedWork, passes),
        offsetof(AlisaSchedWork, head_rows), offsetof(AlisaSchedWork, pairs),
        offsetof(AlisaSchedWork, dense),     offsetof(AlisaSchedWork, gathered),
        offsetof(AlisaSchedWork, launches),  offsetof(AlisaSchedWork, selection),
        offsetof(AlisaSchedWork, rebuilt),   offsetof(AlisaSchedWork, to_device),
        offsetof(AlisaSchedWork, to_host),
    };
    AlisaSchedWork work = {.rows = 16,
                           .passes = 1,
                           .head_rows = 16,
                           .pairs = 10,
                           .dense = 100,
                           .gathered = 900,
                           .launches = 2,
                           .selection = 1e5,
                           .rebuilt = 30,
                           .to_device = 1e6,
                           .to_host = 1.2e6};
    for (int overlap = 0; overlap < 2; overlap++) {
        AlisaSchedCost base = cost_of(&profile, &model, overlap, &work);
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
            if (fields[i] == offsetof(AlisaSchedWork, passes)) continue;
            AlisaSchedWork more = work;
            *(double *)((char *)&more + fields[i]) *= 40;
            AlisaSchedCost cost = cost_of(&profile, &model, overlap, &more);
            if (!(cost.total > base.total)) fail_msg("field %zu costs nothing", i);
            more = work;
            *(double *)((char *)&more + fields[i]) *= 0.9;
            assert_true(cost_of(&profile, &model, overlap, &more).total <= base.total);
        }
        AlisaSchedProfile faster = profile;
        faster.device_bandwidth *= 2;
        assert_true(cost_of(&faster, &model, overlap, &work).total <= base.total);
        faster = profile;
        faster.link_to_device.rates[0] *= 3;
        assert_true(cost_of(&faster, &model, overlap, &work).total <= base.total);
        faster = profile;
        faster.attention_gathered *= 2;
        assert_true(cost_of(&faster, &model, overlap, &work).gathered < base.gathered);
    }
    work.to_device = 4e7; /* more than the computation hides */
    work.to_host = 5e7;
    AlisaSchedCost beside = cost_of(&profile, &model, true, &work);
    AlisaSchedCost after = cost_of(&profile, &model, false, &work);
    assert_true(beside.total < after.total);
    assert_true(beside.exposed <= beside.load + beside.store);
    AlisaSchedProfile half_duplex = profile;
    half_duplex.link_duplex = false;
    assert_true(cost_of(&half_duplex, &model, true, &work).exposed > beside.exposed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),       cmocka_unit_test(test_kv_types),
        cmocka_unit_test(test_published),    cmocka_unit_test(test_curve),
        cmocka_unit_test(test_bad_profiles), cmocka_unit_test(test_step_by_hand),
        cmocka_unit_test(test_written),      cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_monotonicity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
