/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types whose weights take more room on a device than in the file are told of when a model is
 * loaded, once each, and no others are.
 */
#include <string.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/weight_type.h"
#include "support.h"
#include "unit/model_image.h"

static AlisaError error;

typedef struct Lines {
    char text[4][256];
    size_t count;
} Lines;

static void keep_warning(void *user, AlisaLogLevel level, const char *line) {
    Lines *lines = user;
    if (level != ALISA_LOG_WARNING) return;
    assert_true(lines->count < sizeof lines->text / sizeof *lines->text);
    snprintf(lines->text[lines->count++], sizeof *lines->text, "%s", line);
}

/* A model whose layers end their feed-forward blocks with matrices of these types. */
static Lines load(const uint32_t types[MODEL_LAYERS]) {
    static ModelPlan plan;
    char name[64], path[64];
    model_plan(&plan, alisa_architecture_find("llama", 5), 0, false, false);
    plan.sizes.feed_forward = 256;
    model_set_u32(&plan, "feed_forward_length", 256);
    for (uint32_t layer = 0; layer < MODEL_LAYERS; layer++) {
        snprintf(name, sizeof name, "blk.%u.ffn_gate.weight", layer);
        model_find_tensor(&plan, name)->dimensions[1] = 256;
        snprintf(name, sizeof name, "blk.%u.ffn_up.weight", layer);
        model_find_tensor(&plan, name)->dimensions[1] = 256;
        snprintf(name, sizeof name, "blk.%u.ffn_down.weight", layer);
        model_find_tensor(&plan, name)->dimensions[0] = 256;
        model_find_tensor(&plan, name)->type = types[layer];
    }
    GgufImage image;
    model_write(&plan, &image);
    snprintf(path, sizeof path, "/tmp/alisa-wide-types-%d.gguf", (int)getpid());
    support_must(alisa_disk_write_atomic(path, image.data, image.size, &error), &error);
    image_end(&image);
    Lines lines = {0};
    AlisaModel *model;
    AlisaEngine *engine;
    AlisaEngineOptions options;
    alisa_engine_options_defaults(&options);
    options.log = (AlisaLog){keep_warning, &lines};
    support_must(alisa_model_open(path, &model, &error), &error);
    support_must(alisa_engine_create(model, support_device, &options, &engine, &error), &error);
    alisa_engine_destroy(engine);
    alisa_model_close(model);
    unlink(path);
    return lines;
}

static void wide_types_are_told_of(void **state) {
    (void)state;
    Lines lines = load((const uint32_t[]){ALISA_WEIGHT_IQ2_XS, ALISA_WEIGHT_TQ1_0});
    assert_int_equal(lines.count, 2);
    assert_string_equal(lines.text[0],
                        "IQ2_XS weights take 4.6 bits each on the device, and 2.3 in the file");
    assert_string_equal(lines.text[1],
                        "TQ1_0 weights take 4.5 bits each on the device, and 1.7 in the file");
    lines = load((const uint32_t[]){ALISA_WEIGHT_Q2_K, ALISA_WEIGHT_Q2_K});
    assert_int_equal(lines.count, 1);
}

static void others_are_not(void **state) {
    (void)state;
    Lines lines = load((const uint32_t[]){ALISA_WEIGHT_Q8_0, ALISA_WEIGHT_Q4_K});
    assert_int_equal(lines.count, 0);
    lines = load((const uint32_t[]){ALISA_WEIGHT_Q5_K, ALISA_WEIGHT_IQ4_XS});
    assert_int_equal(lines.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_types_are_told_of),
        cmocka_unit_test(others_are_not),
    };
    return cmocka_run_group_tests_name("wide_types", tests, support_open_device,
                                       support_close_device);
}
