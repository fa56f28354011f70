/* SPDX-License-Identifier: Apache-2.0 */
#include "kv/staging.h"

#include <stdlib.h>
#include <string.h>

#include "base/round.h"

/* Batches of a direction that may be under way: two keep the link busy with large ones; more let
 * the small ones of several layers go ahead. */
#define PART_COUNT 8
/* Bytes of a list posted at once, when parts are smaller. */
#define LEAST_POST_BYTES (64u << 10)
#define ALIGNMENT        64u

enum { TO_DEVICE, TO_HOST, POSTS, LANE_COUNT };

/* A part of the staging memory and the batch in it. */
typedef struct Part {
    AlisaEvent copied; /* the transfer is done */
    bool timed;        /* and counted */
    AlisaEvent free;   /* the device is done with the part: launches, or the write of a post */
    AlisaRowStore *store;
    uint32_t layer; /* to the device */
    uint32_t count; /* rows */
    int32_t *slots; /* [count] to the host: where they go */
} Part;

/* Parts are used in turn: `pending` of them, from `first` on, hold a batch under way. */
typedef struct Lane {
    AlisaBuffer device;
    AlisaPinned host;
    uint64_t part_bytes;
    Part parts[PART_COUNT];
    uint32_t first;
    uint32_t pending;
} Lane;

struct AlisaStaging {
    AlisaDevice *device;
    Lane lanes[LANE_COUNT];
    uint32_t next_post;
    uint32_t offloads_started; /* batches; `arriving` counts by them */
    uint32_t offloads_landed;
    uint32_t loads_started; /* the same for loads and `filling` */
    uint32_t loads_unpacked;
    AlisaTraffic traffic;
};

static uint32_t row_bytes(const AlisaRowStore *store) {
    return store->key_bytes + store->value_bytes;
}

static uint64_t align(uint64_t bytes) {
    return alisa_round_up_64(bytes, ALIGNMENT);
}

/* ---- Memory ------------------------------------------------------------------------------- */

static AlisaStatus create_lane(AlisaDevice *device, uint64_t part_bytes, Lane *lane,
                               AlisaError *error) {
    lane->part_bytes = part_bytes;
    AlisaStatus status = alisa_buffer_create(
        device, part_bytes * PART_COUNT, ALISA_BUFFER_READ_WRITE, "staging", &lane->device, error);
    if (status != ALISA_OK) return status;
    return alisa_pinned_create(device, part_bytes * PART_COUNT, "staging", &lane->host, error);
}

typedef struct LaneSizes {
    uint64_t part;
    uint64_t post;
} LaneSizes;

static LaneSizes sizes_of(uint64_t bytes) {
    uint64_t part = align(bytes / PART_COUNT);
    uint64_t post = part / 4;
    return (LaneSizes){part, align(post < LEAST_POST_BYTES ? LEAST_POST_BYTES : post)};
}

uint64_t alisa_staging_bytes_of(uint64_t bytes) {
    LaneSizes sizes = sizes_of(bytes);
    return PART_COUNT * (2 * sizes.part + sizes.post);
}

uint64_t alisa_staging_part_of(uint64_t bytes) {
    return sizes_of(bytes).part;
}

AlisaStatus alisa_staging_create(AlisaDevice *device, uint64_t bytes, AlisaStaging **staging,
                                 AlisaError *error) {
    *staging = NULL;
    AlisaStaging *made = alisa_allocate_zeroed(1, sizeof *made, "staging", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->device = device;
    LaneSizes sizes = sizes_of(bytes);
    AlisaStatus status = create_lane(device, sizes.part, &made->lanes[TO_DEVICE], error);
    if (status == ALISA_OK) status = create_lane(device, sizes.part, &made->lanes[TO_HOST], error);
    if (status == ALISA_OK) status = create_lane(device, sizes.post, &made->lanes[POSTS], error);
    Part *parts = made->lanes[TO_HOST].parts;
    for (int i = 0; i < PART_COUNT && status == ALISA_OK; i++) {
        /* A row has a byte at least. */
        parts[i].slots =
            alisa_allocate(sizes.part / sizeof(int32_t), sizeof(int32_t), "staging", error);
        if (!parts[i].slots) status = ALISA_ERROR_MEMORY;
    }
    if (status != ALISA_OK) {
        alisa_staging_destroy(made);
        return status;
    }
    *staging = made;
    return ALISA_OK;
}

void alisa_staging_reset(AlisaStaging *staging) {
    for (int l = 0; l < LANE_COUNT; l++) {
        Lane *lane = &staging->lanes[l];
        for (int i = 0; i < PART_COUNT; i++) {
            Part *part = &lane->parts[i];
            alisa_event_wait(staging->device, &part->copied, "staging", NULL);
            alisa_event_wait(staging->device, &part->free, "staging", NULL);
            alisa_event_release(&part->copied);
            alisa_event_release(&part->free);
        }
        lane->first = lane->pending = 0;
    }
    staging->offloads_landed = staging->offloads_started;
    staging->loads_unpacked = staging->loads_started;
}

void alisa_staging_destroy(AlisaStaging *staging) {
    if (!staging) return;
    alisa_staging_reset(staging);
    for (int i = 0; i < PART_COUNT; i++)
        free(staging->lanes[TO_HOST].parts[i].slots);
    for (int l = 0; l < LANE_COUNT; l++) {
        alisa_buffer_destroy(&staging->lanes[l].device);
        if (staging->lanes[l].host.data)
            alisa_pinned_destroy(staging->device, &staging->lanes[l].host);
    }
    free(staging);
}

uint64_t alisa_staging_bytes(const AlisaStaging *staging) {
    uint64_t bytes = 0;
    for (int l = 0; l < LANE_COUNT; l++)
        bytes += staging->lanes[l].device.size;
    return bytes;
}

const AlisaTraffic *alisa_staging_traffic(const AlisaStaging *staging) {
    return &staging->traffic;
}

/* The host's side of the part's memory. */
static char *host_memory(const Lane *lane, const Part *part) {
    return (char *)lane->host.data + (size_t)(part - lane->parts) * lane->part_bytes;
}

static uint64_t device_offset(const Lane *lane, const Part *part) {
    return (uint64_t)(part - lane->parts) * lane->part_bytes;
}

/* Rows of a batch: with two numbers each before them. 0 where not even one fits. */
static uint32_t rows_a_part(const Lane *lane, const AlisaRowStore *store) {
    uint64_t room = lane->part_bytes - ALIGNMENT;
    uint64_t rows = room / (row_bytes(store) + 2 * sizeof(int32_t));
    return rows < UINT32_MAX ? (uint32_t)rows : UINT32_MAX;
}

static AlisaStatus check_row(const Lane *lane, const AlisaRowStore *store, AlisaError *error) {
    if (rows_a_part(lane, store) > 0) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "a row of %u bytes does not fit a staging part of %llu",
                           row_bytes(store), (unsigned long long)lane->part_bytes);
}

static void note_time(AlisaStaging *staging, Part *part) {
    double seconds = part->timed ? 0.0 : alisa_event_seconds(&part->copied);
    staging->traffic.seconds += seconds;
    part->timed = part->timed || seconds > 0.0;
}

void alisa_staging_note_times(AlisaStaging *staging) {
    for (int i = 0; i < PART_COUNT; i++) {
        note_time(staging, &staging->lanes[TO_DEVICE].parts[i]);
        note_time(staging, &staging->lanes[TO_HOST].parts[i]);
    }
}

/* The host may write the part's memory again. */
static AlisaStatus wait_copied(AlisaStaging *staging, Part *part, const char *what,
                               AlisaError *error) {
    AlisaStatus status = alisa_event_wait(staging->device, &part->copied, what, error);
    note_time(staging, part);
    part->timed = false;
    alisa_event_release(&part->copied);
    return status;
}

/* ---- Posts -------------------------------------------------------------------------------- */

size_t alisa_staging_post_limit(const AlisaStaging *staging) {
    return (size_t)staging->lanes[POSTS].part_bytes / sizeof(int32_t);
}

AlisaStatus alisa_staging_post(AlisaStaging *staging, const int32_t *numbers, size_t count,
                               AlisaPosted *posted, AlisaError *error) {
    Lane *lane = &staging->lanes[POSTS];
    if (count > alisa_staging_post_limit(staging)) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "a list of %zu numbers is too long to post", count);
    }
    Part *part = &lane->parts[staging->next_post];
    staging->next_post = (staging->next_post + 1) % PART_COUNT;
    AlisaStatus status = alisa_event_wait(staging->device, &part->free, "a list of slots", error);
    alisa_event_release(&part->free);
    if (status != ALISA_OK) return status;
    char *memory = host_memory(lane, part);
    memcpy(memory, numbers, count * sizeof *numbers);
    *posted = (AlisaPosted){&lane->device, device_offset(lane, part) / sizeof *numbers};
    status = alisa_buffer_write_later(staging->device, &lane->device, device_offset(lane, part),
                                      memory, count * sizeof *numbers, error);
    if (status != ALISA_OK) return status;
    return alisa_opencl_mark(staging->device, &part->free, error);
}

/* ---- What arrived --------------------------------------------------------------------------- */

/* The oldest load is unpacked, once it is there. */
static AlisaStatus unpack(AlisaStaging *staging, AlisaError *error) {
    Lane *lane = &staging->lanes[TO_DEVICE];
    Part *part = &lane->parts[lane->first];
    lane->first = (lane->first + 1) % PART_COUNT;
    lane->pending--;
    staging->loads_unpacked++;
    AlisaStatus status = alisa_opencl_wait_for(staging->device, &part->copied, error);
    if (status != ALISA_OK) return status;
    uint64_t begin = device_offset(lane, part);
    const AlisaPosted lists = {&lane->device, begin / sizeof(int32_t)};
    const AlisaPackedRows rows = {&lane->device, begin + align(2 * sizeof(int32_t) * part->count),
                                  part->count};
    status = alisa_row_store_scatter(part->store, part->layer, &lists, &rows, error);
    if (status == ALISA_OK) status = alisa_opencl_mark(staging->device, &part->free, error);
    return status;
}

AlisaStatus alisa_staging_settle(AlisaStaging *staging, const AlisaRowStore *store, uint32_t arena,
                                 int32_t slot, AlisaError *error) {
    /* Numbers of batches may wrap around: differences do not. */
    uint32_t ahead = store->filling[arena][slot] - staging->loads_unpacked;
    if (ahead > staging->lanes[TO_DEVICE].pending) return ALISA_OK;
    AlisaStatus status = ALISA_OK;
    for (; ahead > 0 && status == ALISA_OK; ahead--)
        status = unpack(staging, error);
    return status;
}

static AlisaStatus unpack_until(AlisaStaging *staging, const AlisaRowStore *store, uint32_t layer,
                                bool all, AlisaError *error) {
    const Lane *lane = &staging->lanes[TO_DEVICE];
    uint32_t last = 0;
    for (uint32_t i = 0; i < lane->pending; i++) {
        const Part *part = &lane->parts[(lane->first + i) % PART_COUNT];
        if (part->store == store && (all || part->layer == layer)) last = i + 1;
    }
    AlisaStatus status = ALISA_OK;
    for (; last > 0 && status == ALISA_OK; last--)
        status = unpack(staging, error);
    return status;
}

AlisaStatus alisa_staging_arrive(AlisaStaging *staging, const AlisaRowStore *store, uint32_t layer,
                                 AlisaError *error) {
    return unpack_until(staging, store, layer, false, error);
}

AlisaStatus alisa_staging_arrive_all(AlisaStaging *staging, const AlisaRowStore *store,
                                     AlisaError *error) {
    return unpack_until(staging, store, 0, true, error);
}

/* ---- Device to host ----------------------------------------------------------------------- */

/* The oldest offload lands in its host slots. */
static AlisaStatus land(AlisaStaging *staging, AlisaError *error) {
    Lane *lane = &staging->lanes[TO_HOST];
    Part *part = &lane->parts[lane->first];
    lane->first = (lane->first + 1) % PART_COUNT;
    lane->pending--;
    staging->offloads_landed++;
    AlisaStatus status = wait_copied(staging, part, "an offload of KV rows", error);
    if (status != ALISA_OK) return status;
    alisa_host_rows_scatter(&part->store->host, part->slots, part->count, host_memory(lane, part));
    return ALISA_OK;
}

static AlisaStatus gather(AlisaStaging *staging, const Part *part, uint32_t arena,
                          const int32_t *slots, AlisaError *error) {
    const Lane *lane = &staging->lanes[TO_HOST];
    const AlisaPackedRows rows = {&lane->device, device_offset(lane, part), part->count};
    AlisaPosted list;
    AlisaStatus status = alisa_staging_post(staging, slots, part->count, &list, error);
    if (status != ALISA_OK) return status;
    return alisa_row_store_gather(part->store, arena, &list, &rows, error);
}

static AlisaStatus offload_batch(AlisaStaging *staging, AlisaRowStore *store,
                                 const AlisaMove *moves, uint32_t count, AlisaError *error) {
    Lane *lane = &staging->lanes[TO_HOST];
    AlisaStatus status = lane->pending == PART_COUNT ? land(staging, error) : ALISA_OK;
    if (status != ALISA_OK) return status;
    Part *part = &lane->parts[(lane->first + lane->pending) % PART_COUNT];
    part->store = store;
    part->count = count;
    uint32_t arena = moves[0].layer % store->arena_count;
    for (uint32_t i = 0; i < count && status == ALISA_OK; i++) {
        part->slots[i] = moves[i].device_slot;
        status = alisa_staging_settle(staging, store, arena, moves[i].device_slot, error);
    }
    if (status == ALISA_OK) status = gather(staging, part, arena, part->slots, error);
    if (status != ALISA_OK) return status;
    AlisaEvent gathered;
    status = alisa_opencl_mark(staging->device, &gathered, error);
    if (status != ALISA_OK) return status;
    uint64_t bytes = (uint64_t)count * row_bytes(store);
    status = alisa_transfer_read(staging->device, &lane->device, device_offset(lane, part),
                                 host_memory(lane, part), bytes, &gathered, &part->copied, error);
    alisa_event_release(&gathered);
    if (status != ALISA_OK) return status;
    staging->offloads_started++;
    for (uint32_t i = 0; i < count; i++) {
        part->slots[i] = moves[i].host_slot;
        store->arriving[moves[i].host_slot] = staging->offloads_started;
    }
    lane->pending++;
    staging->traffic.bytes_to_host += bytes;
    staging->traffic.batches_to_host++;
    return ALISA_OK;
}

AlisaStatus alisa_staging_offload(AlisaStaging *staging, AlisaRowStore *store,
                                  const AlisaMoves *moves, AlisaError *error) {
    const Lane *lane = &staging->lanes[TO_HOST];
    AlisaStatus status = check_row(lane, store, error);
    uint32_t limit = rows_a_part(lane, store);
    if (limit > alisa_staging_post_limit(staging))
        limit = (uint32_t)alisa_staging_post_limit(staging);
    for (size_t done = 0; status == ALISA_OK && done < moves->count; done += limit) {
        size_t left = moves->count - done;
        status = offload_batch(staging, store, moves->items + done,
                               left < limit ? (uint32_t)left : limit, error);
    }
    return status;
}

/* ---- Host to device ----------------------------------------------------------------------- */

/* Lands the offloads that fill a host slot of the moves. */
static AlisaStatus land_sources(AlisaStaging *staging, const AlisaRowStore *store,
                                const AlisaMove *moves, uint32_t count, AlisaError *error) {
    uint32_t in_flight = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t ahead = store->arriving[moves[i].host_slot] - staging->offloads_landed;
        if (ahead <= staging->lanes[TO_HOST].pending && ahead > in_flight) in_flight = ahead;
    }
    AlisaStatus status = ALISA_OK;
    for (; in_flight > 0 && status == ALISA_OK; in_flight--)
        status = land(staging, error);
    return status;
}

static AlisaStatus load_batch(AlisaStaging *staging, AlisaRowStore *store, const AlisaMove *moves,
                              uint32_t count, AlisaError *error) {
    Lane *lane = &staging->lanes[TO_DEVICE];
    AlisaStatus status = land_sources(staging, store, moves, count, error);
    if (status == ALISA_OK && lane->pending == PART_COUNT) status = unpack(staging, error);
    if (status != ALISA_OK) return status;
    Part *part = &lane->parts[(lane->first + lane->pending) % PART_COUNT];
    status = wait_copied(staging, part, "a load of KV rows", error);
    if (status != ALISA_OK) return status;
    part->store = store;
    part->layer = moves[0].layer;
    part->count = count;

    /* The host's slots stand where the tokens' indices go afterwards. */
    char *memory = host_memory(lane, part);
    int32_t *slots = (int32_t *)memory, *tokens = slots + count;
    char *packed = memory + align(2 * sizeof *slots * count);
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = moves[i].device_slot;
        tokens[i] = moves[i].host_slot;
    }
    alisa_host_rows_gather(&store->host, tokens, count, packed);
    for (uint32_t i = 0; i < count; i++)
        tokens[i] = (int32_t)(moves[i].sequence * store->context_length + moves[i].position);
    uint64_t rows = (uint64_t)count * row_bytes(store);
    status =
        alisa_transfer_write(staging->device, &lane->device, device_offset(lane, part), memory,
                             (uint64_t)(packed - memory) + rows, &part->free, &part->copied, error);
    alisa_event_release(&part->free);
    if (status != ALISA_OK) return status;
    lane->pending++;
    staging->loads_started++;
    for (uint32_t i = 0; i < count; i++)
        store->filling[part->layer % store->arena_count][moves[i].device_slot] =
            staging->loads_started;
    staging->traffic.bytes_to_device += rows;
    staging->traffic.batches_to_device++;
    return ALISA_OK;
}

AlisaStatus alisa_staging_load(AlisaStaging *staging, AlisaRowStore *store, const AlisaMoves *moves,
                               AlisaError *error) {
    const Lane *lane = &staging->lanes[TO_DEVICE];
    AlisaStatus status = check_row(lane, store, error);
    uint32_t limit = rows_a_part(lane, store);
    for (size_t done = 0; status == ALISA_OK && done < moves->count; done += limit) {
        size_t left = moves->count - done;
        status = load_batch(staging, store, moves->items + done,
                            left < limit ? (uint32_t)left : limit, error);
    }
    return status;
}
