/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenCL API as this module uses it: the 1.2 host interface, and one way to report its
 * failures.
 */
#ifndef ALISA_DEVICE_OPENCL_H
#define ALISA_DEVICE_OPENCL_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include "base/status.h"

/* The name of an error code ("CL_INVALID_VALUE"); "unknown code" for one without a known name. */
const char *alisa_opencl_code_name(cl_int code);

/* Fills *error with "<text>: <call> failed with <name> (<code>)", where `format` gives the text,
 * and an advice if there is one for the code. Returns the status that fits the code:
 * ALISA_ERROR_MEMORY, ALISA_ERROR_NO_DEVICE or ALISA_ERROR_DEVICE. */
AlisaStatus alisa_opencl_fail(AlisaError *error, cl_int code, const char *call, const char *format,
                              ...) ALISA_PRINTF(4, 5);

/* A property of type text, trimmed and cut to `capacity`; "" if the driver gives none. */
void alisa_opencl_platform_string(cl_platform_id platform, cl_platform_info property, char *text,
                                  size_t capacity);
void alisa_opencl_device_string(cl_device_id device, cl_device_info property, char *text,
                                size_t capacity);
/* A property that is an unsigned number of any width; `missing` if the driver gives none. */
uint64_t alisa_opencl_device_number(cl_device_id device, cl_device_info property, uint64_t missing);

/* Bytes for a list of extensions: lists have some KiB. */
#define ALISA_OPENCL_EXTENSIONS_SIZE (64u << 10)

/* Whether `name` is a word of the list `extensions`. */
bool alisa_opencl_lists_extension(const char *extensions, const char *name);
/* Whether the device has the extension `name`. */
bool alisa_opencl_has_extension(cl_device_id device, const char *name);

#endif
