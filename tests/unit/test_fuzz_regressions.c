/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the fuzz targets over their seeds and over the inputs that once failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>

#include "base/disk.h"

int fuzz_gguf(const uint8_t *data, size_t size);
int fuzz_tokenizer_spm(const uint8_t *data, size_t size);
int fuzz_tokenizer_bpe(const uint8_t *data, size_t size);
int fuzz_template(const uint8_t *data, size_t size);
int fuzz_messages(const uint8_t *data, size_t size);
int fuzz_weights(const uint8_t *data, size_t size);
int fuzz_model(const uint8_t *data, size_t size);

#define LLVMFuzzerTestOneInput fuzz_gguf
#include "fuzz/fuzz_gguf.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_tokenizer_spm
#define write_image            write_spm_image
#include "fuzz/fuzz_tokenizer_spm.c"
#undef LLVMFuzzerTestOneInput
#undef write_image

#define LLVMFuzzerTestOneInput fuzz_tokenizer_bpe
#include "fuzz/fuzz_tokenizer_bpe.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_template
#include "fuzz/fuzz_template.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_messages
#include "fuzz/fuzz_messages.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_weights
#include "fuzz/fuzz_weights.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_model
#include "fuzz/fuzz_model.c"
#undef LLVMFuzzerTestOneInput

static unsigned run_folder(const char *kind, const char *target,
                           int (*run)(const uint8_t *data, size_t size)) {
    char path[1024];
    snprintf(path, sizeof path, "%s/fuzz/%s/%s", TESTS_DIR, kind, target);
    DIR *folder = opendir(path);
    if (!folder) return 0;
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        char name[2048];
        uint8_t *data;
        size_t size;
        AlisaError error;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        assert_int_equal(alisa_disk_read(name, &data, &size, &error), ALISA_OK);
        assert_int_equal(run(data, size), 0);
        free(data);
        count++;
    }
    closedir(folder);
    return count;
}

static void run_target(const char *target, int (*run)(const uint8_t *data, size_t size)) {
    assert_true(run_folder("corpus", target, run) > 0);
    print_message("%s: %u regression inputs\n", target, run_folder("regressions", target, run));
}

static void test_gguf(void **state) {
    (void)state;
    run_target("gguf", fuzz_gguf);
}

static void test_tokenizer_spm(void **state) {
    (void)state;
    run_target("tokenizer_spm", fuzz_tokenizer_spm);
}

static void test_tokenizer_bpe(void **state) {
    (void)state;
    run_target("tokenizer_bpe", fuzz_tokenizer_bpe);
}

static void test_template(void **state) {
    (void)state;
    run_target("template", fuzz_template);
}

static void test_messages(void **state) {
    (void)state;
    run_target("messages", fuzz_messages);
}

static void test_weights(void **state) {
    (void)state;
    run_target("weights", fuzz_weights);
}

static void test_model(void **state) {
    (void)state;
    run_target("model", fuzz_model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gguf),          cmocka_unit_test(test_tokenizer_spm),
        cmocka_unit_test(test_tokenizer_bpe), cmocka_unit_test(test_template),
        cmocka_unit_test(test_messages),      cmocka_unit_test(test_weights),
        cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
