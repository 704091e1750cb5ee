// SPDX-License-Identifier: MIT
#include "grid/proposal_parts.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/grid/grid.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

// Whether a search takes it.
static bool check_grid(const struct proposal *proposal, const cJSON *json)
{
    const struct grid_settings settings = {.data = proposal->request->data};
    char *text = json_print(json);
    struct grid *grid = NULL;
    const bool taken = grid_parse(text, strlen(text), "the proposed grid", &settings, &grid);
    grid_free(&grid);
    free(text);
    return taken;
}

bool grid_propose(const struct proposal_request *request, const struct survey *survey,
                  struct cJSON **grid, char **told)
{
    const size_t count = (size_t)survey->count;
    struct proposal proposal = {.request = request,
                                .survey = survey,
                                .used = mem_zalloc(count, sizeof(bool)),
                                .label = mem_zalloc(count, sizeof(bool)),
                                .features = cJSON_CreateObject(),
                                .targets = cJSON_CreateObject(),
                                .normalize = cJSON_CreateObject()};
    const struct split_request split = {request->validation, request->test, request->seed};
    cJSON *made = NULL;
    bool done = proposal_find_labels(&proposal) && proposal_name_sources(&proposal);
    if (done && !split_make(survey, proposal.used, proposal.label, &split, &proposal.split))
        done = error_prefix("%s", request->data);
    done = done && proposal_check_folds(&proposal);
    done = done && proposal_choose_size(&proposal);
    if (done) {
        made = proposal_write(&proposal);
        done = made && check_grid(&proposal, made);
    }
    split_free(&proposal.split);
    cJSON_Delete(proposal.features);
    cJSON_Delete(proposal.targets);
    cJSON_Delete(proposal.normalize);
    free(proposal.used);
    free(proposal.label);
    if (!done) {
        cJSON_Delete(made);
        free(proposal.told.bytes);
        return false;
    }
    *grid = made;
    *told = proposal.told.bytes;
    return true;
}
