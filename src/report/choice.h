// SPDX-License-Identifier: MIT
// Which cells of a large study its page has: a browser can show thousands, not a million. Counts,
// quantiles and shares of variance are of all.
#pragma once

#include <stdbool.h>

struct cJSON;
struct store_view;

#define PAGE_CELLS 5000 // a study with more of them is thinned out

struct page_choice {
    struct page_row *rows; // what is known of all cells; NULL: all of the study are there
    int row_count;
    int *cells, count; // numbers of the chosen ones
    int *ranks;        // [number] from 1 on; 0: none
    bool *even;        // [number] chosen for being evenly spread over the ranks
    int room;          // of both
};

// Of a study with more than PAGE_CELLS cells, chooses from each task: the best, some that failed,
// were pruned, run or wait, and an even spread over the ranks. Into data, then:
//   "page": {"cells", "runs": of the study, "shown": cells of the page}
bool page_choose(struct store_view *view, struct page_choice *choice, struct cJSON *data);
void page_choice_free(struct page_choice *choice); // leaves an empty choice

// Gives every task of the data what is of all its cells:
//   "all": {"cells", "ranked", "states": {"COMPLETE", ...}, "dice": [some order statistics]}
// and "runs": [[device, seconds of all its runs]...]; nothing where all cells are there.
bool page_totals(struct store_view *view, const struct page_choice *choice, struct cJSON *data);
