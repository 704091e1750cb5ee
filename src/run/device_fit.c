// SPDX-License-Identifier: MIT
#include "run/device_fit.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/pack_size.h"

#include <stdlib.h>

// Puts what the error says behind what other devices said.
static void add_reason(char **why)
{
    char *all = *why ? text_format("%s; %s", *why, error_text()) : text_copy(error_text());
    free(*why);
    *why = all;
}

// The groups that no device before has held; returns how many are left.
static int ask_device(struct campaign *campaign, struct engine *engine, bool first, char **why)
{
    int left = 0;
    for (int i = 0; i < campaign->groups.count; i++) {
        struct group *group = &campaign->groups.items[i];
        struct pack_size size;
        if (!first && !why[i])
            continue;
        if (!pack_size_of(engine, group, campaign->options->pack, &size)) {
            add_reason(&why[i]);
            left++;
            continue;
        }
        if (!first)
            group->elsewhere = size.slots;
        free(why[i]);
        why[i] = NULL;
    }
    return left;
}

bool devices_ask(struct campaign *campaign, struct engine *engine, char ***why)
{
    const struct study_options *options = campaign->options;
    *why = mem_zalloc((size_t)campaign->groups.count + 1, sizeof(**why));
    int left = ask_device(campaign, engine, true, *why);
    for (int i = 1; i < options->device_count && left > 0; i++) {
        struct engine *other = NULL;
        if (!engine_open(options->devices[i], &other))
            return false;
        left = ask_device(campaign, other, false, *why);
        engine_close(&other);
    }
    return true;
}
