// SPDX-License-Identifier: MIT
// Scores of each label, as a trial's attribute "labels" has them (record_describe_kept()).
#pragma once

struct cJSON;

// A copy of what of it has a meaning, for a study that anybody may have written; never NULL. The
// caller deletes it.
struct cJSON *labels_checked(const struct cJSON *labels);

// "Dice V1 0.912, V2 0.871" for people, cleaned (terminal.h); NULL when there is no label. The
// caller frees it.
char *labels_text(const struct cJSON *labels);
