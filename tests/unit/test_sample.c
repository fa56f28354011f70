/* SPDX-License-Identifier: Apache-2.0 */
/* The sampler against distributions computed here in double precision. */
#include "base/random.h"
#include "base/status.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Options that change nothing: plain softmax sampling. */
static AlisaSamplerOptions plain(uint64_t seed) {
    AlisaSamplerOptions options;
    alisa_sampler_options_defaults(&options);
    options.seed = seed;
    options.temperature = 1.0f;
    options.top_k = 0;
    options.top_p = 1.0f;
    options.min_p = 0.0f;
    return options;
}

static AlisaSampler *make(const AlisaSamplerOptions *options, uint32_t vocabulary) {
    AlisaSampler *sampler = NULL;
    AlisaError error = {0};
    AlisaStatus status = alisa_sampler_create(options, vocabulary, &sampler, &error);
    if (status != ALISA_OK) fail_msg("%s", error.message);
    return sampler;
}

static int32_t sample(AlisaSampler *sampler, const float *logits) {
    int32_t token = -7;
    AlisaError error = {0};
    if (alisa_sampler_sample(sampler, logits, &token, &error) != ALISA_OK) {
        fail_msg("%s", error.message);
    }
    return token;
}

static void fill_normal(float *logits, size_t count, float spread, uint64_t seed) {
    AlisaRandom random;
    alisa_random_seed(&random, seed);
    for (size_t i = 0; i < count; i++)
        logits[i] = spread * alisa_random_normal(&random);
}

/* ---- The expected distribution, the slow way: sort everything, then cut. -------------------- */

typedef struct Entry {
    double logit;
    int32_t id;
} Entry;

static int by_rank(const void *left, const void *right) {
    const Entry *a = left, *b = right;
    if (a->logit != b->logit) return a->logit > b->logit ? -1 : 1;
    return a->id < b->id ? -1 : 1;
}

static void expect(const AlisaSamplerOptions *options, const float *logits, size_t count,
                   double *probability) {
    Entry *entries = malloc(count * sizeof *entries);
    assert_non_null(entries);
    for (size_t i = 0; i < count; i++)
        entries[i] = (Entry){logits[i], (int32_t)i};
    qsort(entries, count, sizeof *entries, by_rank);

    size_t kept = count;
    if (options->top_k > 0 && (size_t)options->top_k < kept) kept = (size_t)options->top_k;
    double best = entries[0].logit, sum = 0.0;
    for (size_t i = 0; i < kept; i++)
        sum += exp(entries[i].logit - best);
    if (options->top_p < 1.0f) {
        double reached = 0.0;
        size_t nucleus = 0;
        while (nucleus < kept) {
            reached += exp(entries[nucleus++].logit - best);
            if (reached >= (double)options->top_p * sum) break;
        }
        kept = nucleus;
    }
    while (kept > 1 && exp(entries[kept - 1].logit - best) < options->min_p)
        kept--;

    for (size_t i = 0; i < count; i++)
        probability[i] = 0.0;
    sum = 0.0;
    for (size_t i = 0; i < kept; i++) {
        sum += exp((entries[i].logit - best) / options->temperature);
    }
    for (size_t i = 0; i < kept; i++) {
        probability[entries[i].id] = exp((entries[i].logit - best) / options->temperature) / sum;
    }
    free(entries);
}

/* Draws `draws` tokens and compares with `probability`: nothing outside its support, and Pearson's
 * chi-square below the point that a right sampler passes 99.99 % of the time (Wilson-Hilferty). */
static void check_draws(AlisaSampler *sampler, const float *logits, size_t count,
                        const double *probability, size_t draws) {
    size_t *seen = calloc(count, sizeof *seen);
    assert_non_null(seen);
    for (size_t i = 0; i < draws; i++) {
        int32_t token = sample(sampler, logits);
        assert_in_range(token, 0, count - 1);
        seen[token]++;
    }
    /* Cells that expect few draws are pooled, as the test asks for. */
    double statistic = 0.0, pool_expected = 0.0, pool_seen = 0.0;
    size_t cells = 0;
    for (size_t i = 0; i < count; i++) {
        if (probability[i] == 0.0) {
            if (seen[i]) fail_msg("token %zu was cut and yet drawn %zu times", i, seen[i]);
            continue;
        }
        double expected = probability[i] * (double)draws;
        if (expected < 8.0) {
            pool_expected += expected;
            pool_seen += (double)seen[i];
            continue;
        }
        statistic += ((double)seen[i] - expected) * ((double)seen[i] - expected) / expected;
        cells++;
    }
    if (pool_expected >= 8.0) {
        statistic += (pool_seen - pool_expected) * (pool_seen - pool_expected) / pool_expected;
        cells++;
    }
    free(seen);
    if (cells < 2) return;
    double freedom = (double)(cells - 1), scale = 2.0 / (9.0 * freedom);
    double limit = freedom * pow(1.0 - scale + 3.719 * sqrt(scale), 3.0);
    if (statistic > limit) {
        fail_msg("chi-square %.1f above %.1f with %zu cells", statistic, limit, cells);
    }
}

/* ---- Tests -------------------------------------------------------------------------------- */

static void test_defaults(void **state) {
    (void)state;
    AlisaSamplerOptions options;
    alisa_sampler_options_defaults(&options);
    assert_true(options.temperature == 0.8f && options.top_k == 40 && options.top_p == 0.95f);
    assert_true(options.min_p == 0.05f && options.repeat_penalty == 1.0f);
    assert_int_equal(options.repeat_last_n, 64);
}

static void test_distributions(void **state) {
    (void)state;
    static const struct {
        float temperature;
        int32_t top_k;
        float top_p, min_p;
    } cases[] = {
        {1.0f, 0, 1.0f, 0.0f},    {0.5f, 0, 1.0f, 0.0f},    {2.0f, 0, 1.0f, 0.0f},
        {1.0f, 5, 1.0f, 0.0f},    {1.0f, 1, 1.0f, 0.0f},    {1.0f, 61, 1.0f, 0.0f},
        {1.0f, 999, 1.0f, 0.0f},  {1.0f, 0, 0.5f, 0.0f},    {1.0f, 0, 0.95f, 0.0f},
        {1.0f, 0, 0.0f, 0.0f},    {1.0f, 12, 0.7f, 0.0f},   {1.0f, 0, 1.0f, 0.05f},
        {1.0f, 0, 1.0f, 1.0f},    {0.8f, 40, 0.95f, 0.05f}, {1.5f, 20, 0.9f, 0.2f},
        {0.8f, 0, 0.999f, 0.01f},
    };
    enum { VOCABULARY = 61, DRAWS = 20000 };
    float logits[VOCABULARY];
    double probability[VOCABULARY];
    for (size_t i = 0; i < COUNT(cases); i++) {
        AlisaSamplerOptions options = plain(100 + i);
        options.temperature = cases[i].temperature;
        options.top_k = cases[i].top_k;
        options.top_p = cases[i].top_p;
        options.min_p = cases[i].min_p;
        fill_normal(logits, VOCABULARY, 2.0f, 7 + i);
        expect(&options, logits, VOCABULARY, probability);
        AlisaSampler *sampler = make(&options, VOCABULARY);
        check_draws(sampler, logits, VOCABULARY, probability, DRAWS);
        alisa_sampler_destroy(sampler);
    }
}

/* Which of many equal logits survive a cut: those with the lowest ids. */
static void test_ties_go_to_lower_ids(void **state) {
    (void)state;
    float logits[32];
    for (size_t i = 0; i < 32; i++)
        logits[i] = i % 2 ? 1.0f : 0.0f;
    AlisaSamplerOptions options = plain(3);
    double probability[32];

    options.top_k = 4;
    expect(&options, logits, 32, probability);
    AlisaSampler *sampler = make(&options, 32);
    assert_true(probability[1] == 0.25 && probability[7] == 0.25 && probability[9] == 0.0);
    check_draws(sampler, logits, 32, probability, 4000);
    alisa_sampler_destroy(sampler);

    options.temperature = 0.0f;
    sampler = make(&options, 32);
    assert_int_equal(sample(sampler, logits), 1);
    alisa_sampler_destroy(sampler);
}

static void test_greedy(void **state) {
    (void)state;
    static const float temperatures[] = {0.0f, -1.0f};
    float logits[1000];
    for (size_t i = 0; i < COUNT(temperatures); i++) {
        AlisaSamplerOptions options = plain(1);
        options.temperature = temperatures[i];
        AlisaSampler *sampler = make(&options, 1000);
        fill_normal(logits, 1000, 3.0f, 5 + i);
        logits[0] = logits[999] = logits[417] = 40.0f;
        assert_int_equal(sample(sampler, logits), 0);
        logits[0] = -40.0f;
        assert_int_equal(sample(sampler, logits), 417);
        logits[417] = -INFINITY;
        assert_int_equal(sample(sampler, logits), 999);
        alisa_sampler_destroy(sampler);
    }
}

/* A temperature so small that every quotient overflows still gives the best token. */
static void test_tiny_temperature(void **state) {
    (void)state;
    static const float temperatures[] = {1e-3f, 1e-10f, 1e-38f, 1e-45f};
    float logits[100];
    fill_normal(logits, 100, 1.0f, 9);
    logits[42] = 30.0f;
    for (size_t i = 0; i < COUNT(temperatures); i++) {
        AlisaSamplerOptions options = plain(i);
        options.temperature = temperatures[i];
        AlisaSampler *sampler = make(&options, 100);
        for (int draw = 0; draw < 50; draw++)
            assert_int_equal(sample(sampler, logits), 42);
        alisa_sampler_destroy(sampler);
    }
}

static void test_only_one_is_possible(void **state) {
    (void)state;
    float logits[64];
    for (size_t i = 0; i < 64; i++)
        logits[i] = -INFINITY;
    logits[63] = -1e30f;
    AlisaSamplerOptions options = plain(4), filtered = plain(4);
    filtered.top_k = 40;
    filtered.top_p = 0.95f;
    filtered.min_p = 0.05f;
    const AlisaSamplerOptions *both[] = {&options, &filtered};
    for (size_t i = 0; i < 2; i++) {
        AlisaSampler *sampler = make(both[i], 64);
        for (int draw = 0; draw < 50; draw++)
            assert_int_equal(sample(sampler, logits), 63);
        alisa_sampler_destroy(sampler);
    }
}

static void test_broken_logits(void **state) {
    (void)state;
    static const float bad[] = {NAN, INFINITY};
    float logits[16] = {0};
    logits[3] = 2.0f;
    AlisaSamplerOptions options = plain(1);
    AlisaSampler *sampler = make(&options, 16);
    AlisaError error;
    int32_t token;
    for (size_t i = 0; i < COUNT(bad); i++) {
        logits[15] = bad[i];
        assert_int_equal(alisa_sampler_sample(sampler, logits, &token, &error), ALISA_ERROR_DEVICE);
        assert_non_null(strstr(error.message, "token 15"));
        assert_int_equal(token, -1);
    }
    for (size_t i = 0; i < 16; i++)
        logits[i] = -INFINITY;
    assert_int_equal(alisa_sampler_sample(sampler, logits, &token, &error), ALISA_ERROR_DEVICE);
    assert_non_null(strstr(error.message, "-inf"));
    alisa_sampler_destroy(sampler);
}

/* As if their logits were -infinity: greedy, and in the distribution after every other stage. */
static void test_ignored_tokens_are_not_drawn(void **state) {
    (void)state;
    enum { VOCABULARY = 61, DRAWS = 20000 };
    static const float temperatures[] = {0.0f, 1.0f, 0.7f};
    float logits[VOCABULARY], left[VOCABULARY];
    double probability[VOCABULARY];
    for (size_t i = 0; i < COUNT(temperatures); i++) {
        AlisaSamplerOptions options = plain(300 + i);
        options.temperature = temperatures[i];
        if (i == 2) {
            options.top_k = 20;
            options.top_p = 0.9f;
            options.min_p = 0.02f;
        }
        fill_normal(logits, VOCABULARY, 1.5f, 21 + i);
        logits[17] = 6.0f; /* ignored, though the likeliest by far */
        logits[40] = 5.5f;
        logits[5] = 5.0f; /* the likeliest of the rest */
        memcpy(left, logits, sizeof left);
        left[17] = left[40] = -INFINITY;
        AlisaSampler *sampler = make(&options, VOCABULARY);
        alisa_sampler_ignore(sampler, 40);
        alisa_sampler_ignore(sampler, 17);
        alisa_sampler_ignore(sampler, 17);
        alisa_sampler_ignore(sampler, -1);
        alisa_sampler_ignore(sampler, VOCABULARY);
        if (options.temperature == 0.0f) {
            assert_int_equal(sample(sampler, logits), 5);
        } else {
            expect(&options, left, VOCABULARY, probability);
            check_draws(sampler, logits, VOCABULARY, probability, DRAWS);
        }
        alisa_sampler_destroy(sampler);
    }
}

static void test_all_tokens_ignored(void **state) {
    (void)state;
    const float logits[3] = {1.0f, 2.0f, 3.0f};
    AlisaSamplerOptions options = plain(1);
    AlisaSampler *sampler = make(&options, 3);
    AlisaError error;
    int32_t token;
    for (int32_t id = 0; id < 3; id++)
        alisa_sampler_ignore(sampler, id);
    assert_int_equal(alisa_sampler_sample(sampler, logits, &token, &error), ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "ignored"));
    assert_int_equal(token, -1);
    alisa_sampler_destroy(sampler);
}

static void test_seed_decides_the_sequence(void **state) {
    (void)state;
    enum { VOCABULARY = 500, LENGTH = 300 };
    static float logits[VOCABULARY];
    int32_t sequence[3][LENGTH];
    static const uint64_t seeds[] = {12345, 12345, 12346};
    for (size_t run = 0; run < 3; run++) {
        AlisaSamplerOptions options;
        alisa_sampler_options_defaults(&options);
        options.seed = seeds[run];
        AlisaSampler *sampler = make(&options, VOCABULARY);
        for (size_t i = 0; i < LENGTH; i++) {
            fill_normal(logits, VOCABULARY, 1.0f, i);
            sequence[run][i] = sample(sampler, logits);
            alisa_sampler_accept(sampler, sequence[run][i]);
        }
        alisa_sampler_destroy(sampler);
    }
    assert_memory_equal(sequence[0], sequence[1], sizeof sequence[0]);
    size_t different = 0;
    for (size_t i = 0; i < LENGTH; i++)
        different += sequence[0][i] != sequence[2][i];
    assert_in_range(different, LENGTH / 4, LENGTH);
}

static void test_logits_are_not_changed(void **state) {
    (void)state;
    float logits[50], before[50];
    fill_normal(logits, 50, 1.0f, 2);
    memcpy(before, logits, sizeof logits);
    AlisaSamplerOptions options;
    alisa_sampler_options_defaults(&options);
    options.repeat_penalty = 1.5f;
    AlisaSampler *sampler = make(&options, 50);
    for (int32_t i = 0; i < 50; i++)
        alisa_sampler_accept(sampler, i);
    sample(sampler, logits);
    assert_memory_equal(logits, before, sizeof logits);
    alisa_sampler_destroy(sampler);
}

/* With two tokens left, the share of the first shows the penalised logits. */
static void check_share(int32_t window, const int32_t *accepted, size_t count, float first,
                        float second, double first_after, double second_after) {
    AlisaSamplerOptions options = plain(77);
    options.repeat_penalty = 2.0f;
    options.repeat_last_n = window;
    AlisaSampler *sampler = make(&options, 4);
    for (size_t i = 0; i < count; i++)
        alisa_sampler_accept(sampler, accepted[i]);
    float logits[4] = {first, second, -INFINITY, -INFINITY};
    double share = 1.0 / (1.0 + exp(second_after - first_after));
    double probability[4] = {share, 1.0 - share, 0.0, 0.0};
    check_draws(sampler, logits, 4, probability, 20000);
    alisa_sampler_destroy(sampler);
}

static void test_repeat_penalty(void **state) {
    (void)state;
    static const int32_t zero[] = {0};
    check_share(64, NULL, 0, 1.0f, 0.5f, 1.0, 0.5);
    check_share(64, zero, 1, 1.0f, 0.5f, 0.5, 0.5);     /* positive: divided */
    check_share(64, zero, 1, -1.0f, -1.5f, -2.0, -1.5); /* negative: multiplied */
    check_share(0, zero, 1, 1.0f, 0.5f, 1.0, 0.5);      /* no window, no penalty */
    check_share(-1, zero, 1, 1.0f, 0.5f, 0.5, 0.5);

    static const int32_t twice[] = {0, 0, 0};
    check_share(64, twice, 3, 1.0f, 0.5f, 0.5, 0.5); /* counted once, however often it came */

    /* The window holds the last two: 0 has left it, unless it came again. */
    static const int32_t left[] = {0, 2, 3}, again[] = {0, 2, 0, 3};
    check_share(2, left, 3, 1.0f, 0.5f, 1.0, 0.5);
    check_share(-1, left, 3, 1.0f, 0.5f, 0.5, 0.5);
    check_share(2, again, 4, 1.0f, 0.5f, 0.5, 0.5);
    check_share(1, again, 4, 1.0f, 0.5f, 1.0, 0.5);

    static const int32_t foreign[] = {-1, 4, INT32_MAX, 0};
    check_share(64, foreign, 4, 1.0f, 0.5f, 0.5, 0.5);
}

static void test_penalty_changes_the_greedy_choice(void **state) {
    (void)state;
    AlisaSamplerOptions options = plain(0);
    options.temperature = 0.0f;
    options.repeat_penalty = 1e-30f; /* a boost so large that it would leave the float range */
    AlisaSampler *sampler = make(&options, 3);
    float logits[3] = {1e20f, 3.0f, 2.0f};
    alisa_sampler_accept(sampler, 1);
    assert_int_equal(sample(sampler, logits), 1);
    alisa_sampler_accept(sampler, 0);
    assert_int_equal(sample(sampler, logits), 0);
    alisa_sampler_destroy(sampler);
}

/* As large as vocabularies get; every filter on; the support is exactly the expected one. */
static void test_large_vocabulary(void **state) {
    (void)state;
    enum { VOCABULARY = 128256 };
    float *logits = malloc(VOCABULARY * sizeof *logits);
    double *probability = malloc(VOCABULARY * sizeof *probability);
    assert_non_null(logits);
    assert_non_null(probability);
    fill_normal(logits, VOCABULARY, 4.0f, 31);
    static const int32_t top_ks[] = {40, 0};
    for (size_t i = 0; i < COUNT(top_ks); i++) {
        AlisaSamplerOptions options;
        alisa_sampler_options_defaults(&options);
        options.seed = 8;
        options.top_k = top_ks[i];
        expect(&options, logits, VOCABULARY, probability);
        AlisaSampler *sampler = make(&options, VOCABULARY);
        check_draws(sampler, logits, VOCABULARY, probability, 400);
        alisa_sampler_destroy(sampler);
    }
    free(logits);
    free(probability);
}

static void test_bad_options(void **state) {
    (void)state;
    AlisaSampler *sampler = (AlisaSampler *)&sampler;
    AlisaError error;
    AlisaSamplerOptions options = plain(0);
    assert_int_equal(alisa_sampler_create(&options, 0, &sampler, &error), ALISA_ERROR_ARGUMENT);
    assert_null(sampler);
    float *const reals[] = {&options.temperature, &options.top_p, &options.min_p,
                            &options.repeat_penalty};
    static const char *const names[] = {"temperature", "top_p", "min_p", "repeat_penalty"};
    for (size_t i = 0; i < COUNT(reals); i++) {
        options = plain(0);
        *reals[i] = NAN;
        assert_int_equal(alisa_sampler_create(&options, 5, &sampler, &error), ALISA_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, names[i]));
        *reals[i] = INFINITY;
        assert_int_equal(alisa_sampler_create(&options, 5, &sampler, NULL), ALISA_ERROR_ARGUMENT);
    }
    options = plain(0);
    options.repeat_penalty = 0.0f;
    assert_int_equal(alisa_sampler_create(&options, 5, &sampler, &error), ALISA_ERROR_ARGUMENT);
    options = plain(0);
    options.repeat_last_n = -2;
    assert_int_equal(alisa_sampler_create(&options, 5, &sampler, &error), ALISA_ERROR_ARGUMENT);
    alisa_sampler_destroy(NULL);
}

static void test_log_softmax(void **state) {
    (void)state;
    enum { COUNT_OF_LOGITS = 32000 };
    float *logits = malloc(COUNT_OF_LOGITS * sizeof *logits);
    float *out = malloc(COUNT_OF_LOGITS * sizeof *out);
    assert_non_null(logits);
    assert_non_null(out);
    fill_normal(logits, COUNT_OF_LOGITS, 5.0f, 6);
    for (size_t i = 0; i < COUNT_OF_LOGITS; i++)
        logits[i] += 2000.0f; /* exp() would overflow */
    logits[5] = -INFINITY;
    alisa_log_softmax(logits, COUNT_OF_LOGITS, out);
    double total = 0.0, reference = 0.0;
    for (size_t i = 0; i < COUNT_OF_LOGITS; i++) {
        total += exp(out[i]);
        reference += exp((double)logits[i] - 2000.0);
    }
    assert_true(fabs(total - 1.0) < 1e-5);
    assert_true(fabs(out[17] - (logits[17] - 2000.0 - log(reference))) < 1e-4);
    assert_true(out[5] == -INFINITY);
    alisa_log_softmax(logits, COUNT_OF_LOGITS, logits); /* in place */
    assert_memory_equal(logits, out, COUNT_OF_LOGITS * sizeof *out);

    float one = 12.5f;
    alisa_log_softmax(&one, 1, &one);
    assert_true(one == 0.0f);
    alisa_log_softmax(NULL, 0, NULL);
    free(logits);
    free(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_ties_go_to_lower_ids),
        cmocka_unit_test(test_greedy),
        cmocka_unit_test(test_tiny_temperature),
        cmocka_unit_test(test_only_one_is_possible),
        cmocka_unit_test(test_broken_logits),
        cmocka_unit_test(test_ignored_tokens_are_not_drawn),
        cmocka_unit_test(test_all_tokens_ignored),
        cmocka_unit_test(test_seed_decides_the_sequence),
        cmocka_unit_test(test_logits_are_not_changed),
        cmocka_unit_test(test_repeat_penalty),
        cmocka_unit_test(test_penalty_changes_the_greedy_choice),
        cmocka_unit_test(test_large_vocabulary),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_log_softmax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
