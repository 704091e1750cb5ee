// SPDX-License-Identifier: MIT
// Brings vkgrid's own tables to STORE_FORMAT. One transaction: whoever kills it leaves the study as
// it was. Optuna's tables stay as they are.
#include "store/db.h"

#include "vkgrid/base/error.h"

// Number of an epoch, and how many are done, were once called `step`, in the checkpoints' JSON too;
// there the text is replaced, so that no number is printed anew.
static const char to_format_3[] =
    "ALTER TABLE vkgrid_epochs RENAME COLUMN step TO epoch_index;"
    "ALTER TABLE vkgrid_steps RENAME COLUMN step TO epoch_index;"
    "ALTER TABLE vkgrid_steps RENAME TO vkgrid_step_metrics;"
    "ALTER TABLE vkgrid_checkpoints RENAME COLUMN step TO epochs_done;"
    "UPDATE vkgrid_checkpoints SET state = replace(state, '\"step\":', '\"epochs_done\":');"
    "UPDATE vkgrid_study SET value = '3' WHERE \"key\" = 'format';";

static const char *const steps[] = {to_format_3}; // [format - STORE_FORMAT_OLDEST]
_Static_assert(sizeof(steps) / sizeof(*steps) == STORE_FORMAT - STORE_FORMAT_OLDEST,
               "a migration for each format");

bool db_format(struct store *store, int64_t *format)
{
    return db_integer(
        store,
        db_bind(store, "SELECT CAST(value AS INTEGER) FROM vkgrid_study WHERE key = 'format'", ""),
        0, format);
}

static bool migrate(struct store *store)
{
    int64_t format; // another process may have been faster
    if (!db_format(store, &format))
        return false;
    for (; format < STORE_FORMAT; format++)
        if (sqlite3_exec(store->db, steps[format - STORE_FORMAT_OLDEST], NULL, NULL, NULL) !=
            SQLITE_OK)
            return db_failed(store, "cannot be brought to the format of this version");
    return true;
}

bool db_migrate(struct store *store)
{
    if (store_begin(store) && migrate(store) && store_commit(store))
        return true;
    store_rollback(store);
    return false;
}
