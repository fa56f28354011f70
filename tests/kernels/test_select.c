/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selection on the device against its host twin: the same rows must give the same lists, ties
 * included, over many steps, for several layers, sequences of different lengths and lists a layer,
 * in both layouts. What is outside the lists and slots of a call keeps its bytes.
 * ALISA_TEST_SMALL=1 keeps to small shapes (for oclgrind).
 */
#include "on_device.h"

#include "attn/selection.h"
#include "base/random.h"
#include "oracle/select.h"

enum { MOST_SEQUENCES = 5, MOST_SEEDS = 60, ROWS = MOST_SEEDS + 5, LAYERS = 2, GUARD = 17 };
static const int32_t untouched = -77;

static AlisaOps *laid_out; /* operations in the layout that is tested */

/* One is enough where only the memory a kernel touches is watched. */
static uint32_t layer_count(void) {
    return small ? 1 : LAYERS;
}

typedef struct Case {
    AlisaSelectKind kind;
    AlisaSelectScores scores;
    double sparsity;
    uint32_t sinks, lists, context;
    uint32_t steps;
    uint32_t prompts[MOST_SEQUENCES]; /* tokens; up to the first 0 */
    uint32_t keep;
} Case;

#define SWA    ALISA_SELECT_SWA
#define SPARSE ALISA_SELECT_SCORES_SPARSE
#define WHOLE  ALISA_SELECT_SCORES_DENSE
#define QUERY  ALISA_SELECT_SCORES_QUERY

static const Case cases[] = {
    {SWA, SPARSE, 0.8, 0, 1, 701, 300, {1, 400, 37, 129, 300}},
    {SWA, SPARSE, 0.8, 4, 3, 333, 130, {1, 203, 90}},
    {SWA, SPARSE, 0.8, 0, 1, 250, 120, {1, 20, 90}, .keep = 33},
    {SWA, SPARSE, 0.4, 1, 1, 257, 120, {5, 137, 64}},
    {SWA, SPARSE, 0.95, 0, 2, 3000, 60, {2500, 2900, 700}},
    {SWA, WHOLE, 0.8, 0, 1, 500, 100, {1, 400, 200}},
    {SWA, WHOLE, 0.9, 2, 3, 300, 60, {239, 3}},
    {SWA, QUERY, 0.8, 0, 2, 1100, 50, {1, 1040, 255, 511}},
    {ALISA_SELECT_H2O, SPARSE, 0.8, 3, 2, 400, 150, {1, 250, 77}},
    {ALISA_SELECT_H2O, WHOLE, 0.6, 0, 1, 300, 60, {1, 240}},
    {ALISA_SELECT_RANDOM, SPARSE, 0.8, 1, 3, 900, 40, {1, 850, 333}},
    {ALISA_SELECT_STRIDED, SPARSE, 0.8, 2, 2, 900, 40, {1, 850, 333}},
    {ALISA_SELECT_LOCAL, SPARSE, 0.8, 2, 2, 900, 40, {1, 850, 333}},
    {ALISA_SELECT_DENSE, SPARSE, 0.8, 2, 1, 300, 40, {1, 250, 33}},
    {SWA, SPARSE, 0.99, 0, 1, 70001, 12, {69000, 400}}, /* positions of more than 16 bits */
};
static const Case small_cases[] = {
    {SWA, SPARSE, 0.6, 1, 2, 24, 4, {2, 16}},
    {SWA, WHOLE, 0.8, 0, 1, 23, 4, {17}},
    {SWA, QUERY, 0.8, 0, 1, 40, 2, {36}},
    {ALISA_SELECT_H2O, SPARSE, 0.8, 1, 1, 20, 3, {15}},
    {ALISA_SELECT_RANDOM, SPARSE, 0.8, 1, 1, 50, 2, {45}},
    {ALISA_SELECT_STRIDED, SPARSE, 0.8, 1, 1, 30, 2, {25}},
};
enum {
    CASES = sizeof cases / sizeof *cases,
    SMALL_CASES = sizeof small_cases / sizeof *small_cases
};

/* As buffers, to the end with small shapes (on_device.h). */
static AlisaSelection *kept_selections[64];
static size_t kept_selection_count;

static void release_selection(AlisaSelection *selection) {
    if (small && kept_selection_count < sizeof kept_selections / sizeof(void *))
        kept_selections[kept_selection_count++] = selection;
    else
        alisa_selection_destroy(selection);
}

typedef struct Fixture {
    Case c;
    AlisaSelectOptions options;
    uint32_t sequences, stride;
    AlisaSelection *selection;
    AlisaSelectState *twins[LAYERS][MOST_SEQUENCES];
    uint32_t picked[MOST_SEQUENCES]; /* length of the lists */
    AlisaRandom random;
    uint32_t *rows; /* [ROWS][lists][stride] */
    uint32_t *all;  /* 0, 1, 2, .. */
    AlisaBuffer row_buffer;
} Fixture;

static void start(Fixture *fixture, const Case *c) {
    AlisaError error;
    *fixture = (Fixture){.c = *c, .stride = (c->context + 31) / 32 * 32};
    while (fixture->sequences < MOST_SEQUENCES && c->prompts[fixture->sequences])
        fixture->sequences++;
    alisa_select_options_defaults(&fixture->options);
    fixture->options.kind = c->kind;
    fixture->options.scores = c->scores;
    fixture->options.sparsity = c->sparsity;
    fixture->options.keep = c->keep;
    fixture->options.sinks = c->sinks;
    fixture->options.seed = 0x123456789abcdef;
    AlisaSelectionShape shape = {.layer_count = layer_count(),
                                 .first_layer = 3,
                                 .sequence_count = fixture->sequences,
                                 .list_count = c->lists,
                                 .context = c->context,
                                 .seed_rows = c->context / 2,
                                 .max_updates = fixture->sequences,
                                 .max_rows = ROWS};
    require(
        alisa_selection_create(laid_out, &fixture->options, &shape, &fixture->selection, &error),
        &error);
    for (uint32_t layer = 0; layer < layer_count(); layer++)
        for (uint32_t s = 0; s < fixture->sequences; s++) {
            AlisaSelectShape twin = {.context = c->context,
                                     .list_count = c->lists,
                                     .seed_rows = c->context / 2,
                                     .layer = 3 + layer,
                                     .sequence = s};
            require(alisa_selector_state_create(&fixture->options, &twin, &fixture->twins[layer][s],
                                                &error),
                    &error);
        }
    alisa_random_seed(&fixture->random, c->context);
    uint64_t entries = (uint64_t)ROWS * c->lists * fixture->stride;
    fixture->rows = allocate(entries, sizeof *fixture->rows);
    fixture->all = allocate(c->context, sizeof *fixture->all);
    for (uint32_t i = 0; i < c->context; i++)
        fixture->all[i] = i;
    fixture->row_buffer = upload(fixture->rows, entries * sizeof *fixture->rows);
}

static void finish(Fixture *fixture) {
    for (uint32_t layer = 0; layer < layer_count(); layer++)
        for (uint32_t s = 0; s < fixture->sequences; s++)
            alisa_selector_state_destroy(fixture->twins[layer][s]);
    release_selection(fixture->selection);
    release(&fixture->row_buffer);
    free(fixture->rows);
    free(fixture->all);
}

static uint32_t *row_at(Fixture *fixture, uint32_t row) {
    return fixture->rows + (size_t)row * fixture->c.lists * fixture->stride;
}

/* Random rows of a step: over all its tokens, or in the order of the layer's lists. */
static void make_row(Fixture *fixture, uint32_t layer, uint32_t sequence, uint32_t row,
                     uint32_t count, bool dense) {
    const AlisaSelectState *twin = fixture->twins[layer][sequence];
    for (uint32_t list = 0; list < fixture->c.lists; list++) {
        const uint32_t *positions = dense ? fixture->all : alisa_selector_state_list(twin, list);
        oracle_select_weights(&fixture->random, count, positions,
                              dense ? count : fixture->picked[sequence],
                              row_at(fixture, row) + list * fixture->stride);
    }
}

static void run(Fixture *fixture, uint32_t layer, uint32_t updates, uint32_t rows) {
    AlisaError error;
    uint64_t bytes = (uint64_t)rows * fixture->c.lists * fixture->stride * sizeof *fixture->rows;
    if (rows)
        require(alisa_buffer_write(device, &fixture->row_buffer, 0, fixture->rows, bytes, &error),
                &error);
    AlisaSelectionRows input = {&fixture->row_buffer, fixture->stride};
    require(alisa_selection_run(fixture->selection, layer, 0, updates, input, &error), &error);
}

static void check_lists(Fixture *fixture, uint32_t layer, uint32_t sequence, uint32_t count) {
    AlisaError error;
    uint32_t capacity = alisa_selection_capacity(fixture->selection);
    uint32_t length = fixture->picked[sequence];
    uint32_t *got = allocate(capacity * fixture->c.lists, sizeof *got);
    uint64_t offset = alisa_selection_list_offset(fixture->selection, layer, sequence);
    require(alisa_buffer_read(device, alisa_selection_lists(fixture->selection),
                              offset * sizeof *got, got,
                              (uint64_t)capacity * fixture->c.lists * sizeof *got, &error),
            &error);
    for (uint32_t list = 0; list < fixture->c.lists; list++) {
        const uint32_t *expected = alisa_selector_state_list(fixture->twins[layer][sequence], list);
        for (uint32_t i = 0; i < length; i++)
            if (got[list * capacity + i] != expected[i])
                fail_msg("%s, %s scores, sparsity %g, %u tokens: entry %u of list %u, layer %u, "
                         "sequence %u is %u, not %u",
                         alisa_select_kind_name(fixture->c.kind),
                         alisa_select_scores_name(fixture->c.scores), fixture->c.sparsity, count, i,
                         list, layer, sequence, got[list * capacity + i], expected[i]);
    }
    free(got);
}

/* The last rows of every prompt, sequence after sequence; then the lists of the first step. */
static void seed(Fixture *fixture) {
    AlisaError error;
    bool by_row = fixture->c.scores == QUERY;
    for (uint32_t s = 0; s < fixture->sequences; s++) {
        uint32_t prompt = fixture->c.prompts[s];
        uint32_t rows = alisa_selector_half_budget(&fixture->options, prompt + 1);
        if (rows > prompt) rows = prompt;
        if (rows > MOST_SEEDS) rows = MOST_SEEDS;
        AlisaSelectionUpdate update = {.sequence = s,
                                       .row_count = rows,
                                       .first_row = 1,
                                       .first_count = prompt + 1 - rows,
                                       .dense = true,
                                       .pick_count = prompt + 1};
        require(alisa_selection_plan(fixture->selection, &update, 1, &error), &error);
        for (uint32_t layer = 0; layer < layer_count(); layer++) {
            AlisaSelectState *twin = fixture->twins[layer][s];
            for (uint32_t i = 0; i < rows; i++) {
                make_row(fixture, layer, s, 1 + i, update.first_count + i, true);
                alisa_selector_state_feed(twin, update.first_count + i, true,
                                          row_at(fixture, 1 + i), fixture->stride);
            }
            if (by_row) make_row(fixture, layer, s, 0, prompt + 1, true);
            fixture->picked[s] =
                alisa_selector_state_pick(twin, prompt + 1, row_at(fixture, 0), fixture->stride);
            run(fixture, layer, 1, 1 + rows);
            check_lists(fixture, layer, s, prompt + 1);
        }
    }
}

/* One token for every sequence whose turn it is; rows and updates in reverse order of the
 * sequences.
 */
static void step(Fixture *fixture, const uint32_t *counts, uint32_t skipped) {
    AlisaError error;
    AlisaSelectionUpdate updates[MOST_SEQUENCES];
    uint32_t lengths[MOST_SEQUENCES] = {0}, made = 0;
    bool dense = fixture->c.scores != SPARSE, by_row = fixture->c.scores == QUERY;
    for (uint32_t s = fixture->sequences; s-- > 0;)
        if (s != skipped)
            updates[made++] = (AlisaSelectionUpdate){.sequence = s,
                                                     .row_count = !by_row,
                                                     .first_row = s,
                                                     .first_count = counts[s],
                                                     .dense = dense,
                                                     .pick_count = counts[s] + 1,
                                                     .pick_row = s};
    require(alisa_selection_plan(fixture->selection, updates, made, &error), &error);
    for (uint32_t layer = 0; layer < layer_count(); layer++) {
        for (uint32_t i = 0; i < made; i++) {
            uint32_t s = updates[i].sequence;
            AlisaSelectState *twin = fixture->twins[layer][s];
            make_row(fixture, layer, s, s, counts[s] + by_row, dense);
            if (!by_row)
                alisa_selector_state_feed(twin, counts[s], dense, row_at(fixture, s),
                                          fixture->stride);
            lengths[s] =
                alisa_selector_state_pick(twin, counts[s] + 1, row_at(fixture, s), fixture->stride);
        }
        run(fixture, layer, made, fixture->sequences);
    }
    for (uint32_t i = 0; i < made; i++) {
        uint32_t s = updates[i].sequence;
        fixture->picked[s] = lengths[s];
        for (uint32_t layer = 0; layer < layer_count(); layer++)
            check_lists(fixture, layer, s, counts[s] + 1);
    }
}

/* What lists through pages must be: slots, or with blocks for tokens that are not sealed rows of
 * the tails, and the rows of params. Guards around them, and between lists. */
static void expect_slots(const Fixture *fixture, const AlisaSelectionTarget *target,
                         const int32_t *pages, uint32_t stride, bool with_blocks,
                         const int32_t *slots, const int32_t *blocks) {
    uint32_t s = target->sequence;
    for (uint32_t i = 0; i < GUARD; i++)
        assert_true(slots[i] == untouched && blocks[i] == untouched);
    for (uint32_t list = 0; list < fixture->c.lists; list++) {
        const uint32_t *positions =
            alisa_selector_state_list(fixture->twins[layer_count() - 1][s], list);
        uint32_t at = target->list_offset + list * stride;
        for (uint32_t j = 0; j < stride; j++) {
            if (j >= target->count) {
                assert_true(slots[at + j] == untouched && blocks[at + j] == untouched);
                continue;
            }
            uint32_t position = positions[j];
            int32_t slot = pages[GUARD + s * fixture->c.context + position];
            if (with_blocks && position >= target->sealed)
                slot = -1 - (int32_t)(target->first_half + position - target->sealed);
            assert_int_equal(slots[at + j], slot);
            int32_t block = (int32_t)(target->first_block + position / 64);
            assert_int_equal(blocks[at + j], with_blocks ? block : untouched);
        }
    }
}

/* Lists through a page table of shuffled slots, some of them negative. */
static void check_translation(Fixture *fixture, const uint32_t *counts) {
    AlisaError error;
    uint32_t lists = fixture->c.lists, context = fixture->c.context, stride = 0;
    AlisaSelectionTarget targets[MOST_SEQUENCES];
    for (uint32_t s = 0; s < fixture->sequences; s++)
        if (fixture->picked[s] + 3 > stride) stride = fixture->picked[s] + 3;
    uint32_t total = GUARD + stride * lists * fixture->sequences;
    int32_t *pages = allocate((uint64_t)context * fixture->sequences + GUARD, sizeof *pages);
    int32_t *slots = allocate(total, sizeof *slots), *blocks = allocate(total, sizeof *blocks);
    for (uint32_t i = 0; i < context * fixture->sequences + GUARD; i++)
        pages[i] = (int32_t)(alisa_random_next(&fixture->random) >> 8) - (1 << 22);
    for (uint32_t i = 0; i < total; i++)
        slots[i] = blocks[i] = untouched;
    for (uint32_t i = 0; i < fixture->sequences; i++) {
        uint32_t s = fixture->sequences - 1 - i;
        targets[i] =
            (AlisaSelectionTarget){s,       fixture->picked[s],  GUARD + i * lists * stride,
                                   100 * s, counts[s] / 64 * 64, 40 * s};
    }
    AlisaBuffer page_buffer =
        upload(pages, ((uint64_t)context * fixture->sequences + GUARD) * sizeof *pages);
    AlisaBuffer slot_buffer = upload(slots, total * sizeof *slots);
    AlisaBuffer block_buffer = upload(blocks, total * sizeof *blocks);
    require(alisa_selection_set_targets(fixture->selection, targets, fixture->sequences, &error),
            &error);
    for (int with_blocks = 0; with_blocks < 2; with_blocks++) {
        AlisaSelectionSlots to = {.pages = &page_buffer,
                                  .page_offset = GUARD,
                                  .page_stride = context,
                                  .slots = &slot_buffer,
                                  .blocks = with_blocks ? &block_buffer : NULL,
                                  .list_stride = stride};
        require(alisa_selection_translate(fixture->selection, layer_count() - 1, &to, &error),
                &error);
        require(alisa_buffer_read(device, &slot_buffer, 0, slots, total * sizeof *slots, &error),
                &error);
        require(alisa_buffer_read(device, &block_buffer, 0, blocks, total * sizeof *blocks, &error),
                &error);
        for (uint32_t i = 0; i < fixture->sequences; i++)
            expect_slots(fixture, &targets[i], pages, stride, with_blocks, slots, blocks);
    }
    release(&page_buffer);
    release(&slot_buffer);
    release(&block_buffer);
    free(pages);
    free(slots);
    free(blocks);
}

static void truncate(Fixture *fixture, uint32_t sequence, uint32_t count) {
    AlisaError error;
    require(alisa_selection_truncate(fixture->selection, sequence, count, &error), &error);
    for (uint32_t layer = 0; layer < layer_count(); layer++)
        alisa_selector_state_truncate(fixture->twins[layer][sequence], count);
}

/* Picks without feeding, as after a step back. */
static void pick(Fixture *fixture, uint32_t sequence, uint32_t count) {
    AlisaError error;
    AlisaSelectionUpdate update = {.sequence = sequence, .pick_count = count};
    require(alisa_selection_plan(fixture->selection, &update, 1, &error), &error);
    for (uint32_t layer = 0; layer < layer_count(); layer++) {
        fixture->picked[sequence] = alisa_selector_state_pick(
            fixture->twins[layer][sequence], count, row_at(fixture, 0), fixture->stride);
        run(fixture, layer, 1, 1);
        check_lists(fixture, layer, sequence, count);
    }
}

static void check_case(const Case *c) {
    Fixture *fixture = allocate(1, sizeof *fixture);
    uint32_t counts[MOST_SEQUENCES];
    start(fixture, c);
    seed(fixture);
    for (uint32_t s = 0; s < fixture->sequences; s++)
        counts[s] = c->prompts[s] + 1;
    for (uint32_t i = 0; i < c->steps; i++) {
        uint32_t skipped = alisa_random_below(&fixture->random, 2 * fixture->sequences);
        for (uint32_t s = 0; s < fixture->sequences; s++)
            if (counts[s] == c->context) skipped = s; /* full */
        step(fixture, counts, skipped);
        for (uint32_t s = 0; s < fixture->sequences; s++)
            counts[s] += s != skipped;
        if (i == c->steps / 2) {
            uint32_t back = counts[0] / 4 + 1;
            truncate(fixture, 0, counts[0] - 1 - back);
            counts[0] -= back;
            if (c->scores != QUERY) {
                pick(fixture, 0, counts[0]);
            } else { /* a row comes with the next step */
                counts[0]--;
            }
        }
    }
    if (c->scores != QUERY) check_translation(fixture, counts);
    truncate(fixture, 0, 0);
    if (c->scores != QUERY) pick(fixture, 0, c->context / 2);
    finish(fixture);
    free(fixture);
}

static void check_layout(AlisaLayout layout) {
    AlisaError error;
    AlisaOpsParameters parameters;
    alisa_ops_parameters_in(alisa_device_info(device), layout, &parameters);
    require(alisa_ops_create(device, &parameters, &laid_out, &error), &error);
    for (size_t i = 0; i < (small ? SMALL_CASES : CASES); i++)
        check_case(small ? &small_cases[i] : &cases[i]);
    alisa_ops_destroy(laid_out);
}

static void test_item_layout(void **state) {
    (void)state;
    check_layout(ALISA_LAYOUT_ITEM);
}

static void test_group_layout(void **state) {
    (void)state;
    check_layout(ALISA_LAYOUT_GROUP);
}

/* Rows that do not belong to the lists that are there would spoil the sums without a word. */
static void test_stale_rows_are_refused(void **state) {
    (void)state;
    AlisaError error;
    require(alisa_ops_create(device, NULL, &laid_out, &error), &error);
    Fixture *fixture = allocate(1, sizeof *fixture);
    start(fixture, &(Case){SWA, SPARSE, 0.8, 0, 1, 40, 1, {30}});
    AlisaSelectionUpdate update = {.row_count = 1, .first_count = 31, .pick_count = 32};
    assert_int_equal(alisa_selection_plan(fixture->selection, &update, 1, &error),
                     ALISA_ERROR_ARGUMENT);
    seed(fixture);
    update.first_count = 32;
    assert_int_equal(alisa_selection_plan(fixture->selection, &update, 1, &error),
                     ALISA_ERROR_ARGUMENT);
    update.sequence = 1;
    assert_int_equal(alisa_selection_plan(fixture->selection, &update, 1, &error),
                     ALISA_ERROR_ARGUMENT);
    finish(fixture);
    free(fixture);
    alisa_ops_destroy(laid_out);
}

static int close_all(void **state) {
    while (kept_selection_count)
        alisa_selection_destroy(kept_selections[--kept_selection_count]);
    return close_device(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_item_layout),
        cmocka_unit_test(test_group_layout),
        cmocka_unit_test(test_stale_rows_are_refused),
    };
    return cmocka_run_group_tests_name("select", tests, open_device, close_all);
}
