/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a byte that chooses a template, then JSON, which is handed over as the messages. */
#include "fuzz/fuzz_template.h"
#include "template/named.h"

/* Looks at messages from all sides. */
static const char curious[] =
    "{% for m in messages %}{{ m.role }}{{ m['content'] }}{{ m|tojson(indent=1) }}{{ m }}"
    "{% if m.content is string %}{{ m.content[1:-1]|upper|trim }}{{ m.content.split('<')[-1] }}"
    "{{ m.content|reverse }}{{ m.content|length }}{{ m.content.replace('a', '\"')|tojson }}"
    "{% elif m.content is mapping %}{% for k, v in m.content|dictsort %}{{ k ~ v }}{% endfor %}"
    "{% elif m.content is sequence %}{{ m.content|join(',') }}{{ m.content|list|unique|list }}"
    "{% endif %}{{ m == loop.previtem }}{% endfor %}";

static const char *choose(uint8_t byte) {
    const char *const *names = alisa_named_list();
    size_t count = 0;
    while (names[count])
        count++;
    return byte % (count + 1) == count ? curious : alisa_named_source(names[byte % (count + 1)]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    FuzzInput input = {data, size};
    const char *source = choose(fuzz_byte(&input));
    json_t *messages = json_loadb((const char *)input.data, input.size, JSON_ALLOW_NUL, NULL);
    if (!messages) return 0;
    AlisaTemplate *parsed;
    json_t *variables = json_object();
    json_object_set_new(variables, "messages", messages);
    fuzz_require(alisa_template_parse(source, strlen(source), &parsed, NULL) == ALISA_OK);
    fuzz_render(parsed, variables);
    json_decref(variables);
    alisa_template_destroy(parsed);
    return 0;
}
