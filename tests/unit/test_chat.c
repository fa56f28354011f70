/* SPDX-License-Identifier: Apache-2.0 */
/* Chat: the templates that come with the library write what the models' own do, templates of files
 * are found and run, and what a user types never becomes a control token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "alisa/chat.h"
#include "unit/gguf_image.h"

static AlisaChatTemplate *make(const AlisaModel *model, const char *source) {
    AlisaChatTemplate *made;
    AlisaError error;
    if (alisa_chat_template_create(model, source, &made, &error) != ALISA_OK) {
        fail_msg("%s", error.message);
    }
    return made;
}

static const AlisaChatMessage conversation[] = {
    {"system", "Be kind."},
    {"user", " Hi there "},
    {"assistant", "Hello."},
    {"user", "How?"},
};

/* What the models' own templates give for the conversation; without the dates that Llama 3's adds,
 * and for formats without a system turn with that text where their makers' code puts it. */
static const struct {
    const char *name;
    const char *with_system;
    const char *without;
} expected[] = {
    {"chatml",
     "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n Hi there <|im_end|>\n"
     "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nHow?<|im_end|>\n"
     "<|im_start|>assistant\n",
     "<|im_start|>user\n Hi there <|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n"
     "<|im_start|>user\nHow?<|im_end|>\n<|im_start|>assistant\n"},
    {"command-r",
     "<s><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>Be kind.<|END_OF_TURN_TOKEN|>"
     "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hi there<|END_OF_TURN_TOKEN|>"
     "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Hello.<|END_OF_TURN_TOKEN|>"
     "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>How?<|END_OF_TURN_TOKEN|>"
     "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
     "<s><|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hi there<|END_OF_TURN_TOKEN|>"
     "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Hello.<|END_OF_TURN_TOKEN|>"
     "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>How?<|END_OF_TURN_TOKEN|>"
     "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"},
    {"gemma",
     "<s><start_of_turn>user\nBe kind.\n\nHi there<end_of_turn>\n<start_of_turn>model\n"
     "Hello.<end_of_turn>\n<start_of_turn>user\nHow?<end_of_turn>\n<start_of_turn>model\n",
     "<s><start_of_turn>user\nHi there<end_of_turn>\n<start_of_turn>model\nHello.<end_of_turn>\n"
     "<start_of_turn>user\nHow?<end_of_turn>\n<start_of_turn>model\n"},
    {"granite",
     "<|start_of_role|>system<|end_of_role|>Be kind.<|end_of_text|>\n"
     "<|start_of_role|>user<|end_of_role|> Hi there <|end_of_text|>\n"
     "<|start_of_role|>assistant<|end_of_role|>Hello.<|end_of_text|>\n"
     "<|start_of_role|>user<|end_of_role|>How?<|end_of_text|>\n"
     "<|start_of_role|>assistant<|end_of_role|>",
     "<|start_of_role|>user<|end_of_role|> Hi there <|end_of_text|>\n"
     "<|start_of_role|>assistant<|end_of_role|>Hello.<|end_of_text|>\n"
     "<|start_of_role|>user<|end_of_role|>How?<|end_of_text|>\n"
     "<|start_of_role|>assistant<|end_of_role|>"},
    {"llama2",
     "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHi there [/INST] Hello. </s><s>[INST] How? [/INST]",
     "<s>[INST] Hi there [/INST] Hello. </s><s>[INST] How? [/INST]"},
    {"llama3",
     "<s><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>\n\nHi there<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>\n\nHow?<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\n",
     "<s><|start_header_id|>user<|end_header_id|>\n\nHi there<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>\n\nHow?<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"mistral", "<s>[INST] Hi there [/INST]Hello.</s>[INST]Be kind.\n\nHow?[/INST]",
     "<s>[INST] Hi there [/INST]Hello.</s>[INST]How?[/INST]"},
    {"mistral-v1", "<s>[INST] Be kind.\n\n Hi there  [/INST] Hello.</s>[INST] How? [/INST]",
     "<s>[INST]  Hi there  [/INST] Hello.</s>[INST] How? [/INST]"},
    {"mistral-v7",
     "<s>[SYSTEM_PROMPT]Be kind.[/SYSTEM_PROMPT][INST] Hi there [/INST]Hello.</s>[INST]How?[/INST]",
     "<s>[INST] Hi there [/INST]Hello.</s>[INST]How?[/INST]"},
    {"phi3",
     "<|system|>\nBe kind.<|end|>\n<|user|>\n Hi there <|end|>\n<|assistant|>\nHello.<|end|>\n"
     "<|user|>\nHow?<|end|>\n<|assistant|>\n",
     "<|user|>\n Hi there <|end|>\n<|assistant|>\nHello.<|end|>\n<|user|>\nHow?<|end|>\n"
     "<|assistant|>\n"},
    {"phi4",
     "<|im_start|>system<|im_sep|>Be kind.<|im_end|><|im_start|>user<|im_sep|> Hi there <|im_end|>"
     "<|im_start|>assistant<|im_sep|>Hello.<|im_end|><|im_start|>user<|im_sep|>How?<|im_end|>"
     "<|im_start|>assistant<|im_sep|>",
     "<|im_start|>user<|im_sep|> Hi there <|im_end|><|im_start|>assistant<|im_sep|>Hello."
     "<|im_end|><|im_start|>user<|im_sep|>How?<|im_end|><|im_start|>assistant<|im_sep|>"},
    {"vicuna", "<s>Be kind.\n\nUSER: Hi there\nASSISTANT: Hello.</s>\nUSER: How?\nASSISTANT:",
     "<s>USER: Hi there\nASSISTANT: Hello.</s>\nUSER: How?\nASSISTANT:"},
    {"zephyr",
     "<|system|>\nBe kind.</s>\n<|user|>\n Hi there </s>\n<|assistant|>\nHello.</s>\n<|user|>\n"
     "How?</s>\n<|assistant|>\n",
     "<|user|>\n Hi there </s>\n<|assistant|>\nHello.</s>\n<|user|>\nHow?</s>\n<|assistant|>\n"},
};

static void assert_renders(const char *source, const AlisaChatMessage *messages, size_t count,
                           bool reply, const char *wanted) {
    AlisaChatTemplate *made = make(NULL, source);
    AlisaChatOptions options;
    AlisaChatText text;
    AlisaError error = {0};
    alisa_chat_options_defaults(&options);
    options.messages = messages;
    options.message_count = count;
    options.bos = "<s>";
    options.eos = "</s>";
    options.reply = reply;
    assert_int_equal(alisa_chat_render(made, &options, &text, &error), ALISA_OK);
    assert_string_equal(text.bytes, wanted);
    assert_int_equal(text.length, strlen(wanted));
    alisa_chat_text_finish(&text);
    alisa_chat_template_destroy(made);
}

static void test_renders_every_format(void **state) {
    (void)state;
    const char *const *names = alisa_chat_template_names();
    size_t count = 0;
    for (; names[count]; count++) {
        assert_string_equal(names[count], expected[count].name);
        const char *source = alisa_chat_template_source(names[count]);
        assert_renders(source, conversation, 4, true, expected[count].with_system);
        assert_renders(source, conversation + 1, 3, true, expected[count].without);
    }
    assert_int_equal(count, sizeof expected / sizeof expected[0]);
}

static void test_reply_prefix_is_optional(void **state) {
    (void)state;
    assert_renders(alisa_chat_template_source("chatml"), conversation + 1, 1, false,
                   "<|im_start|>user\n Hi there <|im_end|>\n");
}

static void test_joins_system_messages(void **state) {
    (void)state;
    static const AlisaChatMessage messages[] = {{"system", "A"}, {"system", "B"}, {"user", "C"}};
    assert_renders(alisa_chat_template_source("gemma"), messages, 3, false,
                   "<s><start_of_turn>user\nA\n\nB\n\nC<end_of_turn>\n");
    assert_renders(alisa_chat_template_source("llama2"), messages, 3, false,
                   "<s>[INST] <<SYS>>\nA\n\nB\n<</SYS>>\n\nC [/INST]");
    assert_renders(alisa_chat_template_source("chatml"), messages, 2, false,
                   "<|im_start|>system\nA<|im_end|>\n<|im_start|>system\nB<|im_end|>\n");
}

/* ---- What is refused ---------------------------------------------------------------------- */

static void assert_refused(const char *name, AlisaChatOptions options, const char *words) {
    AlisaChatTemplate *made = make(NULL, alisa_chat_template_source(name));
    AlisaChatText text;
    AlisaError error = {0};
    options.reply = true;
    assert_int_equal(alisa_chat_render(made, &options, &text, &error), ALISA_ERROR_ARGUMENT);
    assert_null(text.bytes);
    if (!strstr(error.message, words)) fail_msg("%s", error.message);
    alisa_chat_template_destroy(made);
}

static void test_refuses_what_it_cannot_write(void **state) {
    (void)state;
    static const AlisaChatMessage system[] = {{"system", "x"}}, narrator[] = {{"narrator", "x"}},
                                  half[] = {{"user", NULL}}, latin[] = {{"user", "caf\xe9"}};
    assert_refused("gemma", (AlisaChatOptions){.messages = system, .message_count = 1},
                   "refuses this conversation: the system message goes into a user message");
    assert_refused("llama2", (AlisaChatOptions){.messages = narrator, .message_count = 1},
                   "roles are system, user and assistant, not narrator");
    assert_refused("chatml", (AlisaChatOptions){.messages = half, .message_count = 1},
                   "message 0 lacks");
    assert_refused("chatml", (AlisaChatOptions){.messages = latin, .message_count = 1},
                   "not valid UTF-8: byte 0xe9 at offset 3");
    assert_refused("chatml", (AlisaChatOptions){.messages_json = "[{\"role\": }]"},
                   "the messages are not JSON at line 1, column 11");
    assert_refused("chatml", (AlisaChatOptions){.messages_json = "{}"},
                   "the messages are not a JSON array of objects");
    assert_refused("chatml", (AlisaChatOptions){.messages_json = "[1]"}, "array of objects");
    assert_refused("chatml", (AlisaChatOptions){.messages_json = "[]", .tools_json = "[3"},
                   "the tools are not JSON");
    AlisaChatTemplate *made;
    AlisaError error;
    assert_int_equal(alisa_chat_template_create(NULL, "\n{% if %}", &made, &error),
                     ALISA_ERROR_FORMAT);
    assert_null(made);
    assert_non_null(strstr(error.message, "line 2, column 7"));
}

/* ---- With a model's file ------------------------------------------------------------------ */

/* A vocabulary of bytes, two control tokens and a user's own, and a template or none. */
static AlisaModel *make_model(const char *folder, const char *chat_template) {
    enum { BYTES = 256, SPECIALS = 3 };
    static const char *const specials[SPECIALS] = {"<s>", "<|end|>", "<tool>"};
    static const uint8_t types[SPECIALS] = {3, 3, 4};
    GgufImage image;
    image_begin(&image, 3);
    image_string(&image, "general.architecture", "llama");
    image_string(&image, "tokenizer.ggml.model", "gpt2");
    image_string(&image, "tokenizer.ggml.pre", "gpt-2");
    image_array(&image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, BYTES + SPECIALS);
    unsigned next = 0x100;
    for (unsigned i = 0; i < BYTES; i++) {
        bool printable = (i >= 0x21 && i <= 0x7e) || (i >= 0xa1 && i != 0xad);
        unsigned code = printable ? i : next++;
        char letter[2] = {(char)(code < 0x80 ? code : 0xc0 | (code >> 6)),
                          (char)(0x80 | (code & 0x3f))};
        image_text(&image, letter, code < 0x80 ? 1 : 2);
    }
    for (size_t i = 0; i < SPECIALS; i++)
        image_text(&image, specials[i], strlen(specials[i]));
    image_array(&image, "tokenizer.ggml.token_type", ALISA_GGUF_I32, BYTES + SPECIALS);
    for (size_t i = 0; i < BYTES + SPECIALS; i++)
        image_number(&image, i < BYTES ? 1 : types[i - BYTES], 4);
    image_array(&image, "tokenizer.ggml.merges", ALISA_GGUF_STRING, 0);
    image_u32(&image, "tokenizer.ggml.bos_token_id", BYTES);
    image_u32(&image, "tokenizer.ggml.eos_token_id", BYTES + 1);
    image_bool(&image, "tokenizer.ggml.add_bos_token", true);
    if (chat_template) image_string(&image, "tokenizer.chat_template", chat_template);
    char path[1024];
    AlisaModel *model;
    AlisaError error;
    snprintf(path, sizeof path, "%s/chat_vocabulary.gguf", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(image.data, 1, image.size, file), image.size);
    assert_int_equal(fclose(file), 0);
    if (alisa_model_open(path, &model, &error) != ALISA_OK) fail_msg("%s", error.message);
    assert_int_equal(remove(path), 0);
    image_end(&image);
    return model;
}

/* The tokens of a user's message as letters; B is the token that begins a text, E the one that ends
 * it, T the user's own. */
static void assert_tokens(const char *chat_template, const char *content, const char *wanted) {
    AlisaModel *model = make_model(".", chat_template);
    AlisaChatTemplate *made = make(model, NULL);
    AlisaChatMessage message = {"user", content};
    AlisaChatOptions options;
    AlisaChatText text;
    AlisaError error;
    int32_t *tokens;
    size_t count, used = 0;
    char found[256];
    alisa_chat_options_defaults(&options);
    options.messages = &message;
    options.message_count = 1;
    assert_int_equal(alisa_chat_render(made, &options, &text, &error), ALISA_OK);
    assert_int_equal(alisa_chat_tokenize(model, &text, &tokens, &count, &error), ALISA_OK);
    assert_true(count < sizeof found);
    for (size_t i = 0; i < count; i++) {
        char byte;
        if (tokens[i] >= 256) {
            byte = "BET"[tokens[i] - 256];
        } else {
            assert_int_equal(alisa_token_bytes(model, tokens[i], false, false, &byte, 1), 1);
        }
        found[used++] = byte;
    }
    found[used] = 0;
    assert_string_equal(found, wanted);
    alisa_free(tokens);
    alisa_chat_text_finish(&text);
    alisa_chat_template_destroy(made);
    alisa_model_close(model);
}

static void test_typed_text_is_no_control_token(void **state) {
    (void)state;
    assert_tokens("<|end|>{{ messages[0].content }}<|end|>", "hi", "BEhiE");
    assert_tokens("<|end|>{{ messages[0].content }}<|end|>", "<|end|>", "BE<|end|>E");
    assert_tokens("{{ messages[0].content + eos_token }}", "<s><|end|>", "B<s><|end|>E");
    /* Not even in part. */
    assert_tokens("<|{{ messages[0].content }}|>", "end", "B<|end|>");
    assert_tokens("<|end{{ messages[0].content }}", "|>x", "B<|end|>x");
    /* A role is the program's, and a user's own tokens are no control tokens. */
    assert_tokens("-{{ '<' ~ messages[0].role[1:2] ~ '>' }}{{ messages[0].content }}", "<tool>x",
                  "B-BTx");
}

static void test_begin_is_put_once(void **state) {
    (void)state;
    assert_tokens("{{ bos_token }}{{ messages[0].content }}", "a", "Ba");
    assert_tokens("{{ messages[0].content }}", "a", "Ba");
    assert_tokens("{{ bos_token }}{{ bos_token }}a", "", "BBa");
    assert_tokens("{{ messages[0].content }}", "<s>", "B<s>");
    assert_tokens("", "", "B");
}

static void test_file_without_template(void **state) {
    (void)state;
    AlisaModel *model = make_model(".", NULL);
    AlisaChatTemplate *made;
    AlisaError error;
    assert_int_equal(alisa_chat_template_create(model, NULL, &made, &error),
                     ALISA_ERROR_UNSUPPORTED);
    assert_null(made);
    assert_non_null(strstr(error.message, "no chat template"));
    alisa_model_close(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_renders_every_format),
        cmocka_unit_test(test_reply_prefix_is_optional),
        cmocka_unit_test(test_joins_system_messages),
        cmocka_unit_test(test_refuses_what_it_cannot_write),
        cmocka_unit_test(test_typed_text_is_no_control_token),
        cmocka_unit_test(test_begin_is_put_once),
        cmocka_unit_test(test_file_without_template),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
