#include "engine/session.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/* Rows of one sequence follow each other in position, so a sequence's growth is a count. Nothing is
 * appended unless every row can be. */
static AlisaStatus check_rows(AlisaSession *session, const AlisaRow *rows, size_t count,
                              AlisaError *error) {
    const AlisaSessionOptions *options = &session->options;
    const AlisaShape *shape = &session->engine->shape;
    size_t logit_rows = 0;
    size_t failed = count;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].sequence >= options->sequence_count) {
            alisa_error_set(error, ALISA_ERROR_ARGUMENT, "row %zu: sequence %u of %u", i,
                            rows[i].sequence, options->sequence_count);
            failed = i;
            break;
        }
        if (rows[i].token < 0 || (uint32_t)rows[i].token >= shape->vocabulary_size) {
            alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                            "row %zu: token %d is outside the vocabulary of %u", i, rows[i].token,
                            shape->vocabulary_size);
            failed = i;
            break;
        }
        session->lengths[rows[i].sequence]++; /* undone below */
        logit_rows += rows[i].logits;
    }
    bool whole = failed == count;
    AlisaStatus status = whole ? ALISA_OK : ALISA_ERROR_ARGUMENT;
    for (size_t i = 0; i < failed; i++) {
        uint32_t sequence = rows[i].sequence;
        if (status == ALISA_OK && session->lengths[sequence] > options->context_length) {
            status =
                alisa_error_set(error, ALISA_ERROR_CONTEXT_LENGTH,
                                "context_length_exceeded: sequence %u would hold %u tokens and "
                                "the context is %u: raise -c or shorten the text",
                                sequence, session->lengths[sequence], options->context_length);
        }
    }
    for (size_t i = 0; i < failed; i++)
        session->lengths[rows[i].sequence]--;
    if (status == ALISA_OK && logit_rows > options->logit_rows) {
        status = alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                                 "logits of %zu rows were asked for and the session was made for "
                                 "%u (logit_rows)",
                                 logit_rows, options->logit_rows);
    }
    return status;
}

/* What sparse attention and the tiles want to know of the call as a whole. */
static void describe_call(AlisaSession *session, const AlisaRow *rows, size_t count) {
    uint32_t sequences = session->options.sequence_count;
    memset(session->call_rows, 0, sequences * sizeof *session->call_rows);
    for (size_t i = 0; i < count; i++)
        session->call_rows[rows[i].sequence]++;
    for (uint32_t i = 0; i < sequences; i++)
        session->call_ends[i] = session->lengths[i] + session->call_rows[i];
}

/* Whether the sequence's row is a step on its own, which attends to chosen tokens. */
static bool is_step(const AlisaSession *session, uint32_t sequence) {
    return session->sparse && session->call_rows[sequence] == 1 && session->call_ends[sequence] > 1;
}

/* Tiles of the rows that attend to everything, run by run. */
static void cut_tiles(AlisaSession *session) {
    AlisaStepInputs *inputs = &session->inputs;
    uint32_t tile_rows = alisa_attention_tile_rows(session->attention);
    inputs->tile_count = 0;
    inputs->longest = 0;
    for (uint32_t first = 0, end; first < inputs->row_count; first = end) {
        bool prompt = inputs->sparse[first].prompt;
        for (end = first; end < inputs->row_count && inputs->sparse[end].prompt == prompt; end++)
            if (prompt && inputs->longest < inputs->counts[end])
                inputs->longest = inputs->counts[end];
        if (!prompt) continue;
        AlisaAttentionTile *tiles = inputs->tiles + inputs->tile_count;
        size_t made = alisa_attention_cut(inputs->list_offsets + first, inputs->counts + first,
                                          end - first, tile_rows, tiles);
        for (size_t i = 0; i < made; i++)
            tiles[i].first_row += first;
        inputs->tile_count += (uint32_t)made;
    }
}

/* Fills session->inputs from `count` rows, as if the sequences' lengths advanced row by row. */
static void describe_step(AlisaSession *session, const AlisaRow *rows, uint32_t count) {
    const AlisaEngine *engine = session->engine;
    AlisaStepInputs *inputs = &session->inputs;
    uint32_t pairs = engine->shape.rope.dim / 2;
    inputs->row_count = count;
    inputs->logit_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t sequence = rows[i].sequence;
        uint32_t position = session->lengths[sequence]++;
        inputs->tokens[i] = rows[i].token;
        if (session->admission) {
            uint64_t text = (uint64_t)sequence * session->options.context_length;
            session->admission->tokens[text + position] = rows[i].token;
        }
        if (session->tails) {
            inputs->row_slots[i] = session->tails->blocks.row_slots[i];
            inputs->list_offsets[i] = session->tails->blocks.list_offsets[i];
        } else {
            inputs->row_slots[i] = alisa_kv_slot(session->kv, sequence, position);
            inputs->list_offsets[i] = alisa_kv_list_offset(session->kv, sequence);
        }
        inputs->counts[i] = position + 1;
        inputs->sparse[i] = (AlisaSparseRow){.sequence = sequence,
                                             .count = position + 1,
                                             .call_end = session->call_ends[sequence],
                                             .prompt = !is_step(session, sequence),
                                             .all_offset = inputs->list_offsets[i]};
        if (session->tails)
            inputs->sparse[i].tail =
                alisa_kv_blocks_tail(&session->tails->blocks, sequence, position + 1);
        alisa_rope_rotations(engine->rope_frequencies, pairs, engine->rope_factor, position,
                             inputs->rotations + (size_t)i * 2 * pairs);
        if (rows[i].logits) inputs->logit_rows[inputs->logit_count++] = (int32_t)i;
    }
    cut_tiles(session);
}

/* Tokens of a sequence that was cut back whose places are still wanted: those of a block that is to
 * be taken back from its codes among them. */
static uint32_t placed_length(const AlisaSession *session, uint32_t sequence) {
    uint32_t length = session->forgotten[sequence];
    if (session->tails && alisa_kv_blocks_unseals(&session->tails->blocks, sequence, length))
        length = (length / ALISA_KV_BLOCK + 1) * ALISA_KV_BLOCK;
    return length;
}

AlisaStatus alisa_session_forget(AlisaSession *session, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < session->options.sequence_count && status == ALISA_OK; i++) {
        if (session->sparse && session->forgotten[i] < UINT32_MAX) {
            status = alisa_sparse_truncate(session->sparse, i, session->forgotten[i], error);
        }
        if (status == ALISA_OK && session->placement && session->forgotten[i] < UINT32_MAX)
            status =
                alisa_placement_truncate(session->placement, i, placed_length(session, i), error);
        if (status == ALISA_OK) session->forgotten[i] = UINT32_MAX;
    }
    return status;
}

/* Notes how long a step took in which each sequence had one row. */
static AlisaStatus record(AlisaSession *session, double seconds, AlisaError *error) {
    const AlisaStepInputs *inputs = &session->inputs;
    bool wanted = session->options.record_steps || session->placement;
    if (!wanted || session->measures || inputs->logit_count != inputs->row_count) return ALISA_OK;
    AlisaStepRecord made = {.phase = 1, .running = inputs->row_count, .measured_seconds = seconds};
    for (uint32_t i = 0; i < inputs->row_count; i++) {
        if (session->call_rows[inputs->sparse[i].sequence] != 1) return ALISA_OK;
        if (inputs->counts[i] > made.length) made.length = inputs->counts[i];
    }
    AlisaKvUsage usage;
    alisa_kv_usage(session->kv, &usage);
    made.bytes_to_device = usage.traffic.bytes_to_device - session->moved.bytes_to_device;
    made.bytes_to_host = usage.traffic.bytes_to_host - session->moved.bytes_to_host;
    session->moved = usage.traffic;
    if (session->placement) {
        made.phase = alisa_placement_step(session->placement)->phase;
        made.predicted_seconds = alisa_placement_predicted(session->placement);
        alisa_placement_observe(session->placement, seconds);
    }
    if (!session->options.record_steps) return ALISA_OK;
    if (session->admission) {
        made.predicted_seconds += session->admission->predicted;
        made.measured_seconds += session->admission->seconds;
    }
    if (session->record_count == session->record_capacity) {
        size_t larger = session->record_capacity ? 2 * session->record_capacity : 1024;
        AlisaStepRecord *records = realloc(session->records, larger * sizeof *records);
        if (!records) {
            return alisa_error_set(error, ALISA_ERROR_MEMORY,
                                   "cannot allocate host memory for records of %zu steps", larger);
        }
        session->records = records;
        session->record_capacity = larger;
    }
    session->records[session->record_count++] = made;
    return ALISA_OK;
}

void alisa_session_lose(AlisaSession *session) {
    alisa_kv_reset(session->kv);
    for (uint32_t i = 0; i < session->options.sequence_count; i++)
        alisa_session_truncate(session, i, 0);
}

AlisaStatus alisa_session_append(AlisaSession *session, const AlisaRow *rows, size_t count,
                                 AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    describe_call(session, rows, count);
    for (size_t done = 0; status == ALISA_OK && done < count;) {
        const AlisaSessionOptions *options = &session->options;
        if (options->interrupt && options->interrupt(options->interrupt_user)) {
            return alisa_error_set(error, ALISA_ERROR_INTERRUPTED,
                                   "interrupted after %zu of %zu "
                                   "tokens",
                                   done, count);
        }
        size_t left = count - done;
        uint32_t step_rows = left < options->micro_batch ? (uint32_t)left : options->micro_batch;
        if (session->tails) {
            step_rows =
                alisa_kv_blocks_step(&session->tails->blocks, rows + done, left, session->lengths);
        }
        describe_step(session, rows + done, step_rows);
        uint64_t begun = alisa_clock_now();
        status = alisa_step_run(session, error);
        double seconds = (double)(alisa_clock_now() - begun) * 1e-9;
        if (status == ALISA_OK) status = record(session, seconds, error);
        if (status == ALISA_ERROR_DEVICE && session->placement) alisa_session_lose(session);
        if (status != ALISA_OK) {
            if (session->placement) alisa_tiers_abandon(alisa_kv_tiers(session->kv));
            /* The failed step's rows are not part of the text. */
            for (uint32_t i = 0; i < step_rows; i++) {
                uint32_t sequence = rows[done + i].sequence;
                alisa_session_truncate(session, sequence, session->lengths[sequence] - 1);
            }
        } else if (session->tails) {
            alisa_kv_blocks_commit(&session->tails->blocks);
        }
        done += step_rows;
    }
    return status;
}

AlisaStatus alisa_session_eval(AlisaSession *session, const AlisaRow *rows, size_t count,
                               AlisaError *error) {
    session->logits_valid = 0;
    AlisaStatus status = check_rows(session, rows, count, error);
    if (status == ALISA_OK) status = alisa_session_forget(session, error);
    if (status == ALISA_OK && session->admission) {
        describe_call(session, rows, count);
        status = alisa_session_reserve(session, error);
    }
    if (status == ALISA_OK) status = alisa_session_append(session, rows, count, error);
    if (session->admission) session->admission->seconds = session->admission->predicted = 0.0;
    return status;
}
