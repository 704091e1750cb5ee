// SPDX-License-Identifier: MIT
// The part of a study's status that takes its runs into account.
#pragma once

struct cJSON;
struct store_view;
struct text;

// Gives each of the status' tasks its "importance", as importance_add() has it (report/parts.h);
// where the study cannot be analysed that says why.
void status_add_importance(struct store_view *view, struct cJSON *status);

// Takes it from an earlier status: that of all runs is a second's work in a large study.
void status_keep_importance(const struct cJSON *earlier, struct cJSON *status);

// That of a task as lines for people; nothing before two cells are finished.
void status_importance_text(struct text *text, const struct cJSON *task);
