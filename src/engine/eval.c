#include "engine/session.h"

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

/* Fills session->inputs from `count` rows, as if the sequences' lengths advanced row by row. */
static void describe_step(AlisaSession *session, const AlisaRow *rows, uint32_t count) {
    const AlisaEngine *engine = session->engine;
    AlisaStepInputs *inputs = &session->inputs;
    uint32_t pairs = engine->shape.rope.dim / 2;
    inputs->row_count = count;
    inputs->logit_count = 0;
    inputs->longest = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t sequence = rows[i].sequence;
        uint32_t position = session->lengths[sequence]++;
        inputs->tokens[i] = rows[i].token;
        if (session->tails) {
            inputs->row_slots[i] = session->tails->blocks.row_slots[i];
            inputs->list_offsets[i] = session->tails->blocks.list_offsets[i];
        } else {
            inputs->row_slots[i] = alisa_kv_slot(session->kv, sequence, position);
            inputs->list_offsets[i] = alisa_kv_list_offset(session->kv, sequence);
        }
        inputs->counts[i] = position + 1;
        if (inputs->longest < position + 1) inputs->longest = position + 1;
        alisa_rope_rotations(engine->rope_frequencies, pairs, engine->rope_factor, position,
                             inputs->rotations + (size_t)i * 2 * pairs);
        if (rows[i].logits) inputs->logit_rows[inputs->logit_count++] = (int32_t)i;
    }
    inputs->tile_count =
        (uint32_t)alisa_attention_cut(inputs->list_offsets, inputs->counts, count,
                                      alisa_attention_tile_rows(session->attention), inputs->tiles);
}

AlisaStatus alisa_session_eval(AlisaSession *session, const AlisaRow *rows, size_t count,
                               AlisaError *error) {
    session->logits_valid = 0;
    AlisaStatus status = check_rows(session, rows, count, error);
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
        status = alisa_step_run(session, error);
        if (status != ALISA_OK) {
            /* The failed step's rows are not part of the text. */
            for (uint32_t i = 0; i < step_rows; i++)
                session->lengths[rows[done + i].sequence]--;
        } else if (session->tails) {
            alisa_kv_blocks_commit(&session->tails->blocks);
        }
        done += step_rows;
    }
    return status;
}
