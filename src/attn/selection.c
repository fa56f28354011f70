/* SPDX-License-Identifier: Apache-2.0 */
#include "attn/selection.h"

#include <stdio.h>
#include <stdlib.h>

#include "attn/window.h"
#include "base/round.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum {
    SLOTS_GROUP = 64,  /* work-items that translate a piece of a list (group layout) */
    SLOTS_ITEM = 1024, /* entries a work-item translates (item layout) */
    MOST_PLACES = 65536
};

/* As Update and Sizes of cl/attn/select.clh. */
typedef struct DeviceUpdate {
    uint32_t sequence, first_move, moves, count;
    AlisaSelectBudget budget;
    uint32_t row;
} DeviceUpdate;

typedef struct DeviceSizes {
    uint32_t lists, context, codes, places, capacity, seed_low, seed_high, first_layer;
} DeviceSizes;

struct AlisaSelection {
    AlisaSelectOptions options;
    AlisaSelectionShape shape;
    AlisaDevice *device;   /* not owned */
    uint32_t capacity;     /* of a list */
    AlisaWindow *windows;  /* [sequence_count] */
    uint32_t *picked;      /* [sequence_count]: tokens of the step its lists are for; 0: none */
    DeviceUpdate *updates; /* [max_updates] */
    AlisaWindowMove *moves;
    uint32_t update_count, move_count, max_moves;
    uint32_t target_count, longest; /* of the targets */
    size_t group;                   /* work-items to a list */
    bool wide;                      /* many work-items cooperate */
    AlisaKernel *run;               /* owned by the device, like the others */
    AlisaKernel *translate;
    AlisaKernel *translate_blocks;
    AlisaBuffer sizes_buffer, update_buffer, move_buffer, target_buffer;
    AlisaBuffer sums;   /* uint32[layer][sequence][list][context] */
    AlisaBuffer codes;  /* uint16[layer][sequence][list][limits.codes] */
    AlisaBuffer places; /* uint16 or uint32[layer][sequence][list][limits.places] */
    AlisaBuffer lists;  /* uint32[layer][sequence][list][capacity] */
};

/* ---- Sizes --------------------------------------------------------------------------------- */

typedef struct Bytes {
    uint64_t sums, codes, places, lists, updates, moves, targets;
    uint32_t max_moves;
} Bytes;

static uint32_t list_capacity(const AlisaSelectOptions *options, uint32_t context) {
    return alisa_selector_kept(alisa_selector_budget(options, context));
}

/* Buffers that are not needed have one element: a kernel wants something to point at. */
static uint64_t at_least_one(uint64_t elements, uint64_t size) {
    return (elements ? elements : 1) * size;
}

static AlisaStatus count_bytes(const AlisaSelectOptions *options, const AlisaSelectionShape *shape,
                               Bytes *bytes, AlisaError *error) {
    *bytes = (Bytes){0};
    const char *wrong = alisa_selector_check(options);
    if (wrong) return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "%s", wrong);
    AlisaWindowLimits limits;
    AlisaStatus status =
        alisa_window_limits(options, shape->context, shape->seed_rows, &limits, error);
    if (status) return status;
    uint64_t lists = (uint64_t)shape->layer_count * shape->sequence_count * shape->list_count;
    bool sums = alisa_selector_source(options) == ALISA_SELECT_BY_SUMS;
    /* Every row of a plan may leave in the same plan, after those of the windows before it. */
    uint64_t moves = 2 * (uint64_t)shape->max_rows + (uint64_t)shape->sequence_count * limits.rows;
    if (moves < shape->sequence_count) moves = shape->sequence_count; /* to begin with: clear */
    if (moves > UINT32_MAX) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "selection of %u sequences of %u tokens is too large to number",
                               shape->sequence_count, shape->context);
    }
    *bytes = (Bytes){
        .sums = at_least_one(sums ? lists * shape->context : 0, sizeof(uint32_t)),
        .codes = at_least_one(lists * limits.codes, sizeof(uint16_t)),
        .places = at_least_one(lists * limits.places,
                               shape->context > MOST_PLACES ? sizeof(uint32_t) : sizeof(uint16_t)),
        .lists = at_least_one(lists * list_capacity(options, shape->context), sizeof(uint32_t)),
        .updates = at_least_one(shape->max_updates, sizeof(DeviceUpdate)),
        .moves = at_least_one(moves, sizeof(AlisaWindowMove)),
        .targets = at_least_one(shape->max_updates, sizeof(AlisaSelectionTarget)),
        .max_moves = (uint32_t)moves,
    };
    return ALISA_OK;
}

uint64_t alisa_selection_bytes(const AlisaSelectOptions *options, const AlisaSelectionShape *shape,
                               AlisaError *error) {
    Bytes bytes;
    if (count_bytes(options, shape, &bytes, error)) return 0;
    return bytes.sums + bytes.codes + bytes.places + bytes.lists + bytes.updates + bytes.moves +
           bytes.targets + sizeof(DeviceSizes);
}

/* ---- Making -------------------------------------------------------------------------------- */

static AlisaStatus get_kernels(AlisaSelection *selection, AlisaError *error) {
    static const char *const sources[] = {[ALISA_SELECT_BY_RULE] = "BY_RULE",
                                          [ALISA_SELECT_BY_SUMS] = "BY_SUMS",
                                          [ALISA_SELECT_BY_ROW] = "BY_ROW",
                                          [ALISA_SELECT_BY_CHANCE] = "BY_CHANCE"};
    AlisaDevice *device = selection->device;
    const char *place = selection->shape.context > MOST_PLACES ? "uint" : "ushort";
    const char *source = sources[alisa_selector_source(&selection->options)];
    char options[128];
    snprintf(options, sizeof options, "-DSOURCE=%s -DPLACE=%s -DGROUP=%zu", source, place,
             selection->group);
    AlisaStatus status = selection->wide
                             ? alisa_kernel_get(device, "attn/select_group.cl", "select_group",
                                                options, &selection->run, error)
                             : alisa_kernel_get(device, "attn/select_item.cl", "select_item",
                                                options, &selection->run, error);
    for (int blocks = 0; blocks < 2 && !status; blocks++) {
        snprintf(options, sizeof options, "-DITEM=%d -DBLOCKS=%d", selection->wide ? 1 : SLOTS_ITEM,
                 blocks);
        status =
            alisa_kernel_get(device, "attn/select_slots.cl", "select_slots", options,
                             blocks ? &selection->translate_blocks : &selection->translate, error);
    }
    return status;
}

static AlisaStatus make_buffers(AlisaSelection *selection, const Bytes *bytes, AlisaError *error) {
    const struct {
        AlisaBuffer *buffer;
        uint64_t size;
        const char *what;
    } buffers[] = {
        {&selection->sums, bytes->sums, "sums of attention rows"},
        {&selection->codes, bytes->codes, "window of attention rows"},
        {&selection->places, bytes->places, "places of attention rows"},
        {&selection->lists, bytes->lists, "lists of selected tokens"},
        {&selection->update_buffer, bytes->updates, "updates of the selection"},
        {&selection->move_buffer, bytes->moves, "moves of the selection"},
        {&selection->target_buffer, bytes->targets, "targets of the selection"},
        {&selection->sizes_buffer, sizeof(DeviceSizes), "sizes of the selection"},
    };
    for (size_t i = 0; i < COUNT_OF(buffers); i++) {
        AlisaStatus status =
            alisa_buffer_create(selection->device, buffers[i].size, ALISA_BUFFER_READ_WRITE,
                                buffers[i].what, buffers[i].buffer, error);
        if (status) return status;
    }
    const DeviceSizes sizes = {
        .lists = selection->shape.list_count,
        .context = selection->shape.context,
        .codes = selection->windows->limits.codes,
        .places = selection->windows->limits.places,
        .capacity = selection->capacity,
        .seed_low = (uint32_t)selection->options.seed,
        .seed_high = (uint32_t)(selection->options.seed >> 32),
        .first_layer = selection->shape.first_layer,
    };
    return alisa_buffer_write(selection->device, &selection->sizes_buffer, 0, &sizes, sizeof sizes,
                              error);
}

static AlisaStatus make_host_side(AlisaSelection *selection, AlisaError *error) {
    const AlisaSelectionShape *shape = &selection->shape;
    selection->windows = alisa_allocate_zeroed(shape->sequence_count, sizeof *selection->windows,
                                               "selection windows", error);
    selection->picked = alisa_allocate_zeroed(shape->sequence_count, sizeof *selection->picked,
                                              "selection steps", error);
    selection->updates =
        alisa_allocate(shape->max_updates, sizeof *selection->updates, "selection updates", error);
    selection->moves =
        alisa_allocate(selection->max_moves, sizeof *selection->moves, "selection moves", error);
    if (!selection->windows || !selection->picked || !selection->updates || !selection->moves)
        return ALISA_ERROR_MEMORY;
    for (uint32_t i = 0; i < shape->sequence_count; i++) {
        AlisaStatus status = alisa_window_init(&selection->windows[i], &selection->options,
                                               shape->context, shape->seed_rows, error);
        if (status) return status;
    }
    return ALISA_OK;
}

/* ---- Feeding and picking ------------------------------------------------------------------- */

static AlisaStatus check_update(const AlisaSelection *selection, const AlisaSelectionUpdate *update,
                                AlisaError *error) {
    const AlisaSelectionShape *shape = &selection->shape;
    uint32_t last = update->row_count ? update->first_count + update->row_count - 1 : 0;
    if (update->sequence >= shape->sequence_count || update->pick_count > shape->context ||
        (update->row_count && (update->first_count == 0 || last > shape->context))) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "a selection of %u sequences of %u tokens has no sequence %u of %u",
                               shape->sequence_count, shape->context, update->sequence,
                               update->pick_count > last ? update->pick_count : last);
    }
    if (update->row_count == 0 || update->dense) return ALISA_OK;
    AlisaSelectBudget budget = alisa_selector_budget(&selection->options, update->first_count);
    bool reads_list = budget.sinks + budget.globals > 0;
    if (update->row_count > 1 ||
        (reads_list && selection->picked[update->sequence] != update->first_count)) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "rows of sequence %u at %u tokens do not belong to its lists, which "
                               "are for %u",
                               update->sequence, update->first_count,
                               selection->picked[update->sequence]);
    }
    return ALISA_OK;
}

static void plan_update(AlisaSelection *selection, const AlisaSelectionUpdate *update) {
    AlisaWindow *window = &selection->windows[update->sequence];
    DeviceUpdate *out = &selection->updates[selection->update_count++];
    *out = (DeviceUpdate){.sequence = update->sequence, .first_move = selection->move_count};
    for (uint32_t i = 0; i < update->row_count; i++)
        selection->move_count +=
            alisa_window_feed(window, update->first_count + i, update->dense, update->first_row + i,
                              selection->moves + selection->move_count);
    out->moves = selection->move_count - out->first_move;
    if (update->pick_count == 0) return;
    out->count = update->pick_count;
    out->budget = alisa_selector_budget(&selection->options, update->pick_count);
    out->row = update->pick_row;
    selection->picked[update->sequence] = update->pick_count;
}

static AlisaStatus upload_plan(AlisaSelection *selection, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    if (selection->move_count) {
        status = alisa_buffer_write(selection->device, &selection->move_buffer, 0, selection->moves,
                                    selection->move_count * sizeof *selection->moves, error);
    }
    if (status || selection->update_count == 0) return status;
    return alisa_buffer_write(selection->device, &selection->update_buffer, 0, selection->updates,
                              selection->update_count * sizeof *selection->updates, error);
}

AlisaStatus alisa_selection_plan(AlisaSelection *selection, const AlisaSelectionUpdate *updates,
                                 uint32_t update_count, AlisaError *error) {
    uint64_t rows = 0;
    for (uint32_t i = 0; i < update_count; i++)
        rows += updates[i].row_count;
    if (update_count > selection->shape.max_updates || rows > selection->shape.max_rows) {
        return alisa_error_set(
            error, ALISA_ERROR_ARGUMENT,
            "a selection made for %u updates and %u rows cannot plan %u and %llu",
            selection->shape.max_updates, selection->shape.max_rows, update_count,
            (unsigned long long)rows);
    }
    selection->update_count = selection->move_count = 0;
    for (uint32_t i = 0; i < update_count; i++) {
        AlisaStatus status = check_update(selection, &updates[i], error);
        if (status) return status;
        plan_update(selection, &updates[i]);
    }
    return upload_plan(selection, error);
}

AlisaStatus alisa_selection_run(AlisaSelection *selection, uint32_t layer, uint32_t first,
                                uint32_t count, AlisaSelectionRows rows, AlisaError *error) {
    const AlisaLaunch launch = {{count * selection->group, selection->shape.list_count, 1},
                                {selection->group, 1, 1}};
    const AlisaBuffer *row_buffer = rows.buffer ? rows.buffer : &selection->lists;
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(&selection->sizes_buffer),
        ALISA_ARG_BUFFER(&selection->update_buffer),
        ALISA_ARG_BUFFER(&selection->move_buffer),
        ALISA_ARG_BUFFER(row_buffer),
        ALISA_ARG(rows.stride),
        ALISA_ARG_BUFFER(&selection->sums),
        ALISA_ARG_BUFFER(&selection->codes),
        ALISA_ARG_BUFFER(&selection->places),
        ALISA_ARG_BUFFER(&selection->lists),
        ALISA_ARG(selection->shape.sequence_count),
        ALISA_ARG(layer),
        ALISA_ARG(first),
    };
    return alisa_kernel_launch(selection->run, &launch, arguments, COUNT_OF(arguments), error);
}

/* Adds the update that makes a sequence forget tokens `count` and later. */
static void clear_update(AlisaSelection *selection, uint32_t sequence, uint32_t count) {
    DeviceUpdate *update = &selection->updates[selection->update_count++];
    *update = (DeviceUpdate){.sequence = sequence, .first_move = selection->move_count};
    update->moves = alisa_window_truncate(&selection->windows[sequence], count,
                                          selection->moves + selection->move_count);
    selection->move_count += update->moves;
    /* The list of the step with count + 1 tokens is from rows of earlier ones only. */
    if (selection->picked[sequence] > count + 1 || count == 0) selection->picked[sequence] = 0;
}

AlisaStatus alisa_selection_truncate(AlisaSelection *selection, uint32_t sequence, uint32_t count,
                                     AlisaError *error) {
    selection->update_count = selection->move_count = 0;
    clear_update(selection, sequence, count);
    if (selection->move_count == 0) return ALISA_OK;
    AlisaStatus status = upload_plan(selection, error);
    for (uint32_t layer = 0; layer < selection->shape.layer_count && !status; layer++)
        status = alisa_selection_run(selection, layer, 0, 1, (AlisaSelectionRows){0}, error);
    return status;
}

/* ---- Life ---------------------------------------------------------------------------------- */

/* As many sequences at a time as a plan takes. */
static AlisaStatus clear_all(AlisaSelection *selection, AlisaError *error) {
    const AlisaSelectionShape *shape = &selection->shape;
    AlisaStatus status = ALISA_OK;
    if (alisa_selector_source(&selection->options) != ALISA_SELECT_BY_SUMS) return ALISA_OK;
    for (uint32_t first = 0; first < shape->sequence_count && !status;
         first += shape->max_updates) {
        selection->update_count = selection->move_count = 0;
        while (selection->update_count < shape->max_updates &&
               first + selection->update_count < shape->sequence_count)
            clear_update(selection, first + selection->update_count, 0);
        status = upload_plan(selection, error);
        for (uint32_t layer = 0; layer < shape->layer_count && !status; layer++)
            status = alisa_selection_run(selection, layer, 0, selection->update_count,
                                         (AlisaSelectionRows){0}, error);
    }
    return status;
}

AlisaStatus alisa_selection_create(AlisaOps *ops, const AlisaSelectOptions *options,
                                   const AlisaSelectionShape *shape, AlisaSelection **selection,
                                   AlisaError *error) {
    *selection = NULL;
    Bytes bytes;
    AlisaStatus status = count_bytes(options, shape, &bytes, error);
    if (status) return status;
    AlisaSelection *made = alisa_allocate_zeroed(1, sizeof *made, "selection", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->options = *options;
    made->shape = *shape;
    made->device = alisa_ops_device(ops);
    made->capacity = list_capacity(options, shape->context);
    made->max_moves = bytes.max_moves;
    const AlisaSelectParameters *parameters = &alisa_ops_parameters(ops)->select;
    made->wide = parameters->layout == ALISA_LAYOUT_GROUP;
    made->group = made->wide ? parameters->group : 1;
    status = make_host_side(made, error);
    if (!status) status = get_kernels(made, error);
    if (!status) status = make_buffers(made, &bytes, error);
    if (!status) status = clear_all(made, error);
    if (status) {
        alisa_selection_destroy(made);
        return status;
    }
    *selection = made;
    return ALISA_OK;
}

void alisa_selection_destroy(AlisaSelection *selection) {
    if (!selection) return;
    alisa_buffer_destroy(&selection->sums);
    alisa_buffer_destroy(&selection->codes);
    alisa_buffer_destroy(&selection->places);
    alisa_buffer_destroy(&selection->lists);
    alisa_buffer_destroy(&selection->update_buffer);
    alisa_buffer_destroy(&selection->move_buffer);
    alisa_buffer_destroy(&selection->target_buffer);
    alisa_buffer_destroy(&selection->sizes_buffer);
    for (uint32_t i = 0; selection->windows && i < selection->shape.sequence_count; i++)
        alisa_window_finish(&selection->windows[i]);
    free(selection->windows);
    free(selection->picked);
    free(selection->updates);
    free(selection->moves);
    free(selection);
}

/* ---- Lists --------------------------------------------------------------------------------- */

const AlisaBuffer *alisa_selection_lists(const AlisaSelection *selection) {
    return &selection->lists;
}

uint32_t alisa_selection_capacity(const AlisaSelection *selection) {
    return selection->capacity;
}

uint64_t alisa_selection_list_offset(const AlisaSelection *selection, uint32_t layer,
                                     uint32_t sequence) {
    const AlisaSelectionShape *shape = &selection->shape;
    uint64_t list = ((uint64_t)layer * shape->sequence_count + sequence) * shape->list_count;
    return list * selection->capacity;
}

AlisaStatus alisa_selection_set_targets(AlisaSelection *selection,
                                        const AlisaSelectionTarget *targets, uint32_t target_count,
                                        AlisaError *error) {
    if (target_count > selection->shape.max_updates) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "a selection made for %u updates cannot translate the lists of %u",
                               selection->shape.max_updates, target_count);
    }
    selection->target_count = target_count;
    selection->longest = 0;
    for (uint32_t i = 0; i < target_count; i++)
        if (targets[i].count > selection->longest) selection->longest = targets[i].count;
    if (target_count == 0) return ALISA_OK;
    return alisa_buffer_write(selection->device, &selection->target_buffer, 0, targets,
                              target_count * sizeof *targets, error);
}

AlisaStatus alisa_selection_translate(AlisaSelection *selection, uint32_t layer,
                                      const AlisaSelectionSlots *slots, AlisaError *error) {
    size_t items = selection->wide ? 1 : SLOTS_ITEM, local = selection->wide ? SLOTS_GROUP : 1;
    size_t width = alisa_divide_up_64(selection->longest, items);
    const AlisaLaunch launch = {
        {alisa_round_up_64(width, local), selection->shape.list_count, selection->target_count},
        {local, 1, 1}};
    uint64_t lists_offset = alisa_selection_list_offset(selection, layer, 0);
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(&selection->target_buffer),
        ALISA_ARG_BUFFER(&selection->lists),
        ALISA_ARG(lists_offset),
        ALISA_ARG(selection->capacity),
        ALISA_ARG_BUFFER(slots->pages),
        ALISA_ARG(slots->page_offset),
        ALISA_ARG(slots->page_stride),
        ALISA_ARG_BUFFER(slots->slots),
        ALISA_ARG(slots->list_stride),
        ALISA_ARG_BUFFER(slots->blocks),
    };
    size_t count = COUNT_OF(arguments) - (slots->blocks ? 0 : 1);
    AlisaKernel *kernel = slots->blocks ? selection->translate_blocks : selection->translate;
    return alisa_kernel_launch(kernel, &launch, arguments, count, error);
}
