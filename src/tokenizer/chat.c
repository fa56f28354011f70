/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chat formats as data: how each family of models writes a conversation, and by which words its
 * template is recognised. The formats are those of the models' own templates, without tools.
 */
#include "tokenizer/tokenizer.h"

#include "base/status.h"

#include <stdio.h>
#include <string.h>

typedef enum SystemPlace {
    SYSTEM_TURN,       /* a turn of its own */
    SYSTEM_FIRST_USER, /* before the text of the first user message */
    SYSTEM_LAST_USER,  /* before the text of the last user message */
} SystemPlace;

/* What stands around a message. */
typedef struct Turn {
    const char *before;
    const char *after;
} Turn;

typedef struct ChatFormat {
    const char *name;
    const char *words[2];  /* a template of this format holds all of these */
    const char *unless[2]; /* and none of these */
    SystemPlace system_place;
    bool trim; /* white space around messages is dropped */
    Turn system;
    Turn user;
    Turn assistant;
    const char *between; /* before every user turn but the first */
    const char *reply;   /* what the assistant's next message begins with */
} ChatFormat;

/* The first format that fits a template counts. */
static const ChatFormat formats[] = {
    {
        .name = "chatml",
        .words = {"<|im_start|>"},
        .unless = {"<|im_sep|>"}, /* Phi-4 */
        .system = {"<|im_start|>system\n", "<|im_end|>\n"},
        .user = {"<|im_start|>user\n", "<|im_end|>\n"},
        .assistant = {"<|im_start|>assistant\n", "<|im_end|>\n"},
        .reply = "<|im_start|>assistant\n",
    },
    {
        .name = "llama2",
        .words = {"[INST]", "<<SYS>>"},
        .system_place = SYSTEM_FIRST_USER,
        .system = {"<<SYS>>\n", "\n<</SYS>>\n\n"},
        .user = {"[INST] ", " [/INST]"},
        .assistant = {" ", " </s>"},
        .between = "<s>",
        .trim = true,
    },
    {
        .name = "llama3",
        .words = {"<|start_header_id|>", "<|eot_id|>"},
        .system = {"<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"},
        .user = {"<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"},
        .assistant = {"<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"},
        .reply = "<|start_header_id|>assistant<|end_header_id|>\n\n",
        .trim = true,
    },
    {
        /* Version 3: [INST] and [/INST] are tokens. A SentencePiece vocabulary puts the blank after
         * them by itself; Tekken has none. */
        .name = "mistral",
        .words = {"[INST]"},
        .unless = {"[SYSTEM_PROMPT]", " [/INST]"},
        .system_place = SYSTEM_LAST_USER,
        .system = {"", "\n\n"},
        .user = {"[INST]", "[/INST]"},
        .assistant = {"", "</s>"},
    },
    {
        /* Version 1: [INST] and [/INST] are plain text. */
        .name = "mistral-v1",
        .words = {"[INST]", " [/INST]"},
        .unless = {"[SYSTEM_PROMPT]"},
        .system_place = SYSTEM_FIRST_USER,
        .system = {"", "\n\n"},
        .user = {"[INST] ", " [/INST]"},
        .assistant = {" ", "</s>"},
    },
    {
        .name = "mistral-v7",
        .words = {"[INST]", "[SYSTEM_PROMPT]"},
        .system = {"[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"},
        .user = {"[INST]", "[/INST]"},
        .assistant = {"", "</s>"},
    },
    {
        .name = "gemma",
        .words = {"<start_of_turn>", "<end_of_turn>"},
        .system_place = SYSTEM_FIRST_USER,
        .system = {"", "\n\n"},
        .user = {"<start_of_turn>user\n", "<end_of_turn>\n"},
        .assistant = {"<start_of_turn>model\n", "<end_of_turn>\n"},
        .reply = "<start_of_turn>model\n",
        .trim = true,
    },
    {
        .name = "phi3",
        .words = {"<|user|>", "<|end|>"},
        .system = {"<|system|>\n", "<|end|>\n"},
        .user = {"<|user|>\n", "<|end|>\n"},
        .assistant = {"<|assistant|>\n", "<|end|>\n"},
        .reply = "<|assistant|>\n",
    },
};

#define FORMAT_COUNT (sizeof formats / sizeof formats[0])

const char *const *alisa_template_names(void) {
    static const char *const names[] = {"chatml",     "llama2", "llama3", "mistral", "mistral-v1",
                                        "mistral-v7", "gemma",  "phi3",   NULL};
    _Static_assert(sizeof names / sizeof names[0] == FORMAT_COUNT + 1, "a name for each format");
    return names;
}

/* ---- Recognition -------------------------------------------------------------------------- */

static bool holds(const char *text, size_t length, const char *word) {
    size_t size = strlen(word);
    for (size_t i = 0; i + size <= length; i++) {
        const char *found = memchr(text + i, word[0], length - size - i + 1);
        if (!found) return false;
        if (memcmp(found, word, size) == 0) return true;
        i = (size_t)(found - text);
    }
    return false;
}

const char *alisa_template_recognise(const char *template_text, size_t length) {
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        bool fits = true;
        for (size_t j = 0; j < 2; j++) {
            const char *word = formats[i].words[j], *unless = formats[i].unless[j];
            if (word && !holds(template_text, length, word)) fits = false;
            if (unless && holds(template_text, length, unless)) fits = false;
        }
        if (fits) return formats[i].name;
    }
    return NULL;
}

/* ---- Rendering ---------------------------------------------------------------------------- */

typedef struct Text {
    char *bytes; /* NULL while only the length is measured */
    size_t length;
} Text;

static void append(Text *text, const char *bytes, size_t length) {
    if (text->bytes && length) memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

static void append_word(Text *text, const char *word) {
    if (word) append(text, word, strlen(word));
}

static bool is_space(char byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static void append_content(Text *text, const ChatFormat *format, const char *content) {
    size_t length = strlen(content);
    while (format->trim && length && is_space(content[length - 1]))
        length--;
    while (format->trim && length && is_space(*content)) {
        content++;
        length--;
    }
    append(text, content, length);
}

static void append_turn(Text *text, const ChatFormat *format, const Turn *turn,
                        const char *content) {
    append_word(text, turn->before);
    append_content(text, format, content);
    append_word(text, turn->after);
}

static bool is_role(const AlisaChatMessage *message, const char *role) {
    return strcmp(message->role, role) == 0;
}

/* The system messages, joined by an empty line, for a format that has no turn for them. */
static void append_systems(Text *text, const ChatFormat *format, const AlisaChatMessage *messages,
                           size_t count) {
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (!is_role(&messages[i], "system")) continue;
        append_word(text, any ? "\n\n" : format->system.before);
        append_content(text, format, messages[i].content);
        any = true;
    }
    if (any) append_word(text, format->system.after);
}

static void render(Text *text, const ChatFormat *format, const AlisaChatMessage *messages,
                   size_t count, bool reply) {
    size_t first = count, last = count; /* user messages */
    for (size_t i = count; i-- > 0;) {
        if (!is_role(&messages[i], "user")) continue;
        first = i;
        if (last == count) last = i;
    }
    size_t with_system = format->system_place == SYSTEM_FIRST_USER ? first : last;
    for (size_t i = 0; i < count; i++) {
        if (is_role(&messages[i], "user")) {
            if (i != first) append_word(text, format->between);
            append_word(text, format->user.before);
            if (format->system_place != SYSTEM_TURN && i == with_system) {
                append_systems(text, format, messages, count);
            }
            append_content(text, format, messages[i].content);
            append_word(text, format->user.after);
        } else if (is_role(&messages[i], "assistant")) {
            append_turn(text, format, &format->assistant, messages[i].content);
        } else if (format->system_place == SYSTEM_TURN) {
            append_turn(text, format, &format->system, messages[i].content);
        }
    }
    if (reply) append_word(text, format->reply);
}

/* NULL, with *error filled, when there is no format of that name. */
static const ChatFormat *find_format(const char *name, AlisaError *error) {
    for (size_t i = 0; name && i < FORMAT_COUNT; i++) {
        if (strcmp(formats[i].name, name) == 0) return &formats[i];
    }
    char known[256];
    size_t used = 0;
    for (size_t i = 0; i < FORMAT_COUNT && used < sizeof known; i++) {
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 formats[i].name);
    }
    alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                    "the chat template \"%.64s\" is not known; known are %s", name ? name : "",
                    known);
    return NULL;
}

static AlisaStatus check_messages(const ChatFormat *format, const AlisaChatMessage *messages,
                                  size_t count, AlisaError *error) {
    bool system = false, user = false;
    for (size_t i = 0; i < count; i++) {
        if (!messages[i].role || !messages[i].content) {
            return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                                   "chat message %zu lacks its role or its content", i);
        }
        bool is_system = is_role(&messages[i], "system"), is_user = is_role(&messages[i], "user");
        if (!is_system && !is_user && !is_role(&messages[i], "assistant")) {
            return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                                   "chat message %zu has the unknown role \"%.64s\"; roles are "
                                   "system, user and assistant",
                                   i, messages[i].role);
        }
        system |= is_system;
        user |= is_user;
    }
    if (system && !user && format->system_place != SYSTEM_TURN) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "the chat template %s puts the system message into a user message, "
                               "and there is none",
                               format->name);
    }
    return ALISA_OK;
}

AlisaStatus alisa_tokenizer_render_chat(const char *template_name, const AlisaChatMessage *messages,
                                        size_t count, bool reply, char **text, AlisaError *error) {
    *text = NULL;
    const ChatFormat *format = find_format(template_name, error);
    if (!format) return ALISA_ERROR_ARGUMENT;
    AlisaStatus status = check_messages(format, messages, count, error);
    if (status != ALISA_OK) return status;
    Text measured = {0};
    render(&measured, format, messages, count, reply);
    Text written = {.bytes = alisa_allocate(measured.length + 1, 1, "chat text", error)};
    if (!written.bytes) return ALISA_ERROR_MEMORY;
    render(&written, format, messages, count, reply);
    written.bytes[written.length] = 0;
    *text = written.bytes;
    return ALISA_OK;
}
