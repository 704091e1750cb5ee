// SPDX-License-Identifier: MIT
// A small study, and everything that reads one.
#pragma once

#include "tests/fuzz/fuzz.h"

struct grid;

// Has SQLite take less time for opening a file; before all else.
void study_begin(void);

// Its grid: two cells of two runs. Freed with grid_free().
struct grid *good_grid(void);

// The bytes of its study.db, which has all kinds of rows, in pages of 512 bytes. The caller frees
// them. It is written as a file of that name in the scratch folder first.
uint8_t *good_study(const char *name, size_t *size);

// What status, report or a search that goes on reads of <folder>/study.db. The latter also writes.
enum study_reader { READER_STATUS, READER_REPORT, READER_RESUME, STUDY_READERS };
void read_study(const char *folder, enum study_reader reader);
