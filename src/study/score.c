// SPDX-License-Identifier: MIT
// Reads back what record.c wrote.
#include "record.h"

#include "vkgrid/file.h"
#include "vkgrid/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_LIMIT ((size_t)256 << 20)
#define COLUMNS 12

static char *read_table(const char *folder, const char *name)
{
    void *bytes = NULL;
    size_t size;
    char *path = text_format("%s/%s", folder, name);
    const bool read = file_read(path, TABLE_LIMIT, &bytes, &size);
    free(path);
    return read ? bytes : NULL;
}

// Cuts the next line off *rest; NULL at the end, and for a last line without its newline.
static char *next_line(char **rest)
{
    char *line = *rest, *end = strchr(line, '\n');
    if (!end)
        return NULL;
    *end = 0;
    *rest = end + 1;
    return line;
}

// The numbers of a row from column `first`; false unless there are exactly `count`.
static bool read_row(char *line, int first, int count, double *values)
{
    int column = 0;
    for (char *cell = line; cell; column++) {
        char *end = strchr(cell, '\t');
        if (end)
            *end = 0;
        if (column >= first + count)
            return false;
        if (column >= first) {
            char *rest;
            values[column - first] = strtod(cell, &rest);
            if (rest == cell || *rest)
                return false;
        }
        cell = end ? end + 1 : NULL;
    }
    return column == first + count;
}

// failed: one for each run.
static bool read_training(char *table, const struct cell *cell, struct score *score, bool *failed)
{
    double values[3]; // loss, dice, training_time
    char *line = next_line(&table);
    int rows = 0;
    if (!line || strcmp(line, "input\tloss\tdice\ttraining_time") != 0)
        return false;
    while ((line = next_line(&table))) {
        if (rows == cell->until || !read_row(line, 1, 3, values))
            return false;
        failed[rows] = isnan(values[0]) || isnan(values[1]);
        score->failed += failed[rows++];
    }
    return rows == cell->until;
}

// The epochs of a failed run do not count: there are no weights to show for them.
static bool read_epochs(char *table, const struct cell *cell, struct score *score,
                        const bool *failed)
{
    double values[COLUMNS];
    char *line = next_line(&table);
    score->run = -1;
    score->dice = score->loss = INFINITY;
    while (line && (line = next_line(&table))) {
        if (!read_row(line, 0, COLUMNS, values))
            return false;
        const double run = values[0], dice = values[9], loss = values[10], best = values[11];
        if (!(run >= 0 && run < cell->until && values[1] >= 0 && values[1] < PLAN_ROUNDS &&
              values[2] >= 0))
            return false;
        if (best != 1 || failed[(int)run] || !(dice < score->dice))
            continue;
        score->dice = dice;
        score->loss = loss;
        score->run = (int)run;
        score->round = (int)values[1];
        score->epoch = values[2] < 1e9 ? (int)values[2] : 0;
    }
    return true;
}

void score_read(const char *folder, const struct cell *cell, struct score *score)
{
    char *training = read_table(folder, "training.tsv"), *epochs = read_table(folder, "epochs.tsv");
    bool *failed = mem_zalloc((size_t)cell->until, sizeof(*failed));
    *score = (struct score){.cell = cell->number, .run = -1};
    score->finished = training && epochs && read_training(training, cell, score, failed) &&
                      read_epochs(epochs, cell, score, failed);
    free(failed);
    free(training);
    free(epochs);
}
