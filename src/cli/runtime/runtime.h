/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that compute share: a model on a device, a session, and the time they took.
 */
#ifndef ALISA_CLI_RUNTIME_RUNTIME_H
#define ALISA_CLI_RUNTIME_RUNTIME_H

#include "common/text.h"
#include "runtime/session.h"

typedef struct Timings {
    uint64_t begin_ns;                 /* when the command started */
    uint64_t load_ns;                  /* from then until the session was there */
    uint64_t prompt_ns, prompt_tokens; /* reading prompts */
    uint64_t eval_ns, eval_tokens;     /* generating */
} Timings;

/* Zeroed is closed. */
typedef struct Runtime {
    const Settings *settings;
    AlisaModel *model;
    AlisaModelInfo info;
    AlisaDevice *device;
    AlisaEngine *engine;
    AlisaSession *session;
    Timings timings;
} Runtime;

/* Functions that return an ExitCode print their own sentence when they fail. Open the model first
 * (that is quick: prompts can be checked against it), then the engine, then sessions. A vocabulary
 * is enough to tokenize; everything else needs a model with weights. */
ExitCode alisa_cli_runtime_vocabulary(Runtime *runtime, const Settings *settings);
ExitCode alisa_cli_runtime_model(Runtime *runtime, const Settings *settings);
ExitCode alisa_cli_runtime_engine(Runtime *runtime);
/* The device alone, for what needs no model; alisa_cli_runtime_engine opens it by itself. */
ExitCode alisa_cli_runtime_device(Runtime *runtime, const Settings *settings);
/* Whether --link-gbps was given. */
bool alisa_cli_runtime_emulates_link(const Settings *settings);
/* The rate of the emulated link as a share of the device's bandwidth, where --link-gbps names a
 * card; else 0. */
double alisa_cli_runtime_link_share(const Settings *settings);
/* Makes a session in place of the one there was. */
ExitCode alisa_cli_runtime_session(Runtime *runtime, const SessionChoice *choice);
/* The options of a session by the flags; how many sequences and rows it has is for the command to
 * say. */
SessionChoice alisa_cli_runtime_choice(const Runtime *runtime);
void alisa_cli_runtime_close(Runtime *runtime);

typedef struct Tokens {
    int32_t *ids; /* alisa_free */
    size_t count;
} Tokens;

/* Tokens of a prompt, special tokens recognised. An empty one becomes the token that begins a text;
 * a model that has none is an error. */
ExitCode alisa_cli_runtime_tokenize(const Runtime *runtime, const char *text, size_t size,
                                    Tokens *tokens);

/* Appends the characters that a token completes to `text`; `first` drops the blank that begins the
 * first word of a text. False when host memory runs out. */
bool alisa_cli_runtime_push_token(const Runtime *runtime, int32_t token, bool first, Utf8Hold *hold,
                                  Text *text);

/* Appends the tokens to `sequence`, at most -b a call; logits follow the last one if `logits`. */
AlisaStatus alisa_cli_runtime_append(Runtime *runtime, uint32_t sequence, const int32_t *ids,
                                     size_t count, bool logits, AlisaError *error);

/* The text of -p or -f, whichever was given; both are an error, none gives an empty text. */
ExitCode alisa_cli_runtime_prompt(const Settings *settings, Text *text);

#endif
