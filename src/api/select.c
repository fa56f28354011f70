#include "attn/select.h"

void alisa_select_options_defaults(AlisaSelectOptions *options) {
    alisa_selector_options_defaults(options);
}
