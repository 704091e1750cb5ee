// SPDX-License-Identifier: MIT
// The nearest of many points of space: a k-d tree (Bentley 1975).
#pragma once

struct kd_tree;

// The points are copied; there is at least one and none is NaN.
struct kd_tree *kd_tree_make(int count, const float (*points)[3]);
void kd_tree_free(struct kd_tree **tree); // accepts NULL, writes NULL

// The index of the point nearest to this one; of equally near ones the lowest.
int kd_tree_nearest(const struct kd_tree *tree, const double point[3]);
