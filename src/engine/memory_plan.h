// SPDX-License-Identifier: MIT
// Where every tensor of a program lives, for any engine. All sizes and offsets are in elements of 4
// bytes.
//
// BLOCK_STATE, _GRADIENT, _MOMENT1, _MOMENT2, _BEST: [slot][span]; in a span every tensor begins at
// a multiple of 8. The parameters come first (parameter_span), then the buffers (state_span in
// all). Gradients, moments and the best copy have the offsets of the tensor they belong to.
// BLOCK_TABLE, _SHARED, _DATA: one region a tensor, [slot][count] or, common to all slots, [count].
// BLOCK_ARENA: one region a tensor, [slot][n][count] or [slot][count]; with memory_request.by_slot
// [slot][span], a region a tensor in each span. Regions of tensors that are never alive together
// may share memory, so an engine must let an op see the memory effects of all ops before it. The
// routines of a graph run one after the other; a tensor that no op writes, or that several routines
// use, keeps its memory for good.
#pragma once

#include "vkgrid/graph/graph.h"

#define MEMORY_GUARD 16 // elements of a guard; see memory_request.inspect
// What an engine fills guards with, and the arena under inspect: NaNs, so that a kernel that reads
// one of them shows it too.
#define MEMORY_GUARD_WORD 0xffc0ffeeu
#define MEMORY_POISON_WORD 0xffbadbadu

struct memory_request {
    const struct graph *graph;
    int slots, batch;
    const bool *half; // [tensor]: made of 16-bit numbers (arena only); NULL: none is
    size_t alignment; // of regions: a power of two, at least 4
    // Nothing is reused, and guards stand before and after every region, and between the state's
    // tensors (unless OP_ADAM, which runs over whole spans, is in the graph).
    bool inspect;
    // The slots run one after the other, each a whole routine: activations that nobody reads later
    // have one place for all of them. Not with inspect.
    bool serial;
    // Each slot has a span of the arena for itself, so that an engine may lay the slots of a
    // program into several pieces of memory. Not with serial.
    bool by_slot;
    // Ops that may run at the same time: [op], whether it may with the one before. All that such
    // ops touch is alive together. NULL for a routine: each op runs when all before it are done.
    const bool *joined[ROUTINE_COUNT];
    // Scratch memory of an op in the arena, for all slots that run at once (by_slot: for one) and a
    // batch of n. NULL: no op needs any.
    size_t (*scratch)(const void *context, const struct op *op, int n);
    const void *context;
};

struct memory_place {
    size_t offset; // within its block
    size_t stride; // from one slot to the next; 0 where there is one for all
};

// MEMORY_GUARD elements that nothing may write to.
struct memory_guard {
    enum block block;
    size_t offset;
    int tensor; // beside it; NO_TENSOR: scratch
};

struct memory_plan {
    struct memory_place *tensors;   // [graph->tensor_count]
    size_t *scratch[ROUTINE_COUNT]; // [op]: offset in BLOCK_ARENA
    size_t total[BLOCK_COUNT];      // elements of each block, all slots
    size_t parameter_span, state_span;
    size_t arena_span; // by_slot, else 0: a multiple of the alignment
    struct memory_guard *guards;
    int guard_count;
};

void memory_plan_create(const struct memory_request *request, struct memory_plan *plan);
void memory_plan_destroy(struct memory_plan *plan);         // leaves an empty plan
uint64_t memory_plan_bytes(const struct memory_plan *plan); // of all blocks

// Where a tensor lies in a block that it has a part in: its own, or one that is laid out alike.
size_t memory_plan_offset(const struct memory_plan *plan, enum block block, int tensor, int slot);

// Whether the words of a guard are as they were; false names the tensor beside it.
bool memory_guard_check(const struct graph *graph, const struct memory_guard *guard,
                        const uint32_t words[static MEMORY_GUARD]);

// Whether a program of this graph has the block at all: moments only with OP_ADAM, the best copy
// only with OP_KEEP or OP_RESTORE, gradients only where there are tensors in BLOCK_GRADIENT.
bool graph_has_block(const struct graph *graph, enum block block);
// Whether a block has parts for parameters alone, not for buffers.
bool block_is_trained(enum block block);
