/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the order of eviction promises, and what cannot be needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kv/residency.h"

static AlisaResidency *make(AlisaResidencyShape shape) {
    AlisaResidency *residency;
    AlisaError error;
    assert_int_equal(alisa_residency_create(&shape, &residency, &error), ALISA_OK);
    return residency;
}

static void place(AlisaResidency *residency, uint32_t layer, uint32_t first, uint32_t count,
                  AlisaMovePlan *plan) {
    AlisaError error;
    assert_int_equal(alisa_residency_place(residency, layer, 0, first, count, plan, &error),
                     ALISA_OK);
    alisa_residency_end(residency, layer);
}

static void need(AlisaResidency *residency, uint32_t layer, const uint32_t *positions,
                 uint32_t count, AlisaMovePlan *plan) {
    AlisaError error;
    const AlisaTokenList list = {0, count, positions};
    assert_int_equal(alisa_residency_need(residency, layer, &list, 1, ALISA_USE_KEEP, plan, &error),
                     ALISA_OK);
    alisa_residency_end(residency, layer);
}

static AlisaTier tier(const AlisaResidency *residency, uint32_t layer, uint32_t position) {
    return alisa_residency_tier(residency, layer, 0, position);
}

/* A token that left its layer's list goes before those in a list, however long these are unused. */
static void test_stale_tokens_go_first(void **state) {
    (void)state;
    AlisaMovePlan plan = {0};
    AlisaResidency *residency = make((AlisaResidencyShape){2, 1, 16, 1, 8, 16, 0});
    place(residency, 0, 0, 4, &plan);
    place(residency, 1, 0, 4, &plan);
    const uint32_t all[] = {0, 1, 2, 3}, three[] = {0, 1, 3};
    need(residency, 0, all, 4, &plan);
    need(residency, 1, three, 3, &plan); /* token 2 of layer 1 was used after all of layer 0 */
    place(residency, 0, 4, 1, &plan);
    assert_int_equal(tier(residency, 1, 2), ALISA_TIER_HOST);
    assert_int_equal(plan.offloads.count, 1);
    alisa_move_plan_finish(&plan);
    alisa_residency_destroy(residency);
}

/* A loop over layers that do not fit: the layer used last gives way, so that the next one in the
 * loop is still there (the longest unused would be exactly the one needed next). */
static void test_loop_over_layers_keeps_the_next_ones(void **state) {
    (void)state;
    AlisaMovePlan plan = {0};
    AlisaResidency *residency = make((AlisaResidencyShape){4, 1, 16, 1, 9, 32, 0});
    const uint32_t list[] = {0, 1, 2};
    size_t loads = 0;
    for (uint32_t layer = 0; layer < 4; layer++)
        place(residency, layer, 0, 3, &plan);
    for (uint32_t step = 0; step < 21; step++) {
        if (step == 1) plan.loads.count = 0;
        for (uint32_t layer = 0; layer < 4; layer++)
            need(residency, layer, list, 3, &plan);
        loads = plan.loads.count;
    }
    /* 12 tokens, 9 slots: one layer in three steps of four has to be loaded, not all of them. */
    assert_true(loads <= 20 * 5);
    assert_true(loads >= 20 * 3);
    alisa_move_plan_finish(&plan);
    alisa_residency_destroy(residency);
}

static void test_prefetch_spares_lists_and_reserve(void **state) {
    (void)state;
    AlisaMovePlan plan = {0};
    AlisaError error;
    AlisaResidency *residency = make((AlisaResidencyShape){2, 1, 16, 1, 8, 16, 1});
    place(residency, 0, 0, 5, &plan);
    place(residency, 1, 0, 3, &plan);
    const uint32_t hot[] = {3, 4}, other[] = {0, 1, 2}, next[] = {0, 1, 2, 4};
    assert_int_equal(alisa_residency_offload(residency, 0, 0, 0, 3, true, &plan, &error), ALISA_OK);
    need(residency, 0, hot, 2, &plan);
    need(residency, 1, other, 3, &plan);
    alisa_move_plan_clear(&plan);

    /* Three slots are free and one is reserved. Token 3 is in no list once this one is known, so it
     * makes room for the third; the tokens of layer 1 are all in its list. */
    const AlisaTokenList list = {0, 4, next};
    assert_int_equal(alisa_residency_prefetch(residency, 0, &list, 1, &plan, &error), ALISA_OK);
    assert_int_equal(plan.loads.count, 3);
    assert_int_equal(plan.offloads.count, 1);
    assert_int_equal(tier(residency, 0, 3), ALISA_TIER_HOST);
    assert_int_equal(alisa_residency_free_device_slots(residency, 0), 1);
    /* The list itself then moves nothing. */
    alisa_move_plan_clear(&plan);
    need(residency, 0, next, 4, &plan);
    assert_int_equal(plan.loads.count + plan.offloads.count, 0);

    /* Now all but the reserve are in lists: nothing can be had ahead, but `need` gets it. */
    const uint32_t more[] = {0, 1, 2, 3, 4};
    const AlisaTokenList longer = {0, 5, more};
    assert_int_equal(alisa_residency_prefetch(residency, 0, &longer, 1, &plan, &error), ALISA_OK);
    assert_int_equal(plan.loads.count + plan.offloads.count, 0);
    assert_int_equal(alisa_residency_counts(residency, 1)[ALISA_TIER_DEVICE], 3);
    need(residency, 0, more, 5, &plan);
    assert_int_equal(plan.loads.count, 1);
    assert_int_equal(alisa_residency_free_device_slots(residency, 0), 0);
    /* The reserve is made free again, of what was used last. */
    assert_int_equal(alisa_residency_refill(residency, 0, &plan, &error), ALISA_OK);
    assert_int_equal(alisa_residency_free_device_slots(residency, 0), 1);
    assert_int_equal(tier(residency, 0, 3), ALISA_TIER_HOST);
    alisa_move_plan_finish(&plan);
    alisa_residency_destroy(residency);
}

static void test_streamed_tokens_give_their_slots_back(void **state) {
    (void)state;
    AlisaMovePlan plan = {0};
    AlisaError error;
    AlisaResidency *residency = make((AlisaResidencyShape){2, 1, 16, 1, 8, 16, 0});
    for (uint32_t layer = 0; layer < 2; layer++) {
        place(residency, layer, 0, 4, &plan);
        assert_int_equal(alisa_residency_offload(residency, layer, 0, 0, 4, true, &plan, &error),
                         ALISA_OK);
    }
    const AlisaTokenList list = {0, 4, NULL};
    for (uint32_t layer = 0; layer < 2; layer++) {
        assert_int_equal(
            alisa_residency_need(residency, layer, &list, 1, ALISA_USE_STREAM, &plan, &error),
            ALISA_OK);
    }
    assert_int_equal(plan.loads.count, 8);
    assert_int_equal(alisa_residency_free_device_slots(residency, 0), 0);
    alisa_residency_end(residency, 0);
    assert_int_equal(alisa_residency_free_device_slots(residency, 0), 4);
    assert_int_equal(alisa_residency_counts(residency, 0)[ALISA_TIER_HOST], 4);
    assert_int_equal(alisa_residency_counts(residency, 1)[ALISA_TIER_BOTH], 4);
    alisa_move_plan_finish(&plan);
    alisa_residency_destroy(residency);
}

/* With no free host slot, the copy of a row that the device has too makes way. */
static void test_spare_copies_make_way(void **state) {
    (void)state;
    AlisaMovePlan plan = {0};
    AlisaError error;
    AlisaResidency *residency = make((AlisaResidencyShape){1, 1, 16, 1, 4, 2, 0});
    place(residency, 0, 0, 4, &plan);
    assert_int_equal(alisa_residency_offload(residency, 0, 0, 2, 2, false, &plan, &error),
                     ALISA_OK);
    assert_int_equal(alisa_residency_counts(residency, 0)[ALISA_TIER_BOTH], 2);
    assert_int_equal(alisa_residency_offload(residency, 0, 0, 0, 2, true, &plan, &error), ALISA_OK);
    assert_int_equal(alisa_residency_counts(residency, 0)[ALISA_TIER_DEVICE], 2);
    assert_int_equal(alisa_residency_counts(residency, 0)[ALISA_TIER_HOST], 2);
    /* Two more tokens fit the device; then both sides are full, and the error says what helps. */
    place(residency, 0, 4, 2, &plan);
    assert_int_equal(alisa_residency_place(residency, 0, 0, 6, 1, &plan, &error),
                     ALISA_ERROR_MEMORY);
    assert_non_null(strstr(error.message, "--host-mem"));
    assert_null(alisa_residency_check(residency));
    /* Rows that can be computed again need no room on the host. */
    alisa_residency_drop(residency, 0, 0, 0, 16);
    assert_int_equal(alisa_residency_free_host_slots(residency), 2);
    alisa_move_plan_clear(&plan);
    place(residency, 0, 6, 4, &plan);
    assert_int_equal(plan.offloads.count, 0);
    assert_int_equal(alisa_residency_counts(residency, 0)[ALISA_TIER_DROPPED], 6);
    alisa_move_plan_finish(&plan);
    alisa_residency_destroy(residency);
}

/* While nothing has left the device lists cost nothing; then the oldest tokens leave first. */
static void test_pass(void **state) {
    (void)state;
    AlisaMovePlan plan = {0};
    AlisaResidency *residency = make((AlisaResidencyShape){2, 1, 16, 1, 8, 16, 0});
    place(residency, 0, 0, 4, &plan);
    place(residency, 1, 0, 4, &plan);
    assert_true(alisa_residency_pass(residency, 0));
    assert_true(alisa_residency_pass(residency, 1));
    AlisaError error;
    assert_int_equal(alisa_residency_place(residency, 0, 0, 4, 1, &plan, &error),
                     ALISA_ERROR_MEMORY); /* all tokens of both are held */
    alisa_residency_end(residency, 1);
    alisa_residency_end(residency, 0);
    place(residency, 0, 4, 1, &plan);
    assert_int_equal(tier(residency, 0, 0), ALISA_TIER_HOST);
    assert_int_equal(plan.offloads.count, 1);
    assert_false(alisa_residency_pass(residency, 0));
    alisa_residency_drop(residency, 0, 0, 0, 1);
    assert_false(alisa_residency_pass(residency, 1));
    alisa_residency_truncate(residency, 0, 0);
    assert_true(alisa_residency_pass(residency, 0));
    alisa_move_plan_finish(&plan);
    alisa_residency_destroy(residency);
}

/* Tokens whose rows nobody computed in the end are to be computed when they are needed again. */
static void test_abandoned_rebuilds_come_again(void **state) {
    (void)state;
    for (int use = ALISA_USE_KEEP; use <= ALISA_USE_STREAM; use++) {
        AlisaMovePlan plan = {0};
        AlisaError error;
        AlisaResidency *residency = make((AlisaResidencyShape){1, 1, 16, 1, 6, 16, 0});
        const uint32_t positions[] = {0, 1, 3};
        const AlisaTokenList list = {0, 3, positions};
        place(residency, 0, 0, 4, &plan);
        alisa_residency_drop(residency, 0, 0, 0, 2);
        assert_int_equal(alisa_residency_offload(residency, 0, 0, 0, 4, true, &plan, &error),
                         ALISA_OK);
        for (int failure = 0; failure < 2; failure++) {
            alisa_move_plan_clear(&plan);
            assert_int_equal(
                alisa_residency_need(residency, 0, &list, 1, (AlisaResidencyUse)use, &plan, &error),
                ALISA_OK);
            assert_int_equal(plan.rebuilds.count, 2);
            alisa_residency_abandon(residency, &plan.rebuilds);
            assert_int_equal(tier(residency, 0, 0), ALISA_TIER_DROPPED);
            assert_int_equal(tier(residency, 0, 1), ALISA_TIER_DROPPED);
            assert_null(alisa_residency_check(residency));
        }
        /* The token that was loaded is there. */
        assert_int_equal(tier(residency, 0, 3),
                         use == ALISA_USE_KEEP ? ALISA_TIER_BOTH : ALISA_TIER_HOST);
        alisa_move_plan_finish(&plan);
        alisa_residency_destroy(residency);
    }
}

static void test_what_cannot_be_needed(void **state) {
    (void)state;
    AlisaMovePlan plan = {0};
    AlisaError error;
    AlisaResidency *residency = make((AlisaResidencyShape){1, 2, 8, 1, 4, 8, 0});
    place(residency, 0, 0, 4, &plan);
    const AlisaTokenList beyond = {0, 5, NULL}, other = {1, 1, NULL};
    const AlisaTokenList first = {0, 1, NULL}, all = {0, 4, NULL};
    AlisaStatus status =
        alisa_residency_need(residency, 0, &beyond, 1, ALISA_USE_KEEP, &plan, &error);
    assert_int_equal(status, ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "token 4 of sequence 0"));
    status = alisa_residency_need(residency, 0, &other, 1, ALISA_USE_KEEP, &plan, &error);
    assert_int_equal(status, ALISA_ERROR_ARGUMENT);
    alisa_residency_end(residency, 0);
    alisa_residency_forget(residency, 0, &first);
    assert_int_equal(alisa_residency_free_device_slots(residency, 0), 1);
    status = alisa_residency_need(residency, 0, &all, 1, ALISA_USE_KEEP, &plan, &error);
    assert_int_equal(status, ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "forgotten"));
    assert_null(alisa_residency_check(residency));
    alisa_residency_truncate(residency, 0, 0);
    assert_int_equal(alisa_residency_free_device_slots(residency, 0), 4);
    alisa_move_plan_finish(&plan);
    alisa_residency_destroy(residency);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stale_tokens_go_first),
        cmocka_unit_test(test_loop_over_layers_keeps_the_next_ones),
        cmocka_unit_test(test_prefetch_spares_lists_and_reserve),
        cmocka_unit_test(test_streamed_tokens_give_their_slots_back),
        cmocka_unit_test(test_spare_copies_make_way),
        cmocka_unit_test(test_pass),
        cmocka_unit_test(test_abandoned_rebuilds_come_again),
        cmocka_unit_test(test_what_cannot_be_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
