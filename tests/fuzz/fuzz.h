// SPDX-License-Identifier: MIT
// What the harnesses share (docs/fuzzing.md). A harness is LLVMFuzzerTestOneInput() of one reader;
// its rows in readers.txt say under which name the reader gets its file: FUZZ_FILE.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Of libFuzzer (clang).
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);

// A folder in memory, made on first use and removed at the end.
const char *fuzz_folder(void);

// The bytes as a file of that name in it: its path. A name is written again on the same open file,
// which takes a few microseconds.
const char *fuzz_file(const char *name, const uint8_t *bytes, size_t size);

// Removes a file, or a folder with all that is in it.
void fuzz_remove(const char *path);

// Returns `good`. A reader that fails must have left one line that can be shown and names `where`
// (NULL: anything); else the process is aborted, which libFuzzer reports as a fault.
bool fuzz_judge(bool good, const char *where);

// Reads every byte, so that one that is not there or was never written is noticed.
void fuzz_use(const void *bytes, size_t size);

struct bytes;
// LLVMFuzzerCustomMutator() for formats with checksums: mutates, and in three of four cases has
// `repair` make them right again, in place, so that what they guard is reached.
size_t fuzz_mutate(uint8_t *bytes, size_t size, size_t most, unsigned seed,
                   void (*repair)(struct bytes *file));
// The same for formats that may be gzip-compressed: now and then the whole file is packed.
size_t fuzz_mutate_packed(uint8_t *bytes, size_t size, size_t most, unsigned seed);
