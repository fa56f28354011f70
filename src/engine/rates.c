/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/rates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "device/probe.h"
#include "device/record.h"
#include "engine/eval.h"
#include "engine/layer.h"
#include "engine/measured.h"
#include "engine/memory.h"
#include "engine/problem.h"
#include "sched/learn.h"

/* ---- Samples ------------------------------------------------------------------------------- */

/* Machines are disturbed for moments, and remember what was measured: enough samples that a moment
 * is outlasted, and of their times the one that a quarter of them are shorter than. */
enum { FEWEST = 5, MOST = 25 };
#define ENOUGH   0.25 /* seconds of samples */
#define TOO_LONG 1.0  /* after which fewer do */

typedef struct Samples {
    double times[MOST];
    double total;
    uint32_t count;
} Samples;

static bool wants_more(const Samples *samples) {
    if (samples->count == MOST || samples->total >= TOO_LONG) return false;
    return samples->count < FEWEST || samples->total < ENOUGH;
}

static void add_sample(Samples *samples, uint64_t begun) {
    double seconds = (double)(alisa_clock_now() - begun) * 1e-9;
    samples->times[samples->count++] = seconds;
    samples->total += seconds;
}

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double usual(Samples *samples) {
    qsort(samples->times, samples->count, sizeof *samples->times, compare);
    return samples->times[(samples->count - 1) / 4];
}

/* ---- Products ------------------------------------------------------------------------------ */

static const uint32_t product_rows[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

enum { PRODUCT_SIZES = sizeof product_rows / sizeof *product_rows, PRODUCT_ROUNDS = 5 };

/* Seconds: shorter ones are measured over several layers; after a longer one no more are. */
#define SHORT_PRODUCTS 1e-3
#define LONG_PRODUCTS  0.2

static AlisaStatus run_layer_products(AlisaStage *stage, uint32_t layer, uint32_t rows,
                                      AlisaError *error) {
    AlisaStatus status = alisa_layer_project(stage, layer, ALISA_LAYER_QUERY_KEY_VALUE,
                                             alisa_layer_input(stage, layer), rows, error);
    if (status == ALISA_OK) status = alisa_layer_output(stage, layer, rows, error);
    if (status == ALISA_OK) status = alisa_layer_expand(stage, layer, rows, error);
    return status == ALISA_OK ? alisa_layer_contract(stage, layer, rows, error) : status;
}

/* All products of the first `layers` layers of the stage with `rows` rows. */
static AlisaStatus run_products(AlisaStage *stage, uint32_t layers, uint32_t rows, Samples *samples,
                                AlisaError *error) {
    uint64_t begun = alisa_clock_now();
    AlisaStatus status = ALISA_OK;
    for (uint32_t layer = 0; layer < layers && status == ALISA_OK; layer++)
        status = run_layer_products(stage, layer, rows, error);
    if (status == ALISA_OK) status = alisa_opencl_finish(stage->setup.shard->device, error);
    add_sample(samples, begun);
    return status;
}

/* Sizes by turns, so that a disturbance meets all of them alike. */
static AlisaStatus measure_products(AlisaStage *stage, const AlisaSchedModel *model,
                                    AlisaSchedCurve *curve, AlisaError *error) {
    Samples samples[PRODUCT_SIZES] = {0};
    uint32_t layers[PRODUCT_SIZES], sizes = 0;
    const AlisaShard *shard = stage->setup.shard;
    AlisaStatus status = alisa_opencl_finish(shard->device, error);
    while (sizes < PRODUCT_SIZES && product_rows[sizes] <= stage->setup.options->micro_batch) {
        Samples first = {0}; /* compiles, and tells how long it takes */
        for (int i = 0; i < 2 && status == ALISA_OK; i++)
            status = run_products(stage, 1, product_rows[sizes], &first, error);
        if (status != ALISA_OK) return status;
        double each = first.times[1], count = SHORT_PRODUCTS / each + 1.0;
        layers[sizes] = count < shard->layer_count ? (uint32_t)count : shard->layer_count;
        sizes++;
        if (each > LONG_PRODUCTS) break;
    }
    for (uint32_t round = 0; round < PRODUCT_ROUNDS; round++)
        for (uint32_t i = 0; i < sizes && status == ALISA_OK; i++)
            status = run_products(stage, layers[i], product_rows[i], &samples[i], error);
    if (status != ALISA_OK) return status;
    *curve = (AlisaSchedCurve){.count = sizes};
    for (uint32_t i = 0; i < sizes; i++) {
        double work = 2.0 * layers[i] * alisa_sched_model_layer_elements(model) * product_rows[i];
        curve->sizes[i] = product_rows[i];
        curve->rates[i] = work / usual(&samples[i]);
    }
    return ALISA_OK;
}

/* ---- Steps --------------------------------------------------------------------------------- */

static AlisaStatus run_step(AlisaSession *session, uint32_t sequences, AlisaError *error) {
    AlisaRow rows[ALISA_MEASURED_SEQUENCES] = {0};
    for (uint32_t i = 0; i < sequences; i++)
        rows[i] = (AlisaRow){(int32_t)i + 1, i, true};
    return alisa_engine_session_eval(session, rows, sequences, error);
}

/* Every sequence has so many tokens, of which only the first was computed. */
static AlisaStatus pretend(AlisaSession *session, uint32_t length, AlisaError *error) {
    uint32_t sequences = session->options.sequence_count;
    for (uint32_t i = 0; i < sequences; i++)
        alisa_timeline_truncate(&session->timeline, i, 0);
    AlisaStatus status = run_step(session, sequences, error);
    for (uint32_t i = 0; i < session->stage_count && status == ALISA_OK; i++)
        if (session->stages[i].placement)
            status = alisa_placement_pretend(session->stages[i].placement, 1, length, error);
    for (uint32_t i = 0; i < sequences; i++)
        session->timeline.lengths[i] = length;
    return status;
}

/* Steps in which the first `sequences`, with `length` tokens, get one more each. */
static AlisaStatus time_steps(AlisaSession *session, uint32_t sequences, uint32_t length,
                              AlisaSchedTimed *timed, AlisaError *error) {
    Samples samples = {0};
    AlisaStatus status = pretend(session, length, error);
    if (status == ALISA_OK) status = run_step(session, sequences, error);
    while (status == ALISA_OK && wants_more(&samples)) {
        uint64_t begun = alisa_clock_now();
        status = run_step(session, sequences, error);
        add_sample(&samples, begun);
    }
    if (status != ALISA_OK) return status;
    *timed = (AlisaSchedTimed){sequences, length + samples.count / 2 + 1, usual(&samples)};
    return ALISA_OK;
}

static AlisaStatus learn_steps(AlisaSession *session, const AlisaSchedProfile *rates,
                               AlisaSchedLearned *learned, AlisaError *error) {
    const AlisaSetupOptions *options = &session->options;
    uint32_t sequences = options->sequence_count;
    uint32_t longest = options->context_length - 2 * ALISA_KV_BLOCK;
    uint32_t shortest = longest / 4 / ALISA_KV_BLOCK * ALISA_KV_BLOCK;
    AlisaSchedTimed one, all, most;
    AlisaSchedProblem problem;
    AlisaSchedRun run = alisa_problem_run(&session->stages->setup);
    const AlisaSchedModel model = alisa_problem_model(&session->stages->setup);
    run.device_bytes = run.host_bytes = UINT64_MAX / 2;
    AlisaStatus status =
        alisa_sched_problem_init(&problem, rates, &model, &run, options->placement.policy, error);
    if (status == ALISA_OK) status = time_steps(session, 1, shortest, &one, error);
    if (status == ALISA_OK) status = time_steps(session, sequences, shortest, &all, error);
    if (status == ALISA_OK) status = time_steps(session, sequences, longest, &most, error);
    if (status == ALISA_OK) *learned = alisa_sched_learn(&problem, &one, &all, &most);
    return status;
}

static AlisaStatus measure_steps(AlisaSession *session, AlisaSchedProfile *profile,
                                 AlisaError *error) {
    AlisaSchedLearned learned;
    const AlisaSchedProfile rates = *profile;
    AlisaStatus status = learn_steps(session, &rates, &learned, error);
    if (status != ALISA_OK) return status;
    profile->step_overhead = learned.step_overhead;
    profile->row_overhead = learned.row_overhead;
    profile->attention_dense = profile->attention_gathered = learned.attention;
    if (session->options.attention.kind == ALISA_SELECT_DENSE) return ALISA_OK;

    AlisaSession *dense;
    const AlisaStageSetup *setup = &session->stages->setup;
    AlisaSetupOptions options = session->options;
    options.attention.kind = ALISA_SELECT_DENSE;
    options.placement.policy = ALISA_POLICY_DEVICE;
    status = alisa_measured_open(setup->engine, setup->shard, &options, &rates, &dense, error);
    if (status != ALISA_OK) return status;
    status = learn_steps(dense, &rates, &learned, error);
    alisa_engine_session_free(dense);
    if (status == ALISA_OK) profile->attention_dense = learned.attention;
    return status;
}

/* ---- The device ---------------------------------------------------------------------------- */

/* Of copies without their latency. */
static void copy_rates(const double rates[ALISA_PROBE_SIZES], double latency,
                       AlisaSchedCurve *curve) {
    for (uint32_t i = 0; i < ALISA_PROBE_SIZES; i++) {
        if (!(rates[i] > 0.0)) continue;
        double size = (double)ALISA_PROBE_SIZE(i), seconds = size / rates[i];
        curve->sizes[curve->count] = size;
        curve->rates[curve->count++] = seconds > latency ? size / (seconds - latency) : rates[i];
    }
}

static AlisaStatus measure_device(const AlisaEngine *engine, const AlisaShard *shard,
                                  AlisaSchedProfile *profile, AlisaError *error) {
    AlisaDeviceProfile probed;
    AlisaStatus status = alisa_opencl_measure(shard->device, &probed, error);
    if (status != ALISA_OK) return status;
    *profile = (AlisaSchedProfile){.device_bytes = engine->budgets[shard->budget].bytes,
                                   .host_bytes = alisa_memory_host_bytes(),
                                   .device_bandwidth = probed.read_bandwidth,
                                   .launch_latency = probed.launch_latency,
                                   .link_latency = probed.copy_latency,
                                   .link_duplex = probed.copy_overlap > 1.5,
                                   .host_gather = probed.host_gather};
    const AlisaDeviceInfo *info = alisa_opencl_info(shard->device);
    snprintf(profile->name, sizeof profile->name, "%.63s", info->name);
    snprintf(profile->device, sizeof profile->device, "%.63s, driver %.48s", info->name,
             info->driver);
    copy_rates(probed.pinned.to_device, probed.copy_latency, &profile->link_to_device);
    copy_rates(probed.pinned.to_host, probed.copy_latency, &profile->link_to_host);
    return ALISA_OK;
}

static void use_products(const AlisaSchedModel *model, AlisaSchedProfile *profile) {
    const AlisaSchedCurve *curve = &profile->matrix_rate;
    /* Products of one row may read faster than the kernel that the device was probed with. */
    double read_rate = curve->rates[0] / 2.0 * alisa_sched_model_element_bytes(model);
    if (profile->device_bandwidth < read_rate) profile->device_bandwidth = read_rate;
    profile->recompute_rate = curve->rates[curve->count - 1];
    /* Attention of a prompt multiplies much as products do. */
    profile->attention_rate = curve->rates[curve->count - 1];
    profile->attention_dense = profile->attention_gathered = profile->device_bandwidth;
}

/* ---- Remembered ---------------------------------------------------------------------------- */

/* What was measured, beside what is known of the device. */
typedef struct Figures {
    AlisaSchedCurve matrix_rate;
    double attention_dense, attention_gathered;
    double step_overhead, row_overhead;
} Figures;

#define RECORD "rates"
/* Raised when the way of measuring, or what the host does in a step, changes. */
#define METHOD 2

/* What decides the time of products: the formats of the weights, of the first layer and of the
 * head, and how many bytes of weights are in host memory. */
static void weight_formats(const AlisaShard *shard, char text[128]) {
    const AlisaLayerWeights *layer = alisa_weights_layer(shard->weights, shard->first_layer);
    bool head = shard->model.vocabulary_size > 0;
    const uint32_t formats[] = {
        layer->query.format, layer->key.format,
        layer->value.format, layer->up.format,
        layer->down.format,  head ? alisa_weights_outer(shard->weights)->head.format : 0,
    };
    size_t used = 0, count = sizeof formats / sizeof *formats - !head;
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, 128 - used, " %u", formats[i]);
    if (shard->model.host_weight_bytes > 0)
        snprintf(text + used, 128 - used, " host %llu",
                 (unsigned long long)shard->model.host_weight_bytes);
}

/* options: of the session that is measured. */
static void format_key(const AlisaShard *shard, const AlisaSetupOptions *options,
                       char key[ALISA_RECORD_KEY_SIZE]) {
    const AlisaSchedModel *model = &shard->model;
    const AlisaSelectOptions *select = &options->attention;
    char formats[128];
    weight_formats(shard, formats);
    int used = snprintf(
        key, ALISA_RECORD_KEY_SIZE,
        "method %d of %s\nmodel %u %u %u %u %u %u %u %llu %llu%s\nsequences %u of %u, rows %u, %s\n"
        "K %s V %s, policy %s %d\n",
        METHOD, ALISA_VERSION, model->layer_count, model->embedding_length, model->head_count,
        model->kv_head_count, model->head_dim, model->feed_forward_length, model->vocabulary_size,
        (unsigned long long)model->parameter_count, (unsigned long long)model->weight_bytes,
        formats, options->sequence_count, options->context_length, options->micro_batch,
        options->likeliest_only ? "likeliest" : "logits",
        alisa_kv_type_info(options->key_type)->name, alisa_kv_type_info(options->value_type)->name,
        alisa_sched_policy_name(options->placement.policy), (int)options->placement.schedule);
    if (select->kind == ALISA_SELECT_DENSE) return;
    snprintf(key + used, ALISA_RECORD_KEY_SIZE - (size_t)used,
             "attention %s %.17g, keep %u, sinks %u, window %u, by %s, lists %s\n",
             alisa_selector_kind_name(select->kind), select->sparsity, select->keep, select->sinks,
             select->window, alisa_selector_scores_name(select->scores),
             alisa_selector_lists_name(select->lists));
}

static void use_figures(const AlisaSchedModel *model, const Figures *figures,
                        AlisaSchedProfile *profile) {
    profile->matrix_rate = figures->matrix_rate;
    use_products(model, profile);
    profile->attention_dense = figures->attention_dense;
    profile->attention_gathered = figures->attention_gathered;
    profile->step_overhead = figures->step_overhead;
    profile->row_overhead = figures->row_overhead;
}

static bool recall(const AlisaShard *shard, const char *key, AlisaSchedProfile *profile) {
    Figures figures;
    AlisaSchedProfile recalled = *profile;
    if (!alisa_record_read(shard->device, RECORD, key, &figures, sizeof figures)) return false;
    uint32_t count = figures.matrix_rate.count;
    if (count == 0 || count > PRODUCT_SIZES) return false;
    use_figures(&shard->model, &figures, &recalled);
    if (alisa_sched_profile_check(&recalled)) return false;
    *profile = recalled;
    return true;
}

static void remember(const AlisaShard *shard, const char *key, const AlisaSchedProfile *profile) {
    Figures figures;
    memset(&figures, 0, sizeof figures); /* with what lies between the fields */
    figures.matrix_rate = profile->matrix_rate;
    figures.attention_dense = profile->attention_dense;
    figures.attention_gathered = profile->attention_gathered;
    figures.step_overhead = profile->step_overhead;
    figures.row_overhead = profile->row_overhead;
    alisa_record_write(shard->device, RECORD, key, &figures, sizeof figures);
}

/* ---- All of it ----------------------------------------------------------------------------- */

static AlisaStatus measure(const AlisaEngine *engine, const AlisaShard *shard,
                           const AlisaSetupOptions *options, AlisaSchedProfile *profile,
                           AlisaError *error) {
    const AlisaSchedModel *model = &shard->model;
    AlisaSession *session;
    /* Until they are measured: products take the time their weights are read in. */
    double fastest = 2.0 * profile->device_bandwidth / alisa_sched_model_element_bytes(model);
    profile->matrix_rate = (AlisaSchedCurve){1, {1.0}, {fastest}};
    use_products(model, profile);
    AlisaStatus status = alisa_measured_open(engine, shard, options, profile, &session, error);
    if (status != ALISA_OK) return status;
    status = measure_products(session->stages, model, &profile->matrix_rate, error);
    if (status == ALISA_OK) {
        use_products(model, profile);
        status = measure_steps(session, profile, error);
    }
    alisa_engine_session_free(session);
    return status;
}

AlisaStatus alisa_rates_measure(const AlisaEngine *engine, const AlisaShard *shard,
                                const AlisaSetupOptions *options, AlisaSchedProfile *profile,
                                AlisaError *error) {
    char key[ALISA_RECORD_KEY_SIZE];
    AlisaSetupOptions small = alisa_measured_options(engine, shard, options);
    format_key(shard, &small, key);
    AlisaStatus status = measure_device(engine, shard, profile, error);
    if (status != ALISA_OK || recall(shard, key, profile)) return status;
    alisa_log_write(&engine->log, ALISA_LOG_INFO,
                    "measuring steps of policy %s, which are new to %s with this model",
                    alisa_sched_policy_name(options->placement.policy),
                    alisa_opencl_info(shard->device)->name);
    status = measure(engine, shard, &small, profile, error);
    if (status == ALISA_OK) remember(shard, key, profile);
    return status;
}

void alisa_rates_forget(const AlisaEngine *engine, const AlisaShard *shard,
                        const AlisaSetupOptions *options) {
    char key[ALISA_RECORD_KEY_SIZE];
    AlisaSetupOptions small = alisa_measured_options(engine, shard, options);
    format_key(shard, &small, key);
    alisa_record_remove(shard->device, RECORD, key);
}
