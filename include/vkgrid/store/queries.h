// SPDX-License-Identifier: MIT
// What `report` and `status` ask of a study.db, which may be anybody's: it is opened without the
// right to change it, and believed in nothing.
//
// A query calls its function with one row after the other until it returns false with an error set,
// to which the path is added. A number of a row is NaN, and a text NULL, where the database has
// something else; a number is finite, and a text is UTF-8 (U+FFFD stands for what was not). Whether
// it has a meaning is for the caller to check, integers too. Texts are the function's only while it
// runs.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct cJSON;
struct store_view;

// Opens <out>/study.db, of any format from STORE_FORMAT_OLDEST on, and begins to read one state of
// it, whatever a search writes meanwhile. Nothing is changed, except that what a killed search left
// half written is undone, as the next one would do. Fails when its tables are not a study's.
bool store_view_open(const char *out, struct store_view **view);
void store_view_close(struct store_view **view); // accepts NULL, writes NULL

// A text of the database that should be JSON, as it stands there; bytes NULL: there is none.
struct json_text {
    const char *bytes;
    size_t size;
};
// Parses it, or returns NULL with the error "<where>: ..." set. The caller deletes it.
struct cJSON *json_text_parse(const struct json_text *text, const char *where);

// A number or a text of a row as JSON, null where there is none. The caller deletes it.
struct cJSON *view_number_json(double number);
struct cJSON *view_text_json(const char *text);

// JSON values of the study under names (schema.sql).
struct view_value {
    const char *key;
    struct json_text json;
};
bool view_values(struct store_view *view, bool (*each)(void *context, const struct view_value *row),
                 void *context);

// Fingerprints of the data sets, each once; NULL where one is no text.
bool view_datasets(struct store_view *view, bool (*each)(void *context, const char *fingerprint),
                   void *context);

// Optuna's studies, one for each pair of inputs and prediction, in the order of their numbers.
struct view_model {
    double id;
    const char *name;
};
bool view_models(struct store_view *view, bool (*each)(void *context, const struct view_model *row),
                 void *context);

// Cells with the trial that tells of each now.
struct view_cell {
    int cell;
    double model; // number of its study
    const char *model_name;
    const char *state;       // as Optuna spells it
    double dice;             // the trial's value
    double loss;             // its attribute of that name
    const char *start, *end; // UTC
    struct json_text options;
};
bool view_cells(struct store_view *view, bool (*each)(void *context, const struct view_cell *row),
                void *context);
// The same model by model, each in the order of the dice loss; what has none comes first.
bool view_ranking(struct store_view *view, bool (*each)(void *context, const struct view_cell *row),
                  void *context);

// User attributes of the cells' trials which say how the score came about: run, round, epoch, loss,
// device, weights, failed_runs, failure.
struct view_attribute {
    int cell;
    const char *key;
    struct json_text json;
};
bool view_attributes(struct store_view *view,
                     bool (*each)(void *context, const struct view_attribute *row), void *context);

// Runs in the order of cell and run.
struct view_run {
    int cell, run;
    const char *state, *device, *failure;
    int attempts; // how often it has failed
    double best_round, loss, dice;
    double seconds; // of training
};
bool view_runs(struct store_view *view, bool (*each)(void *context, const struct view_run *row),
               void *context);

// Epochs in the order of cell, run and epoch_index.
struct view_epoch {
    int cell, run;
    int epoch_index; // epochs before it, over all rounds
    int round;
    double val_dice, val_loss, trn_dice, trn_loss;
};
bool view_epochs(struct store_view *view, bool (*each)(void *context, const struct view_epoch *row),
                 void *context);

// What a device did for a model: epochs of runs, and the seconds in which it did them, runs of a
// pack at once.
struct view_device {
    const char *device, *driver, *model;
    double epochs, seconds;
};
bool view_devices(struct store_view *view,
                  bool (*each)(void *context, const struct view_device *row), void *context);
