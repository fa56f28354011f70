/* SPDX-License-Identifier: Apache-2.0 */
#include "device/sgemm.h"

#include <string.h>

#include "device/internal.h"

bool alisa_sgemm_reaches(const AlisaSgemmMatrix *matrix, uint32_t rows) {
    return matrix->offset <= INT32_MAX &&
           matrix->offset + (uint64_t)rows * matrix->stride <= INT32_MAX;
}

#ifdef ALISA_HAVE_CLBLAST

#include <clblast_c.h>
#include <pthread.h>

typedef struct Row {
    const char *name; /* in CLBlast */
    size_t place;
} Row;

#define PLACE(field) offsetof(AlisaSgemmParameters, field)

static const Row gemm_rows[] = {
    {"GEMMK", PLACE(gemmk)}, {"MWG", PLACE(mwg)},     {"NWG", PLACE(nwg)},
    {"KWG", PLACE(kwg)},     {"KWI", PLACE(kwi)},     {"MDIMC", PLACE(mdimc)},
    {"NDIMC", PLACE(ndimc)}, {"VWM", PLACE(vwm)},     {"VWN", PLACE(vwn)},
    {"MDIMA", PLACE(mdima)}, {"NDIMB", PLACE(ndimb)}, {"SA", PLACE(sa)},
    {"SB", PLACE(sb)},       {"STRM", PLACE(strm)},   {"STRN", PLACE(strn)},
    {"KREG", PLACE(kreg)},
};
static const Row routine_rows[] = {{"XGEMM_MIN_INDIRECT_SIZE", PLACE(indirect)}};

enum { GEMM_ROWS = sizeof gemm_rows / sizeof *gemm_rows, KNOWN_DEVICES = 8 };

/* CLBlast's own state is one for the process: the parameters that its kernels are built with, by
 * device, and the programs. The lock makes one action of setting parameters and using them; without
 * it two threads that build the same program would be told of an internal error. */
static struct {
    pthread_mutex_t lock;
    struct {
        cl_device_id id;
        AlisaSgemmParameters parameters; /* as CLBlast has them */
    } known[KNOWN_DEVICES];
    size_t next; /* slot of `known` that is used again next */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool alisa_opencl_has_sgemm(void) {
    return true;
}

/* What a kernel does not have is set to what it is built with elsewhere, so that sets that differ
 * in nothing else share a program. */
static AlisaSgemmParameters settle(const AlisaSgemmParameters *wanted) {
    AlisaSgemmParameters settled = *wanted;
    if (settled.gemmk) {
        settled.kwg = settled.kwi = 1;
        settled.sa = settled.sb = settled.strm = settled.strn = 0;
    } else {
        settled.kreg = 1;
    }
    if (!settled.sa) settled.mdima = settled.mdimc;
    if (!settled.sb) settled.ndimb = settled.ndimc;
    return settled;
}

static cl_int override(cl_device_id id, const char *kernel, const Row *rows, size_t count,
                       const AlisaSgemmParameters *parameters) {
    const char *names[GEMM_ROWS];
    size_t values[GEMM_ROWS];
    for (size_t i = 0; i < count; i++) {
        uint32_t value;
        memcpy(&value, (const char *)parameters + rows[i].place, sizeof value);
        names[i] = rows[i].name;
        values[i] = value;
    }
    return (cl_int)CLBlastOverrideParameters(id, kernel, CLBlastPrecisionSingle, count, names,
                                             values);
}

/* Tells CLBlast the parameters unless it has them. Programs built with others stay in its cache. */
static cl_int apply(cl_device_id id, const AlisaSgemmParameters *wanted) {
    AlisaSgemmParameters parameters = settle(wanted);
    size_t slot = 0;
    while (slot < KNOWN_DEVICES && state.known[slot].id != id)
        slot++;
    if (slot == KNOWN_DEVICES) {
        slot = state.next;
        state.next = (state.next + 1) % KNOWN_DEVICES;
    } else if (memcmp(&state.known[slot].parameters, &parameters, sizeof parameters) == 0) {
        return CL_SUCCESS;
    }
    state.known[slot].id = NULL;
    cl_int code = override(id, "Xgemm", gemm_rows, GEMM_ROWS, &parameters);
    if (code == CL_SUCCESS) code = override(id, "GemmRoutine", routine_rows, 1, &parameters);
    if (code != CL_SUCCESS) return code;
    state.known[slot].id = id;
    state.known[slot].parameters = parameters;
    return CL_SUCCESS;
}

/* In columns of matrices that are stored by columns, the weights are K x M and transposed, the
 * activations K x N, the results M x N: results alone are as the kernel of gemmk 0 writes them,
 * weights alone as that of gemmk 1 reads them. */
static cl_int run(AlisaDevice *device, const AlisaSgemm *product) {
    const AlisaSgemmMatrix *w = &product->weights, *x = &product->activations;
    const AlisaSgemmMatrix *y = &product->results;
    return (cl_int)CLBlastSgemmWithTempBuffer(
        CLBlastLayoutColMajor, CLBlastTransposeYes, CLBlastTransposeNo, product->outputs,
        product->rows, product->columns, 1.0f, w->buffer->memory, w->offset, w->stride,
        x->buffer->memory, x->offset, x->stride, product->accumulate ? 1.0f : 0.0f,
        y->buffer->memory, y->offset, y->stride, &device->queue, NULL, product->scratch->memory);
}

AlisaStatus alisa_opencl_sgemm(AlisaDevice *device, const AlisaSgemm *product,
                               const AlisaSgemmParameters *parameters, AlisaError *error) {
    if (product->outputs == 0 || product->rows == 0) return ALISA_OK;
    if (!alisa_sgemm_reaches(&product->weights, product->outputs) ||
        !alisa_sgemm_reaches(&product->activations, product->rows) ||
        !alisa_sgemm_reaches(&product->results, product->rows)) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "a product of %u x %u weights and %u rows has elements past 2^31, "
                               "which CLBlast does not count to: use a smaller batch (-b, -ub)",
                               product->outputs, product->columns, product->rows);
    }
    device->used_sgemm = true;
    pthread_mutex_lock(&state.lock);
    cl_int code = apply(device->candidate.id, parameters);
    if (code == CL_SUCCESS) code = run(device, product);
    pthread_mutex_unlock(&state.lock);
    if (code == CL_SUCCESS) return ALISA_OK;
    return alisa_opencl_fail(error, code, "CLBlastSgemm",
                             "a product of %u x %u weights and %u rows on %s", product->outputs,
                             product->columns, product->rows, device->candidate.info.name);
}

void alisa_sgemm_release(AlisaDevice *device) {
    if (!device->used_sgemm) return;
    pthread_mutex_lock(&state.lock);
    CLBlastClearCache();
    pthread_mutex_unlock(&state.lock);
}

#else

bool alisa_opencl_has_sgemm(void) {
    return false;
}

AlisaStatus alisa_opencl_sgemm(AlisaDevice *device, const AlisaSgemm *product,
                               const AlisaSgemmParameters *parameters, AlisaError *error) {
    (void)product, (void)parameters;
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "products on %s are to be done by CLBlast, and this build has none: use "
                           "another layout, or build with the package libclblast-dev",
                           device->candidate.info.name);
}

void alisa_sgemm_release(AlisaDevice *device) {
    (void)device;
}

#endif
