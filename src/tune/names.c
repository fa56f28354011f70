/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drivers say what a device is in many ways: the same GPU is "gfx1012:xnack-" to one and "AMD
 * Radeon RX 5500 XT (navi14, LLVM 15.0.7, ...)" to another, "QUALCOMM Adreno(TM)" stands for ten
 * years of GPUs, and AMD's CPUs may carry the vendor number of Intel. The tables below bring that
 * to one form.
 */
#include "tune/names.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

/* `pattern` is an extended regular expression over each line of `text`, whatever the case. `group`,
 * which may be NULL, gets what its first group found, in small letters. */
static bool text_has(const char *text, const char *pattern, char group[64]) {
    regex_t expression;
    regmatch_t found[2];
    if (regcomp(&expression, pattern, REG_EXTENDED | REG_ICASE | REG_NEWLINE) != 0) return false;
    bool has = regexec(&expression, text, 2, found, 0) == 0;
    regfree(&expression);
    if (!has || !group) return has;
    size_t length = 0;
    for (regoff_t at = found[1].rm_so; at >= 0 && at < found[1].rm_eo && length < 63; at++)
        group[length++] = (char)tolower((unsigned char)text[at]);
    group[length] = 0;
    return true;
}

/* ---- Vendors ------------------------------------------------------------------------------- */

typedef struct Vendor {
    const char *name;
    uint32_t ids[2]; /* of PCI; 0: none */
    const char *words;
} Vendor;

static const Vendor vendors[] = {
    {"AMD", {0x1002, 0x1022}, "advanced micro|amd|radeon|firepro|gfx[0-9]"},
    {"NVIDIA", {0x10de}, "nvidia|geforce|quadro|tesla|titan"},
    {"Intel", {0x8086}, "intel"},
    {"Qualcomm", {0x5143}, "qualcomm|adreno"},
    {"ARM", {0x13b5}, "(^|[^a-z])arm|mali-|immortalis|cortex-|neoverse-"},
    {"Apple", {0x106b}, "apple"},
    {"Moore Threads", {0x1ed5}, "moore ?threads|musa|mtt s"},
    {"Imagination", {0x1010}, "imagination|powervr"},
};

enum { VENDOR_COUNT = sizeof vendors / sizeof *vendors };

static const Vendor *vendor_by_words(const char *text) {
    for (size_t i = 0; i < VENDOR_COUNT; i++) {
        if (text_has(text, vendors[i].words, NULL)) return &vendors[i];
    }
    return NULL;
}

static const Vendor *vendor_by_id(uint32_t id) {
    for (size_t i = 0; i < VENDOR_COUNT && id != 0; i++) {
        if (vendors[i].ids[0] == id || vendors[i].ids[1] == id) return &vendors[i];
    }
    return NULL;
}

/* Words before numbers: Mali and Adreno have numbers of their own, and PoCL gives CPUs of AMD that
 * of Intel. */
const char *alisa_tuner_vendor(const AlisaTuneKey *key) {
    const Vendor *vendor = vendor_by_words(key->vendor);
    if (!vendor) vendor = vendor_by_id(key->vendor_id);
    if (!vendor) vendor = vendor_by_words(key->device);
    if (!vendor) vendor = vendor_by_words(key->platform);
    return vendor ? vendor->name : key->vendor;
}

/* ---- Architectures ------------------------------------------------------------------------- */

/* Text with `pattern` is of the architecture `token`, followed by what the first group of the
 * pattern found if `group` is not 0. Of the group, as many characters as `group` says belong to the
 * family. The first row that fits counts; a row finds its own tokens too. */
typedef struct Architecture {
    const char *vendor; /* NULL: any */
    const char *pattern;
    const char *token;
    size_t group;
} Architecture;

enum { NONE = 0, WHOLE = 63 };

/* What LLVM calls a CPU, which PoCL puts into its names: "skylake-avx512", "cortex-a55". */
#define LLVM_CPU "([a-z0-9_.]+(-avx512|-64|-[a-z][0-9]+[a-z]*)?)(-|$)"

static const Architecture architectures[] = {
    {NULL, "^cpu-" LLVM_CPU, "", WHOLE},
    {NULL, "^pthread-" LLVM_CPU, "", WHOLE},
    {NULL, "epyc 7[0-9a-z]{2}1|ryzen [3579] 1[0-9]{3}", "znver1", NONE},
    {NULL, "epyc 7[0-9a-z]{2}2|ryzen .*3[0-9]{3}x", "znver2", NONE},
    {NULL, "epyc 7[0-9a-z]{2}3", "znver3", NONE},
    {NULL, "epyc 9[0-9a-z]{2}4", "znver4", NONE},
    {NULL, "epyc 9[0-9a-z]{2}5", "znver5", NONE},
    {NULL, "power([0-9]+)", "power", WHOLE},

    /* Chips as Mesa and the drivers before ROCm call them. */
    {"AMD", "(gfx[0-9]{1,2}[0-9a-f]{2})", "", WHOLE},
    {"AMD", "tahiti", "gfx600", NONE},
    {"AMD", "cape ?verde|pitcairn", "gfx601", NONE},
    {"AMD", "oland|hainan", "gfx602", NONE},
    {"AMD", "spectre|kaveri", "gfx700", NONE},
    {"AMD", "hawaii", "gfx701", NONE},
    {"AMD", "kalindi|kabini|mullins", "gfx703", NONE},
    {"AMD", "bonaire", "gfx704", NONE},
    {"AMD", "carrizo", "gfx801", NONE},
    {"AMD", "tonga|iceland", "gfx802", NONE},
    {"AMD", "fiji|ellesmere|baffin|polaris", "gfx803", NONE},
    {"AMD", "vega10", "gfx900", NONE},
    {"AMD", "raven", "gfx902", NONE},
    {"AMD", "vega20", "gfx906", NONE},
    {"AMD", "renoir", "gfx90c", NONE},
    {"AMD", "navi10", "gfx1010", NONE},
    {"AMD", "navi12", "gfx1011", NONE},
    {"AMD", "navi14", "gfx1012", NONE},
    {"AMD", "navi21", "gfx1030", NONE},
    {"AMD", "navi22", "gfx1031", NONE},
    {"AMD", "navi23", "gfx1032", NONE},
    {"AMD", "vangogh", "gfx1033", NONE},
    {"AMD", "navi24", "gfx1034", NONE},
    {"AMD", "rembrandt", "gfx1035", NONE},
    {"AMD", "raphael", "gfx1036", NONE},
    {"AMD", "navi31", "gfx1100", NONE},
    {"AMD", "navi32", "gfx1101", NONE},
    {"AMD", "navi33", "gfx1102", NONE},
    {"AMD", "phoenix", "gfx1103", NONE},
    {"AMD", "navi44", "gfx1200", NONE},
    {"AMD", "navi48", "gfx1201", NONE},

    /* Newest first where numbers come again: "Quadro RTX 5000" and "RTX 5090". */
    {"NVIDIA", "rtx 50[5-9]0", "sm_120", NONE},
    {"NVIDIA", "(^|[ -])g?b200", "sm_100", NONE},
    {"NVIDIA", "(^|[ -])g?h[12]00", "sm_90", NONE},
    {"NVIDIA", "rtx 40[5-9]0|rtx [2-6][05]00 .*ada|(^| )l40?s?($|[^0-9a-z])", "sm_89", NONE},
    {"NVIDIA", "orin", "sm_87", NONE},
    {"NVIDIA", "rtx 30[5-9]0|rtx a[2-6][05]00|(^| )a(2|10|16|40)($|[^0-9])", "sm_86", NONE},
    {"NVIDIA", "(^| )a(100|30)($|[^0-9])", "sm_80", NONE},
    {"NVIDIA", "rtx 20[5-8]0|gtx 16[2-6]0|(quadro|titan) rtx|(^| )t4($|[^0-9])", "sm_75", NONE},
    {"NVIDIA", "xavier", "sm_72", NONE},
    {"NVIDIA", "v100|titan v($|[^a-z])", "sm_70", NONE},
    {"NVIDIA", "p100", "sm_60", NONE},
    {"NVIDIA", "tegra x1", "sm_53", NONE},
    {"NVIDIA", "gtx 9[5-8]0|gtx titan x|tesla m[46]", "sm_52", NONE},
    {"NVIDIA", "gtx 7[45][05]|mx1[13]0|quadro k620", "sm_50", NONE},
    {"NVIDIA", "gtx 10[5-8]0|gt 10[13]0|mx[1-3][35]0|(tesla|quadro) p[0-9]|titan x", "sm_61", NONE},
    {"NVIDIA", "tesla k80", "sm_37", NONE},
    {"NVIDIA", "tesla k[24]0|gtx titan|gtx 780", "sm_35", NONE},

    /* The numbers in brackets are those of PCI, for boards that the driver has no name for. */
    {"Intel", "arc.{0,12} b[3-7]|\\[0xe20[0-9a-f]\\]", "ip_20.1", NONE},
    {"Intel", "arc.{0,12} a3|\\[0x56a[56]\\]", "ip_12.56", NONE},
    {"Intel", "arc.{0,12} a[57]|\\[0x56a[0-2]\\]|\\(dg2", "ip_12.55", NONE},
    {"Intel", "\\((adl|rpl)-p", "ip_12.3", NONE},
    {"Intel", "\\((adl|rpl)-s|uhd graphics 7[37]0", "ip_12.2", NONE},
    {"Intel", "iris.{0,4} xe|\\(tgl", "ip_12.0", NONE},
    {"Intel", "ip_9|gen9|hd graphics [56][0-9]{2}($|[^0-9])", "ip_9", NONE},
    {"Intel", "hd graphics (4[0-9]{3}|ivybridge|haswell)", "ip_7", NONE},

    {"Qualcomm", "adreno[^0-9]{0,8}(x[0-9]|[1-9][0-9]{2})", "adreno", 1},
    {"Qualcomm", "^fd([1-9][0-9]{2})", "adreno", 1}, /* Mesa */
    {"ARM", "mali-lodx", "mali-g610", NONE},
    {"ARM", "mali-([gt][0-9]+)", "mali-", WHOLE},
    {"ARM", "immortalis-(g[0-9]+)", "mali-", WHOLE},
    {"Apple", "apple[ -](m[0-9]+)", "apple-", WHOLE},
    {"Moore Threads", "musa[ -](gen[0-9]+)", "musa-", WHOLE},
};

static bool recognise(const char *vendor, const char *text, bool family, char architecture[64]) {
    char group[64];
    for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++) {
        const Architecture *row = &architectures[i];
        if (row->vendor && strcmp(row->vendor, vendor) != 0) continue;
        if (!text_has(text, row->pattern, group)) continue;
        int length = (int)(row->group == NONE || family ? row->group : WHOLE);
        int used = (int)strlen(row->token);
        snprintf(architecture, 64, "%s%.*s", row->token, length < 63 - used ? length : 63 - used,
                 group);
        return true;
    }
    return false;
}

void alisa_tuner_architecture(const char *vendor, const char *text, char architecture[64]) {
    if (!recognise(vendor, text, false, architecture)) architecture[0] = 0;
}

void alisa_tuner_family(const AlisaTuneKey *key, char family[64]) {
    const char *vendor = alisa_tuner_vendor(key);
    char names[sizeof key->device + sizeof key->board];
    snprintf(names, sizeof names, "%s\n%s", key->device, key->board);
    bool known = key->architecture[0] != 0;
    if (recognise(vendor, known ? key->architecture : names, true, family)) return;
    snprintf(family, 64, "%s", key->architecture);
}
