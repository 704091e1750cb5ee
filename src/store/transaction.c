// SPDX-License-Identifier: MIT
#include "vkgrid/store/store.h"

#include "store/db.h"
#include "vkgrid/base/error.h"

void store_when_full(struct store *store, bool (*wait)(void *context), void *context)
{
    store->wait = wait;
    store->wait_context = context;
}

// Of a journal that cannot be made though there is room now: it may have come back in between.
#define JOURNAL_TRIES 3

bool store_transaction(struct store *store, bool (*body)(struct store *store, void *context),
                       void *context)
{
    for (int tries = 0;;) {
        if (store_begin(store) && body(store, context) && store_commit(store))
            return true;
        const bool no_journal = (sqlite3_errcode(store->db) & 0xff) == SQLITE_CANTOPEN;
        store_rollback(store);
        if (error_kind() == ERROR_NO_SPACE && store->wait) {
            if (!store->wait(store->wait_context))
                return false;
        } else if (!no_journal || ++tries == JOURNAL_TRIES) {
            return false;
        }
    }
}
