/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters of lists, dicts and whatever else can be walked through.
 */
#ifndef ALISA_TEMPLATE_LIST_FILTERS_H
#define ALISA_TEMPLATE_LIST_FILTERS_H

#include "template/run.h"

AlisaValue alisa_filter_batch(AlisaCall *call);
AlisaValue alisa_filter_dictsort(AlisaCall *call);
AlisaValue alisa_filter_first(AlisaCall *call);
AlisaValue alisa_filter_groupby(AlisaCall *call);
AlisaValue alisa_filter_items(AlisaCall *call);
AlisaValue alisa_filter_join(AlisaCall *call);
AlisaValue alisa_filter_last(AlisaCall *call);
AlisaValue alisa_filter_length(AlisaCall *call);
AlisaValue alisa_filter_list(AlisaCall *call);
AlisaValue alisa_filter_map(AlisaCall *call);
AlisaValue alisa_filter_max(AlisaCall *call);
AlisaValue alisa_filter_min(AlisaCall *call);
AlisaValue alisa_filter_reject(AlisaCall *call);
AlisaValue alisa_filter_rejectattr(AlisaCall *call);
AlisaValue alisa_filter_reverse(AlisaCall *call);
AlisaValue alisa_filter_select(AlisaCall *call);
AlisaValue alisa_filter_selectattr(AlisaCall *call);
AlisaValue alisa_filter_sort(AlisaCall *call);
AlisaValue alisa_filter_sum(AlisaCall *call);
AlisaValue alisa_filter_unique(AlisaCall *call);

#endif
