/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa chat: turns with a model. The whole conversation is written out again for each reply, but
 * only the tokens that the session does not hold yet are evaluated.
 */
#include "runtime/jobs.h"
#include "runtime/summary.h"

#include "alisa/chat.h"

#include <ctype.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if ALISA_HAVE_LIBEDIT
#include <editline/readline.h>
#endif

typedef struct Chat {
    Runtime runtime;
    AlisaChatTemplate *chat_template;
    AlisaSampler *sampler;
    AlisaChatMessage *messages; /* contents are owned, roles are static */
    size_t message_count, message_capacity;
} Chat;

/* ---- Conversation ------------------------------------------------------------------------- */

static bool add_message(Chat *chat, const char *role, const char *content) {
    if (chat->message_count == chat->message_capacity) {
        size_t capacity = chat->message_capacity ? 2 * chat->message_capacity : 16;
        AlisaChatMessage *larger = realloc(chat->messages, capacity * sizeof *larger);
        if (!larger) return false;
        chat->messages = larger;
        chat->message_capacity = capacity;
    }
    char *copy = strdup(content);
    if (!copy) return false;
    chat->messages[chat->message_count++] = (AlisaChatMessage){role, copy};
    return true;
}

static void drop_messages(Chat *chat, size_t kept) {
    while (chat->message_count > kept) {
        free((char *)chat->messages[--chat->message_count].content);
    }
}

static bool begin_conversation(Chat *chat) {
    drop_messages(chat, 0);
    const char *system = chat->runtime.settings->system_prompt;
    return !system || add_message(chat, "system", system);
}

/* --chat-template that is neither a name nor a file, or a model that has none of its own. */
static ExitCode refuse_template(const char *asked, const char *reason) {
    char names[256] = "";
    for (const char *const *name = alisa_chat_template_names(); *name; name++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", *name);
    }
    if (asked) {
        return alisa_cli_refuse(EXIT_USAGE, "--chat-template: '%s' is neither a file nor one of %s",
                                asked, names);
    }
    return alisa_cli_refuse(EXIT_USAGE, "%s: choose one with --chat-template (%s, or a file)",
                            reason, names);
}

static ExitCode open_template(Chat *chat) {
    const char *asked = chat->runtime.settings->chat_template;
    const char *source = asked ? alisa_chat_template_source(asked) : NULL;
    Text file = {0};
    AlisaError error;
    if (asked && !source) {
        if (access(asked, F_OK) != 0) return refuse_template(asked, NULL);
        if (!alisa_cli_text_read(&file, asked, &error)) return alisa_cli_fail(&error);
        source = file.data;
    }
    AlisaStatus status =
        alisa_chat_template_create(chat->runtime.model, source, &chat->chat_template, &error);
    alisa_cli_text_free(&file);
    if (status == ALISA_OK) return EXIT_DONE;
    if (status == ALISA_ERROR_UNSUPPORTED) return refuse_template(NULL, error.message);
    return alisa_cli_fail(&error);
}

/* ---- One turn ----------------------------------------------------------------------------- */

static AlisaStatus render_tokens(Chat *chat, Tokens *tokens, AlisaError *error) {
    AlisaChatOptions options;
    AlisaChatText text;
    alisa_chat_options_defaults(&options);
    options.messages = chat->messages;
    options.message_count = chat->message_count;
    AlisaStatus status = alisa_chat_render(chat->chat_template, &options, &text, error);
    if (status != ALISA_OK) return status;
    if (chat->runtime.settings->verbose) alisa_cli_note("the prompt is:\n%s", text.bytes);
    status = alisa_chat_tokenize(chat->runtime.model, &text, &tokens->ids, &tokens->count, error);
    alisa_chat_text_finish(&text);
    if (status == ALISA_OK && tokens->count == 0) {
        error->status = status = ALISA_ERROR_ARGUMENT;
        snprintf(error->message, sizeof error->message,
                 "the chat template writes nothing for this conversation");
    }
    return status;
}

/* Makes the session hold exactly `tokens`, with logits after the last one. */
static AlisaStatus bring_up_to_date(Chat *chat, const Tokens *tokens, AlisaError *error) {
    AlisaSession *session = chat->runtime.session;
    uint32_t context = alisa_session_context_length(session);
    if (tokens->count > context) {
        error->status = ALISA_ERROR_CONTEXT_LENGTH;
        snprintf(error->message, sizeof error->message,
                 "context_length_exceeded: the conversation has %zu tokens and the context holds "
                 "%u; start anew with /clear or raise -c",
                 tokens->count, context);
        return error->status;
    }
    uint32_t same = alisa_session_keep(session, 0, tokens->ids, tokens->count - 1);
    uint64_t begin = alisa_cli_clock();
    AlisaStatus status = alisa_cli_runtime_append(&chat->runtime, 0, tokens->ids + same,
                                                  tokens->count - same, true, error);
    for (size_t i = same; i < tokens->count; i++) {
        alisa_sampler_accept(chat->sampler, tokens->ids[i]);
    }
    chat->runtime.timings.prompt_ns += alisa_cli_clock() - begin;
    chat->runtime.timings.prompt_tokens += tokens->count - same;
    return status;
}

/* The characters that a token completes, streamed and kept. False when nobody reads them. */
static bool speak(Chat *chat, int32_t token, Utf8Hold *hold, Text *reply) {
    size_t before = reply->size;
    return alisa_cli_runtime_push_token(&chat->runtime, token, before == 0, hold, reply) &&
           alisa_cli_output(reply->data ? reply->data + before : "", reply->size - before);
}

static AlisaStatus generate_reply(Chat *chat, Text *reply, bool *closed, AlisaError *error) {
    Runtime *runtime = &chat->runtime;
    Utf8Hold hold = {0};
    uint64_t begin = alisa_cli_clock();
    AlisaStatus status = ALISA_OK;
    int64_t limit = runtime->settings->predict;
    for (int64_t generated = 0; limit < 0 || generated < limit; generated++) {
        int32_t token;
        status = alisa_sampler_sample(chat->sampler, alisa_session_logits(runtime->session, 0),
                                      &token, error);
        if (status != ALISA_OK || alisa_model_is_end(runtime->model, token)) break;
        alisa_sampler_accept(chat->sampler, token);
        if (!speak(chat, token, &hold, reply)) {
            *closed = true;
            break;
        }
        uint32_t length = alisa_session_length(runtime->session, 0);
        if (length == alisa_session_context_length(runtime->session)) {
            alisa_cli_output("\n", 1);
            alisa_cli_note("context_length_exceeded: the context of %u tokens is full, so the "
                           "reply ends here; start anew with /clear or raise -c",
                           length);
            break;
        }
        if (alisa_cli_interrupted(NULL)) break;
        AlisaRow row = {token, 0, true};
        status = alisa_session_eval(runtime->session, &row, 1, error);
        if (status != ALISA_OK) break;
        runtime->timings.eval_tokens++;
    }
    runtime->timings.eval_ns += alisa_cli_clock() - begin;
    if (status == ALISA_OK && !alisa_cli_utf8_finish(&hold, reply)) {
        status = alisa_cli_memory_error(error);
    }
    return status;
}

/* Answers the conversation so far. A failure that the next turn can get over is only told. */
static ExitCode answer(Chat *chat, bool *closed) {
    Tokens tokens = {0};
    Text reply = {0};
    AlisaError error;
    ExitCode code = EXIT_DONE;
    AlisaStatus status = render_tokens(chat, &tokens, &error);
    if (status == ALISA_OK) status = bring_up_to_date(chat, &tokens, &error);
    if (status == ALISA_OK) {
        status = generate_reply(chat, &reply, closed, &error);
        alisa_cli_output("\n", 1);
    }
    if (status == ALISA_ERROR_CONTEXT_LENGTH || status == ALISA_ERROR_ARGUMENT) {
        alisa_cli_note("%s", error.message);
        drop_messages(chat, chat->message_count - 1);
    } else if (status != ALISA_OK && status != ALISA_ERROR_INTERRUPTED) {
        code = alisa_cli_fail(&error);
    } else if (!add_message(chat, "assistant", reply.data ? reply.data : "")) {
        code = alisa_cli_out_of_memory();
    }
    alisa_free(tokens.ids);
    alisa_cli_text_free(&reply);
    return code;
}

#define QUOTES "\"\"\""

/* ---- Input -------------------------------------------------------------------------------- */

/* Line editing reads characters as the C library's locale has them, and drops all others. */
static void use_utf8(void) {
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) setlocale(LC_CTYPE, "C.UTF-8");
}

/* One line without its newline, malloc'ed; NULL at the end. */
static char *read_line(void) {
#if ALISA_HAVE_LIBEDIT
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
        char *line = readline("> ");
        if (line && *line) add_history(line);
        return line;
    }
#endif
    if (isatty(STDIN_FILENO)) alisa_cli_output("> ", 2);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length = getline(&line, &capacity, stdin);
    if (length < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = 0;
    return line;
}

/* Takes the quotes at the end off a text; false when there are none. */
static bool take_quotes(Text *text) {
    bool ends = text->size >= 3 && memcmp(text->data + text->size - 3, QUOTES, 3) == 0;
    if (ends) text->data[text->size -= 3] = 0;
    return ends;
}

/* A message, malloc'ed: a line, or all lines between three quotes; NULL at the end of the input. */
static char *read_turn(void) {
    char *line = read_line();
    if (!line || strncmp(line, QUOTES, 3) != 0) return line;
    Text text = {0};
    bool good = alisa_cli_text_append(&text, line + 3, strlen(line + 3));
    free(line);
    while (good && !take_quotes(&text) && (line = read_line()) != NULL) {
        good = alisa_cli_text_append(&text, "\n", 1) &&
               alisa_cli_text_append(&text, line, strlen(line));
        free(line);
    }
    if (good) return text.data;
    alisa_cli_text_free(&text);
    return NULL;
}

/* "/help": a slash and letters, with nothing after them. */
static bool is_order(const char *line) {
    size_t length = strlen(line), letters = 1;
    while (line[0] == '/' && isalpha((unsigned char)line[letters]))
        letters++;
    return letters > 1 && letters == length;
}

static ExitCode converse(Chat *chat) {
    if (isatty(STDIN_FILENO))
        alisa_cli_note("/clear begins a new conversation; /exit or the end of the input ends it; "
                       "lines between " QUOTES " and " QUOTES " are one message");
    bool closed = false, more = true;
    ExitCode code = EXIT_DONE;
    while (more && !closed && code == EXIT_DONE) {
        /* While it waits for a line, Ctrl-C simply ends the program. */
        alisa_cli_interrupt_watch(false);
        char *line = read_turn();
        alisa_cli_interrupt_watch(true);
        if (!line || strcmp(line, "/exit") == 0) {
            more = false;
        } else if (strcmp(line, "/clear") == 0) {
            if (!begin_conversation(chat)) code = alisa_cli_out_of_memory();
        } else if (is_order(line)) {
            alisa_cli_note(
                "%s is unknown; /clear begins a new conversation, /exit ends the program", line);
        } else if (*line) {
            if (!add_message(chat, "user", line)) {
                code = alisa_cli_out_of_memory();
            } else {
                code = answer(chat, &closed);
            }
        }
        free(line);
        if (alisa_cli_interrupted(NULL)) more = false;
    }
    alisa_cli_summary_print(&chat->runtime);
    return code == EXIT_DONE && alisa_cli_interrupted(NULL) ? EXIT_INTERRUPTED : code;
}

static ExitCode prepare(Chat *chat) {
    const SessionChoice choice = alisa_cli_runtime_choice(&chat->runtime);
    ExitCode code = alisa_cli_runtime_session(&chat->runtime, &choice);
    if (code != EXIT_DONE) return code;
    const Settings *settings = chat->runtime.settings;
    AlisaSamplerOptions sampler =
        alisa_cli_job_sampler_options(settings, alisa_cli_job_seed(settings));
    AlisaError error;
    if (alisa_sampler_create(&sampler, chat->runtime.info.vocabulary_size, &chat->sampler,
                             &error) != ALISA_OK) {
        return alisa_cli_fail(&error);
    }
    return begin_conversation(chat) ? EXIT_DONE : alisa_cli_out_of_memory();
}

ExitCode alisa_cli_chat(const Settings *settings) {
    Chat chat = {0};
    use_utf8();
    ExitCode code = alisa_cli_runtime_model(&chat.runtime, settings);
    if (code == EXIT_DONE) code = open_template(&chat);
    if (code == EXIT_DONE) code = alisa_cli_runtime_engine(&chat.runtime);
    if (code == EXIT_DONE) code = prepare(&chat);
    if (code == EXIT_DONE) code = converse(&chat);
    drop_messages(&chat, 0);
    free(chat.messages);
    alisa_sampler_destroy(chat.sampler);
    alisa_chat_template_destroy(chat.chat_template);
    alisa_cli_runtime_close(&chat.runtime);
    return code;
}
