// SPDX-License-Identifier: MIT
#include "vkgrid/store/queries.h"

#include "store/db.h"
#include "store/view.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

// What the rows of a query go to.
struct receiver {
    union {
        bool (*value)(void *context, const struct view_value *row);
        bool (*dataset)(void *context, const char *fingerprint);
        bool (*task)(void *context, const struct view_task *row);
        bool (*cell)(void *context, const struct view_cell *row);
        bool (*attribute)(void *context, const struct view_attribute *row);
        bool (*run)(void *context, const struct view_run *row);
        bool (*refused)(void *context, const struct view_refused *row);
        bool (*epoch)(void *context, const struct view_epoch *row);
        bool (*device)(void *context, const struct view_device *row);
        bool (*seconds)(void *context, double task, const char *device, double seconds);
        double *number;
    };
    void *context;
};

// Of the chosen cells: `before` ends where a condition begins.
static bool each_chosen(struct store_view *view, const char *before, const char *after,
                        bool (*row)(struct store_view *view, sqlite3_stmt *row, void *context),
                        const struct receiver *to)
{
    char *sql = text_format("%s %s %s", before, view->chosen ? view->chosen : "1", after);
    const bool read = view_each(view, sql, row, (void *)to);
    free(sql);
    return read;
}

static bool value_row(struct store_view *view, sqlite3_stmt *row, void *context)
{
    const struct receiver *to = context;
    const struct view_value value = {.key = view_text(view, row, 0), .json = view_json(row, 1)};
    return to->value(to->context, &value);
}

bool view_values(struct store_view *view, bool (*each)(void *context, const struct view_value *row),
                 void *context)
{
    return view_each(view, "SELECT \"key\", value FROM vkgrid_study", value_row,
                     &(struct receiver){.value = each, .context = context});
}

static bool dataset_row(struct store_view *view, sqlite3_stmt *row, void *context)
{
    const struct receiver *to = context;
    return to->dataset(to->context, view_text(view, row, 0));
}

bool view_datasets(struct store_view *view, bool (*each)(void *context, const char *fingerprint),
                   void *context)
{
    return view_each(view, "SELECT DISTINCT fingerprint FROM vkgrid_datasets", dataset_row,
                     &(struct receiver){.dataset = each, .context = context});
}

static bool task_row(struct store_view *view, sqlite3_stmt *row, void *context)
{
    const struct receiver *to = context;
    const struct view_task task = {.id = view_number(row, 0), .name = view_text(view, row, 1)};
    return to->task(to->context, &task);
}

bool view_tasks(struct store_view *view, bool (*each)(void *context, const struct view_task *row),
                void *context)
{
    return view_each(view, "SELECT study_id, study_name FROM studies ORDER BY study_id", task_row,
                     &(struct receiver){.task = each, .context = context});
}

static bool cell_row(struct store_view *view, sqlite3_stmt *row, void *context)
{
    const struct receiver *to = context;
    const struct view_cell cell = {
        .cell = view_int(row, 0),
        .task = view_number(row, 1),
        .task_name = view_text(view, row, 2),
        .state = view_text(view, row, 3),
        .dice = view_number(row, 4),
        .loss = view_number(row, 5),
        .start = view_text(view, row, 6),
        .end = view_text(view, row, 7),
        .options = view_json(row, 8),
        .reopened = view_int(row, 9) == 1,
    };
    return to->cell(to->context, &cell);
}

// Cells of the grid, or those outside of it. Ends where a condition more may follow. The caller
// frees it.
static char *cells_of(const struct store_view *view, bool outside)
{
    const bool grown = view->format >= FORMAT_OF_GROWTH;
    return text_format(
        "SELECT c.cell, t.study_id, s.study_name, t.state, v.value, CAST((SELECT value_json FROM "
        "trial_user_attributes a WHERE a.trial_id = t.trial_id AND a.\"key\" = 'loss') AS REAL), "
        "t.datetime_start, t.datetime_complete, c.options, %s "
        "FROM vkgrid_cells c JOIN trials t USING (trial_id) LEFT JOIN studies s USING (study_id) "
        "LEFT JOIN trial_values v ON v.trial_id = t.trial_id AND v.objective = 0 WHERE %s AND",
        grown ? "c.reopened" : "0",
        grown ? (outside ? "c.outside <> 0" : "c.outside = 0") : (outside ? "0" : "1"));
}

bool view_cells(struct store_view *view, bool (*each)(void *context, const struct view_cell *row),
                void *context)
{
    char *cells = cells_of(view, false);
    const bool read = each_chosen(view, cells, "ORDER BY c.cell", cell_row,
                                  &(struct receiver){.cell = each, .context = context});
    free(cells);
    return read;
}

static bool each_cell(struct store_view *view, bool outside, const char *order,
                      const struct receiver *to)
{
    char *cells = cells_of(view, outside), *sql = text_format("%s 1 ORDER BY %s", cells, order);
    const bool read = view_each(view, sql, cell_row, (void *)to);
    free(sql);
    free(cells);
    return read;
}

bool view_ranking(struct store_view *view, bool (*each)(void *context, const struct view_cell *row),
                  void *context)
{
    return each_cell(view, false, "t.study_id, v.value, c.cell",
                     &(struct receiver){.cell = each, .context = context});
}

bool view_outside(struct store_view *view, bool (*each)(void *context, const struct view_cell *row),
                  void *context)
{
    return each_cell(view, true, "c.cell", &(struct receiver){.cell = each, .context = context});
}

static bool attribute_row(struct store_view *view, sqlite3_stmt *row, void *context)
{
    const struct receiver *to = context;
    const struct view_attribute attribute = {
        .cell = view_int(row, 0), .key = view_text(view, row, 1), .json = view_json(row, 2)};
    return to->attribute(to->context, &attribute);
}

#define ATTRIBUTES \
    "SELECT c.cell, a.\"key\", a.value_json FROM vkgrid_cells c " \
    "JOIN trial_user_attributes a USING (trial_id) WHERE a.\"key\" IN ('run', 'round', " \
    "'epoch', 'loss', 'kept', 'labels', 'over_runs', 'device', 'weights', 'fold_weights', " \
    "'failed_runs', 'failure') "

bool view_attributes(struct store_view *view,
                     bool (*each)(void *context, const struct view_attribute *row), void *context)
{
    return each_chosen(view, ATTRIBUTES "AND", "", attribute_row,
                       &(struct receiver){.attribute = each, .context = context});
}

bool view_attributes_of(struct store_view *view, int cell,
                        bool (*each)(void *context, const struct view_attribute *row),
                        void *context)
{
    char *sql = text_format(ATTRIBUTES "AND c.cell = %d", cell);
    const bool read = view_each(view, sql, attribute_row,
                                &(struct receiver){.attribute = each, .context = context});
    free(sql);
    return read;
}

static bool run_row(struct store_view *view, sqlite3_stmt *row, void *context)
{
    const struct receiver *to = context;
    const struct view_run run = {
        .cell = view_int(row, 0),
        .run = view_int(row, 1),
        .state = view_text(view, row, 2),
        .attempts = view_int(row, 3),
        .device = view_text(view, row, 4),
        .best_round = view_number(row, 5),
        .loss = view_number(row, 6),
        .dice = view_number(row, 7),
        .seconds = view_number(row, 8),
        .failure = view_text(view, row, 9),
    };
    return to->run(to->context, &run);
}

bool view_runs(struct store_view *view, bool (*each)(void *context, const struct view_run *row),
               void *context)
{
    return each_chosen(view,
                       "SELECT cell, run, state, attempts, device, best_round, loss, dice, "
                       "seconds, failure FROM vkgrid_runs WHERE",
                       "ORDER BY cell, run", run_row,
                       &(struct receiver){.run = each, .context = context});
}

static bool refused_row(struct store_view *view, sqlite3_stmt *row, void *context)
{
    const struct receiver *to = context;
    const struct view_refused refused = {
        .task = view_text(view, row, 0), .number = view_int(row, 1), .why = view_json(row, 2)};
    return to->refused(to->context, &refused);
}

// Whatever has been a cell's says which.
bool view_refused(struct store_view *view,
                  bool (*each)(void *context, const struct view_refused *row), void *context)
{
    return view_each(view,
                     "SELECT s.study_name, t.number, a.value_json FROM trials t JOIN studies s "
                     "USING (study_id) JOIN trial_user_attributes a ON a.trial_id = t.trial_id AND "
                     "a.\"key\" = 'failure' WHERE t.state = 'FAIL' AND NOT EXISTS (SELECT 1 FROM "
                     "trial_user_attributes c WHERE c.trial_id = t.trial_id AND c.\"key\" = "
                     "'cell') ORDER BY t.study_id, t.number",
                     refused_row, &(struct receiver){.refused = each, .context = context});
}

// The name of a column of vkgrid_epochs changed with format 3.
static const char *by_format(const struct store_view *view, const char *before, const char *now)
{
    return view->format < 3 ? before : now;
}

static bool epoch_row(struct store_view *view, sqlite3_stmt *row, void *context)
{
    const struct receiver *to = context;
    const struct view_epoch epoch = {
        .cell = view_int(row, 0),
        .run = view_int(row, 1),
        .epoch_index = view_int(row, 2),
        .round = view_int(row, 3),
        .val_dice = view_number(row, 4),
        .val_loss = view_number(row, 5),
        .trn_dice = view_number(row, 6),
        .trn_loss = view_number(row, 7),
    };
    (void)view;
    return to->epoch(to->context, &epoch);
}

#define EPOCHS(index) \
    "SELECT cell, run, " index \
    ", round, val_dice, val_loss, trn_dice, trn_loss " \
    "FROM vkgrid_epochs WHERE"

bool view_epochs(struct store_view *view, bool (*each)(void *context, const struct view_epoch *row),
                 void *context)
{
    return each_chosen(
        view, by_format(view, EPOCHS("step"), EPOCHS("epoch_index")),
        by_format(view, "ORDER BY cell, run, step", "ORDER BY cell, run, epoch_index"), epoch_row,
        &(struct receiver){.epoch = each, .context = context});
}

static bool device_row(struct store_view *view, sqlite3_stmt *row, void *context)
{
    const struct receiver *to = context;
    const struct view_device device = {
        .device = view_text(view, row, 0),
        .driver = view_text(view, row, 1),
        .task = view_text(view, row, 2),
        .epochs = view_number(row, 3),
        .seconds = view_number(row, 4),
    };
    return to->device(to->context, &device);
}

// Epochs of a pack's runs have the same seconds to the last bit: they were done in that time
// together.
#define DEVICES(index) \
    "SELECT device, driver, study_name, sum(runs), sum(seconds) FROM (" \
    "SELECT r.device, r.driver, t.study_id, e.seconds, count(*) AS runs FROM vkgrid_epochs e " \
    "JOIN vkgrid_runs r USING (cell, run) JOIN vkgrid_cells c USING (cell) " \
    "JOIN trials t USING (trial_id) " \
    "GROUP BY r.device, r.driver, t.study_id, e." index \
    ", e.seconds) " \
    "JOIN studies USING (study_id) GROUP BY device, driver, study_id ORDER BY device, study_id"

bool view_devices(struct store_view *view,
                  bool (*each)(void *context, const struct view_device *row), void *context)
{
    return view_each(view, by_format(view, DEVICES("step"), DEVICES("epoch_index")), device_row,
                     &(struct receiver){.device = each, .context = context});
}

static bool number_row(struct store_view *view, sqlite3_stmt *row, void *context)
{
    (void)view;
    *((const struct receiver *)context)->number = view_number(row, 0);
    return true;
}

bool view_run_count(struct store_view *view, double *count)
{
    return view_each(view, "SELECT count(*) FROM vkgrid_runs", number_row,
                     &(struct receiver){.number = count});
}

static bool seconds_row(struct store_view *view, sqlite3_stmt *row, void *context)
{
    const struct receiver *to = context;
    return to->seconds(to->context, view_number(row, 0), view_text(view, row, 1),
                       view_number(row, 2));
}

bool view_run_seconds(struct store_view *view,
                      bool (*each)(void *context, double task, const char *device, double seconds),
                      void *context)
{
    return view_each(view,
                     "SELECT t.study_id, r.device, sum(r.seconds) FROM vkgrid_runs r JOIN "
                     "vkgrid_cells c USING (cell) JOIN trials t USING (trial_id) GROUP BY 1, 2",
                     seconds_row, &(struct receiver){.seconds = each, .context = context});
}
