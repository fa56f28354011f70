/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences against a model of them that is as simple as can be: random calls, steps that fail,
 * truncations, common beginnings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "engine/timeline.h"

enum { SEQUENCES = 3, CONTEXT = 40, VOCABULARY = 7, MOST_ROWS = 24, LOGIT_ROWS = 5 };

typedef struct Model {
    int32_t tokens[SEQUENCES][CONTEXT + MOST_ROWS];
    uint32_t lengths[SEQUENCES];
    uint32_t cuts[SEQUENCES];
} Model;

static AlisaTimeline timeline;
static Model model;
static AlisaRandom source;

static void expect_equal(void) {
    for (uint32_t i = 0; i < SEQUENCES; i++) {
        assert_int_equal(timeline.lengths[i], model.lengths[i]);
        assert_int_equal(timeline.cuts[i], model.cuts[i]);
        assert_memory_equal(alisa_timeline_tokens(&timeline, i), model.tokens[i],
                            model.lengths[i] * sizeof(int32_t));
    }
}

static void truncate_both(uint32_t sequence, uint32_t length) {
    alisa_timeline_truncate(&timeline, sequence, length);
    if (length >= model.lengths[sequence]) return;
    model.lengths[sequence] = length;
    if (length < model.cuts[sequence]) model.cuts[sequence] = length;
}

static size_t draw_rows(AlisaRow rows[MOST_ROWS]) {
    size_t count = 1 + alisa_random_below(&source, MOST_ROWS - 1);
    for (size_t i = 0; i < count; i++)
        rows[i] = (AlisaRow){(int32_t)alisa_random_below(&source, VOCABULARY),
                             (uint32_t)alisa_random_below(&source, SEQUENCES),
                             alisa_random_below(&source, 8) == 0};
    return count;
}

/* Whether the model could hold the rows, and has logits for them. */
static bool fits(const AlisaRow *rows, size_t count) {
    uint32_t lengths[SEQUENCES], wanted = 0;
    memcpy(lengths, model.lengths, sizeof lengths);
    for (size_t i = 0; i < count; i++) {
        wanted += rows[i].logits;
        if (++lengths[rows[i].sequence] > CONTEXT) return false;
    }
    return wanted <= LOGIT_ROWS;
}

static void check_step(const AlisaStep *step, const AlisaRow *rows, const AlisaRow *call,
                       size_t call_count, const uint32_t before[SEQUENCES], bool sparse) {
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < step->row_count; i++) {
        const AlisaStepRow *row = &step->rows[i];
        uint32_t sequence = rows[i].sequence, of_call = 0;
        for (size_t j = 0; j < call_count; j++)
            of_call += call[j].sequence == sequence;
        assert_int_equal(row->token, rows[i].token);
        assert_int_equal(row->sequence, sequence);
        assert_int_equal(row->call_end, before[sequence] + of_call);
        assert_true(row->prompt == !(sparse && of_call == 1 && before[sequence] > 0));
        wanted += row->logits;
    }
    assert_int_equal(step->logit_count, wanted);
}

/* A call in steps of random sizes, of which one may fail: then the rest is not appended. */
static void append_call(const AlisaRow *rows, size_t count) {
    AlisaStepRow step_rows[MOST_ROWS];
    AlisaStep step = {.rows = step_rows};
    uint32_t before[SEQUENCES];
    bool sparse = alisa_random_below(&source, 2);
    memcpy(before, model.lengths, sizeof before);
    for (size_t done = 0; done < count;) {
        uint32_t taken = 1 + (uint32_t)alisa_random_below(&source, count - done);
        alisa_timeline_append(&timeline, rows + done, taken, sparse, &step);
        check_step(&step, rows + done, rows, count, before, sparse);
        for (uint32_t i = 0; i < taken; i++) {
            uint32_t sequence = rows[done + i].sequence;
            assert_int_equal(step_rows[i].position, model.lengths[sequence]);
            model.tokens[sequence][model.lengths[sequence]++] = rows[done + i].token;
        }
        if (alisa_random_below(&source, 10) == 0) {
            alisa_timeline_undo(&timeline, &step);
            for (uint32_t i = taken; i-- > 0;) {
                uint32_t sequence = rows[done + i].sequence;
                if (--model.lengths[sequence] < model.cuts[sequence])
                    model.cuts[sequence] = model.lengths[sequence];
            }
            return;
        }
        done += taken;
    }
}

static void test_random_calls(void **state) {
    (void)state;
    AlisaError error;
    AlisaRow rows[MOST_ROWS];
    alisa_random_seed(&source, 17);
    memset(&model, 0, sizeof model);
    for (uint32_t i = 0; i < SEQUENCES; i++)
        model.cuts[i] = ALISA_TIMELINE_UNCUT;
    assert_int_equal(alisa_timeline_init(&timeline, SEQUENCES, CONTEXT, &error), ALISA_OK);
    uint32_t appended = 0, refused = 0;
    for (int round = 0; round < 20000; round++) {
        size_t count = draw_rows(rows);
        AlisaStatus status =
            alisa_timeline_check(&timeline, rows, count, VOCABULARY, LOGIT_ROWS, &error);
        assert_true((status == ALISA_OK) == fits(rows, count));
        if (status == ALISA_OK) append_call(rows, count);
        appended += status == ALISA_OK;
        refused += status != ALISA_OK;
        expect_equal();
        uint32_t sequence = (uint32_t)alisa_random_below(&source, SEQUENCES);
        if (alisa_random_below(&source, 3) == 0)
            truncate_both(sequence, (uint32_t)alisa_random_below(&source, CONTEXT));
        if (alisa_random_below(&source, 3) == 0) {
            alisa_timeline_told(&timeline, sequence);
            model.cuts[sequence] = ALISA_TIMELINE_UNCUT;
        }
        expect_equal();
    }
    assert_true(appended > 1000 && refused > 1000);
    alisa_timeline_finish(&timeline);
}

static void test_refusals(void **state) {
    (void)state;
    AlisaError error;
    assert_int_equal(alisa_timeline_init(&timeline, 2, 4, &error), ALISA_OK);
    const AlisaRow stranger[] = {{1, 0, false}, {1, 2, false}};
    assert_int_equal(alisa_timeline_check(&timeline, stranger, 2, 5, 1, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "row 1: sequence 2 of 2"));
    const AlisaRow unknown[] = {{5, 0, false}};
    assert_int_equal(alisa_timeline_check(&timeline, unknown, 1, 5, 1, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "token 5 is outside the vocabulary of 5"));
    const AlisaRow many[] = {{1, 1, 0}, {1, 1, 0}, {1, 1, 0}, {1, 1, 0}, {1, 1, 0}};
    assert_int_equal(alisa_timeline_check(&timeline, many, 5, 5, 1, &error),
                     ALISA_ERROR_CONTEXT_LENGTH);
    assert_non_null(strstr(error.message, "context_length_exceeded: sequence 1 would hold 5"));
    assert_int_equal(timeline.lengths[1], 0);
    alisa_timeline_finish(&timeline);
}

static void test_common_beginnings(void **state) {
    (void)state;
    AlisaError error;
    AlisaStepRow step_rows[4];
    AlisaStep step = {.rows = step_rows};
    const AlisaRow rows[] = {{3, 1, false}, {1, 1, false}, {4, 1, false}, {1, 1, false}};
    assert_int_equal(alisa_timeline_init(&timeline, 2, 8, &error), ALISA_OK);
    alisa_timeline_begin(&timeline, rows, 4);
    alisa_timeline_append(&timeline, rows, 4, false, &step);
    const int32_t same[] = {3, 1, 4, 1, 5}, other[] = {3, 1, 9};
    assert_int_equal(alisa_timeline_common(&timeline, 1, same, 5), 4);
    assert_int_equal(alisa_timeline_common(&timeline, 1, same, 3), 3);
    assert_int_equal(alisa_timeline_common(&timeline, 1, other, 3), 2);
    assert_int_equal(alisa_timeline_common(&timeline, 0, same, 5), 0);
    alisa_timeline_truncate(&timeline, 1, 1);
    assert_int_equal(alisa_timeline_common(&timeline, 1, same, 5), 1);
    alisa_timeline_finish(&timeline);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_calls),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_common_beginnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
