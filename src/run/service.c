// SPDX-License-Identifier: MIT
#include "vkgrid/run/service.h"

#include "run/begin.h"
#include "run/devices.h"
#include "run/queue.h"
#include "run/rank.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define ID "request_id"

struct service {
    struct campaign campaign;
    struct engine *engine; // of the first device, while there is only one; NULL: to be opened
    char **ids;            // [cell]; NULL: nobody asked for it
    int id_count;
};

// --- Ids ----------------------------------------------------------------------------------------

static void note_id(struct service *service, int cell, const char *id)
{
    while (service->id_count <= cell) {
        service->ids = mem_grow(service->ids, (size_t)service->id_count + 1, sizeof(*service->ids));
        service->ids[service->id_count++] = NULL;
    }
    service->ids[cell] = text_copy(id);
}

static bool read_id(void *context, const struct store_trial *trial)
{
    struct service *service = context;
    cJSON *attributes = NULL;
    if (!json_parse(trial->attributes, strlen(trial->attributes), "study.db", &attributes))
        return false;
    const cJSON *id = json_member(attributes, ID);
    if (cJSON_IsString(id) && trial->cell >= 0 &&
        trial->cell < service->campaign.trials.grid->cell_count)
        note_id(service, trial->cell, id->valuestring);
    cJSON_Delete(attributes);
    return true;
}

static int find_id(const struct service *service, const char *id)
{
    for (int i = 0; i < service->id_count; i++)
        if (service->ids[i] && strcmp(service->ids[i], id) == 0)
            return i;
    return -1;
}

const char *service_id(const struct service *service, int cell)
{
    return cell < service->id_count ? service->ids[cell] : NULL;
}

// --- Opening ------------------------------------------------------------------------------------

bool service_open(struct grid *grid, const struct study_options *options, struct service **result)
{
    struct service *service = mem_zalloc(1, sizeof(*service));
    struct campaign *campaign = &service->campaign;
    CHECK(campaign_open(campaign, grid, options));
    campaign->keeps_data = true;
    for (int i = 0; i < grid->cell_count; i++)
        campaign->trials.scores[i].again = false; // what failed is not tried again unasked
    CHECK(campaign_create(campaign));
    CHECK(store_trials(campaign->store, read_id, service));
    campaign->report.last = seconds_now();
    *result = service;
    return true;
error:
    service_close(&service);
    return false;
}

void service_close(struct service **service)
{
    if (!*service)
        return;
    engine_close(&(*service)->engine);
    campaign_close(&(*service)->campaign);
    for (int i = 0; i < (*service)->id_count; i++)
        free((*service)->ids[i]);
    free((*service)->ids);
    free(*service);
    *service = NULL;
}

// --- Asking -------------------------------------------------------------------------------------

// Whether a cell has these values.
static bool check_same(const struct grid *grid, int cell, const char *id, const cJSON *values)
{
    cJSON *taken;
    if (!grid_take_values(grid, values, &taken))
        return false;
    cJSON *known = grid_values(grid, cell);
    const bool same = cJSON_Compare(known, taken, true);
    char *text = json_print_line(known);
    cJSON_Delete(known);
    cJSON_Delete(taken);
    if (!same)
        error_set("%s: has other values since it was first asked for, %.400s: another id is needed",
                  id, text);
    free(text);
    return same;
}

struct new_cell {
    struct trials *trials;
    const char *id; // as JSON
};

static bool write_cell(struct store *store, void *context)
{
    const struct new_cell *cell = context;
    return trials_write_last(cell->trials, store) &&
           store_set_attribute(store, cell->trials->grid->cell_count - 1, ID, cell->id);
}

static bool write_new(struct service *service, const char *id)
{
    cJSON *text = cJSON_CreateString(id);
    char *json = json_print_line(text);
    struct new_cell cell = {&service->campaign.trials, json};
    const bool written = store_transaction(service->campaign.store, write_cell, &cell);
    free(json);
    cJSON_Delete(text);
    return written;
}

bool service_ask(struct service *service, const char *id, const struct cJSON *values, int *cell,
                 bool *refused)
{
    struct trials *trials = &service->campaign.trials;
    *cell = find_id(service, id);
    *refused = true;
    if (*cell >= 0)
        return check_same(trials->grid, *cell, id, values);
    if (!trials_add(trials, values))
        return false;
    *refused = false;
    *cell = trials->grid->cell_count - 1;
    trials->known = trials->grid->cell_count;
    if (!write_new(service, id))
        return false;
    note_id(service, *cell, id);
    return true;
}

// --- Answers ------------------------------------------------------------------------------------

const struct score *service_score(const struct service *service, int cell)
{
    return &service->campaign.trials.scores[cell];
}

enum rank_by service_rank_by(const struct service *service)
{
    return service->campaign.trials.rank_by;
}

int service_runs(const struct service *service, int number)
{
    struct cell cell;
    if (!grid_cell(service->campaign.trials.grid, number, &cell))
        return 1;
    const int runs = cell_run_count(&cell);
    cell_free(&cell);
    return runs;
}

struct epoch_reader {
    bool (*each)(void *context, int run, int epoch_index, const struct epoch_result *epoch);
    void *context;
};

static bool read_epoch(void *context, int run, int epoch_index, const struct epoch_result *epoch,
                       const float *metrics, int step_count)
{
    const struct epoch_reader *reader = context;
    (void)metrics;
    (void)step_count;
    return reader->each(reader->context, run, epoch_index, epoch);
}

bool service_epochs(struct service *service, int cell,
                    bool (*each)(void *context, int run, int epoch_index,
                                 const struct epoch_result *epoch),
                    void *context)
{
    struct epoch_reader to = {each, context};
    const struct store_reader reader = {.context = &to, .epoch = read_epoch};
    return store_read_cell(service->campaign.store, cell, &reader);
}

bool service_attributes(struct service *service, int cell, struct cJSON **attributes)
{
    if (!store_attributes(service->campaign.store, cell, attributes))
        return false;
    cJSON_DeleteItemFromObjectCaseSensitive(*attributes, ID);
    return true;
}

// --- Training -----------------------------------------------------------------------------------

// One engine stays open from batch to batch; several are opened for each.
static bool ready_engine(struct service *service)
{
    return service->engine || engine_open(service->campaign.options->devices[0], &service->engine);
}

static bool train_groups(struct service *service)
{
    struct campaign *campaign = &service->campaign;
    return queue_open(campaign) && plan_packs(campaign, service->engine) &&
           (campaign->groups.count == 0 || devices_train(campaign, &service->engine)) &&
           rank_at_end(campaign) && note_progress(campaign);
}

// Nothing of the batch is left for the next.
static void end_batch(struct campaign *campaign)
{
    progress_end(&campaign->progress);
    queue_close(campaign);
    groups_free(&campaign->groups);
    obstacles_free(&campaign->obstacles);
}

bool service_train(struct service *service, const int *cells, int count)
{
    struct campaign *campaign = &service->campaign;
    bool done = groups_make(campaign->trials.grid, cells, count, &campaign->groups) &&
                ready_engine(service) && begin_check_more(campaign, service->engine) &&
                begin_note(campaign) && train_groups(service);
    end_batch(campaign);
    return done;
}
