/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/cost.h"

#include <math.h>
#include <stddef.h>

/* Kernels of a forward pass: in each layer two norms, seven products (six without a gate), storing
 * K and V, attention and its merge, activation; around them embedding, gathering, norm and head. */
#define LAYER_LAUNCHES 13.0
#define STEP_LAUNCHES  4.0

static double longer(double a, double b) {
    return a > b ? a : b;
}

/* Reading the weights of `elements` and multiplying them, at whichever is slower. */
static void add_product(const AlisaSchedProfile *profile, double elements, double element_bytes,
                        double rows, double passes, double times, AlisaSchedCost *cost) {
    if (rows <= 0.0) return;
    double read = passes * elements * element_bytes / profile->device_bandwidth;
    double rate = alisa_sched_curve_rate(&profile->matrix_rate, rows / passes);
    double multiply = 2.0 * elements * rows / rate;
    cost->weights += times * read;
    cost->matrix += times * longer(0.0, multiply - read);
}

/* Copies of `bytes` of a layer, at most `most` in one (0: all). On the host tokens are gathered
 * into the buffer a copy starts from (or spread from it): beside the copies, or before them. */
static double copy_time(const AlisaSchedProfile *profile, const AlisaSchedCurve *link, double bytes,
                        double most, bool overlap) {
    if (bytes <= 0.0) return 0.0;
    double copies = most > 0.0 ? ceil(bytes / most) : 1.0;
    double copy =
        copies * profile->link_latency + bytes / alisa_sched_curve_rate(link, bytes / copies);
    double gather = profile->host_gather > 0.0 ? bytes / profile->host_gather : 0.0;
    return overlap ? longer(copy, gather) : copy + gather;
}

/* K and V of `rebuilt` tokens from X: X and the two matrices are read, and multiplied. */
static double rebuild_time(const AlisaSchedProfile *profile, const AlisaSchedModel *model,
                           const AlisaSchedKvBytes *bytes, double rebuilt) {
    if (rebuilt <= 0.0) return 0.0;
    double elements =
        2.0 * model->embedding_length * (double)model->kv_head_count * model->head_dim;
    double read = elements * alisa_sched_model_element_bytes(model) + rebuilt * bytes->inputs;
    return longer(read / profile->device_bandwidth,
                  2.0 * elements * rebuilt / profile->recompute_rate);
}

/* The part of the copies that the computation, `compute` seconds of it, does not hide. */
static double exposed(const AlisaSchedProfile *profile, const AlisaSchedWork *work, bool overlap,
                      double load, double store, double compute) {
    if (!overlap || work->waits) return load + store;
    if (work->loads_late) return load + longer(0.0, store - compute);
    double copies = profile->link_duplex ? longer(load, store) : load + store;
    return longer(0.0, copies - compute);
}

void alisa_sched_cost(const AlisaSchedProfile *profile, const AlisaSchedModel *model,
                      const AlisaSchedKvBytes *bytes, const AlisaSchedCorrection *correction,
                      bool overlap, const AlisaSchedWork *work, AlisaSchedCost *cost) {
    double layers = model->layer_count, kv_layers = alisa_sched_model_kv_layers(model);
    double element_bytes = alisa_sched_model_element_bytes(model);
    *cost = (AlisaSchedCost){.bytes_to_device = kv_layers * work->to_device,
                             .bytes_to_host = kv_layers * work->to_host};
    add_product(profile, alisa_sched_model_layer_elements(model), element_bytes, work->rows,
                work->passes, layers, cost);
    add_product(profile, alisa_sched_model_head_elements(model), element_bytes, work->head_rows, 1,
                1, cost);
    cost->dense = kv_layers * (work->dense * bytes->slot / profile->attention_dense +
                               4.0 * work->pairs * model->head_count * model->head_dim /
                                   profile->attention_rate);
    cost->gathered = kv_layers * work->gathered * bytes->slot / profile->attention_gathered;
    cost->selection = kv_layers * work->selection / profile->device_bandwidth;
    cost->rebuild = kv_layers * rebuild_time(profile, model, bytes, work->rebuilt);
    if (work->rows > 0.0) {
        double launches =
            work->passes * (layers * (LAYER_LAUNCHES + work->launches) + STEP_LAUNCHES);
        cost->launch = launches * profile->launch_latency + profile->step_overhead +
                       work->head_rows * profile->row_overhead;
    }
    cost->load =
        kv_layers * correction->transfer *
        copy_time(profile, &profile->link_to_device, work->to_device, bytes->copied, overlap);
    cost->store = kv_layers * correction->transfer *
                  copy_time(profile, &profile->link_to_host, work->to_host, bytes->copied, overlap);

    double *const computing[] = {&cost->weights,   &cost->matrix,  &cost->dense, &cost->gathered,
                                 &cost->selection, &cost->rebuild, &cost->launch};
    double compute = 0.0;
    for (size_t i = 0; i < sizeof computing / sizeof *computing; i++) {
        *computing[i] *= correction->compute;
        compute += *computing[i];
    }
    cost->exposed = exposed(profile, work, overlap, cost->load, cost->store, compute);
    cost->total = compute + cost->exposed;
}

void alisa_sched_cost_add(AlisaSchedCost *sum, const AlisaSchedCost *cost) {
    sum->weights += cost->weights;
    sum->matrix += cost->matrix;
    sum->dense += cost->dense;
    sum->gathered += cost->gathered;
    sum->selection += cost->selection;
    sum->rebuild += cost->rebuild;
    sum->launch += cost->launch;
    sum->load += cost->load;
    sum->store += cost->store;
    sum->exposed += cost->exposed;
    sum->total += cost->total;
    sum->bytes_to_device += cost->bytes_to_device;
    sum->bytes_to_host += cost->bytes_to_host;
}

const char *alisa_sched_cost_binds(const AlisaSchedCost *cost) {
    const struct {
        double seconds;
        const char *name;
    } terms[] = {
        {cost->weights, "reading weights"},
        {cost->matrix, "matrix products"},
        {cost->dense + cost->gathered, "attention"},
        {cost->selection, "choosing tokens"},
        {cost->rebuild, "recomputation"},
        {cost->launch, "launches"},
        {cost->exposed, "the link"},
    };
    size_t most = 0;
    for (size_t i = 1; i < sizeof terms / sizeof *terms; i++) {
        if (terms[i].seconds > terms[most].seconds) most = i;
    }
    return terms[most].name;
}
