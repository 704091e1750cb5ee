// SPDX-License-Identifier: MIT
// Standard input, read by a thread of its own while others train.
#pragma once

#include "cli/serve/reply.h"

struct input;

// Lines that are no requests are answered by errors.
bool input_open(struct replies *replies, struct input **input);
void input_close(struct input **input); // accepts NULL, writes NULL

// Waits for requests that are to be trained together: those up to a list, an empty line, "go",
// "end" or the end of the input, or up to a second in which no other came. *items: a list of {"id",
// "values"}, which the caller deletes; NULL: no more will come, or an interrupt.
void input_take(struct input *input, struct cJSON **items);

// Whether a cell is to be stopped that has been taken and has not been forgotten.
bool input_prunes(struct input *input, const char *id);
void input_forget(struct input *input, const char *id);
