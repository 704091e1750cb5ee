// SPDX-License-Identifier: MIT
// vkgrid worker: trains what is asked for, line by line (docs/worker.md).
#include "cli/commands.h"
#include "cli/serve/input.h"
#include "cli/serve/request.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/paths.h"

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct server {
    struct options options;
    struct grid *grid;
    char *out;
    struct study_options study;
    struct study_listener listener;
    struct service *service;
    struct replies replies;
    struct input *input;
    bool *told; // [cell] how it ended
    int cells;  // that it has room for
};

// --- What happens while it trains ----------------------------------------------------------------

static bool on_epoch(void *context, int cell, int run, int epoch_index,
                     const struct epoch_result *epoch)
{
    struct server *server = context;
    return reply_epoch(&server->replies, service_id(server->service, cell), run, epoch_index,
                       epoch);
}

static bool on_halt(void *context, int cell)
{
    struct server *server = context;
    return input_prunes(server->input, service_id(server->service, cell));
}

static bool tell_end(struct server *server, int cell)
{
    input_forget(server->input, service_id(server->service, cell));
    server->told[cell] = true;
    return reply_end(&server->replies, server->service, server->out, cell);
}

static bool on_over(void *context, int cell)
{
    return tell_end(context, cell);
}

// --- A batch -------------------------------------------------------------------------------------

struct known {
    struct server *server;
    int cell, epochs; // of any run
    bool tell;        // else they are only counted
};

static bool read_known(void *context, int run, int epoch_index, const struct epoch_result *epoch)
{
    struct known *known = context;
    if (epoch_index >= known->epochs)
        known->epochs = epoch_index + 1;
    return !known->tell || on_epoch(known->server, known->cell, run, epoch_index, epoch);
}

// What study.db has of a cell's epochs.
static bool tell_known(struct server *server, int cell)
{
    struct known known = {.server = server, .cell = cell};
    if (!service_epochs(server->service, cell, read_known, &known) ||
        !reply_taken(&server->replies, server->service, cell, known.epochs))
        return false;
    known.tell = true;
    return service_epochs(server->service, cell, read_known, &known);
}

static void reserve(struct server *server, int cell)
{
    while (server->cells <= cell) {
        server->told = mem_grow(server->told, (size_t)server->cells + 1, sizeof(*server->told));
        server->told[server->cells++] = false;
    }
}

// One request: refused, answered by what study.db has, or *train.
static bool take_item(struct server *server, const cJSON *item, int *cell, bool *train)
{
    const char *id = item_id(item);
    bool refused;
    *train = false;
    if (!service_ask(server->service, id, json_member(item, "values"), cell, &refused))
        return refused && reply_refused(&server->replies, id, error_text());
    reserve(server, *cell);
    if (!tell_known(server, *cell))
        return false;
    const struct score *score = service_score(server->service, *cell);
    *train = !score_finished(score) || score->reopened;
    server->told[*cell] = false;
    return *train || tell_end(server, *cell);
}

static bool is_among(const int *cells, int count, int cell)
{
    for (int i = 0; i < count; i++)
        if (cells[i] == cell)
            return true;
    return false;
}

static bool run_batch(struct server *server, const cJSON *items)
{
    int *cells = mem_alloc(sizeof(*cells) * (size_t)(cJSON_GetArraySize(items) + 1)), count = 0;
    const cJSON *item;
    bool done = true;
    for (item = items->child; done && item; item = item->next) {
        bool train;
        int cell;
        done = take_item(server, item, &cell, &train);
        if (done && train && !is_among(cells, count, cell))
            cells[count++] = cell;
    }
    done = done && (count == 0 || service_train(server->service, cells, count));
    for (int i = 0; done && i < count; i++) // those that cannot be trained
        if (!server->told[cells[i]] && score_finished(service_score(server->service, cells[i])))
            done = tell_end(server, cells[i]);
    free(cells);
    return done;
}

static bool run_batches(struct server *server)
{
    cJSON *items;
    bool done = reply_hello(&server->replies, server->service, server->grid, server->out);
    while (done && (input_take(server->input, &items), items)) {
        done = run_batch(server, items);
        cJSON_Delete(items);
    }
    return done && (!interrupt_requested() || error_set("interrupted"));
}

// --- The command ---------------------------------------------------------------------------------

static bool read_grid(struct server *server)
{
    const struct options *options = &server->options;
    const uint64_t seed = (uint64_t)options->numbers[OPTION_SEED];
    char *data = NULL;
    if (option_set(options, OPTION_DATA) && !absolute_path(options->values[OPTION_DATA], &data))
        return false;
    const struct grid_settings settings = {
        .data = data,
        .precision = options->values[OPTION_PRECISION],
        .pretrained = options->values[OPTION_PRETRAINED],
        .seed = option_set(options, OPTION_SEED) ? &seed : NULL,
        .sampler = SAMPLER_OPTUNA,
    };
    const bool read = grid_read(options->arguments[0], &settings, &server->grid);
    free(data);
    if (!read)
        return false;
    const cJSON *folder = json_member(json_member(server->grid->json, "static"), "data_cache_path"),
                *varied = json_member(json_member(server->grid->json, "hyper"), "data_cache_path");
    if (!varied && !cJSON_IsString(folder))
        return error_set("%s: data_cache_path: is missing: -d DIR says where the data is",
                         server->grid->where);
    return varied || folder_exists(folder->valuestring) ||
           error_set("%s: no such folder", folder->valuestring);
}

static void set_study(struct server *server)
{
    const struct options *options = &server->options;
    server->listener = (struct study_listener){server, on_epoch, on_halt, on_over};
    server->study = (struct study_options){
        .out = server->out,
        .pack = (int)options->numbers[OPTION_PACK],
        .log_steps = option_set(options, OPTION_LOG_STEPS),
        .quiet = option_set(options, OPTION_QUIET),
        .always = strcmp(options->values[OPTION_CHECKPOINT], "always") == 0,
        .matrix = options->values[OPTION_MATRIX],
        .listener = &server->listener,
    };
    keep_parse(options->values[OPTION_KEEP], &server->study.keep);
    if (option_set(options, OPTION_RANK_BY))
        rank_by_parse(options->values[OPTION_RANK_BY], &server->study.rank_by);
}

// The message stays that of what went wrong.
static void end_serving(struct server *server, bool done)
{
    char *why = text_copy(done ? "end" : error_text());
    if (server->service)
        reply_bye(&server->replies, interrupt_requested() ? "interrupted" : why);
    input_close(&server->input);
    service_close(&server->service);
    error_set("%s", why);
    free(why);
}

static bool serve(struct server *server)
{
    const char *out = server->options.values[OPTION_OUT];
    int *devices = NULL;
    cJSON *invocation = options_invocation(COMMAND_WORKER, &server->options);
    bool done = false;
    CHECK(read_grid(server));
    tell_ignored(server->grid->where, json_member(server->grid->json, "static"));
    if (!out)
        out = server->grid->model_cache_path ? server->grid->model_cache_path : "vkgrid-out";
    server->out = without_slashes(out);
    set_study(server);
    CHECK(
        pick_devices(&server->options, server->study.quiet, &devices, &server->study.device_count));
    server->study.devices = devices;
    server->study.invocation = invocation;
    CHECK(service_open(server->grid, &server->study, &server->service));
    CHECK(input_open(&server->replies, &server->input));
    done = run_batches(server);
error:
    end_serving(server, done);
    cJSON_Delete(invocation);
    free(devices);
    return done;
}

// What did not go well; the answers say why.
static int tell_counts(const struct replies *replies)
{
    if (replies->failed + replies->refused + replies->bad == 0)
        return 0;
    fprintf(stderr, "vkgrid: %d failed, %d refused, %d lines that are no requests\n",
            replies->failed, replies->refused, replies->bad);
    return STATUS_FAILED;
}

int command_worker(int argc, char **argv)
{
    struct server server = {.replies.lock = PTHREAD_MUTEX_INITIALIZER};
    int status;
    if (!options_parse(COMMAND_WORKER, argc, argv, &server.options, &status))
        return status;
    signal(SIGPIPE, SIG_IGN); // an error of write(), after which all is saved
    status = serve(&server) ? tell_counts(&server.replies) : command_failed();
    grid_free(&server.grid);
    free(server.out);
    free(server.told);
    return status;
}
