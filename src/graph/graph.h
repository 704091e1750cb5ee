// SPDX-License-Identifier: MIT
// What the files of this room share.
#pragma once

#include "vkgrid/graph/graph.h"

// Appends a tensor: as `tensor`, but with this name (generated when empty) and its count from its
// shape.
int graph_add_tensor(struct graph *graph, const char *name, struct tensor tensor);

// A new activation with the shape of `like` and a generated name.
int graph_activation_like(struct graph *graph, int like);

// Names a tensor "d:<name>" after the tensor whose gradient it is.
void graph_name_gradient(struct graph *graph, int gradient, int of);
