/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF files on disk: split models, and real files where the data is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "base/disk.h"
#include "unit/gguf_image.h"

typedef struct Split {
    char folder[64];
    char path[3][128];
} Split;

static void write_part(const char *path, unsigned number, unsigned count, const char *tensor,
                       uint8_t value, int total) {
    GgufImage image;
    AlisaError error;
    image_begin(&image, 3);
    if (number == 0) image_string(&image, "general.architecture", "llama");
    image_key(&image, "split.no", ALISA_GGUF_U16);
    image_number(&image, number, 2);
    image_key(&image, "split.count", ALISA_GGUF_U16);
    image_number(&image, count, 2);
    image_key(&image, "split.tensors.count", ALISA_GGUF_I32);
    image_number(&image, (uint64_t)total, 4);
    if (tensor) image_tensor(&image, tensor, 24, 1, (uint64_t[]){4}, 0);
    image_pad(&image, 32);
    for (int i = 0; i < 4; i++)
        image_number(&image, value, 1);
    assert_int_equal(alisa_disk_write_atomic(path, image.data, image.size, &error), ALISA_OK);
    image_end(&image);
}

static int setup_split(void **state) {
    Split *split = calloc(1, sizeof *split);
    strcpy(split->folder, "/tmp/alisa-gguf-XXXXXX");
    assert_non_null(mkdtemp(split->folder));
    for (unsigned i = 0; i < 3; i++) {
        snprintf(split->path[i], sizeof split->path[i], "%s/m-%05u-of-00003.gguf", split->folder,
                 i + 1);
        write_part(split->path[i], i, 3, (const char *[]){NULL, "one", "two"}[i], (uint8_t)(i * 9),
                   2);
    }
    *state = split;
    return 0;
}

static int teardown_split(void **state) {
    Split *split = *state;
    for (unsigned i = 0; i < 3; i++)
        unlink(split->path[i]);
    rmdir(split->folder);
    free(split);
    return 0;
}

static void test_split_opens_from_any_part(void **state) {
    Split *split = *state;
    for (unsigned i = 0; i < 3; i++) {
        AlisaGguf *gguf;
        AlisaError error = {0};
        assert_int_equal(alisa_gguf_open(split->path[i], &gguf, &error), ALISA_OK);
        assert_int_equal(alisa_gguf_part_count(gguf), 3);
        assert_string_equal(alisa_gguf_path(gguf), split->path[0]);
        assert_non_null(alisa_gguf_find(gguf, "general.architecture"));
        assert_int_equal(alisa_gguf_tensor_count(gguf), 2);
        const AlisaGgufTensor *two = alisa_gguf_tensor_find(gguf, "two");
        assert_int_equal(two->part, 2);
        assert_int_equal(two->data[3], 18);
        assert_int_equal(alisa_gguf_tensor_find(gguf, "one")->data[0], 9);
        const uint8_t *part;
        size_t size;
        alisa_gguf_part(gguf, 2, &part, &size);
        assert_ptr_equal(part + two->offset, two->data);
        alisa_gguf_close(gguf);
    }
}

static void assert_split_refused(const char *path, AlisaStatus status, const char *words) {
    AlisaGguf *gguf;
    AlisaError error = {0};
    assert_int_equal(alisa_gguf_open(path, &gguf, &error), status);
    if (!strstr(error.message, words)) print_error("got: %s\n", error.message);
    assert_non_null(strstr(error.message, words));
    assert_null(gguf);
}

static void test_split_failures(void **state) {
    Split *split = *state;
    write_part(split->path[2], 2, 3, "one", 1, 2);
    assert_split_refused(split->path[0], ALISA_ERROR_FORMAT, "two parts");
    write_part(split->path[2], 2, 3, "two", 1, 3);
    write_part(split->path[0], 0, 3, NULL, 1, 3);
    assert_split_refused(split->path[0], ALISA_ERROR_FORMAT, "2 tensors, not the 3");
    write_part(split->path[2], 1, 3, "two", 1, 2);
    assert_split_refused(split->path[0], ALISA_ERROR_FORMAT, "holds part 2 of 3");
    assert_int_equal(rename(split->path[1], split->path[2]), 0);
    assert_split_refused(split->path[0], ALISA_ERROR_IO, "m-00002-of-00003.gguf");
    char other[160];
    snprintf(other, sizeof other, "%s/renamed.gguf", split->folder);
    assert_int_equal(rename(split->path[0], other), 0);
    assert_split_refused(other, ALISA_ERROR_IO, "-00001-of-00003.gguf: rename");
    unlink(other);
    assert_split_refused("/nonexistent/model.gguf", ALISA_ERROR_IO, "/nonexistent/model.gguf");
    assert_split_refused("/tmp", ALISA_ERROR_IO, "not a regular file");
}

/* ---- Real files --------------------------------------------------------------------------- */

static void test_real_files(void **state) {
    (void)state;
    static const struct {
        const char *name;
        AlisaStatus status;
        const char *words;
    } files[] = {
        {"gguf/example.gguf", ALISA_ERROR_FORMAT, "byte-swapped"},
        {"gguf/history_ggml-vocab-llama_467382.gguf", ALISA_ERROR_UNSUPPORTED, "version 1"},
        {"gguf/modelaudit_legacy_model.ggml", ALISA_ERROR_FORMAT, "GGML"},
        {"gguf/ollama_api_test.gguf", ALISA_ERROR_FORMAT, "truncated"},
        {"gguf/test_writer.gguf", ALISA_ERROR_FORMAT, "dict1 has the unknown value type"},
        {"models/stories260K-f32.gguf", ALISA_OK, ""},
        {"models/stories260K-f16.gguf", ALISA_OK, ""},
        {"tokenizers/llama-spm/ggml-vocab-llama-spm.gguf", ALISA_OK, ""},
        {"tokenizers/gpt-2/ggml-vocab-gpt-2.gguf", ALISA_OK, ""},
        {"tokenizers/gpt-neox/ggml-vocab-gpt-neox.gguf", ALISA_OK, ""},
    };
    if (access(SHARED_DATA_DIR "/gguf", R_OK) != 0) {
        print_message("skipped: %s is not there\n", SHARED_DATA_DIR "/gguf");
        skip();
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", SHARED_DATA_DIR, files[i].name);
        AlisaGguf *gguf;
        AlisaError error = {0};
        AlisaStatus status = alisa_gguf_open(path, &gguf, &error);
        if (status != files[i].status) print_error("%s: %s\n", path, error.message);
        assert_int_equal(status, files[i].status);
        assert_non_null(strstr(error.message, files[i].words));
        alisa_gguf_close(gguf);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_split_opens_from_any_part, setup_split,
                                        teardown_split),
        cmocka_unit_test_setup_teardown(test_split_failures, setup_split, teardown_split),
        cmocka_unit_test(test_real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
