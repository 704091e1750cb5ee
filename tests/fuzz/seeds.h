// SPDX-License-Identifier: MIT
// The seeds of a corpus: small good files of every reader, made by the project's own writers and
// the builders of its tests; by the libraries where it only reads a format.
#pragma once

#include <stddef.h>

struct bytes;

// The path of a seed of a reader, whose folder is made. Valid until the eighth next call.
const char *seed_path(const char *reader, const char *name);
void seed_bytes(const char *reader, const char *name, const void *bytes, size_t size);
void seed_text(const char *reader, const char *name, const char *text);
void seed_take(const char *reader, const char *name, struct bytes *file); // and frees it
void seed_need(int done, const char *what); // ends the process when something could not be made

// Each makes those of its readers.
void seed_images(void);
void seed_tensors(void);
void seed_surfaces(void);
void seed_volumes(void);
void seed_texts(void);
void seed_studies(void);
