// SPDX-License-Identifier: MIT
#include "vkgrid/run/shard.h"

#include "vkgrid/base/error.h"
#include "vkgrid/run/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_cells(const void *a, const void *b)
{
    const int left = *(const int *)a, right = *(const int *)b;
    return (left > right) - (left < right);
}

void shard_cells(const struct groups *groups, int shard, int shards, int *cells, int *count)
{
    double total = 0, done = 0;
    *count = 0;
    for (int i = 0; i < groups->count; i++)
        total += groups->items[i].work;
    for (int i = 0; i < groups->count; i++) {
        const struct group *group = &groups->items[i];
        for (int j = 0; j < group->cell_count; j++) {
            const double middle = done + group->work * (j + 0.5) / group->cell_count;
            const int part = (int)(middle / total * shards);
            if (part == shard)
                cells[(*count)++] = group->cells[j];
        }
        done += group->work;
    }
    qsort(cells, (size_t)*count, sizeof(*cells), compare_cells);
}

// A whole number of digits alone, at the beginning of the text. Returns what follows, or NULL.
static const char *read_number(const char *text, int high, int *number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return NULL;
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (errno || value > high)
        return NULL;
    *number = (int)value;
    return end;
}

bool shard_parse(const char *text, int *shard, int *shards)
{
    const char *rest = read_number(text, SHARDS - 1, shard);
    if (rest && *rest == '/')
        rest = read_number(rest + 1, SHARDS, shards);
    else
        rest = NULL;
    if (rest && !*rest && *shard < *shards)
        return true;
    return error_set("--shard: is \"%s\": K/N with 0 <= K < N <= %d is allowed, such as 0/4", text,
                     SHARDS);
}

// Leaves *number as it is when the variable is not set.
static bool read_variable(const char *name, int high, int *number)
{
    const char *text = getenv(name), *rest = text ? read_number(text, high, number) : "";
    if (rest && !*rest)
        return true;
    return error_set("%s: is \"%s\": a whole number from 0 to %d is allowed", name, text, high);
}

// Slurm's arrays can have gaps; shares cannot.
static bool check_slurm(int first, int count)
{
    int step = 1, last = first + count - 1;
    if (!read_variable("SLURM_ARRAY_TASK_STEP", INT32_MAX, &step) ||
        !read_variable("SLURM_ARRAY_TASK_MAX", INT32_MAX, &last))
        return false;
    return (step == 1 && last - first == count - 1) ||
           error_set(
               "SLURM_ARRAY_TASK_ID: %d tasks from %d to %d: a range without gaps is allowed, such "
               "as --array=0-9; or VKGRID_SHARDS says how many shares there are",
               count, first, last);
}

// What systems call the number of a task, the number of tasks, and the number of the first one.
static const struct {
    const char *index, *count, *first;
} systems[] = {
    {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"},
    {"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", NULL},
    {"AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE", NULL},
};

bool shard_from_environment(int *shard, int *shards, const char **source)
{
    size_t i = 0;
    int index = 0, count = 0, first = 0;
    *shards = 0;
    while (i < sizeof(systems) / sizeof(*systems) && !getenv(systems[i].index))
        i++;
    if (i == sizeof(systems) / sizeof(*systems))
        return true;
    const bool own = getenv("VKGRID_SHARDS");
    const char *count_name = own ? "VKGRID_SHARDS" : systems[i].count;
    if (!read_variable(systems[i].index, INT32_MAX, &index) ||
        !read_variable(count_name, SHARDS, &count))
        return false;
    if (!getenv(count_name))
        return error_set("%s is set, %s is not: VKGRID_SHARDS must say how many shares there are",
                         systems[i].index, count_name);
    if (!own && systems[i].first) {
        if (!read_variable(systems[i].first, INT32_MAX, &first) || !check_slurm(first, count))
            return false;
    }
    if (index < first || index - first >= count)
        return error_set("%s: is %d: a whole number from %d to %d is allowed by %s",
                         systems[i].index, index, first, first + count - 1, count_name);
    *shard = index - first;
    *shards = count;
    *source = systems[i].index;
    return true;
}
