// SPDX-License-Identifier: MIT
// What the tests of a study share: a grid of six cells, and studies of it that are run, compared
// and refused. All of them work in the current folder (home.h).
#pragma once

#include "vkgrid/run/run.h"

// Six cells of two runs in two groups; `more` goes on with what is static.
#define GRID_TEXT(more) \
    "{\"static\": {\"partition\": [[1, 2], [3]], \"raters\": [], \"gamma\": 1, \"bce_weight\": " \
    "0.5, \"until\": 2, " \
    "\"features\": {\"inputs\": {\"em\": [\"em\"]}, \"prediction\": {\"cell\": [\"cell\"]}}, " \
    "\"num_epochs\": 2, " \
    "\"inputs\": \"em\", \"prediction\": \"cell\", \"data_cache_path\": \"data\"" more \
    "}, " \
    "\"hyper\": {\"lr\": [0.1, 0.2, 0.3], \"batch_size\": [1, 2]}}"

// Before each test: nothing but empty folders of data, and fakes that do as they should.
int setup(void **state);

// Freed with grid_free().
struct grid *grid_of(const char *text);

// Searches the cells, all six unless `more` has some, into `out`; quietly, on one device,
// all of which is closed afterwards. result may be NULL.
bool run(const char *text, const char *out, int pack, struct study_options more,
         struct study_result *result);

// Of a file, with a NUL behind; the caller frees it.
char *contents(const char *path);

// Runs a statement in a study.db; returns the integer that it gives, or -1.
int64_t query(const char *path, const char *sql);

// Fails the test unless both folders' study.db give the same rows to each of the queries.
void assert_same_rows(const char *a, const char *b, const char *const *queries, int count);

// Fails the test unless both folders' study.db say the same, but for times and the numbers of rows.
void assert_same_study(const char *a, const char *b);

// Whether two folders hold the same files; prints what differs.
bool same_files(const char *a, const char *b);

// Fails the test unless `done` is false and the last error contains the message.
void expect_refusal(bool done, const char *message);
