// SPDX-License-Identifier: MIT
// Brings vkgrid's own tables to STORE_FORMAT. One transaction: whoever kills it leaves the study as
// it was. Optuna's tables stay as they are.
#include "store/db.h"

// Number of an epoch, and how many are done, were once called `step`, in the checkpoints' JSON too;
// there the text is replaced, so that no number is printed anew.
static const char to_format_3[] =
    "ALTER TABLE vkgrid_epochs RENAME COLUMN step TO epoch_index;"
    "ALTER TABLE vkgrid_steps RENAME COLUMN step TO epoch_index;"
    "ALTER TABLE vkgrid_steps RENAME TO vkgrid_step_metrics;"
    "ALTER TABLE vkgrid_checkpoints RENAME COLUMN step TO epochs_done;"
    "UPDATE vkgrid_checkpoints SET state = replace(state, '\"step\":', '\"epochs_done\":');"
    "UPDATE vkgrid_study SET value = '3' WHERE \"key\" = 'format';";

// Which epoch a run's weights are of follows from its epochs; how many pixels they met was not
// kept.
static const char to_format_4[] =
    "ALTER TABLE vkgrid_datasets ADD COLUMN images TEXT;"
    "ALTER TABLE vkgrid_runs ADD COLUMN kept_epoch INTEGER;"
    "UPDATE vkgrid_runs SET kept_epoch = (SELECT max(epoch_index) FROM vkgrid_epochs AS e WHERE "
    "e.cell = vkgrid_runs.cell AND e.run = vkgrid_runs.run AND e.round = best_round AND "
    "e.best = 1) WHERE state = 'COMPLETE';"
    "CREATE TABLE vkgrid_overlaps (cell INTEGER NOT NULL, run INTEGER NOT NULL, "
    "epoch_index INTEGER NOT NULL, labels INTEGER NOT NULL, counts BLOB NOT NULL, "
    "PRIMARY KEY (cell, run, epoch_index)) WITHOUT ROWID;"
    "UPDATE vkgrid_study SET value = '4' WHERE \"key\" = 'format';";

// Where the data lie is no part of their keys any more, but where the grid varies it. Cells may
// have other numbers than their grid alone gives them.
static const char to_format_5[] =
    "UPDATE OR IGNORE vkgrid_datasets SET \"key\" = data_key(\"key\") WHERE data_key(\"key\") "
    "IS NOT NULL AND NOT EXISTS (SELECT 1 FROM vkgrid_study WHERE \"key\" = 'grid' AND "
    "json_type(value, '$.hyper.data_cache_path') IS NOT NULL);"
    "ALTER TABLE vkgrid_cells ADD COLUMN stream INTEGER;"
    "ALTER TABLE vkgrid_cells ADD COLUMN outside INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE vkgrid_cells ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0;"
    "UPDATE vkgrid_study SET value = '5' WHERE \"key\" = 'format';";

static const char *const steps[] = {to_format_3, to_format_4,
                                    to_format_5}; // [format - STORE_FORMAT_OLDEST]
_Static_assert(sizeof(steps) / sizeof(*steps) == STORE_FORMAT - STORE_FORMAT_OLDEST,
               "a migration for each format");

bool store_current(const struct store *store)
{
    return store->format == STORE_FORMAT;
}

static bool migrate(struct store *store, void *context)
{
    (void)context;
    for (int64_t format = store->format; format < STORE_FORMAT; format++)
        if (sqlite3_exec(store->db, steps[format - STORE_FORMAT_OLDEST], NULL, NULL, NULL) !=
            SQLITE_OK)
            return db_failed(store, "cannot be brought to the format of this version");
    return true;
}

bool store_migrate(struct store *store)
{
    if (!store_current(store) && !store_transaction(store, migrate, NULL))
        return false;
    store->format = STORE_FORMAT;
    return true;
}
