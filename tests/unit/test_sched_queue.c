/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of blocks as a session uses it: sequences of their own lengths, that want rows or none,
 * are cut back, end and begin anew. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/random.h"
#include "sched/queue.h"

enum { SEQUENCES = 6, CONTEXT = 200, BLOCKS = 14 }; /* one sequence takes 13 blocks at most */

/* The layers of the model lie in two stages, of which the second has fewer blocks. */
enum { STAGES = 2, FIRST_LAYERS = 20 };

typedef struct Fixture {
    AlisaSchedProblem problems[STAGES];
    AlisaSchedPlan plans[STAGES];
    AlisaSchedQueue queue;
} Fixture;

static void open_queue(Fixture *fixture) {
    AlisaSchedProfile profile;
    AlisaSchedModel model;
    AlisaError error = {0};
    AlisaSchedStage stages[STAGES];
    assert_int_equal(alisa_sched_profile_find("V100-32", &profile, &error), ALISA_OK);
    assert_int_equal(alisa_sched_model_find("opt-6.7b", &model, &error), ALISA_OK);
    AlisaSchedRun run = {.batch = SEQUENCES,
                         .prompt_length = 1,
                         .generate_length = CONTEXT - 1,
                         .micro_batch = 512,
                         .host_share = -1.0,
                         .device_bytes = profile.device_bytes,
                         .host_bytes = profile.host_bytes,
                         .scratch_bytes = 1u << 30};
    uint32_t layers = model.layer_count;
    for (uint32_t i = 0; i < STAGES; i++) {
        model.layer_count = i == 0 ? FIRST_LAYERS : layers - FIRST_LAYERS;
        if (alisa_sched_problem_init(&fixture->problems[i], &profile, &model, &run,
                                     ALISA_POLICY_VLLM, &error) != ALISA_OK)
            fail_msg("%s", error.message);
        fixture->plans[i] = (AlisaSchedPlan){.block_count = i == 0 ? BLOCKS + 3 : BLOCKS};
        stages[i] = (AlisaSchedStage){&fixture->problems[i], &fixture->plans[i]};
    }
    assert_int_equal(alisa_sched_queue_init(&fixture->queue, stages, STAGES, &error), ALISA_OK);
}

static void close_queue(Fixture *fixture) {
    alisa_sched_queue_finish(&fixture->queue);
}

static void resize(Fixture *fixture, uint32_t sequence, uint32_t length) {
    alisa_sched_queue_resize(&fixture->queue, sequence, length);
}

/* Sequence i wants wanted[i] rows. */
static void want(Fixture *fixture, const uint32_t *wanted) {
    for (uint32_t i = 0; i < SEQUENCES; i++)
        fixture->queue.sequences[i].wanted = wanted[i];
}

static bool admitted(const Fixture *fixture, uint32_t sequence) {
    const AlisaSchedSequence *found = &fixture->queue.sequences[sequence];
    return found->state == ALISA_SCHED_RUNNING && found->wanted > 0;
}

static void expect_whole(const Fixture *fixture) {
    const char *wrong = alisa_sched_queue_check(&fixture->queue);
    if (wrong) fail_msg("%s", wrong);
}

/* Whatever is wanted in whatever order: somebody goes on, those that do have their blocks, and what
 * is where follows from the actions alone. */
static void somebody_always_goes_on(void **state) {
    (void)state;
    AlisaRandom random;
    alisa_random_seed(&random, 5);
    Fixture fixture;
    open_queue(&fixture);
    /* On the host there is room for 200 tokens in the first stage, and for more in the second. */
    const double token = fixture.problems[0].bytes.slot * FIRST_LAYERS;
    fixture.problems[0].run.host_bytes = (uint64_t)(CONTEXT * token);
    AlisaSchedPlaceOf where[SEQUENCES] = {0};
    uint32_t lengths[SEQUENCES] = {0}, seen[ALISA_SCHED_DROP + 1] = {0};
    for (int round = 0; round < 20000; round++) {
        uint32_t wanted[SEQUENCES], asked = 0, went = 0;
        for (uint32_t i = 0; i < SEQUENCES; i++) {
            uint32_t drawn = alisa_random_below(&random, 100), left = CONTEXT - lengths[i];
            if (left == 0 || drawn == 0) lengths[i] = 0;
            if (drawn == 1) lengths[i] /= 2;
            wanted[i] = drawn < 20 ? 0 : drawn < 30 ? 1 + alisa_random_below(&random, 60) : 1;
            if (wanted[i] > CONTEXT - lengths[i]) wanted[i] = CONTEXT - lengths[i];
            asked += wanted[i] > 0;
            resize(&fixture, i, lengths[i]);
            if (lengths[i] == 0) where[i] = ALISA_SCHED_WAITING;
        }
        want(&fixture, wanted);
        alisa_sched_queue_admit(&fixture.queue);
        expect_whole(&fixture);
        assert_true(fixture.queue.swapped_tokens <= CONTEXT);
        for (size_t i = 0; i < fixture.queue.action_count; i++) {
            const AlisaSchedAction *action = &fixture.queue.actions[i];
            static const AlisaSchedPlaceOf before[] = {ALISA_SCHED_WAITING, ALISA_SCHED_SWAPPED,
                                                       ALISA_SCHED_RUNNING, ALISA_SCHED_RUNNING};
            static const AlisaSchedPlaceOf after[] = {ALISA_SCHED_RUNNING, ALISA_SCHED_RUNNING,
                                                      ALISA_SCHED_SWAPPED, ALISA_SCHED_WAITING};
            assert_int_equal(where[action->sequence], before[action->kind]);
            assert_int_equal(action->length, lengths[action->sequence]);
            where[action->sequence] = after[action->kind];
            seen[action->kind]++;
        }
        for (uint32_t i = 0; i < SEQUENCES; i++) {
            if (lengths[i] > 0) assert_int_equal(where[i], fixture.queue.sequences[i].state);
            if (!admitted(&fixture, i)) continue;
            lengths[i] += wanted[i];
            where[i] = ALISA_SCHED_RUNNING;
            went++;
        }
        assert_true(went > 0 || asked == 0);
    }
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
        if (seen[i] < 100) fail_msg("action %zu was taken %u times", i, seen[i]);
    for (uint32_t i = 0; i < SEQUENCES; i++)
        resize(&fixture, i, 0);
    assert_int_equal(fixture.queue.free_blocks, BLOCKS);
    assert_int_equal(fixture.queue.swapped_tokens, 0);
    close_queue(&fixture);
}

/* Who leaves: one that wants nothing first, then the latest; nobody for one that waits. */
static void the_idle_leave_before_the_latest(void **state) {
    (void)state;
    Fixture fixture;
    open_queue(&fixture);
    want(&fixture, (uint32_t[SEQUENCES]){64, 64, 64});
    alisa_sched_queue_admit(&fixture.queue);
    assert_int_equal(fixture.queue.running, 3); /* 12 blocks of 14 */
    for (uint32_t i = 0; i < 3; i++)
        resize(&fixture, i, 64);

    want(&fixture, (uint32_t[SEQUENCES]){1, 1, 0, 40});
    alisa_sched_queue_admit(&fixture.queue);
    assert_int_equal(fixture.queue.running, 2);
    assert_int_equal(fixture.queue.action_count, 0);

    want(&fixture, (uint32_t[SEQUENCES]){1, 0, 40});
    alisa_sched_queue_admit(&fixture.queue);
    assert_int_equal(fixture.queue.action_count, 1);
    assert_int_equal(fixture.queue.actions[0].sequence, 1);
    assert_true(admitted(&fixture, 0) && admitted(&fixture, 2));
    for (uint32_t i = 0; i < 3; i++)
        resize(&fixture, i, 64 + (i != 1));

    want(&fixture, (uint32_t[SEQUENCES]){80, 1, 40});
    alisa_sched_queue_admit(&fixture.queue);
    assert_int_equal(fixture.queue.action_count, 1);
    assert_int_equal(fixture.queue.actions[0].sequence, 2);
    assert_true(admitted(&fixture, 0) && fixture.queue.running == 1);
    expect_whole(&fixture);
    close_queue(&fixture);
}

/* Rows that nobody was asked about find blocks, or all stays as it is. */
static void growing_makes_nobody_leave(void **state) {
    (void)state;
    Fixture fixture;
    open_queue(&fixture);
    want(&fixture, (uint32_t[SEQUENCES]){100, 100});
    assert_true(alisa_sched_queue_grow(&fixture.queue));
    for (uint32_t i = 0; i < 2; i++)
        resize(&fixture, i, 100);
    assert_int_equal(fixture.queue.free_blocks, 0);
    want(&fixture, (uint32_t[SEQUENCES]){12, 13});
    assert_false(alisa_sched_queue_grow(&fixture.queue));
    want(&fixture, (uint32_t[SEQUENCES]){12, 12});
    assert_true(alisa_sched_queue_grow(&fixture.queue));
    expect_whole(&fixture);
    want(&fixture, (uint32_t[SEQUENCES]){0, 0, 1});
    assert_false(alisa_sched_queue_grow(&fixture.queue));
    close_queue(&fixture);
}

/* What coming and going takes is the sum over the stages. */
static void stages_add_up(void **state) {
    (void)state;
    Fixture fixture;
    AlisaSchedCost both, alone[STAGES];
    open_queue(&fixture);
    want(&fixture, (uint32_t[SEQUENCES]){64, 64, 64});
    alisa_sched_queue_admit(&fixture.queue);
    for (uint32_t i = 0; i < 3; i++)
        resize(&fixture, i, 64);
    want(&fixture, (uint32_t[SEQUENCES]){100, 1, 1});
    alisa_sched_queue_admit(&fixture.queue);
    assert_true(fixture.queue.action_count > 0 && fixture.queue.swapped_tokens > 0);
    alisa_sched_queue_cost(&fixture.queue, &both);
    for (uint32_t i = 0; i < STAGES; i++) {
        AlisaSchedQueue one = fixture.queue;
        one.stages += i;
        one.stage_count = 1;
        alisa_sched_queue_cost(&one, &alone[i]);
        assert_true(alone[i].total > 0.0);
    }
    assert_true(fabs(both.total - alone[0].total - alone[1].total) < 1e-9 * both.total);
    double bytes = fixture.problems[0].bytes.slot * 32 * (double)fixture.queue.swapped_tokens;
    assert_true(fabs(alisa_sched_queue_swapped_bytes(&fixture.queue) - bytes) < 1.0);
    close_queue(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(somebody_always_goes_on),
        cmocka_unit_test(the_idle_leave_before_the_latest),
        cmocka_unit_test(growing_makes_nobody_leave),
        cmocka_unit_test(stages_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
