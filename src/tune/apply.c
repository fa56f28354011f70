/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "tune/tune.h"

static const AlisaParameterInfo *find_parameter(const AlisaFamilyInfo *family, const char *name) {
    for (uint32_t i = 0; i < family->parameter_count; i++)
        if (strcmp(family->parameters[i].name, name) == 0) return &family->parameters[i];
    return NULL;
}

/* False: neither a number of ours nor one of the parameter's words. */
static bool read_value(const AlisaParameterInfo *parameter, const json_t *value, uint32_t *read) {
    if (json_is_integer(value)) {
        json_int_t number = json_integer_value(value);
        *read = (uint32_t)number;
        return !parameter->words && number >= 0 && number <= UINT32_MAX;
    }
    const char *word = json_string_value(value);
    for (*read = 0; word && parameter->words && parameter->words[*read]; ++*read)
        if (strcmp(parameter->words[*read], word) == 0) return true;
    return false;
}

/* NULL, or what is wrong. `values` is changed in any case. */
static const char *read_set(const AlisaParameterSet *set, const json_t *object,
                            const AlisaDeviceInfo *info, uint32_t *values) {
    const AlisaFamilyInfo *family = alisa_family_info(set->family);
    const char *name;
    json_t *value;
    if (!json_is_object(object)) return "it is no object";
    json_object_foreach((json_t *)object, name, value) {
        const AlisaParameterInfo *parameter = find_parameter(family, name);
        if (!parameter) return "a parameter is not known";
        if (!read_value(parameter, value, &values[parameter->offset]))
            return "a value is neither a number nor a word of its parameter";
    }
    return alisa_parameter_set_check(set, values, info);
}

uint32_t alisa_tuner_apply(const json_t *object, const char *origin, const AlisaDeviceInfo *info,
                           const AlisaLog *log, AlisaOpsParameters *parameters) {
    uint32_t taken = 0;
    const char *name;
    json_t *values;
    json_object_foreach((json_t *)object, name, values) {
        AlisaParameterSet set;
        if (!alisa_parameter_set_find(name, &set)) continue; /* of another version */
        AlisaOpsParameters read = *parameters;
        const char *wrong = read_set(&set, values, info, alisa_parameter_values(&read, &set));
        if (wrong) {
            alisa_log_write(log, ALISA_LOG_WARNING,
                            "tuning %s: %s is not used: %s; run `alisa tune` again", origin, name,
                            wrong);
            continue;
        }
        *parameters = read;
        taken++;
    }
    return taken;
}

json_t *alisa_tuner_values(const AlisaOpsParameters *parameters, const AlisaParameterSet *set) {
    AlisaOpsParameters copy = *parameters;
    const AlisaFamilyInfo *family = alisa_family_info(set->family);
    const uint32_t *values = alisa_parameter_values(&copy, set);
    json_t *object = json_object();
    for (uint32_t i = 0; i < family->parameter_count && object; i++) {
        const AlisaParameterInfo *parameter = &family->parameters[i];
        uint32_t value = values[parameter->offset];
        if (!alisa_parameter_matters(family, parameter, values)) continue;
        json_object_set_new(object, parameter->name,
                            parameter->words ? json_string(parameter->words[value])
                                             : json_integer(value));
    }
    return object;
}

void alisa_tuner_describe_values(const AlisaOpsParameters *parameters, const AlisaParameterSet *set,
                                 char text[256]) {
    json_t *values = alisa_tuner_values(parameters, set);
    const char *name;
    json_t *value;
    size_t used = 0;
    text[0] = 0;
    json_object_foreach(values, name, value) {
        const char *word = json_string_value(value);
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        int length = snprintf(text + used, 256 - used, "%s%s=%s", used ? " " : "", name,
                              word ? word : number);
        if (length < 0 || (size_t)length >= 256 - used) break;
        used += (size_t)length;
    }
    json_decref(values);
}
