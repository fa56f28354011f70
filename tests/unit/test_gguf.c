/* SPDX-License-Identifier: Apache-2.0 */
/* The GGUF reader: what it reads, and that nothing damaged gets past it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/random.h"
#include "unit/gguf_image.h"

static AlisaStatus open_image(const GgufImage *image, AlisaGguf **gguf, AlisaError *error) {
    *error = (AlisaError){0};
    return alisa_gguf_open_memory(image->data, image->size, gguf, error);
}

/* The image must be refused with `status` and a message that holds `words`. */
static void assert_refused(GgufImage *image, AlisaStatus status, const char *words) {
    AlisaGguf *gguf;
    AlisaError error;
    AlisaStatus got = open_image(image, &gguf, &error);
    if (got != status || !strstr(error.message, words)) {
        print_error("expected \"%s\", got status %d: %s\n", words, got, error.message);
    }
    assert_int_equal(got, status);
    assert_int_equal(error.status, status);
    assert_non_null(strstr(error.message, words));
    assert_null(gguf);
    image_end(image);
}

/* One key of each kind and three tensors. */
static void make_sample(GgufImage *image, uint32_t version) {
    image_begin(image, version);
    image_string(image, "general.architecture", "llama");
    image_u32(image, "llama.block_count", 22);
    image_key(image, "small", ALISA_GGUF_I8);
    image_number(image, (uint8_t)-5, 1);
    image_key(image, "wide", ALISA_GGUF_U64);
    image_number(image, 1ull << 40, 8);
    image_key(image, "negative", ALISA_GGUF_I64);
    image_number(image, (uint64_t)INT64_MIN, 8);
    image_key(image, "ratio", ALISA_GGUF_F32);
    image_float(image, 1.5f);
    image_bool(image, "flag", true);
    image_array(image, "words", ALISA_GGUF_STRING, 3);
    image_text(image, "one", 3);
    image_text(image, "", 0);
    image_text(image, "three", 5);
    image_array(image, "numbers", ALISA_GGUF_I16, 2);
    image_number(image, (uint16_t)-300, 2);
    image_number(image, 300, 2);
    image_array(image, "floats", ALISA_GGUF_F32, 1);
    image_float(image, -0.25f);
    image_tensor(image, "a.weight", ALISA_WEIGHT_F32, 2, (uint64_t[]){3, 2}, 0);
    image_tensor(image, "b.weight", ALISA_WEIGHT_Q8_0, 2, (uint64_t[]){64, 5}, 32);
    image_tensor(image, "c.weight", 99, 1, (uint64_t[]){7}, 384);
    image_pad(image, 32);
    for (int i = 0; i < 400; i++)
        image_number(image, (uint64_t)i * 7, 1);
}

static void test_reads_keys(void **state) {
    (void)state;
    for (uint32_t version = 2; version <= 3; version++) {
        GgufImage image;
        AlisaGguf *gguf;
        AlisaError error;
        make_sample(&image, version);
        assert_int_equal(open_image(&image, &gguf, &error), ALISA_OK);
        assert_int_equal(alisa_gguf_version(gguf), version);
        assert_int_equal(alisa_gguf_part_count(gguf), 1);
        assert_int_equal(alisa_gguf_key_count(gguf), 10);
        assert_string_equal(alisa_gguf_key_at(gguf, 1)->name, "llama.block_count");
        assert_null(alisa_gguf_key_at(gguf, 10));
        assert_null(alisa_gguf_find(gguf, "absent"));

        uint32_t number = 7;
        assert_int_equal(alisa_gguf_get_u32(gguf, "absent", &number, &error), ALISA_OK);
        assert_int_equal(number, 7);
        assert_int_equal(alisa_gguf_get_u32(gguf, "llama.block_count", &number, &error), ALISA_OK);
        assert_int_equal(number, 22);
        static const char *const not_u32[] = {"small", "wide", "negative",
                                              "ratio", "flag", "words"};
        for (size_t i = 0; i < sizeof not_u32 / sizeof not_u32[0]; i++) {
            assert_int_equal(alisa_gguf_get_u32(gguf, not_u32[i], &number, &error),
                             ALISA_ERROR_FORMAT);
            assert_non_null(strstr(error.message, not_u32[i]));
            assert_int_equal(number, 22);
        }
        alisa_gguf_get_u32(gguf, "negative", &number, &error);
        assert_non_null(strstr(error.message, "-9223372036854775808"));

        float ratio = 0;
        bool flag = false;
        AlisaGgufString text = {0};
        assert_int_equal(alisa_gguf_get_f32(gguf, "ratio", &ratio, &error), ALISA_OK);
        assert_true(ratio == 1.5f);
        assert_int_equal(alisa_gguf_get_f32(gguf, "flag", &ratio, &error), ALISA_ERROR_FORMAT);
        assert_int_equal(alisa_gguf_get_bool(gguf, "flag", &flag, &error), ALISA_OK);
        assert_true(flag);
        assert_int_equal(alisa_gguf_get_bool(gguf, "small", &flag, &error), ALISA_ERROR_FORMAT);
        assert_int_equal(alisa_gguf_get_string(gguf, "general.architecture", &text, &error),
                         ALISA_OK);
        assert_int_equal(text.length, 5);
        assert_memory_equal(text.data, "llama", 5);
        assert_int_equal(alisa_gguf_get_string(gguf, "words", &text, &error), ALISA_ERROR_FORMAT);

        const AlisaGgufKey *words = alisa_gguf_find(gguf, "words");
        assert_int_equal(words->count, 3);
        assert_int_equal(alisa_gguf_array_string(words, 1).length, 0);
        text = alisa_gguf_array_string(words, 2);
        assert_int_equal(text.length, 5);
        assert_memory_equal(text.data, "three", 5);
        const AlisaGgufKey *numbers = alisa_gguf_find(gguf, "numbers");
        assert_true(alisa_gguf_array_number(numbers, 0) == -300.0);
        assert_true(alisa_gguf_array_number(numbers, 1) == 300.0);
        assert_true(alisa_gguf_array_number(alisa_gguf_find(gguf, "floats"), 0) == -0.25);
        alisa_gguf_close(gguf);
        image_end(&image);
    }
    alisa_gguf_close(NULL);
}

static void test_reads_tensors(void **state) {
    (void)state;
    GgufImage image;
    AlisaGguf *gguf;
    AlisaError error;
    make_sample(&image, 3);
    assert_int_equal(open_image(&image, &gguf, &error), ALISA_OK);
    assert_int_equal(alisa_gguf_tensor_count(gguf), 3);
    assert_null(alisa_gguf_tensor_at(gguf, 3));
    assert_null(alisa_gguf_tensor_find(gguf, "a"));
    const AlisaGgufTensor *b = alisa_gguf_tensor_find(gguf, "b.weight");
    assert_ptr_equal(b, alisa_gguf_tensor_at(gguf, 1));
    assert_int_equal(b->type, ALISA_WEIGHT_Q8_0);
    assert_int_equal(b->dimension_count, 2);
    assert_int_equal(b->dimensions[0], 64);
    assert_int_equal(b->dimensions[1], 5);
    assert_int_equal(b->dimensions[2], 1);
    assert_int_equal(b->dimensions[3], 1);
    assert_int_equal(b->element_count, 320);
    assert_int_equal(b->byte_count, 340);
    const uint8_t *part;
    size_t part_size;
    alisa_gguf_part(gguf, 0, &part, &part_size);
    assert_ptr_equal(b->data, part + b->offset);
    assert_int_equal(part_size, image.size);
    assert_int_equal(b->offset, image.size - 400 + 32);
    assert_int_equal(b->data[1], (uint8_t)(33 * 7));
    const AlisaGgufTensor *unknown = alisa_gguf_tensor_find(gguf, "c.weight");
    assert_int_equal(unknown->type, 99);
    assert_int_equal(unknown->byte_count, 0);
    assert_null(unknown->data);
    alisa_gguf_close(gguf);
    image_end(&image);
}

static void test_type_table(void **state) {
    (void)state;
    const AlisaWeightTypeInfo *info;
    char list[512];
    alisa_weight_type_list(list);
    for (size_t i = 0; (info = alisa_weight_type_at(i)); i++) {
        assert_ptr_equal(alisa_weight_type_info(info->id), info);
        assert_true(info->block_elements > 0 && info->block_bytes > 0);
        assert_true((uint64_t)info->block_bytes % info->alignment == 0);
        assert_int_equal(alisa_weight_type_is_computed(info->id), info->value || info->coding);
        if (alisa_weight_type_is_computed(info->id)) assert_non_null(strstr(list, info->name));
    }
    assert_string_equal(alisa_weight_type_info(ALISA_WEIGHT_Q4_0)->name, "Q4_0");
    assert_int_equal(alisa_weight_type_info(ALISA_WEIGHT_Q4_0)->block_bytes, 18);
    assert_int_equal(alisa_weight_type_row_bytes(ALISA_WEIGHT_Q4_0, 96), 54);
    assert_int_equal(alisa_weight_type_row_bytes(4, 96), 0);
    assert_true(strncmp(list, "F32, F16, BF16", 14) == 0 && strstr(list, " and "));
    assert_null(alisa_weight_type_info(4));
    assert_null(alisa_weight_type_info(UINT32_MAX));
}

/* Every shorter file fails: the last tensor's data ends where the file does. */
static void test_truncated_anywhere(void **state) {
    (void)state;
    GgufImage image;
    make_sample(&image, 3);
    size_t needed = image.size - 400 + 384; /* c.weight begins there; its size is not known */
    for (size_t size = 0; size <= image.size; size++) {
        /* An exact copy, so that the sanitizer sees a read past the end. */
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, image.data, size);
        AlisaGguf *gguf;
        AlisaError error = {0};
        AlisaStatus status = alisa_gguf_open_memory(copy, size, &gguf, &error);
        if (size < needed) {
            assert_int_equal(status, ALISA_ERROR_FORMAT);
            assert_non_null(strstr(error.message, "truncated"));
            assert_null(gguf);
        } else {
            assert_int_equal(status, ALISA_OK);
        }
        alisa_gguf_close(gguf);
        free(copy);
    }
    image_end(&image);
}

/* Damaged bytes either leave a valid file or give a sentence; what opens can be read in full. */
static void test_flipped_bits(void **state) {
    (void)state;
    GgufImage image;
    make_sample(&image, 3);
    AlisaRandom random;
    alisa_random_seed(&random, 20);
    unsigned refused = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t *copy = malloc(image.size);
        memcpy(copy, image.data, image.size);
        uint32_t flips = 1 + alisa_random_below(&random, 3);
        for (uint32_t i = 0; i < flips; i++) {
            uint32_t where = alisa_random_below(&random, (uint32_t)image.size - 400);
            copy[where] ^= (uint8_t)(1u << alisa_random_below(&random, 8));
        }
        AlisaGguf *gguf;
        AlisaError error = {0};
        AlisaStatus status = alisa_gguf_open_memory(copy, image.size, &gguf, &error);
        if (status != ALISA_OK) {
            refused++;
            assert_true(strlen(error.message) > 20);
            assert_null(gguf);
        } else {
            unsigned sum = 0;
            for (uint64_t i = 0; i < alisa_gguf_key_count(gguf); i++) {
                const AlisaGgufKey *key = alisa_gguf_key_at(gguf, i);
                assert_ptr_equal(alisa_gguf_find(gguf, key->name), key);
                if (key->string_offsets) {
                    for (uint64_t j = 0; j < key->count; j++) {
                        AlisaGgufString text = alisa_gguf_array_string(key, j);
                        for (uint64_t k = 0; k < text.length; k++)
                            sum += (uint8_t)text.data[k];
                    }
                } else if (key->type == ALISA_GGUF_ARRAY) {
                    for (uint64_t j = 0; j < key->count; j++) {
                        sum += isnan(alisa_gguf_array_number(key, j));
                    }
                }
            }
            for (uint64_t i = 0; i < alisa_gguf_tensor_count(gguf); i++) {
                const AlisaGgufTensor *tensor = alisa_gguf_tensor_at(gguf, i);
                for (uint64_t j = 0; j < tensor->byte_count; j++)
                    sum += tensor->data[j];
            }
            assert_true(sum != 1);
        }
        alisa_gguf_close(gguf);
        free(copy);
    }
    assert_true(refused > 10000);
    image_end(&image);
}

static void test_refuses_headers(void **state) {
    (void)state;
    static const struct {
        const char *magic;
        const char *words;
    } magics[] = {{"lmgg", "GGML"},
                  {"tjgg", "GGJT"},
                  {"FUGG", "byte-swapped"},
                  {"fmgg", "GGMF"},
                  {"MZ??", "not a GGUF"}};
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        GgufImage image;
        make_sample(&image, 3);
        memcpy(image.data, magics[i].magic, 4);
        assert_refused(&image, ALISA_ERROR_FORMAT, magics[i].words);
    }
    static const struct {
        uint32_t version;
        const char *words;
    } versions[] = {
        {1, "version 1"}, {0x03000000, "big-endian"}, {0, "version 0"}, {4, "version 4"}};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        GgufImage image;
        make_sample(&image, versions[i].version);
        assert_refused(&image, ALISA_ERROR_UNSUPPORTED, versions[i].words);
    }
    for (size_t offset = 8; offset <= 16; offset += 8) {
        for (unsigned byte = 2; byte < 8; byte++) {
            GgufImage image;
            make_sample(&image, 3);
            image.data[offset + byte] = 0xff;
            assert_refused(&image, ALISA_ERROR_FORMAT, offset == 8 ? "tensors" : "keys");
        }
    }
}

static void test_refuses_keys(void **state) {
    (void)state;
    GgufImage image;
    image_begin(&image, 3);
    image_u32(&image, "twice", 1);
    image_u32(&image, "twice", 2);
    assert_refused(&image, ALISA_ERROR_FORMAT, "twice appears twice");

    image_begin(&image, 3);
    image_key(&image, "odd", (AlisaGgufValueType)13);
    image_number(&image, 0, 8);
    assert_refused(&image, ALISA_ERROR_FORMAT, "odd has the unknown value type 13");

    image_begin(&image, 3);
    image_array(&image, "nested", ALISA_GGUF_ARRAY, 1);
    image_zeros(&image, 64);
    assert_refused(&image, ALISA_ERROR_UNSUPPORTED, "nested is an array of arrays");

    image_begin(&image, 3);
    image_array(&image, "huge", ALISA_GGUF_U64, UINT64_MAX / 4);
    image_number(&image, 0, 8);
    assert_refused(&image, ALISA_ERROR_FORMAT, "inside huge");

    image_begin(&image, 3);
    image_array(&image, "strings", ALISA_GGUF_STRING, UINT64_MAX / 8);
    image_number(&image, 0, 8);
    assert_refused(&image, ALISA_ERROR_FORMAT, "inside strings");

    image_begin(&image, 3);
    image_key(&image, "flag", ALISA_GGUF_BOOL);
    image_number(&image, 2, 1);
    assert_refused(&image, ALISA_ERROR_FORMAT, "flag holds 2");

    image_begin(&image, 3);
    image_u32(&image, "bell\a", 2);
    assert_refused(&image, ALISA_ERROR_FORMAT, "unprintable byte 0x07");

    char *name = malloc(65537);
    memset(name, 'k', 65536);
    name[65536] = 0;
    image_begin(&image, 3);
    image_u32(&image, name, 2);
    assert_refused(&image, ALISA_ERROR_FORMAT, "65536 bytes");
    image_begin(&image, 3);
    image_u32(&image, "", 2);
    assert_refused(&image, ALISA_ERROR_FORMAT, "0 bytes");
    name[65535] = 0;
    image_begin(&image, 3);
    image_u32(&image, name, 2);
    AlisaGguf *gguf;
    AlisaError error;
    assert_int_equal(open_image(&image, &gguf, &error), ALISA_OK);
    assert_non_null(alisa_gguf_find(gguf, name));
    alisa_gguf_close(gguf);
    image_end(&image);
    free(name);

    static const uint32_t alignments[] = {0, 3, 48};
    for (size_t i = 0; i < 3; i++) {
        image_begin(&image, 3);
        image_u32(&image, "general.alignment", alignments[i]);
        assert_refused(&image, ALISA_ERROR_FORMAT, "not a power of two");
    }
    image_begin(&image, 3);
    image_key(&image, "general.alignment", ALISA_GGUF_STRING);
    image_text(&image, "32", 2);
    assert_refused(&image, ALISA_ERROR_FORMAT, "general.alignment should hold an integer");
}

static void test_refuses_tensors(void **state) {
    (void)state;
    static const struct {
        uint32_t type;
        uint32_t dimension_count;
        uint64_t dimensions[5];
        uint64_t offset;
        const char *words;
    } cases[] = {
        {0, 0, {0}, 0, "0 dimensions"},
        {0, 5, {1, 1, 1, 1, 1}, 0, "5 dimensions"},
        {0, 2, {4, 0}, 0, "empty"},
        {0, 1, {UINT64_MAX}, 0, "too large"},
        {0, 2, {1ull << 32, 1ull << 32}, 0, "too large"},
        {0, 4, {1ull << 16, 1ull << 16, 1ull << 16, 1ull << 16}, 0, "too large"},
        {ALISA_WEIGHT_Q8_0, 2, {33, 32}, 0, "not a multiple of the 32"},
        {14, 1, {128}, 0, "not a multiple of the 256"},
        {0, 1, {4}, 16, "alignment"},
        {0, 1, {4}, 1ull << 40, "outside the file"},
        {0, 1, {4}, UINT64_MAX - 31, "outside the file"},
        {0, 1, {1ull << 40}, 0, "outside the file"},
        {99, 1, {4}, 4096, "outside the file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        GgufImage image;
        image_begin(&image, 3);
        image_tensor(&image, "the.tensor", cases[i].type, cases[i].dimension_count,
                     cases[i].dimensions, cases[i].offset);
        image_pad(&image, 32);
        image_zeros(&image, 64);
        assert_refused(&image, ALISA_ERROR_FORMAT, cases[i].words);
    }
    GgufImage image;
    char name[66];
    memset(name, 't', 65);
    name[65] = 0;
    image_begin(&image, 3);
    image_tensor(&image, name, 0, 1, (uint64_t[]){1}, 0);
    assert_refused(&image, ALISA_ERROR_FORMAT, "65 bytes");
    image_begin(&image, 3);
    image_tensor(&image, "same", 0, 1, (uint64_t[]){1}, 0);
    image_tensor(&image, "same", 0, 1, (uint64_t[]){1}, 0);
    assert_refused(&image, ALISA_ERROR_FORMAT, "same appears twice");
    image_begin(&image, 3);
    image_u32(&image, "split.count", 2);
    assert_refused(&image, ALISA_ERROR_UNSUPPORTED, "split");
    image_begin(&image, 3);
    image_u32(&image, "split.count", 2);
    image_u32(&image, "split.no", 2);
    assert_refused(&image, ALISA_ERROR_FORMAT, "part 3 of 2");
}

static void test_alignment_is_obeyed(void **state) {
    (void)state;
    GgufImage image;
    AlisaGguf *gguf;
    AlisaError error;
    image_begin(&image, 3);
    image_u32(&image, "general.alignment", 256);
    image_tensor(&image, "x", ALISA_WEIGHT_F32, 1, (uint64_t[]){2}, 256);
    image_pad(&image, 256);
    for (int i = 0; i < 264; i++)
        image_number(&image, (uint64_t)i, 1);
    assert_int_equal(open_image(&image, &gguf, &error), ALISA_OK);
    assert_int_equal(alisa_gguf_tensor_find(gguf, "x")->offset, 512);
    assert_int_equal(alisa_gguf_tensor_find(gguf, "x")->data[7], 7);
    alisa_gguf_close(gguf);
    image_end(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_keys),          cmocka_unit_test(test_reads_tensors),
        cmocka_unit_test(test_type_table),          cmocka_unit_test(test_truncated_anywhere),
        cmocka_unit_test(test_flipped_bits),        cmocka_unit_test(test_refuses_headers),
        cmocka_unit_test(test_refuses_keys),        cmocka_unit_test(test_refuses_tensors),
        cmocka_unit_test(test_alignment_is_obeyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
