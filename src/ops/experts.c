/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/experts.h"

#include "ops/ops_internal.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static AlisaStatus check_integers(const char *operation, const char *name,
                                  const AlisaBuffer *buffer, uint64_t offset, uint64_t count,
                                  AlisaError *error) {
    if (offset + count <= buffer->size / sizeof(int32_t)) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "%s: %s of %llu numbers at element %llu ends outside its buffer of %llu "
                           "bytes",
                           operation, name, (unsigned long long)count, (unsigned long long)offset,
                           (unsigned long long)buffer->size);
}

AlisaStatus alisa_ops_route(AlisaOps *ops, AlisaVector logits, uint32_t rows, uint32_t experts,
                            uint32_t used, AlisaShares kind, const AlisaBuffer *chosen,
                            const AlisaBuffer *shares, AlisaError *error) {
    if (used == 0 || used > experts)
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "route: %u experts of %u", used,
                               experts);
    uint64_t count = (uint64_t)rows * used;
    AlisaStatus status = alisa_ops_check_vector("route", "logits", logits, rows, experts, error);
    if (!status) status = check_integers("route", "chosen", chosen, 0, count, error);
    if (!status) status = check_integers("route", "shares", shares, 0, count, error);
    if (status) return status;
    uint32_t over_chosen = kind == ALISA_SHARES_OF_CHOSEN;
    const AlisaLaunch sizes = alisa_ops_ewise_groups(ops, rows);
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(logits.buffer),
        ALISA_ARG(logits.offset),
        ALISA_ARG(experts),
        ALISA_ARG(used),
        ALISA_ARG(over_chosen),
        ALISA_ARG_BUFFER(chosen),
        ALISA_ARG_BUFFER(shares),
    };
    return alisa_ops_ewise_launch(ops, ALISA_OPS_ROUTE, 0, &sizes, arguments, COUNT(arguments),
                                  error);
}

AlisaStatus alisa_ops_combine(AlisaOps *ops, AlisaVector x, const AlisaBuffer *places,
                              uint64_t places_offset, const AlisaBuffer *shares, uint32_t rows,
                              uint32_t used, uint32_t columns, bool accumulate, AlisaVector y,
                              AlisaError *error) {
    uint64_t count = (uint64_t)rows * used;
    AlisaStatus status = alisa_ops_check_vector("combine", "y", y, rows, columns, error);
    if (!status) status = check_integers("combine", "places", places, places_offset, count, error);
    if (!status) status = check_integers("combine", "shares", shares, 0, count, error);
    if (status) return status;
    const AlisaLaunch sizes = alisa_ops_ewise_quads(columns, rows);
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(x.buffer), ALISA_ARG(x.offset),        ALISA_ARG_BUFFER(places),
        ALISA_ARG(places_offset),   ALISA_ARG_BUFFER(shares),   ALISA_ARG(used),
        ALISA_ARG(columns),         ALISA_ARG_BUFFER(y.buffer), ALISA_ARG(y.offset),
    };
    return alisa_ops_ewise_launch(ops, ALISA_OPS_COMBINE, accumulate, &sizes, arguments,
                                  COUNT(arguments), error);
}

AlisaStatus alisa_ops_weigh(AlisaOps *ops, AlisaVector logits, uint32_t rows, uint32_t columns,
                            AlisaVector y, AlisaError *error) {
    AlisaStatus status = alisa_ops_check_vector("weigh", "logits", logits, rows, 1, error);
    if (!status) status = alisa_ops_check_vector("weigh", "y", y, rows, columns, error);
    if (status) return status;
    const AlisaLaunch sizes = alisa_ops_ewise_quads(columns, rows);
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(logits.buffer), ALISA_ARG(logits.offset), ALISA_ARG(columns),
        ALISA_ARG_BUFFER(y.buffer),      ALISA_ARG(y.offset),
    };
    return alisa_ops_ewise_launch(ops, ALISA_OPS_WEIGH, 0, &sizes, arguments, COUNT(arguments),
                                  error);
}
