/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Methods of texts, as Python's str has them.
 */
#include "template/text_methods.h"

#include <utf8proc.h>

/* ---- Cutting ------------------------------------------------------------------------------ */

static AlisaValue strip(AlisaCall *call, bool left, bool right) {
    AlisaText characters = alisa_call_text(call, 0, "");
    const AlisaText *given = alisa_call_given(call, 0) ? &characters : NULL;
    return alisa_value_text(alisa_text_strip(call->arena, call->self.text, given, left, right));
}

static AlisaValue text_strip(AlisaCall *call) {
    return strip(call, true, true);
}

static AlisaValue text_lstrip(AlisaCall *call) {
    return strip(call, true, false);
}

static AlisaValue text_rstrip(AlisaCall *call) {
    return strip(call, false, true);
}

/* Words with white space between them, at most `most` cuts; the rest stays whole. */
static AlisaValue split_at_space(AlisaCall *call, int64_t most, bool from_right) {
    AlisaValue parts = alisa_value_list(call->arena, ALISA_LIST_LIST, 0);
    AlisaText rest = call->self.text;
    for (;;) {
        rest = alisa_text_strip(call->arena, rest, NULL, !from_right, from_right);
        if (rest.length == 0) return parts;
        if (most >= 0 && most-- == 0) break;
        size_t at = from_right ? rest.length : 0, size;
        while (from_right ? at > 0 : at < rest.length) {
            size_t next = from_right ? at - alisa_text_before(rest, at) : at;
            if (alisa_text_is_space(alisa_text_character(rest, next, &size))) break;
            at = from_right ? next : at + size;
        }
        bool whole = at == (from_right ? 0 : rest.length);
        AlisaText word =
            from_right ? alisa_text_cut(rest, at, rest.length) : alisa_text_cut(rest, 0, at);
        alisa_arena_pay(call->arena, 1 + word.length / 16);
        alisa_list_push(call->arena, parts.list, alisa_value_text(word));
        if (whole) return parts;
        rest = from_right ? alisa_text_cut(rest, 0, at) : alisa_text_cut(rest, at, rest.length);
    }
    alisa_list_push(call->arena, parts.list, alisa_value_text(rest));
    return parts;
}

static AlisaValue split_at(AlisaCall *call, AlisaText separator, int64_t most, bool from_right) {
    AlisaValue parts = alisa_value_list(call->arena, ALISA_LIST_LIST, 0);
    AlisaText rest = call->self.text;
    if (separator.length == 0) alisa_arena_fail(call->arena, "split: the separator is empty");
    while (most < 0 || most-- > 0) {
        size_t at = from_right ? alisa_text_find_last(call->arena, rest, separator)
                               : alisa_text_find(call->arena, rest, separator, 0);
        if (at == ALISA_TEXT_NOWHERE) break;
        AlisaText after = alisa_text_cut(rest, at + separator.length, rest.length);
        AlisaText before = alisa_text_cut(rest, 0, at);
        alisa_list_push(call->arena, parts.list, alisa_value_text(from_right ? after : before));
        rest = from_right ? before : after;
    }
    alisa_list_push(call->arena, parts.list, alisa_value_text(rest));
    return parts;
}

static AlisaValue split(AlisaCall *call, bool from_right) {
    int64_t most = alisa_call_integer(call, 1, -1);
    AlisaValue parts = alisa_call_given(call, 0)
                           ? split_at(call, alisa_call_text(call, 0, ""), most, from_right)
                           : split_at_space(call, most, from_right);
    AlisaList *list = parts.list;
    for (size_t i = 0; from_right && i < list->count / 2; i++) {
        AlisaValue item = list->items[i];
        list->items[i] = list->items[list->count - 1 - i];
        list->items[list->count - 1 - i] = item;
    }
    return parts;
}

static AlisaValue text_split(AlisaCall *call) {
    return split(call, false);
}

static AlisaValue text_rsplit(AlisaCall *call) {
    return split(call, true);
}

/* Line ends as Python has them: also the separators of files, groups and records. */
static bool ends_line(int32_t character) {
    return (character >= '\n' && character <= '\r') || (character >= 0x1c && character <= 0x1e) ||
           character == 0x85 || character == 0x2028 || character == 0x2029;
}

static AlisaValue text_splitlines(AlisaCall *call) {
    AlisaText text = call->self.text;
    bool keep = alisa_call_flag(call, 0, false);
    AlisaValue lines = alisa_value_list(call->arena, ALISA_LIST_LIST, 0);
    size_t first = 0;
    for (size_t i = 0, size; i < text.length;) {
        int32_t character = alisa_text_character(text, i, &size);
        size_t end = i;
        i += size;
        alisa_arena_pay(call->arena, 1);
        if (!ends_line(character)) continue;
        if (character == '\r' && i < text.length && text.bytes[i] == '\n') i++;
        AlisaText line = alisa_text_cut(text, first, keep ? i : end);
        alisa_list_push(call->arena, lines.list, alisa_value_text(line));
        first = i;
    }
    if (first < text.length) {
        AlisaText line = alisa_text_cut(text, first, text.length);
        alisa_list_push(call->arena, lines.list, alisa_value_text(line));
    }
    return lines;
}

static AlisaValue partition(AlisaCall *call, bool from_right) {
    AlisaText text = call->self.text, separator = alisa_call_text(call, 0, "");
    AlisaValue parts = alisa_value_list(call->arena, ALISA_LIST_TUPLE, 3);
    if (separator.length == 0) alisa_arena_fail(call->arena, "partition: the separator is empty");
    size_t at = from_right ? alisa_text_find_last(call->arena, text, separator)
                           : alisa_text_find(call->arena, text, separator, 0);
    AlisaText three[3] = {text, {.bytes = ""}, {.bytes = ""}};
    if (at != ALISA_TEXT_NOWHERE) {
        three[0] = alisa_text_cut(text, 0, at);
        three[1] = separator;
        three[2] = alisa_text_cut(text, at + separator.length, text.length);
    } else if (from_right) {
        three[0] = three[2];
        three[2] = text;
    }
    for (size_t i = 0; i < 3; i++)
        alisa_list_push(call->arena, parts.list, alisa_value_text(three[i]));
    return parts;
}

static AlisaValue text_partition(AlisaCall *call) {
    return partition(call, false);
}

static AlisaValue text_rpartition(AlisaCall *call) {
    return partition(call, true);
}

/* ---- Searching ---------------------------------------------------------------------------- */

static bool begins(AlisaText text, AlisaText word) {
    return word.length <= text.length &&
           alisa_text_equal(alisa_text_cut(text, 0, word.length), word);
}

static bool ends(AlisaText text, AlisaText word) {
    return word.length <= text.length &&
           alisa_text_equal(alisa_text_cut(text, text.length - word.length, text.length), word);
}

/* With one text or any of a tuple of texts. */
static AlisaValue test_edge(AlisaCall *call, bool (*test)(AlisaText text, AlisaText word)) {
    const AlisaValue *given = call->given[0];
    bool tuple = given->kind == ALISA_VALUE_LIST && given->list->form == ALISA_LIST_TUPLE;
    if (!tuple) {
        return alisa_value_boolean(test(call->self.text, alisa_call_text(call, 0, "")));
    }
    for (size_t i = 0; i < given->list->count; i++) {
        AlisaValue word = given->list->items[i];
        if (word.kind != ALISA_VALUE_TEXT) alisa_arena_fail(call->arena, "a text is wanted");
        if (test(call->self.text, word.text)) return alisa_value_boolean(true);
    }
    return alisa_value_boolean(false);
}

static AlisaValue text_startswith(AlisaCall *call) {
    return test_edge(call, begins);
}

static AlisaValue text_endswith(AlisaCall *call) {
    return test_edge(call, ends);
}

static int64_t find(AlisaCall *call, bool last) {
    AlisaText text = call->self.text, word = alisa_call_text(call, 0, "");
    size_t at = last ? alisa_text_find_last(call->arena, text, word)
                     : alisa_text_find(call->arena, text, word, 0);
    if (at == ALISA_TEXT_NOWHERE) return -1;
    return (int64_t)alisa_text_characters(call->arena, alisa_text_cut(text, 0, at));
}

static AlisaValue text_find(AlisaCall *call) {
    return alisa_value_integer(find(call, false));
}

static AlisaValue text_rfind(AlisaCall *call) {
    return alisa_value_integer(find(call, true));
}

static AlisaValue text_index(AlisaCall *call) {
    int64_t at = find(call, false);
    if (at < 0) alisa_arena_fail(call->arena, "index: the text does not have the word");
    return alisa_value_integer(at);
}

static AlisaValue text_count(AlisaCall *call) {
    AlisaText text = call->self.text, word = alisa_call_text(call, 0, "");
    if (word.length == 0) {
        return alisa_value_integer((int64_t)alisa_text_characters(call->arena, text) + 1);
    }
    int64_t count = 0;
    for (size_t at = 0; (at = alisa_text_find(call->arena, text, word, at)) != ALISA_TEXT_NOWHERE;
         at += word.length)
        count++;
    return alisa_value_integer(count);
}

/* ---- Altering ----------------------------------------------------------------------------- */

/* `new` before every character and at the end. */
static AlisaText interleave(AlisaArena *arena, AlisaText text, AlisaText new, int64_t most) {
    AlisaBuilder builder = {.arena = arena};
    size_t at = 0, size;
    for (; at < text.length && (most < 0 || most > 0); at += size, most -= most > 0) {
        alisa_text_character(text, at, &size);
        alisa_builder_add(&builder, new);
        alisa_builder_add(&builder, alisa_text_cut(text, at, at + size));
        alisa_arena_pay(arena, 1);
    }
    if (most != 0) alisa_builder_add(&builder, new);
    alisa_builder_add(&builder, alisa_text_cut(text, at, text.length));
    return alisa_builder_text(&builder);
}

AlisaText alisa_text_replace(AlisaArena *arena, AlisaText text, AlisaText old, AlisaText new,
                             int64_t most) {
    if (old.length == 0) return interleave(arena, text, new, most);
    AlisaBuilder builder = {.arena = arena};
    size_t from = 0;
    while (most < 0 || most-- > 0) {
        size_t at = alisa_text_find(arena, text, old, from);
        if (at == ALISA_TEXT_NOWHERE) break;
        alisa_arena_pay(arena, 1);
        alisa_builder_add(&builder, alisa_text_cut(text, from, at));
        alisa_builder_add(&builder, new);
        from = at + old.length;
    }
    if (from == 0) return text;
    alisa_builder_add(&builder, alisa_text_cut(text, from, text.length));
    return alisa_builder_text(&builder);
}

static AlisaValue text_replace(AlisaCall *call) {
    return alisa_value_text(
        alisa_text_replace(call->arena, call->self.text, alisa_call_text(call, 0, ""),
                           alisa_call_text(call, 1, ""), alisa_call_integer(call, 2, -1)));
}

static AlisaValue text_upper(AlisaCall *call) {
    return alisa_value_text(alisa_text_upper(call->arena, call->self.text));
}

static AlisaValue text_lower(AlisaCall *call) {
    return alisa_value_text(alisa_text_lower(call->arena, call->self.text));
}

AlisaText alisa_text_capitalize(AlisaArena *arena, AlisaText text) {
    if (text.length == 0) return text;
    size_t size;
    alisa_text_character(text, 0, &size);
    return alisa_text_join(arena, alisa_text_upper(arena, alisa_text_cut(text, 0, size)),
                           alisa_text_lower(arena, alisa_text_cut(text, size, text.length)));
}

static AlisaValue text_capitalize(AlisaCall *call) {
    return alisa_value_text(alisa_text_capitalize(call->arena, call->self.text));
}

static bool is_letter(int32_t character) {
    utf8proc_category_t category = utf8proc_category(character);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

/* A capital after whatever is no letter, small letters after letters. */
static AlisaValue text_title(AlisaCall *call) {
    AlisaText text = call->self.text;
    AlisaBuilder builder = {.arena = call->arena};
    bool inside = false;
    for (size_t i = 0, size; i < text.length; i += size) {
        bool letter = is_letter(alisa_text_character(text, i, &size));
        AlisaText one = alisa_text_cut(text, i, i + size);
        alisa_builder_add(&builder, inside ? alisa_text_lower(call->arena, one)
                                           : alisa_text_upper(call->arena, one));
        inside = letter;
    }
    return alisa_value_text(alisa_builder_text(&builder));
}

static AlisaValue text_join(AlisaCall *call) {
    const AlisaList *items = alisa_value_items(call->arena, *call->given[0]);
    AlisaBuilder builder = {.arena = call->arena};
    for (size_t i = 0; i < items->count; i++) {
        AlisaValue item = items->items[i];
        alisa_value_require(call->arena, item);
        if (item.kind != ALISA_VALUE_TEXT) {
            alisa_arena_fail(call->arena, "join: item %zu is a %s, not a text", i,
                             alisa_value_type(item));
        }
        if (i > 0) alisa_builder_add(&builder, call->self.text);
        alisa_builder_add(&builder, item.text);
    }
    return alisa_value_text(alisa_builder_text(&builder));
}

/* `before` and `after` fills around a text. */
static AlisaText pad(AlisaArena *arena, AlisaText text, int64_t before, int64_t after,
                     AlisaText fill) {
    AlisaBuilder builder = {.arena = arena};
    if (alisa_text_characters(arena, fill) != 1) {
        alisa_arena_fail(arena, "the text to fill with must be one character");
    }
    for (int64_t i = 0; i < before; i++)
        alisa_builder_add(&builder, fill);
    alisa_builder_add(&builder, text);
    for (int64_t i = 0; i < after; i++)
        alisa_builder_add(&builder, fill);
    alisa_arena_pay(arena, (uint64_t)(before + after));
    return alisa_builder_text(&builder);
}

/* What lacks in a text up to a width. */
static int64_t lacking(AlisaArena *arena, AlisaText text, int64_t width) {
    int64_t count = (int64_t)alisa_text_characters(arena, text);
    int64_t missing = width > count ? width - count : 0;
    alisa_arena_pay(arena, (uint64_t)missing);
    return missing;
}

AlisaText alisa_text_center(AlisaArena *arena, AlisaText text, int64_t width, AlisaText fill) {
    int64_t missing = lacking(arena, text, width);
    int64_t left = missing / 2 + (missing & width & 1);
    return pad(arena, text, left, missing - left, fill);
}

static AlisaValue text_center(AlisaCall *call) {
    return alisa_value_text(alisa_text_center(call->arena, call->self.text,
                                              alisa_call_integer(call, 0, 0),
                                              alisa_call_text(call, 1, " ")));
}

static AlisaValue text_ljust(AlisaCall *call) {
    int64_t missing = lacking(call->arena, call->self.text, alisa_call_integer(call, 0, 0));
    AlisaText fill = alisa_call_text(call, 1, " ");
    return alisa_value_text(pad(call->arena, call->self.text, 0, missing, fill));
}

static AlisaValue text_rjust(AlisaCall *call) {
    int64_t missing = lacking(call->arena, call->self.text, alisa_call_integer(call, 0, 0));
    AlisaText fill = alisa_call_text(call, 1, " ");
    return alisa_value_text(pad(call->arena, call->self.text, missing, 0, fill));
}

static AlisaValue text_zfill(AlisaCall *call) {
    AlisaText text = call->self.text;
    int64_t missing = lacking(call->arena, text, alisa_call_integer(call, 0, 0));
    size_t sign = text.length && (text.bytes[0] == '-' || text.bytes[0] == '+');
    AlisaText padded =
        pad(call->arena, alisa_text_cut(text, sign, text.length), missing, 0, alisa_text_of("0"));
    return alisa_value_text(alisa_text_join(call->arena, alisa_text_cut(text, 0, sign), padded));
}

static AlisaValue text_removeprefix(AlisaCall *call) {
    AlisaText text = call->self.text, word = alisa_call_text(call, 0, "");
    return alisa_value_text(begins(text, word) ? alisa_text_cut(text, word.length, text.length)
                                               : text);
}

static AlisaValue text_removesuffix(AlisaCall *call) {
    AlisaText text = call->self.text, word = alisa_call_text(call, 0, "");
    return alisa_value_text(ends(text, word) ? alisa_text_cut(text, 0, text.length - word.length)
                                             : text);
}

static AlisaValue text_format(AlisaCall *call) {
    return alisa_value_text(alisa_format_braces(call, call->self.text));
}

/* ---- Testing ------------------------------------------------------------------------------ */

static bool is_decimal(int32_t character) {
    return utf8proc_category(character) == UTF8PROC_CATEGORY_ND;
}

static bool is_word(int32_t character) {
    utf8proc_category_t category = utf8proc_category(character);
    return is_letter(character) ||
           (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

/* Whether there are characters, and all are of a kind. */
static AlisaValue test_all(AlisaCall *call, bool (*test)(int32_t character)) {
    AlisaText text = call->self.text;
    alisa_arena_pay(call->arena, text.length);
    for (size_t i = 0, size; i < text.length; i += size) {
        if (!test(alisa_text_character(text, i, &size))) return alisa_value_boolean(false);
    }
    return alisa_value_boolean(text.length > 0);
}

static AlisaValue text_isalpha(AlisaCall *call) {
    return test_all(call, is_letter);
}

static AlisaValue text_isdigit(AlisaCall *call) {
    return test_all(call, is_decimal);
}

static AlisaValue text_isalnum(AlisaCall *call) {
    return test_all(call, is_word);
}

static AlisaValue text_isspace(AlisaCall *call) {
    return test_all(call, alisa_text_is_space);
}

/* Whether there are letters with two cases, and all are of the one. */
static bool is_case(AlisaText text, utf8proc_category_t wanted, utf8proc_category_t other) {
    bool found = false;
    for (size_t i = 0, size; i < text.length; i += size) {
        utf8proc_category_t category = utf8proc_category(alisa_text_character(text, i, &size));
        if (category == other || category == UTF8PROC_CATEGORY_LT) return false;
        found |= category == wanted;
    }
    return found;
}

bool alisa_text_is_upper(AlisaText text) {
    return is_case(text, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LL);
}

bool alisa_text_is_lower(AlisaText text) {
    return is_case(text, UTF8PROC_CATEGORY_LL, UTF8PROC_CATEGORY_LU);
}

static AlisaValue text_isupper(AlisaCall *call) {
    alisa_arena_pay(call->arena, call->self.text.length);
    return alisa_value_boolean(alisa_text_is_upper(call->self.text));
}

static AlisaValue text_islower(AlisaCall *call) {
    alisa_arena_pay(call->arena, call->self.text.length);
    return alisa_value_boolean(alisa_text_is_lower(call->self.text));
}

const AlisaEntry alisa_text_methods[] = {
    {"strip", text_strip, "chars", 0},
    {"lstrip", text_lstrip, "chars", 0},
    {"rstrip", text_rstrip, "chars", 0},
    {"split", text_split, "sep maxsplit", 0},
    {"rsplit", text_rsplit, "sep maxsplit", 0},
    {"splitlines", text_splitlines, "keepends", 0},
    {"partition", text_partition, "sep", 1},
    {"rpartition", text_rpartition, "sep", 1},
    {"startswith", text_startswith, "prefix", 1},
    {"endswith", text_endswith, "suffix", 1},
    {"find", text_find, "sub", 1},
    {"rfind", text_rfind, "sub", 1},
    {"index", text_index, "sub", 1},
    {"count", text_count, "sub", 1},
    {"replace", text_replace, "old new count", 2},
    {"upper", text_upper, "", 0},
    {"lower", text_lower, "", 0},
    {"casefold", text_lower, "", 0},
    {"capitalize", text_capitalize, "", 0},
    {"title", text_title, "", 0},
    {"join", text_join, "iterable", 1},
    {"center", text_center, "width fillchar", 1},
    {"ljust", text_ljust, "width fillchar", 1},
    {"rjust", text_rjust, "width fillchar", 1},
    {"zfill", text_zfill, "width", 1},
    {"removeprefix", text_removeprefix, "prefix", 1},
    {"removesuffix", text_removesuffix, "suffix", 1},
    {"format", text_format, NULL, 0},
    {"isalpha", text_isalpha, "", 0},
    {"isdigit", text_isdigit, "", 0},
    {"isdecimal", text_isdigit, "", 0},
    {"isnumeric", text_isdigit, "", 0},
    {"isalnum", text_isalnum, "", 0},
    {"isspace", text_isspace, "", 0},
    {"isupper", text_isupper, "", 0},
    {"islower", text_islower, "", 0},
    {0},
};
