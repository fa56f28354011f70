/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa inspect: whether a GGUF file runs, its keys and its tensors.
 */
#include "alisa/file.h"
#include "common/terminal.h"
#include "common/text.h"
#include "runtime/rules.h"

#include <string.h>

static void print_summary(const char *path, const AlisaFileInfo *info) {
    printf("%s: GGUF version %u, %u part%s, %llu keys, %llu tensors, %.2f MiB\n", path,
           info->version, info->part_count, info->part_count == 1 ? "" : "s",
           (unsigned long long)info->key_count, (unsigned long long)info->tensor_count,
           (double)info->byte_count / 1048576.0);
}

static void print_key(const char *name, const char *type, const char *value) {
    printf("  ");
    alisa_cli_output_escaped(name, strlen(name));
    printf("  %s  ", type);
    alisa_cli_output_escaped(value, strlen(value));
    putchar('\n');
}

static void print_tensor(const AlisaFileTensor *tensor) {
    char shape[96] = "";
    for (uint32_t i = 0; i < tensor->dimension_count && i < 4; i++) {
        size_t used = strlen(shape);
        snprintf(shape + used, sizeof shape - used, "%s%llu", i ? " x " : "",
                 (unsigned long long)tensor->dimensions[i]);
    }
    printf("  ");
    alisa_cli_output_escaped(tensor->name, strlen(tensor->name));
    printf("  %s  [%s]  %llu bytes at %llu of part %u\n", tensor->type, shape,
           (unsigned long long)tensor->byte_count, (unsigned long long)tensor->offset,
           tensor->part);
}

static json_t *describe_tensor(const AlisaFileTensor *tensor) {
    json_t *dimensions = json_array();
    for (uint32_t i = 0; i < tensor->dimension_count && i < 4; i++) {
        json_array_append_new(dimensions, json_integer((json_int_t)tensor->dimensions[i]));
    }
    return json_pack("{s:o, s:s, s:o, s:I, s:I, s:I}", "name",
                     alisa_cli_json_text(tensor->name, strlen(tensor->name)), "type", tensor->type,
                     "dimensions", dimensions, "bytes", (json_int_t)tensor->byte_count, "part",
                     (json_int_t)tensor->part, "offset", (json_int_t)tensor->offset);
}

/* Walks the keys, printing each or adding it to `rows`, whichever is wanted. */
static AlisaStatus walk_keys(const AlisaFile *file, uint64_t count, json_t *rows,
                             AlisaError *error) {
    for (uint64_t i = 0; i < count; i++) {
        const char *name;
        char type[32], *value;
        AlisaStatus status = alisa_file_key(file, i, &name, type, &value, error);
        if (status != ALISA_OK) return status;
        if (rows) {
            json_array_append_new(
                rows, json_pack("{s:o, s:s, s:o}", "name", alisa_cli_json_text(name, strlen(name)),
                                "type", type, "value", alisa_cli_json_text(value, strlen(value))));
        } else {
            print_key(name, type, value);
        }
        alisa_free(value);
    }
    return ALISA_OK;
}

static AlisaStatus walk_tensors(const AlisaFile *file, uint64_t count, json_t *rows,
                                AlisaError *error) {
    for (uint64_t i = 0; i < count; i++) {
        AlisaFileTensor tensor;
        AlisaStatus status = alisa_file_tensor(file, i, &tensor, error);
        if (status != ALISA_OK) return status;
        if (rows) {
            json_array_append_new(rows, describe_tensor(&tensor));
        } else {
            print_tensor(&tensor);
        }
    }
    return ALISA_OK;
}

/* Reasons go to a list, or a line each. */
static void take_reason(void *user, const char *sentence) {
    json_t *reasons = user;
    if (reasons) {
        json_array_append_new(reasons, alisa_cli_json_text(sentence, strlen(sentence)));
        return;
    }
    printf("does not run: ");
    alisa_cli_output_escaped(sentence, strlen(sentence));
    putchar('\n');
}

/* What the flags of the command line keep in host memory. */
typedef struct HostShare {
    uint64_t bytes, tensors; /* in host memory */
    uint64_t all;            /* bytes of all tensors; 0: no flag asks for any of it */
} HostShare;

static AlisaStatus weigh(const Settings *settings, const AlisaFile *file, const AlisaFileInfo *info,
                         HostShare *share, AlisaError *error) {
    TensorRules rules;
    *share = (HostShare){0};
    if (!alisa_cli_rules_given(settings)) return ALISA_OK;
    if (!alisa_cli_rules_make(&rules, settings)) return alisa_cli_memory_error(error);
    AlisaStatus status = alisa_file_host_bytes(file, rules.items, rules.count, &share->bytes,
                                               &share->tensors, error);
    alisa_cli_rules_free(&rules);
    for (uint64_t i = 0; i < info->tensor_count && status == ALISA_OK; i++) {
        AlisaFileTensor tensor;
        status = alisa_file_tensor(file, i, &tensor, error);
        share->all += tensor.byte_count;
    }
    return status;
}

static void print_share(const HostShare *share) {
    printf("weights: %.2f MiB on the device, %.2f MiB (%llu tensors) in host memory\n",
           (double)(share->all - share->bytes) / 1048576.0, (double)share->bytes / 1048576.0,
           (unsigned long long)share->tensors);
}

ExitCode alisa_cli_inspect(const Settings *settings) {
    AlisaFile *file;
    AlisaError error;
    if (alisa_file_open(settings->operands[0], &file, &error) != ALISA_OK) {
        return alisa_cli_fail(&error);
    }
    AlisaFileInfo info;
    HostShare share;
    alisa_file_info(file, &info);
    bool json = settings->output == OUTPUT_JSON;
    json_t *keys = json ? json_array() : NULL, *tensors = json ? json_array() : NULL;
    json_t *reasons = json ? json_array() : NULL;
    size_t reason_count = 0;
    AlisaStatus status = weigh(settings, file, &info, &share, &error);
    if (status == ALISA_OK && !json) print_summary(settings->operands[0], &info);
    if (status == ALISA_OK && !json && share.all > 0) print_share(&share);
    if (status == ALISA_OK)
        status = alisa_file_check(file, take_reason, reasons, &reason_count, &error);
    if (status == ALISA_OK && !json) printf("%skeys\n", reason_count == 0 ? "runs\n" : "");
    if (status == ALISA_OK) status = walk_keys(file, info.key_count, keys, &error);
    if (status == ALISA_OK && !json) printf("tensors\n");
    if (status == ALISA_OK) status = walk_tensors(file, info.tensor_count, tensors, &error);
    if (status == ALISA_OK && json) {
        alisa_cli_output_json(
            json_pack("{s:o, s:b, s:O, s:I, s:I, s:I, s:I, s:O, s:O}", "file",
                      alisa_cli_json_text(settings->operands[0], strlen(settings->operands[0])),
                      "runs", reason_count == 0, "reasons", reasons, "version",
                      (json_int_t)info.version, "parts", (json_int_t)info.part_count, "bytes",
                      (json_int_t)info.byte_count, "host_bytes", (json_int_t)share.bytes, "keys",
                      keys, "tensors", tensors),
            JSON_INDENT(2));
    }
    json_decref(reasons);
    json_decref(keys);
    json_decref(tensors);
    alisa_file_close(file);
    return status == ALISA_OK ? EXIT_DONE : alisa_cli_fail(&error);
}
