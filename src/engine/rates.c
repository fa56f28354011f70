#include "engine/rates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "device/probe.h"

enum { REPEATS = 3, MOST_SEQUENCES = 16, MOST_CONTEXT = 1024, SHORT_CONTEXT = ALISA_KV_BLOCK };

AlisaSchedModel alisa_rates_model(const AlisaEngine *engine) {
    const AlisaShape *shape = &engine->shape;
    /* Every architecture this version runs has a gate beside the up projection. */
    AlisaSchedModel model = {.name = "the model",
                             .layer_count = shape->layer_count,
                             .embedding_length = shape->embedding_length,
                             .head_count = shape->head_count,
                             .kv_head_count = shape->kv_head_count,
                             .head_dim = shape->head_dim,
                             .feed_forward_length = shape->feed_forward_length,
                             .feed_forward_matrices = 3,
                             .vocabulary_size = shape->vocabulary_size,
                             .context_length = shape->context_length,
                             .weight_bytes = alisa_weights_bytes(engine->weights)};
    double elements = shape->layer_count * alisa_sched_model_layer_elements(&model) +
                      2.0 * shape->vocabulary_size * shape->embedding_length;
    model.parameter_count = (uint64_t)elements;
    return model;
}

static double least(const double *times, int count) {
    double best = times[0];
    for (int i = 1; i < count; i++)
        if (times[i] < best) best = times[i];
    return best;
}

static double seconds_since(uint64_t begun) {
    return (double)(alisa_clock_now() - begun) * 1e-9;
}

/* ---- Products ------------------------------------------------------------------------------ */

/* All products of a layer with `rows` rows. */
static AlisaStatus time_products(AlisaSession *session, uint32_t rows, double *seconds,
                                 AlisaError *error) {
    const AlisaEngine *engine = session->engine;
    const AlisaStepBuffers *buffers = &session->buffers;
    const AlisaLayerWeights *weights = alisa_weights_layer(engine->weights, 0);
    const struct {
        const AlisaMatrix *matrix;
        const AlisaBuffer *x, *y;
    } products[] = {
        {&weights->query, &buffers->normed, &buffers->query},
        {&weights->key, &buffers->normed, &buffers->key},
        {&weights->value, &buffers->normed, &buffers->value},
        {&weights->attention_output, &buffers->attended, &buffers->residual},
        {&weights->gate, &buffers->normed, &buffers->gate},
        {&weights->up, &buffers->normed, &buffers->up},
        {&weights->down, &buffers->gate, &buffers->residual},
    };
    double times[REPEATS + 1] = {0};
    AlisaStatus status = alisa_device_finish(engine->device, error);
    for (int repeat = 0; repeat <= REPEATS && status == ALISA_OK; repeat++) {
        uint64_t begun = alisa_clock_now();
        for (size_t i = 0; i < sizeof products / sizeof *products && status == ALISA_OK; i++)
            status =
                alisa_ops_matmul(engine->ops, products[i].matrix, (AlisaVector){products[i].x, 0},
                                 rows, (AlisaVector){products[i].y, 0}, false, error);
        if (status == ALISA_OK) status = alisa_device_finish(engine->device, error);
        times[repeat] = seconds_since(begun);
    }
    *seconds = least(times + 1, REPEATS); /* the first one compiles */
    return status;
}

static AlisaStatus measure_products(AlisaSession *session, const AlisaSchedModel *model,
                                    AlisaSchedCurve *curve, AlisaError *error) {
    static const uint32_t sizes[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && status == ALISA_OK; i++) {
        double seconds;
        if (sizes[i] > session->options.micro_batch) break;
        status = time_products(session, sizes[i], &seconds, error);
        if (status != ALISA_OK) break;
        curve->sizes[curve->count] = sizes[i];
        curve->rates[curve->count++] =
            2.0 * alisa_sched_model_layer_elements(model) * sizes[i] / seconds;
    }
    return status;
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* Numbers that every KV type reads as such: halves between 0.1 and 0.8, small codes. */
static AlisaStatus fill(AlisaDevice *device, const AlisaBuffer *buffer, AlisaError *error) {
    if (buffer->size == 0) return ALISA_OK;
    uint8_t *bytes = alisa_allocate((size_t)buffer->size, 1, "measuring", error);
    if (!bytes) return ALISA_ERROR_MEMORY;
    AlisaRandom random;
    alisa_random_seed(&random, 1);
    for (uint64_t i = 0; i < buffer->size; i += 4) {
        uint32_t drawn = alisa_random_next(&random);
        for (uint64_t j = i; j < i + 4 && j < buffer->size; j++, drawn >>= 8)
            bytes[j] = (uint8_t)(0x30 + drawn % 11);
    }
    AlisaStatus status = alisa_buffer_write(device, buffer, 0, bytes, buffer->size, error);
    free(bytes);
    return status;
}

static AlisaStatus fill_cache(AlisaSession *session, AlisaError *error) {
    AlisaDevice *device = session->engine->device;
    AlisaStatus status = ALISA_OK;
    for (uint32_t layer = 0; layer < session->engine->shape.layer_count && !status; layer++) {
        status = fill(device, alisa_kv_keys(session->kv, layer), error);
        if (!status) status = fill(device, alisa_kv_values(session->kv, layer), error);
        if (status || !session->tails) continue;
        const AlisaKvTailLayer *tails = &session->tails->layers[layer];
        if (!status) status = fill(device, &tails->key_params, error);
        if (!status) status = fill(device, &tails->value_params, error);
    }
    return status;
}

/* The least seconds of a step in which every sequence, with `length` tokens, gets one more. */
static AlisaStatus time_step(AlisaSession *session, uint32_t length, double *seconds,
                             AlisaError *error) {
    AlisaRow rows[MOST_SEQUENCES];
    double times[REPEATS + 1] = {0};
    uint32_t sequences = session->options.sequence_count;
    AlisaStatus status = ALISA_OK;
    for (int repeat = 0; repeat <= REPEATS && status == ALISA_OK; repeat++) {
        for (uint32_t i = 0; i < sequences; i++) {
            session->lengths[i] = length + (uint32_t)repeat;
            rows[i] = (AlisaRow){(int32_t)i + 1, i, true};
        }
        uint64_t begun = alisa_clock_now();
        status = alisa_session_eval(session, rows, sequences, error);
        times[repeat] = seconds_since(begun);
    }
    *seconds = least(times + 1, REPEATS);
    return status;
}

typedef struct StepTimes {
    double shortest, longest; /* of steps with SHORT_CONTEXT tokens and with `context` */
} StepTimes;

static AlisaStatus time_session(AlisaEngine *engine, const AlisaSessionOptions *options,
                                StepTimes *times, AlisaError *error) {
    AlisaSession *session;
    AlisaStatus status = alisa_session_create(engine, options, &session, error);
    if (status != ALISA_OK) return status;
    status = fill_cache(session, error);
    uint32_t longest = options->context_length - 2 * ALISA_KV_BLOCK;
    if (!status) status = time_step(session, SHORT_CONTEXT, &times->shortest, error);
    if (!status) status = time_step(session, longest, &times->longest, error);
    alisa_session_destroy(session);
    return status;
}

/* What a whole step took, less what is known, is attention: a rate that leaves nothing out. */
static double rate_of(double bytes, double seconds, double bandwidth) {
    double rate = seconds > 0.0 ? bytes / seconds : bandwidth;
    return rate < bandwidth ? rate : bandwidth;
}

static AlisaStatus measure_steps(AlisaSession *session, const AlisaSchedModel *model,
                                 AlisaSchedProfile *profile, AlisaError *error) {
    AlisaSessionOptions options = session->options;
    uint32_t sequences = options.sequence_count, context = options.context_length;
    options.sequence_count = sequences < MOST_SEQUENCES ? sequences : MOST_SEQUENCES;
    options.context_length = context < MOST_CONTEXT ? context : MOST_CONTEXT;
    options.context_length =
        options.context_length / ALISA_KV_BLOCK * ALISA_KV_BLOCK + 2 * ALISA_KV_BLOCK;
    if (options.context_length < 6 * ALISA_KV_BLOCK) options.context_length = 6 * ALISA_KV_BLOCK;
    options.logit_rows = 0;
    options.record_steps = false;
    alisa_placement_options_defaults(&options.placement);
    AlisaSelectOptions select = options.attention;
    alisa_select_options_defaults(&options.attention);
    StepTimes dense, chosen = {0};
    AlisaStatus status = time_session(session->engine, &options, &dense, error);
    bool sparse = select.kind != ALISA_SELECT_DENSE;
    options.attention = select;
    if (status == ALISA_OK && sparse)
        status = time_session(session->engine, &options, &chosen, error);
    if (status != ALISA_OK) return status;

    AlisaSchedKvBytes kv;
    alisa_sched_kv_bytes(model, options.key_type, options.value_type, &kv);
    double rows = options.sequence_count;
    uint32_t longest = options.context_length - 2 * ALISA_KV_BLOCK;
    double row_bytes = rows * model->layer_count * kv.slot;
    profile->attention_dense = rate_of(row_bytes * (longest - SHORT_CONTEXT),
                                       dense.longest - dense.shortest, profile->device_bandwidth);
    profile->attention_gathered = profile->attention_dense;
    AlisaSchedWork work = {.rows = rows, .passes = 1.0, .head_rows = rows};
    AlisaSchedCost cost;
    const AlisaSchedCorrection none = {1.0, 1.0};
    work.dense = rows * SHORT_CONTEXT;
    alisa_sched_cost(profile, model, &kv, &none, true, &work, &cost);
    double rest = dense.shortest - cost.total;
    profile->row_overhead = rest > 0.0 ? rest / rows : 0.0;
    if (!sparse) return ALISA_OK;
    uint32_t kept = alisa_select_kept(alisa_select_budget(&select, longest));
    double base = dense.shortest - row_bytes * SHORT_CONTEXT / profile->attention_dense;
    profile->attention_gathered =
        rate_of(row_bytes * kept, chosen.longest - base, profile->device_bandwidth);
    return ALISA_OK;
}

/* ---- All of it ----------------------------------------------------------------------------- */

static void copy_rates(const double rates[ALISA_PROBE_SIZES], AlisaSchedCurve *curve) {
    for (uint32_t i = 0; i < ALISA_PROBE_SIZES; i++) {
        if (!(rates[i] > 0.0)) continue;
        curve->sizes[curve->count] = (double)ALISA_PROBE_SIZE(i);
        curve->rates[curve->count++] = rates[i];
    }
}

AlisaStatus alisa_rates_measure(AlisaSession *session, AlisaSchedProfile *profile,
                                AlisaError *error) {
    AlisaEngine *engine = session->engine;
    AlisaDeviceProfile probed;
    AlisaStatus status = alisa_device_measure(engine->device, &probed, error);
    if (status != ALISA_OK) return status;
    AlisaSchedModel model = alisa_rates_model(engine);
    *profile = (AlisaSchedProfile){.name = "measured",
                                   .device_bytes = engine->device_memory,
                                   .host_bytes = UINT64_MAX / 2,
                                   .device_bandwidth = probed.read_bandwidth,
                                   .launch_latency = probed.launch_latency,
                                   .link_duplex = probed.copy_overlap > 1.5,
                                   .host_gather = probed.host_gather};
    snprintf(profile->device, sizeof profile->device, "%.127s",
             alisa_device_info(engine->device)->name);
    copy_rates(probed.pinned.to_device, &profile->link_to_device);
    copy_rates(probed.pinned.to_host, &profile->link_to_host);
    status = measure_products(session, &model, &profile->matrix_rate, error);
    if (status != ALISA_OK) return status;
    /* Products of one row may read faster than the kernel that the device was probed with. */
    double read_rate =
        profile->matrix_rate.rates[0] / 2.0 * alisa_sched_model_element_bytes(&model);
    if (profile->device_bandwidth < read_rate) profile->device_bandwidth = read_rate;
    uint32_t last = profile->matrix_rate.count - 1;
    profile->recompute_rate = profile->matrix_rate.rates[last];
    /* Attention of a prompt multiplies much as products do. */
    profile->attention_rate = profile->matrix_rate.rates[last];
    profile->attention_dense = profile->attention_gathered = probed.read_bandwidth;
    return measure_steps(session, &model, profile, error);
}
