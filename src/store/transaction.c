// SPDX-License-Identifier: MIT
#include "vkgrid/store/store.h"

#include "store/db.h"
#include "vkgrid/base/error.h"

void store_when_full(struct store *store, bool (*wait)(void *context), void *context)
{
    store->wait = wait;
    store->wait_context = context;
}

bool store_transaction(struct store *store, bool (*body)(struct store *store, void *context),
                       void *context)
{
    for (;;) {
        if (store_begin(store) && body(store, context) && store_commit(store))
            return true;
        store_rollback(store);
        if (error_kind() != ERROR_NO_SPACE || !store->wait || !store->wait(store->wait_context))
            return false;
    }
}
