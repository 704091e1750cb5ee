// SPDX-License-Identifier: MIT
// What a run leaves behind to go on from, and the way back.
//
// A file holds the weights as they were after `epochs_done` epochs under PyTorch's names, and, when
// they are the run's newest, Adam's moments as moment1.<name> and moment2.<name>. The best weights
// of a round were the newest of their epoch, so that their file is there already if that epoch left
// a checkpoint: nothing is written twice.
#include "train/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

static const struct state_weights none = {.epochs_done = -1};

// moment1.<name>, moment2.<name>; false where the tensor has no moments.
static bool moment_name(const struct tensor *tensor, enum block block, char name[128])
{
    if (tensor->block != BLOCK_STATE || !tensor->parameter)
        return false;
    snprintf(name, 128, "moment%d.%s", block == BLOCK_MOMENT1 ? 1 : 2, tensor->name);
    return true;
}

static bool download_moments(struct trainer *trainer, int slot, enum block block,
                             struct tensors *tensors)
{
    const struct graph *graph = trainer->graph;
    for (int i = 0; i < graph->tensor_count; i++) {
        const struct tensor *tensor = &graph->tensors[i];
        char name[128];
        int64_t dims[4];
        if (!moment_name(tensor, block, name))
            continue;
        for (int k = 0; k < tensor->rank; k++)
            dims[k] = tensor->dims[k];
        struct named_tensor *to = tensors_add(tensors, name, TENSOR_FLOAT, tensor->rank, dims);
        if (!program_read_block(trainer->program, block, i, slot, to->values))
            return false;
    }
    return true;
}

static bool upload_moments(struct trainer *trainer, int slot, enum block block,
                           const struct tensors *tensors)
{
    const struct graph *graph = trainer->graph;
    for (int i = 0; i < graph->tensor_count; i++) {
        const struct tensor *tensor = &graph->tensors[i];
        char name[128];
        if (!moment_name(tensor, block, name))
            continue;
        const struct named_tensor *from = tensors_find(tensors, name);
        if (!from || from->type != TENSOR_FLOAT || from->count != tensor->count)
            return error_set_kind(ERROR_DAMAGED, "%s is missing or has another size", name);
        if (!program_write_block(trainer->program, block, i, slot, from->values))
            return false;
    }
    return true;
}

static bool write_file(const struct trainer *trainer, int slot, int epochs_done,
                       const struct tensors *tensors, struct state_weights *to)
{
    char *path = checkpoint_path(trainer->runs[slot].checkpoints, epochs_done);
    const bool written = weights_write(path, tensors, NULL);
    free(path);
    *to = (struct state_weights){.epochs_done = epochs_done, .hash = tensors_hash(tensors)};
    return written;
}

// The newest weights and Adam's state.
static bool write_current(struct trainer *trainer, int slot, struct run_state *state)
{
    struct tensors tensors = {0};
    CHECK(weights_download(trainer->program, trainer->graph, BLOCK_STATE, slot, state->batches,
                           &tensors));
    CHECK(download_moments(trainer, slot, BLOCK_MOMENT1, &tensors));
    CHECK(download_moments(trainer, slot, BLOCK_MOMENT2, &tensors));
    CHECK(
        program_read(trainer->program, trainer->tensors.correction, slot, 0, 2, state->correction));
    CHECK(
        program_read(trainer->program, trainer->tensors.loss_scale, slot, 0, 2, state->loss_scale));
    CHECK(write_file(trainer, slot, state->epochs_done, &tensors, &state->current));
    tensors_free(&tensors);
    return true;
error:
    tensors_free(&tensors);
    return false;
}

// Whether a file of those weights is there: of this checkpoint or of the last one.
static bool find_file(const struct trainee *trainee, const struct run_state *state, int epochs_done,
                      struct state_weights *to)
{
    const struct state_weights there[] = {state->current, state->round_best, trainee->saved.current,
                                          trainee->saved.round_best, trainee->saved.best};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        if (there[i].epochs_done == epochs_done) {
            *to = there[i];
            return true;
        }
    }
    return false;
}

static bool write_round_best(struct trainer *trainer, int slot, struct run_state *state)
{
    const struct trainee *trainee = &trainer->trainees[slot];
    struct tensors tensors;
    if (find_file(trainee, state, trainee->kept_epochs, &state->round_best))
        return true;
    if (!weights_download(trainer->program, trainer->graph, BLOCK_BEST, slot, state->kept_batches,
                          &tensors))
        return false;
    const bool written =
        write_file(trainer, slot, trainee->kept_epochs, &tensors, &state->round_best);
    tensors_free(&tensors);
    return written;
}

static bool write_best(struct trainer *trainer, int slot, struct run_state *state)
{
    const struct trainee *trainee = &trainer->trainees[slot];
    return trainee->best_epochs < 0 ||
           find_file(trainee, state, trainee->best_epochs, &state->best) ||
           write_file(trainer, slot, trainee->best_epochs, &trainee->weights, &state->best);
}

bool checkpoint_write(struct trainer *trainer, int slot, int epochs_done, bool round_ended)
{
    struct trainee *trainee = &trainer->trainees[slot];
    struct run_state state = {
        .epochs_done = epochs_done,
        .batches = trainee->batches,
        .kept_batches = trainee->kept_batches,
        .round_loss = trainee->round.loss,
        .round_dice = trainee->round.dice,
        .best_round = trainee->best_epochs < 0 ? -1 : trainee->result.best_round,
        .best_loss = trainee->result.loss,
        .best_dice = trainee->result.dice,
        .seconds = trainee->seconds_before + seconds_now() - trainer->start,
        .current = none,
        .round_best = none,
        .best = none,
    };
    // A round begins from the best weights of the one before and with a fresh Adam.
    if (!(round_ended || write_current(trainer, slot, &state)) ||
        !write_round_best(trainer, slot, &state) || !write_best(trainer, slot, &state) ||
        !trainer->events->checkpoint(trainer->events->context, slot, &state))
        return false;
    trainee->saved = state;
    return true;
}

// One file, checked against its hash.
static bool read_file(const char *checkpoints, const struct state_weights *from,
                      struct tensors *tensors)
{
    char *path = checkpoint_path(checkpoints, from->epochs_done);
    bool read = safetensors_read(path, tensors);
    if (!read) {
        char *why = text_copy(error_text());
        error_set_kind(ERROR_DAMAGED, "%s", why);
        free(why);
    } else if (tensors_hash(tensors) != from->hash) {
        tensors_free(tensors);
        read = error_set_kind(ERROR_DAMAGED, "%s: is not what was written", path);
    }
    free(path);
    return read;
}

enum { FILES = 3 };

static void list_files(const struct run_state *state, struct state_weights files[FILES])
{
    files[0] = state->current;
    files[1] = state->round_best;
    files[2] = state->best;
}

bool checkpoint_check(const char *checkpoints, const struct run_state *state)
{
    struct state_weights files[FILES];
    list_files(state, files);
    for (int i = 0; i < FILES; i++) {
        struct tensors tensors;
        if (files[i].epochs_done < 0)
            continue;
        if (!read_file(checkpoints, &files[i], &tensors))
            return false;
        tensors_free(&tensors);
    }
    return true;
}

void checkpoint_remove(const char *checkpoints, const struct run_state *old,
                       const struct run_state *now)
{
    struct state_weights files[FILES], needed[FILES];
    list_files(old, files);
    for (int i = 0; i < FILES; i++)
        needed[i] = none;
    if (now)
        list_files(now, needed);
    for (int i = 0; old->epochs_done > 0 && i < FILES; i++) {
        if (files[i].epochs_done < 0 || files[i].epochs_done == needed[0].epochs_done ||
            files[i].epochs_done == needed[1].epochs_done ||
            files[i].epochs_done == needed[2].epochs_done)
            continue;
        char *path = checkpoint_path(checkpoints, files[i].epochs_done);
        unlink(path);
        free(path);
    }
}

static bool restore_current(struct trainer *trainer, int slot, const struct run_state *state)
{
    struct tensors tensors;
    if (!read_file(trainer->runs[slot].checkpoints, &state->current, &tensors))
        return false;
    const bool restored =
        weights_upload(trainer->program, trainer->graph, BLOCK_STATE, slot, &tensors) &&
        upload_moments(trainer, slot, BLOCK_MOMENT1, &tensors) &&
        upload_moments(trainer, slot, BLOCK_MOMENT2, &tensors) &&
        program_write(trainer->program, trainer->tensors.correction, slot, 0, 2,
                      state->correction) &&
        program_write(trainer->program, trainer->tensors.loss_scale, slot, 0, 2, state->loss_scale);
    tensors_free(&tensors);
    return restored;
}

static bool restore_round_best(struct trainer *trainer, int slot, const struct run_state *state)
{
    struct tensors tensors;
    if (!read_file(trainer->runs[slot].checkpoints, &state->round_best, &tensors))
        return false;
    const bool restored =
        weights_upload(trainer->program, trainer->graph, BLOCK_BEST, slot, &tensors);
    tensors_free(&tensors);
    return restored;
}

// The best weights of all rounds stay on the host, without the moments that their file may hold.
static bool restore_best(struct trainer *trainer, int slot, const struct run_state *state)
{
    struct trainee *trainee = &trainer->trainees[slot];
    struct tensors tensors;
    if (state->best_round < 0)
        return true;
    if (!read_file(trainer->runs[slot].checkpoints, &state->best, &tensors))
        return false;
    const bool restored = weights_take(trainer->graph, &tensors, &trainee->weights) ||
                          error_set_kind(ERROR_DAMAGED, "a checkpoint's weights are incomplete");
    tensors_free(&tensors);
    trainee->result.best_round = state->best_round;
    trainee->result.loss = state->best_loss;
    trainee->result.dice = state->best_dice;
    trainee->best_epochs = trainee->result.kept_epochs = state->best.epochs_done;
    return restored;
}

bool checkpoint_restore(struct trainer *trainer, int slot)
{
    const struct run_state *state = trainer->runs[slot].resume;
    struct trainee *trainee = &trainer->trainees[slot];
    trainee->batches = state->batches;
    trainee->kept_batches = state->kept_batches;
    trainee->kept_epochs = state->round_best.epochs_done;
    trainee->round.loss = state->round_loss;
    trainee->round.dice = state->round_dice;
    trainee->seconds_before = state->seconds;
    trainee->saved = *state;
    return (state->current.epochs_done < 0 || restore_current(trainer, slot, state)) &&
           restore_round_best(trainer, slot, state) && restore_best(trainer, slot, state);
}
