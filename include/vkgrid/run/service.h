// SPDX-License-Identifier: MIT
// A study whose cells are asked for while it runs, each under a name of the asker's, its **id**,
// which study.db keeps (user attribute "request_id" of its trial). The same id is the same cell for
// ever: one that was stopped goes on from its checkpoint, one that is finished is not trained
// again.
#pragma once

#include "vkgrid/run/run.h"

struct service;
struct cJSON;

#define SERVICE_ID 200 // most bytes of an id

// Makes the study, or opens it again; it stays locked until service_close(). grid: of
// SAMPLER_OPTUNA, and stays the caller's, as do the options; of these `cells`, `shard` and
// `overwrite` say nothing here.
bool service_open(struct grid *grid, const struct study_options *options, struct service **service);
void service_close(struct service **service); // accepts NULL, writes NULL

// The cell of an id. A new one gets the values of the grid's axes (grid_add_cell()); those of a
// known one must be the same. False with *refused: the reason is set, nothing has changed.
bool service_ask(struct service *service, const char *id, const struct cJSON *values, int *cell,
                 bool *refused);

// NULL for a cell that was not asked for by an id.
const char *service_id(const struct service *service, int cell);
const struct score *service_score(const struct service *service, int cell);
int service_runs(const struct service *service, int cell);
enum rank_by service_rank_by(const struct service *service);

// What study.db has of the epochs of a cell, in their order run by run.
bool service_epochs(struct service *service, int cell,
                    bool (*each)(void *context, int run, int epoch_index,
                                 const struct epoch_result *epoch),
                    void *context);

// The user attributes of a cell's trial, "request_id" aside. The caller deletes them.
bool service_attributes(struct service *service, int cell, struct cJSON **attributes);

// Trains cells that are not finished, in packs where their shapes allow it; options->listener
// follows. Cells that cannot be trained, by their values or by the device, are failed ones
// afterwards. Fails like study_run(), and where files have to be mended: nothing is trained then.
bool service_train(struct service *service, const int *cells, int count);
