// SPDX-License-Identifier: MIT
#include "vkgrid/grid/cell_compare.h"

#include "grid/cell_keys.h"
#include "grid/round_keys.h"
#include "vkgrid/base/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 60 // most bytes of a value that are shown

static char *value_line(const cJSON *value)
{
    return value ? json_print_line(value) : text_copy("nothing");
}

static const char *shortened(const char *line)
{
    return strlen(line) > SHOWN ? "..." : "";
}

void cell_add_difference(struct text *list, const char *key, const struct cJSON *now,
                         const struct cJSON *before)
{
    char *head = text_format("; %s: ", key);
    if (!list->bytes || !strstr(list->bytes, head)) {
        char *mine = value_line(now), *theirs = value_line(before);
        text_add(list, "%s%.*s%s instead of %.*s%s", head, SHOWN, mine, shortened(mine), SHOWN,
                 theirs, shortened(theirs));
        free(mine);
        free(theirs);
    }
    free(head);
}

static bool same_normalize(const struct cell *one, const struct cell *other)
{
    return one->features.count == other->features.count &&
           memcmp(one->normalize, other->normalize,
                  (size_t)one->features.count * sizeof(*one->normalize)) == 0;
}

static bool same_partition(const cJSON *one, const cJSON *other)
{
    cJSON *mine = partition_of_training(one), *theirs = partition_of_training(other);
    const bool same = (!mine && !theirs) || cJSON_Compare(mine, theirs, true);
    cJSON_Delete(mine);
    cJSON_Delete(theirs);
    return same;
}

// Their order counts: it is that of the channels.
static bool same_names(const struct name_list *one, const struct name_list *other)
{
    bool same = one->count == other->count;
    for (int i = 0; same && i < one->count; i++)
        same = strcmp(one->names[i], other->names[i]) == 0 &&
               strcmp(one->sources[i], other->sources[i]) == 0;
    return same;
}

bool cell_same_key(const struct cell *one, const struct cell *other, const char *key)
{
    const cJSON *mine = json_member(one->options, key), *theirs = json_member(other->options, key);
    if (strcmp(key, "normalize") == 0)
        return same_normalize(one, other);
    if (strcmp(key, "partition") == 0)
        return same_partition(mine, theirs);
    if (strcmp(key, "features") == 0)
        return same_names(&one->features, &other->features) &&
               same_names(&one->labels, &other->labels);
    if (strcmp(key, "plan") == 0)
        return plan_same(&one->plan, &other->plan);
    return mine && theirs ? cJSON_Compare(mine, theirs, true) : mine == theirs;
}

// Keys that are no part of what is trained, or that are compared by what they come to.
static bool is_compared(const char *key)
{
    static const char *const others[] = {"cell", "data_cache_path", "until", "plan", NULL};
    for (const char *const *other = others; *other; other++)
        if (strcmp(key, *other) == 0)
            return false;
    for (const char *const *round = round_keys; *round; round++)
        if (strcmp(key, *round) == 0)
            return false;
    return true;
}

// Names what makes two plans different.
static void add_plans(const struct cell *now, const struct cell *before, struct text *list)
{
    const size_t size = list->size;
    for (const char *const *key = round_keys; *key; key++)
        if (!cell_same_key(now, before, *key))
            cell_add_difference(list, *key, json_member(now->options, *key),
                                json_member(before->options, *key));
    const cJSON *mine = json_member(now->options, "plan"),
                *theirs = json_member(before->options, "plan");
    if (list->size == size || (mine && theirs && !cJSON_Compare(mine, theirs, true)))
        cell_add_difference(list, "plan", mine, theirs);
}

static bool same_round(const struct round *one, const struct round *other)
{
    return one->lr == other->lr && one->gamma == other->gamma &&
           one->bce_weight == other->bce_weight && one->batch_size == other->batch_size;
}

static void compare_plans(const struct cell *now, const struct cell *before,
                          struct cell_changes *changes)
{
    const struct plan *mine = &now->plan, *theirs = &before->plan;
    const int last = mine->count - 1;
    bool same = mine->count == theirs->count;
    for (int i = 0; same && i <= last; i++)
        same = same_round(&mine->rounds[i], &theirs->rounds[i]) &&
               (i == last || mine->rounds[i].num_epochs == theirs->rounds[i].num_epochs);
    if (!same) {
        add_plans(now, before, &changes->others);
        return;
    }
    const int more = mine->rounds[last].num_epochs - theirs->rounds[last].num_epochs;
    changes->more_epochs |= more > 0;
    changes->fewer_epochs |= more < 0;
}

void cell_compare(const struct cell *now, const struct cell *before, struct cell_changes *changes)
{
    for (const struct cell_key *key = cell_keys; key->name; key++)
        if (is_compared(key->name) && !cell_same_key(now, before, key->name))
            cell_add_difference(&changes->others, key->name, json_member(now->options, key->name),
                                json_member(before->options, key->name));
    compare_plans(now, before, changes);
    changes->more_runs |= now->until > before->until;
    changes->fewer_runs |= now->until < before->until;
}

// But for what is_compared() leaves out, which a plan stands for.
char *cell_training_key(const struct cell *cell)
{
    struct text key = {0};
    for (const struct cell_key *of = cell_keys; of->name; of++) {
        const cJSON *value = json_member(cell->options, of->name);
        if (!value || !is_compared(of->name) || strcmp(of->name, "normalize") == 0)
            continue;
        cJSON *trained = strcmp(of->name, "partition") == 0 ? partition_of_training(value) : NULL;
        char *line = json_print_line(trained ? trained : value);
        text_add(&key, "%s: %s\n", of->name, line);
        free(line);
        cJSON_Delete(trained);
    }
    for (int i = 0; i < cell->features.count; i++)
        text_add(&key, "%d ", (int)cell->normalize[i]);
    for (int i = 0; i < cell->plan.count; i++) {
        const struct round *round = &cell->plan.rounds[i];
        text_add(&key, "\n%a %a %a %d %d", round->lr, round->gamma, round->bce_weight,
                 round->batch_size, round->num_epochs);
    }
    return key.bytes;
}
