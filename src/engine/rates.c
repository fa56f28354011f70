#include "engine/rates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "device/probe.h"
#include "device/record.h"
#include "engine/eval.h"
#include "engine/layer.h"
#include "engine/memory.h"
#include "engine/problem.h"
#include "engine/resolve.h"
#include "sched/learn.h"

enum { MOST_SEQUENCES = 64, MOST_CONTEXT = 1024, LEAST_CONTEXT = 6 * ALISA_KV_BLOCK };

/* Bytes of K and V that a session for measuring takes at most. */
#define MOST_BYTES (UINT64_C(1) << 30)

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
    AlisaStatus status =
        alisa_layer_project(stage, layer, ALISA_LAYER_QUERY_KEY_VALUE, rows, error);
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

/* ---- A session to measure ------------------------------------------------------------------ */

enum { PATTERN_BYTES = 1 << 20 };

/* Numbers that every KV type reads as such, halves between 0.1 and 0.8, small codes: a piece of
 * them over and over. An emulated link lets them pass. */
static AlisaStatus fill(AlisaDevice *device, const AlisaBuffer *buffer, const uint8_t *pattern,
                        AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint64_t done = 0; done < buffer->size && status == ALISA_OK; done += PATTERN_BYTES) {
        uint64_t left = buffer->size - done;
        status = alisa_buffer_write_later(device, buffer, done, pattern,
                                          left < PATTERN_BYTES ? left : PATTERN_BYTES, error);
    }
    return status;
}

static AlisaStatus fill_cache(AlisaStage *stage, const uint8_t *pattern, AlisaError *error) {
    AlisaDevice *device = stage->setup.shard->device;
    const AlisaTiers *tiers = alisa_kv_tiers(stage->kv);
    uint32_t layers = stage->setup.shard->layer_count;
    uint32_t arenas = tiers ? alisa_tiers_store(tiers)->arena_count : layers;
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < layers && status == ALISA_OK; i++) {
        if (i < arenas) status = fill(device, alisa_kv_keys(stage->kv, i), pattern, error);
        if (i < arenas && !status)
            status = fill(device, alisa_kv_values(stage->kv, i), pattern, error);
        if (status || !stage->tails) continue;
        const AlisaKvTailLayer *tails = &stage->tails->layers[i];
        status = fill(device, &tails->key_params, pattern, error);
        if (!status) status = fill(device, &tails->value_params, pattern, error);
    }
    return status;
}

/* Keys, values, and the inputs of products: processors take many times as long for numbers that
 * are nearly zero, which memory that was never written may hold. */
static AlisaStatus fill_stage(AlisaStage *stage, AlisaError *error) {
    AlisaDevice *device = stage->setup.shard->device;
    const AlisaScratch *scratch = &stage->scratch;
    const AlisaBuffer *operands[] = {&scratch->normed, &scratch->attended, &scratch->gate, NULL};
    uint8_t *pattern = alisa_allocate(PATTERN_BYTES, 1, "measuring", error);
    if (!pattern) return ALISA_ERROR_MEMORY;
    AlisaRandom random;
    alisa_random_seed(&random, 1);
    for (size_t i = 0; i < PATTERN_BYTES; i++)
        pattern[i] = (uint8_t)(0x30 + alisa_random_below(&random, 11));
    AlisaStatus status = ALISA_OK;
    for (const AlisaBuffer **x = operands; *x && status == ALISA_OK; x++)
        status = fill(device, *x, pattern, error);
    if (status == ALISA_OK) status = fill_cache(stage, pattern, error);
    AlisaStatus finished = alisa_opencl_finish(device, status == ALISA_OK ? error : NULL);
    free(pattern);
    return status == ALISA_OK ? finished : status;
}

/* How many sequences of how many tokens, for the session at hand: as many as it has, as far as its
 * budget holds them. */
static void choose_size(const AlisaEngine *engine, AlisaSessionOptions *options) {
    const AlisaShape *shape = &engine->shape;
    AlisaKvShape kv = {.layer_count = shape->layer_count,
                       .kv_head_count = shape->layers[0].kv_head_count,
                       .head_dim = shape->layers[0].head_dim,
                       .key_type = options->key_type,
                       .value_type = options->value_type};
    uint64_t used = alisa_weights_bytes(engine->shards[0].weights);
    uint64_t left =
        engine->shards[0].device_memory > used ? (engine->shards[0].device_memory - used) / 2 : 0;
    if (left > MOST_BYTES) left = MOST_BYTES;
    uint64_t tokens = left / alisa_kv_token_bytes(&kv);
    uint32_t sequences = options->sequence_count, context = options->context_length;
    if (sequences > MOST_SEQUENCES) sequences = MOST_SEQUENCES;
    if (sequences > options->micro_batch) sequences = options->micro_batch;
    if (context > MOST_CONTEXT) context = MOST_CONTEXT;
    context = context / ALISA_KV_BLOCK * ALISA_KV_BLOCK + 2 * ALISA_KV_BLOCK;
    if (context < LEAST_CONTEXT) context = LEAST_CONTEXT;
    while (sequences > 1 && (uint64_t)sequences * context > tokens) {
        if (context / 2 >= LEAST_CONTEXT) {
            context = context / 2 / ALISA_KV_BLOCK * ALISA_KV_BLOCK;
        } else {
            sequences /= 2;
        }
    }
    options->sequence_count = sequences;
    options->context_length = context;
}

/* A session like the one at hand, small, with everything on the device. */
static AlisaSessionOptions small_session(const AlisaEngine *engine,
                                         const AlisaSessionOptions *wanted) {
    AlisaSessionOptions options = *wanted;
    AlisaPlacementOptions *placement = &options.placement;
    choose_size(engine, &options);
    options.logit_rows = 0;
    options.record_steps = options.count_lists = false;
    options.interrupt = NULL;
    placement->recompute = false;
    placement->inputs_share = -1.0;
    placement->host_share = 0.0;
    placement->device_share = 8.0; /* more than any type takes */
    placement->host_memory = MOST_BYTES;
    placement->prompt_length = 0;
    return options;
}

/* rates: so far. */
static AlisaStatus open_session(AlisaEngine *engine, const AlisaSessionOptions *options,
                                const AlisaSchedProfile *rates, AlisaSession **session,
                                AlisaError *error) {
    AlisaSessionSetup setup;
    *session = NULL;
    AlisaStatus status = alisa_resolve(engine, options, &setup, error);
    setup.rates = rates;
    if (status == ALISA_OK) status = alisa_engine_session_make(engine, &setup, session, error);
    alisa_resolve_finish(&setup);
    if (status != ALISA_OK) return status;
    (*session)->measures = true;
    for (uint32_t i = 0; i < (*session)->stage_count && status == ALISA_OK; i++)
        status = fill_stage(&(*session)->stages[i], error);
    if (status == ALISA_OK) return ALISA_OK;
    alisa_engine_session_free(*session);
    return status;
}

/* ---- Steps --------------------------------------------------------------------------------- */

static AlisaStatus run_step(AlisaSession *session, uint32_t sequences, AlisaError *error) {
    AlisaRow rows[MOST_SEQUENCES] = {0};
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
                               const AlisaSchedModel *model, AlisaSchedLearned *learned,
                               AlisaError *error) {
    const AlisaSessionOptions *options = &session->options;
    uint32_t sequences = options->sequence_count;
    uint32_t longest = options->context_length - 2 * ALISA_KV_BLOCK;
    uint32_t shortest = longest / 4 / ALISA_KV_BLOCK * ALISA_KV_BLOCK;
    AlisaSchedTimed one, all, most;
    AlisaSchedProblem problem;
    AlisaSchedRun run = alisa_problem_run(&session->stages[0].setup);
    run.device_bytes = run.host_bytes = UINT64_MAX / 2;
    AlisaStatus status =
        alisa_sched_problem_init(&problem, rates, model, &run, options->placement.policy, error);
    if (status == ALISA_OK) status = time_steps(session, 1, shortest, &one, error);
    if (status == ALISA_OK) status = time_steps(session, sequences, shortest, &all, error);
    if (status == ALISA_OK) status = time_steps(session, sequences, longest, &most, error);
    if (status == ALISA_OK) *learned = alisa_sched_learn(&problem, &one, &all, &most);
    return status;
}

static AlisaStatus measure_steps(AlisaSession *session, const AlisaSchedModel *model,
                                 AlisaSchedProfile *profile, AlisaError *error) {
    AlisaSchedLearned learned;
    const AlisaSchedProfile rates = *profile;
    AlisaStatus status = learn_steps(session, &rates, model, &learned, error);
    if (status != ALISA_OK) return status;
    profile->step_overhead = learned.step_overhead;
    profile->row_overhead = learned.row_overhead;
    profile->attention_dense = profile->attention_gathered = learned.attention;
    if (session->options.attention.kind == ALISA_SELECT_DENSE) return ALISA_OK;

    AlisaSession *dense;
    AlisaSessionOptions options = session->options;
    options.attention.kind = ALISA_SELECT_DENSE;
    options.placement.policy = ALISA_POLICY_DEVICE;
    status = open_session(session->engine, &options, &rates, &dense, error);
    if (status != ALISA_OK) return status;
    status = learn_steps(dense, &rates, model, &learned, error);
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

static AlisaStatus measure_device(const AlisaEngine *engine, AlisaSchedProfile *profile,
                                  AlisaError *error) {
    AlisaDeviceProfile probed;
    AlisaStatus status = alisa_opencl_measure(engine->shards[0].device, &probed, error);
    if (status != ALISA_OK) return status;
    *profile = (AlisaSchedProfile){.device_bytes = engine->shards[0].device_memory,
                                   .host_bytes = alisa_memory_host_bytes(),
                                   .device_bandwidth = probed.read_bandwidth,
                                   .launch_latency = probed.launch_latency,
                                   .link_latency = probed.copy_latency,
                                   .link_duplex = probed.copy_overlap > 1.5,
                                   .host_gather = probed.host_gather};
    const AlisaDeviceInfo *info = alisa_opencl_info(engine->shards[0].device);
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
#define METHOD 1

/* Types of the weights: of the first layer's products and the head. */
static void weight_types(const AlisaEngine *engine, char text[128]) {
    const AlisaLayerWeights *layer = alisa_weights_layer(engine->shards[0].weights, 0);
    const uint32_t types[] = {
        layer->query.format, layer->key.format,
        layer->value.format, layer->gate.format,
        layer->down.format,  alisa_weights_head(engine->shards[0].weights)->format,
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        used += (size_t)snprintf(text + used, 128 - used, " %u", types[i]);
}

/* options: of the session that is measured. */
static void format_key(const AlisaEngine *engine, const AlisaSessionOptions *options,
                       char key[ALISA_RECORD_KEY_SIZE]) {
    const AlisaSchedModel *model = &engine->model;
    const AlisaSelectOptions *select = &options->attention;
    char types[128];
    weight_types(engine, types);
    int used = snprintf(
        key, ALISA_RECORD_KEY_SIZE,
        "method %d of %s\nmodel %u %u %u %u %u %u %u %llu %llu%s\nsequences %u of %u, rows %u, %s\n"
        "K %s V %s, policy %s %d\n",
        METHOD, ALISA_VERSION, model->layer_count, model->embedding_length, model->head_count,
        model->kv_head_count, model->head_dim, model->feed_forward_length, model->vocabulary_size,
        (unsigned long long)model->parameter_count, (unsigned long long)model->weight_bytes, types,
        options->sequence_count, options->context_length, options->micro_batch,
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

static bool recall(const AlisaEngine *engine, const char *key, AlisaSchedProfile *profile) {
    Figures figures;
    AlisaSchedProfile recalled = *profile;
    if (!alisa_record_read(engine->shards[0].device, RECORD, key, &figures, sizeof figures))
        return false;
    uint32_t count = figures.matrix_rate.count;
    if (count == 0 || count > PRODUCT_SIZES) return false;
    use_figures(&engine->model, &figures, &recalled);
    if (alisa_sched_profile_check(&recalled)) return false;
    *profile = recalled;
    return true;
}

static void remember(const AlisaEngine *engine, const char *key, const AlisaSchedProfile *profile) {
    Figures figures;
    memset(&figures, 0, sizeof figures); /* with what lies between the fields */
    figures.matrix_rate = profile->matrix_rate;
    figures.attention_dense = profile->attention_dense;
    figures.attention_gathered = profile->attention_gathered;
    figures.step_overhead = profile->step_overhead;
    figures.row_overhead = profile->row_overhead;
    alisa_record_write(engine->shards[0].device, RECORD, key, &figures, sizeof figures);
}

/* ---- All of it ----------------------------------------------------------------------------- */

static AlisaStatus measure(AlisaEngine *engine, const AlisaSessionOptions *options,
                           AlisaSchedProfile *profile, AlisaError *error) {
    const AlisaSchedModel *model = &engine->model;
    AlisaSession *session;
    /* Until they are measured: products take the time their weights are read in. */
    double fastest = 2.0 * profile->device_bandwidth / alisa_sched_model_element_bytes(model);
    profile->matrix_rate = (AlisaSchedCurve){1, {1.0}, {fastest}};
    use_products(model, profile);
    AlisaStatus status = open_session(engine, options, profile, &session, error);
    if (status != ALISA_OK) return status;
    status = measure_products(&session->stages[0], model, &profile->matrix_rate, error);
    if (status == ALISA_OK) {
        use_products(model, profile);
        status = measure_steps(session, model, profile, error);
    }
    alisa_engine_session_free(session);
    return status;
}

AlisaStatus alisa_rates_measure(AlisaEngine *engine, const AlisaSessionOptions *options,
                                AlisaSchedProfile *profile, AlisaError *error) {
    char key[ALISA_RECORD_KEY_SIZE];
    AlisaSessionOptions small = small_session(engine, options);
    format_key(engine, &small, key);
    AlisaStatus status = measure_device(engine, profile, error);
    if (status != ALISA_OK || recall(engine, key, profile)) return status;
    alisa_log_write(&engine->log, ALISA_LOG_INFO,
                    "measuring steps of policy %s, which are new to %s with this model",
                    alisa_sched_policy_name(options->placement.policy),
                    alisa_opencl_info(engine->shards[0].device)->name);
    status = measure(engine, &small, profile, error);
    if (status == ALISA_OK) remember(engine, key, profile);
    return status;
}

void alisa_rates_forget(AlisaEngine *engine, const AlisaSessionOptions *options) {
    char key[ALISA_RECORD_KEY_SIZE];
    AlisaSessionOptions small = small_session(engine, options);
    format_key(engine, &small, key);
    alisa_record_remove(engine->shards[0].device, RECORD, key);
}
