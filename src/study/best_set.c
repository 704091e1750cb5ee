// SPDX-License-Identifier: MIT
#include "vkgrid/study/best_set.h"

#include "study/subjects.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/alike.h"
#include "vkgrid/study/model_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POOLED_LEAST 20 // cells, and POOLED_SHARE of all, whose runs say how much runs differ
#define POOLED_SHARE 10

// A cell that ranks, and what is gathered of it.
struct entry {
    const struct score *score;
    int task, rank;
    const struct subject_layout *layout; // NULL: its images are not known
    int labels;
    float *values; // [subject] mean over runs; NULL: not known
    double square, error;
    int freedom;
};

struct kind {
    int task_class, group_class, task, labels;
    const struct subject_layout *layout;
};

struct gathering {
    struct store *store;
    const struct grid *grid;
    struct alike *by_task, *by_group;
    struct kind *kinds; // few
    int kind_count;
    struct subject_layouts layouts;
    struct entry *entries; // in the order of the ranking of all tasks
    int count;
    int *entry_of; // [cell]; -1: it does not rank
    struct leaders tasks;
    int *ranked;              // [task]
    struct subject_sums sums; // of the cell `cell`
    int cell;
};

// --- Who is compared ----------------------------------------------------------------------------

// What cells of a class of alike.h have in common; made with the first one that is asked for.
static struct kind *kind_of(struct gathering *all, const struct score *score)
{
    const int task = alike_class(all->by_task, score->cell),
              group = alike_class(all->by_group, score->cell);
    for (int i = 0; i < all->kind_count; i++)
        if (all->kinds[i].task_class == task && all->kinds[i].group_class == group)
            return &all->kinds[i];
    struct cell cell;
    if (!grid_cell(all->grid, score->cell, &cell))
        return NULL;
    all->kinds = mem_grow(all->kinds, (size_t)all->kind_count + 1, sizeof(*all->kinds));
    struct kind *kind = &all->kinds[all->kind_count];
    *kind = (struct kind){.task_class = task, .group_class = group, .labels = cell.labels.count};
    const int known = all->tasks.count;
    kind->task = (int)(leaders_of(&all->tasks, &cell) - all->tasks.items);
    if (all->tasks.count > known) {
        all->ranked = mem_grow(all->ranked, (size_t)all->tasks.count, sizeof(*all->ranked));
        all->ranked[kind->task] = 0;
    }
    const bool found = subject_layout_of(&all->layouts, all->store, &cell, &kind->layout);
    cell_free(&cell);
    all->kind_count += found;
    return found ? kind : NULL;
}

static bool add_entry(struct gathering *all, const struct score *score)
{
    const struct kind *kind = kind_of(all, score);
    if (!kind)
        return false;
    all->entries[all->count] = (struct entry){
        .score = score,
        .task = kind->task,
        .rank = ++all->ranked[kind->task],
        .layout = kind->layout,
        .labels = kind->labels,
    };
    all->entry_of[score->cell] = all->count++;
    return true;
}

static bool add_entries(struct gathering *all, const struct score *scores)
{
    const int cells = all->grid->cell_count;
    int count;
    const struct score **sorted = scores_sort(scores, cells, &count);
    bool added = true;
    all->entries = mem_alloc(((size_t)count + 1) * sizeof(*all->entries));
    all->entry_of = mem_alloc(((size_t)cells + 1) * sizeof(*all->entry_of));
    for (int i = 0; i < cells; i++)
        all->entry_of[i] = -1;
    for (int i = 0; added && i < count; i++)
        added = add_entry(all, sorted[i]);
    free(sorted);
    return added;
}

// --- Their Dice ---------------------------------------------------------------------------------

// All runs of the cell before have been seen.
static void end_cell(struct gathering *all)
{
    if (all->cell < 0)
        return;
    struct entry *entry = &all->entries[all->entry_of[all->cell]];
    entry->values = subject_sums_end(&all->sums, &entry->square, &entry->freedom, &entry->error);
    all->cell = -1;
}

static bool take_run(void *context, int cell, int run, const struct overlaps *overlaps)
{
    struct gathering *all = context;
    if (cell < 0 || cell >= all->grid->cell_count || all->entry_of[cell] < 0)
        return true;
    const struct entry *entry = &all->entries[all->entry_of[cell]];
    if (!entry->layout || overlaps->labels != entry->labels)
        return true;
    if (cell != all->cell) {
        end_cell(all);
        all->cell = cell;
        subject_sums_begin(&all->sums, entry->layout);
    }
    subject_sums_add(&all->sums, run, overlaps);
    return true;
}

// --- The sets -----------------------------------------------------------------------------------

static int compare_dice(const void *left, const void *right)
{
    const struct best_set_cell *const *a = left, *const *b = right;
    return (*a)->dice > (*b)->dice ? -1 : (*a)->dice < (*b)->dice ? 1 : (*a)->rank - (*b)->rank;
}

// How much a run's mean Dice differs from that of the next one; and the cell with the best mean.
static void pool_runs(struct best_set *set)
{
    const struct best_set_cell **sorted = mem_alloc(((size_t)set->count + 1) * sizeof(*sorted));
    double square = 0;
    for (int i = 0; i < set->count; i++)
        sorted[i] = &set->cells[i];
    qsort(sorted, (size_t)set->count, sizeof(*sorted), compare_dice);
    set->highest = set->count > 0 ? sorted[0]->cell : set->first;
    const int share = set->count / POOLED_SHARE;
    const int most = share > POOLED_LEAST ? share : POOLED_LEAST;
    for (int i = 0, pooled = 0; i < set->count && pooled < most; i++) {
        square += sorted[i]->square;
        set->run_freedom += sorted[i]->freedom;
        pooled += sorted[i]->freedom > 0;
    }
    set->run_sd = set->run_freedom > 0 ? sqrt(square / set->run_freedom) : (double)NAN;
    free(sorted);
}

static void test_cells(struct best_set *set, const float *values, int threads)
{
    const size_t count = (size_t)set->count;
    double *errors = mem_alloc(count * sizeof(*errors)), *p = mem_alloc(count * sizeof(*p));
    for (size_t i = 0; i < count; i++)
        errors[i] = set->run_sd * sqrt(set->cells[i].error);
    model_set_test(
        &(struct model_set){
            .models = set->count,
            .subjects = set->subjects,
            .values = values,
            .error = isnan(set->run_sd) ? NULL : errors,
            .error_df = set->run_freedom,
            .resamples = MODEL_SET_RESAMPLES,
            .threads = threads,
        },
        p);
    for (size_t i = 0; i < count; i++)
        set->cells[i].p = p[i];
    free(errors);
    free(p);
}

static double mean_of(const float *values, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += values[i];
    return sum / count;
}

// Takes the cells of a task that were validated on the subjects of the first one that is known.
static float *take_cells(const struct gathering *all, int task, struct best_set *set)
{
    const struct subject_layout *layout = NULL;
    float *values = NULL;
    size_t room = 0, cells = 0;
    for (int i = 0; i < all->count; i++) {
        const struct entry *entry = &all->entries[i];
        if (entry->task != task)
            continue;
        if (!entry->values) {
            set->unknown++;
            continue;
        }
        layout = layout ? layout : entry->layout;
        if (!subject_layouts_equal(layout, entry->layout)) {
            set->others++;
            continue;
        }
        const size_t n = (size_t)layout->subjects;
        if (set->count == 0)
            set->first = entry->score->cell;
        set->subjects = layout->subjects;
        values = mem_reserve(values, &room, ((size_t)set->count + 1) * n, sizeof(*values));
        memcpy(values + (size_t)set->count * n, entry->values, n * sizeof(*values));
        set->cells = mem_reserve(set->cells, &cells, (size_t)set->count + 1, sizeof(*set->cells));
        set->cells[set->count++] = (struct best_set_cell){
            .cell = entry->score->cell,
            .rank = entry->rank,
            .dice = mean_of(entry->values, layout->subjects),
            .p = 1,
            .square = entry->square,
            .error = entry->error,
            .freedom = entry->freedom,
        };
    }
    return values;
}

static void make_set(const struct gathering *all, int task, int threads, struct best_set *set)
{
    *set = (struct best_set){
        .task = text_copy(all->tasks.items[task].task), .ranked = all->ranked[task], .run_sd = NAN};
    float *values = take_cells(all, task, set);
    pool_runs(set);
    if (set->count > 1 && set->subjects > 1)
        test_cells(set, values, threads);
    free(values);
}

bool best_sets_make(struct store *store, const struct grid *grid, const struct score *scores,
                    int threads, struct best_sets *sets)
{
    struct gathering all = {
        .store = store,
        .grid = grid,
        .by_task = alike_new(grid, PURPOSE_TASK),
        .by_group = alike_new(grid, PURPOSE_GROUP),
        .cell = -1,
    };
    *sets = (struct best_sets){0};
    const bool made = add_entries(&all, scores) && store_kept_overlaps(store, take_run, &all);
    end_cell(&all);
    if (made) {
        sets->items = mem_zalloc((size_t)all.tasks.count + 1, sizeof(*sets->items));
        for (; sets->count < all.tasks.count; sets->count++)
            make_set(&all, sets->count, threads, &sets->items[sets->count]);
    }
    for (int i = 0; i < all.count; i++)
        free(all.entries[i].values);
    subject_sums_free(&all.sums);
    subject_layouts_free(&all.layouts);
    leaders_free(&all.tasks);
    alike_free(&all.by_task);
    alike_free(&all.by_group);
    free(all.kinds);
    free(all.entries);
    free(all.entry_of);
    free(all.ranked);
    return made;
}

void best_sets_free(struct best_sets *sets)
{
    for (int i = 0; i < sets->count; i++) {
        free(sets->items[i].task);
        free(sets->items[i].cells);
    }
    free(sets->items);
    *sets = (struct best_sets){0};
}

const struct best_set *best_sets_of(const struct best_sets *sets, const char *task)
{
    for (int i = 0; sets && i < sets->count; i++)
        if (strcmp(sets->items[i].task, task) == 0)
            return &sets->items[i];
    return NULL;
}

const struct best_set_cell *best_set_find(const struct best_set *set, int cell, int *at)
{
    for (int i = 0; set && i < set->count; i++) {
        const int place = (*at + i) % set->count;
        if (set->cells[place].cell == cell) {
            *at = place;
            return &set->cells[place];
        }
    }
    return NULL;
}
