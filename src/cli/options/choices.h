/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words that options with a choice take, and what each means.
 */
#ifndef ALISA_CLI_OPTIONS_CHOICES_H
#define ALISA_CLI_OPTIONS_CHOICES_H

#include "options/values.h"

extern const Choice alisa_cli_text_outputs[];
extern const Choice alisa_cli_plain_outputs[];
extern const Choice alisa_cli_reference_outputs[];
extern const Choice alisa_cli_report_outputs[];
extern const Choice alisa_cli_table_outputs[];
extern const Choice alisa_cli_schedules[];
extern const Choice alisa_cli_recomputes[];
extern const Choice alisa_cli_links[];

/* Names of the library. alisa_cli_choices_fill puts them in; all but policies and efforts begin
 * with auto. */
extern Choice alisa_cli_attentions[];
extern Choice alisa_cli_swa_lists[];
extern Choice alisa_cli_swa_scores[];
extern Choice alisa_cli_kv_types[];
extern Choice alisa_cli_policies[];
extern Choice alisa_cli_efforts[];

void alisa_cli_choices_fill(void);

#endif
