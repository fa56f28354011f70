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

/* Name of an error code ("CL_INVALID_VALUE"), "unknown code" for one this table does not hold. */
const char *alisa_opencl_code_name(cl_int code);

/* Fills *error with "<what>: <call> failed with <name> (<code>)" and an advice where the code has
 * one. The status follows from the code: memory, no device, or device. */
AlisaStatus alisa_opencl_fail(AlisaError *error, cl_int code, const char *call, const char *format,
                              ...) ALISA_PRINTF(4, 5);

/* String properties, trimmed and cut to `capacity`; "" where the driver gives none. */
void alisa_opencl_platform_string(cl_platform_id platform, cl_platform_info property, char *text,
                                  size_t capacity);
void alisa_opencl_device_string(cl_device_id device, cl_device_info property, char *text,
                                size_t capacity);
/* Unsigned properties of any width; `missing` where the driver gives none. */
uint64_t alisa_opencl_device_number(cl_device_id device, cl_device_info property, uint64_t missing);

#define ALISA_OPENCL_EXTENSIONS_SIZE (64u << 10) /* lists run to some KiB */

/* Whether `name` is a word of a list of extensions, or of the device's own list. */
bool alisa_opencl_lists_extension(const char *extensions, const char *name);
bool alisa_opencl_has_extension(cl_device_id device, const char *name);

#endif
