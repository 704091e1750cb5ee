// SPDX-License-Identifier: MIT
#include "engine/program_plan.h"

#include "engine/fuse.h"

#include <stdio.h>
#include <stdlib.h>

struct graph *program_graph(const struct graph *graph, const struct program_options *options)
{
    return options->inspect ? graph_copied(graph) : graph_fused(graph);
}

void program_plan_forget(struct graph **graph, bool **half, struct memory_plan *plan)
{
    memory_plan_destroy(plan);
    graph_destroy(graph);
    free(*half);
    *half = NULL;
}

void program_needs(const struct program_options *options, uint64_t bytes,
                   char text[static PROGRAM_NEEDS])
{
    snprintf(text, PROGRAM_NEEDS, "%d %s of batch size %d need %.0f MiB", options->slots,
             options->slots == 1 ? "slot" : "slots", options->batch, (double)bytes / 0x1p20);
}
