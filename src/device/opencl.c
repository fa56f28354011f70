/* SPDX-License-Identifier: Apache-2.0 */
#include "device/opencl.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct CodeRow {
    cl_int code;
    AlisaStatus status;
    const char *name;
    const char *advice; /* continues the sentence, or NULL */
} CodeRow;

#define ROW(code, status, advice)                                                                  \
    { code, status, #code, advice }

static const CodeRow code_table[] = {
    /* A call that gives no object and no code has failed too. */
    ROW(CL_SUCCESS, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_DEVICE_NOT_FOUND, ALISA_ERROR_NO_DEVICE, NULL),
    ROW(CL_DEVICE_NOT_AVAILABLE, ALISA_ERROR_NO_DEVICE, "another program may hold the device"),
    ROW(CL_COMPILER_NOT_AVAILABLE, ALISA_ERROR_DEVICE, "the driver has no compiler"),
    ROW(CL_MEM_OBJECT_ALLOCATION_FAILURE, ALISA_ERROR_MEMORY,
        "the device's memory does not suffice; use a smaller model, context or batch"),
    ROW(CL_OUT_OF_RESOURCES, ALISA_ERROR_DEVICE,
        "the device lacks memory or registers for it; a smaller context or batch may help"),
    ROW(CL_OUT_OF_HOST_MEMORY, ALISA_ERROR_MEMORY, "the host's memory does not suffice"),
    ROW(CL_PROFILING_INFO_NOT_AVAILABLE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_MEM_COPY_OVERLAP, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_IMAGE_FORMAT_MISMATCH, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_IMAGE_FORMAT_NOT_SUPPORTED, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_BUILD_PROGRAM_FAILURE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_MAP_FAILURE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_MISALIGNED_SUB_BUFFER_OFFSET, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, ALISA_ERROR_DEVICE,
        "an earlier launch failed on the device"),
    ROW(CL_COMPILE_PROGRAM_FAILURE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_LINKER_NOT_AVAILABLE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_LINK_PROGRAM_FAILURE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_DEVICE_PARTITION_FAILED, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_KERNEL_ARG_INFO_NOT_AVAILABLE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_VALUE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_DEVICE_TYPE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_PLATFORM, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_DEVICE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_CONTEXT, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_QUEUE_PROPERTIES, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_COMMAND_QUEUE, ALISA_ERROR_DEVICE,
        "the driver gave the queue up, often after a launch that ran too long or out of bounds"),
    ROW(CL_INVALID_HOST_PTR, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_MEM_OBJECT, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_IMAGE_FORMAT_DESCRIPTOR, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_IMAGE_SIZE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_SAMPLER, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_BINARY, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_BUILD_OPTIONS, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_PROGRAM, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_PROGRAM_EXECUTABLE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_KERNEL_NAME, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_KERNEL_DEFINITION, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_KERNEL, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_ARG_INDEX, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_ARG_VALUE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_ARG_SIZE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_KERNEL_ARGS, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_WORK_DIMENSION, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_WORK_GROUP_SIZE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_WORK_ITEM_SIZE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_GLOBAL_OFFSET, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_EVENT_WAIT_LIST, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_EVENT, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_OPERATION, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_GL_OBJECT, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_BUFFER_SIZE, ALISA_ERROR_MEMORY, "the device has no buffers of that size"),
    ROW(CL_INVALID_MIP_LEVEL, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_GLOBAL_WORK_SIZE, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_PROPERTY, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_IMAGE_DESCRIPTOR, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_COMPILER_OPTIONS, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_LINKER_OPTIONS, ALISA_ERROR_DEVICE, NULL),
    ROW(CL_INVALID_DEVICE_PARTITION_COUNT, ALISA_ERROR_DEVICE, NULL),
    {-1001, ALISA_ERROR_NO_DEVICE, "CL_PLATFORM_NOT_FOUND_KHR", NULL},
    /* Those of CLBlast that a product can give (clblast_c.h). */
    {-1009, ALISA_ERROR_DEVICE, "CLBlastInsufficientMemoryC", NULL},
    {-1010, ALISA_ERROR_DEVICE, "CLBlastInsufficientMemoryB", NULL},
    {-1011, ALISA_ERROR_DEVICE, "CLBlastInsufficientMemoryA", NULL},
    {-1014, ALISA_ERROR_DEVICE, "CLBlastInvalidLeadDimC", NULL},
    {-1015, ALISA_ERROR_DEVICE, "CLBlastInvalidLeadDimB", NULL},
    {-1016, ALISA_ERROR_DEVICE, "CLBlastInvalidLeadDimA", NULL},
    {-1017, ALISA_ERROR_DEVICE, "CLBlastInvalidDimension", NULL},
    {-1020, ALISA_ERROR_DEVICE, "CLBlastInvalidMatrixC", NULL},
    {-1021, ALISA_ERROR_DEVICE, "CLBlastInvalidMatrixB", NULL},
    {-1022, ALISA_ERROR_DEVICE, "CLBlastInvalidMatrixA", NULL},
    {-2039, ALISA_ERROR_DEVICE, "CLBlastUnexpectedError", NULL},
    {-2040, ALISA_ERROR_DEVICE, "CLBlastUnknownError", NULL},
    {-2041, ALISA_ERROR_DEVICE, "CLBlastDatabaseError", NULL},
    {-2046, ALISA_ERROR_DEVICE, "CLBlastInvalidLocalMemUsage", NULL},
    {-2047, ALISA_ERROR_DEVICE, "CLBlastMissingOverrideParameter", NULL},
    {-2048, ALISA_ERROR_DEVICE, "CLBlastInvalidOverrideKernel", NULL},
    {-2050, ALISA_ERROR_DEVICE, "CLBlastInsufficientMemoryTemp", NULL},
};

static const CodeRow *code_row(cl_int code) {
    static const CodeRow unknown = {0, ALISA_ERROR_DEVICE, "unknown code", NULL};
    for (size_t i = 0; i < sizeof code_table / sizeof *code_table; i++) {
        if (code_table[i].code == code) return &code_table[i];
    }
    return &unknown;
}

const char *alisa_opencl_code_name(cl_int code) {
    return code_row(code)->name;
}

AlisaStatus alisa_opencl_fail(AlisaError *error, cl_int code, const char *call, const char *format,
                              ...) {
    const CodeRow *row = code_row(code);
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return alisa_error_set(error, row->status, "%s: %s failed with %s (%d)%s%s", what, call,
                           row->name, (int)code, row->advice ? ": " : "",
                           row->advice ? row->advice : "");
}

/* Copies without the blanks at both ends that some drivers put around their names. */
static void copy_trimmed(char *text, size_t capacity, const char *from, size_t length) {
    while (length > 0 && (from[length - 1] == 0 || isspace((unsigned char)from[length - 1]))) {
        length--;
    }
    while (length > 0 && isspace((unsigned char)*from)) {
        from++;
        length--;
    }
    if (length >= capacity) length = capacity - 1;
    memcpy(text, from, length);
    text[length] = 0;
}

void alisa_opencl_platform_string(cl_platform_id platform, cl_platform_info property, char *text,
                                  size_t capacity) {
    size_t size = 0;
    text[0] = 0;
    if (clGetPlatformInfo(platform, property, 0, NULL, &size) != CL_SUCCESS || size == 0) return;
    char *value = calloc(1, size + 1);
    if (!value) return;
    if (clGetPlatformInfo(platform, property, size, value, NULL) == CL_SUCCESS) {
        copy_trimmed(text, capacity, value, strlen(value));
    }
    free(value);
}

void alisa_opencl_device_string(cl_device_id device, cl_device_info property, char *text,
                                size_t capacity) {
    size_t size = 0;
    text[0] = 0;
    if (clGetDeviceInfo(device, property, 0, NULL, &size) != CL_SUCCESS || size == 0) return;
    char *value = calloc(1, size + 1);
    if (!value) return;
    if (clGetDeviceInfo(device, property, size, value, NULL) == CL_SUCCESS) {
        copy_trimmed(text, capacity, value, strlen(value));
    }
    free(value);
}

uint64_t alisa_opencl_device_number(cl_device_id device, cl_device_info property,
                                    uint64_t missing) {
    uint64_t wide = 0;
    size_t size = 0;
    if (clGetDeviceInfo(device, property, sizeof wide, &wide, &size) != CL_SUCCESS) return missing;
    if (size == sizeof wide) return wide;
    uint32_t narrow;
    if (size != sizeof narrow) return missing;
    memcpy(&narrow, &wide, sizeof narrow);
    return narrow;
}

bool alisa_opencl_lists_extension(const char *extensions, const char *name) {
    size_t length = strlen(name);
    for (const char *at = extensions; *at;) {
        size_t word = strcspn(at, " ");
        if (word == length && memcmp(at, name, length) == 0) return true;
        at += word;
        at += strspn(at, " ");
    }
    return false;
}

bool alisa_opencl_has_extension(cl_device_id device, const char *name) {
    char *extensions = malloc(ALISA_OPENCL_EXTENSIONS_SIZE);
    if (!extensions) return false;
    alisa_opencl_device_string(device, CL_DEVICE_EXTENSIONS, extensions,
                               ALISA_OPENCL_EXTENSIONS_SIZE);
    bool has = alisa_opencl_lists_extension(extensions, name);
    free(extensions);
    return has;
}
